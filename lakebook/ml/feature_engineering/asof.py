"""The as-of join: for each row the last values at or before its time, by key, on Spark.

Definition. Of the rows of the table with the row's key whose time is at or before the row's, and
with a look-back not more than that before it, the one with the greatest time is taken. It is
taken whole: a null in it stays null, and no older value shows through. Of several with the same
key and time, which a primary key rules out but nothing prevents in a table that others write, the
one with the greatest values is taken, compared column by column in the order of their names, null
below everything. A null key or time matches nothing. Every row of the frame comes back once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from lakebook.ml.feature_engineering.columns import col
from lakebook.ml.feature_engineering.keys import Profile

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import DataType

# Joining looks at all rows of a key for each row of the frame; ordering both sides by time does
# not, and pays as soon as keys have some hundred rows. One key of a million must not decide it.
USUAL_ROWS, HOTTEST_ROWS = 64, 1000

KEY, AT, UNTIL, VALUE, ROW, SIDE = (
    f"__lakebook_{name}" for name in ("key", "at", "until", "value", "row", "side")
)


@dataclass(frozen=True)
class AsOf:
    """What is joined: pairs are (column of the table, column of the frame or of the result)."""

    keys: Sequence[tuple[str, str]]
    time: tuple[str, str]
    features: Sequence[tuple[str, str]]
    lookback: timedelta | None = None


def join(frame: DataFrame, table: DataFrame, how: AsOf, spread: Profile) -> DataFrame:
    """Return the frame with the features of the table as of each row's time.

    `spread` chooses the way, not the result.
    """
    if spread.usual <= USUAL_ROWS and spread.hottest <= HOTTEST_ROWS:
        return by_interval(frame, table, how)
    return by_order(frame, table, how)


def by_interval(frame: DataFrame, table: DataFrame, how: AsOf) -> DataFrame:
    """Give each row of the table the time until which it holds, and join within it."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    right = _right(table, how)
    own = [f"{KEY}{index}" for index in range(len(how.keys))]
    order = Window.partitionBy(*own).orderBy(AT, *_ties(right, how))
    # Of two rows with the same time the first holds for no time at all.
    right = right.withColumn(UNTIL, F.lead(AT).over(order))
    ours = col(how.time[1])
    on = (ours >= F.col(AT)) & (F.col(UNTIL).isNull() | (ours < F.col(UNTIL)))
    for name, (_, key) in zip(own, how.keys, strict=True):
        on &= col(key) == F.col(name)
    if how.lookback is not None:
        on &= _within(ours, F.col(AT), right.schema[AT].dataType, how.lookback)
    joined = frame.join(right, on, "left")
    return joined.select(
        *[col(name) for name in frame.columns],
        *[F.col(f"{VALUE}{i}").alias(output) for i, (_, output) in enumerate(how.features)],
    )


def by_order(frame: DataFrame, table: DataFrame, how: AsOf) -> DataFrame:
    """Put both sides into one order of time, and carry the last row of the table forward."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F
    from pyspark.sql.types import StructType

    right = _right(table, how)
    own = [f"{KEY}{index}" for index in range(len(how.keys))]
    values = [f"{VALUE}{index}" for index in range(len(how.features))]
    carried = F.struct(AT, *values)
    whole = F.struct(*[col(name) for name in frame.columns])
    kinds: dict[str, StructType] = {
        ROW: StructType(frame.schema.fields),
        VALUE: StructType([right.schema[name] for name in (AT, *values)]),
    }
    none = F.lit(None)
    # At the same time the table's row comes first, so that it counts.
    left = frame.select(
        *[col(key).alias(name) for name, (_, key) in zip(own, how.keys, strict=True)],
        col(how.time[1]).alias(AT),
        F.lit(1).alias(SIDE),
        whole.alias(ROW),
        none.cast(kinds[VALUE]).alias(VALUE),
    )
    ordered = right.select(
        *own,
        AT,
        F.lit(0).alias(SIDE),
        none.cast(kinds[ROW]).alias(ROW),
        carried.alias(VALUE),
    )
    ties = [_orderable(F.col(VALUE)[name], right.schema[name].dataType) for name in _named(how)]
    order = (
        Window.partitionBy(*own)
        .orderBy(AT, SIDE, *ties)
        .rowsBetween(Window.unboundedPreceding, Window.currentRow)
    )
    both = left.unionAll(ordered).withColumn(VALUE, F.last(VALUE, ignorenulls=True).over(order))
    found = F.col(VALUE)
    matches: Column = F.col(SIDE) == 1
    shown = [found[name] for name in values]
    # A null key forms a group of its own, in which there is no row of the table.
    if how.lookback is not None:
        kind = right.schema[AT].dataType
        fresh = _within(F.col(AT), found[AT], kind, how.lookback)
        shown = [F.when(fresh, value) for value in shown]
    return both.filter(matches).select(
        *[F.col(ROW)[name].alias(name) for name in frame.columns],
        *[value.alias(output) for value, (_, output) in zip(shown, how.features, strict=True)],
    )


def _right(table: DataFrame, how: AsOf) -> DataFrame:
    """Return what the table gives, under names that the frame cannot have; rows without key go."""
    named = [col(theirs).alias(f"{KEY}{i}") for i, (theirs, _) in enumerate(how.keys)]
    named.append(col(how.time[0]).alias(AT))
    named += [col(theirs).alias(f"{VALUE}{i}") for i, (theirs, _) in enumerate(how.features)]
    return table.select(*named).dropna(
        subset=[AT, *[f"{KEY}{index}" for index in range(len(how.keys))]]
    )


def _named(how: AsOf) -> list[str]:
    """Return the values in the order of the features' names in the table."""
    order = sorted(range(len(how.features)), key=lambda index: how.features[index][0])
    return [f"{VALUE}{index}" for index in order]


def _ties(right: DataFrame, how: AsOf) -> list[Column]:
    from pyspark.sql import functions as F

    return [_orderable(F.col(name), right.schema[name].dataType) for name in _named(how)]


def _orderable(value: Column, kind: DataType) -> Column:
    """Return what a value is ordered by: itself, or its text if it holds a map."""
    from pyspark.sql import functions as F

    return F.to_json(F.struct(value)) if "map<" in kind.simpleString() else value


def _within(ours: Column, theirs: Column, kind: DataType, window: timedelta) -> Column:
    """Return whether a time is at most the window before ours."""
    from pyspark.sql import functions as F

    if kind.typeName() == "timestamp":
        # The difference of two instants: Spark's `-` takes that of two clocks on the wall.
        micro = timedelta(microseconds=1)
        return F.unix_micros(ours) - F.unix_micros(theirs) <= F.lit(window // micro)
    clock = "timestamp_ntz"
    return ours.cast(clock) - theirs.cast(clock) <= F.lit(window)
