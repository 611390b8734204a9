"""The schema `information_schema` of each catalog: what the metastore holds, as frames."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from lakebook.runtime.catalog import (
    constraints,
    context,
    grants,
    metadata,
    routines,
    securables,
    store,
    tables,
    tags,
)
from lakebook.runtime.catalog.definition import type_of
from lakebook.runtime.catalog.frames import rows_frame
from lakebook.runtime.catalog.names import Name, did_you_mean, error, shown
from lakebook.runtime.catalog.tables import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Rows = Iterator[tuple[Any, ...]]


def information_schema(spark: SparkSession, name: Name) -> DataFrame | None:
    """Return the frame of ``<catalog>.information_schema.<name>``; None for any other name."""
    if name.schema != context.INFORMATION_SCHEMA:
        return None
    return frame(spark, name.catalog, name.name)


def frame(spark: SparkSession, catalog: str, relation: str) -> DataFrame:
    """Return a relation of a catalog's information schema: what the principal may see.

    Of the catalog `system` it is that of all catalogs. Raises TABLE_OR_VIEW_NOT_FOUND.
    """
    if catalog == "system":
        catalogs = store.children(store.ROOT, "CATALOG")
    else:
        catalogs = [context.require_catalog(catalog)]
    if relation not in RELATIONS:
        known = sorted(RELATIONS)
        raise error(
            "TABLE_OR_VIEW_NOT_FOUND",
            f"The table or view {shown((catalog, 'information_schema', relation))} cannot be "
            f"found. {did_you_mean(relation, known, otherwise='Known: ' + ', '.join(known) + '.')}",
        )
    columns, rows = RELATIONS[relation]
    visible = [row for row in catalogs if grants.visible(row)]
    found = [entry for row in visible for entry in rows(spark, row)]
    return rows_frame(spark, found, columns)


def _time(ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(ms / 1000, dt.UTC)


def _audit(row: store.Securable) -> tuple[Any, ...]:
    return (_time(row.created), row.creator, _time(row.altered), row.alterer)


def _catalogs(spark: SparkSession, catalog: store.Securable) -> Rows:
    yield (catalog.name, catalog.owner, catalog.comment, *_audit(catalog))


def _schemas(spark: SparkSession, catalog: store.Securable) -> Rows:
    for row in securables.visible_schemas(catalog.name):
        yield (catalog.name, row.name, row.owner, row.comment, *_audit(row))


def _all(catalog: store.Securable) -> Iterator[Table]:
    for schema in securables.visible_schemas(catalog.name):
        yield from tables.listed(catalog.name, schema.name)


def _tables(spark: SparkSession, catalog: store.Securable) -> Rows:
    for table in _all(catalog):
        assert table.row is not None
        is_view = table.kind == "VIEW"
        yield (
            *table.name,
            table.kind,
            "NO" if is_view else "YES",
            "PRESERVE",
            table.owner,
            table.comment,
            *_audit(table.row),
            "UNKNOWN_DATA_SOURCE_FORMAT" if is_view else table.format.upper(),
            f"file:{table.location}" if table.location else None,
        )


def _columns(spark: SparkSession, catalog: store.Securable) -> Rows:
    from lakebook.runtime.delta.snapshot import Snapshot

    for table in _all(catalog):
        partitions = [name.lower() for name in table.partition_by]
        if table.format == "delta" and table.location:
            partitions = [c.lower() for c in Snapshot.open(table.location).partition_columns]
        for index, field in enumerate(metadata.schema_of(spark, table).fields):
            lower = field.name.lower()
            kind = type_of(field)
            yield (
                *table.name,
                field.name,
                index,
                None,
                "YES" if field.nullable else "NO",
                kind,
                _simple(kind, field.dataType.typeName()),
                partitions.index(lower) + 1 if lower in partitions else None,
                (field.metadata or {}).get("comment"),
            )


def _simple(kind: str, name: str) -> str:
    """Return the name of a type without its parameters, as the platform's catalog calls it."""
    return "INT" if kind == "int" else name.split("(")[0].upper()


