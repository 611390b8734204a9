"""ALTER TABLE of columns: added, commented, moved, made NOT NULL; what Delta refuses by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lakebook.runtime.catalog import constraints, grants, metadata, store, tags
from lakebook.runtime.catalog.definition import (
    ColumnDefinition,
    find_column,
    read_column,
    schema_of,
    type_of,
    unsupported,
)
from lakebook.runtime.catalog.names import error, normal, shown
from lakebook.runtime.catalog.parse import Reader
from lakebook.runtime.catalog.tables import Table

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

    from lakebook.runtime.delta.snapshot import Snapshot


def add_columns(spark: SparkSession, reader: Reader, table: Table) -> None:
    if reader.accept("("):
        columns = [read_column(reader)]
        while reader.accept(","):
            columns.append(read_column(reader))
        reader.expect(")")
    else:
        columns = [read_column(reader)]
        while reader.accept(","):
            columns.append(read_column(reader))
    snapshot = metadata.snapshot_of(table)
    schema = snapshot.schema
    for column in columns:
        if not column.nullable:
            raise error(
                "DELTA_ADD_COLUMN_NOT_NULL",
                f"Column `{column.name}` cannot be added as NOT NULL: the rows that are there have "
                "no value for it. Add it without, fill it by UPDATE, then ALTER COLUMN "
                f"{column.name} SET NOT NULL.",
            )
        schema = _with_column(table, schema, column, column.path)
    described = [{"column": _column_json(column)} for column in columns]
    metadata.commit(table, snapshot, "ADD COLUMNS", {"columns": described}, schema=schema)


def _column_json(column: ColumnDefinition) -> dict[str, Any]:
    field = schema_of([column]).fields[0]
    return dict(field.jsonValue())


def _with_column(
    table: Table, schema: StructType, column: ColumnDefinition, path: Sequence[str]
) -> StructType:
    """Return the schema with one more column, or one more field of a struct."""
    from pyspark.sql.types import StructField, StructType

    fields = list(schema.fields)
    if len(path) > 1:
        outer = find_column(schema, path[0])
        if not isinstance(outer.dataType, StructType):
            raise error(
                "DELTA_ADD_COLUMN_PARENT_NOT_STRUCT",
                f"Cannot add {column.name} because its parent is not a struct type. Found "
                f"{outer.dataType.simpleString()}.",
            )
        inner = _with_column(table, outer.dataType, column, path[1:])
        new = StructField(outer.name, inner, outer.nullable, outer.metadata)
        return StructType([new if field is outer else field for field in fields])
    if any(field.name.lower() == path[0].lower() for field in fields):
        raise error(
            "FIELD_ALREADY_EXISTS",
            f"Cannot add column, because `{column.name}` already exists in "
            f"{schema.simpleString()}. ALTER COLUMN changes it.",
        )
    made = schema_of([replace(column, path=list(path))]).fields[0]
    return StructType(_placed(fields, made, schema, column))


def _placed(
    fields: list[Any], made: Any, schema: StructType, column: ColumnDefinition
) -> list[Any]:
    if column.first:
        return [made, *fields]
    if column.after:
        index = fields.index(find_column(schema, column.after))
        return [*fields[: index + 1], made, *fields[index + 1 :]]
    return [*fields, made]


def drop_columns(spark: SparkSession, reader: Reader, table: Table) -> None:
    if_exists = reader.if_exists()
    columns = reader.identifiers() if reader.follows("(") else [".".join(reader.name())]
    schema = metadata.schema_of(spark, table)
    known = {field.name.lower() for field in schema.fields}
    metadata.delta_root(table)
    if if_exists and not any(column.lower() in known for column in columns):
        return
    for column in columns:
        find_column(schema, column.split(".")[0])
    raise error(
        "DELTA_UNSUPPORTED_DROP_COLUMN",
        f"DROP COLUMN is not supported for your Delta table {shown(table.name)}: it needs column "
        f"mapping, which is not known here. Write the table anew without it: "
        f"spark.table('{table.name}').drop('{columns[0]}').write.mode('overwrite')"
        f".option('overwriteSchema', 'true').saveAsTable('{table.name}').",
    )


def rename_column(spark: SparkSession, reader: Reader, table: Table) -> None:
    old = ".".join(reader.name())
    reader.expect("TO")
    new = reader.identifier()
    metadata.delta_root(table)
    find_column(metadata.schema_of(spark, table), old.split(".")[0])
    raise error(
        "DELTA_UNSUPPORTED_RENAME_COLUMN",
        f"Column rename is not supported for your Delta table {shown(table.name)}: it needs column "
        f"mapping, which is not known here. Write the table anew: spark.table('{table.name}')"
        f".withColumnRenamed('{old}', '{new}').write.mode('overwrite')"
        f".option('overwriteSchema', 'true').saveAsTable('{table.name}').",
    )


def alter_column(spark: SparkSession, reader: Reader, table: Table) -> None:
    column = ".".join(reader.name())
    if table.row is None and (reader.follows("SET", "TAGS") or reader.follows("UNSET", "TAGS")):
        raise _not_known(reader, table)
    if reader.accept("SET", "TAGS"):
        assert table.row is not None
        tags.put(table.row, reader.properties(), tags.column_name(spark, table.row, column))
    elif reader.accept("UNSET", "TAGS"):
        assert table.row is not None
        tags.take(table.row, reader.keys(), tags.column_name(spark, table.row, column))
    elif reader.accept("COMMENT"):
        comment_column(spark, table, column, reader.string())
    elif reader.accept("SET", "NOT", "NULL"):
        _set_not_null(spark, table, column)
    elif reader.accept("DROP", "NOT", "NULL"):
        _drop_not_null(table, column)
    elif reader.follows("FIRST") or reader.follows("AFTER"):
        first = reader.accept("FIRST")
        after = None if first or not reader.accept("AFTER") else reader.identifier()
        _move_column(table, column, after)
    elif reader.accept("TYPE"):
        _refuse_type(spark, table, column, reader.rest())
    elif reader.follows("SET", "DEFAULT") or reader.follows("DROP", "DEFAULT"):
        raise error(
            "WRONG_COLUMN_DEFAULTS_FOR_DELTA_FEATURE_NOT_ENABLED",
            f"The default of column '{column}' cannot be changed: the table feature "
            "allowColumnDefaults is not supported here. Give the value in each INSERT.",
        )
    else:
        raise _not_known(reader, table)


def change_column(spark: SparkSession, reader: Reader, table: Table) -> None:
    """Carry out the older ``CHANGE COLUMN [old] new type [COMMENT …]``."""
    start = reader.at
    old = reader.identifier()
    if reader.peek().up in ("COMMENT", "SET", "DROP", "FIRST", "AFTER", "TYPE", "UNSET"):
        reader.at = start
        alter_column(spark, reader, table)
        return
    definition = read_column(reader)
    if definition.name.lower() != old.lower():
        reader.at = start
        raise error(
            "DELTA_UNSUPPORTED_RENAME_COLUMN",
            f"Column rename is not supported for your Delta table {shown(table.name)}: '{old}' "
            f"cannot become '{definition.name}'. Write the table anew with the new name.",
        )
    present = find_column(metadata.schema_of(spark, table), old)
    if type_of(schema_of([definition]).fields[0]) != type_of(present):
        _refuse_type(spark, table, old, definition.type)
    if definition.comment is not None:
        comment_column(spark, table, old, definition.comment)


def _refuse_type(spark: SparkSession, table: Table, column: str, wanted: str) -> None:
    present = find_column(metadata.schema_of(spark, table), column)
    new = schema_of([ColumnDefinition([column], wanted)]).fields[0]
    if type_of(new) == type_of(present):
        return
    raise error(
        "DELTA_UNSUPPORTED_ALTER_TABLE_CHANGE_COL_OP",
        f"ALTER TABLE CHANGE COLUMN is not supported for changing column `{present.name}` from "
        f"{type_of(present)} to {type_of(new)}. Write the table "
        f"anew: spark.table('{table.name}').withColumn('{present.name}', col('{present.name}')"
        f".cast('{new.dataType.simpleString()}')).write.mode('overwrite')"
        f".option('overwriteSchema', 'true').saveAsTable('{table.name}').",
    )


def _changed(
    table: Table, column: str, change: Callable[[Any], Any], snapshot: Snapshot | None = None
) -> None:
    """Commit one changed column of a Delta table."""
    from pyspark.sql.types import StructType

    snapshot = snapshot or metadata.snapshot_of(table)
    present = find_column(snapshot.schema, column)
    new = change(present)
    fields = [new if field is present else field for field in snapshot.schema.fields]
    parameters = {"column": new.jsonValue()}
    metadata.commit(table, snapshot, "CHANGE COLUMN", parameters, schema=StructType(fields))


def comment_column(spark: SparkSession, table: Table, column: str, text: str) -> None:
    """Set the comment of a column of a table or view."""
    from pyspark.sql.types import StructField

    def commented(field: Any) -> Any:
        noted = {**(field.metadata or {}), "comment": text}
        return StructField(field.name, field.dataType, field.nullable, noted)

    if table.format == "delta" and table.location:
        _changed(table, column, commented)
        return
    schema = metadata.schema_of(spark, table)
    present = find_column(schema, column)
    fields = [commented(f) if f is present else f for f in schema.fields]
    described = {"type": "struct", "fields": [field.jsonValue() for field in fields]}
    key = "described" if table.kind == "VIEW" else "columns"
    store.change_details(table.id, grants.current_user(), **{key: described})


def _set_not_null(spark: SparkSession, table: Table, column: str) -> None:
    from pyspark.sql import functions as F
    from pyspark.sql.types import StructField

    from lakebook.runtime.delta.read import frame

    snapshot = metadata.snapshot_of(table)
    present = find_column(snapshot.schema, column)
    missing = frame(spark, snapshot).filter(F.col(f"`{present.name}`").isNull()).count()
    if missing:
        raise error(
            "DELTA_NEW_NOT_NULL_VIOLATION",
            f"{missing} row{'s' * (missing != 1)} in {shown(table.name)} violate the new NOT NULL "
            f"constraint on column `{present.name}`. Fill or delete them first.",
        )
    _changed(
        table,
        column,
        lambda field: StructField(field.name, field.dataType, False, field.metadata),
        snapshot,
    )


def _drop_not_null(table: Table, column: str) -> None:
    from pyspark.sql.types import StructField

    key = constraints.primary_key(table)
    if key and normal(column) in map(normal, key.columns):
        raise error(
            "UC_PRIMARY_KEY_COLUMN_NULLABLE",
            f"Column `{column}` is part of the primary key `{key.name}` of {shown(table.name)}, "
            "whose columns are NOT NULL. Drop the key first.",
        )
    _changed(
        table,
        column,
        lambda field: StructField(field.name, field.dataType, True, field.metadata),
    )


def _move_column(table: Table, column: str, after: str | None) -> None:
    from pyspark.sql.types import StructType

    snapshot = metadata.snapshot_of(table)
    moved = find_column(snapshot.schema, column)
    rest = [field for field in snapshot.schema.fields if field is not moved]
    index = 0 if after is None else rest.index(find_column(StructType(rest), after)) + 1
    fields = [*rest[:index], moved, *rest[index:]]
    parameters = {"column": moved.jsonValue(), "position": f"AFTER {after}" if after else "FIRST"}
    metadata.commit(table, snapshot, "CHANGE COLUMN", parameters, schema=StructType(fields))


def _not_known(reader: Reader, table: Table) -> Exception:
    words = " ".join(filter(None, (reader.peek(i).up for i in range(3))))
    return unsupported(
        f"ALTER TABLE {table.name} ALTER COLUMN … {words}",
        "Known: COMMENT, SET and DROP NOT NULL, FIRST, AFTER; of a catalog's table SET TAGS.",
    )
