"""Exercises of day2/04_missing_values."""

from functools import cache

import numpy as np
import pandas as pd

from lakebook.datasets import load
from lakebook.labs import exercise, expect
from lakebook.runtime.session import get_spark

KEY = ["station", "day"]
GAPS = ["wind", "no2", "ozone"]
CAUSES = ("temperature", "kind", "weekend", "nothing")


@cache
def _year() -> pd.DataFrame:
    return load("air_quality").sort_values(KEY, ignore_index=True)


def _in_order(answer, columns: list[str]) -> pd.DataFrame:
    """Return the answer as a pandas frame with the rows of `_year`, in its order; or judge it."""
    expect.columns(answer, [*KEY, *columns])
    expect.rows(
        answer,
        len(_year()),
        "Rows were lost or doubled on the way. A gap is to be filled; its row stays.",
    )
    frame = answer if isinstance(answer, pd.DataFrame) else answer.select(*KEY, *columns).toPandas()
    frame = frame[[*KEY, *columns]].assign(day=pd.to_datetime(frame["day"]))
    frame = frame.sort_values(KEY, ignore_index=True)
    expect.true(
        frame[KEY].equals(_year()[KEY].astype(frame[KEY].dtypes)),
        "These are not the stations and days of the year: some are missing, others are twice here.",
    )
    return frame


def _known_kept(frame: pd.DataFrame, column: str) -> None:
    known = _year()[column].notna()
    found, right = frame.loc[known, column], _year().loc[known, column]
    same = (found == right) if column == "sky" else np.isclose(found.astype(float), right)
    expect.true(
        np.all(same),
        f"Readings of `{column}` that were there have changed. Only the gaps are to be filled.",
    )


def _fill_of(frame: pd.DataFrame, column: str):
    """Return the one value in the gaps of a column, or judge that there is none or more."""
    filled = frame.loc[_year()[column].isna(), column]
    expect.true(
        filled.notna().all(),
        f"`{column}` still has {filled.isna().sum()} gaps.",
    )
    expect.true(
        filled.nunique() == 1,
        f"The gaps of `{column}` hold {filled.nunique()} different values; one value, a statistic "
        "of the whole column, is asked for.",
    )
    return filled.iloc[0]


def _near_statistic(column: str, statistic: str, value: float) -> bool:
    # Spark's median is exact to a thousandth of the rows, so its neighbours are right as well.
    known = _year()[column]
    if statistic == "mean":
        return abs(float(value) - known.mean()) < 0.01
    low, high = known.quantile([0.498, 0.502], interpolation="nearest")
    return low - 1e-6 <= float(value) <= high + 1e-6


def _filled(**values) -> pd.DataFrame:
    return _year()[[*KEY, "humidity", "no2", "sky"]].fillna(values)


def _right_fill() -> dict:
    year = _year()
    return {
        "humidity": year["humidity"].mean(),
        "no2": year["no2"].median(),
        "sky": year["sky"].mode()[0],
    }


