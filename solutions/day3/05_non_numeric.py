"""Exercises of day3/05_non_numeric."""

from functools import cache

import numpy as np
import pandas as pd

from lakebook.datasets import load
from lakebook.labs import exercise, expect
from lakebook.runtime.session import get_spark

SIZES = {"office": 38, "body": 6, "month": 12, "accident": 2}
PLAN = {
    "office": "nominal",
    "km": "numeric",
    "body": "nominal",
    "stars": "ordinal",
    "doors": "numeric",
    "tyres": "ordinal",
    "month": "nominal",
    "accident": "nominal",
    "trim": "ordinal",
}
SINGLE = len(PLAN) - len(SIZES)
WIDTH = sum(SIZES.values()) - len(SIZES) + SINGLE
# What the learner's word for a column would claim.
CLAIMS = {
    (
        "office",
        "numeric",
    ): "'office': is a car of office 38 twice a car of office 19? These are digits, and no amount.",
    (
        "office",
        "ordinal",
    ): "'office': which office is the lowest? A number on a door makes no order.",
    ("km", "ordinal"): "'km': is a difference of 1000 km another one at 20,000 than at 50,000?",
    (
        "km",
        "nominal",
    ): "'km': with a place for each value, nothing could be said about a value in between.",
    ("body", "ordinal"): "'body': which body is the lowest one?",
    ("body", "numeric"): "'body': a weight cannot be multiplied by a convertible.",
    (
        "stars",
        "numeric",
    ): "'stars' are digits, but who has measured that from 1 to 2 is as far as from 4 to 5?",
    (
        "stars",
        "nominal",
    ): "'stars': the description names a worst and a best, which your word throws away.",
    ("doors", "ordinal"): "'doors' is counted: one door more is one door more, wherever you begin.",
    (
        "doors",
        "nominal",
    ): "'doors' is counted. Names for 2, 3, 4 and 5 would not know that 3 lies between.",
    ("tyres", "nominal"): "'tyres': can you not say which of two words is the better?",
    (
        "tyres",
        "numeric",
    ): "'tyres' holds words. Numbers for them would claim steps that nobody measured.",
    (
        "month",
        "numeric",
    ): "'month': 12 would be twelve times as much as 1, and the two are neighbours.",
    (
        "month",
        "ordinal",
    ): "'month': the years follow each other, so after 12 comes 1. Where is the lowest?",
    ("accident", "ordinal"): "'accident': of yes and no, neither is the lower one.",
    ("accident", "numeric"): "'accident' holds two words, not an amount.",
    ("trim", "nominal"): "'trim': is luxury not above base?",
    (
        "trim",
        "numeric",
    ): "'trim' holds words. Numbers for them would claim steps that nobody measured.",
}


def _plan(**changed):
    return PLAN | {"width": WIDTH} | changed


