"""`spark.sql` with three-level names and Delta: what Spark does not understand is done here.

A text that names nothing of ours goes to Spark untouched. In a query the names of our tables are
replaced by temporary views; statements that change a Delta table are read here and carried out by
`lakebook.runtime.delta`; statements about catalogs by `statements`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from lakebook.runtime.catalog import sql_dml, sql_insert, sql_maintenance, sql_merge, sql_session
from lakebook.runtime.catalog.names import error, shown
from lakebook.runtime.catalog.names import split as split_name
from lakebook.runtime.catalog.rewrite import apply, quoted, rewrite
from lakebook.runtime.catalog.sql_names import Names
from lakebook.runtime.catalog.sql_scan import QUERY_STARTS, Relation
from lakebook.runtime.catalog.sql_tokens import LexicalError, Statement, split

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["refresh", "run", "split"]

refresh = sql_session.refresh

_QUERIES = QUERY_STARTS | {"(", "DECLARE", "SET", "MAP", "REDUCE"}
_CHANGES: dict[str, Callable[[Names, Statement], DataFrame | None]] = {
    "UPDATE": sql_dml.update,
    "DELETE": sql_dml.delete,
    "TRUNCATE": sql_dml.truncate,
    "MERGE": sql_merge.merge,
    "OPTIMIZE": sql_maintenance.optimize,
    "VACUUM": sql_maintenance.vacuum,
    "RESTORE": sql_maintenance.restore,
}
_CATALOG = frozenset(
    (
        *("CREATE", "REPLACE", "DROP", "UNDROP", "ALTER", "COMMENT", "SHOW", "DESCRIBE", "DESC"),
        *("USE", "GRANT", "REVOKE", "DENY", "REFRESH", "ANALYZE", "MSCK", "UNSET", "LIST", "SYNC"),
    )
)
# Statements of the platform that nothing here does, and what does instead.
_NOT_HERE = {
    "COPY": "INSERT INTO … SELECT * FROM read_files('/Volumes/…', format => 'csv')",
    "CONVERT": "CREATE TABLE … AS SELECT * FROM parquet.`/path`",
    "CLONE": "CREATE TABLE … AS SELECT * FROM …",
    "REORG": "OPTIMIZE",
    "FSCK": "RESTORE TABLE … TO VERSION AS OF …",
    "GENERATE": "spark.read.format('delta')",
    "APPLY": "MERGE INTO",
}


def run(spark: SparkSession, text: str, args: Any = None, **kwargs: Any) -> DataFrame | None:
    """Run a statement that concerns anything of ours; None says that Spark is to run it as it is.

    `args` and `kwargs` are those of `SparkSession.sql`. Raises DeltaError with the condition that
    the platform gives, such as TABLE_OR_VIEW_NOT_FOUND, and Spark's own errors.
    """
    try:
        statement = Statement(text)
    except LexicalError:
        return None
    if not len(statement):
        return None
    _check_words(statement)
    sql_session.refresh(spark)
    head = statement.up(0)
    if head in ("CREATE", "CACHE", "BEGIN", "EXECUTE"):
        sql_session.forget(spark)
    if head == "SET" and statement.up(1) in ("CATALOG", "TAG"):
        return _catalog(spark, text, args)
    if head in _QUERIES and not (head in ("WITH", "FROM") and _inserts(statement)):
        return _query(Names(spark, args), statement, args, kwargs)
    special = _SPECIAL.get(head)
    if special is not None:
        statement, args = _with_identifiers(spark, statement, args)
        return special(spark, statement, args, kwargs)
    if kwargs:
        statement = Statement(_with_frames(spark, text, kwargs))
    statement, args = _with_identifiers(spark, statement, args)
    if head in _CHANGES or head in ("INSERT", "WITH", "FROM"):
        named, values = sql_dml.named_parameters(statement.text, args)
        statement = Statement(named)
        names = Names(spark, values)
        if head in _CHANGES:
            done = _CHANGES[head](names, statement)
            return done if done is not None else _left_to_spark(names, statement)
        return _insert(names, statement)
    if head in _CATALOG:
        return _catalog(spark, statement.text, args)
    if head in _NOT_HERE:
        raise _unsupported(head, _NOT_HERE[head])
    return None


def _check_words(statement: Statement) -> None:
    """Refuse a name beyond ASCII without backticks, as Spark does where it reads the name itself.

    In a text whose names are replaced it would not see this one, and the platform would.
    """
    if statement.text.isascii():
        return
    for index, token in enumerate(statement.tokens):
        word = statement.value(index)
        if token.kind == "word" and not word.isascii():
            raise error(
                "INVALID_IDENTIFIER",
                f"The unquoted identifier {word} is invalid and must be back quoted as: "
                f"{quoted(word)}. Unquoted identifiers can only contain ASCII letters, digits and "
                "underbar.",
            )


def _unsupported(what: str, way_out: str) -> Exception:
    return error(
        "UNSUPPORTED_FEATURE", f"The statement {what} is not supported here; use {way_out}."
    )


# What stands before the name of a table, a schema and so on in statements that are no queries.
_BEFORE_NAME = frozenset(
    (
        *("INTO", "OVERWRITE", "TABLE", "FROM", "UPDATE", "USING", "OPTIMIZE", "VACUUM", "RESTORE"),
        *("HISTORY", "DETAIL", "EXTENDED", "DESCRIBE", "DESC", "VIEW", "SCHEMA", "DATABASE", "IN"),
        *("CATALOG", "VOLUME", "FUNCTION", "EXISTS", "USE", "ON", "TO", "TABLES", "COLUMNS"),
    )
)


def _with_identifiers(
    spark: SparkSession, statement: Statement, args: Any
) -> tuple[Statement, Any]:
    """Return a statement with the names that IDENTIFIER(…) makes in their places."""
    if not any(token.up == "IDENTIFIER" for token in statement.tokens):
        return statement, args
    named, values = sql_dml.named_parameters(statement.text, args)
    s = Statement(named)
    edits = []
    for i, token in enumerate(s.tokens):
        last = s.closing.get(i + 1, len(s))
        if token.up == "IDENTIFIER" and last < len(s) and s.up(i - 1) in _BEFORE_NAME:
            text = sql_session.value(spark, s.source(i + 2, last), values)
            name = ".".join(map(quoted, split_name(str(text))))
            edits.append((token.start, s.tokens[last].end, name))
    return (Statement(apply(s.text, edits, 0, len(s.text))), values) if edits else (s, values)


def _query(
    names: Names, statement: Statement, args: Any, kwargs: dict[str, Any], start: int = 0
) -> DataFrame | None:
    text = rewrite(statement, names, start)
    if text is None:
        return None
    if start:
        text = statement.text[: statement.tokens[start].start] + text
    return _execute(names.spark, text, statement.text, args, kwargs)


def _execute(
    spark: SparkSession, text: str, written: str, args: Any, kwargs: dict[str, Any]
) -> DataFrame:
    from pyspark.errors import AnalysisException, ParseException

    try:
        return sql_session.execute(spark, text, args, **kwargs)
    except ParseException as fault:
        # The message shows the text and the place in it: better the text that was written. A
        # query does nothing, should Spark be able to read that one.
        if Statement(written).up(0) in _QUERIES:
            try:
                sql_session.execute(spark, written, args, **kwargs)
            except ParseException:
                raise
            except AnalysisException:
                pass
        raise fault


def _left_to_spark(names: Names, statement: Statement) -> DataFrame | None:
    """Run a change of a table of Spark's own, in which tables of ours may be read."""
    return _query(names, _sparks_names(statement), names.args, {})


