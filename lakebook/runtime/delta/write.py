"""Writing a Delta table: Spark writes Parquet files aside, then one commit makes them the table."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import os
import shutil
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from lakebook.runtime.delta import errors, log, schemas
from lakebook.runtime.delta.errors import delta_error
from lakebook.runtime.delta.log import Actions, Add
from lakebook.runtime.delta.read import NULL_FOLDER, frame
from lakebook.runtime.delta.snapshot import Snapshot, is_delta
from lakebook.runtime.patching import original

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession
    from pyspark.sql.types import StructType

STAGING = "_staging"
STATISTICS_COLUMNS = 32  # Delta's own default
LONGEST_TEXT = 32  # characters of a text kept as minimum or maximum
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
        protocol=_protocol(schema, configuration or {}),
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
            _protocol(schema, configuration),
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
        _raised(snapshot, schema) if evolved else None,
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
    adds = stage(checked, root, plan.partition_by)
    actions = Actions(
        read_version=snapshot.version if snapshot else -1,
        operation=operation,
        metadata=plan.metadata,
        protocol=plan.protocol,
        txn=txn,
        parameters=_parameters(wanted, plan),
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
        discard(root, [*adds, *kept, *actions.cdc])
        raise


def _replaced(
    spark: SparkSession, snapshot: Snapshot, condition: Column, rows: DataFrame, root: str
) -> list[Add]:
    """Write the change data of a replaceWhere that carries rows over, which are no change."""
    from pyspark.sql import functions as F

    gone = frame(spark, snapshot).filter(condition).withColumn("_change_type", F.lit("delete"))
    come = rows.withColumn("_change_type", F.lit("insert"))
    return stage(gone.unionByName(come, True), root, snapshot.partition_columns)


def _parameters(wanted: Options, plan: _Plan) -> dict[str, Any]:
    mode = {"append": "Append", "overwrite": "Overwrite", "ignore": "Ignore"}
    found: dict[str, Any] = {
        "mode": mode.get(wanted.mode, "ErrorIfExists"),
        "partitionBy": list(plan.partition_by),
    }
    if wanted.replace_where is not None:
        found["predicate"] = str(wanted.replace_where)
    if wanted.user_metadata:
        found["userMetadata"] = wanted.user_metadata
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
    by_place = {place(snapshot.root, file): file for file in snapshot.files()}
    touched = {by_place[_local(row["__file"])]: row["count"] for row in hits}
    partly = [file for file, count in touched.items() if count != file.rows]
    adds: list[Add] = []
    if partly:
        kept = frame(spark, snapshot, partly).filter(~F.coalesce(condition, F.lit(False)))
        adds = stage(kept, snapshot.root, snapshot.partition_columns)
    return Change(
        removes=list(touched),
        adds=adds,
        deleted=sum(touched.values()),
        copied=sum(file.rows or 0 for file in adds),
    )


def place(root: str, file: Add) -> str:
    """Return the absolute path of a file of the table."""
    return str(Path(root) / file.path)


def _local(uri: str) -> str:
    """Return the path in a ``_metadata.file_path``, which is a percent-encoded URI."""
    return "/" + unquote(uri).removeprefix("file:").lstrip("/")


local_path = _local


def stage(rows: DataFrame, root: str | Path, partition_by: Sequence[str] = ()) -> list[Add]:
    """Write rows as Parquet files of the table, not yet part of any version; return the files.

    Raises DeltaError if a row breaks a constraint; nothing is left behind.
    """
    aside = Path(root) / STAGING / uuid.uuid4().hex
    inside = "_change_data" if "_change_type" in rows.columns else ""
    try:
        writer = rows.write.option("timeZone", "UTC").option("compression", "snappy")
        if partition_by:
            writer = writer.partitionBy(*partition_by)
        original(type(writer), "parquet")(writer, str(aside))
        return [
            added
            for found in sorted(aside.rglob("*.parquet"))
            if (added := _moved(found, aside, Path(root), inside)) is not None
        ]
    except Exception as error:
        if raised := errors.from_task(error):
            raise raised from None
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        _remove_if_empty(aside.parent)


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        # Another writer stages there.
        return


def discard(root: str | Path, files: Sequence[Add]) -> None:
    """Delete staged files that no commit took."""
    for file in files:
        (Path(root) / file.path).unlink(missing_ok=True)


def _moved(found: Path, aside: Path, root: Path, inside: str) -> Add | None:
    import pyarrow.parquet as pq

    footer = pq.read_metadata(found)
    if footer.num_rows == 0:
        return None
    relative = found.relative_to(aside)
    values = {}
    for folder in relative.parts[:-1]:
        name, _, text = folder.partition("=")
        # Spark writes what it must escape as one byte each.
        values[unquote(name, encoding="latin-1")] = (
            None if text == NULL_FOLDER else unquote(text, encoding="latin-1")
        )
    target = root / inside / relative.parent / found.name
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(found, target)  # noqa: PTH105  (the same file system: one step)
    return Add(
        path=str(target.relative_to(root)),
        size=target.stat().st_size,
        partition_values=values,
        stats=_statistics(footer),
        modification_time=int(time.time() * 1000),
    )


def _statistics(footer: Any) -> dict[str, Any]:
    """Return the statistics of a file as the log has them, from its Parquet footer."""
    least: dict[str, Any] = {}
    most: dict[str, Any] = {}
    nulls: dict[str, int] = {}
    for index in range(min(footer.num_columns, STATISTICS_COLUMNS)):
        column = footer.schema.column(index)
        name = column.path
        if name != column.name or "." in name:
            continue  # part of a nested column
        found = [
            footer.row_group(group).column(index).statistics
            for group in range(footer.num_row_groups)
        ]
        if any(part is None for part in found):
            continue
        if all(part.has_null_count for part in found):
            nulls[name] = sum(part.null_count for part in found)
        if any(not part.has_min_max and part.null_count < part.num_values for part in found):
            continue
        ranged = [part for part in found if part.has_min_max]
        if ranged:
            low = _logged(min(part.min for part in ranged))
            high = _logged(max(part.max for part in ranged))
            if low is not None and high is not None:
                least[name], most[name] = low, high
    return {
        "numRecords": footer.num_rows,
        "minValues": least,
        "maxValues": most,
        "nullCount": nulls,
    }


def _logged(value: Any) -> Any:
    """Return a value as JSON has it, None for what is left out of the statistics."""
    if isinstance(value, bool | bytes):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, str):
        return value if len(value) <= LONGEST_TEXT else None
    if isinstance(value, dt.datetime):
        zone = "" if value.tzinfo is None else "Z"
        return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond:06d}{zone}"
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        # Beyond 15 digits a JSON number would not come back as it was.
        return float(value) if len(value.as_tuple().digits) <= 15 else None
    return None


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


def _protocol(schema: StructType, configuration: Mapping[str, str]) -> dict[str, Any]:
    """Return the lowest protocol that the schema and the properties allow."""
    without_zone = '"timestamp_ntz"' in json.dumps(schema.jsonValue())
    features = {"appendOnly", "invariants"}
    level = 2
    if any(key.startswith(schemas.CONSTRAINT) for key in configuration):
        features.add("checkConstraints")
        level = max(level, 3)
    if _true(configuration.get("delta.enableChangeDataFeed")):
        features.add("changeDataFeed")
        level = max(level, 4)
    if level == 4:
        # Version 4 stands for all that came before it.
        features |= {"checkConstraints", "generatedColumns"}
    if without_zone:
        return {
            "minReaderVersion": 3,
            "minWriterVersion": 7,
            "readerFeatures": ["timestampNtz"],
            "writerFeatures": sorted(features | {"timestampNtz"}),
        }
    return {"minReaderVersion": 1, "minWriterVersion": level}


def protocol_for(snapshot: Snapshot, configuration: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the protocol that new properties need, None if the table has it already."""
    wanted = _protocol(snapshot.schema, configuration)
    have = snapshot.protocol()
    if wanted["minWriterVersion"] > have["minWriterVersion"]:
        return wanted
    missing = set(wanted.get("writerFeatures", ())) - set(have.get("writerFeatures", ()))
    if have["minWriterVersion"] >= 7 and missing:
        return {**have, "writerFeatures": sorted({*have.get("writerFeatures", ()), *missing})}
    return None


def _raised(snapshot: Snapshot, schema: StructType) -> dict[str, Any] | None:
    wanted = _protocol(schema, snapshot.configuration)
    have = snapshot.protocol()
    if wanted["minWriterVersion"] <= have["minWriterVersion"]:
        return None
    return wanted


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
