"""Exercises of day3/08_spark_regression."""

from functools import cache

import numpy as np
import pandas as pd
from pyspark.ml import Pipeline
from pyspark.ml.feature import (
    Imputer,
    OneHotEncoder,
    SQLTransformer,
    StringIndexer,
    VectorAssembler,
)
from pyspark.ml.regression import LinearRegression, RandomForestRegressor
from pyspark.ml.tuning import ParamGridBuilder
from pyspark.sql import functions as F

from lakebook.datasets import load
from lakebook.labs import exercise, expect
from lakebook.runtime.session import get_spark

NUMBERS = ["area", "built", "distance"]
NEW = "Saltwick"


@cache
def _flats() -> pd.DataFrame:
    """Return flats to learn from: larger and older than the lab's, so that no number fits both."""
    rows = load("flat_rents").iloc[::13].reset_index(drop=True)
    return rows.assign(area=1.5 * rows["area"], built=rows["built"] - 40)


@cache
def _raw() -> pd.DataFrame:
    """Return flats to answer for: some with gaps, some from a new district."""
    rows = load("flat_rents").iloc[5::61].reset_index(drop=True)
    rows = rows[rows["district"].isin(_flats()["district"])].drop(columns="rent")
    gaps = rows.head(3).assign(area=np.nan, flat_id=[1, 2, 3])
    new = rows.tail(3).assign(district=NEW, flat_id=[4, 5, 6])
    return pd.concat([rows, gaps, new], ignore_index=True)


@cache
def _frame(which: str):
    spark = get_spark()
    if which == "learn":
        rows = spark.createDataFrame(_flats()).withColumn("log_rent", F.log("rent"))
        return rows.withColumn("fold", F.lit(0)).coalesce(1).cache()
    return spark.createDataFrame(_raw()).coalesce(1).cache()


@cache
def _usual() -> pd.Series:
    """Return the rents that a line fitted here gives to the raw flats."""
    learn = _flats()
    fills = learn[NUMBERS].median()
    districts = sorted(learn["district"].unique())[1:]

    def inputs(rows):
        flags = [(rows["district"] == one).to_numpy(float) for one in districts]
        numbers = rows[NUMBERS].fillna(fills).to_numpy(float)
        return np.column_stack([np.ones(len(rows)), numbers, *flags])

    weights = np.linalg.lstsq(inputs(learn), np.log(learn["rent"]), rcond=None)[0]
    return pd.Series(np.exp(inputs(_raw()) @ weights), _raw()["flat_id"])


BACK = "SELECT *, exp(log_prediction) AS prediction FROM __THIS__"


def _honest(
    strategy="median",
    filled=("area", "built"),
    new="keep",
    one_hot=True,
    label="log_rent",
    back=BACK,
    first=(),
    prefitted=False,
    fitted=False,
    invalid="error",
):
    """Return a pipeline as asked for, or with one thing done differently."""
    rows = _frame("learn")  # first: a stage needs a running session
    euros = label == "rent"
    fill = Imputer(strategy=strategy, inputCols=list(filled), outputCols=list(filled))
    stages = [
        *first,
        *[fill.fit(rows) if prefitted else fill for _ in filled[:1]],
        StringIndexer(inputCol="district", outputCol="d", handleInvalid=new),
        OneHotEncoder(inputCol="d", outputCol="d_is"),
        VectorAssembler(
            inputCols=[*NUMBERS, "d_is" if one_hot else "d"],
            outputCol="features",
            handleInvalid=invalid,
        ),
        LinearRegression(
            labelCol=label, predictionCol="prediction" if euros or not back else "log_prediction"
        ),
        *[SQLTransformer(statement=back) for _ in [0] if back and not euros],
    ]
    pipeline = Pipeline(stages=stages)
    return pipeline.fit(rows) if fitted else pipeline


def _label_inside():
    get_spark()
    made = SQLTransformer(statement="SELECT *, ln(rent) AS log_rent2 FROM __THIS__")
    return _honest(first=[made], label="log_rent2")


def _constant_fill():
    get_spark()
    text = (
        "SELECT * EXCEPT (area, built), coalesce(area, 62D) AS area, "
        "coalesce(built, 1965D) AS built FROM __THIS__"
    )
    return _honest(first=[SQLTransformer(statement=text)], filled=())


