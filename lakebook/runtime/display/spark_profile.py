"""Statistics of a whole Spark frame, by Spark, in two jobs whatever the number of columns."""

from __future__ import annotations

from typing import Any

from lakebook.runtime.display.frames import kind_of, type_name
from lakebook.runtime.display.profile import BINS, TOP, Summary
from lakebook.runtime.display.rows import CATEGORY, COLUMNS_SHOWN, NUMBER, OTHER, TIME

SHARES = [0.25, 0.5, 0.75]
NAMES = 1000  # characters of a value that are compared when the commonest are counted


def spark_summaries(frame: Any, precise: bool) -> list[Summary]:
    """Return the statistics of the first 100 columns over all rows.

    Unless `precise`, distinct counts and quartiles are Spark's estimates
    (``approx_count_distinct``, with a relative standard deviation of 5 %; ``percentile_approx``).
    """
    zone = frame.sparkSession.conf.get("spark.sql.session.timeZone")
    fields = frame.schema.fields[:COLUMNS_SHOWN]
    # Two columns may have the same name; their place tells them apart.
    placed = frame.toDF(*[f"c{i}" for i in range(len(frame.columns))])
    placed = placed.select(*[_clean(i, field.dataType) for i, field in enumerate(fields)])
    kinds = [kind_of(field.dataType) for field in fields]
    figures = _figures(placed, kinds, precise)
    found = [
        Summary(
            field.name,
            type_name(field.dataType, zone),
            kind,
            figures[f"count{i}"],
            figures["rows"] - figures[f"count{i}"],
            distinct=_at_most(figures.get(f"distinct{i}"), figures[f"count{i}"]),
            mean=figures.get(f"mean{i}"),
            std=figures.get(f"std{i}"),
            low=figures.get(f"low{i}"),
            high=figures.get(f"high{i}"),
            quartiles=figures.get(f"quartiles{i}") or (None, None, None),
            zeros=figures.get(f"zeros{i}"),
        )
        for i, (field, kind) in enumerate(zip(fields, kinds, strict=True))
    ]
    _count_values(placed, found, figures)
    return found


def _clean(place: int, data_type: Any) -> Any:
    """Return a column without NaN, which counts as missing, and with booleans as text."""
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    column = F.col(f"c{place}")
    if isinstance(data_type, T.FloatType | T.DoubleType):
        column = F.when(~F.isnan(column), column)
    elif isinstance(data_type, T.BooleanType):
        column = column.cast("string")
    return column.alias(f"c{place}")


def _at_most(estimate: int | None, count: int) -> int | None:
    return None if estimate is None else min(estimate, count)


def _axis(place: int, kind: str) -> Any:
    """Return where a value lies on an axis: a finite number, or microseconds."""
    from pyspark.sql import functions as F

    if kind == TIME:
        return F.unix_micros(F.col(f"c{place}").cast("timestamp")).cast("double")
    number = F.col(f"c{place}").cast("double")
    return F.when(F.abs(number) < F.lit(float("inf")), number)


def _figures(placed: Any, kinds: list[str], precise: bool) -> dict[str, Any]:
    """Return all that one pass over the rows can tell."""
    from pyspark.sql import functions as F

    distinct = F.count_distinct if precise else F.approx_count_distinct
    quartiles = F.percentile if precise else F.percentile_approx
    wanted = [F.count(F.lit(1)).alias("rows")]
    for i, kind in enumerate(kinds):
        column = F.col(f"c{i}")
        wanted.append(F.count(column).alias(f"count{i}"))
        if kind != OTHER:
            wanted.append(distinct(column).alias(f"distinct{i}"))
        if kind == NUMBER:
            number = column.cast("double")
            wanted += [
                F.mean(number).alias(f"mean{i}"),
                F.stddev(number).alias(f"std{i}"),
                F.min(column).alias(f"low{i}"),
                F.max(column).alias(f"high{i}"),
                F.count_if(number == 0).alias(f"zeros{i}"),
                quartiles(number, F.lit(SHARES)).alias(f"quartiles{i}"),
            ]
        if kind == TIME:
            # As text, for Python would move them into the time zone of this machine.
            wanted += [F.min(column).cast("string").alias(f"low{i}"),
                       F.max(column).cast("string").alias(f"high{i}")]  # fmt: skip
        if kind in (NUMBER, TIME):
            wanted += [F.min(_axis(i, kind)).alias(f"from{i}"),
                       F.max(_axis(i, kind)).alias(f"to{i}")]  # fmt: skip
    figures: dict[str, Any] = placed.agg(*wanted).first().asDict()
    return figures


def _count_values(placed: Any, found: list[Summary], figures: dict[str, Any]) -> None:
    """Count the classes of each histogram and the commonest categories, all in one job."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    keys = []
    for i, summary in enumerate(found):
        low, high = figures.get(f"from{i}"), figures.get(f"to{i}")
        if summary.kind == CATEGORY:
            keys.append((i, F.substring(f"c{i}", 1, NAMES)))
        elif low is not None and low < high:
            axis = _axis(i, summary.kind)
            part = F.floor((axis - low) / (high - low) * BINS)
            # `least` passes over null, so a missing value would land in the last class.
            last = F.least(part, F.lit(BINS - 1)).cast("string")
            keys.append((i, F.when(axis.isNotNull(), last)))
    if not keys:
        return
    pairs = F.array(*[F.struct(F.lit(i).alias("place"), key.alias("key")) for i, key in keys])
    most_first = Window.partitionBy("place").orderBy(F.desc("count"), "key")
    counted = (
        placed.select(F.inline(pairs))
        .where("key IS NOT NULL")
        .groupBy("place", "key")
        .count()
        .withColumn("rank", F.row_number().over(most_first))
        .where(F.col("rank") <= max(BINS, TOP))
        .orderBy("place", "rank")
    )
    for row in counted.collect():
        summary = found[row["place"]]
        if summary.kind != CATEGORY:
            summary.bins = summary.bins or [0] * BINS
            summary.bins[int(row["key"])] = row["count"]
        elif len(summary.top) < TOP:
            summary.top.append((row["key"], row["count"]))
