"""The target: what is left out of it, what is told, and what cannot be predicted."""

from __future__ import annotations

import decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakebook.ml.automl.errors import AutoMLError
from lakebook.ml.automl.target import prepare


def framed(values):
    return pd.DataFrame({"x": range(len(values)), "y": values})


def classify(values, pos_label=None):
    return prepare(framed(values), "y", "classify", pos_label)


def regress(values):
    return prepare(framed(values), "y", "regress")


def test_classes_are_sorted_counted_and_of_their_own_type():
    found = classify(["b", "a", "b", "b", "a", "b"])
    assert found.classes == ("a", "b")
    assert found.counts == {"a": 2, "b": 4}
    assert list(found.counts) == ["a", "b"]
    assert (found.imbalance, found.pos_label, found.messages) == (2.0, None, ())


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        ([1, 0, 1, 0], (0, 1)),
        ([True, False, True, False], (False, True)),
        ([1.5, 0.5, 1.5, 0.5], (0.5, 1.5)),
        (pd.Categorical(["b", "a", "b", "a"], categories=["b", "a", "never"]), ("a", "b")),
        (pd.Series([1, "a", 1, "a"], dtype=object), (1, "a")),
    ],
)
def test_classes_may_be_numbers_booleans_and_categories(values, classes):
    found = classify(values).classes
    assert found == classes
    assert [type(one) for one in found] == [type(one) for one in classes]


def test_rows_without_a_target_are_left_out_and_told():
    found = classify(["a", None, "b", "a", "b", None])
    assert found.frame["x"].tolist() == [0, 2, 3, 4]
    assert found.frame.index.tolist() == [0, 1, 2, 3]
    assert found.messages == ("2 of 6 rows are left out: their target 'y' is null",)


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        ([0, 1, None, 1, 0], (0, 1)),
        (pd.Series([True, None, False, True, False], dtype=object), (False, True)),
    ],
)
def test_null_does_not_change_the_type_of_the_classes(values, classes):
    found = classify(values)
    assert [repr(one) for one in found.classes] == [repr(one) for one in classes]
    assert found.frame["y"].dtype in ("int64", "bool")


def test_a_class_of_one_row_is_left_out_where_two_others_remain():
    found = classify(["a", "a", "b", "b", "rare"])
    assert found.classes == ("a", "b")
    assert len(found.frame) == 4
    assert found.messages == ("1 rows are left out: each is the only one of its class ('rare')",)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([None, None], "the target 'y' has no value in 2 rows"),
        (["a", "a", "a"], "the target 'y' is 'a' in every row"),
        (["a", "a", "b"], r"2 classes, and 1 of them \('b'\) have one row"),
        (np.linspace(0, 1, 150), "150 different numbers in 150 rows.*use regress"),
        (pd.date_range("2024-01-01", periods=4), "holds Timestamp values, which are no classes"),
        ([[1], [2], [1]], "holds list values, which are no classes"),
    ],
)
def test_a_target_without_classes_to_learn_is_refused(values, message):
    with pytest.raises(AutoMLError, match=message):
        classify(values)


def test_many_different_numbers_suggest_regression():
    values = list(range(150)) * 3
    found = classify(values)
    assert found.messages == (
        "the target 'y' has 150 different numbers; if they are amounts, use regress",
    )
    assert classify([str(one) for one in values]).messages == ()


@pytest.mark.parametrize(
    ("values", "pos_label", "found"),
    [
        (["no", "yes"] * 3, "yes", "yes"),
        ([0, 1] * 3, True, 1),
        ([False, True] * 3, 1, True),
        ([False, True] * 3, False, False),
    ],
)
def test_the_positive_class_is_returned_as_it_is_in_the_data(values, pos_label, found):
    positive = classify(values, pos_label).pos_label
    assert positive == found
    assert type(positive) is type(found)


