"""Reading values: numbers and dates that are written as text, codes that are written as numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd
from pandas.api import types

# One typing error in twenty does not make a measurement a name; more, and it may be one.
READABLE = 0.95
# What people write where a number or date is missing. In a category it stays a value of its own.
MISSING = frozenset(
    ("", "na", "n/a", "#n/a", "nan", "nat", "null", "none", "nil", "?", "-", "--", "missing")
)
# Dates outside are more likely numbers that happen to look like dates.
YEARS = (1700, 2300)

_DAYS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%m-%d-%Y", "%d-%m-%Y"),
    *("%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%d-%b-%Y", "%Y-%m", "%Y%m%d"),
    *("%d %b %Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y"),
)
_TIMES = ("", " %H:%M:%S", " %H:%M", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
_LIKE_A_DATE = re.compile(
    r"\d{4}-\d{1,2}|\d{4}/\d{1,2}/\d|\d{1,2}[./-]\d{1,2}[./-]\d{2}|\d{8}$"
    r"|\d{1,2}[ -][A-Za-z]{3,9}[ -]\d{4}|[A-Za-z]{3,9} \d{1,2}, \d{4}"
)
_DAY_AND_MONTH = re.compile("%m([/-])%d")


def to_number(values: pd.Series) -> pd.Series:
    """Return the values as floats; what is no finite number is NaN."""
    found = pd.to_numeric(values, errors="coerce").astype("float64")
    return found.where(np.isfinite(found))


def to_date(values: pd.Series, format: str | None = None) -> pd.Series:
    """Return the values as times in UTC without a zone; what is no date by `format` is NaT."""
    if types.is_numeric_dtype(values):
        values = values.astype("Int64").astype("string")
    found = pd.to_datetime(values, format=format, errors="coerce", utc=True)
    return found.dt.tz_localize(None).astype("datetime64[ns]")


def to_category(values: pd.Series) -> pd.Series:
    """Return the values as text; whole numbers are written without a point, null stays null."""
    if types.is_numeric_dtype(values) and not types.is_bool_dtype(values):
        whole = (values.dropna() % 1 == 0).all()
        values = values.astype("Int64") if whole else values
    return values.astype("string").astype(object).where(values.notna(), None)


def date_format(values: pd.Series) -> str | None:
    """Return the format by which `to_date` reads nearly all of these texts, or None."""
    counts = values.dropna().value_counts()
    texts = pd.Series(counts.index.astype(str), index=counts.index)
    known = ~texts.str.strip().str.lower().isin(MISSING)
    found = find_date_format(texts[known], counts[known])
    return found[0] if found else None


def find_date_format(texts: pd.Series, weights: pd.Series) -> tuple[str, bool] | None:
    """Return the format, and whether day and month could be the other way round too."""
    some = texts.iloc[:: max(1, len(texts) // 200)]
    if some.empty or some.str.match(_LIKE_A_DATE).mean() < READABLE:
        return None

    def share(format: str, texts: pd.Series) -> float:
        found = to_date(texts, format)
        return float(weights[texts.index][found.dt.year.between(*YEARS)].sum())

    formats = [*_DAYS[:2], "ISO8601", *(day + time for day in _DAYS for time in _TIMES)]
    best = max(formats, key=lambda format: share(format, some))
    swapped = _DAY_AND_MONTH.sub(r"%d\1%m", best)
    # The sample need not hold the one value that tells day from month.
    both = {format: share(format, texts) for format in (best, swapped)}
    best = max(both, key=lambda format: both[format])
    if both[best] < READABLE * weights.sum():
        return None
    return best, len(both) == 2 and len(set(both.values())) == 1


def listed(values: Iterable[object], most: int = 6) -> str:
    """Return some of the values as a list in words."""
    shown = [repr(one) if isinstance(one, str) else str(one) for one in values]
    return ", ".join(shown[:most]) + (f" and {len(shown) - most} more" if len(shown) > most else "")
