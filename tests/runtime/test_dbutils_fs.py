"""`dbutils.fs` does what its documentation says, and loses nothing when it is stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lakebook.errors import LakebookError
from lakebook.runtime import files
from lakebook.runtime.dbutils import DBUtils, FileInfo, MountInfo, mount_driver

VOLUME = "/Volumes/main/default/raw"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("LAKEBOOK_HOME", str(tmp_path / "home"))
    (files.volumes_root() / "main" / "default" / "raw").mkdir(parents=True)
    return tmp_path / "home"


@pytest.fixture
def fs(home):
    return DBUtils().fs


def test_the_same_file_is_seen_by_each_of_its_names(fs, home):
    fs.put(f"{VOLUME}/a.txt", "in the volume")
    assert fs.head(f"dbfs:{VOLUME}/a.txt") == "in the volume"
    assert fs.head(f"file:{VOLUME}/a.txt") == "in the volume"
    assert fs.head(f"file:{home}{VOLUME}/a.txt") == "in the volume"
    fs.put("/x/b.txt", "in dbfs")
    assert fs.head("dbfs:/x/b.txt") == fs.head("file:/dbfs/x/b.txt") == "in dbfs"


def test_a_listing_names_path_size_and_time_in_milliseconds(fs):
    fs.put(f"{VOLUME}/b/c.txt", "über")
    fs.put(f"{VOLUME}/a.txt", "")
    before = time.time() * 1000
    first, second = fs.ls(VOLUME)
    assert first[:3] == (f"dbfs:{VOLUME}/a.txt", "a.txt", 0)
    assert second[:3] == (f"dbfs:{VOLUME}/b/", "b/", 0)
    assert (first.isFile(), first.isDir()) == (True, False)
    assert (second.isFile(), second.isDir()) == (False, True)
    assert abs(first.modificationTime - before) < 60_000
    (itself,) = fs.ls(f"{VOLUME}/b/c.txt")
    assert itself == FileInfo(f"dbfs:{VOLUME}/b/c.txt", "c.txt", 5, itself.modificationTime)


def test_above_the_volumes_a_listing_has_what_the_catalog_knows(fs):
    assert [entry.path for entry in fs.ls("/Volumes")] == ["dbfs:/Volumes/main/"]
    assert [entry.path for entry in fs.ls("dbfs:/Volumes/main/")] == ["dbfs:/Volumes/main/default/"]
    assert fs.ls("/Volumes/main/default") == []
    with pytest.raises(LakebookError, match="there is no '/Volumes/nope'"):
        fs.ls("/Volumes/nope")


def test_a_listing_of_this_machines_disk_has_its_scheme(fs, tmp_path):
    (tmp_path / "x.txt").write_text("1")
    assert f"file:{tmp_path}/x.txt" in [entry.path for entry in fs.ls(f"file:{tmp_path}")]


def test_head_says_that_there_is_more(fs, capsys):
    fs.put("/a.txt", "0123456789")
    assert fs.head("/a.txt", 4) == "0123"
    assert "[Truncated to first 4 bytes]" in capsys.readouterr().out
    assert fs.head("/a.txt") == "0123456789"
    assert capsys.readouterr().out == ""


def test_put_says_what_it_wrote_and_replaces_only_when_told(fs, capsys):
    assert fs.put("/a.txt", "über") is True
    assert capsys.readouterr().out == "Wrote 5 bytes.\n"
    with pytest.raises(LakebookError, match="pass overwrite=True"):
        fs.put("/a.txt", "new")
    fs.put("/a.txt", "new", overwrite=True)
    assert fs.head("/a.txt") == "new"


def test_a_put_that_is_killed_leaves_the_old_file(fs, home):
    fs.put(f"{VOLUME}/a.txt", "old")
    # Killed where half of the new file is on the disk and it is not in its place.
    program = (
        "import os, pathlib, time\n"
        "from lakebook.runtime.dbutils import DBUtils\n"
        "def write(self, data):\n"
        "    open(self, 'wb').write(data[:len(data) // 2]); print('half', flush=True)\n"
        "    time.sleep(60)\n"
        "pathlib.Path.write_bytes = write\n"
        f"DBUtils().fs.put('{VOLUME}/a.txt', 'n' * 1_000_000, True)\n"
    )
    victim = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, env=dict(os.environ)
    )
    assert victim.stdout is not None and victim.stdout.readline() == b"half\n"
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    victim.stdout.close()
    assert fs.head(f"{VOLUME}/a.txt") == "old"
    assert [entry.name for entry in fs.ls(VOLUME)] == ["a.txt"]


def test_a_disk_error_while_writing_leaves_the_old_file(fs, monkeypatch):
    fs.put("/a.txt", "old")

    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(LakebookError, match="No space left on device"):
        fs.put("/a.txt", "new", True)
    assert fs.head("/a.txt") == "old"


def test_copies_keep_names_in_folders_and_merge_folders(fs):
    fs.put("/in/a.txt", "a")
    fs.mkdirs("/out")
    fs.put("/out/b.txt", "b")
    assert fs.cp("/in/a.txt", "/out")
    assert fs.cp("/in", "/out", True) and fs.cp("/in", f"{VOLUME}/in", recurse=True)
    assert [entry.name for entry in fs.ls("/out")] == ["a.txt", "b.txt"]
    assert fs.head(f"{VOLUME}/in/a.txt") == "a"
    fs.cp("/in/a.txt", f"file:{files.local(VOLUME)}/by-disk.txt")
    assert fs.head(f"{VOLUME}/by-disk.txt") == "a"


def test_moves_leave_what_a_copy_and_a_deletion_would(fs):
    fs.put("/in/a.txt", "a")
    fs.put("/to/b.txt", "b")
    assert fs.mv("/in", "/to", recurse=True)
    assert [entry.name for entry in fs.ls("/to")] == ["a.txt", "b.txt"]
    assert not any(entry.name == "in/" for entry in fs.ls("/"))
    assert fs.mv("/to/a.txt", VOLUME)
    assert fs.head(f"{VOLUME}/a.txt") == "a"
    assert [entry.name for entry in fs.ls("/to")] == ["b.txt"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda fs: fs.cp("/d", "/e"), "pass recurse=True"),
        (lambda fs: fs.cp("/d", "/d/sub", True), "cannot go into itself"),
        (lambda fs: fs.mv("/d", "/d/sub", True), "cannot go into itself"),
        (lambda fs: fs.cp("/d/a.txt", "/d/a.txt"), "cannot go into itself"),
        (lambda fs: fs.cp("/d", "/f.txt", True), "its destination a file"),
        (lambda fs: fs.put("/d", "x", True), "is a folder; name a file"),
        (lambda fs: fs.put("/x", 5), "put writes text"),
        (lambda fs: fs.mkdirs("/f.txt"), "is a file; take another name"),
        (lambda fs: fs.head("/d"), "dbutils.fs.ls lists it"),
        (lambda fs: fs.ls("relative"), "is relative; write dbfs:/relative"),
        (lambda fs: fs.ls("/dbfs/d"), "'/dbfs' is left out: write '/d'"),
        (lambda fs: fs.ls("/etc/hosts"), "write 'file:/etc/hosts'"),
        (lambda fs: fs.put("/Volumes/main/default/x.txt", "x"), r"does not exist.*CREATE VOLUME"),
        (lambda fs: fs.put("/Volumes/main/x.txt", "x"), "is not inside a volume"),
        (lambda fs: fs.mkdirs("/Volumes/sales"), "is not inside a volume"),
        (lambda fs: fs.rm(VOLUME, True), "DROP VOLUME"),
        (lambda fs: fs.rm("/Volumes", True), "is the root"),
        (lambda fs: fs.ls("abfss://c@a.dfs.core.windows.net/"), "no storage for 'abfss://'"),
        (lambda fs: fs.cacheTable("t"), "spark.catalog.cacheTable"),
        (lambda fs: fs.put("/../x", "x"), r"without '\.\.'"),
        (lambda fs: fs.rm("file:/tmp/../etc", True), r"without '\.\.'"),
    ],
)
def test_errors_name_the_path_and_the_way_out(fs, call, message):
    fs.put("/d/a.txt", "a")
    fs.put("/f.txt", "f")
    with pytest.raises(LakebookError, match=message):
        call(fs)
    assert fs.head("/d/a.txt") == "a"
    assert fs.head("/f.txt") == "f"


def test_a_mount_shows_a_folder_everywhere_until_it_is_unmounted(fs, tmp_path, home):
    (tmp_path / "sales").mkdir()
    assert fs.mount(f"file:{tmp_path}/sales", "/mnt/sales") is True
    fs.put("/mnt/sales/a.txt", "a")
    assert (tmp_path / "sales/a.txt").read_text() == "a"
    assert files.spark_path("/mnt/sales/a.txt") == str(home / "dbfs/mnt/sales/a.txt")
    assert [entry.name for entry in fs.ls("/mnt")] == ["sales/"]
    assert fs.mounts()[-1] == MountInfo("/mnt/sales", f"file:{tmp_path}/sales", "")
    assert fs.refreshMounts()
    # Another process of this workspace knows it too.
    assert DBUtils().fs.mounts() == fs.mounts()
    with pytest.raises(LakebookError, match=r"shows .* already; use dbutils.fs.updateMount"):
        fs.mount(f"file:{tmp_path}/sales", "/mnt/sales")
    fs.updateMount(VOLUME, "/mnt/sales")
    assert fs.ls("/mnt/sales") == []
    assert fs.unmount("/mnt/sales")
    assert fs.ls("/mnt") == []
    assert (tmp_path / "sales/a.txt").exists()


def test_deleting_never_goes_through_a_mount(fs, tmp_path):
    (tmp_path / "sales").mkdir()
    (tmp_path / "sales/a.txt").write_text("kept")
    fs.mount(f"file:{tmp_path}/sales", "/mnt/sales")
    for path in ("/mnt/sales", "/mnt"):
        with pytest.raises(LakebookError, match=r"dbutils\.fs\.unmount"):
            fs.rm(path, True)
    assert (tmp_path / "sales/a.txt").read_text() == "kept"
    assert fs.rm("/mnt/sales/a.txt")


@pytest.mark.parametrize(
    ("source", "point", "message"),
    [
        ("file:/no/such/folder", "/mnt/x", "is not a folder"),
        ("wasbs://data@account.blob.core.windows.net", "/mnt/x", r"no storage for 'wasbs://'"),
        (VOLUME, "/", "is not a mount point"),
        (VOLUME, "/Volumes/x", "is not a mount point"),
        (VOLUME, "/mnt/../x", "is not a mount point"),
        (VOLUME, "/mnt", "a folder with files of its own"),
        ("dbfs:/", "/mnt/x", "holds dbfs:/ itself"),
        (VOLUME, "/mnt/taken/below", "would lie in one another"),
    ],
)
def test_what_cannot_be_mounted_is_explained(fs, source, point, message):
    fs.mount(VOLUME, "/mnt/taken")
    with pytest.raises(LakebookError, match=message):
        fs.mount(source, point)
    with pytest.raises(LakebookError, match="is not a mount point; mounted: /mnt/taken"):
        fs.unmount("/mnt/none")


def test_a_driver_opens_the_storage_of_a_cloud_if_the_configuration_does(fs, tmp_path):
    def driver(source, configs):
        if configs.get("fs.azure.key") != "right":
            raise LakebookError("the key of the account is wrong")
        folder = tmp_path / "container"
        folder.mkdir(exist_ok=True)
        return folder

    mount_driver("wasbs", driver)
    try:
        with pytest.raises(LakebookError, match="key of the account"):
            fs.mount("wasbs://c@a", "/mnt/c", extra_configs={"fs.azure.key": "wrong"})
        fs.mount("wasbs://c@a", "/mnt/c", extra_configs={"fs.azure.key": "right"})
        fs.put("/mnt/c/x.txt", "x")
    finally:
        mount_driver("wasbs", None)
    assert (tmp_path / "container/x.txt").read_text() == "x"
    # The key is not kept beside the name.
    assert "right" not in (files.dbfs_root().parent / "mounts.json").read_text()


def test_help_is_there_at_each_level(fs, capsys):
    tools = DBUtils()
    tools.help()
    text = capsys.readouterr().out
    for name in ("fs", "widgets", "secrets", "notebook", "jobs", "data", "library", "credentials"):
        assert f"\n{name} -> " in text
        getattr(tools, name).help()
        assert len(capsys.readouterr().out.splitlines()) > 2
    fs.help()
    assert (
        "put(file: str, contents: str, overwrite: bool = False) -> bool ->"
        in capsys.readouterr().out
    )
    fs.help("cp")
    assert capsys.readouterr().out.startswith("dbutils.fs.cp(source: str, dest: str, recurse")
    tools.jobs.taskValues.help("get")
    assert "debugValue" in capsys.readouterr().out
    with pytest.raises(LakebookError, match="'copy' is not known; did you mean 'cp'"):
        fs.help("copy")
    with pytest.raises(AttributeError, match=r"'list' is not known; did you mean 'ls'"):
        fs.list("/")


def test_credentials_say_what_they_are(fs):
    for name in ("showRoles", "showCurrentRole", "getCurrentCredentials"):
        with pytest.raises(LakebookError, match=r"AWS account.*dbutils.secrets"):
            getattr(DBUtils().credentials, name)()


def test_a_function_for_sparks_workers_cannot_take_it_along(fs):
    import cloudpickle

    tools = DBUtils()
    with pytest.raises(LakebookError, match="works in the notebook only"):
        cloudpickle.dumps(lambda key: tools.secrets.get("scope", key))
