"""The search: trials side by side as one Spark job, each a lane with its own proposals.

A lane asks Hyperopt's TPE for values, runs the notebook's cells with them, and tells it the score;
lanes read one another's results from MLflow. Why not `SparkTrials`: it starts a Spark job and
a Python process for each trial and looks for results once a second, which costs more than many
fits take, and it does not exist over Spark Connect. A lane keeps its process.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lakebook.ml.automl import arms, cells, jobs, notebooks, runs
from lakebook.ml.automl.arms import SEED, Arm
from lakebook.ml.automl.task import Task

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import SparkSession

POINT = "lakebook.automl.point"  # tag, JSON: what TPE proposed and the loss
FAILURE = "lakebook.automl.failure"  # tag: why a trial failed
# After so many trials without a better score the search ends, if it has no other end.
PATIENCE = 25
# TPE proposes at random before it has this many results.
STARTUP = 10
# Lanes look for the results of others at most this often, in seconds.
EXCHANGE = 3.0
# Spark gives the Python worker of a cancelled task two seconds; a trial may end well in them.
KILLED = 2.5


@dataclass(frozen=True)
class Budget:
    """When a search ends: at a time (seconds since 1970), after so many trials, or by itself."""

    deadline: float | None = None
    trials: int | None = None


@dataclass
class Order:
    """What a lane is sent."""

    task: Task
    arms: tuple[str, ...]
    budget: Budget
    lanes: int
    environment: dict[str, str]
    seed: int = SEED


@dataclass
class Lane:
    """A lane at work: its proposals, and what it knows of its own trials and the others'."""

    number: int
    order: Order
    known: set[str] = field(default_factory=set)
    seconds: dict[str, float] = field(default_factory=dict)
    looked: float = 0.0
    best: float = float("inf")
    since: int = 0
    count: int = 0

    def __post_init__(self) -> None:
        """Prepare the proposals: first guesses, dealt out over the lanes, then TPE."""
        from hyperopt import Trials
        from hyperopt.base import Domain

        self.arms = [arms.BY_NAME[name] for name in self.order.arms]
        weighted = self.order.task.weighted
        self.domain = Domain(lambda point: 0.0, arms.space(self.arms, weighted))
        self.trials = Trials()
        self.guesses = arms.guesses(self.arms, weighted)[self.number :: self.order.lanes]
        self.seed = self.order.seed + 1000 * self.number

    def go_on(self) -> bool:
        """Return whether there is to be another trial."""
        budget = self.order.budget
        if budget.trials is not None:
            return self.count < len(range(self.number, budget.trials, self.order.lanes))
        if self.count and budget.deadline is not None and time.time() >= budget.deadline:
            return False
        return self.since < PATIENCE

    def ask(self) -> dict[str, Any] | None:
        """Return the next point as a document of Hyperopt; None where no time is left for it."""
        from hyperopt import tpe

        if self.guesses:
            return self._document(self.guesses.pop(0))
        self._learn_from_others()
        left = (self.order.budget.deadline or float("inf")) - time.time()
        for _ in range(5):
            self.seed += 1
            (made,) = tpe.suggest(
                [self._id()], self.domain, self.trials, self.seed, n_startup_jobs=STARTUP
            )
            arm, _ = self.values(made)
            # What took long is not begun again where its end would come too late.
            if self.seconds.get(arm.name, 0.0) < 1.5 * left:
                return made
        return None

    def values(self, made: dict[str, Any]) -> tuple[Arm, arms.Params]:
        """Return the model of a point and its hyperparameters."""
        from hyperopt import space_eval

        point = {key: value[0] for key, value in made["misc"]["vals"].items() if value}
        chosen = dict(space_eval(arms.space(self.arms, self.order.task.weighted), point))
        arm = arms.BY_NAME[chosen.pop("arm")]
        return arm, arms.tidy({key: v for key, v in chosen.items() if v is not None})

    def tell(self, made: dict[str, Any], loss: float | None) -> None:
        """Take in a result; None is a trial that failed."""
        from hyperopt import JOB_STATE_DONE, STATUS_FAIL, STATUS_OK

        done = made | {"state": JOB_STATE_DONE}
        done["result"] = (
            {"status": STATUS_FAIL} if loss is None else {"status": STATUS_OK, "loss": loss}
        )
        self.trials.insert_trial_doc(done)
        self.trials.refresh()
        better = loss is not None and loss < self.best - 1e-5 * abs(
            self.best if self.best < 1e300 else 1
        )
        self.best, self.since = (
            (loss, 0) if better and loss is not None else (self.best, self.since + 1)
        )

    def _learn_from_others(self) -> None:
        """Take in what other lanes have found; not where a search of so many trials must repeat."""
        if self.order.budget.trials is not None or self.order.lanes == 1:
            return
        if time.time() - self.looked < EXCHANGE:
            return
        self.looked = time.time()
        task = self.order.task
        for run in runs.children(task.experiment, task.run):
            if run.info.run_id in self.known or POINT not in run.data.tags:
                continue
            self.known.add(run.info.run_id)
            told = json.loads(run.data.tags[POINT])
            self.tell(self._document(told["point"]), told["loss"])

    def _id(self) -> int:
        return self.trials.new_trial_ids(1)[0]

    def _document(self, point: dict[str, Any]) -> dict[str, Any]:
        """Return a point as Hyperopt keeps it: labels that it does not use are empty."""
        number, labels = self._id(), self.domain.params
        return {
            "state": 0,
            "tid": number,
            "spec": None,
            "result": {"status": "new"},
            "misc": {
                "tid": number,
                "cmd": ("domain_attachment", "FMinIter_Domain"),
                "workdir": None,
                "idxs": {label: [number] if label in point else [] for label in labels},
                "vals": {label: [point[label]] if label in point else [] for label in labels},
            },
            "exp_key": None,
            "owner": None,
            "version": 0,
            "book_time": None,
            "refresh_time": None,
        }


