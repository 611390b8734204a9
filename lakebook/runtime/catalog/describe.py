"""DESCRIBE of tables, views, catalogs, schemas, volumes, functions; the detail of Delta tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lakebook import workspace
from lakebook.runtime.catalog import (
    constraints,
    context,
    ddl,
    grants,
    metadata,
    routines,
    securables,
    store,
    tables,
)
from lakebook.runtime.catalog.definition import find_column, type_of
from lakebook.runtime.catalog.frames import rows_frame
from lakebook.runtime.catalog.names import Name, shown
from lakebook.runtime.catalog.parse import Reader
from lakebook.runtime.catalog.tables import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

COLUMNS = "col_name STRING, data_type STRING, comment STRING"
QUERIES = ("SELECT", "WITH", "VALUES", "FROM")


def describe(spark: SparkSession, reader: Reader) -> DataFrame | None:
    """Carry out DESCRIBE, read up to behind its first word; None if it is about Spark's own."""
    # A table may be called as one of these words is; then no name follows.
    named = reader.peek(1).kind in ("word", "name") or reader.peek(1).kind == "string"
    if named and reader.accept("CATALOG"):
        return _catalog(spark, reader)
    if named and reader.one_of("SCHEMA", "DATABASE"):
        return _schema(spark, reader)
    if named and reader.accept("VOLUME"):
        return _volume(spark, reader)
    if named and reader.accept("FUNCTION"):
        return _function(spark, reader)
    if named and reader.accept("DETAIL"):
        return _detail(spark, reader)
    if named and reader.follows("HISTORY"):
        return None
    if reader.accept("QUERY") or reader.follows("(") or (named and reader.peek().up in QUERIES):
        return _query(spark, reader)
    return _table(spark, reader)


def _extended(reader: Reader) -> bool:
    """Read EXTENDED or FORMATTED, unless it is itself the name of what is described."""
    following = reader.peek(1)
    return following.kind in ("word", "name") and bool(reader.one_of("EXTENDED", "FORMATTED"))


def _query(spark: SparkSession, reader: Reader) -> DataFrame:
    schema = spark.sql(reader.rest()).schema
    return rows_frame(spark, _columns(schema), COLUMNS)


def _columns(schema: StructType) -> list[Sequence[Any]]:
    return [
        (field.name, type_of(field), (field.metadata or {}).get("comment"))
        for field in schema.fields
    ]


def _table(spark: SparkSession, reader: Reader) -> DataFrame | None:
    reader.peek(1).kind in ("word", "name") and reader.accept("TABLE")
    extended = _extended(reader)
    parts = reader.name()
    column = None
    if reader.peek().kind in ("word", "name") and not reader.follows("AS", "JSON"):
        if reader.follows("PARTITION"):
            return None
        column = ".".join(reader.name())
    table = tables.at_path(parts)
    full = table.name if table else context.resolve(spark, parts)
    if full is None:
        return None
    reader.finish()
    if full.schema == context.INFORMATION_SCHEMA:
        from lakebook.runtime.catalog import information

        schema = information.frame(spark, full.catalog, full.name).schema
        return rows_frame(spark, _columns(schema), COLUMNS)
    table = table or tables.require_table(full)
    if table.row is not None and not grants.visible(table.row):
        grants.require(spark, full, "SELECT")
    schema = metadata.schema_of(spark, table)
    if column is not None:
        found = find_column(schema, column)
        rows: list[Sequence[Any]] = [
            ("col_name", found.name),
            ("data_type", type_of(found)),
            ("comment", (found.metadata or {}).get("comment") or "NULL"),
        ]
        return rows_frame(spark, rows, "info_name STRING, info_value STRING")
    rows = [*_columns(schema), *_layout(table, schema)]
    if extended:
        rows += [("", "", ""), ("# Detailed Table Information", "", "")]
        rows += [(key, value, "") for key, value in details(table)]
        if keys := constraints.keys(table):
            rows += [("", "", ""), ("# Constraints", "", "")]
            rows += [(key.name, key.sql(), "") for key in keys]
    return rows_frame(spark, rows, COLUMNS)


def _layout(table: Table, schema: StructType) -> list[Sequence[Any]]:
    """Return the rows about partitions and clustering."""
    from lakebook.runtime.delta.snapshot import Snapshot

    rows: list[Sequence[Any]] = []
    partitions = list(table.partition_by)
    if table.format == "delta" and table.location:
        partitions = Snapshot.open(table.location).partition_columns
    for title, names in (("Partition", partitions), ("Clustering", table.cluster_by)):
        if names:
            rows += [(f"# {title} Information", "", ""), ("# col_name", "data_type", "comment")]
            rows += _columns(_only(schema, names))
    return rows


def _only(schema: StructType, names: Sequence[str]) -> StructType:
    from pyspark.sql.types import StructType

    return StructType([find_column(schema, name.split(".")[0]) for name in names])


def moment(ms: int) -> str:
    """Return a time as Spark's own descriptions write it."""
    return dt.datetime.fromtimestamp(ms / 1000, dt.UTC).strftime("%a %b %d %H:%M:%S UTC %Y")


