"""Make `store_items`: what ten stores sold of fifty items each day, for five years.

Planted: a week that is low on Mondays and high on Sundays, a year that peaks in July, a slow rise
that for one item turns into a fall, and one store that is closed on the federal holidays of the
United States. The small scale is a corner of the full one: its numbers are the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.tseries.holiday import (
    AbstractHolidayCalendar,
    Holiday,
    USColumbusDay,
    USLaborDay,
    USMartinLutherKingJr,
    USMemorialDay,
    USPresidentsDay,
    USThanksgivingDay,
)

FIRST, LAST = pd.Timestamp("2021-01-01"), pd.Timestamp("2025-12-31")
STORES, ITEMS = 10, 50
SMALL = {"stores": 3, "items": 4, "first": pd.Timestamp("2022-01-01")}
WEEK = np.array([0.80, 0.93, 0.94, 1.00, 1.06, 1.12, 1.15])  # Monday to Sunday, mean 1
PEAK, WAVE = 196, 0.30  # day of the year on which most is sold, and how far above the mean
GROWTH = 0.06  # a year
TURNING, TURN, FALL = 2, pd.Timestamp("2024-01-01"), 0.12  # this item falls so much a year
CLOSED = 2  # the store that is closed on federal holidays
BUSY = 0.05  # standard deviation of what makes a day busy for a whole store …
LASTING = 0.7  # … and the share of it that is still there on the next day


class FederalHolidays(AbstractHolidayCalendar):
    """The eleven federal holidays on their own days, not on those on which offices close."""

    rules = (
        Holiday("New Year's Day", month=1, day=1),
        USMartinLutherKingJr,
        USPresidentsDay,
        USMemorialDay,
        Holiday("Juneteenth", month=6, day=19),
        Holiday("Independence Day", month=7, day=4),
        USLaborDay,
        USColumbusDay,
        Holiday("Veterans Day", month=11, day=11),
        USThanksgivingDay,
        Holiday("Christmas Day", month=12, day=25),
    )


@dataclass(frozen=True)
class _Parts:
    dates: pd.DatetimeIndex
    mean: np.ndarray  # stores × items × days, before what makes a day busy
    busy: np.ndarray  # stores × days


def make(scale: str) -> pd.DataFrame:
    """Return one row for each store, item and day; on a day when it is closed, sales are 0."""
    rng = np.random.default_rng(20210101)
    parts = _parts(rng)
    sales = rng.poisson(parts.mean * parts.busy[:, None, :])
    frame = pd.DataFrame(
        {
            "date": np.tile(parts.dates, STORES * ITEMS),
            "store": np.repeat(np.arange(1, STORES + 1), ITEMS * len(parts.dates)),
            "item": np.tile(np.repeat(np.arange(1, ITEMS + 1), len(parts.dates)), STORES),
            "sales": sales.ravel(),
        }
    )
    if scale == "small":
        frame = frame[
            (frame["store"] <= SMALL["stores"])
            & (frame["item"] <= SMALL["items"])
            & (frame["date"] >= SMALL["first"])
        ]
    return frame.reset_index(drop=True)


def _parts(rng: np.random.Generator) -> _Parts:
    dates = pd.date_range(FIRST, LAST)
    days = np.arange(len(dates))
    level = rng.uniform(0.7, 1.4, (STORES, 1)) * rng.uniform(12, 80, ITEMS)
    growth = (1 + GROWTH) ** (days / 365.25)
    trend = np.tile(growth, (ITEMS, 1))
    turn = (TURN - FIRST).days
    after = np.maximum(days - turn, 0) / 365.25
    trend[TURNING - 1] = growth[np.minimum(days, turn)] * (1 - FALL) ** after
    year = 1 + WAVE * np.cos(2 * np.pi * (dates.dayofyear - PEAK) / 365.25)
    mean = level[:, :, None] * trend * year.to_numpy() * WEEK[dates.dayofweek]
    mean[CLOSED - 1, :, dates.isin(FederalHolidays().holidays(FIRST, LAST))] = 0
    shocks = rng.normal(0, BUSY * np.sqrt(1 - LASTING**2), (STORES, len(dates)))
    for day in days[1:]:
        shocks[:, day] += LASTING * shocks[:, day - 1]
    return _Parts(dates, mean, np.exp(shocks))
