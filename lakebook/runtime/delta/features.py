"""What a table asks of its readers and writers: the protocol, and what this writer honours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lakebook.runtime.delta import schemas
from lakebook.runtime.delta.errors import delta_error

if TYPE_CHECKING:
    from pyspark.sql.types import StructType

    from lakebook.runtime.delta.snapshot import Snapshot

HONOURED = frozenset(
    {
        "appendOnly",
        "invariants",
        "checkConstraints",
        "changeDataFeed",
        "generatedColumns",
        "identityColumns",
        "timestampNtz",
        "deletionVectors",
        "domainMetadata",
        "clustering",
        "v2Checkpoint",
        "vacuumProtocolCheck",
        "allowColumnDefaults",
    }
)
# Columns that the platform computes, and features of a table that need nothing of a writer here.
COMPUTED = ("delta.generationExpression", "delta.identity.start")


def refuse_unknown(snapshot: Snapshot) -> None:
    """Raise DeltaError if a writer of this table must do what this one does not."""
    unknown = sorted(set(snapshot.protocol().get("writerFeatures", ())) - HONOURED)
    unknown += [
        f"{key} (column `{column.name}`)"
        for column in snapshot.schema.fields
        for key in column.metadata or {}
        if key in COMPUTED
    ]
    if unknown:
        raise delta_error(
            "DELTA_UNSUPPORTED_FEATURES_FOR_WRITE",
            f"Unsupported Delta write feature: table `{snapshot.root}` requires of its writers "
            f"what this machine does not do: {', '.join(unknown)}. Change its rows on the "
            "platform, or write a copy without that.",
        )


def protocol(schema: StructType, configuration: Mapping[str, str]) -> dict[str, Any]:
    """Return the lowest protocol that the schema and the properties allow."""
    without_zone = '"timestamp_ntz"' in json.dumps(schema.jsonValue())
    features = {"appendOnly", "invariants"}
    level = 2
    if any(key.startswith(schemas.CONSTRAINT) for key in configuration):
        features.add("checkConstraints")
        level = max(level, 3)
    if configuration.get("delta.enableChangeDataFeed", "").lower() == "true":
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
    wanted = protocol(snapshot.schema, configuration)
    have = snapshot.protocol()
    if wanted["minWriterVersion"] > have["minWriterVersion"]:
        return wanted
    missing = set(wanted.get("writerFeatures", ())) - set(have.get("writerFeatures", ()))
    if have["minWriterVersion"] >= 7 and missing:
        return {**have, "writerFeatures": sorted({*have.get("writerFeatures", ()), *missing})}
    return None


def raised(snapshot: Snapshot, schema: StructType) -> dict[str, Any] | None:
    wanted = protocol(schema, snapshot.configuration)
    have = snapshot.protocol()
    if wanted["minWriterVersion"] <= have["minWriterVersion"]:
        return None
    return wanted
