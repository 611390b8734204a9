"""Publishing: a feature table copied into an online store, and kept as the table is.

Online there is one row for each key. Of a table with a time-series column that is the row with
the greatest time; of several with that time the one with the greatest values, compared column by
column in the order of their names, null below everything, as the as-of join has it.

Whatever the mode, the online table is at any moment what some version of the Delta table was.
Rows are written aside first, in any number of steps, and come in by one transaction, together with
the number of the version: a reader sees the old rows or the new ones, a publish that is killed
leaves the old ones, and one that is repeated changes nothing.

Arguments and modes: https://docs.databricks.com/machine-learning/feature-store/online-tables
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import sqlite3
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from lakebook import workspace
from lakebook.ml.feature_engineering.errors import FeatureError
from lakebook.ml.feature_engineering.online import store, types
from lakebook.ml.feature_engineering.online.table import (
    OnlineTable,
    find,
    named,
    of_source,
    put,
    quoted,
    tables,
)
from lakebook.runtime import catalog

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession
    from pyspark.sql.streaming import StreamingQuery

    from lakebook.runtime.delta.snapshot import Snapshot

SNAPSHOT, TRIGGERED, CONTINUOUS = "SNAPSHOT", "TRIGGERED", "CONTINUOUS"
MODES = (TRIGGERED, CONTINUOUS, SNAPSHOT)
# The documented default; a continuous publish that is given no other looks for new versions at once.
TRIGGER: dict[str, Any] = {"processingTime": "5 minutes"}
AT_ONCE: dict[str, Any] = {"processingTime": "1 second"}
LONGEST = 63  # bytes in a part of an online table's name
LOCK_SECONDS = 600
BATCH = 10_000  # rows held in memory
THERE = "there"


@dataclass(frozen=True)
class PublishedTable:
    """What was published: the name it has online, where, from what, and up to which version."""

    online_table_name: str
    online_store: str
    source_table_name: str
    publish_mode: str
    source_version: int


def publish_table(
    spark: SparkSession,
    *,
    online_store: Any,
    source_table_name: str | None = None,
    online_table_name: str | None = None,
    publish_mode: str = TRIGGERED,
    filter_condition: str | None = None,
    mode: str = "merge",
    streaming: bool = False,
    checkpoint_location: str | None = None,
    trigger: Mapping[str, Any] = TRIGGER,
    features: str | Sequence[str] | None = None,
) -> PublishedTable | StreamingQuery:
    """Copy a feature table into an online store, and return what was published.

    SNAPSHOT copies all rows. TRIGGERED copies those whose keys have changed since the version that
    was published last, all the first time. CONTINUOUS does so too, and returns a running query that
    follows the table; asked for again it goes on where it stood. `checkpoint_location` and `trigger`
    are those of the query. `streaming` is the older word for CONTINUOUS.

    Raises FeatureError for a table without primary key, arguments that do not fit together, and a
    key that is there twice; the online table is then as it was.
    """
    place = _store(online_store)
    chosen = _mode(publish_mode, streaming)
    _refuse(mode, filter_condition, features)
    if chosen != CONTINUOUS and (checkpoint_location is not None or trigger is not TRIGGER):
        raise FeatureError(
            f"checkpoint_location and trigger belong to a query, and publish_mode '{chosen}' has "
            "none; leave them out, or use publish_mode='CONTINUOUS'"
        )
    target = _target(spark, place, source_table_name, online_table_name, chosen)
    done = sync(spark, target)
    if chosen == CONTINUOUS:
        return _follow(spark, target, checkpoint_location, trigger)
    return _published(done)


def published(name: str) -> list[PublishedTable]:
    """Return where the feature table of this full name is published, the newest first."""
    found = catalog.find(catalog.Name(*catalog.names.split(name)))
    return [_published(one) for one in of_source(str(found.id))] if found else []


def drop_online_table(*, name: str, online_store: Any) -> None:
    """Take an online table out of a store; `name` is its own or that of the table it was made from.

    Raises FeatureError if there is none.
    """
    place = _store(online_store)
    file = store.file(place)
    found = [one for one in tables(file) if name.lower() in (one.name, one.source)]
    if not found:
        raise FeatureError(
            f"nothing called '{name}' is published in online store '{place}'; it holds "
            f"{', '.join(one.name for one in tables(file)) or 'no tables'}"
        )
    opened = store.connect(file)
    for one in found:
        with _alone(file, one.name), store.transaction(opened):
            opened.execute("DELETE FROM tables WHERE name = ?", (one.name,))
            opened.execute(f"DROP TABLE {quoted(one.content)}")


def _published(one: OnlineTable) -> PublishedTable:
    return PublishedTable(one.name, one.store, one.source, one.mode, one.version)


# What is asked for


def _store(given: Any) -> str:
    if not isinstance(given, store.DatabricksOnlineStore):
        raise FeatureError(
            f"online_store is {given!r}; give an online store, as "
            "create_online_store(name=…, capacity='CU_1') makes it and get_online_store(name=…) "
            "returns it"
        )
    return store.require(given.name).name


def _mode(publish_mode: str, streaming: bool) -> str:
    if publish_mode not in MODES:
        raise FeatureError(f"publish_mode is {publish_mode!r}; it is one of {', '.join(MODES)}")
    if streaming and publish_mode == SNAPSHOT:
        raise FeatureError("streaming=True means CONTINUOUS, and publish_mode is 'SNAPSHOT'")
    return CONTINUOUS if streaming else publish_mode


def _refuse(mode: str, condition: Any, features: Any) -> None:
    if mode != "merge":
        raise FeatureError(
            f"mode is {mode!r}, and an online store knows 'merge' alone; to replace all rows use "
            "publish_mode='SNAPSHOT'"
        )
    for argument, given in (("filter_condition", condition), ("features", features)):
        if given is not None:
            raise FeatureError(
                f"{argument} is not for an online store, which holds what the table holds: a model "
                "must be served what it was trained on. Make a feature table of the part you "
                "want, and publish that"
            )


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


def _target(
    spark: SparkSession, place: str, source_name: str | None, online_name: str | None, mode: str
) -> Target:
    from lakebook.ml.feature_engineering import tables as feature_tables
    from lakebook.runtime.catalog import metadata

    if not source_name or not online_name:
        missing = "source_table_name" if not source_name else "online_table_name"
        raise FeatureError(f"publish_table needs {missing}, as catalog.schema.table")
    source = feature_tables.require(spark, source_name)
    catalog.require(spark, source.table.name, "SELECT")
    name = _online_name(spark, online_name)
    there = named(name)
    if there is not None and there.store != place:
        raise FeatureError(
            f"'{name}' is published in online store '{there.store}' already; choose another name, "
            "or drop it there with drop_online_table"
        )
    if there is not None and there.source_id != str(source.table.id) and _exists(there):
        raise FeatureError(
            f"online table '{name}' is made from '{there.source}', and cannot be made from "
            f"'{source.name}' as well; choose another online_table_name"
        )
    return Target(
        file=str(store.file(place)),
        name=name,
        source=source.name,
        source_id=str(source.table.id),
        root=metadata.delta_root(source.table),
        keys=source.keys,
        time=source.time,
        mode=mode,
    )


def _exists(there: OnlineTable) -> bool:
    """Return whether the table that an online table was made from is still in the catalog."""
    from lakebook.runtime.catalog import store as metastore

    return metastore.get(int(there.source_id)) is not None


def _online_name(spark: SparkSession, given: str) -> str:
    from lakebook.runtime.catalog import context

    full = context.resolve_object(spark, given)
    if full is None:
        raise FeatureError(f"online_table_name '{given}' is in no catalog; give three levels")
    context.require_schema(full.catalog, full.schema)
    for part in full:
        if len(part.encode()) > LONGEST:
            raise FeatureError(
                f"online_table_name '{given}': '{part}' is longer than {LONGEST} bytes"
            )
    if catalog.find(full):
        raise FeatureError(
            f"there is a table '{full}' in the catalog; call the online one otherwise, for example "
            f"'{full}_online'"
        )
    return str(full)


# One version after another


def sync(spark: SparkSession, target: Target) -> OnlineTable:
    """Bring an online table to the newest version of its source, and return it."""
    from lakebook.runtime.delta.snapshot import Snapshot

    file = Path(target.file)
    opened = store.connect(file)
    with _alone(file, target.name):
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
def _alone(file: Path, name: str) -> Iterator[None]:
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
    best = rows.groupBy(*_short(table, table.keys)).agg(F.max_by(F.struct(*rows.columns), order).alias("best"))
    return best.select("best.*")


def _orderable(value: Column, kind: str) -> Column:
    """Return what a value is ordered by: itself, or its text if it holds a map."""
    from pyspark.sql import functions as F

    return F.to_json(F.struct(value)) if "map<" in kind else value


def _touched(spark: SparkSession, old: OnlineTable, snapshot: Snapshot) -> DataFrame | None:
    """Return keys that may have changed since what is online; None if that cannot be told.

    The change data feed says it exactly. Without one they are those in the files that have gone
    and come since.
    """
    from pyspark.errors import AnalysisException

    from lakebook.runtime.delta import changes, read
    from lakebook.runtime.delta.snapshot import Snapshot

    keys = [f"`{key.replace('`', '``')}`" for key in old.keys]
    with contextlib.suppress(AnalysisException, OSError):
        found = changes.between(spark, old.root, old.version + 1, snapshot.version).select(*keys)
        # A remote session would only say later that a file is missing.
        assert found.schema
        return found
    with contextlib.suppress(AnalysisException, OSError):
        before = Snapshot.open(old.root, old.version)
        old_files = {file.path: file for file in before.files()}
        new_files = {file.path: file for file in snapshot.files()}
        gone = [file for path, file in old_files.items() if path not in new_files]
        come = [file for path, file in new_files.items() if path not in old_files]
        if all((Path(old.root) / file.path).exists() for file in gone):
            parts = [
                read.frame(spark, version, files).select(*keys)
                for version, files in ((before, gone), (snapshot, come))
            ]
            return parts[0].unionAll(parts[1])
    return None


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


# A query that follows


@dataclass(frozen=True)
class Follow:
    """What happens when the table has new versions: the online table is brought to the newest.

    Which rows have changed is found out from what is online, not from the batch, whose rows nobody
    reads; so a batch that is repeated after a crash finds nothing to do.
    """

    target: Target

    def __call__(self, rows: DataFrame, number: int) -> None:
        """Bring the online table up to date. Raises FeatureError if it was dropped meanwhile."""
        if find(Path(self.target.file), self.target.name) is None:
            raise FeatureError(f"online table '{self.target.name}' was dropped, so nothing follows")
        sync(rows.sparkSession, self.target)


def _follow(
    spark: SparkSession, target: Target, checkpoint: str | None, trigger: Mapping[str, Any]
) -> StreamingQuery:
    called = f"publish {target.name}"
    for query in spark.streams.active:
        if query.name == called:
            return query
    if checkpoint is None:
        where = workspace.path("online", "checkpoints", uuid.uuid4().hex)
        checkpoint = f"file:{where}"
    rows = spark.readStream.format("delta").option("skipChangeCommits", "true").load(target.root)
    return (
        rows.writeStream.queryName(called)
        .foreachBatch(Follow(target))
        .option("checkpointLocation", checkpoint)
        .trigger(**(AT_ONCE if trigger is TRIGGER else trigger))
        .start()
    )
