"""Exercises of day3/04_regression_metrics."""

import math
import warnings
from functools import cache

import numpy as np
import pandas as pd

from lakebook.labs import exercise, expect
from lakebook.runtime.session import get_spark

KEYS = ("sse", "mse", "rmse", "mae", "r2")
# What is judged: actual values, predictions, and how the message calls them.
PAIRS = (
    (
        np.array([3.0, 5.0, 6.0, 9.0, 14.0]),
        np.array([4.0, 6.5, 6.0, 12.0, 15.0]),
        "five values, predicted too high on the whole",
    ),
    (
        np.array([10.0, 20.0, 30.0, 45.0]),
        np.array([31.0, 24.0, 8.0, 20.0]),
        "predictions that are worse than the mean",
    ),
    ([2, 4, 9], [5, 5, 5], "two lists, in which every prediction is the mean"),
    (
        pd.Series([3.0, 8.0, 10.0, 12.0], index=[0, 1, 2, 3]),
        pd.Series([4.0, 6.0, 11.0, 12.5], index=[7, 3, 1, 0]),
        "two Series with different indexes (the first belongs to the first, whatever its index)",
    ),
    (np.array([5.0, 7.0, 11.0]), np.array([5.0, 7.0, 11.0]), "predictions without any error"),
    (np.array([4.0, 4.0, 4.0, 4.0]), np.array([4.0, 3.0, 5.5, 4.0]), "four equal actual values"),
)


def _variants(y, p):
    """Return, for each key, the values that foreseeable mistakes lead to, with what to say."""
    e = y - p
    n, sse, sst = len(y), (e**2).sum(), ((y - y.mean()) ** 2).sum()
    mse, mae = sse / n, np.abs(e).mean()
    fewer = sse / (n - 1) if n > 1 else np.nan
    signed = "Residuals above and below the prediction cancel each other there."
    return {
        "sse": [
            (mse, "That is the mean of the squares; the first S of SSE stands for a sum."),
            (sst, "Those are the distances from the mean, not from the predictions."),
            (np.abs(e).sum(), "Those are the distances themselves; each is to be squared."),
            (e.sum() ** 2, f"You squared the sum. {signed}"),
            (e.sum(), signed),
        ],
        "mse": [
            (sse, "That is the sum; it grows with every row."),
            (fewer, "You divided by n - 1. That belongs to a variance; MSE divides by n."),
            (
                sse / max(n - 2, 1),
                "You divided by n - 2, an estimate of the noise; MSE divides by n.",
            ),
            (mae, "Those are the distances themselves; each is to be squared."),
            (mae**2, "The mean was squared; it is the squares whose mean is taken."),
            (
                e.var(),
                "Something was subtracted from the residuals. A constant error counts as well.",
            ),
        ],
        "rmse": [
            (mse, "It is in squared units still: what does the R stand for?"),
            (math.sqrt(sse), "That is the root of the sum; it grows with every row."),
            (
                math.sqrt(fewer),
                "You divided by n - 1. That belongs to a deviation; RMSE divides by n.",
            ),
            (mae, "The root was taken before the mean, which leaves the absolute error."),
            (math.sqrt(mae), "That is the root of the mean distance; where are the squares?"),
            (
                e.std(),
                "Something was subtracted from the residuals. A constant error counts as well.",
            ),
        ],
        "mae": [
            (abs(e.mean()), f"The absolute value came after the mean. {signed}"),
            (e.mean(), signed),
            (-e.mean(), signed),
            (float(np.median(np.abs(e))), "That is the median of the distances."),
            (math.sqrt(mse), "That is the RMSE."),
            (
                np.abs(e / y).mean(),
                "Each distance was divided by its actual value: a relative error.",
            ),
        ],
        "r2": [
            (
                1 - sse / (y**2).sum(),
                "Compare with the mean of the actual values, not with zero (that is what "
                "`throughOrigin=True` does).",
            ),
            (
                _over(y, p, lambda: 1 - sse / ((p - p.mean()) ** 2).sum()),
                "The spread below the line is that of the predictions: which of the two is actual?",
            ),
            (
                _over(y, p, lambda: np.corrcoef(y, p)[0, 1] ** 2),
                "That is the squared correlation. It forgives predictions that are all too high, "
                "or twice too large; R² does not.",
            ),
            (_over(y, p, lambda: np.corrcoef(y, p)[0, 1]), "That is the correlation."),
            (
                _over(y, p, lambda: 1 - e.var() / y.var()),
                "Something was subtracted from the residuals (scikit-learn calls the result "
                "explained variance). A constant error counts as well.",
            ),
            (
                _over(y, p, lambda: p.var() / y.var()),
                "That is how much the predictions vary, right or wrong.",
            ),
            (_over(y, p, lambda: sse / sst), "That is the share of the spread that is left over."),
            (
                _over(y, p, lambda: max(0.0, 1 - sse / sst)),
                "You cut it off at 0. What would a model have to do to get less?",
            ),
            (
                _over(y, p, lambda: 1 - (1 - (1 - sse / sst)) * (n - 1) / (n - 2)),
                "That is the adjusted R², which also counts the inputs of a model.",
            ),
        ],
    }


