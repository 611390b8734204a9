"""CREATE and DROP of catalogs, schemas, volumes and views."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from lakebook import workspace
from lakebook.runtime import registry
from lakebook.runtime.catalog import (
    context,
    grants,
    routines,
    securables,
    store,
    table_ddl,
    tables,
    views,
)
from lakebook.runtime.catalog.definition import unsupported
from lakebook.runtime.catalog.frames import nothing
from lakebook.runtime.catalog.names import Name, checked, dotted, error, shown
from lakebook.runtime.catalog.parse import Reader

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def create(spark: SparkSession, reader: Reader) -> DataFrame | None:
    """Carry out a CREATE statement, read up to behind its first word; None if it is Spark's own."""
    or_replace = reader.accept("OR", "REPLACE")
    if reader.follows("OR", "REFRESH"):
        raise unsupported("CREATE OR REFRESH", "Write the table by a query or a stream.")
    if reader.follows("TEMP") or reader.follows("TEMPORARY"):
        return None
    if reader.follows("GLOBAL", "TEMP") or reader.follows("GLOBAL", "TEMPORARY"):
        return None
    for words in (("STREAMING", "TABLE"), ("STREAMING", "LIVE"), ("MATERIALIZED", "VIEW")):
        if reader.follows(*words):
            raise unsupported(
                f"CREATE {' '.join(words)}",
                "Write a table: CREATE OR REPLACE TABLE … AS SELECT …, or df.writeStream.",
            )
    external = reader.accept("EXTERNAL")
    what = reader.one_of("CATALOG", "SCHEMA", "DATABASE", "TABLE", "VIEW", "VOLUME", "FUNCTION")
    if what == "CATALOG":
        return _create_catalog(spark, reader)
    if what in ("SCHEMA", "DATABASE"):
        return _create_schema(spark, reader)
    if what == "TABLE":
        return table_ddl.create(spark, reader, or_replace=or_replace, external=external)
    if what == "VIEW":
        return views.create(spark, reader, or_replace=or_replace)
    if what == "VOLUME":
        return _create_volume(spark, reader, external=external)
    if what == "FUNCTION":
        return routines.create(spark, reader, or_replace=or_replace)
    if reader.peek().up in ("VARIABLE", "TEMPORARY"):
        return None
    raise unsupported(
        f"CREATE {reader.peek().up}",
        "Known: CATALOG, SCHEMA, TABLE, VIEW, VOLUME, FUNCTION.",
    )


def _create_catalog(spark: SparkSession, reader: Reader) -> DataFrame:
    if_not_exists = reader.if_not_exists()
    parts = reader.name()
    comment = None
    while not reader.done:
        if reader.accept("COMMENT"):
            comment = reader.string()
        elif reader.follows("MANAGED", "LOCATION"):
            raise _no_managed_location("CATALOG")
        elif reader.follows("USING", "SHARE") or reader.follows("FOREIGN"):
            raise unsupported("CREATE CATALOG of a share", "Make a catalog and write tables to it.")
        else:
            reader.fail("COMMENT")
    if len(parts) != 1:
        raise error("INVALID_CATALOG_NAME", f"'{dotted(parts)}' is no name of a catalog.")
    name = checked(parts[0], "catalog")
    if name in context.SPARKS_OWN or name == "system":
        raise error("CATALOG_ALREADY_EXISTS", f"Catalog '{name}' is the session's own.")
    metastore = store.get(store.ROOT)
    assert metastore is not None
    grants.require_on(metastore, "CREATE CATALOG")
    try:
        with store.transaction():
            owner = grants.current_user()
            row = store.add(store.ROOT, "CATALOG", name, owner, comment, {})
            store.add(row, "SCHEMA", "default", owner, "Default schema", {})
    except store.Exists:
        if not if_not_exists:
            raise error(
                "CATALOG_ALREADY_EXISTS",
                f"Cannot create catalog `{name}` because it already exists. Choose a different "
                "name, or add the IF NOT EXISTS clause to tolerate it.",
            ) from None
    return nothing(spark)