@exercise(
    1,
    title="To each column its own statistic",
    hints=(
        "Draw a histogram of `humidity` and one of `no2`. Which of them has a tail that would pull "
        "a mean away from most of the days?",
        "For a skewed column take the middle one of the sorted values. Words can only be counted: "
        "take the one that occurs most often.",
        "`Imputer(strategy=…)` does the two numeric columns; `F.mode` gives the word, and `fillna` "
        "with a dict writes it.",
    ),
    wrong={
        "the mean for the skewed column": lambda: _filled(
            **_right_fill() | {"no2": _year()["no2"].mean()}
        ),
        "the mode for a measured quantity": lambda: _filled(
            **_right_fill() | {"no2": _year()["no2"].mode()[0]}
        ),
        "zeros": lambda: _filled(**_right_fill() | {"humidity": 0.0, "no2": 0.0}),
        "the words forgotten": lambda: _filled(
            **{name: value for name, value in _right_fill().items() if name != "sky"}
        ),
        "a word of its own": lambda: _filled(**_right_fill() | {"sky": "unknown"}),
        "the least frequent word": lambda: _filled(
            **_right_fill() | {"sky": _year()["sky"].value_counts().index[-1]}
        ),
        "rows with gaps dropped": lambda: _filled().dropna(),
        "the whole column overwritten": lambda: _filled(**_right_fill()).assign(
            no2=_year()["no2"].median()
        ),
        "filled by group": lambda: _filled(**_right_fill()).assign(
            no2=_year()["no2"].fillna(_year().groupby("kind")["no2"].transform("median"))
        ),
    },
)
def each_its_own(answer):
    """A frame of all rows: station, day, humidity, no2 and sky without gaps."""
    frame = _in_order(answer, ["humidity", "no2", "sky"])
    for column in ("humidity", "no2", "sky"):
        _known_kept(frame, column)
    humidity, no2, sky = (_fill_of(frame, column) for column in ("humidity", "no2", "sky"))
    for column, value in (("humidity", humidity), ("no2", no2)):
        expect.true(
            float(value) != 0,
            f"A gap in `{column}` is not a reading of zero. What is an ordinary day like?",
        )
    # Humidity is nearly symmetric: mean and median are both a fair choice.
    expect.true(
        any(_near_statistic("humidity", one, humidity) for one in ("mean", "median")),
        "The value in the gaps of `humidity` is neither its mean nor its median.",
    )
    expect.true(
        not _near_statistic("no2", "mean", no2),
        "`no2` is filled with its mean. Look at its histogram: how many days lie below that value?",
    )
    expect.true(
        abs(float(no2) - _year()["no2"].mode()[0]) > 1e-6,
        "`no2` is filled with the reading that happened to repeat most often. That says little "
        "about a measured quantity.",
    )
    expect.true(
        _near_statistic("no2", "median", no2),
        "The value in the gaps of `no2` is not the statistic that suits a column with a long tail.",
    )
    expect.true(
        sky in set(_year()["sky"].dropna()),
        f"`sky` is filled with {sky!r}, which is none of its words. That can be a good idea, but a "
        "statistic of the column is asked for here.",
    )
    expect.true(
        sky == _right_fill()["sky"],
        "Count the words of `sky`: another one is more frequent than the one you filled in.",
    )


@cache
def _gap_shares(column: str, cause: str) -> pd.Series:
    """Return the share of gaps of a column in each group that a cause makes."""
    year = _year()
    groups = {
        "temperature": year["temperature"] > year["temperature"].median(),
        "kind": year["kind"],
        "weekend": year["day"].dt.dayofweek >= 5,
    }
    return year[column].isna().groupby(groups[cause]).mean()


def _cause(column: str) -> str:
    spread = {one: float(np.ptp(_gap_shares(column, one))) for one in CAUSES[:-1]}
    largest = max(spread, key=lambda one: spread[one])
    return largest if spread[largest] > 0.1 else "nothing"


def _causes() -> dict[str, str]:
    return {column: _cause(column) for column in ("wind", "humidity", "sky")}


