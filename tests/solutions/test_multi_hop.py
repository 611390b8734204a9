"""What lab day4/07 promises of its data, and of its checks."""

from __future__ import annotations

import pandas as pd
import pytest

from lakebook.labs import exercises
from lakebook.labs.checks import judge

LAB = "day4/07_multi_hop"


@pytest.fixture(scope="module")
def lab():
    return exercises.load(LAB)


@pytest.fixture(scope="module")
def own(lab):
    """The names of the exercises' module, which compute the right answers."""
    return lab[1].judge.__globals__


def test_lines_in_are_lines_out(own):
    rows = own["_friday"]()
    broken = [row for row in rows if row["failed"]]
    assert len(broken) + len(own["_sound"]("2026-03-06")) == len(rows)
    assert {name for row in broken for name in row["failed"]} == set(own["RULES"])
    # Whoever keeps the first reason only, or forgets nulls, must lose something here.
    assert any(1 < len(row["failed"]) < len(own["RULES"]) for row in broken)
    assert any(row["whole"] and row["kwh"] is None for row in broken)


def test_the_quarantine_is_accepted_in_any_order_of_rows_columns_and_rules(lab, own):
    right = own["_quarantine"]([row for row in own["_friday"]() if row["failed"]])
    shuffled = right.sample(frac=1, random_state=3)[right.columns[::-1]].assign(delivery="")
    shuffled["failed"] = [names[::-1] for names in shuffled["failed"]]
    shuffled["start"] = pd.to_datetime(shuffled["start"])
    assert judge(lab[1], shuffled) == ("right", "")


def test_a_row_with_a_rule_too_many_is_refused(lab, own):
    right = own["_quarantine"]([row for row in own["_friday"]() if row["failed"]])
    every = right.assign(failed=[list(own["RULES"])] * len(right))
    assert judge(lab[1], every)[0] == "wrong"


def test_friday_changes_one_late_day_and_yesterday(lab, own):
    days = own["_changed"]()
    assert days == ["2026-03-03", "2026-03-05"]
    # Days that Friday only repeats, or mentions in rows that are outdated.
    mentioned = own["_days_of_friday"](own["_sound"]("2026-03-06"))
    assert set(mentioned) - set(days) == {"2026-03-02", "2026-03-04"}
    assert judge(lab[3], [pd.Timestamp(day).date() for day in days]) == ("right", "")


@pytest.mark.parametrize("hours", [1, 12, 24, 32, 33, 35, 71, 72, 73])
def test_every_other_watermark_is_refused_with_a_reason(lab, own, hours):
    assert own["_longest_wait"](own["_sound"]) + 1 == 34
    state, message = judge(lab[4], hours)
    assert state == "wrong" and message
    assert ("tight" in message) == (hours < 33)
