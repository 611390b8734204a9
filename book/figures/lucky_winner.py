"""The best of many equally good models looks better, the more of them are compared."""

import matplotlib.pyplot as plt
import numpy as np
from drawing import save

ROWS, TRUTH, GAMES = 147, 0.90, 1000
COMPARED = (1, 2, 5, 10, 20, 50, 100, 200, 500)

# Drawn as in lab day3/01_cross_validation, for more than one number of models.
rng = np.random.default_rng(7)
shares = rng.binomial(ROWS, TRUTH, size=(GAMES, max(COMPARED))) / ROWS
best = {count: shares[:, :count].max(axis=1) for count in COMPARED}

figure, axis = plt.subplots(figsize=(7, 3.4))
low, high = np.array([np.quantile(best[count], [0.05, 0.95]) for count in COMPARED]).T
axis.fill_between(COMPARED, low, high, color="#0b5cad", alpha=0.2, linewidth=0)
axis.plot(COMPARED, [best[count].mean() for count in COMPARED], "o-", color="#0b5cad")
axis.axhline(TRUTH, color="#b3261e", linewidth=2)
axis.text(
    500, TRUTH - 0.004, "how good every one of them is", color="#b3261e", ha="right", va="top"
)
axis.text(24, 0.926, "how good the best one looks", color="#0b5cad", ha="left", va="top")
axis.set_xscale("log")
axis.set_xticks(COMPARED, [str(count) for count in COMPARED])
axis.minorticks_off()
axis.set_xlabel(f"models compared on the same {ROWS} rows")
axis.set_ylabel("share judged rightly")
save(figure, __file__)
