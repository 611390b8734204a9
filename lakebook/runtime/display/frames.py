"""The rows of a Spark frame: exact, by Arrow, with times in the zone of the session."""

from __future__ import annotations

import datetime
import re
from typing import Any
from zoneinfo import ZoneInfo

from lakebook.runtime.display import cells
from lakebook.runtime.display.rows import (
    CATEGORY,
    NUMBER,
    OTHER,
    ROWS_FETCHED,
    ROWS_SHOWN,
    TIME,
    Column,
    Rows,
    single,
)

TYPE_LENGTH = 40  # characters of a type in a header
# Arrow has no such types, so Spark refuses to send them; its own text says all there is.
AS_TEXT = re.compile(r"interval (year|month)|^interval$|[<:,]interval[,>]|map<void")


def from_spark(frame: Any) -> Rows:
    """Return the first 1,000 rows of a Spark frame, classic or Connect.

    Not by pandas, where a missing whole number turns all of its column into floating-point
    numbers, and a null into a NaN.
    """
    zone = frame.sparkSession.conf.get("spark.sql.session.timeZone")
    fields = frame.schema.fields
    # Two columns may have the same name; their place tells them apart.
    placed = frame.limit(ROWS_FETCHED + 1).toDF(*[f"c{i}" for i in range(len(fields))])
    placed = placed.select(*[_sendable(i, field.dataType) for i, field in enumerate(fields)])
    table = placed.toArrow()
    more = table.num_rows > ROWS_FETCHED
    table = table.slice(0, ROWS_FETCHED)
    columns = [
        Column(
            field.name,
            type_name(field.dataType, zone),
            kind_of(field.dataType),
            _values(table.column(i), field.dataType, zone_of(zone)),
        )
        for i, field in enumerate(fields)
    ]
    return Rows(columns, table.num_rows, more, _head(columns))


def kind_of(data_type: Any) -> str:
    """Return what a column of this type can be drawn and profiled as."""
    from pyspark.sql import types as T

    if isinstance(data_type, T.NumericType):
        return NUMBER
    if isinstance(data_type, T.StringType | T.CharType | T.VarcharType | T.BooleanType):
        return CATEGORY
    if isinstance(data_type, T.DateType | T.TimestampType | T.TimestampNTZType):
        return TIME
    return OTHER


def zone_of(name: str) -> datetime.tzinfo:
    """Return the zone of a session by its name, which may be an offset such as ``+02:00``."""
    if offset := re.fullmatch(r"(?:GMT|UTC|UT)?([+-])(\d{1,2})(?::?(\d{2}))?", name):
        sign, hours, minutes = offset.groups()
        size = datetime.timedelta(hours=int(hours), minutes=int(minutes or 0))
        return datetime.timezone(-size if sign == "-" else size)
    return datetime.UTC if name in ("Z", "UTC") else ZoneInfo(name)


def _type(data_type: Any) -> str:
    return str(data_type.simpleString())


def type_name(data_type: Any, zone: str) -> str:
    """Return the name of a type for a header, with the zone in which its times are shown."""
    name = _type(data_type)
    name = f"timestamp, {zone}" if name == "timestamp" else name
    return name if len(name) <= TYPE_LENGTH else f"{name[: TYPE_LENGTH - 1]}…"


def _sendable(place: int, data_type: Any) -> Any:
    """Return a column in a type that Arrow takes with all its nulls."""
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    column = F.col(f"c{place}")
    if AS_TEXT.search(_type(data_type)):
        return column.cast("string")
    if isinstance(data_type, T.UserDefinedType):
        column, data_type = F.unwrap_udt(column), data_type.sqlType()
    # A struct that is missing has no fields, which Spark's conversion refuses if the type says
    # that a field is never null; so do the vectors of Spark ML.
    nullable = _nullable(data_type)
    return column if nullable is data_type else column.cast(nullable)


def _nullable(data_type: Any) -> Any:
    """Return a nested type in which everything may be null; all other types as they are."""
    from pyspark.sql import types as T

    if isinstance(data_type, T.StructType):
        return T.StructType(
            [T.StructField(f.name, _nullable(f.dataType), True) for f in data_type.fields]
        )
    if isinstance(data_type, T.ArrayType):
        return T.ArrayType(_nullable(data_type.elementType), True)
    if isinstance(data_type, T.MapType):
        return T.MapType(_nullable(data_type.keyType), _nullable(data_type.valueType), True)
    return data_type


def _values(column: Any, data_type: Any, zone: datetime.tzinfo) -> list[Any]:
    if AS_TEXT.search(_type(data_type)):
        return list(column.to_pylist())
    return [_value(value, data_type, zone) for value in column.to_pylist()]


def _value(value: Any, data_type: Any, zone: datetime.tzinfo) -> Any:
    """Return a value of Arrow as Python's: vectors, maps, variants and times made readable."""
    from pyspark.sql import types as T

    if value is None:
        return None
    if isinstance(data_type, T.FloatType):
        return single(value)
    if isinstance(data_type, T.TimestampType):
        try:
            return value.astimezone(zone)
        except OverflowError:  # the last hours of the year 9999
            return value
    if isinstance(data_type, T.UserDefinedType):
        inside = _value(value, data_type.sqlType(), zone)
        return data_type.deserialize(tuple(inside.values()) if isinstance(inside, dict) else inside)
    if isinstance(data_type, T.ArrayType):
        return [_value(held, data_type.elementType, zone) for held in value]
    if isinstance(data_type, T.StructType):
        fields = zip(data_type.fields, value.values(), strict=True)
        return {field.name: _value(held, field.dataType, zone) for field, held in fields}
    if isinstance(data_type, T.MapType):
        pairs = [
            (_value(key, data_type.keyType, zone), _value(held, data_type.valueType, zone))
            for key, held in value
        ]
        # A key may be a struct or an array, which no dictionary takes.
        plain = all(not isinstance(key, dict | list) for key, _ in pairs)
        return {key if plain else cells.text(key): held for key, held in pairs}
    if isinstance(value, dict) and set(value) == {"value", "metadata"}:
        return Json(T.VariantVal(value["value"], value["metadata"]).toJson())
    if isinstance(value, dict) and "wkb" in value:
        return value["wkb"]
    return value


class Json(str):
    """The text of a variant, which is not to be quoted inside another value."""

    __slots__ = ()


def _head(columns: list[Column]) -> Any:
    import pandas as pd

    head = pd.DataFrame({i: _series(column) for i, column in enumerate(columns)})
    head.columns = pd.Index([column.name for column in columns])
    return head


def _series(column: Column) -> Any:
    """Return the values that are shown as Spark's own `toPandas` gives them."""
    import pandas as pd

    values = [
        value.replace(tzinfo=None) if isinstance(value, datetime.datetime) else value
        for value in column.values[:ROWS_SHOWN]
    ]
    number = column.kind == NUMBER and not column.type.startswith("decimal")
    # Without a single value pandas would not know that these are numbers.
    missing = number and all(value is None for value in values)
    return pd.Series(values, dtype="float64" if missing else None)
