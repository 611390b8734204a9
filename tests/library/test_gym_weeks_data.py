"""What the card of `gym_weeks` says is planted is in the lines, at both scales."""

from __future__ import annotations

import pandas as pd
import pytest

from lakebook.datasets import load

FOUR_WEEKS = pd.Timedelta("28D")


@pytest.fixture(scope="module", params=["small", "full"])
def lines(request):
    frame = load("gym_weeks", request.param)
    # What only the future tells: the lines of a member before the cancellation do not have it.
    future = frame.groupby("member_id")["cancelled_on"].transform("max")
    return frame.assign(left=future - frame["week"])


def test_the_data_are_the_same_each_time():
    pd.testing.assert_frame_equal(load("gym_weeks"), load("gym_weeks"))


def test_a_line_is_a_member_on_a_monday_and_says_nothing_of_the_future(lines):
    assert not lines.duplicated(["member_id", "week"]).any()
    assert (lines["week"].dt.dayofweek == 0).all()
    assert (lines["week"] == lines["week"].dt.normalize()).all()
    assert not (lines["cancelled_on"] > lines["week"]).any()
    assert lines["joined"].dt.day.max() <= 28


def test_whoever_will_cancel_looks_at_the_contract_and_whoever_has_does_not(lines):
    soon = lines["left"].between(pd.Timedelta(0), FOUR_WEEKS, inclusive="neither")
    gone = lines["left"] < -FOUR_WEEKS
    staying = lines["left"].isna()
    views = lines["contract_views"]
    assert views[soon].mean() > 2 * views[staying].mean()
    assert views[gone].mean() < 0.2 * views[staying].mean()
    visits = lines["visits"] / lines["usual_visits"]
    assert visits[soon].mean() < 0.7 * visits[staying].mean()
    assert lines.loc[gone, "visits"].mean() < 0.5


def test_one_in_twenty_cancels_within_four_weeks(lines):
    members = lines[(lines["week"] < "2026-07-06") & lines["cancelled_on"].isna()]
    assert 0.04 < (members["left"] <= FOUR_WEEKS).mean() < 0.06


def test_club_c_wrote_nothing_for_six_mondays_and_one_line_in_a_hundred_is_lost(lines):
    written = lines.groupby(["club", "week"]).size().unstack()
    members = lines.groupby("club")["member_id"].nunique()
    silent = written.columns[written.loc["C"].isna()]
    assert (silent[0], silent[-1]) == (pd.Timestamp("2026-03-09"), pd.Timestamp("2026-04-13"))
    assert len(silent) == 6
    share = written.drop(columns=silent).sum(axis=1) / members / (31 - 6)
    assert share.between(0.985, 0.995).all()
