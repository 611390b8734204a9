"""Exercises of day3/02_hyperopt."""

import contextlib
import io
import logging
import math
import warnings
from functools import cache

import numpy as np
from hyperopt import STATUS_FAIL, STATUS_OK, hp, space_eval
from hyperopt.base import Domain
from hyperopt.exceptions import DuplicateLabel
from hyperopt.pyll import scope
from hyperopt.pyll.stochastic import sample
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import StratifiedKFold, cross_val_score, train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from lakebook.datasets import load
from lakebook.labs import exercise, expect

DRAWS = 600
LOW, HIGH = math.log(0.001), math.log(0.3)
ROUNDS = list(range(50, 501, 50))


def _space(**changed):
    """Return a space like the one asked for, with one entry changed."""
    space = {
        "rate": hp.loguniform("rate", LOW, HIGH),
        "trees": scope.int(hp.quniform("trees", 50, 500, 50)),
        "depth": hp.uniformint("depth", 2, 8),
        "rows": hp.uniform("rows", 0.5, 1),
        "weight": hp.choice("weight", [None, "balanced"]),
    }
    return {name: value for name, value in (space | changed).items() if value != "left out"}


@exercise(
    1,
    title="From a note to a space",
    hints=(
        "Draw from your space twenty times with `sample` and look at each column: limits, types, "
        "how often small and large values come.",
        "`loguniform` takes the logarithms of its limits. `quniform` has a step and draws floats; "
        "`randint` leaves its upper end out, as `range` does.",
        "`scope.int(hp.quniform(…))` from `hyperopt.pyll` makes whole numbers of a step, "
        "`hp.uniformint` whole numbers with both ends, `hp.choice` picks from a list.",
    ),
    wrong={
        "limits not as logarithms": lambda: _space(rate=hp.loguniform("rate", 0.001, 0.3)),
        "logarithms of base ten": lambda: _space(
            rate=hp.loguniform("rate", math.log10(0.001), math.log10(0.3))
        ),
        "even in the rate itself": lambda: _space(rate=hp.uniform("rate", 0.001, 0.3)),
        "a few rates instead of a range": lambda: _space(
            rate=hp.choice("rate", [0.001, 0.003, 0.01, 0.03, 0.1, 0.3])
        ),
        "trees as floats": lambda: _space(trees=hp.quniform("trees", 50, 500, 50)),
        "any number of trees": lambda: _space(trees=hp.uniformint("trees", 50, 500)),
        "depth as a float": lambda: _space(depth=hp.quniform("depth", 2, 8, 1)),
        "the deepest left out": lambda: _space(depth=hp.randint("depth", 2, 8)),
        "depth from zero": lambda: _space(depth=hp.randint("depth", 9)),
        "rows only as a half or all": lambda: _space(rows=hp.choice("rows", [0.5, 1.0])),
        "rows around a middle": lambda: _space(rows=hp.normal("rows", 0.75, 0.1)),
        "None as a word": lambda: _space(weight=hp.choice("weight", ["None", "balanced"])),
        "a label used twice": lambda: _space(rows=hp.uniform("rate", 0.5, 1)),
        "a key is missing": lambda: _space(weight="left out"),
        "values instead of a space": {
            "rate": 0.01,
            "trees": 100,
            "depth": 4,
            "rows": 0.8,
            "weight": None,
        },
        "lists instead of expressions": lambda: _space(depth=[2, 3, 4, 5, 6, 7, 8]),
    },
)
def space_of_the_note(answer):
    """A dict of Hyperopt expressions: rate, trees, depth, rows, weight."""
    expect.is_a(answer, dict)
    wanted = {"rate", "trees", "depth", "rows", "weight"}
    expect.true(
        set(answer) == wanted,
        f"The keys are {sorted(map(str, answer))}; the note names {sorted(wanted)}.",
    )
    for name, value in answer.items():
        expect.true(
            type(value).__name__ == "Apply",
            f"{name!r} is a {type(value).__name__}, always the same in each trial. Describe what "
            "may be drawn, with an expression of `hp`.",
        )
    try:
        Domain(lambda setting: 0.0, answer)
    except DuplicateLabel as error:
        raise expect.Wrong(
            f"`fmin` refuses this space: the label {str(error)!r} stands twice. The first argument "
            "of each `hp` expression names it and has to be its own."
        ) from error
    rng = np.random.default_rng(0)
    drawn = [sample(answer, rng=rng) for _ in range(DRAWS)]
    column = {name: [one[name] for one in drawn] for name in wanted}
    _judge_rate(column["rate"])
    _judge_whole("trees", column["trees"])
    surplus = sorted(set(column["trees"]) - set(ROUNDS))
    expect.true(not surplus, f"'trees' can be {surplus[:1]}: that is not in the note's steps.")
    expect.true(
        set(column["trees"]) == set(ROUNDS), "'trees': some of the note's values never come."
    )
    _judge_whole("depth", column["depth"])
    expect.true(
        min(column["depth"]) >= 2 and max(column["depth"]) <= 8,
        f"'depth' came as low as {min(column['depth'])} and as high as {max(column['depth'])}.",
    )
    expect.true(
        set(column["depth"]) == set(range(2, 9)),
        f"'depth' never was {sorted(set(range(2, 9)) - set(column['depth']))} in {DRAWS} draws.",
    )
    rows = np.array(column["rows"], float)
    expect.true(
        rows.min() >= 0.5 and rows.max() <= 1,
        f"'rows' came as low as {rows.min():.2f} and as high as {rows.max():.2f}.",
    )
    expect.true(
        len(set(rows)) > 50, f"'rows' has only {len(set(rows))} values; the note says anything."
    )
    expect.true(
        _distance((rows - 0.5) / 0.5) < 0.08,
        "'rows': not every share from a half to all of them has the same chance.",
    )
    found = set(column["weight"])
    expect.true(found == {None, "balanced"}, f"'weight' came as {sorted(map(repr, found))}.")


