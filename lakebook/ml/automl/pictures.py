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
    """Return confusion matrix or residuals on the test rows, or the forecast of the first series.

    Each comes with its alternative text.
    """
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        search = mlflow.get_run(found.run_id)
        kind = search.data.tags[runs.SEARCH]
        data = _data(search)
        model = found.best_trial.load_model()
    except (MlflowException, OSError, KeyError):
        return []
    target = search.data.params["target_col"]
    if kind == "forecast":
        return [_forecast(data, target, search.data.params["time_col"], found, model)]
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


def _forecast(
    data: pd.DataFrame, target: str, time: str, found: AutoMLSummary, model: Any
) -> tuple[str, Figure]:
    """Return the end of the first series, and what the best trial says comes after it."""
    import pandas as pd
    from matplotlib.figure import Figure

    params = found.best_trial.params
    identity = [name for name in model.metadata.get_input_schema().input_names() if name != time]
    keys = data[identity].drop_duplicates().sort_values(identity) if identity else None
    first = {} if keys is None else keys.iloc[0].to_dict()
    past = data
    for name, value in first.items():
        past = past[past[name] == value]
    past = past.groupby(time)[target].mean()
    horizon = int(params["horizon"])
    ahead = pd.date_range(past.index[-1], periods=horizon + 1, freq=params["step"])[1:]
    told = model.predict(pd.DataFrame({**first, time: ahead}))
    past = past.iloc[-3 * horizon :]

    figure = Figure(figsize=(6.4, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.plot(past.index, past, color="black", linewidth=0.8, label="history")
    axes.plot(ahead, told["forecast"], label="forecast")
    axes.fill_between(ahead, told["lower"], told["upper"], alpha=0.3, label="95 % interval")
    named = ", ".join(f"{name} {value}" for name, value in first.items())
    several = f" (first of {len(keys)} series)" if keys is not None and len(keys) > 1 else ""
    axes.set(xlabel=time, ylabel=target, title=named + several)
    axes.legend(fontsize="small")
    axes.tick_params(axis="x", rotation=30)
    return f"forecast of the best trial with its interval{': ' if named else ''}{named}", figure
