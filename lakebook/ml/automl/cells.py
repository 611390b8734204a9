"""The notebook of a tabular trial, as a data scientist would write it by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from lakebook.ml.automl import cells_after, cells_prepare, cells_train
from lakebook.ml.automl.arms import Arm, Params
from lakebook.ml.automl.cells_common import load, trial_parameters
from lakebook.ml.automl.notebooks import Cell, markdown
from lakebook.ml.automl.task import Task

BLEND = "blend"
Members: TypeAlias = Sequence[tuple[Arm, Params]]


def cells(task: Task, arm: Arm, params: Params, name: str) -> list[Cell]:
    """Return the cells of a trial: `params` are what the search chose for the model."""
    text = "## The model\n\nChange a value here, run all, and compare."
    made = _cells(task, [arm], arm.name, name, text, cells_train.model(task, arm, params))
    at = next(number for number, cell in enumerate(made) if cell.id == "m-picture")
    return [*made[:at], markdown("m-shap", _SHAP), cells_after.shap(task), *made[at:]]


def blend(task: Task, members: Members, name: str) -> list[Cell]:
    """Return the cells of a trial whose answer is the mean of several models' answers."""
    text = (
        "## The models\n\nEach has the values that an earlier trial was best with. The answer is "
        "the mean of theirs, which errs less where they err differently."
    )
    arms = [arm for arm, _ in members]
    return _cells(task, arms, BLEND, name, text, cells_train.blend(task, members))


def _cells(
    task: Task, arms: Sequence[Arm], what: str, name: str, text: str, model: Cell
) -> list[Cell]:
    return [
        markdown("title", _title(task, what, name)),
        trial_parameters(
            task.run, task.experiment, name, register="main.default.my_model", explain=True
        ),
        markdown("m-load", "## Load the data\n\nThe rows the search was given, with their split."),
        # The last sections of a blend of regressors are the only ones without an array.
        load(task.data, numpy=what != BLEND or task.kind == "classify"),
        markdown("m-types", cells_prepare.types_text(task)),
        cells_prepare.types(task),
        markdown("m-prepare", cells_prepare.prepare_text(task, *arms)),
        cells_prepare.prepare(task, *arms),
        markdown("m-split", cells_train.split_text(task)),
        cells_train.split(task),
        markdown("m-model", text),
        model,
        markdown("m-scores", "## Train and score"),
        cells_train.scores(task),
        cells_train.fit(task),
        markdown("m-log", "## Log to MLflow\n\nRequirements are named, so none is inferred."),
        cells_train.log(task),
        markdown("m-importances", _IMPORTANCES),
        cells_after.importances(task),
        markdown("m-picture", "## Where it is wrong\n\nOn the test rows."),
        cells_after.picture(task),
        markdown("m-final", _FINAL),
        cells_after.final(task),
        markdown("m-use", _USE),
        cells_after.use(),
    ]


def _title(task: Task, model: str, name: str) -> str:
    what = "Classification" if task.kind == "classify" else "Regression"
    return (
        f"# {what} of `{task.target}`: {model} ({name})\n\n"
        "This notebook is the trial: the search has run these cells, except the last sections, "
        "which are for you. It runs on its own, from top to bottom, and gives the metrics that "
        "were logged. Edit it and run it again; the new run joins the experiment."
    )


_IMPORTANCES = (
    "## What the model looks at\n\nHow much worse the score gets when a column is shuffled, on at "
    "most 500 test rows."
)
_SHAP = "SHAP values explain single rows. They take a while, so set `explain = True` for them."
_FINAL = (
    "## Once more, on all rows\n\nThe scores above are those of a model that has not seen the test "
    "rows. What goes into use may learn from all of them; nothing is left to judge it by."
)
_USE = (
    "## Register and score\n\nWith `register_as` set to a three-level name above, the model "
    "becomes a version in the registry. Scored is with the logged model, as a job would."
)
