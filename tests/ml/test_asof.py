"""The as-of join against its definition, written down row by row in Python."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lakebook.ml.feature_engineering import asof
from lakebook.ml.feature_engineering.keys import Profile

BASE = datetime(2026, 3, 28, 22, tzinfo=UTC)  # clocks in Berlin go forward that night
FEW, MANY = Profile(1, 1.0), Profile(10**6, 1e6)
EXAMPLES = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

key = st.one_of(st.none(), st.integers(0, 3))
half_hours = st.one_of(st.none(), st.integers(0, 12))
value = st.one_of(st.none(), st.integers(-2, 2))
text = st.one_of(st.none(), st.sampled_from(["a", "b", ""]))
frame_rows = st.lists(st.tuples(key, text, half_hours), max_size=40)
table_rows = st.lists(st.tuples(key, text, half_hours, value, text), max_size=60)
windows = st.one_of(st.none(), st.integers(0, 12))


def moment(half_hour: int | None) -> datetime | None:
    return None if half_hour is None else BASE + timedelta(minutes=30 * half_hour)


def order(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what decides between rows of one key: time, then the values, null below everything."""
    *_, at, x, s = row
    return (at, (x is not None, x or 0), (s is not None, s or ""))


def by_definition(row: Any, table: Any, window: timedelta | None) -> tuple[Any, Any]:
    """Return the features of one row of the frame, from nothing but the definition."""
    first, second, at = row
    if first is None or second is None or at is None:
        return None, None
    candidates = [
        one
        for one in table
        if one[:2] == (first, second)
        and one[2] is not None
        and one[2] <= at
        and (window is None or one[2] >= at - window)
    ]
    return max(candidates, key=order)[3:] if candidates else (None, None)


def joined(spark, how, spine, table, kind, spread):
    left = spark.createDataFrame(
        [(number, *row) for number, row in enumerate(spine)],
        f"`row.no` int, k int, `the key` string, t {kind}",
    )
    right = spark.createDataFrame(table, f"`a.key` int, b string, ts {kind}, x int, y string")
    found = asof.join(left, right, how, spread)
    assert found.columns == ["row.no", "k", "the key", "t", "X", "y y"]
    rows = sorted(tuple(row) for row in found.select("`row.no`", "X", "`y y`").collect())
    assert [row[0] for row in rows] == list(range(len(spine))), "each row comes back once"
    return [row[1:] for row in rows]


def how(window: timedelta | None) -> asof.AsOf:
    keys = [("a.key", "k"), ("b", "the key")]
    return asof.AsOf(keys, ("ts", "t"), [("x", "X"), ("y", "y y")], window)


@pytest.mark.parametrize("spread", [FEW, MANY], ids=["by interval", "by order"])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
@EXAMPLES
@given(frame_rows, table_rows, windows)
@example(
    [(1, "a", 4), (1, "a", 4), (1, "a", 3)],  # the frame has a row twice
    [(1, "a", 4, None, "b"), (1, "a", 4, 1, None), (1, "a", 4, 1, "a"), (1, "a", 1, 7, "a")],
    1,
)
@example([(1, "a", 12)], [(1, "a", 0, 5, "a")], 12)  # exactly as old as the window
@example([(None, "a", 5), (1, None, 5), (1, "a", None)], [(None, "a", 0, 1, "a")], None)
def test_the_last_row_at_or_before_the_time_within_the_look_back_is_found_in_any_time_zone(
    spark, spread, zone, spine, table, window
):
    """Ties, gaps, nulls, a look-back over the night in which a wall clock skips an hour."""
    spine = [(*row[:-1], moment(row[-1])) for row in spine]
    table = [(*row[:2], moment(row[2]), *row[3:]) for row in table]
    back = None if window is None else timedelta(minutes=30 * window)
    before = spark.conf.get("spark.sql.session.timeZone")
    spark.conf.set("spark.sql.session.timeZone", zone)
    try:
        got = joined(spark, how(back), spine, table, "timestamp", spread)
    finally:
        spark.conf.set("spark.sql.session.timeZone", before)
    assert got == [by_definition(row, table, back) for row in spine]


