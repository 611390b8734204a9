"""Exercises of day3/09_spark_decision_trees."""

from functools import cache

import numpy as np
import pandas as pd
from pyspark.ml import Pipeline
from pyspark.ml.feature import OneHotEncoder, SQLTransformer, StringIndexer, VectorAssembler
from pyspark.ml.regression import DecisionTreeRegressor, RandomForestRegressor
from pyspark.sql import functions as F

from lakebook.datasets import load
from lakebook.labs import exercise, expect
from lakebook.runtime.session import get_spark


def _called(function, *arguments, on: str, **named):
    """Return what the learner's function returns, or judge that it raises."""
    try:
        return function(*arguments, **named)
    except Exception as error:
        kind, text = type(error).__name__, str(error).splitlines() or [""]
        raise expect.Wrong(f"{on} your function raised {kind}: {text[0][:120]}") from error


# --- 1 ---------------------------------------------------------------------------------------


def _split(
    x,
    y,
    min_rows=1,
    *,
    impurity=np.var,
    weighted=True,
    middle=True,
    distinct=True,
    ordered=True,
    last=False,
    per_group=False,
):
    """Return the best split as the exercise asks for it, or with one thing done differently."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    order = np.argsort(x, kind="stable") if ordered else np.arange(len(x))
    x, y = x[order], y[order]
    best = None
    for at in range(1, len(x)):
        if distinct and x[at] == x[at - 1]:
            continue
        small = at if per_group else min(at, len(x) - at)
        if small < min_rows:
            continue
        sizes = np.array([at, len(x) - at]) / len(x) if weighted else np.array([0.5, 0.5])
        gain = impurity(y) - float(sizes @ [impurity(y[:at]), impurity(y[at:])])
        cut = (x[at - 1] + x[at]) / 2 if middle else x[at - 1]
        if gain > 1e-12 and (best is None or (gain >= best[1] if last else gain > best[1] + 1e-12)):
            best = (float(cut), float(gain))
    return best


def _sample(seed: int, rows: int = 60, values: int = 9):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, values, rows).astype(float)
    return x, 10 * x + np.where(x > 5, 40, 0) + rng.normal(0, 12, rows)


SPLITS = (
    ("the columns [1, 2, 3, 4] and [5, 5, 9, 9]", [1, 2, 3, 4], [5, 5, 9, 9], 1),
    ("values that are not sorted", [4, 1, 3, 2], [9, 5, 9, 5], 1),
    ("groups of very unequal size", [1, 2, 3, 4, 5, 6, 7, 8], [0, 9, 8, 9, 9, 8, 9, 9], 1),
    ("a single extreme row at the end", [1, 2, 3, 4, 5, 6], [1, 2, 1, 2, 1, 12], 1),
    ("a column with repeated values", [1, 1, 1, 2, 2, 2], [0, 0, 9, 9, 9, 9], 1),
    ("values with gaps between them", [1, 2, 50, 60], [3, 3, 8, 8], 1),
    ("two thresholds that are equally good", [1, 2, 3], [0, 5, 10], 1),
    ("min_rows=3 on six rows", [1, 2, 3, 4, 5, 6], [0, 9, 9, 9, 9, 9], 3),
    ("min_rows=3, where the largest value stands out", [1, 2, 3, 4, 5, 6], [0, 1, 0, 1, 0, 9], 3),
    ("a column that holds one value only", [7, 7, 7], [1, 2, 3], 1),
    ("a target that is the same in every row", [1, 2, 3], [4, 4, 4], 1),
    ("min_rows=4 on six rows", [1, 2, 3, 4, 5, 6], [0, 0, 0, 9, 9, 9], 4),
    ("sixty rows with nine different values", *_sample(1), 1),
    ("sixty rows with nine different values and min_rows=20", *_sample(2), 20),
)


@exercise(
    1,
    title="The best question",
    hints=(
        "The candidates lie between neighbouring *different* values: `np.unique` sorts and drops "
        "repetitions.",
        "Gain is the variance of all rows less the weighted variance of the two groups. `after` in "
        "the lab does the second part.",
        "Loop over the middles; leave out those with fewer than `min_rows` rows on a side; keep a "
        "gain only if it is greater than the best so far, which begins at zero.",
    ),
    wrong={
        "the mean of two impurities, not weighted": lambda: (
            lambda x, y, min_rows=1: _split(x, y, min_rows, weighted=False)
        ),
        "sample variance": lambda: (
            lambda x, y, min_rows=1: _split(
                x,
                y,
                min_rows,
                impurity=lambda part: np.var(part) * len(part) / max(len(part) - 1, 1),
            )
        ),
        "standard deviation": lambda: (
            lambda x, y, min_rows=1: _split(x, y, min_rows, impurity=np.std)
        ),
        "a value of the column as threshold": lambda: (
            lambda x, y, min_rows=1: _split(x, y, min_rows, middle=False)
        ),
        "equal values torn apart": lambda: (
            lambda x, y, min_rows=1: _split(x, y, min_rows, distinct=False)
        ),
        "rows not sorted": lambda: lambda x, y, min_rows=1: _split(x, y, min_rows, ordered=False),
        "the last of equally good ones": lambda: (
            lambda x, y, min_rows=1: _split(x, y, min_rows, last=True)
        ),
        "min_rows forgotten": lambda: lambda x, y, min_rows=1: _split(x, y),
        "min_rows for the left group only": lambda: (
            lambda x, y, min_rows=1: _split(x, y, min_rows, per_group=True)
        ),
        "fails where nothing can be split": lambda: (
            lambda x, y, min_rows=1: tuple(_split(x, y, min_rows))
        ),
        "the impurity left instead of the gain": lambda: (
            lambda x, y, min_rows=1: (
                found and (found[0], float(np.var(y)) - found[1])
                if (found := _split(x, y, min_rows))
                else None
            )
        ),
        "the threshold alone": lambda: lambda x, y, min_rows=1: (_split(x, y, min_rows) or [0])[0],
        "a number instead of a function": 73.25,
    },
)
def best_split(answer):
    """A function of x, y and min_rows that returns (threshold, gain) or None."""
    expect.true(callable(answer), f"This is {answer!r}; a function is asked for.")
    for what, x, y, min_rows in SPLITS:
        x, y = np.array(x, dtype=float), np.array(y, dtype=float)
        right = _split(x, y, min_rows)
        found = _called(answer, x.copy(), y.copy(), min_rows, on=f"On {what}")
        expect.true(found is not ..., "The function still returns `...`.")
        if right is None:
            expect.true(
                found is None,
                f"On {what}, no split is allowed or none gains anything; your function returned "
                f"{found!r}.",
            )
            continue
        expect.true(found is not None, f"On {what}, your function finds no split. There is one.")
        expect.true(
            isinstance(found, (tuple, list)) and len(found) == 2,
            f"On {what}, your function returned {found!r}; a threshold and a gain are asked for.",
        )
        threshold, gain = found
        for one in found:
            expect.is_a(one, float, f"On {what}, your function returned {one!r} for a number.")
        _threshold(what, x, y, min_rows, float(threshold))
        _gain(what, x, y, threshold, gain)


def _gain(what, x, y, threshold, gain):
    left = x <= threshold
    groups, share = (y[left], y[~left]), left.mean()
    variances = [np.var(group) for group in groups]
    right = np.var(y) - _left_over(x, y, threshold)
    if abs(gain - right) <= 1e-6:
        return
    sizes = f"{left.sum()} and {(~left).sum()}"
    if abs(gain - _left_over(x, y, threshold)) < 1e-6:
        raise expect.Wrong(
            f"On {what}, the second number is the impurity that is left. Gain is what has gone."
        )
    if abs(gain - (np.var(y) - np.mean(variances))) < 1e-6:
        raise expect.Wrong(
            f"On {what}, your gain takes the plain mean of the two variances, though the groups "
            f"have {sizes} rows."
        )
    if abs(gain - (np.std(y) - share * np.std(groups[0]) - (1 - share) * np.std(groups[1]))) < 1e-6:
        raise expect.Wrong(f"On {what}, your gain compares standard deviations, not variances.")
    raise expect.Wrong(
        f"On {what}, the threshold is right and the gain is not. It compares the variance "
        f"(`np.var`, which divides by the number of rows) of all {len(y)} rows, in their own "
        f"order, with that of {sizes} of them."
    )


def _threshold(what, x, y, min_rows, threshold):
    left = x <= threshold
    right, _ = _split(x, y, min_rows)
    expect.true(
        0 < left.sum() < len(x),
        f"On {what}, your threshold leaves all rows on one side.",
    )
    expect.true(
        min(left.sum(), (~left).sum()) >= min_rows,
        f"On {what}, your threshold leaves {left.sum()} and {(~left).sum()} rows on its sides; "
        f"`min_rows` is {min_rows}.",
    )
    expect.true(
        not np.isclose(x, threshold).any(),
        f"On {what}, your threshold is itself a value of the column. Candidates lie between two "
        "neighbouring different values.",
    )
    same = (left == (x <= right)).all()
    expect.true(
        not same or abs(threshold - right) < 1e-9,
        f"On {what}, the two groups are right, but the threshold is not in the middle between "
        "them.",
    )
    if same:
        return
    middles = (np.unique(x)[1:] + np.unique(x)[:-1]) / 2
    if np.abs(middles - threshold).min() > 1e-9:
        raise expect.Wrong(
            f"On {what}, your threshold lies in no middle between two neighbouring different "
            "values. Are the values sorted, and is each taken once?"
        )
    mixed = _left_over(x, y, threshold)
    if mixed <= _left_over(x, y, right) + 1e-9:
        raise expect.Wrong(f"On {what}, take the lower one.")
    raise expect.Wrong(
        f"On {what}, your threshold leaves groups of {left.sum()} and {(~left).sum()} rows whose "
        "variance, weighted by size, is larger than it need be."
    )


def _left_over(x, y, cut):
    left = x <= cut
    return left.mean() * np.var(y[left]) + (1 - left.mean()) * np.var(y[~left])


# --- 2 ---------------------------------------------------------------------------------------

WORDS = ["district", "kind", "condition", "energy"]
NUMBERS = ["area", "rooms", "floor", "built", "balcony", "distance"]
NEW = "Gasworks Yard"


@cache
def _raw():
    """Return the adverts that the trees learn from, as the lab splits them."""
    adverts = load("flat_rents", spark=get_spark()).coalesce(1).fillna({"area": 0, "built": 0})
    return adverts.randomSplit([0.25, 0.25, 0.5], seed=2)[0].cache()


@cache
def _probes():
    """Return adverts to score: those learned from, and some with one thing changed."""
    raw = _raw().toPandas()
    some = raw.sort_values("flat_id").iloc[::25]
    mean = raw.groupby("district")["rent"].mean()
    probes = [
        raw.assign(probe="learned"),
        some.assign(probe="plain"),
        some.assign(probe="new", district=NEW),
        some.assign(probe="cheap", district=mean.idxmin()),
        some.assign(probe="dear", district=mean.idxmax()),
        some.assign(probe="number", flat_id=some["flat_id"].to_numpy()[::-1]),
        some.assign(probe="rent", rent=some["rent"].to_numpy()[::-1]),
    ]
    return get_spark().createDataFrame(pd.concat(probes)).coalesce(1).cache()


def _flats_tree(
    *,
    words=tuple(WORDS),
    numbers=tuple(NUMBERS),
    invalid="keep",
    hot=False,
    plain=False,
    learner=DecisionTreeRegressor,
    rows=300,
    fitted=True,
    **settings,
):
    """Return a pipeline as the exercise asks for, or with one thing done differently."""
    raw = _raw()
    coded = [f"{word}_code" for word in words]
    stages = [StringIndexer(inputCols=list(words), outputCols=coded, handleInvalid=invalid)]
    if plain:  # arithmetic drops the metadata that make a code a category
        stages.append(
            SQLTransformer(
                statement="SELECT *, "
                + ", ".join(f"{code} + 0 AS {code}_n" for code in coded)
                + " FROM __THIS__"
            )
        )
        coded = [f"{code}_n" for code in coded]
    if hot:
        stages.append(OneHotEncoder(inputCols=coded, outputCols=[f"{one}_hot" for one in coded]))
        coded = [f"{one}_hot" for one in coded]
    stages.append(VectorAssembler(inputCols=[*coded, *numbers], outputCol="features"))
    settings = {"labelCol": "rent", "maxDepth": 5, "maxBins": 46} | settings
    pipeline = Pipeline(stages=[*stages, learner(seed=1, **settings)])
    return pipeline.fit(raw.limit(rows) if rows else raw) if fitted else pipeline


def _on_more():
    adverts = load("flat_rents", spark=get_spark()).fillna({"area": 0, "built": 0})
    return _flats_tree(fitted=False).fit(adverts.where("flat_id % 4 = 0"))


@exercise(
    2,
    title="A tree that meets a new district",
    hints=(
        "The demonstration has every stage that you need; here they stand in one pipeline, which "
        "is fitted on raw adverts. What does the indexer do with a word it has never seen?",
        "`handleInvalid='keep'` gives the unseen words a place of their own. Count the bins again "
        "with that place.",
        "`Pipeline(stages=[StringIndexer(…), VectorAssembler(…), DecisionTreeRegressor(…)])`, "
        "fitted on `spring`; neither `rent` nor `flat_id` among the inputs of the assembler.",
    ),
    wrong={
        "not fitted": lambda: _flats_tree(fitted=False),
        "a forest": lambda: _flats_tree(learner=RandomForestRegressor, numTrees=2, maxDepth=2),
        "another depth": lambda: _flats_tree(maxDepth=2),
        "bins by the thousand": lambda: _flats_tree(maxBins=1000),
        "an error for the new district": lambda: _flats_tree(invalid="error"),
        "the new district skipped": lambda: _flats_tree(invalid="skip"),
        "the district left out": lambda: _flats_tree(words=WORDS[1:]),
        "one-hot columns": lambda: _flats_tree(hot=True),
        "codes as plain numbers": lambda: _flats_tree(plain=True),
        "the number of the advert as a feature": lambda: _flats_tree(
            numbers=["flat_id"], words=WORDS
        ),
        "the rent as a feature": lambda: _flats_tree(numbers=[*NUMBERS, "rent"]),
        "fitted on other adverts": _on_more,
    },
)
def new_district(answer):
    """A PipelineModel from raw adverts to a rent, with one tree of depth 5 at its end."""
    expect.true(
        type(answer).__name__ != "Pipeline", "The pipeline has not been fitted yet: call `fit`."
    )
    expect.is_a(answer, "pyspark.ml.PipelineModel")
    trees = [one for one in answer.stages if hasattr(one, "toDebugString")]
    expect.true(trees, "There is no tree among the stages of this pipeline.")
    grown = trees[-1]
    expect.true(
        not hasattr(grown, "trees"),
        f"The last stage is a {type(grown).__name__}; a single tree is asked for.",
    )
    expect.equals(
        grown.getMaxDepth(), 5, f"This tree may ask {grown.getMaxDepth()} questions in a row."
    )
    _bins(grown)
    _categories(grown)
    rents = _scored(answer)
    expect.true(
        rents["new"].notna().all(),
        f"{rents['new'].notna().sum()} of {len(rents['new'])} adverts from a new district come "
        "back with a rent. Who drops the others?",
    )
    expect.true(
        np.allclose(rents["plain"], rents["rent"]),
        "The model asks for the rent of a flat to tell its rent. At the desk nobody knows it yet.",
    )
    expect.true(
        np.allclose(rents["plain"], rents["number"]),
        "The answer depends on `flat_id`, the number of the advert. It says nothing of the flat.",
    )
    expect.true(
        not np.allclose(rents["cheap"], rents["dear"]),
        "Two districts far apart in rent make no difference to this model. Is the district in it?",
    )
    mean = _raw().agg(F.avg("rent")).first()[0]
    expect.true(
        abs(rents["learned"].mean() / mean - 1) < 1e-6,
        "The mean answer of a tree on the flats it learned from is the mean of their rents. On "
        "`spring` it is not, so this tree learned from other rows or another label.",
    )


def _bins(grown):
    bins = grown.getMaxBins()
    expect.true(
        bins <= 46,
        f"`maxBins={bins}` works, and every numeric column may have as many bins. The fewest that "
        "do are asked for.",
    )
    expect.true(
        bins >= 45,
        f"With `maxBins={bins}` no column of this tree can be a category of all the districts.",
    )


def _scored(answer):
    probes = _probes()
    try:
        scored = answer.transform(probes).select("probe", "flat_id", "prediction").collect()
    except Exception as error:
        text = str(error)
        if "nseen label" in text or NEW in text:
            raise expect.Wrong(
                "An advert from a district that `spring` does not know makes this model raise."
            ) from error
        raise expect.Wrong(
            f"The model does not take adverts as they came: {text.splitlines()[0][:150]}"
        ) from error
    expected = probes.select("probe", "flat_id").toPandas()
    keys = ["probe", "flat_id"]
    scored = pd.DataFrame(scored, columns=[*keys, "prediction"])
    scored = expected.merge(scored.drop_duplicates(keys), on=keys, how="left")
    # The probe with exchanged numbers is in the reverse order of the others.
    rents = {name: part.sort_values("flat_id") for name, part in scored.groupby("probe")}
    plain = rents["plain"]["prediction"].to_numpy()
    rents["number"] = rents["number"].iloc[::-1]
    return {name: part["prediction"] for name, part in rents.items()} | {"plain": plain}


def _categories(grown):
    expect.true(
        grown.numFeatures < 20,
        f"The tree sees {grown.numFeatures} columns. Words in columns of zeros and ones cost it "
        "one question for each value; codes are asked for.",
    )
    expect.true(
        " in {" in grown.toDebugString,
        "The tree compares the codes of words with thresholds, as if they were amounts. Somewhere "
        "between indexer and tree the information that they are categories was lost.",
    )


# --- 3 ---------------------------------------------------------------------------------------


def _curve(depths, train, valid, index=None):
    return pd.DataFrame({"depth": depths, "train": train, "valid": valid}, index=index)


CURVES = (
    (
        "where one depth is clearly best",
        _curve([1, 2, 3, 4, 5], [90, 70, 50, 30, 10], [95, 80, 60, 75, 90]),
        0.02,
    ),
    (
        "where a shallower depth is nearly as good as the best",
        _curve([1, 2, 3, 4, 5], [400, 350, 300, 280, 250], [420, 330, 303, 300, 330]),
        0.02,
    ),
    (
        "where a deeper depth is nearly as good",
        _curve([1, 2, 3, 4], [400, 350, 300, 280], [420, 300, 304, 340]),
        0.02,
    ),
    (
        "with errors of a few hundredths",
        _curve([2, 4, 6], [0.50, 0.40, 0.10], [0.60, 0.50, 0.58]),
        0.05,
    ),
    (
        "with within=0.2",
        _curve([1, 2, 4, 8], [10, 8, 5, 1], [13, 11.5, 10, 12.5]),
        0.2,
    ),
    (
        "whose rows are in another order",
        _curve([8, 1, 4, 2], [100, 400, 250, 350], [340, 420, 300, 305], index=[3, 0, 9, 1]),
        0.02,
    ),
    (
        "with within=0 and two equal errors",
        _curve([2, 3, 5], [50, 40, 20], [60, 55, 55]),
        0.0,
    ),
)
VERDICTS = ("underfits", "chosen", "as good", "overfits")


def _verdicts(
    curve,
    within=0.02,
    *,
    by="valid",
    absolute=False,
    pick="min",
    good="as good",
    keys=int,
    flip=False,
):
    """Return the verdicts of the exercise's rule, or with one thing done differently."""
    lowest = curve[by].min()
    bound = lowest + within if absolute else lowest * (1 + within)
    near = curve[curve[by] <= bound + 1e-12]
    chosen = {
        "min": near["depth"].min(),
        "max": near["depth"].max(),
        "best": curve.sort_values(by)["depth"].iloc[0],
        "worst": curve.sort_values(by)["depth"].iloc[-1],
        "first": near["depth"].iloc[0],
    }[pick]
    found = {}
    for depth, error in zip(curve["depth"], curve[by], strict=True):
        small, large = ("overfits", "underfits") if flip else ("underfits", "overfits")
        if depth == chosen:
            verdict = "chosen"
        elif error <= bound + 1e-12 and depth > chosen:
            verdict = good
        else:
            verdict = small if depth < chosen else large
        found[keys(depth)] = verdict
    return found


