"""What the card of `store_items` says is planted is in the sales, at both scales."""

from __future__ import annotations

import pandas as pd
import pytest

from lakebook.datasets import load


@pytest.fixture(scope="module", params=["small", "full"])
def sales(request):
    return load("store_items", request.param)


@pytest.fixture(scope="module")
def usual(sales):
    """Return the sales of stores and items without a plant of their own."""
    return sales[(sales["store"] != 2) & (sales["item"] != 2)]


def test_the_small_scale_is_a_corner_of_the_full_one():
    small, full = load("store_items"), load("store_items", "full")
    assert (len(small), len(full)) == (17_532, 913_000)
    both = full.merge(small, on=["date", "store", "item"], suffixes=("", "_small"))
    assert len(both) == len(small) and (both["sales"] == both["sales_small"]).all()


def test_every_store_and_item_has_each_day_once(sales):
    days = sales["date"].nunique()
    assert (sales.groupby(["store", "item"])["date"].agg(["size", "nunique"]) == days).all(None)


def test_mondays_are_low_and_sundays_high(usual):
    week = usual.groupby(usual["date"].dt.dayofweek)["sales"].mean() / usual["sales"].mean()
    assert week[0] == pytest.approx(0.80, abs=0.02)
    assert week[6] == pytest.approx(1.15, abs=0.02)


def test_july_is_the_peak_and_january_the_low(usual):
    year = usual.groupby(usual["date"].dt.month)["sales"].mean() / usual["sales"].mean()
    assert (year.idxmax(), year.idxmin()) == (7, 1)
    assert year[7] == pytest.approx(1.3, abs=0.03) and year[1] == pytest.approx(0.7, abs=0.03)


def test_sales_rise_but_those_of_item_two_turn_in_2024(usual, sales):
    def growth(frame, of):
        yearly = frame.groupby(frame["date"].dt.year)["sales"].mean()
        return yearly[of] / yearly[of - 1] - 1

    assert growth(usual, 2025) == pytest.approx(0.06, abs=0.02)
    turning = sales[(sales["item"] == 2) & (sales["store"] != 2)]
    assert growth(turning, 2023) == pytest.approx(0.06, abs=0.03)
    assert growth(turning, 2025) == pytest.approx(-0.12, abs=0.03)


def test_store_two_alone_is_closed_on_federal_holidays_and_only_then(sales):
    import holidays

    observed = "observed"
    years = sales["date"].dt.year.unique()
    days = {day for day, name in holidays.US(years=years).items() if observed not in name}
    closed = sales[sales["sales"] == 0]
    of_store = closed[closed["store"] == 2].groupby("date")["item"].nunique()
    shut = of_store[of_store == sales["item"].nunique()].index
    assert {day.date() for day in shut} == {
        day for day in days if day <= sales["date"].max().date()
    }
    assert len(closed[closed["store"] != 2]) < 0.001 * len(sales)
    assert pd.Timestamp("2024-07-04") in shut