@exercise(
    1,
    title="Names, steps or amounts?",
    hints=(
        "Do not look at how a column is written, in digits or letters. Ask what may be done with "
        "its values: compare for equality, put in order, or subtract?",
        "Digits can be names. And for an order there must be a lowest value and a highest one, "
        "which a circle does not have.",
        "Four of the nine columns are nominal. Each gives one place fewer than it has values; all "
        "others give one place each. Then add up.",
    ),
    wrong={
        "digits are amounts": lambda: _plan(office="numeric"),
        "stars are amounts": lambda: _plan(stars="numeric"),
        "words are names, all of them": lambda: _plan(tyres="nominal", trim="nominal"),
        "counts are steps": lambda: _plan(doors="ordinal"),
        "the month is an amount": lambda: _plan(month="numeric"),
        "the year is no circle": lambda: _plan(month="ordinal"),
        "a place for every value": lambda: _plan(width=WIDTH + len(SIZES)),
        "numbers and steps forgotten": lambda: _plan(width=WIDTH - SINGLE),
        "one place left out in all": lambda: _plan(width=WIDTH + len(SIZES) - 1),
        "a vector counted as one place": lambda: _plan(width=len(PLAN)),
        "ordinal columns one-hot as well": lambda: _plan(width=WIDTH - 3 + 4 + 3 + 2),
        "the word categorical": lambda: _plan(body="categorical"),
        "a column is missing": lambda: {
            name: word for name, word in _plan().items() if name != "accident"
        },
        "text instead of a number": lambda: _plan(width=str(WIDTH)),
    },
)
def names_steps_amounts(answer):
    """A dict from nine columns to nominal, ordinal or numeric, and width, an int."""
    expect.is_a(answer, dict)
    missing = [name for name in [*PLAN, "width"] if name not in answer]
    expect.true(not missing, f"The dict has no entry for {', '.join(missing)}.")
    surplus = [str(name) for name in answer if name not in PLAN and name != "width"]
    expect.true(not surplus, f"The dict has entries that nobody asked for: {', '.join(surplus)}.")
    for column, right in PLAN.items():
        word = answer[column]
        expect.true(
            word in ("nominal", "ordinal", "numeric"),
            f"'{column}': {word!r} is none of the three words. (Nominal and ordinal columns are "
            "both called categorical.)",
        )
        expect.equals(word, right, CLAIMS.get((column, word), ""))
    width = answer["width"]
    expect.is_a(width, int, "'width' is not a whole number.")
    places = sum(SIZES.values())
    expect.unlike(
        width,
        places + SINGLE,
        "'width': a nominal column has a place for each value but one.",
    )
    expect.unlike(
        width,
        places + SINGLE - 1,
        "'width': a place is left out in each nominal column, not in one of them.",
    )
    expect.unlike(
        width,
        places - len(SIZES),
        "'width': that is what the nominal columns give. The other columns are in the vector, too.",
    )
    expect.unlike(
        width,
        len(PLAN),
        "'width': the assembler lays vectors side by side; an encoded column counts with all its "
        "places.",
    )
    expect.equals(
        width,
        WIDTH,
        "'width': write down the places of each of the nine columns, then add them up.",
    )


SIZES_OF_SHIRTS = ["S", "M", "L", "XL"]


def _column(*words, index=None, **more):
    return pd.Series(list(words), index=index, dtype=object, **more)


# Each column is one on which a foreseeable mistake gives other numbers.
STEPS = (
    (
        _column("M", "S", "XL", "L"),
        SIZES_OF_SHIRTS,
        [1, 0, 3, 2],
        "With shirts of S, M, L and XL, in this order, your function gives {found} for {given}.",
    ),
    (
        _column("XL", "XL", "M"),
        SIZES_OF_SHIRTS,
        [3, 3, 1],
        "No shirt of size S or L in the column, and {given} become {found}. The numbers must come "
        "from `order`, not from the words that happen to be there.",
    ),
    (
        _column("L", None, "S", float("nan")),
        SIZES_OF_SHIRTS,
        [2, None, 0, None],
        "A column with two gaps, {given}, becomes {found}. A gap stays a gap.",
    ),
    (
        _column("M", "S", "L", index=[30, 10, 20]),
        SIZES_OF_SHIRTS,
        [1, 0, 2],
        "Rows whose index is not 0, 1, 2: {given} become {found}.",
    ),
    (
        _column("warm", "cold", "hot", "cold"),
        ["cold", "warm", "hot"],
        [1, 0, 2, 0],
        "With another order, cold, warm, hot, {given} become {found}.",
    ),
    (
        _column(None, None),
        SIZES_OF_SHIRTS,
        [None, None],
        "A column of nothing but gaps becomes {found}.",
    ),
    (
        _column(),
        SIZES_OF_SHIRTS,
        [],
        "A column without rows becomes {found}.",
    ),
)


def _called(function, *arguments, what):
    """Return the function's result, or judge the error it raises."""
    try:
        return function(*arguments)
    except Exception as error:
        raise expect.Wrong(
            f"{what}: the function raises {type(error).__name__}: {str(error)[:120]}"
        ) from error


def _mapped(code=None, *, gap=np.nan, stranger="raise", first=0, keep_index=True):
    """Return a function like the one asked for, with one thing changed."""

    def to_steps(column, order):
        numbers = {word: step + first for step, word in enumerate(order)}
        if code is not None:
            numbers = code(column, order)
        strangers = set(column.dropna()) - set(order)
        if strangers and stranger == "raise":
            raise ValueError(f"unknown: {sorted(strangers)}")
        if strangers and stranger == "mute":
            raise ValueError("unknown word")
        found = column.map(numbers).astype(float)
        found[column.notna() & ~column.isin(order)] = -1 if stranger == "minus" else np.nan
        found = found.where(column.notna(), gap)
        return found if keep_index else found.reset_index(drop=True)

    return to_steps


