"""Where things live: the folder, atomic writes, locks, and messages that show the way out."""

from __future__ import annotations

import pytest

from lakebook import workspace
from lakebook.errors import LakebookError, unknown


@pytest.fixture
def repository(tmp_path, monkeypatch):
    (tmp_path / "repo" / "solutions" / "day2").mkdir(parents=True)
    (tmp_path / "repo" / "_toc.yml").write_text("root: book/index\n")
    monkeypatch.delenv("LAKEBOOK_ROOT", raising=False)
    monkeypatch.delenv("LAKEBOOK_HOME", raising=False)
    return tmp_path / "repo"


def test_root_is_found_from_a_folder_deep_inside(repository, monkeypatch):
    monkeypatch.chdir(repository / "solutions" / "day2")
    assert workspace.root() == repository
    assert workspace.home() == repository / ".lakebook"


def test_root_named_by_the_environment_must_be_a_repository(tmp_path, monkeypatch):
    monkeypatch.setenv("LAKEBOOK_ROOT", str(tmp_path))
    with pytest.raises(LakebookError, match=r"LAKEBOOK_ROOT is .* no _toc\.yml"):
        workspace.root()


def test_home_moves_with_one_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("LAKEBOOK_HOME", str(tmp_path / "elsewhere"))
    assert workspace.path("a", "b.txt") == tmp_path / "elsewhere" / "a" / "b.txt"
    assert (tmp_path / "elsewhere" / "a").is_dir()
    assert workspace.tracking_uri() == f"sqlite:///{tmp_path}/elsewhere/mlflow.db"


def test_home_that_cannot_be_made_is_named_with_the_way_out(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LAKEBOOK_HOME", str(tmp_path / "file" / "inside"))
    with pytest.raises(LakebookError, match=r"file/inside' cannot be written .*set LAKEBOOK_HOME"):
        workspace.home()


def test_a_write_that_fails_leaves_the_old_content(tmp_path, monkeypatch):
    target = tmp_path / "progress.json"
    target.write_text("old")

    def no_space(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(LakebookError, match="No space left on device"):
        workspace.write_atomic(target, "new")
    assert target.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["progress.json"]


def test_an_unknown_name_gets_the_nearest_match():
    error = unknown("dataset", "sale_weekly", ["sales_weekly", "air_quality"])
    assert str(error) == "dataset 'sale_weekly' is not known; did you mean 'sales_weekly'?"


def test_an_unknown_name_far_from_all_lists_what_is_known():
    assert "known: air_quality, sales_weekly" in str(
        unknown("dataset", "zzz", ["sales_weekly", "air_quality"])
    )
