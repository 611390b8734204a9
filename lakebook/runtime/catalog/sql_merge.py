"""MERGE INTO, read clause by clause."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lakebook.runtime.catalog import sql_session
from lakebook.runtime.catalog.names import error
from lakebook.runtime.catalog.rewrite import quoted, rewrite
from lakebook.runtime.catalog.sql_dml import Target, assignments, expression, syntax, target
from lakebook.runtime.catalog.sql_names import Names
from lakebook.runtime.catalog.sql_tokens import NAME, WORD, Statement

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lakebook.runtime.delta.merge import Clause

Around = Sequence[tuple[tuple[str, ...], str]]


def merge(names: Names, s: Statement) -> DataFrame | None:
    """Run a MERGE and return how many rows it changed; None if the target is Spark's own.

    Raises PARSE_SYNTAX_ERROR for a clause that MERGE does not have.
    """
    from lakebook.runtime.delta import merge as delta
    from lakebook.runtime.delta import rows

    evolve = s.follows(1, "WITH", "SCHEMA", "EVOLUTION")
    i = 4 if evolve else 1
    if s.up(i) != "INTO":
        return None
    parts, i = s.parts(i + 1)
    to = target(names, parts)
    if to is None:
        return None
    alias, i = _alias(s, i, to.name[-1])
    if s.up(i) != "USING":
        raise syntax(s, i, "MERGE", "USING")
    on = s.find("ON", i + 1)
    if on < 0:
        raise syntax(s, len(s), "MERGE", "ON")
    source, source_alias, source_name = _source(names, s, i + 1, on)
    around: Around = [(to.name, alias), (source_name, source_alias)]
    places = [*_clauses(s, on + 1), len(s)]
    condition = expression(names, names.args, s, on + 1, places[0], around)
    clauses = [
        _clause(names, s, first, last, around, to) for first, last in itertools.pairwise(places)
    ]
    found = delta.merge(
        names.spark,
        to.root,
        source.alias(source_alias),
        condition,
        clauses,
        alias=alias,
        name=to.shown,
        evolve=evolve,
    )
    return rows.metrics_frame(names.spark, found)


def _alias(s: Statement, i: int, name: str) -> tuple[str, int]:
    given = s.up(i) == "AS"
    if given or (s.kind(i) in (WORD, NAME) and s.up(i) not in ("USING", "ON")):
        return s.value(i + given), i + given + 1
    return name.rsplit("/", 1)[-1], i


def _source(names: Names, s: Statement, i: int, on: int) -> tuple[DataFrame, str, tuple[str, ...]]:
    """Return the source of a MERGE as a frame, its alias and its full name."""
    # The relation is read as a FROM clause reads one, so that any form of it will do.
    text = s.source(i, on)
    whole = Statement(f"SELECT * FROM {text}")
    parts: tuple[str, ...] = ()
    if s.up(i) != "(":
        parts, after = s.parts(i)
        full = names.full(parts) if after == on or s.up(after) != "(" else None
        parts = tuple(full) if full else parts
    alias = parts[-1] if parts else "__source"
    last = on - 1
    if s.up(last) == ")" and last - 1 > i and s.kind(last - 1) in (WORD, NAME):
        # `(…) AS s (a, b)` names columns as well.
        opening = next((k for k, end in s.closing.items() if end == last), last)
        if opening > i and s.kind(opening - 1) in (WORD, NAME):
            last = opening - 1
    before = s.up(last - 1)
    if last > i and s.kind(last) in (WORD, NAME) and before != ".":
        alias = s.value(last)
    rewritten = rewrite(whole, names) or whole.text
    return sql_session.execute(names.spark, rewritten, names.args), alias, parts or (alias,)


def _clauses(s: Statement, start: int) -> list[int]:
    """Return where the WHEN clauses begin; the WHEN of a CASE is none of them."""
    found = []
    cases = 0
    for index in s.outside(start):
        up = s.up(index)
        if s.up(index - 1) == ".":
            continue
        if up == "CASE":
            cases += 1
        elif up == "END" and cases:
            cases -= 1
        elif up == "WHEN" and not cases:
            found.append(index)
    return found


def _then(s: Statement, start: int, end: int) -> int:
    cases = 0
    for index in s.outside(start, end):
        up = s.up(index)
        if up == "CASE":
            cases += 1
        elif up == "END" and cases:
            cases -= 1
        elif up == "THEN" and not cases:
            return index
    raise syntax(s, end, "MERGE", "THEN")


def _clause(names: Names, s: Statement, start: int, end: int, around: Around, to: Target) -> Clause:
    from lakebook.runtime.delta.merge import (
        BY_SOURCE,
        DELETE,
        INSERT,
        MATCHED,
        NOT_MATCHED,
        UPDATE,
        Clause,
    )

    if s.follows(start, "WHEN", "MATCHED"):
        when, i = MATCHED, start + 2
    elif s.follows(start, "WHEN", "NOT", "MATCHED", "BY", "SOURCE"):
        when, i = BY_SOURCE, start + 5
    elif s.follows(start, "WHEN", "NOT", "MATCHED"):
        when, i = NOT_MATCHED, start + 3
        i += 2 if s.follows(i, "BY", "TARGET") else 0
    else:
        raise syntax(s, start + 1, "MERGE", "MATCHED or NOT MATCHED")
    then = _then(s, i, end)
    condition = None
    if s.up(i) == "AND":
        condition = expression(names, names.args, s, i + 1, then, around)
    elif i != then:
        raise syntax(s, i, "MERGE", "AND or THEN")
    i = then + 1
    if s.up(i) == "DELETE" and when != NOT_MATCHED:
        _at_end(s, i + 1, end)
        return Clause(when, DELETE, condition)
    if s.follows(i, "UPDATE", "SET") and when != NOT_MATCHED:
        if s.up(i + 2) == "*" and when == MATCHED:
            _at_end(s, i + 3, end)
            return Clause(when, UPDATE, condition)
        sets = assignments(names, s, i + 2, end, around, to.schema)
        return Clause(when, UPDATE, condition, sets)
    if s.up(i) == "INSERT" and when == NOT_MATCHED:
        if s.up(i + 1) == "*":
            _at_end(s, i + 2, end)
            return Clause(when, INSERT, condition)
        return Clause(when, INSERT, condition, _values(names, s, i + 1, end, around, to))
    raise syntax(s, i, "MERGE", "DELETE or UPDATE" if when != NOT_MATCHED else "INSERT")


def _at_end(s: Statement, i: int, end: int) -> None:
    """Refuse what follows the end of a clause, for to leave it out would mean something else."""
    if i < end:
        raise syntax(s, i, "MERGE", "the end of the clause")


def _values(
    names: Names, s: Statement, i: int, end: int, around: Around, to: Target
) -> dict[str, str]:
    """Return what `(a, b) VALUES (x, y)` inserts; without columns, all in their order."""
    columns = [quoted(field.name) for field in to.schema.fields]
    if s.up(i) == "(":
        columns = [quoted(s.parts(first)[0][-1]) for first, _ in s.items(i + 1, s.closing[i])]
        i = s.closing[i] + 1
    if s.up(i) != "VALUES" or s.up(i + 1) != "(":
        raise syntax(s, i, "MERGE", "VALUES (…)")
    places = s.items(i + 2, s.closing[i + 1])
    _at_end(s, s.closing[i + 1] + 1, end)
    if len(places) != len(columns):
        raise error(
            "INSERT_COLUMN_ARITY_MISMATCH",
            f"INSERT of the MERGE names {len(columns)} columns and gives {len(places)} values.",
        )
    given = {}
    for column, (first, last) in zip(columns, places, strict=True):
        if s.up(first) == "DEFAULT" and last == first + 1:
            continue  # a column that is not named has its default
        given[column] = expression(names, names.args, s, first, last, around)
    return given
