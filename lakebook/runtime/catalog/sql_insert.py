"""INSERT into Delta tables of ours, in all its forms."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lakebook.runtime import files
from lakebook.runtime.catalog import frames, sql_session
from lakebook.runtime.catalog.names import error
from lakebook.runtime.catalog.rewrite import apply, quoted
from lakebook.runtime.catalog.sql_dml import Target, expression, query, syntax, with_values
from lakebook.runtime.catalog.sql_names import Names
from lakebook.runtime.catalog.sql_scan import QUERY_STARTS
from lakebook.runtime.catalog.sql_tokens import NAME, WORD, Statement

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType


@dataclass
class Insert:
    """What an INSERT says, with the places of its parts among the tokens."""

    parts: tuple[str, ...]
    overwrite: bool = False
    evolve: bool = False
    by_name: bool = False
    if_not_exists: bool = False
    columns: list[str] = field(default_factory=list)
    partition: list[tuple[str, str | None]] = field(default_factory=list)
    replace_where: tuple[int, int] | None = None
    replace_using: list[str] = field(default_factory=list)
    query: int = 0


def read_insert(statement: Statement, start: int = 0) -> Insert | None:
    """Return what an INSERT says; None for what only Spark has (`INSERT OVERWRITE DIRECTORY`)."""
    s, i = statement, start + 1
    evolve = s.follows(i, "WITH", "SCHEMA", "EVOLUTION")
    i += 3 if evolve else 0
    overwrite = s.up(i) == "OVERWRITE"
    if s.up(i) not in ("INTO", "OVERWRITE"):
        return None
    i += 1
    i += s.up(i) == "INTO"
    if s.up(i) in ("DIRECTORY", "LOCAL") and s.up(i + 1) != ".":
        return None
    i += s.up(i) == "TABLE" and s.up(i + 1) != "."
    parts, i = s.parts(i)
    said = Insert(parts, overwrite, evolve)
    if s.up(i) == "PARTITION":
        said.partition, i = _partition(s, i + 1)
    if s.follows(i, "IF", "NOT", "EXISTS"):
        said.if_not_exists, i = True, i + 3
    if s.up(i) == "(" and not _is_query(s, i + 1):
        said.columns, i = _columns(s, i)
    if s.follows(i, "BY", "NAME"):
        said.by_name, i = True, i + 2
    if s.follows(i, "REPLACE", "WHERE"):
        end = s.find(tuple(QUERY_STARTS), i + 2)
        end = len(s) if end < 0 else end
        said.replace_where, i = (i + 2, end), end
    elif s.follows(i, "REPLACE", "USING"):
        said.replace_using, i = _columns(s, i + 2)
    said.query = i
    return said


def _columns(s: Statement, opening: int) -> tuple[list[str], int]:
    """Read `(a, b)`; return the names, and the index behind them."""
    found = []
    end = s.closing.get(opening, opening)
    for first, last in s.items(opening + 1, end):
        if last != first + 1 or s.kind(first) not in (WORD, NAME):
            raise syntax(s, first + (s.kind(first) in (WORD, NAME)), "INSERT", "a list of columns")
        found.append(s.value(first))
    return found, end + 1


def _is_query(s: Statement, i: int) -> bool:
    while s.up(i) == "(":
        i += 1
    return s.up(i) in QUERY_STARTS


def _partition(s: Statement, opening: int) -> tuple[list[tuple[str, str | None]], int]:
    """Read `(a = 1, b)`: static parts with their expression, dynamic ones with None."""
    found: list[tuple[str, str | None]] = []
    end = s.closing.get(opening, opening)
    for first, last in s.items(opening + 1, end):
        static = s.up(first + 1) == "="
        if not static and last != first + 1:
            raise syntax(s, first + 1, "INSERT", "'=' or ','")
        found.append((s.value(first), s.source(first + 2, last) if static else None))
    return found, end + 1


def insert(
    names: Names, statement: Statement, said: Insert, to: Target, before: tuple[int, int] = (0, 0)
) -> DataFrame:
    """Write the rows of an INSERT; return how many there were.

    `before` is what stands ahead of INSERT and belongs to the query: common table expressions.
    """
    from lakebook.runtime.delta import log, write
    from lakebook.runtime.delta.snapshot import Snapshot

    if said.query >= len(statement):
        raise syntax(statement, len(statement), "INSERT", "VALUES (…) or a query")
    snapshot = Snapshot.open(to.root)
    rows = _source(names, statement, said, snapshot.schema, before)
    rows = _fitted(names, rows, said, snapshot.schema, to)
    options: dict[str, Any] = {}
    mode = "append"
    if said.evolve or _auto_merge(names.spark):
        options["mergeSchema"] = "true"
    static = [(name, value) for name, value in said.partition if value is not None]
    if said.replace_where:
        mode = "overwrite"
        low, high = said.replace_where
        options["replaceWhere"] = expression(names, names.args, statement, low, high)
    elif said.replace_using:
        mode = "overwrite"
        options["partitionOverwriteMode"] = "dynamic"
        _only_partitions(said.replace_using, snapshot.partition_columns, to)
    elif said.overwrite and static:
        mode = "overwrite"
        options["replaceWhere"] = " AND ".join(
            f"{quoted(name)} <=> {with_values(value, names.args)}" for name, value in static
        )
    elif said.overwrite:
        mode = "overwrite"
        setting = "spark.sql.sources.partitionOverwriteMode"
        options["partitionOverwriteMode"] = names.spark.conf.get(setting, "static")
    version = write.write(rows, to.root, mode, options=options, assign=True, table=to.shown)
    metrics: dict[str, Any] = {}
    for line in log.read_commit(to.root, version):
        metrics |= line.get("commitInfo", {}).get("operationMetrics", {})
    count = int(metrics.get("numOutputRows", 0))
    return frames.rows_frame(
        names.spark, [(count, count)], "num_affected_rows long, num_inserted_rows long"
    )


def _auto_merge(spark: SparkSession) -> bool:
    setting = "spark.databricks.delta.schema.autoMerge.enabled"
    return str(spark.conf.get(setting, "false")).lower() == "true"


def _only_partitions(named: list[str], partitions: list[str], to: Target) -> None:
    if sorted(map(str.lower, named)) != sorted(map(str.lower, partitions)):
        raise error(
            "UNSUPPORTED_FEATURE.REPLACE_USING",
            f"REPLACE USING ({', '.join(named)}) works here for the partition columns of "
            f"{to.shown} only ({', '.join(partitions) or 'it has none'}); use REPLACE WHERE or "
            "MERGE.",
        )


def _source(
    names: Names, s: Statement, said: Insert, schema: StructType, before: tuple[int, int]
) -> DataFrame:
    i = said.query
    if before[1]:
        # Common table expressions ahead of INSERT belong to its query.
        whole = Statement(s.source(*before) + " " + s.source(i, len(s)))
        return query(names, whole, 0)
    if s.up(i) == "VALUES":
        types = {field.name.lower(): field for field in schema.fields}
        order = said.columns or [field.name for field in schema.fields]
        edits = []
        for opening in [k for k in s.outside(i + 1) if s.up(k) == "("]:
            position = 0
            for k in s.outside(opening + 1, s.closing[opening]):
                if s.up(k) == ",":
                    position += 1
                elif s.up(k) == "DEFAULT" and s.up(k - 1) in ("(", ","):
                    found = types.get(order[position].lower()) if position < len(order) else None
                    if found is not None:
                        default = (found.metadata or {}).get("CURRENT_DEFAULT", "NULL")
                        kind = found.dataType.simpleString()
                        token = s.tokens[k]
                        edits.append((token.start, token.end, f"CAST({default} AS {kind})"))
        if edits:
            low, high = s.tokens[i].start, s.tokens[-1].end
            return query(names, Statement(apply(s.text, edits, low, high)), 0)
    return query(names, s, i)


def _fitted(
    names: Names, rows: DataFrame, said: Insert, schema: StructType, to: Target
) -> DataFrame:
    """Return the rows with the table's names for their columns, and text cast as SQL does."""
    from pyspark.sql import functions as F
    from pyspark.sql.types import AtomicType, StringType

    known = {field.name.lower(): field for field in schema.fields}
    static = [(name, value) for name, value in said.partition if value is not None]
    for name in [*said.columns, *(name for name, _ in said.partition)]:
        if name.lower() not in known:
            raise error(
                "UNRESOLVED_COLUMN.WITH_SUGGESTION",
                f"A column with name `{name}` cannot be resolved in {to.shown}. Its columns: "
                f"{', '.join(field.name for field in schema.fields)}.",
            )
    if not said.by_name:
        fixed = {name.lower() for name, _ in static}
        listed = {name.lower() for name, _ in said.partition}
        wanted = said.columns or [
            *(field.name for field in schema.fields if field.name.lower() not in listed),
            *(name for name, _ in said.partition if name.lower() not in fixed),
        ]
        # A statement that may evolve the schema may bring more columns, at the end.
        extra = rows.columns[len(wanted) :] if said.evolve and not said.columns else []
        if len(rows.columns) - len(extra) != len(wanted):
            few = len(rows.columns) < len(wanted)
            raise error(
                f"INSERT_COLUMN_ARITY_MISMATCH.{'NOT_ENOUGH' if few else 'TOO_MANY'}_DATA_COLUMNS",
                f"Cannot write to {to.shown}, the reason is "
                f"{'not enough' if few else 'too many'} data columns: Table columns: "
                f"{', '.join(map(quoted, wanted))}. Data columns: "
                f"{', '.join(map(quoted, rows.columns))}.",
            )
        rows = rows.toDF(*wanted, *extra)
    for name, value in static:
        rows = rows.withColumn(
            known[name.lower()].name, F.expr(with_values(str(value), names.args))
        )
    given = {name.lower() for name in rows.columns}
    columns = []
    for column in rows.schema.fields:
        found = known.get(column.name.lower())
        cell = F.col(quoted(column.name))
        if (
            found is not None
            and isinstance(column.dataType, StringType)
            and isinstance(found.dataType, AtomicType)
            and not isinstance(found.dataType, StringType)
        ):
            cell = cell.cast(found.dataType).alias(column.name)
        columns.append(cell)
    for lowered, absent in known.items():
        default = (absent.metadata or {}).get("CURRENT_DEFAULT")
        if lowered not in given and default:
            columns.append(F.expr(default).cast(absent.dataType).alias(absent.name))
    return rows.select(*columns)


def insert_directory(s: Statement) -> str | None:
    """Return `INSERT OVERWRITE DIRECTORY '/Volumes/…'` with the path as Spark finds it."""
    for index, token in enumerate(s.tokens[:5]):
        if token.up == "DIRECTORY" and s.kind(index + 1) == "string":
            place = s.tokens[index + 1]
            path = s.text[place.start + 1 : place.end - 1]
            there = files.spark_path(path, writing=True)
            if there != path:
                new = sql_session.literal(there)
                return apply(s.text, [(place.start, place.end, new)], 0, len(s.text))
    return None
