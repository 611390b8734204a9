"""Expected cost of a threshold for calibrated chances, and where three prices put its minimum."""

import matplotlib.pyplot as plt
import numpy as np
from drawing import save

NEEDLESS = 2
PRICES = ((10, "#5f6368"), (40, "#0b5cad"), (160, "#b3261e"))

# Chances of 1,000 readers, four in a hundred on average; the chance is true, so costs are expected.
chance = np.linspace(0.0005, 0.9995, 1000)
density = chance ** (0.7 - 1) * (1 - chance) ** (16.8 - 1)
readers = 1000 * density / density.sum()

figure, axis = plt.subplots(figsize=(7, 3.5))
for missed, colour in PRICES:
    kept = np.cumsum(readers * chance) * missed  # cancel, with a chance at or below the threshold
    calls = (readers * (1 - chance))[::-1].cumsum()[::-1] * NEEDLESS
    cost = np.append(calls[0], kept[:-1] + calls[1:])
    nobody = (readers * chance).sum() * missed
    best = NEEDLESS / (NEEDLESS + missed)
    axis.plot(chance, cost / nobody, color=colour, linewidth=2)
    axis.plot(best, np.interp(best, chance, cost / nobody), "o", color=colour)
    axis.axvline(best, color=colour, linestyle=":", linewidth=1)
axis.axhline(1, color="black", linewidth=0.8)
axis.axvline(0.5, color="black", linestyle="--", linewidth=0.8)
axis.text(0.505, 0.2, "0.5, the default", ha="left", va="bottom", size=9)
axis.text(0.3, 1.02, "calling nobody", ha="left", va="bottom", size=9)
axis.text(0.115, 1.25, "a miss costs 10", color=PRICES[0][1], ha="left", va="top")
axis.text(0.18, 0.8, "a miss costs 40", color=PRICES[1][1], ha="left", va="top")
axis.text(0.175, 0.55, "a miss costs 160", color=PRICES[2][1], ha="left", va="top")
axis.set(xlim=(0, 0.6), ylim=(0, 1.45))
axis.set_xlabel("threshold: call whoever has at least this chance (a needless call costs 2)")
axis.set_ylabel("cost, calling nobody = 1")
save(figure, __file__)
