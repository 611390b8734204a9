"""Exercises of usecases/02_sales_trends."""

import inspect
import threading
from functools import cache

import numpy as np
import pandas as pd

from lakebook.datasets import load
from lakebook.labs import exercise, expect

WEEKS = [f"W{week}" for week in range(52)]
CAPACITY = 14 + 8 * np.exp(-(((np.arange(52) - 28) / 7) ** 2))
CAPACITY[2::4] -= 4
SOUTH = np.roll(CAPACITY, 24)


def _walk(a, b, weeks, *, squares=True, root=True, diagonal=True, last=(-1, -1)):
    n = len(a)
    cost = np.full((n + 1, n + 1), np.inf)
    cost[0, 0] = 0
    for i in range(1, n + 1):
        for j in range(max(1, i - weeks), min(n, i + weeks) + 1):
            apart = abs(a[i - 1] - b[j - 1])
            ways = [cost[i - 1, j], cost[i, j - 1]]
            if diagonal or i == j == 1:
                ways.append(cost[i - 1, j - 1])
            cost[i, j] = (apart**2 if squares else apart) + min(ways)
    return float(np.sqrt(cost[last])) if root else float(cost[last])


def _pairs():
    rng = np.random.default_rng(52)
    yield np.array([0.0, 1, 2, 1, 0, 0]), np.array([0.0, 0, 1, 2, 1, 0]), 1
    yield np.array([5.0, 1, 4, 2]), np.array([1.0, 5, 2, 4]), 1
    for weeks in (0, 1, 3, 20):
        yield rng.normal(size=20), rng.normal(size=20), weeks


@exercise(
    1,
    title="The walk itself",
    hints=(
        "Draw the table for two series of three values on paper: `cost[0, 0]` is 0 before the "
        "walk begins, the rest of row 0 and column 0 cannot be reached.",
        "A step arrives from the left, from below or along the diagonal; add the squared "
        "difference of the two weeks to the smallest of the three.",
        "In the inner loop `j` runs from `max(1, i - weeks)` to `min(n, i + weeks)`, both "
        "included; what is left out stays infinite.",
    ),
    wrong={
        "the sum without its root": lambda: lambda a, b, weeks: _walk(a, b, weeks, root=False),
        "absolute differences": lambda: (
            lambda a, b, weeks: _walk(a, b, weeks, squares=False, root=False)
        ),
        "no diagonal step": lambda: lambda a, b, weeks: _walk(a, b, weeks, diagonal=False),
        "no window": lambda: lambda a, b, weeks: _walk(a, b, len(a)),
        "a window one week too narrow": lambda: lambda a, b, weeks: _walk(a, b, max(weeks - 1, 0)),
        "a window one week too wide": lambda: lambda a, b, weeks: _walk(a, b, weeks + 1),
        "normalised inside": lambda: (
            lambda a, b, weeks: _walk((a - a.mean()) / a.std(), (b - b.mean()) / b.std(), weeks)
        ),
        "the ordinary distance": lambda: lambda a, b, weeks: float(np.linalg.norm(a - b)),
        "the last but one week": lambda: lambda a, b, weeks: _walk(a, b, weeks, last=(-2, -2)),
        "a number instead of a function": 1.5,
    },
)
def walk(answer):
    """A function (a, b, weeks) that returns the banded DTW distance of two arrays."""
    expect.true(callable(answer), "A function is asked for: hand over `banded` without calling it.")
    found = []
    for a, b, weeks in _pairs():
        distance = answer(a.copy(), b.copy(), weeks)
        expect.is_a(distance, float)
        found.append(float(distance))
    for slip, message in (
        ({"root": False}, "The table is right; take the square root of the sum at its end."),
        ({"squares": False, "root": False}, "You sum absolute differences; square them instead."),
        ({"squares": False}, "You sum absolute differences; square them instead."),
        ({"diagonal": False}, "The walk never takes the diagonal step, so it cannot keep pace."),
    ):
        _unlike_walk(found, message, **slip)
    ordinary = [float(np.linalg.norm(a - b)) for a, b, _ in _pairs()]
    expect.true(
        not np.allclose(found, ordinary),
        "This compares week 1 with week 1 and so on; nothing is warped.",
    )
    for shift, message in (
        (100, "The window has no effect: weeks that lie farther apart are compared as well."),
        (-1, "Weeks exactly `weeks` apart may still be compared; `range` leaves its end out."),
        (1, "Your window is one week wider than `weeks`."),
    ):
        mistake = [_walk(a, b, max(weeks + shift, 0)) for a, b, weeks in _pairs()]
        expect.true(not np.allclose(found, mistake), message)
    expect.true(
        not np.isinf(found).any(),
        "A distance is infinite: the walk cannot reach the last week. Where does it begin?",
    )
    a, b, _ = next(_pairs())
    expect.close(
        answer(a, a, 1), 0, 1e-9, "The distance of a series to itself is not 0 in your answer."
    )
    right = [_walk(a, b, weeks) for a, b, weeks in _pairs()]
    level = answer(a + 10, b, 1)
    expect.true(
        np.isclose(level, _walk(a + 10, b, 1)) or not np.isclose(level, answer(a, b, 1)),
        "Your function normalises the series. Here they are compared as they are given.",
    )
    expect.true(
        np.allclose(found, right),
        "Some distances are right and some are not, or none is. Print the table `cost` for "
        "[5, 1, 4, 2] and [1, 5, 2, 4] with one week, and check it by hand.",
    )


