"""Exercises of day3/03_spark_trials."""

import math
from functools import cache

import numpy as np
import optuna
from hyperopt import SparkTrials, Trials
from mlflow import MlflowClient
from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from lakebook.datasets import load
from lakebook.labs import exercise, expect
from lakebook.runtime import tracking

PLAN = {
    "report": ("SparkTrials", 7),
    "billion rows": ("Trials", 1),
    "random": ("SparkTrials", 4),
    "tiny": ("Trials", 1),
    "serverless": ("Trials", 1),
}
WHY_NOT_SPARK = {
    "billion rows": "'billion rows': a trial of SparkTrials is a task on a worker. Can a fit of "
    "Spark ML be started there?",
    "tiny": "'tiny': add up what it costs to send one trial to a worker, and compare it with the "
    "fit that it saves.",
    "serverless": "'serverless': SparkTrials asks the session for something that this kind of "
    "session does not have.",
}


@exercise(
    1,
    title="Which trials, and how many at once?",
    hints=(
        "Ask first who can start the fit: only the driver (Spark ML), or any Python process. Then "
        "ask whether a worker is worth the trip, and whether the session has workers to give.",
        "'report': with p at once, 96 trials are ⌈96 / p⌉ rounds of three minutes. The fewer run "
        "side by side, the more each one knows. 'random': what does a random draw learn from "
        "those before it?",
        "'report': 45 minutes are 15 rounds; look for the smallest p that needs no more. 'random': "
        "nothing is lost, so use each slot there is. Three of the five are `Trials`.",
    ),
    wrong={
        "every slot for the report": PLAN | {"report": ("SparkTrials", 16)},
        "all the trials of the report at once": PLAN | {"report": ("SparkTrials", 96)},
        "one slot too few for the report": PLAN | {"report": ("SparkTrials", 6)},
        "one at a time, for the best knowledge": PLAN | {"report": ("Trials", 1)},
        "Spark ML on the workers": PLAN | {"billion rows": ("SparkTrials", 16)},
        "Spark ML on the workers, one at a time": PLAN | {"billion rows": ("SparkTrials", 1)},
        "a random search kept waiting": PLAN | {"random": ("Trials", 1)},
        "more random trials at once than slots": PLAN | {"random": ("SparkTrials", 64)},
        "milliseconds sent to workers": PLAN | {"tiny": ("SparkTrials", 16)},
        "SparkTrials over Spark Connect": PLAN | {"serverless": ("SparkTrials", 8)},
        "Trials that run side by side": PLAN | {"tiny": ("Trials", 8)},
        "a situation is missing": {"report": PLAN["report"]},
        "numbers only": {name: parallelism for name, (_, parallelism) in PLAN.items()},
    },
)
def which_trials(answer):
    """A dict from situation to (class, parallelism); plain Trials have a parallelism of 1."""
    expect.is_a(answer, dict)
    for name, (kind, parallelism) in PLAN.items():
        expect.true(name in answer, f"The dict has no entry {name!r}.")
        given, many = _pair(name, answer[name])
        if given == "Trials":
            expect.equals(
                many,
                1,
                f"{name!r}: plain Trials run one trial after the other; there is no parallelism.",
            )
        _situation(name, given, many)
        expect.equals((given, many), (kind, parallelism), f"{name!r}: read its numbers again.")


def _pair(name, entry):
    expect.true(
        isinstance(entry, (tuple, list)) and len(entry) == 2,
        f"{name!r}: give a pair, the name of the class and how many trials run at once.",
    )
    kind, many = entry
    kind = kind.__name__ if isinstance(kind, type) else kind
    expect.true(
        kind in ("Trials", "SparkTrials"),
        f"{name!r}: the first of the pair is {kind!r}; it is the name of one of the two classes.",
    )
    expect.is_a(many, int, f"{name!r}: the second of the pair is not a whole number.")
    return kind, many


