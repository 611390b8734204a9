"""An online table brought to the newest version of the feature table that it is made from.

Online there is one row for each key. Of a table with a time-series column that is the row with
the greatest time; of several with that time the one with the greatest values, compared column by
column in the order of their names, null below everything, as the as-of join has it.

The online table is at any moment what some version of the Delta table was. Rows are written aside
first, in any number of steps, and come in by one transaction, together with the number of the
version: a reader sees the old rows or the new ones, a publish that is killed leaves the old ones,
and one that is repeated changes nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import sqlite3
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from lakebook.ml.feature_engineering.errors import FeatureError
from lakebook.ml.feature_engineering.online import store, types
from lakebook.ml.feature_engineering.online.table import OnlineTable, find, put, quoted

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

    from lakebook.runtime.delta.snapshot import Snapshot

SNAPSHOT = "SNAPSHOT"
LOCK_SECONDS = 600
BATCH = 10_000  # rows held in memory
THERE = "there"


@dataclass(frozen=True)
class Target:
    """What goes where. It travels to the server by pickle where the session is remote."""

    file: str
    name: str
    source: str
    source_id: str
    root: str
    keys: tuple[str, ...]
    time: str | None
    mode: str


def sync(spark: SparkSession, target: Target) -> OnlineTable:
    """Bring an online table to the newest version of its source, and return it."""
    from lakebook.runtime.delta.snapshot import Snapshot

    file = Path(target.file)
    opened = store.connect(file)
    with alone(file, target.name):
        snapshot = Snapshot.open(target.root)
        old = find(file, target.name)
        _sweep(file, target.name, old)
        new = OnlineTable(
            store=file.stem,
            name=target.name,
            source=target.source,
            source_id=target.source_id,
            root=target.root,
            delta_id=snapshot.id,
            version=snapshot.version,
            mode=target.mode,
            keys=target.keys,
            time=target.time,
            columns=_columns(target, snapshot),
            content=f"{_stem(target.name)}{uuid.uuid4().hex}",
            published=int(time.time() * 1000),
        )
        touched = None
        if old is not None and target.mode != SNAPSHOT and _continues(old, new):
            new = replace(new, content=old.content)
            if old.version == new.version:
                put(opened, new)
                return new
            touched = _touched(spark, old, snapshot)
        if touched is None:
            new = replace(new, content=f"{_stem(target.name)}{uuid.uuid4().hex}")
            _replace(file, old, new, _newest(new, _rows(spark, new, snapshot)))
        else:
            _change(file, new, _changed(spark, new, snapshot, touched))
    # Readers that are busy keep the log of changes from being emptied; then the next one does it.
    opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return new


def _columns(target: Target, snapshot: Snapshot) -> tuple[tuple[str, str], ...]:
    found = []
    for field in snapshot.schema.fields:
        kind = field.dataType.simpleString()
        try:
            same = types.parse(kind).simpleString() == kind
        except FeatureError as error:
            raise FeatureError(f"column '{field.name}' of '{target.source}': {error}") from None
        if not same:
            raise FeatureError(
                f"column '{field.name}' of '{target.source}' is a {kind}, whose fields have names "
                "with colons, commas or brackets; rename them"
            )
        found.append((field.name, kind))
    return tuple(found)


def _continues(old: OnlineTable, new: OnlineTable) -> bool:
    """Return whether the rows that are online are an earlier version of the same table."""
    same = ("source_id", "root", "delta_id", "keys", "time", "columns")
    return old.version <= new.version and all(getattr(old, f) == getattr(new, f) for f in same)


@contextlib.contextmanager
def alone(file: Path, name: str) -> Iterator[None]:
    """Keep another publish of the same online table waiting until this one is done."""
    # Beside the store, for a process of a remote session may have another workspace.
    lock = file.parent / "locks" / f"{file.stem}-{_stem(name)}.lock"
    lock.parent.mkdir(exist_ok=True)
    with FileLock(lock, timeout=LOCK_SECONDS):
        yield


def _stem(name: str) -> str:
    return f"rows_{hashlib.sha256(name.encode()).hexdigest()[:12]}_"


def _staging(file: Path) -> Path:
    return file.parent / "staged"


def _sweep(file: Path, name: str, known: OnlineTable | None) -> None:
    """Remove what a publish that was killed has left."""
    for folder in _staging(file).glob(f"{_stem(name)}*"):
        shutil.rmtree(folder, ignore_errors=True)
    opened = store.connect(file)
    left = opened.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, ?) = ?",
        (len(_stem(name)), _stem(name)),
    ).fetchall()
    for (table,) in left:
        if known is None or table != known.content:
            opened.execute(f"DROP TABLE {quoted(table)}")


# On Spark: which rows


def _names(table: OnlineTable) -> list[str]:
    return [name for name, _ in table.columns]


def _short(table: OnlineTable, columns: Sequence[str]) -> list[str]:
    """Return the names that columns have on their way: any name is allowed in a table."""
    places = {name: index for index, name in enumerate(_names(table))}
    return [f"c{places[column]}" for column in columns]


def _rows(spark: SparkSession, table: OnlineTable, snapshot: Snapshot) -> DataFrame:
    """Return the rows of a version that have a key, their columns called c0, c1, …"""
    from lakebook.runtime.delta import read

    rows = read.frame(spark, snapshot).toDF(*_short(table, _names(table)))
    # What has no key or no time is found by nobody.
    return rows.dropna(subset=_short(table, [*table.keys, *([table.time] if table.time else [])]))


def _newest(table: OnlineTable, rows: DataFrame) -> DataFrame:
    """Return the newest of the rows with a key."""
    from pyspark.sql import functions as F

    if table.time is None:
        return rows
    kinds = dict(table.columns)
    features = sorted(name for name in kinds if name not in (*table.keys, table.time))
    ties = [_orderable(F.col(_short(table, [name])[0]), kinds[name]) for name in features]
    order = F.struct(*_short(table, [table.time]), *ties)
    best = rows.groupBy(*_short(table, table.keys)).agg(
        F.max_by(F.struct(*rows.columns), order).alias("best")
    )
    return best.select("best.*")


def _orderable(value: Column, kind: str) -> Column:
    """Return what a value is ordered by: itself, or its text if it holds a map."""
    from pyspark.sql import functions as F

    return F.to_json(F.struct(value)) if "map<" in kind else value


def _touched(spark: SparkSession, old: OnlineTable, snapshot: Snapshot) -> DataFrame | None:
    """Return keys that may have changed since what is online; None if that cannot be told."""
    from pyspark.errors import AnalysisException

    keys = [f"`{key.replace('`', '``')}`" for key in old.keys]
    for told in (_fed, _rewritten):
        with contextlib.suppress(AnalysisException, OSError):
            found = told(spark, old, snapshot).select(*keys)
            # A remote session says only when it is asked for columns that a file is missing.
            assert found.schema
            return found
    return None


def _fed(spark: SparkSession, old: OnlineTable, snapshot: Snapshot) -> DataFrame:
    """Return the rows of the change data feed, which has exactly what was changed."""
    from lakebook.runtime.delta import changes

    return changes.between(spark, old.root, old.version + 1, snapshot.version)


def _rewritten(spark: SparkSession, old: OnlineTable, snapshot: Snapshot) -> DataFrame:
    """Return the rows of the files that have gone and come since, which hold all that changed."""
    from lakebook.runtime.delta import read
    from lakebook.runtime.delta.snapshot import Snapshot

    before = Snapshot.open(old.root, old.version)
    there = {file.path for file in before.files()}
    here = {file.path for file in snapshot.files()}
    gone = [file for file in before.files() if file.path not in here]
    come = [file for file in snapshot.files() if file.path not in there]
    return read.frame(spark, before, gone).unionAll(read.frame(spark, snapshot, come))


def _changed(
    spark: SparkSession, table: OnlineTable, snapshot: Snapshot, touched: DataFrame
) -> DataFrame:
    """Return each touched key with its newest row; without one the column `THERE` is null."""
    from pyspark.sql import functions as F

    keys = _short(table, table.keys)
    asked = [f"t{index}" for index in range(len(keys))]
    wanted = touched.toDF(*asked).dropna().distinct()
    same = F.lit(True)
    for theirs, ours in zip(asked, keys, strict=True):
        same &= F.col(theirs) == F.col(ours)
    rows = _rows(spark, table, snapshot).join(wanted, same, "left_semi")
    newest = _newest(table, rows).withColumn(THERE, F.lit(True))
    both = wanted.join(newest, same, "left")
    key_of = dict(zip(keys, asked, strict=True))
    columns = _short(table, _names(table))
    return both.select(*[F.col(key_of.get(c, c)).alias(c) for c in columns], THERE)


# In SQLite: how they come in


def _replace(file: Path, old: OnlineTable | None, new: OnlineTable, rows: DataFrame) -> None:
    """Put rows in place of all that is online."""
    opened = store.connect(file)
    with _aside(file, new, new.content, rows), store.transaction(opened):
        put(opened, new)
        if old is not None:
            opened.execute(f"DROP TABLE {quoted(old.content)}")


def _change(file: Path, table: OnlineTable, rows: DataFrame) -> None:
    """Put rows in place of those with their keys; where `THERE` is null there is none any more."""
    aside = f"{_stem(table.name)}{uuid.uuid4().hex}"
    keys = ", ".join(map(quoted, table.keys))
    columns = ", ".join(map(quoted, _names(table)))
    opened = store.connect(file)
    with _aside(file, table, aside, rows, THERE), store.transaction(opened):
        opened.execute(
            f"DELETE FROM {quoted(table.content)} WHERE ({keys}) IN "
            f"(SELECT {keys} FROM {quoted(aside)})"
        )
        opened.execute(
            f"INSERT INTO {quoted(table.content)} ({columns}) SELECT {columns} "
            f"FROM {quoted(aside)} WHERE {quoted(_hidden(table))} IS NOT NULL"
        )
        put(opened, table)
        opened.execute(f"DROP TABLE {quoted(aside)}")


def _hidden(table: OnlineTable) -> str:
    """Return a name that no column of the table has."""
    known = {name.lower() for name in _names(table)}
    return next(name for i in range(len(known) + 1) if (name := f"{THERE}{i}") not in known)


@contextlib.contextmanager
def _aside(
    file: Path, table: OnlineTable, content: str, rows: DataFrame, *more: str
) -> Iterator[None]:
    """Hold rows in a table of their own, keyed, which goes if the block fails.

    Spark's tasks write the rows to files, so that this process holds no more than a batch of them.
    Raises FeatureError if a key is there twice.
    """
    opened = store.connect(file)
    folder = _staging(file) / content
    names = [*_names(table), *([_hidden(table)] if more else [])]
    try:
        _write(rows, folder)
        opened.execute(f"CREATE TABLE {quoted(content)} ({', '.join(map(quoted, names))})")
        marks = ", ".join("?" * len(names))
        for batch in _batches(folder):
            with store.transaction(opened):
                opened.executemany(
                    f"INSERT INTO {quoted(content)} VALUES ({marks})", _values(table, batch)
                )
        shutil.rmtree(folder)
        _index(opened, table, content)
        yield
    except BaseException:
        opened.execute(f"DROP TABLE IF EXISTS {quoted(content)}")
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(rows: DataFrame, folder: Path) -> None:
    from lakebook.runtime.patching import original

    writer = rows.write
    # The replaced method would look for the platform's paths.
    original(type(writer), "parquet")(writer, f"file:{folder}")


def _batches(folder: Path) -> Iterator[Any]:
    import pyarrow.parquet as pq

    for part in sorted(folder.glob("*.parquet")):
        yield from pq.ParquetFile(part).iter_batches(batch_size=BATCH)


def _values(table: OnlineTable, batch: Any) -> Iterator[tuple[Any, ...]]:
    kinds = [table.kind(name) for name in _names(table)]
    columns = [kind.column(batch.column(index)) for index, kind in enumerate(kinds)]
    columns += [batch.column(i).to_pylist() for i in range(len(kinds), batch.num_columns)]
    return zip(*columns, strict=True)


def _index(opened: sqlite3.Connection, table: OnlineTable, content: str) -> None:
    keys = ", ".join(map(quoted, table.keys))
    try:
        opened.execute(
            f"CREATE UNIQUE INDEX {quoted(f'{content}_key')} ON {quoted(content)} ({keys})"
        )
    except sqlite3.IntegrityError:
        count, *key = opened.execute(
            f"SELECT count(*), {keys} FROM {quoted(content)} GROUP BY {keys} "
            "ORDER BY count(*) DESC LIMIT 1"
        ).fetchone()
        shown = ", ".join(
            f"{name}={table.kind(name).load(value)!r}"
            for name, value in zip(table.keys, key, strict=True)
        )
        raise FeatureError(
            f"'{table.source}' has {count} rows with the key ({shown}), so it cannot be published: "
            "online there is one row for each key. Delete the others, or add the column that tells "
            "them apart to the primary key"
        ) from None
