"""ALTER of tables, views, schemas, catalogs and volumes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from lakebook.runtime.catalog import (
    alter_columns,
    constraints,
    context,
    ddl,
    grants,
    metadata,
    securables,
    store,
    tables,
    tags,
    views,
)
from lakebook.runtime.catalog.definition import (
    find_column,
    read_constraint,
    unsupported,
)
from lakebook.runtime.catalog.frames import nothing
from lakebook.runtime.catalog.names import Name, checked, error, shown
from lakebook.runtime.catalog.parse import Reader
from lakebook.runtime.catalog.tables import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def alter(spark: SparkSession, reader: Reader) -> DataFrame | None:
    """Carry out ALTER, read up to behind its first word; None if the thing is Spark's own."""
    reader.accept("MATERIALIZED") or reader.accept("STREAMING")
    kind = reader.one_of(*securables.KINDS)
    if not kind:
        raise unsupported(
            f"ALTER {reader.peek().up}", "Known: TABLE, VIEW, SCHEMA, CATALOG, VOLUME."
        )
    parts = reader.name()
    if kind == "TABLE" and (place := tables.at_path(parts)):
        _path(spark, reader, place)
        return nothing(spark)
    row = securables.locate(spark, kind, parts)
    if row is None:
        return None
    if _of_anything(reader, row):
        return nothing(spark)
    if row.kind == "TABLE":
        _table(spark, reader, tags.table_of(row), row)
    elif reader.accept("RENAME", "TO"):
        _rename(spark, row, reader.name())
    elif row.kind == "SCHEMA" and reader.accept("SET", "DBPROPERTIES"):
        grants.require_manage(row)
        properties = {**row.details.get("properties", {}), **reader.properties()}
        store.change_details(row.id, grants.current_user(), properties=properties)
    else:
        raise _not_known(reader, row.kind)
    reader.finish()
    return nothing(spark)


def _path(spark: SparkSession, reader: Reader, table: Table) -> None:
    """Change a Delta table that is named by its path: what its log holds, not the metastore."""
    for words, action in _ACTIONS:
        if action not in (_rename_table, _cluster, _query) and reader.accept(*words):
            action(spark, reader, table)
            reader.finish()
            return
    raise _not_known(reader, f"TABLE {table.name}")


def _not_known(reader: Reader, kind: str) -> Exception:
    words = " ".join(filter(None, (reader.peek(i).up for i in range(3))))
    return unsupported(
        f"ALTER {kind} … {words}",
        "Known: RENAME TO, OWNER TO, SET and UNSET TAGS"
        + (", columns, properties and constraints." if kind == "TABLE" else "."),
    )


def _of_anything(reader: Reader, row: store.Securable) -> bool:
    """Carry out what every kind of thing knows: owners and tags. False if it is none of these."""
    if reader.accept("OWNER", "TO") or reader.accept("SET", "OWNER", "TO"):
        principal = read_principal(reader)
        grants.require_manage(row)
        reader.finish()
        store.change(row.id, grants.current_user(), owner=principal)
    elif reader.accept("SET", "TAGS"):
        tags.put(row, reader.properties())
        reader.finish()
    elif reader.accept("UNSET", "TAGS"):
        tags.take(row, reader.keys())
        reader.finish()
    else:
        return False
    return True


def read_principal(reader: Reader) -> str:
    """Read a user or group: a quoted name, a string, or a word."""
    return reader.string() if reader.at_string() else ".".join(reader.name())


def _rename(spark: SparkSession, row: store.Securable, parts: Sequence[str]) -> None:
    grants.require_manage(row)
    by = grants.current_user()
    values: dict[str, Any] = {"name": checked(parts[-1], row.kind.lower())}
    if row.kind in ("CATALOG", "SCHEMA"):
        raise unsupported(
            f"ALTER {row.kind} … RENAME TO",
            f"Make a new {row.kind.lower()} and move its tables: ALTER TABLE … RENAME TO.",
        )
    old = securables.name_of(row)
    new = Name(old.catalog, old.schema, values["name"])
    if len(parts) > 1:
        full = context.resolve_object(spark, parts)
        if full is None or full.catalog != old.catalog:
            raise error(
                "UC_RENAME_ACROSS_CATALOGS",
                f"{shown(old)} cannot be renamed to another catalog. Copy it: CREATE TABLE … AS "
                "SELECT * FROM ….",
            )
        new = Name(*full)
        values["parent"] = context.require_schema(new.catalog, new.schema).id
    try:
        with store.transaction():
            store.change(row.id, by, **values)
            if row.kind == "VOLUME":
                folder = ddl.volume_folder(old)
                if folder.exists() or folder.is_symlink():
                    folder.rename(ddl.volume_folder(new))
    except store.Exists:
        raise tables.already_exists(new) from None


def _table(spark: SparkSession, reader: Reader, table: Table, row: store.Securable) -> None:
    for words, action in _ACTIONS:
        if reader.accept(*words):
            if action is not _rename_table:
                if table.kind == "VIEW":
                    grants.require_manage(row)
                else:
                    grants.require_on(row, "MODIFY")
            action(spark, reader, table)
            return
    raise _not_known(reader, "TABLE")


