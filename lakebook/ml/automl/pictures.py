"""Pictures of the best trial, drawn from its logged model and the rows kept for the test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lakebook.ml.automl import runs
from lakebook.ml.automl.summary import AutoMLSummary
from lakebook.ml.automl.task import SPLIT

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def of_best(found: AutoMLSummary) -> list[tuple[str, Figure]]:
    """Return the confusion matrix or the residuals on the test rows, with alternative text."""
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        search = mlflow.get_run(found.run_id)
        kind = search.data.tags[runs.SEARCH]
        if kind not in ("classify", "regress"):
            return []
        data = _data(search)
        model = found.best_trial.load_model()
    except (MlflowException, OSError, KeyError):
        return []
    target = search.data.params["target_col"]
    rows = data[data[SPLIT] == "test"]
    seen = model.predict(rows.drop(columns=[target, SPLIT]))
    if kind == "classify":
        return [("confusion matrix of the best trial on test rows", _confusion(rows[target], seen))]
    return [("residuals of the best trial on test rows", _residuals(rows[target], seen))]


def _data(search: Any) -> pd.DataFrame:
    import mlflow
    import pandas as pd

    if path := search.data.params.get("data"):
        return pd.read_parquet(path)
    folder = mlflow.artifacts.download_artifacts(run_id=search.info.run_id, artifact_path="data")
    return pd.read_parquet(f"{folder}/training.parquet")


def _confusion(actual: Any, seen: Any) -> Figure:
    from matplotlib.figure import Figure
    from sklearn.metrics import ConfusionMatrixDisplay

    figure = Figure(figsize=(4.2, 3.6), layout="constrained")
    axes = figure.subplots()
    ConfusionMatrixDisplay.from_predictions(actual, seen, cmap="Blues", colorbar=False, ax=axes)
    axes.set(xlabel="predicted", ylabel="actual")
    return figure


def _residuals(actual: Any, seen: Any) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.scatter(seen, actual.astype(float) - seen, s=8, alpha=0.6)
    axes.axhline(0, color="black", linewidth=1)
    axes.set(xlabel="predicted", ylabel="actual − predicted")
    return figure
