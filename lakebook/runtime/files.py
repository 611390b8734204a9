"""Where a path of the platform lies on this machine: ``dbfs:/…``, ``/Volumes/…``, ``file:/…``.

Volumes are folders of the workspace, ``Volumes/<catalog>/<schema>/<volume>``; the old file system
of the platform is its folder ``dbfs``. On Databricks, and where a real ``/Volumes/<catalog>`` or
``/dbfs`` exists, nothing is translated.
"""

from __future__ import annotations

import errno
import os
import posixpath
import re
from pathlib import Path

from lakebook import workspace
from lakebook.errors import LakebookError
from lakebook.runtime.session import on_databricks

SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
# The platform keeps these for people who mistype /Volumes, and says so instead of making a folder.
MISTYPED = ("volumes", "Volume", "volume")
# Folders that the root of the old file system has; without them a path such as /tmp/out, which
# every machine knows as well, would mean this machine's.
ROOT_FOLDERS = ("FileStore", "mnt", "tmp", "user")


class PathError(LakebookError, FileNotFoundError):
    """A path that cannot be here: a volume nobody created, or a way out of its folder.

    It is a FileNotFoundError too, so ``os.path.exists`` answers False where it is raised.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.errno = errno.ENOENT
        self.strerror = message

    def __str__(self) -> str:
        """Return the message alone, without the number of the system's error."""
        return str(self.args[0])


def local(path: str) -> str:
    """Return where `path` lies on this machine's disk.

    ``/Volumes/…`` and ``dbfs:/Volumes/…`` lie in the volumes of the workspace, ``dbfs:/x`` and
    ``/dbfs/x`` in its folder ``dbfs``; ``file:/x`` is ``/x``. Other schemes, other absolute paths
    and relative ones come back as they are. Raises PathError (a LakebookError and a
    FileNotFoundError) for a volume that does not exist, and for a path that leaves its folder.
    """
    if on_databricks():
        return path
    scheme, inside = split(path)
    if scheme == "dbfs":
        return str(_in_volumes(inside) if _under(inside, "/Volumes") else _in_dbfs(inside))
    if scheme == "file" or scheme is None:
        if virtual(inside):
            return str(_in_volumes(inside) if _under(inside, "/Volumes") else _mounted(inside))
        return inside
    return path


def spark_path(path: str, writing: bool = False) -> str:
    """Return where Spark finds `path`: like `local`, and a plain absolute path means ``dbfs:/``.

    It means this machine's disk where that knows more of the path: ``/home/me/data.csv`` is the
    disk's, ``/tmp/out`` that nobody has made yet is ``dbfs:/tmp/out``, as on the platform.
    With `writing` a path above the volumes is refused, for only folders of a volume hold data.
    """
    found = local(path)
    if on_databricks():
        return path
    scheme, inside = split(path)
    if writing and _above_volumes(scheme, inside):
        raise PathError(
            f"'{path}' is above the volumes; write to /Volumes/<catalog>/<schema>/<volume>/…"
        )
    if scheme is not None or not inside.startswith("/") or virtual(inside):
        return found
    in_dbfs = _in_dbfs(inside)
    return found if _known(Path(inside)) > _known(in_dbfs, dbfs_root()) else str(in_dbfs)


def split(path: str) -> tuple[str | None, str]:
    """Return the scheme of a path, None if it has none, and what follows, with one slash at most.

    ``file:///x`` and ``file:/x`` are the same.
    """
    # A letter alone is a drive of Windows.
    named = SCHEME.match(path)
    if named is None or len(named[1]) == 1:
        return None, path
    rest = path[named.end() :]
    if named[1] in ("dbfs", "file"):
        return named[1], "/" + rest.lstrip("/")
    return named[1], rest


def virtual(path: str) -> bool:
    """Return whether a plain path starts with a folder that only the platform has."""
    if not path.startswith(("/Volumes", "/dbfs")) or on_databricks():
        return False
    if _under(path, "/dbfs"):
        return not REAL.isdir("/dbfs")
    if _under(path, "/Volumes"):
        # A Mac has a real /Volumes, with its disks.
        first = path.split("/")[2:3]
        return not REAL.isdir("/".join(["/Volumes", *first]).rstrip("/"))
    return False


