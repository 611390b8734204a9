"""The notebook of a trial: good Python, whatever the columns; every model trains from it."""

from __future__ import annotations

import dataclasses
import itertools
import json
import platform
import subprocess
import sys
import time

import mlflow
import numpy as np
import pandas as pd
import pytest
from tabular_data import customers, flats

from lakebook.ml.automl import arms, cells, cells_prepare, notebooks, runs, search
from lakebook.ml.automl.columns import check_imputers, detect
from lakebook.ml.automl.metrics import metric
from lakebook.ml.automl.task import SPLIT, Task

# Its part without graphics cards has wheels for Linux on x86-64 alone.
HAS_XGBOOST = (sys.platform, platform.machine()) == ("linux", "x86_64")


@pytest.fixture(scope="module")
def tasks(in_the_workspace, tmp_path_factory):
    """Return a task of classification and one of regression, with their data on disk."""
    with mlflow.start_run() as run:
        pass
    made = {}
    for kind, frame, target, name in (
        ("classify", customers(), "leaves", "f1"),
        ("regress", flats(), "rent", "r2"),
    ):
        frame[SPLIT] = np.where(np.arange(len(frame)) % 5 == 0, "test", "train")
        path = tmp_path_factory.mktemp(kind) / "data.parquet"
        frame["importance"] = 1.0 + np.arange(len(frame)) % 3
        frame.to_parquet(path)
        hidden = [SPLIT, "importance"]
        plan = detect(
            frame, target, exclude=["customer_id"] * (kind == "classify"), keep_aside=hidden
        )
        made[kind] = Task(
            kind=kind,
            target=target,
            run=run.info.run_id,
            experiment=run.info.experiment_id,
            columns=plan.columns,
            imputers={},
            metric=metric(kind, name),
            metric_name=name,
            classes=("no", "yes") if kind == "classify" else (),
            data=str(path),
            requirements=("scikit-learn",),
        )
        made[f"plan of {kind}"] = plan
    return made


def _arms(kind):
    return [
        arm
        for arm in arms.ARMS
        if getattr(arm, "classifier" if kind == "classify" else "regressor")
    ]


@pytest.mark.parametrize("kind", ["classify", "regress"])
def test_the_code_of_every_model_is_as_clean_as_the_projects_own(tasks, kind, tmp_path):
    for arm in _arms(kind):
        made = cells.cells(tasks[kind], arm, arm.guess, "one")
        (tmp_path / f"{arm.name}.ipynb").write_text(notebooks.write(made))
    for number, members in enumerate(itertools.combinations(_arms(kind), 2)):
        task = dataclasses.replace(tasks[kind], deals=1 + number % 2 * 2)
        made = cells.blend(task, [(arm, arm.guess) for arm in members], "two")
        (tmp_path / f"blend-{number}.ipynb").write_text(notebooks.write(made))
    # Imports stand where they are used, and a cell ends with what it shows.
    rules = "--ignore=E402,B018,D,F811,TC,RUF001,INP001,E501,PD,FBT,N"
    subprocess.run(
        [
            sys.executable,
            "-m",
            "ruff",
            "check",
            "--isolated",
            "--select=E,F,I,B,UP",
            rules,
            tmp_path,
        ],
        check=True,
    )


@pytest.mark.parametrize("kind", ["classify", "regress"])
def test_every_model_that_is_installed_trains_from_its_notebook_and_beats_a_guess(tasks, kind):
    installed = arms.chosen(kind, None)
    # Where the project's own pins hold, all of them are.
    assert installed == [arm for arm in _arms(kind) if arm is not arms.XGBOOST or HAS_XGBOOST]
    for arm in installed:
        made = cells.cells(tasks[kind], arm, arm.guess, arm.name)
        names, seconds = notebooks.run(made, {}, arm.name)
        better = names["metrics"]["val_roc_auc" if kind == "classify" else "val_r2_score"]
        assert better > (0.65 if kind == "classify" else 0.6), arm.name
        assert set(seconds) == {"other", "fit", "log"}


def test_rows_for_the_test_and_for_validation_never_reach_what_is_fitted(tasks):
    task, arm = tasks["regress"], arms.LINEAR
    three = dataclasses.replace(task, folds=False, data=task.data)
    frame = three_sets(three)
    names, _ = notebooks.run(cells.cells(three, arm, arm.guess, "fitted"), {}, "fitted")
    fitted = names["model"]["prepare"].named_transformers_["numbers"]
    train = frame[frame[SPLIT] == "train"]
    columns = names["numbers"]
    assert fitted[0].statistics_ == pytest.approx(train[columns].mean().to_numpy())
    filled = train[columns].fillna(train[columns].mean())
    assert fitted[1].mean_[: len(columns)] == pytest.approx(filled.mean().to_numpy())
    assert {"val_r2_score", "test_r2_score", "training_r2_score"} <= set(names["metrics"])


