"""Exercises of day1/06_automl_regression."""

import inspect
from functools import cache

from nbformat import NotebookNode
from sklearn.metrics import mean_absolute_error

from lakebook.datasets import load
from lakebook.labs import exercise, expect
from lakebook.ml import automl
from lakebook.ml.automl import drafts

LEAKS = ["hours", "end_zone", "fuel_cost", "refuelled"]
# What is wrong with leaving a column in, or out.
IN = {
    "hours": "`hours` stays in. At the moment of booking, who knows how long the car will be away?",
    "end_zone": "`end_zone` stays in. Has anybody said when booking where the trip will end?",
    "fuel_cost": "`fuel_cost` stays in. When is it computed, and from what?",
    "refuelled": "`refuelled` stays in. A small hint is a leak too: when is the field filled?",
}
OUT = {
    "car_type": "You leave out `car_type`. The customer has chosen it before the trip begins.",
    "start_zone": "You leave out `start_zone`. The app knows it when the trip is booked.",
    "reserved_hours": "You leave out `reserved_hours`. It is a plan, made when booking, and may be "
    "wrong; it is known in time all the same.",
    "forecast": "You leave out `forecast`. The weather is not known when booking; the forecast is.",
    "km_before": "You leave out `km_before`. It is made of kilometres, but of earlier trips.",
    "km": "`km` is the target, and AutoML will not let you leave that out here. The list is of "
    "columns that the model must not read.",
}


@exercise(
    1,
    title="What is known in time?",
    hints=(
        "Go through the table line by line. Only one question matters: is the field filled at the "
        "moment in which the prediction is wanted?",
        "A weak connection with the target does not make a column harmless, and a strong one does "
        "not make it a leak.",
        "Four columns are filled when the car is back or later, apart from the target itself.",
    ),
    wrong={
        "only the obvious one": lambda: ["fuel_cost"],
        "the weak hint stays": lambda: ["hours", "end_zone", "fuel_cost"],
        "all that has to do with kilometres": lambda: [*LEAKS, "km_before"],
        "the forecast as well": lambda: [*LEAKS, "forecast"],
        "plans taken for facts": lambda: [*LEAKS, "reserved_hours"],
        "the target as well": lambda: [*LEAKS, "km"],
        "the columns to keep": lambda: ["car_type", "start_zone", "reserved_hours"],
        "a name misspelt": lambda: ["hours", "endzone", "fuel_cost", "refuelled"],
        "one text": lambda: "hours, end_zone, fuel_cost, refuelled",
    },
)
def known_in_time(answer):
    """A list of names of columns, in any order."""
    expect.is_a(answer, list)
    for name in answer:
        expect.true(name in IN or name in OUT, f"The table has no column {name!r}.")
    for name in answer:
        expect.true(name not in OUT, OUT.get(name, ""))
    for name in LEAKS:
        expect.true(name in answer, IN[name])


ORDER = {
    "target_col": "km",
    "primary_metric": "rmse",
    "split_col": "part",
    "imputers": {
        "reserved_hours": "median",
        "car_type": {"strategy": "constant", "fill_value": "unknown"},
    },
    "exclude_frameworks": ["lightgbm"],
    "timeout_minutes": 20,
}
# What to say of an argument that was not asked for, and of one whose value is another.
UNASKED = {
    "max_trials": "`max_trials` counts trials, and runtimes from 11.0 ML on do not know it.",
    "time_col": "`time_col` sorts the rows by time. Which argument takes a column of parts?",
    "exclude_cols": "`exclude_cols` leaves columns out; no column was to be left out here.",
}
VALUES = {
    "target_col": "`target_col` is not the column that is to be predicted.",
    "primary_metric": "`primary_metric` is {found!r}, which is not the short name of the root of "
    "the mean squared error.",
    "split_col": "`split_col` does not name the column that holds the parts.",
    "exclude_frameworks": "`exclude_frameworks` is {found!r}. It takes a list of libraries, by the "
    "names under which they are imported.",
    "timeout_minutes": "`timeout_minutes` is {found!r}. How long is the search to take, in which "
    "unit?",
}


def _order(**changed):
    return {name: value for name, value in (ORDER | changed).items() if value is not None}