def _situation(name, kind, many):
    if name in WHY_NOT_SPARK:
        expect.equals(kind, "Trials", WHY_NOT_SPARK[name])
        return
    expect.equals(
        kind,
        "SparkTrials",
        f"{name!r}: one after the other, on the driver, while the slots of the cluster are idle. "
        "Do the minutes allow it, and what would running side by side cost?",
    )
    if name == "random":
        expect.true(many <= 4, "'random': more trials at once than there are slots only wait.")
        expect.true(many >= 4, "'random': slots stay free. What would a random draw lose by them?")
        return
    minutes = math.ceil(96 / max(many, 1)) * 3
    expect.true(
        minutes <= 45,
        f"'report': that takes {minutes} minutes; the report is due after 45.",
    )
    expect.true(
        many <= 7,
        "'report': it is in time, but fewer at once would be in time as well, and would let each "
        "proposal know more results.",
    )


def _handed_out(seconds, parallelism, slots):
    free = [0.0] * min(parallelism, slots)
    for one in seconds:
        first = free.index(min(free))
        free[first] += one
    return max(free)


# Each case is one on which a foreseeable mistake gives another time than the rule does.
CASES = (
    (([60, 60, 60, 60], 2, 8), "Four equal trials, two at a time, eight slots: your time is off."),
    (([60, 60, 60, 60, 60], 2, 8), "Five equal trials, two at a time: the last one runs alone."),
    (([60] * 6, 1, 8), "With one trial at a time, they follow one another."),
    (([60] * 8, 8, 2), "Eight are allowed at once, but the cluster has two slots."),
    (([60, 30], 16, 32), "Fewer trials than may run at once: your time is wrong."),
    (
        ([90, 10, 10, 10, 10, 10], 2, 4),
        "One trial of 90 s and five of 10 s, two at a time: while the long one runs, the other "
        "slot is handed one short trial after another.",
    ),
    (
        ([10, 80, 10, 80, 10, 80], 2, 4),
        "Short and long trials in turn, two at a time: who gets the next one is decided by which "
        "slot is free first, not in turn.",
    ),
    (
        ([10, 10, 10, 90], 2, 4),
        "The long trial is proposed last and starts last; nobody can put it first.",
    ),
    (([7.5, 2.5, 4.0, 1.0, 3.5], 3, 4), "Trials of 7.5, 2.5, 4, 1 and 3.5 s, three at a time."),
)


def _static(seconds, parallelism, slots):
    many = min(parallelism, slots)
    return float(max(sum(seconds[start::many]) for start in range(many)))


def _batches(seconds, parallelism, slots):
    many = min(parallelism, slots)
    starts = range(0, len(seconds), many)
    return float(sum(max(seconds[start : start + many]) for start in starts))


@exercise(
    2,
    title="When is the search over?",
    hints=(
        "How many trials can really run at the same time, if `parallelism` allows one number and "
        "the cluster has another?",
        "Keep a list with the time at which each slot is free, all 0 at first. The next trial goes "
        "to the slot that is free first.",
        "For each trial: add its seconds to the smallest entry of the list. At the end, the "
        "largest entry is the answer. `list.index(min(list))` finds the slot.",
    ),
    wrong={
        "the sum, divided": lambda: lambda seconds, p, slots: sum(seconds) / min(p, slots),
        "rounds of the longest": lambda: (
            lambda seconds, p, slots: float(math.ceil(len(seconds) / min(p, slots)) * max(seconds))
        ),
        "batches that wait for the slowest": lambda: _batches,
        "slots get trials in turn": lambda: _static,
        "the slots forgotten": lambda: lambda seconds, p, slots: _handed_out(seconds, p, 10**3),
        "the parallelism forgotten": lambda: (
            lambda seconds, p, slots: _handed_out(seconds, slots, slots)
        ),
        "the longest first": lambda: (
            lambda seconds, p, slots: _handed_out(sorted(seconds, reverse=True), p, slots)
        ),
        "one after the other": lambda: lambda seconds, p, slots: float(sum(seconds)),
        "only the longest": lambda: lambda seconds, p, slots: float(max(seconds)),
        "a list of times": lambda: lambda seconds, p, slots: list(seconds),
        "a number instead of a function": 240.0,
    },
)
def search_over(answer):
    """A function of (seconds, parallelism, slots): the seconds until the last trial has ended."""
    expect.true(callable(answer), f"This is {answer!r}; a function is asked for.")
    for (seconds, parallelism, slots), mistake in CASES:
        given = list(seconds)
        try:
            found = answer(given, parallelism, slots)
        except Exception as error:
            kind, text = type(error).__name__, str(error).splitlines() or [""]
            raise expect.Wrong(
                f"For {len(seconds)} trials, parallelism {parallelism} and {slots} slots your "
                f"function raised {kind}: {text[0][:120]}"
            ) from error
        expect.is_a(found, float, f"Your function returned a {type(found).__name__}, no number.")
        expect.close(found, _handed_out(seconds, parallelism, slots), 1e-6, mistake)