def _strict_about_gaps(column, order):
    numbers = {word: step for step, word in enumerate(order)}
    return pd.Series([float(numbers[word]) for word in column], index=column.index)


def _raises_key_error(column, order):
    numbers = {word: step for step, word in enumerate(order)} | {None: np.nan}
    return column.where(column.notna(), None).map(lambda word: numbers[word])


def _writes_into_it(column, order):
    found = _mapped()(column, order)
    column[:] = found
    return column


def _alphabet(column, order):
    return {word: step for step, word in enumerate(sorted(order))}


@exercise(
    2,
    title="In the given order, or not at all",
    hints=(
        "The number of a word is its position in `order`. Nothing in `column` should have a say "
        "in it.",
        "`Series.map` with a dict gives `NaN` for what the dict does not hold, gaps and unknown "
        "words alike. So look for the unknown words before you map.",
        "`set(column.dropna()) - set(order)` are the unknown words; if there are any, put them "
        "into the message of the `ValueError`. The dict comes from `enumerate(order)`.",
    ),
    wrong={
        "the alphabet": lambda: _mapped(_alphabet),
        "order of appearance": lambda: _mapped(
            lambda column, order: {word: step for step, word in enumerate(column.dropna().unique())}
        ),
        "by frequency": lambda: _mapped(
            lambda column, order: {
                word: step for step, word in enumerate(column.value_counts().index)
            }
        ),
        "only the words that are there": lambda: _mapped(
            lambda column, order: {
                word: step
                for step, word in enumerate(one for one in order if one in set(column.dropna()))
            }
        ),
        "highest first": lambda: _mapped(
            lambda column, order: {word: step for step, word in enumerate(reversed(order))}
        ),
        "counted from one": lambda: _mapped(first=1),
        "a gap becomes -1": lambda: _mapped(gap=-1.0),
        "a gap becomes the lowest": lambda: _mapped(gap=0.0),
        "a gap is taken for an unknown word": lambda: _strict_about_gaps,
        "an unknown word becomes a gap": lambda: _mapped(stranger="gap"),
        "an unknown word becomes -1": lambda: _mapped(stranger="minus"),
        "another error": lambda: _raises_key_error,
        "the message does not say which word": lambda: _mapped(stranger="mute"),
        "the index is lost": lambda: _mapped(keep_index=False),
        "a list": lambda: lambda column, order: _mapped()(column, order).tolist(),
        "the column is overwritten": lambda: _writes_into_it,
        "the order of the lab built in": lambda: (
            lambda column, order: _mapped()(column, SIZES_OF_SHIRTS)
        ),
        "called already": lambda: _mapped()(_column("M"), SIZES_OF_SHIRTS),
    },
)
def in_the_given_order(answer):
    """A function of a Series of words and the order of the words; returns a Series of numbers."""
    expect.true(
        callable(answer),
        f"This is a {type(answer).__name__}; the function itself is asked for, without a call.",
    )
    for column, order, right, message in STEPS:
        given = column.where(column.notna(), None).tolist()
        before = column.copy()
        found = _called(
            answer, before, list(order), what=f"With the column {given} and the order {order}"
        )
        expect.is_a(found, pd.Series)
        expect.true(
            list(found.index) == list(column.index),
            f"The index of the column was {list(column.index)}; that of the result is "
            f"{list(found.index)}.",
        )
        try:
            numbers = found.astype(float)
        except (TypeError, ValueError):
            raise expect.Wrong(f"The result holds no numbers: {found.tolist()}.") from None
        shown = [None if value != value else round(value, 2) for value in numbers]
        expect.equals(shown, right, message.format(given=given, found=shown))
        expect.true(before.equals(column), "The function has changed the column it was given.")
    _strangers(answer)


