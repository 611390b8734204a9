"""A search for a forecaster leaves trials that run again and a model of all series."""

from __future__ import annotations

import _thread
import json
import re
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lakebook.datasets import load
from lakebook.ml.automl import forecast_cells, forecast_search, notebooks
from lakebook.ml.automl.errors import AutoMLError
from lakebook.ml.automl.forecasting import forecast

IDENTITY = ["store", "item"]
GIVEN = {"target_col": "sales", "time_col": "date", "identity_col": IDENTITY, "horizon": 14}


@pytest.fixture(scope="module")
def sales():
    """Return a store that closes on holidays and one that does not, and one that is too young."""
    frame = load("store_items")
    frame = frame[(frame["item"] == 1) & (frame["date"] >= "2024-10-15") & (frame["store"] <= 3)]
    frame = frame[frame["date"] <= "2025-12-28"]
    young = (frame["store"] == 3) & (frame["date"] < "2025-12-15")
    return frame[~young].reset_index(drop=True)


@pytest.fixture(scope="module")
def few(spark):
    """Let searches of this module have one trial of each kind."""
    patch = pytest.MonkeyPatch()
    patch.setattr(forecast_search, "TRIALS", 1)
    yield
    patch.undo()


@pytest.fixture(scope="module")
def found(sales, few, spark):
    """Return a search with a trial of Prophet and one of ARIMA, some days of which are missing."""
    spark.sql("CREATE SCHEMA main.forecasts_of_a_test")
    dropped = sales.drop(index=[50, 51, 52])
    yield forecast(dropped, **GIVEN, output_database="main.forecasts_of_a_test", timeout_minutes=20)
    spark.sql("DROP SCHEMA main.forecasts_of_a_test CASCADE")


def kinds(found):
    return {re.sub(r"\W.*", "", trial.model_description) for trial in found.trials}


def test_there_is_a_trial_of_each_kind_and_the_best_is_first(found):
    assert kinds(found) >= {"prophet", "arima"}
    assert not found.failures
    scores = [trial.evaluation_metric_score for trial in found.trials]
    assert scores == sorted(scores)
    assert all(t.metrics["val_smape"] == t.evaluation_metric_score for t in found.trials)


def test_what_was_done_to_the_series_is_said(found):
    told = "\n".join(found.messages)
    assert "3 steps without a value, in 1 of 3 series, are filled" in told
    assert "too short to be validated" in told and "series store=3, item=1 (14)" in told


@pytest.mark.parametrize("kind", ["prophet", "arima"])
def test_a_notebook_runs_on_its_own_and_gives_the_logged_metrics(found, kind, tmp_path):
    import mlflow
    import papermill

    trial = next(t for t in found.trials if t.model_description.startswith(kind))
    path = mlflow.artifacts.download_artifacts(trial.artifact_uri, dst_path=str(tmp_path))
    told = json.loads(Path(path).read_text())
    told["cells"].append(
        {"cell_type": "code", "id": "told", "source": "import json\nprint(json.dumps(metrics))",
         "metadata": {}, "outputs": [], "execution_count": None}
    )  # fmt: skip
    Path(path).write_text(json.dumps(told))
    done = papermill.execute_notebook(path, str(tmp_path / "done.ipynb"), progress_bar=False)
    assert json.loads(done["cells"][-1]["outputs"][0]["text"]) == dict(trial.metrics)


def test_no_series_is_worse_than_the_naive_forecast_without_a_word(found):
    for trial in found.trials:
        assert trial.metrics["val_smape"] <= trial.metrics["naive_smape"]
        # The young series, at least.
        assert trial.metrics["series_by_naive"] >= 1
        name = Path(trial.artifact_uri).stem
        assert any(told.startswith(f"{name}: ") for told in found.messages)
    assert found.baseline == found.trials[0].metrics["naive_smape"]


