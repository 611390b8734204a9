"""The same scores at two base rates: one ROC curve, two curves of precision and recall."""

from math import erf

import matplotlib.pyplot as plt
import numpy as np
from drawing import save

BLUE, RED, GAP = "#0b5cad", "#b3261e", 1.1  # how far the mean scores of the two classes lie apart

at = np.linspace(5, -5, 401)
above = np.array([0.5 * (1 - erf(value / 2**0.5)) for value in at])  # share of the negatives
found = np.array([0.5 * (1 - erf((value - GAP) / 2**0.5)) for value in at])  # of the positives

figure, (left, right) = plt.subplots(1, 2, figsize=(7.6, 3.5))
left.fill_between(above, found, color=BLUE, alpha=0.12, linewidth=0)
left.plot(above, found, color=BLUE, linewidth=4, alpha=0.5, label="50 in 100 are positive")
left.plot(above, found, color=RED, linewidth=1.5, label="4 in 100 are positive")
left.plot([0, 1], [0, 1], color="grey", linestyle="--", linewidth=1)
left.text(0.62, 0.55, "a coin", color="grey", rotation=38, ha="center", va="center")
left.set(xlabel="false positive rate", ylabel="recall", title="ROC")
left.legend(loc="lower right", frameon=False, fontsize=8.5)
for rate, colour in ((0.5, BLUE), (0.04, RED)):
    precision = rate * found / (rate * found + (1 - rate) * above)
    right.plot(found, precision, color=colour, linewidth=2)
    right.axhline(rate, color=colour, linestyle="--", linewidth=1)
    right.text(0.3, rate + 0.01, "a coin", color=colour, ha="left", va="bottom", size=9)
right.text(0.45, 0.9, "50 in 100", color=BLUE, ha="left", va="bottom")
right.text(0.22, 0.36, "4 in 100", color=RED, ha="left", va="bottom")
right.set(xlabel="recall", ylabel="precision", title="Precision and recall")
for axis in (left, right):
    axis.set(xlim=(0, 1), ylim=(0, 1.02))
save(figure, __file__)