def _over(y, p, formula):
    """Return the formula's value, or nan where it would divide by zero."""
    return formula() if y.std() > 0 and p.std() > 0 else math.nan


def _right(actual, predicted):
    y, p = np.asarray(actual, float), np.asarray(predicted, float)
    e = y - p
    sse, sst = (e**2).sum(), ((y - y.mean()) ** 2).sum()
    mse = sse / len(y)
    return {
        "sse": sse,
        "mse": mse,
        "rmse": math.sqrt(mse),
        "mae": np.abs(e).mean(),
        "r2": 1 - sse / sst if sst else math.nan,
    }


def _near(one, other):
    return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-9) or (
        math.isnan(one) and math.isnan(other)
    )


def _called(function, what, *arguments):
    """Return what the learner's function returns, without warnings; judge it if it raises."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            found = function(*arguments)
    except Exception as error:
        text = (str(error).strip() or "no message").splitlines()[0]
        raise expect.Wrong(
            f"On {what}, your function raised {type(error).__name__}: {text[:140]}"
        ) from error
    if found is None:
        raise expect.Wrong(f"On {what}, your function returned nothing. Is there a `return`?")
    expect.is_a(
        found, dict, f"On {what}, your function returned a {type(found).__name__}, not a dict."
    )
    return found


def _changed(**changes):
    """Return a function like the one asked for, with some of its formulas changed."""

    def scores(actual, predicted):
        y, p = np.asarray(actual, float), np.asarray(predicted, float)
        return _right(y, p) | {key: formula(y, p) for key, formula in changes.items()}

    return lambda: scores


def _by_index(actual, predicted):
    actual, predicted = pd.Series(actual), pd.Series(predicted)
    e = actual - predicted
    sse, sst = (e**2).sum(), ((actual - actual.mean()) ** 2).sum()
    return {
        "sse": sse,
        "mse": (e**2).mean(),
        "rmse": (e**2).mean() ** 0.5,
        "mae": e.abs().mean(),
        "r2": 1 - sse / sst if sst else math.nan,
    }


def _swapped(actual, predicted):
    return _right(predicted, actual)


def _no_spread(actual, predicted):
    found = _right(actual, predicted)
    return found | {"r2": 0.0 if math.isnan(found["r2"]) else found["r2"]}


@exercise(
    1,
    title="All five from their formulas",
    hints=(
        "Start with the residuals, one for each row; all five are built from them. Two Series are "
        "subtracted by their index, arrays by their position.",
        "SSE adds the squared residuals; MSE is their mean and RMSE its root. MAE is the mean of "
        "the absolute residuals. R² compares SSE with the same sum for the mean of the actual "
        "values.",
        "`y, p = np.asarray(actual, float), np.asarray(predicted, float)`, then "
        "`((y - p)**2).sum()` and `((y - y.mean())**2).sum()`. If the second is 0, `r2` "
        "is `float('nan')`.",
    ),
    wrong={
        "the root is forgotten": _changed(rmse=lambda y, p: ((y - p) ** 2).mean()),
        "the root before the mean": _changed(rmse=lambda y, p: np.sqrt((y - p) ** 2).mean()),
        "n - 1": _changed(
            mse=lambda y, p: ((y - p) ** 2).sum() / (len(y) - 1),
            rmse=lambda y, p: math.sqrt(((y - p) ** 2).sum() / (len(y) - 1)),
        ),
        "absolute value after the mean": _changed(mae=lambda y, p: abs((y - p).mean())),
        "median of the distances": _changed(mae=lambda y, p: np.median(abs(y - p))),
        "squared correlation": _changed(r2=lambda y, p: np.corrcoef(y, p)[0, 1] ** 2),
        "explained variance": _changed(r2=lambda y, p: 1 - (y - p).var() / y.var()),
        "R² cut off at zero": _changed(r2=lambda y, p: max(0.0, _right(y, p)["r2"])),
        "actual and predicted swapped": lambda: _swapped,
        "R² through the origin": _changed(r2=lambda y, p: 1 - ((y - p) ** 2).sum() / (y**2).sum()),
        "matched by index": lambda: _by_index,
        "equal values are not thought of": lambda: _no_spread,
        "everything rounded": lambda: (
            lambda a, p: {key: round(float(value), 2) for key, value in _right(a, p).items()}
        ),
        "a key is missing": lambda: lambda a, p: {"rmse": _right(a, p)["rmse"]},
        "numbers instead of a function": {"rmse": 35.3, "mae": 25.1, "r2": 0.2},
    },
)
def scores(answer):
    """A function of actual and predicted values that returns sse, mse, rmse, mae and r2."""
    expect.true(callable(answer), f"This is a {type(answer).__name__}; a function is asked for.")
    for actual, predicted, what in PAIRS:
        copies = [
            values.copy() if hasattr(values, "copy") else list(values)
            for values in (actual, predicted)
        ]
        found = _called(answer, what, *copies)
        y, p = np.asarray(actual, float), np.asarray(predicted, float)
        right = _right(y, p)
        with np.errstate(all="ignore"):
            mistakes = _variants(y, p)
        _compare(found, KEYS, right, mistakes, what)


def _compare(found, keys, right, mistakes, what):
    """Compare the entries of a dict with the right values, after the mistakes that are known."""
    for key in keys:
        expect.true(key in found, f"The dict has no entry {key!r}; it has {sorted(found)}.")
        expect.is_a(found[key], float, f"On {what}, {key!r} is not a number.")
        value = float(found[key])
        if _near(value, right[key]):
            continue
        for mistake, message in mistakes[key]:
            expect.true(not _near(value, mistake), f"On {what}, {key!r}: {message}")
        _unexplained(value, right[key], key, what)


def _unexplained(value, right, key, what):
    if math.isnan(right):
        raise expect.Wrong(
            f"On {what}, {key!r} is {value:g}. There is no spread to compare with, so the share "
            "that is explained is not a number."
        )
    if math.isnan(value):
        raise expect.Wrong(f"On {what}, {key!r} is nan.")
    if abs(value - right) < 0.01 * max(1.0, abs(right)):
        raise expect.Wrong(
            f"On {what}, {key!r} is close, but not exact. Is it rounded, or one step another one?"
        )
    raise expect.Wrong(f"On {what}, {key!r} is {value:.6g}, which the formula does not give.")


# Hours for costumes of 1, 2, 3 … 24 metres of cloth; the same text is in the lab.
LOGS = """
Ada   38  7 40 14 38 28 57 16 57 33 52 50 43 26 67 64 60 38 51 55 67 87 86 76
Bruno 14 18 21 25 28 32 35 39 42 44 47 50 52 54 57 59 62 64 64 67 67 69 71 71
Cleo  18 21 26 24 31 30 34 35 42 43 50 49 52 54 54 58 63 30 66 69 73 73 76 80
Dina  20 22 24 28 28 34 36 35 42 38 41 50 45 57 49 61 63 55 56 75 58 63 85 84
Emil  12 33 34 19 21 41 27 28 49 35 54 54 42 43 62 66 50 51 71 56 77 62 81 84
Fritz 28 30 30 30 32 29 31 31 35 38 39 42 41 47 48 55 57 61 63 68 73 76 80 86
"""
SHAPES = ("line", "curve", "fan", "outlier", "groups")
SHAPE_OF = {
    "Ada": "line",
    "Bruno": "curve",
    "Cleo": "outlier",
    "Dina": "fan",
    "Emil": "groups",
    "Fritz": "curve",
}


@cache
def _residuals():
    """Return the residuals of each tailor's own line, in hours."""
    found = {}
    for name, *hours in map(str.split, LOGS.strip().splitlines()):
        y, x = np.array(hours, float), np.arange(1, len(hours) + 1, dtype=float)
        found[name] = y - np.polyval(np.polyfit(x, y, 1), x)
    return found


