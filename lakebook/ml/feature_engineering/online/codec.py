"""How values are kept in SQLite: each type in one form, out of which the very value comes back.

| Spark's type | in SQLite |
|---|---|
| whole numbers, string, binary | as they are |
| boolean | 0 or 1 |
| float, double | a real; ``NaN``, ``Infinity``, ``-Infinity`` as text: NaN would become null |
| decimal | its text, with all digits of its scale |
| date | days since 1970-01-01 |
| timestamp, timestamp_ntz | microseconds since 1970-01-01, of the instant in UTC or of the clock |
| array, struct | the text of a JSON array of such forms, in a struct one for each field |
| map | the text of a JSON array of pairs |

In Python values are what a Python function on Spark is given and may return; the conversions are
PySpark's own, so both sides round, cast and refuse alike. In JSON, as the endpoint speaks it,
numbers, texts and booleans are themselves, decimals are text, times ISO 8601 and binary Base64.
"""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import functools
import json
import math
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.errors import PySparkException
from pyspark.sql import types as T
from pyspark.sql.conversion import LocalDataToArrowConversion
from pyspark.sql.pandas.types import to_arrow_type

from lakebook.ml.feature_engineering.online import types

Convert = Callable[[Any], Any]

EPOCH = dt.datetime(1970, 1, 1)
EPOCH_UTC = EPOCH.replace(tzinfo=dt.UTC)
EPOCH_DAY = EPOCH.toordinal()
MICRO = dt.timedelta(microseconds=1)
WHOLE = (T.ByteType, T.ShortType, T.IntegerType, T.LongType)
REAL = (T.FloatType, T.DoubleType)
NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
# What PySpark and Arrow raise for a value that is not of the type.
FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    PySparkException,
    TypeError,
    ValueError,
    pa.ArrowException,
)
# Which values of a type are kept as they are, so that the usual ones take no way through Arrow.
PLAIN: dict[type, tuple[type, Convert]] = {
    T.LongType: (int, lambda value: -(2**63) <= value < 2**63),
    T.DoubleType: (float, math.isfinite),
    T.StringType: (str, str.isascii),
}


class Codec:
    """The conversions of one type. None is null everywhere."""

    def __init__(self, kind: T.DataType) -> None:
        self.kind = kind
        self._nested = isinstance(kind, T.ArrayType | T.MapType | T.StructType)
        self._pack = _packer(kind)
        self._load = _loader(kind)
        self._show = _shower(kind)
        self._take = _taker(kind)
        self._arrow = to_arrow_type(kind, timezone="UTC")
        self._into = LocalDataToArrowConversion._create_converter(kind)
        plain = PLAIN.get(type(kind))
        self._class: type = plain[0] if plain else type(None)
        self._is_plain: Convert = plain[1] if plain else bool

    def column(self, values: pa.Array) -> list[Any]:
        """Return the values of an Arrow array as SQLite keeps them."""
        if isinstance(self.kind, T.DateType):
            return values.cast(pa.int32()).to_pylist()
        if isinstance(self.kind, T.TimestampType | T.TimestampNTZType):
            return values.cast(pa.timestamp("us", values.type.tz)).cast(pa.int64()).to_pylist()
        found = values.to_pylist()
        if isinstance(self.kind, (*WHOLE, T.StringType, T.BinaryType)):
            return found
        if isinstance(self.kind, REAL) and pc.all(pc.is_finite(values)).as_py() is not False:
            return found
        pack = self._pack
        packed = [None if value is None else pack(value) for value in found]
        if self._nested:
            return [None if value is None else _text(value) for value in packed]
        return packed

    def store(self, value: Any) -> Any:
        """Return a Python value as SQLite keeps it. Raises ValueError if it is not of the type."""
        if value is None or (value.__class__ is self._class and self._is_plain(value)):
            return value
        # Arrow would cut a fraction off, and make a text of anything.
        cut = isinstance(self.kind, WHOLE) and isinstance(value, float) and not value.is_integer()
        if cut or (isinstance(self.kind, T.StringType) and not isinstance(value, str)):
            raise ValueError(f"{value!r} is no {self.kind.simpleString()}")
        try:
            array = pa.array([self._into(value)], type=self._arrow)
        except FAULTS as error:
            raise ValueError(f"{value!r} is no {self.kind.simpleString()}") from error
        return self.column(array)[0]

    def returned(self, value: Any) -> Any:
        """Return what a function gave back as SQLite keeps it, cast as Spark casts it.

        Raises ValueError for what Spark does not take for the declared type.
        """
        if value is None or (value.__class__ is self._class and self._is_plain(value)):
            return value
        try:
            given = [self._into(value)]
            try:
                array = pa.array(given, type=self._arrow)
            except pa.ArrowInvalid:
                array = pa.array(given).cast(self._arrow, safe=True)
        except FAULTS as error:
            raise ValueError(f"{value!r} is no {self.kind.simpleString()}") from error
        return self.column(array)[0]

    def load(self, value: Any) -> Any:
        """Return what SQLite keeps as Python: what a Python function on Spark would be given."""
        if value is None:
            return None
        return self._load(json.loads(value) if self._nested else value)

    def show(self, value: Any) -> Any:
        """Return what SQLite keeps as JSON."""
        if value is None:
            return None
        return self._show(json.loads(value) if self._nested else value)

    def take(self, value: Any) -> Any:
        """Return a value of JSON as SQLite keeps it. Raises ValueError if it is not of the type."""
        if value is None:
            return None
        try:
            return self.store(self._take(value))
        except (ValueError, TypeError, ArithmeticError) as error:
            raise ValueError(f"{value!r} is no {self.kind.simpleString()}") from error


