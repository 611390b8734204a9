"""Seeded tables for the tests of AutoML, with every kind of column that it knows."""

from __future__ import annotations

import numpy as np
import pandas as pd


def customers(rows: int = 400, seed: int = 7) -> pd.DataFrame:
    """Return customers who stay or leave: numbers with gaps, dates, categories, text, an id.

    `customer_id` gives the answer away: those who leave have the odd numbers.
    """
    rng = np.random.default_rng(seed)
    tenure = rng.gamma(2.0, 12.0, rows).round(1)
    fee = rng.normal(40, 12, rows).round(2)
    plan = rng.choice(["basic", "plus", "family"], rows, p=[0.5, 0.3, 0.2])
    town = np.array([f"town {n}" for n in range(40)])[rng.integers(0, 40, rows)]
    risk = 0.05 * (fee - 40) - 0.06 * (tenure - 24) + (plan == "basic") * 0.8 - 1.2
    leaves = rng.random(rows) < 1 / (1 + np.exp(-risk))
    # The notes say it in two of three.
    says = np.where(rng.random(rows) < 0.35, ~leaves, leaves)
    words = np.where(says, "too slow and too dear", "quick and friendly people")
    notes = [
        f"{word} number {n} today"
        for n, word in zip(rng.integers(0, 999, rows), words, strict=True)
    ]
    frame = pd.DataFrame(
        {
            "customer_id": 2 * rng.permutation(rows) + leaves + 10_000,
            "tenure": np.where(rng.random(rows) < 0.1, np.nan, tenure),
            "fee": [f"{value:.2f}" for value in fee],
            "plan": np.where(rng.random(rows) < 0.05, None, plan),
            "town": town,
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 1500, rows), "D"),
            "paperless": rng.random(rows) < 0.5,
            "note": notes,
            "leaves": np.where(leaves, "yes", "no"),
        }
    )
    return frame


def flats(rows: int = 300, seed: int = 3) -> pd.DataFrame:
    """Return flats with their rents: mostly linear in size, with districts."""
    rng = np.random.default_rng(seed)
    size = rng.normal(70, 20, rows).clip(20).round(1)
    district = rng.choice(["north", "south", "east"], rows)
    rent = 8 * size + 100 * (district == "north") + rng.normal(0, 40, rows)
    return pd.DataFrame(
        {
            "size": np.where(rng.random(rows) < 0.08, np.nan, size),
            "rooms": (size / 25).round().astype(int),
            "district": district,
            "rent": rent.round(2),
        }
    )
