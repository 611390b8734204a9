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
from typing import TYPE_CHECKING, Any, TypeAlias

from lakebook.ml.automl import arms, cells, jobs, notebooks, runs
from lakebook.ml.automl.arms import SEED, Arm
from lakebook.ml.automl.task import Task

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import SparkSession

Point: TypeAlias = dict[str, Any]  # label of Hyperopt to value, or to the index of a choice

POINT = "lakebook.automl.point"  # tag, JSON: what TPE proposed, the loss and how long it took
FAILURE = "lakebook.automl.failure"  # tag: why a trial failed
# After so many trials without a better score the search ends, if it has no other end.
PATIENCE = 50
TIRED = "nothing better"  # stands for a trial where a lane ends for that reason
# TPE proposes at random before a model has this many results …
STARTUP = 4
# … and takes this share of them for good ones; with Hyperopt's own, one of few would be.
GAMMA = 0.3
# What each model gets of the time, measured by the one that is better by a rank.
SHARE = 1 / 3
# The share of the time that is left when the two best models are tried together, at least.
BLENDING = 0.12
# Lanes look for the results of others at most this often, in seconds.
EXCHANGE = 3.0
# Spark gives the Python worker of a cancelled task two seconds; a trial may end well in them.
KILLED = 2.5


@dataclass(frozen=True)
class Budget:
    """When a search ends: at a time (seconds since 1970), after so many trials, or by itself."""

    deadline: float | None = None
    trials: int | None = None
    patience: int = field(default_factory=lambda: PATIENCE)


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
    """A lane at work: its proposals, and what it knows of its own trials and the others'.

    Each model has a history of its own, from which TPE proposes its hyperparameters. Which model is
    next follows from what they have reached: the best gets two thirds of the time, the second a
    third of that, and so on, so that slow models that fall behind do not eat the budget.
    """

    number: int
    order: Order
    known: set[str] = field(default_factory=set)
    looked: float = 0.0
    best: float = float("inf")
    since: int = 0
    count: int = 0

    def __post_init__(self) -> None:
        """Prepare the proposals: first guesses, dealt out over the lanes, then TPE."""
        weighted = self.order.task.weighted
        models = [arms.BY_NAME[name] for name in self.order.arms]
        self.histories = {arm.name: History(arm, weighted) for arm in models}
        self.guesses = arms.guesses(models, weighted)[self.number :: self.order.lanes]
        self.seed = self.order.seed + 1000 * self.number
        self.begun, self.blended = time.time(), False

    def go_on(self) -> bool:
        """Return whether there is to be another trial."""
        budget = self.order.budget
        if budget.trials is not None:
            return self.count < len(range(self.number, budget.trials, self.order.lanes))
        if self.count and budget.deadline is not None and time.time() >= budget.deadline:
            return False
        return not self.tired

    @property
    def tired(self) -> bool:
        """Return whether nothing has become better for so long that the search ends."""
        return self.order.budget.trials is None and self.since >= self.order.budget.patience

    def blend(self) -> list[tuple[Arm, arms.Params]]:
        """Return the two best models where it is time to try the mean of their answers.

        That is once, in the first lane, when the end of the time comes near or nothing has become
        better for long. Where trials are counted, or rows have weights, it is never.
        """
        budget = self.order.budget
        if self.number or budget.trials is not None or self.order.task.weight is not None:
            return []
        ended = [one for one in self.histories.values() if one.best < float("inf")]
        if self.blended or len(ended) < 2:
            return []
        members = sorted(ended, key=lambda one: one.best)[:2]
        needed = 1.3 * sum(one.took for one in members)
        end = budget.deadline or float("inf")
        left = end - time.time()
        share = BLENDING * (end - self.begun) if budget.deadline else 0.0
        if left < needed or not (left < max(2 * needed, share) or self.tired):
            return []
        self.blended = True
        return [(one.arm, one.values(one.at)) for one in members]

    def ask(self) -> tuple[Arm, Point] | None:
        """Return the next model and its point; None where no time is left for any."""
        if self.guesses:
            return self.guesses.pop(0)
        self._learn_from_others()
        left = (self.order.budget.deadline or float("inf")) - time.time()
        # What took long is not begun again where its end would come too late.
        fitting = [one for one in self.histories.values() if one.last < 1.5 * left]
        if not fitting:
            return None
        self.seed += 1
        chosen = self._turn(fitting)
        return chosen.arm, chosen.propose(self.seed)

    def _turn(self, histories: list[History]) -> History:
        """Return the one that is furthest behind its share, which its rank decides."""
        ranked = sorted(histories, key=lambda one: one.best)
        # Times never repeat; a search of so many trials has to.
        counted = self.order.budget.trials is not None
        used = [float(len(one.trials.trials)) if counted else one.seconds for one in ranked]
        shares = [SHARE**rank for rank in range(len(ranked))]
        behind = [spent / share for spent, share in zip(used, shares, strict=True)]
        return ranked[behind.index(min(behind))]

    def tell(self, arm: Arm, point: Point, loss: float | None, seconds: float) -> None:
        """Take in a result; no loss is a trial that failed."""
        self.histories[arm.name].add(point, loss, seconds)
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
            if told["arm"] in self.histories:
                arm = self.histories[told["arm"]].arm
                self.tell(arm, told["point"], told["loss"], told["seconds"])