NEIGHBOURS, EVALS, TOGETHER = [1, 5, 15, 60], 4, 2


@cache
def _tumours():
    tumours = load("breast_cancer")
    return train_test_split(
        tumours.drop(columns="malignant"), tumours["malignant"], test_size=0.5, random_state=0
    )


@cache
def _neighbours_accuracy(n):
    learn, judge, y_learn, y_judge = _tumours()
    return float(KNeighborsClassifier(n).fit(learn, y_learn).score(judge, y_judge))


def _search(
    kind=SparkTrials,
    parallelism=TOGETHER,
    picks=(0, 1, 2, 3),
    *,
    tag="mlflow.parentRunId",
    nested=True,
    metric="accuracy",
    param="n_neighbors",
    sign=-1,
    logged=lambda n: n,
    value=lambda n: n,
    winner=lambda index: NEIGHBOURS[index],
    parent=lambda run: run.info.run_id,
):
    """Return a search like the one asked for, with one thing changed, as if it had run."""
    experiment = _experiment()  # first: it makes the store that a client then finds
    client = MlflowClient()
    run = client.create_run(experiment, tags={"mlflow.runName": "search"})
    # Without its constructor, which would start a Spark session.
    trials = kind.__new__(kind)
    Trials.__init__(trials, refresh=False)
    trials.parallelism = parallelism
    documents = []
    for number, pick in enumerate(picks):
        n = NEIGHBOURS[pick]
        score = _neighbours_accuracy(n)
        misc = {"tid": number, "cmd": None, "workdir": None}
        misc |= {"idxs": {param: [number]}, "vals": {param: [pick]}}
        result = {"loss": sign * score, "status": "ok"}
        [document] = trials.new_trial_docs([number], [None], [result], [misc])
        documents.append(document | {"state": 2})
        child = client.create_run(experiment, tags={tag: run.info.run_id} if nested else {})
        client.log_batch(
            child.info.run_id,
            metrics=[Metric(metric, logged(score), 0, 0)],
            params=[Param(param, str(value(n)))],
        )
        client.set_terminated(child.info.run_id)
    trials._insert_trial_docs(documents)
    trials.refresh()
    best = max(picks, key=lambda pick: _neighbours_accuracy(NEIGHBOURS[pick]))
    if winner:
        client.log_param(run.info.run_id, "n_neighbors", winner(best))
    client.set_terminated(run.info.run_id)
    return {"trials": trials, "parent": parent(run)}


@cache
def _experiment():
    tracking.prepare()
    client, name = MlflowClient(), f"{tracking.EXPERIMENT_FOLDER}/day3/03_spark_trials"
    found = client.get_experiment_by_name(name)
    return found.experiment_id if found else client.create_experiment(name)


