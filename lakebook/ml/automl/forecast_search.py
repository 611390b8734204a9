"""The search for a forecaster: from a table to trials, each one Spark job over all series."""

from __future__ import annotations

import contextlib
import importlib.metadata
import logging
import sys
import threading
import time
import uuid
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lakebook.errors import unknown
from lakebook.ml.automl import (
    forecast_cells,
    forecast_frequency,
    forecast_series,
    inputs,
    jobs,
    notebooks,
    report,
    runs,
)
from lakebook.ml.automl.errors import AutoMLError, unknown_column
from lakebook.ml.automl.forecast_cells import Candidate, Task
from lakebook.ml.automl.summary import AutoMLSummary
from lakebook.runtime.session import get_spark

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import SparkSession

METRICS = ("smape", "mse", "rmse", "mae", "mdape")
FRAMEWORKS = ("prophet", "arima")
MINUTES = 2.0
SEED = 42
# Trials of Prophet at most, and how many in a row may be no better than the best before them.
TRIALS, PATIENCE = 8, 4
FAILURE = "lakebook.automl.failure"  # tag: why a trial failed
# What trials import in Spark's workers.
PACKAGES = ("prophet", "holidays", "pmdarima", "statsmodels.tsa.statespace.sarimax")
ARIMA: Mapping[str, Any] = {"max_p": 3, "max_q": 2}


@dataclass
class Trial:
    """A trial that has ended well: what was fitted, and the error of each series."""

    candidate: Candidate
    score: float
    by_series: pd.Series
    seconds: float


@dataclass
class Search:
    """A search under way."""

    task: Task
    spark: SparkSession
    deadline: float
    told: list[str]
    series: int
    bar: Any
    trials: list[Trial] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    baseline: float | None = None
    best: tuple[float, Any] = (float("inf"), None)  # score, and the frame of the forecast
    cut: bool = False
    stopped_early: bool = False

    @property
    def left(self) -> float:
        """Return the seconds that are left."""
        return self.deadline - time.time()


def run(
    dataset: Any,
    *,
    target_col: str,
    time_col: str,
    primary_metric: str,
    country_code: str,
    frequency: str,
    horizon: int,
    data_dir: str | None,
    experiment_dir: str | None,
    experiment_name: str | None,
    exclude_frameworks: list[str] | None,
    feature_store_lookups: list[dict[str, Any]] | None,
    identity_col: str | list[str] | None,
    sample_weight_col: str | None,
    output_database: str | None,
    timeout_minutes: float | None,
) -> AutoMLSummary:
    """Search for forecasters; see `forecasting.forecast` for the arguments."""
    begun = time.time()
    asked = forecast_frequency.frequency(frequency)
    identity = [identity_col] if isinstance(identity_col, str) else list(identity_col or ())
    _check(primary_metric, horizon, timeout_minutes, country_code)
    _check_columns(target_col, time_col, identity, sample_weight_col)
    frameworks = _frameworks(exclude_frameworks)
    spark = get_spark()
    if output_database is not None and not spark.catalog.databaseExists(output_database):
        raise AutoMLError(
            f"output_database '{output_database}' does not exist; make it with "
            f"CREATE SCHEMA {output_database}, or leave it out"
        )
    _warm(spark)
    needed = [time_col, *identity, *([sample_weight_col] if sample_weight_col else [])]
    table = _read(dataset, needed, target_col, time_col, identity, sample_weight_col)
    told = list(table.messages)
    if timeout_minutes is None:
        told.append(
            f"the search may take {MINUTES:g} minutes; the platform's takes up to 120. Give "
            "timeout_minutes for another time"
        )
    if feature_store_lookups:
        told.append(
            "feature_store_lookups are left out: forecasts here use the series and holidays only"
        )
    series = forecast_series.prepare(
        table.frame,
        target=target_col,
        time=time_col,
        identity=identity,
        weight=sample_weight_col,
        frequency=asked,
        horizon=horizon,
    )
    told += series.messages

    import mlflow

    experiment = runs.experiment(experiment_name, experiment_dir, target_col)
    above = mlflow.active_run()
    client = mlflow.MlflowClient()
    run_id = client.create_run(
        experiment,
        run_name=f"automl forecast {target_col}",
        tags={runs.SEARCH: "forecast"}
        | ({"mlflow.parentRunId": above.info.run_id} if above else {}),
    ).info.run_id
    for name, value in (
        ("target_col", target_col),
        ("time_col", time_col),
        ("primary_metric", primary_metric),
        ("frequency", frequency),
        ("horizon", horizon),
    ):
        client.log_param(run_id, name, value)
    task = forecast_cells.task_of(
        series,
        asked,
        target=target_col,
        time=time_col,
        identity=identity,
        weight=sample_weight_col,
        metric=primary_metric,
        horizon=horizon,
        country=country_code,
        run=run_id,
        experiment=experiment,
        data=runs.keep_data(series.frame, run_id, data_dir),
        requirements=_requirements(frameworks),
    )
    deadline = begun + 60 * (MINUTES if timeout_minutes is None else timeout_minutes)
    from tqdm import tqdm

    bar = tqdm(total=round(deadline - begun), unit="s", desc="automl forecast", file=sys.stderr)
    bar.began = begun
    search = Search(task, spark, deadline, told, len(series.sizes), bar)
    try:
        _search(search, frameworks)
    except KeyboardInterrupt:
        search.cut = True
        told.append("stopped by hand; the trials that had ended are kept")
    finally:
        bar.close()
    return _summary(search, output_database)


