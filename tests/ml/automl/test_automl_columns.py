"""Semantic types: what each column is taken for, and which columns are left out."""

from __future__ import annotations

import datetime as dt
import decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakebook.ml.automl import columns
from lakebook.ml.automl.columns import check_imputers, detect
from lakebook.ml.automl.errors import AutoMLError
from lakebook.ml.automl.values import MISSING, READABLE, to_category, to_date, to_number

ROWS = 200
RNG = np.random.default_rng(7)


def plan_of(values, name="x", **options):
    """The plan of a frame with this one column beside a usable one and the target."""
    values = pd.Series(list(values), dtype=getattr(values, "dtype", None)).reset_index(drop=True)
    other = np.random.default_rng(1).normal(size=len(values))
    frame = pd.DataFrame({name: values, "other": other, "y": other > 0})
    return detect(frame, "y", **options)


def column_of(values, name="x", **options):
    plan = plan_of(values, name, **options)
    assert name not in plan.dropped, plan.dropped
    return next(column for column in plan.columns if column.name == name)


def reason_of(values, name="x", **options):
    return plan_of(values, name, **options).dropped[name]


def cycled(*values, rows=ROWS):
    return [values[i % len(values)] for i in range(rows)]


@pytest.mark.parametrize(
    ("values", "kind", "convert"),
    [
        (RNG.normal(size=ROWS), "numeric", None),
        (RNG.integers(0, 90, ROWS), "numeric", None),
        (cycled(0, 1), "numeric", None),
        (cycled(1, 2, 3, 4, 5, rows=3000), "numeric", None),
        (cycled(True, False), "boolean", None),
        (pd.Series(cycled(True, False, None), dtype=object), "boolean", None),
        (cycled("low", "mid", "high"), "category", None),
        ([f"town {i % 60}" for i in range(ROWS)], "many_categories", None),
        ([str(i % 37 + 0.5) for i in range(ROWS)], "numeric", "number"),
        (pd.Series([decimal.Decimal(i % 9) / 2 for i in range(ROWS)]), "numeric", "number"),
        (pd.date_range("2024-01-01", periods=ROWS), "date", None),
        (pd.date_range("2024-01-01", periods=ROWS, tz="Europe/Berlin"), "date", None),
        ([dt.date(2024, 1, 1 + i % 28) for i in range(ROWS)], "date", "date"),
        ([f"2024-01-{1 + i % 28:02}" for i in range(ROWS)], "date", "date"),
        ([20240101 + i % 28 for i in range(ROWS)], "date", "date"),
        ([f"the service of visit {i} was very good" for i in range(ROWS)], "text", None),
        (cycled("I agree with all of it", "I do not agree at all"), "category", None),
        (cycled("yes", None), "category", None),
        (cycled(1.0, None), "category", "category"),
    ],
)
def test_a_column_is_taken_for_what_a_reader_takes_it(values, kind, convert):
    found = column_of(values)
    assert (found.kind, found.convert) == (kind, convert)


@pytest.mark.parametrize(
    ("text", "format", "first"),
    [
        ("2024-03-{:02}", "%Y-%m-%d", "2024-03-01"),
        ("2024-03-{:02} 10:30:00", "ISO8601", "2024-03-01 10:30"),
        ("2024-03-{:02}T10:30:00+02:00", "ISO8601", "2024-03-01 08:30"),
        ("{:02}.03.2024", "%d.%m.%Y", "2024-03-01"),
        ("03/{:02}/2024", "%m/%d/%Y", "2024-03-01"),
        ("{:02}/03/2024 14:00", "%d/%m/%Y %H:%M", "2024-03-01 14:00"),
        ("{} March 2024", "%d %B %Y", "2024-03-01"),
        ("Mar {}, 2024", "%b %d, %Y", "2024-03-01"),
        ("202403{:02}", "%Y%m%d", "2024-03-01"),
        ("2024/03/{:02}", "%Y/%m/%d", "2024-03-01"),
    ],
)
def test_dates_written_as_text_are_read_by_a_named_format(text, format, first):
    values = pd.Series([text.format(1 + i % 28) for i in range(ROWS)])
    found = column_of(values)
    assert (found.kind, found.convert, found.format) == ("date", "date", format)
    assert to_date(values, found.format)[0] == pd.Timestamp(first)
    assert found.missing == 0


