"""What a table can hold, and how a frame is made to fit it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from lakebook.runtime.delta.errors import delta_error

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import DataType, StructType

FORBIDDEN = " ,;{}()\n\t="
CONSTRAINT = "delta.constraints."
LIMITED = "__CHAR_VARCHAR_TYPE_STRING"  # where Spark and Delta note varchar(n) of a string

# Store assignment as in ANSI SQL: numbers become other numbers (an overflow is an error at run
# time), anything simple becomes text, a date becomes a timestamp; text never becomes a number.
NUMBERS = ("byte", "short", "integer", "long", "float", "double", "decimal")
WIDER = {
    "byte": {"short", "integer", "long", "float", "double", "decimal"},
    "short": {"integer", "long", "float", "double", "decimal"},
    "integer": {"long", "double", "decimal"},
    "long": {"decimal"},
    "float": {"double"},
}


def check(schema: StructType) -> None:
    """Raise DeltaError if a column has a name or a type that a Delta table cannot keep."""
    from pyspark.sql.types import StructField

    seen: dict[str, str] = {}
    for field in schema.fields:
        if (lower := field.name.lower()) in seen:
            raise delta_error(
                "DELTA_DUPLICATE_COLUMNS_FOUND",
                f"Found duplicate column(s) in the data to save: {seen[lower]}, {field.name}. "
                "Rename one of them.",
            )
        seen[lower] = field.name
        if bad := [c for c in FORBIDDEN if c in field.name]:
            raise delta_error(
                "DELTA_INVALID_CHARACTERS_IN_COLUMN_NAMES",
                f"Found invalid character(s) among '{FORBIDDEN}' in the column name "
                f"'{field.name}' ({bad[0]!r}). Rename it, for example with withColumnRenamed.",
            )
        assert isinstance(field, StructField)
        _check_type(field.dataType, field.name)


def _check_type(kind: DataType, path: str) -> None:
    from pyspark.sql import types as T

    if isinstance(kind, T.StructType):
        for field in kind.fields:
            _check_type(field.dataType, f"{path}.{field.name}")
    elif isinstance(kind, T.ArrayType):
        _check_type(kind.elementType, f"{path}.element")
    elif isinstance(kind, T.MapType):
        _check_type(kind.keyType, f"{path}.key")
        _check_type(kind.valueType, f"{path}.value")
    elif isinstance(kind, T.UserDefinedType):
        raise delta_error(
            "DELTA_UNSUPPORTED_DATA_TYPES",
            f"Found columns using unsupported data types: [{path}: {kind.simpleString()}]. "
            "For a vector of Spark ML use pyspark.ml.functions.vector_to_array first.",
        )
    elif kind.typeName() not in (*NUMBERS, *SIMPLE) and not isinstance(kind, T.DecimalType):
        raise delta_error(
            "DELTA_UNSUPPORTED_DATA_TYPES",
            f"Found columns using unsupported data types: [{path}: {kind.simpleString()}]. "
            "Cast it, for example to string, or leave the column out.",
        )


SIMPLE = ("string", "binary", "boolean", "date", "timestamp", "timestamp_ntz")


def table_schema(schema: StructType) -> StructType:
    """Return a frame's schema as a table keeps it: nested values may be null, char is string."""
    from pyspark.sql.types import StructField, StructType

    fields = [
        StructField(f.name, _relaxed(f.dataType), f.nullable, f.metadata) for f in schema.fields
    ]
    return StructType(fields)


def _relaxed(kind: DataType) -> DataType:
    from pyspark.sql import types as T

    if isinstance(kind, T.StructType):
        return T.StructType(
            [T.StructField(f.name, _relaxed(f.dataType), True, f.metadata) for f in kind.fields]
        )
    if isinstance(kind, T.ArrayType):
        return T.ArrayType(_relaxed(kind.elementType), True)
    if isinstance(kind, T.MapType):
        return T.MapType(_relaxed(kind.keyType), _relaxed(kind.valueType), True)
    if isinstance(kind, (T.CharType, T.VarcharType)):
        return T.StringType()
    return kind