@exercise(
    3,
    title="A search on workers that MLflow can show",
    hints=(
        "What is the loss of an accuracy? And who logs? A worker is another process without an "
        "active run, so `nested=True` has nothing to nest under there; on the driver, inside the "
        "search's run, it has.",
        "On the worker: send `parent.info.run_id` along and start each run with "
        '`tags={"mlflow.parentRunId": …}`, `experiment_id=` and the tracking URI, as in the '
        "demonstration. On the driver: put `n_neighbors` into the dict that the objective returns, "
        "and loop over `trials.results` after `fmin`.",
        "`fmin` returns the position of a choice, not its value: `space_eval(space, best)` gives "
        "the winner's setting, and `mlflow.log_params` writes it into the search's run while that "
        'is active (`MlflowClient().log_param(parent_id, "n_neighbors", …)` also afterwards).',
    ),
    wrong={
        "nested=True and no parent": lambda: _search(nested=False),
        "another tag": lambda: _search(tag="parentRunId"),
        "plain Trials": lambda: _search(kind=Trials),
        "four at once": lambda: _search(parallelism=4),
        "three trials": lambda: _search(picks=(0, 1, 2)),
        "the accuracy minimised": lambda: _search(sign=1),
        "the loss logged as the accuracy": lambda: _search(logged=lambda score: -score),
        "the metric under another name": lambda: _search(metric="loss"),
        "positions logged instead of values": lambda: _search(value=NEIGHBOURS.index),
        "the winner's position in the parent": lambda: _search(winner=lambda index: index),
        "no winner in the parent": lambda: _search(winner=None),
        "the run instead of its id": lambda: _search(parent=lambda run: run),
        "the name instead of the id": lambda: _search(parent=lambda run: "search"),
        "best instead of trials": lambda: _search() | {"trials": {"n_neighbors": 1}},
    },
)
def search_on_workers(answer):
    """A dict: "trials", SparkTrials of 4 trials, 2 at once; "parent", the id of their run."""
    expect.is_a(answer, dict)
    for part in ("trials", "parent"):
        expect.true(part in answer, f"The dict has no entry {part!r}.")
    trials, parent = answer["trials"], _run(answer["parent"])
    scores = _trials(trials)
    children = MlflowClient().search_runs(
        [parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'"
    )
    expect.true(
        children,
        "MLflow finds no run below the parent. If the trials have started runs, they stand beside "
        "it: their tags do not name it.",
    )
    expect.equals(
        len(children),
        EVALS,
        f"MLflow finds {len(children)} runs below the parent; {EVALS} trials were asked for.",
    )
    found = []
    for run in children:
        expect.true(
            "n_neighbors" in run.data.params,
            f"A trial's run has no parameter `n_neighbors`. It has {sorted(run.data.params)}.",
        )
        expect.true(
            "accuracy" in run.data.metrics,
            f"A trial's run has no metric `accuracy`. It has {sorted(run.data.metrics)}.",
        )
        found.append((run.data.params["n_neighbors"], round(run.data.metrics["accuracy"], 6)))
    expect.true(
        all(text in map(str, NEIGHBOURS) for text, _ in found),
        f"The runs say {sorted({text for text, _ in found})} for `n_neighbors`. Those are not "
        "numbers of neighbours from the list.",
    )
    expect.true(
        all(score >= 0 for _, score in found),
        "A metric `accuracy` below zero: that is the loss, not the accuracy.",
    )
    expect.equals(
        sorted(found),
        sorted((str(n), round(score, 6)) for n, score in scores),
        "The runs below the parent do not hold what the trials found: compare their parameters and "
        "accuracies with `trials.results`.",
    )
    _winner(parent, scores)


def _run(run_id):
    expect.is_a(run_id, str, f"'parent' is a {type(run_id).__name__}, not the id of a run.")
    try:
        return MlflowClient().get_run(run_id)
    except MlflowException as error:
        raise expect.Wrong(f"'parent': MLflow knows no run with the id {run_id!r}.") from error


def _trials(trials):
    """Return (neighbours, accuracy) of each trial."""
    expect.is_a(
        trials,
        "hyperopt.base.Trials",
        f"'trials' is a {type(trials).__name__}, not the object that was given to `fmin`.",
    )
    expect.is_a(
        trials,
        SparkTrials,
        "These are plain Trials: the driver ran one after the other. (Over Spark Connect nothing "
        "else is possible, and this exercise needs a session without it.)",
    )
    expect.equals(
        trials.parallelism,
        TOGETHER,
        f"Up to {trials.parallelism} of these trials run at once; {TOGETHER} are asked for.",
    )
    count = trials.count_successful_trials()
    expect.equals(count, EVALS, f"{count} trials were successful; {EVALS} are asked for.")
    scores = []
    for trial in trials.trials:
        values = trial["misc"]["vals"].get("n_neighbors", [])
        expect.true(values, "The space of this search has no label `n_neighbors`.")
        n = NEIGHBOURS[int(values[0])]
        loss, accuracy = trial["result"]["loss"], _neighbours_accuracy(n)
        expect.true(
            abs(loss - accuracy) > 1e-6,
            "The loss of a trial is its accuracy, and `fmin` looks for the smallest loss.",
        )
        expect.true(
            min(abs(loss + accuracy), abs(loss - 1 + accuracy)) < 1e-6,
            f"With {n} neighbours the loss is {loss:.4f}, which is neither the accuracy with a "
            "minus sign nor the share of wrong calls.",
        )
        scores.append((n, accuracy))
    return scores


def _winner(parent, scores):
    expect.true(
        "n_neighbors" in parent.data.params,
        "The parent says nothing about the winner: it has no parameter `n_neighbors`.",
    )
    text = parent.data.params["n_neighbors"]
    best = max(score for _, score in scores)
    expect.true(
        text in {str(n) for n, score in scores if score == best},
        f"The parent says {text} for `n_neighbors`, and no trial with that many neighbours has the "
        "best accuracy. What does `fmin` return for a choice?",
    )


TREE = {
    "ccp_alpha": FloatDistribution(1e-4, 0.1, log=True),
    "max_depth": IntDistribution(2, 10),
    "min_samples_leaf": IntDistribution(5, 50, step=5),
    "criterion": CategoricalDistribution(["gini", "entropy"]),
}
STUDY_TRIALS = 10


def _tree_accuracy(setting):
    learn, judge, y_learn, y_judge = _tumours()
    tree = DecisionTreeClassifier(random_state=0, **setting)
    return float(tree.fit(learn, y_learn).score(judge, y_judge))


def _study(direction="maximize", sign=1, trials=STUDY_TRIALS, without=(), **changed):
    """Return a finished study like the one asked for, with one thing changed."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    space = {name: kind for name, kind in (TREE | changed).items() if name not in without}
    rng = np.random.default_rng(0)
    study = optuna.create_study(direction=direction)
    for _ in range(trials):
        params = {name: _draw(kind, rng) for name, kind in space.items()}
        value = sign * 0.9
        if not changed and not without:
            value = sign * _tree_accuracy(params)
        study.add_trial(optuna.create_trial(params=params, distributions=space, value=value))
    return study


def _draw(kind, rng):
    if isinstance(kind, CategoricalDistribution):
        return kind.choices[int(rng.integers(len(kind.choices)))]
    if isinstance(kind, IntDistribution):
        return int(rng.integers((kind.high - kind.low) // kind.step + 1)) * kind.step + kind.low
    return float(rng.uniform(kind.low, kind.high))


@exercise(
    4,
    title="The same space in Optuna",
    hints=(
        "One line of the space is one `trial.suggest_…` line inside the objective. Which of its "
        "numbers are limits as they stand, and which are logarithms of limits?",
        "`suggest_float(…, log=True)`, `suggest_int(…, step=…)`; both limits belong to the range. "
        "A choice is `suggest_categorical`. The direction is an argument of `create_study`.",
        "`ccp_alpha` goes from 0.0001 to 0.1 on a log scale, as the limits themselves. Return the "
        'accuracy as it is, with `direction="maximize"`, and call '
        "`study.optimize(objective, n_trials=10)`.",
    ),
    wrong={
        "limits given as logarithms": lambda: _study(
            ccp_alpha=FloatDistribution(math.log(1e-4), math.log(0.1))
        ),
        "no log scale": lambda: _study(ccp_alpha=FloatDistribution(1e-4, 0.1)),
        "the upper limit left out": lambda: _study(max_depth=IntDistribution(2, 9)),
        "the depth drawn as a float": lambda: _study(max_depth=FloatDistribution(2, 10)),
        "no steps": lambda: _study(min_samples_leaf=IntDistribution(5, 50)),
        "the criterion as a position": lambda: _study(criterion=IntDistribution(0, 1)),
        "a choice forgotten": lambda: _study(criterion=CategoricalDistribution(["gini"])),
        "a parameter forgotten": lambda: _study(without=("min_samples_leaf",)),
        "the default direction": lambda: _study(direction="minimize"),
        "minus sign and maximize": lambda: _study(sign=-1),
        "minus sign and minimize": lambda: _study(direction="minimize", sign=-1),
        "three trials": lambda: _study(trials=3),
        "the best setting instead of the study": lambda: {"max_depth": 4},
    },
)
def same_space(answer):
    """An Optuna study that maximises the accuracy over the space, of ten trials or more."""
    expect.is_a(
        answer,
        "optuna.study.study.Study",
        f"This is a {type(answer).__name__}; the study itself is asked for.",
    )
    done = answer.get_trials(states=(optuna.trial.TrialState.COMPLETE,))
    expect.true(
        len(done) >= STUDY_TRIALS,
        f"The study has {len(done)} finished trials; {STUDY_TRIALS} are asked for.",
    )
    values = [trial.value for trial in done]
    if answer.direction.name == "MINIMIZE":
        raise expect.Wrong(
            "This study minimises. With the accuracy as its value it looks for the worst tree."
            if max(values) > 0
            else "Value and direction agree, but the study is to show accuracies: an Optuna study "
            "can look for the largest."
        )
    expect.true(
        min(values) >= 0,
        "The values are below zero, and the study looks for the largest: it finds the worst tree.",
    )
    for trial in done:
        _distributions(trial.distributions)
    for trial in done:
        expect.close(
            trial.value,
            _tree_accuracy(trial.params),
            1e-6,
            f"Trial {trial.number} has the value {trial.value:.4f}, which is not the accuracy of a "
            "tree with its setting. Is every parameter handed to the tree?",
        )


def _distributions(found):
    missing = [name for name in TREE if name not in found]
    expect.true(not missing, f"The trials do not suggest {missing}.")
    surplus = [name for name in found if name not in TREE]
    expect.true(not surplus, f"The trials suggest {surplus}, which is not in the space.")
    for name, wanted in TREE.items():
        kind = found[name]
        if isinstance(wanted, CategoricalDistribution):
            expect.true(
                isinstance(kind, CategoricalDistribution),
                f"`{name}` is suggested as a number; its values are words without an order.",
            )
            expect.equals(
                sorted(map(str, kind.choices)),
                sorted(wanted.choices),
                f"`{name}` chooses among {list(kind.choices)}. Compare it with the space.",
            )
            continue
        expect.true(
            not isinstance(kind, CategoricalDistribution),
            f"`{name}` is suggested as a category, so TPE does not know that its values are "
            "numbers with an order.",
        )
        _range(name, kind, wanted)


def _range(name, kind, wanted):
    whole = isinstance(wanted, IntDistribution)
    stepped = isinstance(kind, FloatDistribution) and kind.step == getattr(wanted, "step", None)
    if whole and not stepped:
        expect.true(
            isinstance(kind, IntDistribution), f"`{name}` is drawn as a float with any decimals."
        )
    expect.true(
        kind.low > 0,
        f"`{name}` goes from {kind.low:.4g} to {kind.high:.4g}. The numbers in the Hyperopt space "
        "are logarithms there, but not here.",
    )
    expect.true(
        math.isclose(kind.low, wanted.low, rel_tol=1e-6)
        and math.isclose(kind.high, wanted.high, rel_tol=1e-6),
        f"`{name}` goes from {kind.low:.4g} to {kind.high:.4g}. Compare both limits with the "
        "space: do they belong to it, and in which unit are they?",
    )
    expect.equals(
        kind.log,
        wanted.log,
        f"`{name}` is drawn {'on a log scale' if kind.log else 'evenly'}, other than in the space.",
    )
    if whole:
        expect.equals(
            kind.step,
            wanted.step,
            f"`{name}` moves in steps of {kind.step}, other than in the space.",
        )