def _seen(**changes):
    return SHAPE_OF | changes


@exercise(
    2,
    title="Which log suits a line?",
    hints=(
        "R² is no help here. Fit a line for each tailor, and plot the residuals against the "
        "metres.",
        "Read each plot from left to right. Do the residuals bend, widen, or fall apart into two "
        "bands? Is a single one far from all others? Or is there nothing to see?",
        "One R² is very high and its residuals bend; one is low and nothing is left but noise. "
        "A label may be used twice.",
    ),
    wrong={
        "by R²: high is a line, low is not": _seen(Bruno="line", Ada="outlier"),
        "everything is a line": dict.fromkeys(SHAPE_OF, "line"),
        "the noisiest taken for a fan": _seen(Ada="fan"),
        "the widening overlooked": _seen(Dina="line"),
        "the widening taken for one wrong costume": _seen(Dina="outlier"),
        "two bands taken for noise": _seen(Emil="line"),
        "one wrong costume taken for a fan": _seen(Cleo="fan"),
        "the curve that bends upwards overlooked": _seen(Fritz="line"),
        "a bend seen in noise": _seen(Ada="curve"),
        "only yes and no": {name: shape == "line" for name, shape in SHAPE_OF.items()},
        "a tailor is missing": {"Ada": "line", "Bruno": "curve"},
        "only the one that suits": "Ada",
    },
)
def shapes(answer):
    """A dict from each of six names to line, curve, fan, outlier or groups."""
    expect.is_a(answer, dict)
    for name in SHAPE_OF:
        expect.true(name in answer, f"The dict has no entry for {name!r}.")
        expect.true(
            answer[name] in SHAPES and isinstance(answer[name], str),
            f"{name}: {answer[name]!r} is none of {', '.join(SHAPES)}.",
        )
    for name, shape in SHAPE_OF.items():
        if answer[name] != shape:
            raise expect.Wrong(f"{name}: {_not_there(answer[name], _residuals()[name])}")


