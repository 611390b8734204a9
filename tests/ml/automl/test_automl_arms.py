"""What a search tries first."""

from __future__ import annotations

import pytest
from hyperopt import space_eval

from lakebook.ml.automl import arms


@pytest.mark.parametrize("kind", ["classify", "regress"])
def test_each_model_is_tried_once_with_its_first_guess(kind):
    models = arms.chosen(kind, None)
    space = arms.space(models, weighted=False)
    tried = [space_eval(space, point) for point in arms.guesses(models, weighted=False)]
    assert [one.pop("arm") for one in tried] == [arm.name for arm in models]
    assert tried == [pytest.approx(arm.guess) for arm in models]


def test_where_classes_are_imbalanced_two_models_are_also_tried_with_weights():
    models = arms.chosen("classify", ["xgboost"])
    space = arms.space(models, weighted=True)
    tried = [space_eval(space, point) for point in arms.guesses(models, weighted=True)]
    assert [one["class_weight"] for one in tried[: len(models)]] == [None] * len(models)
    assert [(one["arm"], one["class_weight"]) for one in tried[len(models) :]] == [
        ("lightgbm", "balanced"),
        ("logistic_regression", "balanced"),
    ]
