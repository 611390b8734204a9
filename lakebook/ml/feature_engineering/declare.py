"""What is declared of a table that is there already: its primary key, what it is, its tags."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lakebook.ml.feature_engineering import columns, keys, tables
from lakebook.ml.feature_engineering.errors import FeatureError
from lakebook.runtime import catalog
from lakebook.runtime.catalog import constraints, definition, metadata, names

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from lakebook.runtime.catalog import Table


def table(full: str) -> Table:
    """Return a table by its full name. Raises TABLE_OR_VIEW_NOT_FOUND."""
    return catalog.require_table(catalog.Name(*names.split(full)))


def primary_key(
    spark: SparkSession, full: str, primary_keys: Sequence[str], time: str | None
) -> None:
    """Give a Delta table its primary key; one that it has already must be the same.

    Raises FeatureError for columns that are missing, null or doubled, and for another key.
    """
    found = table(full)
    schema = metadata.snapshot_of(found).schema
    what = f"the primary key of '{full}' names a column that it has not:"
    key = [columns.require(one, schema.names, what) for one in primary_keys]
    time = tables.checked_time(found.name, schema, key, time)
    if there := constraints.primary_key(found):
        if (list(there.columns), there.timeseries) == (key, time):
            return
        raise FeatureError(
            f"'{full}' has another key already, {there.sql()}; drop it first: "
            f"ALTER TABLE {full} DROP PRIMARY KEY"
        )
    keys.check(spark.table(full), key, f"'{full}'")
    for one in key:
        if schema[one].nullable:
            spark.sql(f"ALTER TABLE {full} ALTER COLUMN {names.always_quoted(one)} SET NOT NULL")
    asked = definition.Constraint("PRIMARY KEY", columns=key, timeseries=time)
    constraints.add(spark, table(full), asked)
