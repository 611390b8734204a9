"""Three reasons for a gap: all readings as an outline, those that are known filled in."""

import matplotlib.pyplot as plt
import numpy as np
from drawing import save

from lakebook.datasets import load, truth

PANELS = (
    ("wind", "m/s", 8, "completely at random"),
    ("no2", "µg/m³", 120, "at random, given the heat"),
    ("ozone", "µg/m³", 150, "not at random"),
)

known, complete = load("air_quality"), truth("air_quality")
figure, axes = plt.subplots(1, 3, figsize=(8, 2.9))
for axis, (column, unit, highest, reason) in zip(axes, PANELS, strict=True):
    bins = np.linspace(0, highest, 21)
    axis.hist(complete[column], bins, histtype="step", color="black", label="all")
    axis.hist(known[column], bins, color="#9cc3e6", label="known")
    for frame, style in ((complete, "black"), (known, "#0b5cad")):
        axis.axvline(frame[column].mean(), color=style, linestyle="--", linewidth=1.5)
    axis.set_title(f"{column}: {reason}", loc="left", fontsize=9)
    axis.set_xlabel(unit)
    axis.set_yticks([])
    axis.spines["left"].set_visible(False)
axes[0].set_ylabel("days")
axes[2].legend(frameon=False)
save(figure, __file__)
