"""Left: one line through all shops rises. Right: one line through each shop falls."""

import matplotlib.pyplot as plt
import numpy as np
from drawing import save

from lakebook.datasets import load

SHOPS = ("S011", "S029", "S037", "S004", "S036")

days = load("shop_prices")
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.4), sharex=True, sharey=True)
for axis in (left, right):
    axis.loglog(days["price"], days["units"], ".", markersize=1, color="0.75", rasterized=True)
    axis.set_xlabel("price (euros)")


def line(axis, points, **style):
    slope, level = np.polyfit(np.log(points["price"]), np.log(points["units"]), 1)
    ends = np.array([points["price"].min(), points["price"].max()])
    axis.loglog(ends, np.exp(level) * ends**slope, **style)


left.set_ylabel("units a day")
left.set_title("one model for all shops", loc="left")
line(left, days, color="#b3261e", linewidth=3)
right.set_title("one model for each shop", loc="left")
for shop in SHOPS:
    line(right, days[days["shop"] == shop], color="#0b5cad", linewidth=3)
for axis in (left, right):
    axis.set_xticks([1.5, 2, 3], ["1.50", "2", "3"])
    axis.set_yticks([30, 100, 300], ["30", "100", "300"])
    axis.minorticks_off()
save(figure, __file__)
