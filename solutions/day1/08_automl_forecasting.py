"""Exercises of day1/08_automl_forecasting."""

import inspect
from functools import cache

import numpy as np
import pandas as pd
from nbformat import NotebookNode

from lakebook.datasets import load
from lakebook.labs import exercise, expect
from lakebook.ml import automl
from lakebook.ml.automl import drafts

ORDER = {
    "target_col": "admissions",
    "time_col": "begin",
    "identity_col": ["clinic", "ward"],
    "frequency": "hour",
    "horizon": 72,
    "country_code": "DE",
    "primary_metric": "mae",
    "exclude_frameworks": ["arima"],
    "timeout_minutes": 45,
    "output_database": "main.planning",
}
HOURS = ("hours", "hour", "hr", "h")  # what the API reference calls this frequency
UNASKED = {
    "max_trials": "`forecast` has no `max_trials`.",
    "output_table_name": "`output_table_name` is not given to the search; its summary has it.",
    "exclude_cols": "`forecast` has no `exclude_cols`; columns that are not named are not read.",
    "experiment_dir": "`experiment_dir` says where runs are logged, not where a table is saved.",
    "data_dir": "`data_dir` is a folder for the training data; the forecast is to be a table.",
}
VALUES = {
    "target_col": "`target_col` is {found!r}. Which column is to be forecast?",
    "time_col": "`time_col` is {found!r}. Which column holds the time?",
    "country_code": "`country_code` is {found!r}, which is not the code of two letters of the "
    "country whose holidays count.",
    "primary_metric": "`primary_metric` is {found!r}, which is not the short name of the mean "
    "absolute error.",
    "exclude_frameworks": "`exclude_frameworks` is {found!r}. It takes a list of algorithms, by "
    "the names that the chapter's table of arguments gives.",
    "timeout_minutes": "`timeout_minutes` is {found!r}. How long may the search take, in which "
    "unit?",
    "output_database": "`output_database` is {found!r}, which is not the schema for the table.",
}


def _order(**changed):
    return {name: value for name, value in (ORDER | changed).items() if value is not None}


@exercise(
    1,
    title="Write the order",
    hints=(
        "`help(automl.forecast)` lists the arguments. Each wish is one of them, and one of the "
        "facts about the hospitals is another.",
        "What is the step from one value to the next, and how many such steps are three days?",
        "A series is a ward of a clinic, so `identity_col` is a list of two names. The table is "
        "asked for with `output_database`; the code of Germany has two letters.",
    ),
    wrong={
        "days for steps": lambda: _order(horizon=3),
        "days for hours": lambda: _order(frequency="D", horizon=3),
        "minutes": lambda: _order(frequency="m"),
        "a horizon with its unit": lambda: _order(horizon="72h"),
        "wards of all clinics in one series": lambda: _order(identity_col="ward"),
        "clinics without wards": lambda: _order(identity_col=["clinic"]),
        "two columns in one text": lambda: _order(identity_col="clinic, ward"),
        "the default's holidays": lambda: _order(country_code=None),
        "the country's name": lambda: _order(country_code="Germany"),
        "three letters": lambda: _order(country_code="DEU"),
        "the default's metric": lambda: _order(primary_metric=None),
        "the metric written out": lambda: _order(primary_metric="mean_absolute_error"),
        "a relative metric": lambda: _order(primary_metric="mdape"),
        "the algorithm's other name": lambda: _order(exclude_frameworks=["auto_arima"]),
        "a name as text": lambda: _order(exclude_frameworks="arima"),
        "a column excluded": lambda: _order(exclude_frameworks=None, exclude_cols=["arima"]),
        "the time forgotten": lambda: _order(time_col=None),
        "seconds": lambda: _order(timeout_minutes=2700),
        "a folder of experiments": lambda: _order(
            output_database=None, experiment_dir="main.planning"
        ),
        "a table's name": lambda: _order(output_database="main.planning.admissions"),
        "the data set as well": lambda: _order(dataset="admissions"),
        "a call": "automl.forecast(admissions, target_col='admissions')",
    },
)
def the_order(answer):
    """A dict of arguments of automl.forecast."""
    expect.is_a(answer, dict)
    known = set(inspect.signature(automl.forecast).parameters) - {"dataset"}
    for name in answer:
        expect.true(
            name != "dataset", "The data set itself was not asked for, only what stands beside it."
        )
        expect.true(
            name in known, UNASKED.get(name, f"`automl.forecast` has no argument `{name}`.")
        )
        expect.true(
            name in ORDER, UNASKED.get(name, f"`{name}` says something that nobody asked for.")
        )
    _steps(answer)
    expect.true(
        len(answer) == len(ORDER),
        f"{len(ORDER) - len(answer)} of what was said has no argument yet, and its default is "
        "not what was asked for. Read it once more.",
    )
    for name, message in VALUES.items():
        expect.equals(answer[name], ORDER[name], message.format(found=answer[name]))
    found = answer["identity_col"]
    expect.true(
        not isinstance(found, str) and sorted(found) == sorted(ORDER["identity_col"]),
        f"`identity_col` is {found!r}. Ward 3 of one clinic and ward 3 of another are two series: "
        "what does it take to tell them apart?",
    )