class History:
    """What is known of one model: points, losses (lower is better), and how long they took."""

    def __init__(self, arm: Arm, weighted: bool) -> None:
        from hyperopt import Trials
        from hyperopt.base import Domain

        self.arm = arm
        self.space = arms.space(arm, weighted)
        self.domain, self.trials = Domain(lambda point: 0.0, self.space), Trials()
        self.best, self.seconds, self.last = float("inf"), 0.0, 0.0
        self.at: Point = {}  # of the best …
        self.took = 0.0  # … and the seconds of that trial

    def propose(self, seed: int) -> Point:
        """Return the point that TPE would try next."""
        from hyperopt import tpe

        numbers = self.trials.new_trial_ids(1)
        (made,) = tpe.suggest(
            numbers, self.domain, self.trials, seed, n_startup_jobs=STARTUP, gamma=GAMMA
        )
        # NumPy's numbers are none of JSON's.
        return {
            label: getattr(value[0], "item", lambda value=value: value[0])()
            for label, value in made["misc"]["vals"].items()
            if value
        }

    def values(self, point: Point) -> arms.Params:
        """Return the hyperparameters of a point."""
        from hyperopt import space_eval

        chosen = dict(space_eval(self.space, point))
        return arms.tidy({key: value for key, value in chosen.items() if value is not None})

    def add(self, point: Point, loss: float | None, seconds: float) -> None:
        """Take in a result as Hyperopt keeps it: labels that a point does not use are empty."""
        from hyperopt import JOB_STATE_DONE, STATUS_FAIL, STATUS_OK

        (number,), labels = self.trials.new_trial_ids(1), self.domain.params
        failed = {"status": STATUS_FAIL}
        self.trials.insert_trial_doc(
            {
                "state": JOB_STATE_DONE,
                "tid": number,
                "spec": None,
                "result": failed if loss is None else {"status": STATUS_OK, "loss": loss},
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
        )
        self.trials.refresh()
        self.seconds, self.last = self.seconds + seconds, seconds
        if loss is not None and loss < self.best:
            self.best, self.at, self.took = loss, point, seconds


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
    while True:
        members = at_work.blend()
        if members:
            plan = Plan.of_blend(order.task, members)
        elif at_work.go_on() and (asked := at_work.ask()) is not None:
            arm, point = asked
            params = at_work.histories[arm.name].values(point)
            plan = Plan.of_model(order.task, arm, params, point, f"{number + 1}", at_work.count + 1)
            at_work.count += 1
        else:
            if at_work.tired:
                yield dict.fromkeys(("run", "loss", "error", "begun", "ended", "fit"), None) | {
                    "name": TIRED
                }
            return
        begun = time.time()
        loss, run, seconds, error = trial(order.task, plan)
        if run:
            at_work.known.add(run)
        if not members:
            at_work.tell(arm, point, loss, time.time() - begun)
        yield {
            "name": plan.name,
            "run": run,
            "loss": loss,
            "error": error,
            "begun": begun,
            "ended": time.time(),
            "fit": seconds.get("fit", 0.0),
        }


@dataclass(frozen=True)
class Plan:
    """A trial to be run: its name, its cells, and what is told of it."""

    name: str
    arm: str
    made: list[notebooks.Cell]
    description: str
    preparation: str
    params: arms.Params
    point: Point | None = None  # None is none of TPE's

    @classmethod
    def of_model(
        cls, task: Task, arm: Arm, params: arms.Params, point: Point, lane: str, number: int
    ) -> Plan:
        """Return the plan of one model."""
        name = f"{arm.name}-{lane}.{number:02d}"
        made = cells.cells(task, arm, params, name)
        told, before = describe(arm, params), preparation(task, arm)
        return cls(name, arm.name, made, told, before, params, point)

    @classmethod
    def of_blend(cls, task: Task, members: cells.Members) -> Plan:
        """Return the plan of the mean of several models' answers."""
        name = f"{cells.BLEND}-01"
        told = "; ".join(describe(arm, params) for arm, params in members)
        return cls(
            name,
            cells.BLEND,
            cells.blend(task, members, name),
            f"{cells.BLEND}({told})",
            preparation(task, *(arm for arm, _ in members)),
            {
                f"{arm.name}.{key}": value
                for arm, params in members
                for key, value in params.items()
            },
        )


def trial(task: Task, plan: Plan) -> tuple[float | None, str, dict[str, float], str | None]:
    """Run a trial: its notebook's cells, then what MLflow is to know about them.

    Returns the loss (lower is better; None if it failed), the run's id, seconds by what they were
    spent on, and the reason of a failure. No exception goes through.
    """
    import mlflow

    started = time.time()

    def told_to_lanes(loss: float | None) -> dict[str, str]:
        if plan.point is None:
            return {}
        known = {"arm": plan.arm, "point": plan.point, "loss": loss}
        return {POINT: json.dumps(known | {"seconds": time.time() - started})}

    client = mlflow.MlflowClient()
    told = {"experiment_id": task.experiment, "parent_run": task.run}
    try:
        names, seconds = notebooks.run(plan.made, told, plan.name)
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
            run_name=plan.name, experiment_id=task.experiment, parent_run_id=task.run, nested=True
        ) as failed:
            mlflow.log_params(plan.params)
            mlflow.set_tags({FAILURE: reason, **told_to_lanes(None)})
        client.set_terminated(failed.info.run_id, "FAILED")
        runs.keep(failed.info.run_id, f"{plan.name}.ipynb", notebooks.write(plan.made))
        return None, failed.info.run_id, {}, reason
    run = names["run"].info.run_id
    loss = -score if task.metric.higher else score
    begun = time.perf_counter()
    runs.keep(run, f"{plan.name}.ipynb", notebooks.write(plan.made))
    seconds["log"] = seconds.get("log", 0.0) + time.perf_counter() - begun
    tags = runs.trial_tag(
        plan.description,
        plan.preparation,
        score,
        seconds,
        notebook=f"{plan.name}.ipynb",
        model=names["logged"].model_uri,
        arm=plan.arm,
    )
    for key, value in (tags | told_to_lanes(loss)).items():
        client.set_tag(run, key, value)
    return loss, run, seconds, None


def describe(arm: Arm, params: arms.Params) -> str:
    """Return a model and its hyperparameters in a line."""
    return f"{arm.name}({', '.join(f'{key}={value}' for key, value in params.items())})"


def preparation(task: Task, *arms: Arm) -> str:
    """Return in a line what is done to the columns before the model."""
    ways = {True: "filled and scaled", False: "as they are"}
    linear = list(dict.fromkeys(arm.linear for arm in arms))
    numbers = " or ".join(ways[one] for one in linear)
    parts = [
        (("numeric", "boolean"), f"numbers {numbers}"),
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

    @property
    def tired(self) -> bool:
        """Return whether a lane has ended since nothing became better."""
        return any(row["name"] == TIRED for row in self.rows)

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
