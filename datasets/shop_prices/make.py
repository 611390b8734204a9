"""Make `shop_prices`: daily prices and sales of a chain of ice-cream shops, one elasticity each.

Planted: every shop sells less when it is dearer (its elasticity lies between -2.4 and -0.6), but
dear shops stand in busy places, so over all shops together sales *rise* with the price.
Two shops never change their price, and two opened a few days ago: one model per shop meets both.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

SIZES = {"small": (40, 210), "full": (1000, 730)}  # shops, days
FIXED_PRICE = ("S008", "S021")
NEW = {"S015": 5, "S033": 3}  # shop: days since it opened
FIRST_DAY = "2025-05-01"


def elasticities(scale: str = "small") -> pd.Series:
    """Return the planted elasticity of each shop: per cent of sales for one per cent of price."""
    shops, _ = SIZES[scale]
    names = [f"S{number:03d}" for number in range(1, shops + 1)]
    drawn = np.random.default_rng(415).uniform(-2.4, -0.6, shops)
    return pd.Series(drawn.round(3), index=pd.Index(names, name="shop"), name="elasticity")


def make(scale: str) -> pd.DataFrame:
    """Return one row per shop and day, in no particular order, as sales arrive from tills."""
    _, days = SIZES[scale]
    planted = elasticities(scale)
    rng = np.random.default_rng(20250501)
    dates = pd.date_range(FIRST_DAY, periods=days)
    weekend = dates.dayofweek.to_numpy() >= 5
    season = 0.08 * np.sin(2 * np.pi * (dates.dayofyear.to_numpy() - 105) / 365)
    frames = []
    for shop, elasticity in planted.items():
        busy = rng.normal(0, 0.35)
        usual = round(2.2 * np.exp(0.45 * busy + rng.normal(0, 0.04)), 2)
        move = np.zeros(days) if shop in FIXED_PRICE else _price_moves(rng, days)
        price = np.round(usual * np.exp(move), 2)
        log_units = (
            4.6
            + 1.5 * busy
            + season
            + rng.uniform(0.2, 0.6) * weekend
            + elasticity * np.log(price / usual)
        )
        units = rng.poisson(np.exp(log_units + rng.normal(0, 0.08, days)))
        frame = pd.DataFrame(
            {"shop": shop, "day": dates, "price": price, "weekend": weekend, "units": units}
        )
        frames.append(frame.tail(NEW.get(shop, days)))
    sales = pd.concat(frames)
    return sales.sample(frac=1, random_state=415).reset_index(drop=True)


def _price_moves(rng: np.random.Generator, days: int) -> np.ndarray:
    """Return the log of price over usual price: one of five steps, new every 7 to 21 days."""
    moves: list[float] = []
    while len(moves) < days:
        step = rng.choice([-0.16, -0.08, 0.0, 0.08, 0.16])
        moves.extend([step] * int(rng.integers(7, 22)))
    return np.array(moves[:days])
