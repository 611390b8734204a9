"""One version of a Delta table: its schema, files and properties, read by delta-rs."""

from __future__ import annotations

import datetime as dt
import json
import os
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakebook.runtime.delta.errors import delta_error
from lakebook.runtime.delta.log import Add, disk_path, read_commit

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from pyspark.sql.types import StructType

READER_FEATURES = frozenset({"timestampNtz", "v2Checkpoint", "vacuumProtocolCheck"})


def is_delta(root: str | Path) -> bool:
    """Return whether the folder holds a Delta table."""
    return latest_version(root) is not None


def latest_version(root: str | Path) -> int | None:
    """Return the newest version by a listing of the log, None if there is no table."""
    try:
        with os.scandir(Path(root) / "_delta_log") as entries:
            names = [
                entry.name[:20] for entry in entries if entry.name.endswith((".json", ".parquet"))
            ]
    except (FileNotFoundError, NotADirectoryError):
        return None
    return max((int(name) for name in names if name.isdigit()), default=None)


class Snapshot:
    """A version of a table; it does not change, so it is read once."""

    def __init__(self, table: DeltaTable, root: str) -> None:
        self.table = table
        self.root = root
        self.version: int = table.version()
        metadata = table.metadata()
        self.id = str(metadata.id)
        self.name: str | None = metadata.name
        self.description: str | None = metadata.description
        self.partition_columns: list[str] = list(metadata.partition_columns)
        self.configuration: dict[str, str] = dict(metadata.configuration)
        self.created: int = metadata.created_time or 0

    @staticmethod
    def open(root: str | Path, version: int | str | None = None, timestamp: Any = None) -> Snapshot:
        """Return a version of a table, the newest if neither number nor time is given.

        Raises DeltaError: there is no table, no such version, no version so early or so late,
        or the table needs a feature that this reader does not have.
        """
        root = str(root).rstrip("/") or "/"
        latest = latest_version(root)
        if latest is None:
            raise delta_error(
                "DELTA_TABLE_NOT_FOUND",
                f"Delta table `{root}` doesn't exist: there is no _delta_log in that folder. "
                "Check the path, or write a table there first.",
            )
        if version is not None and timestamp is not None:
            raise delta_error(
                "DELTA_ONEOF_IN_TIMETRAVEL", "Please either provide a version or a timestamp."
            )
        if timestamp is not None:
            number = version_at(root, timestamp)
        elif version is not None:
            number = _number(version)
        else:
            number = latest
        return _open(root, number, latest if number > latest else None)

    @cached_property
    def schema(self) -> StructType:
        """Return the columns as Spark types, in the order of the table."""
        from pyspark.sql.types import StructType

        return StructType.fromJson(json.loads(self.table.schema().to_json()))

    @cached_property
    def _files(self) -> list[Add]:
        import pyarrow as pa

        rows = pa.table(self.table.get_add_actions(flatten=False)).to_pylist()
        return [
            Add(
                path=disk_path(row["path"]),
                size=row["size_bytes"],
                partition_values={
                    name: partition_text(row["partition"][name]) for name in self.partition_columns
                },
                stats=None if row["num_records"] is None else {"numRecords": row["num_records"]},
                modification_time=row["modification_time"],
            )
            for row in rows
        ]

    def files(self) -> list[Add]:
        """Return the files that make up this version."""
        return list(self._files)

    def transaction(self, app_id: str) -> int | None:
        """Return the last batch that the stream `app_id` has committed."""
        return self.table.transaction_version(app_id)

    def protocol(self) -> dict[str, Any]:
        """Return the protocol action as the log writes it."""
        found = self.table.protocol()
        action: dict[str, Any] = {
            "minReaderVersion": found.min_reader_version,
            "minWriterVersion": found.min_writer_version,
        }
        if found.reader_features is not None and found.min_reader_version >= 3:
            action["readerFeatures"] = list(found.reader_features)
        if found.writer_features is not None and found.min_writer_version >= 7:
            action["writerFeatures"] = list(found.writer_features)
        return action

    def metadata(self, **changes: Any) -> dict[str, Any]:
        """Return the metaData action as the log writes it, with some entries replaced."""
        action: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "format": {"provider": "parquet", "options": {}},
            "schemaString": self.table.schema().to_json(),
            "partitionColumns": self.partition_columns,
            "createdTime": self.created,
            "configuration": self.configuration,
        }
        return {key: value for key, value in (action | changes).items() if value is not None}


@lru_cache(maxsize=256)
def _open_cached(root: str, version: int, stamp: int) -> Snapshot:
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError, TableNotFoundError

    try:
        snapshot = Snapshot(DeltaTable(root, version=version), root)
    except TableNotFoundError as error:
        raise delta_error("DELTA_TABLE_NOT_FOUND", f"Delta table `{root}`: {error}") from error
    except DeltaError as error:
        earliest, latest = _available(root)
        raise delta_error(
            "DELTA_VERSION_NOT_FOUND",
            f"Cannot time travel Delta table `{root}` to version {version}. "
            f"Available versions: [{earliest}, {latest}].",
        ) from error
    _readable(snapshot)
    return snapshot