def _unlike_walk(found, message, **slip):
    mistake = [_walk(a, b, weeks, **slip) for a, b, weeks in _pairs()]
    expect.true(not np.allclose(found, mistake), message)


@cache
def _sales():
    return load("sales_weekly").set_index("Product_Code")


def _z(series):
    return (series - series.mean()) / (series.std() or 1)


def _distance(pattern, row, weeks=2, *, normalised=True):
    from dtaidistance import dtw

    a, b = (_z(pattern), _z(row)) if normalised else (pattern, row)
    return dtw.distance_fast(a, b, window=weeks + 1, use_pruning=False)


def _shapes(pattern=SOUTH, weeks=2, *, normalised=True):
    found = [
        _distance(pattern, row, weeks, normalised=normalised) for row in _sales().to_numpy(float)
    ]
    return pd.Series(found, _sales().index)


def _shortlist(shape=None, *, pattern=SOUTH, of_shape=True, of_level=True, share=0.6):
    shape = _shapes() if shape is None else shape
    level = _sales().mean(axis=1)
    keep = pd.Series(True, shape.index)
    if of_shape:
        keep &= shape < share * shape.median()
    if of_level:
        keep &= (level / pattern.mean() - 1).abs() <= 0.2
    return shape[keep].sort_values().index.tolist()


@exercise(
    2,
    title="The sister factory",
    hints=(
        "Two questions, two columns: the distance in shape and the average of the 52 weeks. Work "
        "both out for every product before you filter.",
        "`distance(south, row, weeks=2)` of the demonstration normalises and counts weeks as the "
        "exercise does. The median is that of *these* distances, over all products.",
        "With two series indexed by product code, `shape[right_shape & right_level]` keeps what "
        "passes both; `sort_values().index.tolist()` makes the list.",
    ),
    wrong={
        "shape alone": lambda: _shortlist(of_level=False),
        "level alone": lambda: _shortlist(of_shape=False),
        "not normalised": lambda: _shortlist(_shapes(normalised=False)),
        "the other factory": lambda: _shortlist(_shapes(CAPACITY)),
        "no waiting": lambda: _shortlist(_shapes(weeks=0)),
        "farthest first": lambda: _shortlist()[::-1],
        "sorted by code": lambda: sorted(_shortlist()),
        "one is forgotten": lambda: _shortlist()[:2],
        "the median itself as the limit": lambda: _shortlist(share=1),
        "codes as a frame": lambda: pd.DataFrame({"product": _shortlist()}),
    },
)
def sister_factory(answer):
    """A list of product codes, the nearest in shape first."""
    expect.is_a(answer, list)
    unknown = [code for code in answer if code not in _sales().index]
    expect.true(
        not unknown,
        f"The list should hold product codes such as 'P7'; {unknown[:1]} is none.",
    )
    found = set(answer)
    level, right = _sales().mean(axis=1), _shortlist()
    for mistake, message in (
        (
            _shortlist(of_shape=False),
            "Every product of the right level is in this list, so the limit of shape lets all of "
            "them pass. Is it there, and are both series normalised?",
        ),
        (
            _shortlist(_shapes(CAPACITY)),
            "These fit the factory of the demonstration. Compare with `south`.",
        ),
        (
            _shortlist(_shapes(weeks=0)),
            "Products that sell the right shape one or two weeks late are missing. May the walk "
            "wait in your distance?",
        ),
    ):
        expect.true(found != set(mistake) or found == set(right), message)
    off = [code for code in answer if abs(level[code] / SOUTH.mean() - 1) > 0.2]
    expect.true(
        not off,
        f"{len(off)} of these sell too much or too little for the factory, for example "
        f"{''.join(off[:1])}. A small distance in shape says nothing about the level.",
    )
    surplus = [code for code in answer if code not in right]
    expect.true(
        not surplus,
        f"{len(surplus)} of these have the right level and another shape, for example "
        f"{''.join(surplus[:1])}. Check limit and window: two weeks, 60 % of the median.",
    )
    missing = len(set(right) - found)
    expect.true(not missing, f"{missing} of the products that pass both limits are missing.")
    expect.equals(
        answer, right, "The products are right. The nearest in shape should come first, each once."
    )