def _strangers(answer):
    for column, word in ((_column("M", "XXL", "S"), "XXL"), (_column("m", None, "S"), "m")):
        given = column.tolist()
        try:
            found = answer(column, list(SIZES_OF_SHIRTS))
        except ValueError as error:
            expect.true(
                word in str(error).replace("ValueError", ""),
                f"For {given} a ValueError is raised, but its message does not say which word is "
                f"unknown: {str(error)[:100]!r}.",
            )
        except Exception as error:
            raise expect.Wrong(
                f"For {given} the function raises {type(error).__name__}, not ValueError."
            ) from error
        else:
            expect.is_a(found, pd.Series)
            raise expect.Wrong(
                f"{word!r} is not among the sizes, and the function lets it pass: {given} become "
                f"{[None if value != value else value for value in found]}."
            )


WORDS = ["district", "kind"]
RAW = ["flat_id", "district", "kind", "condition", "energy"]
RAW += ["area", "rooms", "floor", "built", "balcony", "distance"]
STRANGE = {"kind": "houseboat", "district": "New Island"}


@cache
def _parts(spark):
    """Return train and test as the lab splits them, as Spark frames."""
    from pyspark.sql import functions as F

    rows = spark.createDataFrame(load("flat_rents").dropna(subset=["area"])).coalesce(1)
    rows = rows.withColumn("log_rent", F.log("rent"))
    return [part.cache() for part in rows.randomSplit([0.75, 0.25], seed=7)]


@cache
def _local(part):
    return _parts(get_spark())[part].toPandas()


@cache
def _ranked(word):
    """Return the words of a column as StringIndexer numbers them: ties by the alphabet."""
    counts = _local(0)[word].value_counts()
    return sorted(counts.index, key=lambda one: (-counts[one], one))


@cache
def _batch():
    """Return the batch a model has to answer: a pandas frame with a column that says why."""
    test = _local(1)
    one = test.query("kind == 'flat'").iloc[[0]]
    parts = [test.assign(why="known")]
    for word in WORDS:
        for value in _ranked(word):
            parts.append(one.assign(**{word: value}, why=f"each {word}"))
        parts.append(one.assign(**{word: STRANGE[word]}, why=f"new {word}"))
        parts.append(one.assign(**{word: None}, why=f"missing {word}"))
    parts.append(one.assign(area=one["area"] + 50, why="large"))
    batch = pd.concat(parts, ignore_index=True)
    return batch.assign(flat_id=np.arange(len(batch)))


@cache
def _frame(spark):
    batch = _batch()[RAW].astype({"built": object, "kind": object, "district": object})
    batch["built"] = [None if year != year else float(year) for year in batch["built"]]
    schema = _parts(spark)[0].select(RAW).schema
    return spark.createDataFrame(list(batch.itertuples(index=False, name=None)), schema).cache()


@cache
def _reference(rows):
    """Return what a one-hot line says of the known rows, learned from train, test or both."""
    frames = {"train": [_local(0)], "test": [_local(1)], "both": [_local(0), _local(1)]}
    learn, known = pd.concat(frames[rows]), _batch().query("why == 'known'")
    names = {word: sorted(_local(0)[word].unique())[1:] for word in WORDS}

    def matrix(frame):
        hot = [frame[word] == name for word in WORDS for name in names[word]]
        return np.column_stack([np.ones(len(frame)), frame["area"], *hot]).astype(float)

    x = matrix(learn)
    beta = np.linalg.lstsq(x, learn["log_rent"].to_numpy(), rcond=None)[0]
    return matrix(known) @ beta


def _fair(
    *,
    policy="keep",
    words=WORDS,
    inputs=("area",),
    hot=True,
    rows=0,
    label="log_rent",
    fitted=True,
    encoder="error",
    **settings,
):
    """Return a pipeline like the one asked for, with one thing changed."""
    from pyspark.ml import Pipeline
    from pyspark.ml.feature import OneHotEncoder, StringIndexer, VectorAssembler
    from pyspark.ml.regression import LinearRegression

    train = _parts(get_spark())[rows]
    ix, hots = [f"{word}_i" for word in words], [f"{word}_h" for word in words]
    stages = [StringIndexer(inputCols=words, outputCols=ix, handleInvalid=policy)]
    if hot:
        stages += [OneHotEncoder(inputCols=ix, outputCols=hots, handleInvalid=encoder)]
    columns = [*inputs, *(hots if hot else ix)]
    stages += [
        VectorAssembler(inputCols=columns, outputCol="features"),
        LinearRegression(labelCol=label, **settings),
    ]
    pipeline = Pipeline(stages=stages)
    return pipeline.fit(train) if fitted else pipeline


