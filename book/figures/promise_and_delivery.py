"""What three models promise on May and deliver in July, with the numbers that the lab stored."""

from pathlib import Path

import matplotlib.pyplot as plt
from drawing import save

from lakebook.book.values import quoted

ROOT = Path(__file__).resolve().parents[2]
MODELS = (
    ("hasty", "plain join", "#b3261e", "o", -0.005),
    ("honest", "as-of join", "#0b5cad", "s", -0.028),
    ("best", "… and the share of usual", "#0b5cad", "^", 0.022),
)


def auc(name):
    return float(quoted(ROOT, f"day2/11_feature_engineering_uc#{name}"))


figure, axis = plt.subplots(figsize=(7, 3.4))
for name, words, colour, marker, shift in MODELS:
    both = [auc(f"{name}_reported"), auc(f"{name}_delivered")]
    axis.plot([0, 1], both, marker=marker, color=colour)
    axis.text(-0.03, both[0] + shift / 2, f"{both[0]:.2f}", color=colour, ha="right", va="center")
    told = f"{both[1]:.2f}  {words}"
    axis.text(1.03, both[1] + shift, told, color=colour, ha="left", va="center")
axis.axhline(0.5, color="0.5", linestyle="--", linewidth=1)
axis.text(0.0, 0.505, "a coin", color="0.4", ha="left", va="bottom")
axis.set_xlim(-0.2, 1.75)
axis.set_ylim(0.45, 1)
axis.set_xticks([0, 1], ["reported\non May", "delivered\nfrom 30 June"])
axis.set_ylabel("AUC")
axis.spines["bottom"].set_bounds(0, 1)
save(figure, __file__)
