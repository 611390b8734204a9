"""``spark.catalog`` with three levels: what is ours is answered here, the rest by Spark."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lakebook.runtime.catalog.context import sparks_own
from lakebook.runtime.patching import Method, classes, replace
from lakebook.runtime.surface import named

if TYPE_CHECKING:
    from lakebook.runtime.catalog import Name

SPARKS_CATALOG = "spark_catalog"


def install() -> None:
    """Replace the methods of both catalogs."""
    for cls in classes("pyspark.sql.catalog:Catalog", "pyspark.sql.connect.catalog:Catalog"):
        for name, method in METHODS.items():
            replace(cls, name, method)


def _ours(spark: Any) -> bool:
    from lakebook.runtime import catalog
    from lakebook.runtime.catalog.context import SPARKS_OWN

    return catalog.current(spark)[0] not in SPARKS_OWN


def _matches(name: str, pattern: str | None) -> bool:
    return pattern is None or any(
        fnmatch.fnmatch(name.lower(), part.strip().lower()) for part in pattern.split("|")
    )


def _schema(self: Any, name: str | None) -> tuple[str, str] | None:
    """Return catalog and schema of a schema's name; None if it is Spark's own."""
    from lakebook.runtime import catalog
    from lakebook.runtime.catalog.context import resolve_schema
    from lakebook.runtime.catalog.names import split

    spark = self._sparkSession
    if name is None:
        return catalog.current(spark) if _ours(spark) else None
    return resolve_schema(spark, split(name))


def _bare(name: str) -> str:
    """Return a schema of hive_metastore as Spark names it."""
    first, dot, rest = name.partition(".")
    return rest if dot and first.strip("`") in ("hive_metastore", SPARKS_CATALOG) else name


def _current_catalog(before: Method) -> Method:
    def currentCatalog(self: Any) -> str:
        from lakebook.runtime import catalog

        spark = self._sparkSession
        return catalog.current(spark)[0] if _ours(spark) else before(self)

    return currentCatalog


def _set_current_catalog(before: Method) -> Method:
    def setCurrentCatalog(self: Any, catalogName: str) -> None:
        from lakebook.runtime import catalog

        catalog.use(self._sparkSession, catalogName)

    return setCurrentCatalog


def _list_catalogs(before: Method) -> Method:
    def listCatalogs(self: Any, pattern: str | None = None) -> Any:
        from pyspark.sql.catalog import CatalogMetadata

        from lakebook.runtime.catalog import grants, store

        ours = [
            CatalogMetadata(row.name, row.comment)
            for row in store.children(store.ROOT, "CATALOG")
            if grants.visible(row)
        ]
        found = [*ours, CatalogMetadata("hive_metastore", "Spark's own session catalog")]
        return sorted(entry for entry in found if _matches(entry.name, pattern))

    return listCatalogs


def _current_database(before: Method) -> Method:
    def currentDatabase(self: Any) -> str:
        from lakebook.runtime import catalog

        spark = self._sparkSession
        return catalog.current(spark)[1] if _ours(spark) else before(self)

    return currentDatabase


def _set_current_database(before: Method) -> Method:
    def setCurrentDatabase(self: Any, dbName: str) -> None:
        from lakebook.runtime import catalog

        spark = self._sparkSession
        found = _schema(self, dbName)
        if found is not None:
            catalog.use(spark, *found)
        else:
            catalog.use(spark, "hive_metastore", _bare(dbName))

    return setCurrentDatabase


def _list_databases(before: Method) -> Method:
    def listDatabases(self: Any, pattern: str | None = None) -> Any:
        from lakebook.runtime import catalog
        from lakebook.runtime.catalog import context, grants, store

        spark = self._sparkSession
        if not _ours(spark):
            return before(self, pattern)
        above = context.require_catalog(catalog.current(spark)[0])
        rows = store.children(above.id, "SCHEMA")
        return [
            _database(above.name, row)
            for row in rows
            if grants.visible(row) and _matches(row.name, pattern)
        ]

    return listDatabases


def _database(catalog: str, row: Any) -> Any:
    from pyspark.sql.catalog import Database

    from lakebook import workspace

    return Database(
        row.name, catalog, row.comment, str(workspace.home() / "tables" / catalog / row.name)
    )


def _get_database(before: Method) -> Method:
    def getDatabase(self: Any, dbName: str) -> Any:
        from lakebook.runtime.catalog import context

        found = _schema(self, dbName)
        if found is None:
            return before(self, _bare(dbName))
        return _database(found[0], context.require_schema(*found))

    return getDatabase


def _database_exists(before: Method) -> Method:
    def databaseExists(self: Any, dbName: str) -> bool:
        from lakebook.runtime.catalog import store

        found = _schema(self, dbName)
        if found is None:
            return before(self, _bare(dbName))
        above = store.child(store.ROOT, "CATALOG", found[0])
        return above is not None and store.child(above.id, "SCHEMA", found[1]) is not None

    return databaseExists


def _list_tables(before: Method) -> Method:
    def listTables(self: Any, dbName: str | None = None, pattern: str | None = None) -> Any:
        from lakebook.runtime.catalog import tables

        found = _schema(self, dbName)
        if found is None:
            return _without_internal(before(self, _bare(dbName) if dbName else None, pattern))
        ours = [
            _table(table) for table in tables.listed(*found) if _matches(table.name.name, pattern)
        ]
        # As on the platform, the temporary views of the session come along.
        # Spark's own method would look for our schema among its own.
        own = sparks_own(self._sparkSession, "currentDatabase")
        temporary = [entry for entry in before(self, own, pattern) if entry.isTemporary]
        return ours + _without_internal(temporary)

    return listTables


def _without_internal(entries: list[Any]) -> list[Any]:
    """Leave out the views by which queries see our tables."""
    return [entry for entry in entries if not entry.name.startswith("__lakebook")]


def _table(table: Any) -> Any:
    from pyspark.sql.catalog import Table

    return Table(
        name=table.name.name,
        catalog=table.name.catalog,
        namespace=[table.name.schema],
        description=table.comment,
        tableType=table.kind,
        isTemporary=False,
    )


def _by_name(
    answer: Callable[[Any, Name], Any],
) -> Callable[[Method], Method]:
    """Make a method of one table's name, with the database's name beside it in older code."""

    def make(before: Method) -> Method:
        def method(self: Any, tableName: str, dbName: str | None = None, **more: Any) -> Any:
            from lakebook.runtime import catalog

            named_by = f"{dbName}.{tableName}" if dbName else tableName
            full = catalog.resolve(self._sparkSession, named_by)
            if full is None:
                return before(self, _bare(named_by), **more)
            return answer(self, full)

        return method

    return make


def _list_functions(before: Method) -> Method:
    def listFunctions(self: Any, dbName: str | None = None, pattern: str | None = None) -> Any:
        from lakebook.runtime.catalog import context, grants, store

        found = _schema(self, dbName)
        own = sparks_own(self._sparkSession, "currentDatabase")
        if found is None:
            return _sparks_functions(self, before, _bare(dbName) if dbName else own, pattern)
        rows = store.children(context.require_schema(*found).id, "FUNCTION")
        ours = [
            _function(found, row)
            for row in rows
            if grants.visible(row) and _matches(row.name, pattern)
        ]
        return ours + _sparks_functions(self, before, own, pattern)

    return listFunctions


def _sparks_functions(self: Any, before: Method, schema: str, pattern: str | None) -> list[Any]:
    """Return the functions that Spark has of itself.

    Where functions of ours were called, they are registered under names that hold dots, and
    Spark's own method stops at these; then the names are taken from SHOW FUNCTIONS.
    """
    from pyspark.sql.catalog import Function

    from lakebook.runtime.surface import spark_sql

    spark = self._sparkSession
    ours = spark.__dict__.get("_lakebook_functions")
    if not ours:
        return before(self, schema, pattern)
    names = [row[0] for row in spark_sql(spark, "SHOW ALL FUNCTIONS").collect()]
    return [
        Function(name, None, None, None, "", True)
        for name in names
        if name.replace("`", "") not in ours and _matches(name, pattern)
    ]


def _function(schema: tuple[str, str], row: Any) -> Any:
    from pyspark.sql.catalog import Function

    language = row.details.get("language", "SQL")
    return Function(row.name, schema[0], [schema[1]], row.comment, language, False)


def _function_exists(before: Method) -> Method:
    def functionExists(self: Any, functionName: str, dbName: str | None = None) -> bool:
        named_by = f"{dbName}.{functionName}" if dbName else functionName
        if _our_function(self, named_by) is not None:
            return True
        # What is built in has no schema, and Spark finds it by its name alone.
        return before(self, functionName, _bare(dbName) if dbName else None)

    return functionExists


def _get_function(before: Method) -> Method:
    def getFunction(self: Any, functionName: str) -> Any:
        found = _our_function(self, functionName)
        return before(self, functionName) if found is None else found

    return getFunction


def _our_function(self: Any, name: str) -> Any:
    from lakebook.runtime.catalog import store

    full = named.target(self._sparkSession, name)
    if full is None:
        return None
    chain = store.chain(full.catalog, full.schema, "FUNCTION", full.name)
    return _function((full.catalog, full.schema), chain[2]) if len(chain) == 3 else None


def _answer_table(self: Any, name: Name) -> Any:
    from lakebook.runtime import catalog

    return _table(catalog.require_table(name))


def _answer_exists(self: Any, name: Name) -> bool:
    from lakebook.runtime import catalog

    return catalog.find(name) is not None


def _answer_columns(self: Any, name: Name) -> Any:
    from pyspark.sql.catalog import Column

    from lakebook.runtime import catalog

    table = catalog.require_table(name)
    fields = _frame(self, name).schema.fields
    return [
        Column(
            name=field.name,
            description=field.metadata.get("comment"),
            dataType=field.dataType.simpleString(),
            nullable=field.nullable,
            isPartition=field.name in table.partition_by,
            isBucket=False,
            isCluster=field.name in table.cluster_by,
        )
        for field in fields
    ]


def _frame(self: Any, name: Name) -> Any:
    """Return the frame of a table that is ours, so there is one."""
    return named.frame(self._sparkSession, str(name), {})


def _answer_cached(self: Any, name: Name) -> bool:
    level = _frame(self, name).storageLevel
    return bool(level.useMemory or level.useDisk)


def _answer_cache(self: Any, name: Name) -> None:
    _frame(self, name).cache()


def _answer_uncache(self: Any, name: Name) -> None:
    _frame(self, name).unpersist()


def _answer_nothing(self: Any, name: Name) -> None:
    """Each query looks at the newest version, so there is nothing to refresh."""


METHODS: dict[str, Callable[[Method], Method]] = {
    "currentCatalog": _current_catalog,
    "setCurrentCatalog": _set_current_catalog,
    "listCatalogs": _list_catalogs,
    "currentDatabase": _current_database,
    "setCurrentDatabase": _set_current_database,
    "listDatabases": _list_databases,
    "getDatabase": _get_database,
    "databaseExists": _database_exists,
    "listTables": _list_tables,
    "listFunctions": _list_functions,
    "functionExists": _function_exists,
    "getFunction": _get_function,
    "getTable": _by_name(_answer_table),
    "tableExists": _by_name(_answer_exists),
    "listColumns": _by_name(_answer_columns),
    "isCached": _by_name(_answer_cached),
    "cacheTable": _by_name(_answer_cache),
    "uncacheTable": _by_name(_answer_uncache),
    "refreshTable": _by_name(_answer_nothing),
}
