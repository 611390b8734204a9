"""`FeatureEngineeringClient`, under the names and with the arguments of Databricks.

Public API: https://docs.databricks.com/machine-learning/feature-store/python-api.html
Written from the documentation; each method hands over to the module that does the work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from lakebook.ml.feature_engineering import packaging, scoring, specs, streams, tables
from lakebook.ml.feature_engineering.errors import FeatureError
from lakebook.ml.feature_engineering.lookups import FeatureFunction, FeatureLookup
from lakebook.ml.feature_engineering.online import endpoint, publish, store
from lakebook.ml.feature_engineering.training_set import TrainingSet, plan

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.streaming import StreamingQuery
    from pyspark.sql.types import StructType


MERGE = "merge"


class FeatureEngineeringClient:
    """Feature tables, training sets and models with features, in Unity Catalog.

    Models are registered where `model_registry_uri` says, else in MLflow's own registry, which is
    Unity Catalog.
    """

    def __init__(self, *, model_registry_uri: str | None = None) -> None:
        self._registry = model_registry_uri

    @property
    def _spark(self) -> SparkSession:
        from lakebook.runtime.session import get_spark

        return get_spark()

    # Feature tables

    def create_table(
        self,
        *,
        name: str,
        primary_keys: str | list[str],
        df: DataFrame | None = None,
        timeseries_column: str | None = None,
        partition_columns: str | list[str] | None = None,
        schema: StructType | None = None,
        description: str | None = None,
        tags: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> tables.FeatureTable:
        """Make a feature table from `df`, or an empty one of `schema`, and return it.

        With `timeseries_column`, which must be among the primary keys, a row is what was known at
        that time. Raises FeatureError, and TABLE_OR_VIEW_ALREADY_EXISTS.
        """
        if "timeseries_columns" in kwargs:
            timeseries_column = _one(kwargs.pop("timeseries_columns"), "timeseries_columns")
        if "timestamp_keys" in kwargs:
            raise FeatureError(
                "create_table does not know 'timestamp_keys', the older client's word; give the "
                "name of one column as timeseries_column"
            )
        _refuse(kwargs, "create_table")
        return tables.create(
            self._spark,
            name,
            primary_keys,
            df=df,
            time=timeseries_column,
            partition_columns=partition_columns,
            schema=schema,
            description=description,
            table_tags=tags,
        )

    def write_table(
        self,
        *,
        name: str,
        df: DataFrame,
        mode: str = MERGE,
        checkpoint_location: str | None = None,
        trigger: dict[str, Any] = streams.TRIGGER,
    ) -> StreamingQuery | None:
        """Insert the rows of `df` whose key is new, and update the others; columns may be new.

        A streaming `df` is written by a query, which is returned. Raises FeatureError, a
        ValueError, for a mode other than merge.
        """
        if mode != MERGE:
            raise FeatureError(
                f"mode is {mode!r}, and write_table knows 'merge' alone. To replace all rows, "
                f"delete the old ones first: spark.sql('DELETE FROM {name}')"
            )
        if df.isStreaming:
            return streams.write(self._spark, name, df, checkpoint_location, trigger)
        tables.put_rows(self._spark, name, df)
        return None

    def read_table(self, *, name: str, **kwargs: Any) -> DataFrame:
        """Return the rows of a feature table."""
        _refuse(kwargs, "read_table")
        return self._spark.table(tables.require(self._spark, name).name)

    def get_table(self, *, name: str) -> tables.FeatureTable:
        """Return what is known of a feature table: keys, features, tags, models that use it."""
        return tables.get(self._spark, name)

    def drop_table(self, *, name: str) -> None:
        """Drop a feature table with its rows; models that were trained on it cannot be scored."""
        tables.drop(self._spark, name)

    def set_feature_table_tag(self, *, name: str, key: str, value: str) -> None:
        """Set a tag of a feature table; one that is there gets the new value."""
        tables.set_tag(self._spark, name, key, value)

    def delete_feature_table_tag(self, *, name: str, key: str) -> None:
        """Take a tag of a feature table away."""
        tables.delete_tag(self._spark, name, key)

    # Training sets and models

    def create_training_set(
        self,
        *,
        df: DataFrame,
        feature_lookups: list[FeatureLookup | FeatureFunction] | None = None,
        feature_spec: str | None = None,
        features: list[Any] | None = None,
        label: str | list[str] | None,
        exclude_columns: list[str] | None = None,
        use_spark_native_join: bool = False,
        use_timeseries_filtering: bool = False,
        **kwargs: Any,
    ) -> TrainingSet:
        """Return the training set of `df` with features of `feature_lookups` or a `feature_spec`.

        `label` has to be said, and may be None. The last two arguments choose on the platform how
        tables are joined; here that follows from the tables. Raises FeatureError.
        """
        _refuse(kwargs, "create_training_set")
        given = [one for one in (feature_lookups, feature_spec, features) if one is not None]
        if len(given) != 1:
            raise FeatureError(
                "create_training_set takes exactly one of feature_lookups, feature_spec and "
                f"features, and {len(given) or 'none'} of them is given"
            )
        if features is not None:
            raise FeatureError(
                "declarative features (features=…) are not known here; give feature_lookups"
            )
        if feature_spec is not None:
            feature_lookups, excluded = specs.features_of(self._spark, feature_spec)
            exclude_columns = [*excluded, *(exclude_columns or [])]
        chosen: Sequence[FeatureLookup | FeatureFunction] = feature_lookups or []
        return TrainingSet(plan(self._spark, df, chosen, label, exclude_columns), df)

    def log_model(
        self,
        *,
        model: Any,
        artifact_path: str,
        flavor: ModuleType,
        training_set: TrainingSet | None = None,
        registered_model_name: str | None = None,
        await_registration_for: int | None = None,
        infer_input_example: bool = False,
        extra_pip_requirements: list[str] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Log a model together with the specification of its features; return MLflow's ModelInfo.

        `flavor` is the MLflow module that saves it, such as ``mlflow.sklearn``.
        """
        return packaging.log_model(
            model=model,
            artifact_path=artifact_path,
            flavor=flavor,
            training_set=training_set,
            registered_model_name=registered_model_name,
            await_registration_for=await_registration_for,
            infer_input_example=infer_input_example,
            extra_pip_requirements=extra_pip_requirements,
            registry_uri=self._registry,
            **kwargs,
        )

    def score_batch(
        self,
        *,
        model_uri: str,
        df: DataFrame,
        result_type: str = "double",
        env_manager: str = "local",
        params: dict[str, Any] | None = None,
        use_spark_native_join: bool = False,
        **kwargs: Any,
    ) -> DataFrame:
        """Return `df`, which needs no more than keys, with its features and ``prediction``.

        Columns that `df` has already are used instead of the table's.
        """
        _refuse(kwargs, "score_batch")
        return scoring.score_batch(
            self._spark,
            model_uri=model_uri,
            df=df,
            result_type=result_type,
            env_manager=env_manager,
            params=params,
            registry_uri=self._registry,
        )

    # Feature specs

    def create_feature_spec(
        self,
        *,
        name: str,
        features: list[Any],
        exclude_columns: list[str] | None = None,
        extra_pip_requirements: list[str] | None = None,
    ) -> specs.FeatureSpecInfo:
        """Enter look-ups and functions into the catalog under a name, to be served or trained on.

        Raises FeatureError if there is one of this name, or features do not fit.
        """
        return specs.create_feature_spec(
            self._spark,
            name=name,
            features=features,
            exclude_columns=exclude_columns,
            extra_pip_requirements=extra_pip_requirements,
        )

    def update_feature_spec(self, *, name: str, owner: str) -> None:
        """Give a feature spec another owner."""
        specs.update_feature_spec(self._spark, name=name, owner=owner)

    def delete_feature_spec(self, *, name: str) -> None:
        """Take a feature spec out of the catalog."""
        specs.delete_feature_spec(self._spark, name=name)

    # Online

    def create_online_store(
        self,
        *,
        name: str,
        capacity: str,
        read_replica_count: int | None = None,
        usage_policy_id: str | None = None,
    ) -> store.DatabricksOnlineStore:
        """Make an online store of capacity CU_1, CU_2, CU_4 or CU_8, and return it."""
        return store.create_online_store(
            name=name,
            capacity=capacity,
            read_replica_count=read_replica_count,
            usage_policy_id=usage_policy_id,
        )

    def get_online_store(self, *, name: str) -> store.DatabricksOnlineStore | None:
        """Return the online store of this name, or None."""
        return store.get_online_store(name=name)

    def list_online_stores(self) -> list[store.DatabricksOnlineStore]:
        """Return all online stores, by name."""
        return store.list_online_stores()

    def update_online_store(
        self,
        *,
        name: str,
        capacity: str | store.Unset = store.UNSET,
        read_replica_count: int | store.Unset = store.UNSET,
        usage_policy_id: str | store.Unset = store.UNSET,
    ) -> store.DatabricksOnlineStore:
        """Change what is given of an online store, and return it."""
        return store.update_online_store(
            name=name,
            capacity=capacity,
            read_replica_count=read_replica_count,
            usage_policy_id=usage_policy_id,
        )

    def delete_online_store(self, *, name: str) -> None:
        """Delete an online store with all that is published in it."""
        store.delete_online_store(name=name)

    def publish_table(
        self,
        *,
        online_store: Any,
        source_table_name: str | None = None,
        online_table_name: str | None = None,
        publish_mode: str = publish.TRIGGERED,
        filter_condition: str | None = None,
        mode: str = MERGE,
        streaming: bool = False,
        checkpoint_location: str | None = None,
        trigger: dict[str, Any] = publish.TRIGGER,
        features: str | list[str] | None = None,
        **kwargs: Any,
    ) -> StreamingQuery | publish.PublishedTable | None:
        """Copy a feature table into an online store: what changed, all of it, or continuously.

        `publish_mode` is TRIGGERED, SNAPSHOT or CONTINUOUS, which returns a running query. Raises
        FeatureError.
        """
        _refuse(kwargs, "publish_table")
        return publish.publish_table(
            self._spark,
            online_store=online_store,
            source_table_name=source_table_name,
            online_table_name=online_table_name,
            publish_mode=publish_mode,
            filter_condition=filter_condition,
            mode=mode,
            streaming=streaming,
            checkpoint_location=checkpoint_location,
            trigger=trigger,
            features=features,
        )

    def drop_online_table(self, name: str, online_store: Any) -> None:
        """Take an online table out of its store; the feature table stays."""
        publish.drop_online_table(name=name, online_store=online_store)

    def create_feature_serving_endpoint(
        self,
        *,
        name: str | None = None,
        config: endpoint.EndpointCoreConfig | None = None,
        **kwargs: Any,
    ) -> endpoint.FeatureServingEndpoint:
        """Serve a feature spec over HTTP on this machine; return the endpoint when it answers."""
        return endpoint.create_feature_serving_endpoint(name=name, config=config, **kwargs)

    def get_feature_serving_endpoint(
        self, *, name: str | None = None, **kwargs: Any
    ) -> endpoint.FeatureServingEndpoint:
        """Return an endpoint that answers."""
        return endpoint.get_feature_serving_endpoint(name=name, **kwargs)

    def delete_feature_serving_endpoint(self, *, name: str | None = None, **kwargs: Any) -> None:
        """End an endpoint."""
        endpoint.delete_feature_serving_endpoint(name=name, **kwargs)


def _one(given: Any, name: str) -> str | None:
    """Return the one column that an argument of older versions names."""
    if isinstance(given, list | tuple):
        if len(given) > 1:
            raise FeatureError(f"{name} is {list(given)}; a table has one time-series column")
        return given[0] if given else None
    return given


def _refuse(kwargs: Mapping[str, Any], method: str) -> None:
    if kwargs:
        raise FeatureError(f"{method} does not know {', '.join(map(repr, kwargs))}")
