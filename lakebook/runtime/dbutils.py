"""`dbutils.fs`: the file commands of the platform on this machine's files.

``dbfs:/…`` and ``/…`` are folders of the workspace; ``file:/…`` is this machine's own disk.
Names, arguments and results follow the stub in databricks-sdk (Apache-2.0).
"""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from lakebook import workspace
from lakebook.errors import LakebookError


class FileInfo(NamedTuple):
    """One entry of a listing; size in bytes, modification time in ms since 1970."""

    path: str
    name: str
    size: int
    modificationTime: int


class FileSystem:
    """The commands of ``dbutils.fs``."""

    def ls(self, path: str) -> list[FileInfo]:
        """Return the entries of a folder, or the one of a file, sorted by name."""
        local = self._existing(path)
        scheme, inside = _split(path)
        entries = sorted(local.iterdir()) if local.is_dir() else [local]
        base = inside if local.is_dir() else inside.parent
        return [_info(scheme, base / entry.name, entry) for entry in entries]

    def head(self, file: str, max_bytes: int = 65536) -> str:
        """Return the first `max_bytes` bytes of a text file."""
        local = self._existing(file)
        if local.is_dir():
            raise LakebookError(f"'{file}' is a folder; dbutils.fs.ls lists it")
        with local.open("rb") as stream:
            return stream.read(max_bytes).decode("utf-8", "replace")

    def put(self, file: str, contents: str, overwrite: bool = False) -> bool:
        """Write a text file; an existing one is kept unless `overwrite` is true."""
        local = _local(file)
        if local.exists() and not overwrite:
            raise LakebookError(f"'{file}' exists; pass overwrite=True to replace it")
        workspace.write_atomic(local, contents)
        return True

    def mkdirs(self, dir: str) -> bool:
        """Make a folder and those above it."""
        _local(dir).mkdir(parents=True, exist_ok=True)
        return True

    def cp(self, source: str, dest: str, recurse: bool = False) -> bool:
        """Copy a file, or with `recurse` a folder. Into an existing folder, keep the name."""
        origin, target = self._existing(source), _local(dest)
        if origin.is_dir():
            _wants_recurse(source, recurse)
            shutil.copytree(origin, target, dirs_exist_ok=True)
        else:
            target = target / origin.name if target.is_dir() else target
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(origin, target)
        return True

    def mv(self, source: str, dest: str, recurse: bool = False) -> bool:
        """Move a file, or with `recurse` a folder."""
        origin, target = self._existing(source), _local(dest)
        if origin.is_dir():
            _wants_recurse(source, recurse)
        elif target.is_dir():
            target = target / origin.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(origin, target)
        return True

    def rm(self, dir: str, recurse: bool = False) -> bool:
        """Delete a file, or with `recurse` a folder. False if there is nothing to delete."""
        local = _local(dir)
        if not local.exists():
            return False
        if local == workspace.path("dbfs") or local == Path(local.anchor):
            raise LakebookError(f"'{dir}' is the root; name a folder inside it")
        if local.is_dir():
            _wants_recurse(dir, recurse)
            shutil.rmtree(local)
        else:
            local.unlink()
        return True

    def _existing(self, path: str) -> Path:
        local = _local(path)
        if not local.exists():
            raise LakebookError(f"there is no '{path}'; dbutils.fs.ls shows what is there")
        return local


class DBUtils:
    """What a notebook knows as ``dbutils``."""

    def __init__(self) -> None:
        self.fs = FileSystem()


def _wants_recurse(path: str, recurse: bool) -> None:
    if not recurse:
        raise LakebookError(f"'{path}' is a folder; pass recurse=True to mean all of it")


def _split(path: str) -> tuple[str, PurePosixPath]:
    scheme, separator, rest = path.partition(":")
    if not separator:
        scheme, rest = "dbfs", path
    if scheme not in ("dbfs", "file"):
        raise LakebookError(f"'{path}': the scheme '{scheme}:' is not known; use dbfs: or file:")
    inside = PurePosixPath("/" + rest.lstrip("/"))
    if ".." in inside.parts:
        raise LakebookError(f"'{path}' leaves its folder; name the path without '..'")
    return scheme, inside


def _local(path: str) -> Path:
    scheme, inside = _split(path)
    if scheme == "file":
        return Path(inside)
    return workspace.path("dbfs", ".keep").parent.joinpath(*inside.parts[1:])


def _info(scheme: str, inside: PurePosixPath, entry: Path) -> FileInfo:
    status = entry.stat()
    slash = "/" if entry.is_dir() else ""
    return FileInfo(
        path=f"{scheme}:{inside}{slash}",
        name=f"{entry.name}{slash}",
        size=0 if entry.is_dir() else status.st_size,
        modificationTime=int(status.st_mtime * 1000),
    )
