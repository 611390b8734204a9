"""What trees of depth 1, 2, 4 and 6 make of two columns: boxes, ever smaller."""

import matplotlib.pyplot as plt
import numpy as np
from drawing import save
from matplotlib.colors import ListedColormap
from sklearn.tree import DecisionTreeClassifier

DEPTHS = (1, 2, 3, 4, 5, 6)
DEAR, CHEAP = "#b3261e", "#0b5cad"

# Flats on the floors 0 to 8 of houses from 1900 to 2020. High up is dear with a lift, and cheap
# without one; one flat in eight has the other label.
rng = np.random.default_rng(5)
built, floor = rng.uniform(1900, 2020, 220), rng.uniform(0, 8, 220)
dear = np.where(built < 1960, floor < 2.2, floor > 1.4 - (built - 1960) / 60)
dear = dear ^ (rng.random(len(dear)) < 0.12)
points = np.column_stack([built, floor])

across, up = np.meshgrid(np.linspace(1900, 2020, 241), np.linspace(0, 8, 161))
figure, axes = plt.subplots(2, 3, figsize=(8.2, 5), sharex=True, sharey=True)
for axis, depth in zip(axes.flat, DEPTHS, strict=True):
    tree = DecisionTreeClassifier(max_depth=depth, random_state=0).fit(points, dear)
    said = tree.predict(np.column_stack([across.ravel(), up.ravel()])).reshape(across.shape)
    colors = ListedColormap([CHEAP, DEAR])
    axis.pcolormesh(across, up, said, cmap=colors, alpha=0.22, linewidth=0, rasterized=True)
    for label, color, mark in ((True, DEAR, "^"), (False, CHEAP, "o")):
        axis.scatter(*points[dear == label].T, s=9, color=color, marker=mark, linewidths=0)
    wrong = round(100 * (1 - tree.score(points, dear)))
    axis.set_title(f"depth {depth}: {wrong} % of its own wrong", fontsize=9)
for axis in axes[1]:
    axis.set_xlabel("year built")
for axis in axes[:, 0]:
    axis.set_ylabel("floor")
save(figure, __file__)