def test_codes_written_as_text_stay_the_text_that_they_are():
    found = column_of([str(i % 8 + 1) for i in range(ROWS)], "shop_id")
    assert (found.kind, found.convert, found.distinct) == ("category", None, 8)


def test_the_one_value_that_tells_day_from_month_decides():
    values = [f"{1 + i % 12:02}/{1 + i % 7:02}/2024" for i in range(3000)]
    values[1501] = "25/02/2024"
    assert column_of(values).format == "%d/%m/%Y"


def test_dates_that_can_be_read_either_way_are_told():
    plan = plan_of([f"{1 + i % 12:02}/{1 + i % 7:02}/2024" for i in range(ROWS)])
    assert any("day first or month first; %m/%d/%Y is taken" in one for one in plan.messages)


def test_codes_with_leading_zeros_stay_text():
    assert column_of([f"{i % 40:05}" for i in range(ROWS)]).kind == "many_categories"


def test_numbers_as_text_may_hold_markers_of_missing_values_and_a_few_slips():
    values = [str(i % 50) for i in range(ROWS)]
    values[:60] = cycled("", "NA", "n/a", "?", " - ", None, rows=60)
    values[60] = "12 kg"
    plan = plan_of(values)
    found = next(column for column in plan.columns if column.name == "x")
    assert (found.kind, found.convert, found.missing) == ("numeric", "number", 61)
    assert "column 'x' has 1 values that are no numbers, like '12 kg': now missing" in plan.messages


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("store_id", cycled(*range(1, 9))),
        ("storeKey", cycled(*range(1, 31))),
        ("zip", cycled(10115, 20095, 80331, 50667)),
        ("passengerid", cycled(*range(1, 9))),
        ("x", cycled(214, 377, 391, rows=2000)),
    ],
)
def test_whole_numbers_that_are_codes_become_categories(name, values):
    found = column_of(values, name)
    assert found.convert == "category"
    assert found.kind == ("category" if found.distinct <= 20 else "many_categories")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("x", cycled(50, 100, 250, rows=2000)),
        ("x", cycled(100, 200, 300, rows=2000)),
        ("x", cycled(2019, 2021, 2024, rows=2000)),
        ("x", cycled(214, 377, 391, rows=250)),
        ("rooms", cycled(1, 2, 5, 7, rows=2000)),
        ("paid", cycled(3, 5, 9, rows=2000)),
    ],
)
def test_few_whole_numbers_that_are_quantities_stay_numbers(name, values):
    assert column_of(values, name).kind == "numeric"


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("x", range(ROWS)),
        ("x", range(5000, 5000 - ROWS, -1)),
        ("x", np.random.default_rng(3).permutation(ROWS)),
        ("x", sorted(np.random.default_rng(3).choice(ROWS * 8, ROWS, replace=False))),
        ("customer_id", np.random.default_rng(3).permutation(10**6)[:ROWS]),
        ("OrderNumber", np.random.default_rng(3).permutation(10**6)[:ROWS].astype(float)),
        ("id", [5, 3, 9]),
        ("x", [f"user-{i}" for i in range(ROWS)]),
        ("uuid", ["a-1", "b-2", "c-3"]),
    ],
)
def test_identifiers_are_left_out_and_told(name, values):
    plan = plan_of(values, name)
    assert "names the row" in plan.dropped[name]
    assert any(one.startswith(f"column '{name}' is left out") for one in plan.messages)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("population", sorted(np.random.default_rng(3).integers(10**3, 10**8, ROWS))),
        ("year", range(1950, 2000)),
        ("income", np.random.default_rng(3).permutation(10**6)[:ROWS]),
        ("x", np.linspace(0, 1, ROWS)),
        ("x", range(8)),
    ],
)
def test_measurements_that_differ_in_every_row_are_kept(name, values):
    assert column_of(values, name).kind == "numeric"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([None] * ROWS, "has no value"),
        ([np.nan] * ROWS, "has no value"),
        (cycled("", "n/a", None), "has no value"),
        ([7] * ROWS, "is '7.0' wherever it has a value"),
        (["same"] * ROWS, "is 'same' wherever it has a value"),
        ([True] * ROWS, "is 'True' wherever it has a value"),
        ([[1, 2]] * ROWS, "holds values of type list"),
        ([{"a": 1}] * ROWS, "holds values of type dict"),
        ([b"x"] * ROWS, "holds values of type bytes"),
    ],
)
def test_columns_that_say_nothing_are_left_out(values, reason):
    assert reason in reason_of(values)


