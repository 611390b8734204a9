"""Tables and views of the metastore: found, made, registered, dropped."""

from __future__ import annotations

import contextlib
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakebook import workspace
from lakebook.runtime.catalog import context, grants, store
from lakebook.runtime.catalog.names import Name, checked, did_you_mean, dotted, error, shown, split

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType


@dataclass(frozen=True)
class Table:
    """A table or a view.

    `kind` is MANAGED, EXTERNAL or VIEW; `location` an absolute path, None for a view; `created` in
    ms since 1970. `columns` are those of a table of other files, in the JSON of a `StructType`; of
    a view they are the fields that it was given a list of names for, else None.
    """

    name: Name
    kind: str
    location: str | None
    format: str
    view_text: str | None = None
    view_catalog: str | None = None
    view_schema: str | None = None
    comment: str | None = None
    owner: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)
    created: int = 0
    options: Mapping[str, str] = field(default_factory=dict)
    partition_by: Sequence[str] = ()
    cluster_by: Sequence[str] = ()
    columns: Any = None
    row: store.Securable | None = None

    @property
    def id(self) -> int:
        """Return the row of the metastore that this is."""
        assert self.row is not None
        return self.row.id


DETAILS = (
    "location",
    "format",
    "view_text",
    "view_catalog",
    "view_schema",
    "properties",
    "options",
    "partition_by",
    "cluster_by",
    "columns",
)


def from_row(name: Name, row: store.Securable) -> Table:
    """Return the table that a row of the metastore describes."""
    details = {key: row.details[key] for key in DETAILS if key in row.details}
    details.setdefault("location", None)
    details.setdefault("format", "view")
    return Table(
        name=name,
        kind=row.details["type"],
        comment=row.comment,
        owner=row.owner,
        created=row.created,
        row=row,
        **details,
    )


def at_path(parts: Sequence[str]) -> Table | None:
    """Return the Delta table that ``delta.`/path` `` names, which no catalog holds; else None.

    Raises DELTA_TABLE_NOT_FOUND if there is none at that path.
    """
    from lakebook.runtime.delta.snapshot import Snapshot

    if not is_delta_path(parts):
        return None
    root = local_path(parts[1])
    snapshot = Snapshot.open(root)
    return Table(
        Name("", "delta", parts[1]),
        "EXTERNAL",
        root,
        "delta",
        comment=snapshot.description,
        owner=grants.current_user(),
        created=snapshot.created,
    )


def is_delta_path(parts: Sequence[str]) -> bool:
    """Return whether a name is a path, as in ``delta.`/path` ``."""
    return len(parts) == 2 and parts[0].lower() == "delta" and ("/" in parts[1] or ":" in parts[1])


def find(name: Name) -> Table | None:
    """Return the table or view of this name, or None."""
    found = store.chain(name.catalog, name.schema, "TABLE", name.name)
    return from_row(name, found[2]) if len(found) == 3 else None


def require_table(name: Name) -> Table:
    """Return the table or view of this name.

    Raises NO_SUCH_CATALOG_EXCEPTION, SCHEMA_NOT_FOUND or TABLE_OR_VIEW_NOT_FOUND, each with the
    nearest name that exists.
    """
    if table := find(name):
        return table
    schema = context.require_schema(name.catalog, name.schema)
    known = [row.name for row in store.children(schema.id, "TABLE")]
    way_out = "Verify the spelling and correctness of the schema and catalog."
    if elsewhere := _elsewhere(name):
        way_out = f"There is one of this name in another schema: {', '.join(elsewhere)}."
    raise error(
        "TABLE_OR_VIEW_NOT_FOUND",
        f"The table or view {shown(name)} cannot be found. "
        f"{did_you_mean(name.name, known, otherwise=way_out)}",
    )


def _elsewhere(name: Name) -> list[str]:
    """Return the tables of this name in other schemas that the principal may see, at most three."""
    rows = store.connection().execute(
        "SELECT t.id, c.name, s.name, t.name FROM securables t "
        "JOIN securables s ON s.id = t.parent JOIN securables c ON c.id = s.parent "
        "WHERE t.kind = 'TABLE' AND t.name = ? ORDER BY c.name, s.name LIMIT 3",
        (name.name,),
    )
    found = [(store.get(row), parts) for row, *parts in rows.fetchall()]
    return [dotted(parts) for row, parts in found if row is not None and grants.visible(row)]


