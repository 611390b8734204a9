"""Making tables from builders and from Parquet folders, and raising what they demand of engines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from lakebook.runtime.delta import log, write
from lakebook.runtime.delta.errors import delta_error
from lakebook.runtime.delta.log import Actions
from lakebook.runtime.delta.snapshot import Snapshot, is_delta

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

Made = TypeVar("Made")

# What this machine's writer honours. Older versions of the protocol name the same by number.
FEATURES = ("appendOnly", "invariants", "checkConstraints", "changeDataFeed", "timestampNtz")
READER_FEATURES = ("timestampNtz",)
HIGHEST = (1, 4)
BY_LEVEL = {
    2: {"appendOnly", "invariants"},
    3: {"checkConstraints"},
    4: {"changeDataFeed", "generatedColumns"},
}


def build(
    spark: SparkSession,
    mode: str,
    *,
    name: str | None,
    location: str | None,
    schema: StructType,
    partition_by: Sequence[str],
    properties: Mapping[str, str],
    comment: str | None,
    by_path: Callable[[str], Made],
    by_name: Callable[[str], Made],
) -> Made:
    """Make a table as a `DeltaTableBuilder` was told, by name, by location, or both.

    `mode` is ``create``, ``createIfNotExists``, ``replace`` or ``createOrReplace``.
    Raises DeltaError if neither is given, or the table exists, or not, against the mode.
    """
    from lakebook.runtime import catalog
    from lakebook.runtime.catalog.names import split

    if name is not None and location is None:
        parts = split(name)
        if len(parts) == 2 and parts[0].lower() == "delta":
            name, location = None, parts[1]
    if name is None and location is None:
        raise delta_error(
            "DELTA_CREATE_TABLE_MISSING_TABLE_NAME_OR_LOCATION",
            "Table name or location has to be specified.",
        )
    if name is None:
        assert location is not None
        exists = is_delta(location)
        _refuse(mode, exists, f"delta.`{location}`")
        if not exists or mode != "createIfNotExists":
            write.create(
                spark,
                location,
                schema,
                partition_by,
                properties,
                comment=comment,
                replace=exists,
                operation=OPERATIONS[mode],
            )
        return by_path(location)
    full = catalog.resolve(spark, name)
    if full is None:
        raise delta_error(
            "DELTA_OPERATION_NOT_ALLOWED",
            f"Operation not allowed: `{name}` lies in Spark's own catalog, which keeps no Delta "
            "tables on this machine. Use a name such as main.default.t, or give a location.",
        )
    _refuse(mode, catalog.find(full) is not None, str(full))
    catalog.create_table(
        spark,
        full,
        schema,
        partition_by=partition_by,
        location=location,
        comment=comment,
        properties=dict(properties),
        if_not_exists=mode == "createIfNotExists",
        or_replace=mode in ("replace", "createOrReplace"),
    )
    return by_name(str(full))


OPERATIONS = {
    "create": "CREATE TABLE",
    "createIfNotExists": "CREATE TABLE",
    "replace": "REPLACE TABLE",
    "createOrReplace": "CREATE OR REPLACE TABLE",
}


def _refuse(mode: str, exists: bool, name: str) -> None:
    if exists and mode == "create":
        raise delta_error("DELTA_TABLE_ALREADY_EXISTS", f"Table {name} already exists.")
    if not exists and mode == "replace":
        raise delta_error(
            "DELTA_CANNOT_REPLACE_MISSING_TABLE",
            f"Table {name} cannot be replaced as it does not exist. Use CREATE OR REPLACE TABLE "
            "to create the table.",
        )


def convert(
    spark: SparkSession,
    identifier: str,
    partitions: str | StructType | None,
    statistics: bool,
    root_of: Callable[[str], str],
) -> str:
    """Make a Delta table of a folder of Parquet files in place; return its root.

    Raises DeltaError if the identifier is not ``parquet.`/path` `` or the folder cannot be read.
    """
    from deltalake import Schema, convert_to_deltalake
    from deltalake.exceptions import DeltaError
    from pyspark.sql.types import DataType, StructType

    from lakebook.runtime.catalog.names import split

    parts = split(identifier)
    if len(parts) != 2 or parts[0].lower() != "parquet":
        raise delta_error(
            "DELTA_MISSING_PROVIDER_FOR_CONVERT",
            f"CONVERT TO DELTA only supports parquet tables, not {identifier}. Please rewrite "
            "your target as parquet.`/path`.",
        )
    root = root_of(parts[1])
    if is_delta(root):
        return root
    if isinstance(partitions, str):
        parsed = DataType.fromDDL(partitions)
        assert isinstance(parsed, StructType)
        partitions = parsed
    by = None if partitions is None else Schema.from_json(partitions.json())
    try:
        convert_to_deltalake(
            root,
            partition_by=by,
            partition_strategy="hive" if by else None,
            collect_stats=statistics,
        )
    except DeltaError as error:
        raise delta_error(
            "DELTA_CONVERT_FAILED",
            f"'{root}' cannot be converted: {error}. Folders such as year=2026 need a partition "
            'schema, for example "year INT".',
        ) from error
    return root


def upgrade(root: str, reader: int, writer: int) -> None:
    """Raise the versions of a table's protocol.

    Raises DeltaError for a downgrade, or a version of which this machine lacks a part.
    """
    snapshot = Snapshot.open(root)
    have = snapshot.protocol()
    now = (have["minReaderVersion"], have["minWriterVersion"])
    if reader < now[0] or writer < now[1]:
        raise delta_error(
            "DELTA_INVALID_PROTOCOL_DOWNGRADE",
            f"Protocol version cannot be downgraded from {now} to {(reader, writer)}.",
        )
    if (reader, writer) == now:
        return
    if reader > HIGHEST[0] or writer > HIGHEST[1]:
        raise delta_error(
            "DELTA_UNSUPPORTED_FEATURES_FOR_WRITE",
            f"Protocol {(reader, writer)} stands for features that this machine does not have; "
            f"the highest is {HIGHEST}. Single features can be added with addFeatureSupport: "
            f"{', '.join(FEATURES)}.",
        )
    _commit(snapshot, {"minReaderVersion": reader, "minWriterVersion": writer})


def add_feature(root: str, name: str) -> None:
    """Add a feature to what a table demands of its writers, and readers where they must know.

    Raises DeltaError for a feature that this machine does not have.
    """
    feature = next((known for known in FEATURES if known.lower() == name.lower()), None)
    if feature is None:
        raise delta_error(
            "DELTA_UNSUPPORTED_FEATURES_FOR_WRITE",
            f"Table feature '{name}' is not supported on this machine; "
            f"supported: {', '.join(FEATURES)}.",
        )
    snapshot = Snapshot.open(root)
    have = snapshot.protocol()
    level = have["minWriterVersion"]
    writers = set(have.get("writerFeatures", ()))
    if level < 7:
        writers = {item for number, items in BY_LEVEL.items() if number <= level for item in items}
    if feature in writers:
        return
    wanted: dict[str, Any] = {
        "minReaderVersion": have["minReaderVersion"],
        "minWriterVersion": 7,
        "writerFeatures": sorted(writers | {feature}),
    }
    readers = set(have.get("readerFeatures", ()))
    if feature in READER_FEATURES or have["minReaderVersion"] >= 3:
        wanted["minReaderVersion"] = 3
        wanted["readerFeatures"] = sorted(readers | ({feature} & set(READER_FEATURES)))
    _commit(snapshot, wanted)


def _commit(snapshot: Snapshot, wanted: Mapping[str, Any]) -> None:
    log.commit(
        snapshot.root,
        Actions(
            read_version=snapshot.version,
            operation="UPGRADE PROTOCOL",
            protocol=wanted,
            parameters={"newProtocol": dict(wanted)},
            reads=frozenset(),
        ),
    )