def _sparks_names(statement: Statement) -> Statement:
    """Return the statement with `hive_metastore.` as Spark calls its session catalog."""
    edits = [
        (token.start, token.end, "spark_catalog")
        for index, token in enumerate(statement.tokens)
        if token.kind in ("word", "name")
        and statement.value(index).lower() == "hive_metastore"
        and statement.up(index + 1) == "."
        and statement.up(index - 1) != "."
    ]
    if not edits:
        return statement
    return Statement(apply(statement.text, edits, 0, len(statement.text)))


def _catalog(spark: SparkSession, text: str, args: Any) -> DataFrame | None:
    from lakebook.runtime.catalog import statements

    named, values = sql_dml.named_parameters(text, args)
    filled = sql_dml.with_values(named, values)
    found = statements.execute(spark, None, filled)
    if found is not None:
        return found
    # A statement about Spark's own catalog: only what it reads may be ours.
    statement = Statement(filled)
    sparks = _sparks_names(statement)
    new = None
    start = statement.find("AS")
    if statement.up(0) in ("CREATE", "REPLACE") and start > 0:
        new = rewrite(sparks, Names(spark), start + 1)
        new = new and sparks.text[: sparks.tokens[start + 1].start] + new
    if new is None and sparks is not statement:
        new = sparks.text
    return None if new is None else _execute(spark, new, filled, None, {})