def _open(root: str, version: int, beyond: int | None) -> Snapshot:
    log = Path(root) / "_delta_log" / f"{version:020d}.json"
    # A table that was dropped and made again at the same place has other files with other times.
    stamp = log.stat().st_mtime_ns if log.exists() else 0
    if beyond is not None or version < 0:
        earliest, latest = _available(root)
        raise delta_error(
            "DELTA_VERSION_NOT_FOUND",
            f"Cannot time travel Delta table `{root}` to version {version}. "
            f"Available versions: [{earliest}, {latest}].",
        )
    return _open_cached(root, version, stamp)


def _readable(snapshot: Snapshot) -> None:
    protocol = snapshot.table.protocol()
    features = set(protocol.reader_features or ())
    if snapshot.configuration.get("delta.columnMapping.mode", "none") != "none":
        features.add("columnMapping")
    if unknown := sorted(features - READER_FEATURES - {"deletionVectors"}):
        raise delta_error(
            "DELTA_UNSUPPORTED_FEATURES_FOR_READ",
            f"Unsupported Delta read feature: table `{snapshot.root}` requires reader table "
            f"feature(s) that this machine does not have: {', '.join(unknown)}. "
            "Write a copy without them on the platform.",
        )
    if "deletionVectors" in features and any(size for size in _deletion_vectors(snapshot)):
        raise delta_error(
            "DELTA_UNSUPPORTED_FEATURES_FOR_READ",
            f"Unsupported Delta read feature: table `{snapshot.root}` holds deletion vectors, "
            "which this machine does not apply. Run REORG TABLE … APPLY (PURGE) on the platform.",
        )


def _deletion_vectors(snapshot: Snapshot) -> list[Any]:
    import pyarrow as pa

    return (
        pa.RecordBatchReader.from_stream(snapshot.table.deletion_vectors()).read_all().to_pylist()
    )


def _number(version: int | str) -> int:
    try:
        return int(version)
    except ValueError:
        raise delta_error(
            "DELTA_INVALID_VERSION", f"The version '{version}' is no whole number."
        ) from None


def _available(root: str) -> tuple[int, int]:
    names = [path.name[:20] for path in (Path(root) / "_delta_log").glob("*.json")]
    numbers = sorted(int(name) for name in names if name.isdigit())
    return (numbers[0], numbers[-1]) if numbers else (0, 0)


def commit_times(root: str | Path) -> list[tuple[int, int]]:
    """Return (version, ms since 1970) of each commit that the log still has, times ascending."""
    first, last = _available(str(root))
    found: list[tuple[int, int]] = []
    for version in range(first, last + 1):
        info: dict[str, Any] = next(
            (line["commitInfo"] for line in read_commit(root, version) if "commitInfo" in line), {}
        )
        log = Path(root) / "_delta_log" / f"{version:020d}.json"
        time = int(info.get("timestamp") or log.stat().st_mtime * 1000)
        # Delta's own rule: a clock set back must not reorder versions.
        found.append((version, max(time, found[-1][1] + 1 if found else time)))
    return found


def version_at(root: str | Path, timestamp: Any) -> int:
    """Return the version that was current at a time (datetime, or ISO text, UTC if it has no zone).

    Raises DeltaError if the time lies before the first or after the last commit.
    """
    wanted = milliseconds(timestamp)
    times = commit_times(root)
    if wanted < times[0][1]:
        raise delta_error(
            "DELTA_TIMESTAMP_EARLIER_THAN_COMMIT_RETENTION",
            f"The provided timestamp ({_iso(wanted)}) is before the earliest version available "
            f"to this table ({_iso(times[0][1])}). Use a timestamp after that.",
        )
    if wanted > times[-1][1]:
        raise delta_error(
            "DELTA_TIMESTAMP_GREATER_THAN_COMMIT",
            f"The provided timestamp ({_iso(wanted)}) is after the latest version available to "
            f"this table ({_iso(times[-1][1])}). Use a timestamp before or at that.",
        )
    return max(version for version, time in times if time <= wanted)


def milliseconds(timestamp: Any) -> int:
    """Return a time as ms since 1970; text without a zone is UTC, as the session's own zone is."""
    if isinstance(timestamp, str):
        text = timestamp.strip().replace("Z", "+00:00")
        try:
            timestamp = dt.datetime.fromisoformat(text)
        except ValueError:
            raise delta_error(
                "DELTA_TIMESTAMP_INVALID",
                f"The provided timestamp ('{text}') cannot be converted to a valid timestamp; "
                "write it as '2026-11-20' or '2026-11-20 08:30:00'.",
            ) from None
    elif isinstance(timestamp, dt.date) and not isinstance(timestamp, dt.datetime):
        timestamp = dt.datetime(timestamp.year, timestamp.month, timestamp.day)
    if timestamp.tzinfo is None:
        timestamp = timestamp.replace(tzinfo=dt.UTC)
    return int(timestamp.timestamp() * 1000)


def _iso(ms: int) -> str:
    return dt.datetime.fromtimestamp(ms / 1000, dt.UTC).isoformat(sep=" ", timespec="milliseconds")


def partition_text(value: Any) -> str | None:
    """Return a partition value as the log writes it."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime):
        fraction = f".{value.microsecond:06d}" if value.microsecond else ""
        return f"{value:%Y-%m-%d %H:%M:%S}{fraction}"
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value)