def _steps(answer):
    """Judge frequency and horizon, which belong together."""
    step, horizon = answer.get("frequency", "D"), answer.get("horizon", 1)
    whole = isinstance(horizon, int) and not isinstance(horizon, bool)
    expect.true(whole, f"`horizon` is {horizon!r}; it is a number of steps, without a unit.")
    expect.true(
        step in HOURS,
        f"`frequency` is {step!r}, so the series would have a value each "
        f"{'minute' if step in ('m', 'T', 'min') else 'step of that name'}, not each hour.",
    )
    expect.equals(horizon, ORDER["horizon"], f"{horizon} steps of an hour are not three days.")


# -- exercise 2


@cache
def _held():
    """Return series with unlike numbers of cutoffs and days, with zeros and negative values."""
    rng = np.random.default_rng(5)
    parts = []
    for series, days in ((3, (5, 9, 2)), (7, (4,)), (8, (6, 6))):
        for cutoff, count in enumerate(days):
            first = pd.Timestamp("2026-01-01") + pd.Timedelta(days=20 * cutoff)
            y = rng.integers(-4, 12, count).astype(float)
            parts.append(
                pd.DataFrame(
                    {
                        "series": series,
                        "cutoff": first,
                        "ds": pd.date_range(first, periods=count + 1)[1:],
                        "y": y,
                        "forecast": y + rng.normal(0, 2 + series / 3, count).round(1),
                    }
                )
            )
    held = pd.concat(parts, ignore_index=True)
    held.loc[[2, 9], ["y", "forecast"]] = 0.0
    held.loc[12, "y"] = 0.0
    return held.sample(frac=1, random_state=1)


def _misses(held, *, size=lambda y, f: (y.abs() + f.abs()) / 2, empty=0.0):
    miss = (held["y"] - held["forecast"]).abs()
    below = size(held["y"], held["forecast"])
    return (miss / below.where(below != 0)).fillna(empty)


def _nested(held, misses, inner="mean"):
    of_each = misses.groupby([held["series"], held["cutoff"]]).agg(inner)
    return float(of_each.groupby(level=0).mean().mean())


def _right(held):
    return _nested(held, _misses(held))


def _by(size):
    return lambda: lambda held: _nested(held, _misses(held, size=size))


def _in_place(held):
    held["error"] = _misses(held)
    return _nested(held, held["error"])


