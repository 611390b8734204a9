"""How TPE chooses: a density of the best trials, one of the others, and their ratio."""

import matplotlib.pyplot as plt
import numpy as np
from drawing import save

TRIALS, GOOD = 40, 2  # Hyperopt takes a quarter of the root of the trials as good: 2 of 40
BLUE, RED = "#0b5cad", "#b3261e"


def loss(x):
    """Return a made-up loss of one parameter between 0 and 1."""
    return 0.35 + 0.9 * (x - 0.36) ** 2 - 0.12 * np.exp(-(((x - 0.3) / 0.1) ** 2))


def density(points, at):
    """Return a mixture of normals at the points and a broad one for all that is unknown.

    The width of each is the distance to its farther neighbour, within limits, as in Hyperopt.
    """
    centres = np.sort(np.append(points, 0.5))
    edges = np.concatenate([[0], centres, [1]])
    widths = np.clip(np.maximum(np.diff(edges)[:-1], np.diff(edges)[1:]), 1 / 25, 1)
    widths[np.searchsorted(centres, 0.5)] = 1
    bells = np.exp(-(((at - centres[:, None]) / widths[:, None]) ** 2) / 2) / widths[:, None]
    mixture = bells.mean(axis=0)
    return mixture / mixture.mean()


rng = np.random.default_rng(3)
tried = rng.uniform(0.02, 0.98, TRIALS)
losses = loss(tried) + rng.normal(0, 0.02, TRIALS)
order = np.argsort(losses)
good, rest = tried[order[:GOOD]], tried[order[GOOD:]]
at = np.linspace(0, 1, 400)
low, high = density(good, at), density(rest, at)
ratio = low / high
chosen = at[ratio.argmax()]

figure, axes = plt.subplots(3, 1, figsize=(7, 5.4), sharex=True)
axes[0].plot(rest, losses[order[GOOD:]], "o", color=RED, alpha=0.6, label="the other 38 trials")
axes[0].plot(good, losses[order[:GOOD]], "s", color=BLUE, markersize=8, label="the 2 best")
axes[0].set_ylabel("loss")
axes[1].plot(at, low, color=BLUE, label="l(x): where the best lie")
axes[1].plot(at, high, color=RED, label="g(x): where the others lie")
axes[1].set_ylabel("density")
axes[2].plot(at, ratio, color="black", label="l(x) / g(x)")
axes[2].set_ylabel("ratio")
axes[2].set_xlabel("hyperparameter x")
axes[2].text(chosen + 0.02, ratio.max() * 0.95, "try here next")
for axis in axes:
    axis.axvline(chosen, color="0.6", linestyle="--", linewidth=1)
    axis.set_yticks([])
    axis.set_ylim(top=axis.get_ylim()[1] + 0.35 * np.ptp(axis.get_ylim()))
    axis.legend(loc="upper right", frameon=False, ncols=2)
save(figure, __file__)
