"""Which catalog and schema a session is in, and what a name means there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from lakebook.runtime.catalog import store
from lakebook.runtime.catalog.names import (
    Name,
    did_you_mean,
    error,
    normal,
    split,
)

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

HIDDEN = "__lakebook_"  # what a session's views and functions of this package begin with
# What the platform calls the catalog that comes with a session, and what Spark calls it.
SPARKS_OWN = frozenset({"hive_metastore", "spark_catalog"})
# Spark's schemas of temporary things, which no catalog holds.
TEMPORARY = frozenset({"global_temp"})
SPARKS_SYSTEM = frozenset({"session", "builtin"})
FILE_FORMATS = frozenset(
    {"delta", "parquet", "csv", "json", "orc", "text", "avro", "binaryfile", "xml"}
)


@dataclass
class State:
    """Where a session stands."""

    catalog: str = "main"
    schema: str = "default"


_states: dict[str, State] = {}
_ATTRIBUTE = "_lakebook_state"


def state_of(spark: SparkSession) -> State:
    """Return the state of a session; several Python objects may stand for one session."""
    kept: State | None = spark.__dict__.get(_ATTRIBUTE)
    if kept is None:
        # A Connect session has an id of its own, a classic one has that of the JVM's.
        if hasattr(spark, "_jsparkSession"):
            key = spark._jsparkSession.sessionUUID()
        else:
            key = cast("Any", spark).session_id
        kept = _states.setdefault(key, State())
        spark.__dict__[_ATTRIBUTE] = kept
    return kept


def sparks_own(spark: SparkSession, name: str, *arguments: Any) -> Any:
    """Call a method of ``spark.catalog`` as Spark has it, which knows its own catalog alone."""
    from lakebook.runtime.patching import original

    catalog = spark.catalog
    return original(type(catalog), name)(catalog, *arguments)


def current(spark: SparkSession) -> tuple[str, str]:
    """Return the session's catalog and schema; at the start ``("main", "default")``."""
    state = state_of(spark)
    if state.catalog in SPARKS_OWN:
        return state.catalog, sparks_own(spark, "currentDatabase")
    return state.catalog, state.schema


def use(spark: SparkSession, catalog: str | None = None, schema: str | None = None) -> None:
    """Move the session to a catalog, a schema of its own catalog, or both.

    With a catalog alone the schema becomes its ``default``. Raises the errors
    NO_SUCH_CATALOG_EXCEPTION and SCHEMA_NOT_FOUND.
    """
    from lakebook.runtime.catalog import grants

    state = state_of(spark)
    target = normal(catalog) if catalog is not None else state.catalog
    if target in SPARKS_OWN:
        if schema is not None:
            sparks_own(spark, "setCurrentDatabase", schema)
        elif catalog is not None:
            sparks_own(spark, "setCurrentDatabase", "default")
        state.catalog, state.schema = "hive_metastore", "default"
        return
    require_catalog(target)
    grants.require(spark, (target,), "USE CATALOG")
    if schema is not None:
        if normal(schema) != INFORMATION_SCHEMA:
            require_schema(target, normal(schema))
            grants.require(spark, (target, normal(schema)), "USE SCHEMA")
        state.catalog, state.schema = target, normal(schema)
    else:
        state.catalog, state.schema = target, "default"


INFORMATION_SCHEMA = "information_schema"


def stand(spark: SparkSession, catalog: str, schema: str) -> None:
    """Put a session where another stands, as a session cloned from it would."""
    state = state_of(spark)
    state.catalog, state.schema = catalog, schema


def require_catalog(catalog: str) -> store.Securable:
    """Return a catalog. Raises the error NO_SUCH_CATALOG_EXCEPTION."""
    found = store.child(store.ROOT, "CATALOG", catalog)
    if found is None:
        known = [row.name for row in store.children(store.ROOT, "CATALOG")]
        way_out = f"Known catalogs: {', '.join(known)}; CREATE CATALOG makes a new one."
        raise error(
            "NO_SUCH_CATALOG_EXCEPTION",
            f"Catalog '{catalog}' was not found. {did_you_mean(catalog, known, otherwise=way_out)}",
        )
    return found