@exercise(
    3,
    title="How deep, by a rule",
    hints=(
        "Two numbers decide: the lowest error on `valid`, and how far above it an error may be.",
        "Good is `valid <= lowest * (1 + within)`. The chosen depth is the smallest good one; that "
        "need not be the one with the lowest error.",
        "Go through the rows with `zip(curve['depth'], curve['valid'])` and compare each depth "
        "with the chosen one; for a greater one ask whether its error is good.",
    ),
    wrong={
        "chosen by the training error": lambda: (
            lambda c, within=0.02: _verdicts(c, within, by="train")
        ),
        "the lowest error wins": lambda: lambda c, within=0.02: _verdicts(c, within, pick="best"),
        "the highest error wins": lambda: lambda c, within=0.02: _verdicts(c, within, pick="worst"),
        "the deepest good one": lambda: lambda c, within=0.02: _verdicts(c, within, pick="max"),
        "the first good row": lambda: lambda c, within=0.02: _verdicts(c, within, pick="first"),
        "euros instead of a share": lambda: (
            lambda c, within=0.02: _verdicts(c, within, absolute=True)
        ),
        "two per cent always": lambda: lambda c, within=0.02: _verdicts(c),
        "all deeper ones overfit": lambda: (
            lambda c, within=0.02: _verdicts(c, within, good="overfits")
        ),
        "over and under exchanged": lambda: lambda c, within=0.02: _verdicts(c, within, flip=True),
        "depths as text": lambda: lambda c, within=0.02: _verdicts(c, within, keys=str),
        "the chosen depth alone": lambda: (
            lambda c, within=0.02: int(c.sort_values("valid")["depth"].iloc[0])
        ),
        "a dict instead of a function": lambda: _verdicts(CURVES[0][1]),
    },
)
def depth_verdicts(answer):
    """A function of a curve (depth, train, valid) and within that returns a word per depth."""
    expect.true(callable(answer), f"This is a {type(answer).__name__}; a function is asked for.")
    for what, curve, within in CURVES:
        right = _verdicts(curve, within)
        found = _called(answer, curve.copy(), within, on=f"On a curve {what},")
        expect.is_a(found, dict, f"Your function returned {found!r:.40}; a dict is asked for.")
        expect.true(
            all(isinstance(depth, (int, np.integer)) for depth in found),
            "The keys of your dict are not whole numbers: `int(depth)` makes them such.",
        )
        found = {int(depth): verdict for depth, verdict in found.items()}
        expect.true(
            found.keys() == right.keys(),
            f"On a curve {what}, the depths are {sorted(right)}; your dict has {sorted(found)}.",
        )
        for verdict in found.values():
            expect.true(
                verdict in VERDICTS, f"{verdict!r} is none of the four words of the exercise."
            )
        _verdicts_judged(what, curve, within, right, found)