def _judge_rate(values):
    rates = np.array(values, float)
    expect.true(
        rates.max() < 0.31,
        f"'rate' came as high as {rates.max():.2g}. Draw a few: what does `loguniform` take as "
        "its limits?",
    )
    expect.true(
        rates.min() > 0.00099 and rates.max() > 0.2,
        f"'rate' came between {rates.min():.2g} and {rates.max():.2g}: not the note's range.",
    )
    expect.true(len(set(rates)) > 50, f"'rate' has only {len(set(rates))} values, not a range.")
    small = float(np.mean(rates < 0.01))
    expect.true(
        _distance((np.log(rates) - LOW) / (HIGH - LOW)) < 0.08,
        f"'rate' is below 0.01 in {100 * small:.0f} % of the draws. From 0.001 to 0.01 it is one "
        "order of magnitude, and from 0.01 to 0.3 about one and a half.",
    )


def _judge_whole(name, values):
    expect.true(
        all(isinstance(one, (int, np.integer)) and not isinstance(one, bool) for one in values),
        f"{name!r} reaches the objective as {values[0]!r}, which scikit-learn refuses.",
    )


def _distance(shares):
    """Return the largest distance of the draws' distribution from an even one on 0 to 1."""
    ordered = np.sort(np.clip(shares, 0, 1))
    return float(np.abs(ordered - (np.arange(len(ordered)) + 0.5) / len(ordered)).max())


SETTINGS = (
    {"solver": "svd", "shrinkage": None},
    {"solver": "lsqr", "shrinkage": 0.0},
    {"solver": "lsqr", "shrinkage": 0.9},
    {"solver": "eigen", "shrinkage": 0.2},
)
IMPOSSIBLE = ({"solver": "svd", "shrinkage": 0.3}, {"solver": "lsqr", "shrinkage": 1.7})


@cache
def _patients():
    tumours = load("breast_cancer")
    truth = tumours.pop("malignant").to_numpy()
    known, _, truth, _ = train_test_split(
        tumours.to_numpy(), truth, train_size=300, stratify=truth, random_state=0
    )
    return known, truth


