"""UPDATE, DELETE and TRUNCATE on Delta tables of ours, and what all changes share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakebook.runtime.catalog import frames, grants, sql_session, tables
from lakebook.runtime.catalog.names import dotted, error, shown
from lakebook.runtime.catalog.rewrite import Resolver, apply, quoted, rewrite
from lakebook.runtime.catalog.sql_names import Names, is_path, root_of
from lakebook.runtime.catalog.sql_tokens import NAME, WORD, Statement

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType


@dataclass(frozen=True)
class Target:
    """The Delta table that a statement writes to; `name` is its full name, or its path."""

    name: tuple[str, ...]
    root: str
    shown: str

    @property
    def schema(self) -> StructType:
        """Return the columns of the newest version."""
        from lakebook.runtime.delta.snapshot import Snapshot

        return Snapshot.open(self.root).schema


def target(names: Names, parts: tuple[str, ...], change: bool = True) -> Target | None:
    """Return the table of ours that the parts name; None if it is Spark's own.

    `change` says that Spark would not do it to a temporary view either.
    Raises TABLE_OR_VIEW_NOT_FOUND, EXPECT_TABLE_NOT_VIEW, PERMISSION_DENIED, and for a table of
    another format DELTA_TABLE_ONLY_OPERATION.
    """
    if is_path(parts):
        if parts[0].lower() != "delta":
            return None
        return Target((parts[1],), root_of(parts[1]), f"delta.{quoted(parts[1])}")
    name = names.full(parts)
    if name is None:
        if change and len(parts) == 1 and names.is_temporary(parts[0]):
            raise error(
                "EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE",
                f"`{parts[0]}` is a temporary view; name the table below it.",
            )
        return None
    table = tables.require_table(name)
    if table.kind == "VIEW":
        raise error(
            "EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE",
            f"{shown(name)} is a view; name the table below it.",
        )
    grants.require(names.spark, name, "MODIFY")
    if table.format != "delta" or table.location is None:
        raise error(
            "DELTA_TABLE_ONLY_OPERATION",
            f"{shown(name)} is not a Delta table but {table.format}; write its files with "
            f"df.write.format('{table.format}'), or make a Delta table of it with "
            "CREATE TABLE … AS SELECT.",
        )
    return Target(name, table.location, str(name))


def query(names: Names, statement: Statement, start: int, end: int | None = None) -> DataFrame:
    """Return the frame of the query from one token to another."""
    stop = len(statement) if end is None else end
    text = rewrite(statement, names, start, stop) or statement.source(start, stop)
    return sql_session.execute(names.spark, text, names.args)


def expression(
    names: Resolver,
    args: Any,
    statement: Statement,
    start: int,
    end: int,
    around: Sequence[tuple[tuple[str, ...], str]] = (),
) -> str:
    """Return an expression of a statement as text: names replaced, parameters as literals."""
    text = rewrite(statement, names, start, end, around)
    if text is None:
        text = statement.source(start, end)
    return with_values(text, args)


def with_values(text: str, args: Any) -> str:
    """Return a text with its named (`:name`) parameters as literals.

    Raises UNBOUND_SQL_PARAMETER for a name without a value. Positional ones have been given
    names before (`named_parameters`).
    """
    if not args:
        return text
    statement = Statement(text)
    edits = []
    for index, token in enumerate(statement.tokens):
        if token.up != ":" or statement.kind(index + 1) not in (WORD, NAME):
            continue
        following = statement.tokens[index + 1]
        glued = index > 0 and statement.tokens[index - 1].end == token.start
        if glued and statement.tokens[index - 1].kind in (WORD, NAME):
            continue  # a path into a VARIANT or JSON column: `raw:owner`
        name = statement.value(index + 1)
        if name not in args:
            raise error(
                "UNBOUND_SQL_PARAMETER",
                f"Found the unbound parameter: {name}. Give its value in `args`; given: "
                f"{', '.join(map(str, args))}.",
            )
        edits.append((token.start, following.end, sql_session.literal(args[name])))
    return apply(text, edits, 0, len(text)) if edits else text


def named_parameters(text: str, args: Any) -> tuple[str, dict[str, Any] | None]:
    """Return a text and its parameters by name: each `?` gets one.

    Raises UNBOUND_SQL_PARAMETER if there are more of them than values.
    """
    if not args or isinstance(args, dict):
        return text, args or None
    marks = [token for token in Statement(text).tokens if token.up == "?"]
    if len(marks) > len(args):
        raise error(
            "UNBOUND_SQL_PARAMETER",
            f"The statement has {len(marks)} parameters, and `args` has {len(args)} values.",
        )
    edits = [(m.start, m.end, f":__p{number}") for number, m in enumerate(marks)]
    values = {f"__p{number}": value for number, value in enumerate(args)}
    return apply(text, edits, 0, len(text)), values


def update(names: Names, s: Statement) -> DataFrame | None:
    """Run `UPDATE t [AS x] SET a = …, … [WHERE …]`; None if the table is Spark's own."""
    from lakebook.runtime.delta import rows

    parts, i = s.parts(1)
    to = target(names, parts)
    if to is None:
        return None
    alias, i = _alias(s, i, to)
    if s.up(i) != "SET":
        raise syntax(s, i, "UPDATE", "SET")
    where = s.find("WHERE", i)
    end = len(s) if where < 0 else where
    around = [(to.name, alias)]
    sets = assignments(names, s, i + 1, end, around, to.schema)
    condition = None if where < 0 else expression(names, names.args, s, where + 1, len(s), around)
    found = rows.update(names.spark, to.root, sets, condition, alias=alias, name=to.shown)
    return rows.metrics_frame(names.spark, found)


