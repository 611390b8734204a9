"""Nine fits spent on a grid and at random, where only one of two parameters matters."""

import matplotlib.pyplot as plt
import numpy as np
from drawing import save

BEST = 0.37  # the value of the parameter that matters at which the score is highest


def score(value):
    """Return the score at a value of the parameter that matters; the other has no say."""
    return np.exp(-(((value - BEST) / 0.13) ** 2))


ticks = np.linspace(0.1, 0.9, 3)
grid = np.array([(x, y) for x in ticks for y in ticks])
drawn = np.random.default_rng(5).uniform(0.03, 0.97, size=(9, 2))
line = np.linspace(0, 1, 300)

figure, axes = plt.subplots(
    2, 2, figsize=(7.5, 4.2), sharex=True, gridspec_kw={"height_ratios": [1, 2.2]}
)
for (top, below), points, name in zip(
    axes.T, (grid, drawn), ("grid: 9 fits, 3 values", "random: 9 fits, 9 values"), strict=True
):
    top.set_title(name, loc="left")
    top.plot(line, score(line), color="0.6")
    top.plot(points[:, 0], score(points[:, 0]), "o", color="#0b5cad")
    top.set_yticks([])
    below.plot(points[:, 0], points[:, 1], "o", color="#0b5cad")
    for x in points[:, 0]:
        below.axvline(x, color="#0b5cad", alpha=0.15)
    below.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[])
    below.set_xlabel("the parameter that matters")
axes[0, 0].set_ylabel("score")
axes[1, 0].set_ylabel("the other one")
save(figure, __file__)
