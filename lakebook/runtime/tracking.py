"""MLflow on one SQLite file of the workspace, with nothing to set up."""

from __future__ import annotations

import logging
import os
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from lakebook import workspace
from lakebook.errors import LakebookError
from lakebook.runtime import registry
from lakebook.runtime.later import when_imported
from lakebook.runtime.session import on_databricks

EXPERIMENT_FOLDER = "/Shared/lakebook"


def prepare() -> None:
    """Point MLflow at the workspace's own store, and make that store if it is missing.

    Models go to Unity Catalog unless ``MLFLOW_REGISTRY_URI`` says otherwise, for that is what
    MLflow 3 does on the platform. A store that ``MLFLOW_TRACKING_URI`` names is left as it is,
    and so is everything on Databricks.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    # MLflow's progress bars stay text: widgets in a rendered page load scripts from other hosts.
    warnings.filterwarnings("ignore", message="IProgress not found")
    if on_databricks():
        return
    own = workspace.tracking_uri()
    tracking = os.environ.get("MLFLOW_TRACKING_URI", own)
    if not tracking.startswith("databricks"):
        os.environ[registry.STORE] = own
        os.environ.setdefault("MLFLOW_REGISTRY_URI", registry.UNITY_CATALOG)
        when_imported("mlflow.tracking._tracking_service.utils", _want_absolute_experiments)
    if os.environ.get("MLFLOW_TRACKING_URI"):
        return
    os.environ["MLFLOW_TRACKING_URI"] = own
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
        # What an earlier `mlflow.set_experiment` left here; MLflow refuses two that differ.
        os.environ.pop("MLFLOW_EXPERIMENT_ID", None)
    return name


def for_another_notebook(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a notebook that this one starts: it logs to the same experiment.

    `mlflow.set_experiment` leaves the id of its experiment beside the name of the lab's, and
    MLflow refuses two that differ. The id is the later of both, for `use_experiment` drops it.
    """
    passed = dict(environment)
    if passed.get("MLFLOW_EXPERIMENT_ID"):
        passed.pop("MLFLOW_EXPERIMENT_NAME", None)
    return passed


def _want_absolute_experiments(service: ModuleType) -> None:
    """Refuse a relative experiment in this process: the code would not run on the platform.

    Only where the extension was loaded: the commands of MLflow and other projects of the same
    environment go on as they are.
    """
    make = service._tracking_store_registry._registry["sqlite"]
    if hasattr(make, "of_lakebook"):
        return

    def make_strict(store_uri: str, artifact_uri: str | None = None) -> Any:
        store = make(store_uri, artifact_uri)
        create = store.create_experiment

        def create_experiment(name: str, *args: Any, **kwargs: Any) -> Any:
            if not str(name or "/").startswith("/"):
                raise _relative(name)
            return create(name, *args, **kwargs)

        store.create_experiment = create_experiment
        return store

    vars(make_strict)["of_lakebook"] = True
    service._tracking_store_registry.register("sqlite", make_strict)
    service._tracking_store_registry._get_store_with_resolved_uri.cache_clear()


def _relative(name: str) -> Exception:
    from mlflow.exceptions import MlflowException

    class ExperimentError(LakebookError, MlflowException):
        """A name of an experiment that the platform refuses."""

    return ExperimentError(
        f"Got an invalid experiment name '{name}'. On Databricks an experiment is an absolute path "
        f"of the workspace, and so it is here: mlflow.set_experiment('/Shared/{name}')",
        error_code=1000,
    )