@exercise(
    2,
    title="The score of a trial",
    hints=(
        "Three means, one inside the other: over the days of a cutoff, over the cutoffs of a "
        "series, over the series.",
        '`groupby` by two columns, `mean`, then `groupby(level="series")` and `mean` once more. '
        "A mean over all rows at once lets a series with many days count more.",
        "The size of a day is `(y.abs() + forecast.abs()) / 2`; divide by `size.where(size > 0, 1)`"
        ", so that a day on which both are 0 has the error 0.",
    ),
    wrong={
        "all days alike": lambda: lambda held: float(_misses(held).mean()),
        "all cutoffs alike": lambda: (
            lambda held: float(
                _misses(held).groupby([held["series"], held["cutoff"]]).mean().mean()
            )
        ),
        "series without cutoffs": lambda: (
            lambda held: float(_misses(held).groupby(held["series"]).mean().mean())
        ),
        "divided by the value": _by(lambda y, f: y.abs()),
        "divided by the forecast": _by(lambda y, f: f.abs()),
        "not halved": _by(lambda y, f: y.abs() + f.abs()),
        "signs left": _by(lambda y, f: (y + f) / 2),
        "the size of the sum": _by(lambda y, f: (y + f).abs() / 2),
        "empty days are left out": lambda: lambda held: _nested(held, _misses(held, empty=np.nan)),
        "zero values are left out": lambda: lambda held: _right(held[held["y"] != 0]),
        "medians": lambda: lambda held: _nested(held, _misses(held), "median"),
        "per cent": lambda: lambda held: 100 * _right(held),
        "a score a series": lambda: lambda held: _misses(held).groupby(held["series"]).mean(),
        "the frame is changed": lambda: _in_place,
        "always the same": lambda: lambda held: _right(_held()),
        "called already": lambda: _right(_held()),
    },
)
def the_score(answer):
    """A function of a frame; returns a number from 0 to 2."""
    expect.true(
        callable(answer),
        f"This is a {type(answer).__name__}; the function itself is asked for, without a call.",
    )
    one_day = pd.DataFrame(
        {
            "series": [1],
            "cutoff": [pd.Timestamp("2026-01-01")],
            "ds": [pd.Timestamp("2026-01-02")],
            "y": [10.0],
            "forecast": [30.0],
        }
    )
    cases = {
        "one day, value 10, forecast 30": one_day,
        "one day, value −10, forecast −30": one_day.assign(y=-10.0, forecast=-30.0),
        "one day, value −10, forecast 30": one_day.assign(y=-10.0),
        "one day, value and forecast 0": one_day.assign(y=0.0, forecast=0.0),
        "one day, value 0, forecast 30": one_day.assign(y=0.0),
        "three series with one, two and three cutoffs": _held(),
    }
    for name, held in cases.items():
        found = _scored(answer, held, name)
        expect.close(found, _right(held), 1e-9, f"{name}: your function returns {found:.6g}.")


def _scored(answer, held, name):
    given = held.copy()
    try:
        found = answer(given)
    except Exception as error:
        raise expect.Wrong(
            f"{name}: the function raises {type(error).__name__}: {str(error)[:120]}"
        ) from error
    expect.true(given.equals(held), "The function has changed the frame it was given.")
    expect.is_a(found, float, f"The function returns a {type(found).__name__}, not one number.")
    expect.true(found == found, f"{name}: the function returns nan.")
    return float(found)


# -- exercise 3

LAST, HORIZON = pd.Timestamp("2025-05-04"), 28
REBUILDING = pd.date_range("2024-05-06", "2024-06-16")
HOLIDAY = pd.Timestamp("2025-05-26")
CLOSED = 2  # the shop that is closed on it


@cache
def _rows():
    """Return the sales of another loaf until the evening of the order, and those that follow."""
    sales = load("store_items")
    sales = sales[(sales["item"] == 3) & (sales["store"] <= 3)].drop(columns="item")
    closed = (sales["store"] == 3) & sales["date"].isin(REBUILDING)
    sales = sales.assign(sales=sales["sales"].mask(closed, 0)).reset_index(drop=True)
    after = (sales["date"] - LAST).dt.days
    return sales[after <= 0], sales[after.between(1, HORIZON)]


PROPHET = {
    "seasonality_mode": "multiplicative",
    "changepoint_prior_scale": 0.05,
    "seasonality_prior_scale": 10.0,
    "with_holidays": True,
}
ARIMA = {"max_p": 3, "max_q": 2}


@cache
def _draft(kind="prophet", country="US"):
    return drafts.draft_forecast(
        _rows()[0],
        "sales",
        "date",
        candidates=[(kind, PROPHET if kind == "prophet" else ARIMA)],
        identity_col=["store"],
        horizon=HORIZON,
        country_code=country,
    )


def _edited(kind="prophet", country="US", **edits):
    return drafts.edited(_draft(kind, country), edits)


def _before(code):
    """Return an edit that changes the rows before a series is made of them."""
    return {"series": [("rows = data.sort_values", f"{code}\nrows = data.sort_values")]}