@functools.lru_cache(maxsize=512)
def codec(name: str) -> Codec:
    """Return the conversions of a type by its name. Raises FeatureError if it has none."""
    return Codec(types.parse(name))


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _optional(convert: Convert) -> Convert:
    return lambda value: None if value is None else convert(value)


def _same(value: Any) -> Any:
    return value


# What Arrow gives, into what SQLite keeps


def _packer(kind: T.DataType, inside: bool = False) -> Convert:
    if isinstance(kind, REAL):
        return lambda value: value if math.isfinite(value) else _word(value)
    if isinstance(kind, T.BooleanType):
        return int
    if isinstance(kind, T.DecimalType):
        return str
    if isinstance(kind, T.DateType):
        return lambda value: value.toordinal() - EPOCH_DAY
    if isinstance(kind, T.TimestampType):
        return lambda value: (value - EPOCH_UTC) // MICRO
    if isinstance(kind, T.TimestampNTZType):
        return lambda value: (value - EPOCH) // MICRO
    if isinstance(kind, T.BinaryType) and inside:
        return _base64
    if isinstance(kind, T.ArrayType):
        one = _optional(_packer(kind.elementType, True))
        return lambda value: [one(item) for item in value]
    if isinstance(kind, T.MapType):
        key, entry = _packer(kind.keyType, True), _optional(_packer(kind.valueType, True))
        return lambda value: [[key(k), entry(v)] for k, v in value]
    if isinstance(kind, T.StructType):
        fields = [(field.name, _optional(_packer(field.dataType, True))) for field in kind.fields]
        return lambda value: [convert(value[name]) for name, convert in fields]
    return _same