def _imputers(**changed):
    return _order(imputers=ORDER["imputers"] | changed)


@exercise(
    2,
    title="Write the order",
    hints=(
        "`help(automl.regress)` lists the arguments. Each of the seven wishes is one of them, or "
        "an entry of one.",
        "`imputers` is a dict with an entry for each column. A plain strategy is a text; filling "
        "in a value of your own needs a dict with `strategy` and `fill_value`.",
        "The arguments are target_col, primary_metric, split_col, imputers, exclude_frameworks and "
        'timeout_minutes. The strategy that fills in a value is called "constant".',
    ),
    wrong={
        "trials instead of minutes": lambda: _order(timeout_minutes=None, max_trials=20),
        "seconds": lambda: _order(timeout_minutes=1200),
        "the metric left out": lambda: _order(primary_metric=None),
        "mean squared error": lambda: _order(primary_metric="mse"),
        "the metric written out": lambda: _order(primary_metric="root_mean_squared_error"),
        "by time": lambda: _order(split_col=None, time_col="part"),
        "a library as text": lambda: _order(exclude_frameworks="lightgbm"),
        "the class instead of the library": lambda: _order(exclude_frameworks=["LGBMRegressor"]),
        "a library among the columns": lambda: _order(
            exclude_frameworks=None, exclude_cols=["lightgbm"]
        ),
        "the word as strategy": lambda: _imputers(car_type="unknown"),
        "constant without a value": lambda: _imputers(car_type={"strategy": "constant"}),
        "mean": lambda: _imputers(reserved_hours="mean"),
        "one column forgotten": lambda: _order(imputers={"reserved_hours": "median"}),
        "another name": lambda: _order(target_col=None) | {"target": "km"},
        "the data set as well": lambda: _order() | {"dataset": "trips"},
        "a call": "automl.regress(trips, target_col='km')",
    },
)
def the_order(answer):
    """A dict of arguments of automl.regress."""
    expect.is_a(answer, dict)
    known = set(inspect.signature(automl.regress).parameters) - {"dataset"}
    for name in answer:
        expect.true(
            name != "dataset", "The data set itself was not asked for, only what stands beside it."
        )
        expect.true(name in known, f"`automl.regress` has no argument `{name}`.")
    for name in answer:
        expect.true(
            name in ORDER, UNASKED.get(name, f"`{name}` says something that nobody asked for.")
        )
    expect.true(
        len(answer) == len(ORDER),
        f"{len(ORDER) - len(answer)} of the wishes have no argument yet. Read them once more.",
    )
    for name, message in VALUES.items():
        expect.equals(answer[name], ORDER[name], message.format(found=answer[name]))
    _filled(answer["imputers"])


def _filled(found):
    expect.is_a(found, dict, "`imputers` is no dict from columns to what fills their gaps.")
    expect.true(
        set(found) == set(ORDER["imputers"]),
        f"`imputers` has entries for {', '.join(map(str, found)) or 'no column'}; compare with "
        "the columns whose gaps are to be filled.",
    )
    expect.true(
        found["reserved_hours"] in ("median", {"strategy": "median"}),
        f"Gaps in `reserved_hours` would be filled by {found['reserved_hours']!r}.",
    )
    expect.equals(
        found["car_type"],
        ORDER["imputers"]["car_type"],
        f"`car_type`: {found['car_type']!r} does not say that a value of your own is filled in, "
        "or not which.",
    )


# -- exercise 3

BETTER = 0.95  # share of the best trial's error


@cache
def _flats():
    """Return the lab's flats, and those of the data set that are not among them."""
    everything = load("flat_rents")
    flats = everything.sample(frac=0.25, random_state=7)
    others = everything.drop(flats.index).reset_index(drop=True)
    flats["deposit"] = (3 * flats["rent"]).round(-1)
    for frame in (flats, others):
        frame["distance"] = frame["distance"].astype(str)
    return flats, others


@cache
def _best(leak=False):
    """Return the best trial's notebook and its rows; with `leak`, of the search that had one."""
    return drafts.draft(
        "regress",
        _flats()[0],
        "rent",
        model="lightgbm",
        primary_metric="mae",
        exclude_cols=[] if leak else ["deposit"],
        imputers={} if leak else {"built": "median"},
    )