def _score(setting, scoring="roc_auc"):
    known, truth = _patients()
    model = LinearDiscriminantAnalysis(**setting)
    return float(
        cross_val_score(
            make_pipeline(StandardScaler(), model),
            known,
            truth,
            cv=StratifiedKFold(3, shuffle=True, random_state=0),
            scoring=scoring,
            error_score="raise",
        ).mean()
    )


@cache
def _areas():
    return tuple(_score(setting) for setting in SETTINGS)


def _objective(loss=lambda area: 1 - area, failed=None, catch=Exception, status=True, **options):
    """Return an objective like the one asked for, with one thing changed."""

    def discriminate(setting):
        try:
            area = _score(setting, **options)
        except catch:
            return {"status": STATUS_FAIL} if failed is None else failed
        return {"loss": loss(area)} | ({"status": STATUS_OK} if status else {})

    return discriminate


class _Never(Exception):
    """Caught where nothing is to be caught."""


@exercise(
    2,
    title="An objective that survives the night",
    hints=(
        "Call your function by hand: with `{'solver': 'svd', 'shrinkage': None}`, and with "
        "`{'solver': 'svd', 'shrinkage': 0.3}`. What does `fmin` need to get in each case?",
        "`fmin` looks for the smallest loss. Which number gets smaller as the area gets larger?",
        "Fit and judge inside `try`; in `except` return a dict whose only required entry is "
        "`status`, which is `STATUS_FAIL`. Not every refusal is a `ValueError`: `Exception` covers "
        "them all.",
    ),
    wrong={
        "the area as the loss": lambda: _objective(lambda area: area),
        "not caught": lambda: _objective(catch=_Never),
        "only a ValueError caught": lambda: _objective(catch=ValueError),
        "a number instead of a dict": lambda: lambda setting: 1 - _score(setting),
        "no status": lambda: _objective(status=False),
        "a failure with a loss of 0": lambda: _objective(failed={"loss": 0.0, "status": STATUS_OK}),
        "a failure as an endless loss": lambda: _objective(
            failed={"loss": float("inf"), "status": STATUS_OK}
        ),
        "a failure without a word": lambda: _objective(failed=False),
        "a failure as not a number": lambda: _objective(
            failed={"loss": float("nan"), "status": STATUS_OK}
        ),
        "accuracy instead of the area": lambda: _objective(scoring="accuracy"),
        "shrinkage forgotten": lambda: lambda setting: _objective()({**setting, "shrinkage": None}),
        "everything fails": lambda: lambda setting: {"status": STATUS_FAIL},
        "a result instead of a function": {"loss": 0.01, "status": STATUS_OK},
    },
)
def surviving_objective(answer):
    """A function from {solver, shrinkage} to {loss, status}, or {status} if it cannot be fitted."""
    expect.true(callable(answer), f"This is a {type(answer).__name__}; a function is asked for.")
    sums = []
    for setting, area in zip(SETTINGS, _areas(), strict=True):
        result = _call(answer, setting, possible=True)
        expect.true(
            result.get("status") == STATUS_OK,
            f"With {setting} the model can be fitted, and your status is {result['status']!r}.",
        )
        expect.true("loss" in result, f"With {setting} your dict has no 'loss'.")
        expect.is_a(result["loss"], float, "The loss is not a number.")
        sums.append((float(result["loss"]), area))
    losses, areas = np.array(sums).T
    order = np.corrcoef(losses, areas)[0, 1] if np.ptp(losses) else 0.0
    expect.true(
        order < 0.999,
        "Your loss is largest for the setting with the largest area. Which one would `fmin` take?",
    )
    expect.true(
        np.ptp(losses + areas) < 1e-6,
        "Your losses do not follow the area under the ROC curve of these settings. Look at the "
        "metric, the scaler, the folds, and whether both parameters reach the model.",
    )
    for setting in IMPOSSIBLE:
        result = _call(answer, setting, possible=False)
        expect.true(
            result["status"] == STATUS_FAIL,
            f"With {setting} nothing can be fitted, and your function reports a success with the "
            f"loss {result.get('loss')!r}. `Trials` would count it as a result.",
        )
        expect.true(
            result.get("loss") is None,
            f"With {setting} the trial failed, and yet it has a loss.",
        )


