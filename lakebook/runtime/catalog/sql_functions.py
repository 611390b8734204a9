"""Functions that a query may name: `read_files`, `table_changes`, and those of the catalog."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakebook.runtime import files
from lakebook.runtime.catalog import grants, sql_session, store, tables
from lakebook.runtime.catalog.names import Name, did_you_mean, error, normal, shown, split
from lakebook.runtime.catalog.sql_scan import Relation
from lakebook.runtime.catalog.sql_tokens import Statement

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lakebook.runtime.catalog.sql_names import Names

# `read_files` adds this column where it finds the columns out itself.
RESCUED = "_rescued_data"
_RESCUING = frozenset(("csv", "json", "parquet", "avro", "xml"))
_BY_ENDING = {
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".parquet": "parquet",
    ".orc": "orc",
    ".avro": "avro",
    ".txt": "text",
    ".xml": "xml",
}


def arguments(
    names: Names, statement: Statement, relation: Relation
) -> tuple[list[Any], dict[str, Any]]:
    """Return the values of a table function's arguments: by place, and by name (lower case)."""
    assert relation.arguments is not None
    low, high = relation.arguments
    by_place: list[Any] = []
    by_name: dict[str, Any] = {}
    for start, index in statement.items(low, high):
        named = statement.up(start + 1) == "=>"
        text = statement.source(start + 2 if named else start, index)
        found = sql_session.value(names.spark, text, names.args)
        if named:
            by_name[statement.value(start).lower()] = found
        else:
            by_place.append(found)
    return by_place, by_name


def read_files(names: Names, statement: Statement, relation: Relation) -> str:
    """Return the temporary view for ``read_files(path, format => …, option => …)``."""
    from lakebook.runtime.catalog.sql_names import stamp

    by_place, options = arguments(names, statement, relation)
    path = by_place[0] if by_place else options.pop("path", None)
    if not isinstance(path, str):
        raise error(
            "CF_EMPTY_PATH", "read_files needs a path: read_files('/Volumes/…', format => 'csv')."
        )
    there = files.spark_path(path)
    kind = str(options.pop("format", None) or _format_of(path, there)).lower()
    schema = options.pop("schema", None)
    hints = options.pop("schemahints", None)
    for name in ("inferschema", "infercolumntypes"):
        if name in options:
            options["inferSchema"] = options.pop(name)
    if schema is None and kind == "csv":
        options.setdefault("inferSchema", True)

    def make() -> DataFrame:
        from pyspark.sql import functions as F

        spark = names.spark
        if kind == "delta":
            return spark.read.format(kind).load(there)
        reader = spark.read.format(kind)
        for key, value in options.items():
            reader = reader.option(key, _text(value))
        if schema is not None:
            return reader.schema(str(schema)).load(there)
        rows = reader.load(there)
        if hints is not None:
            from pyspark.sql.types import StructType

            said = StructType.fromDDL(str(hints))
            assert isinstance(said, StructType)
            hinted = {field.name: field for field in said.fields}
            known = [hinted.pop(field.name, field) for field in rows.schema.fields]
            rows = reader.schema(StructType([*known, *hinted.values()])).load(there)
        if kind in _RESCUING and RESCUED not in rows.columns:
            rows = rows.withColumn(RESCUED, F.lit(None).cast("string"))
        return rows

    key = f"read_files|{kind}|{there}|{schema}|{hints}|{sorted(options.items(), key=str)}|"
    return sql_session.keep(names.spark, f"read_files_{kind}", key + stamp(there), make)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _format_of(path: str, there: str) -> str:
    """Return the format that the endings of the files tell."""
    place = Path(there)
    found = [place] if not place.is_dir() else sorted(place.rglob("*"))
    for file in found:
        endings = [ending for ending in file.suffixes if ending in _BY_ENDING]
        if endings and not file.name.startswith(("_", ".")):
            return _BY_ENDING[endings[-1]]
    raise error(
        "CF_UNABLE_TO_DETECT_FILE_FORMAT",
        f"Unable to detect the source file format of '{path}'; say it with format => 'csv'.",
    )


def changes(names: Names, statement: Statement, relation: Relation) -> str:
    """Return the temporary view for ``table_changes('table', first[, last])``."""
    from lakebook.runtime.delta import changes as feed

    by_place, _ = arguments(names, statement, relation)
    if not 2 <= len(by_place) <= 3:
        raise error(
            "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
            "table_changes takes a table, a first version or time and, if wanted, a last one: "
            "table_changes('catalog.schema.table', 1, 5).",
        )
    text, first, *rest = by_place
    name = names.full(tuple(split(str(text))))
    if name is None:
        raise error("DELTA_MISSING_CHANGE_DATA", f"'{text}' is no Delta table of a catalog here.")
    table = tables.require_table(name)
    grants.require(names.spark, name, "SELECT")
    if table.format != "delta" or table.location is None:
        raise error("DELTA_TABLE_NOT_FOUND", f"{shown(name)} is no Delta table.")
    root = table.location
    last = rest[0] if rest else None
    newest = names.snapshot(root)

    def make() -> DataFrame:
        options: dict[str, Any] = {}
        for side, value in (("starting", first), ("ending", last)):
            if value is not None:
                options[side + ("Version" if isinstance(value, int) else "Timestamp")] = value
        return feed.frame(names.spark, root, options)

    key = f"changes|{root}|{newest.id}|{newest.version}|{first!r}|{last!r}"
    return sql_session.keep(names.spark, name.name, key, make)


def registered(names: Names, parts: tuple[str, ...]) -> str | None:
    """Return the temporary function that stands for a function of the catalog, None if it is not.

    A function that Spark has itself wins over one of the catalog that is named without a schema.
    """
    from lakebook.runtime.catalog import context, routines

    if len(parts) > 3:
        return None
    spark = names.spark
    catalog, schema = names.place or context.current(spark)
    full = Name(*(*((catalog, schema)[: 3 - len(parts)]), *parts))
    full = Name(*map(normal, full))
    if full.catalog in context.SPARKS_OWN:
        return None
    found = store.chain(full.catalog, full.schema, "FUNCTION", full.name)
    if len(found) < 3:
        # Spark would only say that the name has too many parts.
        if len(parts) == 3 and found:
            raise routines.unresolved(full)
        return None
    if len(parts) == 1 and context.sparks_own(spark, "functionExists", parts[0]):
        return None
    if not names.inside:
        grants.require(spark, full, "EXECUTE")
    return routines.register(spark, full, found[2])


def _no_function(name: Name, schema: int) -> Exception:
    known = [row.name for row in store.children(schema, "FUNCTION")]
    way_out = "SHOW USER FUNCTIONS lists those of a schema."
    return error(
        "UNRESOLVED_ROUTINE",
        f"Cannot resolve routine {shown(name)}. "
        f"{did_you_mean(name.name, known, otherwise=way_out)}",
    )
