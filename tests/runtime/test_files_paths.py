"""A path of the platform means one place, in Spark, in Python's own functions, in pandas."""

# Python's own functions, and not only pathlib's, are what is tested.
# ruff: noqa: PTH102, PTH103, PTH104, PTH106, PTH110, PTH123, PTH207, PTH208, SIM115, UP020
from __future__ import annotations

import bz2
import glob
import io
import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lakebook.errors import LakebookError
from lakebook.runtime import files

VOLUME = "/Volumes/main/default/raw"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("LAKEBOOK_HOME", str(tmp_path / "home"))
    folder = files.volumes_root() / "main" / "default" / "raw"
    folder.mkdir(parents=True)
    return tmp_path / "home"


@pytest.fixture
def folders(home):
    """The process with /Volumes and /dbfs in it, and as it was before."""
    files.install()
    yield home
    files.uninstall()


@pytest.mark.parametrize(
    ("path", "where"),
    [
        (f"{VOLUME}/a.csv", "Volumes/main/default/raw/a.csv"),
        (f"dbfs:{VOLUME}/a.csv", "Volumes/main/default/raw/a.csv"),
        (f"file:{VOLUME}/a.csv", "Volumes/main/default/raw/a.csv"),
        (f"{VOLUME}/in/../a b.csv", "Volumes/main/default/raw/a b.csv"),
        ("/Volumes/main", "Volumes/main"),
        ("dbfs:/x/y", "dbfs/x/y"),
        ("dbfs:///x", "dbfs/x"),
        ("/dbfs/x/y", "dbfs/x/y"),
        ("file:/dbfs/x", "dbfs/x"),
        ("dbfs:/dbfs/x", "dbfs/dbfs/x"),
    ],
)
def test_the_platforms_paths_lie_in_the_workspace(home, path, where):
    assert files.local(path) == str(home / where)
    assert files.spark_path(path) == str(home / where)


@pytest.mark.parametrize(
    "path",
    ["s3a://bucket/x", "abfss://c@a.dfs.core.windows.net/x", "x/y", "./x", "/VolumesOfMine/x"],
)
def test_other_paths_stay_as_they_are(home, path):
    assert files.local(path) == path


def test_a_file_scheme_is_this_machines_disk(home):
    assert files.local("file:/etc/hosts") == "/etc/hosts"
    assert files.local("file:///etc/hosts") == "/etc/hosts"


def test_a_plain_path_is_the_old_file_systems_unless_this_machine_knows_more_of_it(home, tmp_path):
    there = tmp_path / "there.csv"
    there.write_text("x")
    assert files.spark_path(str(there)) == str(there)
    assert files.spark_path(str(tmp_path / "new")) == str(tmp_path / "new")
    assert files.spark_path("/tmp/out-of-nowhere") == str(home / "dbfs/tmp/out-of-nowhere")
    assert files.spark_path("/nowhere/out") == str(home / "dbfs/nowhere/out")
    assert files.local(str(there)) == str(there)


@pytest.mark.parametrize(
    "path",
    [
        "dbfs:/../x",
        "dbfs:/a/../../x",
        "/dbfs/../x",
        "/dbfs/a/../../../etc/passwd",
        "/Volumes/../etc/passwd",
        f"{VOLUME}/../../../../etc/passwd",
        f"dbfs:{VOLUME}/../../../../x",
        "file:/dbfs/../etc/passwd",
    ],
)
def test_no_path_with_dots_escapes(folders, path):
    with pytest.raises(LakebookError, match="leaves"):
        files.local(path)
    if path.startswith("/"):
        with pytest.raises(FileNotFoundError):
            Path(path).read_text()


@pytest.mark.parametrize("seed", range(40))
def test_wherever_dots_lead_the_place_is_in_the_workspace(home, seed):
    draw = np.random.default_rng(seed)
    root = draw.choice(["dbfs:/", "/dbfs/", "dbfs:/Volumes/", "/Volumes/", "file:/Volumes/"])
    parts = draw.choice(["..", ".", "a", "main", "default", "raw", "", "..."], size=7)
    path = root + "/".join(parts)
    try:
        found = Path(files.local(path))
    except LakebookError:
        return
    assert home in found.parents or found == home, path
    assert ".." not in found.parts


