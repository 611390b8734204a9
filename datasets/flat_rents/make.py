"""Make `flat_rents`: the flats advertised in a made-up city, and the rent asked for each.

The rent is a product: each property of a flat multiplies it, and so does luck. So the logarithm of
the rent is a sum. One thing is no sum: a higher floor costs rent in houses from before 1960, which
have no lift, and adds to it in younger ones.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

FLATS = {"small": 6_000, "full": 60_000}
CITY = 20_260_401  # seed of the districts, the same at both scales
DISTRICTS = (
    "Alderbank",
    "Ashmoor",
    "Beacon Row",
    "Birchfield",
    "Brickyard",
    "Canal Side",
    "Castle Mount",
    "Cedar Park",
    "Clockmakers",
    "Coopers Gate",
    "Dock Basin",
    "Dovecote",
    "East Meadow",
    "Elmhollow",
    "Ferry Bank",
    "Foundry Lane",
    "Glassworks",
    "Granary",
    "Greenwater",
    "Harbour Hill",
    "Heron Marsh",
    "Hopfields",
    "Iron Bridge",
    "Juniper Down",
    "Kiln Street",
    "Lantern Quay",
    "Limehouse Cut",
    "Long Orchard",
    "Mill Race",
    "Minster",
    "New Ropewalk",
    "North Gate",
    "Oak Terrace",
    "Old Market",
    "Paper Mill",
    "Quarry Edge",
    "River Bend",
    "Saltmarket",
    "South Common",
    "Stonebridge",
    "Tannery",
    "Thornfield",
    "Weavers Green",
    "West Dyke",
    "Windmill Rise",
)
# What each adds to the logarithm of the rent.
KINDS = {"basement": -0.28, "flat": 0.0, "attic": -0.10, "loft": 0.24, "house": 0.14}
CONDITIONS = {"to renovate": 0.0, "dated": 0.04, "good": 0.09, "renovated": 0.36, "new": 0.42}
ENERGY = {"A": 0.0, "B": -0.028, "C": -0.055, "D": -0.09, "E": -0.12, "F": -0.15, "G": -0.185}
AREA, ROOM, BALCONY, KILOMETRE = 0.0095, 0.015, 0.04, -0.025
LIFT_SINCE = 1960
STAIRS, VIEW = -0.07, 0.015  # each floor above the ground, without and with a lift
NOISE = 0.12
AREA_LOST = 0.06
BUILT_LOST = {"old": 0.20, "young": 0.07}  # before LIFT_SINCE, and from then on


def make(scale: str) -> pd.DataFrame:
    """Return one row for each advertised flat."""
    count = FLATS[scale]
    districts = _districts()
    rng = np.random.default_rng(20260402)
    where = rng.choice(len(districts), count, p=districts["share"])
    kind = rng.choice(list(KINDS), count, p=[0.06, 0.66, 0.12, 0.06, 0.10])
    middle = districts["distance"].to_numpy()[where]
    built = _built(rng, count)
    area = _area(rng, kind)
    flats = pd.DataFrame(
        {
            "flat_id": np.arange(100_001, 100_001 + count),
            "district": districts["district"].to_numpy()[where],
            "kind": kind,
            "condition": _condition(rng, built),
            "energy": _energy(rng, built),
            "area": area,
            "rooms": np.clip(np.round(area / 27 + rng.normal(0, 0.5, count)), 1, 6).astype(int),
            "floor": _floor(rng, kind, built),
            "built": built,
            "balcony": ((rng.random(count) < 0.45) & (kind != "basement")).astype(int),
            "distance": np.round(np.clip(middle + rng.normal(0, 0.5, count), 0.1, 15), 1),
        }
    )
    wish = districts["effect"].to_numpy()[where] + rng.normal(0, NOISE, count)
    flats["rent"] = np.round(np.exp(6.05 + _value(flats) + wish))
    flats.loc[rng.random(count) < AREA_LOST, "area"] = np.nan
    lost = np.where(built < LIFT_SINCE, BUILT_LOST["old"], BUILT_LOST["young"])
    flats.loc[rng.random(count) < lost, "built"] = np.nan
    return flats


def _districts() -> pd.DataFrame:
    """Return the districts: how large, how far out, and what the address alone is worth."""
    rng = np.random.default_rng(CITY)
    count = len(DISTRICTS)
    size = rng.lognormal(0, 0.6, count)
    return pd.DataFrame(
        {
            "district": DISTRICTS,
            "share": size / size.sum(),
            "distance": rng.uniform(0.5, 13, count),
            "effect": rng.normal(0, 0.22, count),
        }
    )


def _built(rng: np.random.Generator, count: int) -> np.ndarray:
    old = rng.integers(1880, 1940, count)
    young = rng.integers(1950, 2027, count)
    return np.where(rng.random(count) < 0.35, old, young).astype(float)


def _area(rng: np.random.Generator, kind: np.ndarray) -> np.ndarray:
    typical = {"basement": 38.0, "flat": 64.0, "attic": 52.0, "loft": 90.0, "house": 115.0}
    middle = np.array([typical[name] for name in kind])
    return np.round(np.clip(middle * rng.lognormal(0, 0.28, len(kind)), 18, 180), 1)


def _condition(rng: np.random.Generator, built: np.ndarray) -> np.ndarray:
    old = ["to renovate", "dated", "good", "renovated"]
    used = rng.choice(old, len(built), p=[0.12, 0.28, 0.38, 0.22])
    return np.where(built >= 2014, "new", used).astype(object)


def _energy(rng: np.random.Generator, built: np.ndarray) -> np.ndarray:
    step = (2026 - built) / 24 + rng.normal(0, 1.3, len(built))
    return np.array(list(ENERGY), dtype=object)[np.clip(np.round(step), 0, 6).astype(int)]


def _floor(rng: np.random.Generator, kind: np.ndarray, built: np.ndarray) -> np.ndarray:
    top = np.where(built < LIFT_SINCE, 5, 8)
    anywhere = rng.integers(0, top + 1)
    ground, roof = np.zeros(len(kind), dtype=int), rng.integers(3, top + 1)
    floors = {"basement": ground - 1, "house": ground, "attic": roof}
    return np.select([kind == name for name in floors], list(floors.values()), anywhere)


def _value(flats: pd.DataFrame) -> pd.Series:
    """Return what the flat's own properties add to the logarithm of the rent."""
    stairs = flats["built"].lt(LIFT_SINCE).map({True: STAIRS, False: VIEW})
    return (
        flats["kind"].map(KINDS)
        + flats["condition"].map(CONDITIONS)
        + flats["energy"].map(ENERGY)
        + AREA * flats["area"]
        + ROOM * flats["rooms"]
        + BALCONY * flats["balcony"]
        + KILOMETRE * flats["distance"]
        + stairs * flats["floor"].clip(lower=0)
    )
