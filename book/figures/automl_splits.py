"""Three ways to deal out rows: at random, in the order of time, and whole groups."""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from drawing import save
from matplotlib.patches import Rectangle

COLORS = {"train": "#cfe0f3", "validate": "#0b5cad", "test": "#b3261e"}
GROUPS = (3, 1, 2, 4, 2, 1, 3, 2, 1, 1)  # sizes of households

figure, axis = plt.subplots(figsize=(7.5, 3.2))


def row(bottom, parts):
    for place, part in enumerate(parts):
        axis.add_patch(
            Rectangle((place, bottom), 1, 0.7, facecolor=COLORS[part], edgecolor="white")
        )


words = ["train"] * 12 + ["validate"] * 4 + ["test"] * 4
row(3.1, np.random.default_rng(5).permutation(words))
row(1.9, words)
dealt = ["train", "test", "train", "train", "validate", "test", "train", "validate", "test", "test"]
row(0.7, np.repeat(dealt, GROUPS))
for bottom, name in ((3.1, "at random"), (1.9, "time_col"), (0.7, "split_col")):
    axis.text(-0.3, bottom + 0.35, name, ha="right", va="center")
starts = np.cumsum((0, *GROUPS))
for left, right in pairwise(starts):
    axis.plot([left + 0.12, right - 0.12], [0.56, 0.56], color="0.35", linewidth=1.5)
axis.text(10, 0.25, "households stay together", ha="center", va="center", fontsize=9)
axis.annotate("", (20, 1.75), (0, 1.75), arrowprops={"arrowstyle": "->", "color": "0.35"})
axis.text(20.2, 1.75, "time", va="center", fontsize=9)
for left, part in ((2.5, "train"), (8.5, "validate"), (14.5, "test")):
    axis.add_patch(Rectangle((left, 4.3), 0.7, 0.5, facecolor=COLORS[part]))
    axis.text(left + 0.9, 4.55, part, va="center")
axis.set_xlim(-3.4, 21.6)
axis.set_ylim(0, 4.9)
axis.axis("off")
save(figure, __file__)