def test_copies_of_a_column_and_of_the_target_are_left_out():
    number = np.random.default_rng(2).integers(0, 50, ROWS)
    frame = pd.DataFrame(
        {
            "number": number,
            "again": number.astype(float),
            "leak": number % 2,
            "y": number % 2,
        }
    )
    plan = detect(frame, "y")
    assert [column.name for column in plan.columns] == ["number"]
    assert plan.dropped == {
        "again": "has the same values as 'number'",
        "leak": "has the same values as 'y'",
    }


def test_conversions_are_told_by_semantic_type():
    rows = range(ROWS)
    frame = pd.DataFrame(
        {
            "amount": [str(i % 37) for i in rows],
            "day": [f"2024-01-{1 + i % 28:02}" for i in rows],
            "shop_id": [i % 8 for i in rows],
            "note": [f"note number {i} of this customer" for i in rows],
            "y": [i % 2 for i in rows],
        }
    )
    assert detect(frame, "y").conversions == {
        "numeric": ["amount"],
        "datetime": ["day"],
        "categorical": ["shop_id"],
        "text": ["note"],
    }


def test_excluded_columns_and_those_kept_aside_are_not_used():
    frame = pd.DataFrame(
        {"a": RNG.normal(size=ROWS), "b": RNG.normal(size=ROWS), "t": range(ROWS), "y": 1}
    )
    plan = detect(frame, "y", exclude=["b"], keep_aside=["t"])
    assert [column.name for column in plan.columns] == ["a"]
    assert plan.dropped == {"b": "excluded by exclude_cols"}
    assert plan.messages == ()


@pytest.mark.parametrize(
    ("exclude", "message"),
    [
        (["Amuont"], "exclude_cols: 'Amuont' is not a column of the data; did you mean 'amount'?"),
        (["y"], "exclude_cols names 'y', which is the target"),
        ("amount", r"give a list: \['amount'\]"),
        (["amount"], "no column is left to predict 'y' from: 'amount' excluded by exclude_cols"),
    ],
)
def test_a_wrong_exclusion_is_refused_with_the_way_out(exclude, message):
    frame = pd.DataFrame({"amount": RNG.normal(size=ROWS), "y": RNG.normal(size=ROWS)})
    with pytest.raises(AutoMLError, match=message):
        detect(frame, "y", exclude=exclude)


def test_no_usable_column_names_the_reasons():
    frame = pd.DataFrame({"id": range(ROWS), "empty": None, "y": RNG.normal(size=ROWS)})
    with pytest.raises(AutoMLError, match=r"'id' is a whole number.*'empty' has no value"):
        detect(frame, "y")


@pytest.mark.parametrize(
    ("values", "said", "kind", "convert"),
    [
        (cycled(1, 2, 3), "categorical", "category", "category"),
        ([f"{i:05}" for i in range(ROWS)], "numeric", "numeric", "number"),
        ([str(i % 30) for i in range(ROWS)], "native", "many_categories", None),
        (cycled("good", "bad"), "text", "text", None),
        (list(range(ROWS)), "numeric", "numeric", None),
        ([f"user-{i}" for i in range(ROWS)], "categorical", "many_categories", None),
    ],
)
def test_an_annotation_decides(values, said, kind, convert):
    found = column_of(values, semantic_types={"x": said})
    assert (found.kind, found.convert) == (kind, convert)


@pytest.mark.parametrize("said", ["numeric", "datetime", "colour"])
def test_an_annotation_that_the_values_do_not_fit_is_refused(said):
    with pytest.raises(AutoMLError, match=f"column 'x' is annotated as '{said}'"):
        plan_of(cycled("red", "blue"), semantic_types={"x": said})


def imputing(imputers):
    frame = pd.DataFrame(
        {
            "amount": RNG.normal(size=ROWS),
            "colour": cycled("red", "blue"),
            "sold": pd.date_range("2024-01-01", periods=ROWS),
            "id": range(ROWS),
            "y": cycled(0, 1),
        }
    )
    return check_imputers(imputers, detect(frame, "y"))


def test_imputers_are_returned_with_their_fill_value():
    assert imputing(None) == {}
    assert imputing(
        {
            "amount": {"strategy": "constant", "fill_value": 0},
            "colour": "most_frequent",
            "sold": {"strategy": "most_frequent"},
        }
    ) == {
        "amount": ("constant", 0),
        "colour": ("most_frequent", None),
        "sold": ("most_frequent", None),
    }