def _not_there(shape, left):
    """Return what a shape would leave, and what is left instead."""
    thirds, size = np.array_split(left, 3), np.sort(np.abs(left))
    if shape == "line":
        return (
            "a line that suits leaves nothing but noise. These residuals have a shape, whatever "
            "R² says; plot them against the metres."
        )
    if shape == "curve":
        return (
            "a bend leaves one sign in the middle and the other at both ends. The mean residuals "
            f"of the three thirds are {', '.join(f'{part.mean():.1f}' for part in thirds)} hours, "
            f"and the residuals spread by {left.std():.1f}."
        )
    if shape == "fan":
        widths = ", ".join(f"{np.median(np.abs(part)):.1f}" for part in thirds)
        return (
            "a fan leaves residuals that grow along the axis. Here the typical (median) distances "
            f"in the three thirds are {widths} hours."
        )
    if shape == "outlier":
        return (
            "one wrong costume stands far from all others. Here the largest residuals are "
            f"{size[-1]:.1f} and {size[-2]:.1f} hours from zero."
        )
    return (
        "two groups leave two bands with a gap between them. Here the residuals nearest to zero "
        f"are {size[0]:.1f} and {size[1]:.1f} hours from it, of a spread of {left.std():.1f}."
    )


# Area and rent of a few flats, and the intercept and slope of a model of the logarithm.
MODELS = (
    ([30, 45, 62, 80, 101, 140], [420, 610, 705, 1150, 1290, 2600], 5.75, 0.014, "six flats"),
    ([25, 50, 60, 75, 90], [700, 520, 610, 480, 650], 5.2, 0.02, "a model worse than the mean"),
    ([1, 2, 3, 4], [1.5, 2.5, 2.0, 6.0], 0.1, 0.3, "four small rents a day (a few euros)"),
)
EUROS = ("rmse", "mae", "r2", "factor")