@exercise(
    1,
    title="A pipeline that leaks nothing",
    hints=(
        "Write down for each stage what it learns, and when. Whatever is worked out before the "
        "pipeline is fitted has been learned from rows it should not know.",
        "Five stages lead to a `log_prediction`: `Imputer`, `StringIndexer`, `OneHotEncoder`, "
        "`VectorAssembler`, `LinearRegression`. A sixth makes euros of it.",
        "The demonstration's `back` is the sixth, and `handleInvalid='keep'` in the indexer is for "
        "new districts. Do not call `fit` on the pipeline or on any stage of it.",
    ),
    wrong={
        "fitted already": lambda: _honest(fitted=True),
        "a stage was fitted before": lambda: _honest(prefitted=True),
        "numbers worked out beforehand": _constant_fill,
        "left in logarithms": lambda: _honest(back=None),
        "euros all the way": lambda: _honest(label="rent"),
        "the logarithm of the rent is a stage": _label_inside,
        "a new district stops it": lambda: _honest(new="error"),
        "a new district is dropped": lambda: _honest(new="skip"),
        "flats with gaps are dropped": lambda: _honest(filled=(), invalid="skip"),
        "the mean, which is the default": lambda: _honest(strategy="mean"),
        "districts as quantities": lambda: _honest(one_hot=False),
    },
)
def leaks_nothing(answer):
    """An unfitted Pipeline that learns log_rent and answers in euros."""
    expect.true(
        type(answer).__name__ != "PipelineModel",
        "This pipeline has been fitted already, and on whose flats nobody can tell any more.",
    )
    expect.is_a(answer, "pyspark.ml.Pipeline")
    known = [type(one).__name__ for one in answer.getStages() if not hasattr(one, "fit")]
    known = [name for name in known if name.endswith("Model")]
    expect.true(
        not known,
        f"A stage is a {', '.join(known)}: it was fitted before the pipeline, on other rows.",
    )
    try:
        model = answer.fit(_frame("learn"))
    except Exception as error:
        raise expect.Wrong(
            "Fitted on a frame like `train`, the pipeline raises "
            f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:140]}"
        ) from error
    for stage in model.stages:
        if type(stage).__name__ == "ImputerModel":
            expect.true(
                stage.getStrategy() == "median",
                f"The gaps are filled with something else than the median: {stage.getStrategy()}.",
            )
    _judge_rents(_answers(model))


def _answers(model) -> pd.Series:
    """Return the predictions for the raw flats, or judge that there are none."""
    raw, new = _frame("raw"), F.col("district") == NEW
    found = _predicted(model, raw)
    if found is None:
        expect.true(
            _predicted(model, raw.where(~new).dropna()) is not None,
            "Fitted, the pipeline cannot answer for a flat without gaps from a known district. On "
            "the telephone there is neither `rent` nor `log_rent`; and the answer is expected in a "
            "column `prediction`.",
        )
        expect.true(
            _predicted(model, raw.where(~new)) is not None,
            "Fitted, the pipeline stops at a flat whose area or year is not known.",
        )
        raise expect.Wrong("Fitted, the pipeline stops at a flat from a district that is new.")
    lost = _raw()[~_raw()["flat_id"].isin(found.index)]
    expect.true(
        lost.empty or (lost["district"] == NEW).all(),
        f"{len(lost)} flats, among them those with gaps, went in and did not come out.",
    )
    expect.true(lost.empty, "Flats from a district that is new went in and did not come out.")
    return found


def _predicted(model, frame) -> pd.Series | None:
    try:
        rows = model.transform(frame).select("flat_id", "prediction").collect()
    except Exception:  # whatever Spark or a stage raises, there is no answer for these flats
        return None
    return pd.DataFrame(rows, columns=["flat_id", "prediction"]).set_index("flat_id")["prediction"]


