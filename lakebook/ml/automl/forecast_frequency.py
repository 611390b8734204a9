"""The steps of a series: names of frequencies, their seasons, and whether times keep to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakebook.errors import unknown
from lakebook.ml.automl.errors import AutoMLError

if TYPE_CHECKING:
    import pandas as pd

# The names that the API reference gives, and the unit of each.
NAMES = {
    "W": ("W", "weeks", "week"),
    "D": ("D", "d", "days", "day"),
    "h": ("hours", "hour", "hr", "h", "H"),
    "min": ("m", "minute", "min", "minutes", "T"),
    "s": ("S", "seconds", "sec", "second", "s"),
    "M": ("M", "MS", "month", "months"),
    "Q": ("Q", "QS", "quarter", "quarters"),
    "Y": ("Y", "YS", "year", "years"),
}
UNITS = {name: unit for unit, names in NAMES.items() for name in names}
SECONDS = {"W": 604_800, "D": 86_400, "h": 3_600, "min": 60, "s": 1}
MONTHS = {"M": 1, "Q": 3, "Y": 12}
WORDS = {
    "W": "week",
    "D": "day",
    "h": "hour",
    "min": "minute",
    "s": "second",
    "M": "month",
    "Q": "quarter",
    "Y": "year",
}
# Steps of the season that the naive forecast repeats.
SEASONS = {"W": 52, "D": 7, "h": 24, "min": 60, "s": 60, "M": 12, "Q": 4, "Y": 1}
# Steps of each season that waves are fitted to, and how many pairs of sine and cosine.
WAVES: dict[str, dict[float, int]] = {
    "W": {52.18: 3},
    "D": {7: 3, 365.25: 4},
    "h": {24: 4, 168: 3},
    "min": {60: 3, 1440: 4},
    "s": {60: 3, 3600: 4},
    "M": {12: 4},
    "Q": {4: 1},
    "Y": {},
}


@dataclass(frozen=True)
class Frequency:
    """A frequency as it was asked for, and its unit, one of the keys of `NAMES`."""

    name: str
    unit: str

    @property
    def word(self) -> str:
        """Return the unit as a word, such as ``day``."""
        return WORDS[self.unit]

    @property
    def season(self) -> int:
        """Return the steps of the season that the naive forecast repeats."""
        return SEASONS[self.unit]

    @property
    def waves(self) -> dict[float, int]:
        """Return the pairs of sine and cosine by the steps of their season."""
        return WAVES[self.unit]

    @property
    def holidays(self) -> bool:
        """Return whether a step is short enough for a holiday to be seen."""
        return SECONDS.get(self.unit, 10**9) <= SECONDS["D"]


def frequency(name: str) -> Frequency:
    """Return the frequency of that name; raise AutoMLError if the platform knows no such name."""
    if name not in UNITS:
        raise AutoMLError(str(unknown("frequency", str(name), UNITS)))
    return Frequency(name, UNITS[name])


def step(asked: Frequency, times: pd.Series) -> str:
    """Return the step in pandas' words, such as ``7D`` or ``3ME``, for these times.

    Months are counted from first days or from last days. Raises AutoMLError for other days.
    """
    if asked.unit in SECONDS:
        return {"W": "7D"}.get(asked.unit, asked.unit)
    count = MONTHS[asked.unit]
    prefix = "" if count == 1 else str(count)
    if (times.dt.day == 1).all():
        return f"{prefix}MS"
    if times.dt.is_month_end.all():
        return f"{prefix}ME"
    other = times[times.dt.day != 1].iloc[0]
    raise AutoMLError(
        f"with frequency '{asked.name}' all times must be first days of a month, or all last days; "
        f"{other} is not; for first days use frame[time].dt.to_period('M').dt.start_time"
    )


def position(times: pd.Series, asked: Frequency) -> pd.Series:
    """Return for each time the number of its step, counted from a fixed one; a fraction is off."""
    if asked.unit in MONTHS:
        return (times.dt.year * 12 + times.dt.month) / MONTHS[asked.unit]
    return times.astype("datetime64[ns]").astype("int64") / (SECONDS[asked.unit] * 10**9)


def fitting(gap: float) -> Frequency:
    """Return the frequency whose step is the nearest to a gap in seconds."""
    sizes = SECONDS | {unit: months * 2_629_746 for unit, months in MONTHS.items()}
    unit = min(sizes, key=lambda one: abs(1 - gap / sizes[one]) + (gap < sizes[one] * 0.9) * 10)
    return Frequency(unit, unit)
