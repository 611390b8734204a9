"""SHOW: catalogs, schemas, tables, views, volumes, columns, properties, partitions, functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from lakebook.runtime.catalog import (
    constraints,
    context,
    grants,
    metadata,
    permissions,
    routines,
    securables,
    store,
    tables,
)
from lakebook.runtime.catalog.definition import column_sql, unsupported
from lakebook.runtime.catalog.frames import rows_frame
from lakebook.runtime.catalog.names import always_quoted, error, shown
from lakebook.runtime.catalog.parse import Reader, literal
from lakebook.runtime.catalog.tables import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

SPARKS = "spark_catalog"  # how Spark calls the catalog that comes with a session


def show(spark: SparkSession, reader: Reader) -> DataFrame | None:
    """Carry out SHOW, read up to behind its first word; None if it is about Spark's own."""
    for words, action in _ACTIONS:
        if reader.accept(*words):
            return action(spark, reader)
    return None


def matches(name: str, pattern: str | None) -> bool:
    """Return whether a name fits a pattern of SHOW: ``*`` is anything, ``|`` separates choices."""
    if pattern is None:
        return True
    for choice in pattern.split("|"):
        try:
            if re.fullmatch(choice.strip().replace("*", ".*"), name, re.IGNORECASE):
                return True
        except re.error:
            continue
    return False


def _pattern(reader: Reader) -> str | None:
    """Read ``[LIKE] 'pattern'``, and the end of the statement."""
    liked = reader.accept("LIKE") or reader.accept("ILIKE")
    pattern = reader.string() if liked else reader.optional_string()
    reader.finish()
    return pattern


def _schema(spark: SparkSession, reader: Reader) -> tuple[str, str]:
    """Read ``[IN schema]``; return catalog and schema, of Spark's own as Spark names it."""
    if reader.one_of("IN", "FROM"):
        parts = reader.name()
        found = context.resolve_schema(spark, parts)
        place = found if found is not None else (SPARKS, parts[-1])
    else:
        place = context.current(spark)
        if place[0] in context.SPARKS_OWN:
            place = (SPARKS, place[1])
    if place[0] != SPARKS and place[1] != context.INFORMATION_SCHEMA:
        context.require_schema(*place)
    return place


def _sparks(spark: SparkSession, what: str, schema: str, pattern: str | None) -> DataFrame:
    """Return Spark's own list of tables or views, without the views of this package."""
    from pyspark.sql import functions as F

    above = "" if schema in context.TEMPORARY else f"{SPARKS}."
    like = f" LIKE {literal(pattern)}" if pattern else ""
    text = f"SHOW {what} IN {above}{always_quoted(schema)}{like}"
    found = context.plain_sql(spark, text)
    return found.filter(~F.startswith(F.col(found.columns[1]), F.lit(context.HIDDEN)))


def _catalogs(spark: SparkSession, reader: Reader) -> DataFrame:
    pattern = _pattern(reader)
    rows = [row.name for row in store.children(store.ROOT, "CATALOG") if grants.visible(row)]
    found = sorted([*rows, "hive_metastore"])
    return rows_frame(spark, [(n,) for n in found if matches(n, pattern)], "catalog STRING")


def _schemas(spark: SparkSession, reader: Reader) -> DataFrame | None:
    if reader.one_of("IN", "FROM"):
        parts = reader.name()
        if len(parts) != 1:
            raise error("INVALID_CATALOG_NAME", f"'{'.'.join(parts)}' is no name of a catalog.")
        catalog = parts[0].lower()
    else:
        catalog = context.current(spark)[0]
    if catalog in context.SPARKS_OWN:
        pattern = _pattern(reader)
        like = f" LIKE {literal(pattern)}" if pattern else ""
        return context.plain_sql(spark, f"SHOW SCHEMAS IN spark_catalog{like}").toDF("databaseName")
    pattern = _pattern(reader)
    names = [row.name for row in securables.visible_schemas(catalog)]
    found = sorted([*names, context.INFORMATION_SCHEMA])
    return rows_frame(spark, [(n,) for n in found if matches(n, pattern)], "databaseName STRING")


