"""Online stores: each one SQLite file of the workspace, which any number of processes may read.

Names, arguments and fields: https://docs.databricks.com/machine-learning/feature-store/online-tables
and `OnlineStore` of the Databricks SDK. Capacity and replicas are kept and shown, without effect:
this machine is as large as it is.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lakebook import workspace
from lakebook.ml.feature_engineering.errors import FeatureError, nearest
from lakebook.runtime.catalog import grants

CAPACITIES = ("CU_1", "CU_2", "CU_4", "CU_8")
AVAILABLE = "AVAILABLE"
NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
BUSY_SECONDS = 60

SCHEMA = """
CREATE TABLE store (
    capacity TEXT NOT NULL,
    read_replica_count INTEGER NOT NULL,
    usage_policy_id TEXT,
    creator TEXT NOT NULL,
    creation_time TEXT NOT NULL
);
CREATE TABLE tables (
    name TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    source_id TEXT NOT NULL,
    root TEXT NOT NULL,
    delta_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    mode TEXT NOT NULL,
    keys TEXT NOT NULL,
    time TEXT,
    columns TEXT NOT NULL,
    content TEXT NOT NULL,
    published INTEGER NOT NULL
);
"""


class Unset:
    """What an argument is that was not given, where None would mean something."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset()


@dataclass(frozen=True)
class DatabricksOnlineStore:
    """An online store; `creation_time` is ISO 8601 in UTC."""

    name: str
    capacity: str
    read_replica_count: int = 0
    usage_policy_id: str | None = None
    state: str = AVAILABLE
    creator: str | None = None
    creation_time: str | None = None


def create_online_store(
    *,
    name: str,
    capacity: str,
    read_replica_count: int | None = None,
    usage_policy_id: str | None = None,
) -> DatabricksOnlineStore:
    """Make an empty online store and return it; it is available at once.

    `capacity` is CU_1, CU_2, CU_4 or CU_8. Raises FeatureError if there is one of this name.
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise FeatureError(
            f"{name!r} is no name for an online store: use 1 to 63 small letters, digits and "
            "hyphens, the first a letter, such as 'shop-features'"
        )
    values = (
        _capacity(capacity),
        _replicas(read_replica_count or 0),
        usage_policy_id,
        grants.current_user(),
        dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"),
    )
    target = file(name)
    with workspace.lock("online"):
        if target.exists():
            raise FeatureError(
                f"there is an online store '{name}' already; take it with "
                f"get_online_store(name='{name}'), or delete it first"
            )
        # Renamed when all of it is there, so that nobody ever opens half a store.
        draft = target.with_suffix(".new")
        draft.unlink(missing_ok=True)
        opened = sqlite3.connect(draft, isolation_level=None)
        opened.executescript(SCHEMA)
        opened.execute("INSERT INTO store VALUES (?, ?, ?, ?, ?)", values)
        opened.execute("PRAGMA journal_mode = WAL")
        opened.close()
        draft.replace(target)
    return require(name)


def get_online_store(*, name: str) -> DatabricksOnlineStore | None:
    """Return the online store of this name, or None."""
    if not isinstance(name, str) or not NAME.fullmatch(name) or not file(name).exists():
        return None
    row = connection(name).execute(
        "SELECT capacity, read_replica_count, usage_policy_id, creator, creation_time FROM store"
    )
    capacity, replicas, policy, creator, created = row.fetchone()
    return DatabricksOnlineStore(
        name, capacity, replicas, policy, creator=creator, creation_time=created
    )


def list_online_stores() -> list[DatabricksOnlineStore]:
    """Return the online stores of the workspace, by name."""
    return [found for name in names() if (found := get_online_store(name=name))]


def update_online_store(
    *,
    name: str,
    capacity: str | Unset = UNSET,
    read_replica_count: int | Unset = UNSET,
    usage_policy_id: str | Unset | None = UNSET,
) -> DatabricksOnlineStore:
    """Change what is given of an online store, and return it. Raises FeatureError."""
    require(name)
    changes: dict[str, Any] = {}
    if not isinstance(capacity, Unset):
        changes["capacity"] = _capacity(capacity)
    if not isinstance(read_replica_count, Unset):
        changes["read_replica_count"] = _replicas(read_replica_count)
    if not isinstance(usage_policy_id, Unset):
        changes["usage_policy_id"] = usage_policy_id
    if changes:
        sets = ", ".join(f"{column} = ?" for column in changes)
        connection(name).execute(f"UPDATE store SET {sets}", tuple(changes.values()))
    return require(name)


def delete_online_store(*, name: str) -> None:
    """Delete an online store with the tables that are published in it."""
    require(name)
    with workspace.lock("online"):
        for end in ("", "-wal", "-shm"):
            Path(f"{file(name)}{end}").unlink(missing_ok=True)


def _capacity(capacity: Any) -> str:
    if capacity not in CAPACITIES:
        raise FeatureError(f"capacity is {capacity!r}; it is one of {', '.join(CAPACITIES)}")
    return str(capacity)


def _replicas(count: Any) -> int:
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise FeatureError(f"read_replica_count is {count!r}; give a whole number from 0")
    return count


def require(name: str) -> DatabricksOnlineStore:
    """Return the online store of this name. Raises FeatureError if there is none."""
    found = get_online_store(name=name)
    if found is None:
        way_out = nearest(str(name), names()) or "There is none yet."
        raise FeatureError(
            f"there is no online store '{name}'. {way_out} Make one with "
            "create_online_store(name=…, capacity='CU_1')"
        )
    return found


def names() -> list[str]:
    """Return the names of the online stores."""
    return sorted(found.stem for found in file("any").parent.glob("*.db"))


def file(name: str) -> Path:
    """Return the file of a store, which need not exist."""
    return workspace.path("online", f"{name}.db")


_local = threading.local()


def connection(name: str) -> sqlite3.Connection:
    """Return this thread's connection to a store. Raises FeatureError if there is none."""
    return connect(file(name))


def connect(target: Path) -> sqlite3.Connection:
    """Return this thread's connection to the store in a file.

    Raises FeatureError if it was deleted.
    """
    kept: dict[str, tuple[tuple[int, int], sqlite3.Connection]]
    kept = _local.__dict__.setdefault("connections", {})
    key = str(target)
    try:
        # A connection must not cross a fork, and a store that was deleted must not be read on.
        mark = (os.getpid(), target.stat().st_ino)
    except FileNotFoundError:
        raise FeatureError(
            f"there is no online store '{target.stem}' any more; make it with "
            "create_online_store, and publish its tables again"
        ) from None
    if key in kept and kept[key][0] == mark:
        return kept[key][1]
    opened = sqlite3.connect(target, timeout=BUSY_SECONDS, isolation_level=None)
    opened.execute("PRAGMA synchronous = NORMAL")
    opened.execute("PRAGMA mmap_size = 1073741824")
    kept[key] = (mark, opened)
    return opened


@contextlib.contextmanager
def transaction(opened: sqlite3.Connection) -> Iterator[None]:
    """Write all of the block or nothing."""
    opened.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        opened.execute("ROLLBACK")
        raise
    opened.execute("COMMIT")
