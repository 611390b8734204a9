"""One question about one member, and the line that each of two joins answers it with."""

import matplotlib.dates as dates
import matplotlib.pyplot as plt
import pandas as pd
from drawing import save
from matplotlib.ticker import MaxNLocator

from lakebook.datasets import load

MEMBER, TODAY = 1650, pd.Timestamp("2026-06-29")
ASKED = pd.Timestamp("2026-04-25")
BLUE, RED, GREY = "#0b5cad", "#b3261e", "0.45"

lines = load("gym_weeks")
lines = lines[(lines["member_id"] == MEMBER) & (lines["week"] >= "2026-03-02")]
gone = lines["cancelled_on"].max()
lines = lines[lines["week"] <= TODAY].set_index("week")
then, now = lines.index[lines.index <= ASKED][-1], lines.index[-1]

figure, (above, below) = plt.subplots(2, 1, figsize=(8, 4.4), sharex=True)
for axis, column, name in ((above, "visits", "visits"), (below, "contract_views", "looks")):
    axis.axvspan(ASKED, ASKED + pd.Timedelta("28D"), color="0.92", linewidth=0)
    axis.axvline(ASKED, color="black")
    axis.axvline(gone, color="black", linestyle="--")
    axis.plot(lines.index, lines[column], "o", color="0.7", markersize=5)
    for week, colour in ((then, BLUE), (now, RED)):
        axis.plot(week, lines[column][week], "o", color=colour, markersize=9)
    axis.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axis.set_ylabel(f"{name} in four weeks")
    axis.set_ylim(-1.5, 1.45 * lines[column].max())
    axis.xaxis.set_major_locator(dates.MonthLocator())
    axis.xaxis.set_major_formatter(dates.DateFormatter("%-d %B"))
top = 1.42 * lines["visits"].max()
day = pd.Timedelta("1D")
above.text(ASKED - day, top, "asked: will\nthis member\ncancel?", ha="right", va="top")
above.text(ASKED + 1.5 * day, top, "four\nweeks", ha="left", va="top", color=GREY)
above.text(gone + 1.5 * day, top, "cancelled", ha="left", va="top")
above.annotate(
    "as-of join: the last\nline before the question",
    (then, lines["visits"][then]),
    (pd.Timestamp("2026-03-15"), 3),
    color=BLUE,
    ha="center",
    va="center",
    arrowprops={"arrowstyle": "->", "color": BLUE, "shrinkB": 7},
)
above.annotate(
    "plain join: the newest\nline there is",
    (now, lines["visits"][now]),
    (pd.Timestamp("2026-06-16"), 9.5),
    color=RED,
    ha="center",
    va="center",
    arrowprops={"arrowstyle": "->", "color": RED, "shrinkB": 7},
)
save(figure, __file__)
