"""Four data sets with one mean, one slope and one R², and what the line leaves of each."""

import matplotlib.pyplot as plt
import numpy as np
from drawing import save

SLOPE, MEAN, R2 = 2, 30, 0.8


def pin(x, shape):
    """Return values with that mean, slope and R² whose residuals have the shape asked for."""
    rest = shape - np.polyval(np.polyfit(x, shape, 1), x)
    spread = ((x - x.mean()) ** 2).sum()
    rest *= SLOPE * np.sqrt(spread * (1 / R2 - 1) / (rest**2).sum())
    return MEAN + SLOPE * (x - x.mean()) + rest


# As in lab day3/04_regression_metrics.
rng = np.random.default_rng(4297)
metres = np.arange(1, 21)
alike = np.r_[np.full(19, 9.18), 35.58]
logs = {
    "Ada: noise": (metres, pin(metres, rng.normal(size=20))),
    "Ben: a bend": (metres, pin(metres, -((metres - 10.5) ** 2))),
    "Cleo: one wrong": (metres, pin(metres, metres == 17)),
    "Dora: one decides": (alike, pin(alike, rng.normal(size=20) * (alike < 30))),
}

figure, axes = plt.subplots(2, 4, figsize=(8.6, 4.2), sharey="row", sharex="col")
for (top, below), (name, (x, y)) in zip(axes.T, logs.items(), strict=True):
    ends = np.array([0, x.max() + 1])
    line = np.poly1d(np.polyfit(x, y, 1))
    top.plot(ends, line(ends), color="#b3261e", linewidth=1.5)
    top.plot(x, y, "o", color="#0b5cad", markersize=3.5)
    below.axhline(0, color="#b3261e", linewidth=1.5)
    below.plot(x, y - line(x), "o", color="#0b5cad", markersize=3.5)
    top.set_title(name, fontsize=10)
    below.set_xlabel("metres of cloth")
axes[0, 0].set_ylabel("hours")
axes[1, 0].set_ylabel("residual (hours)")
save(figure, __file__)
