"""Which tables, functions and column qualifiers a SQL text names, and where.

One pass over the tokens, without a full grammar, so that Spark's own syntax (pipes, LATERAL VIEW,
PIVOT, parameters) needs no parser that knows it. A relation stands after FROM, JOIN, a comma of a
FROM clause or TABLE; names of common table expressions are known by scope.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lakebook.runtime.catalog.sql_tokens import NAME, NUMBER, STRING, WORD, Statement

QUERY_STARTS = frozenset(("SELECT", "FROM", "WITH", "VALUES", "TABLE"))


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ENDS_FROM = _words(
    """
    WHERE GROUP HAVING ORDER SORT CLUSTER DISTRIBUTE LIMIT OFFSET WINDOW UNION EXCEPT
    INTERSECT MINUS SELECT QUALIFY |>
    """
)
# What may follow a relation and is not its alias.
_NO_ALIAS = _ENDS_FROM | _words(
    """
    PIVOT UNPIVOT JOIN INNER CROSS LEFT RIGHT FULL SEMI ANTI NATURAL ON USING LATERAL
    TABLESAMPLE WHEN SET INSERT MAP REDUCE FOR VERSION TIMESTAMP SYSTEM_VERSION
    SYSTEM_TIME AS WITH WATERMARK VALUES DO THEN END REPLACE
    """
)
_SETS = frozenset(("UNION", "EXCEPT", "INTERSECT", "MINUS"))
# Functions whose arguments are separated by FROM.
_FROM_CALLS = frozenset(("EXTRACT", "TRIM", "SUBSTRING", "SUBSTR", "OVERLAY", "POSITION"))
_BARE_CALLS = frozenset(("CURRENT_USER", "SESSION_USER"))
_OPERATORS = frozenset(("+", "-", "*", "/", "||", "%"))


@dataclass
class Relation:
    """A table, view or table function where a query names it. Places are positions in the text."""

    parts: tuple[str, ...]
    start: int
    end: int
    scope: int
    alias: str | None = None
    alias_at: int | None = None  # None: no alias may stand here, as after TABLE
    travel: tuple[str, str] | None = None  # ("version" or "timestamp", expression)
    arguments: tuple[int, int] | None = None  # of a table function, inside its brackets
    identifier: str | None = None  # the expression of IDENTIFIER(…)
    common: bool = False  # a common table expression's name
    stream: bool = False


@dataclass
class Chain:
    """A dotted name in an expression: a column, perhaps with its table's name before it."""

    parts: tuple[str, ...]
    places: tuple[tuple[int, int], ...]
    scope: int
    star: bool = False


@dataclass
class Call:
    """A function where an expression calls it; `item` if it is a whole column of a SELECT."""

    parts: tuple[str, ...]
    start: int
    name_end: int
    end: int
    empty: bool
    item: bool


@dataclass
class Scan:
    """What `scan` found; `parents` gives the scope around each scope."""

    relations: list[Relation] = field(default_factory=list)
    chains: list[Chain] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    parents: list[int] = field(default_factory=lambda: [-1])


def scan(statement: Statement, start: int = 0, end: int | None = None) -> Scan:
    """Return what the tokens from `start` to `end` name."""
    scanner = _Scanner(statement)
    scanner.walk(start, len(statement) if end is None else end, frozenset(), 0)
    return scanner.found


