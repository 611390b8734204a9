"""What the SQL of this package asks of Spark, and the frames that it keeps by name."""

from __future__ import annotations

import datetime as dt
import decimal
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lakebook.runtime.catalog.names import error

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# Temporary views of this package; lists of tables leave out what begins so.
PREFIX = "__lakebook_"
# Of a table that changes all the time, views of this many versions stay.
VERSIONS = 24


@dataclass
class Kept:
    """The temporary views of a session; several Python objects may stand for one session.

    `views` gives the view of a key, `newest` that of a table's folder with the version it shows,
    `versions` those of a table's folder in their order; `no_views` names known to be none.
    """

    views: dict[str, str] = field(default_factory=dict)
    newest: dict[str, tuple[str, str]] = field(default_factory=dict)
    versions: dict[str, list[str]] = field(default_factory=dict)
    no_views: set[str] = field(default_factory=set)


def _kept(spark: SparkSession) -> Kept:
    from lakebook.runtime.catalog import context

    found: Kept = vars(context.state_of(spark)).setdefault("sql", Kept())
    return found


def execute(spark: SparkSession, text: str, args: Any = None, **kwargs: Any) -> DataFrame:
    """Run a text by Spark's own `sql`, past the one that this package puts in its place."""
    from lakebook.runtime import surface

    return surface.spark_sql(spark, text, args, **kwargs)


def keep(spark: SparkSession, label: str, key: str, make: Callable[[], DataFrame]) -> str:
    """Return the name of a temporary view for what `make` makes; it is made once for each key."""
    return _keep(spark, label, key, lambda name: make().createOrReplaceTempView(name))


def keep_text(spark: SparkSession, label: str, columns: str, text: str) -> str:
    """Return the name of a temporary view of a query, which Spark reads again at each use."""

    def make(name: str) -> None:
        execute(spark, f"CREATE OR REPLACE TEMPORARY VIEW {name}{columns} AS {text}")

    return _keep(spark, label, f"view|{columns}|{text}", make)


def _keep(spark: SparkSession, label: str, key: str, make: Callable[[str], object]) -> str:
    views = _kept(spark).views
    if key not in views:
        name = _name(label, key)
        make(name)
        views[key] = name
    return views[key]


def keep_version(
    spark: SparkSession, label: str, root: str, key: str, make: Callable[[], DataFrame]
) -> str:
    """Return the name of a temporary view for a version of the table at `root`, as `keep` does.

    Those of versions long past are dropped, so that a session may query a table after each of
    thousands of commits. Not over Spark Connect, where a frame is analysed only when it is used.
    """
    name = keep(spark, label, key, make)
    order = _kept(spark).versions.setdefault(root, [])
    if key not in order:
        order.append(key)
    if len(order) > VERSIONS and hasattr(spark, "_jsparkSession"):
        past = order.pop(0)
        if view := _kept(spark).views.pop(past, None):
            spark._jsparkSession.sessionState().catalog().dropTempView(view)
    return name


def _name(label: str, key: str) -> str:
    plain = re.sub(r"\W", "_", label, flags=re.ASCII)[:40]
    return f"{PREFIX}{plain}_{hashlib.sha1(key.encode()).hexdigest()[:16]}"


def is_temporary_view(spark: SparkSession, name: str, table: bool = False) -> bool:
    """Return whether a one-part name is a temporary view of this session.

    `table` says that it is a table of ours; that it is nothing else is then remembered.
    """
    from pyspark.errors import AnalysisException

    from lakebook.runtime.catalog import context
    from lakebook.runtime.patching import original

    if hasattr(spark, "_jsparkSession"):
        return context.is_temporary_view(spark, name)
    _watch()
    none = _kept(spark).no_views
    if name.lower() in none:
        return False
    # Over Connect a list of views costs 200 ms, the answer that a name is not known 30 ms.
    try:
        _ = original(type(spark), "table")(spark, f"`{name.replace('`', '``')}`").schema
    except AnalysisException:
        found = False
    else:
        found = context.is_temporary_view(spark, name)
    if table and not found:
        none.add(name.lower())
    return found