def three_sets(task):
    """Rewrite the data of a task with a validation set, and return them."""
    frame = pd.read_parquet(task.data)
    frame[SPLIT] = np.array(["train", "train", "train", "validate", "test"])[
        np.arange(len(frame)) % 5
    ]
    frame.to_parquet(task.data)
    return frame


def test_few_rows_are_dealt_out_several_times_and_the_scores_are_means(tasks):
    def scored(**changed):
        task = dataclasses.replace(tasks["regress"], **changed)
        names, _ = notebooks.run(cells.cells(task, arms.TREE, arms.TREE.guess, "dealt"), {})
        return names

    once, thrice = scored(), scored(deals=3)
    each = [one["val_mae"] for one in thrice["deals"]]
    assert len(set(each)) == 3 and each[0] == once["metrics"]["val_mae"]
    assert thrice["metrics"]["val_mae"] == pytest.approx(np.mean(each))
    assert thrice["metrics"]["test_mae"] == once["metrics"]["test_mae"]


def test_weights_of_rows_change_the_model(tasks):
    task, arm = tasks["regress"], arms.TREE
    weighed = dataclasses.replace(task, weight="importance")
    plain, _ = notebooks.run(cells.cells(task, arm, arm.guess, "plain"), {})
    other, _ = notebooks.run(cells.cells(weighed, arm, arm.guess, "weighed"), {})
    assert plain["metrics"]["training_rmse"] != other["metrics"]["training_rmse"]


def test_imputers_are_written_into_the_notebook_for_their_column(tasks):
    plan = tasks["plan of classify"]
    asked = {
        "tenure": {"strategy": "constant", "fill_value": -1},
        "plan": "most_frequent",
    }
    task = dataclasses.replace(tasks["classify"], imputers=check_imputers(asked, plan))
    names, _ = notebooks.run(cells.cells(task, arms.LIGHTGBM, arms.LIGHTGBM.guess, "filled"), {})
    prepared = names["model"]["prepare"]
    assert prepared.named_transformers_["filled tenure"].statistics_[0] == -1
    assert prepared.named_transformers_["filled plan"][0].statistics_[0] == "basic"


def test_many_categories_become_one_column_also_where_the_target_is_whole_numbers(tasks):
    rng = np.random.default_rng(1)
    town = rng.choice([f"town {number}" for number in range(30)], 300)
    frame = pd.DataFrame({"town": town, "rent": 400 + 10 * rng.integers(0, 90, 300)})
    task = dataclasses.replace(tasks["regress"], columns=detect(frame, "rent").columns)
    names = {"np": np, "pd": pd}
    for cell in (cells_prepare.types(task), cells_prepare.prepare(task, arms.LIGHTGBM)):
        exec(cell.source, names)
    encoded = names["prepare"].fit_transform(names["to_types"](frame), frame["rent"].astype(float))
    assert encoded.shape == (300, 1)


def test_the_logged_model_takes_rows_as_they_came(tasks):
    task, arm = tasks["classify"], arms.LOGISTIC
    names, _ = notebooks.run(cells.cells(task, arm, arm.guess, "raw"), {})
    raw = customers(20, seed=99).drop(columns=["leaves", "customer_id"])
    answers = mlflow.pyfunc.load_model(names["logged"].model_uri).predict(raw)
    assert set(answers) <= {"yes", "no"} and len(answers) == 20


def test_a_trial_that_fails_leaves_its_reason_and_the_next_one_runs(tasks, monkeypatch):
    task = tasks["classify"]
    lost = dataclasses.replace(arms.FOREST, name="lost_forest", module="lost_library")
    monkeypatch.setitem(arms.BY_NAME, "lost_forest", lost)
    order = search.Order(task, ("lost_forest", "decision_tree"), search.Budget(trials=2), 1, {})
    broken, sound = search.lane(0, order)
    assert "lost_library" in broken["error"] and broken["loss"] is None
    assert sound["error"] is None and sound["loss"] < 0
    failed = mlflow.get_run(broken["run"])
    assert failed.info.status == "FAILED"
    assert "lost_library" in failed.data.tags[search.FAILURE]
    assert failed.data.params == {key: str(value) for key, value in lost.guess.items()}


def test_lanes_learn_from_one_another_only_where_nothing_has_to_repeat(tasks):
    task = tasks["regress"]
    done = [*search.lane(0, search.Order(task, ("decision_tree",), search.Budget(trials=3), 1, {}))]
    counted = search.Lane(1, search.Order(task, ("decision_tree",), search.Budget(trials=9), 2, {}))
    counted.ask()
    assert len(counted.histories["decision_tree"].trials) == 0
    timed = search.Lane(1, search.Order(task, ("decision_tree",), search.Budget(), 2, {}))
    timed.ask()
    history = timed.histories["decision_tree"]
    losses = {one["loss"] for one in history.trials.results if "loss" in one}
    assert {row["loss"] for row in done} <= losses
    assert history.best == min(losses) and history.seconds > 0


