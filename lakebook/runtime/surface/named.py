"""A table by its name: the frame of it, and where writing to it goes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lakebook.runtime.delta.errors import delta_error

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lakebook.runtime.catalog import Name, Table


def frame(spark: Any, name: str, options: Mapping[str, Any]) -> DataFrame | None:
    """Return the frame of a table or view; None if the name is Spark's own.

    `options` are a reader's, their names in lower case: a version, a time, the change data feed.
    """
    from lakebook.runtime import catalog
    from lakebook.runtime.catalog.sql import refresh
    from lakebook.runtime.surface.readers import delta_frame, path_frame

    if path := re.fullmatch(r"(?i)\s*delta\s*\.\s*`([^`]+)`\s*", name):
        return path_frame(spark, path[1], dict(options))
    full = catalog.resolve(spark, name)
    if full is None:
        # A temporary view of the user's may read our tables; let it show their newest version.
        refresh(spark)
        return None
    found = catalog.find(full)
    if found is None or found.format != "delta" or not found.location:
        return spark.sql(f"SELECT * FROM {full}")
    catalog.require(spark, full, "SELECT")
    return delta_frame(spark, found.location, dict(options))


def target(spark: Any, name: str) -> Name | None:
    """Return the full name of a table to write to; None if it is Spark's own."""
    from lakebook.runtime.catalog.context import resolve_object

    return resolve_object(spark, name)


def save(
    rows: DataFrame,
    name: Name,
    mode: str,
    *,
    options: Mapping[str, Any],
    partition_by: Sequence[str] = (),
    properties: Mapping[str, str] | None = None,
    format: str | None = None,
    comment: str | None = None,
) -> None:
    """Write a frame to a table, which is made if it is missing (``saveAsTable``).

    `mode` is append, overwrite, error or ignore. Columns are matched by name.
    Raises DeltaError TABLE_OR_VIEW_ALREADY_EXISTS in mode error.
    """
    from lakebook.runtime import catalog
    from lakebook.runtime.delta import write
    from lakebook.runtime.surface.readers import local_root

    spark = rows.sparkSession
    if format not in (None, "delta"):
        raise not_delta(name, format)
    found = catalog.find(name)
    mode = {"error": "errorifexists", "default": "errorifexists"}.get(mode.lower(), mode.lower())
    if found is None:
        where = options.get("path")
        location = local_root(where) if where else catalog.new_location(name)
        _may_create(name)
        write.write(
            rows,
            location,
            "overwrite" if mode == "overwrite" else "append",
            options=options,
            partition_by=partition_by,
            configuration=properties,
            operation="CREATE TABLE AS SELECT",
            assign=True,
            table=str(name),
        )
        catalog.register(
            spark,
            tuple(name),
            location,
            kind="EXTERNAL" if where else "MANAGED",
            comment=comment,
            properties=dict(properties or {}),
            partition_by=list(partition_by),
        )
        return
    if mode == "ignore":
        return
    if mode == "errorifexists":
        from lakebook.runtime.catalog.tables import already_exists

        raise already_exists(name)
    location = writable(spark, found)
    write.write(
        rows,
        location,
        mode,
        options=options,
        partition_by=partition_by,
        assign=True,
        table=str(name),
    )


def not_delta(name: Name, format: str | None) -> Exception:
    """Return the error for a managed table of another format."""
    return delta_error(
        "UC_MANAGED_TABLE_FORMAT",
        f"Table {name} cannot be a managed table of format '{format}'; a managed table is Delta. "
        "Leave the format out, or name a table of hive_metastore.",
    )


def _may_create(name: Name) -> None:
    from lakebook.runtime.catalog import context, grants

    grants.require_on(context.require_schema(name.catalog, name.schema), "CREATE TABLE")


def writable(spark: Any, table: Table) -> str:
    """Return where the data of a Delta table lies that the principal may write."""
    from lakebook.runtime import catalog

    if table.kind == "VIEW":
        raise delta_error(
            "EXPECT_TABLE_NOT_VIEW", f"{table.name} is a view; write to the table below it."
        )
    if table.format != "delta" or not table.location:
        raise delta_error(
            "DELTA_TABLE_ONLY_OPERATION",
            f"{table.name} is not a Delta table but {table.format}; write its files by path.",
        )
    catalog.require(spark, table.name, "MODIFY")
    return table.location


def insert(rows: DataFrame, name: Name, overwrite: bool, options: Mapping[str, Any]) -> None:
    """Write a frame to a table that exists; columns are matched by position (``insertInto``)."""
    from lakebook.runtime import catalog
    from lakebook.runtime.delta import write
    from lakebook.runtime.delta.snapshot import Snapshot

    spark = rows.sparkSession
    table = catalog.require_table(name)
    location = writable(spark, table)
    columns = [field.name for field in Snapshot.open(location).schema.fields]
    if len(columns) != len(rows.columns):
        raise delta_error(
            "DELTA_INSERT_COLUMN_ARITY_MISMATCH",
            f"Cannot write to '{name}', not enough or too many data columns; target table has "
            f"{len(columns)} column(s) but the inserted data has {len(rows.columns)} column(s).",
        )
    write.write(
        rows.toDF(*columns),
        location,
        "overwrite" if overwrite else "append",
        options=with_session(spark, options) if overwrite else options,
        assign=True,
        table=str(name),
    )


def with_session(spark: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options with the session's own partitionOverwriteMode where none is given."""
    mode = spark.conf.get("spark.sql.sources.partitionOverwriteMode", "static")
    return {"partitionoverwritemode": mode, **options}
