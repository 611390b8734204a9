"""Functions of a catalog: in SQL or Python, recorded, and made callable in a session."""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lakebook.runtime.catalog import context, grants, securables, store
from lakebook.runtime.catalog.definition import unsupported
from lakebook.runtime.catalog.frames import nothing
from lakebook.runtime.catalog.names import (
    Name,
    always_quoted,
    checked,
    did_you_mean,
    dotted,
    error,
    shown,
)
from lakebook.runtime.catalog.parse import Reader, literal

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ENDS_OF_RETURNS = (
    "LANGUAGE",
    "DETERMINISTIC",
    "NOT",
    "COMMENT",
    "CONTAINS",
    "READS",
    "SQL",
    "DEFAULT",
    "RETURN",
    "AS",
    "HANDLER",
    "PARAMETER",
    "ENVIRONMENT",
)
# What a definition may say about what Spark finds out itself.
WITHOUT_EFFECT = (
    ("DETERMINISTIC",),
    ("CONTAINS", "SQL"),
    ("READS", "SQL", "DATA"),
    ("SQL", "SECURITY", "DEFINER"),
)


@dataclass(frozen=True)
class Parameter:
    """A parameter of a function; `default` is the text of an expression."""

    name: str
    type: str
    default: str | None = None
    comment: str | None = None


@dataclass(frozen=True)
class Function:
    """A function of a catalog; `body` is the expression, query or Python text behind RETURN or AS.

    `returns` is the text of a type, ``TABLE (…)`` for one that returns a table, and empty if it
    follows from the body. Names in the body mean what they meant in its catalog and schema.
    """

    name: Name
    language: str
    parameters: Sequence[Parameter]
    returns: str
    body: str
    deterministic: bool = True
    comment: str | None = None
    owner: str = ""
    created: int = 0
    catalog: str = "main"
    schema: str = "default"
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def is_table(self) -> bool:
        """Return whether it returns a table, and so stands after FROM."""
        return self.returns.upper().startswith("TABLE")


def create(spark: SparkSession, reader: Reader, *, or_replace: bool) -> DataFrame | None:
    """Carry out CREATE FUNCTION, read up to behind FUNCTION; None if it is Spark's own."""
    if_not_exists = reader.if_not_exists()
    parts = reader.name()
    if reader.follows("AS") or reader.follows("USING"):
        raise unsupported("A function of a Java class", "Write it in SQL or Python.")
    full = context.resolve_object(spark, parts)
    if full is None:
        return None
    name = Name(full.catalog, full.schema, checked(full.name, "function"))
    details = _read(reader)
    details["catalog"], details["schema"] = context.current(spark)
    above = context.require_schema(name.catalog, name.schema)
    old = securables.find(name, "FUNCTION")
    if old and if_not_exists:
        return nothing(spark)
    if old and not or_replace:
        raise _exists(name)
    comment = details.pop("comment")
    by = grants.current_user()
    draft = _function(name, details, comment, by, 0)
    _try_out(spark, draft)
    if old:
        grants.require_manage(old)
        store.change(old.id, by, details=details, comment=comment)
        return nothing(spark)
    grants.require_on(above, "CREATE FUNCTION")
    try:
        store.add(above.id, "FUNCTION", name.name, by, comment, details)
    except store.Exists:
        if not if_not_exists:
            raise _exists(name) from None
    return nothing(spark)


def _exists(name: Name) -> Exception:
    return error(
        "ROUTINE_ALREADY_EXISTS",
        f"Cannot create the function {shown(name)} because a function of that name already exists. "
        "Choose a different name, drop or replace the existing function, or add the IF NOT EXISTS "
        "clause to tolerate a pre-existing function.",
    )