@exercise(
    2,
    title="What explains the gaps",
    hints=(
        "The demonstration compared the share of gaps between warm and cold days. Compare it "
        "between other groups, too.",
        "For each column: the average of `isNull` cast to a number, by kind of station, and again "
        "by weekend or weekday (`F.dayofweek` gives 1 for Sunday and 7 for Saturday).",
        "Shares that differ by a per cent or two between groups are chance. A cause multiplies "
        "the share.",
    ),
    wrong={
        "the weather is always to blame": dict.fromkeys(("wind", "humidity", "sky"), "temperature"),
        "chance is taken for a cause": lambda: _causes() | {"wind": "kind"},
        "gaps in bands overlooked": lambda: _causes() | {"humidity": "nothing"},
        "causes swapped": lambda: (
            _causes() | {"humidity": _causes()["sky"], "sky": _causes()["humidity"]}
        ),
        "one column forgotten": lambda: {
            name: cause for name, cause in _causes().items() if name != "sky"
        },
        "another word": lambda: _causes() | {"wind": "MCAR"},
    },
)
def what_explains(answer):
    """A dict from wind, humidity and sky to the recorded thing that explains their gaps."""
    expect.is_a(answer, dict)
    right = _causes()
    missing = [name for name in right if name not in answer]
    expect.true(not missing, f"The dict has no entry for {', '.join(missing)}.")
    for column, found in answer.items():
        expect.true(column in right, f"The gaps of {column!r} are not asked for.")
        expect.true(
            found in CAUSES,
            f"{found!r} is none of the four words that the exercise offers for `{column}`.",
        )
    for column, cause in right.items():
        found = answer[column]
        if found == "nothing" and cause != "nothing":
            expect.true(
                False,
                f"`{column}` has a cause. In one group of days or stations it loses many "
                "times as many readings as in another.",
            )
        if found != cause:
            shares = _gap_shares(column, found)
            expect.true(
                False,
                f"Compared by {found}, `{column}` loses between {shares.min():.0%} and "
                f"{shares.max():.0%} of its readings. "
                + (
                    "That is the spread of chance."
                    if cause == "nothing"
                    else "Is there a comparison that sets the groups further apart?"
                ),
            )


def _marked(lost: pd.Series | None = None, fill: float | None = None) -> pd.DataFrame:
    year = _year()
    lost = year["ozone"].isna() if lost is None else lost
    fill = year["ozone"].median() if fill is None else fill
    return year[KEY].assign(ozone=year["ozone"].fillna(fill), ozone_lost=lost.astype(float))


def _rural_gaps() -> pd.Series:
    """Return which gaps were sent as NaN: those of the rural stations."""
    return _year()["ozone"].isna() & (_year()["kind"] == "rural")


def _median_with_nan() -> float:
    known = _year()["ozone"].mask(_rural_gaps(), np.inf)  # to Spark, NaN is the largest value
    return float(known.median())


@exercise(
    3,
    title="Mark the gaps, then fill them",
    hints=(
        "Once a gap is filled, nothing tells it from a reading. What has to come first?",
        "`isNull` does not see the rural gaps; `F.isnan` sees only those. A condition can be "
        "either one `|` the other, and `.cast('double')` makes it a number.",
        "`withColumn('ozone_lost', …)` on `sent`, then `Imputer(strategy='median', …)` with ozone "
        "as input and output. It fills both kinds.",
    ),
    wrong={
        "marked after the fill": lambda: _marked(_year()["ozone"].isna() & False),
        "only nulls marked": lambda: _marked(_year()["ozone"].isna() & ~_rural_gaps()),
        "only NaN marked": lambda: _marked(_rural_gaps()),
        "upside down": lambda: _marked(_year()["ozone"].notna()),
        "filled with the mean": lambda: _marked(fill=_year()["ozone"].mean()),
        "NaN counted in the median": lambda: _marked(fill=_median_with_nan()),
        "rural gaps not filled": lambda: _marked().assign(
            ozone=lambda frame: frame["ozone"].mask(_rural_gaps())
        ),
        "words instead of numbers": lambda: _marked().assign(
            ozone_lost=lambda frame: frame["ozone_lost"].map({0.0: "no", 1.0: "yes"})
        ),
        "rows with gaps dropped": lambda: _marked()[_year()["ozone"].notna()],
    },
)
def mark_then_fill(answer):
    """A frame of all rows: station, day, ozone without gaps, and ozone_lost as 1 or 0."""
    frame = _in_order(answer, ["ozone", "ozone_lost"])
    lost = _year()["ozone"].isna()
    try:
        found = frame["ozone_lost"].astype(float)
    except (TypeError, ValueError):
        found = None
    expect.true(
        found is not None and found.isin([0, 1]).all(),
        "`ozone_lost` should hold the numbers 0 and 1, which a model can use.",
    )
    expect.true(
        found.any(),
        "`ozone_lost` is 0 everywhere, as if no reading had been lost. Was the gap still there "
        "when you looked?",
    )
    expect.true(
        not (found == ~lost).all(),
        "`ozone_lost` is 1 where there *is* a reading.",
    )
    missed, surplus = (lost & (found == 0)).sum(), (~lost & (found == 1)).sum()
    expect.true(
        not missed,
        f"{missed} gaps are not marked. The stations send two kinds of nothing.",
    )
    expect.true(not surplus, f"{surplus} rows that have a reading are marked as lost.")
    _known_kept(frame, "ozone")
    fill = _fill_of(frame, "ozone")
    expect.true(
        not _near_statistic("ozone", "mean", fill),
        "The gaps of `ozone` hold its mean; the default strategy is not the one asked for.",
    )
    expect.true(
        abs(float(fill) - _median_with_nan()) > 0.11,
        "The value in the gaps is too high. Was NaN, which Spark takes for the largest of all "
        "values, among those whose middle you took?",
    )
    expect.true(
        _near_statistic("ozone", "median", fill),
        "The value in the gaps of `ozone` is not the median of the readings that are there.",
    )