def require_schema(catalog: str, schema: str) -> store.Securable:
    """Return a schema. Raises the errors NO_SUCH_CATALOG_EXCEPTION and SCHEMA_NOT_FOUND."""
    above = require_catalog(catalog)
    found = store.child(above.id, "SCHEMA", schema)
    if found is None:
        known = [row.name for row in store.children(above.id, "SCHEMA")]
        way_out = "Verify the name, or make the schema with CREATE SCHEMA."
        raise error(
            "SCHEMA_NOT_FOUND",
            f"The schema `{catalog}`.`{schema}` cannot be found. "
            f"{did_you_mean(schema, known, otherwise=way_out)}",
        )
    return found


def resolve(spark: SparkSession, name: str | Sequence[str]) -> Name | None:
    """Return the full name of a table or view, or None if it is Spark's own.

    Spark's own are the names of ``hive_metastore`` and ``spark_catalog``, temporary views, and
    files named directly as in ``parquet.`/path` ``. The table need not exist.
    """
    parts = split(name) if isinstance(name, str) else list(name)
    if len(parts) == 1 and is_temporary_view(spark, parts[0]):
        return None
    return resolve_object(spark, parts)


def resolve_object(spark: SparkSession, name: str | Sequence[str]) -> Name | None:
    """Return the full name of anything in a schema; like `resolve`, without temporary views."""
    parts = split(name) if isinstance(name, str) else list(name)
    if len(parts) > 3:
        raise error(
            "INVALID_TABLE_NAME",
            f"'{'.'.join(parts)}' has {len(parts)} parts; a name has at most three: "
            "catalog.schema.name",
        )
    last = parts[-1]
    if len(parts) == 2:
        first = normal(parts[0])
        if first in TEMPORARY or first in SPARKS_SYSTEM:
            return None
        if first in FILE_FORMATS and ("/" in last or ":" in last):
            return None
    if len(parts) == 3:
        catalog, schema = normal(parts[0]), normal(parts[1])
    else:
        state = state_of(spark)
        catalog = state.catalog
        schema = normal(parts[0]) if len(parts) == 2 else state.schema
    if catalog in SPARKS_OWN or (catalog == "system" and schema in SPARKS_SYSTEM):
        return None
    return Name(catalog, schema, normal(last))


def resolve_schema(spark: SparkSession, parts: Sequence[str]) -> tuple[str, str] | None:
    """Return catalog and schema of a schema's name, or None if it is Spark's own."""
    if len(parts) > 2:
        raise error(
            "INVALID_SCHEMA_NAME",
            f"'{'.'.join(parts)}' has {len(parts)} parts; a schema's name has two: catalog.schema",
        )
    catalog = normal(parts[0]) if len(parts) == 2 else state_of(spark).catalog
    if catalog in SPARKS_OWN or (len(parts) == 1 and normal(parts[0]) in TEMPORARY):
        return None
    return catalog, normal(parts[-1])


def is_temporary_view(spark: SparkSession, name: str) -> bool:
    """Return whether a one-part name is a temporary view of this session."""
    if hasattr(spark, "_jsparkSession"):
        catalog = spark._jsparkSession.sessionState().catalog()
        return bool(catalog.getTempView(name).isDefined())
    views = sparks_own(spark, "listTables", None, name)
    return any(view.isTemporary and normal(view.name) == normal(name) for view in views)


def temporary_views(spark: SparkSession) -> list[str]:
    """Return the names of the session's temporary views, without those of this package."""
    if hasattr(spark, "_jsparkSession"):
        found = spark._jsparkSession.sessionState().catalog().listLocalTempViews("*")
        names = [found.apply(index).table() for index in range(found.size())]
    else:
        rows = plain_sql(spark, "SHOW VIEWS IN spark_catalog.default").collect()
        names = [row.viewName for row in rows if row.isTemporary]
    return [name for name in names if not name.startswith(HIDDEN)]


def plain_sql(spark: SparkSession, text: str) -> DataFrame:
    """Run a text by Spark's own `sql`, which knows nothing of the catalogs here."""
    from lakebook.runtime.patching import original

    return original(type(spark), "sql")(spark, text)