def test_a_lane_proposes_the_same_points_for_the_same_seed(tasks):
    order = search.Order(
        tasks["classify"], ("decision_tree", "lightgbm"), search.Budget(trials=9), 1, {}
    )
    proposed = []
    for _ in range(2):
        lane, points = search.Lane(0, order), []
        for loss in range(15):
            arm, point = lane.ask()
            points.append(json.dumps([arm.name, point]))
            lane.tell(arm, point, -float(loss % 4), 0.1 * loss)
        proposed.append(points)
    assert proposed[0] == proposed[1] and len(set(proposed[0])) == 15


def test_the_best_model_gets_two_thirds_of_the_time_and_a_slow_one_that_falls_behind_little(tasks):
    """Losses are those of the models, whatever is proposed; a forest takes ten times as long."""
    loss = {"lightgbm": -0.9, "random_forest": -0.8, "decision_tree": -0.7}
    seconds = {"lightgbm": 1.0, "random_forest": 10.0, "decision_tree": 0.1}
    order = search.Order(tasks["classify"], tuple(loss), search.Budget(deadline=9e9), 1, {})
    lane, used = search.Lane(0, order), dict.fromkeys(loss, 0.0)
    while sum(used.values()) < 200:
        arm, point = lane.ask()
        lane.tell(arm, point, loss[arm.name], seconds[arm.name])
        used[arm.name] += seconds[arm.name]
    shares = [used[name] / sum(used.values()) for name in loss]
    assert shares == pytest.approx([9 / 13, 3 / 13, 1 / 13], abs=0.06)


@pytest.mark.parametrize("kind", ["classify", "regress"])
def test_a_blend_answers_with_the_mean_of_its_members(tasks, kind):
    linear = arms.LOGISTIC if kind == "classify" else arms.LINEAR
    models = [(arm, arm.guess) for arm in (arms.LIGHTGBM, linear)]
    plan = search.Plan.of_blend(tasks[kind], models)
    names, _ = notebooks.run(plan.made, {}, "blend")
    rows = names["data"].loc[~names["rows"]["training"], names["features"]]
    how = "predict_proba" if kind == "classify" else "predict"
    each = []
    for arm, params in models:
        alone, _ = notebooks.run(cells.cells(tasks[kind], arm, params, "alone"), {}, "alone")
        each.append(getattr(alone["model"], how)(rows))
    np.testing.assert_allclose(getattr(names["model"], how)(rows), np.mean(each, axis=0))
    assert (
        plan.params == names["params"]
        and f"{linear.name}.{next(iter(linear.guess))}" in plan.params
    )
    logged = mlflow.sklearn.load_model(names["logged"].model_uri)
    np.testing.assert_allclose(getattr(logged, how)(rows), np.mean(each, axis=0))
    assert "numbers as they are or filled and scaled" in plan.preparation


def test_the_two_best_models_are_tried_together_once_when_the_time_is_nearly_over(tasks):
    def lane(seconds, number=0, models=("lightgbm", "logistic_regression", "decision_tree")):
        budget = search.Budget(deadline=seconds and time.time() + seconds)
        made = search.Lane(number, search.Order(tasks["classify"], models, budget, 2, {}))
        for name, loss in zip(models, (-0.8, -0.9, -0.7), strict=False):
            arm = arms.BY_NAME[name]
            point = {f"{name}.{key}": value for key, value in arm.guess.items()}
            made.tell(arm, point, loss, seconds=0.1)
        made.begun -= 100
        return made

    near = lane(5.0)
    assert [arm.name for arm, _ in near.blend()] == ["logistic_regression", "lightgbm"]
    assert near.blend() == []
    assert lane(50.0).blend() == [] and lane(0.1).blend() == [] and lane(None).blend() == []
    assert lane(5.0, number=1).blend() == [] and lane(5.0, models=("lightgbm",)).blend() == []
    tired = lane(50.0)
    tired.since = search.PATIENCE
    assert len(tired.blend()) == 2


def test_of_equal_trials_the_surer_one_comes_first_then_the_earlier_one(in_the_workspace):
    client = mlflow.MlflowClient()
    where = client.create_experiment("/Shared/lakebook/test-ties")
    above = client.create_run(where).info.run_id
    made = {}
    for begun, (score, loss) in enumerate([(0.9, 0.4), (0.9, 0.2), (0.8, 0.1), (0.9, 0.4)]):
        tags = runs.trial_tag("a(b=1)", "", score, {}, notebook="n.ipynb", model="m", arm="a")
        run = client.create_run(
            where, start_time=1_000 + begun, tags=tags | {"mlflow.parentRunId": above}
        )
        client.log_metric(run.info.run_id, "val_log_loss", loss)
        client.set_terminated(run.info.run_id)
        made[run.info.run_id] = begun
    ranked = [made[trial.mlflow_run_id] for trial in runs.read(where, above, True)]
    assert ranked == [1, 0, 3, 2]