def _no_managed_location(kind: str) -> Exception:
    return error(
        "UNSUPPORTED_FEATURE",
        f"MANAGED LOCATION of CREATE {kind} is not supported here: managed data lies in the "
        "workspace folder. Leave it out, and set LAKEBOOK_HOME to have it elsewhere.",
    )


def _create_schema(spark: SparkSession, reader: Reader) -> DataFrame | None:
    if_not_exists = reader.if_not_exists()
    parts = reader.name()
    comment, properties = None, {}
    place = context.resolve_schema(spark, parts)
    if place is None:
        return None
    while not reader.done:
        if reader.accept("COMMENT"):
            comment = reader.string()
        elif reader.accept("WITH", "DBPROPERTIES"):
            properties = reader.properties()
        elif reader.follows("MANAGED", "LOCATION") or reader.follows("LOCATION"):
            raise _no_managed_location("SCHEMA")
        elif reader.follows("DEFAULT", "COLLATION"):
            raise unsupported("DEFAULT COLLATION", "Use COLLATE in the query.")
        else:
            reader.fail("COMMENT or WITH DBPROPERTIES")
    catalog, schema = place[0], checked(place[1], "schema")
    above = context.require_catalog(catalog)
    if if_not_exists and store.child(above.id, "SCHEMA", schema):
        return nothing(spark)
    grants.require_on(above, "CREATE SCHEMA")
    if schema == context.INFORMATION_SCHEMA:
        raise _schema_exists(catalog, schema)
    try:
        details = {"properties": properties} if properties else {}
        store.add(above.id, "SCHEMA", schema, grants.current_user(), comment, details)
    except store.Exists:
        if not if_not_exists:
            raise _schema_exists(catalog, schema) from None
    return nothing(spark)


def _schema_exists(catalog: str, schema: str) -> Exception:
    return error(
        "SCHEMA_ALREADY_EXISTS",
        f"Cannot create schema `{catalog}`.`{schema}` because it already exists. Choose a "
        "different name, drop the existing schema, or add the IF NOT EXISTS clause to tolerate "
        "pre-existing schema.",
    )


def _create_volume(spark: SparkSession, reader: Reader, *, external: bool) -> DataFrame:
    if_not_exists = reader.if_not_exists()
    parts = reader.name()
    comment, location = None, None
    while not reader.done:
        if reader.accept("COMMENT"):
            comment = reader.string()
        elif reader.accept("LOCATION"):
            location = reader.string()
        else:
            reader.fail("COMMENT or LOCATION")
    if external != (location is not None):
        raise error(
            "INVALID_VOLUME_DEFINITION",
            "CREATE EXTERNAL VOLUME needs LOCATION '…'."
            if external
            else "LOCATION needs CREATE EXTERNAL VOLUME; a managed volume has a place of its own.",
        )
    full = context.resolve_object(spark, parts)
    if full is None:
        raise error("INVALID_VOLUME_NAME", f"{dotted(parts)} is in no catalog here.")
    name = Name(full.catalog, full.schema, checked(full.name, "volume"))
    above = context.require_schema(name.catalog, name.schema)
    if if_not_exists and securables.find(name, "VOLUME"):
        return nothing(spark)
    grants.require_on(above, "CREATE VOLUME")
    target = Path(tables.local_path(location)) if location else None
    details = {"type": "EXTERNAL" if external else "MANAGED"}
    if location:
        details["location"] = location
    try:
        # The folder comes inside the transaction: a volume without one could not be used.
        with store.transaction():
            store.add(above.id, "VOLUME", name.name, grants.current_user(), comment, details)
            _make_folder(name, target)
    except store.Exists:
        if not if_not_exists:
            raise error(
                "UC_VOLUME_ALREADY_EXISTS",
                f"Cannot create volume {shown(name)} because it already exists. Choose a different "
                "name, or add the IF NOT EXISTS clause to tolerate it.",
            ) from None
    return nothing(spark)


def volume_folder(name: Name) -> Path:
    """Return the folder that is ``/Volumes/<catalog>/<schema>/<volume>`` on this machine."""
    return workspace.path("Volumes", name.catalog, name.schema, name.name)


