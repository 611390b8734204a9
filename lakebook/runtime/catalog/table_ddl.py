"""CREATE TABLE in all its forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lakebook.runtime.catalog import constraints, context, grants, store, tables
from lakebook.runtime.catalog.definition import (
    Constraint,
    TableDefinition,
    find_column,
    read_table,
    required,
    schema_of,
    unsupported,
)
from lakebook.runtime.catalog.frames import FILE_FORMATS, external, nothing
from lakebook.runtime.catalog.metadata import checked_properties
from lakebook.runtime.catalog.metadata import schema_of as columns_of
from lakebook.runtime.catalog.names import Name, error, shown
from lakebook.runtime.catalog.parse import Reader
from lakebook.runtime.catalog.tables import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType


def create(
    spark: SparkSession,
    reader: Reader,
    *,
    or_replace: bool = False,
    external: bool = False,
    must_exist: bool = False,
) -> DataFrame | None:
    """Carry out CREATE TABLE, read up to behind TABLE; None if the table is Spark's own."""
    definition = read(reader, or_replace=or_replace, external=external, must_exist=must_exist)
    if tables.is_delta_path(definition.name):
        path = definition.name[1]
        raise unsupported(
            f"CREATE TABLE delta.`{path}`",
            f"Give it a name: CREATE TABLE catalog.schema.name (…) LOCATION '{path}', or write "
            f"it: df.write.format('delta').save('{path}').",
        )
    full = context.resolve_object(spark, definition.name)
    if full is None:
        return None
    if definition.query is not None:
        create_from(spark, definition, lambda: spark.sql(definition.query or ""))
    else:
        make(spark, definition)
    return nothing(spark)


def read(
    reader: Reader,
    *,
    or_replace: bool = False,
    external: bool = False,
    must_exist: bool = False,
) -> TableDefinition:
    """Read a CREATE TABLE statement from behind the word TABLE."""
    definition = TableDefinition(or_replace=or_replace, external=external, must_exist=must_exist)
    definition.if_not_exists = reader.if_not_exists()
    definition.name = reader.name()
    return read_table(reader, definition)


def read_statement(text: str) -> TableDefinition:
    """Read a whole CREATE TABLE statement."""
    reader = Reader(text)
    must_exist = reader.accept("REPLACE")
    if not must_exist:
        reader.expect("CREATE")
    or_replace = reader.accept("OR", "REPLACE") or must_exist
    external = reader.accept("EXTERNAL")
    reader.expect("TABLE")
    return read(reader, or_replace=or_replace, external=external, must_exist=must_exist)


def _check(spark: SparkSession, definition: TableDefinition) -> tuple[Name, Table | None]:
    """Return the full name and the table that is there, after the checks that all forms share."""
    name = tables.to_name(spark, definition.name)
    context.require_schema(name.catalog, name.schema)
    if definition.or_replace and definition.if_not_exists:
        raise error(
            "PARSE_SYNTAX_ERROR",
            "CREATE OR REPLACE TABLE and IF NOT EXISTS exclude one another; keep one of them.",
        )
    old = tables.find(name)
    if definition.must_exist and old is None:
        tables.require_table(name)
    if definition.external and not definition.location:
        raise error(
            "UC_EXTERNAL_TABLE_WITHOUT_LOCATION",
            f"CREATE EXTERNAL TABLE {shown(name)} needs LOCATION '…'.",
        )
    if definition.format in ("iceberg", "hudi"):
        raise unsupported(f"USING {definition.format}", "Use delta, which is the default.")
    known = ("delta", *FILE_FORMATS)
    if definition.format is not None and definition.format not in known:
        raise error(
            "DATA_SOURCE_NOT_FOUND",
            f"Failed to find the data source: {definition.format}. Known: {', '.join(known)}.",
        )
    return name, old