def _short(text, limit=120):
    """Return the text as a sentence, cut at a word if it is too long."""
    if len(text) > limit:
        return text[:limit].rsplit(" ", 1)[0] + " …"
    return text if text.endswith(".") else text + "."


def _call(answer, setting, *, possible):
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            result = answer(dict(setting))
    except Exception as error:
        first = (str(error).strip() or "no message").splitlines()[0]
        raise expect.Wrong(
            f"With {setting} your function raised {type(error).__name__}: {_short(first)}"
            + ("" if possible else " In `fmin` this would end the whole search.")
        ) from error
    expect.is_a(
        result,
        dict,
        f"With {setting} your function returned a {type(result).__name__}; `fmin` needs a dict "
        "that has a status.",
    )
    expect.true("status" in result, f"With {setting} your dict has no 'status'.")
    return result


def _menu(order, depths, weights):
    """Return a space as in the text, its options in an order of their own."""
    kinds = {
        "tree": {
            "kind": "tree",
            "max_depth": hp.choice("max_depth", depths),
            "min_samples_leaf": hp.quniform("min_samples_leaf", 1, 40, 1),
        },
        "neighbours": {
            "kind": "neighbours",
            "n_neighbors": hp.quniform("n_neighbors", 1, 60, 1),
            "weights": hp.choice("weights", weights),
        },
    }
    return hp.choice("kind", [kinds[name] for name in order])


@cache
def _answers():
    """Return spaces, what `fmin` may return for them, and the model it means."""
    one = _menu(("tree", "neighbours"), [None, 3, 6], ["uniform", "distance"])
    other = _menu(("neighbours", "tree"), [9, 4, None], ["distance", "uniform"])
    f, i = np.float64, np.int64
    return (
        (
            one,
            {"kind": i(0), "max_depth": i(1), "min_samples_leaf": f(8)},
            DecisionTreeClassifier(max_depth=3, min_samples_leaf=8),
        ),
        (
            one,
            {"kind": i(1), "n_neighbors": f(12), "weights": i(1)},
            KNeighborsClassifier(n_neighbors=12, weights="distance"),
        ),
        (
            one,
            {"kind": i(0), "max_depth": i(0), "min_samples_leaf": f(1)},
            DecisionTreeClassifier(),
        ),
        (
            other,
            {"kind": i(1), "max_depth": i(0), "min_samples_leaf": f(20)},
            DecisionTreeClassifier(max_depth=9, min_samples_leaf=20),
        ),
        (
            other,
            {"kind": i(0), "n_neighbors": f(31), "weights": i(1)},
            KNeighborsClassifier(n_neighbors=31),
        ),
    )


def _model_of(whole=int, read=space_eval, swap=False, **more):
    """Return a function like the one asked for, with one thing changed."""

    def model_of(space, answer):
        setting = dict(read(space, answer))
        kind = setting.pop("kind")
        for name in {"min_samples_leaf", "n_neighbors"} & setting.keys():
            setting[name] = whole(setting[name])
        tree = (kind == "tree") != swap
        return (DecisionTreeClassifier if tree else KNeighborsClassifier)(**setting, **more)

    return model_of


def _fixed(space, answer):
    """Read an answer as if every space had the order of the text."""
    if answer["kind"] == 0:
        return {
            "kind": "tree",
            "max_depth": [None, 3, 6][answer["max_depth"]],
            "min_samples_leaf": answer["min_samples_leaf"],
        }
    return {
        "kind": "neighbours",
        "n_neighbors": answer["n_neighbors"],
        "weights": ["uniform", "distance"][answer["weights"]],
    }


def _kind_only(space, answer):
    """Read the kind from the space and all else from the answer."""
    kind = {"kind": space_eval(space, answer)["kind"]}
    return {name: value.item() for name, value in answer.items()} | kind


