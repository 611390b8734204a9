"""Exercises of day3/07_spark_binary_classification."""

from functools import cache

import numpy as np
import pandas as pd
from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.evaluation import BinaryClassificationEvaluator
from pyspark.ml.feature import (
    Imputer,
    OneHotEncoder,
    SQLTransformer,
    StringIndexer,
    VectorAssembler,
)
from pyspark.ml.functions import vector_to_array
from pyspark.ml.linalg import Vectors
from pyspark.sql import functions as F
from sklearn.metrics import average_precision_score, roc_auc_score

from lakebook.datasets import load
from lakebook.labs import exercise, expect
from lakebook.runtime.session import get_spark

LEARNS = {
    "bands": "nothing",
    "quarters": "inputs",
    "index": "inputs",
    "target": "label",
    "pairs": "nothing",
    "scale": "inputs",
    "unit": "nothing",
    "best": "label",
    "leave": "label",
}
# What an answer other than the right one gets to read.
LEARNS_MORE = {
    "bands": "Who decides where the bands end: the rows, or whoever writes `splits`?",
    "quarters": "How does this stage get to know where a quarter of the readers ends?",
    "index": "The most frequent region gets 0. Where does that order come from?",
    "target": "What does this stage write in place of a region? Think of its name.",
    "pairs": "It multiplies two values of the same row. Would other rows change the product?",
    "scale": "By what are the columns divided, and where does that number come from?",
    "unit": "Unlike a scaler, it works on one vector at a time. What would it need rows for?",
    "best": "Which features are best: best at what?",
    "leave": "A regression fits weights so that something is predicted. What?",
}


@exercise(
    1,
    title="Who learns, and from what?",
    hints=(
        "Two questions for each stage. Would its result for one reader change if the *other* "
        "readers were others? And would it change if only their `cancelled` changed?",
        "The library answers the first: make the stage and ask `hasattr(stage, 'fit')`.",
        "Three have no `fit`. Of the six that have one, three look at the label, and two of these "
        "are given `labelCol` although they only prepare columns.",
    ),
    wrong={
        "every preparing stage learns": LEARNS | {"bands": "inputs", "unit": "inputs"},
        "given borders taken for learned ones": LEARNS | {"bands": "inputs"},
        "learned borders taken for given ones": LEARNS | {"quarters": "nothing"},
        "only the model learns": {
            name: "label" if name == "leave" else "nothing" for name in LEARNS
        },
        "only the model sees the label": LEARNS | {"target": "inputs", "best": "inputs"},
        "the target encoder counts regions": LEARNS | {"target": "inputs"},
        "normalizer taken for a scaler": LEARNS | {"unit": "inputs"},
        "an indexer knows the words": LEARNS | {"index": "nothing"},
        "a product is learned": LEARNS | {"pairs": "inputs"},
        "a stage forgotten": {name: word for name, word in LEARNS.items() if name != "pairs"},
        "classes instead of words": LEARNS | {"bands": "transformer", "scale": "estimator"},
    },
)
def who_learns(answer):
    """A dict from nine stages to "nothing", "inputs" or "label"."""
    expect.is_a(answer, dict)
    missing = [name for name in LEARNS if name not in answer]
    expect.true(not missing, f"The dict has no entry for {', '.join(missing)}.")
    for name in LEARNS:
        expect.true(
            answer[name] in ("nothing", "inputs", "label"),
            f"{name!r} is {answer[name]!r}, which is none of the three words.",
        )
    for name, word in LEARNS.items():
        expect.equals(answer[name], word, f"{name!r} is not {answer[name]!r}. {LEARNS_MORE[name]}")


@cache
def _parts():
    """Return train, test and all readers as the lab makes them."""
    readers = load("newspaper_readers", spark=get_spark()).coalesce(1)
    train, test = readers.randomSplit([0.75, 0.25], seed=7)
    return {"train": train.cache(), "test": test.cache(), "all": readers}