def make(spark: SparkSession, definition: TableDefinition) -> Table:
    """Make the table of a definition without a query."""
    name, old = _check(spark, definition)
    if old and definition.if_not_exists:
        return old
    if old and not definition.or_replace:
        raise tables.already_exists(name)
    if definition.like is not None:
        _copy_definition(spark, definition)
    if definition.format not in (None, "delta"):
        return _make_files(spark, name, definition, old)
    schema = definition.schema or schema_of(definition.columns)
    keys, schema, properties = _with_constraints(spark, name, schema, definition)
    with store.transaction():
        # What is below commits to the log first; the row and its keys then come together.
        table = tables.create_table(
            spark,
            name,
            schema,
            partition_by=_partitions(schema, definition),
            location=_place(definition),
            comment=definition.comment,
            properties=properties,
            cluster_by=definition.cluster_by,
            if_not_exists=definition.if_not_exists,
            or_replace=definition.or_replace,
        )
        if not (definition.if_not_exists and constraints.keys(table)):
            constraints.record(table, keys)
    return table


def _place(definition: TableDefinition) -> str | None:
    return definition.location or definition.options.get("path")


def _partitions(schema: StructType, definition: TableDefinition) -> list[str]:
    for column in definition.cluster_by:
        find_column(schema, column.split(".")[0]) if schema.fields else None
    if definition.cluster_by and definition.partition_by:
        raise error(
            "DELTA_CLUSTER_BY_WITH_PARTITIONED_BY",
            "Clustering and partitioning cannot both be specified. Please remove PARTITIONED BY "
            "or CLUSTER BY.",
        )
    if not schema.fields:
        return definition.partition_by
    return [find_column(schema, column).name for column in definition.partition_by]


def _with_constraints(
    spark: SparkSession, name: Name, schema: StructType, definition: TableDefinition
) -> tuple[list[Constraint], StructType, dict[str, str]]:
    """Return the keys, the columns with those of the primary key NOT NULL, and the properties."""
    keys = constraints.planned(spark, name, schema, definition.constraints)
    for key in keys:
        if key.kind == "PRIMARY KEY":
            schema = required(schema, key.columns)
    properties = checked_properties(definition.properties)
    properties |= constraints.checks_of(spark, schema, definition.constraints)
    return keys, schema, properties


def _copy_definition(spark: SparkSession, definition: TableDefinition) -> None:
    """Take columns, partitions and properties from the table of LIKE."""
    full = context.resolve(spark, definition.like or [])
    if full is None:
        raise unsupported(
            f"LIKE {'.'.join(definition.like or [])}, which is in no catalog here,",
            "Use CREATE TABLE … AS SELECT * FROM … WHERE false.",
        )
    source = tables.require_table(full)
    grants.require(spark, full, "SELECT")
    definition.schema = columns_of(spark, source)
    definition.partition_by = definition.partition_by or list(source.partition_by)
    if source.format == "delta" and source.location:
        from lakebook.runtime.delta.snapshot import Snapshot

        definition.partition_by = Snapshot.open(source.location).partition_columns


def _make_files(
    spark: SparkSession, name: Name, definition: TableDefinition, old: Table | None
) -> Table:
    """Enter files of CSV, JSON, Parquet, … as an external table; its columns may be inferred."""
    location = _place(definition)
    if location is None:
        raise error(
            "UC_MANAGED_TABLE_FORMAT",
            f"Managed table {shown(name)} cannot be of format {definition.format}: a managed table "
            "is Delta. Leave USING out, or name the files with LOCATION '…'.",
        )
    if definition.constraints or definition.cluster_by:
        raise unsupported(
            f"A constraint or CLUSTER BY of a table of {definition.format} files",
            "Leave it out, or use Delta.",
        )
    root = tables.local_path(location)
    options = {key: value for key, value in definition.options.items() if key != "path"}
    draft = Table(name, "EXTERNAL", root, definition.format or "", options=options)
    schema = schema_of(definition.columns) if definition.columns else external(spark, draft).schema
    if old:
        tables.drop(name)
    return tables.register(
        spark,
        name,
        root,
        definition.format or "",
        comment=definition.comment,
        properties=definition.properties,
        if_not_exists=definition.if_not_exists,
        options=options,
        partition_by=definition.partition_by,
        columns=schema.jsonValue(),
    )