def settle(order: Order) -> None:
    """Make a worker ready for trials: it logs where the search does, and prints no warnings.

    A worker's output goes to Spark's log, where nobody would read them.
    """
    os.environ.update(order.environment)
    warnings.simplefilter("ignore")
    logging.getLogger("mlflow").setLevel(logging.ERROR)


def lane(number: int, order: Order) -> Iterator[dict[str, Any]]:
    """Run trials until the budget is used; yield what happened to each."""
    at_work = Lane(number, order)
    while at_work.go_on():
        begun = time.time()
        made = at_work.ask()
        if made is None:
            return
        arm, params = at_work.values(made)
        at_work.count += 1
        name = f"{arm.name}-{number + 1}.{at_work.count:02d}"
        point = {
            # NumPy's numbers are none of JSON's.
            key: getattr(value[0], "item", lambda value=value: value[0])()
            for key, value in made["misc"]["vals"].items()
            if value
        }
        loss, run, seconds, error = trial(order.task, arm, params, name, point)
        if run:
            at_work.known.add(run)
        at_work.tell(made, loss)
        at_work.seconds[arm.name] = time.time() - begun
        yield {
            "name": name,
            "run": run,
            "loss": loss,
            "error": error,
            "begun": begun,
            "ended": time.time(),
            "fit": seconds.get("fit", 0.0),
        }


def trial(
    task: Task, arm: Arm, params: arms.Params, name: str, point: dict[str, Any]
) -> tuple[float | None, str, dict[str, float], str | None]:
    """Run a trial: its notebook's cells, then what MLflow is to know about them.

    Returns the loss (lower is better; None if it failed), the run's id, seconds by what they were
    spent on, and the reason of a failure. No exception goes through.
    """
    import mlflow

    made = cells.cells(task, arm, params, name)
    client = mlflow.MlflowClient()
    told = {"experiment_id": task.experiment, "parent_run": task.run}
    try:
        names, seconds = notebooks.run(made, told, name)
        score = float(names["metrics"][f"val_{task.metric.logged}"])
        if score != score:
            raise ValueError(f"val_{task.metric.logged} is not a number")
    except Exception as error:  # whatever a library raises, the other trials go on
        reason = (
            f"{type(error).__name__}: {str(error).strip().splitlines()[0][:300]}"
            if str(error).strip()
            else type(error).__name__
        )
        while mlflow.active_run():
            mlflow.end_run("FAILED")
        with mlflow.start_run(
            run_name=name, experiment_id=task.experiment, parent_run_id=task.run, nested=True
        ) as failed:
            mlflow.log_params(params)
            mlflow.set_tags({FAILURE: reason, POINT: json.dumps({"point": point, "loss": None})})
        client.set_terminated(failed.info.run_id, "FAILED")
        runs.keep(failed.info.run_id, f"{name}.ipynb", notebooks.write(made))
        return None, failed.info.run_id, {}, reason
    run = names["run"].info.run_id
    loss = -score if task.metric.higher else score
    begun = time.perf_counter()
    runs.keep(run, f"{name}.ipynb", notebooks.write(made))
    seconds["log"] = seconds.get("log", 0.0) + time.perf_counter() - begun
    tags = runs.trial_tag(
        describe(arm, params),
        preparation(task, arm),
        score,
        seconds,
        notebook=f"{name}.ipynb",
        model=names["logged"].model_uri,
        arm=arm.name,
    )
    for key, value in (tags | {POINT: json.dumps({"point": point, "loss": loss})}).items():
        client.set_tag(run, key, value)
    return loss, run, seconds, None


