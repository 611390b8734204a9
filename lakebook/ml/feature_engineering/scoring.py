"""Scoring in batches: features found by key, then the model, all on Spark."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from lakebook.ml.feature_engineering import assemble, columns, functions, tables
from lakebook.ml.feature_engineering.errors import FeatureError, nearest
from lakebook.ml.feature_engineering.packaging import without
from lakebook.ml.feature_engineering.spec import FILE, Function, Lookup, Spec, from_yaml
from lakebook.runtime import catalog
from lakebook.runtime.delta.errors import DeltaError

if TYPE_CHECKING:
    from mlflow.models import Model
    from pyspark.sql import Column, DataFrame, SparkSession
    from pyspark.sql.types import DataType

    from lakebook.ml.feature_engineering.tables import FeatureSource

PREDICTION = "prediction"
# What MLflow says of its own doings; that models run in this environment is our default.
CHATTER = (
    ("mlflow.pyfunc", 'Calling `spark_udf()` with `env_manager="local"`'),
    ("mlflow.models.flavor_backend_registry", "Selected backend for flavor"),
    ("mlflow.spark", "File "),
)


@dataclass(frozen=True)
class Packed:
    """A logged model with the specification of its features.

    `folder` is on this machine, `described` what MLflow's own file in it says.
    """

    uri: str
    folder: str
    described: Model
    spec: Spec


def load(model_uri: str, *, registry_uri: str | None = None) -> Packed:
    """Return what an MLflow address names: an alias, a version, a run's model, a model's id.

    Raises FeatureError for a model without specification, and what MLflow raises if there is none.
    """
    import mlflow
    from mlflow.models import Model

    if not isinstance(model_uri, str) or not model_uri:
        raise FeatureError(
            f"model_uri is {model_uri!r}; give an address of MLflow, such as "
            "'models:/main.default.churn@champion'"
        )
    address = model_uri
    if model_uri.startswith("runs:/"):
        # By its id MLflow finds the files where they are; by the run it would copy them first.
        found = mlflow.models.get_model_info(model_uri)
        address = f"models:/{found.model_id}" if found.model_id else model_uri
    # Once, for what an alias means may change between two questions.
    folder = mlflow.artifacts.download_artifacts(artifact_uri=address, registry_uri=registry_uri)
    file = Path(folder, FILE)
    if not file.is_file():
        raise FeatureError(
            f"model '{model_uri}' has no specification of features; log it with "
            "FeatureEngineeringClient.log_model(…, training_set=…), or apply it to a frame that "
            f"has all its inputs: mlflow.pyfunc.spark_udf(spark, '{model_uri}')"
        )
    spec = from_yaml(file.read_text("utf-8"), f"{FILE} of model '{model_uri}'")
    return Packed(model_uri, folder, Model.load(folder), spec)


def score_batch(
    spark: SparkSession,
    *,
    model_uri: str,
    df: DataFrame,
    result_type: str | DataType = "double",
    env_manager: str = "local",
    params: dict[str, Any] | None = None,
    registry_uri: str | None = None,
) -> DataFrame:
    """Return `df` with the features of a model that it lacks, then ``prediction``.

    `df` needs the columns of `Spec.needed`: keys, and inputs that no table has. Columns that it has
    already are not looked up. `result_type` is the Spark type of the prediction. The model sees
    the types that it was trained on; numbers that `df` has in another type are cast.

    Raises FeatureError if the model has no specification, if `df` lacks a column or has another
    type, and if a table is not what the model was trained on any more.
    """
    columns.refuse_doubles(df.columns, "df")
    if taken := columns.find(PREDICTION, df.columns):
        raise FeatureError(
            f"df has a column '{taken}', which score_batch is to add; rename it, for example "
            f"df.withColumnRenamed('{taken}', 'previous_{taken}')"
        )
    model = load(model_uri, registry_uri=registry_uri)
    check(spark, model, df)
    frame = assemble.assemble(spark, model.spec, df)
    if taken := columns.find(PREDICTION, frame.columns):
        raise FeatureError(
            f"a feature of model '{model_uri}' is called '{taken}', as the column that score_batch "
            "adds; train it with rename_outputs"
        )
    if "spark" in model.described.flavors:
        return _transformed(model, frame, result_type)
    predict = _udf(spark, model, result_type, env_manager, params)
    return frame.withColumn(PREDICTION, predict(*_inputs(model, frame)))


# What a model needs


def check(spark: SparkSession, model: Packed, df: DataFrame) -> None:
    """Raise FeatureError if a frame cannot be scored, or a table has changed since training."""
    there = [
        output
        for output in (
            *(feature.output for _, feature in model.spec.sources()),
            *(function.output for function in model.spec.functions),
        )
        if columns.find(output, df.columns)
    ]
    todo = model.spec.without(there)
    _has_columns(model, todo, df)
    _has_types(model, todo, df)
    for lookup in todo.lookups:
        _table_fits(spark, model, lookup)
    for function in todo.functions:
        _function_fits(spark, model, function)


def _has_columns(model: Packed, todo: Spec, df: DataFrame) -> None:
    missing = [name for name in todo.needed() if columns.find(name, df.columns) is None]
    if not missing:
        return
    told = "; ".join(f"'{name}' ({_role(todo, name)})" for name in missing)
    near = nearest(missing[0], df.columns) if len(missing) == 1 else f"df has {df.columns}."
    raise FeatureError(
        f"df lacks {len(missing)} column{'s' * (len(missing) != 1)} that model '{model.uri}' "
        f"needs: {told}. {near}"
    )


def _role(spec: Spec, name: str) -> str:
    """Return what a column is needed for."""
    for lookup in spec.lookups:
        if lookup.time and lookup.time[1] == name:
            return f"the time as of which '{lookup.table}' is looked up"
        if name in lookup.needs:
            return f"a key of '{lookup.table}'"
    for function in spec.functions:
        if any(column == name for _, column in function.inputs):
            return f"an input of the function '{function.name}'"
    return "an input of the model that no table has"


def _has_types(model: Packed, todo: Spec, df: DataFrame) -> None:
    keys = {name for lookup in todo.lookups for name in lookup.needs}
    for name, wanted in _types(model.spec).items():
        found = columns.find(name, df.columns)
        if found is None or name in model.spec.label:
            continue
        given = df.schema[found].dataType
        if name in keys:
            fits = columns.fits(given, _data_type(wanted))
            what = f"a key that model '{model.uri}' looks features up by"
        elif name in todo.needed() or name not in {one.name for one in model.spec.given}:
            fits = _castable(given, wanted)
            what = f"what model '{model.uri}' sees"
        else:
            continue
        if not fits and given.simpleString() != wanted:
            raise FeatureError(
                f"column '{found}' of df is a {given.simpleString()}; it was a {wanted} in "
                f"training, and it is {what}. Cast it: df.withColumn('{found}', "
                f"F.col('{found}').cast('{wanted}'))"
            )


def _types(spec: Spec) -> dict[str, str]:
    """Return the types in training of all columns, those that the model does not see as well."""
    found = {column.name: column.type for column in spec.given}
    found |= {feature.output: feature.type for _, feature in spec.sources()}
    return found | {function.output: function.type for function in spec.functions}


def _castable(given: DataType, wanted: str) -> bool:
    """Return whether values can stand for those of a type: numbers, but no fraction for a whole."""
    one = given.simpleString().partition("(")[0]
    other = wanted.partition("(")[0]
    if one == "void":
        return True
    broken = (*columns.REAL, "decimal")
    if one in columns.WHOLE:
        return other in (*columns.WHOLE, *broken)
    return one in broken and other in broken


def _data_type(text: str) -> DataType:
    from pyspark.sql.types import DataType

    return DataType.fromDDL(text)


# What has changed since training


def _table_fits(spark: SparkSession, model: Packed, lookup: Lookup) -> None:
    outputs = ", ".join(f"'{feature.output}'" for feature in lookup.features)
    instead = f"or give {outputs} as columns of df"
    asks = f"model '{model.uri}' looks up {outputs} in it"
    if catalog.find(tables.full_name(spark, lookup.table)) is None:
        raise FeatureError(
            f"table '{lookup.table}' does not exist any more, and {asks}. Make it again with the "
            f"key {[theirs for theirs, _ in lookup.keys]} and these features, {instead}"
        )
    try:
        source = tables.require(spark, lookup.table)
    except FeatureError as error:
        raise FeatureError(f"{error}. It had one in training: {asks}") from error
    _key_fits(model, lookup, source, instead)
    for feature in lookup.features:
        name = columns.find(feature.name, source.schema.names)
        if name is None:
            raise FeatureError(
                f"table '{lookup.table}' has no column '{feature.name}' any more, which model "
                f"'{model.uri}' takes as '{feature.output}'. Add it again, or give "
                f"'{feature.output}' as a column of df. "
                f"{nearest(feature.name, source.features)}".rstrip()
            )
        _same_type(model, lookup.table, name, source, feature.type)


def _key_fits(model: Packed, lookup: Lookup, source: FeatureSource, instead: str) -> None:
    types = {column.name: column.type for column in model.spec.given}
    time = lookup.time[0] if lookup.time else None
    keys = [theirs for theirs, _ in lookup.keys]
    if set(keys) != set(source.keys) or time != source.time:
        now, before = source.primary_key, [*keys, *([time] if time else [])]
        raise FeatureError(
            f"table '{lookup.table}' has the primary key {now} now, and model '{model.uri}' was "
            f"trained when it was {before}. Give it that key again, {instead}"
        )
    for theirs, ours in (*lookup.keys, *([lookup.time] if lookup.time else [])):
        _same_type(model, lookup.table, theirs, source, types[ours])


def _same_type(model: Packed, table: str, name: str, source: FeatureSource, trained: str) -> None:
    now = source.schema[name].dataType.simpleString()
    if now != trained:
        raise FeatureError(
            f"column '{name}' of table '{table}' is a {now} now, and model '{model.uri}' was "
            f"trained when it was a {trained}. Write it with that type again, or train the model "
            "anew"
        )


def _function_fits(spark: SparkSession, model: Packed, function: Function) -> None:
    asks = f"computes '{function.output}' for model '{model.uri}'"
    try:
        found = functions.require(spark, function.name)
    except DeltaError as error:
        if error.getCondition() != "UNRESOLVED_ROUTINE":
            raise
        raise FeatureError(
            f"function '{function.name}' does not exist any more, and it {asks}. Make it again, or "
            f"give '{function.output}' as a column of df"
        ) from error
    now = _data_type(found.returns).simpleString()
    if now != function.type:
        raise FeatureError(
            f"function '{function.name}' returns a {now} now, and it {asks}, which was trained "
            f"when it returned a {function.type}. Make it so again, or train the model anew"
        )


# The model itself


def _inputs(model: Packed, frame: DataFrame) -> list[Column]:
    """Return what the model sees, in the types of its training.

    One column each, in the order of the signature, which gives them their names: in a struct Spark
    hands whole numbers over in another type where one is missing than `toPandas` does.
    """
    from pyspark.sql import functions as F

    found, shape = {}, frame.schema
    for column in model.spec.inputs():
        value = columns.col(column.name)
        there = columns.find(column.name, shape.names) or column.name
        if shape[there].dataType.simpleString() != column.type:
            value = value.cast(column.type)
        found[column.name] = value.alias(column.name)
    schema = model.described.get_input_schema()
    if schema is None or not schema.has_input_names():
        return [F.struct(*found.values())]
    return [found[name] if name in found else columns.col(name) for name in schema.input_names()]


def _udf(
    spark: SparkSession,
    model: Packed,
    result_type: str | DataType,
    env_manager: str,
    params: dict[str, Any] | None,
) -> Any:
    import mlflow
    from mlflow.exceptions import MlflowException
    from pyspark.errors import PySparkException

    try:
        with without(*CHATTER):
            return mlflow.pyfunc.spark_udf(
                spark,
                model.folder,
                result_type=result_type,
                env_manager=env_manager,
                params=params,
            )
    except PySparkException as error:
        _refuse_type(result_type, error)
    except MlflowException as error:
        if "result type" in str(error):
            _refuse_type(result_type, error)
        raise


def _refuse_type(result_type: str | DataType, error: Exception) -> NoReturn:
    raise FeatureError(
        f"result_type is {result_type!r}, which is no type for a prediction; give int, bigint, "
        "float, double, boolean, string, or an array of one of these"
    ) from error


def _transformed(model: Packed, frame: DataFrame, result_type: str | DataType) -> DataFrame:
    """Apply a model of Spark ML in Spark itself; a function in Python would start a JVM first."""
    import mlflow

    with without(*CHATTER):
        found = mlflow.spark.load_model(model.folder).transform(frame)
    if PREDICTION not in found.columns:
        raise FeatureError(
            f"model '{model.uri}' makes no column '{PREDICTION}', but {found.columns}; set "
            f"predictionCol='{PREDICTION}' of its last stage and log it again"
        )
    kept = [columns.col(name) for name in frame.columns]
    return found.select(*kept, columns.col(PREDICTION).cast(result_type).alias(PREDICTION))
