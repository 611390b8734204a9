"""The change data feed: what each version changed, row by row.

Options and columns: https://docs.delta.io/latest/delta-change-data-feed.html
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from functools import reduce
from typing import TYPE_CHECKING, Any

from lakebook.runtime.delta import log, read, stage
from lakebook.runtime.delta.errors import delta_error
from lakebook.runtime.delta.log import Add
from lakebook.runtime.delta.snapshot import Snapshot, commit_times, milliseconds

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

TYPE, VERSION, TIMESTAMP = "_change_type", "_commit_version", "_commit_timestamp"
ENABLED = "delta.enableChangeDataFeed"
URI = "__uri"
ROOT = re.compile("^file:/+")


def frame(spark: SparkSession, root: str, options: Mapping[str, Any]) -> DataFrame:
    """Return the changed rows with ``_change_type``, ``_commit_version``, ``_commit_timestamp``.

    `options`: ``startingVersion`` or ``startingTimestamp``, and if wanted ``endingVersion`` or
    ``endingTimestamp``, both ends included; their case does not matter.

    Raises DeltaError: no start is given, the range holds no version, or in a part of it nothing
    was recorded.
    """
    told = {key.lower(): value for key, value in options.items()}
    first, last = _range(root, told)
    return between(spark, root, first, last)


def between(spark: SparkSession, root: str, first: int, last: int) -> DataFrame:
    """Return the changes of the versions from `first` to `last`, both included.

    Raises DeltaError DELTA_MISSING_CHANGE_DATA if a version of them recorded none.
    """
    from pyspark.sql.types import StringType, StructField, StructType

    end = Snapshot.open(root, last)
    times = dict(commit_times(root))
    found: dict[str, list[tuple[int, Add]]] = {"insert": [], "delete": [], "": []}
    for version, kind, file in _files(root, first, last):
        found[kind].append((version, file))
    recorded = StructType([*end.schema.fields, StructField(TYPE, StringType())])
    parts = [
        _dated(spark, end, end.schema if kind else recorded, files, kind, times)
        for kind, files in found.items()
        if files
    ]
    return reduce(
        lambda left, right: left.unionAll(right),
        parts or [_dated(spark, end, recorded, [], "", times)],
    )


def _dated(
    spark: SparkSession,
    end: Snapshot,
    schema: StructType,
    files: list[tuple[int, Add]],
    kind: str,
    times: Mapping[int, int],
) -> DataFrame:
    """Return the rows of files, each with the version that changed it.

    A restored file may have come twice, and is then in as many rows of the map.
    """
    from pyspark.sql import functions as F

    once = list({file.path: file for _, file in files}.values())
    rows = read.scan(spark, end.root, schema, end.partition_columns, once, {URI: "file_path"})
    # Spark writes one file as file:/t/x in one place and as file:///t/x in another.
    rows = rows.withColumn(URI, F.regexp_replace(URI, "^file:/+", "/"))
    uris = {stage.local_path(uri): ROOT.sub("/", uri) for uri in rows.inputFiles()} if once else {}
    versions = [
        (
            uris[stage.place(end.root, file)],
            version,
            dt.datetime.fromtimestamp(times[version] / 1000, dt.UTC),
        )
        for version, file in files
    ]
    commits = spark.createDataFrame(
        versions, f"{URI} string, {VERSION} long, {TIMESTAMP} timestamp"
    )
    if kind:
        rows = rows.withColumn(TYPE, F.lit(kind))
    columns = [F.col(f"`{name.replace('`', '``')}`") for name in end.schema.names]
    return rows.join(F.broadcast(commits), URI).select(*columns, TYPE, VERSION, TIMESTAMP)


def _files(root: str, first: int, last: int) -> Iterator[tuple[int, str, Add]]:
    """Yield version, kind of change and file; the kind is empty where the file has it itself."""
    enabled = _is_enabled(Snapshot.open(root, first).configuration)
    for version in range(first, last + 1):
        actions = log.read_commit(root, version)
        for action in actions:
            if "metaData" in action:
                enabled = _is_enabled(action["metaData"].get("configuration", {}))
        if not enabled:
            raise delta_error(
                "DELTA_MISSING_CHANGE_DATA",
                f"Error getting change data for range [{first}, {last}] as change data was not "
                f"recorded for version [{version}]. If you've enabled change data feed on this "
                "table, use `DESCRIBE HISTORY` to see when it was first enabled. Otherwise, to "
                "start recording change data, use `ALTER TABLE table_name SET TBLPROPERTIES "
                f"({ENABLED}=true)`.",
            )
        recorded = [action["cdc"] for action in actions if "cdc" in action]
        if recorded:
            yield from ((version, "", _file(entry)) for entry in recorded)
            continue
        for key, kind in (("add", "insert"), ("remove", "delete")):
            for action in actions:
                if key in action and action[key].get("dataChange", True):
                    yield version, kind, _file(action[key])


def _file(entry: Mapping[str, Any]) -> Add:
    return Add(
        path=log.disk_path(entry["path"]),
        size=entry.get("size") or 0,
        partition_values=entry.get("partitionValues") or {},
    )


def _is_enabled(configuration: Mapping[str, str]) -> bool:
    return str(configuration.get(ENABLED, "false")).lower() == "true"


def _range(root: str, told: Mapping[str, Any]) -> tuple[int, int]:
    """Return the first and the last version that the options ask for."""
    latest = Snapshot.open(root).version
    times = commit_times(root)
    for end in ("starting", "ending"):
        if f"{end}version" in told and f"{end}timestamp" in told:
            raise delta_error(
                "DELTA_ONEOF_IN_TIMETRAVEL",
                f"Please either provide '{end}Version' or '{end}Timestamp'.",
            )
    if "startingversion" in told:
        first = _number(told["startingversion"], latest)
    elif "startingtimestamp" in told:
        wanted = milliseconds(told["startingtimestamp"])
        after = [version for version, time in times if time >= wanted]
        if not after:
            raise delta_error(
                "DELTA_TIMESTAMP_GREATER_THAN_COMMIT",
                f"The provided timestamp ({told['startingtimestamp']}) is after the latest "
                f"version available to this table ({latest}). Use an earlier timestamp.",
            )
        first = after[0]
    else:
        raise delta_error(
            "DELTA_NO_START_FOR_CDC_READ",
            "No startingVersion or startingTimestamp provided for CDC read.",
        )
    last = latest
    if "endingversion" in told:
        last = min(_number(told["endingversion"], latest), latest)
    elif "endingtimestamp" in told:
        wanted = milliseconds(told["endingtimestamp"])
        last = max((version for version, time in times if time <= wanted), default=-1)
    if first > latest:
        raise delta_error(
            "DELTA_VERSION_NOT_FOUND",
            f"Provided Start version({first}) for reading change data is invalid. Start version "
            f"cannot be greater than the latest version of the table({latest}).",
        )
    if last < first:
        raise delta_error(
            "DELTA_INVALID_CDC_RANGE",
            f"CDC range from start {first} to end {last} was invalid. End cannot be before start.",
        )
    return first, last


def _number(value: Any, latest: int) -> int:
    text = str(value).strip().lower()
    if text == "latest":
        return latest
    if not text.isdigit():
        raise delta_error(
            "DELTA_INVALID_SOURCE_VERSION", f"sourceVersion({value}) is invalid: no whole number."
        )
    return int(text)
