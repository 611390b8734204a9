"""What a primary key promises, checked: no null, and each key once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakebook.ml.feature_engineering.columns import col
from lakebook.ml.feature_engineering.errors import FeatureError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class Profile:
    """How the rows of a table spread over its keys.

    `hottest` is the number of rows of the key that has most of them; `usual` the number of rows
    that have the key of a row, on the average over the rows.
    """

    hottest: int
    usual: float


def check(frame: DataFrame, keys: Sequence[str], where: str) -> None:
    """Raise FeatureError if a key is null or occurs twice in the frame, named with counts.

    One job of Spark; only the keys are read where the frame is a table.
    """
    from pyspark.sql import functions as F

    counted = frame.groupBy(*map(col, keys)).agg(F.count(F.lit(1)).alias("__rows"))
    rows = F.col("__rows")
    nulls = [
        F.sum(F.when(col(key).isNull(), rows).otherwise(0)).alias(f"__null_{index}")
        for index, key in enumerate(keys)
    ]
    told = counted.agg(
        *nulls,
        F.count_if(rows > 1).alias("__doubled"),
        F.sum(F.when(rows > 1, rows).otherwise(0)).alias("__involved"),
        F.max_by(F.struct(*[col(key) for key in keys], rows), rows).alias("__example"),
    ).collect()[0]
    missing = {key: told[f"__null_{i}"] for i, key in enumerate(keys) if told[f"__null_{i}"]}
    if missing:
        counts = ", ".join(f"'{key}' in {_rows(count)}" for key, count in missing.items())
        raise FeatureError(
            f"{where} has no value for its key: {counts}. A primary key is never null; drop these "
            f"rows, for example with df.dropna(subset={list(missing)})"
        )
    if told["__doubled"]:
        raise _doubled(keys, told["__doubled"], told["__involved"], told["__example"], where)


def _doubled(
    keys: Sequence[str], number: int, involved: int, example: Any, where: str
) -> Exception:
    key = ", ".join(f"{name}={example[index]!r}" for index, name in enumerate(keys))
    return FeatureError(
        f"{where} has more than one row for {number} key{'s' * (number != 1)} ({_rows(involved)} "
        f"in all), for example {example['__rows']} for ({key}). A feature table has one row for "
        f"each ({', '.join(keys)}); decide which one counts before it is written or looked up"
    )


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"


_profiles: dict[tuple[str, int], Profile] = {}


def profile(frame: DataFrame, keys: Sequence[str], at: tuple[str, int]) -> Profile:
    """Return how the rows of a table spread over these keys; once for each version of it.

    `at` is the folder of the table and its version, which `frame` reads. Null keys, which no row
    ever matches, do not count.
    """
    from pyspark.sql import functions as F

    if at not in _profiles:
        counted = frame.dropna(subset=list(keys)).groupBy(*map(col, keys)).count()
        rows = F.col("count")
        told = counted.agg(F.max(rows), F.sum(rows * rows) / F.sum(rows)).collect()[0]
        _profiles[at] = Profile(told[0] or 0, told[1] or 0.0)
    return _profiles[at]
