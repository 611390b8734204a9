"""OPTIMIZE, VACUUM, RESTORE and DESCRIBE HISTORY on Delta tables of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakebook.runtime.catalog import grants, sql_session, tables
from lakebook.runtime.catalog.names import error, shown
from lakebook.runtime.catalog.sql_dml import Target, expression, target
from lakebook.runtime.catalog.sql_names import Names, is_path, root_of
from lakebook.runtime.catalog.sql_tokens import STRING, Statement

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def _named(names: Names, s: Statement, i: int) -> tuple[Target | None, int]:
    """Return the table at an index, by name or as the path in quotes that VACUUM allows."""
    if s.kind(i) == STRING:
        path = str(sql_session.value(names.spark, s.source(i, i + 1)))
        return target(names, ("delta", path)), i + 1
    parts, after = s.parts(i)
    return target(names, parts), after


def _unexpected(s: Statement, i: int, statement: str, forms: str) -> Exception:
    return error(
        "PARSE_SYNTAX_ERROR",
        f"Syntax error at or near '{s.source(i, len(s))}' in {statement}; it knows {forms}.",
    )


def optimize(names: Names, s: Statement) -> DataFrame | None:
    """Run `OPTIMIZE t [FULL] [WHERE …] [ZORDER BY (…)]`; return path and metrics."""
    from lakebook.runtime.delta import maintenance

    to, i = _named(names, s, 1)
    if to is None:
        return None
    i += s.up(i) == "FULL"
    where: list[str] = []
    order = s.find("ZORDER", i)
    if s.up(i) == "WHERE":
        end = len(s) if order < 0 else order
        where.append(expression(names, names.args, s, i + 1, end))
        i = end
    if order >= 0 and i == order and s.up(i + 1) == "BY":
        i += 2
        opening = s.up(i) == "("
        stop = s.closing[i] if opening else len(s)
        columns = [".".join(s.parts(k)[0]) for k, _ in s.items(i + opening, stop)]
        if stop + opening < len(s):
            raise _unexpected(s, stop + opening, "OPTIMIZE", "WHERE and ZORDER BY (…)")
        return maintenance.optimize(names.spark, to.root, where, columns)
    if i < len(s):
        raise _unexpected(s, i, "OPTIMIZE", "WHERE and ZORDER BY (…)")
    return maintenance.optimize(names.spark, to.root, where)


def vacuum(names: Names, s: Statement) -> DataFrame | None:
    """Run `VACUUM t [LITE | FULL] [RETAIN n HOURS] [DRY RUN]`; return the path, or its files."""
    from lakebook.runtime.catalog.frames import rows_frame
    from lakebook.runtime.delta import maintenance

    to, i = _named(names, s, 1)
    if to is None:
        return None
    hours: float | None = None
    dry = False
    while i < len(s):
        if s.up(i) in ("FULL", "LITE"):
            i += 1
        elif s.up(i) == "RETAIN" and s.up(i + 2) in ("HOURS", "HOUR"):
            hours = float(s.value(i + 1))
            i += 3
        elif s.follows(i, "DRY", "RUN"):
            dry = True
            i += 2
        else:
            raise _unexpected(s, i, "VACUUM", "RETAIN n HOURS and DRY RUN")
    found = maintenance.vacuum(names.spark, to.root, hours, dry_run=dry)
    return found if dry else rows_frame(names.spark, [(to.root,)], "path string")


def restore(names: Names, s: Statement) -> DataFrame | None:
    """Run `RESTORE [TABLE] t [TO] {VERSION | TIMESTAMP} AS OF …`; return its metrics."""
    from lakebook.runtime.delta import maintenance

    i = 1 + (s.up(1) == "TABLE" and s.up(2) != ".")
    to, i = _named(names, s, i)
    if to is None:
        return None
    i += s.up(i) == "TO"
    if s.follows(i, "VERSION", "AS", "OF"):
        version = sql_session.value(names.spark, s.source(i + 3, len(s)), names.args)
        return maintenance.restore(names.spark, to.root, version=int(version))
    if s.follows(i, "TIMESTAMP", "AS", "OF"):
        when = sql_session.moment(names.spark, s.source(i + 3, len(s)), names.args)
        return maintenance.restore(names.spark, to.root, timestamp=when)
    raise _unexpected(s, i, "RESTORE", "VERSION AS OF n and TIMESTAMP AS OF '…'")


def history(names: Names, s: Statement) -> DataFrame | None:
    """Run `DESCRIBE HISTORY t [LIMIT n]`; None if the table is Spark's own."""
    from lakebook.runtime.delta import maintenance

    i = 2
    if s.kind(i) == STRING:
        root, i = root_of(str(sql_session.value(names.spark, s.source(i, i + 1)))), i + 1
    else:
        parts, i = s.parts(i)
        found = _readable(names, parts)
        if found is None:
            return None
        root = found
    limit = None
    if s.up(i) == "LIMIT" and i + 1 < len(s):
        limit, i = int(sql_session.value(names.spark, s.source(i + 1, len(s)), names.args)), len(s)
    if i < len(s):
        raise _unexpected(s, i, "DESCRIBE HISTORY", "LIMIT n")
    return maintenance.history(names.spark, root, limit)


def _readable(names: Names, parts: tuple[str, ...]) -> str | None:
    if is_path(parts):
        return root_of(parts[1]) if parts[0].lower() == "delta" else None
    name = names.full(parts)
    if name is None:
        return None
    table = tables.require_table(name)
    grants.require(names.spark, name, "SELECT")
    if table.format != "delta" or table.location is None:
        raise error(
            "DELTA_TABLE_ONLY_OPERATION",
            f"{shown(name)} is not a Delta table. DESCRIBE HISTORY is only supported for Delta "
            "tables.",
        )
    return table.location
