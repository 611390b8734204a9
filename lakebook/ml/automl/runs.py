"""The MLflow side of a search: its run, the runs of its trials, and reading them back."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakebook.ml.automl.errors import AutoMLError
from lakebook.ml.automl.summary import TrialInfo

if TYPE_CHECKING:
    import pandas as pd

# Tags of runs. The first is the platform's own: its experiment page finds trials by it.
SOURCE = "mlflow.runName"
SEARCH = "lakebook.automl.search"  # on the run of the search: classify, regress or forecast
TRIAL = "lakebook.automl.trial"  # on a trial's run, JSON: description, preprocessors, score, …
NOTEBOOKS = "notebooks"  # folder of artifacts
MODEL = "model"


def experiment(name: str | None, folder: str | None, target: str) -> str:
    """Choose where runs go, and return the experiment's id.

    As on the platform: `name` inside `folder` if either is given; otherwise the experiment that
    is active already, and where there is none a new one named by the target and the time.
    """
    from mlflow.tracking.fluent import _get_experiment_id

    if name is None and folder is None:
        return str(_get_experiment_id())
    if name is None:
        from datetime import datetime

        name = f"automl_{target}_{datetime.now():%Y-%m-%d_%H-%M-%S}"
    if name.startswith("/"):
        raise AutoMLError(
            f"experiment_name '{name}' is a path; give its last part, and the folder as "
            f"experiment_dir='{name.rpartition('/')[0] or '/'}'"
        )
    root = folder if folder is not None else "/Shared/lakebook"
    if not root.startswith("/"):
        raise AutoMLError(f"experiment_dir '{root}' is not a path; begin with '/', as in '/Users'")
    return _named(f"{root.rstrip('/')}/{name}")


def _named(path: str) -> str:
    """Return the id of the experiment at a path, made if there is none; the active one stays."""
    from mlflow import MlflowClient

    client = MlflowClient()
    found = client.get_experiment_by_name(path)
    if found is None:
        return str(client.create_experiment(path))
    if found.lifecycle_stage == "deleted":
        raise AutoMLError(
            f"experiment '{path}' is deleted; choose another experiment_name, or restore it by "
            f"MlflowClient().restore_experiment('{found.experiment_id}')"
        )
    return str(found.experiment_id)


def trial_tag(
    description: str, preprocessors: str, score: float, seconds: dict[str, float], **more: Any
) -> dict[str, str]:
    """Return the tag by which `read` recognises the run of a trial that has ended well."""
    told = {
        "description": description,
        "preprocessors": preprocessors,
        "score": score,
        "seconds": seconds,
        **more,
    }
    return {TRIAL: json.dumps(told)}


def read(experiment_id: str, parent: str, higher_is_better: bool) -> list[TrialInfo]:
    """Return the trials of a search that have ended well, the best one first.

    Of equal ones, as there are many where few rows are counted, the one that is surer of what is
    right comes first (log loss), then the one that began first.
    """
    found = [trial(run) for run in children(experiment_id, parent) if TRIAL in run.data.tags]
    sign = -1 if higher_is_better else 1
    return sorted(
        found,
        key=lambda t: (
            sign * t.evaluation_metric_score,
            t.metrics.get("val_log_loss", 0.0),
            t.order,
        ),
    )


def children(experiment_id: str, parent: str) -> list[Any]:
    """Return the runs below the run of a search, the oldest first."""
    from mlflow import MlflowClient

    client, token = MlflowClient(), None
    found: list[Any] = []
    while True:
        page = client.search_runs(
            [experiment_id],
            f"tags.`mlflow.parentRunId` = '{parent}'",
            max_results=1000,
            order_by=["attributes.start_time ASC"],
            page_token=token,
        )
        found += page
        token = page.token
        if not token:
            return found


def trial(run: Any) -> TrialInfo:
    """Return what the run of a trial tells."""
    told = json.loads(run.data.tags[TRIAL])
    minutes = sum(told["seconds"].values()) / 60
    notebook = f"{run.info.artifact_uri}/{NOTEBOOKS}/{told['notebook']}"
    return TrialInfo(
        notebook_path=told.get("path"),
        notebook_url=None,
        artifact_uri=notebook,
        mlflow_run_id=run.info.run_id,
        metrics=dict(run.data.metrics),
        params=dict(run.data.params),
        model_path=told.get("model"),
        model_description=told["description"],
        duration=f"{minutes:.3f} minutes",
        preprocessors=told["preprocessors"],
        evaluation_metric_score=told["score"],
        order=run.info.start_time,
    )


def load_model(found: TrialInfo) -> Any:
    """Return the model of a trial; see `TrialInfo.load_model`."""
    import mlflow

    if found.model_path is None:
        raise AutoMLError(f"the trial of run {found.mlflow_run_id} logged no model")
    flavors = mlflow.models.get_model_info(found.model_path).flavors
    if "sklearn" in flavors:
        return mlflow.sklearn.load_model(found.model_path)
    return mlflow.pyfunc.load_model(found.model_path)


def refit(found: TrialInfo) -> Any:
    """Return the model of a trial trained on all rows; see `TrialInfo.refit`."""
    import nbformat
    from mlflow.artifacts import download_artifacts

    path = download_artifacts(artifact_uri=found.artifact_uri)
    cells = {cell["id"]: cell["source"] for cell in nbformat.read(path, 4).cells}
    if "final" not in cells:
        raise AutoMLError("a forecast is trained on all rows already; use load_model()")
    names: dict[str, Any] = {"__name__": "__main__"}
    for part in ("parameters", "load", "types", "prepare", "split", "model", "final"):
        exec(compile(cells[part], f"<{found.artifact_uri}, cell {part}>", "exec"), names)
    return names["final"]


def keep(run_id: str, name: str, text: str, folder: str = NOTEBOOKS) -> None:
    """Log a text as an artifact of a run."""
    from mlflow import MlflowClient

    MlflowClient().log_text(run_id, text, f"{folder}/{name}")


def keep_data(data: pd.DataFrame, run_id: str, data_dir: str | None) -> str | None:
    """Keep the data among the run's artifacts, or in `data_dir`; return its path there."""
    from mlflow import MlflowClient

    if data_dir is not None:
        from lakebook.runtime.files import local

        folder = Path(local(data_dir).removeprefix("file:")) / f"automl-{run_id[:8]}"
        folder.mkdir(parents=True, exist_ok=True)
        data.to_parquet(folder / "training.parquet")
        return str(folder / "training.parquet")
    with tempfile.TemporaryDirectory() as folder_name:
        path = Path(folder_name) / "training.parquet"
        data.to_parquet(path)
        MlflowClient().log_artifact(run_id, str(path), "data")
    return None


def import_notebook_file(artifact_uri: str, path: str, overwrite: bool) -> Path:
    """Copy a notebook among the artifacts to `path`; raise AutoMLError if something is there."""
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    target = Path(path).expanduser().absolute()
    if target.suffix != ".ipynb":
        target = target.with_name(f"{target.name}.ipynb")
    if target.exists() and not overwrite:
        raise AutoMLError(f"'{target}' exists; give another path, or overwrite=True to replace it")
    try:
        source = Path(download_artifacts(artifact_uri=artifact_uri))
    except (MlflowException, OSError) as error:
        raise AutoMLError(f"there is no notebook at '{artifact_uri}'") from error
    target.parent.mkdir(parents=True, exist_ok=True)
    text = source.read_text("utf-8")
    target.write_text(text, "utf-8")
    return target
