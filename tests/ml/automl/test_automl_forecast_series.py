"""Series are checked before a forecast: what cannot be used is refused with the way out."""

from __future__ import annotations

import subprocess
import sys

import pandas as pd
import pytest

from lakebook.ml.automl import forecast_cells, forecast_frequency, forecast_series, notebooks
from lakebook.ml.automl.errors import AutoMLError
from lakebook.ml.automl.forecasting import forecast


def daily(days=60, start="2024-01-01", **columns):
    frame = pd.DataFrame({"date": pd.date_range(start, periods=days), "y": range(days)})
    return frame.assign(**columns)


def prepared(frame, frequency="D", horizon=7, identity=(), weight=None):
    return forecast_series.prepare(
        frame,
        target="y",
        time="date",
        identity=identity,
        weight=weight,
        frequency=forecast_frequency.frequency(frequency),
        horizon=horizon,
    )


def refused(frame, message, **given):
    with pytest.raises(AutoMLError, match=message):
        prepared(frame, **given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"horizon": 0}, "horizon 0 is not a whole number of steps, 1 or more"),
        ({"horizon": -3}, "horizon -3 is not"),
        ({"horizon": 1.5}, "horizon 1.5 is not"),
        (
            {"country_code": "USA"},
            "country_code 'USA' is not known; did you mean 'US'.*no holidays",
        ),
        ({"frequency": "dayly"}, "frequency 'dayly' is not known; did you mean 'day'"),
        ({"primary_metric": "mape"}, "primary_metric 'mape' is not known; did you mean 'smape'"),
        ({"exclude_frameworks": ["profet"]}, "framework 'profet' is not known; did you mean"),
        ({"exclude_frameworks": ["prophet", "arima"]}, "leaves none; keep prophet or arima"),
        ({"timeout_minutes": 0}, "timeout_minutes 0 is not above zero"),
        ({"identity_col": "y"}, "column 'y' is named twice"),
    ],
)
def test_an_argument_that_cannot_be_is_refused_before_anything_runs(given, message):
    with pytest.raises(AutoMLError, match=message):
        forecast(daily(), target_col="y", time_col="date", **given)


@pytest.mark.parametrize(
    ("name", "every"),
    [
        *[(name, "7D") for name in ("W",)],
        *[(name, "D") for name in ("D", "days", "day")],
        *[(name, "h") for name in ("hours", "hour", "hr", "h")],
        *[(name, "min") for name in ("m", "minute", "min", "minutes", "T")],
        *[(name, "s") for name in ("S", "seconds", "sec", "second")],
        *[(name, "MS") for name in ("M", "month", "months")],
        *[(name, "3MS") for name in ("Q", "quarter", "quarters")],
        *[(name, "12MS") for name in ("Y", "year", "years")],
    ],
)
def test_each_documented_frequency_is_a_step_of_pandas(name, every):
    times = pd.Series(pd.date_range("2020-01-01", periods=40, freq=every))
    asked = forecast_frequency.frequency(name)
    assert forecast_frequency.step(asked, times) == every
    made = prepared(pd.DataFrame({"date": times, "y": 1.0}), frequency=name, horizon=2)
    assert made.sizes == [40] and not made.messages


def test_last_days_of_months_are_steps_too_and_other_days_are_refused():
    times = pd.date_range("2020-01-31", periods=40, freq="ME")
    assert prepared(pd.DataFrame({"date": times, "y": 1.0}), "M", 2).step == "ME"
    middle = pd.DataFrame({"date": times - pd.Timedelta("10D"), "y": 1.0})
    refused(middle, "must be first days of a month, or all last days", frequency="M")


def test_gaps_are_counted_and_said():
    made = prepared(daily().drop(index=[10, 11, 30]))
    assert made.sizes == [60]
    (told,) = made.messages
    assert told.startswith("3 steps without a value, in 1 of 1 series, are filled with the value")


def test_values_on_one_time_are_told_with_their_series_and_the_way_out():
    frame = pd.concat([daily(shop="a"), daily(shop="b"), daily(1, shop="b", start="2024-01-05")])
    (told,) = prepared(frame, identity=["shop"]).messages
    assert "1 values are on a time" in told and "series shop=b at 2024-01-05" in told
    assert "their mean is taken" in told and "identity_col" in told


