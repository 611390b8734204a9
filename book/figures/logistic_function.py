"""The logistic function turns a sum of evidence into a chance; a straight line does not."""

import matplotlib.pyplot as plt
import numpy as np
from drawing import save

BLUE, RED = "#0b5cad", "#b3261e"

z = np.linspace(-6, 6, 241)
figure, axis = plt.subplots(figsize=(7, 3.2))
axis.axhspan(1, 1.35, color="#eeeeee")
axis.axhspan(-0.35, 0, color="#eeeeee")
axis.plot(z, 0.5 + z / 6, color=RED, linestyle="--", linewidth=1.5)
axis.text(1.9, 1.17, "a straight line\nleaves the range", color=RED, ha="right", va="center")
axis.plot(z, 1 / (1 + np.exp(-z)), color=BLUE, linewidth=2.5)
axis.text(2.9, 0.83, "logistic: 1 / (1 + e$^{-z}$)", color=BLUE, ha="left", va="center")
for at in (0.048, 0.5):
    place = np.log(at / (1 - at))
    axis.plot([-6, place, place], [at, at, -0.35], color="black", linewidth=0.8, linestyle=":")
    axis.plot(place, at, "o", color="black", markersize=4)
axis.text(-5.9, 0.07, "threshold 0.048", ha="left", va="bottom", size=9)
axis.text(0.15, 0.46, "threshold 0.5", ha="left", va="top", size=9)
axis.set(xlim=(-6, 6), ylim=(-0.35, 1.35))
axis.set_yticks([0, 0.25, 0.5, 0.75, 1])
axis.set_xlabel("z: intercept and weighted features, added up (the log odds)")
axis.set_ylabel("chance of class 1")
save(figure, __file__)
