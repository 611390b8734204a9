"""The models that a search tries: how each is written down, its hyperparameters, a first guess.

The five algorithms are the platform's, with extremely randomised trees as a kind of forest:
https://docs.databricks.com/machine-learning/automl/how-automl-works.html
"""

from __future__ import annotations

import importlib.util
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import log
from typing import Any

from lakebook.ml.automl.errors import AutoMLError

FRAMEWORKS = ("sklearn", "lightgbm", "xgboost")
SEED = 42
Params = dict[str, Any]


@dataclass(frozen=True)
class Range:
    """Values of a hyperparameter between two numbers, evenly or by orders of magnitude."""

    low: float
    high: float
    log: bool = False
    whole: bool = False


@dataclass(frozen=True)
class Arm:
    """A model: its framework, the class for each kind of task, and where its values may lie.

    `guess` is tried first, `second` after the guesses of all models; no trial changes what is
    `fixed`.
    """

    name: str
    framework: str
    module: str
    classifier: str
    regressor: str
    ranges: Mapping[str, Range | tuple[Any, ...]]
    guess: Params
    fixed: Params
    linear: bool = False
    weights: bool = True  # takes class_weight
    second: Params | None = None


_FOREST: dict[str, Range | tuple[Any, ...]] = {
    "n_estimators": Range(50, 300, log=True, whole=True),
    "max_features": Range(0.1, 1.0),
    "min_samples_leaf": Range(1, 20, log=True, whole=True),
}

TREE = Arm(
    "decision_tree",
    "sklearn",
    "sklearn.tree",
    "DecisionTreeClassifier",
    "DecisionTreeRegressor",
    {
        "max_depth": Range(2, 20, log=True, whole=True),
        "min_samples_leaf": Range(1, 50, log=True, whole=True),
        "max_features": Range(0.3, 1.0),
    },
    {"max_depth": 6, "min_samples_leaf": 5, "max_features": 1.0},
    {"random_state": SEED},
)
FOREST = Arm(
    "random_forest",
    "sklearn",
    "sklearn.ensemble",
    "RandomForestClassifier",
    "RandomForestRegressor",
    _FOREST,
    {"n_estimators": 100, "max_features": 0.4, "min_samples_leaf": 1},
    {"n_jobs": 1, "random_state": SEED},
)
EXTRA = Arm(
    "extra_trees",
    "sklearn",
    "sklearn.ensemble",
    "ExtraTreesClassifier",
    "ExtraTreesRegressor",
    _FOREST,
    {"n_estimators": 100, "max_features": 0.6, "min_samples_leaf": 1},
    {"n_jobs": 1, "random_state": SEED},
)
LOGISTIC = Arm(
    "logistic_regression",
    "sklearn",
    "sklearn.linear_model",
    "LogisticRegression",
    "",
    {"C": Range(1e-4, 1e3, log=True)},
    {"C": 1.0},
    {"max_iter": 500},
    linear=True,
)
LINEAR = Arm(
    "linear_regression_sgd",
    "sklearn",
    "sklearn.linear_model",
    "",
    "SGDRegressor",
    {
        "alpha": Range(1e-6, 1.0, log=True),
        "l1_ratio": Range(0.0, 1.0),
        "eta0": Range(1e-4, 1e-1, log=True),
    },
    {"alpha": 1e-3, "l1_ratio": 0.15, "eta0": 0.01},
    {"penalty": "elasticnet", "max_iter": 2000, "random_state": SEED},
    linear=True,
    weights=False,
)
LIGHTGBM = Arm(
    "lightgbm",
    "lightgbm",
    "lightgbm",
    "LGBMClassifier",
    "LGBMRegressor",
    {
        "n_estimators": Range(60, 600, log=True, whole=True),
        "learning_rate": Range(0.03, 0.3, log=True),
        "num_leaves": Range(4, 96, log=True, whole=True),
        "min_child_samples": Range(2, 60, log=True, whole=True),
        "colsample_bytree": Range(0.4, 1.0),
        "subsample": Range(0.5, 1.0),
        "reg_lambda": Range(1e-2, 50, log=True),
    },
    {
        "n_estimators": 100,
        "learning_rate": 0.1,
        "num_leaves": 15,
        "min_child_samples": 20,
        "colsample_bytree": 0.8,
        "subsample": 1.0,
        "reg_lambda": 0.1,
    },
    {"subsample_freq": 1, "n_jobs": 1, "random_state": SEED, "verbose": -1},
    # More and smaller trees, for interactions of few columns.
    second={
        "n_estimators": 250,
        "learning_rate": 0.1,
        "num_leaves": 6,
        "min_child_samples": 10,
        "colsample_bytree": 0.9,
        "subsample": 0.9,
        "reg_lambda": 5.0,
    },
)
XGBOOST = Arm(
    "xgboost",
    "xgboost",
    "xgboost",
    "XGBClassifier",
    "XGBRegressor",
    {
        "n_estimators": Range(30, 500, log=True, whole=True),
        "learning_rate": Range(0.01, 0.3, log=True),
        "max_depth": Range(2, 10, whole=True),
        "min_child_weight": Range(1, 40, log=True),
        "colsample_bytree": Range(0.3, 1.0),
        "subsample": Range(0.5, 1.0),
        "reg_lambda": Range(1e-3, 100, log=True),
    },
    {
        "n_estimators": 100,
        "learning_rate": 0.1,
        "max_depth": 5,
        "min_child_weight": 1.0,
        "colsample_bytree": 0.8,
        "subsample": 1.0,
        "reg_lambda": 1.0,
    },
    {"n_jobs": 1, "random_state": SEED, "verbosity": 0},
    weights=False,
)
# The order of first guesses: what most often comes out well comes first.
ARMS = (LIGHTGBM, LOGISTIC, LINEAR, FOREST, XGBOOST, EXTRA, TREE)
CLASS_WEIGHTS = [None, "balanced"]
BY_NAME = {arm.name: arm for arm in ARMS}


