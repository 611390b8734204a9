"""Sales trends: what is planted, the original file, and the solved lab on the original file."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from lakebook import datasets, workspace
from lakebook.errors import LakebookError
from lakebook.labs import exercises, notebooks, places, processes

LAB = "usecases/02_sales_trends"
FILE = "Sales_Transactions_Dataset_Weekly.csv"
WEEKS = [f"W{week}" for week in range(52)]
BAND = {0.0: 0, 0.01: 0, 0.025: 1, 0.05: 2, 0.1: 5, 0.25: 13, 0.5: 26}


def original() -> Path:
    """Return the original file, which is not part of the repository; skip where it is missing."""
    beside = workspace.root().parent / "shared" / "real-data"
    file = Path(os.environ.get("LAKEBOOK_REAL_DATA", beside)) / FILE
    if not file.is_file():
        pytest.skip(
            f"2026-11-20: the original is not shipped with the repository, and {FILE} is not here. "
            "Set LAKEBOOK_REAL_DATA to the folder that holds it; the data card tells where it is"
        )
    return file


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    return datasets._maker("sales_weekly")


def test_twelve_planted_products_are_nearest_to_the_factory_at_every_window(maker):
    sales = datasets.load("sales_weekly").set_index("Product_Code")
    for weeks in sorted(set(BAND.values())):
        distance = apart(maker.capacity(), sales, weeks)
        nearest = set(distance.nsmallest(12).index)
        # With no window at all, the products that are two weeks late are lost among the others.
        wanted = {code for code, planted in maker.PLANTED.items() if planted[0] <= weeks}
        assert wanted <= nearest


def test_the_sister_factory_has_its_own_six(maker):
    sales = datasets.load("sales_weekly").set_index("Product_Code")
    nearest = apart(maker.capacity_south(), sales, 2).nsmallest(6).index
    assert set(nearest) == set(maker.PLANTED_SOUTH)


def test_notebook_exercises_and_generator_mean_the_same_factory(maker):
    cells = {cell.id: cell.source for cell in notebooks.read(places.solution(LAB)).cells}
    scope: dict[str, object] = {}
    exec(cells["capacity"], scope)
    judge = exercises.load(LAB)[3].judge
    assert np.allclose(scope["capacity"], maker.capacity())
    assert np.allclose(judge.__globals__["CAPACITY"], maker.capacity())
    assert np.allclose(judge.__globals__["SOUTH"], maker.capacity_south())


def test_generated_data_have_the_form_of_the_original():
    real = datasets.load("sales_weekly", path=original())
    made = datasets.load("sales_weekly")
    assert list(made.columns) == list(real.columns) == ["Product_Code", *WEEKS]
    assert list(made["Product_Code"]) == list(real["Product_Code"])
    assert list(made.dtypes) == list(real.dtypes)
    assert made[WEEKS].to_numpy().mean() == pytest.approx(real[WEEKS].to_numpy().mean(), rel=0.1)
    assert (made[WEEKS].sum(axis=1) > 0).all()


def test_another_csv_file_is_refused_by_the_column_it_lacks(tmp_path):
    other = tmp_path / "other.csv"
    pd.DataFrame({"Product_Code": ["P1"], "W0": [3]}).to_csv(other, index=False)
    with pytest.raises(LakebookError, match="it has no column 'W1'"):
        datasets.load("sales_weekly", path=other)


def test_an_empty_file_is_refused_by_name(tmp_path):
    empty = tmp_path / "empty.csv"
    empty.touch()
    with pytest.raises(LakebookError, match=r"empty\.csv' cannot be read as a CSV file"):
        datasets.load("sales_weekly", path=empty)


def test_solved_lab_runs_on_the_original_file(tmp_path):
    """Strictly, so that every exercise is passed; then the runs it logged are compared."""
    file, source = original(), places.solution(LAB)
    job = {
        "input": str(source),
        "output": str(tmp_path / "out.ipynb"),
        "result": str(tmp_path / "result.json"),
        "cwd": str(source.parent),
        "parameters": {"path": str(file)},
        "cell_timeout": 120,
    }
    home = tmp_path / "home"
    ended = processes.run(
        ["-m", "lakebook.labs.execute", json.dumps(job)],
        cwd=source.parent,
        env=processes.environment(home, strict=True),
        seconds=400,
    )
    told = json.loads(Path(job["result"]).read_text("utf-8"))
    assert told == {"kind": "done", "error": ""}, ended.output

    sales = datasets.load("sales_weekly", path=file).set_index("Product_Code")
    assert_logged(home, sales)


def assert_logged(home: Path, sales: pd.DataFrame) -> None:
    """Compare parameter, metrics and artifacts of the seven runs with a computation of ours."""
    from mlflow import MlflowClient
    from mlflow.artifacts import load_text

    capacity = datasets._maker("sales_weekly").capacity()
    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    experiment = client.get_experiment_by_name(f"/Shared/lakebook/{LAB}")
    runs = client.search_runs([experiment.experiment_id], "params.stretch_factor != ''")
    found = {float(run.data.params["stretch_factor"]): run for run in runs}
    assert set(found) == set(BAND)

    medians = []
    for factor, run in sorted(found.items()):
        distance = apart(capacity, sales, BAND[factor])
        zscore = (distance - distance.mean()) / distance.std()
        medians.append(run.data.metrics["median_distance"])
        assert medians[-1] == pytest.approx(distance.median())
        outliers = pd.read_csv(io.StringIO(load_text(f"{run.info.artifact_uri}/outliers.csv")))
        assert set(outliers["product"]) == set(zscore.index[zscore <= -2])
        assert {file.path for file in client.list_artifacts(run.info.run_id)} >= {"distances.png"}
        assert len(run.outputs.model_outputs) == 1
    assert medians == sorted(medians, reverse=True)
    assert medians[0] == medians[1]


def apart(pattern: np.ndarray, sales: pd.DataFrame, weeks: int) -> pd.Series:
    """Return the DTW distance of each product by the recurrence, for all products at once."""
    rows = sales.to_numpy(float)
    spread = rows.std(axis=1, keepdims=True)
    rows = (rows - rows.mean(axis=1, keepdims=True)) / np.where(spread == 0, 1, spread)
    pattern = (pattern - pattern.mean()) / pattern.std()
    n = len(pattern)
    cost = np.full((n + 1, n + 1, len(rows)), np.inf)
    cost[0, 0] = 0
    for i in range(1, n + 1):
        for j in range(max(1, i - weeks), min(n, i + weeks) + 1):
            before = np.minimum(np.minimum(cost[i - 1, j], cost[i, j - 1]), cost[i - 1, j - 1])
            cost[i, j] = (pattern[i - 1] - rows[:, j - 1]) ** 2 + before
    return pd.Series(np.sqrt(cost[n, n]), sales.index)