def dbfs_root() -> Path:
    """Return the folder that is ``dbfs:/``; it is created, with those that are in every root."""
    root = workspace.home() / "dbfs"
    for name in ROOT_FOLDERS:
        if not REAL.isdir(str(root / name)):
            (root / name).mkdir(parents=True, exist_ok=True)
    return root


def volumes_root() -> Path:
    """Return the folder that is ``/Volumes``."""
    return workspace.path("Volumes", ".keep").parent


def volume_parts(inside: str) -> list[str]:
    """Return the parts of a path below ``/Volumes``: catalog, schema, volume, and what follows.

    Raises PathError if ``..`` leads out of it.
    """
    return _parts(inside, "/Volumes")


def install() -> None:
    """Make ``/Volumes/…`` and ``/dbfs/…`` work in this process: `open`, os, pathlib, pandas.

    Only arguments that start so are touched. Called twice it does nothing more; where a real
    folder of that name exists, and on Databricks, it changes nothing.
    """
    from lakebook.runtime import folders

    if not on_databricks():
        folders.install()


def uninstall() -> None:
    """Undo `install`."""
    from lakebook.runtime import folders

    folders.uninstall()


def _under(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")


def _parts(inside: str, root: str) -> list[str]:
    clean = posixpath.normpath(inside)
    if not _under(clean, root):
        raise PathError(f"'{inside}' leaves '{root}'; name the path without '..'")
    return [part for part in clean[len(root) :].split("/") if part]


def _in_volumes(inside: str) -> Path:
    parts = volume_parts(inside)
    if len(parts) >= 3:
        # The metastore makes the folder with the volume and removes both together.
        folder = volumes_root().joinpath(*parts[:3])
        if not REAL.isdir(str(folder)):
            name = ".".join(parts[:3])
            raise PathError(
                f"[UC_VOLUME_NOT_FOUND] Volume `{'`.`'.join(parts[:3])}` does not exist. "
                f"Create it with CREATE VOLUME {name}, or list those that exist with "
                f"SHOW VOLUMES IN {parts[0]}.{parts[1]}"
            )
    return volumes_root().joinpath(*parts)


def _in_dbfs(inside: str) -> Path:
    clean = posixpath.normpath(inside.lstrip("/"))
    if clean.split("/")[0] == "..":
        raise PathError(f"'dbfs:{inside}' leaves 'dbfs:/'; name the path without '..'")
    parts = [part for part in clean.split("/") if part != "."]
    if parts[:1] and parts[0] in MISTYPED:
        raise PathError(
            f"'dbfs:{inside}': /{parts[0]} is reserved; volumes are below /Volumes, "
            "with a capital V and an s"
        )
    return dbfs_root().joinpath(*parts)


def _mounted(inside: str) -> Path:
    """Return the place of ``/dbfs/…``, the old file system as a folder of the machine."""
    parts = _parts(inside, "/dbfs")
    if parts[:1] == ["Volumes"]:
        raise PathError(f"'{inside}': volumes are not below /dbfs; use '{inside[len('/dbfs') :]}'")
    return _in_dbfs("/" + "/".join(parts))


def _above_volumes(scheme: str | None, inside: str) -> bool:
    if scheme not in (None, "dbfs", "file") or not _under(inside, "/Volumes"):
        return False
    return (scheme == "dbfs" or virtual(inside)) and len(volume_parts(inside)) < 3


def _known(path: Path, root: Path | None = None) -> int:
    """Return how many parts of a path exist on disk, counted from `root`.

    A part with a glob's characters is never counted: what it stands for is not asked.
    """
    base = root or Path(path.anchor)
    here, count = base, 0
    for part in path.relative_to(base).parts:
        here = here / part
        if not REAL.exists(str(here)):
            break
        count += 1
    return count


class _Real:
    """The system's own answers, whatever `install` has put before them."""

    def __init__(self) -> None:
        self._stat = os.stat

    def exists(self, path: str) -> bool:
        try:
            self._stat(path)
        except (OSError, ValueError):
            return False
        return True

    def isdir(self, path: str) -> bool:
        try:
            return (self._stat(path).st_mode & 0o170000) == 0o040000
        except (OSError, ValueError):
            return False


REAL = _Real()