def chosen(kind: str, exclude: Collection[str] | None) -> list[Arm]:
    """Return the models for a kind of task whose framework is installed and not excluded.

    Raises AutoMLError for a framework nobody knows, and where none is left.
    """
    excluded = set(exclude or ())
    if isinstance(exclude, str) or not excluded <= set(FRAMEWORKS):
        raise AutoMLError(
            f"exclude_frameworks {exclude!r}: give a list of {', '.join(map(repr, FRAMEWORKS))}"
        )
    found = [
        arm
        for arm in ARMS
        if arm.framework not in excluded
        and (arm.classifier if kind == "classify" else arm.regressor)
        and importlib.util.find_spec(arm.framework) is not None
    ]
    if not found:
        raise AutoMLError(
            f"exclude_frameworks {sorted(excluded)} leaves no model to try; leave one framework in"
        )
    return found


def space(arm: Arm, weighted: bool) -> dict[str, Any]:
    """Return the Hyperopt space of a model.

    With `weighted` a trial may also balance the classes by weights.
    """
    from hyperopt import hp

    found = {name: _dimension(f"{arm.name}.{name}", dim) for name, dim in arm.ranges.items()}
    if weighted and arm.weights:
        found["class_weight"] = hp.choice(f"{arm.name}.class_weight", CLASS_WEIGHTS)
    return found


def _dimension(label: str, values: Range | tuple[Any, ...]) -> Any:
    from hyperopt import hp
    from hyperopt.pyll import scope

    if isinstance(values, tuple):
        return hp.choice(label, list(values))
    if values.log and values.whole:
        return scope.int(hp.qloguniform(label, log(values.low), log(values.high), 1))
    if values.log:
        return hp.loguniform(label, log(values.low), log(values.high))
    if values.whole:
        return scope.int(hp.quniform(label, values.low, values.high, 1))
    return hp.uniform(label, values.low, values.high)


def guesses(models: list[Arm], weighted: bool) -> list[tuple[Arm, dict[str, Any]]]:
    """Return what is tried first, as Hyperopt wants points: label to value or index of a choice.

    One guess for each model; with `weighted` the first two models are then tried with balanced
    classes; last come second guesses.
    """
    found: list[tuple[Arm, dict[str, Any]]] = []
    balanced, second = list(found), list(found)
    for arm in models:
        for place, guess in ((found, arm.guess), (second, arm.second)):
            if guess is None:
                continue
            point = {f"{arm.name}.{name}": value for name, value in guess.items()}
            if weighted and arm.weights:
                label = f"{arm.name}.class_weight"
                if place is found:
                    balanced.append((arm, point | {label: 1}))
                point[label] = 0
            place.append((arm, point))
    return found + balanced[:2] + second


def tidy(params: Mapping[str, Any]) -> Params:
    """Return values as a person would type them: plain numbers, four significant digits."""
    tidied: Params = {}
    for name, value in params.items():
        if hasattr(value, "item"):
            value = value.item()
        tidied[name] = float(f"{value:.4g}") if isinstance(value, float) else value
    return tidied