def _screen(
    *,
    weeks=2,
    normalised=True,
    guarded=True,
    by_position=False,
    of_level=True,
    of_shape=True,
    in_order=True,
    text=False,
    lock=False,
):
    """Return a PythonModel that makes the given mistakes, and none without arguments."""
    import mlflow

    class Screen(mlflow.pyfunc.PythonModel):
        def __init__(self):
            if lock:
                self.lock = threading.Lock()

        def predict(self, context, model_input: pd.DataFrame) -> pd.DataFrame:
            picked = model_input.iloc[:, 1:53] if by_position else model_input[WEEKS]
            apart = []
            for row in picked.apply(pd.to_numeric, errors="coerce").fillna(0).to_numpy(float):
                flat = not guarded and row.std() == 0
                apart.append(
                    np.nan if flat else _distance(CAPACITY, row, weeks, normalised=normalised)
                )
            level = model_input[WEEKS].mean(axis=1).to_numpy()
            fits = np.full(len(level), True)
            if of_shape:
                fits &= np.array(apart) <= 4
            if of_level:
                fits &= np.abs(level / CAPACITY.mean() - 1) <= 0.2
            frame = pd.DataFrame(
                {
                    "product": model_input["Product_Code"].to_numpy(),
                    "distance": apart,
                    "fits": np.where(fits, "yes", "no") if text else fits,
                }
            )
            return frame if in_order else frame.sort_values("distance")

    return Screen()


def _class_instead():
    return type(_screen())