@cache
def _models():
    """Return each case as (frame, fitted model of log(rent), rents, predicted logarithms, name)."""
    from pyspark.ml.feature import SQLTransformer

    spark, cases = get_spark(), []
    for areas, rents, base, slope, what in MODELS:
        rows = [(float(area), float(rent)) for area, rent in zip(areas, rents, strict=True)]
        frame = spark.createDataFrame(rows, ["area", "rent"]).coalesce(1).cache()
        model = SQLTransformer(
            statement=f"SELECT *, {base}D + {slope}D * area AS prediction FROM __THIS__"
        )
        logs = base + slope * np.array(areas, float)
        cases.append((frame, model, np.array(rents, float), logs, what))
    return cases


def _euros(rents, predicted, factor):
    found = _right(rents, predicted)
    return {"rmse": found["rmse"], "mae": found["mae"], "r2": found["r2"], "factor": factor}


def _log_rmse(rents, logs):
    return _right(np.log(rents), logs)["rmse"]


def _scored(change):
    """Return a function of model and frame whose result is that of a changed formula."""

    def euro_scores(model, frame):
        found = model.transform(frame).select("rent", "prediction").toPandas()
        rents, logs = found["rent"].to_numpy(), found["prediction"].to_numpy()
        right = _euros(rents, np.exp(logs), math.exp(_log_rmse(rents, logs)))
        return right | change(rents, logs)

    return lambda: euro_scores


def _on_logs(rents, logs):
    found = _right(np.log(rents), logs)
    return {key: found[key] for key in ("rmse", "mae", "r2")}


def _smeared(rents, logs):
    predicted = np.exp(logs) * np.exp(np.log(rents) - logs).mean()
    found = _right(rents, predicted)
    return {key: found[key] for key in ("rmse", "mae", "r2")}


def _exp_of_errors(rents, logs):
    found = _right(np.log(rents), logs)
    return {"rmse": math.exp(found["rmse"]), "mae": math.exp(found["mae"])}


def _euros_of(invert):
    def change(rents, logs):
        found = _right(rents, invert(logs))
        return {key: found[key] for key in ("rmse", "mae", "r2")}

    return change


def _expects_column(model, frame):
    found = model.transform(frame).select("log_rent", "prediction").toPandas()
    return _on_logs(np.exp(found["log_rent"]), found["prediction"]) | {"factor": 1.0}