def _views(spark: SparkSession, catalog: store.Securable) -> Rows:
    for table in _all(catalog):
        if table.kind == "VIEW":
            yield (*table.name, table.view_text, "NONE", "NO")


def _keys(catalog: store.Securable) -> Iterator[tuple[Table, constraints.Key]]:
    for table in _all(catalog):
        for key in constraints.keys(table):
            yield table, key


def _constraints(spark: SparkSession, catalog: store.Securable) -> Rows:
    for table, key in _keys(catalog):
        place = table.name[:2]
        yield (*place, key.name, *table.name, key.kind, "NO", "NO", "NO")


def _key_columns(spark: SparkSession, catalog: store.Securable) -> Rows:
    for table, key in _keys(catalog):
        for index, column in enumerate(key.columns):
            above = index + 1 if key.kind == "FOREIGN KEY" else None
            yield (*table.name[:2], key.name, *table.name, column, index + 1, above)


def _references(spark: SparkSession, catalog: store.Securable) -> Rows:
    for table, key in _keys(catalog):
        if key.parent is None:
            continue
        parent = tables.find(key.parent)
        unique = constraints.primary_key(parent) if parent else None
        yield (
            *table.name[:2],
            key.name,
            *key.parent[:2],
            unique.name if unique else None,
            "FULL",
            "NO ACTION",
            "NO ACTION",
        )


def _granted(rows: Iterator[store.Securable]) -> Iterator[tuple[store.Securable, Any]]:
    for row in rows:
        key = grants.key_of(row)
        for one in grants.listed(row):
            if one.privilege in {*grants.PRIVILEGES[row.kind], grants.ALL}:
                yield row, (one, "NONE" if one.key == key else one.kind)


def _catalog_privileges(spark: SparkSession, catalog: store.Securable) -> Rows:
    for _, (one, inherited) in _granted(iter([catalog])):
        privilege = one.privilege.replace(" ", "_")
        yield (catalog.owner, one.principal, catalog.name, privilege, "NO", inherited)


def _schema_privileges(spark: SparkSession, catalog: store.Securable) -> Rows:
    for row, (one, inherited) in _granted(iter(securables.visible_schemas(catalog.name))):
        privilege = one.privilege.replace(" ", "_")
        yield (row.owner, one.principal, catalog.name, row.name, privilege, "NO", inherited)


def _table_privileges(spark: SparkSession, catalog: store.Securable) -> Rows:
    rows = (table.row for table in _all(catalog) if table.row is not None)
    for row, (one, inherited) in _granted(rows):
        privilege = one.privilege.replace(" ", "_")
        name = securables.name_of(row)
        yield (row.owner, one.principal, *name, privilege, "NO", inherited)


def _children(catalog: store.Securable, kind: str) -> Iterator[tuple[Name, store.Securable]]:
    for schema in securables.visible_schemas(catalog.name):
        for row in securables.visible_children(catalog.name, schema.name, kind):
            yield Name(catalog.name, schema.name, row.name), row


def _volumes(spark: SparkSession, catalog: store.Securable) -> Rows:
    from lakebook.runtime.catalog.ddl import volume_folder

    for name, row in _children(catalog, "VOLUME"):
        location = row.details.get("location") or f"file:{volume_folder(name)}"
        yield (*name, row.details["type"], row.owner, row.comment, *_audit(row), location)


def _routines(spark: SparkSession, catalog: store.Securable) -> Rows:
    for name, row in _children(catalog, "FUNCTION"):
        function = routines.from_row(row)
        language = "SQL" if function.language == "SQL" else "EXTERNAL"
        yield (
            *name,
            *name,
            row.owner,
            "FUNCTION",
            "TABLE" if function.is_table else function.returns.upper(),
            language,
            function.body,
            None if language == "SQL" else function.language,
            "YES" if function.deterministic else "NO",
            row.comment,
            *_audit(row),
        )


