"""Data sets are loaded by name, at two scales, or from the reader's own original file."""

from __future__ import annotations

import textwrap

import pytest

from lakebook import datasets
from lakebook.cli import main
from lakebook.errors import LakebookError


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    folder = tmp_path / "datasets" / "tides"
    folder.mkdir(parents=True)
    (tmp_path / "solutions").mkdir()
    (tmp_path / "_toc.yml").write_text("root: book/index\n")
    (folder / "card.md").write_text("# tides\n")
    (folder / "make.py").write_text(
        textwrap.dedent(
            """
            import pandas as pd

            def make(scale):
                return pd.DataFrame({"level": range({"small": 3, "full": 9}[scale])})
            """
        )
    )
    monkeypatch.setenv("LAKEBOOK_ROOT", str(tmp_path))
    return folder


def test_scale_decides_the_number_of_rows(shelf):
    assert datasets.names() == ["tides"]
    assert len(datasets.load("tides")) == 3
    assert len(datasets.load("tides", "full")) == 9


def test_an_unknown_dataset_or_scale_is_named_with_the_nearest_match(shelf):
    with pytest.raises(LakebookError, match="dataset 'tide' is not known; did you mean 'tides'"):
        datasets.load("tide")
    with pytest.raises(LakebookError, match="scale 'smal' is not known; did you mean 'small'"):
        datasets.load("tides", "smal")


def test_an_original_file_that_is_missing_or_not_readable_is_explained(shelf):
    with pytest.raises(LakebookError, match="has no original file to read; leave out path="):
        datasets.load("tides", path="tides.csv")
    (shelf / "make.py").write_text("def read(path):\n    return None\n")
    with pytest.raises(LakebookError, match=r"there is no file 'tides\.csv'"):
        datasets.load("tides", path="tides.csv")


def test_the_command_lists_writes_and_refuses(shelf, tmp_path, capsys):
    (shelf / "card.md").write_text("# tides\n\nHow high\nthe water stands. Generated.\n")
    assert main(["data"]) == 0
    assert capsys.readouterr().out == "tides: How high the water stands\n"
    written = tmp_path / "tides.csv"
    assert main(["data", "tides", "--scale", "full", "--to", str(written)]) == 0
    assert written.read_text().split() == ["level", *"012345678"]
    assert main(["data", "tide"]) == 2
    assert "dataset 'tide' is not known; did you mean 'tides'?" in capsys.readouterr().err
    assert main(["data", "tides", "--to", str(tmp_path / "tides.xls")]) == 2
    assert "neither a .csv nor a .parquet" in capsys.readouterr().err
    assert main(["data", "tides", "--to", str(tmp_path / "none" / "tides.csv")]) == 2
    assert "cannot be written" in capsys.readouterr().err
