"""Left: which weeks a walk of two weeks' patience compares. Right: the same walk as a path."""

import matplotlib.pyplot as plt
import numpy as np
from drawing import save

WEEKS = 2  # the window
LATE = 2
SHOWN = 21

week = np.arange(52)
capacity = 14 + 8 * np.exp(-(((week - 28) / 7) ** 2))
capacity[2::4] -= 4
factory = capacity[14 : 14 + SHOWN]
product = np.roll(capacity, LATE)[14 : 14 + SHOWN]
factory, product = ((one - one.mean()) / one.std() for one in (factory, product))


def cheapest_walk(a, b):
    """Return the pairs of the walk with the smallest sum, from the first to the last."""
    n = len(a)
    cost = np.full((n + 1, n + 1), np.inf)
    cost[0, 0] = 0
    for i in range(1, n + 1):
        for j in range(max(1, i - WEEKS), min(n, i + WEEKS) + 1):
            before = min(cost[i - 1, j - 1], cost[i - 1, j], cost[i, j - 1])
            cost[i, j] = (a[i - 1] - b[j - 1]) ** 2 + before
    i = j = n
    pairs = []
    while i > 0:
        pairs.append((i - 1, j - 1))
        i, j = min(((i - 1, j - 1), (i - 1, j), (i, j - 1)), key=lambda at: cost[at])
    return pairs[::-1]


walk = cheapest_walk(factory, product)
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.6), width_ratios=[1.5, 1])

lift = 5
for here, there in walk:
    left.plot([here, there], [factory[here] + lift, product[there]], color="0.6", linewidth=0.8)
left.plot(factory + lift, "o-", color="#0b5cad", markersize=3)
left.plot(product, "o-", color="#b3261e", markersize=3)
left.text(0, lift + 0.9, "factory", color="#0b5cad")
left.text(11, -1.2, "product, two weeks late", color="#b3261e")
left.set(xlabel="week", xticks=range(0, SHOWN, 4), yticks=[], title="each line is one comparison")
left.spines["left"].set_visible(False)

band = np.abs(np.subtract.outer(np.arange(SHOWN), np.arange(SHOWN))) <= WEEKS
right.imshow(np.where(band.T, 0.88, 1.0), cmap="gray", vmin=0, vmax=1, origin="lower")
right.plot([-0.5, SHOWN - 0.5], [-0.5, SHOWN - 0.5], color="0.6", linewidth=0.8, linestyle="--")
right.plot(*zip(*walk, strict=True), "o-", color="black", markersize=3)
right.set(xlabel="week of the factory", ylabel="week of the product", title="the same walk")
right.set(xticks=range(0, SHOWN, 4), yticks=range(0, SHOWN, 4))

save(figure, __file__)
