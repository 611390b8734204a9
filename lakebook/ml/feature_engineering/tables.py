"""Feature tables: Delta tables of the catalog with a primary key, and perhaps a time-series key.

Any table of the catalog with a primary key is one, however it was made.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lakebook.ml.feature_engineering import columns, keys
from lakebook.ml.feature_engineering.errors import FeatureError
from lakebook.ml.feature_engineering.lookups import names
from lakebook.runtime import catalog
from lakebook.runtime.catalog import constraints, context, definition, grants, metadata, store, tags
from lakebook.runtime.catalog.tables import already_exists
from lakebook.runtime.delta import write
from lakebook.runtime.delta.snapshot import Snapshot

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from lakebook.ml.feature_engineering.lineage import ModelLineage
    from lakebook.runtime.catalog import Name, Table

TIMES = ("date", "timestamp", "timestamp_ntz", "long")
NO_KEYS = ("array", "map", "struct", "variant", "binary", "double", "float", "void")


@dataclass(frozen=True)
class FeatureSource:
    """A table that features can be looked up in.

    `keys` are the columns of its primary key without `time`, its time-series column if it has one.
    """

    table: Table
    keys: tuple[str, ...]
    time: str | None
    schema: StructType

    @property
    def name(self) -> str:
        """Return its full name."""
        return str(self.table.name)

    @property
    def primary_key(self) -> list[str]:
        """Return all columns of its key."""
        return [*self.keys, *([self.time] if self.time else [])]

    @property
    def features(self) -> list[str]:
        """Return its columns without those of the key."""
        return [name for name in self.schema.names if name not in self.primary_key]


@dataclass(frozen=True)
class FeatureTable:
    """What is known of a feature table; `creation_timestamp` in ms since 1970.

    `models` tells which model used which of its columns, the newest first. The producers and data
    sources, which the platform finds out by watching jobs, are empty here.
    """

    name: str
    table_id: str
    description: str
    primary_keys: list[str]
    partition_columns: list[str]
    features: list[str]
    creation_timestamp: int
    online_stores: list[Any] = field(default_factory=list)
    notebook_producers: list[Any] = field(default_factory=list)
    job_producers: list[Any] = field(default_factory=list)
    table_data_sources: list[str] = field(default_factory=list)
    path_data_sources: list[str] = field(default_factory=list)
    custom_data_sources: list[str] = field(default_factory=list)
    timestamp_keys: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    models: list[ModelLineage] = field(default_factory=list)

    @property
    def keys(self) -> list[str]:
        """Return `primary_keys`, under their older name."""
        return self.primary_keys


def full_name(spark: SparkSession, name: str) -> Name:
    """Return the full name of a table; short ones are completed by the session's schema."""
    found = catalog.resolve(spark, name) if isinstance(name, str) and name else None
    if found is None:
        raise FeatureError(
            f"{name!r} is no table of a catalog; give its name as catalog.schema.table"
        )
    return found


def require(spark: SparkSession, name: str) -> FeatureSource:
    """Return a feature table by its name.

    Raises TABLE_OR_VIEW_NOT_FOUND, and FeatureError if the table has no primary key.
    """
    table = catalog.require_table(full_name(spark, name))
    key = constraints.primary_key(table)
    if key is None:
        raise FeatureError(
            f"table '{table.name}' has no primary key, so it is no feature table. Give it one: "
            f"ALTER TABLE {table.name} ALTER COLUMN <key> SET NOT NULL, then ALTER TABLE "
            f"{table.name} ADD CONSTRAINT {table.name.name}_pk PRIMARY KEY (<key>)"
        )
    plain = tuple(column for column in key.columns if column != key.timeseries)
    return FeatureSource(table, plain, key.timeseries, metadata.schema_of(spark, table))