# INSERT


def _inserts(statement: Statement) -> bool:
    """Return whether `WITH …` or `FROM …` leads to an INSERT."""
    return statement.find("INSERT", 1) > 0


def _insert(names: Names, s: Statement) -> DataFrame | None:
    start = 0 if s.up(0) == "INSERT" else s.find("INSERT", 1)
    if s.up(0) == "FROM":
        return _insert_from(names, s, start)
    said = sql_insert.read_insert(s, start)
    if said is None:
        there = sql_insert.insert_directory(s)
        statement = Statement(there) if there else s
        done = _query(names, statement, names.args, {})
        return done or (there and sql_session.execute(names.spark, there, names.args)) or None
    to = sql_dml.target(names, said.parts, change=False)
    if to is None:
        sparks = _sparks_names(s)
        said = sql_insert.read_insert(sparks, start) or said
        done = _query(names, sparks, names.args, {}, 0 if start else said.query)
        if done is None and sparks is not s:
            return sql_session.execute(names.spark, sparks.text, names.args)
        return done
    return sql_insert.insert(names, s, said, to, (0, start))


def _insert_from(names: Names, s: Statement, start: int) -> DataFrame | None:
    """Run `FROM s INSERT INTO a SELECT … INSERT INTO b SELECT …`, each as one of its own."""
    places = [k for k in s.outside() if s.up(k) == "INSERT" and s.up(k - 1) != "."]
    source = s.source(0, start)
    result: DataFrame | None = None
    for first, last in zip(places, [*places[1:], len(s)], strict=True):
        said = sql_insert.read_insert(s, first)
        if said is None:
            return None
        into = s.source(first, said.query)
        one = Statement(f"{into} {source} {s.source(said.query, last)}")
        done = _insert(names, one)
        if done is None:
            done = sql_session.execute(names.spark, one.text, names.args)
        result = done
    return result


# Statements around a query


def _explain(
    spark: SparkSession, s: Statement, args: Any, kwargs: dict[str, Any]
) -> DataFrame | None:
    i = 1
    while s.up(i) in ("EXTENDED", "CODEGEN", "COST", "FORMATTED", "LOGICAL", "ANALYZE"):
        i += 1
    names = Names(spark, args)
    if s.up(i) in ("INSERT", "UPDATE", "DELETE", "MERGE"):
        where = {"UPDATE": i + 1}.get(s.up(i), i + 2)
        where += s.up(where) == "TABLE"
        if names.full(s.parts(where)[0]) is not None:
            raise _unsupported(f"EXPLAIN {s.up(i)}", "EXPLAIN of the SELECT in it")
    return _query(names, s, args, kwargs, i)


def _cache(
    spark: SparkSession, s: Statement, args: Any, kwargs: dict[str, Any]
) -> DataFrame | None:
    i = s.find("TABLE") + 1
    if i == 0:
        return None
    i += 2 if s.follows(i, "IF", "EXISTS") else 0
    parts, after = s.parts(i)
    names = Names(spark, args, pinned=True)
    if s.find(tuple(QUERY_STARTS), after) > 0:
        return _query(names, s, args, kwargs, after)
    if not parts:
        return None
    start, end = s.tokens[i].start, s.tokens[after - 1].end
    found = names.relation(s, Relation(parts, start, end, 0))
    if found is None:
        return None
    text = apply(s.text, [(start, end, found.text)], 0, len(s.text))
    return _execute(spark, text, s.text, args, kwargs)


def _create(
    spark: SparkSession, s: Statement, args: Any, kwargs: dict[str, Any]
) -> DataFrame | None:
    """Run CREATE: a temporary view or function is Spark's, whose text may name tables of ours."""
    i = 3 if s.follows(1, "OR", "REPLACE") else 1
    i += s.up(i) == "GLOBAL"
    if s.up(i) not in ("TEMP", "TEMPORARY"):
        return _catalog(spark, _with_frames(spark, s.text, kwargs) if kwargs else s.text, args)
    body = s.find("RETURN" if s.up(i + 1) == "FUNCTION" else "AS", i) + 1
    if body == 0:
        return None
    return _query(Names(spark, args, live=True), s, args, kwargs, body)


