"""A search from end to end: on Spark's workers, logged by MLflow, told as notebooks."""

from __future__ import annotations

import _thread
import threading
import time
from pathlib import Path

import mlflow
import pandas as pd
import papermill
import pytest
from tabular_data import customers, flats

from lakebook.ml import automl
from lakebook.ml.automl import runs, search, tabular


@pytest.fixture(scope="module")
def found(spark, in_the_workspace):
    """Return the summary of a search for those who leave, without the column that tells."""
    mlflow.set_experiment("/Shared/lakebook/test-automl")
    return automl.classify(
        spark.createDataFrame(customers()),
        target_col="leaves",
        exclude_cols=["customer_id"],
        max_trials=3,
    )


def _run(notebook: str, tmp_path: Path) -> str:
    """Run a notebook from top to bottom; return the id of the run that it logged, if any."""
    copy = automl.import_notebook(notebook, str(tmp_path / Path(notebook).name)).path
    before = set(mlflow.search_runs(search_all_experiments=True)["run_id"])
    papermill.execute_notebook(copy, None, progress_bar=False, cwd=tmp_path)
    new = set(mlflow.search_runs(search_all_experiments=True)["run_id"]) - before
    return next(iter(new), "")


def test_trials_are_ranked_and_the_best_one_beats_the_naive_baseline(found):
    scores = [trial.evaluation_metric_score for trial in found.trials]
    assert len(scores) == 3 and scores == sorted(scores, reverse=True)
    assert found.best_trial is found.trials[0] and not found.failures
    assert found.baseline is not None and scores[0] > found.baseline + 0.1
    assert scores[0] == found.best_trial.metrics["val_f1_score"]
    assert f"{scores[0]:.4g}" in str(found) and f"{found.baseline:.4g}" in str(found)


def test_each_trial_is_a_nested_run_with_model_signature_and_example(found):
    for trial in found.trials:
        run = mlflow.get_run(trial.mlflow_run_id)
        assert run.data.tags["mlflow.parentRunId"] == found.run_id
        assert run.info.status == "FINISHED"
        info = mlflow.models.get_model_info(trial.model_path)
        assert info.signature is not None and info.saved_input_example_info is not None
        assert "customer_id" not in info.signature.inputs.input_names()
        rows = customers(30, seed=5).drop(columns=["leaves", "customer_id"])
        assert set(trial.load_model().predict(rows)) <= {"yes", "no"}


def test_every_notebook_runs_on_its_own_and_gives_the_metrics_that_were_logged(found, tmp_path):
    for trial in found.trials:
        again = mlflow.get_run(_run(trial.artifact_uri, tmp_path))
        assert again.data.metrics == dict(trial.metrics)
        assert again.data.params == dict(trial.params)


def test_the_notebook_that_explores_the_data_runs(found, tmp_path):
    uri = mlflow.get_run(found.run_id).info.artifact_uri
    assert _run(f"{uri}/notebooks/data_exploration.ipynb", tmp_path) == ""


def test_what_was_found_out_about_columns_is_told(found):
    assert found.semantic_type_conversions["numeric"] == ["fee"]
    assert found.semantic_type_conversions["text"] == ["note"]


def test_a_summary_shows_its_trials_and_two_pictures_with_alternative_text(found):
    shown = found._repr_html_()
    assert shown.count("<tr>") == 4 and shown.count('<img alt="') == 2
    assert "confusion matrix" in shown


def test_importing_a_notebook_never_replaces_one_unasked(found, tmp_path):
    uri = found.best_trial.artifact_uri
    first = automl.import_notebook(uri, str(tmp_path / "best"))
    assert first.path.endswith("best.ipynb") and first.url.startswith("file:")
    Path(first.path).write_text("mine")
    with pytest.raises(automl.AutoMLError, match="overwrite=True"):
        automl.import_notebook(uri, str(tmp_path / "best"))
    assert Path(first.path).read_text() == "mine"
    automl.import_notebook(uri, str(tmp_path / "best"), overwrite=True)
    assert Path(first.path).read_text() != "mine"
    with pytest.raises(automl.AutoMLError, match="no notebook"):
        automl.import_notebook(f"{uri}x", str(tmp_path / "other"))


def test_the_column_that_tells_wins_unless_it_is_excluded(found, spark):
    frame = customers()
    # A model that may look at it needs nothing else: whoever leaves has an odd number.
    frame["odd"] = frame.pop("customer_id") % 2
    told = automl.classify(frame, target_col="leaves", max_trials=1, exclude_frameworks=["sklearn"])
    assert told.best_trial.evaluation_metric_score > 0.99
    assert found.best_trial.evaluation_metric_score < 0.99


def test_a_search_by_number_of_trials_finds_the_same_twice(spark):
    twice = [
        automl.regress(flats(), target_col="rent", max_trials=5, exclude_frameworks=["lightgbm"])
        for _ in range(2)
    ]
    first, second = (
        sorted((str(t.params), tuple(sorted(t.metrics.items()))) for t in one.trials)
        for one in twice
    )
    assert first == second