def _rename_table(spark: SparkSession, reader: Reader, table: Table) -> None:
    assert table.row is not None
    _rename(spark, table.row, reader.name())


def _query(spark: SparkSession, reader: Reader, table: Table) -> None:
    views.redefine(spark, table, reader.rest())


# Properties


def _set_properties(spark: SparkSession, reader: Reader, table: Table) -> None:
    new = reader.properties()
    if table.format == "delta":
        new = metadata.checked_properties(new)
    if table.format != "delta" or not table.location:
        _keep_properties(table, {**table.properties, **new})
        return
    snapshot = metadata.snapshot_of(table)
    merged = {**snapshot.configuration, **new}
    metadata.commit(table, snapshot, "SET TBLPROPERTIES", {"properties": new}, configuration=merged)


def _unset_properties(spark: SparkSession, reader: Reader, table: Table) -> None:
    if_exists = reader.if_exists()
    keys = reader.keys()
    present = metadata.properties_of(table)
    missing = [key for key in keys if key not in present]
    if missing and not if_exists:
        raise error(
            "UNSET_NONEXISTENT_PROPERTIES",
            f"Attempted to unset non-existent properties [{', '.join(missing)}] in table "
            f"{shown(table.name)}. UNSET TBLPROPERTIES IF EXISTS tolerates that.",
        )
    kept = {key: value for key, value in present.items() if key not in keys}
    if table.format != "delta" or not table.location:
        _keep_properties(table, kept)
        return
    parameters = {"properties": keys, "ifExists": if_exists}
    metadata.commit(
        table, metadata.snapshot_of(table), "UNSET TBLPROPERTIES", parameters, configuration=kept
    )


def _keep_properties(table: Table, properties: dict[str, str]) -> None:
    store.change_details(table.id, grants.current_user(), properties=properties)


def _cluster(spark: SparkSession, reader: Reader, table: Table) -> None:
    columns = [] if reader.one_of("NONE", "AUTO") else reader.identifiers()
    snapshot = metadata.snapshot_of(table)
    for column in columns:
        find_column(snapshot.schema, column)
    if columns and snapshot.partition_columns:
        raise error(
            "DELTA_CLUSTER_BY_WITH_PARTITIONED_BY",
            f"{shown(table.name)} is partitioned, and a table cannot be partitioned and clustered. "
            "Write it anew without partitions.",
        )
    store.change_details(table.id, grants.current_user(), cluster_by=columns)


# Constraints


def _add_constraint(spark: SparkSession, reader: Reader, table: Table) -> None:
    metadata.delta_root(table)
    constraints.add(spark, table, read_constraint(reader))


def _drop_constraint(spark: SparkSession, reader: Reader, table: Table) -> None:
    if_exists = reader.if_exists()
    name = reader.identifier()
    reader.one_of("RESTRICT", "CASCADE")
    constraints.drop(table, name, if_exists)


def _drop_primary_key(spark: SparkSession, reader: Reader, table: Table) -> None:
    if_exists = reader.if_exists()
    reader.one_of("RESTRICT", "CASCADE")
    constraints.drop_primary_key(table, if_exists)


def _drop_foreign_key(spark: SparkSession, reader: Reader, table: Table) -> None:
    if_exists = reader.if_exists()
    constraints.drop_foreign_key(table, reader.identifiers(), if_exists)


def _refuse_partitions(spark: SparkSession, reader: Reader, table: Table) -> None:
    raise error(
        "DELTA_OPERATION_NOT_ALLOWED",
        "Operation not allowed: `ALTER TABLE ADD or DROP PARTITION` is not supported for Delta "
        "tables; partitions follow from the rows. DELETE FROM … WHERE … drops one.",
    )


_Action = Callable[["SparkSession", Reader, Table], None]
_ACTIONS: tuple[tuple[tuple[str, ...], _Action], ...] = (
    (("RENAME", "TO"), _rename_table),
    (("RENAME", "COLUMN"), alter_columns.rename_column),
    (("ADD", "PARTITION"), _refuse_partitions),
    (("DROP", "PARTITION"), _refuse_partitions),
    (("ADD", "COLUMN"), alter_columns.add_columns),
    (("ADD", "COLUMNS"), alter_columns.add_columns),
    (("ADD",), _add_constraint),
    (("DROP", "CONSTRAINT"), _drop_constraint),
    (("DROP", "PRIMARY", "KEY"), _drop_primary_key),
    (("DROP", "FOREIGN", "KEY"), _drop_foreign_key),
    (("DROP", "COLUMN"), alter_columns.drop_columns),
    (("DROP", "COLUMNS"), alter_columns.drop_columns),
    (("ALTER", "COLUMN"), alter_columns.alter_column),
    (("CHANGE", "COLUMN"), alter_columns.change_column),
    (("CHANGE",), alter_columns.change_column),
    (("ALTER",), alter_columns.alter_column),
    (("SET", "TBLPROPERTIES"), _set_properties),
    (("UNSET", "TBLPROPERTIES"), _unset_properties),
    (("CLUSTER", "BY"), _cluster),
    (("AS",), _query),
)
