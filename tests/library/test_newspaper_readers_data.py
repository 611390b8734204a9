"""What the card of `newspaper_readers` says is planted is in the rows, at both scales."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from lakebook.datasets import load


@pytest.fixture(scope="module", params=["small", "full"])
def readers(request):
    return load("newspaper_readers", request.param)


def test_the_data_are_the_same_each_time():
    pd.testing.assert_frame_equal(load("newspaper_readers"), load("newspaper_readers"))


def test_about_four_in_a_hundred_cancel_whatever_the_delivery(readers):
    assert readers["reader_id"].is_unique
    assert 0.03 < readers["cancelled"].mean() < 0.042
    assert readers.groupby("delivery")["cancelled"].mean().between(0.03, 0.045).all()


def test_gaps_are_where_the_card_says(readers):
    missing = readers.isna().mean()
    assert 0.07 < missing["age"] < 0.09
    assert (readers["app_days"].isna() == (readers["delivery"] == "print")).all()
    assert (missing.drop(["age", "app_days"]) == 0).all()
    assert (readers.loc[readers["delivery"] == "digital", "late_deliveries"] == 0).all()


def test_a_price_rise_drives_away_most_of_all_those_who_pay_monthly(readers):
    rate = readers.groupby(["plan", "reminder"])["cancelled"].mean().unstack()
    gain = rate[1] - rate[0]
    assert gain["monthly"] > 0.05
    assert gain["monthly"] > 2 * gain.drop("monthly").max()
    assert rate[0]["monthly"] > rate[0]["quarterly"] > rate[0]["yearly"]


def test_late_papers_matter_through_complaints(readers):
    paper = readers[readers["delivery"] != "digital"]
    late = paper.groupby(paper["region"].isin(["Dunmoor", "Inverle"]))["late_deliveries"].mean()
    assert late[True] > 2 * late[False]
    by_complaints = readers.groupby(readers["complaints"].clip(upper=2))["cancelled"].mean()
    assert by_complaints.is_monotonic_increasing
    assert by_complaints[2] > 3 * by_complaints[0]
    quiet = paper[paper["complaints"] == 0]
    by_late = quiet.groupby(quiet["late_deliveries"] > 0)["cancelled"].mean()
    assert abs(by_late[True] - by_late[False]) < 0.015


def test_a_good_model_ranks_about_eight_pairs_in_ten_rightly(readers):
    columns = readers.drop(columns=["reader_id", "cancelled"])
    columns = pd.get_dummies(columns.assign(months=np.log(columns["months"]))).astype(float)
    columns = columns.fillna(columns.mean())
    columns = (columns - columns.mean()) / columns.std()
    train, test = np.arange(len(readers)) % 2 == 0, np.arange(len(readers)) % 2 == 1
    model = LogisticRegression().fit(columns[train], readers["cancelled"][train])
    chances = model.predict_proba(columns[test])[:, 1]
    assert 0.77 < roc_auc_score(readers["cancelled"][test], chances) < 0.83
    assert abs(chances.mean() - readers["cancelled"][test].mean()) < 0.006
