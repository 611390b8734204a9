"""Who learns and who judges: three folds, the refit, and the test rows that wait."""

import matplotlib.pyplot as plt
from drawing import save
from matplotlib.patches import Rectangle

LEARN, JUDGE, WAIT = "#cfe0f3", "#0b5cad", "#eeeeee"
FOLDS, TEST = 3, 1.0  # widths: each fold is 1 wide, and so is the test set

figure, axis = plt.subplots(figsize=(7.5, 3.3))


def bar(left, row, width, color, text, ink="black"):
    axis.add_patch(Rectangle((left, row), width, 0.72, facecolor=color, edgecolor="white"))
    axis.text(left + width / 2, row + 0.36, text, ha="center", va="center", color=ink)


for fold in range(FOLDS):
    row = FOLDS + 1 - fold
    for part in range(FOLDS):
        judging = part == fold
        bar(part, row, 1, JUDGE if judging else LEARN, "judge" if judging else "learn",
            "white" if judging else "black")  # fmt: skip
    bar(FOLDS + 0.15, row, TEST, WAIT, "wait", "0.35")
    axis.text(-0.1, row + 0.36, f"fold {fold + 1}", ha="right", va="center")
bar(0, 1, FOLDS, LEARN, "learn: the winner is fitted once more")
bar(FOLDS + 0.15, 1, TEST, WAIT, "wait", "0.35")
bar(FOLDS + 0.15, 0, TEST, "#b3261e", "judge", "white")
axis.text(-0.1, 1.36, "refit", ha="right", va="center")
axis.text(-0.1, 0.36, "the end", ha="right", va="center")
axis.text(FOLDS / 2, FOLDS + 2, "training rows", ha="center", va="center")
axis.text(FOLDS + 0.15 + TEST / 2, FOLDS + 2, "test rows", ha="center", va="center")
axis.set_xlim(-0.7, FOLDS + TEST + 0.2)
axis.set_ylim(-0.1, FOLDS + 2.3)
axis.axis("off")
save(figure, __file__)
