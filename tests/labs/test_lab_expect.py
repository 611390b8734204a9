"""Judgements: what holds is silent, what does not is named, and nothing is given away."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from lakebook.labs import expect
from lakebook.labs.expect import Wrong


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (5, int),
        (np.int64(5), int),
        (np.float32(0.5), float),
        (5, float),
        (True, bool),
        (np.True_, bool),
        ("a", str),
        ([1], (list, tuple)),
        (pd.DataFrame(), pd.DataFrame),
        (pd.DataFrame(), "pandas.DataFrame"),
    ],
)
def test_a_type_is_recognised_as_python_and_numpy_write_it(answer, kind):
    expect.is_a(answer, kind)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (True, int),
        (False, float),
        (np.True_, int),
        (np.True_, float),
        (1, bool),
        (5.0, int),
        ("5", int),
        (pd.Series([1]), "pandas.DataFrame"),
        (pd.DataFrame(), "pyspark.sql.DataFrame"),
    ],
)
def test_another_type_is_wrong_and_both_types_are_named(answer, kind):
    with pytest.raises(Wrong, match=r"^This is an? .* is asked for\.$"):
        expect.is_a(answer, kind)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (40, np.int64(40)),
        (40, 40.0),
        (0.5, Decimal("0.5")),
        (float("nan"), np.nan),
        ([1, 2], (1, 2)),
        ([1, 2], np.array([1, 2])),
        ({"a": [1]}, {"a": np.array([1])}),
        ({1, 2}, {2, 1}),
        (pd.Series([1.0, np.nan]), pd.Series([1.0, np.nan])),
    ],
)
def test_equal_values_are_equal_in_any_spelling(one, other):
    expect.equals(one, other, "no")
    with pytest.raises(Wrong, match="the mistake"):
        expect.unlike(one, other, "the mistake")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (True, 1),
        (0, False),
        (np.True_, 1),
        ("40", 40),
        ([1, 2], [2, 1]),
        ([1, 2], np.array([[1, 2]])),
        ({"a": 1}, {"a": True}),
        (None, 0),
        (pd.DataFrame({"a": [1]}), 1),
        (np.array([1, 2]), 1),
    ],
)
def test_other_values_are_not_equal(one, other):
    expect.unlike(one, other, "no")
    with pytest.raises(Wrong, match=r"^not this$"):
        expect.equals(one, other, "not this")


def test_a_number_is_close_within_its_tolerance_and_nan_never():
    expect.close(np.float32(0.51), 0.5, 0.011, "no")
    for answer in (0.52, float("nan"), float("inf")):
        with pytest.raises(Wrong, match=r"^too far$"):
            expect.close(answer, 0.5, 0.01, "too far")
    for answer in (True, "0.5", None, [0.5]):
        with pytest.raises(Wrong, match="a number is asked for"):
            expect.close(answer, 0.5, 1, "no")


def test_a_frame_is_judged_by_its_columns():
    frame = pd.DataFrame({"a": [1], "b": [2]})
    expect.columns(frame, ["b", "a"], only=True)
    expect.columns(frame, ["a"])
    with pytest.raises(Wrong, match="no column `c`"):
        expect.columns(frame, ["a", "c"])
    with pytest.raises(Wrong, match="the column `b`, which is not asked for"):
        expect.columns(frame, ["a"], only=True)
    with pytest.raises(Wrong, match="a DataFrame is asked for"):
        expect.columns({"a": [1]}, ["a"])


def test_a_frame_is_judged_by_the_number_of_its_rows():
    expect.rows(pd.DataFrame({"a": [1, 2]}), 2, "no")
    with pytest.raises(Wrong, match=r"^one is missing$"):
        expect.rows(pd.DataFrame({"a": [1, 2]}), 3, "one is missing")


ROWS = pd.DataFrame(
    {
        "shop": ["a", "a", "b", None],
        "sum": [0.1 + 0.2, 2.0, np.nan, 4.0],
        "day": pd.to_datetime(["2026-01-01", "2026-01-02", None, "2026-01-01"]),
    }
)


def test_the_same_rows_in_another_order_with_other_dust_are_the_same():
    shuffled = ROWS.iloc[[3, 1, 0, 2], [2, 0, 1]].assign(more=1)
    shuffled.loc[0, "sum"] = 0.3
    expect.same_rows(shuffled, ROWS, "no")


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.iloc[:3],
        lambda rows: pd.concat([rows, rows.iloc[:1]]),
        lambda rows: rows.assign(sum=rows["sum"].fillna(0.0)),
        lambda rows: rows.assign(sum=rows["sum"] * 1.001),
        lambda rows: rows.assign(shop=rows["shop"].fillna("b")),
        lambda rows: rows.assign(day=rows["day"] + pd.Timedelta(days=1)),
        lambda rows: rows.assign(sum=rows["sum"].astype(str)),
    ],
)
def test_other_rows_are_not_the_same(change):
    with pytest.raises(Wrong, match=r"^other rows$"):
        expect.same_rows(change(ROWS), ROWS, "other rows")


def test_a_condition_must_hold():
    expect.true(np.True_, "no")
    with pytest.raises(Wrong, match=r"^no$"):
        expect.true(np.False_, "no")


def test_an_answer_that_a_function_leaves_open_is_not_attempted():
    for judge in (
        lambda: expect.is_a(..., int),
        lambda: expect.equals(..., 1, "no"),
        lambda: expect.columns(..., ["a"]),
        lambda: expect.same_rows(..., ROWS, "no"),
    ):
        with pytest.raises(expect.NotAttempted):
            judge()


def test_spark_frames_are_judged_as_pandas_frames_are():
    from pyspark.sql import SparkSession

    from lakebook.runtime.session import get_spark

    shared = SparkSession.getActiveSession()
    spark = get_spark("tests")
    try:
        frame = spark.createDataFrame(
            [("b", None, [1.0, 2.0]), ("a", 0.3, [3.0])],
            "`the.shop` string, sum double, v array<double>",
        )
        expect.is_a(frame, "pyspark.sql.DataFrame")
        expect.columns(frame, ["the.shop", "sum", "v"], only=True)
        expect.rows(frame, 2, "no")
        expected = pd.DataFrame(
            {
                "the.shop": ["a", "b"],
                "sum": [0.1 + 0.2, np.nan],
                "v": [np.array([3.0]), np.array([1.0, 2.0])],
            }
        )
        expect.same_rows(frame, expected, "no")
        with pytest.raises(Wrong, match=r"^other$"):
            expect.same_rows(frame.limit(1), expected, "other")
        assert not expect._same(frame["sum"], 1)
    finally:
        if shared is None:
            spark.stop()
