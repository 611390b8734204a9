"""Grid, random search and TPE spend the same number of fits on the same surface."""

import matplotlib.pyplot as plt
import numpy as np
from drawing import save
from hyperopt import Trials, fmin, hp, tpe

BUDGET, BEST = 36, (0.68, 0.37)


def loss(x, y):
    """Return a loss with one broad slope and its minimum, 0, at `BEST`."""
    return 1 - np.exp(-(((x - BEST[0]) / 0.22) ** 2) - ((y - BEST[1]) / 0.4) ** 2)


ticks = (np.arange(6) + 0.5) / 6
grid = np.array([(x, y) for x in ticks for y in ticks])
drawn = np.random.default_rng(4).uniform(size=(BUDGET, 2))
trials = Trials()
fmin(
    lambda setting: float(loss(setting["x"], setting["y"])),
    {"x": hp.uniform("x", 0, 1), "y": hp.uniform("y", 0, 1)},
    algo=tpe.suggest,
    max_evals=BUDGET,
    trials=trials,
    rstate=np.random.default_rng(4),
    show_progressbar=False,
    verbose=False,
)
aimed = np.array([trials.vals["x"], trials.vals["y"]]).T

line = np.linspace(0, 1, 50)
x, y = np.meshgrid(line, line)
figure, axes = plt.subplots(1, 3, figsize=(8, 2.9), sharex=True, sharey=True)
for axis, points, name in zip(axes, (grid, drawn, aimed), ("grid", "random", "TPE"), strict=True):
    axis.contourf(x, y, loss(x, y), levels=8, cmap="Greys_r", alpha=0.5)
    first = points[:20] if name == "TPE" else points
    axis.plot(*first.T, "o", color="white", markeredgecolor="#0b5cad", markersize=5)
    if name == "TPE":
        axis.plot(*points[20:].T, "o", color="#b3261e", markersize=5)
    axis.plot(*BEST, "+", color="black", markersize=12, markeredgewidth=2)
    axis.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[], xlabel="one parameter")
    axis.set_title(f"{name}: best {loss(*points.T).min():.3f}", loc="left")
axes[0].set_ylabel("another")
save(figure, __file__)
