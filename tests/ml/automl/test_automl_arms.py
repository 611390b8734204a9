"""What a search tries first."""

from __future__ import annotations

import pytest
from hyperopt import space_eval

from lakebook.ml.automl import arms


def tried(models, weighted):
    """Return models and values in the order in which a search begins with them."""
    return [
        (arm, space_eval(arms.space(arm, weighted), point))
        for arm, point in arms.guesses(models, weighted)
    ]


@pytest.mark.parametrize("kind", ["classify", "regress"])
def test_each_model_is_tried_with_its_first_guess_before_any_with_its_second(kind):
    models = arms.chosen(kind, None)
    first, second = tried(models, False)[: len(models)], tried(models, False)[len(models) :]
    assert first == [(arm, pytest.approx(arm.guess)) for arm in models]
    assert second == [(arms.LIGHTGBM, pytest.approx(arms.LIGHTGBM.second))]


def test_where_classes_are_imbalanced_two_models_are_also_tried_with_weights():
    models = arms.chosen("classify", ["xgboost"])
    found = [(arm.name, values["class_weight"]) for arm, values in tried(models, True)]
    assert [weight for _, weight in found[: len(models)]] == [None] * len(models)
    assert found[len(models) :] == [
        ("lightgbm", "balanced"),
        ("logistic_regression", "balanced"),
        ("lightgbm", None),
    ]
