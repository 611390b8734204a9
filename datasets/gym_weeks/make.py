"""Make `gym_weeks`: the line that the system of three gyms writes about each member each Monday.

Planted: members who will cancel come less often than is usual for them, and look at their contract
more often; once they have cancelled, they do neither. So the newest line of a member tells whether
they have left, in the opposite direction to what an older line says of whether they will. The gate
of club C wrote nothing for six weeks.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

MEMBERS = {"small": 3_000, "full": 24_000}
FIRST, WEEKS = pd.Timestamp("2026-01-05"), 31  # Mondays; the last one is 3 August
COUNTED = 4  # a line counts this many weeks
CLUBS, FEES = ("A", "B", "C"), (29.0, 39.0, 49.0)
LEAVING = 0.05  # share of the members who cancel within four weeks
BEFORE = 70  # days before the cancellation at which the visits begin to fall …
LOWEST = 14  # … and at which they have fallen as far as they will
DECIDING = 49  # days before the cancellation from which the contract is looked at more often
AWAY = 0.25  # chance of each of two times of illness or holiday
SILENT = ("C", pd.Timestamp("2026-03-09"), pd.Timestamp("2026-04-13"))  # both Mondays included
LOST = 0.01  # share of the lines that are missing anywhere
COLUMNS = [
    "member_id",
    "week",
    "club",
    "joined",
    "fee",
    "usual_visits",
    "visits",
    "classes",
    "contract_views",
    "cancelled_on",
]


def make(scale: str) -> pd.DataFrame:
    """Return one row for each member and Monday, without the lines that were never written."""
    rng = np.random.default_rng(20260105)
    members = _members(rng, MEMBERS[scale])
    lines = _lines(rng, members)
    club, start, end = SILENT
    silent = (lines["club"] == club) & lines["week"].between(start, end)
    lost = rng.random(len(lines)) < LOST
    return lines[~silent & ~lost].reset_index(drop=True)


def _members(rng: np.random.Generator, count: int) -> pd.DataFrame:
    """Return the members; `habit` is visits in four weeks, `leaves` hours after the first line."""
    joined = pd.Timestamp("2025-09-30") - pd.to_timedelta(rng.integers(0, 640, count), unit="D")
    # The 29th to 31st would renew on another day in February.
    joined = joined.where(joined.day <= 28, joined - pd.Timedelta("3D"))
    habit = rng.lognormal(2, 0.6, count).clip(4, 28)
    return pd.DataFrame(
        {
            "member_id": np.arange(1001, 1001 + count),
            "club": rng.choice(CLUBS, count),
            "joined": joined.astype("datetime64[ns]"),
            "fee": rng.choice(FEES, count),
            "usual_visits": np.maximum(rng.poisson(3 * habit) / 3, 1).round().astype(int),
            "habit": habit,
            "leaves": rng.exponential(24 * 28 / LEAVING, count).astype(int),
        }
    )


def _lines(rng: np.random.Generator, members: pd.DataFrame) -> pd.DataFrame:
    """Return all lines, with what each member did in the four weeks before it."""
    count, weeks = len(members), WEEKS + COUNTED
    middle = 7.0 * np.arange(-COUNTED, WEEKS) + 3.5  # of each week, in days after the first line
    left = members["leaves"].to_numpy()[:, None] / 24 - middle  # days left until the cancellation
    fall = rng.uniform(0.4, 0.9, (count, 1)) * np.clip((BEFORE - left) / (BEFORE - LOWEST), 0, 1)
    mood = np.where(left > 0, 1 - fall, np.where(left > -10, 0.1, 0.0))
    for _ in range(2):
        begin = rng.uniform(-28, 7 * WEEKS, (count, 1))
        away = rng.random((count, 1)) < AWAY
        end = begin + away * rng.choice([10, 17, 24, 38], (count, 1))
        mood = np.where((middle >= begin) & (middle < end), mood / 4, mood)
    mood *= np.exp(rng.normal(0, 0.07, (count, weeks)).cumsum(axis=1))
    visits = rng.poisson(members["habit"].to_numpy()[:, None] / COUNTED * mood)
    classes = rng.binomial(visits, rng.beta(1, 3, (count, 1)))
    curious = 0.4 + 1.3 * np.clip(1 - left / DECIDING, 0, 1)
    curious = np.where(left > -3, curious, 0.02) * rng.lognormal(0, 0.3, (count, 1))
    mondays = pd.date_range(FIRST, periods=WEEKS, freq="7D").to_numpy()
    lines = members.loc[members.index.repeat(WEEKS)].drop(columns=["habit", "leaves"])
    cancelled = FIRST + pd.to_timedelta(members["leaves"], unit="h")
    cancelled = cancelled.repeat(WEEKS).astype("datetime64[ns]")
    lines = lines.assign(
        week=np.tile(mondays, count),
        visits=_last_weeks(visits),
        classes=_last_weeks(classes),
        contract_views=_last_weeks(rng.poisson(curious)),
        cancelled_on=lambda frame: cancelled.where(cancelled <= frame["week"]),
    )
    return lines[COLUMNS]


def _last_weeks(weekly: np.ndarray) -> np.ndarray:
    """Return the sums of the four weeks before each Monday, member by member."""
    total = np.cumsum(weekly, axis=1)
    total = np.hstack([np.zeros((len(weekly), 1), dtype=total.dtype), total])
    return (total[:, COUNTED:-1] - total[:, : -COUNTED - 1]).ravel()
