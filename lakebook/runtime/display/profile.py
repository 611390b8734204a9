"""What a column holds: counts, spread, the commonest values, and a small histogram."""

from __future__ import annotations

import datetime
import math
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lakebook.runtime.display import cells
from lakebook.runtime.display.rows import CATEGORY, COLUMNS_SHOWN, NUMBER, TIME, Column, Rows

BINS = 10
TOP = 3
EPOCH = datetime.datetime(1970, 1, 1)


@dataclass
class Summary:
    """The statistics of one column; missing are null and NaN. None where there is no such."""

    name: str
    type: str
    kind: str
    count: int  # values that are there
    missing: int
    distinct: int | None = None
    mean: float | None = None
    std: float | None = None  # of a sample, as Spark's and pandas' own
    low: Any = None
    quartiles: Sequence[Any] = (None, None, None)
    high: Any = None
    zeros: int | None = None
    bins: list[int] = field(default_factory=list)  # of equal width from `low` to `high`
    top: list[tuple[str, int]] = field(default_factory=list)


def summaries(rows: Rows) -> list[Summary]:
    """Return the statistics of the first 100 columns over the rows that were fetched."""
    return [_summary(column) for column in rows.columns[:COLUMNS_SHOWN]]


def seconds(value: datetime.date) -> float:
    """Return the place of a date or time on an axis, in seconds, without regard to its zone."""
    if not isinstance(value, datetime.datetime):
        value = datetime.datetime(value.year, value.month, value.day)
    return (value.replace(tzinfo=None) - EPOCH).total_seconds()


def bins(values: Sequence[float], count: int = BINS) -> list[int]:
    """Return how many of the values lie in each of `count` parts of their range."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return []
    low, high = min(finite), max(finite)
    if low == high:
        return [len(finite)]
    found = Counter(min(count - 1, int((v - low) / (high - low) * count)) for v in finite)
    return [found[i] for i in range(count)]


def common(counts: Counter[str], top: int) -> list[tuple[str, int]]:
    """Return the commonest; of those that are equally common the first by name."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:top]


def _summary(column: Column) -> Summary:
    known = column.known()
    found = Summary(
        column.name, column.type, column.kind, len(known), len(column.values) - len(known)
    )
    if column.kind == NUMBER and known:
        _number(found, known)
    elif column.kind == CATEGORY and known:
        counts = Counter(cells.text(value) for value in known)
        found.distinct, found.top = len(counts), common(counts, TOP)
    elif column.kind == TIME and known:
        found.distinct, found.low, found.high = len(set(known)), min(known), max(known)
        found.bins = bins([seconds(value) for value in known])
    return found


def _number(found: Summary, known: list[Any]) -> None:
    floats = [float(value) for value in known]
    found.distinct, found.zeros = len(set(known)), floats.count(0.0)
    found.low, found.high = min(known), max(known)
    # Exactly rounded sums do not depend on the order of the rows, which Spark does not promise.
    finite = all(map(math.isfinite, floats))
    found.mean = math.fsum(floats) / len(floats) if finite else sum(floats) / len(floats)
    if len(floats) > 1:
        found.std = statistics.stdev(floats, found.mean) if finite else math.nan
    found.quartiles = [_quantile(sorted(floats), share) for share in (0.25, 0.5, 0.75)]
    found.bins = bins(floats)


def _quantile(ordered: list[float], share: float) -> float:
    """Return a quantile with linear interpolation, as pandas and Spark's `percentile` do."""
    place = share * (len(ordered) - 1)
    below, above = ordered[math.floor(place)], ordered[math.ceil(place)]
    rest = place - math.floor(place)
    return below if rest == 0 or below == above else below * (1 - rest) + above * rest
