"""What lab day4/15 promises of its data, at both scales, and of its checks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import linregress

from lakebook.datasets import load
from lakebook.labs import exercises


def slope(frame):
    return linregress(np.log(frame["price"]), np.log(frame["units"])).slope


@pytest.mark.parametrize("scale", ["small", "full"])
def test_sales_rise_with_the_price_over_all_shops_and_fall_in_each(scale):
    sales = load("shop_prices", scale)
    assert slope(sales) > 1
    moved = sales.groupby("shop").filter(
        lambda shop: len(shop) > 60 and shop["price"].nunique() > 1
    )
    own = moved.groupby("shop")[["price", "units"]].apply(slope)
    assert len(own) == sales["shop"].nunique() - 4
    assert own.max() < 0


def test_the_rows_are_in_no_order_so_that_sorting_matters():
    sales = load("shop_prices")
    ordered = sales.groupby("shop")["day"].apply(lambda days: days.is_monotonic_increasing)
    assert not ordered[ordered.index != "S033"].any()


def test_the_checks_accept_other_right_ways():
    judges = exercises.load("day4/15_grouped_map")
    sales = load("shop_prices")
    medians = sales.pivot_table(index="shop", columns="weekend", values="units", aggfunc="median")
    lift = (medians[True] / medians[False]).rename("lift").reset_index()
    judges[1](lift.sample(frac=1, random_state=1).assign(note="a further column"))
