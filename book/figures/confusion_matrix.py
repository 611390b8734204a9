"""One hundred readers in two matrices: actual in rows, and predicted in rows."""

import matplotlib.pyplot as plt
from drawing import save
from matplotlib.patches import Rectangle

GOOD, TYPE_1, TYPE_2 = "#cfe3f7", "#f6d5b8", "#f3c1c6"
CELLS = {"TP": (5, GOOD), "FP": (10, TYPE_1), "FN": (15, TYPE_2), "TN": (70, GOOD)}
NAMES = {"FP": "type I", "FN": "type II"}
MATRICES = (
    (
        "scikit-learn and Spark",
        "predicted",
        "actual",
        ("stays", "cancels"),
        ("TN", "FP", "FN", "TP"),
    ),
    ("many slides", "actual", "predicted", ("cancels", "stays"), ("TP", "FP", "FN", "TN")),
)

figure, axes = plt.subplots(1, 2, figsize=(7.6, 3.4))
for axis, (title, columns, rows, order, cells) in zip(axes, MATRICES, strict=True):
    for place, cell in enumerate(cells):
        row, column = divmod(place, 2)
        count, colour = CELLS[cell]
        axis.add_patch(Rectangle((column, 1 - row), 1, 1, facecolor=colour, edgecolor="white"))
        axis.text(column + 0.5, 1.56 - row, f"{cell} {count}", ha="center", va="center", size=15)
        axis.text(column + 0.5, 1.26 - row, NAMES.get(cell, ""), ha="center", va="center")
    axis.set(xlim=(0, 2), ylim=(0, 2), title=title, aspect="equal")
    axis.set_xticks([0.5, 1.5], order)
    axis.set_yticks([1.5, 0.5], order)
    axis.set_xlabel(columns)
    axis.set_ylabel(rows)
    axis.xaxis.tick_top()
    axis.xaxis.set_label_position("top")
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
save(figure, __file__)