def test_rows_without_time_or_target_are_counted():
    frame = daily()
    frame["y"] = frame["y"].astype(float).where(frame.index != 59)
    frame["date"] = frame["date"].where(frame.index != 0)
    made = prepared(frame)
    assert made.sizes == [58]
    assert [told[:28] for told in made.messages] == [
        "1 rows without a value of ti",
        "1 rows without a value of ta",
    ]


@pytest.mark.parametrize(
    ("every", "better"),
    [("7D", "W"), ("MS", "M"), ("h", "h"), ("YS", "Y"), ("QS", "Q")],
)
def test_a_frequency_that_does_not_fit_is_refused_with_one_that_does(every, better):
    times = pd.date_range("2010-01-01", periods=80, freq=every)
    message = f"frequency 'D' does not fit the series: .* give frequency='{better}'"
    refused(pd.DataFrame({"date": times, "y": 1.0}), message)


def test_times_that_are_no_whole_steps_apart_are_refused():
    frame = daily()
    frame.loc[5, "date"] += pd.Timedelta("90min")
    refused(frame, r"a value at 2024-01-06 01:30:00, which is no whole number of days.*floor")


def test_a_series_that_is_mostly_gaps_is_named():
    some = daily(300, shop="b").iloc[[*range(30), *range(270, 300)]]
    frame = pd.concat([daily(300, shop="a"), some])
    refused(frame, "series shop=b has no value for 80% of its days", identity=["shop"])


def test_a_short_series_among_long_ones_is_told_and_none_long_enough_is_refused():
    frame = pd.concat([daily(shop="a"), daily(9, shop="b")])
    made = prepared(frame, identity=["shop"])
    assert made.judged == [True, False]
    assert "series shop=b (9); they get the seasonal-naive forecast" in made.messages[0]
    refused(
        daily(), "the series is the longest with 60 days, and a horizon of 40 needs", horizon=40
    )


@pytest.mark.parametrize(
    ("columns", "given", "message"),
    [
        ({"date": "soon"}, {}, "time_col 'date' has 60 values that are no time, such as 'soon'"),
        ({"y": "many"}, {}, "target_col 'y' has 60 values that are no number, such as 'many'"),
        ({"y": float("inf")}, {}, "target_col 'y' has infinite values"),
        ({"y": None}, {}, "no row has both 'date' and 'y'"),
        ({"shop": None}, {"identity": ["shop"]}, "identity_col 'shop' is null in 60 rows"),
        ({"w": -1.0}, {"weight": "w"}, "sample_weight_col 'w' must be zero or more"),
        ({"w": range(60)}, {"weight": "w"}, "must have one value in all rows of a series"),
    ],
)
def test_columns_that_cannot_be_used_are_refused(columns, given, message):
    refused(daily(**columns), message, **given)


def test_texts_zones_and_years_as_numbers_are_read_as_times():
    texts = daily().assign(date=lambda frame: frame["date"].dt.strftime("%Y-%m-%d"))
    assert prepared(texts).sizes == [60]
    zoned = daily(start="2024-03-01").assign(
        date=lambda f: f["date"].dt.tz_localize("Europe/Paris")
    )
    assert prepared(zoned).sizes == [60] and not prepared(zoned).messages
    years = pd.DataFrame({"date": range(1960, 2020), "y": 1.0})
    assert prepared(years, "Y", 2).sizes == [60]


def test_the_code_of_a_notebook_is_as_ruff_would_have_it(tmp_path):
    task = forecast_cells.Task(
        run="r", experiment="1", data=None, target="y", time="date", identity=("a", "b"),
        weight=None, metric="smape", step="D", season=7, waves={7: 3, 365.25: 4}, horizon=90,
        folds=3, least=120, country="US", partitions=12, requirements=("prophet==1.5.0",),
    )  # fmt: skip
    prophet = {"seasonality_mode": "additive", "changepoint_prior_scale": 0.05, "holidays": True}
    candidates = [("prophet", prophet), ("arima", {"max_p": 3, "max_q": 2})]
    made = notebooks.write(forecast_cells.cells(task, "best-01", candidates, [0, 1] * 40))
    (tmp_path / "best.ipynb").write_text(made)
    options = ["--isolated", "--line-length", "88", "--select", "E,F,B,UP,SIM", "--ignore", "E402"]
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", *options, str(tmp_path / "best.ipynb")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
