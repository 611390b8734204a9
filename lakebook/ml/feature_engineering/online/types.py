"""Spark's types by their names, read without Spark: a serving process has no JVM to ask."""

from __future__ import annotations

import re

from pyspark.sql import types as T

from lakebook.ml.feature_engineering.errors import FeatureError

PLAIN: dict[str, T.DataType] = {
    "tinyint": T.ByteType(),
    "smallint": T.ShortType(),
    "int": T.IntegerType(),
    "bigint": T.LongType(),
    "float": T.FloatType(),
    "double": T.DoubleType(),
    "boolean": T.BooleanType(),
    "string": T.StringType(),
    "binary": T.BinaryType(),
    "date": T.DateType(),
    "timestamp": T.TimestampType(),
    "timestamp_ntz": T.TimestampNTZType(),
}
DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")


def parse(name: str) -> T.DataType:
    """Return the type that `DataType.simpleString` calls so, such as ``array<decimal(10,2)>``.

    Raises FeatureError for a type that cannot be kept online, which is named.
    """
    if name in PLAIN:
        return PLAIN[name]
    if found := DECIMAL.fullmatch(name):
        return T.DecimalType(int(found[1]), int(found[2]))
    kind, _, inner = name.removesuffix(">").partition("<")
    if name.endswith(">") and kind == "array":
        return T.ArrayType(parse(inner))
    if name.endswith(">") and kind == "map":
        key, value = _parts(inner)
        return T.MapType(parse(key), parse(value))
    if name.endswith(">") and kind == "struct":
        fields = [part.partition(":")[::2] for part in _parts(inner)]
        return T.StructType([T.StructField(field, parse(of)) for field, of in fields])
    raise FeatureError(
        f"values of type '{name}' cannot be kept online; known are {', '.join(PLAIN)}, decimal, "
        "and arrays, maps and structs of these"
    )


def _parts(text: str) -> list[str]:
    """Return what stands between the commas of the outermost level."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "<(") - (letter in ">)")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part for part in parts if part]
