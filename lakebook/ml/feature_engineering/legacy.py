"""`FeatureStoreClient`, the client of the older Workspace Feature Store, over the same engine.

Public API: https://docs.databricks.com/machine-learning/feature-store/workspace-feature-store/
Written from the documentation. What is different from `FeatureEngineeringClient`: names of two
levels, arguments by position, `timestamp_keys`, the write mode overwrite, the workspace registry.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING, Any

from lakebook.ml.feature_engineering import (
    columns,
    declare,
    online_store_spec,
    streams,
    tables,
    workspace_tables,
)
from lakebook.ml.feature_engineering.client import MERGE, FeatureEngineeringClient
from lakebook.ml.feature_engineering.errors import FeatureError
from lakebook.ml.feature_engineering.lookups import FeatureFunction, FeatureLookup, names
from lakebook.ml.feature_engineering.online_store_spec import OnlineStoreSpec
from lakebook.ml.feature_engineering.training_set import TrainingSet
from lakebook.runtime.catalog import tags as catalog_tags

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.streaming import StreamingQuery
    from pyspark.sql.types import StructType

OVERWRITE = "overwrite"


class FeatureStoreClient:
    """Feature tables, training sets and models of one workspace.

    A name of three levels is a table of Unity Catalog, for this client as well. Models go to
    `model_registry_uri`, else to the registry that their name belongs to: of one level to the
    workspace's, of three to Unity Catalog's.
    """

    def __init__(
        self, feature_store_uri: str | None = None, model_registry_uri: str | None = None
    ) -> None:
        if feature_store_uri is not None:
            raise FeatureError(
                f"feature_store_uri is {feature_store_uri!r}: the feature store of another "
                "workspace cannot be reached from here; leave it out"
            )
        self._uri = model_registry_uri

    # Feature tables

    def create_table(
        self,
        name: str,
        primary_keys: str | list[str],
        df: DataFrame | None = None,
        *,
        timestamp_keys: str | list[str] | None = None,
        partition_columns: str | list[str] | None = None,
        schema: StructType | None = None,
        description: str | None = None,
        tags: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> tables.FeatureTable:
        """Make a feature table from `df`, or an empty one of `schema`, and return it.

        `timestamp_keys` names one column, which is among the primary keys; older notebooks leave
        it out there, and it is added. Raises FeatureError, also if the database does not exist.
        """
        client = self._client(None)
        _refuse(kwargs, "create_table")
        key, time = _key(name, primary_keys, timestamp_keys)
        full = workspace_tables.full_name(name)
        workspace_tables.prepare(client._spark, full)
        made = client.create_table(
            name=full,
            primary_keys=key,
            df=df,
            timeseries_column=time,
            partition_columns=partition_columns,
            schema=schema,
            description=description,
            tags=tags,
        )
        return _shown(made)

    def create_feature_table(
        self,
        name: str,
        keys: str | list[str],
        features_df: DataFrame | None = None,
        schema: StructType | None = None,
        partition_columns: str | list[str] | None = None,
        description: str | None = None,
        timestamp_keys: str | list[str] | None = None,
        **kwargs: Any,
    ) -> tables.FeatureTable:
        """Make a feature table. Deprecated: `create_table` does it."""
        _deprecated("create_feature_table", "create_table(name, primary_keys, df)")
        return self.create_table(
            name,
            keys,
            features_df,
            timestamp_keys=timestamp_keys,
            partition_columns=partition_columns,
            schema=schema,
            description=description,
            **kwargs,
        )

    def register_table(
        self,
        *,
        delta_table: str,
        primary_keys: str | list[str],
        timestamp_keys: str | list[str] | None = None,
        description: str | None = None,
        tags: dict[str, str] | None = None,
    ) -> tables.FeatureTable:
        """Make a feature table of a Delta table that is there, and return it.

        Its keys are checked: FeatureError is raised for null and doubled ones.
        """
        full = workspace_tables.existing(delta_table)
        key, time = _key(delta_table, primary_keys, timestamp_keys)
        declare.primary_key(self._client(None)._spark, full, key, time)
        row = declare.table(full).row
        assert row is not None
        if description is not None:
            catalog_tags.comment(row, description)
        if tags:
            catalog_tags.put(row, tags)
        return self.get_table(delta_table)

    def get_table(self, name: str) -> tables.FeatureTable:
        """Return what is known of a feature table: keys, features, tags, models that use it."""
        return _shown(self._client(None).get_table(name=workspace_tables.existing(name)))

    def get_feature_table(self, name: str) -> tables.FeatureTable:
        """Return what is known of a feature table. Deprecated: `get_table` does it."""
        _deprecated("get_feature_table", "get_table(name)")
        return self.get_table(name)

    def drop_table(self, name: str) -> None:
        """Drop a feature table with its rows; models that were trained on it cannot be scored."""
        self._client(None).drop_table(name=workspace_tables.existing(name))

    def read_table(self, name: str, **kwargs: Any) -> DataFrame:
        """Return the rows of a feature table."""
        return self._client(None).read_table(name=workspace_tables.existing(name), **kwargs)

    def write_table(
        self,
        name: str,
        df: DataFrame,
        mode: str = MERGE,
        checkpoint_location: str | None = None,
        trigger: dict[str, Any] = streams.TRIGGER,
    ) -> StreamingQuery | None:
        """Merge the rows of `df` by the key, or with mode overwrite put them in place of all.

        A streaming `df` is merged by a query, which is returned. Raises FeatureError.
        """
        client, full = self._client(None), workspace_tables.existing(name)
        if mode == OVERWRITE and not df.isStreaming:
            tables.put_rows(client._spark, full, df, replace=True)
            return None
        if mode != MERGE:
            known = "'merge' alone, for a stream" if df.isStreaming else "'merge' and 'overwrite'"
            raise FeatureError(f"mode is {mode!r}, and write_table knows {known}")
        return client.write_table(
            name=full,
            df=df,
            checkpoint_location=checkpoint_location,
            trigger=trigger,
        )

    def set_feature_table_tag(self, *, table_name: str, key: str, value: str) -> None:
        """Set a tag of a feature table; one that is there gets the new value."""
        full = workspace_tables.existing(table_name)
        self._client(None).set_feature_table_tag(name=full, key=key, value=value)

    def delete_feature_table_tag(self, *, table_name: str, key: str) -> None:
        """Take a tag of a feature table away."""
        full = workspace_tables.existing(table_name)
        self._client(None).delete_feature_table_tag(name=full, key=key)

    # Third-party stores, which are told apart and refused

    def publish_table(
        self,
        name: str,
        online_store: OnlineStoreSpec,
        *,
        filter_condition: str | None = None,
        mode: str = MERGE,
        streaming: bool = False,
        checkpoint_location: str | None = None,
        trigger: dict[str, Any] = online_store_spec.TRIGGER,
        features: str | list[str] | None = None,
    ) -> StreamingQuery | None:
        """Raise FeatureError, which says where a table is published today."""
        online_store_spec.refuse(online_store, name)

    def drop_online_table(self, name: str, online_store: OnlineStoreSpec) -> None:
        """Raise FeatureError, for nothing has been published."""
        online_store_spec.refuse(online_store, name)

    # Training sets and models

    def create_training_set(
        self,
        df: DataFrame,
        feature_lookups: list[FeatureLookup | FeatureFunction],
        label: str | list[str] | None,
        exclude_columns: list[str] | None = None,
        **kwargs: Any,
    ) -> TrainingSet:
        """Return the training set of `df` with the features that are looked up."""
        return self._client(None).create_training_set(
            df=df,
            feature_lookups=[_located(one) for one in feature_lookups],
            label=label,
            exclude_columns=exclude_columns,
            **kwargs,
        )

    def log_model(
        self,
        model: Any,
        artifact_path: str,
        *,
        flavor: ModuleType,
        training_set: TrainingSet | None = None,
        registered_model_name: str | None = None,
        await_registration_for: int | None = None,
        infer_input_example: bool = False,
        extra_pip_requirements: list[str] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Log a model together with the specification of its features; return MLflow's ModelInfo.

        `registered_model_name` has one level: the model goes to the workspace registry.
        """
        return self._client(registered_model_name).log_model(
            model=model,
            artifact_path=artifact_path,
            flavor=flavor,
            training_set=training_set,
            registered_model_name=registered_model_name,
            await_registration_for=await_registration_for,
            infer_input_example=infer_input_example,
            extra_pip_requirements=extra_pip_requirements,
            **kwargs,
        )

    def score_batch(self, model_uri: str, df: DataFrame, result_type: str = "double") -> DataFrame:
        """Return `df`, which needs no more than keys, with its features and ``prediction``."""
        model = model_uri.removeprefix("models:/") if isinstance(model_uri, str) else ""
        return self._client(model).score_batch(model_uri=model_uri, df=df, result_type=result_type)

    def _client(self, model: str | None) -> FeatureEngineeringClient:
        """Return the client that does it, with the registry which the model's name belongs to."""
        uri = self._uri
        if uri is None and model is not None:
            uri = "databricks-uc" if model.count(".") == 2 else "databricks"
        return FeatureEngineeringClient(model_registry_uri=uri)