@cache
def _local(name: str) -> pd.DataFrame:
    return _parts()[name].toPandas()


COUNTED, WORDS = ["age", "months", "complaints"], ["region", "plan"]
KEY = "reader_id"


@cache
def _hidden() -> pd.DataFrame:
    """Return readers to be scored: as they come, some without an age, some of a new region."""
    rows = _local("test").sort_values(KEY, ignore_index=True)
    rows = rows[(rows.index % 9 == 0) | rows["age"].isna()].head(300)
    few = rows.head(4).assign(region="Saltwick", age=[None, 30.0, None, 70.0])
    few[KEY] = few[KEY] + 1_000_000
    return pd.concat([rows, few], ignore_index=True).drop(columns="cancelled")


@cache
def _asked():
    """Return the hidden readers as a Spark frame with the columns of the lab's."""
    schema = _parts()["test"].drop("cancelled").schema
    rows = _hidden().astype(object)
    rows = rows.where(rows.notna(), None)
    return get_spark().createDataFrame(rows.values.tolist(), schema).coalesce(1).cache()


def _inputs(rows: pd.DataFrame, fill: float) -> np.ndarray:
    numbers = rows[COUNTED].astype(float).fillna({"age": fill}).to_numpy()
    known = {word: sorted(_local("all")[word].unique())[1:] for word in WORDS}
    flags = [(rows[word] == value).to_numpy(float) for word in WORDS for value in known[word]]
    return np.column_stack([np.ones(len(rows)), numbers, *flags])


@cache
def _reference(name: str) -> np.ndarray:
    """Return the log odds of the hidden readers by a regression fitted here, on some rows."""
    rows = _local(name)
    fill = rows["age"].median()
    weights = _newton(_inputs(rows, fill), rows["cancelled"].to_numpy(float))
    return _inputs(_hidden(), fill) @ weights