def syntax(s: Statement, i: int, statement: str, wanted: str) -> Exception:
    """Return the error for a token that cannot stand where it does."""
    found = f"'{s.value(i)}'" if i < len(s) else "end of input"
    return error(
        "PARSE_SYNTAX_ERROR", f"Syntax error at or near {found}: {statement} needs {wanted} here."
    )


def _alias(s: Statement, i: int, to: Target) -> tuple[str, int]:
    given = s.up(i) == "AS"
    if given or (s.kind(i) in (WORD, NAME) and s.up(i) not in ("SET", "WHERE", "USING")):
        return s.value(i + given), i + given + 1
    return to.name[-1].rsplit("/", 1)[-1], i


def assignments(
    names: Names,
    s: Statement,
    start: int,
    end: int,
    around: Sequence[tuple[tuple[str, ...], str]],
    schema: StructType,
) -> dict[str, str]:
    """Return the assignments `a = …, b.c = …` between two tokens: column to expression."""
    found: dict[str, str] = {}
    for first, index in s.items(start, end):
        parts, after = s.parts(first)
        if s.up(after) != "=" or not parts:
            raise error(
                "PARSE_SYNTAX_ERROR",
                f"'{s.source(first, index)}' is no assignment; write column = expression.",
            )
        for name, alias in around:
            lowered = tuple(part.lower() for part in parts)
            for length in range(min(3, len(parts) - 1), 1, -1):
                if tuple(part.lower() for part in name[-length:]) == lowered[:length]:
                    parts = (alias, *parts[length:])
        if s.up(after + 1) == "DEFAULT" and after + 2 == index:
            value = _default(schema, parts[-1])
        else:
            value = expression(names, names.args, s, after + 1, index, around)
        key = dotted(parts)
        if key in found:
            raise error("DELTA_CONFLICT_SET_COLUMN", f"The column {key} is set twice.")
        found[key] = value
    return found


def _default(schema: StructType, column: str) -> str:
    for known in schema.fields:
        if known.name.lower() == column.lower():
            return str((known.metadata or {}).get("CURRENT_DEFAULT", "NULL"))
    return "NULL"


def delete(names: Names, s: Statement) -> DataFrame | None:
    """Run `DELETE FROM t [AS x] [WHERE …]`; None if the table is Spark's own."""
    from lakebook.runtime.delta import rows

    parts, i = s.parts(2)
    to = target(names, parts)
    if to is None:
        return None
    alias, i = _alias(s, i, to)
    where = s.up(i) == "WHERE"
    if i < len(s) and not where:
        raise syntax(s, i, "DELETE", "WHERE, or the end,")  # and never deletes all rows for it
    condition = (
        expression(names, names.args, s, i + 1, len(s), [(to.name, alias)]) if where else None
    )
    found = rows.delete(names.spark, to.root, condition, alias=alias, name=to.shown)
    return rows.metrics_frame(names.spark, found)


def truncate(names: Names, s: Statement) -> DataFrame | None:
    """Run `TRUNCATE TABLE t`; None if the table is Spark's own."""
    from lakebook.runtime.delta import rows

    parts, i = s.parts(2)
    to = target(names, parts)
    if to is None:
        return None
    if i < len(s):
        raise error(
            "DELTA_TRUNCATE_TABLE_PARTITION_NOT_SUPPORTED",
            "Operation not allowed: TRUNCATE TABLE on Delta tables does not support partition "
            "predicates; use DELETE to delete specific partitions or rows.",
        )
    rows.delete(names.spark, to.root, None, name=to.shown)
    return frames.nothing(names.spark)
