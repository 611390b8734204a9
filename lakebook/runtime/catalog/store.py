"""The metastore: what is called how, where it lies, whose it is. One SQLite file of the workspace.

Catalogs, schemas, tables, views, volumes and functions are rows of one table, each below its
parent, so that tags, grants and constraints hang on any of them, follow a rename and go with it.
Any number of processes may use it at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lakebook import workspace
from lakebook.errors import LakebookError

VERSION = 1
BUSY_SECONDS = 60
DEFAULT_USER = "learner@lakebook.local"
ROOT = 1  # the metastore itself, which catalogs are below

SCHEMA = """
CREATE TABLE securables (
    -- Never given again: what remembers a table by its id must not take a later one for it.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    parent INTEGER REFERENCES securables (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    comment TEXT,
    owner TEXT NOT NULL,
    created INTEGER NOT NULL,
    creator TEXT NOT NULL,
    altered INTEGER NOT NULL,
    alterer TEXT NOT NULL,
    details TEXT NOT NULL,
    UNIQUE (parent, kind, name)
);
CREATE TABLE tags (
    securable INTEGER NOT NULL REFERENCES securables (id) ON DELETE CASCADE,
    column_name TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (securable, column_name, name)
);
CREATE TABLE grants (
    securable INTEGER NOT NULL REFERENCES securables (id) ON DELETE CASCADE,
    principal TEXT NOT NULL,
    privilege TEXT NOT NULL,
    grantor TEXT NOT NULL,
    PRIMARY KEY (securable, principal, privilege)
);
CREATE TABLE constraints (
    securable INTEGER NOT NULL REFERENCES securables (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    details TEXT NOT NULL,
    PRIMARY KEY (securable, name)
);
"""


@dataclass(frozen=True)
class Securable:
    """A row of the metastore; times in ms since 1970, `details` what only its kind has."""

    id: int
    parent: int
    kind: str
    name: str
    comment: str | None
    owner: str
    created: int
    creator: str
    altered: int
    alterer: str
    details: dict[str, Any] = field(default_factory=dict)


FIELDS = (
    "id",
    "parent",
    "kind",
    "name",
    "comment",
    "owner",
    "created",
    "creator",
    "altered",
    "alterer",
)
COLUMNS = ", ".join((*FIELDS, "details"))


class Exists(Exception):
    """There is a securable of this kind and name already."""


def user() -> str:
    """Return who uses this process: ``LAKEBOOK_USER``, or the learner."""
    return os.environ.get("LAKEBOOK_USER") or DEFAULT_USER


def now() -> int:
    """Return the time in ms since 1970."""
    return int(time.time() * 1000)


_local = threading.local()


def connection() -> sqlite3.Connection:
    """Return this thread's connection to the metastore, which is made if it is missing.

    Raises LakebookError if a newer Lakebook has written the file.
    """
    file = workspace.path("catalog.db")
    kept: sqlite3.Connection | None = getattr(_local, "connection", None)
    # A connection must not cross a fork, and a file that was deleted must not be written on.
    if kept is not None and _local.key == _key(file):
        return kept
    if kept is not None and _local.key[0] == os.getpid():
        kept.close()
    opened = _open(file)
    _local.connection, _local.key = opened, _key(file)
    return opened


def _key(file: Path) -> tuple[int, str, int]:
    try:
        return os.getpid(), str(file), file.stat().st_ino
    except FileNotFoundError:
        return os.getpid(), str(file), 0


def _open(file: Path) -> sqlite3.Connection:
    try:
        opened = sqlite3.connect(file, timeout=BUSY_SECONDS, isolation_level=None)
        opened.execute("PRAGMA foreign_keys = ON")
        opened.execute("PRAGMA synchronous = NORMAL")
        if _version(opened) == 0:
            _make(opened, file)
    except sqlite3.DatabaseError as fault:
        raise LakebookError(
            f"the catalog '{file}' cannot be read ({fault}); "
            "move the file away to start with an empty catalog"
        ) from fault
    if _version(opened) > VERSION:
        found = _version(opened)
        opened.close()
        raise LakebookError(
            f"the catalog '{file}' has version {found}, and this Lakebook knows version {VERSION}; "
            "update Lakebook, or set LAKEBOOK_HOME to another folder"
        )
    return opened


def _version(opened: sqlite3.Connection) -> int:
    return int(opened.execute("PRAGMA user_version").fetchone()[0])


def _make(opened: sqlite3.Connection, file: Path) -> None:
    """Make an empty metastore. Under a lock: the change to WAL does not wait for other processes.

    If it is killed half way the transaction is undone, and the next process makes it.
    """
    with workspace.lock("catalog"):
        if _version(opened):
            return
        opened.execute("PRAGMA journal_mode = WAL")
        opened.execute("BEGIN IMMEDIATE")
        try:
            for statement in SCHEMA.split(";\n"):
                if statement.strip():
                    opened.execute(statement)
            _insert(opened, None, "METASTORE", "metastore", None, user(), {}, ROOT)
            main = _insert(opened, ROOT, "CATALOG", "main", "Main catalog", user(), {})
            _insert(opened, main, "SCHEMA", "default", "Default schema", user(), {})
            # The platform lets everybody look into the catalog that it makes itself.
            everybody = (main, "account users", "USE CATALOG", user())
            opened.execute("INSERT INTO grants VALUES (?, ?, ?, ?)", everybody)
            opened.execute(f"PRAGMA user_version = {VERSION}")
            opened.execute("COMMIT")
        except BaseException:
            opened.execute("ROLLBACK")
            raise


@contextlib.contextmanager
def transaction() -> Iterator[sqlite3.Connection]:
    """Hold the metastore for writing: all of the block is stored, or nothing.

    Blocks may be nested; the outermost decides.
    """
    opened = connection()
    if opened.in_transaction:
        yield opened
        return
    opened.execute("BEGIN IMMEDIATE")
    try:
        yield opened
    except BaseException:
        opened.execute("ROLLBACK")
        raise
    opened.execute("COMMIT")


def _insert(
    opened: sqlite3.Connection,
    parent: int | None,
    kind: str,
    name: str,
    comment: str | None,
    owner: str,
    details: dict[str, Any],
    row: int | None = None,
) -> int:
    moment = now()
    cursor = opened.execute(
        f"INSERT INTO securables ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            row,
            parent,
            kind,
            name,
            comment,
            owner,
            moment,
            owner,
            moment,
            owner,
            json.dumps(details),
        ),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def add(
    parent: int, kind: str, name: str, owner: str, comment: str | None, details: dict[str, Any]
) -> int:
    """Add a securable below its parent and return its id. Raises Exists if there is one."""
    with transaction() as opened:
        try:
            return _insert(opened, parent, kind, name, comment, owner, details)
        except sqlite3.IntegrityError as fault:
            raise Exists(name) from fault


def _securable(row: tuple[Any, ...]) -> Securable:
    return Securable(**dict(zip(FIELDS, row[:-1], strict=True)), details=json.loads(row[-1]))


def child(parent: int, kind: str, name: str) -> Securable | None:
    """Return the securable of this kind and name below its parent, or None."""
    row = (
        connection()
        .execute(
            f"SELECT {COLUMNS} FROM securables WHERE parent = ? AND kind = ? AND name = ?",
            (parent, kind, name),
        )
        .fetchone()
    )
    return _securable(row) if row else None


def get(row: int) -> Securable | None:
    """Return the securable with this id, or None."""
    found = (
        connection().execute(f"SELECT {COLUMNS} FROM securables WHERE id = ?", (row,)).fetchone()
    )
    return _securable(found) if found else None


def children(parent: int, kind: str | None = None) -> list[Securable]:
    """Return what is below a securable, of one kind or of all, sorted by name."""
    rows = connection().execute(
        f"SELECT {COLUMNS} FROM securables WHERE parent = ? AND (? IS NULL OR kind = ?) "
        "ORDER BY name",
        (parent, kind, kind),
    )
    return [_securable(row) for row in rows]


def change(row: int, by: str, **values: Any) -> None:
    """Set columns of a securable: name, comment, owner, parent or details (a dictionary).

    Raises Exists if the new name is taken.
    """
    stored = {
        key: json.dumps(value) if key == "details" else value for key, value in values.items()
    }
    stored |= {"altered": now(), "alterer": by}
    sets = ", ".join(f"{key} = ?" for key in stored)
    with transaction() as opened:
        try:
            opened.execute(f"UPDATE securables SET {sets} WHERE id = ?", (*stored.values(), row))
        except sqlite3.IntegrityError as fault:
            raise Exists(str(values.get("name"))) from fault


def change_details(row: int, by: str, **values: Any) -> None:
    """Set some of the details of a securable; None takes one away."""
    with transaction():
        found = get(row)
        if found is None:
            return
        details = found.details | values
        kept = {key: value for key, value in details.items() if value is not None}
        change(row, by, details=kept)


def remove(row: int) -> None:
    """Remove a securable and all that hangs on it and is below it."""
    with transaction() as opened:
        opened.execute("DELETE FROM securables WHERE id = ?", (row,))


def chain(catalog: str, schema: str | None, kind: str, name: str | None) -> list[Securable]:
    """Return the catalog, the schema and the object of these names, as far as they exist."""
    found: list[Securable] = []
    parent = ROOT
    for level, part in (("CATALOG", catalog), ("SCHEMA", schema), (kind, name)):
        row = child(parent, level, part) if part is not None else None
        if row is None:
            break
        found.append(row)
        parent = row.id
    return found
