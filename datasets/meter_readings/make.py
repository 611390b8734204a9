"""Make `meter_readings`: what the meters of four buildings sent in four mornings, line by line.

The lines are JSON, as the gateways wrote them, and some are broken. Planted, and counted by the
card: lines cut off, values missing, negative or in watt-hours, clocks that lost their setting, an
installer's test meter, whole files sent twice, corrections, corrections that overtake what they
correct, and gateways that were offline and delivered later.
"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

FLATS = {"small": 15, "full": 250}  # in each of the buildings
BUILDINGS = "ABCD"
DELIVERIES = ("2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06")  # of the day before each
# Lines of each kind and delivery, for every 15 flats of a building.
FAULTS = {
    "cut off": (2, 1, 3, 2),
    "no value": (3, 2, 2, 4),
    "negative": (1, 2, 2, 3),
    "clock lost": (0, 4, 0, 2),
    "clock lost, no value": (0, 0, 0, 2),
}
WATT_HOURS = (0, 0, 1, 2)  # meters of building D that send watt-hours, for a whole day
TEST_METER = (2, 1, 0, 1)  # lines of the installer's meter, which is in no flat; below zero
CORRECTED = (0, 12, 9, 0)  # readings of the day before last, with a second revision
OVERTAKEN = 6  # readings of 4 March: revision 2 arrives on 5 March, revision 1 on the 6th
OFFLINE = {  # building, day, first hour: the rest of the day arrives with a later delivery
    ("C", "2026-03-02", 14): "2026-03-05",
    ("D", "2026-03-03", 18): "2026-03-06",
}
RESENT = {"2026-03-04": "B", "2026-03-06": "A"}  # the file of 3 March comes again, as it was
DOUBLED = 5  # lines that stand twice in one file, in the delivery of 5 March


def make(scale: str) -> pd.DataFrame:
    """Return one row per line: delivery (its date), file (below the landing folder), line."""
    rng = np.random.default_rng(20260302)
    times = FLATS[scale] // FLATS["small"]
    sent = _on_time(_readings(rng, FLATS[scale]))
    sent = _with_corrections(rng, sent, times)
    broken = []
    for number, delivery in enumerate(DELIVERIES):
        lines = sent[sent["delivery"] == delivery].reset_index(drop=True)
        broken.append(_broken(rng, lines, number, times))
    sent = _sent_twice(rng, pd.concat(broken, ignore_index=True), times)
    sent = sent.sort_values(["delivery", "file"], kind="stable")
    return sent[["delivery", "file", "line"]].reset_index(drop=True)


def _readings(rng: np.random.Generator, flats: int) -> pd.DataFrame:
    """Return the true consumption (kWh) of each flat and hour of four days."""
    meters = [f"{building}-{flat:03d}" for building in BUILDINGS for flat in range(1, flats + 1)]
    hours = pd.date_range("2026-03-02", periods=96, freq="h")
    clock = hours.hour.to_numpy()
    # Breakfast and supper; nobody is awake at four.
    habit = 0.25 + 0.5 * np.exp(-((clock - 7.5) ** 2) / 4) + np.exp(-((clock - 19) ** 2) / 9)
    usual = rng.lognormal(-0.7, 0.35, len(meters))[:, None]
    noise = rng.lognormal(0, 0.3, (len(meters), len(hours)))
    # A flat never uses less than its fridge.
    kwh = np.maximum(usual * habit * noise, 0.04).round(3)
    grid = pd.MultiIndex.from_product([meters, hours], names=["meter", "start"])
    return pd.DataFrame({"kwh": kwh.ravel(), "revision": 1}, index=grid).reset_index()


def _on_time(readings: pd.DataFrame) -> pd.DataFrame:
    """Add the morning of delivery: the next one, unless the gateway was offline."""
    day = readings["start"].dt.normalize()
    delivery = (day + pd.Timedelta("1D")).dt.strftime("%Y-%m-%d")
    building = readings["meter"].str[0]
    for (where, offline, hour), later in OFFLINE.items():
        silent = (building == where) & (day == offline) & (readings["start"].dt.hour >= hour)
        delivery = delivery.mask(silent, later)
    return readings.assign(delivery=delivery)


def _with_corrections(rng: np.random.Generator, sent: pd.DataFrame, times: int) -> pd.DataFrame:
    """Add second revisions, and let some of them arrive before the first."""
    parts = [sent]
    for number, count in enumerate(CORRECTED):
        if count:
            before, now = DELIVERIES[number - 1], DELIVERIES[number]
            day = pd.Timestamp(before) - pd.Timedelta("1D")
            known = sent[(sent["delivery"] == before) & (sent["start"].dt.normalize() == day)]
            parts.append(_revised(rng, known, count * times).assign(delivery=now))
    wednesday = sent[(sent["delivery"] == "2026-03-05") & (sent["start"] >= "2026-03-04")]
    ahead = _revised(rng, wednesday, OVERTAKEN * times)
    sent.loc[ahead.index, "delivery"] = "2026-03-06"
    return pd.concat([*parts, ahead], ignore_index=True)


def _revised(rng: np.random.Generator, known: pd.DataFrame, count: int) -> pd.DataFrame:
    chosen = known.loc[rng.choice(known.index, count, replace=False)]
    better = (chosen["kwh"] * rng.uniform(1.1, 1.9, count)).round(3)
    return chosen.assign(kwh=better, revision=2)


def _broken(rng: np.random.Generator, sent: pd.DataFrame, number: int, times: int) -> pd.DataFrame:
    """Write the lines of one delivery, some of them as the faults leave them."""
    delivery = DELIVERIES[number]
    # Only first revisions of the day before: what comes late or corrected is itself sound.
    day = pd.Timestamp(delivery) - pd.Timedelta("1D")
    sound = sent.index[(sent["revision"] == 1) & (sent["start"].dt.normalize() == day)]
    updated = [f"D-{flat:03d}" for flat in range(1, WATT_HOURS[number] * times + 1)]
    in_watt_hours = sent.index[sent["meter"].isin(updated)].intersection(sound)
    free = sound.difference(in_watt_hours)
    hit = dict.fromkeys(sent.index, "")
    for fault, counts in FAULTS.items():
        count = counts[number] * times
        chosen = rng.choice(free, count, replace=False)
        free = free.difference(chosen)
        hit |= dict.fromkeys(chosen, fault)
    hit |= dict.fromkeys(in_watt_hours, "watt-hours")
    rows = [
        (row.meter[0], _line(row, hit[row.Index]))
        for row in sent.sort_values(["start", "meter"], kind="stable").itertuples()
    ]
    for hour in pd.date_range(delivery, periods=TEST_METER[number] * times, freq="h"):
        rows.append(("A", _json("TEST", hour, -1.0, 1)))
    frame = pd.DataFrame(rows, columns=["building", "line"])
    file = delivery + "/" + frame["building"] + ".json"
    return frame.assign(delivery=delivery, file=file)


def _line(row, fault: str) -> str:
    start, kwh = row.start, row.kwh
    if fault == "watt-hours":
        kwh = round(1000 * kwh)
    if fault == "negative":
        kwh = -kwh
    if "no value" in fault:
        kwh = None
    if "clock lost" in fault:
        start = pd.Timestamp("1970-01-01") + pd.Timedelta(hours=start.hour)
    line = _json(row.meter, start, kwh, row.revision)
    return line[:44] if fault == "cut off" else line


def _json(meter: str, start: pd.Timestamp, kwh: float | None, revision: int) -> str:
    reading = {"meter": meter, "start": f"{start:%Y-%m-%dT%H:%M:%SZ}"}
    return json.dumps(reading | {"kwh": kwh, "revision": revision})


def _sent_twice(rng: np.random.Generator, sent: pd.DataFrame, times: int) -> pd.DataFrame:
    """Send whole files again under another name, and repeat some lines within a file."""
    parts = [sent]
    for delivery, building in RESENT.items():
        again = sent[sent["file"] == f"{DELIVERIES[0]}/{building}.json"]
        file = f"{delivery}/{building}-again.json"
        parts.append(again.assign(delivery=delivery, file=file))
    thursday = sent[sent["file"] == "2026-03-05/A.json"]
    sound = thursday[
        thursday["line"].str.endswith("}") & ~thursday["line"].str.contains("null|: -")
    ]
    parts.append(sound.loc[rng.choice(sound.index, DOUBLED * times, replace=False)])
    return pd.concat(parts, ignore_index=True)