def _listed(spark: SparkSession, place: tuple[str, str]) -> list[Table]:
    if place[1] == context.INFORMATION_SCHEMA:
        context.require_catalog(place[0])
        return []
    return tables.listed(*place)


def _information_tables(place: tuple[str, str]) -> list[str]:
    from lakebook.runtime.catalog import information

    return sorted(information.RELATIONS) if place[1] == context.INFORMATION_SCHEMA else []


def _tables(spark: SparkSession, reader: Reader) -> DataFrame:
    place = _schema(spark, reader)
    pattern = _pattern(reader)
    if place[0] == SPARKS:
        found = _sparks(spark, "TABLES", place[1], pattern)
        return found.toDF("database", "tableName", "isTemporary")
    rows: list[Sequence[Any]] = [
        (place[1], name, False)
        for name in [t.name.name for t in _listed(spark, place)] + _information_tables(place)
    ]
    rows += [("", name, True) for name in context.temporary_views(spark)]
    shown_rows = [row for row in rows if matches(row[1], pattern)]
    return rows_frame(spark, shown_rows, "database STRING, tableName STRING, isTemporary BOOLEAN")


def _table_extended(spark: SparkSession, reader: Reader) -> DataFrame | None:
    from lakebook.runtime.catalog import describe

    place = _schema(spark, reader)
    if place[0] == SPARKS:
        return None
    if not reader.follows("LIKE"):
        reader.fail("LIKE and a pattern")
    pattern = _pattern(reader)
    rows = []
    for table in _listed(spark, place):
        if matches(table.name.name, pattern):
            details = describe.details(table)
            text = "".join(f"{key}: {value}\n" for key, value in details if value)
            rows.append((place[1], table.name.name, False, text))
    columns = "database STRING, tableName STRING, isTemporary BOOLEAN, information STRING"
    return rows_frame(spark, rows, columns)


def _views(spark: SparkSession, reader: Reader) -> DataFrame:
    place = _schema(spark, reader)
    pattern = _pattern(reader)
    if place[0] == SPARKS:
        return _sparks(spark, "VIEWS", place[1], pattern)
    rows: list[Sequence[Any]] = [
        (place[1], table.name.name, False)
        for table in _listed(spark, place)
        if table.kind == "VIEW"
    ]
    rows += [("", name, True) for name in context.temporary_views(spark)]
    shown_rows = [row for row in rows if matches(row[1], pattern)]
    return rows_frame(spark, shown_rows, "namespace STRING, viewName STRING, isTemporary BOOLEAN")


def _volumes(spark: SparkSession, reader: Reader) -> DataFrame:
    place = _schema(spark, reader)
    if place[0] == SPARKS:
        raise unsupported("SHOW VOLUMES of hive_metastore", "Volumes lie in catalogs such as main.")
    pattern = _pattern(reader)
    rows = [
        (place[1], row.name)
        for row in securables.visible_children(*place, "VOLUME")
        if matches(row.name, pattern)
    ]
    return rows_frame(spark, rows, "database STRING, volumeName STRING")


def _table(spark: SparkSession, parts: Sequence[str], privilege: str = "SELECT") -> Table | None:
    """Return the table that is named, if the principal may read it; None if it is Spark's own."""
    if place := tables.at_path(parts):
        return place
    full = context.resolve(spark, parts)
    if full is None:
        return None
    table = tables.require_table(full)
    assert table.row is not None
    if not grants.visible(table.row):
        grants.require(spark, full, privilege)
    return table


def _columns(spark: SparkSession, reader: Reader) -> DataFrame | None:
    reader.one_of("IN", "FROM") or reader.fail("IN")
    parts = reader.name()
    if reader.one_of("IN", "FROM"):
        parts = [*reader.name(), parts[-1]]
    reader.finish()
    table = _table(spark, parts)
    if table is None:
        return None
    names = metadata.schema_of(spark, table).names
    return rows_frame(spark, [(name,) for name in names], "col_name STRING")