class _Scanner:
    def __init__(self, statement: Statement) -> None:
        self.s = statement
        self.found = Scan()

    def scope(self, parent: int) -> int:
        self.found.parents.append(parent)
        return len(self.found.parents) - 1

    def walk(
        self, i: int, end: int, names: frozenset[str], scope: int, relation: bool = False
    ) -> None:
        """Walk over one level of brackets; `relation` if it begins with a table's name."""
        s = self.s
        start = i
        listing = relation  # inside a FROM clause, where a comma leads to another relation
        selecting = False
        expected = relation
        while i < end:
            if expected:
                expected = False
                i = self.relation(i, end, names, scope)
                continue
            up = s.up(i)
            if up == "(":
                self.brackets(i, names, scope)
                i = s.closing[i] + 1
                continue
            if up == "{":
                i = self._behind_braces(i, end)
                continue
            if s.kind(i) not in (WORD, NAME):
                if up == ",":
                    expected = listing
                elif up == "|>":
                    listing = False
                elif up == ";":
                    listing = selecting = False
                i += 1
                continue
            if up and s.up(i + 1) != "." and s.up(i - 1) != ".":
                if up == "WITH" and (after := self.common(i, end, names, scope)):
                    i, names = after
                    continue
                if up in _SETS and self._is_set(i):
                    scope = self.scope(self.found.parents[scope])
                if up in _ENDS_FROM or (up == "LATERAL" and s.up(i + 1) == "VIEW"):
                    listing = False
                    selecting = up == "SELECT"
                if up == "FROM" and self._before_relation(i):
                    listing = expected = True
                    selecting = False
                    i += 1
                    continue
                if up == "JOIN" or (up == "TABLE" and (i == start or self._names_table(i))):
                    if up == "TABLE" and s.up(i + 1) != "(":
                        i = self.table(i + 1, names, scope)
                    else:
                        expected = up == "JOIN"
                        i += 1
                    continue
            i = self.chain(i, names, scope, selecting)

    def _behind_braces(self, i: int, end: int) -> int:
        while i < end and self.s.up(i) != "}":
            i += 1
        return i + 1

    def _is_set(self, i: int) -> bool:
        following = self.s.up(i + 1)
        if following == "(":
            return self._begins_query(i + 2)
        return following in ("ALL", "DISTINCT") or following in QUERY_STARTS

    def _begins_query(self, i: int) -> bool:
        while self.s.up(i) == "(":
            i += 1
        return self.s.up(i) in QUERY_STARTS and self.s.up(i + 1) != "."

    def _before_relation(self, i: int) -> bool:
        """Return whether the FROM here names a relation: `IS DISTINCT FROM x` does not."""
        return not (self.s.up(i - 1) == "DISTINCT" and self.s.up(i - 2) in ("IS", "NOT"))

    def _names_table(self, i: int) -> bool:
        """Return whether TABLE begins `TABLE name`, or an argument `TABLE(name)`."""
        before = self.s.up(i - 1)
        return before in ("", "(", ",", "AS", "ALL", "=>", "|>", "EXPLAIN") or before in _SETS

    def brackets(self, opening: int, names: frozenset[str], scope: int) -> None:
        """Walk over what stands in brackets: a query of its own, or a part of an expression."""
        s, end = self.s, self.s.closing[opening]
        if self._begins_query(opening + 1):
            self.walk(opening + 1, end, names, self.scope(scope))
        elif s.up(opening - 1) == "TABLE" and s.kind(opening + 1) in (WORD, NAME):
            self.table(opening + 1, names, scope)
        elif s.up(opening - 1) in _FROM_CALLS:
            self.arguments(opening + 1, end, names, scope)
        else:
            self.walk(opening + 1, end, names, scope)

    def arguments(self, i: int, end: int, names: frozenset[str], scope: int) -> None:
        """Walk over arguments among which FROM is only a separator."""
        start = i
        for place in self.s.outside(i, end):
            if self.s.up(place) == "FROM":
                self.walk(start, place, names, scope)
                start = place + 1
        self.walk(start, end, names, scope)

    def common(
        self, i: int, end: int, names: frozenset[str], scope: int
    ) -> tuple[int, frozenset[str]] | None:
        """Walk over the common table expressions after WITH; None if it begins none."""
        s = self.s
        i += 1
        recursive = s.up(i) == "RECURSIVE" and s.kind(i + 1) in (WORD, NAME) and s.up(i + 1) != "AS"
        i += recursive
        first = True
        while s.kind(i) in (WORD, NAME):
            name = s.value(i).lower()
            body = i + 1
            if s.up(body) == "(":
                body = s.closing[body] + 1
            if s.follows(body, "MAX", "RECURSION", "LEVEL"):
                body += 4
            body += s.up(body) == "AS"
            if s.up(body) != "(":
                return None if first else (i, names)
            first = False
            inner = names | {name} if recursive else names
            self.walk(body + 1, s.closing[body], inner, self.scope(scope))
            names = names | {name}
            i = s.closing[body] + 1
            if s.up(i) != "," or i >= end:
                break
            i += 1
        return i, names

    def table(self, i: int, names: frozenset[str], scope: int) -> int:
        """Note the relation after TABLE, which takes no alias; return the index behind it."""
        parts, after = self.s.parts(i)
        if not parts:
            return i
        relation = Relation(
            parts, self.s.tokens[i].start, self.s.tokens[after - 1].end, scope, alias=""
        )
        relation.common = len(parts) == 1 and parts[0].lower() in names
        self.found.relations.append(relation)
        return after

    def relation(self, i: int, end: int, names: frozenset[str], scope: int) -> int:
        """Note the relation at an index; return the index behind it and its alias."""
        s = self.s
        stream = False
        while s.up(i) in ("LATERAL", "STREAM") and s.up(i + 1) not in (".", ",", ""):
            stream = stream or s.up(i) == "STREAM"
            i += 1
        up = s.up(i)
        if up == "(":
            closing = s.closing[i]
            if self._begins_query(i + 1) and s.up(i + 1) != "(":
                self.walk(i + 1, closing, names, self.scope(scope))
            else:
                self.walk(i + 1, closing, names, scope, relation=True)
            return self.alias(closing + 1)[1]
        if up == "{":
            return self.alias(self._behind_braces(i, end))[1]
        if up == "VALUES" and s.up(i + 1) != ".":
            return self.values(i + 1, end, names, scope)
        if up == "TABLE" and s.up(i + 1) == "(":
            self.brackets(i + 1, names, scope)
            return self.alias(s.closing[i + 1] + 1)[1]
        if s.kind(i) not in (WORD, NAME):
            return max(i, i if up in (")", ",") else i + 1)
        parts, after = s.parts(i)
        relation = Relation(parts, s.tokens[i].start, s.tokens[after - 1].end, scope, stream=stream)
        if s.up(after) == "(":
            closing = s.closing[after]
            if up == "IDENTIFIER":
                relation.identifier = s.source(after + 1, closing)
            else:
                relation.arguments = (after + 1, closing)
                self.walk(after + 1, closing, names, scope)
            after = min(closing + 1, len(s))
            relation.end = s.tokens[after - 1].end
        after = self.travel(relation, after)
        relation.common = (
            len(parts) == 1
            and parts[0].lower() in names
            and not (relation.arguments or relation.identifier)
        )
        relation.alias_at, after = self._behind_sample(relation.end, after)
        relation.alias, after = self.alias(after)
        self.found.relations.append(relation)
        return after

    def _behind_sample(self, place: int, i: int) -> tuple[int, int]:
        s = self.s
        if s.up(i) == "TABLESAMPLE" and s.up(i + 1) == "(":
            i = s.closing[i + 1] + 1
            if s.up(i) == "REPEATABLE" and s.up(i + 1) == "(":
                i = s.closing[i + 1] + 1
            place = s.tokens[min(i, len(s)) - 1].end
        return place, i

    def travel(self, relation: Relation, i: int) -> int:
        """Read `VERSION AS OF …`, `TIMESTAMP AS OF …` or `@…` behind a name."""
        s = self.s
        at = i + 1 if s.up(i) == "FOR" else i
        kind = {
            "VERSION": "version",
            "SYSTEM_VERSION": "version",
            "TIMESTAMP": "timestamp",
            "SYSTEM_TIME": "timestamp",
        }.get(s.up(at))
        if kind and s.follows(at + 1, "AS", "OF"):
            after = self.expression(at + 3)
            relation.travel = (kind, s.source(at + 3, after))
        elif s.up(i) == "@" and s.kind(i + 1) in (WORD, NUMBER):
            value = s.value(i + 1)
            after = i + 2
            if value[:1] in "vV" and value[1:].isdigit():
                relation.travel = ("version", value[1:])
            else:
                relation.travel = ("at", value)
        else:
            return i
        relation.end = s.tokens[after - 1].end
        return after

    def expression(self, i: int) -> int:
        """Return the index behind a constant expression, which an alias may follow."""
        s = self.s
        while i < len(s):
            while s.up(i) in ("-", "+"):
                i += 1
            if s.up(i) == "INTERVAL":
                i += 1 + (s.up(i + 1) == "-")
                i += 1 if s.kind(i + 1) != WORD else 2
            elif s.up(i) == "(":
                i = s.closing[i] + 1
            elif s.up(i) in (":", "?"):
                i += 2 if s.up(i) == ":" else 1
            elif s.kind(i) in (WORD, NAME):
                i = s.parts(i)[1]
                if s.up(i) == "(":
                    i = s.closing[i] + 1
                elif s.kind(i) == STRING:
                    i += 1
            else:
                i += 1
            while s.up(i) == "::":
                i = s.parts(i + 1)[1]
            if s.up(i) not in _OPERATORS:
                break
            i += 1
        return min(i, len(s))

    def alias(self, i: int) -> tuple[str | None, int]:
        """Return the alias at an index, if any, and the index behind it."""
        s = self.s
        given = s.up(i) == "AS"
        at = i + given
        if s.kind(at) not in (WORD, NAME) or (not given and s.up(at) in _NO_ALIAS):
            # `AS (a, b)` names columns only.
            return None, s.closing[at] + 1 if given and s.up(at) == "(" else i
        after = at + 1
        if s.up(after) == "(":
            after = s.closing[after] + 1
        return s.value(at), after

    def values(self, i: int, end: int, names: frozenset[str], scope: int) -> int:
        """Return the index behind the rows of an inline table and its alias."""
        s = self.s
        while i < end:
            row = i
            while i < end and s.up(i) not in (",", "AS") and s.up(i) not in _NO_ALIAS:
                if s.up(i) == ")" or (i > row and s.kind(i) in (WORD, NAME) and s.up(i - 1) != "."):
                    break
                i = s.closing.get(i, i) + 1
            self.walk(row, i, names, scope)
            if s.up(i) != ",":
                break
            i += 1
        return self.alias(i)[1]

    def chain(self, i: int, names: frozenset[str], scope: int, selecting: bool) -> int:
        """Note the dotted name or the call at an index; return the index behind it."""
        s = self.s
        if s.up(i - 1) in (".", ":", "@") or (s.up(i - 1) == "AS" and s.up(i + 1) != "."):
            return i + 1
        parts, after = s.parts(i)
        places = tuple((s.tokens[k].start, s.tokens[k].end) for k in range(i, after, 2))
        empty = s.up(after) == "(" and s.closing[after] == after + 1
        if s.up(after) == "(" or (len(parts) == 1 and s.up(i) in _BARE_CALLS):
            last = s.closing[after] if s.up(after) == "(" else after - 1
            last = min(last, len(s) - 1)
            whole = selecting and s.up(i - 1) in ("SELECT", ",", "DISTINCT", "ALL")
            whole = whole and s.up(last + 1) in ("", ",", "FROM", ")", ";")
            call = Call(
                parts, places[0][0], places[-1][1], s.tokens[last].end, empty or last < after, whole
            )
            self.found.calls.append(call)
        if s.up(after) != "(":
            star = s.follows(after, ".", "*")
            if len(parts) > 1 or star:
                self.found.chains.append(Chain(parts, places, scope, star))
        return after