def _judge_rents(found):
    known = _raw()[_raw()["district"] != NEW]
    ratio = found.loc[known["flat_id"]] / _usual().loc[known["flat_id"]]
    complete = known[NUMBERS].notna().all(axis=1).to_numpy()
    expect.true(
        found.median() > 30,
        f"The median of `prediction` is {found.median():.2f}. Are these euros?",
    )
    expect.true(np.isfinite(found).all(), "Some predictions are not numbers.")
    off, off_gaps = (ratio - 1).abs()[complete].median(), (ratio - 1).abs()[~complete].median()
    expect.true(
        off > 0.02 or off_gaps < max(0.02, 3 * off),
        "For flats without a gap the answers are right, for the others they are not: what fills "
        "the gaps was not learned when the pipeline was fitted.",
    )
    expect.true(
        off < 0.01,
        "Every flat gets an answer, but not that of a line for `log_rent` on the four columns that "
        "were asked for. Compare label, inputs and the encoding of the district with the text.",
    )


RIDGE, DEPTHS, TREES = (0.001, 0.01, 0.1), (4, 8), (5, 10)
FOLDS = 5


@cache
def _parts():
    """Return the stages of the lab, and the pipeline that chooses between them."""
    get_spark()
    logs = {"labelCol": "log_rent", "predictionCol": "log_prediction"}
    words = ["district", "kind", "condition", "energy"]
    coded, flags = [f"{word}_index" for word in words], [f"{word}_is" for word in words]
    fill = Imputer(strategy="median", inputCols=["area"], outputCols=["area_known"])
    index = StringIndexer(inputCols=words, outputCols=coded, handleInvalid="keep")
    one_hot = OneHotEncoder(inputCols=coded, outputCols=flags)
    wide = VectorAssembler(inputCols=["area_known", *flags], outputCol="wide")
    narrow = VectorAssembler(inputCols=["area_known", *coded], outputCol="narrow")
    return {
        "chooser": Pipeline(stages=[]),
        "to_wide": [fill, index, one_hot, wide],
        "to_narrow": [fill, index, narrow],
        "ridge": LinearRegression(featuresCol="wide", **logs),
        "forest": RandomForestRegressor(featuresCol="narrow", maxBins=64, **logs),
        "back": SQLTransformer(statement=BACK),
    }


def _settings(
    kinds=("ridge", "forest"), prepared=True, back=True, stages=True, depths=DEPTHS, other=False
):
    """Return the settings asked for, or with one thing done differently."""
    part, settings = _parts(), []
    for kind in kinds:
        regressor = part[kind]
        before = part["to_wide" if kind == "ridge" else "to_narrow"] if prepared else []
        chosen = [*before, regressor, *[part["back"] for _ in [0] if back]]
        builder = ParamGridBuilder()
        if stages:
            builder = builder.baseOn({part["chooser"].stages: chosen})
        if kind == "ridge":
            tuned = LinearRegression() if other else regressor
            builder = builder.addGrid(tuned.regParam, list(RIDGE))
        else:
            builder = builder.addGrid(regressor.maxDepth, list(depths))
            builder = builder.addGrid(regressor.numTrees, list(TREES))
        settings += builder.build()
    return settings


def _product():
    part = _parts()
    chosen = [
        [*part["to_wide"], part["ridge"], part["back"]],
        [*part["to_narrow"], part["forest"], part["back"]],
    ]
    return (
        ParamGridBuilder()
        .addGrid(part["chooser"].stages, chosen)
        .addGrid(part["ridge"].regParam, list(RIDGE))
        .addGrid(part["forest"].maxDepth, list(DEPTHS))
        .addGrid(part["forest"].numTrees, list(TREES))
        .build()
    )


COUNT = len(RIDGE) + len(DEPTHS) * len(TREES)


def _plan(settings=None, fits=COUNT * FOLDS + 1):
    return {"settings": _settings() if settings is None else settings, "fits": fits}