def _search(search: Search, frameworks: list[str]) -> None:
    """Try ARIMA second, so that a short budget has one of each; then go on with Prophet."""
    if "prophet" in frameworks:
        _tune(search, arima="arima" in frameworks)
    else:
        _try(search, [("arima", ARIMA)])
    _best_of_each(search)


def _space(search: Search) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return what TPE draws from, and the points it is to begin with."""
    from hyperopt import hp

    space = {
        "seasonality_mode": hp.choice("seasonality_mode", ["multiplicative", "additive"]),
        "changepoint_prior_scale": hp.loguniform("changepoint_prior_scale", -6.9, -0.7),
        "seasonality_prior_scale": hp.loguniform("seasonality_prior_scale", -4.6, 2.3),
    }
    guess = {"changepoint_prior_scale": 0.05, "seasonality_prior_scale": 10.0}
    guesses = [guess | {"seasonality_mode": mode} for mode in (0, 1)]
    guesses.append(guesses[0] | {"changepoint_prior_scale": 0.005})
    if search.task.country:
        space["with_holidays"] = hp.choice("with_holidays", [True, False])
        guesses = [one | {"with_holidays": 0} for one in guesses]
    return space, guesses


def _tune(search: Search, arima: bool) -> None:
    """Try settings of Prophet by TPE, until time, patience or the number of trials is used up."""
    import numpy as np
    from hyperopt import STATUS_FAIL, STATUS_OK, fmin, tpe

    space, guesses = _space(search)

    def objective(point: dict[str, Any]) -> dict[str, Any]:
        if search.trials and _no_time(search):
            return {"status": STATUS_FAIL}
        params = {key: _round(value) for key, value in point.items()}
        done = _try(search, [("prophet", params)])
        if arima and "arima" not in search.counts and search.left > 0:
            _try(search, [("arima", ARIMA)])
        return {"status": STATUS_OK, "loss": done.score} if done else {"status": STATUS_FAIL}

    def enough(trials: Any, *_: Any) -> tuple[bool, list[Any]]:
        # It is asked once after all guesses, then after each trial.
        losses = [one.get("loss", float("inf")) for one in trials.results]
        since = len(losses) - 1 - losses.index(min(losses))
        if len(losses) >= len(guesses) and since >= PATIENCE:
            search.stopped_early = True
            return True, []
        return bool(search.trials) and _no_time(search), []

    with _quietly("hyperopt"):
        fmin(
            objective,
            space,
            algo=tpe.suggest,
            max_evals=TRIALS,
            points_to_evaluate=guesses[:TRIALS],  # it tries all of them, whatever the limit
            early_stop_fn=enough,
            rstate=np.random.default_rng(SEED),
            return_argmin=False,  # there is none if all fail
            show_progressbar=False,
            verbose=False,
        )


def _no_time(search: Search) -> bool:
    """Return whether another trial of Prophet would end too late, given how long the last took."""
    own = [trial.seconds for trial in search.trials if trial.candidate[0] == "prophet"]
    # Half as much again is for the best of each series.
    return search.left < 1.5 * (own[-1] if own else 0.0)


def _round(value: Any) -> Any:
    """Return a number with four digits that count, as it stands in a notebook."""
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _best_of_each(search: Search) -> None:
    """Fit to each series what was best for it, if that is not the same for all."""
    import pandas as pd

    if len(search.trials) < 2 or search.left < min(trial.seconds for trial in search.trials):
        return
    errors = {number: trial.by_series for number, trial in enumerate(search.trials)}
    best = pd.DataFrame(errors).dropna().idxmin(axis=1)
    if best.nunique() < 2:
        return
    overall = min(range(len(search.trials)), key=lambda n: search.trials[n].score)
    every = best.reindex(range(search.series), fill_value=overall)
    used = list(dict.fromkeys(every))
    candidates = [search.trials[number].candidate for number in used]
    _try(search, candidates, [used.index(number) for number in every])


def _try(
    search: Search, candidates: list[Candidate], wanted: list[int] | None = None
) -> Trial | None:
    """Run a trial and tell MLflow of it; None if it failed."""
    import mlflow

    task = search.task
    kind = candidates[0][0] if wanted is None else "best-of-each"
    search.counts[kind] = search.counts.get(kind, 0) + 1
    name = f"{kind}-{search.counts[kind]:02d}"
    made = forecast_cells.cells(task, name, candidates, wanted)
    begun = time.time()
    # The first trial may take as long as it takes, for a search without a trial has no answer.
    limit = max(search.left, 0.1) if search.trials else None
    try:
        # Prophet says at its import that plotly is missing, which nothing here draws with.
        with _quietly("mlflow", "prophet.plot"), _Limit(search.spark, limit) as timer:
            names, seconds = notebooks.run(
                made, {"parent_run": task.run, "experiment_id": task.experiment}, name
            )
        score = float(names["metrics"][f"val_{task.metric}"])
        if score != score:
            raise ValueError(f"val_{task.metric} is not defined for these series")
    except Exception as error:  # whatever a library raises, the other trials go on
        reason = "the time was over" if timer.over else _reason(error)
        search.failures[name] = reason
        _log_failure(task, name, reason, made)
        return None
    run_id = names["run"].info.run_id
    runs.keep(run_id, f"{name}.ipynb", notebooks.write(made))
    tags = runs.trial_tag(
        _describe(candidates, wanted),
        _preparation(task),
        score,
        seconds,
        notebook=f"{name}.ipynb",
        model=names["logged"].model_uri,
        arm=kind,
    )
    for key, value in tags.items():
        mlflow.MlflowClient().set_tag(run_id, key, value)
    logging.getLogger(__name__).debug("%s: %s", name, seconds)
    search.baseline = names["metrics"][f"naive_{task.metric}"]
    _tell(search, name, names)
    done = Trial(candidates[0], score, names["of_series"][task.metric], time.time() - begun)
    if wanted is None:
        search.trials.append(done)
    if score < search.best[0]:
        search.best = (score, names["forecasts"])
    search.bar.update(round(time.time() - search.bar.began) - search.bar.n)
    search.bar.set_postfix_str(f"best {task.metric} {search.best[0]:.4g}")
    return done


def _tell(search: Search, name: str, names: dict[str, Any]) -> None:
    """Say which series a trial leaves to the naive forecast, and which it failed on."""
    failed = names["failures"]
    failed = failed[failed != "ValueError: too short to be validated"]
    total, naive = len(names["keys"]), int(names["metrics"]["series_by_naive"])
    if naive:
        search.told.append(
            f"{name}: {naive} of {total} series have the seasonal-naive forecast, which was better"
            + (f" or all there was ({len(failed)} failed)" if len(failed) else "")
        )
    if len(failed):
        number = failed.index[0]
        key = ", ".join(f"{k}={v}" for k, v in names["keys"].loc[number].items()) or "the series"
        search.told.append(f"{name}: {key} failed: {failed.iloc[0]}")


def _describe(candidates: Sequence[Candidate], wanted: Sequence[int] | None) -> str:
    """Return a model and its settings in a line."""
    told = [
        f"{kind}({', '.join(f'{key}={value}' for key, value in params.items())})"
        for kind, params in candidates
    ]
    if wanted is None:
        return told[0]
    shares = [f"{one} for {wanted.count(number)}" for number, one in enumerate(told)]
    return f"best of each series({'; '.join(shares)})"


def _preparation(task: Task) -> str:
    """Return in a line what is done to the series before the model."""
    holidays = f", holidays of {task.country}" if task.country else ""
    return f"a row each {task.step}, gaps filled forward{holidays}"


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__


def _log_failure(task: Task, name: str, reason: str, made: list[notebooks.Cell]) -> None:
    """Keep a run of a trial that failed, with its notebook, so that it can be looked into."""
    import mlflow

    client = mlflow.MlflowClient()
    run = client.create_run(
        task.experiment,
        run_name=name,
        tags={"mlflow.parentRunId": task.run, FAILURE: reason},
    )
    client.set_terminated(run.info.run_id, "FAILED")
    runs.keep(run.info.run_id, f"{name}.ipynb", notebooks.write(made))


class _Limit:
    """Cancels the Spark jobs of a block when its seconds are over; None is no limit."""

    def __init__(self, spark: SparkSession, seconds: float | None) -> None:
        self.seconds, self.over = seconds, False
        self.tag = jobs.Tag(spark)

    def __enter__(self) -> _Limit:
        self.tag.add()
        if self.seconds is not None:
            self.timer = threading.Timer(self.seconds, self._stop)
            self.timer.daemon = True
            self.timer.start()
        return self

    def _stop(self) -> None:
        self.over = True
        self.tag.cancel()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.seconds is not None:
            self.timer.cancel()
        if kind is KeyboardInterrupt:
            self.tag.cancel()
        self.tag.remove()


@contextlib.contextmanager
def _quietly(*names: str) -> Iterator[None]:
    """Keep notes of libraries and all warnings out of a block."""
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def _check(metric: str, horizon: Any, minutes: Any, country: Any) -> None:
    """Raise AutoMLError for an argument that can be judged without the data."""
    import holidays

    if metric not in METRICS:
        raise AutoMLError(str(unknown("primary_metric", str(metric), METRICS)))
    if isinstance(horizon, bool) or not isinstance(horizon, int) or horizon < 1:
        raise AutoMLError(f"horizon {horizon!r} is not a whole number of steps, 1 or more")
    if minutes is not None and (isinstance(minutes, bool) or not minutes > 0):
        raise AutoMLError(f"timeout_minutes {minutes!r} is not above zero; give more, or leave it")
    if country == "":
        return
    known = holidays.list_supported_countries(include_aliases=False)
    if country not in known:
        near = str(unknown("country_code", str(country), known))
        raise AutoMLError(f'{near}; for no holidays give country_code=""')


def _check_columns(target: str, time: str, identity: list[str], weight: str | None) -> None:
    named = [target, time, *identity, *([weight] if weight is not None else [])]
    for name in named:
        if named.count(name) > 1:
            raise AutoMLError(
                f"column '{name}' is named twice; target_col, time_col, identity_col and "
                "sample_weight_col are different columns"
            )


def _frameworks(excluded: list[str] | None) -> list[str]:
    for name in excluded or ():
        if name not in FRAMEWORKS:
            raise AutoMLError(str(unknown("framework", str(name), FRAMEWORKS)))
    left = [name for name in FRAMEWORKS if name not in (excluded or ())]
    if not left:
        raise AutoMLError("exclude_frameworks leaves none; keep prophet or arima")
    return left


def _read(
    dataset: Any,
    needed: list[str],
    target: str,
    time: str,
    identity: list[str],
    weight: str | None,
) -> inputs.Table:
    """Read the columns; an unknown one is reported by the argument that names it."""
    if isinstance(dataset, str):
        return inputs.read(dataset, columns=needed, target=target, kind="forecast")
    arguments = {time: "time_col", weight: "sample_weight_col"}
    known = [str(name) for name in dataset.columns]
    for name in [target, *needed]:
        if name not in known:
            default = "target_col" if name == target else "identity_col"
            raise unknown_column(arguments.get(name, default), name, known)
    return inputs.read(dataset, columns=needed, target=target, kind="forecast")


def _warm(spark: SparkSession) -> None:
    """Start Spark's Python workers with the packages of the trials, while the data is read."""
    from lakebook.runtime import python_daemon

    python_daemon.preload(spark, *PACKAGES)

    def work(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        yield from frames

    def start() -> None:
        # What is wrong with the workers the first trial will say.
        with contextlib.suppress(Exception):
            spark.range(0, 2, 1, 2).mapInPandas(work, "id long").collect()

    threading.Thread(target=start, daemon=True).start()


def _requirements(frameworks: list[str]) -> tuple[str, ...]:
    names = ["mlflow", "cloudpickle", "numpy", "pandas", "prophet", "holidays"]
    names += ["statsmodels", "threadpoolctl"] if "arima" in frameworks else []
    return tuple(f"{name}=={importlib.metadata.version(name)}" for name in names)


def _summary(search: Search, database: str | None) -> AutoMLSummary:
    import mlflow

    task, client = search.task, mlflow.MlflowClient()
    client.set_terminated(task.run)
    for run in runs.children(task.experiment, task.run):
        if run.info.status in ("RUNNING", "SCHEDULED"):
            client.set_terminated(run.info.run_id, "KILLED")
    trials = runs.read(task.experiment, task.run, higher_is_better=False)
    if not trials:
        why = "; ".join(f"{name}: {reason}" for name, reason in search.failures.items())
        raise AutoMLError(
            f"no trial succeeded: {why}"
            if why
            else "the search was stopped before its first trial had ended"
        )
    if len(trials) == 1 and search.left <= 0:
        search.told.append("the time was enough for one trial; give a larger timeout_minutes")
    saved = None
    if database is not None and search.best[1] is not None:
        saved = f"{database}.forecast_prediction_{uuid.uuid4().hex[:8]}"
        frame = search.spark.createDataFrame(search.best[1])
        frame.write.format("delta").saveAsTable(saved)
    found = AutoMLSummary(
        experiment=client.get_experiment(task.experiment),
        trials=trials,
        metric_distribution=report.distribution([t.evaluation_metric_score for t in trials]),
        semantic_type_conversions={},
        is_early_stopped=search.stopped_early,
        output_table_name=saved,
        metric=task.metric,
        baseline=search.baseline,
        failures=search.failures,
        messages=tuple(search.told),
        run_id=task.run,
    )
    print(report.sentence(found))
    return found
