"""Exercises of day3/01_cross_validation."""

from functools import cache

import numpy as np
import pandas as pd
from pyspark.errors import IllegalArgumentException
from pyspark.ml import Pipeline
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.evaluation import BinaryClassificationEvaluator, MulticlassClassificationEvaluator
from pyspark.ml.feature import StandardScaler, UnivariateFeatureSelector, VectorAssembler
from pyspark.ml.tuning import CrossValidator, ParamGridBuilder, TrainValidationSplit

from lakebook.datasets import load
from lakebook.labs import exercise, expect
from lakebook.runtime.session import get_spark

NUM_TREES, DEPTHS, FOLDS, BUDGET = (10, 30), (3, 5, 7), 4, 30
SETTINGS = len(NUM_TREES) * len(DEPTHS)
COST = {
    "exam": SETTINGS * FOLDS,
    "spark": SETTINGS * FOLDS + 1,
    "trees": sum(NUM_TREES) * len(DEPTHS) * FOLDS,
    "folds": (BUDGET - 1) // SETTINGS,
}
KEPT, PENALTIES = (5, 15), (0.01, 0.1)


@exercise(
    1,
    title="What will this search cost?",
    hints=(
        "Write down the settings first: how many are there, and how often is each one fitted?",
        "Spark fits the winner once more at the end. A forest is one fit and many trees, and not "
        "every setting has the same number of them.",
        "Trees: for one depth and one fold, the two sizes of forest grow 10 + 30 of them. Folds: "
        "try a number of folds, add the refit, and see whether it stays within 30.",
    ),
    wrong={
        "settings only": COST | {"exam": SETTINGS},
        "values added instead of multiplied": COST | {"exam": 5 * FOLDS, "spark": 5 * FOLDS + 1},
        "the refit counted for the exam": COST | {"exam": COST["spark"]},
        "the refit forgotten for Spark": COST | {"spark": COST["exam"]},
        "a refit in every fold": COST | {"spark": SETTINGS * FOLDS + FOLDS},
        "every forest has thirty trees": COST | {"trees": 30 * SETTINGS * FOLDS},
        "forests instead of trees": COST | {"trees": COST["exam"]},
        "the refit forgotten in the budget": COST | {"folds": BUDGET // SETTINGS},
        "text instead of numbers": {key: str(value) for key, value in COST.items()},
        "a part is missing": {"exam": COST["exam"], "spark": COST["spark"]},
    },
)
def search_cost(answer):
    """A dict of ints: exam (without the refit), spark (with it), trees, and folds in the budget."""
    expect.is_a(answer, dict)
    for part in COST:
        expect.true(part in answer, f"The dict has no entry {part!r}.")
        expect.is_a(answer[part], int, f"{part!r} is not a whole number.")
    expect.unlike(
        answer["exam"],
        SETTINGS,
        "'exam' is the number of settings. Each of them is fitted once per fold.",
    )
    expect.unlike(
        answer["exam"],
        (len(NUM_TREES) + len(DEPTHS)) * FOLDS,
        "'exam': the grid holds every pair of a number of trees and a depth, so their numbers "
        "are multiplied, not added.",
    )
    expect.unlike(
        answer["exam"],
        COST["spark"],
        "'exam' counts the refit of the winner as well; the exam leaves it aside.",
    )
    expect.equals(answer["exam"], COST["exam"], "'exam': count the settings, then the folds.")
    expect.unlike(
        answer["spark"],
        COST["exam"],
        "'spark': when the comparison is over, `fit` is called again. For what?",
    )
    expect.unlike(
        answer["spark"],
        SETTINGS * FOLDS + FOLDS,
        "'spark': there is no refit in each fold; the winner is known only after all of them.",
    )
    expect.equals(answer["spark"], COST["spark"], "'spark': how many fits follow the comparison?")
    expect.unlike(
        answer["trees"],
        COST["exam"],
        "'trees' is the number of forests. How many trees are in each?",
    )
    expect.unlike(
        answer["trees"],
        max(NUM_TREES) * SETTINGS * FOLDS,
        "'trees': half of the settings grow the smaller forest.",
    )
    expect.equals(
        answer["trees"],
        COST["trees"],
        "'trees': add up the trees of the forests of one fold first, then take all folds.",
    )
    expect.unlike(
        answer["folds"],
        BUDGET // SETTINGS,
        "'folds': with that many folds nothing is left for the refit.",
    )
    fits = SETTINGS * answer["folds"] + 1
    expect.true(fits <= BUDGET, f"'folds': that search calls `fit` {fits} times, over the budget.")
    expect.equals(answer["folds"], COST["folds"], "'folds': the budget pays for more than that.")


@cache
def _parts(spark):
    """Return train and test as the lab splits them, and all rows."""
    tumours = load("breast_cancer")
    measures = [name for name in tumours.columns if name != "malignant"]
    rows = VectorAssembler(inputCols=measures, outputCol="features").transform(
        spark.createDataFrame(tumours)
    )
    rows = rows.coalesce(1).selectExpr("features", "malignant AS label").cache()
    train, test = rows.randomSplit([0.75, 0.25], seed=7)
    return train.cache(), test.cache(), rows


def _selector():
    selector = UnivariateFeatureSelector(outputCol="best", selectionMode="numTopFeatures")
    return selector.setFeatureType("continuous").setLabelType("categorical")


def _search(
    fit_on="train",
    *,
    validator=CrossValidator,
    features="best",
    kept=KEPT,
    penalties=PENALTIES,
    evaluator=None,
    seed=1,
    column="features",
    **settings,
):
    """Return a fitted search like the one asked for, with one thing changed."""
    train, _, rows = _parts(get_spark())
    selector = _selector().setFeaturesCol(column)
    learner = LogisticRegression(featuresCol=features, maxIter=5)
    grid = ParamGridBuilder().addGrid(learner.regParam, penalties)
    if kept:
        grid = grid.addGrid(selector.selectionThreshold, kept)
    search = validator(
        estimator=Pipeline(stages=[selector, learner]),
        estimatorParamMaps=grid.build(),
        evaluator=evaluator or BinaryClassificationEvaluator(),
        parallelism=2,
        **settings,
    )
    search = search if seed is None else search.setSeed(seed)
    scaler = StandardScaler(inputCol="features", outputCol="scaled")
    frame = {"train": train, "all": rows, "scaled": train}[fit_on]
    return search.fit(scaler.fit(rows).transform(frame) if fit_on == "scaled" else frame)


def _around():
    get_spark()  # a stage of Spark ML cannot be made without a session
    learner = LogisticRegression(featuresCol="best", maxIter=5)
    grid = ParamGridBuilder().addGrid(learner.regParam, [0.1]).build()
    search = CrossValidator(
        estimator=learner,
        estimatorParamMaps=grid,
        evaluator=BinaryClassificationEvaluator(),
        seed=1,
    )
    return Pipeline(stages=[_selector().setSelectionThreshold(15), search])


def _selected_before():
    train, *_ = _parts(get_spark())
    *stages, search = _around().getStages()
    return search.fit(Pipeline(stages=stages).fit(train).transform(train))


def _flat(stages):
    for stage in stages:
        yield from _flat(stage.getStages()) if isinstance(stage, Pipeline) else [stage]


def _flat_model(model):
    stages = getattr(model, "stages", None)
    return [one for stage in stages for one in _flat_model(stage)] if stages else [model]


@exercise(
    2,
    title="A search without a leak",
    hints=(
        "What is fitted on the judging rows leaks. Which of your stages have a `fit`, and where do "
        "they have to stand so that each fold fits them anew?",
        "The validator's estimator is a `Pipeline` of the selector and the regression. A grid may "
        "change parameters of any stage in it: how many are kept is one of the selector's.",
        "`ParamGridBuilder().addGrid(selector.selectionThreshold, …).addGrid(regression.regParam, "
        "…)`. The regression's `featuresCol` is the selector's `outputCol`. Fit on `train`.",
    ),
    wrong={
        "pipeline around the validator": lambda: _around().fit(_parts(get_spark())[0]),
        "selected before the search": _selected_before,
        "one split instead of folds": lambda: _search(
            validator=TrainValidationSplit, kept=(5,), penalties=[0.1]
        ),
        "not fitted": lambda: _around().getStages()[-1],
        "five folds": lambda: _search(kept=(5,), penalties=[0.1], numFolds=5),
        "the selected measures are not used": lambda: _search(features="features"),
        "only the penalty is searched": lambda: _search(kept=(), numFolds=3),
        "F1 instead of the area under the curve": lambda: _search(
            evaluator=MulticlassClassificationEvaluator(metricName="f1"), kept=(5,), penalties=[0.1]
        ),
        "precision and recall instead of ROC": lambda: _search(
            evaluator=BinaryClassificationEvaluator(metricName="areaUnderPR"),
            kept=(5,),
            penalties=[0.1],
        ),
        "no seed": lambda: _search(seed=None),
        "fitted on the test rows too": lambda: _search("all"),
        "scaled before, on all rows": lambda: _search("scaled", column="scaled"),
    },
)
def leak_free_search(answer):
    """A CrossValidatorModel fitted on `train`, its selector inside the validator's pipeline."""
    _validator(answer)
    selector, learner = _stages(answer)
    _settings(answer)
    best = _flat_model(answer.bestModel)
    fitted = next(one for one in best if hasattr(one, "coefficients"))
    winner = answer.getEstimatorParamMaps()[int(np.argmax(answer.avgMetrics))]
    expect.true(
        fitted.numFeatures in KEPT,
        f"The regression of the best model learned from {fitted.numFeatures} columns "
        f"(`{learner.getFeaturesCol()}`), not from the measures that the selector kept "
        f"(`{selector.getOutputCol()}`).",
    )
    train, test, rows = _parts(get_spark())
    if _fitted_on(train, answer, winner, fitted):
        return
    for frame, mistake in (
        (rows, "The search was fitted on all the tumours. The test rows have helped to choose."),
        (test, "The search was fitted on `test`. Those rows are for judging, not for learning."),
    ):
        expect.true(not _fitted_on(frame, answer, winner, fitted), mistake)
    raise expect.Wrong(
        "The best model is not what this pipeline gives on the rows of `train`. Was it fitted on "
        "`train` as the lab made it, with nothing fitted before?"
    )


def _validator(answer):
    message = {
        "PipelineModel": "This is a PipelineModel: the validator is one of its stages, so the "
        "selector before it was fitted once, on the rows of every fold.",
        "CrossValidator": "The search has not been fitted yet.",
        "TrainValidationSplitModel": "This search split the rows once. Three folds are asked for.",
    }.get(type(answer).__name__)
    expect.is_a(answer, "pyspark.ml.CrossValidatorModel", message)


def _stages(answer):
    estimator = answer.getEstimator()
    stages = list(_flat(estimator.getStages() if isinstance(estimator, Pipeline) else [estimator]))
    selectors = [one for one in stages if isinstance(one, UnivariateFeatureSelector)]
    learners = [one for one in stages if isinstance(one, LogisticRegression)]
    expect.true(
        selectors,
        "The validator's estimator has no UnivariateFeatureSelector in it. If the measures were "
        "selected before, the selector has seen the rows of every fold.",
    )
    expect.true(learners, "The validator's estimator has no LogisticRegression in it.")
    expect.true(
        selectors[0].getSelectionMode() == "numTopFeatures",
        "The selector does not keep a number of measures: look at its `selectionMode`.",
    )
    return selectors[0], learners[0]


def _settings(answer):
    expect.equals(answer.getNumFolds(), 3, f"This search has {answer.getNumFolds()} folds.")
    evaluator = answer.getEvaluator()
    expect.is_a(
        evaluator,
        BinaryClassificationEvaluator,
        f"A {type(evaluator).__name__} judges by {evaluator.getMetricName()}; it knows no curve.",
    )
    expect.equals(
        evaluator.getMetricName(),
        "areaUnderROC",
        f"The evaluator's metric is {evaluator.getMetricName()}: another curve.",
    )
    maps = [{param.name: value for param, value in one.items()} for one in _maps(answer)]
    names = {name for one in maps for name in one}
    for name, what in (("selectionThreshold", "how many measures are kept"), ("regParam", "λ")):
        expect.true(
            name in names,
            f"No setting of the grid changes {what} (`{name}`).",
        )
    pairs = sorted((float(one["selectionThreshold"]), one["regParam"]) for one in maps)
    expect.equals(
        pairs,
        sorted((float(kept), penalty) for kept in KEPT for penalty in PENALTIES),
        f"The grid holds these pairs of measures kept and regParam: {pairs}. "
        "Compare them with the text.",
    )
    expect.true(
        answer.isSet(answer.seed) and answer.getSeed() is not None,
        "No seed was given, so nobody can repeat these folds.",
    )


def _maps(answer):
    return answer.getEstimatorParamMaps()


def _fitted_on(frame, answer, setting, fitted):
    """Return whether the pipeline with the winning setting gives the fitted model on a frame."""
    try:
        again = _flat_model(answer.getEstimator().fit(frame, setting))
    except IllegalArgumentException:  # it wants a column that the lab's rows do not have
        return False
    found = next(one for one in again if hasattr(one, "coefficients"))
    one, other = (model.coefficients.toArray() for model in (found, fitted))
    return one.shape == other.shape and np.allclose(one, other, rtol=1e-3, atol=1e-9)


def _table(depths, means, stds, index=None):
    return pd.DataFrame({"maxDepth": depths, "mean": means, "std": stds}, index=index)


# Each table is one on which a foreseeable mistake gives another depth than the rule does.
CASES = (
    (
        _table([2, 4, 8], [0.80, 0.90, 0.96], [0.02, 0.02, 0.02]),
        4,
        8,
        "Where one setting leads all others by far, your function does not return it.",
    ),
    (
        _table([2, 4, 8], [0.80, 0.925, 0.94], [0.04, 0.04, 0.04]),
        4,
        4,
        "A simpler setting lies within one standard error of the winner, and your function "
        "does not take it.",
    ),
    (
        _table([2, 4, 8], [0.80, 0.92, 0.95], [0.04, 0.04, 0.04]),
        4,
        8,
        "Your function takes a setting that is further below the winner than one standard error. "
        "The deviation over the folds is not yet the error of their mean.",
    ),
    (
        _table([2, 4, 8], [0.80, 0.935, 0.95], [0.04, 0.04, 0.04]),
        16,
        8,
        "With 16 folds the same deviation makes a smaller standard error; your function does not "
        "follow `folds`.",
    ),
    (
        _table([2, 4, 8], [0.80, 0.93, 0.94], [0.09, 0.001, 0.04]),
        4,
        4,
        "Whose standard error sets the bound? Yours is not always the winner's.",
    ),
    (
        _table([2, 4, 8], [0.80, 0.90, 0.94], [0.4, 0.4, 0.04]),
        4,
        8,
        "Whose standard error sets the bound? Yours is not always the winner's.",
    ),
    (
        _table([8, 6, 4, 2], [0.94, 0.935, 0.93, 0.80], [0.04] * 4, index=[7, 5, 3, 0]),
        4,
        4,
        "With the rows in another order (and another index), your function returns another depth.",
    ),
    (
        _table([2, 4], [0.75, 0.875], [0.25, 0.25]),
        4,
        2,
        "A setting exactly one standard error below the winner is still 'no more than' one below.",
    ),
)


def _rule(bound=lambda std, folds: std / folds**0.5, strict=False, own=False, pick="min"):
    """Return a function like the one asked for, with one thing changed."""

    def simplest(results, folds):
        winner = results.sort_values("mean").iloc[-1]
        allowed = bound(results["std"] if own else winner["std"], folds)
        behind = winner["mean"] - results["mean"]
        near = results[behind < allowed if strict else behind <= allowed]
        near = pd.concat([near, winner.to_frame().T]) if near.empty else near
        return int(near["maxDepth"].min() if pick == "min" else near["maxDepth"].iloc[0])

    return simplest


@exercise(
    3,
    title="The simplest that is as good",
    hints=(
        "Find the winner's row first; its mean and its `std` set the bound for all.",
        "The standard error of a mean over `folds` values is `std / folds ** 0.5`.",
        "Keep the rows whose mean is at least the winner's mean less that, and return the smallest "
        "`maxDepth` among them as an int.",
    ),
    wrong={
        "the winner itself": lambda: (
            lambda results, folds: int(results.sort_values("mean")["maxDepth"].iloc[-1])
        ),
        "the deviation instead of the standard error": lambda: _rule(lambda std, folds: std),
        "divided by the folds, not by their root": lambda: _rule(lambda std, folds: std / folds),
        "three folds always": lambda: _rule(lambda std, folds: std / 3**0.5),
        "each row's own standard error": lambda: _rule(own=True),
        "a strict bound": lambda: _rule(strict=True),
        "the first row instead of the smallest depth": lambda: _rule(pick="first"),
        "the row number instead of the depth": lambda: (
            lambda results, folds: int(results["mean"].to_numpy().argmax())
        ),
        "always the shallowest": lambda: lambda results, folds: int(results["maxDepth"].min()),
        "a row instead of a number": lambda: lambda results, folds: results.head(1),
        "a number instead of a function": 8,
    },
)
def simplest_as_good(answer):
    """A function of a frame (maxDepth, mean, std) and the folds that returns a maxDepth."""
    expect.true(callable(answer), f"This is {answer!r}; a function is asked for.")
    for table, folds, depth, mistake in CASES:
        try:
            found = answer(table.copy(), folds)
        except Exception as error:
            kind, text = type(error).__name__, str(error).splitlines() or [""]
            raise expect.Wrong(
                f"On a frame of {len(table)} rows, whose index is {list(table.index)}, your "
                f"function raised {kind}: {text[0][:120]}"
            ) from error
        expect.is_a(found, int, f"Your function returned a {type(found).__name__}, not an int.")
        expect.equals(found, depth, mistake)
