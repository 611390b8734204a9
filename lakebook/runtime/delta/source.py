"""The data source ``delta`` for what only Spark can start: streams, and views ``USING delta``.

Everything else reads Delta by Spark's own Parquet scan (`read`). Offsets are versions: all rows up
to and with one have been read. The options are Delta's own: ``startingVersion``,
``startingTimestamp``, ``ignoreDeletes``, ``ignoreChanges``, ``skipChangeCommits``,
``maxFilesPerTrigger``, ``readChangeFeed``, ``withEventTimeOrder`` (accepted, without effect).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from pyspark.sql.datasource import (
    DataSource,
    DataSourceReader,
    DataSourceStreamReader,
    InputPartition,
)
from pyspark.sql.streaming.datasource import (
    ReadAllAvailable,
    ReadLimit,
    ReadMaxFiles,
    SupportsTriggerAvailableNow,
)

from lakebook.runtime.delta.errors import delta_error
from lakebook.runtime.delta.log import Add, disk_path, read_commit
from lakebook.runtime.delta.snapshot import Snapshot, latest_version, version_at

PARTITIONS = 4
CHANGE = ("_change_type", "_commit_version", "_commit_timestamp")


class Files(InputPartition):
    """Some files of a table: (path on disk, partition values, constant columns)."""

    def __init__(self, files: list[tuple[str, dict[str, str | None], dict[str, Any]]]) -> None:
        self.files = files


class DeltaSource(DataSource):
    """``format("delta")`` for streams and for views ``USING delta OPTIONS (path …)``."""

    @classmethod
    def name(cls) -> str:
        """Return the name of the format."""
        return "delta"

    def schema(self) -> Any:
        """Return the columns of the version that the options name, newest by default."""
        from pyspark.sql.types import LongType, StringType, StructField, StructType, TimestampType

        schema = _snapshot(self.options).schema
        fields = [StructField(f.name, f.dataType, True, f.metadata) for f in schema.fields]
        if _is(self.options, "readChangeFeed"):
            kinds = (StringType(), LongType(), TimestampType())
            fields += [StructField(n, k) for n, k in zip(CHANGE, kinds, strict=True)]
        return StructType(fields)

    def reader(self, schema: Any) -> DataSourceReader:
        """Return the reader of a version."""
        return BatchReader(self.options, schema)

    def streamReader(self, schema: Any) -> DataSourceStreamReader:
        """Return the reader of a stream."""
        return StreamReader(self.options, schema)


class BatchReader(DataSourceReader):
    """All rows of one version."""

    def __init__(self, options: Any, schema: Any) -> None:
        snapshot = _snapshot(options)
        self._root, self._version = snapshot.root, snapshot.version
        self._arrow = _arrow(schema)

    def partitions(self) -> Sequence[InputPartition]:
        """Return the files, spread over the tasks."""
        files = Snapshot.open(self._root, self._version).files()
        return spread([_entry(self._root, file) for file in files]) or [Files([])]

    def read(self, partition: InputPartition) -> Iterator[Any]:
        """Return the rows as Arrow batches."""
        return batches(cast("Files", partition), self._arrow)


class StreamReader(DataSourceStreamReader, SupportsTriggerAvailableNow):
    """The rows that each commit adds, after a first batch with all that was there."""

    def __init__(self, options: Any, schema: Any) -> None:
        self._root = _snapshot(options).root
        self._changes = _is(options, "readChangeFeed")
        self._skip = _is(options, "ignoreChanges") or _is(options, "skipChangeCommits")
        self._rewrites = _is(options, "ignoreChanges")
        self._deletes = _is(options, "ignoreDeletes")
        self._limit = int(options.get("maxFilesPerTrigger") or 0)
        self._start = _starting(self._root, options)
        self._last: int | None = None
        self._arrow = _arrow(schema)

    def initialOffset(self) -> dict[str, Any]:
        """Return where a new stream begins: before everything, or at the version asked for."""
        if self._start is not None:
            return {"version": self._start - 1, "index": 0, "snapshot": -1}
        # The version that the first batches hold is fixed at the start, whatever comes meanwhile.
        return {"version": -1, "index": 0, "snapshot": latest_version(self._root)}

    def getDefaultReadLimit(self) -> ReadLimit:
        """Return ``maxFilesPerTrigger``, or everything."""
        return ReadMaxFiles(self._limit) if self._limit else ReadAllAvailable()

    def prepareForTriggerAvailableNow(self) -> None:
        """Fix the last version: what is committed later belongs to the next run."""
        self._last = latest_version(self._root)

    def latestOffset(self, start: dict[str, Any], limit: ReadLimit) -> dict[str, Any]:
        """Return how far the next batch goes: the newest version, or as many files as allowed."""
        newest = self._last if self._last is not None else latest_version(self._root)
        assert newest is not None
        if not isinstance(limit, ReadMaxFiles):
            known = max(start["version"], start["snapshot"], newest)
            return {"version": known, "index": 0, "snapshot": -1}
        offset, left = start, limit.max_files
        while offset["snapshot"] >= 0 or offset["version"] < newest:
            version, files = self._next(offset)
            if len(files) - offset["index"] > left:
                return {**offset, "index": offset["index"] + left}
            left -= len(files) - offset["index"]
            offset = {"version": version, "index": 0, "snapshot": -1}
        return offset

    def _next(self, offset: dict[str, Any]) -> tuple[int, list[Any]]:
        """Return what follows an offset, the first whole version or one commit, and its files."""
        if offset["snapshot"] >= 0:
            return offset["snapshot"], self._whole(offset["snapshot"])
        return offset["version"] + 1, self._commit(offset["version"] + 1)

    def partitions(self, start: dict[str, Any], end: dict[str, Any]) -> Sequence[InputPartition]:
        """Return the files between two offsets."""
        found: list[Any] = []
        offset = start
        while offset != end:
            version, files = self._next(offset)
            if (offset["version"], offset["snapshot"]) == (end["version"], end["snapshot"]):
                found += files[offset["index"] : end["index"]]
                break
            found += files[offset["index"] :]
            offset = {"version": version, "index": 0, "snapshot": -1}
        return spread(found)

    def read(self, partition: InputPartition) -> Iterator[Any]:
        """Return the rows as Arrow batches."""
        return batches(cast("Files", partition), self._arrow)

    def commit(self, end: dict[str, Any]) -> None:
        """Nothing to release: Spark's checkpoint keeps the offset."""

    def _whole(self, version: int) -> list[Any]:
        files = Snapshot.open(self._root, version).files()
        extra = self._marks(version, "insert") if self._changes else {}
        return [
            _entry(self._root, file, extra) for file in sorted(files, key=lambda file: file.path)
        ]

    def _marks(self, version: int, kind: str | None) -> dict[str, Any]:
        info: dict[str, Any] = next(
            (
                line["commitInfo"]
                for line in read_commit(self._root, version)
                if "commitInfo" in line
            ),
            {},
        )
        marks: dict[str, Any] = {
            "_commit_version": version,
            "_commit_timestamp": int(info.get("timestamp", 0)),
        }
        return marks if kind is None else {"_change_type": kind, **marks}

    def _commit(self, version: int) -> list[Any]:
        """Return the files that a commit has added; a commit that changes rows is an error."""
        lines = read_commit(self._root, version)
        if self._changes:
            return self._changed(version, lines)
        adds = [line["add"] for line in lines if line.get("add", {}).get("dataChange")]
        removes = [line["remove"] for line in lines if line.get("remove", {}).get("dataChange")]
        if removes and adds and not self._skip:
            raise delta_error(
                "DELTA_SOURCE_TABLE_IGNORE_CHANGES",
                f"Detected a data update in the source table `{self._root}` at version {version}. "
                "To skip such commits, set option('skipChangeCommits', 'true'); to get the "
                "changes, use option('readChangeFeed', 'true'); or start with a new checkpoint.",
            )
        if removes and not adds and not (self._skip or self._deletes):
            raise delta_error(
                "DELTA_SOURCE_IGNORE_DELETE",
                f"Detected deleted data from the source table `{self._root}` at version {version}. "
                "To ignore deletes, set option('ignoreDeletes', 'true'), or start with a new "
                "checkpoint.",
            )
        if removes and not self._rewrites:
            return []
        return [_logged(self._root, add) for add in adds]

    def _changed(self, version: int, lines: list[dict[str, Any]]) -> list[Any]:
        cdc = [line["cdc"] for line in lines if "cdc" in line]
        if cdc:
            return [_logged(self._root, file, self._marks(version, None)) for file in cdc]
        found = []
        for kind, action in (("delete", "remove"), ("insert", "add")):
            marks = self._marks(version, kind)
            files = [line[action] for line in lines if line.get(action, {}).get("dataChange")]
            found += [_logged(self._root, file, marks) for file in files]
        return found


