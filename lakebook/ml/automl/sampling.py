"""How much memory a trial needs for the encoded data, and the sample that fits."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pandas.api import types

from lakebook.ml.automl.columns import DIFFERENT_TEXTS, FEW_CATEGORIES, WORDS_OF_TEXT
from lakebook.ml.automl.errors import AutoMLError

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

BYTES = 8
# What a date becomes: year, month, day of the week, hour, days.
DATE_PARTS = 5
# What a column of text becomes.
WORDS = 200
# A model, its folds and the libraries need memory beside the data.
SHARE_OF_MEMORY = 0.25
# Where the machine does not say what is free.
USUAL_MEMORY = 2 * 10**9
# Every row of smaller classes is kept: a sample of them would hold too few to learn and to judge.
ROWS_OF_CLASS = 50
# Fewer rows are of no use, whatever the memory.
FEWEST_ROWS = 100
SEED = 7
# What pandas counts in nanoseconds since 1970 can be held; dates like 9999-12-31 mean "never".
DATES_HELD = ("1678-01-01", "2262-04-01")


@dataclass(frozen=True)
class Size:
    """The rows of a data set, and the columns that it has once encoded."""

    rows: int
    width: int

    @property
    def bytes(self) -> int:
        """Return the bytes that all rows take, encoded."""
        return self.rows * self.width * BYTES


def budget(memory: int | None) -> int:
    """Return the bytes that the data of one trial may take.

    By default a quarter of what this machine has free, by the number of trials at once.
    """
    if memory is not None:
        if isinstance(memory, bool) or memory <= 0:
            raise AutoMLError(f"memory is {memory!r}; give bytes, more than 0")
        return memory
    return max(1, int(SHARE_OF_MEMORY * _available() / _trials_at_once()))


def _available() -> int:
    with contextlib.suppress(ImportError):
        import psutil

        return int(psutil.virtual_memory().available)
    with contextlib.suppress(OSError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    return USUAL_MEMORY


def _trials_at_once() -> int:
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession()
    # Over Connect the context is the server's, and asking for it raises.
    with contextlib.suppress(Exception):
        if session is not None:
            return max(1, int(session.sparkContext.defaultParallelism))
    return os.cpu_count() or 1


def _width_of_text(rows: int, distinct: int, words: float) -> int:
    if words >= WORDS_OF_TEXT and distinct >= DIFFERENT_TEXTS * rows:
        return WORDS
    return max(1, distinct) if distinct <= FEW_CATEGORIES else 1


def share(size: Size, memory: int, kind: str) -> float:
    """Return the share of the rows that fits, at most 1. A forecast needs all: AutoMLError."""
    fits = min(1.0, memory / max(1, size.bytes))
    if fits == 1.0:
        return fits
    if kind == "forecast":
        raise AutoMLError(
            f"the {size.rows:,} rows take {_in_words(size.bytes)}, and {_in_words(memory)} is "
            "available; a forecast needs every row, so it is not sampled. Use fewer series or "
            "columns, or sum the rows up by a longer frequency"
        )
    return min(1.0, max(fits, FEWEST_ROWS / size.rows))


def sentence(sampled: int, size: Size, memory: int) -> str:
    """Return what to tell of a sample."""
    percent = 100 * sampled / size.rows
    return (f"sampled {percent:.0f} %" if percent >= 1 else f"sampled {percent:.1g} %") + (
        f" of {size.rows:,} rows ({sampled:,}): encoded they would take "
        f"{_in_words(size.bytes)}, and {_in_words(memory)} is available for each trial"
    )


def _in_words(size: int) -> str:
    for unit, bytes in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= bytes:
            return f"{size / bytes:.1f} {unit}"
    return f"{size} bytes"


def shares_of_classes(counts: dict[Any, int], share: float) -> dict[Any, float]:
    """Return the share of each class to keep, so that of none fewer than its 50 rows remain."""
    return {
        one: 1.0 if count < ROWS_OF_CLASS else max(share, ROWS_OF_CLASS / count)
        for one, count in counts.items()
    }


# -- pandas


def size_of_pandas(frame: pd.DataFrame, target: str, kind: str) -> Size:
    """Return the size of a plain frame."""
    width = 0
    for name in frame.columns:
        values = frame[name]
        if name == target or kind == "forecast" or types.is_numeric_dtype(values):
            width += 1
        elif types.is_datetime64_any_dtype(values):
            width += DATE_PARTS
        else:
            texts = values.dropna().astype(str)
            some = texts.iloc[:: max(1, len(texts) // 10_000)]
            words = float(some.str.count(r"\S+").mean()) if len(some) else 0
            width += _width_of_text(len(texts), int(texts.nunique()), words)
    return Size(len(frame), width)


def sample_pandas(frame: pd.DataFrame, target: str, kind: str, share: float) -> pd.DataFrame:
    """Return about this share of the rows in their order, by class where there are classes."""
    chances = np.random.default_rng(SEED).random(len(frame))
    codes = np.zeros(len(frame), dtype="int64")
    if kind == "classify":
        codes = pd.factorize(frame[target], use_na_sentinel=False)[0]
    counts = np.bincount(codes)
    keep = {code: share for code in range(len(counts))}
    if kind == "classify":
        keep = shares_of_classes(dict(enumerate(counts.tolist())), share)
    quota = np.ceil(np.array([keep[code] * counts[code] for code in range(len(counts))]))
    rank = pd.Series(chances).groupby(codes).rank(method="first").to_numpy()
    return frame[rank <= quota[codes]].reset_index(drop=True)


# -- Spark


def size_of_spark(frame: DataFrame, target: str, kind: str) -> tuple[Size, dict[str, int]]:
    """Return the size of a frame, and how many dates of a column pandas cannot hold: one job."""
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    texts, dates, width = [], [], 0
    for field in frame.schema.fields:
        if isinstance(field.dataType, T.DateType | T.TimestampType | T.TimestampNTZType):
            dates.append(field.name)
            width += 1 if kind == "forecast" or field.name == target else DATE_PARTS
        elif isinstance(field.dataType, T.StringType) and not (
            kind == "forecast" or field.name == target
        ):
            texts.append(field.name)
        else:
            width += 1
    asked: list[Column] = [F.count(F.lit(1))]
    for name in texts:
        column = _column(name)
        words = F.size(F.split(F.trim(column), r"\s+"))
        asked += [F.count(column), F.approx_count_distinct(column), F.avg(words)]
    asked += [F.count(F.when(~_held(name), 1)) for name in dates]
    names = [f"c{number}" for number in range(len(asked))]
    answer = frame.select(*[one.alias(name) for one, name in zip(asked, names, strict=True)])
    found = list(answer.collect()[0])
    rows = int(found[0])
    for number in range(len(texts)):
        known, distinct, words = found[1 + 3 * number : 4 + 3 * number]
        width += _width_of_text(int(known), int(distinct), float(words or 0))
    lost = dict(zip(dates, map(int, found[1 + 3 * len(texts) :]), strict=True))
    return Size(rows, width), {name: count for name, count in lost.items() if count}


def _column(name: str) -> Column:
    from pyspark.sql import functions as F

    return F.col("`" + name.replace("`", "``") + "`")


def _held(name: str) -> Column:
    from pyspark.sql import functions as F

    first, last = (F.lit(day).cast("timestamp") for day in DATES_HELD)
    return _column(name).cast("timestamp").between(first, last)


def held_dates(frame: DataFrame, names: dict[str, int]) -> DataFrame:
    """Return the frame with null for the dates that pandas cannot hold."""
    from pyspark.sql import functions as F

    for name in names:
        frame = frame.withColumn(name, F.when(_held(name), _column(name)))
    return frame


def sample_spark(frame: DataFrame, target: str, kind: str, share: float) -> DataFrame:
    """Return about this share of the rows, by class where there are classes.

    The same frame in the same partitions gives the same sample.
    """
    from pyspark.sql import functions as F

    if kind != "classify":
        return frame.sample(withReplacement=False, fraction=share, seed=SEED)
    label, keep = "automl sampled class", "automl sampled share"
    counts = frame.groupBy(_column(target).alias(label)).count().collect()
    shares = shares_of_classes({number: row[1] for number, row in enumerate(counts)}, share)
    kept = frame.sparkSession.createDataFrame(
        [(row[0], shares[number]) for number, row in enumerate(counts)],
        schema=frame.select(_column(target).alias(label), F.lit(0.0).alias(keep)).schema,
    )
    joined = frame.join(F.broadcast(kept), _column(target).eqNullSafe(_column(label)))
    chosen = joined.where(F.rand(SEED) < _column(keep))
    return chosen.drop(label, keep)