def _verdicts_judged(what, curve, within, right, found):
    chosen = [depth for depth, verdict in found.items() if verdict == "chosen"]
    expect.true(
        len(chosen) == 1, f"On a curve {what}, {len(chosen)} depths are 'chosen'; one is to be."
    )
    errors = curve.set_index("depth")["valid"]
    error, lowest = errors[chosen[0]], errors.min()
    deepest = curve.sort_values("train")["depth"].iloc[0]
    if right[chosen[0]] != "chosen":
        if chosen[0] == deepest and error > lowest * (1 + within):
            raise expect.Wrong(
                f"On a curve {what}, you choose depth {chosen[0]}: the lowest error on rows that "
                "the tree has learned from. Deeper always wins there."
            )
        expect.true(
            error <= lowest * (1 + within) + 1e-12,
            f"On a curve {what}, depth {chosen[0]} is chosen. Its error of {error:g} is more than "
            f"{within:.0%} above the lowest, {lowest:g}.",
        )
        raise expect.Wrong(
            f"On a curve {what}, depth {chosen[0]} is chosen (error {error:g}, the lowest is "
            f"{lowest:g}). Within {within:.0%} of the lowest there is a simpler one."
        )
    for depth, verdict in right.items():
        expect.true(
            found[depth] == verdict,
            f"On a curve {what}, depth {chosen[0]} is rightly chosen. Depth {depth} has an error "
            f"of {errors[depth]:g} beside {error:g}, and you say it {_says(found[depth])}.",
        )