def nullable(schema: StructType) -> StructType:
    """Return a schema whose columns may all be null, as a table made from a frame has them."""
    from pyspark.sql.types import StructField, StructType

    return StructType([StructField(f.name, f.dataType, True, f.metadata) for f in schema.fields])


def merged(table: StructType, frame: StructType, assign: bool = False) -> StructType:
    """Return the table's schema with what the frame has beyond it (``mergeSchema``).

    Raises DeltaError DELTA_FAILED_TO_MERGE_FIELDS if a column has a type that does not fit.
    """
    from pyspark.sql.types import StructField, StructType

    incoming = {f.name.lower(): f for f in frame.fields}
    fields = []
    for field in table.fields:
        other = incoming.pop(field.name.lower(), None)
        kind = (
            field.dataType
            if other is None
            else _merged_type(field.dataType, other.dataType, field.name, assign)
        )
        fields.append(StructField(field.name, kind, field.nullable, field.metadata))
    new = [StructField(f.name, _relaxed(f.dataType), True, f.metadata) for f in incoming.values()]
    return StructType([*fields, *new])


def _merged_type(table: DataType, frame: DataType, path: str, assign: bool) -> DataType:
    from pyspark.sql import types as T

    if isinstance(table, T.StructType) and isinstance(frame, T.StructType):
        return merged(table, frame, assign)
    if isinstance(table, T.ArrayType) and isinstance(frame, T.ArrayType):
        element = _merged_type(table.elementType, frame.elementType, f"{path}.element", assign)
        return T.ArrayType(element, True)
    if isinstance(table, T.MapType) and isinstance(frame, T.MapType):
        key = _merged_type(table.keyType, frame.keyType, f"{path}.key", assign)
        value = _merged_type(table.valueType, frame.valueType, f"{path}.value", assign)
        return T.MapType(key, value, True)
    if fits(table, frame, assign):
        return table
    raise delta_error(
        "DELTA_FAILED_TO_MERGE_FIELDS",
        f"Failed to merge fields '{path}' and '{path}': the table has {table.simpleString()}, the "
        f"data {frame.simpleString()}. Cast the column to {table.simpleString()}.",
    )


def fits(table: DataType, frame: DataType, assign: bool = False) -> bool:
    """Return whether a value of the frame's type may be stored under the table's type.

    With `assign` as an INSERT may, which checks for overflow; without only where nothing is lost.
    """
    from pyspark.sql import types as T

    if _relaxed(table) == _relaxed(frame) or isinstance(frame, T.NullType):
        return True
    here, there = frame.typeName().split("(")[0], table.typeName().split("(")[0]
    if here in NUMBERS and there in NUMBERS:
        return assign or there in WIDER.get(here, ())
    if isinstance(table, T.StringType):
        return isinstance(frame, (T.CharType, T.VarcharType)) or (
            assign and isinstance(frame, T.AtomicType)
        )
    return assign and (here, there) in {
        ("date", "timestamp"),
        ("date", "timestamp_ntz"),
        ("timestamp", "date"),
        ("timestamp_ntz", "date"),
        ("timestamp", "timestamp_ntz"),
        ("timestamp_ntz", "timestamp"),
    }


def conform(frame: DataFrame, target: StructType) -> DataFrame:
    """Return the frame with exactly the target's columns, by name; what it lacks is null."""
    from pyspark.sql import functions as F

    have = {f.name.lower(): f for f in frame.schema.fields}
    columns = []
    for field in target.fields:
        source = have.get(field.name.lower())
        if source is None:
            column = F.lit(None).cast(field.dataType)
        else:
            column = _fitted(F.col(quoted(source.name)), source.dataType, field.dataType)
        columns.append(column.alias(field.name))
    return frame.select(*columns)