@exercise(
    3,
    title="From an answer to a model",
    hints=(
        "Print an answer of the branching search above, and beside it what `space_eval` makes of "
        "it.",
        "`space_eval(space, answer)` gives the option itself, with its `kind` and its values. "
        "Which of them are still of a type that scikit-learn refuses?",
        "Take `kind` out of the dict, make whole numbers of what `quniform` drew, choose the class "
        "by the kind and pass the rest on with `**`.",
    ),
    wrong={
        "positions read as values": lambda: _model_of(read=_kind_only),
        "the text's order for every space": lambda: _model_of(read=_fixed),
        "floats left as they are": lambda: _model_of(whole=lambda value: value),
        "rounded, and still floats": lambda: _model_of(whole=lambda value: round(value, 0)),
        "the answer itself": lambda: lambda space, answer: DecisionTreeClassifier(**answer),
        "the setting instead of a model": lambda: space_eval,
        "always a tree": lambda: lambda space, answer: DecisionTreeClassifier(),
        "the kinds mixed up": lambda: _model_of(swap=True),
        "defaults of each kind": lambda: (
            lambda space, answer: (
                DecisionTreeClassifier()
                if space_eval(space, answer)["kind"] == "tree"
                else KNeighborsClassifier()
            )
        ),
        "nothing returned": lambda: lambda space, answer: None,
        "a model instead of a function": lambda: DecisionTreeClassifier(max_depth=3),
    },
)
def model_of_answer(answer):
    """A function of a space and fmin's answer that returns the model meant, not fitted."""
    expect.true(callable(answer), f"This is a {type(answer).__name__}; a function is asked for.")
    for space, given, model in _answers():
        shown = {name: value.item() for name, value in given.items()}
        try:
            found = answer(space, dict(given))
        except Exception as error:
            first = (str(error).strip() or "no message").splitlines()[0]
            raise expect.Wrong(
                f"For the answer {shown} your function raised {type(error).__name__}: {first[:120]}"
            ) from error
        kind = type(found).__name__
        expect.true(
            isinstance(found, (DecisionTreeClassifier, KNeighborsClassifier)),
            f"For the answer {shown} your function returned a {kind}, not one of the two models.",
        )
        expect.true(
            kind == type(model).__name__,
            f"For the answer {shown} your function returned a {kind}: not the kind that stands at "
            "this position of that space.",
        )
        parameters = found.get_params()
        for name, value in model.get_params().items():
            got = parameters[name]
            if name == "random_state":
                continue
            expect.true(
                not (isinstance(got, (float, np.floating)) and isinstance(value, int)),
                f"For the answer {shown} your model has {name}={got!r}. It is made, and `fit` "
                "refuses it.",
            )
            expect.equals(
                got,
                value,
                f"For the answer {shown} and its space your model has {name}={got!r}, which is not "
                "what won.",
            )


NONE = float("inf")
# Each case is one on which a foreseeable mistake gives another share than the rule does.
CASES = (
    (
        [[3, 1], [3, 2]],
        [[2, 2], [1, 3]],
        2,
        0.5,
        "With two seeds, one won and one lost, your share is {found}.",
    ),
    (
        [[1, 5], [1, 5], [1, 5], [9, 9]],
        [[2, 4]] * 4,
        2,
        0.75,
        "Some searches had their best trial early and a worse one at the end; your share is "
        "{found}.",
    ),
    (
        [[5, 4, 1, 1, 1, 1]] * 3,
        [[3, 3]] * 3,
        2,
        0.0,
        "We ran six trials and they ran two. With a budget of two your share for us is {found}.",
    ),
    (
        [[4, 2, 7]] * 2,
        [[3, 2, 8], [4, 3, 1]],
        3,
        0.25,
        "With one tie and one seed lost your share is {found}.",
    ),
    (
        [[None, 2], [None, 5]],
        [[3, None], [4, None]],
        2,
        0.5,
        "With failed trials in both searches your share is {found}.",
    ),
    (
        [[None, None, 1], [2, 2, 2]],
        [[3, 3, 3], [3, 3, 3]],
        2,
        0.5,
        "A trial that failed has used up budget. With two of them first, and a budget of two, "
        "your share is {found}.",
    ),
    (
        [[None, None], [None, None], [1, 1], [1, 1]],
        [[1, 1], [None, None], [None, None], [2, 2]],
        2,
        0.625,
        "Where searches found nothing at all your share is {found}. Who wins such a pair?",
    ),
    (
        [[-0.9, -0.5], [-0.2, -0.1]],
        [[-0.8, -0.7], [-0.6, -0.1]],
        2,
        0.5,
        "Losses may be negative, for instance minus an accuracy. There your share is {found}.",
    ),
    (
        [[2, 0.0], [2, 1]],
        [[1, 1], [2, 2]],
        2,
        1.0,
        "A loss of exactly 0 is a loss and a very good one. There your share is {found}.",
    ),
)


