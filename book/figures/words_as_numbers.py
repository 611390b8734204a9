"""Three words as numbers on a line, and as corners that are all equally far apart."""

import matplotlib.pyplot as plt
import numpy as np
from drawing import save

WORDS, BLUE, RED = ("flat", "attic", "house"), "#0b5cad", "#b3261e"

figure, (line, corners) = plt.subplots(1, 2, figsize=(7.6, 3.1), width_ratios=(1.15, 1))

line.plot([-0.4, 2.4], [0, 0], color="black", linewidth=1)
for code, word in enumerate(WORDS):
    line.plot(code, 0, "o", color=BLUE, markersize=10)
    line.text(code, -0.16, f"{word} = {code}", ha="center", va="top")
for left, right, height in ((0, 1, 0.25), (1, 2, 0.25), (0, 2, 0.6)):
    line.annotate(
        "",
        (right - 0.03, height),
        (left + 0.03, height),
        arrowprops={"arrowstyle": "<->", "color": RED},
    )
    line.text((left + right) / 2, height + 0.05, f"{right - left}", ha="center", color=RED)
line.set(xlim=(-0.5, 2.5), ylim=(-0.7, 1.0))
line.set_title("one code: an order and distances", fontsize=10)

# The unit vectors of the three words, seen along the diagonal: a triangle of equal sides.
angles = np.radians([90, 210, 330])
points = np.round(np.column_stack([np.cos(angles), np.sin(angles)]), 4)
names = ("flat\n(1, 0, 0)", "attic\n(0, 1, 0)", "house\n(0, 0, 1)")
for point in points:
    corners.plot([0, point[0]], [0, point[1]], color="grey", linewidth=1)
for one, other in ((0, 1), (1, 2), (0, 2)):
    x, y = points[[one, other]].T
    corners.plot(x, y, color=RED, linestyle="--", linewidth=1)
    middle = 1.28 * (points[one] + points[other]) / 2
    corners.text(*np.round(middle, 3), "√2", ha="center", va="center", color=RED)
for point, name in zip(points, names, strict=True):
    corners.plot(*point, "o", color=BLUE, markersize=10)
    corners.text(*np.round(1.5 * point, 3), name, ha="center", va="center")
corners.set(xlim=(-1.9, 1.9), ylim=(-1.2, 1.8), aspect="equal")
corners.set_title("one-hot: nothing but different", fontsize=10)

for axis in (line, corners):
    axis.axis("off")
save(figure, __file__)
