"""Exercises of day4/15_grouped_map."""

from functools import cache

import numpy as np
import pandas as pd
from scipy.stats import linregress

from lakebook.datasets import load
from lakebook.labs import exercise, expect

NO_LINE = ("S008", "S015", "S021", "S033")


@cache
def _shops() -> dict[str, pd.DataFrame]:
    sales = load("shop_prices")
    return {shop: group.sort_values("day") for shop, group in sales.groupby("shop")}


def _with_line() -> dict[str, pd.DataFrame]:
    return {shop: group for shop, group in _shops().items() if shop not in NO_LINE}


def _frame(column: str, values: dict[str, float]) -> pd.DataFrame:
    return pd.DataFrame({"shop": list(values), column: list(values.values())})


def _lift(average: str = "median", groups: dict[str, pd.DataFrame] | None = None) -> pd.DataFrame:
    lifts = {}
    for shop, group in (groups or _shops()).items():
        units = group.groupby("weekend")["units"].agg(average)
        lifts[shop] = units.get(True, np.nan) / units.get(False, np.nan)
    return _frame("lift", lifts)


@exercise(
    1,
    title="The weekend lift of each shop",
    hints=(
        "Write a function for the rows of one shop, and try it on one shop with pandas first.",
        "Inside the function, `group.groupby('weekend')['units'].median()` has one value for True "
        "and one for False; a new shop may lack one of them.",
        "`.get(True, np.nan)` of that series is safe where the weekend is missing. The schema is "
        "`shop string, lift double`.",
    ),
    wrong={
        "mean instead of median": lambda: _lift("mean"),
        "upside down": lambda: _lift().assign(lift=lambda frame: 1 / frame["lift"]),
        "difference instead of ratio": lambda: _frame(
            "lift",
            {
                shop: group[group["weekend"]]["units"].median()
                - group[~group["weekend"]]["units"].median()
                for shop, group in _shops().items()
            },
        ),
        "the shop without a weekend is lost": lambda: _lift().dropna(),
        "a lift of zero where there is none": lambda: _lift().fillna(0.0),
        "one number for the whole chain": lambda: pd.DataFrame(
            {"shop": list(_shops()), "lift": _lift(groups={"all": load("shop_prices")})["lift"][0]}
        ),
    },
)
def weekend_lift(answer):
    """A frame with one row a shop: shop, and lift (median weekend units over the other days')."""
    expect.columns(answer, ["shop", "lift"])
    found = _by_shop(answer, "lift")
    missing = sorted(set(_shops()) - set(found.index))
    expect.true(
        not missing,
        f"{len(missing)} of the shops have no row: {', '.join(missing[:3])}. A shop that cannot "
        "be judged keeps its row, with a null.",
    )
    expect.rows(answer, len(_shops()), "Some shops have more than one row; one each is asked for.")
    right = _lift().set_index("shop")["lift"]
    no_weekend = right.index[right.isna()]
    expect.true(
        found[no_weekend].isna().all(),
        "A shop that has not seen a weekend has a lift in your answer. Nothing was measured there, "
        "so it must be null, not a number.",
    )
    found = found[right.index]
    _unlike(found, _lift("mean"), "These are ratios of means; one hot Saturday moves a mean a lot.")
    _unlike(found, 1 / right, "This is upside down: weekdays are divided by weekends.")
    expect.true(
        found.dropna().nunique() > 1,
        "Every shop has the same value, so it was computed over all shops. Did the group reach "
        "your function?",
    )
    expect.true(
        _near(found, right),
        "The shops are right, the lifts are not. Take one shop and work out both medians by hand.",
    )


def _error_ahead(
    groups: dict[str, pd.DataFrame],
    *,
    held_out: bool = True,
    back_to_units: bool = True,
    of_last: bool = True,
) -> pd.DataFrame:
    errors = {}
    for shop, group in groups.items():
        past, last = group.iloc[:-28], group.iloc[-28:]
        seen = past if held_out else group
        line = linregress(np.log(seen["price"]), np.log(seen["units"]))
        judged = last if of_last else past
        predicted, actual = line.intercept + line.slope * np.log(judged["price"]), judged["units"]
        if back_to_units:
            predicted = np.exp(predicted)
        else:
            actual = np.log(actual)
        errors[shop] = (actual - predicted).abs().mean()
    return _frame("mae", errors)


def _unsorted() -> dict[str, pd.DataFrame]:
    sales = load("shop_prices")
    return {shop: group for shop, group in sales.groupby("shop") if shop not in NO_LINE}


