"""Put other names in place of the tables and functions that a SQL text names.

The rest of the text stays byte for byte, so quotes, comments, hints and every syntax that Spark
knows reach Spark as they were written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lakebook.runtime.catalog.sql_scan import Call, Chain, Relation, Scan, scan
from lakebook.runtime.catalog.sql_tokens import Statement


@dataclass(frozen=True)
class Found:
    """What stands for a relation: text for Spark, and the full name it had.

    `aliased` is false where no alias is wanted, as for files named by their path.
    """

    text: str
    name: tuple[str, ...]
    aliased: bool = True


class Resolver(Protocol):
    """Says what stands for a name; None leaves it as it is."""

    def relation(self, statement: Statement, relation: Relation) -> Found | None: ...

    def call(self, statement: Statement, call: Call) -> tuple[int, int, str] | None: ...


def quoted(name: str) -> str:
    """Return a name in backticks."""
    return "`" + name.replace("`", "``") + "`"


def rewrite(
    statement: Statement,
    resolver: Resolver,
    start: int = 0,
    end: int | None = None,
    around: Sequence[tuple[tuple[str, ...], str]] = (),
) -> str | None:
    """Return the text of the tokens from `start` to `end` with names replaced.

    None if nothing had to be replaced. `around` holds relations, by full name and alias, whose
    columns the text may name although it does not name them: the target of a MERGE.
    """
    stop = len(statement) if end is None else end
    found = scan(statement, start, stop)
    edits = _relations(statement, resolver, found, around)
    for call in found.calls:
        if edit := resolver.call(statement, call):
            edits.append(edit)
    if not edits:
        return None
    low = statement.tokens[start].start if start else 0
    high = statement.tokens[stop - 1].end if end is not None else len(statement.text)
    return apply(statement.text, edits, low, high)


def apply(text: str, edits: Sequence[tuple[int, int, str]], low: int, high: int) -> str:
    """Return a stretch of a text with its edits (start, end, replacement) made.

    An edit inside another one falls away: the outer one has replaced it.
    """
    pieces = []
    at = low
    for start, end, new in sorted(edits, key=lambda edit: (edit[0], -edit[1])):
        if start >= at and end <= high:
            pieces += [text[at:start], new]
            at = end
    pieces.append(text[at:high])
    return "".join(pieces)


def _relations(
    statement: Statement,
    resolver: Resolver,
    found: Scan,
    around: Sequence[tuple[tuple[str, ...], str]],
) -> list[tuple[int, int, str]]:
    edits: list[tuple[int, int, str]] = []
    named = [_Named(0, tuple(p.lower() for p in name), alias) for name, alias in around]
    taken: dict[str, tuple[str, ...]] = {}
    meant = [None if r.common else resolver.relation(statement, r) for r in found.relations]
    # Names that other relations of a FROM clause have already.
    given = {
        (r.scope, (r.alias or r.parts[-1]).lower())
        for r, what in zip(found.relations, meant, strict=True)
        if r.alias or (what is None and r.parts)
    }
    for relation, what in zip(found.relations, meant, strict=True):
        if what is None:
            name = relation.alias or (relation.parts[-1] if relation.parts else "")
            named.append(_Named(relation.scope, (name.lower(),), None))
            continue
        alias = relation.alias
        if alias is None and relation.alias_at is not None and what.aliased:
            # Two tables of one name and no alias: the second needs another one to be told apart.
            wanted = what.name[-1]
            alias, count = wanted, 1
            while (relation.scope, alias.lower()) in given or (
                taken.setdefault(alias.lower(), what.name) != what.name
            ):
                count += 1
                alias = f"{wanted}_{count}"
            named.append(_Named(relation.scope, tuple(p.lower() for p in what.name), alias))
            if relation.alias_at == relation.end:
                edits.append((relation.start, relation.end, f"{what.text} AS {quoted(alias)}"))
                continue
            edits.append((relation.alias_at, relation.alias_at, f" AS {quoted(alias)}"))
        elif alias:
            named.append(_Named(relation.scope, (alias.lower(),), None))
        edits.append((relation.start, relation.end, what.text))
    for chain in found.chains:
        edits += _qualifier(chain, named, found.parents)
    return edits


@dataclass
class _Named:
    scope: int
    name: tuple[str, ...]
    alias: str | None  # what the relation is called now, if that is new


def _qualifier(chain: Chain, named: list[_Named], parents: list[int]) -> list[tuple[int, int, str]]:
    """Return the edit that puts a relation's alias in place of its name before a column."""
    most = len(chain.parts) - (not chain.star)
    lowered = tuple(part.lower() for part in chain.parts)
    scope = chain.scope
    while scope >= 0:
        # A name that the reader gave comes before one that a relation has by itself.
        inside = sorted((e for e in named if e.scope == scope), key=lambda e: e.alias is not None)
        for length in range(min(most, 3), 0, -1):
            for entry in inside:
                if entry.name[-length:] == lowered[:length]:
                    start, end = chain.places[0][0], chain.places[length - 1][1]
                    if entry.alias is None or (
                        length == 1 and entry.alias.lower() == entry.name[-1]
                    ):
                        return []
                    return [(start, end, quoted(entry.alias))]
        scope = parents[scope]
    return []
