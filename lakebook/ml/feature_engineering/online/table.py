"""Online tables: what a store knows of each, and reading one row of it by its key."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lakebook.ml.feature_engineering.errors import FeatureError, nearest
from lakebook.ml.feature_engineering.online import store
from lakebook.ml.feature_engineering.online.codec import Codec, codec

TRIES = 20  # of a read while the table is replaced again and again


@dataclass(frozen=True)
class OnlineTable:
    """A published table: the newest row of each key of its source, as of `version` of that.

    `source_id` is the row of the catalog that the source is, `delta_id` and `root` its Delta table;
    `columns` are (name, type) in order, `content` the SQLite table that holds the rows now.
    """

    store: str
    name: str
    source: str
    source_id: str
    root: str
    delta_id: str
    version: int
    mode: str
    keys: tuple[str, ...]
    time: str | None
    columns: tuple[tuple[str, str], ...]
    content: str
    published: int

    def kind(self, column: str) -> Codec:
        """Return how the values of a column are kept."""
        return codec(dict(self.columns)[column])


FIELDS = tuple(field for field in OnlineTable.__dataclass_fields__ if field != "store")


def find(file: Path, name: str) -> OnlineTable | None:
    """Return the online table of this name in the store of a file, or None."""
    return next(iter(_select(file, "name", name)), None)


def tables(file: Path) -> list[OnlineTable]:
    """Return the online tables of a store, by name."""
    return _select(file, "1", 1)


def of_source(source_id: str) -> list[OnlineTable]:
    """Return where a feature table is published, in any store, what was published last first."""
    files = [store.file(name) for name in store.names()]
    found = [one for file in files for one in _select(file, "source_id", source_id)]
    return sorted(found, key=lambda one: one.published, reverse=True)


def named(name: str) -> OnlineTable | None:
    """Return the online table of this name in whichever store has it, or None."""
    files = [store.file(one) for one in store.names()]
    return next((found for file in files if (found := find(file, name))), None)


def _select(file: Path, column: str, value: Any) -> list[OnlineTable]:
    rows = store.connect(file).execute(
        f"SELECT {', '.join(FIELDS)} FROM tables WHERE {column} = ? ORDER BY name", (value,)
    )
    return [_table(file.stem, dict(zip(FIELDS, row, strict=True))) for row in rows]


def _table(where: str, row: dict[str, Any]) -> OnlineTable:
    row["keys"] = tuple(json.loads(row["keys"]))
    row["columns"] = tuple((name, kind) for name, kind in json.loads(row["columns"]))
    return OnlineTable(where, **row)


def put(opened: sqlite3.Connection, table: OnlineTable) -> None:
    """Enter an online table, or replace what is known of it."""
    row = asdict(table)
    row["keys"], row["columns"] = json.dumps(row["keys"]), json.dumps(row["columns"])
    marks = ", ".join("?" * len(FIELDS))
    opened.execute(
        f"INSERT OR REPLACE INTO tables ({', '.join(FIELDS)}) VALUES ({marks})",
        tuple(row[name] for name in FIELDS),
    )


def quoted(name: str) -> str:
    """Return a name as SQLite takes it whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


class Reader:
    """Reads columns of the row of a key, from whatever was published last; all without `wanted`.

    `wanted` are the columns with the types that the caller knows. Raises FeatureError if one of
    them is not there, or not of this type.
    """

    def __init__(self, file: Path, name: str, wanted: Mapping[str, str] | None = None) -> None:
        self._file, self._name, self._wanted = file, name, wanted
        self._prepare()

    def _prepare(self) -> None:
        found = find(self._file, self._name)
        if found is None:
            raise FeatureError(
                f"'{self._name}' is not published in online store '{self._file.stem}' any more; "
                "publish it again with publish_table"
            )
        known = dict(found.columns)
        wanted = known if self._wanted is None else self._wanted
        for column, kind in wanted.items():
            if column not in known:
                raise FeatureError(
                    f"online table '{self._name}' has no column '{column}'. "
                    f"{nearest(column, known)} If '{found.source}' has it since, publish it again "
                    "with publish_table"
                )
            if known[column] != kind:
                raise FeatureError(
                    f"column '{column}' of online table '{self._name}' is a {known[column]}, and a "
                    f"{kind} is asked for; make the training set or feature spec anew"
                )
        self.table = found
        self.columns = list(wanted)
        where = " AND ".join(f"{quoted(key)} = ?" for key in found.keys)
        self._sql = (
            f"SELECT {', '.join(map(quoted, self.columns))} FROM {quoted(found.content)} "
            f"WHERE {where}"
        )

    def __call__(self, key: Sequence[Any]) -> tuple[Any, ...] | None:
        """Return the values of the columns as SQLite keeps them; None if there is no such key."""
        for _ in range(TRIES):
            try:
                cursor = store.connect(self._file).execute(self._sql, key)
                row: tuple[Any, ...] | None = cursor.fetchone()
                return row
            except sqlite3.OperationalError as error:
                # It was published anew since, and what it was read from is gone.
                if "no such" not in str(error):
                    raise
                self._prepare()
        raise FeatureError(f"online table '{self._name}' is replaced faster than it can be read")


_readers: dict[tuple[Path, str], Reader] = {}


def lookup(
    online_store: str | store.DatabricksOnlineStore, online_table_name: str, key: Any
) -> dict[str, Any] | None:
    """Return the row of a key, as Python values by column; None if there is none.

    `key` is one value, several in the order of the primary key, or a dictionary by column. Raises
    FeatureError for a store or table that is not there, and for a key of another type.
    """
    name = online_store if isinstance(online_store, str) else online_store.name
    place = (store.file(name), online_table_name.lower())
    if place not in _readers:
        store.require(name)
        if find(*place) is None:
            near = nearest(online_table_name, [one.name for one in tables(place[0])])
            raise FeatureError(
                f"'{online_table_name}' is not published in online store '{name}'. {near} Publish "
                "it with publish_table(online_store=…, source_table_name=…, "
                f"online_table_name='{online_table_name}')"
            )
        _readers[place] = Reader(*place)
    reader = _readers[place]
    row = reader(_key(reader.table, key))
    if row is None:
        return None
    kinds = [reader.table.kind(column) for column in reader.columns]
    values = [kind.load(value) for kind, value in zip(kinds, row, strict=True)]
    return dict(zip(reader.columns, values, strict=True))


def _key(table: OnlineTable, given: Any) -> list[Any]:
    if isinstance(given, Mapping):
        if set(given) != set(table.keys):
            raise FeatureError(f"'{table.name}' is keyed by {list(table.keys)}, not {list(given)}")
        given = [given[column] for column in table.keys]
    values = list(given) if isinstance(given, list | tuple) else [given]
    if len(values) != len(table.keys):
        raise FeatureError(
            f"the key {given!r} has {len(values)} values, and '{table.name}' is keyed by "
            f"{list(table.keys)}"
        )
    return [
        stored(table.kind(column), value, column)
        for column, value in zip(table.keys, values, strict=True)
    ]


def stored(kind: Codec, value: Any, column: str) -> Any:
    """Return a Python value as SQLite keeps it. Raises FeatureError, which names the column."""
    try:
        return kind.store(value)
    except ValueError as error:
        raise FeatureError(f"column '{column}': {error}") from None