def _read(reader: Reader) -> dict[str, Any]:
    """Read a function from its parameters on; return what the metastore keeps."""
    found: dict[str, Any] = {
        "parameters": _read_parameters(reader),
        "returns": "",
        "language": "SQL",
        "deterministic": True,
        "comment": None,
        "body": "",
    }
    if reader.accept("RETURNS"):
        start = reader.at
        if reader.accept("TABLE"):
            reader.bracket() if reader.follows("(") else None
            found["returns"] = reader.source(start)
        else:
            found["returns"] = reader.until(*ENDS_OF_RETURNS)
    while not reader.done:
        if reader.accept("LANGUAGE"):
            found["language"] = reader.identifier().upper()
        elif reader.accept("COMMENT"):
            found["comment"] = reader.string()
        elif reader.accept("NOT", "DETERMINISTIC"):
            found["deterministic"] = False
        elif any(reader.accept(*words) for words in WITHOUT_EFFECT):
            continue
        elif reader.follows("HANDLER") or reader.follows("PARAMETER"):
            raise unsupported(
                f"{reader.peek().up} of a function", "Use a scalar function in Python."
            )
        elif reader.follows("ENVIRONMENT"):
            raise unsupported("ENVIRONMENT", "Install the packages where Spark's workers run.")
        elif reader.accept("RETURN"):
            found["body"] = reader.rest()
        elif reader.accept("AS"):
            found["body"] = reader.string() if reader.at_string() else reader.rest()
        else:
            reader.fail("RETURN or AS and the body of the function")
    if not found["body"].strip():
        reader.fail("RETURN or AS and the body of the function")
    if found["language"] not in ("SQL", "PYTHON"):
        raise unsupported(f"LANGUAGE {found['language']}", "Write it in SQL or Python.")
    return found


def _read_parameters(reader: Reader) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    reader.expect("(")
    while not reader.accept(")"):
        parameter: dict[str, Any] = {"name": reader.identifier()}
        parameter["type"] = reader.until("DEFAULT", "COMMENT")
        while not reader.follows(",") and not reader.follows(")"):
            if reader.accept("DEFAULT"):
                parameter["default"] = reader.until_outside("COMMENT")
            elif reader.accept("COMMENT"):
                parameter["comment"] = reader.string()
            else:
                reader.fail("',' or ')'")
        found.append(parameter)
        if not reader.accept(",") and not reader.follows(")"):
            reader.fail("',' or ')'")
    return found


def _function(
    name: Name, details: dict[str, Any], comment: str | None, owner: str, created: int
) -> Function:
    return Function(
        name=name,
        language=details["language"],
        parameters=[Parameter(**entry) for entry in details["parameters"]],
        returns=details["returns"],
        body=details["body"],
        deterministic=details["deterministic"],
        comment=comment,
        owner=owner,
        created=created,
        catalog=details.get("catalog", name.catalog),
        schema=details.get("schema", name.schema),
    )


def from_row(row: store.Securable) -> Function:
    """Return the function that a row of the metastore describes."""
    return _function(securables.name_of(row), row.details, row.comment, row.owner, row.created)


def find(name: Name) -> Function | None:
    """Return the function of this name, or None."""
    row = securables.find(name, "FUNCTION")
    return from_row(row) if row else None


def unresolved(name: Name) -> Exception:
    """Return the error for a call of a function that is not there, with the nearest name."""
    rows = store.chain(name.catalog, name.schema, "FUNCTION", None)
    known = [row.name for row in store.children(rows[1].id, "FUNCTION")] if len(rows) > 1 else []
    way_out = f"SHOW USER FUNCTIONS IN {dotted(name[:2])} lists those that exist."
    return error(
        "UNRESOLVED_ROUTINE",
        f"Cannot resolve routine {shown(name)}. "
        f"{did_you_mean(name.name, known, otherwise=way_out)}",
    )


def fingerprint(function: Function) -> str:
    """Return what tells one definition of a function from another."""
    return hashlib.sha256(repr(function).encode()).hexdigest()


def register(spark: SparkSession, name: Name, row: store.Securable | None = None) -> str:
    """Make a function callable in the session; return the quoted name to call it by.

    Raises ROUTINE_NOT_FOUND if there is none, and what Spark says of a wrong body.
    """
    return _offer(spark, from_row(row or securables.require(name, "FUNCTION")))


def _offer(spark: SparkSession, function: Function) -> str:
    # One part that holds dots, so that a column of a result is called as on the platform.
    called, mark = dotted(function.name), fingerprint(function)
    kept: dict[str, str] = spark.__dict__.setdefault("_lakebook_functions", {})
    if kept.get(called) != mark:
        if function.language == "PYTHON":
            _offer_python(spark, function, called)
        else:
            _offer_sql(spark, function, called)
        kept[called] = mark
    return always_quoted(called)


def _try_out(spark: SparkSession, function: Function) -> None:
    """Make the function once, so that a wrong body is refused when it is created."""
    _offer(spark, function)


