"""Statements about catalogs: CREATE, DROP, ALTER, COMMENT, SHOW, DESCRIBE, USE, GRANT, tags."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lakebook.runtime.catalog import (
    alter,
    context,
    ddl,
    describe,
    permissions,
    show,
    table_ddl,
    tables,
    tags,
)
from lakebook.runtime.catalog.definition import unsupported
from lakebook.runtime.catalog.frames import external, nothing, rows_frame
from lakebook.runtime.catalog.information import information_schema
from lakebook.runtime.catalog.names import dotted, error
from lakebook.runtime.catalog.parse import Reader
from lakebook.runtime.catalog.sql_tokens import LexicalError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from sqlglot.expressions import Expression

__all__ = ["create_table_as", "execute", "external", "information_schema", "rows_frame"]


def execute(spark: SparkSession, tree: Expression | None, text: str) -> DataFrame | None:
    """Carry out a statement about catalogs and return its result.

    None if it is about what is Spark's own, or no such statement: Spark gets the text. `tree` is
    not needed, for the text of types, queries and expressions is kept as it was written.
    Raises errors with the platform's conditions; one that is not supported is refused by name.
    """
    try:
        reader = Reader(text)
    except LexicalError:
        return None
    action = _ACTIONS.get(reader.peek().up)
    if action is None:
        return None
    reader.at = 1
    return action(spark, reader)


def create_table_as(
    spark: SparkSession, tree: Expression | None, frame: DataFrame, text: str = ""
) -> tables.Table:
    """Carry out CREATE TABLE … AS with the frame of its query; return the table.

    The statement is `text`, or what `tree` says if there is none.
    """
    statement = text or (tree.sql(dialect="databricks") if tree is not None else "")
    definition = table_ddl.read_statement(statement)
    return table_ddl.create_from(spark, definition, lambda: frame)


def _use(spark: SparkSession, reader: Reader) -> DataFrame | None:
    """Carry out USE: a catalog, a schema, or both."""
    if reader.peek(1).kind in ("word", "name", "string"):
        if reader.accept("CATALOG"):
            name = reader.string() if reader.at_string() else reader.identifier()
            reader.finish()
            context.use(spark, catalog=name)
            return nothing(spark)
        reader.one_of("SCHEMA", "DATABASE", "NAMESPACE")
    parts = reader.name()
    reader.finish()
    if len(parts) > 2:
        raise error(
            "INVALID_SCHEMA_NAME",
            f"USE {dotted(parts)} has {len(parts)} parts; name catalog.schema, or a schema.",
        )
    context.use(spark, parts[0] if len(parts) == 2 else None, parts[-1])
    return nothing(spark)


def _set(spark: SparkSession, reader: Reader) -> DataFrame | None:
    """Carry out SET CATALOG and SET TAG; all other settings are Spark's own."""
    if reader.follows("CATALOG") and reader.peek(1).kind in ("word", "name", "string"):
        reader.at = 0
        reader.tokens[0].up = "USE"
        reader.at = 1
        return _use(spark, reader)
    if reader.accept("TAG"):
        return tags.set_tag(spark, reader, unset=False)
    return None


def _unset(spark: SparkSession, reader: Reader) -> DataFrame | None:
    return tags.set_tag(spark, reader, unset=True) if reader.accept("TAG") else None


def _replace(spark: SparkSession, reader: Reader) -> DataFrame | None:
    """Carry out REPLACE TABLE: like CREATE OR REPLACE, for a table that is there."""
    reader.expect("TABLE")
    return table_ddl.create(spark, reader, or_replace=True, must_exist=True)


def _comment(spark: SparkSession, reader: Reader) -> DataFrame | None:
    return tags.comment_on(spark, reader)


def _undrop(spark: SparkSession, reader: Reader) -> DataFrame | None:
    raise unsupported("UNDROP", "Dropped tables are gone here; keep data in an external table.")


def _maintain(verb: str) -> Callable[[SparkSession, Reader], DataFrame | None]:
    """Return the action for statements that refresh what Spark keeps, which is nothing here."""

    def action(spark: SparkSession, reader: Reader) -> DataFrame | None:
        if verb == "REFRESH" and reader.peek().up in ("FUNCTION", "FOREIGN", "MATERIALIZED"):
            return None
        if verb == "MSCK":
            reader.expect("REPAIR")
        if verb == "REFRESH" and reader.at_string():
            return None
        reader.one_of("TABLE", "TABLES")
        if reader.peek().kind not in ("word", "name") or reader.one_of("IN", "FROM"):
            return None
        parts = reader.name()
        full = context.resolve(spark, parts)
        if full is None:
            return None
        tables.require_table(full)
        # Queries read the newest version of a table, and its statistics are in the log.
        return nothing(spark)

    return action


_ACTIONS: dict[str, Callable[[SparkSession, Reader], DataFrame | None]] = {
    "CREATE": ddl.create,
    "REPLACE": _replace,
    "DROP": ddl.drop,
    "ALTER": alter.alter,
    "COMMENT": _comment,
    "SHOW": show.show,
    "DESCRIBE": describe.describe,
    "DESC": describe.describe,
    "USE": _use,
    "SET": _set,
    "UNSET": _unset,
    "GRANT": permissions.grant,
    "REVOKE": permissions.revoke,
    "DENY": permissions.deny,
    "UNDROP": _undrop,
    "REFRESH": _maintain("REFRESH"),
    "ANALYZE": _maintain("ANALYZE"),
    "MSCK": _maintain("MSCK"),
}