@exercise(
    3,
    title="A model that decides",
    hints=(
        "Begin with the model of the demonstration: what does it return, and which column is "
        "missing? Your class may use `distance`, `WEEKS` and `capacity` of this notebook.",
        "Pick the weeks by name, `model_input[WEEKS]`, and nothing depends on the order of the "
        "columns. `.to_numpy(float)` gives one row of 52 numbers for each product.",
        "`fits` is `(apart <= 4) & right_level` for two NumPy arrays, with the level as "
        "`np.abs(weekly.mean(axis=1) / capacity.mean() - 1) <= 0.2`.",
    ),
    wrong={
        "level forgotten": lambda: _screen(of_level=False),
        "shape forgotten": lambda: _screen(of_shape=False),
        "not normalised": lambda: _screen(normalised=False),
        "the library's window taken for weeks": lambda: _screen(weeks=1),
        "nan for a product without a shape": lambda: _screen(guarded=False),
        "columns by position": lambda: _screen(by_position=True),
        "rows in another order": lambda: _screen(in_order=False),
        "yes and no as text": lambda: _screen(text=True),
        "holds what cannot be stored": lambda: _screen(lock=True),
        "the class instead of an instance": lambda: lambda: None,
        "a class": lambda: _class_instead(),
    },
)
def screen(answer):
    """A PythonModel: product, distance and fits for each row, in the order of the input."""
    import cloudpickle

    expect.true(
        not isinstance(answer, type), "This is the class. Make an instance: `screen = Screen()`."
    )
    expect.is_a(answer, "mlflow.pyfunc.PythonModel")
    asked = _careless()
    found = _predicted(answer, asked)
    expect.columns(found, ["product", "distance", "fits"])
    expect.rows(found, len(asked), "There should be one row for each row of the input.")
    expect.true(
        list(found["product"]) == list(asked["Product_Code"]),
        "The rows are not in the order of the input; a caller could not tell which is whose.",
    )
    flat = (asked["Product_Code"] == "flat").to_numpy()
    apart = found["distance"].astype(float).to_numpy()
    expect.true(
        not np.isnan(apart[flat]).any(),
        "A product that sells the same every week gets no distance (nan): its spread is 0. "
        "`z` of the demonstration divides by 1 there.",
    )
    right = np.array([_distance(CAPACITY, row) for row in asked[WEEKS].to_numpy(float)])
    if not np.allclose(apart, right):
        _say_why(answer, apart, asked)
    expect.true(
        all(isinstance(value, (bool, np.bool_)) for value in found["fits"]),
        "`fits` should be True or False; text or numbers would have to be understood by callers.",
    )
    level = np.abs(asked[WEEKS].mean(axis=1).to_numpy() / CAPACITY.mean() - 1) <= 0.2
    fits = found["fits"].astype(bool).to_numpy()
    for mistake, message in (
        (right <= 4, "A product of the right shape that sells three times as much cannot fit."),
        (level, "A product of the right level and another shape cannot fit."),
        ((right <= 4) | level, "Both conditions must hold; one of them is enough in your answer."),
    ):
        expect.true(not np.array_equal(fits, mistake), message)
    expect.true(
        np.array_equal(fits, (right <= 4) & level),
        "The distances are right, `fits` is not for some. Check both limits: 4, and 20 % of "
        "the average capacity.",
    )
    try:
        cloudpickle.dumps(answer)
    except Exception as error:
        expect.true(
            False,
            f"The model works here and cannot be stored for another process: {error}. What does "
            "it hold on to?",
        )


def _say_why(answer, apart, asked):
    tidy = asked[["Product_Code", *WEEKS]]
    right = np.array([_distance(CAPACITY, row) for row in asked[WEEKS].to_numpy(float)])
    expect.true(
        not np.allclose(_predicted(answer, tidy)["distance"].astype(float), right),
        "With tidy columns the distances are right; here the columns come in another order. "
        "Pick the weeks by name.",
    )
    rows = asked[WEEKS].to_numpy(float)
    raw = [_distance(CAPACITY, row, normalised=False) for row in rows]
    expect.true(
        not np.allclose(apart, raw), "These distances are of units as sold; normalise both series."
    )
    for weeks in (0, 1, 3):
        other = [_distance(CAPACITY, row, weeks) for row in rows]
        expect.true(
            not np.allclose(apart, other),
            f"The window of your model is {weeks} weeks wide instead of two. The library counts "
            "the diagonal as well.",
        )
    expect.true(
        False,
        "The distances are not those to `capacity` within two weeks. Compare one of them with "
        "`distance(capacity, row, weeks=2)`.",
    )


def _predicted(answer, frame):
    names = list(inspect.signature(answer.predict).parameters)
    frame = frame.copy()
    return answer.predict(None, frame) if len(names) > 1 else answer.predict(frame)


@cache
def _careless():
    """Return products to judge, with shuffled columns, one too many, and an index of its own."""
    rows = {
        "twin": CAPACITY,
        "late": np.roll(CAPACITY, 2),
        "thrice": 3 * CAPACITY,
        "flat": np.full(52, 15.0),
        "autumn": np.roll(CAPACITY, 8),
        "mirror": 30 - CAPACITY,
    }
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=WEEKS)
    frame = pd.concat([frame, _sales().loc[["P118", "P202", "P246", "P390", "P5", "P6"]]])
    frame = frame.rename_axis("Product_Code").reset_index()
    frame["remark"] = "from the spreadsheet"
    columns = np.random.default_rng(3).permutation(frame.columns)
    return frame[columns].set_index(pd.Index(range(100, 100 + len(frame))))
