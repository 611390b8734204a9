"""The residuals of one line, as distances and as squares: one square outweighs the others."""

import matplotlib.pyplot as plt
import numpy as np
from drawing import save
from matplotlib.patches import Rectangle

AGE = np.array([5, 12, 20, 7, 30, 25])
HEIGHT = np.array([60, 100, 140, 180, 160, 140])
ABOVE, BELOW, LINE = "#0b5cad", "#b3261e", "0.25"

slope, intercept = np.polyfit(AGE, HEIGHT, 1)
predicted = intercept + slope * AGE

figure, axes = plt.subplots(1, 2, figsize=(7.6, 3.9), sharey=True)
for axis in axes:
    axis.plot([0, 36], intercept + slope * np.array([0, 36]), color=LINE, linewidth=1.5)
    axis.set_xlim(-4, 44)
    axis.set_ylim(40, 200)
    axis.set_xlabel("age (years)")
axes[0].set_ylabel("height (cm)")
axes[0].set_title("residuals …", loc="left", fontsize=10)
axes[1].set_title("… and their squares", loc="left", fontsize=10)

# A square on the paper: its width in years follows from the shape of the axes.
figure.canvas.draw()
box = axes[1].get_window_extent()
years_for_a_centimetre = (48 / box.width) / (160 / box.height)
for age, height, at in zip(AGE, HEIGHT, predicted, strict=True):
    color = ABOVE if height > at else BELOW
    axes[0].plot([age, age], [at, height], ":", color=color, linewidth=2)
    width = abs(height - at) * years_for_a_centimetre
    corner = (age, min(height, at))
    axes[1].add_patch(
        Rectangle(corner, width, abs(height - at), facecolor=color, alpha=0.25, edgecolor=color)
    )
    for axis in axes:
        axis.plot(age, height, "o", color="black", markersize=5, zorder=3)
axes[0].annotate("Carlo, 7", (7, 180), (9.5, 180), va="center")
axes[0].text(8.2, 145, "+68", color=ABOVE, va="center")
axes[0].text(6.2, 84, "−48", color=BELOW, va="center")
axes[0].text(37, intercept + slope * 36, "line", color=LINE, va="center")
save(figure, __file__)
