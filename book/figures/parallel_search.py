"""What a trial can know when it starts, with one, four and eight trials at a time."""

import matplotlib.pyplot as plt
from drawing import save
from matplotlib.patches import Rectangle

TRIALS = 8
SHADES = plt.get_cmap("Blues")
ROWS = ((1, "one at a time"), (4, "four at a time"), (8, "eight at a time"))

figure, axis = plt.subplots(figsize=(7.5, 4.3))
top = 0.0
for together, name in ROWS:
    rounds = TRIALS // together
    for trial in range(TRIALS):
        start, slot = divmod(trial, together)
        known = start * together
        shade = known / (TRIALS + 2)
        axis.add_patch(
            Rectangle(
                (start, top - slot - 1), 1, 0.94, facecolor=SHADES(0.12 + shade), edgecolor="white"
            )
        )
        ink = "white" if shade > 0.45 else "black"
        axis.text(start + 0.5, top - slot - 0.53, known, ha="center", va="center", color=ink)
    ended = "1 round" if rounds == 1 else f"{rounds} rounds"
    axis.text(-0.15, top - together / 2, name, ha="right", va="center")
    axis.text(rounds + 0.12, top - together / 2, f"over after {ended}", va="center", color="0.3")
    top -= together + 0.7
axis.text(
    5.1, -5.3, "in each box: how many results\nwere known when this trial\nwas chosen", va="center"
)
axis.set_xlim(-2.1, 9.9)
axis.set_ylim(top + 0.4, 0.3)
axis.set_xlabel("time, in rounds of one trial")
axis.set_xticks(range(TRIALS + 1))
axis.set_yticks([])
axis.spines["left"].set_visible(False)
save(figure, __file__)