def _says(verdict):
    return "is as good" if verdict == "as good" else verdict


# --- 4 ---------------------------------------------------------------------------------------

COLUMNS = [
    "id",
    "prediction",
    "leftChild",
    "rightChild",
    "featureIndex",
    "leftCategoriesOrThreshold",
    "numCategories",
]


def _node_rows(rng, depth, rows):
    """Append a random tree to `rows`, numbered as Spark does it; return the number of its top."""
    number = len(rows)
    rows.append(None)
    prediction = float(np.round(rng.uniform(300, 2000), 1))
    if depth == 0:
        rows[number] = (number, prediction, -1, -1, -1, [], -1)
        return number
    feature = int(rng.integers(0, 4))
    if feature < 2:  # a category of six values, of which some go left
        values, categories = sorted(rng.choice(6, int(rng.integers(1, 5)), replace=False)), 6
    else:
        values, categories = [float(rng.integers(1, 9))], -1
    left = _node_rows(rng, int(rng.integers(0, depth)), rows)
    right = _node_rows(rng, depth - 1, rows)
    values = [float(value) for value in values]
    rows[number] = (number, prediction, left, right, feature, values, categories)
    return number


@cache
def _trees():
    """Return tables of nodes with flats to ask for: small ones by hand, then random ones."""
    threshold = [(0, 700.0, 1, 2, 2, [4.0], -1), (1, 500.0, -1, -1, -1, [], -1)]
    threshold.append((2, 900.0, -1, -1, -1, [], -1))
    words = [(0, 700.0, 1, 2, 0, [0.0, 5.0], 6), *threshold[1:]]
    cases = [
        ("with one threshold", threshold, [[0, 0, 3, 0], [0, 0, 5, 0], [0, 0, 4, 0]]),
        ("with one question about words", words, [[5, 0, 0, 0], [0, 0, 9, 9], [3, 0, 0, 0]]),
        ("with words never seen", words, [[6, 0, 0, 0]]),
    ]
    for seed in range(3):
        rng, rows = np.random.default_rng(seed), []
        _node_rows(rng, 5, rows)
        flats = np.column_stack([rng.integers(0, 6, (40, 2)), rng.integers(1, 9, (40, 2))])
        cases.append((f"of {len(rows)} nodes", rows, flats.astype(float)))
    frames = []
    for what, rows, flats in cases:
        frame = pd.DataFrame(rows, columns=COLUMNS)
        frames.append((what, frame, flats))
        if len(rows) > 3:  # Spark does not promise an order of rows
            frames.append((f"{what} in another order", frame.iloc[::-1], flats))
    return frames