def _snapshot(options: Any) -> Snapshot:
    path = options.get("path")
    if not path:
        raise delta_error("DELTA_PATH_MISSING", "'path' is not specified: give the table's folder.")
    root = "/" + str(path).removeprefix("file:").lstrip("/")
    return Snapshot.open(
        root, version=options.get("versionAsOf"), timestamp=options.get("timestampAsOf")
    )


def _is(options: Any, name: str) -> bool:
    return str(options.get(name, "false")).lower() == "true"


def _starting(root: str, options: Any) -> int | None:
    """Return the first version that the stream reads as changes; None for all that is there."""
    version, time = options.get("startingVersion"), options.get("startingTimestamp")
    if version is not None and time is not None:
        raise delta_error(
            "DELTA_STARTING_VERSION_AND_TIMESTAMP_BOTH_SET",
            "Please either provide startingVersion or startingTimestamp.",
        )
    newest = latest_version(root)
    assert newest is not None
    if time is not None:
        at = version_at(root, time)
        return at
    if version is None:
        return None
    if str(version).lower() == "latest":
        return newest + 1
    if int(version) > newest:
        raise delta_error(
            "DELTA_VERSION_NOT_FOUND",
            f"Cannot start a stream at version {version}. Available versions: [0, {newest}].",
        )
    return int(version)