@exercise(
    2,
    title="One search, two kinds of regressor",
    hints=(
        "A grid is a list of dicts, and two lists can be joined with `+`. What does a setting of "
        "the ridge have to do with the depth of a tree?",
        "Each dict names the stages, `chooser.stages`, and values for the regressor that is among "
        "these stages, and nothing else.",
        "`ParamGridBuilder().baseOn({chooser.stages: [...]}).addGrid(ridge.regParam, [...])` is "
        "the list for one kind. `fits`: settings × folds, and the winner once more.",
    ),
    wrong={
        "everything with everything": lambda: _plan(_product(), len(_product()) * FOLDS + 1),
        "ridge only": lambda: _plan(_settings(("ridge",))),
        "forest only": lambda: _plan(_settings(("forest",))),
        "nothing prepares the columns": lambda: _plan(_settings(prepared=False)),
        "left in logarithms": lambda: _plan(_settings(back=False)),
        "the stages are not among the settings": lambda: _plan(_settings(stages=False)),
        "one depth only": lambda: _plan(_settings(depths=(4,))),
        "a parameter of another object": lambda: _plan(_settings(other=True)),
        "the refit forgotten": lambda: _plan(fits=COUNT * FOLDS),
        "settings instead of fits": lambda: _plan(fits=COUNT),
        "a refit in every fold": lambda: _plan(fits=(COUNT + 1) * FOLDS),
        "a product counted": lambda: _plan(fits=24 * FOLDS + 1),
    },
)
def one_search(answer):
    """A dict: settings (a list of dicts for estimatorParamMaps) and fits (an int)."""
    expect.is_a(answer, dict)
    for key in ("settings", "fits"):
        expect.true(key in answer, f"The dict has no entry {key!r}.")
    settings, fits = answer["settings"], answer["fits"]
    expect.is_a(settings, list, "'settings' is not a list. `build()` returns one.")
    found = [_effective(setting) for setting in settings]
    twice = len(found) - len(set(found))
    expect.true(
        not twice,
        f"{twice} of your {len(found)} settings fit the same thing as another one: they differ "
        "only in a parameter of a regressor that is not among their stages.",
    )
    wanted = {("ridge", value) for value in RIDGE}
    wanted |= {("forest", depth, trees) for depth in DEPTHS for trees in TREES}
    for kind in ("ridge", "forest"):
        expect.true(
            any(one[0] == kind for one in found),
            f"No setting has the {kind} among its stages.",
        )
    missing, surplus = wanted - set(found), set(found) - wanted
    expect.true(
        not surplus,
        f"{len(surplus)} of your settings were not asked for. Compare the values with the text.",
    )
    expect.true(not missing, f"{len(missing)} of the settings that were asked for are not there.")
    expect.is_a(fits, int, "'fits' is not a whole number.")
    expect.unlike(fits, COUNT, "'fits' is the number of settings. Each is fitted on every fold.")
    expect.unlike(fits, COUNT * FOLDS, "'fits' leaves out the refit of the winner.")
    expect.unlike(
        fits,
        (COUNT + 1) * FOLDS,
        "'fits': the winner is known only after all folds. How often is it fitted then?",
    )
    expect.equals(
        fits,
        COUNT * FOLDS + 1,
        "'fits': how long is your list, and what happens to each of its settings?",
    )


def _effective(setting) -> tuple:
    """Return what a setting amounts to: the kind of regressor, and its values."""
    expect.is_a(setting, dict, "A setting in the list is not a dict from parameters to values.")
    expect.true(
        all(hasattr(param, "parent") for param in setting),
        "The keys of a setting are parameters, such as `ridge.regParam`, not texts.",
    )
    chosen = [value for param, value in setting.items() if param.name == "stages"]
    expect.true(
        chosen,
        "A setting does not say which stages the pipeline has. `chooser` itself has none.",
    )
    stages = list(chosen[0])
    names = [type(stage).__name__ for stage in stages]
    kinds = {"LinearRegression": "ridge", "RandomForestRegressor": "forest"}
    at = [place for place, name in enumerate(names) if name in kinds]
    expect.true(len(at) == 1, f"A setting has {len(at)} regressors among its stages, not one.")
    regressor, kind = stages[at[0]], kinds[names[at[0]]]
    before = stages[at[0] - 1].getOutputCol() if at[0] else None
    expect.true(
        before == regressor.getFeaturesCol() and len(stages[: at[0]]) > 1,
        f"In a setting of the {kind} nothing makes the column `{regressor.getFeaturesCol()}` "
        "that it learns from. Which stages belong before it?",
    )
    expect.true(
        names[-1] == "SQLTransformer",
        f"In a setting of the {kind} nothing turns `log_prediction` into euros.",
    )
    known = {stage.uid for stage in stages}
    own = {p.name: v for p, v in setting.items() if p.parent == regressor.uid}
    tuned = {p for p in setting if p.name in ("regParam", "maxDepth", "numTrees")}
    expect.true(
        own or not tuned or any(param.parent in known for param in tuned),
        f"A setting of the {kind} changes a parameter of another object, which is not among its "
        "stages, so it changes nothing.",
    )
    name = {"ridge": ["regParam"], "forest": ["maxDepth", "numTrees"]}[kind]
    return kind, *(own.get(one, regressor.getOrDefault(one)) for one in name)