def _halves() -> tuple[pd.DataFrame, pd.DataFrame]:
    first = _year()["day"].dt.month <= 6
    return _year()[first], _year()[~first]


def _line(rows: pd.DataFrame, fill: pd.Series) -> np.ndarray:
    """Return level and weights of the least-squares line that predicts visits."""
    return np.linalg.lstsq(_inputs(rows, fill), rows["visits"].to_numpy(float), rcond=None)[0]


def _inputs(rows: pd.DataFrame, fill: pd.Series) -> np.ndarray:
    filled = rows[["temperature", *GAPS]].fillna(fill).to_numpy(float)
    return np.column_stack([np.ones(len(rows)), filled])


def _pipeline(
    *,
    months: tuple[int, int] = (1, 6),
    strategy: str = "median",
    filled: tuple[str, ...] = tuple(GAPS),
    inputs: tuple[str, ...] = ("temperature", *GAPS),
    invalid: str = "error",
    fitted: bool = True,
):
    """Return a pipeline as the exercise asks for, or with one thing done differently."""
    from pyspark.ml import Pipeline
    from pyspark.ml.feature import Imputer, VectorAssembler
    from pyspark.ml.regression import LinearRegression

    rows = load("air_quality", spark=get_spark())  # first: a stage needs a running session
    stages = [
        VectorAssembler(inputCols=list(inputs), outputCol="features", handleInvalid=invalid),
        LinearRegression(labelCol="visits"),
    ]
    if filled:
        columns = list(filled)
        stages.insert(0, Imputer(strategy=strategy, inputCols=columns, outputCols=columns))
    pipeline = Pipeline(stages=stages)
    rows = load("air_quality", spark=get_spark())
    first, last = months
    return (
        pipeline.fit(rows.where(f"month(day) BETWEEN {first} AND {last}")) if fitted else pipeline
    )


def _learned_fills(model) -> dict[str, float]:
    learned: dict[str, float] = {}
    for stage in model.stages:
        if type(stage).__name__ == "ImputerModel":
            learned |= stage.surrogateDF.first().asDict()
    return learned


def _predictions(model) -> pd.Series | None:
    """Return what the model predicts for the second half, or None if it cannot without visits."""
    rows = load("air_quality", spark=get_spark()).where("month(day) > 6").drop("visits")
    column = model.stages[-1].getPredictionCol()
    try:
        found = model.transform(rows).select(*KEY, column).toPandas()
    except Exception:  # whatever Spark or a stage raises, the model cannot serve these rows
        return None
    return found.set_index(KEY)[column].sort_index()


