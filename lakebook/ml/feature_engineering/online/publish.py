"""Publishing: a feature table copied into an online store, and kept as the table is (`sync`).

Arguments and modes: https://docs.databricks.com/machine-learning/feature-store/online-tables
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakebook import workspace
from lakebook.ml.feature_engineering.errors import FeatureError
from lakebook.ml.feature_engineering.online import store
from lakebook.ml.feature_engineering.online.sync import SNAPSHOT, Target, alone, sync
from lakebook.ml.feature_engineering.online.table import (
    OnlineTable,
    find,
    named,
    of_source,
    quoted,
    tables,
)
from lakebook.runtime import catalog

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.streaming import StreamingQuery

TRIGGERED, CONTINUOUS = "TRIGGERED", "CONTINUOUS"
MODES = (TRIGGERED, CONTINUOUS, SNAPSHOT)
# The documented default. A continuous publish that is given no other looks each second.
TRIGGER: dict[str, Any] = {"processingTime": "5 minutes"}
EACH_SECOND: dict[str, Any] = {"processingTime": "1 second"}
LONGEST = 63  # bytes in a part of an online table's name


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
    follows the table; asked for again it goes on where it stood. `checkpoint_location` and
    `trigger` are those of the query. `streaming` is the older word for CONTINUOUS.

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
        with alone(file, one.name), store.transaction(opened):
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
        .trigger(**(EACH_SECOND if trigger is TRIGGER else trigger))
        .start()
    )
