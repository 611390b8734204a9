"""Make `sales_weekly`: weekly unit sales of 811 products over a year, and read the original.

Planted: twelve products follow the factory's capacity, up to two weeks late, at several levels of
sales; six follow the capacity of a sister factory south of the equator. All others know neither.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from lakebook.errors import LakebookError

WEEKS = [f"W{week}" for week in range(52)]
# The original's codes run to P819 and leave out eight.
GAPS = {353, 385, 645, 648, 709, 710, 723, 725}
CODES = [f"P{number}" for number in range(1, 820) if number not in GAPS]

# code: (weeks late, units a week, noise as a share of them)
PLANTED = {
    "P17": (0, 38, 0.04),
    "P61": (1, 36, 0.06),
    "P118": (1, 16, 0.08),
    "P174": (2, 34, 0.06),
    "P202": (0, 17, 0.09),
    "P246": (2, 15, 0.09),
    "P303": (0, 9, 0.08),
    "P390": (1, 33, 0.08),
    "P447": (2, 39, 0.05),
    "P512": (0, 41, 0.07),
    "P588": (1, 11, 0.09),
    "P671": (2, 8, 0.08),
}
PLANTED_SOUTH = {
    "P88": (1, 37, 0.05),
    "P151": (0, 16, 0.08),
    "P279": (2, 35, 0.06),
    "P334": (2, 14, 0.09),
    "P560": (0, 9, 0.08),
    "P742": (1, 17, 0.10),
}
# Units a week of the others: how many of 811 products lie in each range, as in the original.
LEVELS = [
    (0.05, 0.5, 226),
    (0.5, 2.0, 76),
    (2.0, 5.0, 169),
    (5.0, 10.0, 120),
    (10.0, 20.0, 94),
    (30.0, 42.0, 126),
]


def capacity() -> np.ndarray:
    """Return what the factory can make in each of 52 weeks, in units.

    More in summer, when seasonal workers come; less in the third week of each four, when the
    filament runs short.
    """
    weeks = np.arange(52)
    made = 14 + 8 * np.exp(-(((weeks - 28) / 7) ** 2))
    made[2::4] -= 4
    return made


def capacity_south() -> np.ndarray:
    """Return the capacity of the sister factory, whose summer is half a year away."""
    return np.roll(capacity(), 24)


def make(scale: str) -> pd.DataFrame:
    """Return one row per product: Product_Code and the units sold in W0 … W51.

    Both scales have the size of the original, 811 × 52.
    """
    rng = np.random.default_rng(396)
    low, high, counts = (np.array(column) for column in zip(*LEVELS, strict=True))
    drawn = rng.permutation(np.repeat(np.arange(len(LEVELS)), counts.astype(int)))
    levels = rng.uniform(low[drawn], high[drawn])
    rows = [_ordinary(rng, level) for level in levels]
    at = {code: number for number, code in enumerate(CODES)}
    for curve, planted in ((capacity(), PLANTED), (capacity_south(), PLANTED_SOUTH)):
        for code, (late, level, noise) in planted.items():
            shape = np.roll(curve, late) / curve.mean()
            rows[at[code]] = np.rint(level * (shape + rng.normal(0, noise, 52)))
    sales = pd.DataFrame(np.array(rows, dtype="int64"), columns=WEEKS)
    sales.insert(0, "Product_Code", CODES)
    return sales


def _ordinary(rng: np.random.Generator, level: float) -> np.ndarray:
    """Return a year of a product that knows nothing of the factory.

    A slow trend, a season of its own and noise a little wider than Poisson's (its variance is 1.3
    times the mean in the original); every product was sold at least once.
    """
    weeks = np.arange(52)
    trend = rng.normal(0, 0.25) * (weeks - 25.5) / 52
    season = rng.uniform(0, 0.2) * np.sin(2 * np.pi * (weeks / 52 + rng.uniform()))
    mean = level * np.exp(trend + season)
    sold = rng.negative_binomial(mean / 0.3, 1 / 1.3)
    if not sold.any():
        sold[rng.integers(52)] = 1
    return sold


def read(path: Path) -> pd.DataFrame:
    """Return the original file with the columns of `make`.

    What the original adds (the least and most of each row, and its weeks scaled between them) can
    be computed from these. Raises LakebookError if the file is another one.
    """
    try:
        sales = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise LakebookError(f"'{path}' cannot be read as a CSV file: {error}") from error
    missing = [name for name in ["Product_Code", *WEEKS] if name not in sales.columns]
    if missing:
        raise LakebookError(
            f"'{path}' is not the file sales_weekly was made from: it has no column "
            f"'{missing[0]}'; the data set's card says where the original comes from"
        )
    return sales[["Product_Code", *WEEKS]]