def test_a_volume_that_does_not_exist_is_named_with_the_way_out(folders):
    with pytest.raises(files.PathError) as caught:
        open("/Volumes/main/default/nope/a.csv")
    message = str(caught.value)
    assert "[UC_VOLUME_NOT_FOUND] Volume `main`.`default`.`nope` does not exist" in message
    assert "CREATE VOLUME main.default.nope" in message
    assert not os.path.exists("/Volumes/main/default/nope/a.csv")
    assert not Path("/Volumes/main/default/nope").is_dir()
    with pytest.raises(files.PathError, match="CREATE VOLUME"):
        files.spark_path("/Volumes/main/default/nope/a.csv", writing=True)


def test_spark_writes_inside_volumes_only(home):
    with pytest.raises(files.PathError, match="above the volumes"):
        files.spark_path("/Volumes/main/default", writing=True)
    assert files.spark_path(f"{VOLUME}/out", writing=True).endswith("raw/out")


def test_reserved_names_are_explained(home):
    with pytest.raises(files.PathError, match="capital V"):
        files.local("dbfs:/volumes/main/x")
    with pytest.raises(files.PathError, match="use '/Volumes/main/default/raw'"):
        files.local("/dbfs/Volumes/main/default/raw")


def test_python_opens_lists_and_removes_files_of_a_volume(folders):
    with open(f"{VOLUME}/a.txt", "w") as stream:
        stream.write("one")
    Path(f"{VOLUME}/deep/er").mkdir(parents=True)
    Path(f"{VOLUME}/deep/er/b.txt").write_text("two")
    assert io.open(f"{VOLUME}/a.txt".encode()).read() == "one"
    assert sorted(os.listdir(VOLUME)) == ["a.txt", "deep"]
    assert glob.glob("/Volumes/main/*/raw/**/*.txt", recursive=True) == [
        f"{VOLUME}/a.txt",
        f"{VOLUME}/deep/er/b.txt",
    ]
    assert [path.name for path in Path(VOLUME).rglob("*.txt")] == ["a.txt", "b.txt"]
    assert Path(VOLUME, "a.txt").resolve() == Path(VOLUME, "a.txt")
    assert [top for top, _, _ in os.walk(VOLUME)] == [
        VOLUME,
        f"{VOLUME}/deep",
        f"{VOLUME}/deep/er",
    ]
    assert next(os.walk(VOLUME, topdown=False))[0] == f"{VOLUME}/deep/er"
    with os.scandir(Path(VOLUME)) as entries:
        found = {entry.path: entry.is_dir() for entry in entries}
    assert found == {f"{VOLUME}/a.txt": False, f"{VOLUME}/deep": True}
    os.rename(f"{VOLUME}/a.txt", f"{VOLUME}/deep/c.txt")
    shutil.copytree(f"{VOLUME}/deep", "/dbfs/copied")
    shutil.rmtree(f"{VOLUME}/deep")
    assert os.listdir(VOLUME) == []
    assert (folders / "dbfs/copied/er/b.txt").read_text() == "two"
    with bz2.open("/dbfs/x.bz2", "wt") as stream:
        stream.write("packed")
    assert bz2.open(folders / "dbfs/x.bz2", "rt").read() == "packed"
    shutil.move("/dbfs/x.bz2", VOLUME)
    assert os.listdir(VOLUME) == ["x.bz2"]


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "csv.bz2", "csv.zip", "json", "parquet"])
def test_pandas_reads_what_it_wrote(folders, suffix):
    frame = pd.DataFrame({"n": [1, 2], "s": ["a", "ü"]})
    path = Path("/dbfs/tmp") / f"frame.{suffix}" if suffix == "json" else f"{VOLUME}/f.{suffix}"
    kind = suffix.split(".")[0]
    options = {"index": False} if kind == "csv" else {}
    getattr(frame, f"to_{kind}")(path, **options)
    pd.testing.assert_frame_equal(getattr(pd, f"read_{kind}")(path), frame)