@exercise(
    3,
    title="Score a model of the logarithm in euros",
    hints=(
        "What has to happen to the column `prediction` before anything in euros can be computed "
        "from it? And what stays as it is?",
        "`scored = model.transform(frame)`, then `F.exp` on `prediction`. A `RegressionEvaluator` "
        'with `labelCol="rent"` scores euros; for the factor compare the prediction *before* '
        'that with `F.log("rent")`.',
        "Keep two columns: `predicted = exp(prediction)` for rmse, mae and r2 against `rent`, and "
        "`log_rent = log(rent)` for the RMSE of the logarithms. `factor` is `math.exp` of that.",
    ),
    wrong={
        "errors of the logarithms": _scored(_on_logs),
        "the errors exponentiated": _scored(_exp_of_errors),
        "logarithms against euros": _scored(_euros_of(lambda logs: logs)),
        "expm1 for a plain logarithm": _scored(_euros_of(np.expm1)),
        "powers of ten": _scored(_euros_of(lambda logs: 10.0**logs)),
        "r2 of the logarithms": _scored(
            lambda rents, logs: {"r2": _right(np.log(rents), logs)["r2"]}
        ),
        "smeared": _scored(_smeared),
        "the factor is still a logarithm": _scored(
            lambda rents, logs: {"factor": _log_rmse(rents, logs)}
        ),
        "the factor from euros": _scored(
            lambda rents, logs: {"factor": 1 + _right(rents, np.exp(logs))["rmse"] / rents.mean()}
        ),
        "the factor from log1p": _scored(
            lambda rents, logs: {
                "factor": math.exp(_right(np.log1p(rents), np.log1p(np.exp(logs)))["rmse"])
            }
        ),
        "a column that is not there": lambda: _expects_column,
        "numbers instead of a function": {"rmse": 330.0, "mae": 235.0, "r2": 0.58, "factor": 1.4},
    },
)
def euro_scores(answer):
    """A function of a fitted model of log(rent) and a Spark frame: rmse, mae, r2 and factor."""
    expect.true(callable(answer), f"This is a {type(answer).__name__}; a function is asked for.")
    for frame, model, rents, logs, what in _models():
        found = _called(answer, what, model, frame)
        right = _euros(rents, np.exp(logs), math.exp(_log_rmse(rents, logs)))
        mistakes = _log_variants(rents, logs)
        _compare(found, EUROS, right, mistakes, what)


def _log_variants(rents, logs):
    """Return, for each key, the values that foreseeable mistakes lead to, with what to say."""
    found: dict[str, list] = {key: [] for key in EUROS}
    on_logs = _on_logs(rents, logs)
    for key in ("rmse", "mae"):
        found[key] += [
            (
                on_logs[key],
                "That is the error of the logarithms. It has no unit, and is not in euros.",
            ),
            (
                math.exp(on_logs[key]),
                "You exponentiated the error. What is to be exponentiated is each prediction.",
            ),
        ]
    found["r2"].append((on_logs["r2"], "That is the R² of the logarithms, another quantity."))
    for change, message in (
        (
            _euros_of(lambda values: values),
            "Rents in euros were compared with predicted logarithms.",
        ),
        (
            _euros_of(np.expm1),
            "`expm1` undoes `log1p`. This model learned the plain logarithm.",
        ),
        (_euros_of(lambda values: 10.0**values), "Powers of ten undo a logarithm to the base 10."),
        (
            _smeared,
            "The predictions were multiplied by a correction that was learned from the rows that "
            "judge. Score the predictions as the model makes them.",
        ),
    ):
        for key, value in change(rents, logs).items():
            found[key].append((value, message))
    plain = _log_rmse(rents, logs)
    found["factor"] += [
        (plain, "That is a difference of logarithms still. Which number does one multiply by?"),
        (math.exp(plain) - 1, "That is how much more than 1 the factor is."),
        (100 * (math.exp(plain) - 1), "That is in per cent; the factor itself is asked for."),
        *(
            (
                math.exp((np.log(rents) - logs).std(ddof=freedom)),
                "That comes from a standard deviation, which subtracts the mean residual first. A "
                "constant error counts as well.",
            )
            for freedom in (0, 1)
        ),
        (
            math.exp(float(np.median(np.abs(np.log(rents) - logs)))),
            "That comes from the median of the distances, not from the RMSE.",
        ),
        (math.exp(on_logs["mae"]), "That comes from the MAE of the logarithms, not the RMSE."),
        (10**plain, "The logarithm was the natural one."),
        (
            math.exp(_right(np.log1p(rents), np.log1p(np.exp(logs)))["rmse"]),
            "`log1p` was used; the model learned the plain logarithm.",
        ),
    ]
    return found


