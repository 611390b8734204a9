"""Best loss so far of random search and TPE over twenty seeds, where each does well."""

import matplotlib.pyplot as plt
import numpy as np
from drawing import save
from hyperopt import Trials, fmin, hp, rand, tpe

# The surfaces of lab day3/02_hyperopt.
WEIGHT = {"rate": 1.0, "penalty": 0.6, "width": 0.4, "dropout": 0.1, "batch": 0.05}


def slope(seed):
    """Return a loss of five parameters with its optimum drawn from the seed."""
    optimum = np.random.default_rng(100 + seed).uniform(0.1, 0.9, len(WEIGHT))
    return lambda setting: sum(
        WEIGHT[name] * (setting[name] - best) ** 2
        for name, best in zip(WEIGHT, optimum, strict=True)
    )


def hole(seed):
    """Return a loss of one parameter with a wide valley and a narrow, deeper hole."""
    return lambda x: 0.1 if abs(x - 0.8) < 0.01 else 0.3 + 0.8 * (x - 0.3) ** 2


def search(loss, space, algo, budget, seed):
    record = Trials()
    fmin(
        loss,
        space,
        algo=algo.suggest,
        max_evals=budget,
        trials=record,
        rstate=np.random.default_rng(seed),
        show_progressbar=False,
        verbose=False,
    )
    return record.losses()


figure, axes = plt.subplots(1, 2, figsize=(8, 3.2))
five = {name: hp.uniform(name, 0, 1) for name in WEIGHT}
for axis, surface, space, budget in (
    (axes[0], slope, five, 60),
    (axes[1], hole, hp.uniform("x", 0, 1), 60),
):
    for name, algo, color in (("random", rand, "#b3261e"), ("TPE", tpe, "#0b5cad")):
        best = np.minimum.accumulate(
            [search(surface(seed), space, algo, budget, seed) for seed in range(20)], axis=1
        )
        trials = np.arange(1, budget + 1)
        if surface is slope:
            low, middle, high = np.quantile(best, [0.1, 0.5, 0.9], axis=0)
            axis.fill_between(trials, low, high, color=color, alpha=0.2, linewidth=0)
        else:
            middle = (best == 0.1).sum(axis=0)
        axis.plot(trials, middle, color=color, label=name)
    axis.axvline(20.5, color="0.6", linestyle="--", linewidth=1)
    axis.set_xlabel("trials so far")
    axis.legend(frameon=False)
axes[0].set_yscale("log")
axes[0].set_ylabel("best loss so far")
axes[0].set_title("five parameters, one slope", loc="left")
axes[1].set_ylabel("searches of 20 that found it")
axes[1].set_title("a narrow hole", loc="left")
save(figure, __file__)
