"""A stream that writes into a feature table: each batch is merged by the table's key."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lakebook import workspace
from lakebook.ml.feature_engineering import tables
from lakebook.ml.feature_engineering.errors import FeatureError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.streaming import StreamingQuery

TRIGGER = {"processingTime": "5 seconds"}


def write(
    spark: SparkSession,
    name: str,
    df: DataFrame,
    checkpoint_location: str | None,
    trigger: Mapping[str, Any],
) -> StreamingQuery:
    """Start a query that merges each batch of a streaming frame into a feature table.

    A batch that is merged again after a restart changes nothing, for its keys are there. Without
    `checkpoint_location` a new query begins at the beginning.
    """
    source = tables.require(spark, name)
    tables.check_columns(source, df)
    if not isinstance(trigger, Mapping) or len(trigger) != 1:
        raise FeatureError(
            f"trigger is {trigger!r}; give one of {{'processingTime': '5 seconds'}}, "
            "{'availableNow': True} and {'once': True}"
        )

    def merge(batch: DataFrame, _: int) -> None:
        tables.put_rows(batch.sparkSession, source.name, batch)

    folder = checkpoint_location or tempfile.mkdtemp(
        prefix="features-", dir=workspace.path("checkpoints", ".keep").parent
    )
    return (
        df.writeStream.foreachBatch(merge)
        .option("checkpointLocation", folder)
        .trigger(**dict(trigger))
        .start()
    )