def listed(catalog: str, schema: str) -> list[Table]:
    """Return the tables and views of a schema that the present principal may see, by name."""
    above = context.require_schema(catalog, schema)
    return [
        from_row(Name(catalog, schema, row.name), row)
        for row in store.children(above.id, "TABLE")
        if grants.visible(row)
    ]


def new_location(name: Name) -> str:
    """Return a folder for the data of a new managed table, which nothing else has."""
    folder = f"{name.name}-{uuid.uuid4().hex[:12]}"
    return str(workspace.path("tables", name.catalog, name.schema, folder))


def already_exists(name: Name) -> Exception:
    """Return the error for a table or view that is there already."""
    return error(
        "TABLE_OR_VIEW_ALREADY_EXISTS",
        f"Cannot create table or view {shown(name)} because it already exists. Choose a different "
        "name, drop or replace the existing object, or add the IF NOT EXISTS clause to tolerate "
        "pre-existing objects.",
    )


def to_name(spark: SparkSession, name: Name | str | Sequence[str]) -> Name:
    """Return the full name of something to create. Raises INVALID_TABLE_NAME for Spark's own."""
    parts = split(name) if isinstance(name, str) else list(name)
    full = context.resolve_object(spark, parts)
    if full is None:
        raise error("INVALID_TABLE_NAME", f"{dotted(parts)} does not belong to a catalog here.")
    return Name(full.catalog, full.schema, checked(full.name, "table"))


def create_table(
    spark: SparkSession,
    name: Name | str | Sequence[str],
    schema: StructType,
    *,
    partition_by: Sequence[str] = (),
    location: str | None = None,
    comment: str | None = None,
    properties: Mapping[str, str] | None = None,
    cluster_by: Sequence[str] = (),
    if_not_exists: bool = False,
    or_replace: bool = False,
) -> Table:
    """Make an empty Delta table and enter it into the metastore; return it.

    At a `location` that holds a Delta table already, that one is entered; its columns must be
    those of `schema`, unless `schema` is empty. Of two who create one name at once, one wins: the
    other gets TABLE_OR_VIEW_ALREADY_EXISTS, or the winner's table with `if_not_exists`. To replace
    keeps a table's history: its rows go, and its columns become the new ones.
    """
    full = to_name(spark, name)
    above = context.require_schema(full.catalog, full.schema)
    if old := find(full):
        if if_not_exists:
            return old
        if not or_replace:
            raise already_exists(full)
        if replaced := _replace(spark, old, schema, partition_by, location, properties, comment):
            return replaced
        drop(full)
    else:
        grants.require_on(above, "CREATE TABLE")
    root = local_path(location) if location else new_location(full)
    made = _materialise(spark, root, schema, partition_by, properties or {}, comment, full)
    details = {
        "type": "EXTERNAL" if location else "MANAGED",
        "location": root,
        "format": "delta",
        "properties": dict(properties or {}),
        "partition_by": list(partition_by),
        "cluster_by": list(cluster_by),
    }
    try:
        store.add(above.id, "TABLE", full.name, grants.current_user(), comment, details)
    except store.Exists:
        if made:
            shutil.rmtree(root, ignore_errors=True)
        if (winner := find(full)) and if_not_exists:
            return winner
        raise already_exists(full) from None
    return require_table(full)


def local_path(location: str) -> str:
    """Return the folder of this machine that a LOCATION means."""
    from lakebook.runtime import files

    found = files.spark_path(location, writing=True)
    if found.startswith("file:"):
        found = "/" + found[5:].lstrip("/")
    if not found.startswith("/"):
        raise error(
            "INVALID_EXTERNAL_LOCATION",
            f"'{location}' is not a folder of this machine; name a path such as "
            "'/Volumes/<catalog>/<schema>/<volume>/…', 'dbfs:/…' or 'file:/…'.",
        )
    return found.rstrip("/")


def _materialise(
    spark: SparkSession,
    root: str,
    schema: StructType,
    partition_by: Sequence[str],
    properties: Mapping[str, str],
    comment: str | None,
    name: Name,
) -> bool:
    """Make the Delta table at a folder unless it is there; return whether it was made."""
    from lakebook.runtime.delta import snapshot, write

    if snapshot.is_delta(root):
        there = snapshot.Snapshot.open(root)
        _same_columns(name, schema, there.schema)
        if partition_by and list(partition_by) != there.partition_columns:
            raise error(
                "DELTA_CREATE_TABLE_WITH_DIFFERENT_PARTITIONING",
                f"The partitioning of the new table {shown(name)} does not match that of the "
                f"table at '{root}': {', '.join(there.partition_columns) or 'none'}.",
            )
        return False
    if not schema.fields:
        raise error(
            "DELTA_SCHEMA_NOT_PROVIDED",
            f"Table schema is not provided. Please provide the schema (column definition) of the "
            f"table {shown(name)} when it is empty.",
        )
    write.create(spark, root, schema, list(partition_by), dict(properties), comment=comment)
    return True


