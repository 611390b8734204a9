"""Tags and comments of whatever the metastore holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lakebook.runtime.catalog import grants, metadata, securables, store
from lakebook.runtime.catalog.definition import find_column
from lakebook.runtime.catalog.frames import nothing
from lakebook.runtime.catalog.parse import Reader
from lakebook.runtime.catalog.tables import Table, at_path, from_row

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def of(row: store.Securable, column: str = "") -> dict[str, str]:
    """Return the tags of a securable, or of a column of a table."""
    rows = store.connection().execute(
        "SELECT name, value FROM tags WHERE securable = ? AND column_name = ? ORDER BY name",
        (row.id, column),
    )
    return dict(rows.fetchall())


def put(row: store.Securable, tags: Mapping[str, str], column: str = "") -> None:
    """Set tags; one that is there gets the new value."""
    _require(row)
    with store.transaction() as opened:
        opened.executemany(
            "INSERT OR REPLACE INTO tags VALUES (?, ?, ?, ?)",
            [(row.id, column, name, value) for name, value in tags.items()],
        )


def take(row: store.Securable, names: Sequence[str], column: str = "") -> None:
    """Take tags away; one that is not there is no error."""
    _require(row)
    with store.transaction() as opened:
        opened.executemany(
            "DELETE FROM tags WHERE securable = ? AND column_name = ? AND name = ?",
            [(row.id, column, name) for name in names],
        )


def _require(row: store.Securable) -> None:
    if not any(grants.is_member(level.owner) for level in grants.above(row)):
        grants.require_on(row, "APPLY TAG")


def set_tag(spark: SparkSession, reader: Reader, *, unset: bool) -> DataFrame | None:
    """Carry out ``SET TAG ON …`` or ``UNSET TAG ON …``, read up to behind TAG."""
    reader.expect("ON")
    column_wanted = reader.accept("COLUMN")
    kind = "TABLE" if column_wanted else securables.read_kind(reader)
    parts = reader.name()
    column = parts.pop() if column_wanted else ""
    key = reader.key()
    value = ""
    if not unset and reader.accept("="):
        value = reader.value()
    reader.finish()
    row = securables.locate(spark, kind, parts)
    if row is None:
        return None
    if column:
        column = column_name(spark, row, column)
    if unset:
        take(row, [key], column)
    else:
        put(row, {key: value}, column)
    return nothing(spark)


def table_of(row: store.Securable) -> Table:
    """Return the table of a row."""
    return from_row(securables.name_of(row), row)


def column_name(spark: SparkSession, row: store.Securable, column: str) -> str:
    """Return a column of a table as the table spells it. Raises UNRESOLVED_COLUMN."""
    return find_column(metadata.schema_of(spark, table_of(row)), column).name


def comment_on(spark: SparkSession, reader: Reader) -> DataFrame | None:
    """Carry out ``COMMENT ON … IS …``, read up to behind COMMENT."""
    from lakebook.runtime.catalog import alter_columns

    reader.expect("ON")
    column_wanted = reader.accept("COLUMN")
    kind = "TABLE" if column_wanted else securables.read_kind(reader)
    parts = reader.name()
    column = parts.pop() if column_wanted else ""
    reader.expect("IS")
    text = None if reader.accept("NULL") else reader.string()
    reader.finish()
    if kind == "TABLE" and (place := at_path(parts)):
        if column:
            alter_columns.comment_column(spark, place, column, text or "")
        else:
            _describe(place, text)
        return nothing(spark)
    row = securables.locate(spark, kind, parts)
    if row is None:
        return None
    if column:
        alter_columns.comment_column(spark, table_of(row), column, text or "")
    else:
        comment(row, text)
    return nothing(spark)


def comment(row: store.Securable, text: str | None) -> None:
    """Set the comment of a securable; of a Delta table in its log as well."""
    if row.kind == "TABLE":
        grants.require_on(row, "MODIFY")
    else:
        grants.require_manage(row)
    store.change(row.id, grants.current_user(), comment=text)
    if row.kind == "TABLE" and row.details.get("format") == "delta":
        _describe(table_of(row), text)


def _describe(table: Table, text: str | None) -> None:
    """Commit the description of a Delta table."""
    from lakebook.runtime.delta.snapshot import Snapshot

    snapshot = Snapshot.open(metadata.delta_root(table))
    parameters = {"properties": {"comment": text}}
    metadata.commit(table, snapshot, "SET TBLPROPERTIES", parameters, description=text)
