"""Columns by their names: found whatever the case, quoted, compared by type."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from lakebook.ml.feature_engineering.errors import FeatureError, nearest
from lakebook.runtime.catalog.names import always_quoted

if TYPE_CHECKING:
    from pyspark.sql import Column
    from pyspark.sql.types import DataType, StructType

WHOLE = ("tinyint", "smallint", "int", "bigint")
REAL = ("float", "double")


def col(name: str) -> Column:
    """Return a column of a frame by its whole name, which may hold dots and spaces."""
    from pyspark.sql import functions as F

    return F.col(always_quoted(name))


def find(name: str, known: Iterable[str]) -> str | None:
    """Return the name as it is spelled among the known ones; Spark ignores the case."""
    return next((one for one in known if one.lower() == name.lower()), None)


def require(name: str, known: Iterable[str], what: str) -> str:
    """Return the name as it is spelled there. `what` begins the error: ``df has no column``."""
    names = list(known)
    if found := find(name, names):
        return found
    raise FeatureError(f"{what} '{name}'. {nearest(name, names)}".rstrip())


def refuse_doubles(names: Iterable[str], where: str) -> None:
    """Raise FeatureError if two columns differ in nothing but case."""
    seen: set[str] = set()
    for name in names:
        if name.lower() in seen:
            raise FeatureError(f"{where} has two columns '{name}'; drop or rename one of them")
        seen.add(name.lower())


def type_of(schema: StructType, name: str) -> DataType:
    """Return the type of a column that is there."""
    return schema[name].dataType


def fits(given: DataType, wanted: DataType) -> bool:
    """Return whether each value of one type is a value of the other: the same, or a wider one."""
    if given == wanted:
        return True
    one, other = given.simpleString(), wanted.simpleString()
    for ladder in (WHOLE, REAL):
        if one in ladder and other in ladder:
            return ladder.index(one) < ladder.index(other)
    return one in WHOLE[:3] and other == "double"