def create(
    spark: SparkSession,
    name: str,
    primary_keys: str | Sequence[str],
    *,
    df: DataFrame | None = None,
    time: str | None = None,
    partition_columns: str | Sequence[str] | None = None,
    schema: StructType | None = None,
    description: str | None = None,
    table_tags: Mapping[str, str] | None = None,
) -> FeatureTable:
    """Make a feature table, with the rows of `df` if there is one, and return it.

    It is entered into the catalog when all of it is there. Raises TABLE_OR_VIEW_ALREADY_EXISTS,
    and FeatureError for keys that are missing, null or doubled.
    """
    full = full_name(spark, name)
    above = context.require_schema(full.catalog, full.schema)
    if catalog.find(full):
        raise already_exists(full)
    grants.require_on(above, "CREATE TABLE")
    shape = _shape(name, df, schema)
    found = [
        columns.require(
            key,
            shape.names,
            f"the primary key of '{full}' names a column that is not in its schema:",
        )
        for key in names(primary_keys, "primary key")
    ]
    time = checked_time(full, shape, found, time)
    partitions = [
        columns.require(one, shape.names, f"'{full}' is partitioned by a column it has not:")
        for one in names(partition_columns, "partition column")
    ]
    constraint = definition.Constraint("PRIMARY KEY", columns=found, timeseries=time)
    checked = constraints.planned(spark, full, shape, [constraint])
    root = catalog.new_location(full)
    try:
        write.create(
            spark, root, definition.required(shape, found), partitions, comment=description
        )
        if df is not None:
            _fill(spark, root, df.select(*map(columns.col, shape.names)), found, str(full))
        with store.transaction():
            table = catalog.register(
                spark,
                tuple(full),
                root,
                kind="MANAGED",
                comment=description,
                partition_by=partitions,
            )
            constraints.record(table, checked)
            if table_tags:
                tags.put(_row(table), dict(table_tags))
    except BaseException:
        shutil.rmtree(root, ignore_errors=True)
        raise
    return get(spark, str(full))


def _shape(name: str, df: DataFrame | None, schema: StructType | None) -> StructType:
    """Return the columns of a table to be made."""
    if schema is not None:
        shape = schema
    elif df is not None:
        shape = df.schema
    else:
        raise FeatureError(
            f"table '{name}' needs its columns: give df, whose rows it then holds, or schema"
        )
    columns.refuse_doubles(shape.names, f"the schema of '{name}'")
    if df is not None and schema is not None:
        theirs = {field.name.lower(): field.dataType for field in df.schema.fields}
        ours = {field.name.lower(): field.dataType for field in schema.fields}
        if theirs != ours:
            raise FeatureError(
                f"schema and df of table '{name}' differ: {sorted(ours)} against "
                f"{sorted(theirs)}; give one of them, or the same columns with the same types"
            )
    return shape


def checked_time(
    full: Name, shape: StructType, found: Sequence[str], time: str | None
) -> str | None:
    """Check the types of a key; return its time-series column as the table spells it."""
    for key in found:
        if shape[key].dataType.typeName() in NO_KEYS:
            raise FeatureError(
                f"column '{key}' of '{full}' is a {shape[key].dataType.simpleString()}, which "
                "cannot be a key: two equal keys must be exactly equal. Use a number without "
                "fraction, a text or a date"
            )
    if time is None:
        return None
    if not isinstance(time, str):
        raise FeatureError(f"timeseries_column of '{full}' is {time!r}; give the name of a column")
    spelled = columns.find(time, found)
    if spelled is None:
        raise FeatureError(
            f"timeseries_column '{time}' of '{full}' is not among its primary keys "
            f"{list(found)}; add it there: a row is told apart by key and time"
        )
    if shape[spelled].dataType.typeName() not in TIMES:
        raise FeatureError(
            f"timeseries_column '{spelled}' of '{full}' is a "
            f"{shape[spelled].dataType.simpleString()}; it must be a timestamp, a date or a bigint"
        )
    if len(found) == 1:
        raise FeatureError(
            f"'{full}' has no key but its time '{spelled}'; add the column that says whose "
            "features these are"
        )
    return spelled


def _fill(spark: SparkSession, root: str, df: DataFrame, key: Sequence[str], name: str) -> None:
    """Write the first rows, then look at their keys where they are: `df` is computed once."""
    from lakebook.runtime.delta.errors import DeltaError
    from lakebook.runtime.delta.read import frame

    try:
        write.write(df, root, "append", table=name)
    except DeltaError as error:
        if "NOT_NULL" in error.getCondition():
            keys.check(df, key, f"df, from which '{name}' is to be made,")
        raise
    keys.check(frame(spark, Snapshot.open(root)), key, f"df, from which '{name}' is to be made,")


def _row(table: Table) -> store.Securable:
    assert table.row is not None
    return table.row


