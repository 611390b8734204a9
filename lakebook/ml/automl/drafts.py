"""A trial's notebook without a search, and the model that the cells of such a notebook describe.

An exercise that has a notebook of a trial edited judges the answer with these: its cells are run on
rows of the judge's own choosing, so what the answer has scored for itself does not matter. What is
wrong with an answer is a DraftError, worded for the person who has edited it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import nbformat
import numpy as np
import pandas as pd
from nbformat import NotebookNode

from lakebook.errors import LakebookError
from lakebook.ml.automl import (
    arms,
    cells,
    columns,
    forecast_cells,
    forecast_frequency,
    forecast_series,
    notebooks,
    splits,
)
from lakebook.ml.automl import target as targets
from lakebook.ml.automl.forecast_models import SOURCES
from lakebook.ml.automl.metrics import Kind, metric
from lakebook.ml.automl.task import SPLIT, Task

# The cells that describe a model: what comes before reads rows, what comes after trains and logs.
MODEL = ("types", "prepare", "split", "model")
LEFT = ("model", "features", "target", "rows")  # what they leave
# The cells that describe forecasters; one of prophet and arima may be missing.
FORECAST = ("settings", "series", "naive", "holidays", "prophet", "arima", "candidates", "validate")


class DraftError(LakebookError):
    """An edited notebook describes no model that can be judged; the message says why."""


def draft(
    kind: Kind,
    frame: pd.DataFrame,
    target_col: str,
    *,
    model: str,
    primary_metric: str,
    exclude_cols: Collection[str] = (),
    imputers: Mapping[str, Any] | None = None,
    pos_label: Any = None,
) -> tuple[NotebookNode, pd.DataFrame]:
    """Return the notebook of a model's first trial, and the rows with their split.

    `model` is a name in `arms.BY_NAME`; the other arguments are those of `classify` and `regress`.
    The split is the one that a search of the same rows makes. Nothing is logged, so the notebook's
    cell `load` would find no run.
    """
    ready = targets.prepare(frame, target_col, kind, pos_label)
    parts, _ = splits.split(ready.frame, target_col, kind, seed=arms.SEED)
    plan = columns.detect(ready.frame, target_col, exclude=exclude_cols)
    data = ready.frame[[*(one.name for one in plan.columns), target_col]].copy()
    data[SPLIT] = parts
    arm = arms.BY_NAME[model]
    task = Task(
        kind=kind,
        target=target_col,
        run="",
        experiment="",
        columns=plan.columns,
        imputers=columns.check_imputers(dict(imputers or {}), plan),
        metric=metric(kind, primary_metric),
        metric_name=primary_metric,
        classes=ready.classes,
        positive=ready.pos_label,
    )
    made = notebooks.write(cells.cells(task, arm, arm.guess, "draft"))
    return nbformat.reads(made, as_version=4), data


def draft_forecast(
    frame: pd.DataFrame,
    target_col: str,
    time_col: str,
    *,
    candidates: Sequence[forecast_cells.Candidate],
    identity_col: Sequence[str],
    frequency: str = "D",
    horizon: int,
    country_code: str = "US",
    primary_metric: str = "smape",
) -> NotebookNode:
    """Return the notebook of a forecasting trial: every series has the first candidate.

    A candidate is ``("prophet", settings)`` or ``("arima", settings)``; the other arguments are
    those of `forecast`. Nothing is logged, so the notebook's cell `load` would find no run.
    """
    asked = forecast_frequency.frequency(frequency)
    series = forecast_series.prepare(
        frame,
        target=target_col,
        time=time_col,
        identity=identity_col,
        weight=None,
        frequency=asked,
        horizon=horizon,
    )
    task = forecast_cells.task_of(
        series,
        asked,
        target=target_col,
        time=time_col,
        identity=identity_col,
        weight=None,
        metric=primary_metric,
        horizon=horizon,
        country=country_code,
    )
    made = notebooks.write(forecast_cells.cells(task, "draft", candidates))
    return nbformat.reads(made, as_version=4)


def edited(
    notebook: NotebookNode, edits: Mapping[str, str | Sequence[tuple[str, str]]]
) -> NotebookNode:
    """Return a copy with cells changed, by their ids.

    An edit is a text to be added to the end of the cell, or pairs of a text and what is to stand in
    its place. Raises KeyError for a cell or a text that the notebook does not have.
    """
    made = nbformat.from_dict(notebook)
    by_id = {cell.id: cell for cell in made.cells}
    for name, edit in edits.items():
        cell = by_id[name]
        if isinstance(edit, str):
            cell.source += f"\n\n{edit}"
            continue
        for old, new in edit:
            if old not in cell.source:
                raise KeyError(f"cell {name} has no text {old!r}")
            cell.source = cell.source.replace(old, new)
    return made


def described(notebook: Any, data: pd.DataFrame) -> dict[str, Any]:
    """Run the cells `MODEL` of a notebook with these rows, and return the names that they leave.

    Among them are `model`, not yet fitted, `features`, `target` and `rows`. Raises DraftError for
    what is no notebook, lacks a cell, fails, or leaves a name out.
    """
    names = _run(notebook, MODEL, MODEL, data)
    if missing := [name for name in LEFT if name not in names]:
        raise DraftError(f"The cells leave no name {', '.join(missing)}.")
    return names


def answers(names: Mapping[str, Any], rows: pd.DataFrame) -> np.ndarray:
    """Train the model that `described` has returned, and return what it says of other rows.

    It is trained on ``rows["training"]`` alone. Raises DraftError where it fails.
    """
    learn, features = names["rows"]["training"], names["features"]
    try:
        with _no_other_data():
            model = names["model"].fit(names["data"].loc[learn, features], names["target"][learn])
            return np.asarray(model.predict(rows[features]))
    except DraftError:
        raise
    except Exception as error:
        raise DraftError(f"The model cannot be trained or asked: {_short(error)}") from error


def forecasts(notebook: Any, data: pd.DataFrame) -> pd.DataFrame:
    """Return what the forecasters of a notebook say comes after these rows.

    One row a series and step: the columns of identity, ``ds``, and ``forecast``, which is that of
    the model even where the naive one was better. Raises DraftError as `described` does, and where
    a series cannot be forecast.
    """
    names = _run(notebook, FORECAST, [n for n in FORECAST if n not in SOURCES], data)
    names["cutoffs"] = 0  # the fit to all steps is enough
    try:
        with _no_other_data():
            each = [names["one_series"](one) for _, one in names["history"].groupby("series")]
            found = pd.concat(each)
            keys = names["keys"].loc[found["series"]].reset_index(drop=True)
    except DraftError:
        raise
    except Exception as error:
        raise DraftError(f"The series cannot be forecast: {_short(error)}") from error
    if failed := [text for text in found["failed"] if text]:
        raise DraftError(f"A series cannot be forecast: {failed[0][:160]}")
    return keys.assign(ds=found["ds"].array, forecast=found["model"].array)


def _run(
    notebook: Any, wanted: Sequence[str], needed: Sequence[str], data: pd.DataFrame
) -> dict[str, Any]:
    """Run the wanted cells that a notebook has, and return the names they leave."""
    if not isinstance(notebook, NotebookNode):
        raise DraftError(
            f"This is a {type(notebook).__name__}; the notebook is asked for, as `nbformat.read` "
            "gives it."
        )
    sources = {cell.id: cell.source for cell in notebook.cells if cell.cell_type == "code"}
    if missing := [name for name in needed if name not in sources]:
        raise DraftError(f"The notebook has no cell {', '.join(missing)}.")
    names: dict[str, Any] = {"__name__": "__main__", "np": np, "pd": pd, "data": data.copy()}
    for name in wanted:
        if name not in sources:
            continue
        try:
            with _no_other_data():
                exec(compile(sources[name], f"<cell {name}>", "exec"), names)
        except DraftError:
            raise
        except Exception as error:
            raise DraftError(f"The cell {name} does not run: {_short(error)}") from error
    return names


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:160]}"


@contextlib.contextmanager
def _no_other_data() -> Iterator[None]:
    """Refuse to load a data set in a block: the answers would be in it."""
    from lakebook import datasets

    def refuse(*_: Any, **__: Any) -> Any:
        raise DraftError("The notebook loads a data set; the rows it is judged by would be in it.")

    plain = datasets.load
    datasets.load = refuse
    try:
        yield
    finally:
        datasets.load = plain