def forget(spark: SparkSession) -> None:
    """Ask anew which names are temporary views: a statement may have made one."""
    _kept(spark).no_views.clear()


def _watch() -> None:
    """Let the methods of Connect's frames that make a temporary view say so."""
    from lakebook.runtime.patching import Method, classes, replace

    def make(before: Method) -> Method:
        def create(self: Any, name: str) -> None:
            before(self, name)
            if not name.startswith(PREFIX):
                forget(self.sparkSession)

        return create

    for cls in classes("pyspark.sql.connect.dataframe:DataFrame"):
        for method in ("createTempView", "createOrReplaceTempView"):
            replace(cls, method, make)


def keep_live(spark: SparkSession, label: str, root: str) -> str:
    """Return the name of a temporary view for the newest version of the table at `root`.

    A temporary view of the reader's is text that names this one, so it goes on showing the newest
    rows if `refresh` is called before it is used.
    """
    live = _kept(spark).newest
    if root not in live:
        live[root] = (_name(label, f"newest|{root}"), "")
    refresh(spark, root)
    return live[root][0]


def refresh(spark: SparkSession, *roots: str) -> None:
    """Let the views that show the newest version of a table do so; all of them if none is named."""
    live = _kept(spark).newest
    if not live:
        return
    from lakebook.runtime.delta.read import frame
    from lakebook.runtime.delta.snapshot import Snapshot, is_delta

    for root in roots or tuple(live):
        name, shown = live[root]
        if not is_delta(root):
            continue  # dropped; what still names it says so when it is read
        snapshot = Snapshot.open(root)
        now = f"{snapshot.id}|{snapshot.version}"
        if now != shown:
            frame(spark, snapshot).createOrReplaceTempView(name)
            live[root] = (name, now)


def value(spark: SparkSession, expression: str, args: Any = None) -> Any:
    """Return the value of a constant expression, computed by Spark."""
    plain = expression.strip()
    if re.fullmatch(r"\d+", plain):
        return int(plain)
    if re.fullmatch(r"'[^'\\]*'|\"[^\"\\]*\"", plain):
        return plain[1:-1]
    named = args if isinstance(args, Mapping) else None
    return execute(spark, f"SELECT {expression} AS value", named).collect()[0][0]


def moment(spark: SparkSession, expression: str, args: Any = None) -> dt.datetime:
    """Return the time that a constant expression means in the session's time zone."""
    ms = value(spark, f"unix_millis(CAST({expression} AS TIMESTAMP))", args)
    if ms is None:
        raise error(
            "INVALID_TIME_TRAVEL_TIMESTAMP_EXPR.INPUT",
            f"{expression} is no time; write for example TIMESTAMP AS OF '2026-01-31 12:00:00'.",
        )
    return dt.datetime.fromtimestamp(ms / 1000, tz=dt.UTC)


def literal(value: Any) -> str:
    """Return a Python value as a literal of Spark SQL.

    Raises the error INVALID_SQL_ARG for a value that has none.
    """
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return f"{value}" if abs(value) < 2**31 else f"{value}L"
    if isinstance(value, float):
        return f"DOUBLE('{value!r}')"
    if isinstance(value, decimal.Decimal):
        return f"{value:f}BD"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{escaped}'"
    if isinstance(value, (bytes, bytearray)):
        return f"X'{bytes(value).hex()}'"
    if isinstance(value, dt.datetime):
        return f"TIMESTAMP'{value.isoformat(sep=' ')}'"
    if isinstance(value, dt.date):
        return f"DATE'{value.isoformat()}'"
    if isinstance(value, Mapping):
        inside = (f"{literal(key)}, {literal(item)}" for key, item in value.items())
        return f"map({', '.join(inside)})"
    if isinstance(value, (list, tuple)):
        return f"array({', '.join(map(literal, value))})"
    raise error(
        "INVALID_SQL_ARG",
        f"A parameter is a {type(value).__name__}, which has no SQL literal; pass text, a number, "
        "a date, a time, a list or a dictionary of them.",
    )