def details(table: Table) -> list[tuple[str, str]]:
    """Return what DESCRIBE EXTENDED says of a table or view, as pairs."""
    found = [
        ("Catalog", table.name.catalog),
        ("Database", table.name.schema),
        ("Table", table.name.name),
        ("Created Time", moment(table.created)),
        ("Last Access", "UNKNOWN"),
        ("Created By", table.row.creator if table.row else ""),
        ("Type", table.kind),
    ]
    if table.comment:
        found.append(("Comment", table.comment))
    if table.kind == "VIEW":
        place = f"{table.view_catalog}.{table.view_schema}"
        found += [("View Text", table.view_text or ""), ("View Catalog and Namespace", place)]
    else:
        found += [("Location", f"file:{table.location}"), ("Provider", table.format)]
    found.append(("Owner", table.owner))
    if table.kind == "MANAGED":
        found.append(("Is_managed_location", "true"))
    if properties := metadata.properties_of(table):
        text = ",".join(f"{key}={value}" for key, value in sorted(properties.items()))
        found.append(("Table Properties", f"[{text}]"))
    return found


def _catalog(spark: SparkSession, reader: Reader) -> DataFrame | None:
    extended = _extended(reader)
    row = securables.locate(spark, "CATALOG", reader.name())
    reader.finish()
    if row is None:
        pairs = [("Catalog Name", "hive_metastore"), ("Comment", "Spark's own session catalog")]
        return rows_frame(spark, pairs, "info_name STRING, info_value STRING")
    pairs = [
        ("Catalog Name", row.name),
        ("Comment", row.comment or ""),
        ("Owner", row.owner),
        ("Catalog Type", "Regular"),
    ]
    if extended:
        pairs += [
            ("Created By", row.creator),
            ("Created At", moment(row.created)),
            ("Updated By", row.alterer),
            ("Updated At", moment(row.altered)),
        ]
    return rows_frame(spark, pairs, "info_name STRING, info_value STRING")


def _schema(spark: SparkSession, reader: Reader) -> DataFrame | None:
    extended = _extended(reader)
    row = securables.locate(spark, "SCHEMA", reader.name())
    reader.finish()
    if row is None:
        return None
    catalog = store.get(row.parent)
    assert catalog is not None
    pairs = [
        ("Catalog Name", catalog.name),
        ("Namespace Name", row.name),
        ("Comment", row.comment or ""),
        ("Location", f"file:{workspace.home() / 'tables' / catalog.name / row.name}"),
        ("Owner", row.owner),
    ]
    if extended:
        properties = row.details.get("properties", {})
        text = ",".join(f"({key},{value})" for key, value in sorted(properties.items()))
        pairs.append(("Properties", f"({text})" if text else ""))
    columns = "database_description_item STRING, database_description_value STRING"
    return rows_frame(spark, pairs, columns)


def _volume(spark: SparkSession, reader: Reader) -> DataFrame | None:
    _extended(reader)
    row = securables.locate(spark, "VOLUME", reader.name())
    reader.finish()
    if row is None:
        return None
    name = securables.name_of(row)
    location = row.details.get("location") or f"file:{ddl.volume_folder(name)}"
    found = (
        name.name,
        name.catalog,
        name.schema,
        row.owner,
        location,
        row.details["type"],
        row.comment,
    )
    columns = (
        "name STRING, catalog STRING, database STRING, owner STRING, storageLocation STRING, "
        "volumeType STRING, comment STRING"
    )
    return rows_frame(spark, [found], columns)


def _function(spark: SparkSession, reader: Reader) -> DataFrame | None:
    extended = _extended(reader)
    if reader.peek().kind not in ("word", "name"):
        return None
    parts = reader.name()
    full = context.resolve_object(spark, parts)
    row = securables.find(full, "FUNCTION") if full else None
    if row is None:
        # An unknown name of one part may be built in; Spark knows, and says so if not.
        if full is None or len(parts) == 1:
            return None
        row = securables.require(Name(*full), "FUNCTION")
    if not grants.visible(row):
        grants.require_on(row, "EXECUTE")
    lines = routines.described(routines.from_row(row), extended)
    return rows_frame(spark, [(line,) for line in lines], "function_desc STRING")


def _detail(spark: SparkSession, reader: Reader) -> DataFrame | None:
    from pyspark.sql import functions as F

    from lakebook.runtime.delta import maintenance

    if reader.at_string():
        return maintenance.detail(spark, tables.local_path(reader.string()))
    parts = reader.name()
    reader.finish()
    if tables.is_delta_path(parts):
        return maintenance.detail(spark, tables.local_path(parts[1]))
    full = context.resolve(spark, parts)
    if full is None:
        return None
    table = tables.require_table(full)
    grants.require(spark, full, "SELECT")
    found = maintenance.detail(spark, metadata.delta_root(table), str(table.name))
    if not table.cluster_by:
        return found
    columns = F.array(*[F.lit(column) for column in table.cluster_by])
    return found.withColumn("clusteringColumns", columns)


__all__ = ["describe", "details", "moment", "shown"]
