"""Make `newspaper_readers`: subscribers of a newspaper, and who cancels in the next month.

Planted: few cancel, and no column alone says who. A price rise that was announced matters most to
those who may leave each month; papers that come late matter through the complaints that they cause;
whoever reads in the app stays, and those who have stayed for years stay on.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

READERS = {"small": 12_000, "full": 120_000}
REGIONS = (
    "Ashvale",
    "Brackwater",
    "Cinder Hills",
    "Dunmoor",
    "Eastmarsh",
    "Fennings",
    "Greyport",
    "Hollin",
    "Inverle",
)
FAR = ("Dunmoor", "Inverle")  # where the paper comes late more often
PLANS = ("monthly", "quarterly", "yearly")
PRICES = {"print": 42.0, "digital": 19.0, "both": 49.0}
DISCOUNT = {"monthly": 1.0, "quarterly": 0.95, "yearly": 0.85}
FREE_TO_GO = {"monthly": 0.7, "quarterly": 0.1, "yearly": -0.8}  # log odds of cancelling
NO_AGE = 0.08  # share of the readers who did not give their age
BASE = -3.5  # log odds; with the rest about 3.5 % cancel
COLUMNS = [
    "reader_id",
    "region",
    "delivery",
    "plan",
    "age",
    "months",
    "price",
    "late_deliveries",
    "complaints",
    "app_days",
    "reminder",
    "cancelled",
]


def make(scale: str) -> pd.DataFrame:
    """Return one row for each reader: what is known on 1 October, and whether they cancel in it."""
    rng = np.random.default_rng(20261001)
    count = READERS[scale]
    age = np.clip(rng.normal(54, 16, count), 18, 94).round()
    region = rng.choice(REGIONS, count)
    delivery = _delivery(rng, age)
    plan = rng.choice(PLANS, count, p=(0.45, 0.25, 0.3))
    months = np.ceil(rng.gamma(0.9, 50, count) * (0.4 + age / 90)).clip(1, 480)
    late = rng.poisson(np.where(np.isin(region, FAR), 1.6, 0.6)) * (delivery != "digital")
    complaints = rng.poisson(0.06 + 0.28 * late)
    eager = rng.beta(0.8, 1.1, count)
    days = np.where(delivery == "print", np.nan, rng.binomial(30, eager))
    reminder = rng.random(count) < 0.2
    price = pd.Series(delivery).map(PRICES) * pd.Series(plan).map(DISCOUNT)
    odds = (
        BASE
        + pd.Series(plan).map(FREE_TO_GO).to_numpy()
        + 0.8 * np.minimum(complaints, 4)
        + reminder * np.where(plan == "monthly", 1.5, 0.6)
        - 0.45 * np.log(months / 12)
        - 0.045 * np.nan_to_num(days, nan=12)
        - 0.012 * (age - 54)
        + 0.35 * (region == "Greyport")
    )
    frame = pd.DataFrame(
        {
            "reader_id": np.arange(50_001, 50_001 + count),
            "region": region,
            "delivery": delivery,
            "plan": plan,
            "age": np.where(rng.random(count) < NO_AGE, np.nan, age),
            "months": months.astype(int),
            "price": (price - 0.1).round(1),
            "late_deliveries": late,
            "complaints": complaints,
            "app_days": days,
            "reminder": reminder.astype(int),
            "cancelled": (rng.random(count) < 1 / (1 + np.exp(-odds))).astype(int),
        }
    )
    return frame[COLUMNS]


def _delivery(rng: np.random.Generator, age: np.ndarray) -> np.ndarray:
    """Return how each reader gets the paper; the older, the more often in print."""
    paper = rng.random(len(age)) < 1 / (1 + np.exp(-(age - 52) / 12))
    both = rng.random(len(age)) < 0.3
    return np.where(both, "both", np.where(paper, "print", "digital"))
