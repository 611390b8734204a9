"""History, details, vacuum, optimise, restore: delta-rs does them, frames tell of them."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakebook.runtime.delta import columns, errors, log, stage
from lakebook.runtime.delta.errors import delta_error
from lakebook.runtime.delta.log import Add
from lakebook.runtime.delta.rows import Target
from lakebook.runtime.delta.snapshot import Snapshot, commit_times, version_at

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

WEEK = 168.0  # hours, Delta's own default
CHECK = "spark.databricks.delta.retentionDurationCheck.enabled"

HISTORY = """version long, timestamp timestamp, userId string, userName string,
operation string, operationParameters map<string,string>,
job struct<jobId:string,jobName:string,jobRunId:string,runId:string,jobOwnerId:string,
triggerType:string>, notebook struct<notebookId:string>, clusterId string, readVersion long,
isolationLevel string, isBlindAppend boolean, operationMetrics map<string,string>,
userMetadata string, engineInfo string"""

DETAIL = """format string, id string, name string, description string, location string,
createdAt timestamp, lastModified timestamp, partitionColumns array<string>,
clusteringColumns array<string>, numFiles long, sizeInBytes long,
properties map<string,string>, minReaderVersion int, minWriterVersion int,
tableFeatures array<string>"""

SIZES = "struct<min:long,max:long,avg:double,totalFiles:long,totalSize:long>"
OPTIMIZED = f"""path string, metrics struct<numFilesAdded:long,numFilesRemoved:long,
filesAdded:{SIZES},filesRemoved:{SIZES},partitionsOptimized:long,
zOrderStats:struct<strategyName:string,inputCubeFiles:struct<num:long,size:long>,
inputOtherFiles:struct<num:long,size:long>,inputNumCubes:long,
mergedFiles:struct<num:long,size:long>,numOutputCubes:long>,
numBatches:long,totalConsideredFiles:long,totalFilesSkipped:long,preserveInsertionOrder:boolean>"""

RESTORED = """table_size_after_restore long, num_of_files_after_restore long,
num_removed_files long, num_restored_files long, removed_files_size long,
restored_files_size long"""

# What each version of the protocol stands for.
WRITER_FEATURES = {
    2: ["appendOnly", "invariants"],
    3: ["checkConstraints"],
    4: ["changeDataFeed", "generatedColumns"],
}


def history(spark: SparkSession, root: str, limit: int | None = None) -> DataFrame:
    """Return the versions that the log still has, the newest first, at most `limit` of them."""
    Snapshot.open(root)
    times = sorted(commit_times(root), reverse=True)[: None if limit is None else max(limit, 0)]
    rows = [_history_row(root, version, time) for version, time in times]
    return spark.createDataFrame(rows, HISTORY)


def _history_row(root: str, version: int, time: int) -> tuple[Any, ...]:
    actions = log.read_commit(root, version)
    info: dict[str, Any] = next((a["commitInfo"] for a in actions if "commitInfo" in a), {})
    parameters = _texts(info.get("operationParameters"))
    return (
        version,
        _time(time),
        info.get("userId"),
        info.get("userName"),
        info.get("operation"),
        parameters,
        info.get("job"),
        info.get("notebook"),
        info.get("clusterId"),
        info.get("readVersion"),
        info.get("isolationLevel"),
        info.get("isBlindAppend"),
        _texts(info.get("operationMetrics")),
        info.get("userMetadata"),
        info.get("engineInfo"),
    )


def _texts(values: Mapping[str, Any] | None) -> dict[str, str]:
    """Return what a commit says as the history shows it; delta-rs keeps numbers and lists."""
    return {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in (values or {}).items()
        if value is not None
    }


def _time(ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(ms / 1000, dt.UTC)


def detail(spark: SparkSession, root: str, name: str | None = None) -> DataFrame:
    """Return one row that describes the table: where, how many files, sizes in bytes, protocol."""
    snapshot = Snapshot.open(root)
    files = snapshot.files()
    protocol = snapshot.protocol()
    features = {
        *protocol.get("readerFeatures", ()),
        *protocol.get("writerFeatures", ()),
    }
    if not features:
        for level, found in WRITER_FEATURES.items():
            if protocol["minWriterVersion"] >= level:
                features.update(found)
    row: tuple[Any, ...] = (
        "delta",
        snapshot.id,
        name or snapshot.name,
        snapshot.description,
        Path(root).absolute().as_uri(),
        _time(snapshot.created),
        _time(commit_times(root)[-1][1]),
        snapshot.partition_columns,
        [],
        len(files),
        sum(file.size for file in files),
        snapshot.configuration,
        protocol["minReaderVersion"],
        protocol["minWriterVersion"],
        sorted(features),
    )
    return spark.createDataFrame([row], DETAIL)


def vacuum(
    spark: SparkSession, root: str, hours: float | None = None, *, dry_run: bool = False
) -> DataFrame:
    """Delete files that no version of the last `hours` needs.

    Returns a frame with a column `path`: with `dry_run` of the files that would go, else none.
    Raises DeltaError if the hours are fewer than the table keeps and the check is not off.
    """
    snapshot = Snapshot.open(root)
    kept = _kept_hours(snapshot)
    wanted = kept if hours is None else float(hours)
    if wanted < 0:
        raise delta_error("DELTA_VACUUM_RETENTION_NEGATIVE", f"Retention {hours} is negative.")
    checked = str(spark.conf.get(CHECK, "true")).lower() == "true"
    if checked and wanted < kept:
        raise delta_error(
            "DELTA_VACUUM_RETENTION_PERIOD_TOO_SHORT",
            f"Are you sure you would like to vacuum files with such a low retention period "
            f"({wanted:g} hours)? Writers that are at work, and readers of older versions, need "
            f"files of the last {kept:g} hours. If you are certain that there are none, set "
            f"{CHECK} = false.",
        )
    from deltalake import DeltaTable

    with _translated():
        gone = DeltaTable(root).vacuum(
            retention_hours=math.ceil(wanted),  # whole hours; rather a file too many
            dry_run=dry_run,
            enforce_retention_duration=False,
            full=True,
        )
    paths = [(f"file:{Path(root, log.disk_path(path))}",) for path in gone] if dry_run else []
    return spark.createDataFrame(paths, "path string")


def _kept_hours(snapshot: Snapshot) -> float:
    text = snapshot.configuration.get("delta.deletedFileRetentionDuration", "")
    found = re.match(r"(?:interval\s+)?(\d+(?:\.\d+)?)\s+(week|day|hour|minute|second)", text, re.I)
    if not found:
        return WEEK
    factor = {"week": 168.0, "day": 24.0, "hour": 1.0, "minute": 1 / 60, "second": 1 / 3600}
    return float(found[1]) * factor[found[2].lower()]


def optimize(
    spark: SparkSession,
    root: str,
    where: Sequence[columns.Expression] = (),
    zorder: Sequence[str] = (),
    *,
    alias: str | None = None,
) -> DataFrame:
    """Put small files together, or order rows by some columns along a Z-order curve.

    `where` may speak of partition columns only. Rows stay as they are, so the change data feed
    shows nothing. Returns one row: path and metrics. Raises DeltaError for wrong columns.
    """
    target = Target.open(spark, root, alias)
    before = target.snapshot
    names = _zorder_columns(target, zorder)
    chosen = _chosen(target, where)
    from deltalake import DeltaTable

    with _translated():
        for filters in _filters(before, chosen if where else None):
            table = DeltaTable(root)
            if names:
                table.optimize.z_order(names, partition_filters=filters)
            else:
                table.optimize.compact(partition_filters=filters)
    after = Snapshot.open(root)
    old = {file.path: file for file in before.files()}
    new = {file.path: file for file in after.files()}
    added = [file for path, file in new.items() if path not in old]
    removed = [file for path, file in old.items() if path not in new]
    parts = {tuple(sorted(file.partition_values.items())) for file in removed}
    metrics = (
        len(added),
        len(removed),
        _sizes(added),
        _sizes(removed),
        len(parts),
        _zorder_stats(removed) if names else None,
        1 if removed else 0,
        len(chosen),
        len(chosen) - len(removed),
        not names,
    )
    return spark.createDataFrame([(Path(root).absolute().as_uri(), metrics)], OPTIMIZED)


def _zorder_columns(target: Target, zorder: Sequence[str]) -> list[str]:
    same = columns.same_name(target.spark)
    known = {same(name): name for name in target.schema.names}
    parts = set(map(same, target.snapshot.partition_columns))
    for name in zorder:
        if same(name) not in known:
            raise delta_error(
                "DELTA_ZORDERING_COLUMN_DOES_NOT_EXIST",
                f"Z-Ordering column {name} does not exist in data schema: "
                f"{', '.join(target.schema.names)}.",
            )
        if same(name) in parts:
            raise delta_error(
                "DELTA_ZORDERING_ON_PARTITION_COLUMN",
                f"{name} is a partition column. Z-Ordering can only be performed on data columns.",
            )
    return [known[same(name)] for name in zorder]


def _chosen(target: Target, where: Sequence[columns.Expression]) -> list[Add]:
    """Return the files of the partitions that all conditions speak of."""
    chosen = target.snapshot.files()
    for condition in where:
        found = target.whole_partitions(columns.column(condition, "'where'"))
        if found is None:
            raise delta_error(
                "DELTA_NON_PARTITION_COLUMN_REFERENCE",
                f"Predicate references non-partition columns: {columns.text(condition)}. Only the "
                f"partition columns may be referenced: "
                f"[{', '.join(target.snapshot.partition_columns)}].",
            )
        paths = {file.path for file in found}
        chosen = [file for file in chosen if file.path in paths]
    return chosen


def _filters(snapshot: Snapshot, chosen: Sequence[Add] | None) -> list[Any]:
    """Return the filters of delta-rs that name these partitions; None is the whole table."""
    if chosen is None:
        return [None]
    partitions = {tuple(file.partition_values.items()) for file in chosen}
    return [
        [(name, "=", "" if value is None else value) for name, value in partition]
        for partition in sorted(partitions, key=str)
    ]


def _sizes(files: Sequence[Add]) -> tuple[int | None, int | None, float, int, int]:
    sizes = [file.size for file in files]
    total = sum(sizes)
    return (
        min(sizes, default=None),
        max(sizes, default=None),
        total / len(sizes) if sizes else 0.0,
        len(sizes),
        total,
    )


def _zorder_stats(removed: Sequence[Add]) -> tuple[Any, ...]:
    """Return what Delta tells of a Z-order: all files are taken, none was ordered before."""
    taken = (len(removed), sum(file.size for file in removed))
    return ("all", (0, 0), taken, 0, taken, 1)


def restore(
    spark: SparkSession, root: str, version: int | None = None, timestamp: Any = None
) -> DataFrame:
    """Make an older version the newest again; return one row of metrics, sizes in bytes.

    Raises DeltaError if there is no such version, or a file of it was vacuumed away.
    """
    before = Snapshot.open(root)
    wanted = Snapshot.open(root, version_at(root, timestamp) if version is None else version)
    missing = [f.path for f in wanted.files() if not Path(stage.place(root, f)).exists()]
    if missing:
        raise delta_error(
            "DELTA_CANNOT_RESTORE_TABLE_VERSION",
            f"Cannot restore table `{root}` to version {wanted.version}: {len(missing)} of its "
            f"files are gone, for example {missing[0]}. VACUUM has deleted them.",
        )
    from deltalake import DeltaTable

    with _translated():
        DeltaTable(root).restore(wanted.version)
    old = {file.path: file.size for file in before.files()}
    new = {file.path: file.size for file in wanted.files()}
    removed = [size for path, size in old.items() if path not in new]
    added = [size for path, size in new.items() if path not in old]
    row = (sum(new.values()), len(new), len(removed), len(added), sum(removed), sum(added))
    return spark.createDataFrame([row], RESTORED)


def generate(root: str, mode: str) -> None:
    """Write manifest files for engines that read lists of files.

    Raises DeltaError for any mode but ``symlink_format_manifest``.
    """
    if mode.lower() != "symlink_format_manifest":
        raise delta_error(
            "DELTA_UNSUPPORTED_GENERATE_MODE",
            f"Specified mode '{mode}' is not supported. Supported modes are: "
            "symlink_format_manifest.",
        )
    with _translated():
        Snapshot.open(root).table.generate()


@contextmanager
def _translated() -> Iterator[None]:
    """Turn errors of delta-rs into those that the platform raises."""
    from deltalake import exceptions as rust

    try:
        yield
    except rust.CommitFailedError as error:
        raise errors.DeltaConcurrentModificationException() from error
    except rust.DeltaError as error:
        raise delta_error("DELTA_OPERATION_FAILED", f"{error}") from error
