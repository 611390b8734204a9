"""The metrics that a search may choose by, under the platform's names."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal

from lakebook.ml.automl.errors import AutoMLError

Kind = Literal["classify", "regress"]


@dataclass(frozen=True)
class Metric:
    """A metric: what a run calls it after ``val_``, and which direction is better."""

    logged: str
    higher: bool


CLASSIFY = {
    "f1": Metric("f1_score", True),
    "log_loss": Metric("log_loss", False),
    "precision": Metric("precision_score", True),
    "accuracy": Metric("accuracy_score", True),
    "roc_auc": Metric("roc_auc", True),
}
REGRESS = {
    "r2": Metric("r2_score", True),
    "mae": Metric("mae", False),
    "rmse": Metric("rmse", False),
    "mse": Metric("mse", False),
}


def metric(kind: Kind, name: str) -> Metric:
    """Return the metric that `primary_metric` names; raise AutoMLError for an unknown one."""
    known = CLASSIFY if kind == "classify" else REGRESS
    if name in known:
        return known[name]
    near = difflib.get_close_matches(str(name).lower(), known, 1)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    raise AutoMLError(f"primary_metric '{name}' is not one of {', '.join(known)} for {kind}{hint}")
