"""The consumption of one Monday, as two programs saw it on four mornings."""

import json

import matplotlib.pyplot as plt
import pandas as pd
from drawing import save

from lakebook.datasets import load

MORNINGS = ["2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06"]


def fields(line: str) -> dict:
    try:
        return json.loads(line)
    except ValueError:
        return {}


lines = load("meter_readings")
rows = lines[["delivery"]].join(pd.DataFrame([fields(line) for line in lines["line"]]))
monday = rows[rows["start"].str.startswith("2026-03-02", na=False)]
sound = monday[monday["kwh"].between(0, 20) & (monday["meter"] != "TEST")]
added, settled = [], []
for morning in MORNINGS:
    added.append(monday[monday["delivery"] <= morning]["kwh"].sum())
    known = sound[sound["delivery"] <= morning].sort_values("revision")
    settled.append(known.drop_duplicates(["meter", "start"], keep="last")["kwh"].sum())

figure, axis = plt.subplots(figsize=(6.5, 3.2))
names = ["Tuesday", "Wednesday", "Thursday", "Friday"]
axis.plot(names, added, "o-", color="#b3261e")
axis.plot(names, settled, "o-", color="#0b5cad")
axis.text(2.95, added[-1] + 18, "all lines added up", color="#b3261e", ha="right", va="bottom")
axis.text(2.95, settled[-1] - 22, "silver", color="#0b5cad", ha="right", va="top")
axis.set_ylim(250, 720)
axis.set_xlabel("seen on the morning of")
axis.set_ylabel("Monday's consumption (kWh)")
save(figure, __file__)