def _newton(inputs: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Return the weights of a logistic regression without penalty."""
    weights = np.zeros(inputs.shape[1])
    for _ in range(12):
        chance = 1 / (1 + np.exp(-inputs @ weights))
        slope = inputs.T @ (label - chance)
        weights += np.linalg.solve((inputs.T * (chance * (1 - chance))) @ inputs, slope)
    return weights


@cache
def _ordered(
    rows="train",
    strategy="median",
    one_hot=True,
    plan=True,
    label=False,
    penalty=0.0,
    new="keep",
    steps=25,
):
    """Return a pipeline as exercise 2 orders it, or with one thing done differently."""
    train = _parts()[rows]  # first: a stage needs a running session
    words = WORDS if plan else WORDS[:1]
    coded, flags = [f"{word}_index" for word in words], [f"{word}_is" for word in words]
    inputs = ["age_full", *COUNTED[1:], *(flags if one_hot else coded), *["cancelled"] * label]
    stages = [
        Imputer(strategy=strategy, inputCols=["age"], outputCols=["age_full"]),
        StringIndexer(inputCols=words, outputCols=coded, handleInvalid=new),
        OneHotEncoder(inputCols=coded, outputCols=flags),
        VectorAssembler(inputCols=inputs, outputCol="features"),
        LogisticRegression(labelCol="cancelled", maxIter=steps, regParam=penalty),
    ]
    return Pipeline(stages=stages).fit(train)


def _with(model, stage: int, name: str, value):
    return model.copy({model.stages[stage].getParam(name): value})


def _not_imputed():
    """Return the ordered pipeline without its imputer; the assembler leaves out the gaps."""
    _, coded, spread, _, leave = _ordered().stages
    flags = [f"{word}_is" for word in WORDS]
    gather = VectorAssembler(inputCols=[*COUNTED, *flags], outputCol="features")
    return PipelineModel([coded, spread, gather.setHandleInvalid("skip"), leave])


def _unfitted():
    get_spark()
    return Pipeline(stages=[LogisticRegression(labelCol="cancelled")])


@exercise(
    2,
    title="A pipeline to order",
    hints=(
        "Five stages in the order in which columns come to be. Which of them meets a reader "
        "without an age first, and which one a new region?",
        "`Imputer` for the age, `StringIndexer` and `OneHotEncoder` for two columns each, "
        "`VectorAssembler`, `LogisticRegression`. One argument of the indexer decides about words "
        "it has not seen.",
        "`handleInvalid='keep'` in the indexer; the assembler takes the imputer's output and the "
        "encoder's outputs, and `cancelled` stands in `labelCol` only. Then `.fit(train)`.",
    ),
    wrong={
        "not fitted": _unfitted,
        "only the last stage": lambda: _ordered().stages[-1],
        "a new region stops the list": lambda: _ordered(new="error", steps=1),
        "a new region drops the reader": lambda: _ordered(new="skip", steps=1),
        "readers without an age are skipped": _not_imputed,
        "the mean, which is the default": lambda: _ordered(strategy="mean", steps=1),
        "numbers of words taken for quantities": lambda: _ordered(one_hot=False),
        "the plan forgotten": lambda: _ordered(plan=False),
        "the label among the inputs": lambda: _ordered(label=True, steps=1),
        "a penalty": lambda: _ordered(penalty=0.1),
        "fitted on all readers": lambda: _ordered("all"),
        "predictions instead of a model": lambda: _ordered().transform(_asked()),
    },
)
def to_order(answer):
    """A PipelineModel fitted on train that scores every raw reader."""
    _is_pipeline_model(answer)
    leave = answer.stages[-1]
    expect.true(
        type(leave).__name__ == "LogisticRegressionModel",
        f"The last stage is a {type(leave).__name__}; a logistic regression is asked for.",
    )
    for stage in answer.stages:
        if type(stage).__name__ == "ImputerModel":
            expect.true(
                stage.getStrategy() == "median",
                f"The ages are filled with another statistic than ordered: {stage.getStrategy()}.",
            )
    found = _log_odds(answer)
    known = (_hidden()["region"] != "Saltwick").to_numpy()
    off = {name: np.abs(found - _reference(name))[known].mean() for name in ("train", "test")}
    off["all"] = np.abs(found - _reference("all"))[known].mean()
    if min(off, key=lambda name: off[name]) == "train" and off["train"] < 0.05:
        return
    expect.true(
        off["all"] > 0.05 or off["all"] > off["train"],
        "These are the weights of a regression on all readers. Those of `test` are for judging.",
    )
    expect.true(off["test"] > 0.05, "These weights were fitted on `test`.")
    _inputs_of(answer, leave)
    raise expect.Wrong(
        "Every reader is scored, but not by the regression that was ordered. Compare the inputs, "
        "the encoding of the words and the parameters of the regression with the text."
    )


def _is_pipeline_model(answer):
    expect.true(
        type(answer).__name__ != "Pipeline",
        "This pipeline has not been fitted. What does `.fit` return?",
    )
    expect.is_a(
        answer,
        "pyspark.ml.PipelineModel",
        f"This is a {type(answer).__name__}; a PipelineModel for raw readers is asked for.",
    )


def _inputs_of(answer, leave):
    """Judge how many numbers go into the regression, and its penalty."""
    expect.true(
        leave.getOrDefault("regParam") == 0,
        f"The regression has a penalty (`regParam`) of {leave.getOrDefault('regParam')}.",
    )
    flags = sum(_local("train")[word].nunique() for word in WORDS)
    count, fewest = leave.numFeatures, len(COUNTED) + flags - len(WORDS)
    expect.true(
        count != len(COUNTED) + len(WORDS),
        "Region and plan go into the regression as one number each, so the plan numbered 2 counts "
        "twice as much as the plan numbered 1.",
    )
    expect.true(
        count >= fewest,
        f"The regression sees {count} numbers. Three columns and the flags of two words make more.",
    )


def _log_odds(model) -> np.ndarray:
    """Return the log odds that a model gives the hidden readers, or judge that it cannot."""
    asked, hidden = _asked(), _hidden()
    found = _scores(model, asked, model.stages[-1].getPredictionCol())
    new, gap = F.col("region") == "Saltwick", F.col("age").isNull()
    if found is None:
        expect.true(
            _scores(model, asked.where(~new & ~gap)) is not None,
            "The model cannot score a reader who has an age and a known region, when there is no "
            "column `cancelled`. Tonight nobody knows it yet.",
        )
        expect.true(
            _scores(model, asked.where(~new)) is not None,
            "The model stops at a reader without an age.",
        )
        raise expect.Wrong("The model stops at a reader from a region that is new.")
    lost = hidden[~hidden[KEY].isin(found.index)]
    expect.true(
        lost.empty or (lost["region"] == "Saltwick").all(),
        f"{lost['age'].isna().sum()} readers without an age went in and did not come out.",
    )
    expect.true(lost.empty, "Readers from a region that is new went in and did not come out.")
    chance = found["chance"].clip(1e-9, 1 - 1e-9)
    return np.log(chance / (1 - chance)).loc[hidden[KEY]].to_numpy()


def _scores(model, frame, prediction="prediction") -> pd.DataFrame | None:
    """Return chance and called by reader, or None if the model raises."""
    chance = vector_to_array(F.col(model.stages[-1].getProbabilityCol()))[1].alias("chance")
    called = F.col(prediction).alias("called")
    try:
        rows = model.transform(frame).select(KEY, chance, called).collect()
    except Exception:  # whatever Spark or a stage raises, the model cannot score these rows
        return None
    return pd.DataFrame(rows, columns=[KEY, "chance", "called"]).set_index(KEY)


@cache
def _opinions(leavers: int, stayers: int, skill: float) -> pd.DataFrame:
    """Return labels, log odds and probabilities of some readers, in a random order."""
    rng = np.random.default_rng(leavers)
    label = rng.permutation(np.repeat([1, 0], [leavers, stayers]))
    odds = np.round(rng.normal(0, 1, len(label)) + skill * label - 1, 6)
    chance = 1 / (1 + np.exp(-odds))
    return pd.DataFrame({"cancelled": label, "odds": odds, "chance": chance})


@cache
def _scored(case: int):
    """Return a scored Spark frame."""
    rows = [
        (int(y), Vectors.dense(-o, o), Vectors.dense(1 - p, p), float(p > 0.5))
        for y, o, p in _opinions(*FRAMES[case][1]).itertuples(index=False)
    ]
    names = ["cancelled", "rawPrediction", "probability", "prediction"]
    return get_spark().createDataFrame(rows, names).coalesce(1).cache()


FRAMES = (
    ("on a frame like `scored`", (24, 96, 1.6)),
    ("on a frame where the model ranks worse than chance", (60, 60, -0.8)),
)


@cache
def _areas_of(case: int) -> dict[str, float]:
    rows = _opinions(*FRAMES[case][1])
    label, odds = rows["cancelled"], rows["odds"]
    return {
        "roc": float(roc_auc_score(label, odds)),
        "pr": float(average_precision_score(label, odds)),
        "chance": float(label.mean()),
        "corner": float(roc_auc_score(label, odds > 0)),
    }


def _area(frame, metric: str, column: str) -> float:
    curve = BinaryClassificationEvaluator(labelCol="cancelled", metricName=metric)
    return curve.setRawPredictionCol(column).evaluate(frame)


def _areas(column="rawPrediction", second="areaUnderPR", chance=None, turn=False, keys=None):
    """Return a function like the one asked for, with one thing done differently."""

    def areas(frame):
        if column == "staying":
            frame = frame.withColumn("staying", vector_to_array("probability")[0])
        roc = _area(frame, "areaUnderROC", column)
        found = {
            "roc": max(roc, 1 - roc) if turn else roc,
            "pr": _area(frame, second, column),
            "chance": frame.agg(F.avg("cancelled")).first()[0] if chance is None else chance,
        }
        return {key: found[key] for key in keys or found}

    return areas


@exercise(
    3,
    title="Two areas and what chance would give",
    hints=(
        "An area is that of a curve, and a curve needs a score with many values. Which of the "
        "three columns of an opinion has only two?",
        "One evaluator, two values of `metricName`; its default `rawPredictionCol` is right here, "
        "its default `labelCol` is not.",
        "In a random list, what share of its rows leaves, however long the list is? That is the "
        "precision at every point, and `F.avg` knows it.",
    ),
    wrong={
        "ranked by prediction": lambda: _areas("prediction"),
        "the default metric twice": lambda: _areas(second="areaUnderROC"),
        "chance is a half": lambda: _areas(chance=0.5),
        "ranked by the probability of staying": lambda: _areas("staying"),
        "turned round when below a half": lambda: _areas(turn=True),
        "chance from another frame": lambda: _areas(chance=0.0405),
        "the numbers of one frame": lambda: lambda frame: _areas_of(0),
        "chance forgotten": lambda: _areas(keys=("roc", "pr")),
        "numbers instead of a function": {"roc": 0.8, "pr": 0.2, "chance": 0.04},
    },
)
def two_areas(answer):
    """A function of a scored frame that returns roc, pr and chance."""
    expect.true(callable(answer), f"This is a {type(answer).__name__}; a function is asked for.")
    for case, (where, _) in enumerate(FRAMES):
        right = _areas_of(case)
        try:
            found = answer(_scored(case))
        except Exception as error:
            first = (str(error).splitlines() or [""])[0]
            raise expect.Wrong(
                f"Called {where}, your function raised {type(error).__name__}: {first[:140]}"
            ) from error
        expect.is_a(found, dict, f"Your function returned a {type(found).__name__}, not a dict.")
        for key in ("roc", "pr", "chance"):
            expect.true(key in found, f"The dict that your function returns has no entry {key!r}.")
            expect.is_a(found[key], float, f"{key!r} is not a number.")
        _judge_areas(where.capitalize(), found, right)


def _judge_areas(where, found, right):
    expect.true(
        abs(found["roc"] - right["corner"]) > 1e-6,
        f"{where}, your 'roc' is the area below a line with one corner: the rows were ranked by a "
        "column with two values.",
    )
    expect.true(
        abs(found["roc"] - 1 + right["roc"]) > 1e-6,
        f"{where}, your 'roc' is the area of the ranking turned round: those who stay come first.",
    )
    expect.close(
        found["roc"],
        right["roc"],
        1e-3,
        f"{where}, 'roc' is not the area under the model's own curve.",
    )
    expect.true(
        abs(found["pr"] - right["roc"]) > 1e-6,
        "'pr' is the same area as 'roc'. Which `metricName` has the evaluator?",
    )
    # Libraries join the points of this curve in two ways.
    expect.close(
        found["pr"],
        right["pr"],
        0.02,
        f"{where}, 'pr' is not the area under the precision-recall curve.",
    )
    expect.close(
        found["chance"],
        right["chance"],
        1e-6,
        f"{where}, 'chance' is {found['chance']:.3g}, which is not what a random order of its "
        "rows gives on average. Each of the two curves has a chance of its own, and this one "
        "depends on the rows.",
    )


CALLS = 60


@cache
def _demonstrated():
    """Return the model of the demonstration."""
    words = ["region", "delivery", "plan"]
    numbers = ["months", "price", "late_deliveries", "complaints", "reminder"]
    train = _parts()["train"]
    coded, flags = [f"{word}_index" for word in words], [f"{word}_is" for word in words]
    zero = "SELECT *, coalesce(app_days, 0) AS app_use FROM __THIS__"
    stages = [
        SQLTransformer(statement=zero),
        Imputer(strategy="median", inputCols=["age"], outputCols=["age_known"]),
        StringIndexer(inputCols=words, outputCols=coded, handleInvalid="keep"),
        OneHotEncoder(inputCols=coded, outputCols=flags),
        VectorAssembler(inputCols=["age_known", "app_use", *numbers, *flags], outputCol="features"),
        LogisticRegression(labelCol="cancelled", maxIter=30),
    ]
    return Pipeline(stages=stages).fit(train)


def _tonight():
    return _parts()["test"].where("plan = 'monthly'").drop("cancelled")


@cache
def _chances(tonight: bool = True) -> np.ndarray:
    """Return the probabilities of leaving, the highest first."""
    frame = _tonight() if tonight else _parts()["test"]
    return np.sort(_scores(_demonstrated(), frame)["chance"].to_numpy())[::-1]


def _calling(threshold: float):
    return _with(_demonstrated(), -1, "threshold", float(threshold))


def _between(chances: np.ndarray, calls: int = CALLS) -> float:
    return (chances[calls - 1] + chances[calls]) / 2


@exercise(
    4,
    title="A threshold for tonight",
    hints=(
        "Which readers does the threshold have to part? Score `tonight`, and put the probabilities "
        "in order.",
        "The threshold lies between the 60th and the 61st highest `probability[1]`. The "
        "demonstration sets one without a new fit.",
        "`model.copy({weights.threshold: …})` is a second fitted pipeline. The number in it must "
        "be a plain float.",
    ),
    wrong={
        "the model as it was": lambda: _demonstrated(),
        "the threshold of the demonstration": lambda: _calling(_between(_chances(False), 120)),
        "sixty of all readers": lambda: _calling(_between(_chances(False))),
        "the sixty least likely": lambda: _calling(1 - _between(_chances()[::-1])),
        "a share instead of a probability": lambda: _calling(CALLS / len(_chances())),
        "the threshold of an estimator": lambda: Pipeline(
            stages=[LogisticRegression(threshold=_between(_chances()))]
        ),
        "the readers instead of the model": lambda: _calling(_between(_chances())).transform(
            _tonight()
        ),
        "only the last stage": lambda: _calling(_between(_chances())).stages[-1],
        "another model": lambda: _with(_ordered(), -1, "threshold", 0.2),
    },
)
def for_tonight(answer):
    """A fitted PipelineModel that calls sixty of tonight's readers."""
    _is_pipeline_model(answer)
    leave = answer.stages[-1]
    right = _by_hand()
    found = _scores(answer, _tonight(), leave.getPredictionCol())
    expect.true(found is not None, "The model cannot score the rows of `tonight`.")
    expect.true(len(found) == len(right), "Not every reader of `tonight` has a prediction.")
    expect.true(
        np.abs(found["chance"] - right.loc[found.index]).mean() < 0.002,
        "These are not the probabilities of `model`. Only its threshold was to change.",
    )
    called = int((found["called"] == 1).sum())
    expect.true(
        called != int((right > 0.5).sum()),
        f"{called} readers would be called, as many as by `model` itself: its threshold is still a "
        "half.",
    )
    expect.true(
        abs(called - CALLS) <= 1,
        f"{called} of the {len(right)} readers of `tonight` would be called.",
    )


@cache
def _by_hand() -> pd.Series:
    """Return the probabilities of `tonight` by a regression like the demonstration's."""
    numbers = ["app_days", "months", "price", "late_deliveries", "complaints", "reminder"]
    train, tonight = _local("train"), _local("test")
    tonight = tonight[tonight["plan"] == "monthly"]

    def inputs(rows):
        age = rows["age"].fillna(train["age"].median())
        words = [
            (word, sorted(train[word].unique())[1:]) for word in ("region", "delivery", "plan")
        ]
        flags = [(rows[word] == value).to_numpy(float) for word, known in words for value in known]
        return np.column_stack(
            [np.ones(len(rows)), age, rows[numbers].fillna(0).to_numpy(float), *flags]
        )

    weights = _newton(inputs(train), train["cancelled"].to_numpy(float))
    return pd.Series(1 / (1 + np.exp(-inputs(tonight) @ weights)), tonight[KEY])
