"""Files, bronze, silver, gold, and the quarantine beside them, with the rows of three mornings."""

import json

import matplotlib.pyplot as plt
from drawing import save
from matplotlib.patches import FancyBboxPatch

from lakebook.datasets import load

lines = load("meter_readings")
lines = lines[lines["delivery"] < "2026-03-06"]


def sound(line: str) -> dict | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    known = row["meter"] != "TEST" and row["start"].startswith("2026")
    return row if known and row["kwh"] is not None and 0 <= row["kwh"] <= 20 else None


kept = [row for row in map(sound, lines["line"]) if row]
readings = {(row["meter"], row["start"]) for row in kept}
totals = {(row["meter"][0], row["start"][:10]) for row in kept}

BOXES = [
    ("landing", "files, as the\ngateways sent them", lines["file"].nunique(), "files", "#e8e8e8"),
    ("bronze", "every line,\nas it came", len(lines), "rows", "#e3b98f"),
    ("silver", "one row for\neach reading", len(readings), "rows", "#cfd6de"),
    ("gold", "one row for each\nday and building", len(totals), "rows", "#f2d675"),
]
ARROWS = ["append", "merge", "replace the days\nthat changed"]

figure, axis = plt.subplots(figsize=(8, 3.3))
axis.set(xlim=(-0.1, 16.4), ylim=(0, 6.7))
axis.axis("off")


def box(x, y, name, what, count, unit, colour):
    frame = FancyBboxPatch((x, y), 3, 2.3, boxstyle="round,pad=0.1", fc=colour, ec="0.35")
    axis.add_patch(frame)
    axis.text(x + 1.5, y + 1.95, name, ha="center", va="center", weight="bold")
    axis.text(x + 1.5, y + 1.15, what, ha="center", va="center", fontsize=8)
    axis.text(x + 1.5, y + 0.3, f"{count:,} {unit}", ha="center", va="center", fontsize=8)


def arrow(start, end):
    axis.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": "0.2"})


for number, parts in enumerate(BOXES):
    box(4.35 * number + 0.1, 3.3, *parts)
for number, words in enumerate(ARROWS):
    left = 4.35 * number + 3.25
    arrow((left, 4.45), (left + 1.05, 4.45))
    axis.text(left + 0.45, 6.25, words, ha="center", va="center", fontsize=8, style="italic")
box(
    8.8,
    0.15,
    "quarantine",
    "rows that break a\nrule, and which",
    len(lines) - len(kept),
    "rows",
    "#f0c4bf",
)
arrow((7.6, 3.6), (8.65, 1.9))
axis.text(7.3, 2.3, "expectations", ha="center", va="center", fontsize=8, style="italic")
save(figure, __file__)