@pytest.mark.parametrize(
    ("values", "pos_label", "message"),
    [
        (["no", "yes"] * 3, "Yes", "pos_label 'Yes' is not a class; the classes of 'y' are 'no', "),
        ([0, 1] * 3, "1", "pos_label '1' is not a class; as int, not str, it is one: give 1"),
        (["a", "b", "c"] * 3, "a", r"'y' has 3 classes \('a', 'b', 'c'\).*leave it out"),
        (["a", "b"] * 3 + ["rare"], "rare", "that class has one row and is left out"),
    ],
)
def test_a_positive_class_that_cannot_be_is_refused(values, pos_label, message):
    with pytest.raises(AutoMLError, match=message):
        classify(values, pos_label)


def test_a_missing_target_suggests_the_nearest_name():
    frame = pd.DataFrame({"Price": [1, 2], "size": [3, 4]})
    with pytest.raises(AutoMLError, match=r"target_col 'price' is not a column.*mean 'Price'"):
        prepare(frame, "price", "regress")
    with pytest.raises(AutoMLError, match=r"target_col 'qqq' is not a column.*are: Price, size"):
        prepare(frame, "qqq", "regress")


def test_amounts_keep_their_values_and_have_no_classes():
    found = regress([1, 2, 3])
    assert found.frame["y"].tolist() == [1, 2, 3]
    assert (found.classes, found.counts, found.imbalance) == ((), {}, 1.0)
    assert found.messages == ()


def test_infinite_and_missing_amounts_are_left_out_and_told():
    found = regress([1.0, np.inf, 2.0, -np.inf, None, 3.0])
    assert found.frame["y"].tolist() == [1.0, 2.0, 3.0]
    assert found.messages == (
        "1 of 6 rows are left out: their target 'y' is null",
        "2 of 5 rows are left out: their target 'y' is infinite",
    )


def test_numbers_as_text_are_made_numbers():
    found = regress(["1.5", " 2 ", "n/a", "3e1", "inf"])
    assert found.frame["y"].tolist() == [1.5, 2.0, 30.0]
    assert found.messages == (
        "the target 'y' holds numbers as text; they are made numbers",
        "1 of 5 rows are left out: their target 'y' is infinite",
        "1 of 5 rows are left out: their target 'y' says that it is missing",
    )


def test_decimals_are_numbers_without_a_word():
    found = regress([decimal.Decimal("1.5"), decimal.Decimal("2.5"), decimal.Decimal("4")])
    assert found.frame["y"].tolist() == [1.5, 2.5, 4.0]
    assert found.messages == ()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["1", "2", "three"], "not a number in 1 of 3 rows, for example 'three'.*use classify"),
        ([True, False, True], "is true or false, not a number; use classify"),
        (pd.Series([True, False], dtype=object), "is true or false"),
        (pd.date_range("2024-01-01", periods=3), "is not a number in 3 of 3 rows"),
        ([2.0, 2.0], r"is 2\.0 in every row"),
        ([np.inf, np.inf], "has no finite value in 2 rows"),
    ],
)
def test_a_target_that_is_no_amount_is_refused(values, message):
    with pytest.raises(AutoMLError, match=message):
        regress(values)


def test_two_different_amounts_suggest_classification():
    assert regress([0, 1, 0, 1]).messages == (
        "the target 'y' has two values, 0, 1; if they are classes, use classify",
    )


def test_a_positive_class_for_regression_is_refused():
    with pytest.raises(AutoMLError, match="pos_label is 1, but a number has no classes"):
        prepare(framed([1, 2, 3]), "y", "regress", 1)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["a", "b", "c", "d", None]), min_size=1, max_size=40))
def test_every_row_of_a_class_that_remains_is_kept_in_its_order(values):
    frame = framed(pd.Series(values, dtype=object))
    try:
        found = prepare(frame, "y", "classify")
    except AutoMLError:
        counts = pd.Series(values, dtype=object).value_counts()
        assert (counts > 1).sum() < 2
        return
    kept = frame[frame["y"].isin(found.classes)]
    assert found.frame["x"].tolist() == kept["x"].tolist()
    assert sum(found.counts.values()) == len(found.frame)
    assert min(found.counts.values()) > 1
