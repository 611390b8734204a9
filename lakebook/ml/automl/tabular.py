"""`classify` and `regress`: from a table to trials."""

from __future__ import annotations

import importlib.metadata
import os
import sys
import time
from typing import TYPE_CHECKING, Any

from lakebook import workspace
from lakebook.ml.automl import (
    arms,
    columns,
    exploration,
    inputs,
    notebooks,
    report,
    runs,
    search,
    splits,
)
from lakebook.ml.automl import target as targets
from lakebook.ml.automl.errors import AutoMLError
from lakebook.ml.automl.metrics import Kind, metric
from lakebook.ml.automl.summary import AutoMLSummary
from lakebook.ml.automl.task import FOLDS, SPLIT, Task
from lakebook.runtime.session import get_spark

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import SparkSession

# With fewer rows than this a validation set of one fifth judges too coarsely; folds cost five fits.
ROWS_FOR_FOLDS = 10_000
# With so few rows it is chance which of two models the folds favour; more deals even that out.
ROWS_FOR_DEALS, DEALS = 500, 3
# Where the largest class has so many times the rows of the smallest, weights are tried too.
IMBALANCED = 3.0
# What the model of a trial is loaded with.
PACKAGES = ("scikit-learn", "pandas", "numpy", "cloudpickle")


def run(
    kind: Kind,
    dataset: Any,
    *,
    target_col: str,
    primary_metric: str,
    data_dir: str | None,
    experiment_dir: str | None,
    experiment_name: str | None,
    exclude_cols: list[str] | None,
    exclude_frameworks: list[str] | None,
    feature_store_lookups: list[dict[str, Any]] | None,
    imputers: dict[str, str | dict[str, Any]] | None,
    time_col: str | None,
    split_col: str | None,
    sample_weight_col: str | None,
    max_trials: int | None,
    timeout_minutes: float | None,
    pos_label: Any = None,
) -> AutoMLSummary:
    """Search for a model of `target_col`; see `classify` and `regress` for the arguments."""
    begun = time.time()
    chosen = metric(kind, primary_metric)
    models = arms.chosen(kind, exclude_frameworks)
    _check_budget(max_trials, timeout_minutes)
    spark = get_spark()
    lanes = _lanes(spark)
    search.warm(spark, lanes)
    table = inputs.read(dataset, lookups=feature_store_lookups, target=target_col, kind=kind)
    told = list(table.messages)
    ready = targets.prepare(table.frame, target_col, kind, pos_label)
    told += ready.messages
    frame = ready.frame
    parts, messages = splits.split(
        frame, target_col, kind, time_col=time_col, split_col=split_col, seed=arms.SEED
    )
    told += messages
    classes = ready.classes
    if kind == "classify":
        # A class that no row for training has can neither be predicted nor scored by log loss.
        seen = set(frame.loc[parts.index[parts == "train"], target_col])
        classes = tuple(one for one in classes if one in seen)
        parts = parts[frame.loc[parts.index, target_col].isin(seen)]
    frame = frame.loc[parts.index].reset_index(drop=True)
    parts = parts.reset_index(drop=True)
    # The time by which rows are split is a feature as well; the split and the weight are none.
    aside = [name for name in (split_col, sample_weight_col) if name]
    plan = columns.detect(
        frame,
        target_col,
        exclude=exclude_cols or (),
        keep_aside=aside,
        # The platform does not look for a meaning in columns for which an imputer is given.
        semantic_types=dict(table.semantic_types) | dict.fromkeys(imputers or {}, "native"),
    )
    told += plan.messages
    filled = columns.check_imputers(imputers, plan)
    kept = [column.name for column in plan.columns]
    data = frame[[*kept, target_col]].copy()
    if sample_weight_col is not None:
        data[sample_weight_col] = splits.weights(frame, sample_weight_col, target_col)
    data[SPLIT] = parts
    learn = int((parts != "test").sum())
    folds = time_col is None and split_col is None and learn <= ROWS_FOR_FOLDS
    experiment = runs.experiment(experiment_name, experiment_dir, target_col)

    import mlflow

    above = mlflow.active_run()
    search_run = mlflow.MlflowClient().create_run(
        experiment,
        run_name=f"automl {kind} {target_col}",
        tags={runs.SEARCH: kind} | ({"mlflow.parentRunId": above.info.run_id} if above else {}),
    )
    run_id = search_run.info.run_id
    task = Task(
        kind=kind,
        target=target_col,
        run=run_id,
        experiment=experiment,
        columns=plan.columns,
        imputers=filled,
        metric=chosen,
        metric_name=primary_metric,
        classes=classes,
        positive=ready.pos_label,
        weight=sample_weight_col,
        folds=folds,
        deals=DEALS if learn <= ROWS_FOR_DEALS else 1,
        data=runs.keep_data(data, run_id, data_dir),
        requirements=_requirements(models),
        weighted=kind == "classify" and ready.imbalance >= IMBALANCED,
    )
    if task.weighted:
        told.append(
            f"the largest class has {ready.imbalance:.1f} times the rows of the smallest; trials "
            "may weight the classes"
        )
    for name, value in (("target_col", target_col), ("primary_metric", primary_metric)):
        mlflow.MlflowClient().log_param(run_id, name, value)
    if task.data:
        mlflow.MlflowClient().log_param(run_id, "data", task.data)
    runs.keep(
        run_id,
        "data_exploration.ipynb",
        notebooks.write(exploration.cells(task, plan, tuple(told))),
    )
    order = search.Order(
        task,
        tuple(arm.name for arm in models),
        search.Budget(
            deadline=begun + 60 * timeout_minutes if timeout_minutes else None, trials=max_trials
        ),
        lanes=lanes,
        environment=_environment(),
    )
    early = _search(spark, order, told)
    return _summary(task, plan, told, early, _baseline(task, data))