def _describe(
    spark: SparkSession, s: Statement, args: Any, kwargs: dict[str, Any]
) -> DataFrame | None:
    if s.up(1) == "HISTORY" and s.up(2) not in ("", "."):
        named, values = sql_dml.named_parameters(s.text, args)
        return sql_maintenance.history(Names(spark, values), Statement(named))
    i = 1 + (s.up(1) == "QUERY")
    if s.up(i) in QUERY_STARTS and s.up(i + 1) != "." and s.up(1) != "TABLE":
        return _query(Names(spark, args), s, args, kwargs, i)
    return _catalog(spark, s.text, args)


def _script(
    spark: SparkSession, s: Statement, args: Any, kwargs: dict[str, Any]
) -> DataFrame | None:
    """Run `BEGIN … END`: Spark's, if its statements change nothing of ours."""
    names = Names(spark, args)
    for i in range(1, len(s)):
        before, at = s.up(i), i + 1
        if before == "CREATE":
            at += 2 if s.follows(at, "OR", "REPLACE") else 0
        if before not in ("INTO", "OVERWRITE", "UPDATE", "CREATE") and not (
            before == "FROM" and s.up(i - 1) == "DELETE"
        ):
            continue
        if before == "CREATE" and s.up(at) != "TABLE":
            continue
        at += s.up(at) == "TABLE"
        parts = s.parts(at)[0]
        if parts and (full := names.full(parts)) is not None:
            raise error(
                "UNSUPPORTED_FEATURE",
                f"A BEGIN … END block that changes {shown(full)} is not supported here; run its "
                "statements one by one, with Python around them for IF and WHILE.",
            )
    return _query(names, s, args, kwargs)


def _immediate(
    spark: SparkSession, s: Statement, args: Any, kwargs: dict[str, Any]
) -> DataFrame | None:
    """Run `EXECUTE IMMEDIATE text [USING value [AS name], …]` if the text concerns us."""
    if s.up(1) != "IMMEDIATE" or s.find("INTO") > 0:
        return None
    using = s.find("USING")
    end = len(s) if using < 0 else using
    text = str(sql_session.value(spark, s.source(2, end), args))
    by_place: list[Any] = []
    by_name: dict[str, Any] = {}
    first = using + 1 + (s.up(using + 1) == "(") if using > 0 else len(s)
    last = s.closing.get(using + 1, len(s)) if using > 0 else len(s)
    for start, index in s.items(first, last):
        named = s.up(index - 2) == "AS"
        value = sql_session.value(spark, s.source(start, index - 2 if named else index), args)
        if named:
            by_name[s.value(index - 1)] = value
        else:
            by_place.append(value)
    return run(spark, text, by_name or by_place or None)


_Special = Callable[["SparkSession", Statement, Any, dict[str, Any]], "DataFrame | None"]
_SPECIAL: dict[str, _Special] = {
    "EXPLAIN": _explain,
    "CACHE": _cache,
    "UNCACHE": _cache,
    "CREATE": _create,
    "DESCRIBE": _describe,
    "DESC": _describe,
    "BEGIN": _script,
    "EXECUTE": _immediate,
}


def _with_frames(spark: SparkSession, text: str, kwargs: dict[str, Any]) -> str:
    """Return a text with its `{name}`s filled in: frames as views, columns by name, else literals.

    Raises KeyError for a name that was not given, as Spark's own formatter does.
    """
    from pyspark.sql import Column

    s = Statement(text)
    edits = []
    for index, token in enumerate(s.tokens):
        if token.up != "{" or s.up(index + 2) != "}":
            continue
        given = kwargs[s.value(index + 1)]
        if hasattr(given, "createOrReplaceTempView"):
            key = f"frame|{uuid.uuid4().hex}"
            new = sql_session.keep(spark, s.value(index + 1), key, partial(_same, given))
        elif isinstance(given, Column):
            name = str(given)
            name = name[len("Column<'") : -len("'>")] if name.startswith("Column<'") else name
            new = ".".join(quoted(part) for part in split_name(name))
        else:
            new = sql_session.literal(given)
        edits.append((token.start, s.tokens[index + 2].end, new))
    return apply(text, edits, 0, len(text)) if edits else text


def _same(frame: DataFrame) -> DataFrame:
    return frame