@pytest.mark.parametrize("spread", [FEW, MANY], ids=["by interval", "by order"])
@pytest.mark.parametrize("kind", ["date", "timestamp_ntz", "bigint"])
@settings(EXAMPLES, max_examples=4)
@given(frame_rows, table_rows, st.one_of(st.none(), st.integers(0, 4)))
def test_times_may_be_dates_clocks_without_a_zone_and_numbers(
    spark, spread, kind, spine, table, window
):
    to_time = {
        "date": lambda n: date(2026, 2, 26) + timedelta(days=n),
        "timestamp_ntz": lambda n: datetime(2026, 3, 29, 1) + timedelta(minutes=30 * n),
        "bigint": lambda n: n,
    }[kind]
    back = timedelta(days=window) if kind == "date" and window is not None else None
    if kind == "timestamp_ntz" and window is not None:
        back = timedelta(minutes=30 * window)

    def at(number):
        return None if number is None else to_time(number)

    spine = [(*row[:-1], at(row[-1])) for row in spine]
    table = [(*row[:2], at(row[2]), *row[3:]) for row in table]
    got = joined(spark, how(back), spine, table, kind, spread)
    assert got == [by_definition(row, table, back) for row in spine]


def test_values_of_every_kind_are_carried_whole_and_a_map_can_break_a_tie(spark):
    kinds = "struct<a:int,b:array<string>> s, map<string,int> m, array<double> v, binary b"
    columns = ", ".join(f"{part.split()[1]} {part.split()[0]}" for part in kinds.split(", "))
    at = datetime(2026, 1, 1)
    rows = [
        (1, at, ((1, ["x"]), {"a": 1}, [1.0, None], b"\x00")),
        (1, at, ((1, ["x"]), {"a": 2}, [1.0, None], b"\x00")),
    ]
    table = spark.createDataFrame(
        [(k, t, *values) for k, t, values in rows], f"k int, ts timestamp, {columns}"
    )
    frame = spark.createDataFrame([(1, at)], "k int, t timestamp")
    names = [(name, name) for name in table.columns[2:]]
    found = [
        way(frame, table, asof.AsOf([("k", "k")], ("ts", "t"), names)).collect()[0].asDict(True)
        for way in (asof.by_interval, asof.by_order)
    ]
    assert found[0] == found[1]
    assert found[0]["m"] == {"a": 2}
    assert found[0]["s"] == {"a": 1, "b": ["x"]} and found[0]["v"] == [1.0, None]


def test_a_table_can_be_joined_to_a_frame_that_was_made_from_it(spark):
    at = [datetime(2026, 1, day) for day in (1, 2, 3)]
    table = spark.createDataFrame(
        [(1, t, n) for n, t in enumerate(at)], "k int, t timestamp, x int"
    ).cache()
    yesterday = asof.AsOf([("k", "k")], ("t", "before"), [("x", "past")])
    frame = table.selectExpr("k", "t", "x", "t - INTERVAL 1 DAY AS before")
    for way in (asof.by_interval, asof.by_order):
        rows = way(frame, table, yesterday).orderBy("t").collect()
        assert [row.past for row in rows] == [None, 0, 1]


def test_the_way_follows_the_spread_of_the_keys_and_one_hot_key_suffices(spark, monkeypatch):
    taken = []
    monkeypatch.setattr(asof, "by_interval", lambda *_: taken.append("interval"))
    monkeypatch.setattr(asof, "by_order", lambda *_: taken.append("order"))
    for spread in (Profile(20, 12.5), Profile(100_000, 30.0), Profile(400, 200.0)):
        asof.join(None, None, None, spread)
    assert taken == ["interval", "order", "order"]
