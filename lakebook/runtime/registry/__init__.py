"""Models as the platform keeps them: its two registries' rules on the workspace's own store.

``mlflow.set_registry_uri("databricks-uc")`` gives the rules of Unity Catalog, ``"databricks"``
those of the older workspace registry. MLflow finds both as plugins (the entry points of this
package), also in a process that it starts itself, such as ``mlflow models serve``. They stand in
for the platform only where the extension was loaded; everywhere else MLflow's own are used.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable
from typing import Any

from lakebook import workspace
from lakebook.runtime.session import on_databricks

UNITY_CATALOG = "databricks-uc"
WORKSPACE = "databricks"

# The address of the database below, for this process and those it starts.
STORE = "LAKEBOOK_REGISTRY"


def is_local(registry_uri: str | None) -> bool:
    """Return whether a registry of this address is kept in the workspace.

    One with a profile, ``databricks-uc://profile``, is always the platform's.
    """
    return (
        registry_uri in (UNITY_CATALOG, WORKSPACE) and STORE in os.environ and not on_databricks()
    )


def unity_catalog(store_uri: str, tracking_uri: str | None = None) -> Any:
    """Return the model registry for ``databricks-uc``; MLflow calls it."""
    if is_local(store_uri):
        from lakebook.runtime.registry.stores import UnityCatalogStore

        return UnityCatalogStore(_database())
    from mlflow.tracking._model_registry import utils

    return utils._get_databricks_uc_rest_store(store_uri, tracking_uri)


def workspace_registry(store_uri: str, tracking_uri: str | None = None) -> Any:
    """Return the model registry for ``databricks``; MLflow calls it."""
    if is_local(store_uri):
        from lakebook.runtime.registry.stores import WorkspaceStore

        return WorkspaceStore(_database())
    from mlflow.tracking._model_registry import utils

    return utils._get_databricks_rest_store(store_uri, tracking_uri)


def models(
    artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None
) -> Any:
    """Return what reads the files of ``models:/…``; MLflow calls it."""
    import mlflow
    from mlflow.store.artifact.models_artifact_repo import ModelsArtifactRepository

    address = registry_uri or mlflow.get_registry_uri()
    if is_local(address) and not ModelsArtifactRepository._is_logged_model_uri(artifact_uri):
        from lakebook.runtime.registry.artifacts import LocalModels

        return LocalModels(artifact_uri, tracking_uri, address)
    return ModelsArtifactRepository(artifact_uri, tracking_uri, registry_uri)


def models_below(key: str) -> list[str]:
    """Return the full names of the models in a catalog or schema, such as ``main.gold``, sorted.

    MLflow, which takes seconds to import, is not asked: its database is read.
    """
    database = workspace.path("mlflow.db")
    if on_databricks() or not database.is_file():
        return []
    prefix = f"{key.lower()}."
    question = "SELECT name FROM registered_models WHERE substr(name, 1, ?) = ? ORDER BY name"
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return [name for (name,) in connection.execute(question, (len(prefix), prefix))]


def delete_models(names: Iterable[str]) -> None:
    """Delete models of Unity Catalog by their full names, with all their versions."""
    from lakebook.runtime.registry.stores import UnityCatalogStore

    store = UnityCatalogStore(workspace.tracking_uri())
    for name in names:
        store.delete_registered_model(name)


def _database() -> str:
    from lakebook.runtime.tracking import create_store

    create_store()
    return os.environ[STORE]
