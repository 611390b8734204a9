"""`dbutils.fs`: the file commands of the platform on this machine's files.

Names, arguments and results follow the stub in databricks-sdk (Apache-2.0).
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from secrets import token_hex
from typing import NamedTuple, NoReturn

from lakebook import workspace
from lakebook.errors import LakebookError
from lakebook.runtime import files
from lakebook.runtime.dbutils import mounts
from lakebook.runtime.dbutils.help import Utility
from lakebook.runtime.dbutils.mounts import MountInfo

CLOUD = ("wasb", "wasbs", "abfs", "abfss", "adl", "s3a", "gs")


class FileInfo(NamedTuple):
    """One entry of a listing; size in bytes, modification time in ms since 1970."""

    path: str
    name: str
    size: int
    modificationTime: int

    def isDir(self) -> bool:
        """Return whether it is a folder."""
        return self.name.endswith("/")

    def isFile(self) -> bool:
        """Return whether it is a file."""
        return not self.isDir()


class FileSystem(Utility):
    """Files and folders: dbfs:/…, /Volumes/…, and this machine's disk as file:/…"""

    _path = "dbutils.fs"

    def ls(self, path: str) -> list[FileInfo]:
        """Return the entries of a folder, or the one of a file, sorted by name.

        Above the volumes these are catalogs, schemas and volumes.
        """
        above = _above_volumes(path)
        if above is not None:
            return above
        shown, local = _existing(path)
        if not local.is_dir():
            return [_info(shown.parent, local, _scheme(path))]
        entries = sorted(local.iterdir(), key=lambda entry: entry.name)
        return [_info(shown, entry, _scheme(path)) for entry in entries]

    def head(self, file: str, max_bytes: int = 65536) -> str:
        """Return the first `max_bytes` bytes of a text file, and say so if there are more."""
        _, local = _existing(file)
        if local.is_dir():
            raise LakebookError(f"'{file}' is a folder; dbutils.fs.ls lists it")
        with local.open("rb") as stream:
            start = stream.read(max_bytes)
            if stream.read(1):
                print(f"[Truncated to first {max_bytes} bytes]")
        return start.decode("utf-8", "replace")

    def put(self, file: str, contents: str, overwrite: bool = False) -> bool:
        """Write a text file as UTF-8; an existing one is kept unless `overwrite` is true.

        Readers see the old file or the new one, never half of it.
        """
        if not isinstance(contents, str):
            raise LakebookError(
                f"the contents for '{file}' are of type {type(contents).__name__}; put writes text"
            )
        local = _writable(file)
        if local.is_dir():
            raise LakebookError(f"'{file}' is a folder; name a file inside it")
        if local.exists() and not overwrite:
            raise LakebookError(f"'{file}' exists; pass overwrite=True to replace it")
        data = contents.encode("utf-8")
        with _arriving(local) as part:
            part.write_bytes(data)
        print(f"Wrote {len(data)} bytes.")
        return True

    def mkdirs(self, dir: str) -> bool:
        """Make a folder and those above it; one that exists is left alone."""
        local = _writable(dir, inside=False)
        if local.is_file():
            raise LakebookError(f"'{dir}' is a file; take another name for the folder")
        local.mkdir(parents=True, exist_ok=True)
        return True

    def cp(self, source: str, dest: str, recurse: bool = False) -> bool:
        """Copy a file, or with `recurse` a folder. Into an existing folder, keep the name."""
        _, origin = _existing(source)
        target = _target(source, origin, _writable(dest, inside=False), recurse)
        if origin.is_dir():
            shutil.copytree(origin, target, dirs_exist_ok=True, copy_function=_copy)
        else:
            _copy(origin, target)
        return True

    def mv(self, source: str, dest: str, recurse: bool = False) -> bool:
        """Move a file, or with `recurse` a folder: what a copy and a deletion would leave."""
        _, origin = _existing(source)
        _refuse_root(source, origin)
        target = _target(source, origin, _writable(dest, inside=False), recurse)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            shutil.move(origin, target)
        elif origin.is_dir():
            shutil.copytree(origin, target, dirs_exist_ok=True, copy_function=_copy)
            shutil.rmtree(origin)
        else:
            _copy(origin, target)
            origin.unlink()
        return True

    def rm(self, dir: str, recurse: bool = False) -> bool:
        """Delete a file, or with `recurse` a folder. False if there is nothing to delete."""
        _, local = _place(dir)
        if not local.exists():
            return False
        _refuse_root(dir, local)
        if local.is_dir():
            if not recurse and any(local.iterdir()):
                _wants_recurse(dir)
            shutil.rmtree(local)
        else:
            local.unlink()
        return True

    def mount(
        self,
        source: str,
        mount_point: str,
        encryption_type: str = "",
        owner: str | None = None,
        extra_configs: Mapping[str, str] | None = None,
    ) -> bool:
        """Show a folder (file:/…, /Volumes/… or a storage that has a driver) at a mount point.

        `owner` belongs to the platform's signature; a workspace on a laptop has one user.
        """
        mounted = MountInfo(mount_point, source, encryption_type)
        mounts.add(mounted, extra_configs or {}, replace=False)
        return True

    def updateMount(
        self,
        source: str,
        mount_point: str,
        encryption_type: str = "",
        owner: str | None = None,
        extra_configs: Mapping[str, str] | None = None,
    ) -> bool:
        """Show another source at a mount point that exists, or mount it if it does not."""
        mounted = MountInfo(mount_point, source, encryption_type)
        mounts.add(mounted, extra_configs or {}, replace=True)
        return True

    def mounts(self) -> list[MountInfo]:
        """Return what is mounted."""
        return mounts.listing()

    def refreshMounts(self) -> bool:
        """Return True: every process reads the record of mounts anew, so none is out of date."""
        return True

    def unmount(self, mount_point: str) -> bool:
        """Delete a mount point; the files that it showed stay."""
        mounts.remove(mount_point)
        return True

    def cacheFiles(self, *files: str) -> bool:
        """Raise LakebookError: it managed a cache on a cluster's disks, and there is none here."""
        _no_cache("cacheFiles")

    def cacheTable(self, name: str) -> bool:
        """Raise LakebookError: use spark.catalog.cacheTable, which keeps a table in memory."""
        _no_cache("cacheTable")

    def uncacheFiles(self, *files: str) -> bool:
        """Raise LakebookError: it managed a cache on a cluster's disks, and there is none here."""
        _no_cache("uncacheFiles")

    def uncacheTable(self, name: str) -> bool:
        """Raise LakebookError: use spark.catalog.uncacheTable."""
        _no_cache("uncacheTable")