def _offer_sql(spark: SparkSession, function: Function, called: str) -> None:
    from lakebook.runtime.catalog import sql_session
    from lakebook.runtime.catalog.rewrite import rewrite
    from lakebook.runtime.catalog.sql_names import Names
    from lakebook.runtime.catalog.sql_tokens import Statement

    parameters = ", ".join(
        f"{always_quoted(p.name)} {p.type}" + (f" DEFAULT {p.default}" if p.default else "")
        for p in function.parameters
    )
    returns = f" RETURNS {function.returns}" if function.returns else ""
    # What the body names stands for the newest rows whenever the function is called.
    names = Names(spark, None, (function.catalog, function.schema), (function.name,), live=True)
    body = rewrite(Statement(function.body), names) or function.body
    sql_session.execute(
        spark,
        f"CREATE OR REPLACE TEMPORARY FUNCTION {always_quoted(called)}({parameters}){returns} "
        f"RETURN {body}",
    )


def _offer_python(spark: SparkSession, function: Function, called: str) -> None:
    from pyspark.sql.functions import udf

    if function.is_table:
        raise unsupported("A table function in Python", "Write it in SQL, or use a UDTF.")
    if not function.returns:
        raise error(
            "MISSING_RETURNS", f"The Python function {shown(function.name)} needs RETURNS <type>."
        )
    made = udf(compiled(function), function.returns)
    if not function.deterministic:
        made = made.asNondeterministic()
    spark.udf.register(called, made)


def compiled(function: Function) -> Any:
    """Return the Python function whose body is that of the definition."""
    source = textwrap.dedent(function.body).strip("\n")
    parameters = ", ".join(
        p.name + (f"={_python_default(p)}" if p.default else "") for p in function.parameters
    )
    text = f"def {_python_name(function.name.name)}({parameters}):\n" + textwrap.indent(
        source or "pass", "    "
    )
    space: dict[str, Any] = {"__name__": "__main__"}
    try:
        exec(compile(text, f"<function {dotted(function.name)}>", "exec"), space)
    except SyntaxError as fault:
        raise error(
            "PYTHON_SYNTAX_ERROR",
            f"The body of {shown(function.name)} is not valid Python: {fault.msg} in line "
            f"{(fault.lineno or 2) - 1}: {(fault.text or '').strip()}",
        ) from None
    return space[_python_name(function.name.name)]


def _python_name(name: str) -> str:
    return name if name.isidentifier() else "function"


def _python_default(parameter: Parameter) -> str:
    """Return a default as Python writes it: a number, a string, true, false or null."""
    text = (parameter.default or "").strip()
    words = {"null": "None", "true": "True", "false": "False"}
    if text.lower() in words:
        return words[text.lower()]
    reader = Reader(text)
    if reader.at_string():
        return repr(reader.string())
    try:
        return repr(float(text) if any(c in text.lower() for c in ".e") else int(text))
    except ValueError:
        raise unsupported(
            f"DEFAULT {text} of a parameter of a Python function", "Give a number or a string."
        ) from None


def is_temporary(spark: SparkSession, name: str) -> bool:
    """Return whether a one-part name is a temporary function of the session, or built in."""
    return name.isidentifier() and bool(context.sparks_own(spark, "functionExists", name))


def described(function: Function, extended: bool) -> list[str]:
    """Return the lines of DESCRIBE FUNCTION."""
    pairs = [("Function", str(function.name)), ("Type", "TABLE" if function.is_table else "SCALAR")]
    inputs = [
        f"{p.name} {p.type}" + (f" '{p.comment}'" if p.comment else "") for p in function.parameters
    ] or ["()"]
    pairs += [("Input" if i == 0 else "", text) for i, text in enumerate(inputs)]
    pairs.append(("Returns", function.returns))
    if extended:
        pairs += [
            ("Comment", function.comment or ""),
            ("Deterministic", str(function.deterministic).lower()),
            ("Owner", function.owner),
            ("Language", function.language),
            ("Body", function.body.strip("\n")),
        ]
    width = max(len(key) for key, _ in pairs) + 2
    return [f"{(key + ':' if key else '').ljust(width)}{text}" for key, text in pairs]


def ddl(function: Function) -> str:
    """Return the statement that makes the function."""
    parameters = ", ".join(
        f"{always_quoted(p.name)} {p.type}"
        + (f" DEFAULT {p.default}" if p.default else "")
        + (f" COMMENT {literal(p.comment)}" if p.comment else "")
        for p in function.parameters
    )
    returns = f"\nRETURNS {function.returns}" if function.returns else ""
    comment = f"\nCOMMENT {literal(function.comment)}" if function.comment else ""
    body = (
        f"\nLANGUAGE PYTHON{comment}\nAS $$\n{function.body.strip(chr(10))}\n$$"
        if function.language == "PYTHON"
        else f"{comment}\nRETURN {function.body}"
    )
    return f"CREATE FUNCTION {function.name}({parameters}){returns}{body}"
