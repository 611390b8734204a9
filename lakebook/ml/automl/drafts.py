"""A trial's notebook without a search, and the model that the cells of such a notebook describe.

An exercise that has a notebook of a trial edited judges the answer with these: its cells are run on
rows of the judge's own choosing, so what the answer has scored for itself does not matter.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import nbformat
import numpy as np
import pandas as pd

from lakebook.ml.automl import arms, cells, columns, notebooks, splits
from lakebook.ml.automl import target as targets
from lakebook.ml.automl.metrics import Kind, metric
from lakebook.ml.automl.task import SPLIT, Task

if TYPE_CHECKING:
    from nbformat import NotebookNode

# The cells that describe a model: what comes before reads rows, what comes after trains and logs.
MODEL = ("types", "prepare", "split", "model")


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


def described(notebook: NotebookNode, data: pd.DataFrame) -> dict[str, Any]:
    """Run the cells `MODEL` of a notebook with these rows, and return the names that they leave.

    Among them are `model`, not yet fitted, `features`, `target` and `rows`. What a cell raises goes
    through; its traceback names the cell. Raises KeyError for a cell that the notebook lacks.
    """
    sources = {cell.id: cell.source for cell in notebook.cells if cell.cell_type == "code"}
    names: dict[str, Any] = {"__name__": "__main__", "np": np, "pd": pd, "data": data.copy()}
    for name in MODEL:
        exec(compile(sources[name], f"<cell {name}>", "exec"), names)
    return names