def _scores(one, other):
    return pd.DataFrame({"old": one, "new": other})


# Each table is one on which a foreseeable mistake gives another verdict than the rule does.
CASES = (
    (
        _scores([200, 240, 180], [190, 229, 171]),
        "new",
        "One is better by about the same in every fold, although the folds differ widely. Your "
        "function does not say so. Did it compare fold by fold?",
    ),
    (
        _scores([171, 229, 190], [180, 240, 200]),
        "old",
        "Here the better one stands in the other column, and your function does not name it. A "
        "lower error is better.",
    ),
    (
        _scores([200, 210, 205, 202], [190, 214, 206, 196]),
        "undecided",
        "The mean differs, but the difference changes its sign from fold to fold. Your function "
        "names a winner.",
    ),
    (
        _scores([100, 100, 100], [99, 95, 91]),
        "new",
        "This lead is a little more than two standard errors, and your function does not see it. "
        "The deviation of the differences is not yet the error of their mean.",
    ),
    (
        _scores([100, 100, 100, 100], [99, 100, 94, 99]),
        "undecided",
        "This lead is less than two standard errors, and your function names a winner. How many "
        "errors does it ask for, and by what does it divide?",
    ),
    (
        _scores([100, 100, 100], [99, 94, 87.6]),
        "undecided",
        "This lead is a little less than two standard errors, and your function names a winner. "
        "Which standard deviation does it take?",
    ),
)


def _verdict(paired=True, ddof=1, errors=2.0, root=True, lower=True, signed=False):
    """Return a function like the one asked for, with one thing done differently."""

    def verdict(scores, one, other):
        lead = scores[other] - scores[one] if lower else scores[one] - scores[other]
        count = len(lead)
        spread = (
            lead.std(ddof=ddof)
            if paired
            else (scores[one].var(ddof=1) + scores[other].var(ddof=1)) ** 0.5
        )
        error = spread / (count**0.5 if root else 1)
        mean = lead.mean() if signed else abs(lead.mean())
        if mean <= errors * error:
            return "undecided"
        return one if lead.mean() > 0 else other

    return verdict


@exercise(
    3,
    title="Who won on the same folds?",
    hints=(
        "The folds differ more from each other than the candidates do. What is left of that once "
        "you subtract one column from the other?",
        "Mean and standard error of the *differences*; pandas divides by k − 1 in `std()`, NumPy "
        "by k.",
        "`lead = scores[other] - scores[one]` is positive where `one` is better. Compare "
        "`abs(lead.mean())` with `2 * lead.std() / len(lead) ** 0.5`.",
    ),
    wrong={
        "the folds are not paired": lambda: _verdict(paired=False),
        "the deviation instead of the standard error": lambda: _verdict(root=False),
        "one standard error": lambda: _verdict(errors=1.0),
        "divided by k instead of k - 1": lambda: _verdict(ddof=0),
        "higher is better": lambda: _verdict(lower=False),
        "only one may win": lambda: _verdict(signed=True),
        "the lower mean wins": lambda: _verdict(errors=0.0),
        "never decided": lambda: lambda scores, one, other: "undecided",
        "a number instead of a name": lambda: (
            lambda scores, one, other: float((scores[one] - scores[other]).mean())
        ),
        "a name instead of a function": "forest",
    },
)
def who_won(answer):
    """A function of a frame of errors and two names that returns a name or "undecided"."""
    expect.true(callable(answer), f"This is {answer!r}; a function is asked for.")
    for table, right, mistake in CASES:
        for names in (("old", "new"), ("new", "old")):
            try:
                found = answer(table.copy(), *names)
            except Exception as error:
                first = (str(error).splitlines() or [""])[0]
                raise expect.Wrong(
                    f"On a frame of {len(table)} folds your function raised "
                    f"{type(error).__name__}: {first[:120]}"
                ) from error
            expect.is_a(
                found, str, f"Your function returned a {type(found).__name__}; a name is asked for."
            )
            expect.equals(found, right, mistake)
