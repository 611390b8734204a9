"""The counter of fits agrees with what the libraries do, and leaves no trace."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV

from lakebook.labs.counting import counting


class Mean:
    def fit(self, rows):
        if not rows:
            raise ValueError("no rows")
        return sum(rows) / len(rows)


class Heir(Mean):
    pass


def test_a_grid_search_of_six_on_five_folds_fits_thirty_and_refits_one():
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(60, 3)), np.arange(60) % 2
    grid = {"C": [0.1, 1, 10], "fit_intercept": [True, False]}
    with counting(LogisticRegression) as fits:
        GridSearchCV(LogisticRegression(), grid, cv=5).fit(x, y)
    assert fits.total == 6 * 5 + 1


def test_other_classes_are_not_counted():
    with counting(Ridge) as fits:
        LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    assert fits.total == 0


def test_a_fit_that_raises_is_not_counted_and_still_raises():
    with counting(Mean) as fits, pytest.raises(ValueError, match="no rows"):
        Mean().fit([])
    assert fits.total == 0


def test_fits_in_several_threads_are_all_counted():
    with counting(Mean) as fits, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: Mean().fit([1, 2]), range(500)))
    assert fits.total == 500


@pytest.mark.parametrize("counted", [Mean, Heir])
def test_the_class_is_left_as_it_was_found_even_after_an_error(counted):
    before = dict(vars(counted))
    with pytest.raises(ZeroDivisionError), counting(counted):
        raise ZeroDivisionError
    assert dict(vars(counted)) == before


def test_counters_of_one_class_may_be_nested():
    with counting(Mean) as outer:
        Mean().fit([1])
        with counting(Mean) as inner:
            Mean().fit([1])
        Mean().fit([1])
    assert (outer.total, inner.total) == (3, 1)


def test_an_instance_is_refused_with_the_way_out():
    with pytest.raises(TypeError, match="leave out the parentheses"), counting(Mean()):
        pass


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    from pyspark.ml.linalg import Vectors
    from pyspark.sql import SparkSession

    from lakebook.runtime.session import get_spark

    ours = SparkSession.getActiveSession() is None
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEBOOK_HOME", str(tmp_path_factory.mktemp("home")))
        session = get_spark("tests")
        numbers = np.random.default_rng(1).normal(size=(40, 2))
        yield session.createDataFrame(
            [(float(a + b > 0), Vectors.dense(a, b)) for a, b in numbers.tolist()],
            ["label", "features"],
        )
        if ours:
            session.stop()


@pytest.mark.parametrize(
    ("validator", "parallelism", "expected"),
    [("CrossValidator", 1, 2 * 3 + 1), ("CrossValidator", 2, 7), ("TrainValidationSplit", 1, 3)],
)
def test_sparks_validators_fit_once_more_than_the_combinations_ask(
    rows, validator, parallelism, expected
):
    from pyspark.ml import tuning
    from pyspark.ml.classification import DecisionTreeClassifier
    from pyspark.ml.evaluation import BinaryClassificationEvaluator

    tree = DecisionTreeClassifier(seed=1)
    grid = tuning.ParamGridBuilder().addGrid(tree.maxDepth, [1, 2]).build()
    search = getattr(tuning, validator)(
        estimator=tree,
        estimatorParamMaps=grid,
        evaluator=BinaryClassificationEvaluator(),
        parallelism=parallelism,
        seed=1,
    )
    with counting(DecisionTreeClassifier) as fits:
        search.fit(rows)
    assert fits.total == expected


def test_a_list_of_settings_counts_once_for_each(rows):
    from pyspark.ml.classification import DecisionTreeClassifier

    tree = DecisionTreeClassifier(seed=1)
    with counting(DecisionTreeClassifier) as fits:
        tree.fit(rows, [{tree.maxDepth: 1}, {tree.maxDepth: 2}])
    assert fits.total == 2