def _make_folder(name: Name, target: Path | None) -> None:
    folder = volume_folder(name)
    if target is None:
        folder.mkdir(exist_ok=True)
        return
    target.mkdir(parents=True, exist_ok=True)
    if folder.is_dir() and not folder.is_symlink():
        folder.rmdir()
    folder.unlink(missing_ok=True)
    folder.symlink_to(target, target_is_directory=True)


def _remove_folder(name: Name) -> None:
    folder = volume_folder(name)
    if folder.is_symlink():
        folder.unlink()
    else:
        shutil.rmtree(folder, ignore_errors=True)


def drop(spark: SparkSession, reader: Reader) -> DataFrame | None:
    """Carry out a DROP statement, read up to behind its first word; None if it is Spark's own."""
    if reader.follows("TEMPORARY") or reader.follows("TEMP"):
        return None
    reader.accept("MATERIALIZED")
    what = reader.one_of("CATALOG", "SCHEMA", "DATABASE", "TABLE", "VIEW", "VOLUME", "FUNCTION")
    if not what:
        if reader.follows("VARIABLE"):
            return None
        raise unsupported(
            f"DROP {reader.peek().up}", "Known: CATALOG, SCHEMA, TABLE, VIEW, VOLUME, FUNCTION."
        )
    if_exists = reader.if_exists()
    parts = reader.name()
    if what == "FUNCTION" and len(parts) == 1 and routines.is_temporary(spark, parts[0]):
        return None
    if what == "TABLE":
        reader.accept("PURGE")
    cascade = reader.one_of("CASCADE", "RESTRICT") == "CASCADE"
    reader.finish()
    try:
        row = securables.locate(spark, what, parts)
    except Exception as fault:
        condition = getattr(fault, "getCondition", str)()
        if if_exists and (condition.endswith("NOT_FOUND") or "NO_SUCH_CATALOG" in condition):
            return nothing(spark)
        raise
    if row is None:
        return None
    if what in ("TABLE", "VIEW"):
        _drop_table(row, what)
    elif what == "VOLUME":
        grants.require_manage(row)
        name = securables.name_of(row)
        store.remove(row.id)
        if row.details.get("type") == "MANAGED":
            _remove_folder(name)
        else:
            volume_folder(name).unlink(missing_ok=True)
    elif what == "FUNCTION":
        grants.require_manage(row)
        store.remove(row.id)
    else:
        _drop_container(row, cascade)
    return nothing(spark)


def _drop_table(row: store.Securable, what: str) -> None:
    name = securables.name_of(row)
    is_view = row.details["type"] == "VIEW"
    if is_view != (what == "VIEW"):
        here, other = ("VIEW", "TABLE") if is_view else ("TABLE", "VIEW")
        raise error(
            "WRONG_COMMAND_FOR_OBJECT_TYPE",
            f"The operation DROP {other} requires a {other}. But {shown(name)} is a {here}. Use "
            f"DROP {here} instead.",
        )
    tables.drop(name)


def _drop_container(row: store.Securable, cascade: bool) -> None:
    """Drop a catalog or schema; with CASCADE all that is in it, else it must be empty."""
    grants.require_manage(row)
    key = grants.key_of(row)
    if row.kind == "CATALOG":
        full = any(
            schema.name != "default" or store.children(schema.id)
            for schema in store.children(row.id)
        )
        condition = "CATALOG_NOT_EMPTY"
    else:
        full = bool(store.children(row.id))
        condition = "SCHEMA_NOT_EMPTY"
    models = registry.models_below(key)
    if (full or models) and not cascade:
        raise error(
            condition,
            f"Cannot drop a {row.kind.lower()} `{key}` because it contains objects. Use DROP "
            f"{row.kind} … CASCADE to drop the {row.kind.lower()} and all its objects.",
        )
    schemas = store.children(row.id, "SCHEMA") if row.kind == "CATALOG" else [row]
    managed = [
        table.details["location"]
        for schema in schemas
        for table in store.children(schema.id, "TABLE")
        if table.details.get("type") == "MANAGED"
    ]
    volumes = [
        securables.name_of(volume)
        for schema in schemas
        for volume in store.children(schema.id, "VOLUME")
    ]
    if models:
        registry.delete_models(models)
    store.remove(row.id)
    for location in managed:
        tables.delete_data(location)
    for name in volumes:
        _remove_folder(name)
