"""The platform's two model registries on MLflow's own database.

Their rules follow MLflow's clients of them (Apache-2.0), which state them, and the platform's
documentation: docs.databricks.com/machine-learning/manage-model-lifecycle.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NoReturn

import mlflow.tracking.client
from mlflow.entities.model_registry import ModelVersion, RegisteredModel
from mlflow.environment_variables import MLFLOW_SKIP_SIGNATURE_CHECK_FOR_UC_REGISTRY_MIGRATION
from mlflow.exceptions import MlflowException
from mlflow.prompt.registry_utils import has_prompt_tag
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore
from mlflow.utils.uri import is_databricks_uri

from lakebook.runtime.registry import WORKSPACE, is_local, rules

THREE_LEVELS = "name LIKE '%.%.%'"
ALIASES = (
    "Use an alias: MlflowClient().set_registered_model_alias(name, alias, version), then "
    "'models:/name@alias'"
)


def _by_full_name(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method of the store with the name of the model completed."""

    @functools.wraps(method)
    def call(self: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        return _as_in_unity_catalog(method(self, rules.full_name(name), *args, **kwargs))

    return call


def _as_on_the_platform(entity: Any) -> Any:
    """Make the number of a version text, as the platform's registries give it."""
    for version in entity if isinstance(entity, list) else [entity]:
        if isinstance(version, ModelVersion):
            version._version = str(version.version)
    return entity


def _as_in_unity_catalog(entity: Any) -> Any:
    """Take from an entity what Unity Catalog does not have: stages and the latest versions."""
    entity = _as_on_the_platform(entity)
    if isinstance(entity, ModelVersion):
        entity._current_stage = None
    elif isinstance(entity, RegisteredModel):
        entity._latest_version = []
    return entity


def _not_there(method: str, way_out: str) -> NoReturn:
    raise rules.refused(
        f"Method '{method}' is unsupported for models in the Unity Catalog. {way_out}"
    )


class UnityCatalogStore(SqlAlchemyStore):
    """Names of three levels, signatures, aliases and tags; no stages."""

    update_registered_model = _by_full_name(SqlAlchemyStore.update_registered_model)
    delete_registered_model = _by_full_name(SqlAlchemyStore.delete_registered_model)
    get_registered_model = _by_full_name(SqlAlchemyStore.get_registered_model)
    set_registered_model_tag = _by_full_name(SqlAlchemyStore.set_registered_model_tag)
    delete_registered_model_tag = _by_full_name(SqlAlchemyStore.delete_registered_model_tag)
    update_model_version = _by_full_name(SqlAlchemyStore.update_model_version)
    delete_model_version = _by_full_name(SqlAlchemyStore.delete_model_version)
    get_model_version = _by_full_name(SqlAlchemyStore.get_model_version)
    get_model_version_download_uri = _by_full_name(SqlAlchemyStore.get_model_version_download_uri)
    set_model_version_tag = _by_full_name(SqlAlchemyStore.set_model_version_tag)
    delete_model_version_tag = _by_full_name(SqlAlchemyStore.delete_model_version_tag)
    set_registered_model_alias = _by_full_name(SqlAlchemyStore.set_registered_model_alias)
    delete_registered_model_alias = _by_full_name(SqlAlchemyStore.delete_registered_model_alias)
    get_model_version_by_alias = _by_full_name(SqlAlchemyStore.get_model_version_by_alias)

    def create_registered_model(
        self,
        name: str,
        tags: Any = None,
        description: str | None = None,
        deployment_job_id: str | None = None,
    ) -> RegisteredModel:
        """Add a model without versions. Raises RegistryError if its schema does not exist."""
        full = rules.full_name(name)
        rules.require_schema(full)
        return _as_in_unity_catalog(
            super().create_registered_model(full, tags, description, deployment_job_id)
        )

    def rename_registered_model(self, name: str, new_name: str) -> RegisteredModel:
        """Rename a model; its versions, tags and aliases stay with it."""
        new = rules.full_name(new_name)
        rules.require_schema(new)
        return _as_in_unity_catalog(super().rename_registered_model(rules.full_name(name), new))

    def create_model_version(
        self,
        name: str,
        source: str,
        run_id: str | None = None,
        tags: Any = None,
        run_link: str | None = None,
        description: str | None = None,
        local_model_path: str | None = None,
        model_id: str | None = None,
    ) -> ModelVersion:
        """Add a version. Raises RegistryError if the model has no complete signature."""
        if not has_prompt_tag({tag.key: tag.value for tag in tags or []}):
            rules.require_signature(local_model_path or source)
        return self.add_version(
            name, source, run_id, tags, description=description, model_id=model_id
        )

    def add_version(self, name: str, source: str, *args: Any, **kwargs: Any) -> ModelVersion:
        """Add a version whatever its signature, as a migration may."""
        version = super().create_model_version(rules.full_name(name), source, *args, **kwargs)
        return _as_in_unity_catalog(version)

    def search_registered_models(
        self,
        filter_string: str | None = None,
        max_results: int | None = None,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> Any:
        """Return the models of Unity Catalog. It knows neither filters nor orders."""
        if filter_string and "mlflow.prompt" not in filter_string:
            raise _not_an_argument("filter_string")
        if order_by:
            raise _not_an_argument("order_by")
        filters = " AND ".join(filter(None, (filter_string, THREE_LEVELS)))
        found = super().search_registered_models(filters, max_results, None, page_token)
        found[:] = map(_as_in_unity_catalog, found)
        return found

    def search_model_versions(
        self,
        filter_string: str | None = None,
        max_results: int | None = None,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> Any:
        """Return the versions of Unity Catalog that satisfy a filter such as ``name = 'a.b.c'``."""
        if order_by:
            raise _not_an_argument("order_by")
        filters = " AND ".join(filter(None, (filter_string, THREE_LEVELS)))
        found = super().search_model_versions(filters, max_results or 200, None, page_token)
        found[:] = map(_as_in_unity_catalog, found)
        return found

    def get_latest_versions(self, name: str, stages: Any = None) -> NoReturn:
        """Refuse: a latest version belongs to a stage. ``models:/name/latest`` comes here, too."""
        what = "the latest version" if stages is None else f"a version by its stage, {stages}"
        _not_there("get_latest_versions", f"You asked for {what} of '{name}'. {ALIASES}")

    def transition_model_version_stage(
        self, name: str, version: Any, stage: str, archive_existing_versions: bool
    ) -> NoReturn:
        """Refuse: there are no stages."""
        _not_there("transition_model_version_stage", ALIASES)


def _not_an_argument(name: str) -> rules.RegistryError:
    return rules.refused(f"Argument '{name}' is unsupported for models in the Unity Catalog.")


def _of_the_workspace(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method of the store, which refuses names of Unity Catalog."""

    @functools.wraps(method)
    def call(self: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        return _as_on_the_platform(method(self, rules.one_level(name), *args, **kwargs))

    return call


class WorkspaceStore(SqlAlchemyStore):
    """Names of one level and stages; no aliases."""

    create_registered_model = _of_the_workspace(SqlAlchemyStore.create_registered_model)
    get_registered_model = _of_the_workspace(SqlAlchemyStore.get_registered_model)
    create_model_version = _of_the_workspace(SqlAlchemyStore.create_model_version)
    get_model_version = _of_the_workspace(SqlAlchemyStore.get_model_version)
    get_latest_versions = _of_the_workspace(SqlAlchemyStore.get_latest_versions)
    transition_model_version_stage = _of_the_workspace(
        SqlAlchemyStore.transition_model_version_stage
    )

    def __init__(self, db_uri: str) -> None:
        super().__init__(db_uri)
        _keep_files_here()

    def set_registered_model_alias(self, name: str, alias: str, version: Any) -> NoReturn:
        """Refuse: aliases came with Unity Catalog."""
        _only_in_unity_catalog("set_registered_model_alias")

    def delete_registered_model_alias(self, name: str, alias: str) -> NoReturn:
        """Refuse: aliases came with Unity Catalog."""
        _only_in_unity_catalog("delete_registered_model_alias")

    def get_model_version_by_alias(self, name: str, alias: str) -> NoReturn:
        """Refuse: aliases came with Unity Catalog."""
        _only_in_unity_catalog("get_model_version_by_alias")

    def search_registered_models(
        self,
        filter_string: str | None = None,
        max_results: int | None = None,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> Any:
        """Return the models with names of one level."""
        found = super().search_registered_models(filter_string, max_results, order_by, page_token)
        found[:] = [model for model in found if model.name.count(".") != 2]
        return found

    def copy_model_version(self, src_mv: ModelVersion, dst_name: str) -> ModelVersion:
        """Copy a version, to Unity Catalog if the new name has three levels: the migration."""
        if dst_name.count(".") != 2:
            return super().copy_model_version(src_mv, dst_name)
        target = UnityCatalogStore(self.db_uri)
        try:
            target.create_registered_model(dst_name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        source = self.get_model_version_download_uri(src_mv.name, src_mv.version)
        if not MLFLOW_SKIP_SIGNATURE_CHECK_FOR_UC_REGISTRY_MIGRATION.get():
            rules.require_signature(source)
        return target.add_version(dst_name, source, src_mv.run_id, model_id=src_mv.model_id)


def _only_in_unity_catalog(method: str) -> NoReturn:
    raise rules.refused(
        f"Method '{method}' is unsupported for models in the Workspace Model Registry. Aliases are "
        "there for models in Unity Catalog: mlflow.set_registry_uri('databricks-uc')"
    )


def _keep_files_here() -> None:
    """Keep MLflow's client from uploading a model's files to the platform.

    It does so for the address ``databricks`` before any registry is asked, so a plugin cannot.
    """

    def elsewhere(uri: str) -> bool:
        return is_databricks_uri(uri) and not (uri == WORKSPACE and is_local(uri))

    mlflow.tracking.client.is_databricks_uri = elsewhere