def _entry(root: str, file: Add, extra: dict[str, Any] | None = None) -> Any:
    return (str(Path(root) / file.path), dict(file.partition_values), extra or {})


def _logged(root: str, action: dict[str, Any], extra: dict[str, Any] | None = None) -> Any:
    path = str(Path(root) / disk_path(action["path"]))
    return (path, dict(action.get("partitionValues") or {}), extra or {})


def spread(files: list[Any]) -> list[Files]:
    """Return the files as at most four partitions, in their order."""
    return [Files(part) for i in range(PARTITIONS) if (part := files[i::PARTITIONS])]


def _arrow(schema: Any) -> Any:
    from pyspark.sql.pandas.types import to_arrow_schema

    return to_arrow_schema(schema, timezone="UTC")


def batches(partition: Files, schema: Any) -> Iterator[Any]:
    """Return the rows of some files as Arrow batches of the given schema."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for path, values, extra in partition.files:
        constants = {**values, **extra}
        for batch in pq.ParquetFile(path).iter_batches():
            present = {name.lower(): index for index, name in enumerate(batch.schema.names)}
            columns = []
            for wanted in schema:
                if wanted.name.lower() in present:
                    column = batch.column(present[wanted.name.lower()])
                    columns.append(fitted(column, wanted.type))
                else:
                    columns.append(_constant(constants.get(wanted.name), wanted, batch.num_rows))
            yield pa.RecordBatch.from_arrays(columns, schema=schema)


def fitted(column: Any, kind: Any) -> Any:
    """Return an Arrow array as another type; fields that a struct lacks are null."""
    import pyarrow as pa

    if column.type == kind:
        return column
    if pa.types.is_struct(kind):
        have = {f.name.lower(): i for i, f in enumerate(column.type)}
        inner = [
            fitted(column.field(have[f.name.lower()]), f.type)
            if f.name.lower() in have
            else pa.nulls(len(column), f.type)
            for f in kind
        ]
        return pa.StructArray.from_arrays(inner, fields=list(kind), mask=column.is_null())
    if pa.types.is_list(kind):
        values = fitted(column.values, kind.value_type)
        return pa.ListArray.from_arrays(column.offsets, values, type=kind, mask=_mask(column))
    return column.cast(kind)


def _mask(column: Any) -> Any:
    return column.is_null() if column.null_count else None


def _constant(value: Any, wanted: Any, rows: int) -> Any:
    import pyarrow as pa

    if value is None:
        return pa.nulls(rows, wanted.type)
    if wanted.name == "_commit_timestamp":
        return pa.repeat(pa.scalar(value, pa.timestamp("ms", "UTC")), rows).cast(wanted.type)
    return pa.repeat(pa.scalar(value), rows).cast(wanted.type)