def test_pandas_reads_a_folder_of_parquet_files_as_spark_writes_it(folders):
    frame = pd.DataFrame({"n": [1, 2], "s": ["a", "b"]})
    frame.to_parquet(f"{VOLUME}/table", partition_cols=["s"])
    assert sorted(os.listdir(f"{VOLUME}/table")) == ["s=a", "s=b"]
    assert pd.read_parquet(f"{VOLUME}/table")["n"].tolist() == [1, 2]


def test_numpy_and_pickle_work_there(folders):
    np.save(f"{VOLUME}/n.npy", np.arange(3))
    np.savetxt(f"{VOLUME}/n.txt", np.arange(3))
    assert np.load(f"{VOLUME}/n.npy").sum() == np.loadtxt(f"{VOLUME}/n.txt").sum() == 3
    with open(f"{VOLUME}/n.pkl", "wb") as stream:
        pickle.dump({"a": 1}, stream)
    assert pd.read_pickle(f"{VOLUME}/n.pkl") == {"a": 1}
    assert pickle.loads(pickle.dumps(os.listdir)) is os.listdir


def test_a_missing_file_is_named_as_it_was_asked_for(folders):
    with pytest.raises(FileNotFoundError) as caught:
        open(f"{VOLUME}/none.csv")
    assert caught.value.filename == f"{VOLUME}/none.csv"
    with pytest.raises(FileNotFoundError, match=f"{VOLUME}/a' -> '{VOLUME}/b'"):
        os.rename(f"{VOLUME}/a", f"{VOLUME}/b")


@pytest.mark.parametrize(
    "change",
    [
        lambda: os.mkdir("/Volumes/mine"),
        lambda: os.makedirs("/Volumes/main/sales"),
        lambda: os.rmdir(VOLUME),
        lambda: os.rename(VOLUME, "/Volumes/main/default/other"),
        lambda: shutil.rmtree("/Volumes/main"),
    ],
)
def test_catalogs_schemas_and_volumes_are_not_made_or_removed_as_folders(folders, change):
    with pytest.raises(OSError):
        change()
    assert (folders / "Volumes/main/default/raw").is_dir()
    assert sorted(os.listdir("/Volumes")) == ["main"]


def test_making_a_folder_that_is_a_volume_names_the_sql(folders):
    with pytest.raises(FileNotFoundError, match=r"CREATE VOLUME main\.default\.other"):
        os.makedirs("/Volumes/main/default/other/x")
    with pytest.raises(PermissionError, match="is a schema; CREATE and DROP in SQL"):
        os.mkdir("/Volumes/main/sales")


def test_python_is_itself_again_after_uninstalling(home):
    before = (open, io.open, os.stat, os.supports_dir_fd.copy(), bz2._builtin_open)
    files.install()
    files.install()
    taken = open
    files.uninstall()
    files.uninstall()
    assert (open, io.open, os.stat, os.supports_dir_fd, bz2._builtin_open) == before
    with pytest.raises(FileNotFoundError):
        taken(f"{VOLUME}/a.txt", "w")


def test_relative_paths_and_descriptors_are_left_alone(folders, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("Volumes").mkdir()
    handle = os.open("Volumes/x", os.O_CREAT | os.O_WRONLY)
    os.close(handle)
    assert os.listdir("Volumes") == ["x"]
    assert (tmp_path / "Volumes/x").stat().st_size == 0


def test_on_databricks_nothing_is_translated(home, monkeypatch):
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "18.0")
    before = open
    files.install()
    assert open is before
    assert files.local(f"{VOLUME}/x") == f"{VOLUME}/x"
    assert files.spark_path("dbfs:/x") == "dbfs:/x"
