"""``/Volumes`` and ``/dbfs`` as folders of this process: `open`, os, and all that stands on them.

On the platform the system itself mounts them, which takes rights that a laptop's user has not.
Here the functions of Python that take a path translate it: pathlib, shutil, glob, pandas, numpy
and pickle end up in them. Programs that are started, and libraries that open files without
Python, do not.
"""

from __future__ import annotations

import builtins
import functools
import glob
import importlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

from lakebook.runtime import files

PREFIXES = ("/Volumes", "/dbfs")
BYTE_PREFIXES = (b"/Volumes", b"/dbfs")
ONE_PATH = (
    *("open", "stat", "lstat", "listdir", "scandir", "mkdir", "remove", "unlink", "rmdir"),
    *("access", "chmod", "chown", "lchown", "utime", "truncate", "chdir", "statvfs", "readlink"),
    *("getxattr", "listxattr", "setxattr", "removexattr", "mkfifo", "mknod", "pathconf"),
)
TWO_PATHS = ("rename", "replace", "link", "symlink")
LEVELS = ("the root of all volumes", "a catalog", "a schema", "a volume")
# Catalogs, schemas and volumes are made and removed by SQL.
CHANGES_ENTRY = {"mkdir", "rmdir", "remove", "unlink", *TWO_PATHS, "rmtree"}
KEYWORDS = ("path", "src", "dst", "file")
# Functions that these modules took from `builtins` or `io` when they were imported.
TAKEN = (
    ("IPython.core.interactiveshell", "io_open"),
    ("bz2", "_builtin_open"),
    ("tarfile", "bltn_open"),
)
# Where a library has kept `io.open` for itself, goes by descriptors, or hands a folder on to code
# that is not Python.
DEEPER = (
    ("numpy.lib._datasource", "open"),
    ("pandas.io.parquet", "stringify_path"),
    ("shutil", "rmtree"),
)
SETS = ("supports_dir_fd", "supports_effective_ids", "supports_fd", "supports_follow_symlinks")

_put: list[tuple[Any, str, Any]] = []  # what `install` replaced: where, under which name, by what


def install() -> None:
    """Put translating functions in the place of Python's own, once."""
    if _put:
        return
    for module, name, original, wrapper in _wrappers():
        _put.append((module, name, original))
        setattr(module, name, wrapper)


def uninstall() -> None:
    """Put Python's own functions back."""
    while _put:
        module, name, original = _put.pop()
        # Another tool may have wrapped ours; what it took stays, and only passes paths on.
        if hasattr(getattr(module, name), "_lakebook"):
            setattr(module, name, original)
    for name in SETS:
        known: set[Any] = getattr(os, name)
        known -= {function for function in known if hasattr(function, "_lakebook")}


def _wrappers() -> Iterator[tuple[Any, str, Any, Any]]:
    own = builtins.open
    opens = _translating(own, "builtins", "open", 1)
    yield builtins, "open", own, opens
    yield io, "open", io.open, opens
    for module_name, attribute in TAKEN:
        module = sys.modules.get(module_name)
        if getattr(module, attribute, None) is own:
            yield module, attribute, own, opens
    for names, count in ((ONE_PATH, 1), (TWO_PATHS, 2)):
        for name in names:
            original = getattr(os, name, None)
            if original is None:
                continue
            wrapper = _translating(original, "os", name, count)
            if name == "scandir":
                yield from _globs(original, wrapper)
            for known in (getattr(os, kind) for kind in SETS):
                if original in known:
                    known.add(wrapper)
            yield os, name, original, wrapper
    for module_name, name in DEEPER:
        try:
            module = importlib.import_module(module_name)
        except ImportError:
            continue
        original = getattr(module, name)
        yield module, name, original, _translating(original, module_name, name, 1)


def _globs(original: Any, wrapper: Any) -> Iterator[tuple[Any, str, Any, Any]]:
    """Yield what pathlib of Python 3.13 took from os when it was imported."""
    globber: Any = getattr(glob, "_StringGlobber", None)
    if globber is not None and globber.scandir is original:
        yield globber, "scandir", staticmethod(original), staticmethod(wrapper)


class _Entry:
    """An entry of a folder, under the path that was asked for; otherwise as os.DirEntry."""

    def __init__(self, entry: Any, folder: Any) -> None:
        self._entry = entry
        self.path = os.path.join(folder, entry.name)  # noqa: PTH118  may be bytes

    def __fspath__(self) -> Any:
        return self.path

    def __getattr__(self, name: str) -> Any:
        return getattr(self._entry, name)

    def __repr__(self) -> str:
        return f"<DirEntry {self._entry.name!r}>"


class _Entries:
    """What os.scandir returns, with such entries."""

    def __init__(self, entries: Any, folder: Any) -> None:
        self._entries = entries
        self._folder = os.fspath(folder)

    def __iter__(self) -> _Entries:
        return self

    def __next__(self) -> _Entry:
        return _Entry(next(self._entries), self._folder)

    def __enter__(self) -> _Entries:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._entries.close()


def _translating(original: Any, module: str, name: str, count: int) -> Callable[..., Any]:
    guarded = name in CHANGES_ENTRY

    @functools.wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True  # IPython leaves this frame out of what it shows
        if not _put:  # taken by someone before `uninstall`
            return original(*args, **kwargs)
        told: dict[Any, Any] = {}
        places = list(args)
        for index in range(min(count, len(args))):
            places[index] = _real(args[index], guarded, told)
        for key in KEYWORDS:
            if key in kwargs:
                kwargs[key] = _real(kwargs[key], guarded, told)
        if not told:
            return original(*args, **kwargs)
        try:
            result = original(*places, **kwargs)
            return _Entries(result, *told.values()) if name == "scandir" else result
        except OSError as error:
            # The message names the path that was asked for.
            if error.filename in told:
                error.filename = told[error.filename]
            if error.filename2 in told:
                error.filename2 = told[error.filename2]
            raise

    # Found again under this name by pickle.
    call.__module__, call.__qualname__ = module, name
    vars(call)["_lakebook"] = True
    return call


def _real(given: Any, guarded: bool, told: dict[Any, Any]) -> Any:
    """Return the path on this machine's disk for one below the prefixes; anything else as it is."""
    if isinstance(given, str):
        path: Any = given
        if not path.startswith(PREFIXES):
            return given
    elif isinstance(given, bytes):
        if not given.startswith(BYTE_PREFIXES):
            return given
        path = os.fsdecode(given)
    elif hasattr(given, "__fspath__"):
        path = os.fspath(given)
        return _real(path, guarded, told) if isinstance(path, str | bytes) else given
    else:
        return given
    if not files.virtual(path):
        return given
    if guarded and path.startswith("/Volumes"):
        _refuse_above(path)
    found: Any = files.local(path)
    found = os.fsencode(found) if isinstance(given, bytes) else found
    told[found] = given
    return found


def _refuse_above(path: str) -> None:
    parts = files.volume_parts(path)
    if len(parts) > 3:
        return
    files.local(path)  # a volume that does not exist says so
    raise PermissionError(
        f"'{path}' is {LEVELS[len(parts)]}; "
        "CREATE and DROP in SQL make and remove it, not file commands"
    )
