"""Values on their way into SQLite, Python and JSON, and back: the very same."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import os
import sqlite3
import time

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakebook.ml.feature_engineering.errors import FeatureError
from lakebook.ml.feature_engineering.online import types
from lakebook.ml.feature_engineering.online.codec import codec

EXAMPLES = settings(max_examples=300, deadline=None, derandomize=True)
SCALARS = {
    "tinyint": st.integers(-128, 127),
    "smallint": st.integers(-(2**15), 2**15 - 1),
    "int": st.integers(-(2**31), 2**31 - 1),
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(width=32),
    "double": st.floats(),
    "boolean": st.booleans(),
    "string": st.text(),
    "binary": st.binary(),
    "date": st.dates(),
    "timestamp_ntz": st.datetimes(),
    "timestamp": st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1)),
    "decimal(5,2)": st.decimals(-999, 999, places=2, allow_nan=False),
}


def around(pair):
    """Return strategies of (type, values) for the types that hold one of (type, values)."""
    kind, values = pair
    maybe = st.none() | values
    return st.sampled_from(
        [
            (f"array<{kind}>", st.lists(maybe, max_size=3)),
            (f"map<string,{kind}>", st.dictionaries(st.text(), maybe, max_size=3)),
            (f"struct<a:{kind},b:int>", st.tuples(maybe, st.integers(0, 9))),
        ]
    )


LEAVES = st.sampled_from(list(SCALARS.items()))
KINDS = st.recursive(LEAVES, lambda inner: inner.flatmap(around), max_leaves=3)


def told(value):
    """Return a value as text in which NaN equals NaN, and 0.0 neither -0.0 nor 0."""
    if isinstance(value, tuple | list):
        return [told(one) for one in value]
    if isinstance(value, dict):
        return {key: told(one) for key, one in value.items()}
    if isinstance(value, decimal.Decimal):
        return str(value + 0)  # a decimal of Spark has no negative zero
    if isinstance(value, dt.datetime):
        value = value.replace(fold=0)  # nor does a time tell the first 2 o'clock from the second
    return repr(value)


def through_sqlite(value):
    with sqlite3.connect(":memory:") as database:
        database.execute("CREATE TABLE t (v)")
        database.execute("INSERT INTO t VALUES (?)", (value,))
        ((kept,),) = database.execute("SELECT v FROM t")
    return kept


@EXAMPLES
@given(st.data())
def test_a_value_comes_back_from_sqlite_as_it_was(data):
    kind, values = data.draw(KINDS)
    value = data.draw(st.none() | values)
    kept = through_sqlite(codec(kind).store(value))
    assert told(codec(kind).load(kept)) == told(value)


@EXAMPLES
@given(st.data())
def test_a_value_comes_back_from_json_as_it_was(data):
    kind, values = data.draw(KINDS)
    kept = codec(kind).store(data.draw(st.none() | values))
    text = json.dumps(codec(kind).show(kept), allow_nan=False)
    assert told(codec(kind).take(json.loads(text))) == told(kept)


@EXAMPLES
@given(st.data())
def test_a_column_is_kept_as_its_values_are(data):
    kind, values = data.draw(KINDS)
    found = data.draw(st.lists(st.none() | values, max_size=4))
    converted = [codec(kind)._into(value) for value in found]
    column = codec(kind).column(pa.array(converted, type=codec(kind)._arrow))
    assert told(column) == told([codec(kind).store(value) for value in found])


def test_a_timestamp_is_an_instant_whatever_the_clock_of_this_machine():
    before = os.environ.get("TZ")
    try:
        os.environ["TZ"] = "Europe/Berlin"
        time.tzset()
        kept = codec("timestamp").take("2026-07-01T12:00:00Z")
        assert kept == codec("timestamp").take("2026-07-01T14:00:00+02:00")
        # As Spark hands it to Python, and takes it back: by the clock on the wall.
        assert codec("timestamp").load(kept) == dt.datetime(2026, 7, 1, 14)
        assert codec("timestamp").store(dt.datetime(2026, 7, 1, 14)) == kept
        # The hour that is there twice, told apart in JSON.
        first, second = "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"
        assert [codec("timestamp").show(codec("timestamp").take(t)) for t in (first, second)] == [
            first,
            second,
        ]
    finally:
        os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
        time.tzset()


@pytest.mark.parametrize(
    ("kind", "given", "shown"),
    [
        ("double", "NaN", "NaN"),
        ("double", 3, 3.0),
        ("bigint", 3.0, 3),
        ("decimal(10,2)", 1.1, "1.10"),
        ("decimal(38,18)", "0.000000000000000001", "1E-18"),
        ("timestamp", "2026-01-02 03:04:05", "2026-01-02T03:04:05Z"),
        ("map<int,date>", [[1, "2026-01-02"]], [[1, "2026-01-02"]]),
        ("struct<a:int,b:string>", {"a": 1}, {"a": 1, "b": None}),
    ],
)
def test_what_json_says_is_understood(kind, given, shown):
    assert codec(kind).show(codec(kind).take(given)) == shown


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("bigint", "3"),
        ("bigint", 2**63),
        ("bigint", 1.5),
        ("int", 2**31),
        ("int", True),
        ("double", "many"),
        ("boolean", 1),
        ("string", 1),
        ("string", "\ud800"),
        ("decimal(3,1)", 1000),
        ("decimal(3,1)", "NaN"),
        ("date", "2026-02-30"),
        ("timestamp", 1700000000),
        ("binary", "not base 64"),
        ("array<int>", {}),
        ("array<int>", ["a"]),
        ("map<string,int>", 5),
        ("struct<a:int>", {"c": 1}),
    ],
)
def test_a_value_of_another_type_is_refused_and_told(kind, given):
    with pytest.raises(ValueError) as caught:
        codec(kind).take(given)
    assert str(caught.value) == f"{given!r} is no {kind}"


@pytest.mark.parametrize("kind", ["interval day to second", "variant", "array<void>", "list<int>"])
def test_a_type_that_cannot_be_kept_is_named(kind):
    with pytest.raises(FeatureError, match="cannot be kept online"):
        types.parse(kind)


@EXAMPLES
@given(KINDS)
def test_a_type_is_read_from_its_name(pair):
    assert types.parse(pair[0]).simpleString() == pair[0]
