"""What partitions send while a model is trained: the slopes of a line, the bins of a tree."""

import matplotlib.pyplot as plt
import numpy as np
from drawing import save

ROWS, PARTS, BINS = 600, 3, 8
COLORS = ["#0b5cad", "#3d8fd1", "#9cc4e6"]

rng = np.random.default_rng(7)
size = rng.uniform(20, 140, ROWS)  # of flats, in square metres
rent = 250 + 8 * size + 260 * (size > 95) + rng.normal(0, 90, ROWS)
part = np.repeat(np.arange(PARTS), ROWS // PARTS)
edges = np.linspace(20, 140, BINS + 1)
bins = np.digitize(size, edges[1:-1])

# A step of a linear model: the slope of the squared error at weights (200, 7), summed by part.
error = 200 + 7 * size - rent
slopes = np.array([[error[part == p].sum(), (error * size)[part == p].sum()] for p in range(PARTS)])
assert np.allclose(slopes.sum(axis=0), [error.sum(), (error * size).sum()])

# A step of a tree: count and sum of the rents in each bin are all that a split needs.
count = np.array([np.bincount(bins[part == p], minlength=BINS) for p in range(PARTS)])
total = np.array(
    [np.bincount(bins[part == p], rent[part == p], minlength=BINS) for p in range(PARTS)]
)
left_n, left_sum = count.sum(axis=0).cumsum()[:-1], total.sum(axis=0).cumsum()[:-1]
gain = left_sum**2 / left_n + (total.sum() - left_sum) ** 2 / (ROWS - left_n)
best = int(gain.argmax())

figure, (line, tree) = plt.subplots(1, 2, figsize=(7.5, 3.4), width_ratios=[1, 1.35])
for axis in (line, tree):
    axis.set_yticks([])
    axis.spines["left"].set_visible(False)
names = [f"partition {p + 1}" for p in range(PARTS)]
start = 0.0
for p in range(PARTS):
    end = start + slopes[p, 1] / 1e6
    line.barh(PARTS - p, end - start, left=start, color=COLORS[p], height=0.6)
    line.text(0.15, PARTS - p + 0.33, names[p], ha="right", va="bottom", fontsize=8.5)
    start = end
line.barh(0, start, color="0.35", height=0.6)
line.text(0.15, 0.33, "their sum: the step", ha="right", va="bottom", fontsize=8.5)
line.axvline(0, color="black", linewidth=0.8)
line.set_ylim(-0.5, PARTS + 0.9)
line.set_xlabel("slope of the error (millions)")
line.set_title("Linear model: a few sums", fontsize=10)

below = np.zeros(BINS)
middles = (edges[:-1] + edges[1:]) / 2
for p in range(PARTS):
    tree.bar(middles, count[p], 13, bottom=below, color=COLORS[p], label=names[p])
    below += count[p]
tree.axvline(edges[best + 1], color="#b3261e", linewidth=2)
tree.text(edges[best + 1] + 1.5, below.max() * 1.1, "best split", color="#b3261e", fontsize=9)
tree.set_ylim(0, below.max() * 1.6)
tree.legend(fontsize=8, frameon=False, loc="upper left")
tree.set_xlabel("size, in 8 bins (flats in each, and the sum of their rents)")
tree.set_title("Tree: a histogram for each column", fontsize=10)
save(figure, __file__)