def _walk(
    nodes,
    flat,
    depth=None,
    *,
    strict=False,
    swapped=False,
    by_place=False,
    words=True,
    one_more=0,
    unseen_left=False,
    leaf_only=False,
    number=False,
    heap=False,
):
    """Return the answer of the tree, or that of a walk with one thing done differently."""
    at = nodes.iloc[0] if by_place else nodes.set_index("id", drop=False).loc[0]
    table = nodes.reset_index(drop=True) if by_place else nodes.set_index("id", drop=False)
    steps = 0
    limit = np.inf if depth is None or leaf_only else depth + one_more
    while at["leftChild"] >= 0 and steps < limit:
        value, values = flat[int(at["featureIndex"])], at["leftCategoriesOrThreshold"]
        if at["numCategories"] >= 0 and words:
            left = value in list(values) or (unseen_left and value >= at["numCategories"])
        else:
            left = value < values[0] if strict else value <= values[0]
        child = "leftChild" if left != swapped else "rightChild"
        following = 2 * at["id"] + (1 if left else 2) if heap else at[child]
        if following not in table.index:
            break
        at, steps = table.loc[following], steps + 1
    return int(at["id"]) if number else float(at["prediction"])


def _other(**change):
    return lambda: lambda nodes, flat, depth=None: _walk(nodes, flat, depth, **change)