def _properties(spark: SparkSession, reader: Reader) -> DataFrame | None:
    table = _table(spark, reader.name())
    if table is None:
        return None
    key = None
    if reader.accept("("):
        key = reader.key()
        reader.expect(")")
    reader.finish()
    properties = metadata.properties_of(table)
    if key is None:
        rows = sorted({**_protocol(table), **properties}.items())
    else:
        missing = f"Table {table.name} does not have property: {key}"
        rows = [(key, properties.get(key, _protocol(table).get(key, missing)))]
    return rows_frame(spark, rows, "key STRING, value STRING")


def _protocol(table: Table) -> dict[str, str]:
    from lakebook.runtime.delta.snapshot import Snapshot

    if table.format != "delta" or not table.location:
        return {}
    protocol = Snapshot.open(table.location).protocol()
    names = ("minReaderVersion", "minWriterVersion")
    return {f"delta.{name}": str(protocol[name]) for name in names}


def _create_table(spark: SparkSession, reader: Reader) -> DataFrame | None:
    table = _table(spark, reader.name())
    if table is None:
        return None
    reader.accept("AS", "SERDE")
    reader.finish()
    return rows_frame(spark, [(create_statement(spark, table),)], "createtab_stmt STRING")


def create_statement(spark: SparkSession, table: Table) -> str:
    """Return the statement that makes a table or view like this one."""
    from lakebook.runtime.delta.snapshot import Snapshot

    schema = metadata.schema_of(spark, table)
    if table.kind == "VIEW":
        names = [
            always_quoted(field.name)
            + (f" COMMENT {literal(c)}" if (c := (field.metadata or {}).get("comment")) else "")
            for field in schema.fields
        ]
        clauses = _clauses(table, None, dict(table.properties))
        listed = ",\n  ".join(names)
        return "\n".join(
            [f"CREATE VIEW {table.name} (\n  {listed})", *clauses, f"AS {table.view_text}"]
        )
    lines = [column_sql(field) for field in schema.fields]
    lines += [f"CONSTRAINT {always_quoted(k.name)} {k.sql()}" for k in constraints.keys(table)]
    properties = metadata.properties_of(table)
    partitions = list(table.partition_by)
    if table.format == "delta" and table.location:
        partitions = Snapshot.open(table.location).partition_columns
        properties = {**properties, **_protocol(table)}
    columns = ",\n  ".join(lines)
    clauses = [f"CREATE TABLE {table.name} (\n  {columns})", f"USING {table.format}"]
    if table.options:
        pairs = ",\n  ".join(f"{literal(k)} = {literal(v)}" for k, v in table.options.items())
        clauses.append(f"OPTIONS (\n  {pairs})")
    if partitions:
        clauses.append(f"PARTITIONED BY ({', '.join(partitions)})")
    if table.cluster_by:
        clauses.append(f"CLUSTER BY ({', '.join(table.cluster_by)})")
    location = table.location if table.kind == "EXTERNAL" else None
    return "\n".join([*clauses, *_clauses(table, location, properties)])


def _clauses(table: Table, location: str | None, properties: dict[str, str]) -> list[str]:
    found = []
    if table.comment:
        found.append(f"COMMENT {literal(table.comment)}")
    if location:
        found.append(f"LOCATION {literal('file:' + location)}")
    if properties:
        pairs = ",\n  ".join(f"{literal(k)} = {literal(v)}" for k, v in sorted(properties.items()))
        found.append(f"TBLPROPERTIES (\n  {pairs})")
    return found


