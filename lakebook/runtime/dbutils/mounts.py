"""Mounts: another folder seen below ``/mnt``, recorded for each workspace.

Today's platform advises against them: a mount has no owner and no grants, whoever reaches the
workspace reads it. Volumes took their place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from lakebook import workspace
from lakebook.errors import LakebookError
from lakebook.runtime import files


class MountInfo(NamedTuple):
    """One mount point and what it shows."""

    mountPoint: str
    source: str
    encryptionType: str


# What every workspace of the platform lists.
BUILT_IN = (
    MountInfo("/", "DatabricksRoot", ""),
    MountInfo("/Volumes", "UnityCatalogVolumes", ""),
)

# Takes a source and the extra_configs of the mount; returns the folder that holds it.
Driver = Callable[[str, Mapping[str, str]], Path]
_drivers: dict[str, Driver] = {}


def mount_driver(scheme: str, factory: Driver | None) -> None:
    """Let sources of a scheme such as ``"wasbs"`` be mounted; None takes the driver away.

    `factory(source, extra_configs)` returns a folder of this machine that holds the storage, and
    raises LakebookError if the configuration does not open it.
    """
    if factory is None:
        _drivers.pop(scheme, None)
    else:
        _drivers[scheme] = factory


def folder(source: str, configs: Mapping[str, str]) -> Path:
    """Return the folder of this machine that a source of a mount, or a cloud path, means.

    Raises LakebookError if the scheme has no driver or the folder does not exist.
    """
    scheme, _ = files.split(source)
    if scheme in (None, "dbfs", "file"):
        found = Path(files.local(source))
        if not found.is_absolute():
            raise LakebookError(f"the source '{source}' is not an absolute path")
    elif scheme in _drivers:
        found = Path(_drivers[scheme](source, configs))
    else:
        known = ", ".join(f"{name}://" for name in sorted(_drivers)) or "none"
        raise LakebookError(
            f"'{source}': there is no storage for '{scheme}://' on this machine (drivers: {known});"
            " use a folder, file:/… or /Volumes/<catalog>/<schema>/<volume>"
        )
    if not found.is_dir():
        raise LakebookError(f"the source '{source}' is not a folder; create it first")
    return found


def add(mount: MountInfo, configs: Mapping[str, str], *, replace: bool) -> None:
    """Record a mount and make it seen; raises LakebookError if the mount point is taken."""
    point = _point(mount.mountPoint)
    target = folder(mount.source, configs).resolve()
    with workspace.lock("mounts"):
        known = _read()
        link = _link(point)
        if point in known:
            if not replace:
                raise LakebookError(
                    f"'{point}' shows '{known[point].source}' already; use dbutils.fs.updateMount, "
                    f"or dbutils.fs.unmount('{point}') first"
                )
            link.unlink(missing_ok=True)
        elif link.exists():
            raise LakebookError(f"'{point}' is a folder with files of its own; take another name")
        nested = next((old for old in known if _meet(old, point)), None)
        if nested:
            raise LakebookError(f"'{point}' and the mount '{nested}' would lie in one another")
        if target == files.dbfs_root() or target in files.dbfs_root().parents:
            raise LakebookError(f"'{mount.source}' holds dbfs:/ itself; mount a folder inside it")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target, target_is_directory=True)
        _write(known | {point: mount._replace(mountPoint=point)})


def remove(mount_point: str) -> None:
    """Forget a mount; what it showed stays. Raises LakebookError if there is none."""
    point = _point(mount_point)
    with workspace.lock("mounts"):
        known = _read()
        if point not in known:
            names = ", ".join(sorted(known)) or "none"
            raise LakebookError(f"'{mount_point}' is not a mount point; mounted: {names}")
        _link(point).unlink(missing_ok=True)
        _write({name: mount for name, mount in known.items() if name != point})


def listing() -> list[MountInfo]:
    """Return the mounts of this workspace, those of every workspace first."""
    return [*BUILT_IN, *(mount for _, mount in sorted(_read().items()))]


def at_or_below(path: Path) -> str | None:
    """Return a mount point that is `path` itself or lies in it, on this machine's disk."""
    for point in _read():
        link = _link(point)
        if link == path or path in link.parents:
            return point
    return None


def _point(text: str) -> str:
    scheme, inside = files.split(text)
    if scheme not in (None, "dbfs") or not re.fullmatch(r"(/[^/]+)+/?", inside):
        raise LakebookError(f"'{text}' is not a mount point; name it like /mnt/sales")
    parts = inside.strip("/").split("/")
    if ".." in parts or "." in parts or parts[0] == "Volumes":
        raise LakebookError(f"'{text}' is not a mount point; name it like /mnt/sales")
    return "/" + "/".join(parts)


def _link(point: str) -> Path:
    return files.dbfs_root().joinpath(*point.strip("/").split("/"))


def _meet(one: str, other: str) -> bool:
    return one != other and (one.startswith(other + "/") or other.startswith(one + "/"))


def _read() -> dict[str, MountInfo]:
    record = workspace.path("mounts.json")
    if not record.is_file():
        return {}
    return {row[0]: MountInfo(*row) for row in json.loads(record.read_text("utf-8"))}


def _write(known: Mapping[str, MountInfo]) -> None:
    workspace.write_atomic(workspace.path("mounts.json"), json.dumps(list(known.values())))