def _no_cache(command: str) -> NoReturn:
    raise LakebookError(
        f"dbutils.fs.{command} managed a cache on the disks of a cluster, which this machine has "
        "not; spark.catalog.cacheTable and DataFrame.cache keep data in memory"
    )


def _scheme(path: str) -> str:
    return files.split(path)[0] or "dbfs"


def _place(path: str) -> tuple[PurePosixPath, Path]:
    """Return how a listing shows a path, and where it lies on this machine's disk."""
    scheme, inside = files.split(path)
    if scheme in CLOUD:
        return PurePosixPath(inside), mounts.folder(path, {})
    if scheme not in (None, "dbfs", "file"):
        raise LakebookError(f"'{path}': the scheme '{scheme}:' is not known; use dbfs: or file:")
    if not inside.startswith("/"):
        raise LakebookError(f"'{path}' is relative; write dbfs:/{path} or /{path}")
    shown = PurePosixPath("/" + inside.lstrip("/"))
    if ".." in shown.parts:
        raise LakebookError(f"'{path}' leaves its folder; name the path without '..'")
    return shown, Path(files.local(f"{scheme or 'dbfs'}:{shown}"))


def _existing(path: str) -> tuple[PurePosixPath, Path]:
    shown, local = _place(path)
    if not local.exists():
        hint = "dbutils.fs.ls shows what is there"
        if files.split(path)[0] is None and Path(shown).exists():
            hint = f"this machine's disk has it: write 'file:{shown}'"
        elif shown.parts[1:2] == ("dbfs",):
            hint = f"here '/dbfs' is left out: write '/{'/'.join(shown.parts[2:])}'"
        raise files.PathError(f"there is no '{path}'; {hint}")
    return shown, local


