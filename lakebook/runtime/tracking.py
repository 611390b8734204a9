"""MLflow on one SQLite file of the workspace, with nothing to set up."""

from __future__ import annotations

import logging
import os
import tempfile
import warnings
from pathlib import Path

from lakebook import workspace
from lakebook.runtime.session import on_databricks

EXPERIMENT_FOLDER = "/Shared/lakebook"


def prepare() -> None:
    """Point MLflow at the workspace's own store, and make that store if it is missing.

    On Databricks, or where ``MLFLOW_TRACKING_URI`` is set, nothing is changed.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    # MLflow's progress bars stay text: widgets in a rendered page load scripts from other hosts.
    warnings.filterwarnings("ignore", message="IProgress not found")
    if on_databricks() or os.environ.get("MLFLOW_TRACKING_URI"):
        return
    os.environ["MLFLOW_TRACKING_URI"] = workspace.tracking_uri()
    # Without it MLflow puts the artifacts of a new experiment below the current folder. The
    # name is private to MLflow 3.17, which constraints.txt pins; a test would notice a change.
    os.environ["_MLFLOW_SERVER_ARTIFACT_ROOT"] = str(workspace.artifacts())
    create_store()


def create_store() -> None:
    """Create the store once, under a lock: two at once would break each other.

    It is made beside its place and moved there whole, for MLflow cannot finish a store whose
    maker was killed half way.
    """
    database = workspace.path("mlflow.db")
    if database.is_file():
        return
    with workspace.lock("mlflow"):
        if database.is_file():
            return
        for chatty in ("alembic", "mlflow.store.db.utils"):
            logging.getLogger(chatty).setLevel(logging.WARNING)
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        with tempfile.TemporaryDirectory(dir=database.parent, prefix="mlflow-") as folder:
            made = Path(folder) / database.name
            store = SqlAlchemyStore(f"sqlite:///{made}", str(workspace.artifacts()))
            store.engine.dispose()
            made.replace(database)


def use_experiment(lab_id: str) -> str:
    """Send the runs of this process to the experiment of a lab; return the experiment's name.

    MLflow creates it at the first run. On Databricks the notebook's own experiment stays.
    """
    name = f"{EXPERIMENT_FOLDER}/{lab_id}"
    if not on_databricks():
        os.environ["MLFLOW_EXPERIMENT_NAME"] = name
    return name
