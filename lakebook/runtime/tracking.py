"""MLflow on one SQLite file of the workspace, with nothing to set up."""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import closing
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
    if on_databricks() or os.environ.get("MLFLOW_TRACKING_URI"):
        return
    os.environ["MLFLOW_TRACKING_URI"] = workspace.tracking_uri()
    # Without it MLflow puts the artifacts of a new experiment below the current folder. The
    # name is private to MLflow 3.17, which constraints.txt pins; a test would notice a change.
    os.environ["_MLFLOW_SERVER_ARTIFACT_ROOT"] = str(workspace.artifacts())
    create_store()


def create_store() -> None:
    """Create the tables of the store once, under a lock: two at once would break each other."""
    database = workspace.path("mlflow.db")
    if _is_ready(database):
        return
    with workspace.lock("mlflow"):
        if _is_ready(database):
            return
        for chatty in ("alembic", "mlflow.store.db.utils"):
            logging.getLogger(chatty).setLevel(logging.WARNING)
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        SqlAlchemyStore(workspace.tracking_uri(), str(workspace.artifacts()))
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute("CREATE TABLE lakebook_ready (version INTEGER)")


def _is_ready(database: Path) -> bool:
    """Return whether the store was made to the end; a maker that was killed left no mark."""
    if not database.is_file():
        return False
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        row = connection.execute(
            "SELECT 1 FROM sqlite_master WHERE name = 'lakebook_ready'"
        ).fetchone()
    return row is not None


def use_experiment(lab_id: str) -> str:
    """Send the runs of this process to the experiment of a lab; return the experiment's name.

    MLflow creates it at the first run. On Databricks the notebook's own experiment stays.
    """
    name = f"{EXPERIMENT_FOLDER}/{lab_id}"
    if not on_databricks():
        os.environ["MLFLOW_EXPERIMENT_NAME"] = name
    return name