def _lowest(losses, budget, done=lambda loss: loss is not None, cut=True, late=False, pick=min):
    tried = losses[:budget] if cut else losses
    kept = [loss for loss in tried if done(loss)]
    if late:
        kept = [loss for loss in losses if done(loss)][:budget]
    return pick(kept) if kept else NONE


def _last(losses):
    return losses[-1]


def _share(tie=0.5, **options):
    """Return a function like the one asked for, with one thing changed."""

    def share_won(ours, theirs, budget):
        pairs = [
            (_lowest(our, budget, **options), _lowest(their, budget, **options))
            for our, their in zip(ours, theirs, strict=True)
        ]
        return sum(float(a < b) + tie * (a == b) for a, b in pairs) / len(pairs)

    return share_won


@exercise(
    4,
    title="Equal budgets",
    hints=(
        "Write a small function first: the best loss of one search within the budget.",
        "Cut the list to `budget` before you drop what failed, not after. What is the best of an "
        "empty list?",
        "`min(done, default=float('inf'))` is the best loss, endless if there is none. Compare "
        "seed by seed: `<` counts 1, `==` counts 0.5, and divide by the number of seeds.",
    ),
    wrong={
        "the last loss instead of the best": lambda: _share(pick=_last),
        "the budget ignored": lambda: _share(cut=False),
        "failed trials dropped before the cut": lambda: _share(late=True),
        "a tie counts as won": lambda: _share(tie=1.0),
        "a tie counts as lost": lambda: _share(tie=0.0),
        "more is better": lambda: _share(pick=max),
        "a loss of zero taken for a failure": lambda: _share(done=bool),
        "failed trials not foreseen": lambda: (
            lambda ours, theirs, budget: float(
                np.mean(
                    [min(a[:budget]) < min(b[:budget]) for a, b in zip(ours, theirs, strict=True)]
                )
            )
        ),
        "means instead of bests": lambda: _share(pick=lambda kept: sum(kept) / len(kept)),
        "a count instead of a share": lambda: (
            lambda ours, theirs, budget: _share()(ours, theirs, budget) * len(ours)
        ),
        "a verdict instead of a share": lambda: (
            lambda ours, theirs, budget: _share()(ours, theirs, budget) > 0.5
        ),
        "a number instead of a function": 0.5,
    },
)
def equal_budgets(answer):
    """A function of two lists of losses per seed and a budget: the share of seeds won, a float."""
    expect.true(callable(answer), f"This is {answer!r}; a function is asked for.")
    for ours, theirs, budget, share, mistake in CASES:
        try:
            found = answer([list(one) for one in ours], [list(one) for one in theirs], budget)
        except Exception as error:
            first = (str(error).strip() or "no message").splitlines()[0]
            raise expect.Wrong(
                f"For ours {ours}, theirs {theirs} and a budget of {budget} your function raised "
                f"{type(error).__name__}: {first[:120]}"
            ) from error
        expect.is_a(found, float, f"Your function returned {found!r}; a float is asked for.")
        expect.close(found, share, 1e-9, mistake.format(found=f"{float(found):g}"))


logging.getLogger("hyperopt").setLevel(logging.CRITICAL)