def _word(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


# What SQLite keeps, into Python


def _loader(kind: T.DataType, inside: bool = False) -> Convert:
    if isinstance(kind, REAL):
        return lambda value: NOT_FINITE[value] if value.__class__ is str else value
    if isinstance(kind, T.BooleanType):
        return bool
    if isinstance(kind, T.DecimalType):
        return decimal.Decimal
    if isinstance(kind, T.DateType):
        return _date
    if isinstance(kind, T.TimestampType):
        # As PySpark has it: the clock of this process's own time zone.
        return lambda value: (EPOCH_UTC + value * MICRO).astimezone().replace(tzinfo=None)
    if isinstance(kind, T.TimestampNTZType):
        return lambda value: EPOCH + value * MICRO
    if isinstance(kind, T.BinaryType) and inside:
        return base64.b64decode
    if isinstance(kind, T.ArrayType):
        one = _optional(_loader(kind.elementType, True))
        return lambda value: [one(item) for item in value]
    if isinstance(kind, T.MapType):
        key, entry = _loader(kind.keyType, True), _optional(_loader(kind.valueType, True))
        return lambda value: {key(k): entry(v) for k, v in value}
    if isinstance(kind, T.StructType):
        named = T.Row(*kind.names)
        fields = [_optional(_loader(field.dataType, True)) for field in kind.fields]
        return lambda value: named(*[f(v) for f, v in zip(fields, value, strict=True)])
    return _same


def _date(days: int) -> dt.date:
    return dt.date.fromordinal(days + EPOCH_DAY)


# What SQLite keeps, into JSON


def _shower(kind: T.DataType, inside: bool = False) -> Convert:
    if isinstance(kind, T.BooleanType):
        return bool
    if isinstance(kind, T.DateType):
        return lambda value: _date(value).isoformat()
    if isinstance(kind, T.TimestampType):
        return lambda value: (EPOCH + value * MICRO).isoformat() + "Z"
    if isinstance(kind, T.TimestampNTZType):
        return lambda value: (EPOCH + value * MICRO).isoformat()
    if isinstance(kind, T.BinaryType) and not inside:
        return _base64
    if isinstance(kind, T.ArrayType):
        one = _optional(_shower(kind.elementType, True))
        return lambda value: [one(item) for item in value]
    if isinstance(kind, T.MapType):
        key, entry = _shower(kind.keyType, True), _optional(_shower(kind.valueType, True))
        if isinstance(kind.keyType, T.StringType):
            return lambda value: {k: entry(v) for k, v in value}
        return lambda value: [[key(k), entry(v)] for k, v in value]
    if isinstance(kind, T.StructType):
        fields = [(field.name, _optional(_shower(field.dataType, True))) for field in kind.fields]
        return lambda value: {n: f(v) for (n, f), v in zip(fields, value, strict=True)}
    return _same


# JSON, into Python


def _taker(kind: T.DataType) -> Convert:
    if isinstance(kind, WHOLE):
        return _whole
    if isinstance(kind, REAL):
        return _real
    if isinstance(kind, T.BooleanType):
        return functools.partial(_expect, bool)
    if isinstance(kind, T.StringType):
        return functools.partial(_expect, str)
    if isinstance(kind, T.DecimalType):
        return functools.partial(_exact_decimal, kind)
    if isinstance(kind, T.DateType):
        return lambda value: dt.date.fromisoformat(_expect(str, value))
    if isinstance(kind, T.TimestampType):
        return _instant
    if isinstance(kind, T.TimestampNTZType):
        return lambda value: dt.datetime.fromisoformat(_expect(str, value))
    if isinstance(kind, T.BinaryType):
        return lambda value: base64.b64decode(_expect(str, value), validate=True)
    if isinstance(kind, T.ArrayType):
        one = _optional(_taker(kind.elementType))
        return lambda value: [one(item) for item in _expect(list, value)]
    if isinstance(kind, T.MapType):
        key, entry = _taker(kind.keyType), _optional(_taker(kind.valueType))
        return lambda value: {
            key(k): entry(v) for k, v in (value.items() if isinstance(value, dict) else value)
        }
    assert isinstance(kind, T.StructType)
    fields = {field.name: _optional(_taker(field.dataType)) for field in kind.fields}
    return functools.partial(_struct, fields)


def _struct(fields: dict[str, Convert], value: Any) -> dict[str, Any]:
    given = _expect(dict, value)
    if unknown := [name for name in given if name not in fields]:
        raise ValueError(f"no field {unknown[0]}")
    return {name: convert(given.get(name)) for name, convert in fields.items()}


def _expect(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


def _whole(value: Any) -> int:
    # What a frame of pandas writes: 3.0 for 3, where another row of the column is null.
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is no whole number")
    return value


def _real(value: Any) -> float:
    if isinstance(value, str):
        return NOT_FINITE[value] if value in NOT_FINITE else _expect(float, value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return float(value)


def _exact_decimal(kind: T.DecimalType, value: Any) -> decimal.Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(f"{value!r} is no number")
    found = decimal.Decimal(str(value))
    if not found.is_finite():
        raise ValueError(f"{value!r} is no number")
    return found


def _instant(value: Any) -> dt.datetime:
    found = dt.datetime.fromisoformat(_expect(str, value))
    # The session's own zone is UTC, so that is what a time without one means.
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)