@cache
def _strict_fit():
    return _fair(policy="error")


def _policy(policy):
    """Return the model whose indexer was fitted with the default, told another policy since."""
    model = _strict_fit().copy()
    model.stages[0].setHandleInvalid(policy)
    return model


def _on_codes():
    from pyspark.ml import Pipeline
    from pyspark.ml.feature import OneHotEncoder, StringIndexer, VectorAssembler
    from pyspark.ml.regression import LinearRegression

    train = _parts(get_spark())[0]
    codes = [f"{word}_code" for word in WORDS]
    train = StringIndexer(inputCols=WORDS, outputCols=codes).fit(train).transform(train)
    stages = [
        OneHotEncoder(inputCols=codes, outputCols=["a", "b"], handleInvalid="keep"),
        VectorAssembler(inputCols=["area", "a", "b"], outputCol="features"),
        LinearRegression(labelCol="log_rent"),
    ]
    return Pipeline(stages=stages).fit(train)


@exercise(
    3,
    title="An answer for every ad",
    hints=(
        "Run through the four stages and ask of each: what does it do with a word that it has "
        "not seen when it was fitted?",
        "The indexer meets the new word first. It has three policies: one stops, one drops the "
        "row, one makes room.",
        "`StringIndexer(inputCols=…, outputCols=…, handleInvalid='keep')`, `OneHotEncoder`, "
        "`VectorAssembler` of area and both vectors, and the regression with its intercept (a "
        "small `regParam` settles what an unknown word gets); `Pipeline(stages=…).fit(train)`.",
    ),
    wrong={
        "stops at a new word": lambda: _policy("error"),
        "drops the rows": lambda: _policy("skip"),
        "policy changed after the fit": lambda: _policy("keep"),
        "codes instead of columns": lambda: _fair(hot=False),
        "the district left out": lambda: _fair(words=["kind"]),
        "the area left out": lambda: _fair(inputs=()),
        "no intercept": lambda: _fair(fitIntercept=False),
        "learned from the test ads": lambda: _fair(rows=1),
        "euros instead of logarithms": lambda: _fair(label="rent"),
        "too strong a penalty": lambda: _fair(regParam=1.0),
        "not fitted": lambda: _fair(fitted=False),
        "columns that the batch does not have": _on_codes,
    },
)
def answer_for_every_ad(answer):
    """A PipelineModel that predicts log_rent for each row of a batch with new and missing words."""
    kind = type(answer).__name__
    expect.is_a(
        answer,
        "pyspark.ml.PipelineModel",
        {
            "Pipeline": "The pipeline has not been fitted yet.",
            "LinearRegressionModel": "This is the regression alone. Without its encoders it cannot "
            "read a word.",
        }.get(kind, f"This is a {kind}; a PipelineModel is asked for."),
    )
    batch = _batch().assign(found=_answers(answer))
    known = batch.query("why == 'known'")
    _in_logarithms(known)
    for word in WORDS:
        _free_weights(batch, word)
    _by_area(batch)
    for rows, mistake in (
        ("test", "The model has learned from `test`, the ads that should judge it."),
        ("both", "The model has learned from all the ads. Those of `test` should judge it."),
    ):
        expect.true(np.abs(known["found"] - _reference(rows)).max() > 1e-4, mistake)
    _invented(batch)
    miss, limit = _miss(known["found"], known), _miss(_reference("train"), known)
    expect.true(
        miss < 1.02 * limit,
        f"On test ads whose words are known the error is {miss:.3f}, more than these columns need.",
    )


def _miss(found, known):
    return float(np.sqrt(np.mean((found - known["log_rent"]) ** 2)))


