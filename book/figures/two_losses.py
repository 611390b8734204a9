"""Square and distance: what one residual costs, and which number each wants for nine rents."""

import matplotlib.pyplot as plt
import numpy as np
from drawing import save

SQUARE, DISTANCE = "#b3261e", "#0b5cad"
RENTS = np.array([522, 717, 765, 776, 783, 961, 980, 1218, 2573])  # as in the lab

figure, (left, right) = plt.subplots(1, 2, figsize=(7.8, 3.3))
residual = np.linspace(-3, 3, 121)
left.plot(residual, residual**2, color=SQUARE, linewidth=2)
left.plot(residual, np.abs(residual), color=DISTANCE, linewidth=2)
left.text(2.05, 6.1, "square", color=SQUARE, ha="right")
left.text(2.4, 1.5, "distance", color=DISTANCE, ha="left", va="top")
left.set_xlabel("residual")
left.set_ylabel("loss")
left.set_title("What one residual costs", loc="left", fontsize=10)

number = np.arange(400, 1701)
error = RENTS[:, None] - number
for value, color, name, best in (
    (np.sqrt((error**2).mean(axis=0)), SQUARE, "RMSE", RENTS.mean()),
    (np.abs(error).mean(axis=0), DISTANCE, "MAE", np.median(RENTS)),
):
    right.plot(number, value, color=color, linewidth=2)
    right.plot(best, np.interp(best, number, value), "o", color=color)
    right.text(410, value[0] + 25, name, color=color, va="bottom")
right.plot(RENTS[:-1], np.full(8, 215), "|", color="black", markersize=10)
right.text(1270, 215, "one more at 2,573 →", ha="left", va="center", fontsize=9)
right.annotate("median", (783, 345), (783, 280), color=DISTANCE, ha="center", fontsize=9)
right.annotate("mean", (1033, 560), (1033, 610), color=SQUARE, ha="center", fontsize=9)
right.set_ylim(180, 1000)
right.set_xlim(380, 1720)
right.set_xlabel("one number for nine rents (EUR)")
right.set_ylabel("error (EUR)")
right.set_title("Which number is best?", loc="left", fontsize=10)
save(figure, __file__)
