"""AutoML beside FLAML: ten tasks, the same rows, the same budget; and what a search spends it on.

    python tests/benchmarks/automl.py --flaml PYTHON [--seconds 60] [--only iris …]

PYTHON is the interpreter of an environment of its own with ``flaml[automl]``, which the project
does not install. A quarter of the rows is held out and seen by neither. Each score is that of the
model trained on all other rows: FLAML's after ``retrain_full``, ours after `TrialInfo.refit`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn import datasets, metrics
from sklearn.model_selection import train_test_split

ACCURACY, AUC, R2 = "accuracy", "roc_auc", "r2"


def bundled(name: str, target: str = "target") -> pd.DataFrame:
    """Return a data set that comes with scikit-learn, its target last."""
    frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    return frame.rename(columns={target: "target"})


def mixed(rows: int, seed: int, share: float | None) -> pd.DataFrame:
    """Return numbers with gaps, categories of few and of many values, and an interaction.

    `share` is that of the rarer class; None makes a number instead.
    """
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(rows, 6))
    few = rng.integers(0, 5, rows)
    many = rng.integers(0, 80, rows)
    effect = rng.normal(0, 1, 80)[many] + np.array([-1.0, -0.5, 0.0, 0.5, 1.5])[few]
    score = (
        effect + numbers[:, 0] * numbers[:, 1] + np.abs(numbers[:, 2]) + rng.normal(0, 0.7, rows)
    )
    frame = pd.DataFrame(numbers, columns=[f"n{i}" for i in range(6)])
    frame = frame.mask(rng.random(frame.shape) < 0.1)
    frame["few"] = np.array(list("abcde"))[few]
    frame["many"] = [f"v{value}" for value in many]
    if share is None:
        frame["target"] = score
    else:
        frame["target"] = np.where(score > np.quantile(score, 1 - share), "yes", "no")
    return frame


def linear(rows: int, seed: int) -> pd.DataFrame:
    """Return many numbers of which some count, on a straight line."""
    X, y = datasets.make_regression(rows, 40, n_informative=12, noise=40, random_state=seed)
    return pd.DataFrame(X, columns=[f"n{i}" for i in range(40)]).assign(target=y)


TASKS = {
    "iris": (ACCURACY, lambda: bundled("iris")),
    "wine": (ACCURACY, lambda: bundled("wine")),
    "breast_cancer": (AUC, lambda: bundled("breast_cancer")),
    "digits": (ACCURACY, lambda: bundled("digits")),
    "diabetes": (R2, lambda: bundled("diabetes")),
    "mixed_balanced": (AUC, lambda: mixed(3000, 1, 0.5)),
    "mixed_rare": (AUC, lambda: mixed(4000, 2, 0.06)),
    "mixed_number": (R2, lambda: mixed(3000, 3, None)),
    "linear": (R2, lambda: linear(1500, 4)),
    "mixed_large": (AUC, lambda: mixed(20_000, 5, 0.3)),
}

FLAML = """
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import numpy as np, pandas as pd
from flaml import AutoML
folder, metric, seconds = sys.argv[1:]
train, held = pd.read_parquet(folder + "/train.parquet"), pd.read_parquet(folder + "/held.parquet")
for frame in (train, held):
    for name in frame.columns.drop("target"):
        if not pd.api.types.is_numeric_dtype(frame[name]):
            frame[name] = frame[name].astype("category")
search = AutoML()
begun = time.time()
search.fit(train.drop(columns="target"), train["target"],
    task="regression" if metric == "r2" else "classification", metric=metric if metric != "roc_auc"
    or train["target"].nunique() == 2 else "roc_auc_ovr", time_budget=float(seconds), seed=42,
    n_jobs=2, retrain_full=True, verbose=0)
took = time.time() - begun
X = held.drop(columns="target")
if metric == "roc_auc":
    last = list(search.classes_).index(sorted(train["target"].unique())[1])
    out = search.predict_proba(X)[:, last]
else:
    out = search.predict(X)
pd.DataFrame({"out": out}).to_parquet(folder + "/flaml.parquet")
print(json.dumps({"seconds": took, "best": search.best_estimator}))
"""


def score(metric: str, actual: pd.Series, out: np.ndarray) -> float:
    """Return the held-out score; `out` is the probability of the last class for the AUC."""
    if metric == ACCURACY:
        return float(metrics.accuracy_score(actual, out))
    if metric == AUC:
        return float(metrics.roc_auc_score(actual == sorted(actual.unique())[1], out))
    return float(metrics.r2_score(actual, out))


def ours(
    train: pd.DataFrame, held: pd.DataFrame, metric: str, seconds: float
) -> tuple[float, dict]:
    """Return our held-out score, and what the budget went into."""
    import mlflow

    from lakebook.ml import automl

    begun = time.time()
    how = automl.regress if metric == R2 else automl.classify
    found = how(train, target_col="target", primary_metric=metric, timeout_minutes=seconds / 60)
    took = time.time() - begun
    model = found.best_trial.refit()
    rows = held.drop(columns="target")
    out = model.predict_proba(rows)[:, 1] if metric == AUC else model.predict(rows)
    spent = [
        json.loads(mlflow.get_run(trial.mlflow_run_id).data.tags["lakebook.automl.trial"])[
            "seconds"
        ]
        for trial in found.trials
    ]
    fitting = sum(one.get("fit", 0.0) for one in spent)
    told = {"seconds": took, "trials": len(spent), "fit": fitting}
    told["log"] = sum(one.get("log", 0.0) for one in spent)
    told["best"] = found.best_trial.model_description.partition("(")[0]
    return score(metric, held["target"], out), told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flaml", help="the interpreter that has FLAML")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--only", nargs="*", choices=TASKS)
    given = parser.parse_args()
    from lakebook.runtime import tracking
    from lakebook.runtime.session import get_spark

    tracking.prepare()
    get_spark("benchmark").range(10).count()
    better = 0
    print("task | metric | ours | FLAML | our seconds, trials, share of fits | best of ours, FLAML")
    for name, (metric, make) in TASKS.items():
        if given.only and name not in given.only:
            continue
        frame = make()
        strata = frame["target"] if metric != R2 else None
        train, held = train_test_split(frame, test_size=0.25, random_state=1, stratify=strata)
        train, held = train.reset_index(drop=True), held.reset_index(drop=True)
        own, told = ours(train, held, metric, given.seconds)
        other, best = float("nan"), "-"
        if given.flaml:
            with tempfile.TemporaryDirectory() as folder:
                train.to_parquet(Path(folder, "train.parquet"))
                held.to_parquet(Path(folder, "held.parquet"))
                command = [given.flaml, "-c", FLAML, folder, metric, str(given.seconds)]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                best = json.loads(done.stdout.strip().splitlines()[-1])["best"]
                out = pd.read_parquet(Path(folder, "flaml.parquet"))["out"].to_numpy()
                other = score(metric, held["target"], out)
        better += own >= other
        share = told["fit"] / (told["seconds"] * (os.cpu_count() or 1))
        print(
            f"{name} | {metric} | {own:.4f} | {other:.4f} | {told['seconds']:.1f} s, "
            f"{told['trials']}, {share:.0%} (logging {told['log']:.1f} s) | {told['best']}, {best}",
            flush=True,
        )
    print(f"at least FLAML's on {better} tasks")


if __name__ == "__main__":
    main()