def _check_budget(max_trials: int | None, timeout_minutes: float | None) -> None:
    for name, value in (("max_trials", max_trials), ("timeout_minutes", timeout_minutes)):
        if value is not None and (isinstance(value, bool) or not value > 0):
            raise AutoMLError(f"{name}={value!r}: give a number greater than zero, or leave it out")


def _lanes(spark: SparkSession) -> int:
    """Return how many trials run at once: one for each task that Spark can run."""
    if hasattr(spark, "sparkContext"):
        context = spark.sparkContext._jsc.sc()
        profile = context.resourceProfileManager().defaultResourceProfile()
        return max(1, int(context.maxNumConcurrentTasks(profile)))
    # Over Spark Connect the width of a job tells.
    from pyspark.sql import functions as F

    return spark.range(0, 10_000).select(F.spark_partition_id()).distinct().count()


def _environment() -> dict[str, str]:
    """Return the variables by which a worker finds the workspace and the tracking server."""
    import mlflow

    passed = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(("MLFLOW_", "_MLFLOW_", "LAKEBOOK_"))
    }
    passed["MLFLOW_TRACKING_URI"] = mlflow.get_tracking_uri()
    passed["LAKEBOOK_HOME"] = str(workspace.home())
    # A lane is one of several that share the machine, so its libraries get one thread.
    return passed | {"OMP_NUM_THREADS": "1"}


def _requirements(models: list[arms.Arm]) -> tuple[str, ...]:
    names = [*PACKAGES, *sorted({arm.framework for arm in models} - {"sklearn"})]
    return tuple(f"{name}=={_version(name)}" for name in names)


