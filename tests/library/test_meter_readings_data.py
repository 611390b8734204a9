"""The faults that the card of `meter_readings` counts are in the lines, at both scales."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest

from lakebook import datasets
from lakebook.datasets import load

DELIVERIES = ["2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06"]
TIMES = {"small": 1, "full": 16}


def fields(line: str) -> dict[str, object]:
    try:
        return json.loads(line)
    except ValueError:
        return {}


@pytest.fixture(scope="module", params=["small", "full"])
def lines(request):
    frame = load("meter_readings", request.param)
    parsed = pd.DataFrame([fields(line) for line in frame["line"]], index=frame.index)
    parsed["start"] = pd.to_datetime(parsed["start"]).dt.tz_localize(None)
    parsed["again"] = frame["file"].str.contains("again")
    return frame.join(parsed).assign(times=TIMES[request.param])


def counted(lines: pd.DataFrame, which: pd.Series) -> list[int]:
    times = lines["times"].iloc[0]
    found = lines[which & ~lines["again"]].groupby("delivery").size()
    return [int(found.get(delivery, 0)) / times for delivery in DELIVERIES]


def planted(row: str) -> list[int]:
    """Return the four counts of a row of the card's table of faults."""
    card = datasets.card("meter_readings").read_text("utf-8")
    line = next(line for line in card.splitlines() if line.startswith(f"| {row}"))
    return [int(cell) for cell in line.strip("|").split("|")[-4:]]


def test_each_fault_is_as_frequent_as_the_card_says(lines):
    clock = lines["start"] < "2000"
    flat = lines["meter"] != "TEST"
    empty = lines["kwh"].isna() & lines["meter"].notna()
    assert counted(lines, lines["meter"].isna()) == planted("line cut off")
    assert counted(lines, empty & ~clock) == planted("no value")
    assert counted(lines, flat & (lines["kwh"] < 0)) == planted("value below zero")
    assert counted(lines, clock & ~empty) == planted("clock lost its setting")
    assert counted(lines, clock & empty) == planted("both")
    assert counted(lines, ~flat & (lines["kwh"] < 0)) == planted("installer")
    assert counted(lines, lines["kwh"] > 20) == planted("watt-hours")


def test_what_is_sound_could_be_the_consumption_of_a_flat(lines):
    sound = lines[(lines["kwh"] >= 0) & (lines["kwh"] <= 20) & (lines["start"] > "2000")]
    assert sound["kwh"].between(0.04, 5).all()
    # In watt-hours even the least reading stands out, so a limit of 20 finds all of them.
    assert lines.loc[lines["kwh"] > 20, "kwh"].min() >= 40
    assert set(lines.loc[lines["kwh"] > 20, "meter"].str[0]) == {"D"}


def test_corrections_and_the_readings_they_overtook(lines):
    whole = lines[lines["start"] > "2000"]
    # At full size one correction is among the lines that stand twice.
    second = whole[whole["revision"] == 2].drop_duplicates(["meter", "start"])
    first = whole[whole["revision"] == 1].drop_duplicates(["meter", "start"])
    pairs = second.merge(first, on=["meter", "start"], suffixes=("", "_first"))
    overtook = pairs[pairs["delivery_first"] > pairs["delivery"]]
    size = lines["times"].iloc[0]
    assert len(overtook) == planted("first revision that was overtaken")[3] * size
    assert set(overtook["delivery_first"]) == {"2026-03-06"}
    assert (overtook["kwh"] > overtook["kwh_first"]).all()
    usual = counted(lines, second["revision"].reindex(lines.index).eq(2))
    expected = zip(planted("second revision of"), planted("second revision that"), strict=True)
    assert usual == [sum(both) for both in expected]


def test_gateways_that_were_offline_deliver_later(lines):
    whole = lines[(lines["start"] > "2000") & ~lines["again"] & (lines["revision"] == 1)]
    days = pd.to_datetime(whole["delivery"]) - whole["start"].dt.normalize()
    late = whole[(days > pd.Timedelta("1D")) & ~overtaken(whole)]
    assert set(zip(late["delivery"], late["meter"].str[0], strict=True)) == {
        ("2026-03-05", "C"),
        ("2026-03-06", "D"),
    }
    if lines["times"].iloc[0] == 1:
        assert late.groupby("delivery").size().tolist() == planted("late")[2:]


def overtaken(whole: pd.DataFrame) -> pd.Series:
    return (whole["delivery"] == "2026-03-06") & (whole["start"].dt.day == 4)


def test_whole_files_come_twice_word_for_word(lines):
    for delivery, building in (("2026-03-04", "B"), ("2026-03-06", "A")):
        first = lines[lines["file"] == f"2026-03-03/{building}.json"]
        again = lines[lines["file"] == f"{delivery}/{building}-again.json"]
        assert list(again["line"]) == list(first["line"])
        if lines["times"].iloc[0] == 1:
            assert len(again) == planted("file of 3 March")[DELIVERIES.index(delivery)]
    own = lines[(lines["file"] == "2026-03-05/A.json") & lines["meter"].notna()]
    twice = own["line"].duplicated().sum()
    assert twice == planted("line that stands twice")[2] * lines["times"].iloc[0]


def test_the_card_tells_the_number_of_rows():
    card = datasets.card("meter_readings").read_text("utf-8")
    small, full = re.findall(r"rows ([\d,]+) \(small\) · ([\d,]+) \(full\)", card)[0]
    assert f"{len(load('meter_readings')):,}" == small
    assert f"{len(load('meter_readings', 'full')):,}" == full