METRICS = ("mae", "rmse", "mape", "cost")


@cache
def _forecasts():
    """Return the frame of the lab: what 60 shops sold, and four forecasts."""
    rng = np.random.default_rng(3)
    sold = np.round(rng.lognormal(5.2, 0.9, 60))
    luck = rng.normal(0, 1, (4, 60))
    rare = rng.random(60) < 0.06
    frame = {
        "Ash": sold + np.where(rare, 180 * np.sign(luck[0]), 10 * luck[0]),
        "Birch": sold + 34 * np.sign(luck[1]) + 4 * luck[2],
        "Cedar": sold * np.exp(0.12 * luck[2]),
        "Dale": sold + 22 + 25 * luck[3],
    }
    return pd.DataFrame({"sold": sold} | frame).round().clip(lower=1)


@cache
def _table():
    """Return the four metrics of the four forecasts."""
    frame = _forecasts()
    found = {}
    for name in frame.columns[1:]:
        over = frame[name] - frame["sold"]
        found[name] = {
            "mae": over.abs().mean(),
            "rmse": (over**2).mean() ** 0.5,
            "mape": (over.abs() / frame["sold"]).mean(),
            "cost": np.where(over < 0, -3 * over, over).mean(),
        }
    return pd.DataFrame(found).T


METRIC_FOR = {"flour": "mae", "drivers": "rmse", "managers": "mape", "bread": "cost"}


def _choice(**changes):
    """Return the right choice with other metrics for some, each with its own winner and score."""

    def choice():
        table = _table()
        metrics = METRIC_FOR | changes
        return {who: _best(table, metric) for who, metric in metrics.items()}

    return choice


def _best(table, metric):
    return metric, table[metric].idxmin(), float(table[metric].min())


def _one_for_all():
    table = _table()
    return {
        who: (metric, "Birch", table.loc["Birch", metric]) for who, metric in METRIC_FOR.items()
    }


def _highest():
    table = _table()
    return {
        who: (metric, table[metric].idxmax(), float(table[metric].max()))
        for who, metric in METRIC_FOR.items()
    }


def _sides_swapped():
    frame, right = _forecasts(), _choice()()
    over = frame.drop(columns="sold").sub(frame["sold"], axis=0)
    cost = over.where(over < 0, 3 * over).abs().mean()
    return right | {"bread": ("cost", cost.idxmin(), float(cost.min()))}


def _by_prediction():
    frame, right = _forecasts(), _choice()()
    relative = (frame["Cedar"] - frame["sold"]).abs() / frame["Cedar"]
    return right | {"managers": ("mape", "Cedar", relative.mean())}


