"""Fit replaces each estimator of a pipeline by a model and takes the transformers over."""

import matplotlib.pyplot as plt
from drawing import save
from matplotlib.patches import FancyArrowPatch, Rectangle

STAGES = [  # name, what fit makes of it, what it has learned
    ("SQLTransformer", None, ""),
    ("Imputer", "ImputerModel", "a median"),
    ("StringIndexer", "StringIndexerModel", "which word is 0, 1, 2"),
    ("OneHotEncoder", "OneHotEncoderModel", "how many words"),
    ("VectorAssembler", None, ""),
    ("LogisticRegression", "LogisticRegressionModel", "weights (from the label)"),
]
LEARNS, COMPUTES, LEARNED = "#f6d9a8", "#e4e4e4", "#cfe0f3"
WIDTH, HEIGHT, GAP = 3.1, 0.66, 0.94

figure, axis = plt.subplots(figsize=(7.5, 4.4))


def box(left, row, text, color):
    axis.add_patch(Rectangle((left, row), WIDTH, HEIGHT, facecolor=color, edgecolor="0.35"))
    axis.text(left + WIDTH / 2, row + HEIGHT / 2, text, ha="center", va="center", fontsize=9)


def arrow(start, end, color="0.35"):
    axis.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=10, color=color))


for place, (name, model, learned) in enumerate(STAGES):
    row = (len(STAGES) - 1 - place) * GAP
    box(0, row, name, LEARNS if model else COMPUTES)
    box(5.2, row, model or name, LEARNED if model else COMPUTES)
    middle = row + HEIGHT / 2
    arrow((WIDTH + 0.05, middle), (5.15, middle), "#8a5a00" if model else "0.6")
    axis.text((WIDTH + 5.2) / 2, middle + 0.05, "fit" if model else "as it is", ha="center",
              va="bottom", fontsize=8)  # fmt: skip
    axis.text(5.3 + WIDTH, middle, learned, ha="left", va="center", fontsize=8.5)
    if place:
        for left in (0, 5.2):
            arrow((left + WIDTH / 2, row + GAP), (left + WIDTH / 2, row + HEIGHT))
top = len(STAGES) * GAP
axis.text(WIDTH / 2, top + 0.1, "Pipeline: has fit", ha="center", fontweight="bold")
axis.text(5.2 + WIDTH / 2, top + 0.1, "PipelineModel: has transform", ha="center",
          fontweight="bold")  # fmt: skip
axis.set_xlim(-0.1, 10.9)
axis.set_ylim(-0.1, top + 0.5)
axis.axis("off")
save(figure, __file__)