def _tags(kind: str) -> Callable[[SparkSession, store.Securable], Rows]:
    def rows(spark: SparkSession, catalog: store.Securable) -> Rows:
        if kind == "CATALOG":
            for pair in tags.of(catalog).items():
                yield (catalog.name, *pair)
        elif kind == "SCHEMA":
            for row in securables.visible_schemas(catalog.name):
                for pair in tags.of(row).items():
                    yield (catalog.name, row.name, *pair)
        else:
            for name, row in _children(catalog, "VOLUME" if kind == "VOLUME" else "TABLE"):
                if kind != "COLUMN":
                    for pair in tags.of(row).items():
                        yield (*name, *pair)
                    continue
                query = (
                    "SELECT column_name, name, value FROM tags WHERE securable = ? "
                    "AND column_name <> '' ORDER BY column_name, name"
                )
                for found in store.connection().execute(query, (row.id,)).fetchall():
                    yield (*name, *found)

    return rows


def _ddl(names: str, kind: str = "STRING") -> str:
    return ", ".join(f"{name} {kind}" for name in names.split())


_AUDIT = "created TIMESTAMP, created_by STRING, last_altered TIMESTAMP, last_altered_by STRING"
_TABLE = "table_catalog table_schema table_name"
RELATIONS: dict[str, tuple[str, Callable[[Any, store.Securable], Rows]]] = {
    "catalogs": (f"{_ddl('catalog_name catalog_owner comment')}, {_AUDIT}", _catalogs),
    "schemata": (
        f"{_ddl('catalog_name schema_name schema_owner comment')}, {_AUDIT}",
        _schemas,
    ),
    "tables": (
        f"{_ddl(_TABLE + ' table_type is_insertable_into commit_action table_owner comment')}, "
        f"{_AUDIT}, {_ddl('data_source_format storage_path')}",
        _tables,
    ),
    "columns": (
        f"{_ddl(_TABLE + ' column_name')}, ordinal_position INT, column_default STRING, "
        f"{_ddl('is_nullable full_data_type data_type')}, partition_index INT, comment STRING",
        _columns,
    ),
    "views": (_ddl(_TABLE + " view_definition check_option is_updatable"), _views),
    "table_constraints": (
        _ddl(
            f"constraint_catalog constraint_schema constraint_name {_TABLE} constraint_type "
            "is_deferrable initially_deferred enforced"
        ),
        _constraints,
    ),
    "key_column_usage": (
        f"{_ddl(f'constraint_catalog constraint_schema constraint_name {_TABLE} column_name')}, "
        "ordinal_position INT, position_in_unique_constraint INT",
        _key_columns,
    ),
    "referential_constraints": (
        _ddl(
            "constraint_catalog constraint_schema constraint_name unique_constraint_catalog "
            "unique_constraint_schema unique_constraint_name match_option update_rule delete_rule"
        ),
        _references,
    ),
    "catalog_privileges": (
        _ddl("grantor grantee catalog_name privilege_type is_grantable inherited_from"),
        _catalog_privileges,
    ),
    "schema_privileges": (
        _ddl("grantor grantee catalog_name schema_name privilege_type is_grantable inherited_from"),
        _schema_privileges,
    ),
    "table_privileges": (
        _ddl(f"grantor grantee {_TABLE} privilege_type is_grantable inherited_from"),
        _table_privileges,
    ),
    "volumes": (
        f"{_ddl('volume_catalog volume_schema volume_name volume_type volume_owner comment')}, "
        f"{_AUDIT}, storage_location STRING",
        _volumes,
    ),
    "routines": (
        _ddl(
            "specific_catalog specific_schema specific_name routine_catalog routine_schema "
            "routine_name routine_owner routine_type data_type routine_body routine_definition "
            "external_language is_deterministic comment"
        )
        + f", {_AUDIT}",
        _routines,
    ),
    "catalog_tags": (_ddl("catalog_name tag_name tag_value"), _tags("CATALOG")),
    "schema_tags": (_ddl("catalog_name schema_name tag_name tag_value"), _tags("SCHEMA")),
    "table_tags": (_ddl("catalog_name schema_name table_name tag_name tag_value"), _tags("TABLE")),
    "column_tags": (
        _ddl("catalog_name schema_name table_name column_name tag_name tag_value"),
        _tags("COLUMN"),
    ),
    "volume_tags": (
        _ddl("catalog_name schema_name volume_name tag_name tag_value"),
        _tags("VOLUME"),
    ),
}
