"""The files of a registered model that the workspace keeps."""

from __future__ import annotations

from typing import Any

from mlflow import MlflowClient
from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.artifact.models_artifact_repo import ModelsArtifactRepository
from mlflow.store.artifact.utils.models import get_model_name_and_version


class LocalModels(ModelsArtifactRepository):
    """``models:/<name>/<version>`` and ``models:/<name>@<alias>``, without asking the platform."""

    repo: Any  # MLflow's own names the platform's storage; here it is whatever holds the files

    def __init__(self, artifact_uri: str, tracking_uri: str | None, registry_uri: str) -> None:
        # MLflow's own would look for the platform's storage, so only the base is initialised.
        ArtifactRepository.__init__(self, artifact_uri, tracking_uri, registry_uri)
        client = MlflowClient(tracking_uri=tracking_uri, registry_uri=registry_uri)
        self.is_logged_model_uri = False
        self.model_name, self.model_version = get_model_name_and_version(client, artifact_uri)
        self.repo = get_artifact_repository(
            client.get_model_version_download_uri(self.model_name, self.model_version),
            tracking_uri=tracking_uri,
            registry_uri=registry_uri,
        )
