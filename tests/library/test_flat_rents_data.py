"""What the card of `flat_rents` says is planted is in the rows, at both scales."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lakebook.datasets import load

CONDITIONS = ["to renovate", "dated", "good", "renovated", "new"]


@pytest.fixture(scope="module", params=["small", "full"])
def flats(request):
    return load("flat_rents", request.param)


@pytest.fixture(scope="module")
def effects(flats):
    """Least squares of log(rent) on everything, on the rows without gaps."""
    known = flats.dropna()
    text = pd.get_dummies(known[["district", "kind", "condition", "energy"]], dtype=float)
    references = ["district_Alderbank", "kind_flat", "condition_to renovate", "energy_A"]
    old = known["built"] < 1960
    above = known["floor"].clip(lower=0)
    x = pd.concat(
        [
            text.drop(columns=references),
            known[["area", "rooms", "balcony", "distance"]],
            (above * old).rename("stairs"),
            (above * ~old).rename("view"),
        ],
        axis=1,
    ).assign(one=1.0)
    y = np.log(known["rent"])
    found, *_ = np.linalg.lstsq(x.to_numpy(float), y.to_numpy(), rcond=None)
    return pd.Series(found, index=x.columns), y - x @ found


def test_the_data_are_the_same_each_time():
    pd.testing.assert_frame_equal(load("flat_rents"), load("flat_rents"))


def test_columns_types_and_ranges_are_those_of_the_card(flats):
    assert flats["flat_id"].is_unique
    assert flats["district"].nunique() == 45
    assert flats["district"].value_counts().min() >= 30
    assert set(flats["condition"]) == set(CONDITIONS)
    assert set(flats["energy"]) == set("ABCDEFG")
    assert flats["area"].dropna().between(18, 180).all()
    assert flats["built"].dropna().between(1880, 2026).all()
    assert flats["distance"].between(0.1, 15).all()
    assert (flats.loc[flats["condition"] == "new", "built"].dropna() >= 2014).all()
    longs = ["flat_id", "rooms", "floor", "balcony"]
    doubles = ["area", "built", "distance", "rent"]
    assert (flats[longs].dtypes == "int64").all()
    assert (flats[doubles].dtypes == "float64").all()


def test_area_and_year_are_missing_as_often_as_planted(flats):
    gaps = flats.isna().mean()
    assert set(gaps[gaps > 0].index) == {"area", "built"}
    assert 0.05 < gaps["area"] < 0.07
    assert 0.11 < gaps["built"] < 0.14


def test_the_logarithm_of_the_rent_is_a_sum_with_the_planted_effects(effects):
    found, rest = effects
    planted = {
        "area": 0.0095,
        "balcony": 0.04,
        "distance": -0.025,
        "kind_basement": -0.28,
        "kind_loft": 0.24,
        "condition_renovated": 0.36,
        "energy_G": -0.185,
        "stairs": -0.07,
        "view": 0.015,
    }
    for name, effect in planted.items():
        assert found[name] == pytest.approx(effect, abs=0.025), name
    assert 0.115 < rest.std() < 0.125
    assert abs(rest.skew()) < 0.15


def test_steps_of_condition_are_unequal_and_those_of_energy_nearly_equal(effects):
    found, _ = effects
    condition = np.diff([0.0, *found[[f"condition_{name}" for name in CONDITIONS[1:]]]])
    assert condition[2] > 3 * max(condition[:2])  # from good to renovated
    energy = np.diff([0.0, *found[[f"energy_{letter}" for letter in "BCDEFG"]]])
    assert (energy < 0).all()
    assert energy.std() < 0.02


def test_the_district_alone_changes_the_rent_and_names_do_not_sort_it(effects):
    found, _ = effects
    districts = found[[name for name in found.index if name.startswith("district_")]]
    assert 0.17 < districts.std() < 0.27
    assert abs(np.corrcoef(districts, np.arange(len(districts)))[0, 1]) < 0.3


def test_a_higher_floor_costs_rent_only_in_houses_without_a_lift(flats):
    flat = flats[(flats["kind"] == "flat") & flats["built"].notna()]
    by_age = flat.groupby(flat["built"] < 1960)
    slope = by_age.apply(lambda rows: np.polyfit(rows["floor"], np.log(rows["rent"]), 1)[0])
    assert slope[True] < -0.05
    assert slope[False] > 0
