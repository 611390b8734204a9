"""The columns and properties of a table, and commits that change them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lakebook.runtime.catalog import frames, grants, store
from lakebook.runtime.catalog.names import error, shown
from lakebook.runtime.catalog.tables import Table

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

    from lakebook.runtime.delta.snapshot import Snapshot

# The properties of Delta tables that the documentation of Delta lists.
DELTA_PROPERTIES = (
    "delta.appendOnly",
    "delta.autoOptimize.autoCompact",
    "delta.autoOptimize.optimizeWrite",
    "delta.checkpoint.writeStatsAsJson",
    "delta.checkpoint.writeStatsAsStruct",
    "delta.checkpointInterval",
    "delta.checkpointPolicy",
    "delta.columnMapping.mode",
    "delta.compatibility.symlinkFormatManifest.enabled",
    "delta.dataSkippingNumIndexedCols",
    "delta.dataSkippingStatsColumns",
    "delta.deletedFileRetentionDuration",
    "delta.enableChangeDataFeed",
    "delta.enableDeletionVectors",
    "delta.enableExpiredLogCleanup",
    "delta.enableRowTracking",
    "delta.enableTypeWidening",
    "delta.isolationLevel",
    "delta.logRetentionDuration",
    "delta.minReaderVersion",
    "delta.minWriterVersion",
    "delta.parquet.compression.codec",
    "delta.randomizeFilePrefixes",
    "delta.randomPrefixLength",
    "delta.setTransactionRetentionDuration",
    "delta.targetFileSize",
    "delta.tuneFileSizesForRewrites",
    "delta.universalFormat.enabledFormats",
    "delta.enableIcebergCompatV2",
)
# Those that change how files are written or read in a way that is not known here.
UNKNOWN_HERE = {
    "delta.columnMapping.mode": ("none", "Rename columns by writing the table anew."),
    "delta.enableDeletionVectors": ("false", "Leave it out; deleted rows are then rewritten."),
    "delta.enableRowTracking": ("false", "Keep a key column of your own."),
    "delta.enableTypeWidening": ("false", "Write the column anew with the wider type."),
    "delta.enableIcebergCompatV2": ("false", "Leave it out."),
    "delta.universalFormat.enabledFormats": ("", "Leave it out."),
}
_PROPER = {name.lower(): name for name in DELTA_PROPERTIES}


def checked_properties(properties: Mapping[str, str]) -> dict[str, str]:
    """Return the properties of a table with Delta's own spelled as Delta does.

    Raises DELTA_UNKNOWN_CONFIGURATION for one that Delta does not know, and UNSUPPORTED_FEATURE
    for one that asks for what is not known here.
    """
    found: dict[str, str] = {}
    for key, value in properties.items():
        name = _PROPER.get(key.lower(), key)
        if name.lower().startswith("delta.feature."):
            raise error(
                "UNSUPPORTED_FEATURE",
                f"The property {key} is not supported here: table features follow from the "
                "columns and properties that need them. Leave it out.",
            )
        if name.lower().startswith("delta.") and name not in DELTA_PROPERTIES:
            if name.lower().startswith("delta.constraints."):
                raise error(
                    "DELTA_ADD_CONSTRAINTS",
                    "Please use ALTER TABLE ADD CONSTRAINT to add CHECK constraints.",
                )
            near = difflib.get_close_matches(name.lower(), _PROPER, n=1)
            way_out = f"Did you mean {_PROPER[near[0]]}? " if near else ""
            raise error(
                "DELTA_UNKNOWN_CONFIGURATION",
                f"Unknown configuration was specified: {key}. {way_out}A property of your own must "
                "not start with 'delta.'.",
            )
        if name in UNKNOWN_HERE and value.lower() != UNKNOWN_HERE[name][0]:
            raise error(
                "UNSUPPORTED_FEATURE",
                f"The property {name} = '{value}' is not supported here. {UNKNOWN_HERE[name][1]}",
            )
        found[name] = value
    return found


def delta_root(table: Table) -> str:
    """Return the folder of a Delta table.

    Raises EXPECT_TABLE_NOT_VIEW for a view, DELTA_TABLE_ONLY_OPERATION for other formats.
    """
    if table.kind == "VIEW":
        raise error(
            "EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE",
            f"{shown(table.name)} is a view, and the operation needs a table.",
        )
    if table.format != "delta" or not table.location:
        raise error(
            "DELTA_TABLE_ONLY_OPERATION",
            f"{shown(table.name)} is not a Delta table but {table.format}; the operation is only "
            "supported for Delta tables.",
        )
    return table.location


def snapshot_of(table: Table) -> Snapshot:
    """Return the newest version of a Delta table. Raises what `delta_root` raises."""
    from lakebook.runtime.delta.snapshot import Snapshot

    return Snapshot.open(delta_root(table))


def schema_of(spark: SparkSession, table: Table) -> StructType:
    """Return the columns of a table or view."""
    from pyspark.sql.types import StructType

    from lakebook.runtime.delta.snapshot import Snapshot

    if table.format == "delta" and table.location:
        return Snapshot.open(table.location).schema
    if table.kind == "VIEW" and table.row is not None:
        return StructType.fromJson(table.row.details["described"])
    if table.columns:
        return StructType.fromJson(table.columns)
    return frames.external(spark, table).schema


def properties_of(table: Table) -> dict[str, str]:
    """Return the properties of a table; of a Delta table those in its log."""
    from lakebook.runtime.delta.snapshot import Snapshot

    if table.format == "delta" and table.location:
        return dict(Snapshot.open(table.location).configuration)
    return dict(table.properties)


def commit(
    table: Table,
    snapshot: Snapshot,
    operation: str,
    parameters: Mapping[str, Any],
    **changes: Any,
) -> int:
    """Commit changed metadata of a Delta table, as `Snapshot.metadata` takes it; the version.

    The protocol is raised if new properties or types need it.
    """
    from pyspark.sql.types import StructType

    from lakebook.runtime.delta import features, log

    configuration = changes.get("configuration", snapshot.configuration)
    schema = changes.pop("schema", None)
    protocol = features.protocol_for(snapshot, configuration)
    if isinstance(schema, StructType):
        from lakebook.runtime.delta import schemas

        schemas.check(schema)
        changes["schemaString"] = schemas.json_of(schema)
        protocol = protocol or features.raised(snapshot, schema)
    actions = log.Actions(
        snapshot.version,
        operation,
        metadata=snapshot.metadata(**changes),
        protocol=protocol,
        parameters=parameters,
    )
    version = log.commit(snapshot.root, actions)
    if "configuration" in changes and table.row is not None:
        store.change_details(table.id, grants.current_user(), properties=dict(configuration))
    return version
