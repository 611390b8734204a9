"""Where files, tables, runs and progress live: one folder, and one place to change it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from lakebook.errors import LakebookError

LOCK_SECONDS = 120


def root() -> Path:
    """Return the repository: ``LAKEBOOK_ROOT``, else the nearest folder upwards that holds it.

    Raises LakebookError if ``LAKEBOOK_ROOT`` names a folder that is not a Lakebook repository.
    """
    if named := os.environ.get("LAKEBOOK_ROOT"):
        folder = Path(named).expanduser().resolve()
        if not _is_root(folder):
            raise LakebookError(
                f"LAKEBOOK_ROOT is '{named}', which has no _toc.yml and solutions/; "
                "point it at the cloned repository or unset it"
            )
        return folder
    here = Path.cwd()
    for folder in (here, *here.parents):
        if _is_root(folder):
            return folder
    # Installed in place, so the package lies in the repository.
    return Path(__file__).resolve().parents[1]


def _is_root(folder: Path) -> bool:
    return (folder / "_toc.yml").is_file() and (folder / "solutions").is_dir()


def home() -> Path:
    """Return the folder of all that is made at run time, ``LAKEBOOK_HOME`` or ``.lakebook``.

    It is created if missing. Raises LakebookError if it cannot be written.
    """
    named = os.environ.get("LAKEBOOK_HOME")
    folder = Path(named).expanduser().resolve() if named else root() / ".lakebook"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_writable(folder, error) from error
    if not os.access(folder, os.W_OK):
        raise _not_writable(folder, PermissionError("no write permission"))
    return folder


def _not_writable(folder: Path, error: OSError) -> LakebookError:
    return LakebookError(
        f"the workspace folder '{folder}' cannot be written ({error.strerror or error}); "
        "free some space or set LAKEBOOK_HOME to a folder of yours"
    )


def path(*parts: str) -> Path:
    """Return a path inside the workspace folder; the folders above it are created."""
    target = home().joinpath(*parts)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_writable(target.parent, error) from error
    return target


def write_atomic(target: Path, text: str) -> None:
    """Replace the content of a file in one step: a reader sees the old or the new, never half.

    Raises LakebookError if the disk is full or the folder read-only; the old content stays.
    """
    temporary: str | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(target)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise _not_writable(target.parent, error) from error


@contextlib.contextmanager
def lock(name: str) -> Iterator[None]:
    """Hold the named lock of this workspace, so that two labs at once do not meet."""
    held = FileLock(path("locks", f"{name}.lock"), timeout=LOCK_SECONDS)
    try:
        held.acquire()
    except Timeout as error:
        raise LakebookError(
            f"the lock '{name}' of the workspace has been held for {LOCK_SECONDS} s; "
            f"if no other lab is running, delete '{held.lock_file}'"
        ) from error
    try:
        yield
    finally:
        held.release()


def tracking_uri() -> str:
    """Return the MLflow tracking URI: one SQLite file, by absolute path.

    Absolute, because MLflow's own default follows the current folder and refuses one that
    holds an old file store.
    """
    return f"sqlite:///{path('mlflow.db')}"


def artifacts() -> Path:
    """Return the folder in which MLflow keeps artifacts."""
    folder = path("artifacts", ".keep").parent
    return folder
