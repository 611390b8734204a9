"""`UpgradeClient`: what is known of a workspace feature table goes to its copy in Unity Catalog.

https://docs.databricks.com/machine-learning/feature-store/uc/upgrade-feature-table-to-uc.html
As on the platform the rows are copied before, by whoever upgrades. Which models used the older
table stays with the older table.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from lakebook.ml.feature_engineering import columns, declare, tables, workspace_tables
from lakebook.ml.feature_engineering.errors import FeatureError
from lakebook.runtime import catalog
from lakebook.runtime.catalog import alter_columns, constraints, metadata, names, store, tags

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from lakebook.ml.feature_engineering.tables import FeatureSource
    from lakebook.runtime.catalog import Table

_log = logging.getLogger(__name__)


class UpgradeClient:
    """Makes feature tables of Unity Catalog of those of the workspace."""

    def __init__(
        self, *, feature_store_uri: str | None = None, model_registry_uri: str | None = None
    ) -> None:
        if feature_store_uri is not None:
            raise FeatureError(
                f"feature_store_uri is {feature_store_uri!r}: the feature store of another "
                "workspace cannot be reached from here; leave it out"
            )

    def upgrade_workspace_table(
        self, *, source_workspace_table: str, target_uc_table: str, overwrite: bool = False
    ) -> None:
        """Give a table of Unity Catalog the keys, comments and tags of a workspace table.

        The target is there and holds the rows. Comments that it has already stay, which is
        logged; another key or another value of a tag raises FeatureError. With `overwrite` the
        source's replace them all.
        """
        from lakebook.runtime.session import get_spark

        spark = get_spark()
        source = _source(spark, source_workspace_table)
        target = _target(target_uc_table, source_workspace_table)
        _require_columns(source, target)
        differences = [*_key_differs(source, target), *_tags_differ(source, target)]
        if differences and not overwrite:
            raise FeatureError(
                f"'{target.name}' is not like '{source_workspace_table}': "
                f"{'; '.join(differences)}. overwrite=True puts what the workspace table has in "
                "its place"
            )
        if _key_differs(source, target):
            constraints.drop_primary_key(target, if_exists=True)
        full = str(target.name)
        declare.primary_key(spark, full, _key(source.table), source.time)
        _carry_comments(spark, source, declare.table(full), overwrite)
        for column in ("", *source.schema.names):
            if found := tags.of(_row(source.table), column):
                tags.put(_row(target), found, _spelled(target, column))


def _source(spark: SparkSession, name: str) -> FeatureSource:
    full = workspace_tables.existing(name)
    if not workspace_tables.is_workspace(full):
        raise FeatureError(
            f"source_workspace_table is '{name}', which is in Unity Catalog already; name the "
            "workspace table, database.table"
        )
    return tables.require(spark, full)


def _target(name: str, source: str) -> Table:
    parts = names.split(name) if isinstance(name, str) and name.strip() else []
    full = workspace_tables.full_name(name) if len(parts) == 3 else ""
    if not full or workspace_tables.is_workspace(full):
        raise FeatureError(
            f"target_uc_table is {name!r}; name a table of Unity Catalog, catalog.schema.table"
        )
    if catalog.find(catalog.Name(*names.split(full))) is None:
        raise FeatureError(
            f"'{name}' does not exist. The upgrade carries keys, comments and tags over, not rows; "
            f"copy those first: FeatureStoreClient().read_table('{source}').write"
            f".saveAsTable('{name}')"
        )
    return declare.table(full)


def _row(table: Table) -> store.Securable:
    assert table.row is not None
    return table.row


def _key(table: Table) -> list[str]:
    key = constraints.primary_key(table)
    return list(key.columns) if key else []


def _spelled(target: Table, column: str) -> str:
    """Return a column of the source as the target spells it; no column stays none."""
    known = metadata.snapshot_of(target).schema.names
    return columns.find(column, known) or column


def _require_columns(source: FeatureSource, target: Table) -> None:
    """Raise FeatureError if the target lacks a column, or has it with another type."""
    there = metadata.snapshot_of(target).schema
    for field in source.schema.fields:
        where = f"'{target.name}', which was copied from '{source.name}', has no column"
        ours = there[columns.require(field.name, there.names, where)]
        if ours.dataType != field.dataType:
            raise FeatureError(
                f"column '{ours.name}' of '{target.name}' is a {ours.dataType.simpleString()}, and "
                f"that of '{source.name}' a {field.dataType.simpleString()}; copy the rows anew"
            )


def _key_differs(source: FeatureSource, target: Table) -> list[str]:
    ours, theirs = constraints.primary_key(target), constraints.primary_key(source.table)
    if ours is None or theirs is None or ours.sql().lower() == theirs.sql().lower():
        return []
    return [f"its key is {ours.sql()}, not {theirs.sql()}"]


def _tags_differ(source: FeatureSource, target: Table) -> list[str]:
    found = []
    for column in ("", *source.schema.names):
        there = tags.of(_row(target), _spelled(target, column))
        of_column = f" of column '{column}'" if column else ""
        for name, value in tags.of(_row(source.table), column).items():
            if there.get(name, value) != value:
                found.append(f"its tag '{name}'{of_column} is '{there[name]}', not '{value}'")
    return found


def _carry_comments(
    spark: SparkSession, source: FeatureSource, target: Table, overwrite: bool
) -> None:
    schema = metadata.snapshot_of(target).schema
    there = {"": target.comment or ""} | {
        field.name: (field.metadata or {}).get("comment", "") for field in schema.fields
    }
    wanted = {"": source.table.comment or ""} | {
        _spelled(target, field.name): (field.metadata or {}).get("comment", "")
        for field in source.schema.fields
    }
    news = {name: text for name, text in wanted.items() if text and text != there[name]}
    kept = [name for name in news if there[name]]
    if kept and not overwrite:
        told = ", ".join(f"column '{name}'" if name else "the table" for name in kept)
        _log.warning(
            "'%s' has comments of its own (%s), so none were carried over; overwrite=True "
            "replaces them",
            target.name,
            told,
        )
        return
    for name, text in news.items():
        if name:
            alter_columns.comment_column(spark, target, name, text)
        else:
            tags.comment(_row(target), text)