def test_the_model_forecasts_every_series_with_an_interval(found):
    ahead = pd.date_range("2025-12-29", periods=14)
    asked = pd.DataFrame(
        {"store": np.repeat([1, 2, 3], 14), "item": 1, "date": np.tile(ahead, 3)}
    ).sample(frac=1, random_state=1)
    for trial in found.trials:
        answer = trial.load_model().predict(asked)
        assert answer.index.equals(asked.index)
        assert (answer["lower"] <= answer["forecast"]).all()
        assert (answer["forecast"] <= answer["upper"]).all()
        assert (answer["lower"] >= 0).all()
        by_day = (
            answer.groupby(["store", answer["date"].dt.day_name()])["forecast"].mean().unstack()
        )
        assert (by_day["Monday"] < by_day["Sunday"]).all()
        with pytest.raises(ValueError, match=r"no series store=9, item=1; it was not"):
            trial.load_model().predict(asked.assign(store=9))


def test_the_best_forecast_is_saved_as_a_table(found, spark):
    assert re.fullmatch(
        r"main\.forecasts_of_a_test\.forecast_prediction_[0-9a-f]{8}", found.output_table_name
    )
    table = spark.table(found.output_table_name).toPandas()
    assert list(table.columns) == ["store", "item", "date", "forecast", "lower", "upper"]
    assert table.groupby("store").size().to_dict() == {1: 14, 2: 14, 3: 14}
    assert table["date"].min() == pd.Timestamp("2025-12-29")
    best = found.best_trial.load_model().predict(table[[*IDENTITY, "date"]])
    np.testing.assert_allclose(table["forecast"], best["forecast"])


def test_the_summary_shows_the_best_forecast_of_the_first_series_after_its_history(found):
    from lakebook.ml.automl import report

    (alt, figure) = report.figures(found)[1]
    assert alt == "forecast of the best trial with its interval: store 1, item 1"
    history, ahead = figure.axes[0].lines
    asked = pd.DataFrame({"store": 1, "item": 1, "date": pd.date_range("2025-12-29", periods=14)})
    told = found.best_trial.load_model().predict(asked)
    np.testing.assert_allclose(ahead.get_ydata(), told["forecast"])
    assert list(ahead.get_xdata()) == list(asked["date"])
    assert history.get_xdata()[-1] == pd.Timestamp("2025-12-28")
    assert found._repr_html_().count("<img") == 2


def test_a_database_that_does_not_exist_is_refused(sales, spark):
    with pytest.raises(AutoMLError, match=r"output_database 'main\.nowhere' does not exist; make"):
        forecast(sales, **GIVEN, output_database="main.nowhere")


def task(data, country, partitions=2, **given):
    """Return a task as the search makes it, without a search."""
    return forecast_cells.Task(
        **{
            "run": "", "experiment": "", "data": str(data), "target": "sales", "time": "date",
            "identity": ("store", "item"), "weight": None, "metric": "mae", "step": "D",
            "season": 7, "waves": {7: 3}, "horizon": 14, "folds": 1, "least": 28,
            "country": country, "partitions": partitions, "requirements": (),
        } | given
    )  # fmt: skip


def run_trial(data, country, params, kind="prophet", **given):
    """Return what the cells of a trial leave, but for those that log."""
    cells = forecast_cells.cells(task(data, country, **given), "t", [(kind, params)])
    names, _ = notebooks.run([cell for cell in cells if cell.id not in ("log", "model")])
    return names


@pytest.fixture(scope="module")
def stored(sales, tmp_path_factory):
    # Christmas lies in the last two weeks, and in the year before.
    path = tmp_path_factory.mktemp("data") / "sales.parquet"
    sales[sales["store"] <= 2].to_parquet(path)
    return path


@pytest.mark.parametrize("kind", ["prophet", "arima"])
def test_holidays_matter_to_the_store_that_closes_on_them(stored, spark, kind):
    on_day = {}
    for country in ("US", ""):
        names = run_trial(stored, country, {}, kind)
        held = names["held"].set_index(["series", "ds"])["model"]
        on_day[country] = held.xs(pd.Timestamp("2025-12-25"), level="ds")
    closed, other = 1, 0  # stores 2 and 1, by number of series
    assert on_day["US"][closed] < 0.5 * on_day[""][closed]
    assert on_day["US"][other] > 0.7 * on_day[""][other]


