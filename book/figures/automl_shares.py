"""Who does what: the parts of a search that are AutoML's, and those that stay with a person."""

import matplotlib.pyplot as plt
from drawing import save
from matplotlib.patches import FancyBboxPatch

YOURS, ITS = "#fbe3c8", "#cfe0f3"

figure, axis = plt.subplots(figsize=(7.8, 3.6))


def box(left, bottom, width, height, color, text):
    axis.add_patch(
        FancyBboxPatch(
            (left, bottom),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=0.08",
            facecolor=color,
            edgecolor="white",
        )
    )
    axis.text(left + width / 2, bottom + height / 2, text, ha="center", va="center", fontsize=9)


def arrow(start, end):
    axis.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": "0.35"})


box(0, 1, 1.9, 2, YOURS, "the table\nthe target\nthe metric\ncolumns that\nare not known\nin time")
box(
    2.4,
    1,
    1.9,
    2,
    ITS,
    "types by content\nidentifiers out\ngaps filled\ncategories coded\nrows split",
)
for number in range(3):
    box(4.8, 2.32 - 0.66 * number, 1.9, 0.58, ITS, f"trial {number + 1}: a notebook")
    arrow((4.3, 2), (4.8, 2.61 - 0.66 * number))
    arrow((6.7, 2.61 - 0.66 * number), (7.2, 2))
box(7.2, 1, 1.5, 2, ITS, "ranked by\nthe metric,\nlogged\nin MLflow")
box(9.2, 1, 1.9, 2, YOURS, "read the best\nadd features\nedit, run again\nregister\nwatch over it")
arrow((1.9, 2), (2.4, 2))
arrow((8.7, 2), (9.2, 2))
axis.annotate(
    "",
    (5.75, 0.95),
    (10.15, 0.95),
    arrowprops={"arrowstyle": "->", "color": "0.35", "connectionstyle": "arc3,rad=-0.18"},
)
axis.text(7.95, 0.25, "an edited notebook is one more trial", ha="center", va="center", fontsize=9)
axis.text(0.95, 3.3, "yours", ha="center", va="center", weight="bold")
axis.text(5.55, 3.3, "AutoML's", ha="center", va="center", weight="bold")
axis.text(10.15, 3.3, "yours again", ha="center", va="center", weight="bold")
axis.set_xlim(-0.1, 11.2)
axis.set_ylim(0, 3.5)
axis.axis("off")
save(figure, __file__)
