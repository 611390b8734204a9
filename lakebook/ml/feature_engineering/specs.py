"""Feature specs: look-ups and functions under a name of the catalog, for training and serving.

Public API: https://docs.databricks.com/machine-learning/feature-store/feature-function-serving
A spec belongs to a schema and goes with it, as a function does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakebook.ml.feature_engineering import columns, functions, tables
from lakebook.ml.feature_engineering.errors import FeatureError, nearest
from lakebook.ml.feature_engineering.lookups import FeatureFunction, FeatureLookup
from lakebook.ml.feature_engineering.spec import Spec, from_yaml, to_yaml
from lakebook.runtime.catalog import context, grants, securables, store
from lakebook.runtime.catalog.names import Name, checked, dotted, split

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

KIND = "FEATURE_SPEC"
Features = list[FeatureLookup | FeatureFunction]


@dataclass(frozen=True)
class FeatureSpecInfo:
    """A feature spec of the catalog; `creation_time` in ms since 1970."""

    name: str
    features: Features
    exclude_columns: list[str]
    owner: str
    creator: str
    creation_time: int


def create_feature_spec(
    spark: SparkSession,
    *,
    name: str,
    features: Sequence[FeatureLookup | FeatureFunction],
    exclude_columns: Sequence[str] | None = None,
    extra_pip_requirements: Sequence[str] | None = None,
) -> FeatureSpecInfo:
    """Enter a feature spec into the catalog and return it.

    `exclude_columns` are left out of what is served. `extra_pip_requirements` has no effect: what
    serves is this environment. Raises FeatureError if there is one of this name, or a function,
    and for features that do not fit.
    """
    from lakebook.ml.feature_engineering.training_set import plan

    full = _full_name(spark, name)
    full = Name(full.catalog, full.schema, checked(full.name, "feature spec"))
    above = context.require_schema(full.catalog, full.schema)
    grants.require_on(above, "CREATE FUNCTION")
    for kind, word in ((KIND, "feature spec"), ("FUNCTION", "function")):
        if securables.find(full, kind):
            raise FeatureError(f"there is a {word} '{full}' already; choose another name")
    if not features:
        raise FeatureError(f"feature spec '{full}' has no features; give some")
    needed = spark.createDataFrame([], _needed(spark, features))
    spec = plan(spark, needed, features, None, exclude_columns)
    try:
        store.add(above.id, KIND, full.name, grants.current_user(), None, {"spec": to_yaml(spec)})
    except store.Exists:
        raise FeatureError(f"there is a feature spec '{full}' already") from None
    return info(str(full))


def update_feature_spec(spark: SparkSession, *, name: str, owner: str) -> None:
    """Give a feature spec another owner."""
    row = _row(_full_name(spark, name))
    grants.require_manage(row)
    if not owner:
        raise FeatureError(f"owner of feature spec '{name}' is {owner!r}; give a user or a group")
    store.change(row.id, grants.current_user(), owner=owner)


def delete_feature_spec(spark: SparkSession, *, name: str) -> None:
    """Take a feature spec out of the catalog; an endpoint that serves it goes on until it ends."""
    row = _row(_full_name(spark, name))
    grants.require_manage(row)
    store.remove(row.id)


def features_of(spark: SparkSession, name: str) -> tuple[Features, list[str]]:
    """Return the features of a feature spec, and the columns that it excludes."""
    found = info(str(_full_name(spark, name)))
    return found.features, found.exclude_columns


def info(name: str) -> FeatureSpecInfo:
    """Return the feature spec of this full name. Raises FeatureError if there is none."""
    row = _row(Name(*split(name)))
    spec = _read(row)
    lookups: Features = [
        FeatureLookup(
            lookup.table,
            [ours for _, ours in lookup.keys],
            feature_names=[feature.name for feature in lookup.features],
            rename_outputs={f.name: f.output for f in lookup.features if f.name != f.output},
            timestamp_lookup_key=lookup.time[1] if lookup.time else None,
            lookback_window=lookup.lookback,
            default_values={f.output: f.default for f in lookup.features if f.default is not None},
        )
        for lookup in spec.lookups
    ]
    computed: Features = [
        FeatureFunction(
            udf_name=function.name,
            input_bindings=dict(function.inputs),
            output_name=function.output,
        )
        for function in spec.functions
    ]
    return FeatureSpecInfo(
        name=str(securables.name_of(row)),
        features=lookups + computed,
        exclude_columns=list(spec.exclude),
        owner=row.owner,
        creator=row.creator,
        creation_time=row.created,
    )


def require(name: str) -> Spec:
    """Return what the feature spec of this full name says; no Spark is needed.

    Raises FeatureError if there is none, and PERMISSION_DENIED without EXECUTE on its schema.
    """
    row = _row(Name(*split(name)))
    grants.require_on(row, "EXECUTE")
    return _read(row)


def _read(row: store.Securable) -> Spec:
    return from_yaml(row.details["spec"], f"feature spec '{securables.name_of(row)}'")


def _full_name(spark: SparkSession, name: str) -> Name:
    found = context.resolve_object(spark, name) if isinstance(name, str) and name else None
    if found is None:
        raise FeatureError(f"{name!r} is no feature spec; give its name as catalog.schema.name")
    return found


def _row(name: Name) -> store.Securable:
    row = securables.find(name, KIND)
    if row is None:
        schema = context.require_schema(name.catalog, name.schema)
        known = [dotted((*name[:2], one.name)) for one in store.children(schema.id, KIND)]
        raise FeatureError(
            f"there is no feature spec '{name}'. {nearest(str(name), known)} Make one with "
            "create_feature_spec(name=…, features=[FeatureLookup(…)])"
        )
    return row


def _needed(spark: SparkSession, features: Sequence[FeatureLookup | FeatureFunction]) -> StructType:
    """Return the columns that a record has to have: keys, times, and inputs of functions."""
    from pyspark.sql.types import DataType, StructField, StructType

    found: dict[str, DataType] = {}
    made: list[str] = []
    for feature in features:
        if isinstance(feature, FeatureLookup):
            source = tables.require(spark, feature.table_name)
            pairs = list(zip(feature.lookup_key, source.keys, strict=False))
            if feature.timestamp_lookup_key and source.time:
                pairs.append((feature.timestamp_lookup_key, source.time))
            for ours, theirs in pairs:
                if columns.find(ours, found) is None:
                    found[ours] = source.schema[theirs].dataType
            chosen = feature.feature_names or source.features
            made += [feature.rename_outputs.get(name, name) for name in chosen]
        elif isinstance(feature, FeatureFunction):
            function = functions.require(spark, feature.udf_name)
            for parameter in function.parameters:
                bound = feature.input_bindings.get(parameter.name)
                ours = bound or parameter.name
                if bound is None and parameter.default is not None:
                    continue
                if columns.find(ours, (*found, *made)) is None:
                    found[ours] = DataType.fromDDL(parameter.type)
            made.append(feature.output_name)
    return StructType([StructField(name, kind) for name, kind in found.items()])
