"""The notebook of a forecasting trial, as a data scientist would write it by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lakebook.ml.automl import forecast_cells_run as running
from lakebook.ml.automl.cells_common import load, trial_parameters
from lakebook.ml.automl.forecast_frequency import Frequency
from lakebook.ml.automl.forecast_models import CLASSES, NAIVE, SOURCES
from lakebook.ml.automl.forecast_series import Series
from lakebook.ml.automl.notebooks import Cell, code, later, markdown
from lakebook.ml.automl.writing import call, indent, listed, quoted

Candidate = tuple[str, Mapping[str, Any]]  # prophet or arima, and its settings


@dataclass(frozen=True)
class Task:
    """What all trials of a search share; `data` is a path, or None for an artifact of `run`."""

    run: str
    experiment: str
    data: str | None
    target: str
    time: str
    identity: tuple[str, ...]
    weight: str | None
    metric: str
    step: str
    season: int
    waves: Mapping[float, int]
    horizon: int
    folds: int
    least: int
    country: str
    partitions: int
    requirements: tuple[str, ...]


def task_of(
    series: Series,
    frequency: Frequency,
    *,
    target: str,
    time: str,
    identity: Sequence[str],
    weight: str | None,
    metric: str,
    horizon: int,
    country: str,
    run: str = "",
    experiment: str = "",
    data: str | None = None,
    requirements: Sequence[str] = (),
) -> Task:
    """Return the task of forecasting these series; without `run` no notebook can load them."""
    return Task(
        run=run,
        experiment=experiment,
        data=data,
        target=target,
        time=time,
        identity=tuple(identity),
        weight=weight,
        metric=metric,
        step=series.step,
        season=frequency.season,
        waves=frequency.waves,
        horizon=horizon,
        folds=series.folds,
        least=series.least,
        country=country if frequency.holidays else "",
        # More than there are cores, so that none waits long for a partition of many series.
        partitions=min(len(series.sizes), 64),
        requirements=tuple(requirements),
    )


def cells(
    task: Task, name: str, candidates: Sequence[Candidate], wanted: Sequence[int] | None = None
) -> list[Cell]:
    """Return the cells of a trial.

    `wanted` gives for each series, in order of identity, which candidate fits it; by default all
    have the first.
    """
    kinds = list(dict.fromkeys(kind for kind, _ in candidates))
    made = [
        markdown("title", _title(task, name, kinds, wanted)),
        trial_parameters(task.run, task.experiment, name, register="main.default.my_forecast"),
        markdown("m-load", "## Load the data\n\nThe rows the search was given."),
        load(task.data),
        code("settings", _settings(task)),
        markdown("m-series", running.SERIES_TEXT),
        code("series", running.SERIES),
        markdown("m-naive", "## The forecast to beat"),
        code("naive", running.STEPS_AFTER + NAIVE),
        markdown("m-model", _model_text(kinds)),
    ]
    if task.country:
        made.append(code("holidays", running.HOLIDAYS))
    else:
        made.append(code("holidays", "holidays = None"))
    made += [code(kind, SOURCES[kind]) for kind in kinds]
    made += [
        code("candidates", _candidates(candidates, wanted)),
        markdown("m-validate", running.VALIDATE_TEXT),
        code("validate", running.VALIDATE),
        code("job", running.JOB, timed="fit"),
        markdown("m-metrics", running.METRICS_TEXT),
        code("metrics", running.METRICS),
        markdown("m-interval", running.INTERVAL_TEXT),
        code("interval", running.INTERVAL),
        markdown("m-log", running.LOG_TEXT),
        code("model", running.MODEL),
        code("log", running.LOG.replace("REQUIREMENTS", listed(task.requirements)), timed="log"),
        markdown("m-picture", "## Look at it\n\nThe last two horizons, and the one to come."),
        later("picture", running.PICTURE),
        markdown("m-use", running.USE_TEXT),
        later("use", running.USE),
    ]
    return made


def _title(task: Task, name: str, kinds: list[str], wanted: Sequence[int] | None) -> str:
    models = " and ".join({"prophet": "Prophet", "arima": "auto-ARIMA"}[kind] for kind in kinds)
    best = ""
    if wanted is not None:
        best = (
            " Each series has the model that had the smallest error for it in an earlier trial; a "
            "score by which one has chosen is a little too good, so judge it by new data."
        )
    return (
        f"# Forecast of `{task.target}`: {models} ({name})\n\n"
        "This notebook is the trial: the search has run these cells, except the last two, which "
        "are for you. It runs on its own, from top to bottom, and gives the metrics that were "
        f"logged. Edit it and run it again; the new run joins the experiment.{best}"
    )


def _settings(task: Task) -> str:
    waves = ", ".join(f"{period:g}: {pairs}" for period, pairs in task.waves.items())
    return f"""
target, time = {quoted(task.target)}, {quoted(task.time)}
identity = {listed(task.identity)}
weight = {quoted(task.weight)}  # the column that says how much a series counts
metric = {quoted(task.metric)}
step = {quoted(task.step)}  # from one value to the next
season = {task.season}  # steps after which the naive forecast repeats
waves = {{{waves}}}  # pairs of sine and cosine for a season of so many steps
horizon = {task.horizon}
cutoffs = {task.folds}  # at most
least = {task.least - task.horizon}  # steps that are known at each cutoff, at least
country = {quoted(task.country)}
partitions = {task.partitions}  # of the Spark job
"""


def _model_text(kinds: list[str]) -> str:
    told = "Change a setting here, run all, and compare."
    return f"## The model{'s' if len(kinds) > 1 else ''}\n\n{told}"


def _candidates(candidates: Sequence[Candidate], wanted: Sequence[int] | None) -> str:
    lines = ["candidates = ["]
    for kind, params in candidates:
        given = [f"kind={quoted(kind)}", *(f"{k}={quoted(v)}" for k, v in params.items())]
        lines.append(f"    {indent(call('dict', given))},")
    lines += ["]"]
    used = list(dict.fromkeys(kind for kind, _ in candidates))
    classes = ", ".join(f"{quoted(kind)}: {CLASSES[kind]}" for kind in used)
    lines.append(f'classes = {{{classes}, "naive": Naive}}')
    if wanted is None:
        lines.append("wanted = [0] * len(keys)  # for each series the number of its candidate")
    else:
        lines.append("# For each series, in the order of `keys`, the number of its candidate.")
        lines.append(f"wanted = {listed(wanted)}")
    return "\n".join(lines)