@exercise(
    2,
    title="The error on days the model has not seen",
    hints=(
        "What does a group's order of rows promise? Look again at 'What the function receives'.",
        "Sort by day, then `iloc[:-28]` is the past and `iloc[-28:]` the days to predict.",
        "The line predicts the logarithm of units: `np.exp(line.intercept + line.slope * "
        "np.log(price))` is back in units, and there the error is asked for.",
    ),
    wrong={
        "last 28 rows of an unsorted group": lambda: _error_ahead(_unsorted()),
        "fitted on all days": lambda: _error_ahead(_with_line(), held_out=False),
        "error in logarithms": lambda: _error_ahead(_with_line(), back_to_units=False),
        "error on the days it was fitted on": lambda: _error_ahead(_with_line(), of_last=False),
    },
)
def error_ahead(answer):
    """A frame with one row a shop: shop, and mae (units, on its last 28 days)."""
    expect.columns(answer, ["shop", "mae"])
    right = _error_ahead(_with_line()).set_index("shop")["mae"]
    expect.rows(answer, len(right), f"There should be {len(right)} rows, one a shop.")
    found = _by_shop(answer, "mae")
    expect.true(set(found.index) == set(right.index), "These are not the shops of `long_enough`.")
    found = found[right.index]
    _unlike(
        found,
        _error_ahead(_with_line(), held_out=False),
        "The line was fitted on all days, so it has seen the 28 it is judged on.",
    )
    _unlike(
        found,
        _error_ahead(_with_line(), back_to_units=False),
        "These errors are in logarithms of units. Bring the prediction back to units first.",
    )
    _unlike(
        found,
        _error_ahead(_with_line(), of_last=False),
        "This is the error on the days the line was fitted on. It is asked for on the others.",
    )
    expect.true(
        _near(found, right),
        "The shops are right, the errors are not. Print the first and the last day of the 28 rows "
        "that you predict, for one shop.",
    )


def _sure(margin: float, groups: dict[str, pd.DataFrame] | None = None) -> list[str]:
    names = []
    for shop, group in (groups or _with_line()).items():
        line = linregress(np.log(group["price"]), np.log(group["units"]))
        if line.slope - margin * line.stderr > -1:
            names.append(shop)
    return sorted(names)


@exercise(
    3,
    title="Where a price rise surely pays",
    hints=(
        "The function must return more than the slope. What else, and what must the schema say?",
        "The elasticity may be lower than estimated by two standard errors; that lowest value "
        "has to clear −1.",
        "Return `line.slope - 2 * line.stderr` as a column, keep the rows above −1, collect "
        "the names and sort them.",
    ),
    wrong={
        "the estimate alone": lambda: _sure(0),
        "the hopeful end of the interval": lambda: _sure(-2),
        "one standard error": lambda: _sure(1),
        "the shops in which it does not pay": lambda: sorted(set(_with_line()) - set(_sure(0))),
        "not sorted": lambda: _sure(2)[::-1],
    },
)
def surely_pays(answer):
    """A sorted list of shop names."""
    expect.is_a(answer, list)
    expect.true(
        all(isinstance(name, str) for name in answer),
        "The list should hold the names as text; `row.shop` takes the name out of a row.",
    )
    right = _sure(2)
    expect.unlike(
        sorted(answer),
        _sure(0),
        "These are the shops whose estimate lies above −1. Some by less than its own uncertainty.",
    )
    expect.unlike(
        sorted(answer),
        _sure(-2),
        "These are the shops where a rise *might* pay. Move the estimate the other way.",
    )
    expect.unlike(sorted(answer), _sure(1), "One standard error is not two.")
    surplus = sorted(set(answer) - set(right))
    expect.true(
        not surplus,
        f"{len(surplus)} of these shops do not clear the line by two standard errors, for example "
        f"{''.join(surplus[:1])}.",
    )
    expect.true(set(answer) == set(right), "Some shops that clear the line are not in your list.")
    expect.equals(answer, right, "The shops are right; the list is not sorted, or repeats one.")


def _by_shop(answer, column: str) -> pd.Series:
    frame = answer if isinstance(answer, pd.DataFrame) else answer.toPandas()
    return frame.drop_duplicates("shop").set_index("shop")[column].astype(float)


def _near(found: pd.Series, right: pd.Series) -> bool:
    return bool(np.allclose(found, right, rtol=1e-6, equal_nan=True))


def _unlike(found: pd.Series, mistake: pd.DataFrame | pd.Series, message: str) -> None:
    if isinstance(mistake, pd.DataFrame):
        mistake = mistake.set_index("shop").iloc[:, 0]
    expect.true(not _near(found, mistake[found.index]), message)