def create_from(
    spark: SparkSession, definition: TableDefinition, frame_of: Callable[[], DataFrame]
) -> Table:
    """Make a table and fill it with the rows of a frame, which is made if it is needed."""
    name, old = _check(spark, definition)
    if definition.columns:
        raise error(
            "PARSE_SYNTAX_ERROR",
            "Schema may not be specified in a Create Table As Select (CTAS) statement. Name and "
            "cast the columns in the query.",
        )
    if old and definition.if_not_exists:
        return old
    if old and not definition.or_replace:
        raise tables.already_exists(name)
    if definition.format not in (None, "delta"):
        raise error(
            "UC_MANAGED_TABLE_FORMAT",
            f"CREATE TABLE {shown(name)} AS SELECT writes Delta, not {definition.format}. Leave "
            f"USING out, or write the files with df.write.format('{definition.format}').save(…).",
        )
    if old is None:
        above = context.require_schema(name.catalog, name.schema)
        grants.require_on(above, "CREATE TABLE")
    elif old.kind == "VIEW":
        raise error(
            "EXPECT_TABLE_NOT_VIEW",
            f"{shown(name)} is a view, which a table cannot replace; DROP VIEW first.",
        )
    else:
        row = store.get(old.id)
        grants.require_manage(row) if row else None
    return _write(spark, name, definition, frame_of(), old)


def _write(
    spark: SparkSession,
    name: Name,
    definition: TableDefinition,
    rows: DataFrame,
    old: Table | None,
) -> Table:
    from lakebook.runtime.delta import write
    from lakebook.runtime.delta.snapshot import is_delta

    place = _place(definition)
    keys, _, properties = _with_constraints(spark, name, rows.schema, definition)
    if any(key.kind == "PRIMARY KEY" for key in keys):
        raise unsupported(
            "PRIMARY KEY in CREATE TABLE AS SELECT",
            "Afterwards: ALTER TABLE … ALTER COLUMN … SET NOT NULL, then ADD CONSTRAINT.",
        )
    partitions = _partitions(rows.schema, definition)
    kept = old is not None and old.format == "delta" and old.location and place is None
    root = tables.local_path(place) if place else tables.new_location(name)
    if old is not None and kept:
        root = old.location or root
    replacing = definition.or_replace and is_delta(root)
    write.write(
        rows,
        root,
        "overwrite" if replacing else "errorifexists",
        options={"overwriteSchema": "true"} if replacing else {},
        partition_by=partitions,
        configuration=properties,
        operation="CREATE OR REPLACE TABLE AS SELECT" if replacing else "CREATE TABLE AS SELECT",
        table=str(name),
        replace=replacing,
        # An empty one takes the place of that of the old table.
        comment=definition.comment or ("" if replacing else None),
    )
    if old is not None and kept:
        by = grants.current_user()
        with store.transaction() as opened:
            opened.execute("DELETE FROM constraints WHERE securable = ?", (old.id,))
            store.change(old.id, by, comment=definition.comment)
            store.change_details(
                old.id, by, properties=properties, cluster_by=definition.cluster_by
            )
        return tables.require_table(name)
    if old is not None:
        tables.drop(name)
    try:
        table = tables.register(
            spark,
            name,
            root,
            kind="EXTERNAL" if place else "MANAGED",
            comment=definition.comment,
            properties=properties,
            partition_by=partitions,
            cluster_by=definition.cluster_by,
        )
    except Exception:
        # Another session has taken the name meanwhile; nobody would find these files.
        if place is None:
            tables.delete_data(root)
        if definition.if_not_exists and (winner := tables.find(name)):
            return winner
        raise
    constraints.record(table, keys)
    return table