def test_stopping_by_hand_keeps_the_trials_that_have_ended(spark):
    search = {}

    def stop_after_the_first():
        while True:
            time.sleep(0.3)
            known = mlflow.search_runs(
                search_all_experiments=True,
                filter_string="tags.`lakebook.automl.search` = 'regress'",
                max_results=1,
            )
            if len(known) and known["status"][0] == "RUNNING":
                run = mlflow.get_run(known["run_id"][0])
                if runs.read(run.info.experiment_id, run.info.run_id, True):
                    search["run"] = run.info.run_id
                    _thread.interrupt_main()
                    return

    threading.Thread(target=stop_after_the_first, daemon=True).start()
    found = automl.regress(flats(), target_col="rent", max_trials=400)
    assert found.run_id == search["run"] and 1 <= len(found.trials) < 100
    assert any("stopped by hand" in message for message in found.messages)
    statuses = {
        run.info.status for run in runs.children(found.experiment.experiment_id, found.run_id)
    }
    assert "RUNNING" not in statuses
    # The workers have stopped as well: no trial is added.
    known = len(runs.children(found.experiment.experiment_id, found.run_id))
    time.sleep(8)
    assert len(runs.children(found.experiment.experiment_id, found.run_id)) == known


def test_a_budget_too_small_for_one_trial_waits_for_the_first_and_says_so(spark):
    found = automl.regress(flats(), target_col="rent", timeout_minutes=0.002)
    assert found.trials
    assert any("the first was awaited" in message for message in found.messages)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"target_col": "Rent"}, "rent"),
        ({"target_col": "rent", "primary_metric": "R2"}, "did you mean 'r2'"),
        (
            {"target_col": "rent", "exclude_frameworks": ["lightgbm", "sklearn", "xgboost"]},
            "no model",
        ),
        ({"target_col": "rent", "exclude_frameworks": "sklearn"}, "give a list"),
        ({"target_col": "rent", "exclude_cols": ["sizes"]}, "size"),
        ({"target_col": "rent", "timeout_minutes": 0}, "timeout_minutes=0"),
        ({"target_col": "rent", "max_trials": -1}, "max_trials=-1"),
        ({"target_col": "rent", "imputers": {"size": "middle"}}, "middle"),
        ({"target_col": "rent", "split_col": "part"}, "part"),
        ({"target_col": "rent", "experiment_name": "/a/b"}, "experiment_dir"),
        ({"target_col": "district"}, "district"),
    ],
)
def test_what_cannot_be_searched_is_refused_by_name_before_any_run(spark, arguments, said):
    known = len(mlflow.search_runs(search_all_experiments=True))
    with pytest.raises(automl.AutoMLError, match=said):
        automl.regress(flats(40), **({"max_trials": 1} | arguments))
    assert len(mlflow.search_runs(search_all_experiments=True)) == known


def test_a_table_is_searched_by_its_name_and_data_dir_keeps_its_rows(spark, schema, tmp_path):
    spark.createDataFrame(flats()).write.saveAsTable(f"{schema}.flats")
    found = automl.regress(
        f"{schema}.flats",
        target_col="rent",
        max_trials=1,
        data_dir=str(tmp_path),
        experiment_dir="/Shared/rents",
        experiment_name="first",
    )
    assert found.experiment.name == "/Shared/rents/first"
    with mlflow.start_run() as own:  # a search leaves the experiment of its notebook
        pass
    assert own.info.experiment_id != found.experiment.experiment_id
    (kept,) = tmp_path.rglob("training.parquet")
    assert len(pd.read_parquet(kept)) == 300
    assert found._repr_html_().count("<img") == 2


def test_a_deleted_experiment_is_refused_with_the_way_to_have_it_back(spark):
    client = mlflow.MlflowClient()
    gone = client.create_experiment("/Shared/rents/gone")
    client.delete_experiment(gone)
    with pytest.raises(automl.AutoMLError, match=rf"restore_experiment\('{gone}'\)"):
        automl.regress(
            flats(40), target_col="rent", experiment_dir="/Shared/rents", experiment_name="gone"
        )


def test_a_search_ends_early_where_nothing_becomes_better_and_tries_the_best_two_together(
    monkeypatch, spark
):
    monkeypatch.setattr(search, "PATIENCE", 3)
    given = {"target_col": "rent", "exclude_frameworks": ["lightgbm", "xgboost"]}
    found = automl.regress(flats(), **given, timeout_minutes=10)
    assert found.is_early_stopped
    kinds = [trial.model_description.partition("(")[0] for trial in found.trials]
    assert kinds.count("blend") == 1 and len(kinds) < 30
    assert not automl.regress(flats(), **given, max_trials=2).is_early_stopped


def test_rows_are_used_in_turn_only_where_they_are_few(monkeypatch, spark):
    monkeypatch.setattr(tabular, "ROWS_FOR_FOLDS", 100)
    found = automl.regress(flats(), target_col="rent", max_trials=1)
    text = Path(found.best_trial.artifact_uri).read_text()
    assert "cross_val_predict" not in text and '\\"validate\\"' in text