def _error(names):
    """Return the mean absolute error, in euros, on the flats that were in no search."""
    others = _flats()[1]
    return mean_absolute_error(others["rent"], drafts.answers(names, others).astype(float))


@cache
def _to_beat():
    return _error(drafts.described(*_best()))


def _edited(leak=False, **edits):
    return drafts.edited(_best(leak)[0], edits)


LOOKS_UP = """
from lakebook.datasets import load

known = load("flat_rents").set_index("area")["rent"]


class Known(Pipeline):
    def predict(self, X):
        return X["area"].map(known[~known.index.duplicated()])


model = Known(model.steps)
"""
LOG_TARGET = ('data["rent"].astype(float)', 'np.log(data["rent"])')
ALL_ROWS = ('data["_automl_split"] != "test"', 'data["_automl_split"] != ""')


@exercise(
    3,
    title="Beat the best trial",
    hints=(
        "More trees and other leaves will not do. What does the table of the search not know "
        "about rents? A balcony or a better district adds some per cent, not some euros.",
        "A model of the logarithm of the rent adds up per cents. What it says has to be turned "
        "back into euros, inside the model.",
        "At the end of the cell `model`: `from sklearn.compose import TransformedTargetRegressor`, "
        "then `model = TransformedTargetRegressor(model, func=..., inverse_func=...)`.",
    ),
    wrong={
        "nothing changed": lambda: _edited(),
        "larger trees": lambda: _edited(model=[('"num_leaves": 15', '"num_leaves": 60')]),
        "more trees": lambda: _edited(model=[('"n_estimators": 100', '"n_estimators": 300')]),
        "the leaking column": lambda: _edited(leak=True),
        "trained on the test rows": lambda: _edited(split=[ALL_ROWS]),
        "logarithms handed over": lambda: _edited(split=[LOG_TARGET]),
        "a column made before the pipeline": lambda: _edited(
            load=[("data.shape", 'data["log_area"] = np.log(data["area"])')],
            types=[('"area", ', '"area", "log_area", ')],
        ),
        "a column fewer": lambda: _edited(types=[('"condition", ', "")]),
        "it looks the rents up": lambda: _edited(model=LOOKS_UP),
        "the model is fitted without a line": lambda: _edited(model=[("model = Pipeline(", "")]),
        "its path": "second_best.ipynb",
        "its cells": lambda: {cell.id: cell.source for cell in _edited().cells},
    },
)
def beat_the_best(answer):
    """A notebook whose cells types, prepare, split and model describe a better model."""
    expect.is_a(answer, NotebookNode)
    _, data = _best()
    try:
        names = drafts.described(answer, data)
        _honest(names, data)
        found = _error(names)
    except drafts.DraftError as error:
        raise expect.Wrong(str(error)) from error
    gain = 1 - found / _to_beat()
    expect.true(
        found <= BETTER * _to_beat(),
        f"On flats that were in no search it is off by {found:.0f} EUR, the best trial by "
        f"{_to_beat():.0f}. That is {abs(gain):.1%} {'less' if gain > 0 else 'more'}, and at least "
        f"{1 - BETTER:.0%} less is asked for.",
    )


def _honest(names, data):
    """Judge what is trained on, and in which unit."""
    features = list(names["features"])
    expect.true(
        "deposit" not in features,
        "The model reads `deposit`, and a flat that is not let yet has none. This seems to be a "
        "notebook of the first search.",
    )
    made = [name for name in features if name not in data.columns or name == "rent"]
    expect.true(
        not made,
        f"`features` names {', '.join(made)}, which the table of the ads does not hold. What the "
        "model is given are the columns as they come; others are made inside it, in `to_types` "
        "for example.",
    )
    learn = names["rows"]["training"]
    expect.true(
        not (learn & (data["_automl_split"] == "test")).any(),
        'Rows that are kept for the test are in `rows["training"]`. More rows do help, but now '
        "nobody can say what to expect of the model.",
    )
    expect.true(
        names["target"][learn].median() > 50,
        "The model is trained on logarithms, so that is what it answers with. The rents are asked "
        "for in euros.",
    )
