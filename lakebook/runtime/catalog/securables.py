"""Whatever a statement may name by its kind: catalogs, schemas, tables, volumes, functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lakebook.runtime.catalog import context, grants, store, tables
from lakebook.runtime.catalog.names import Name, did_you_mean, dotted, error, normal, shown
from lakebook.runtime.catalog.parse import Reader

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NOT_FOUND = {"VOLUME": "UC_VOLUME_NOT_FOUND", "FUNCTION": "ROUTINE_NOT_FOUND"}
# What the word of a statement stands for in the metastore.
KINDS = {
    "CATALOG": "CATALOG",
    "SCHEMA": "SCHEMA",
    "DATABASE": "SCHEMA",
    "TABLE": "TABLE",
    "VIEW": "TABLE",
    "VOLUME": "VOLUME",
    "FUNCTION": "FUNCTION",
    "MODEL": "MODEL",
    "METASTORE": "METASTORE",
}


def read_kind(reader: Reader) -> str:
    """Read the word for a kind of thing and return it; TABLE if there is none."""
    if reader.accept("MATERIALIZED", "VIEW"):
        return "VIEW"
    return reader.one_of(*KINDS) or "TABLE"


def locate(spark: SparkSession, kind: str, parts: Sequence[str]) -> store.Securable | None:
    """Return the row of what is named, None if it is Spark's own.

    Raises the error of its kind if there is none, with the nearest name.
    """
    kind = KINDS[kind]
    if kind == "METASTORE":
        return store.get(store.ROOT)
    if kind == "CATALOG":
        if len(parts) != 1:
            raise error("INVALID_CATALOG_NAME", f"'{dotted(parts)}' is no name of a catalog.")
        if normal(parts[0]) in context.SPARKS_OWN:
            return None
        return context.require_catalog(normal(parts[0]))
    if kind == "SCHEMA":
        found = context.resolve_schema(spark, parts)
        return None if found is None else context.require_schema(*found)
    if kind == "TABLE":
        full = context.resolve(spark, parts)
        return None if full is None else tables.require_table(full).row
    full = context.resolve_object(spark, parts)
    return None if full is None else require(full, kind)


def find(name: Name, kind: str) -> store.Securable | None:
    """Return the row of a volume, function or table, or None."""
    rows = store.chain(name.catalog, name.schema, kind, name.name)
    return rows[2] if len(rows) == 3 else None


def require(name: Name, kind: str) -> store.Securable:
    """Return the row of a volume or function. Raises the error of its kind."""
    row = find(name, kind)
    if row is None:
        schema = context.require_schema(name.catalog, name.schema)
        known = [child.name for child in store.children(schema.id, kind)]
        way_out = f"SHOW {kind}S IN {dotted(name[:2])} lists those that exist."
        raise error(
            NOT_FOUND.get(kind, "RESOURCE_DOES_NOT_EXIST"),
            f"The {kind.lower()} {shown(name)} cannot be found. "
            f"{did_you_mean(name.name, known, otherwise=way_out)}",
        )
    return row


def name_of(row: store.Securable) -> Name:
    """Return the full name of what is in a schema."""
    schema = store.get(row.parent)
    assert schema is not None
    catalog = store.get(schema.parent)
    assert catalog is not None
    return Name(catalog.name, schema.name, row.name)


def visible_schemas(catalog: str) -> list[store.Securable]:
    """Return the schemas of a catalog that the present principal may see."""
    above = context.require_catalog(catalog)
    return [row for row in store.children(above.id, "SCHEMA") if grants.visible(row)]


def visible_children(catalog: str, schema: str, kind: str) -> list[store.Securable]:
    """Return what is in a schema, of one kind, as far as the present principal may see it."""
    above = context.require_schema(catalog, schema)
    return [row for row in store.children(above.id, kind) if grants.visible(row)]