@exercise(
    4,
    title="Use the sheet",
    hints=(
        "Begin at the node whose `id` is 0 and go to one of its two children until there is none.",
        "`numCategories` tells what kind of question it is. A threshold sends a value to the left "
        "if it is at most that; words go left if their code is in the list.",
        "`node = nodes.set_index('id').loc[0]`, then a `while` on `node['leftChild'] >= 0` that "
        "also counts its steps and ends when `depth` is reached.",
    ),
    wrong={
        "below instead of at most": _other(strict=True),
        "left and right exchanged": _other(swapped=True),
        "codes compared with a threshold": _other(words=False),
        "the row's place instead of its id": _other(by_place=True),
        "children at 2i+1 and 2i+2": _other(heap=True),
        "words never seen go left": _other(unseen_left=True),
        "depth ignored": _other(leaf_only=True),
        "one question too many": _other(one_more=1),
        "one question too few": lambda: (
            lambda nodes, flat, depth=None: _walk(nodes, flat, depth and depth - 1)
        ),
        "the number of the leaf": _other(number=True),
        "only the root's answer": lambda: lambda nodes, flat, depth=None: _walk(nodes, flat, 0),
        "a number instead of a function": 727.0,
    },
)
def use_the_sheet(answer):
    """A function of nodes, a flat and depth that returns the rent the tree tells."""
    expect.true(callable(answer), f"This is {answer!r}; a function is asked for.")
    for what, nodes, flats in _trees():
        for flat in flats:
            flat = [float(value) for value in flat]
            found = _called(answer, nodes.copy(), list(flat), on=f"In a tree {what},")
            expect.is_a(
                found, float, f"Your function returned a {type(found).__name__}, not a number."
            )
            _told(what, nodes, flat, float(found))
        for depth in (0, 1, 2, 3):
            for flat in flats:
                right = _walk(nodes, flat, depth)
                flat = [float(value) for value in flat]
                found = _called(
                    answer, nodes.copy(), list(flat), depth, on=f"In a tree {what} and a depth,"
                )
                expect.is_a(
                    found, float, f"With a depth, your function returned a {type(found).__name__}."
                )
                expect.true(
                    abs(found - right) < 1e-6,
                    f"Without a limit your walk through the tree {what} is right; with "
                    f"depth={depth} it does not stop at the node that is reached by that many "
                    "questions.",
                )


def _told(what, nodes, flat, found):
    right = _walk(nodes, flat)
    if abs(found - right) < 1e-6:
        return
    if found == _walk(nodes, flat, number=True):
        raise expect.Wrong("Your function returns the number of a node; its rent is asked for.")
    root = nodes[nodes["id"] == 0].iloc[0]
    if len(nodes) == 3:
        value = flat[int(root["featureIndex"])]
        asked = root["leftCategoriesOrThreshold"]
        kind = f"words {asked}" if root["numCategories"] >= 0 else f"threshold {asked[0]:g}"
        raise expect.Wrong(
            f"In a tree {what} ({kind}), a flat whose value is {value:g} is told {found:g}, the "
            "rent of another node."
        )
    raise expect.Wrong(
        f"In a tree {what}, a flat is told {found:g}, the rent of another node. Its way from "
        "the root is not the one that the children's ids give."
    )