def _key(
    name: str, primary_keys: str | Sequence[str], timestamp_keys: str | Sequence[str] | None
) -> tuple[list[str], str | None]:
    """Return all columns of a key and the one that is its time, which older notebooks leave out."""
    key = names(primary_keys, "primary key")
    times = names(timestamp_keys, "timestamp key")
    if len(times) > 1:
        raise FeatureError(f"timestamp_keys of '{name}' is {times}; a table has one timestamp key")
    if not times:
        return key, None
    if columns.find(times[0], key) is None:
        warnings.warn(
            f"timestamp key '{times[0]}' belongs among the primary keys: "
            f"primary_keys={[*key, times[0]]}",
            DeprecationWarning,
            stacklevel=3,
        )
        key.append(times[0])
    return key, times[0]


def _located(feature: Any) -> Any:
    """Return a look-up with the full name of its table; anything else as it is."""
    if not isinstance(feature, FeatureLookup):
        return feature
    located = copy.copy(feature)
    located.table_name = workspace_tables.existing(feature.table_name)
    return located


def _shown(made: tables.FeatureTable) -> tables.FeatureTable:
    return replace(made, name=workspace_tables.short_name(made.name))


def _deprecated(method: str, instead: str) -> None:
    warnings.warn(
        f"FeatureStoreClient.{method} is deprecated since v0.3.6; use {instead}",
        DeprecationWarning,
        stacklevel=3,
    )


def _refuse(kwargs: dict[str, Any], method: str) -> None:
    if kwargs:
        raise FeatureError(f"{method} does not know {', '.join(map(repr, kwargs))}")