@pytest.mark.parametrize(
    ("imputers", "message"),
    [
        ({"amuont": "mean"}, "imputers: 'amuont' is not a column of the data; did you mean 'am"),
        ({"id": "mean"}, r"column 'id' is not used \(is a whole number"),
        ({"amount": "average"}, "'amount' has the strategy 'average'; known are mean, median"),
        ({"amount": 0}, "'amount' has 0; give 'mean'"),
        ({"amount": {"fill_value": 0}}, "'amount' has {'fill_value': 0}; give 'mean'"),
        ({"colour": "median"}, "'median', but it is of the kind 'category'"),
        ({"sold": "mean"}, "'mean', but it is of the kind 'date'"),
        ({"amount": {"strategy": "constant"}}, "a fill_value belongs to the strategy 'constant'"),
        ({"amount": {"strategy": "mean", "fill_value": 1}}, "a fill_value belongs to"),
        (
            {"amount": {"strategy": "constant", "fill_value": "no"}},
            "'numeric' and cannot hold 'no'",
        ),
        ({"amount": {"strategy": "constant", "fill_value": None}}, "cannot hold None"),
    ],
)
def test_a_wrong_imputer_is_refused(imputers, message):
    with pytest.raises(AutoMLError, match=message):
        imputing(imputers)


def test_codes_become_text_without_a_point():
    assert to_category(pd.Series([1.0, None, 20.0])).tolist() == ["1", None, "20"]


cells = st.one_of(
    st.none(),
    st.integers(-(10**6), 10**6).map(str),
    st.floats(allow_nan=True, allow_infinity=True).map(str),
    st.sampled_from(sorted(MISSING)),
    st.dates().map(str),
    st.text(max_size=8),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(cells, min_size=1, max_size=60))
def test_a_conversion_loses_at_most_the_allowed_share_of_values(values):
    values = pd.Series(values, dtype=object)
    frame = pd.DataFrame({"x": values, "other": np.arange(len(values)) % 3 + 0.5, "y": "a"})
    try:
        plan = detect(frame, "y")
    except AutoMLError:
        return  # too few rows to leave any column
    known = values.dropna()
    known = known[~known.str.strip().str.lower().isin(MISSING)]
    for column in (one for one in plan.columns if one.name == "x"):
        if column.convert == "number":
            converted = to_number(values)
        elif column.convert == "date":
            converted = to_date(values, column.format)
        else:
            continue
        assert converted[known.index].notna().sum() >= READABLE * len(known)
        assert column.missing == converted.isna().sum()
        assert column.distinct == converted.nunique()


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_every_column_is_either_used_or_left_out_with_a_reason(data):
    rows = data.draw(st.integers(1, 40))
    kinds = [
        st.integers(-(2**40), 2**40),
        st.floats(),
        st.booleans(),
        st.text(max_size=5),
        st.dates(),
        st.one_of(st.integers(), st.text(max_size=3), st.none(), st.booleans()),
        st.decimals(allow_nan=False, allow_infinity=False),
        st.binary(max_size=3),
        st.lists(st.integers(), max_size=2),
    ]
    frame = pd.DataFrame({"y": ["a"] * rows})
    for number, kind in enumerate(kinds):
        values = data.draw(st.lists(st.one_of(st.none(), kind), min_size=rows, max_size=rows))
        frame[f"c{number}"] = pd.Series(values, dtype=object)
    try:
        plan = detect(frame, "y")
    except AutoMLError as error:
        assert "no column is left" in str(error)
        return
    used = [column.name for column in plan.columns]
    assert sorted([*used, *plan.dropped]) == sorted(set(frame.columns) - {"y"})


def test_many_rows_are_judged_in_seconds():
    rows = 200_000
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "number": rng.normal(size=rows),
            "as_text": rng.normal(size=rows).astype(str),
            "day": pd.date_range("2000-01-01", periods=rows, freq="min").astype(str),
            "town": rng.choice([f"town {i}" for i in range(500)], rows),
            "y": rng.integers(0, 2, rows),
        }
    )
    started = dt.datetime.now()
    kinds = {column.name: column.kind for column in columns.detect(frame, "y").columns}
    seconds = (dt.datetime.now() - started).total_seconds()
    assert kinds == {
        "number": "numeric",
        "as_text": "numeric",
        "day": "date",
        "town": "many_categories",
    }
    assert seconds < 20