def _above_volumes(path: str) -> list[FileInfo] | None:
    """Return the catalogs, the schemas of one or the volumes of one; None for any other path."""
    from lakebook.runtime.catalog import store

    shown, _ = _place(path)
    names = shown.parts[2:]
    if _scheme(path) != "dbfs" or shown.parts[1:2] != ("Volumes",) or len(names) > 2:
        return None
    parent = store.ROOT
    for kind, name in zip(("CATALOG", "SCHEMA"), names, strict=False):
        row = store.child(parent, kind, name)
        if row is None:
            return None
        parent = row.id
    kind = ("CATALOG", "SCHEMA", "VOLUME")[len(names)]
    return [
        FileInfo(f"dbfs:{shown / row.name}/", f"{row.name}/", 0, row.altered)
        for row in store.children(parent, kind)
    ]


def _writable(path: str, *, inside: bool = True) -> Path:
    """Return where to write; raises LakebookError above the volumes, or at the root of one."""
    shown, local = _place(path)
    depth = len(shown.parts) - 2
    if _scheme(path) == "dbfs" and shown.parts[1:2] == ("Volumes",) and depth < 3 + inside:
        raise LakebookError(
            f"'{path}' is not inside a volume; write to /Volumes/<catalog>/<schema>/<volume>/…"
        )
    return local


def _target(source: str, origin: Path, target: Path, recurse: bool) -> Path:
    """Return where a copy of `origin` goes; raises LakebookError if it would meet itself."""
    if origin.is_dir():
        if not recurse:
            _wants_recurse(source)
        if target.is_file():
            raise LakebookError(f"'{source}' is a folder and its destination a file")
    elif target.is_dir():
        target = target / origin.name
    if target.is_dir() and origin.is_file():
        raise LakebookError(f"a folder of the name '{target.name}' is in the way of '{source}'")
    here, there = origin.resolve(), target.resolve()
    if here == there or here in there.parents:
        raise LakebookError(f"'{source}' cannot go into itself; name another destination")
    return target


def _refuse_root(path: str, local: Path) -> None:
    if local in (files.dbfs_root(), files.volumes_root(), Path(local.anchor)):
        raise LakebookError(f"'{path}' is the root; name a folder inside it")
    volumes = files.volumes_root()
    if volumes in local.parents and len(local.relative_to(volumes).parts) <= 3:
        raise LakebookError(
            f"'{path}' is not inside a volume; DROP VOLUME removes a volume, and DROP SCHEMA more"
        )
    if point := mounts.at_or_below(local):
        raise LakebookError(f"'{point}' is a mount point; dbutils.fs.unmount('{point}') first")


def _wants_recurse(path: str) -> NoReturn:
    raise LakebookError(f"'{path}' is a folder; pass recurse=True to mean all of it")


def _copy(source: str | Path, target: str | Path) -> str:
    with _arriving(Path(target)) as part:
        shutil.copy2(source, part)
    return str(target)


@contextlib.contextmanager
def _arriving(target: Path) -> Iterator[Path]:
    """Give a file to write, and put it into its place in one step.

    It lies outside the folder where the disk allows it, so that a process killed half way leaves
    nothing that a listing shows or Spark reads.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    away = workspace.path("tmp", ".keep").parent
    same_disk = away.stat().st_dev == target.parent.stat().st_dev
    part = (away if same_disk else target.parent) / f"._{target.name[:100]}.{token_hex(8)}"
    try:
        yield part
        part.replace(target)
    except OSError as error:
        raise LakebookError(f"'{target.name}' could not be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def _info(folder: PurePosixPath, entry: Path, scheme: str) -> FileInfo:
    # A link whose target is gone is listed too.
    status = entry.stat() if entry.exists() else entry.lstat()
    slash = "/" if entry.is_dir() else ""
    return FileInfo(
        path=f"{scheme}:{folder / entry.name}{slash}",
        name=f"{entry.name}{slash}",
        size=0 if slash else status.st_size,
        modificationTime=int(status.st_mtime * 1000),
    )
