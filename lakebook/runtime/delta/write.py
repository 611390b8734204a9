"""Writing a Delta table: Spark writes Parquet files aside, then one commit makes them the table."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakebook.runtime.delta import errors, features, log, schemas, stage
from lakebook.runtime.delta.errors import delta_error
from lakebook.runtime.delta.log import Actions, Add
from lakebook.runtime.delta.read import frame
from lakebook.runtime.delta.snapshot import Snapshot, is_delta

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession
    from pyspark.sql.types import StructType

ATTEMPTS = 20


def write(
    rows: DataFrame,
    root: str | Path,
    mode: str = "append",
    *,
    options: Mapping[str, Any] | None = None,
    partition_by: Sequence[str] = (),
    configuration: Mapping[str, str] | None = None,
    txn: tuple[str, int] | None = None,
    operation: str = "WRITE",
    assign: bool = False,
    table: str | None = None,
    replace: bool = False,
    comment: str | None = None,
) -> int:
    """Write a frame as the next version of the table at `root` and return that version.

    `mode` is append, overwrite, errorifexists or ignore. `options` are those of the platform:
    ``mergeSchema``, ``overwriteSchema``, ``replaceWhere``, ``partitionOverwriteMode`` (dynamic),
    ``userMetadata``, ``txnAppId`` with ``txnVersion``. `txn` (stream, batch) makes a batch that is
    written again write nothing. With `assign` types are cast as an INSERT does. With `replace`
    properties and constraints of the old table go with its rows (CREATE OR REPLACE). `comment`
    describes a table that is made or gets another schema.
    Raises DeltaError; a table that exists is then as it was.
    """
    wanted = Options.of(options or {}, mode)
    root = str(root)
    txn = txn or wanted.txn
    name = table or f"delta.`{root}`"
    exists = is_delta(root)
    if exists and wanted.mode == "ignore":
        return Snapshot.open(root).version
    if exists and wanted.mode == "errorifexists":
        raise delta_error(
            "DELTA_PATH_EXISTS",
            f"Cannot write to already existent path {root} without setting OVERWRITE = 'true': "
            "give .mode('append') or .mode('overwrite').",
        )
    if not exists:
        _refuse_foreign(root)
    for _ in range(ATTEMPTS):
        snapshot = Snapshot.open(root) if is_delta(root) else None
        if txn and snapshot and _written(snapshot, *txn):
            return snapshot.version
        kept = {} if snapshot is None or replace else snapshot.configuration
        properties = {**kept, **(configuration or {})}
        if snapshot:
            features.refuse_unknown(snapshot)
        plan = _plan(rows, root, snapshot, wanted, partition_by, properties, assign, comment)
        try:
            return _execute(plan, rows.sparkSession, root, snapshot, wanted, txn, operation, name)
        except errors.ProtocolChangedException:
            # Another writer has made the table meanwhile; ours goes on top of it, or not at all.
            if snapshot is not None or wanted.mode in ("errorifexists", "ignore"):
                raise
        except errors.MetadataChangedException:
            if wanted.overwrite_schema or plan.metadata:
                raise
    raise errors.DeltaConcurrentModificationException()


def create(
    spark: SparkSession,
    root: str | Path,
    schema: StructType,
    partition_by: Sequence[str] = (),
    configuration: Mapping[str, str] | None = None,
    *,
    comment: str | None = None,
    replace: bool = False,
    operation: str = "CREATE TABLE",
) -> int:
    """Make an empty table and return its version; with `replace` an existing one is emptied."""
    root = str(root)
    schema = schemas.table_schema(schema)
    schemas.check(schema)
    _check_partitions(schema, partition_by)
    snapshot = Snapshot.open(root) if is_delta(root) else None
    if snapshot and not replace:
        raise delta_error("DELTA_TABLE_ALREADY_EXISTS", f"Table `{root}` already exists.")
    _refuse_foreign(root) if snapshot is None else None
    actions = Actions(
        read_version=snapshot.version if snapshot else -1,
        operation=operation,
        removes=snapshot.files() if snapshot else (),
        protocol=features.protocol(schema, configuration or {}),
        metadata=_metadata(snapshot, schema, partition_by, configuration or {}, comment),
        reads_all=bool(snapshot),
    )
    return log.commit(root, actions)


def _written(snapshot: Snapshot, stream: str, batch: int) -> bool:
    last = snapshot.transaction(stream)
    return last is not None and last >= batch


@dataclass(frozen=True)
class Options:
    """The options of a write, read and checked."""

    mode: str
    merge_schema: bool = False
    overwrite_schema: bool = False
    replace_where: Any = None  # text or a Column
    dynamic: bool = False
    txn: tuple[str, int] | None = None
    user_metadata: str | None = None

    @classmethod
    def of(cls, options: Mapping[str, Any], mode: str) -> Options:
        """Return the options of a writer, whatever the case of their names."""
        known = {str(key).lower(): value for key, value in options.items()}
        mode = {"error": "errorifexists", "default": "errorifexists"}.get(
            mode.lower(), mode.lower()
        )
        if mode not in ("append", "overwrite", "errorifexists", "ignore"):
            raise delta_error(
                "DELTA_INVALID_SAVE_MODE",
                f"The save mode '{mode}' is not known; use append, overwrite, error or ignore.",
            )
        app, number = known.get("txnappid"), known.get("txnversion")
        replace = known.get("replacewhere")
        if replace is not None and mode != "overwrite":
            raise delta_error(
                "DELTA_REPLACE_WHERE_WITH_MODE",
                f"'replaceWhere' needs mode('overwrite'); this write has mode('{mode}').",
            )
        return cls(
            mode=mode,
            merge_schema=_true(known.get("mergeschema")),
            overwrite_schema=_true(known.get("overwriteschema")),
            replace_where=replace,
            dynamic=str(known.get("partitionoverwritemode", "")).lower() == "dynamic",
            txn=(str(app), int(number)) if app is not None and number is not None else None,
            user_metadata=known.get("usermetadata"),
        )


@dataclass
class _Plan:
    rows: DataFrame
    schema: StructType
    partition_by: Sequence[str]
    configuration: Mapping[str, str]
    metadata: dict[str, Any] | None
    protocol: dict[str, Any] | None


def _plan(
    rows: DataFrame,
    root: str,
    snapshot: Snapshot | None,
    wanted: Options,
    partition_by: Sequence[str],
    configuration: Mapping[str, str],
    assign: bool,
    comment: str | None = None,
) -> _Plan:
    """Decide the schema that the table will have, and fit the rows to it."""
    given = schemas.table_schema(rows.schema)
    if snapshot is None or (wanted.mode == "overwrite" and wanted.overwrite_schema):
        schemas.check(given)
        schema = schemas.nullable(given)
        parts = _resolved(schema, partition_by)
        _check_partitions(schema, parts)
        return _Plan(
            rows,
            schema,
            parts,
            configuration,
            _metadata(snapshot, schema, parts, configuration, comment),
            features.protocol(schema, configuration),
        )
    parts = snapshot.partition_columns
    if partition_by and [p.lower() for p in partition_by] != [p.lower() for p in parts]:
        raise delta_error(
            "DELTA_MISMATCHED_PARTITION_COLUMNS",
            f"The table is partitioned by {parts}, the write by {list(partition_by)}. Leave "
            "partitionBy out, or overwrite with option('overwriteSchema', 'true').",
        )
    known = {f.name.lower() for f in snapshot.schema.fields}
    new = [f.name for f in given.fields if f.name.lower() not in known]
    if new and not wanted.merge_schema:
        way = (
            "option('mergeSchema', 'true') or option('overwriteSchema', 'true')"
            if wanted.mode == "overwrite"
            else "option('mergeSchema', 'true')"
        )
        raise delta_error(
            "DELTA_METADATA_MISMATCH",
            f"A schema mismatch detected when writing to the Delta table `{root}`: the table has "
            f"no column {', '.join(new)}. To migrate the schema, give {way}; else leave the "
            f"column out. Table: {snapshot.schema.simpleString()}. Data: {given.simpleString()}.",
        )
    schema = schemas.merged(snapshot.schema, given, assign)
    evolved = schemas.table_schema(schema) != schemas.table_schema(snapshot.schema)
    if evolved and not wanted.merge_schema:
        raise delta_error(
            "DELTA_METADATA_MISMATCH",
            f"A schema mismatch detected when writing to the Delta table `{root}`: nested fields "
            f"are new. Give option('mergeSchema', 'true'). Table: "
            f"{snapshot.schema.simpleString()}. Data: {given.simpleString()}.",
        )
    if evolved:
        schemas.check(schema)
    return _Plan(
        schemas.conform(rows, schema),
        schema,
        parts,
        snapshot.configuration,
        snapshot.metadata(schemaString=schemas.json_of(schema)) if evolved else None,
        features.raised(snapshot, schema) if evolved else None,
    )


def _execute(
    plan: _Plan,
    spark: SparkSession,
    root: str,
    snapshot: Snapshot | None,
    wanted: Options,
    txn: tuple[str, int] | None,
    operation: str,
    name: str,
) -> int:
    checked = schemas.constrained(plan.rows, plan.schema, plan.configuration, name)
    condition = None
    if wanted.replace_where is not None:
        condition = _predicate(wanted.replace_where)
        checked = _only(checked, condition, wanted.replace_where)
    adds = stage.stage(checked, root, plan.partition_by)
    actions = Actions(
        read_version=snapshot.version if snapshot else -1,
        operation=operation,
        metadata=plan.metadata,
        protocol=plan.protocol,
        txn=txn,
        parameters=_parameters(wanted, plan),
        user_metadata=wanted.user_metadata,
    )
    kept: list[Add] = []
    try:
        if snapshot and wanted.mode == "overwrite":
            if condition is not None:
                change = without_rows(spark, snapshot, condition)
                removes, kept = change.removes, change.adds
                if kept and _true(snapshot.configuration.get("delta.enableChangeDataFeed")):
                    actions.cdc = _replaced(spark, snapshot, condition, checked, root)
            elif wanted.dynamic and plan.partition_by:
                touched = {tuple(sorted(file.partition_values.items())) for file in adds}
                removes = [
                    file
                    for file in snapshot.files()
                    if tuple(sorted(file.partition_values.items())) in touched
                ]
            else:
                removes = snapshot.files()
            actions.removes, actions.reads_all = removes, True
            actions.reads = frozenset(file.path for file in removes)
        actions.adds = [*adds, *kept]
        actions.metrics = {
            "numFiles": len(adds),
            "numOutputRows": sum(file.rows or 0 for file in adds),
            "numOutputBytes": sum(file.size for file in adds),
        }
        return log.commit(root, actions)
    except Exception:
        # Only what is an error for certain: an interrupt may come when the commit stands already.
        stage.discard(root, [*adds, *kept, *actions.cdc])
        raise


def _replaced(
    spark: SparkSession, snapshot: Snapshot, condition: Column, rows: DataFrame, root: str
) -> list[Add]:
    """Write the change data of a replaceWhere that carries rows over, which are no change."""
    from pyspark.sql import functions as F

    gone = frame(spark, snapshot).filter(condition).withColumn("_change_type", F.lit("delete"))
    come = rows.withColumn("_change_type", F.lit("insert"))
    return stage.stage(gone.unionByName(come, True), root, snapshot.partition_columns)


def _parameters(wanted: Options, plan: _Plan) -> dict[str, Any]:
    mode = {"append": "Append", "overwrite": "Overwrite", "ignore": "Ignore"}
    found: dict[str, Any] = {
        "mode": mode.get(wanted.mode, "ErrorIfExists"),
        "partitionBy": list(plan.partition_by),
    }
    if wanted.replace_where is not None:
        found["predicate"] = str(wanted.replace_where)
    return found


@dataclass
class Change:
    """Files to remove and files that take their place; rows removed and rows carried over."""

    removes: list[Add] = field(default_factory=list)
    adds: list[Add] = field(default_factory=list)
    deleted: int = 0
    copied: int = 0


def without_rows(spark: SparkSession, snapshot: Snapshot, condition: Column) -> Change:
    """Rewrite the files that hold a row for which the condition is true, without these rows.

    A file all of whose rows go is removed without being read again.
    """
    from pyspark.sql import functions as F

    rows = frame(spark, snapshot, metadata={"__file": "file_path"})
    hits = rows.filter(condition).groupBy("__file").count().collect()
    by_place = {stage.place(snapshot.root, file): file for file in snapshot.files()}
    touched = {by_place[stage.local_path(row["__file"])]: row["count"] for row in hits}
    partly = [file for file, count in touched.items() if count != file.rows]
    adds: list[Add] = []
    if partly:
        kept = frame(spark, snapshot, partly).filter(~F.coalesce(condition, F.lit(False)))
        adds = stage.stage(kept, snapshot.root, snapshot.partition_columns)
    return Change(
        removes=list(touched),
        adds=adds,
        deleted=sum(touched.values()),
        copied=sum(file.rows or 0 for file in adds),
    )


def _refuse_foreign(root: str) -> None:
    """Refuse a folder that holds other files: they would become part of nobody's table."""
    folder = Path(root)
    if folder.is_file() or (
        folder.is_dir() and any(not p.name.startswith(("_", ".")) for p in folder.iterdir())
    ):
        raise delta_error(
            "DELTA_CREATE_TABLE_WITH_NON_EMPTY_LOCATION",
            f"'{root}' is not empty and not a Delta table. Choose another path, or convert a "
            "folder of Parquet with DeltaTable.convertToDelta.",
        )