def _version(name: str) -> str:
    """Return the version of a package; XGBoost without its part for graphics cards counts too."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return importlib.metadata.version(f"{name}-cpu")


def _search(spark: SparkSession, order: search.Order, told: list[str]) -> bool:
    """Run the search with a progress bar; return whether it ended since nothing became better."""
    from tqdm import tqdm

    found = search.start(spark, order)
    sign = -1 if order.task.metric.higher else 1
    deadline = order.budget.deadline
    begun = time.time()
    total = order.budget.trials or (round(deadline - begun) if deadline else None)
    unit = "trial" if order.budget.trials or deadline is None else "s"
    bar = tqdm(total=total, unit=unit, desc=f"automl {order.task.kind}", file=sys.stderr)

    late = False

    def seen() -> int:
        nonlocal late
        done = runs.children(order.task.experiment, order.task.run)
        losses = [run.data.metrics.get(f"val_{order.task.metric.logged}") for run in done]
        scores = [score for score in losses if score is not None]
        bar.n = min(
            total or sys.maxsize, len(done) if unit == "trial" else round(time.time() - begun)
        )
        if scores:
            best = min(scores, key=lambda score: sign * score)
            bar.set_postfix_str(f"{len(done)} trials, best {order.task.metric_name} {best:.4g}")
        bar.refresh()
        if deadline is not None and not scores and time.time() > deadline and not late:
            late = True
            told.append("the budget was over before a trial had ended, so the first was awaited")
        return len(scores)

    try:
        cut = found.wait(seen)
    except KeyboardInterrupt:
        found.stop()
        told.append("stopped by hand; the trials that had ended are kept")
        cut = True
    finally:
        bar.close()
    if found.error is not None and not cut:
        raise AutoMLError(f"the Spark job of the search failed: {found.error}") from found.error
    return not cut and found.tired


def _baseline(task: Task, data: pd.DataFrame) -> float:
    """Return the score on the validation rows of a model that does not look at the columns."""
    import numpy as np
    from sklearn.dummy import DummyClassifier, DummyRegressor
    from sklearn.model_selection import cross_val_predict

    from lakebook.ml.automl import cells_train

    names, _ = notebooks.run(
        [notebooks.code("numpy", "import numpy as np"), cells_train.scores(task)]
    )
    learn = data[data[SPLIT] != "test"] if task.folds else data[data[SPLIT] == "train"]
    model = DummyClassifier() if task.kind == "classify" else DummyRegressor()
    y = learn[task.target] if task.kind == "classify" else learn[task.target].astype(float)
    how = "predict_proba" if task.kind == "classify" else "predict"
    nothing = np.zeros((len(learn), 1))
    if task.folds:
        answer, actual = cross_val_predict(model, nothing, y, cv=FOLDS, method=how), y
    else:
        held = data[data[SPLIT] == "validate"]
        answer = getattr(model.fit(nothing, y), how)(np.zeros((len(held), 1)))
        actual = held[task.target]
    return float(names["scores"]("val", actual, answer)[f"val_{task.metric.logged}"])


def _summary(
    task: Task,
    plan: columns.Plan,
    told: list[str],
    early: bool,
    baseline: float,
) -> AutoMLSummary:
    import mlflow

    client = mlflow.MlflowClient()
    client.set_terminated(task.run)
    for run in runs.children(task.experiment, task.run):
        if run.info.status in ("RUNNING", "SCHEDULED"):
            client.set_terminated(run.info.run_id, "KILLED")
    trials = runs.read(task.experiment, task.run, task.metric.higher)
    failures = {
        run.info.run_name: run.data.tags[search.FAILURE]
        for run in runs.children(task.experiment, task.run)
        if search.FAILURE in run.data.tags
    }
    if not trials:
        why = "; ".join(f"{name}: {reason}" for name, reason in list(failures.items())[:3])
        raise AutoMLError(
            f"no trial succeeded: {why}"
            if failures
            else "the search was stopped before one had ended"
        )
    found = AutoMLSummary(
        experiment=client.get_experiment(task.experiment),
        trials=trials,
        metric_distribution=report.distribution([t.evaluation_metric_score for t in trials]),
        semantic_type_conversions=plan.conversions,
        is_early_stopped=early,
        metric=task.metric_name,
        baseline=baseline,
        failures=failures,
        messages=tuple(told),
        run_id=task.run,
    )
    print(report.sentence(found))
    return found