@exercise(
    4,
    title="Let the cost choose the metric",
    hints=(
        "For each of the four, write down what an error of 10 costs, one of 20, and one of 10 on "
        "the other side. Which metric grows in the same way?",
        "Proportional and equal on both sides, with the square, relative to the shop's own sales, "
        "or different on both sides. Compute each metric for all four forecasts.",
        '`over = shops[name] - shops["sold"]`; `np.where(over < 0, -3 * over, over).mean()` is '
        "what a forecast costs if a missing loaf costs 3 and one left over 1. Each metric has "
        "another winner.",
    ),
    wrong={
        "the RMSE for everything": _choice(flour="rmse", managers="rmse", bread="rmse"),
        "the MAE for the square": _choice(drivers="mae"),
        "loaves instead of per cent": _choice(managers="mae"),
        "both sides cost the same": _choice(bread="mae"),
        "one forecast for all": _one_for_all,
        "the highest instead of the lowest": _highest,
        "left over taken for missing": _sides_swapped,
        "divided by the forecast": _by_prediction,
        "in per cent instead of a share": lambda: (
            _choice()() | {"managers": ("mape", "Cedar", 100 * _table().loc["Cedar", "mape"])}
        ),
        "the mean square, no root": lambda: (
            _choice()() | {"drivers": ("rmse", "Birch", _table().loc["Birch", "rmse"] ** 2)}
        ),
        "summed over the shops": lambda: (
            _choice()() | {"bread": ("cost", "Dale", 60 * _table().loc["Dale", "cost"])}
        ),
        "no scores": lambda: {who: values[:2] for who, values in _choice()().items()},
        "names only": dict(METRIC_FOR),
    },
)
def choice(answer):
    """A dict from flour, drivers, managers and bread to (metric, forecast, score)."""
    expect.is_a(answer, dict)
    table = _table()
    for who, metric in METRIC_FOR.items():
        expect.true(who in answer, f"The dict has no entry {who!r}.")
        entry = answer[who]
        expect.true(
            isinstance(entry, (tuple, list)) and len(entry) == 3,
            f"{who!r} is {entry!r}; a tuple of metric, forecast and score is asked for.",
        )
        chosen, winner, score = entry
        expect.true(
            isinstance(chosen, str) and chosen in METRICS,
            f"{who!r}: {chosen!r} is none of {', '.join(METRICS)}.",
        )
        expect.true(chosen == metric, f"{who!r}: {_other_cost(chosen)}")
        expect.true(
            isinstance(winner, str) and winner in table.index,
            f"{who!r}: {winner!r} is none of {', '.join(table.index)}.",
        )
        _score(who, metric, winner, score)


def _other_cost(chosen):
    return {
        "mae": "under 'mae' an error of 20 costs twice one of 10, on either side, in any shop. "
        "Is that what is stated?",
        "rmse": "under 'rmse' an error of 20 weighs four times one of 10. Is that what is stated?",
        "mape": "under 'mape' 10 loaves weigh more in a small shop than in a large one. Is that "
        "what is stated?",
        "cost": "'cost' is for errors that cost 3 on one side and 1 on the other. Is that what is "
        "stated?",
    }[chosen]


def _score(who, metric, winner, score):
    table = _table()
    expect.is_a(score, float, f"{who!r}: the score {score!r} is not a number.")
    value, best = float(score), table[metric].idxmin()
    own = float(table.loc[winner, metric])
    if math.isclose(value, own, rel_tol=0.01):
        expect.true(
            winner == best,
            f"{who!r}: that is the score of {winner}, and another forecast has a lower one.",
        )
        return
    expect.true(
        not math.isclose(value, len(_forecasts()) * own, rel_tol=0.01),
        f"{who!r}: that is the sum over all shops; the average of a shop is asked for.",
    )
    if metric == "mape":
        expect.true(
            not math.isclose(value, 100 * own, rel_tol=0.01),
            f"{who!r}: the score is in per cent; a share is asked for.",
        )
    if metric == "rmse":
        expect.true(
            not math.isclose(value, own**2, rel_tol=0.01),
            f"{who!r}: the score is in squared loaves; the root is missing.",
        )
    raise expect.Wrong(
        f"{who!r}: {value:.4g} is not the {metric!r} of {winner} on these shops."
        + (
            " Which side costs 3: a loaf that is missing, or one that is left over?"
            if metric == "cost"
            else " What is an error divided by?"
            if metric == "mape"
            else ""
        )
    )