@exercise(
    4,
    title="A pipeline that has not seen July",
    hints=(
        "Which objects learn something from rows? All of them belong into one pipeline, and the "
        "pipeline is fitted once.",
        "`Pipeline(stages=[imputer, assembler, line])`: the assembler takes what the imputer puts "
        "out. Which frame may `.fit` see?",
        "`Imputer(strategy='median', …)` for the three columns with gaps, `VectorAssembler` for "
        "these and the temperature, `LinearRegression(labelCol='visits')`, fitted on `first_half`.",
    ),
    wrong={
        "fitted on the whole year": lambda: _pipeline(months=(1, 12)),
        "fitted on the half to be predicted": lambda: _pipeline(months=(7, 12)),
        "mean, which is the default": lambda: _pipeline(strategy="mean"),
        "never fitted": lambda: _pipeline(fitted=False),
        "no imputer, gaps skipped": lambda: _pipeline(filled=(), invalid="skip"),
        "one column not filled": lambda: _pipeline(filled=("wind", "no2"), invalid="skip"),
        "the visits among the inputs": lambda: _pipeline(
            inputs=("temperature", *GAPS, "visits"),
        ),
        "the temperature forgotten": lambda: _pipeline(inputs=tuple(GAPS)),
        "only the last stage": lambda: _pipeline().stages[-1],
    },
)
def not_seen_july(answer):
    """A fitted PipelineModel: medians of the first half, a line for visits."""
    expect.true(
        type(answer).__name__ != "Pipeline",
        "This pipeline has not been fitted. What does `.fit` return?",
    )
    expect.is_a(
        answer,
        "pyspark.ml.PipelineModel",
        f"This is a {type(answer).__name__}; a fitted PipelineModel is asked for, which carries "
        "the imputer and the line together.",
    )
    learned = _learned_fills(answer)
    expect.true(
        learned,
        "No stage of the pipeline is a fitted imputer, so the gaps reach the line, or the rows "
        "with gaps are skipped.",
    )
    missing = [column for column in GAPS if column not in learned]
    expect.true(not missing, f"The imputer does not fill {', '.join(missing)}.")
    _judge_fills(learned)
    last = type(answer.stages[-1]).__name__
    expect.true(
        last == "LinearRegressionModel",
        f"The last stage is a {last}; a linear regression is asked for.",
    )
    first, second = _halves()
    found = _predictions(answer)
    expect.true(
        found is not None,
        "The model cannot predict for rows without `visits`. On the morning of that day nobody "
        "knows them: are they among its inputs?",
    )
    expect.true(
        len(found) == len(second) and found.notna().all(),
        f"{found.notna().sum()} of {len(second)} days of the second half have a prediction. "
        "What does `handleInvalid` do to the others?",
    )
    fill = pd.Series({column: float(learned[column]) for column in GAPS})
    second = second.sort_values(KEY)
    right = _inputs(second, fill) @ _line(first, fill)
    peeked = _inputs(second, fill) @ _line(_year(), fill)
    off = float(np.abs(found.to_numpy() - right).mean())
    expect.true(
        off < 0.02 or off < float(np.abs(found.to_numpy() - peeked).mean()),
        "The line was fitted on rows of the second half, too.",
    )
    expect.true(
        off < 0.2,
        "The medians are right and every day is predicted, but not by the line through the four "
        "readings that were asked for. Look at the inputs of the assembler.",
    )


def _judge_fills(learned: dict[str, float]) -> None:
    """Judge the numbers an imputer learned: they must be medians of the first half."""
    first, second = _halves()

    def learned_from(rows: pd.DataFrame, statistic: str) -> bool:
        if statistic == "mean":
            return all(abs(learned[c] - rows[c].mean()) < 0.01 for c in GAPS)
        spread = rows[GAPS].quantile([0.497, 0.503], interpolation="nearest")
        return all(spread[c].min() - 1e-6 <= learned[c] <= spread[c].max() + 1e-6 for c in GAPS)

    expect.true(
        not learned_from(_year(), "median"),
        "The imputer has learned its medians from the whole year, so it has seen July.",
    )
    expect.true(
        not learned_from(second, "median"),
        "The imputer has learned its medians from the half that is to be predicted.",
    )
    expect.true(
        not learned_from(first, "mean"),
        "The imputer fills with means. Nitrogen dioxide has a long tail, and the median was asked "
        "for.",
    )
    expect.true(
        learned_from(first, "median"),
        "The numbers that the imputer has learned are not the medians of the first half.",
    )
