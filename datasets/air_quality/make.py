"""Make `air_quality`: daily readings of air stations and the emergency visits in their districts.

Planted, and known because `truth` returns the complete readings:

- `wind`: the logger drops a reading now and then, whatever the weather (completely at random);
- `no2`: the instrument fails in heat, and heat is recorded (at random, given an observed column);
- `ozone`: the instrument saturates, so the high readings are the ones lost (not at random);
- `humidity` is patchy at the rural stations, `sky` on weekends (both at random, given the column).

The visits depend on the true ozone and nitrogen dioxide, measured or not.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

SIZES = {"small": (12, 365), "full": (60, 1461)}  # stations, days
FIRST_DAY = "2022-01-01"
KINDS = ("traffic", "suburban", "rural")
WIND_LOST = 0.12
SKY_LOST = {False: 0.03, True: 0.35}  # on a weekend?
HUMIDITY_LOST = {"traffic": 0.02, "suburban": 0.02, "rural": 0.30}
VISITS = {"level": 9.0, "ozone": 0.22, "no2": 0.12}  # expected visits, and more for each µg/m³


def truth(scale: str) -> pd.DataFrame:
    """Return every reading as it was, without gaps; rows and columns are those of `make`."""
    stations, days = SIZES[scale]
    dates = pd.date_range(FIRST_DAY, periods=days)
    rng = np.random.default_rng(2022)
    # A hot spell or a calm lasts for days and is everywhere at once.
    season = -np.cos(2 * np.pi * (dates.dayofyear.to_numpy() - 20) / 365.25)
    spell = _slow_noise(rng, days, memory=0.8)
    calm = _slow_noise(rng, days, memory=0.5)
    frames = []
    for number in range(stations):
        kind = KINDS[number % len(KINDS)]
        temperature = 11.5 + 9.5 * season + 4 * spell + rng.normal(0, 1, days)
        wind = np.exp(1.0 - 0.35 * calm + 0.25 * rng.normal(0, 1, days))
        humidity = np.clip(76 - 0.9 * (temperature - 11) + rng.normal(0, 7, days), 20, 100)
        readings = {
            "temperature": temperature,
            "humidity": humidity,
            "wind": wind,
            "sky": _sky(rng, humidity),
            "no2": _no2(rng, kind, temperature, wind),
            "ozone": _ozone(rng, kind, temperature, wind),
        }
        place = {"station": f"A{number + 1:02d}", "kind": kind, "day": dates}
        frames.append(pd.DataFrame(place | readings))
    air = pd.concat(frames, ignore_index=True)
    expected = VISITS["level"] + sum(VISITS[gas] * air[gas] for gas in ("ozone", "no2"))
    air["visits"] = rng.poisson(expected)
    return air.round(1)


def make(scale: str) -> pd.DataFrame:
    """Return one row per station and day, with the gaps that the instruments left."""
    air = truth(scale)
    rng = np.random.default_rng(18)
    chance = {
        "humidity": air["kind"].map(HUMIDITY_LOST),
        "wind": WIND_LOST,
        "sky": (air["day"].dt.dayofweek >= 5).map(SKY_LOST),
        "no2": 0.02 + 0.78 * _rising(air["temperature"], middle=20, width=1.5),
        "ozone": 0.97 * _rising(air["ozone"], middle=100, width=5),
    }
    for column, share in chance.items():
        air[column] = air[column].mask(rng.random(len(air)) < share)
    return air


def _slow_noise(rng: np.random.Generator, days: int, memory: float) -> np.ndarray:
    """Return standard normal noise in which a day resembles the day before it."""
    noise = rng.normal(0, 1, days)
    for day in range(1, days):
        noise[day] = memory * noise[day - 1] + np.sqrt(1 - memory**2) * noise[day]
    return noise


def _no2(
    rng: np.random.Generator, kind: str, temperature: np.ndarray, wind: np.ndarray
) -> np.ndarray:
    """Return µg/m³ with a long tail to the right: traffic, diluted by warmth and by wind."""
    level = {"traffic": 3.9, "suburban": 3.2, "rural": 2.5}[kind]
    weather = -0.04 * (temperature - 11) - 0.12 * (wind - 3)
    return np.exp(level + weather + rng.normal(0, 0.35, len(wind)))


def _ozone(
    rng: np.random.Generator, kind: str, temperature: np.ndarray, wind: np.ndarray
) -> np.ndarray:
    """Return µg/m³: sunlight makes ozone, so it rises steeply in heat; exhaust eats it."""
    level = {"traffic": 30, "suburban": 46, "rural": 55}[kind]
    heat = np.maximum(temperature - 14, 0)
    ozone = level + 0.8 * temperature + 4.2 * heat - 2 * (wind - 3)
    return np.maximum(ozone + rng.normal(0, 13, len(wind)), 3)


def _sky(rng: np.random.Generator, humidity: np.ndarray) -> np.ndarray:
    wetness = humidity + rng.normal(0, 8, len(humidity))
    return np.select([wetness > 90, wetness > 76], ["rain", "cloud"], "clear")


def _rising(values: pd.Series, middle: float, width: float) -> pd.Series:
    """Return a share that climbs from 0 to 1 around `middle`, mostly within twice the `width`."""
    return 1 / (1 + np.exp(-(values - middle) / width))