def _answers(model):
    """Return a prediction for each row of the batch, or judge that one is missing."""
    batch = _batch()
    try:
        done = model.transform(_frame(get_spark()))
        expect.columns(done, ["flat_id", "prediction"])
        rows = done.select("flat_id", "prediction").collect()
    except expect.Wrong:
        raise
    except Exception as error:
        raise expect.Wrong(_reason(str(error))) from error
    found = pd.Series({row.flat_id: row.prediction for row in rows}, dtype=float)
    lost = batch[~batch["flat_id"].isin(found.index)]
    expect.true(
        len(rows) >= len(batch),
        f"{len(batch)} ads went in and {len(rows)} came out, without a message. The last one lost: "
        f"{_told(lost)}.",
    )
    expect.true(len(rows) == len(batch), "More rows come out than went in.")
    found = found.reindex(batch["flat_id"]).to_numpy()
    empty = batch[~np.isfinite(found)]
    expect.true(
        empty.empty,
        f"{len(empty)} ads come back without a number as prediction. The last one: {_told(empty)}.",
    )
    return found


def _told(rows):
    """Return what is special about the last of some rows of the batch."""
    why = rows["why"].iloc[-1] if len(rows) else ""
    return f"one with a {why}" if why.startswith(("new", "missing")) else "one with known words"


def _reason(error):
    if "Unseen label" in error:
        return "The whole batch stops, at an ad with a word that the training ads did not have."
    if "expected" in error and "categorical values" in error:
        return (
            "The batch stops: since the fit, one stage has learned of a further category, and the "
            "encoder behind it was fitted without one."
        )
    if "does not exist" in error or "UNRESOLVED_COLUMN" in error or "No such" in error:
        return (
            "A stage asks for a column that a batch does not have. It holds the raw columns of the "
            "ads; all the rest has to be made inside the pipeline."
        )
    if "NULL" in error or "null" in error:
        return "The whole batch stops, at an ad in which a word is missing."
    return f"The batch could not be scored: {error.strip().splitlines()[0][:160]}"


def _in_logarithms(known):
    expect.true(
        known["found"].median() < 50,
        f"The middle prediction is {known['found'].median():.0f}. These are euros; the logarithm "
        "of the rent is asked for.",
    )


def _each(batch, word):
    return batch.loc[batch["why"] == f"each {word}", "found"].to_numpy()


def _free_weights(batch, word):
    """Judge whether each name has a weight of its own; the rows are in the order of frequency."""
    levels = _each(batch, word)
    expect.true(
        np.ptp(levels) > 1e-6,
        f"The same flat costs the same whatever its {word} is: the column has no part in it.",
    )
    for order in (np.arange(len(levels)), np.argsort(_ranked(word))):
        steps = np.diff(levels[order])
        expect.true(
            not np.allclose(steps, steps[0], atol=1e-6),
            f"From each {word} to the next, the predicted rent changes by the same amount. That is "
            "one weight for a number, not one for each name.",
        )


def _by_area(batch):
    small, large = (
        batch.loc[batch["why"] == why, "found"].iloc[0] for why in ("each kind", "large")
    )
    expect.true(
        abs(large - small) > 1e-6,
        "A flat 50 m² larger costs the same: `area` has no part in it.",
    )


def _invented(batch):
    for word in WORDS:
        levels = _each(batch, word)
        for why in (f"new {word}", f"missing {word}"):
            value = batch.loc[batch["why"] == why, "found"].iloc[0]
            expect.true(
                levels.min() - 0.02 <= value <= levels.max() + 0.02,
                f"For one flat of {levels.min():.1f} to {levels.max():.1f}, depending on which "
                f"known {word} it is, the prediction with a {why} is {value:.1f} (logarithms). "
                "What is left of the rent when all places of an encoded column are 0?",
            )


# Labels, weights, two labels; the last label has no weight of its own.
READINGS = (
    (
        ["cat", "dog", "fish"],
        [0.3, 0.1],
        "cat",
        "dog",
        "With the weights 0.3 for cat and 0.1 for dog, {one} against {other}",
    ),
    (
        ["cat", "dog", "fish"],
        [0.3, 0.1],
        "dog",
        "cat",
        "The same weights, the other way round: {one} against {other}",
    ),
    (
        ["cat", "dog", "fish"],
        [0.3, 0.1],
        "cat",
        "fish",
        "Three labels and two weights: {one} against {other}",
    ),
    (
        ["cat", "dog", "fish"],
        [0.3, 0.1],
        "fish",
        "dog",
        "Three labels and two weights: {one} against {other}",
    ),
    (
        ["d", "a", "c", "b"],
        [-0.5, 0.7, 0.2],
        "a",
        "d",
        "Labels that are not in alphabetical order: {one} against {other}",
    ),
    (
        ["d", "a", "c", "b"],
        [-0.5, 0.7, 0.2],
        "b",
        "b",
        "A label against itself",
    ),
    (
        ["yes", "no"],
        [-0.05],
        "yes",
        "no",
        "Two labels and one weight: {one} against {other}",
    ),
)


