"""Expressions of UPDATE and MERGE: text or Column, their targets, and casts to a table's types."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lakebook.runtime.catalog import names
from lakebook.runtime.delta.errors import DeltaError, delta_error

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession
    from pyspark.sql.types import DataType, StructType

# What one operation evaluates twice (to find rows and to rewrite their files) must say the same.
VOLATILE = re.compile(r"\b(rand|randn|random|randstr|uniform|uuid|shuffle)\s*\(", re.I)

Expression = Any  # str or Column; Column has a class for each kind of session


def is_column(value: object) -> bool:
    """Return whether the value is a Column, of a classic session or of Spark Connect."""
    from pyspark.sql import Column

    return isinstance(value, Column)


def column(value: Expression, what: str) -> Column:
    """Return an expression as a Column. `what` names the argument in the error.

    Raises TypeError if it is neither text nor a Column.
    """
    from pyspark.sql import functions as F

    if isinstance(value, str):
        return F.expr(value)
    if is_column(value):
        return value
    raise TypeError(
        f"{what} must be a Spark SQL Column or a string (expression in SQL syntax), found to be "
        f"of type {type(value)}"
    )


def mapping(values: object, what: str) -> dict[str, Expression]:
    """Return the assignments of an update or an insert, checked for type.

    Raises ValueError if there are none at all, TypeError for keys and values of other types.
    """
    if values is None:
        raise ValueError(f"{what} cannot be None")
    if not isinstance(values, dict):
        raise TypeError(f"{what} must be a dict, found to be {type(values)}")
    for key, value in values.items():
        if not isinstance(key, str):
            raise TypeError(
                f"Keys of dict in {what} must contain only strings with column names, found "
                f"'{key}' of type '{type(key)}'"
            )
        if not isinstance(value, str) and not is_column(value):
            raise TypeError(
                f"Values of dict in {what} must contain only Spark SQL Columns or strings "
                f"(expressions in SQL syntax) as values, found '{value}' of type '{type(value)}'"
            )
    return dict(values)


def text(value: Expression | None) -> str:
    """Return an expression as a reader would write it, for the history of the table."""
    if value is None:
        return "true"
    if isinstance(value, str):
        return value
    found = str(value)
    return found[len("Column<'") : -len("'>")] if found.startswith("Column<'") else found


def steady(condition: Expression, operation: str) -> None:
    """Refuse a condition that says something else each time it is asked."""
    if VOLATILE.search(text(condition)):
        raise delta_error(
            "DELTA_NON_DETERMINISTIC_FUNCTION_NOT_SUPPORTED",
            f"Non-deterministic functions are not supported in the {operation} "
            f"`{text(condition)}`. Compute the value into a column first.",
        )


def quoted(*parts: str) -> str:
    """Return the parts as one reference, so that no character in them means anything else."""
    return ".".join(names.always_quoted(part) for part in parts)


def same_name(spark: SparkSession) -> Callable[[str], str]:
    """Return the function under which two names of columns are equal in this session."""
    sensitive = str(spark.conf.get("spark.sql.caseSensitive", "false")).lower() == "true"
    return (lambda name: name) if sensitive else str.lower


def find_field(
    schema: StructType, key: str, alias: str | None, same: Callable[[str], str]
) -> list[str] | None:
    """Return the path to the column, or nested field, that the left side of an assignment names."""
    parts = names.split(key)
    choices = [parts]
    if alias and len(parts) > 1 and same(parts[0]) == same(alias):
        choices.append(parts[1:])
    for choice in choices:
        if path := _path(schema, choice, same):
            return path
    return None


def _path(schema: DataType, parts: Sequence[str], same: Callable[[str], str]) -> list[str] | None:
    from pyspark.sql.types import StructType

    path: list[str] = []
    level: DataType = schema
    for part in parts:
        if not isinstance(level, StructType):
            return None
        found = next((field for field in level.fields if same(field.name) == same(part)), None)
        if found is None:
            return None
        path.append(found.name)
        level = found.dataType
    return path


def set_twice(path: Sequence[str], other: Sequence[str] | None = None) -> DeltaError:
    """Return the error for two assignments of one update to one column."""
    return delta_error(
        "DELTA_CONFLICT_SET_COLUMN",
        f"There is a conflict from these SET columns: {quoted(*path)}, "
        f"{quoted(*(other or path))}. Set each column once.",
    )


def assigned(
    frame: DataFrame,
    schema: StructType,
    values: Mapping[tuple[str, ...], Column],
    old: Callable[[str], Column] | None,
    *,
    same: Callable[[str], str],
    filling: bool = False,
) -> list[Column]:
    """Return the new value of each column of `schema`, named and cast to its type.

    `values` maps paths of columns or nested fields to expressions over `frame`; `old` gives the
    present value of a column, None for a new row, whose other columns are null. With `filling`,
    a struct may lack fields, which are null then (schema evolution).

    Raises DeltaError if two expressions are for one field, or types do not fit.
    """
    from pyspark.sql import functions as F

    paths = list(values)
    for index, path in enumerate(paths):
        for other in paths[index + 1 :]:
            if path[: len(other)] == other or other[: len(path)] == path:
                raise set_twice(path, other)
    # One analysis for all of them: over Connect each costs a call.
    given = frame.select(*[values[path].alias(f"_{i}") for i, path in enumerate(paths)]).schema
    fits = Fit(same, frame.sparkSession, filling)
    new = {path: (values[path], given.fields[index].dataType) for index, path in enumerate(paths)}
    result = []
    for field in schema.fields:
        if old:
            present = old(field.name)
        else:
            default = (field.metadata or {}).get("CURRENT_DEFAULT", "null")
            present = F.expr(default).cast(field.dataType)
        result.append(_new(field.dataType, (field.name,), present, new, fits).alias(field.name))
    return result


def _new(
    want: DataType,
    path: tuple[str, ...],
    present: Column,
    new: Mapping[tuple[str, ...], tuple[Column, DataType]],
    fits: Fit,
) -> Column:
    """Return a column with what is assigned to it or to fields in it."""
    from pyspark.sql import functions as F
    from pyspark.sql.types import StructType

    if path in new:
        value, have = new[path]
        return fits(value, have, want, ".".join(path))
    if not any(other[: len(path)] == path for other in new):
        return present
    assert isinstance(want, StructType)
    return F.struct(
        *[
            _new(
                field.dataType, (*path, field.name), present.getField(field.name), new, fits
            ).alias(field.name)
            for field in want.fields
        ]
    )


def evolved(table: StructType, more: StructType, same: Callable[[str], str]) -> StructType:
    """Return the columns of a table with those that it lacks at the end, in structs as well.

    A column that it has keeps its type; new ones may be null.
    """
    from pyspark.sql.types import StructField, StructType

    incoming = {same(field.name): field for field in more.fields}
    fields = []
    for field in table.fields:
        other = incoming.pop(same(field.name), None)
        kind = field.dataType if other is None else _evolved(field.dataType, other.dataType, same)
        fields.append(StructField(field.name, kind, field.nullable, field.metadata))
    new = [StructField(field.name, field.dataType, True) for field in incoming.values()]
    return StructType([*fields, *new])


def _evolved(table: DataType, more: DataType, same: Callable[[str], str]) -> DataType:
    from pyspark.sql.types import ArrayType, StructType

    if isinstance(table, StructType) and isinstance(more, StructType):
        return evolved(table, more, same)
    if isinstance(table, ArrayType) and isinstance(more, ArrayType):
        element = _evolved(table.elementType, more.elementType, same)
        return ArrayType(element, table.containsNull)
    return table


class Fit:
    """Casts as a table's writer does: exactly or not at all, structs by the names of fields."""

    def __init__(self, same: Callable[[str], str], spark: SparkSession, filling: bool) -> None:
        self.same = same
        self.filling = filling
        self.ansi = str(spark.conf.get("spark.sql.ansi.enabled", "true")).lower() == "true"

    def __call__(self, value: Column, have: DataType, want: DataType, name: str) -> Column:
        from pyspark.sql import functions as F
        from pyspark.sql.types import ArrayType, MapType, NumericType, StructType

        if have.simpleString() == want.simpleString():
            return value
        if isinstance(have, StructType) and isinstance(want, StructType):
            return F.when(value.isNotNull(), self._struct(value, have, want, name))
        if isinstance(have, ArrayType) and isinstance(want, ArrayType):
            inner, outer = have.elementType, want.elementType
            return F.transform(value, lambda item: self(item, inner, outer, name))
        if isinstance(have, MapType) and isinstance(want, MapType):
            inner, outer = have.valueType, want.valueType
            moved = F.transform_values(value, lambda _, item: self(item, inner, outer, name))
            return moved.cast(want)
        numbers = isinstance(have, NumericType) and isinstance(want, NumericType)
        if self.ansi and not numbers:
            return value.cast(want)
        # An overflow names the column; without ANSI mode a cast would quietly store null.
        wrong = F.raise_error(
            F.lit(
                "[DELTA_CAST_OVERFLOW_IN_TABLE_WRITE] Failed to write a value of "
                f"{have.simpleString()} type into the {want.simpleString()} type column `{name}` "
                "because it does not fit. Cast or filter it first."
            )
        )
        stored = value.try_cast(want)
        return F.when(value.isNull() | stored.isNotNull(), stored).otherwise(wrong.cast(want))

    def _struct(self, value: Column, have: StructType, want: StructType, name: str) -> Column:
        from pyspark.sql import functions as F

        fields = {self.same(field.name): field for field in have.fields}
        extra = [f.name for f in have.fields if self.same(f.name) not in map(self.same, want.names)]
        missing = [f.name for f in want.fields if self.same(f.name) not in fields]
        if extra or (missing and not self.filling):
            raise delta_error(
                "DELTA_UPDATE_SCHEMA_MISMATCH_EXPRESSION",
                f"Cannot cast {have.simpleString()} to {want.simpleString()}. All nested columns "
                f"of `{name}` must match: {', '.join(extra + missing)} does not.",
            )
        parts = []
        for field in want.fields:
            source = fields.get(self.same(field.name))
            if source is None:
                part = F.lit(None).cast(field.dataType)
            else:
                part = self(
                    value.getField(source.name),
                    source.dataType,
                    field.dataType,
                    f"{name}.{field.name}",
                )
            parts.append(part.alias(field.name))
        return F.struct(*parts)
