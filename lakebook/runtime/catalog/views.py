"""CREATE VIEW and ALTER VIEW … AS: queries kept with the place in which they were written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lakebook.runtime.catalog import context, grants, store, tables
from lakebook.runtime.catalog.frames import nothing
from lakebook.runtime.catalog.names import Name, error, shown
from lakebook.runtime.catalog.parse import Reader
from lakebook.runtime.catalog.tables import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType


def create(spark: SparkSession, reader: Reader, *, or_replace: bool) -> DataFrame | None:
    """Carry out CREATE VIEW, read up to behind VIEW; None if the view is Spark's own."""
    if_not_exists = reader.if_not_exists()
    parts = reader.name()
    aliases = _read_aliases(reader) if reader.follows("(") else []
    comment: str | None = None
    properties: dict[str, str] = {}
    while not reader.accept("AS"):
        if reader.accept("COMMENT"):
            comment = reader.string()
        elif reader.accept("TBLPROPERTIES"):
            properties = reader.properties()
        elif reader.accept("WITH", "SCHEMA"):
            if not reader.accept("TYPE", "EVOLUTION"):
                reader.one_of("BINDING", "COMPENSATION", "EVOLUTION") or reader.fail("EVOLUTION")
        elif reader.accept("DEFAULT", "COLLATION"):
            reader.identifier()
        else:
            reader.fail("AS and a query")
    query = reader.rest()
    if context.resolve_object(spark, parts) is None:
        return None
    name = tables.to_name(spark, parts)
    above = context.require_schema(name.catalog, name.schema)
    old = tables.find(name)
    if old and if_not_exists:
        return nothing(spark)
    if old and not or_replace:
        raise tables.already_exists(name)
    if old and old.kind != "VIEW":
        raise _not_a_view(name, "CREATE OR REPLACE VIEW")
    details = _details(spark, name, query, aliases, properties)
    by = grants.current_user()
    if old is None:
        grants.require_on(above, "CREATE TABLE")
        try:
            store.add(above.id, "TABLE", name.name, by, comment, details)
        except store.Exists:
            if not (if_not_exists or or_replace):
                raise tables.already_exists(name) from None
            old = tables.require_table(name)
    if old is not None and or_replace:
        _replace(old, details, comment)
    return nothing(spark)


def _replace(old: Table, details: dict[str, Any], comment: str | None) -> None:
    row = store.get(old.id)
    if row is not None:
        grants.require_manage(row)
        store.change(row.id, grants.current_user(), details=details, comment=comment)


def _not_a_view(name: Name, operation: str) -> Exception:
    return error(
        "EXPECT_VIEW_NOT_TABLE",
        f"{shown(name)} is a table, and {operation} needs a view. Choose another name.",
    )


def _read_aliases(reader: Reader) -> list[tuple[str, str | None]]:
    found: list[tuple[str, str | None]] = []
    reader.expect("(")
    while not reader.accept(")"):
        column = reader.identifier()
        found.append((column, reader.string() if reader.accept("COMMENT") else None))
        if not reader.accept(",") and not reader.follows(")"):
            reader.fail("',' or ')'")
    return found


def _details(
    spark: SparkSession,
    name: Name,
    query: str,
    aliases: Sequence[tuple[str, str | None]],
    properties: dict[str, str],
) -> dict[str, Any]:
    """Return what the metastore keeps of a view; a query that Spark refuses is refused here."""
    from pyspark.sql.types import StructField, StructType

    _refuse_temporary(spark, name, query)
    schema: StructType = spark.sql(query).schema
    if aliases and len(aliases) != len(schema.fields):
        raise error(
            "CREATE_VIEW_COLUMN_ARITY_MISMATCH",
            f"Cannot create view {shown(name)}: it names {len(aliases)} columns, and the query "
            f"returns {len(schema.fields)}.",
        )
    fields = []
    for index, field in enumerate(schema.fields):
        alias, comment = aliases[index] if aliases else (field.name, None)
        kept = {"comment": comment} if comment else field.metadata
        fields.append(StructField(alias, field.dataType, field.nullable, kept))
    seen: set[str] = set()
    for field in fields:
        if field.name.lower() in seen:
            raise error(
                "COLUMN_ALREADY_EXISTS",
                f"The column `{field.name}` already exists in view {shown(name)}. Choose another "
                "name or rename it in the query.",
            )
        seen.add(field.name.lower())
    catalog, schema_name = context.current(spark)
    described = StructType(fields).jsonValue()
    details: dict[str, Any] = {
        "type": "VIEW",
        "format": "view",
        "view_text": query,
        "view_catalog": catalog,
        "view_schema": schema_name,
        "properties": properties,
        "described": described,
    }
    if aliases:
        details["columns"] = described["fields"]
    return details


def _refuse_temporary(spark: SparkSession, name: Name, query: str) -> None:
    """Refuse a view of a temporary view, which other sessions do not have."""
    import sqlglot
    from sqlglot import exp

    try:
        tree = sqlglot.parse_one(query, dialect="databricks")
    except sqlglot.errors.SqlglotError:
        return
    common = {cte.alias_or_name.lower() for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        plain = isinstance(table.this, exp.Identifier) and not table.db
        if not plain or table.name.lower() in common:
            continue
        if context.is_temporary_view(spark, table.name):
            raise error(
                "INVALID_TEMP_OBJ_REFERENCE",
                f"Cannot create the persistent object {shown(name)} of the type VIEW because it "
                f"references to the temporary object `{table.name}` of the type VIEW. Please make "
                f"the temporary object `{table.name}` persistent, or make the persistent object "
                "temporary.",
            )


def redefine(spark: SparkSession, table: Table, query: str) -> None:
    """Carry out ALTER VIEW … AS: give a view another query."""
    if table.kind != "VIEW":
        raise _not_a_view(table.name, "ALTER VIEW … AS")
    details = _details(spark, table.name, query, (), dict(table.properties))
    _replace(table, details, table.comment)
