"""Read `breast_cancer` out of scikit-learn and give it tidy names. Nothing is generated."""

from __future__ import annotations

import pandas as pd
from sklearn.datasets import load_breast_cancer

STATISTICS = {"mean": "mean", "error": "se", "worst": "worst"}


def make(scale: str) -> pd.DataFrame:
    """Return all 569 rows at either scale: 30 measures and `malignant`, 1 or 0."""
    frame = load_breast_cancer(as_frame=True).frame
    # scikit-learn codes malignant as 0; the class that matters is the positive one here.
    malignant = 1 - frame.pop("target")
    return frame.rename(columns=_tidy).assign(malignant=malignant.astype("int64"))


def _tidy(name: str) -> str:
    """Return `radius_mean` for "mean radius", `concave_points_se` for "concave points error"."""
    words = name.split()
    statistic = next(word for word in words if word in STATISTICS)
    words.remove(statistic)
    return "_".join([*words, STATISTICS[statistic]])