def _percent(one, other):
    return 100 * (np.exp(one - other) - 1)


def _reader(
    levels=lambda labels, weights: dict(zip(labels, [*weights, 0.0], strict=True)), to=_percent
):
    """Return a function like the one asked for, with one thing changed."""

    def dearer(labels, weights, one, other):
        level = levels(labels, weights)
        return float(to(level[one], level[other]))

    return dearer


def _first_is_reference(labels, weights):
    return dict(zip(labels, [0.0, *weights], strict=True))


@exercise(
    4,
    title="Read the weights",
    hints=(
        "There is one label more than there are weights. Which one has none, and what is its "
        "weight then?",
        "All weights are differences from the reference, so the difference of two weights is the "
        "difference of two kinds, in logarithms.",
        "Put a 0 behind the weights and pair them with the labels. A difference d in logarithms is "
        "a factor e to the power of d; 1.15 is 15 per cent.",
    ),
    wrong={
        "the first label is the reference": lambda: _reader(_first_is_reference),
        "labels sorted first": lambda: _reader(
            lambda labels, weights: dict(zip(sorted(labels), [*weights, 0.0], strict=True))
        ),
        "the reference has no entry": lambda: _reader(
            lambda labels, weights: dict(zip(labels, weights, strict=False))
        ),
        "the logarithm taken for per cent": lambda: _reader(
            to=lambda one, other: 100 * (one - other)
        ),
        "a factor instead of per cent": lambda: _reader(to=lambda one, other: np.exp(one - other)),
        "a share instead of per cent": lambda: _reader(to=lambda one, other: np.expm1(one - other)),
        "the other way round": lambda: _reader(to=lambda one, other: _percent(other, one)),
        "always against the reference": lambda: _reader(to=lambda one, other: _percent(one, 0.0)),
        "percentages subtracted": lambda: _reader(
            to=lambda one, other: _percent(one, 0.0) - _percent(other, 0.0)
        ),
        "a ratio of the weights": lambda: _reader(
            to=lambda one, other: 100 * (one / other - 1) if other else 0.0
        ),
        "rounded": lambda: _reader(to=lambda one, other: round(_percent(one, other))),
        "never negative": lambda: _reader(to=lambda one, other: abs(_percent(one, other))),
        "a number": 35.0,
    },
)
def read_the_weights(answer):
    """A function of labels, weights and two labels; per cent by which one is dearer, a float."""
    expect.true(
        callable(answer),
        f"This is a {type(answer).__name__}; a function is asked for.",
    )
    for labels, weights, one, other, case in READINGS:
        case = case.format(one=one, other=other)
        found = _called(answer, list(labels), np.array(weights), one, other, what=case)
        expect.is_a(found, float, f"{case}: this is a {type(found).__name__}, not a number.")
        level = dict(zip(labels, [*weights, 0.0], strict=True))
        right, gap = _percent(level[one], level[other]), level[one] - level[other]
        if gap:
            expect.true(
                abs(found - 100 * gap) > 1e-6,
                f"{case}: {found:g} is the difference of the logarithms times 100. Only small "
                "differences are per cents.",
            )
            expect.true(
                abs(found - np.exp(gap)) > 1e-6 and abs(found - np.expm1(gap)) > 1e-6,
                f"{case}: {found:g} is the right idea in another unit; per cent is asked for.",
            )
            expect.true(
                abs(found - _percent(level[other], level[one])) > 1e-6,
                f"{case}: {found:g} says by how much the second is dearer than the first.",
            )
            expect.true(
                found != round(right, 0),
                f"{case}: {found:g} is rounded.",
            )
        expect.close(
            found,
            right,
            1e-6,
            f"{case}: {found:g} is not the difference in per cent. Which label belongs to which "
            "weight, and which label has none?",
        )
