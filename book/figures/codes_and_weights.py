"""What a column for each word measures, and the best line that one code per word can draw."""

import matplotlib.pyplot as plt
import numpy as np
from drawing import save

from lakebook.datasets import load

NUMBERS = ["area", "rooms", "floor", "balcony", "distance"]
WORDS = ["district", "kind", "condition", "energy"]
ads = load("flat_rents").dropna(subset=["area"])
PANELS = {
    "kind": list(ads["kind"].value_counts().index),  # as StringIndexer numbers them
    "energy": list("GFEDCBA"),
    "condition": ["to renovate", "dated", "good", "renovated", "new"],
}
TITLES = ("kind: by frequency", "energy: in its order", "condition: in its order")


def fit(coded: dict[str, list[str]]) -> dict[str, float]:
    """Return the weight of each word, or of each code; other columns are one-hot."""
    names, columns = [], []
    for word in WORDS:
        if word in coded:
            names.append(word)
            columns.append(ads[word].map(coded[word].index))
            continue
        for one in sorted(ads[word].unique())[1:]:
            names.append(f"{word} {one}")
            columns.append(ads[word] == one)
    x = np.column_stack([np.ones(len(ads)), ads[NUMBERS], *columns]).astype(float)
    weights = np.linalg.lstsq(x, np.log(ads["rent"]), rcond=None)[0][1 + len(NUMBERS) :]
    # Rounded, so that another processor draws the same file.
    return dict(zip(names, np.round(weights, 3), strict=True))


figure, axes = plt.subplots(1, 3, figsize=(9, 3), sharey=True)
hot = fit({})
for axis, (word, order), title in zip(axes, PANELS.items(), TITLES, strict=True):
    level = np.array([hot.get(f"{word} {one}", 0.0) for one in order])
    shares = ads[word].value_counts(normalize=True)[order].to_numpy()
    level, steps = level - shares @ level, np.arange(len(order))
    slope = fit({word: order})[word]
    axis.plot(steps, np.round(slope * (steps - shares @ steps), 3), color="#b3261e")
    axis.plot(steps, np.round(level, 3), "o", color="#0b5cad", markersize=8)
    axis.set_xticks(steps, [one.replace(" ", "\n") for one in order], fontsize=8)
    axis.set_title(title, loc="left", fontsize=10)
axes[0].set_ylabel("log rent, against the mean")
axes[0].text(0, 0.2, "a column each", color="#0b5cad", fontsize=9)
axes[0].text(0.9, 0.02, "one code, one slope", color="#b3261e", fontsize=9)
save(figure, __file__)