def _fitted(column: Column, source: DataType, target: DataType) -> Column:
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    if _relaxed(source) == _relaxed(target):
        return column
    if isinstance(source, T.StructType) and isinstance(target, T.StructType):
        have = {f.name.lower(): f for f in source.fields}
        inner = []
        for field in target.fields:
            found = have.get(field.name.lower())
            inner.append(
                (
                    F.lit(None).cast(field.dataType)
                    if found is None
                    else _fitted(column.getField(found.name), found.dataType, field.dataType)
                ).alias(field.name)
            )
        return F.when(column.isNotNull(), F.struct(*inner))
    if isinstance(source, T.ArrayType) and isinstance(target, T.ArrayType):
        return F.transform(column, lambda x: _fitted(x, source.elementType, target.elementType))
    if isinstance(source, T.MapType) and isinstance(target, T.MapType):
        column = F.transform_values(
            column, lambda _, v: _fitted(v, source.valueType, target.valueType)
        )
        return F.transform_keys(column, lambda k, _: _fitted(k, source.keyType, target.keyType))
    return column.cast(target)


def constrained(
    frame: DataFrame, target: StructType, configuration: Mapping[str, str], table: str
) -> DataFrame:
    """Return the frame; a row that breaks NOT NULL or a CHECK constraint stops the write."""
    from pyspark.sql import functions as F

    checks = {
        key.removeprefix(CONSTRAINT): text
        for key, text in configuration.items()
        if key.startswith(CONSTRAINT)
    }
    required = [field.name for field in target.fields if not field.nullable]
    limits = {f.name: f.metadata[LIMITED] for f in target.fields if LIMITED in (f.metadata or {})}
    if not checks and not required and not limits:
        return frame
    guard = F.lit(True)
    for name in required:
        message = (
            "[DELTA_NOT_NULL_CONSTRAINT_VIOLATED] NOT NULL constraint violated for column: "
            f"{name} of {table}"
        )
        guard = guard & F.when(F.col(quoted(name)).isNotNull(), True).otherwise(
            F.raise_error(F.lit(message)).cast("boolean")
        )
    for name, text in checks.items():
        values = ", ".join(
            f"{c} = ', coalesce(cast({quoted(c)} as string), 'null'), '"
            for c in _columns_of(text, target)
        )
        message = (
            f"concat('[DELTA_VIOLATE_CONSTRAINT_WITH_VALUES] CHECK constraint {name.lower()} "
            f"({_escaped(text)}) violated by row with values: {values}')"
        )
        guard = guard & F.expr(
            f"if(coalesce({text}, false), true, cast(raise_error({message}) as boolean))"
        )
    for name, kind in limits.items():
        most = int(kind.partition("(")[2].rstrip(")"))
        column = F.col(quoted(name))
        said = F.concat(
            F.lit('[DELTA_EXCEED_CHAR_VARCHAR_LIMIT] Value "'),
            column,
            F.lit(f'" exceeds char/varchar type length limitation of column {name}: {kind}.'),
        )
        fits_in = column.isNull() | (F.char_length(column) <= F.lit(most))
        guard = guard & F.when(fits_in, True).otherwise(F.raise_error(said).cast("boolean"))
    # A filter is never optimised away, as an unused column would be.
    return frame.filter(guard)


def _columns_of(expression: str, schema: StructType) -> list[str]:
    import sqlglot
    from sqlglot import exp

    try:
        tree = sqlglot.parse_one(expression, dialect="databricks")
    except sqlglot.errors.SqlglotError:
        return []
    named = {column.parts[0].name.lower() for column in tree.find_all(exp.Column)}
    return [field.name for field in schema.fields if field.name.lower() in named]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def quoted(name: str) -> str:
    """Return a column's name in backticks."""
    return "`" + name.replace("`", "``") + "`"


def json_of(schema: StructType) -> str:
    """Return a schema as the log writes it."""
    return json.dumps(schema.jsonValue(), ensure_ascii=False)