def _true(value: Any) -> bool:
    return str(value).lower() == "true"


def _resolved(schema: StructType, names: Sequence[str]) -> list[str]:
    known = {field.name.lower(): field.name for field in schema.fields}
    return [known.get(name.lower(), name) for name in names]


def _check_partitions(schema: StructType, names: Sequence[str]) -> None:
    from pyspark.sql import types as T

    known = {field.name: field.dataType for field in schema.fields}
    for name in names:
        if name not in known:
            raise delta_error(
                "DELTA_PARTITION_COLUMN_NOT_FOUND",
                f"Partition column '{name}' is not found in schema {schema.simpleString()}.",
            )
        if isinstance(known[name], (T.StructType, T.ArrayType, T.MapType, T.BinaryType)):
            raise delta_error(
                "DELTA_INVALID_PARTITION_COLUMN_TYPE",
                f"Using column {name} of type {known[name].simpleString()} as a partition column "
                "is not supported.",
            )
    if names and len(names) == len(known):
        raise delta_error(
            "DELTA_CANNOT_USE_ALL_COLUMNS_FOR_PARTITION",
            "Cannot use all columns for partition columns.",
        )


def _metadata(
    snapshot: Snapshot | None,
    schema: StructType,
    partition_by: Sequence[str],
    configuration: Mapping[str, str],
    comment: str | None,
) -> dict[str, Any]:
    changes = {
        "schemaString": schemas.json_of(schema),
        "partitionColumns": list(partition_by),
        "configuration": dict(configuration),
    }
    if comment is not None:
        changes["description"] = comment
    if snapshot:
        return snapshot.metadata(**changes)
    return {
        "id": str(uuid.uuid4()),
        "format": {"provider": "parquet", "options": {}},
        "createdTime": int(time.time() * 1000),
        **changes,
    }


def _predicate(condition: Any) -> Column:
    from pyspark.sql import functions as F

    return F.expr(condition) if isinstance(condition, str) else condition


def _only(rows: DataFrame, condition: Column, text: str) -> DataFrame:
    from pyspark.sql import functions as F

    message = (
        "[DELTA_REPLACE_WHERE_MISMATCH] Written data does not conform to partial table overwrite "
        f"condition or constraint '{text}'."
    )
    guard = F.when(condition, True).otherwise(F.raise_error(F.lit(message)).cast("boolean"))
    return rows.filter(guard)