def _missed(told):
    """Return by how many loaves a forecast is off, by shop."""
    both = _rows()[1].merge(told, left_on=["store", "date"], right_on=["store", "ds"])
    return (both["sales"] - both["forecast"]).abs().groupby(both["store"]).mean()


@cache
def _to_beat():
    return _missed(drafts.forecasts(_draft(), _rows()[0]))


DAYS = 'pd.date_range("2024-05-06", "2024-06-16")'
LOOKS_UP = """
from lakebook.datasets import load

known = load("store_items")
"""


@exercise(
    3,
    title="Say what you know",
    hints=(
        "The zeros of those six weeks are true and yet say nothing about demand. What does the "
        "notebook do with days of which it has no value?",
        "In the cell `series` every step gets a row, and where `data` has none `seen` is false. So "
        "rows that are taken out of `data` before are neither learned from nor judged by.",
        'Before `rows = data.sort_values(...)`: `data = data[(data["store"] != 3) | '
        '~data["date"].isin(...)]`, with the days as `pd.date_range` gives them.',
    ),
    wrong={
        "nothing changed": lambda: _edited(),
        "auto-ARIMA, which suffers less": lambda: _edited("arima"),
        "seasons that add": lambda: _edited(candidates=[('"multiplicative"', '"additive"')]),
        "trends that bend less easily": lambda: _edited(candidates=[("0.05", "0.005")]),
        "every zero is taken out": lambda: _edited(**_before('data = data[data["sales"] > 0]')),
        "the days of all shops in that year and of shop 3 in none": lambda: _edited(
            **_before('data = data[data["store"] != 3]')
        ),
        "the wrong year": lambda: _edited(
            **_before(
                'data = data[(data["store"] != 3) | '
                '~data["date"].isin(pd.date_range("2023-05-06", "2023-06-16"))]'
            )
        ),
        "the wrong shop": lambda: _edited(
            **_before(f'data = data[(data["store"] != 1) | ~data["date"].isin({DAYS})]')
        ),
        "no holidays any more": lambda: _edited(
            country="", **_before(f'data = data[(data["store"] != 3) | ~data["date"].isin({DAYS})]')
        ),
        "all rows twice as large": lambda: _edited(
            **_before(
                f'data = data[(data["store"] != 3) | ~data["date"].isin({DAYS})]\n'
                'data["sales"] *= 2'
            )
        ),
        "a shorter horizon": lambda: _edited(settings=[("horizon = 28", "horizon = 7")]),
        "it looks the sales up": lambda: _edited(series=LOOKS_UP),
        "a cell that does not run": lambda: _edited(series="history = histories"),
        "its path": "mine.ipynb",
    },
)
def say_what_you_know(answer):
    """A notebook of a forecasting trial that leaves the rebuilding out of what is learned."""
    expect.is_a(answer, NotebookNode)
    try:
        told = drafts.forecasts(answer, _rows()[0])
    except drafts.DraftError as error:
        raise expect.Wrong(str(error)) from error
    later = _rows()[1]
    wanted = set(zip(later["store"], later["date"], strict=True))
    lost = wanted - set(zip(told["store"], told["ds"], strict=True))
    if lost:
        shop, day = min(lost)
        raise expect.Wrong(
            f"{len(lost)} of {len(wanted)} forecasts are missing, the first that of shop {shop} "
            f"for {day:%d %B %Y}."
        )
    holiday = told[(told["store"] == CLOSED) & (told["ds"] == HOLIDAY)]["forecast"].iloc[0]
    usual = told[told["store"] == CLOSED]["forecast"].median()
    expect.true(
        holiday < 0.2 * usual,
        f"On 26 May, Memorial Day, shop {CLOSED} is to sell {holiday:.0f} loaves. It has been "
        "closed on every such day; has the notebook lost that?",
    )
    missed, before = _missed(told), _to_beat()
    for shop in (1, 2):
        expect.true(
            missed[shop] <= 1.1 * before[shop],
            f"In shop {shop}, which was not rebuilt, the forecast is off by {missed[shop]:.1f} "
            f"loaves a day now, and was by {before[shop]:.1f}.",
        )
    expect.true(
        missed[3] <= before[3] / 2,
        f"In shop 3 the forecast is off by {missed[3]:.1f} loaves a day, plain Prophet by "
        f"{before[3]:.1f}, and at most half of that is asked for.",
    )