def describe(arm: Arm, params: arms.Params) -> str:
    """Return a model and its hyperparameters in a line."""
    return f"{arm.name}({', '.join(f'{key}={value}' for key, value in params.items())})"


def preparation(task: Task, arm: Arm) -> str:
    """Return in a line what is done to the columns before the model."""
    parts = [
        (
            ("numeric", "boolean"),
            "numbers filled and scaled" if arm.linear else "numbers as they are",
        ),
        (("category",), "categories one-hot"),
        (("many_categories",), "many categories by the target's mean"),
        (("date",), "dates as calendar parts"),
        (("text",), "text as TF-IDF"),
    ]
    return "; ".join(f"{what} ({len(task.of(*kinds))})" for kinds, what in parts if task.of(*kinds))


SCHEMA = (
    "name string, run string, loss double, error string, begun double, ended double, fit double"
)


# What every trial imports; a worker that is forked from a process that has them begins at once.
PACKAGES = ("hyperopt", "mlflow.sklearn", "sklearn.ensemble", "sklearn.inspection", "lightgbm")


def warm(spark: SparkSession, lanes: int) -> None:
    """Start the workers' processes in the background, while the data is looked at."""
    from lakebook.runtime import python_daemon

    python_daemon.preload(spark, *PACKAGES)

    def work(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        import importlib

        from lakebook.ml.automl import search

        for name in search.PACKAGES:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        yield from frames

    def start_workers() -> None:
        # What is wrong with the workers the search itself will say.
        with contextlib.suppress(Exception):
            spark.range(0, lanes, 1, lanes).mapInPandas(work, "id long").collect()

    threading.Thread(target=start_workers, daemon=True).start()


def start(spark: SparkSession, order: Order) -> Search:
    """Start the lanes as one Spark job, one task each, and return the search under way."""
    found = Search(spark, order)
    found.thread.start()
    return found


class Search:
    """A search under way in a thread of its own; Ctrl-C in the caller's leaves it in order."""

    def __init__(self, spark: SparkSession, order: Order) -> None:
        self.spark, self.order, self.tag = spark, order, jobs.Tag(spark)
        self.rows: list[Any] = []
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        from pyspark.sql import functions as F

        order = self.order

        def work(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
            import pandas as pd

            from lakebook.ml.automl.search import lane, settle

            settle(order)
            for frame in frames:
                for number in frame["id"]:
                    for told in lane(int(number), order):
                        yield pd.DataFrame([told])

        try:
            self.tag.add()
            numbers = self.spark.range(0, order.lanes, 1, order.lanes).select(F.col("id"))
            self.rows = numbers.mapInPandas(work, SCHEMA).collect()
        except BaseException as error:  # cancelled, or Spark itself failed: `wait` tells
            self.error = error
        finally:
            self.tag.remove()

    def stop(self) -> None:
        """Cancel what still runs; trials that have ended are in MLflow."""
        self.tag.cancel()
        self.thread.join(10)
        time.sleep(KILLED)

    def wait(self, seen: Callable[[], int], every: float = 2.0, grace: float = 2.0) -> bool:
        """Wait for the end, calling `seen` now and then; return whether it had to be cut off.

        `seen` returns how many trials have ended well. Without one the budget is not the end.
        """
        deadline = self.order.budget.deadline
        while self.thread.is_alive():
            self.thread.join(every)
            ended = seen()
            over = deadline is not None and time.time() > deadline + grace
            if over and ended and self.thread.is_alive():
                self.stop()
                return True
        return False
