"""What lab day2/11 promises of its data, at both scales, and of its checks."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lakebook.datasets import load
from lakebook.labs import exercises
from lakebook.labs.checks import judge

LAB = "day2/11_feature_engineering_uc"
COUNTS = ["visits", "classes", "contract_views"]
FOUR_WEEKS = pd.Timedelta("28D")


@pytest.fixture(scope="module")
def lab():
    return exercises.load(LAB)


@pytest.fixture(scope="module")
def own(lab):
    """The names of the exercises' module, which compute the right answers."""
    return lab[1].judge.__globals__


def asked(members, month=None):
    """The questions of a month's renewals, or those of 30 June, with their labels."""
    day = {"year": 2026, "month": month or 6, "day": members["joined"].dt.day if month else 30}
    at = pd.to_datetime(pd.DataFrame(day, index=members.index)).astype("datetime64[ns]")
    rows = members.assign(asked_at=at)
    rows = rows[~(rows["cancelled_on"] <= rows["asked_at"])]
    return rows.assign(leaves=rows["cancelled_on"] - rows["asked_at"] <= FOUR_WEEKS)


def as_of(rows, lines):
    return pd.merge_asof(
        rows.sort_values("asked_at"),
        lines[["member_id", "week", *COUNTS]].sort_values("week"),
        left_on="asked_at",
        right_on="week",
        by="member_id",
    )


def newest(rows, lines):
    last = lines.sort_values("week").groupby("member_id").tail(1)
    return rows.merge(last[["member_id", *COUNTS]], on="member_id")


@pytest.mark.parametrize("scale", ["small", "full"])
def test_the_plain_join_promises_what_it_does_not_deliver_and_the_as_of_join_keeps_its_word(scale):
    lines = load("gym_weeks", scale)
    members = lines.groupby("member_id").agg(
        joined=("joined", "first"), fee=("fee", "first"), cancelled_on=("cancelled_on", "max")
    )
    members = members.reset_index()
    known = lines[lines["week"] <= "2026-06-29"]
    learn = pd.concat([asked(members, month) for month in (2, 3, 4)])
    may, june = asked(members, 5), asked(members)

    def scores(join):
        rows = join(learn, known)
        steps = SimpleImputer(strategy="median"), StandardScaler(), LogisticRegression()
        model = make_pipeline(*steps).fit(rows[[*COUNTS, "fee"]], rows["leaves"])
        weight = model[-1].coef_[0][COUNTS.index("contract_views")]
        told = [
            roc_auc_score(one["leaves"], model.predict_proba(one[[*COUNTS, "fee"]])[:, 1])
            for one in (join(may, known), join(june, known))
        ]
        return *told, weight

    reported, delivered, weight = scores(newest)
    assert reported > 0.9 and delivered < 0.65 and weight < 0
    reported, delivered, weight = scores(as_of)
    assert reported > 0.78 and abs(reported - delivered) < 0.05 and weight > 0


def test_every_mistake_with_the_look_up_changes_the_heats(own):
    right = own["_bag"](own["_heats"]())
    others = [
        own["_bag"](own["_heats"](flipped=True)),
        own["_bag"](own["_heats"](exact=False)),
        *(own["_bag"](own["_heats"](timedelta(days=days))) for days in (1, 7)),
    ]
    assert right not in others
    # A reading of exactly two days is not too old: both limits belong to the window.
    assert sum(heat < 0 for _, heat in right) == 1


def test_the_corrections_tell_the_highest_revision_from_the_largest_debt_and_the_first_row(own):
    rows = pd.DataFrame(own["CORRECTIONS"], columns=["member_id", "day", "debt", "revision"])
    keys = ["member_id", "day"]
    highest = rows.sort_values("revision").groupby(keys)["debt"].last()
    largest, lowest = (rows.groupby(keys)["debt"].max(), rows.sort_values("revision"))
    lowest = lowest.groupby(keys)["debt"].first()
    assert not highest.equals(largest) and not highest.equals(lowest)
    assert {key: own["DEBTS"][key] for key in highest.index} == highest.to_dict()


def test_a_time_may_be_sent_along_and_the_order_of_members_is_free(lab):
    sent = [{"member_id": 1004, "visits": 9, "asked_at": "2026-06-30"}, {"member_id": 1002}]
    assert judge(lab[4], {"dataframe_records": sent}) == ("right", "")


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_records": {"member_id": 1002}},
        {"dataframe_records": []},
        {"dataframe_records": [{"visits": 9}, {"member_id": 1004}]},
        {"dataframe_split": {"columns": ["member_id", "visits"]}},
        {"dataframe_records": [{"member_id": 1002}, {"member_id": 1004, "visits": True}]},
    ],
)
def test_a_request_of_another_form_is_refused_with_a_reason(lab, body):
    state, message = judge(lab[4], body)
    assert state == "wrong" and message