def get(spark: SparkSession, name: str) -> FeatureTable:
    """Return what is known of a feature table. Raises what `require` raises."""
    from lakebook.ml.feature_engineering import lineage

    source = require(spark, name)
    table, row = source.table, _row(source.table)
    return FeatureTable(
        name=source.name,
        table_id=str(table.id),
        description=table.comment or "",
        primary_keys=source.primary_key,
        partition_columns=list(table.partition_by),
        features=source.features,
        creation_timestamp=table.created,
        online_stores=_published(source.name),
        timestamp_keys=[source.time] if source.time else [],
        tags=tags.of(row),
        models=lineage.models_of(str(table.id)),
    )


def _published(name: str) -> list[Any]:
    from lakebook.ml.feature_engineering.online import publish

    return publish.published(name)


def put_rows(
    spark: SparkSession, name: str, df: DataFrame, *, replace: bool = False
) -> dict[str, int]:
    """Merge rows into a feature table by its key, or with `replace` put them in place of its rows.

    New columns are added. Returns how many rows were inserted and updated. Raises FeatureError for
    missing, null or doubled keys and other types, and the table is then as it was.
    """
    from lakebook.runtime.delta.table import DeltaTable

    source = require(spark, name)
    where = check_columns(source, df)
    # Computed once for the check and the merge; a frame of its own, for the caller's may be cached.
    held = _typed(df, source).persist()
    try:
        keys.check(held, source.primary_key, where)
        if replace:
            root = metadata.delta_root(source.table)
            grants.require(spark, source.table.name, "MODIFY")
            options = {"mergeSchema": "true"}
            write.write(held, root, "overwrite", options=options, table=source.name)
            return {}
        table = DeltaTable.forName(spark, source.name).alias("__table")
        same = " AND ".join(f"__table.`{one}` = __rows.`{one}`" for one in source.primary_key)
        done = (
            table.merge(held.alias("__rows"), same)
            .withSchemaEvolution()
            .whenMatchedUpdateAll()
            .whenNotMatchedInsertAll()
            .execute()
        )
        return dict(done.collect()[0].asDict())
    finally:
        held.unpersist()


def check_columns(source: FeatureSource, df: DataFrame) -> str:
    """Raise FeatureError if a frame lacks a key of the table, or has other types.

    Returns what messages about the frame begin with.
    """
    where = f"df, which is to go into '{source.name}',"
    columns.refuse_doubles(df.columns, where)
    for one in source.primary_key:
        columns.require(one, df.columns, f"{where} has no key column")
    for theirs in df.schema.fields:
        ours = columns.find(theirs.name, source.schema.names)
        if ours is None:
            continue
        wanted = source.schema[ours].dataType
        if not columns.fits(theirs.dataType, wanted):
            raise FeatureError(
                f"{where} has column '{theirs.name}' as {theirs.dataType.simpleString()}, and the "
                f"table has it as {wanted.simpleString()}; cast it: df.withColumn('{theirs.name}', "
                f"F.col('{theirs.name}').cast('{wanted.simpleString()}'))"
            )
    return where


def _typed(df: DataFrame, source: FeatureSource) -> DataFrame:
    """Return the rows with the names and types of the table's columns."""
    found = []
    for theirs in df.columns:
        ours = columns.find(theirs, source.schema.names)
        value = columns.col(theirs)
        if ours is not None:
            value = value.cast(source.schema[ours].dataType).alias(ours)
        found.append(value)
    return df.select(*found)


def drop(spark: SparkSession, name: str) -> None:
    """Drop a feature table with its rows. Raises FeatureError for a table that is none."""
    catalog.drop(require(spark, name).table.name)


def set_tag(spark: SparkSession, name: str, key: str, value: str) -> None:
    """Set a tag of a feature table; one that is there gets the new value."""
    tags.put(_row(require(spark, name).table), {key: str(value)})


def delete_tag(spark: SparkSession, name: str, key: str) -> None:
    """Take a tag of a feature table away. Raises FeatureError if it has none of this key."""
    row = _row(require(spark, name).table)
    known = tags.of(row)
    if key not in known:
        raise FeatureError(
            f"table '{name}' has no tag '{key}'. Its tags: {', '.join(known) or 'none'}"
        )
    tags.take(row, [key])