def _same_columns(name: Name, wanted: StructType, there: StructType) -> None:
    if not wanted.fields:
        return
    ours = [(field.name, field.dataType.simpleString()) for field in wanted]
    theirs = [(field.name, field.dataType.simpleString()) for field in there]
    if ours != theirs:
        raise error(
            "DELTA_CREATE_TABLE_SCHEME_MISMATCH",
            f"The specified schema of {shown(name)} does not match the existing schema at its "
            f"location. Specified: {', '.join(' '.join(pair) for pair in ours)}. Existing: "
            f"{', '.join(' '.join(pair) for pair in theirs)}. Leave the columns out to take the "
            "existing ones.",
        )


def _replace(
    spark: SparkSession,
    old: Table,
    schema: StructType,
    partition_by: Sequence[str],
    location: str | None,
    properties: Mapping[str, str] | None,
    comment: str | None,
) -> Table | None:
    """Commit the new columns into an existing Delta table; None if it has to be made anew."""
    from lakebook.runtime.delta import write
    from lakebook.runtime.delta.snapshot import is_delta

    if old.kind == "VIEW":
        raise error(
            "EXPECT_TABLE_NOT_VIEW",
            f"{shown(old.name)} is a view, which a table cannot replace; DROP VIEW first.",
        )
    grants.require_manage(store.get(old.id) or _gone(old))
    moved = location is not None and local_path(location) != old.location
    if old.format != "delta" or moved or not old.location or not is_delta(old.location):
        return None
    write.create(
        spark,
        old.location,
        schema,
        list(partition_by),
        dict(properties or {}),
        comment=comment,
        replace=True,
        operation="CREATE OR REPLACE TABLE",
    )
    with store.transaction() as opened:
        opened.execute("DELETE FROM constraints WHERE securable = ?", (old.id,))
        store.change(old.id, grants.current_user(), comment=comment)
        store.change_details(
            old.id,
            grants.current_user(),
            properties=dict(properties or {}),
            partition_by=list(partition_by),
        )
    return require_table(old.name)


def _gone(table: Table) -> store.Securable:
    raise error(
        "TABLE_OR_VIEW_NOT_FOUND", f"{shown(table.name)} was dropped by another session meanwhile."
    )


def register(
    spark: SparkSession,
    name: Name | str | Sequence[str],
    location: str | None,
    format: str = "delta",
    *,
    kind: str = "EXTERNAL",
    comment: str | None = None,
    properties: Mapping[str, str] | None = None,
    if_not_exists: bool = False,
    **details: Any,
) -> Table:
    """Enter data that lies somewhere already into the metastore, and return the table.

    `kind` MANAGED means that dropping the table deletes the data. `details` are further fields of
    `Table`. Raises TABLE_OR_VIEW_ALREADY_EXISTS and what `require_table` raises for its schema.
    """
    full = to_name(spark, name)
    above = context.require_schema(full.catalog, full.schema)
    grants.require_on(above, "CREATE TABLE")
    stored = {
        "type": kind,
        "location": location,
        "format": format,
        "properties": dict(properties or {}),
        **{key: value for key, value in details.items() if value is not None},
    }
    try:
        store.add(above.id, "TABLE", full.name, grants.current_user(), comment, stored)
    except store.Exists:
        if not if_not_exists:
            raise already_exists(full) from None
    return require_table(full)


def drop(name: Name) -> None:
    """Take a table or view out of the metastore; the data of a managed table goes with it.

    Raises TABLE_OR_VIEW_NOT_FOUND, and PERMISSION_DENIED unless the principal owns it.
    """
    table = require_table(name)
    grants.require_manage(store.get(table.id) or _gone(table))
    store.remove(table.id)
    if table.kind == "MANAGED" and table.location:
        delete_data(table.location)


def delete_data(location: str) -> None:
    """Delete the folder of a managed table; a folder outside the workspace is left alone."""
    folder = Path(location)
    if folder.is_relative_to(workspace.home()):
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(folder)