def test_one_spark_job_forecasts_all_series_over_several_partitions(stored, spark, monkeypatch):
    from pyspark.sql.pandas.group_ops import PandasGroupedOpsMixin

    jobs, plain = [], PandasGroupedOpsMixin.applyInPandas

    def counted(self, function, schema):
        made = plain(self, function, schema)
        jobs.append(made)
        return made

    monkeypatch.setattr(PandasGroupedOpsMixin, "applyInPandas", counted)
    names = run_trial(stored, "", {}, "arima", partitions=5)
    assert len(jobs) == 1
    assert jobs[0].rdd.getNumPartitions() == 5
    assert names["result"]["series"].nunique() == 2


def test_a_model_that_fails_on_a_series_leaves_it_to_the_naive_forecast(stored, spark):
    names = run_trial(stored, "", {"growth": "nonsense"})
    assert (names["chosen"] == "naive").all()
    assert names["failures"].str.startswith("ValueError: Parameter").all()
    assert names["metrics"]["val_mae"] == names["metrics"]["naive_mae"]


def test_weights_say_how_much_a_series_counts(sales, spark, tmp_path):
    frame = sales[sales["store"] <= 2]
    frame.assign(w=frame["store"].map({1: 3, 2: 1})).to_parquet(tmp_path / "w.parquet")
    names = run_trial(tmp_path / "w.parquet", "", {}, "arima", weight="w")
    first, second = names["of_series"]["mae"]
    assert first != second
    assert names["metrics"]["val_mae"] == pytest.approx((3 * first + second) / 4)


def test_a_search_that_is_interrupted_keeps_what_is_done(sales, few, spark, monkeypatch):
    plain = forecast_search._try

    def interrupted(search, candidates, wanted=None):
        if search.trials:
            threading.Timer(0.5, _thread.interrupt_main).start()
        return plain(search, candidates, wanted)

    monkeypatch.setattr(forecast_search, "_try", interrupted)
    found = forecast(sales[sales["store"] == 1], **GIVEN, timeout_minutes=20)
    assert len(found.trials) == 1
    assert "stopped by hand; the trials that had ended are kept" in found.messages


def test_a_budget_too_small_for_one_trial_gives_one_and_says_so(sales, spark):
    given = GIVEN | {"exclude_frameworks": ["prophet"], "timeout_minutes": 0.001}
    found = forecast(sales[sales["store"] == 1], **given, experiment_name="small_budget")
    assert len(found.trials) == 1 and kinds(found) == {"arima"}
    assert any("the time was enough for one trial" in told for told in found.messages)
    assert found.experiment.name.endswith("/small_budget")


def test_a_search_ends_early_where_no_trial_is_better_than_the_first(sales, spark, monkeypatch):
    tried = []

    def no_better(search, candidates, wanted=None):
        kind, params = candidates[0]
        tried.append((kind, params))
        done = forecast_search.Trial(
            candidates[0], 0.1 + 0.01 * len(tried), pd.Series([0.1]), 0.001
        )
        search.trials.append(done)
        return done

    monkeypatch.setattr(forecast_search, "TRIALS", 8)
    monkeypatch.setattr(forecast_search, "_try", no_better)
    given = GIVEN | {"exclude_frameworks": ["arima"]}
    with pytest.raises(AutoMLError, match="before its first trial"):  # none was logged
        forecast(sales[sales["store"] == 1], **given, timeout_minutes=20)
    assert len(tried) == 1 + forecast_search.PATIENCE


def test_a_trial_that_takes_too_long_is_cut_off(spark):
    import time

    def slow(frames):
        time.sleep(20)
        yield from frames

    begun = time.monotonic()
    with pytest.raises(Exception, match=r"cancel"), forecast_search._Limit(spark, 2.0) as limit:
        spark.range(0, 1, 1, 1).mapInPandas(slow, "id long").toPandas()
    assert limit.over and time.monotonic() - begun < 15
