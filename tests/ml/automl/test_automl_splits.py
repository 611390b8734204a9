"""The split of rows: its shares, its order, and what cannot split them; and their weights."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakebook.ml.automl.errors import AutoMLError
from lakebook.ml.automl.splits import PARTS, split, weights


def framed(values, **columns):
    return pd.DataFrame({"y": values, **columns})


def shares(parts):
    return parts.value_counts(normalize=True).reindex(PARTS).round(2).tolist()


def by_column(values, kind="regress"):
    return split(framed(np.arange(len(values)), part=values), "y", kind, split_col="part", seed=1)


def by_time(values):
    return split(framed(np.arange(len(values)), t=values), "y", "regress", time_col="t", seed=1)


def test_rows_are_split_60_20_20_and_the_same_for_the_same_seed():
    frame = framed(np.arange(1000.0))
    parts, messages = split(frame, "y", "regress", seed=7)
    assert shares(parts) == [0.6, 0.2, 0.2]
    assert messages == ()
    assert parts.equals(split(frame, "y", "regress", seed=7)[0])
    assert not parts.equals(split(frame, "y", "regress", seed=8)[0])


def test_the_parts_do_not_follow_the_order_of_the_rows():
    parts, _ = split(framed(np.arange(1000.0)), "y", "regress", seed=7)
    assert shares(parts[:500]) != [0.6, 0.2, 0.2]
    assert 450 < parts[parts == "test"].index.to_numpy().mean() < 550


@settings(max_examples=80, deadline=None)
@given(counts=st.lists(st.integers(2, 60), min_size=2, max_size=12), seed=st.integers(0, 2**32 - 1))
def test_every_class_has_its_share_of_every_part_and_no_row_is_lost(counts, seed):
    labels = np.repeat([f"c{i}" for i in range(len(counts))], counts)
    frame = framed(np.random.default_rng(seed).permutation(labels))
    frame.index = frame.index[::-1] * 3
    if len(frame) < 10:
        return
    parts, messages = split(frame, "y", "classify", seed=seed)
    assert parts.index.equals(frame.index)
    assert parts.isin(PARTS).all()
    assert messages == ()
    for rows, of in [
        (len(frame), parts),
        *((n, parts[frame["y"] == f"c{i}"]) for i, n in enumerate(counts)),
    ]:
        found = of.value_counts().reindex(PARTS, fill_value=0)
        assert found["train"] >= 1
        assert abs(found["train"] - 0.6 * rows) <= 1
        assert abs(found["validate"] - 0.2 * rows) <= 1
        assert abs(found["test"] - 0.2 * rows) <= 1


def test_a_class_of_one_row_is_trained_on():
    frame = framed(["a"] * 12 + ["rare"] + ["b"] * 12)
    for seed in range(5):
        assert split(frame, "y", "classify", seed=seed)[0][12] == "train"


@pytest.mark.parametrize("options", [{}, {"time_col": "t"}, {"split_col": "part"}])
def test_fewer_than_ten_rows_are_refused(options):
    frame = framed(range(9), t=range(9), part=["train", "validate", "test"] * 3)
    with pytest.raises(AutoMLError, match="9 rows are too few for training, validation and test"):
        split(frame, "y", "regress", **options, seed=1)


@pytest.mark.parametrize("argument", ["time_col", "split_col"])
def test_a_column_to_split_by_has_to_exist_and_not_be_the_target(argument):
    frame = framed(range(20), moment=range(20))
    with pytest.raises(AutoMLError, match=f"{argument} 'momnet' is not.*did you mean 'moment'"):
        split(frame, "y", "regress", **{argument: "momnet"}, seed=1)
    with pytest.raises(AutoMLError, match=f"{argument} 'y' is the target"):
        split(frame, "y", "regress", **{argument: "y"}, seed=1)


# -- by a column


def test_the_split_column_is_followed():
    values = ["test", "train", "train", "validate"] * 5
    parts, messages = by_column(values)
    assert parts.tolist() == values
    assert messages == ()
    assert by_column(pd.Categorical(values))[0].tolist() == values


def test_rows_with_another_value_are_ignored_and_told_as_on_the_platform():
    values = ["train", "validate", "test", "holdout", None] * 5
    parts, messages = by_column(values)
    assert parts.index.tolist() == [i for i in range(25) if i % 5 < 3]
    assert messages == (
        "5 rows are ignored: their split_col 'part' is 'holdout', not one of 'train', 'validate', "
        "'test'",
        "5 rows are ignored: their split_col 'part' is null",
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["train", "valid", "test"], "has no row with 'validate'.*write 'validate' for 'valid'"),
        (["Train", "Validate", "Test"], "has no row with 'train'.*write 'train' for 'Train'"),
        (
            ["train", "test"],
            "has no row with 'validate'; it needs 'train', 'validate', 'test': its",
        ),
        ([0, 1, 2], "has no row with 'train'.*its values are 0, 1, 2"),
        ([None], "has no row with 'train'.*its values are null"),
    ],
)
def test_a_split_column_without_one_of_the_parts_is_refused(values, message):
    with pytest.raises(AutoMLError, match=f"split_col 'part' {message}"):
        by_column(values * 10)


def test_the_split_column_wins_over_the_time_column_and_this_is_told():
    values = ["test", "train", "validate"] * 5
    frame = framed(np.arange(15), part=values, t=np.arange(15))
    parts, messages = split(frame, "y", "regress", time_col="t", split_col="part", seed=1)
    assert parts.tolist() == values
    assert messages == ("rows are split by split_col 'part', not in the order of 't'",)


def test_a_class_that_only_comes_later_is_told_and_training_on_one_class_refused():
    def of(values):
        return split(framed(values, t=range(len(values))), "y", "classify", time_col="t", seed=1)

    assert of(["a", "b"] * 8 + ["new"] * 4)[1] == (
        "no row of training is of the class 'new', so it is never predicted",
    )
    with pytest.raises(AutoMLError, match="all rows of training are of the class 'a'"):
        of(["a"] * 12 + ["b"] * 8)


# -- by time


@pytest.mark.parametrize(
    "times",
    [
        pd.date_range("2024-01-01", periods=100),
        pd.date_range("2024-01-01", periods=100, tz="Asia/Tokyo"),
        [dt.date(2024, 1, 1) + dt.timedelta(i) for i in range(100)],
        [f"{i % 28 + 1:02}.{i // 28 + 1:02}.2024" for i in range(100)],
        list(range(2000, 2100)),
        [str(i) for i in range(50, 150)],
    ],
)
def test_the_oldest_rows_train_and_the_newest_test(times):
    order = np.random.default_rng(3).permutation(100)
    parts, messages = by_time(pd.Series(times).iloc[order].reset_index(drop=True))
    assert messages == ()
    by_age = parts.iloc[np.argsort(order)]
    assert by_age.tolist() == ["train"] * 60 + ["validate"] * 20 + ["test"] * 20


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(0, 12)), min_size=1, max_size=80))
def test_rows_of_one_moment_stay_together_and_only_those_without_time_are_lost(times):
    times = pd.Series(times, dtype="float64")
    try:
        parts, _ = by_time(times)
    except AutoMLError:
        assert times.notna().sum() < 10 or times.nunique() < 3
        return
    assert parts.index.equals(times.dropna().index)
    assert set(parts) == set(PARTS)
    found = times[parts.index].groupby(parts).agg(["min", "max"])
    assert found.loc["train", "max"] < found.loc["validate", "min"]
    assert found.loc["validate", "max"] < found.loc["test", "min"]


def test_rows_without_a_time_are_ignored_and_told():
    times = [f"2024-01-{i % 20 + 1:02}" for i in range(60)]
    times[3] = None
    times[7] = "soon"
    parts, messages = by_time(times)
    assert len(parts) == 58
    assert messages == ("2 rows are ignored: their time_col 't' is null or no time",)


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (["soon", "late"] * 6, "has values that are no time, for example 'soon'"),
        ([True, False] * 6, "is true or false"),
        ([None] * 12, "has no value in 12 rows"),
        ([1, 2] * 6, "has 2 different times, and each of the three parts needs one"),
    ],
)
def test_a_column_that_holds_no_time_is_refused(times, message):
    with pytest.raises(AutoMLError, match=f"time_col 't' {message}"):
        by_time(times)


# -- weights


def test_weights_are_returned_as_floats():
    frame = framed([1, 2, 3], w=["1", "2.5", "0"])
    assert weights(frame, "w").tolist() == [1.0, 2.5, 0.0]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, None, None], "is null in 2 of 3 rows, the first at position 1"),
        ([1.0, -2.0, 1.0], "is negative in 1 of 3 rows"),
        ([1.0, np.inf, 1.0], "is no finite number in 1 of 3 rows"),
        (["a", "b", "c"], "is no finite number in 3 of 3 rows"),
        ([0, 0, 0], "is 0 in every row"),
    ],
)
def test_weights_that_cannot_weigh_are_refused(values, message):
    with pytest.raises(AutoMLError, match=f"sample_weight_col 'w' {message}"):
        weights(framed([1, 2, 3], w=values), "w", "y")


def test_a_weight_column_has_to_be_another_one_that_exists():
    with pytest.raises(AutoMLError, match=r"sample_weight_col 'wieght' is not.*mean 'weight'"):
        weights(framed([1, 2], weight=1), "wieght", "y")
    with pytest.raises(AutoMLError, match="sample_weight_col 'y' is the target"):
        weights(framed([1, 2]), "y", "y")
