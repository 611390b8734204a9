"""`dbutils.fs`."""

from __future__ import annotations

from suite import Area, refused

case = Area("dbutils.fs", "https://docs.databricks.com/dev-tools/dbutils.html", on_workers=False)


def _root(it):
    from suite import key

    root = f"dbfs:/trial/{key(str(it.folder))}"
    it.dbutils.fs.mkdirs(root)
    return root, it.dbutils.fs


@case("fs.put, fs.head", "put writes a text; head gives its first bytes.")
def a_text_is_put_and_read(it):
    root, fs = _root(it)
    assert fs.put(f"{root}/a.txt", "Hello, Databricks!", True) is True
    assert fs.head(f"{root}/a.txt") == "Hello, Databricks!"
    assert fs.head(f"{root}/a.txt", 5) == "Hello"


@case("fs.put without overwrite", "An existing file is kept, unless overwrite is true.")
def a_file_is_not_overwritten(it):
    root, fs = _root(it)
    fs.put(f"{root}/a.txt", "old")
    refused(lambda: fs.put(f"{root}/a.txt", "new"), "a.txt")
    assert fs.head(f"{root}/a.txt") == "old"


@case("fs.ls", "ls lists FileInfo: path, name, size and modificationTime; folders end with /.")
def a_listing_has_file_infos(it):
    root, fs = _root(it)
    fs.put(f"{root}/a.txt", "12345")
    fs.mkdirs(f"{root}/sub")
    file, folder = fs.ls(root)
    assert (file.path, file.name, file.size) == (f"{root}/a.txt", "a.txt", 5)
    assert file.modificationTime > 1_600_000_000_000
    assert (folder.path, folder.name, folder.size) == (f"{root}/sub/", "sub/", 0)
    assert folder.isDir() and file.isFile()


@case("fs.ls in Spark", "createDataFrame takes the list that ls returns.")
def a_listing_becomes_a_frame(it):
    root, fs = _root(it)
    fs.put(f"{root}/a.txt", "1")
    frame = it.spark.createDataFrame(fs.ls(root))
    assert frame.columns == ["path", "name", "size", "modificationTime"]


@case("fs.ls of nothing", "A path that is not there is an error that names it.")
def a_missing_path_is_an_error(it):
    root, fs = _root(it)
    refused(lambda: fs.ls(f"{root}/none"), "none")


@case("fs.mkdirs", "mkdirs makes folders and their parents, and may be repeated.")
def folders_are_made_with_parents(it):
    root, fs = _root(it)
    assert fs.mkdirs(f"{root}/a/b/c") is True and fs.mkdirs(f"{root}/a/b/c") is True
    assert [entry.name for entry in fs.ls(f"{root}/a")] == ["b/"]


@case("fs.cp", "cp copies a file, and a folder with recurse=True.")
def files_and_folders_are_copied(it):
    root, fs = _root(it)
    fs.put(f"{root}/in/a.txt", "x")
    assert fs.cp(f"{root}/in/a.txt", f"{root}/b.txt") is True
    refused(lambda: fs.cp(f"{root}/in", f"{root}/out"), "recurse")
    fs.cp(f"{root}/in", f"{root}/out", recurse=True)
    assert (fs.head(f"{root}/b.txt"), fs.head(f"{root}/out/a.txt")) == ("x", "x")
    assert fs.head(f"{root}/in/a.txt") == "x"


@case("fs.cp between file systems", "cp copies between file:/, dbfs:/ and volumes.")
def files_are_copied_between_systems(it):
    root, fs = _root(it)
    own = it.path("own.txt")
    fs.put(f"{root}/a.txt", "x")
    fs.cp(f"{root}/a.txt", f"file:{own}")
    with open(own) as stream:  # noqa: PTH123
        assert stream.read() == "x"


@case("fs.mv", "mv moves: the source is gone afterwards.")
def files_are_moved(it):
    root, fs = _root(it)
    fs.put(f"{root}/a.txt", "x")
    assert fs.mv(f"{root}/a.txt", f"{root}/b.txt") is True
    assert [entry.name for entry in fs.ls(root)] == ["b.txt"]


@case("fs.rm", "rm deletes a file, a folder with recurse=True, and tells whether there was one.")
def files_and_folders_are_deleted(it):
    root, fs = _root(it)
    fs.put(f"{root}/sub/a.txt", "x")
    assert fs.rm(f"{root}/sub/a.txt") is True
    fs.put(f"{root}/sub/b.txt", "x")
    refused(lambda: fs.rm(f"{root}/sub"), "recurse")
    assert fs.rm(f"{root}/sub", recurse=True) is True
    assert fs.rm(f"{root}/sub", recurse=True) is False


@case(
    "fs.mount, fs.mounts",
    "A mount gives a place a name under /mnt, listed by mounts.",
    source="https://docs.databricks.com/dbfs/mounts.html",
    differs="Folders of this machine (file:/…) and of volumes are mounted here, to practise the "
    "old way; an address of a cloud is refused, unless a driver for it was given. New code uses "
    "volumes.",
)
def a_folder_is_mounted(it):
    _, fs = _root(it)
    it.folder.joinpath("there.txt").write_text("x")
    point = f"/mnt/{it.folder.name}"
    assert fs.mount(f"file:{it.folder}", point) is True
    found = {m.mountPoint: m.source for m in fs.mounts()}
    assert found[point] == f"file:{it.folder}"
    assert fs.head(f"{point}/there.txt") == "x"
    refused(lambda: fs.mount(f"file:{it.folder}", point), point)
    assert fs.refreshMounts() is True and fs.unmount(point) is True
    assert point not in {m.mountPoint for m in fs.mounts()}
    refused(lambda: fs.mount("s3a://bucket", f"{point}2"), "s3a://bucket")
