"""Constraints of tables: keys, which inform, and CHECK, which Delta enforces."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakebook.runtime.catalog import context, store
from lakebook.runtime.catalog.definition import Constraint, find_column
from lakebook.runtime.catalog.metadata import commit, delta_root
from lakebook.runtime.catalog.names import Name, error, shown
from lakebook.runtime.catalog.tables import Table, require_table

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

CHECK = "delta.constraints."


@dataclass(frozen=True)
class Key:
    """A primary or foreign key as the metastore keeps it."""

    name: str
    kind: str
    columns: Sequence[str]
    timeseries: str | None = None
    parent: Name | None = None
    parent_columns: Sequence[str] = ()

    def sql(self) -> str:
        """Return the key as CREATE TABLE writes it."""
        columns = ", ".join(
            f"`{column}` TIMESERIES" if column == self.timeseries else f"`{column}`"
            for column in self.columns
        )
        if self.parent is None:
            return f"PRIMARY KEY ({columns})"
        above = ", ".join(f"`{column}`" for column in self.parent_columns)
        return f"FOREIGN KEY ({columns}) REFERENCES {shown(self.parent)} ({above})"


def keys(table: Table) -> list[Key]:
    """Return the primary and foreign keys of a table, the primary first."""
    if table.row is None:
        return []
    rows = store.connection().execute(
        "SELECT name, kind, details FROM constraints WHERE securable = ? ORDER BY kind DESC, name",
        (table.id,),
    )
    return [_key(name, kind, json.loads(details)) for name, kind, details in rows]


def _key(name: str, kind: str, details: dict[str, Any]) -> Key:
    parent = details.get("parent")
    return Key(
        name,
        kind,
        details["columns"],
        details.get("timeseries"),
        Name(*parent) if parent else None,
        details.get("parent_columns", ()),
    )


def primary_key(table: Table) -> Key | None:
    """Return the primary key of a table, or None."""
    return next((key for key in keys(table) if key.kind == "PRIMARY KEY"), None)


def planned(
    spark: SparkSession, name: Name, schema: StructType, constraints: Sequence[Constraint]
) -> list[Constraint]:
    """Return the keys of a table to be made, checked and named.

    Raises the errors that `add` raises. CHECK constraints are left out.
    """
    found: list[Constraint] = []
    for constraint in constraints:
        if constraint.kind == "CHECK":
            continue
        if constraint.kind == "PRIMARY KEY" and any(f.kind == "PRIMARY KEY" for f in found):
            raise _second_primary_key(name)
        taken = [one.name for one in found if one.name]
        found.append(_complete(spark, name, schema, constraint, taken))
    return found


def _second_primary_key(name: Name) -> Exception:
    return error(
        "UC_PRIMARY_KEY_ALREADY_EXISTS",
        f"Table {shown(name)} has a primary key already. Drop it first: ALTER TABLE {name} DROP "
        "PRIMARY KEY.",
    )


def _complete(
    spark: SparkSession,
    name: Name,
    schema: StructType,
    constraint: Constraint,
    taken: Sequence[str],
) -> Constraint:
    constraint.columns = [find_column(schema, column).name for column in constraint.columns]
    if constraint.timeseries:
        column = find_column(schema, constraint.timeseries)
        if column.dataType.typeName() not in ("date", "timestamp", "timestamp_ntz", "long"):
            raise error(
                "INVALID_TIMESERIES_COLUMN",
                f"The TIMESERIES column `{column.name}` has type {column.dataType.simpleString()}; "
                "it must be a date, a timestamp or a bigint.",
            )
        constraint.timeseries = column.name
    if constraint.kind == "FOREIGN KEY":
        _complete_reference(spark, name, schema, constraint)
    if constraint.name is None:
        stem = f"{name.name}_{'pk' if constraint.kind == 'PRIMARY KEY' else 'fk'}"
        constraint.name, count = stem, 1
        while constraint.name in taken:
            count += 1
            constraint.name = f"{stem}_{count}"
    else:
        constraint.name = constraint.name.lower()
        if constraint.name in taken:
            raise _exists(constraint.name, name)
    return constraint


def _complete_reference(
    spark: SparkSession, name: Name, schema: StructType, constraint: Constraint
) -> None:
    full = context.resolve_object(spark, constraint.parent)
    if full is None:
        raise error("INVALID_TABLE_NAME", f"`{'.'.join(constraint.parent)}` is in no catalog here.")
    parent = require_table(full)
    key = primary_key(parent)
    wanted = constraint.parent_columns or (list(key.columns) if key else [])
    if key is None or [c.lower() for c in wanted] != [c.lower() for c in key.columns]:
        raise error(
            "UC_FOREIGN_KEY_WITHOUT_PRIMARY_KEY",
            f"The foreign key of {shown(name)} must refer to the primary key of {shown(full)}, "
            f"which is {key.sql() if key else 'missing'}.",
        )
    from lakebook.runtime.catalog.metadata import schema_of

    theirs = schema_of(spark, parent)
    pairs = zip(constraint.columns, wanted, strict=False)
    ours = [find_column(schema, column).dataType for column in constraint.columns]
    if len(wanted) != len(ours) or any(
        find_column(schema, a).dataType != find_column(theirs, b).dataType for a, b in pairs
    ):
        raise error(
            "UC_FOREIGN_KEY_MISMATCH",
            f"The columns ({', '.join(constraint.columns)}) of {shown(name)} and "
            f"({', '.join(wanted)}) of {shown(full)} differ in number or type.",
        )
    constraint.parent, constraint.parent_columns = list(full), list(key.columns)


def _exists(constraint: str, name: Name) -> Exception:
    return error(
        "DELTA_CONSTRAINT_ALREADY_EXISTS",
        f"Constraint '{constraint}' already exists in {shown(name)}. Choose another name, or drop "
        f"it first: ALTER TABLE {name} DROP CONSTRAINT {constraint}.",
    )


def record(table: Table, constraints: Sequence[Constraint]) -> None:
    """Keep checked keys of a table in the metastore."""
    with store.transaction() as opened:
        opened.executemany(
            "INSERT INTO constraints VALUES (?, ?, ?, ?)",
            [(table.id, c.name, c.kind, json.dumps(c.details())) for c in constraints],
        )


def checks_of(
    spark: SparkSession, schema: StructType, constraints: Sequence[Constraint]
) -> dict[str, str]:
    """Return the CHECK constraints of a new table as properties of it."""
    found: dict[str, str] = {}
    for number, constraint in enumerate(c for c in constraints if c.kind == "CHECK"):
        name = (constraint.name or f"check_{number + 1}").lower()
        _boolean(spark, schema, name, constraint.expression)
        found[CHECK + name] = constraint.expression
    return found


def _boolean(spark: SparkSession, schema: StructType, name: str, expression: str) -> None:
    from pyspark.sql import functions as F
    from pyspark.sql.types import BooleanType

    checked = spark.createDataFrame([], schema).select(F.expr(expression)).schema.fields[0]
    if not isinstance(checked.dataType, BooleanType):
        raise error(
            "DELTA_NON_BOOLEAN_CHECK_CONSTRAINT",
            f"CHECK constraint '{name}' ({expression}) should be a boolean expression.",
        )


def add(spark: SparkSession, table: Table, constraint: Constraint) -> None:
    """Add a constraint to a table.

    Columns of a primary key must be NOT NULL; a CHECK must hold for the rows that are there.
    """
    from lakebook.runtime.catalog.metadata import schema_of

    schema = schema_of(spark, table)
    if constraint.kind == "CHECK":
        _add_check(spark, table, schema, constraint)
        return
    present = keys(table)
    if constraint.kind == "PRIMARY KEY":
        if primary_key(table):
            raise _second_primary_key(table.name)
        open_ones = [c for c in constraint.columns if find_column(schema, c).nullable]
        if open_ones:
            raise error(
                "UC_PRIMARY_KEY_COLUMN_NULLABLE",
                "Cannot create the primary key because its child column(s) "
                f"`{'`, `'.join(open_ones)}` is nullable. Change the nullability and retry: ALTER "
                f"TABLE {table.name} ALTER COLUMN {open_ones[0]} SET NOT NULL.",
            )
    if table.row is None:
        raise error(
            "UC_COMMAND_NOT_SUPPORTED",
            f"A {constraint.kind} of {shown(table.name)} cannot be recorded: a path is in no "
            "catalog. Make a table of it: CREATE TABLE catalog.schema.name LOCATION '…'.",
        )
    taken = [key.name for key in present]
    record(table, [_complete(spark, table.name, schema, constraint, taken)])


def _add_check(
    spark: SparkSession, table: Table, schema: StructType, constraint: Constraint
) -> None:
    from pyspark.sql import functions as F

    from lakebook.runtime.delta.read import frame
    from lakebook.runtime.delta.snapshot import Snapshot

    name, text = (constraint.name or "check_1").lower(), constraint.expression
    snapshot = Snapshot.open(delta_root(table))
    if CHECK + name in snapshot.configuration or name in {key.name for key in keys(table)}:
        raise _exists(name, table.name)
    _boolean(spark, schema, name, text)
    broken = frame(spark, snapshot).filter(~F.coalesce(F.expr(text), F.lit(False))).count()
    if broken:
        raise error(
            "DELTA_NEW_CHECK_CONSTRAINT_VIOLATION",
            f"{broken} row{'s' * (broken != 1)} in {shown(table.name)} violate the new CHECK "
            f"constraint ({text}). Correct or delete them first: SELECT * FROM {table.name} WHERE "
            f"NOT ({text}).",
        )
    commit(
        table,
        snapshot,
        "ADD CONSTRAINT",
        {"name": name, "expr": text},
        configuration={**snapshot.configuration, CHECK + name: text},
    )


def drop(table: Table, name: str, if_exists: bool) -> None:
    """Take away a constraint. Raises DELTA_CONSTRAINT_DOES_NOT_EXIST unless `if_exists`."""
    from lakebook.runtime.delta.snapshot import Snapshot

    name = name.lower()
    if table.row is not None:
        with store.transaction() as opened:
            gone = opened.execute(
                "DELETE FROM constraints WHERE securable = ? AND name = ?", (table.id, name)
            ).rowcount
        if gone:
            return
    if table.format == "delta" and table.location:
        snapshot = Snapshot.open(table.location)
        present = {key.lower(): key for key in snapshot.configuration}
        if key := present.get(CHECK + name):
            kept = {k: v for k, v in snapshot.configuration.items() if k != key}
            text = snapshot.configuration[key]
            parameters = {"name": name, "expr": text}
            commit(table, snapshot, "DROP CONSTRAINT", parameters, configuration=kept)
            return
    if not if_exists:
        raise error(
            "DELTA_CONSTRAINT_DOES_NOT_EXIST",
            f"Cannot drop nonexistent constraint `{name}` from table {shown(table.name)}. To avoid "
            "throwing an error, provide the parameter IF EXISTS.",
        )


def drop_primary_key(table: Table, if_exists: bool) -> None:
    """Take away the primary key of a table."""
    key = primary_key(table)
    if key is not None:
        drop(table, key.name, if_exists)
    elif not if_exists:
        raise error(
            "DELTA_CONSTRAINT_DOES_NOT_EXIST",
            f"Table {shown(table.name)} has no primary key; provide IF EXISTS to tolerate that.",
        )


def drop_foreign_key(table: Table, columns: Sequence[str], if_exists: bool) -> None:
    """Take away the foreign key on these columns."""
    wanted = [column.lower() for column in columns]
    for key in keys(table):
        if key.kind == "FOREIGN KEY" and [column.lower() for column in key.columns] == wanted:
            drop(table, key.name, if_exists)
            return
    if not if_exists:
        raise error(
            "DELTA_CONSTRAINT_DOES_NOT_EXIST",
            f"Table {shown(table.name)} has no foreign key on ({', '.join(columns)}); provide IF "
            "EXISTS to tolerate that.",
        )
