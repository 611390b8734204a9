"""Bias and variance of trees: errors over depth, and the answers of trees grown on resamples."""

import matplotlib.pyplot as plt
import numpy as np
from drawing import save
from sklearn.tree import DecisionTreeRegressor

NOISE, ROWS, REPEATS = 0.3, 150, 40
DEPTHS = np.arange(1, 11)
BLUE, RED = "#0b5cad", "#b3261e"


def truth(x):
    return np.sin(2.2 * x) + 0.4 * x


rng = np.random.default_rng(3)
line = np.linspace(0, 4, 401)


def sample(rows):
    x = rng.uniform(0, 4, rows)
    return x[:, None], truth(x) + rng.normal(0, NOISE, rows)


samples = [sample(ROWS) for _ in range(REPEATS)]
judges = sample(2000)


def grown(depth):
    return [DecisionTreeRegressor(max_depth=depth, random_state=0).fit(*one) for one in samples]


def error(tree, rows):
    return np.sqrt(np.mean((tree.predict(rows[0]) - rows[1]) ** 2))


# The solver of the usual layout ends in one of two last digits here, so margins are set by hand.
margins = {"left": 0.08, "right": 0.99, "bottom": 0.17, "top": 0.9, "wspace": 0.22}
figure, axes = plt.subplots(
    1, 3, figsize=(8.4, 3), layout="none", gridspec_kw={"width_ratios": [1.2, 1, 1]} | margins
)
own, other = [], []
for depth in DEPTHS:
    trees = grown(depth)
    own.append(np.mean([error(tree, one) for tree, one in zip(trees, samples, strict=True)]))
    other.append(np.mean([error(tree, judges) for tree in trees]))
axes[0].plot(DEPTHS, own, "o-", color=BLUE, markersize=4)
axes[0].plot(DEPTHS, other, "s-", color=RED, markersize=4)
axes[0].axhline(NOISE, color="grey", linewidth=1, linestyle="--")
axes[0].text(1, NOISE - 0.015, "noise", color="grey", va="top")
axes[0].text(10, other[-1] + 0.02, "other rows", color=RED, ha="right")
axes[0].text(6.2, 0.1, "own rows", color=BLUE, ha="right")
axes[0].set_ylim(0, None)
axes[0].set_xticks(DEPTHS)
axes[0].set_xlabel("depth")
axes[0].set_ylabel("error (RMSE)")
for axis, depth, word in ((axes[1], 2, "bias"), (axes[2], 9, "variance")):
    said = np.array([tree.predict(line[:, None]) for tree in grown(depth)])
    axis.plot(line, said[:12].T, color=BLUE, linewidth=0.6, alpha=0.45)
    axis.plot(line, truth(line), color="black", linewidth=1.6)
    axis.plot(line, said.mean(axis=0), color=RED, linewidth=1.6)
    axis.set_title(f"depth {depth}: {word}", fontsize=10)
    axis.set_xlabel("x")
    axis.set_ylim(-1.5, 3)
save(figure, __file__)