def _partitions(spark: SparkSession, reader: Reader) -> DataFrame | None:
    from pyspark.sql import functions as F

    from lakebook.runtime.delta.snapshot import Snapshot

    table = _table(spark, reader.name())
    if table is None:
        return None
    wanted = {}
    if reader.accept("PARTITION"):
        wanted = {key.lower(): value for key, value in reader.properties().items()}
    reader.finish()
    snapshot = Snapshot.open(metadata.delta_root(table))
    columns = snapshot.partition_columns
    if not columns:
        raise error(
            "DELTA_SHOW_PARTITION_IN_NON_PARTITIONED_TABLE",
            f"SHOW PARTITIONS is not allowed on a table that is not partitioned: "
            f"{shown(table.name)}.",
        )
    values = {
        tuple(file.partition_values.get(column) for column in columns)
        for file in snapshot.files()
        if all(
            file.partition_values.get(column) == wanted[column.lower()]
            for column in columns
            if column.lower() in wanted
        )
    }
    text = ", ".join(f"{always_quoted(column)} STRING" for column in columns)
    frame = rows_frame(spark, sorted(values, key=lambda row: [v or "" for v in row]), text)
    kinds = {field.name: field.dataType for field in snapshot.schema.fields}
    return frame.select(
        *[F.col(always_quoted(column)).cast(kinds[column]).alias(column) for column in columns]
    )


def _functions(scope: str) -> Callable[[SparkSession, Reader], DataFrame | None]:
    def functions(spark: SparkSession, reader: Reader) -> DataFrame | None:
        place = _schema(spark, reader)
        if place[0] == SPARKS:
            return None
        if not reader.accept("LIKE") and reader.peek().kind in ("word", "name"):
            pattern: str | None = ".".join(reader.name())
            reader.finish()
        else:
            pattern = reader.optional_string()
            reader.finish()
        ours = []
        if scope != "SYSTEM":
            ours = [
                str(securables.name_of(row))
                for row in securables.visible_children(*place, "FUNCTION")
                if matches(row.name, pattern)
            ]
        if scope != "USER":
            ours = sorted(ours + _built_in(spark, pattern))
        return rows_frame(spark, [(name,) for name in ours], "function STRING")

    return functions


def _built_in(spark: SparkSession, pattern: str | None) -> list[str]:
    like = f" LIKE {literal(pattern)}" if pattern else ""
    rows = context.plain_sql(spark, f"SHOW SYSTEM FUNCTIONS{like}").collect()
    return [row[0] for row in rows]


def _create_function(spark: SparkSession, reader: Reader) -> DataFrame | None:
    row = securables.locate(spark, "FUNCTION", reader.name())
    reader.finish()
    if row is None:
        return None
    text = routines.ddl(routines.from_row(row))
    return rows_frame(spark, [(text,)], "createfunc_stmt STRING")


def _current(spark: SparkSession, reader: Reader) -> DataFrame:
    reader.finish()
    return rows_frame(spark, [context.current(spark)], "catalog STRING, namespace STRING")


_Action = Callable[["SparkSession", Reader], "DataFrame | None"]
_ACTIONS: tuple[tuple[tuple[str, ...], _Action], ...] = (
    (("CATALOGS",), _catalogs),
    (("SCHEMAS",), _schemas),
    (("DATABASES",), _schemas),
    (("NAMESPACES",), _schemas),
    (("TABLES",), _tables),
    (("TABLE", "EXTENDED"), _table_extended),
    (("VIEWS",), _views),
    (("VOLUMES",), _volumes),
    (("COLUMNS",), _columns),
    (("TBLPROPERTIES",), _properties),
    (("CREATE", "TABLE"), _create_table),
    (("CREATE", "VIEW"), _create_table),
    (("CREATE", "FUNCTION"), _create_function),
    (("PARTITIONS",), _partitions),
    (("GRANTS",), permissions.show),
    (("GRANT",), permissions.show),
    (("USER", "FUNCTIONS"), _functions("USER")),
    (("ALL", "FUNCTIONS"), _functions("ALL")),
    (("SYSTEM", "FUNCTIONS"), _functions("SYSTEM")),
    (("FUNCTIONS",), _functions("ALL")),
    (("CURRENT", "SCHEMA"), _current),
    (("CURRENT", "DATABASE"), _current),
    (("CURRENT", "NAMESPACE"), _current),
)
