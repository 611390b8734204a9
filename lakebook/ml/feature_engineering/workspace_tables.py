"""Feature tables of the older Workspace Feature Store: names of two levels, ``database.table``.

On the platform they lie in ``hive_metastore``. Here that is Spark's own catalog, which goes with
the session, so they lie in the catalog ``workspace_feature_store``, where SQL reads them too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lakebook.ml.feature_engineering.errors import FeatureError, nearest
from lakebook.runtime import catalog
from lakebook.runtime.catalog import context, names, store

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CATALOG = "workspace_feature_store"


def full_name(name: str) -> str:
    """Return where a table of the older client lies.

    Two levels are the workspace's, ``hive_metastore.`` before them is theirs as well; any other
    name of three levels is one of Unity Catalog. Raises FeatureError for what is neither.
    """
    parts = names.split(name) if isinstance(name, str) and name.strip() else []
    if len(parts) == 3 and names.normal(parts[0]) not in (*context.SPARKS_OWN, CATALOG):
        return names.dotted(map(names.normal, parts))
    if len(parts) not in (2, 3):
        raise FeatureError(
            f"{name!r} is no name of a feature table; the older client's have two levels, "
            "database.table, those of Unity Catalog three"
        )
    for part in parts[-2:]:
        if not re.fullmatch(r"[A-Za-z0-9_]+", part):
            raise FeatureError(
                f"'{part}' in '{name}' is not valid: databases and tables of the workspace "
                "feature store have names of letters, digits and underscores"
            )
    return names.dotted([CATALOG, *map(names.normal, parts[-2:])])


def is_workspace(full: str) -> bool:
    """Return whether a full name is that of a workspace table."""
    return names.split(full)[0] == CATALOG


def short_name(full: str) -> str:
    """Return a table's name as the older client shows it: two levels for the workspace's own."""
    return full.removeprefix(f"{CATALOG}.")


def prepare(spark: SparkSession, full: str) -> None:
    """Make the place for a new workspace table.

    Raises FeatureError if its database does not exist, as on the platform.
    """
    if not is_workspace(full):
        return
    database = names.split(full)[1]
    if len(store.chain(CATALOG, database, "TABLE", None)) == 2:
        return
    if not spark.catalog.databaseExists(f"hive_metastore.{database}"):
        raise FeatureError(
            f"database '{database}' does not exist; make it first: "
            f"spark.sql('CREATE DATABASE IF NOT EXISTS hive_metastore.{database}')"
        )
    spark.sql(f"CREATE CATALOG IF NOT EXISTS {CATALOG} COMMENT 'Older feature tables'")
    spark.sql(f"CREATE SCHEMA IF NOT EXISTS {CATALOG}.{database}")


def existing(name: str) -> str:
    """Return the full name of a table that is there, by the name that the older client gives it.

    Raises FeatureError for a workspace table that does not exist.
    """
    full = full_name(name)
    if is_workspace(full) and catalog.find(catalog.Name(*names.split(full))) is None:
        raise FeatureError(
            f"there is no feature table '{name}' in the workspace feature store. "
            f"{nearest(short_name(full), _known())}".rstrip()
        )
    return full


def _known() -> list[str]:
    found = store.chain(CATALOG, None, "TABLE", None)
    schemas = store.children(found[0].id, "SCHEMA") if found else []
    return [
        f"{schema.name}.{table.name}"
        for schema in schemas
        for table in store.children(schema.id, "TABLE")
    ]
