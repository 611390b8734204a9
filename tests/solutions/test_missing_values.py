"""The gaps planted in `air_quality`, which the lab's prose and exercises lean on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lakebook.datasets import load, truth
from lakebook.errors import LakebookError
from lakebook.labs import exercises

ROOT = Path(__file__).resolve().parents[2]
LOST = ["humidity", "wind", "sky", "no2", "ozone"]


@pytest.fixture(scope="module")
def known() -> pd.DataFrame:
    return load("air_quality")


@pytest.fixture(scope="module")
def complete() -> pd.DataFrame:
    return truth("air_quality")


def test_the_data_are_the_same_each_time(known: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(known, load("air_quality"))


def test_readings_are_lost_and_never_changed(known: pd.DataFrame, complete: pd.DataFrame) -> None:
    assert not complete.isna().any().any()
    assert known.isna().any().loc[lambda gaps: gaps].index.tolist() == LOST
    pd.testing.assert_frame_equal(known.fillna(complete), complete, check_dtype=False)


def test_wind_is_lost_whatever_its_value_and_the_weather(
    known: pd.DataFrame, complete: pd.DataFrame
) -> None:
    lost = known["wind"].isna().astype(float)
    for column in ("wind", "temperature", "ozone", "visits"):
        assert abs(lost.corr(complete[column])) < 0.05


def test_no2_is_lost_in_heat_and_among_equally_warm_days_whatever_its_value(
    known: pd.DataFrame, complete: pd.DataFrame
) -> None:
    lost = known["no2"].isna()
    hot = complete["temperature"] > 22
    assert lost[hot].mean() > 0.6
    assert lost[complete["temperature"] < 15].mean() < 0.06
    high = complete["no2"] > complete["no2"][hot].median()
    assert abs(lost[hot & high].mean() - lost[hot & ~high].mean()) < 0.08


def test_ozone_is_lost_because_it_is_high_among_equally_warm_days_too(
    known: pd.DataFrame, complete: pd.DataFrame
) -> None:
    lost = known["ozone"].isna()
    warm = complete["temperature"].between(18, 22)
    high = complete["ozone"] > 105
    assert lost[warm & high].mean() > 0.6
    assert lost[warm & (complete["ozone"] < 85)].mean() < 0.06


def test_visits_follow_the_true_gases_and_not_the_temperature(complete: pd.DataFrame) -> None:
    columns = ["temperature", "no2", "ozone"]
    inputs = np.column_stack([np.ones(len(complete)), complete[columns]])
    weights = np.linalg.lstsq(inputs, complete["visits"].to_numpy(float), rcond=None)[0]
    assert weights[1:] == pytest.approx([0, 0.12, 0.22], abs=0.03)


def test_full_is_larger_with_the_same_columns_and_kinds_of_gap(known: pd.DataFrame) -> None:
    full = load("air_quality", "full")
    assert len(full) == 60 * 1461
    assert full.dtypes.equals(known.dtypes)
    assert np.abs(full.isna().mean() - known.isna().mean()).max() < 0.02


def test_truth_of_a_data_set_without_one_says_what_to_use_instead() -> None:
    with pytest.raises(LakebookError, match=r"shop_prices.*no truth.*load"):
        truth("shop_prices")


def test_the_checks_accept_other_right_ways(known: pd.DataFrame) -> None:
    judges = exercises.load("day2/04_missing_values")
    shuffled = known.sample(frac=1, random_state=1)
    values = {"no2": known["no2"].median(), "sky": "clear"}
    for humidity in (known["humidity"].mean(), known["humidity"].median()):
        judges[1](shuffled.fillna(values | {"humidity": humidity}))
    marks = known.assign(ozone_lost=known["ozone"].isna())  # boolean: a model can use it as well
    judges[3](marks.fillna({"ozone": known["ozone"].median()})[::-1])
