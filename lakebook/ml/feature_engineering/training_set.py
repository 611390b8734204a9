"""Training sets: look-ups checked against the tables and made into a specification."""

from __future__ import annotations

import decimal
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lakebook.ml.feature_engineering import columns, functions, tables
from lakebook.ml.feature_engineering.assemble import assemble
from lakebook.ml.feature_engineering.errors import FeatureError
from lakebook.ml.feature_engineering.lookups import FeatureFunction, FeatureLookup, names
from lakebook.ml.feature_engineering.spec import Column, Feature, Function, Lookup, Spec

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import DataType, StructType

    from lakebook.ml.feature_engineering.tables import FeatureSource


class TrainingSet:
    """A frame, and the specification of what is added to it. Made by `create_training_set`."""

    def __init__(self, spec: Spec, frame: DataFrame) -> None:
        self.spec = spec
        self._frame = frame

    @property
    def feature_spec(self) -> Spec:
        """Return the specification, which `log_model` packs with a model."""
        return self.spec

    def get_output_columns(self) -> list[str]:
        """Return the names of the columns of `load_df()`."""
        return [column.name for column in self.spec.columns()]

    def load_df(self) -> DataFrame:
        """Return the frame with its features; nothing is computed until it is asked for.

        Train on it as it is: a column changed here would not be changed when the model is served.
        """
        found = assemble(self._frame.sparkSession, self.spec, self._frame)
        return found.select(*[columns.col(name) for name in self.get_output_columns()])


def plan(
    spark: SparkSession,
    df: DataFrame,
    features: Sequence[FeatureLookup | FeatureFunction],
    label: str | Sequence[str] | None,
    exclude_columns: Sequence[str] | None = None,
) -> Spec:
    """Return the specification of these features for a frame.

    Raises FeatureError for whatever does not fit: keys, times, types, names.
    """
    columns.refuse_doubles(df.columns, "df")
    made = _Plan(spark, df.schema, label)
    for feature in features:
        made.add(feature)
    return made.spec(names(exclude_columns, "excluded column"))


class _Plan:
    def __init__(
        self, spark: SparkSession, schema: StructType, label: str | Sequence[str] | None
    ) -> None:
        self.spark, self.schema = spark, schema
        self.label = [
            columns.require(one, schema.names, "df has no column for the label")
            for one in names(label, "label")
        ]
        self.types: dict[str, DataType] = {f.name: f.dataType for f in schema.fields}
        self.lookups: list[Lookup] = []
        self.functions: list[Function] = []

    def add(self, feature: Any) -> None:
        if isinstance(feature, FeatureLookup):
            self._look_up(feature)
        elif isinstance(feature, FeatureFunction):
            self._compute(feature)
        else:
            raise FeatureError(
                f"{feature!r} is neither a FeatureLookup nor a FeatureFunction; a training set is "
                "made of these"
            )

    def spec(self, exclude: Sequence[str]) -> Spec:
        excluded = [
            columns.require(one, self.types, "exclude_columns names no column of the training set:")
            for one in exclude
        ]
        for one in excluded:
            if one in self.label:
                raise FeatureError(f"'{one}' is the label and cannot be among exclude_columns")
        return Spec(
            given=tuple(Column(f.name, f.dataType.simpleString()) for f in self.schema.fields),
            lookups=tuple(self.lookups),
            functions=tuple(self.functions),
            label=tuple(self.label),
            exclude=tuple(excluded),
        )

    # Look-ups

    def _look_up(self, asked: FeatureLookup) -> None:
        source = tables.require(self.spark, asked.table_name)
        keys = self._keys(asked, source)
        time = self._time(asked, source)
        chosen = _chosen(asked, source)
        for old in asked.rename_outputs:
            if old not in chosen:
                raise FeatureError(
                    f"rename_outputs renames '{old}', which is not looked up in '{source.name}'"
                )
        features = []
        for feature in chosen:
            output = asked.rename_outputs.get(feature, feature)
            self._output(output, f"a feature of '{source.name}'", source.schema[feature].dataType)
            default = asked.default_values.get(output)
            if default is not None:
                default = _default(default, source.schema[feature].dataType, output, source.name)
            kind = source.schema[feature].dataType.simpleString()
            features.append(Feature(feature, output, kind, default))
        outputs = [feature.output for feature in features]
        for name in asked.default_values:
            columns.require(name, outputs, "default_values has no feature to stand in for:")
        self.lookups.append(
            Lookup(
                table=source.name,
                table_id=str(source.table.id),
                keys=keys,
                features=tuple(features),
                time=time,
                lookback=asked.lookback_window,
            )
        )

    def _keys(self, asked: FeatureLookup, source: FeatureSource) -> tuple[tuple[str, str], ...]:
        if len(asked.lookup_key) != len(source.keys):
            way_out = ""
            if source.time and len(asked.lookup_key) == len(source.keys) + 1:
                way_out = (
                    f"; its time '{source.time}' is no part of lookup_key, give the column for it "
                    "as timestamp_lookup_key"
                )
            raise FeatureError(
                f"lookup_key {asked.lookup_key} has {len(asked.lookup_key)} "
                f"column{'s' * (len(asked.lookup_key) != 1)}, and '{source.name}' has the key "
                f"{list(source.keys)}: name one column of df for each, in this order{way_out}"
            )
        pairs = []
        for theirs, given in zip(source.keys, asked.lookup_key, strict=True):
            ours = self._column(given, f"the look-up in '{source.name}'")
            self._same(ours, source, theirs)
            pairs.append((theirs, ours))
        return tuple(pairs)

    def _time(self, asked: FeatureLookup, source: FeatureSource) -> tuple[str, str] | None:
        given = asked.timestamp_lookup_key
        if source.time is None:
            if given is not None:
                raise FeatureError(
                    f"'{source.name}' has no time-series column, so timestamp_lookup_key "
                    f"'{given}' has nothing to be compared with; leave it out, or declare the "
                    "column: PRIMARY KEY (key, time TIMESERIES)"
                )
            return None
        if given is None:
            raise FeatureError(
                f"'{source.name}' is a time-series table, keyed by {list(source.keys)} and "
                f"'{source.time}': say as of when, by timestamp_lookup_key='<time column of df>'"
            )
        ours = self._column(given, f"the look-up in '{source.name}'")
        self._same(ours, source, source.time)
        if asked.lookback_window is not None and self.types[ours].typeName() == "long":
            raise FeatureError(
                f"lookback_window is a duration, and the time '{source.time}' of '{source.name}' "
                "is a bigint, whose unit nobody knows; make it a timestamp"
            )
        return source.time, ours

    def _column(self, name: str, what: str) -> str:
        """Return a column that the frame itself has, and that is not the label."""
        found = columns.require(name, self.schema.names, f"{what} needs a column that df has not:")
        if found in self.label:
            raise FeatureError(
                f"{what} is keyed by '{found}', which is the label; when the model is served "
                "nobody knows it"
            )
        return found

    def _same(self, ours: str, source: FeatureSource, theirs: str) -> None:
        given, wanted = self.types[ours], source.schema[theirs].dataType
        if given != wanted:
            raise FeatureError(
                f"column '{ours}' of df is a {given.simpleString()}, and '{theirs}' of "
                f"'{source.name}', which it is compared with, is a {wanted.simpleString()}; cast "
                f"it: df.withColumn('{ours}', F.col('{ours}').cast('{wanted.simpleString()}'))"
            )

    # Functions

    def _compute(self, asked: FeatureFunction) -> None:
        found = functions.require(self.spark, asked.udf_name)
        parameters = [parameter.name for parameter in found.parameters]
        for given in asked.input_bindings:
            columns.require(given, parameters, f"function '{found.name}' has no parameter")
        inputs = []
        for parameter in found.parameters:
            column = asked.input_bindings.get(parameter.name)
            if column is None:
                column = columns.find(parameter.name, self.types)
                if column is None and parameter.default is not None:
                    continue
            inputs.append((parameter.name, self._input(found.name, parameter, column)))
        kind = _data_type(found.returns)
        self._output(asked.output_name, f"the result of '{found.name}'", kind)
        self.functions.append(
            Function(str(found.name), tuple(inputs), asked.output_name, kind.simpleString())
        )

    def _input(self, function: Any, parameter: Any, column: str | None) -> str:
        if column is None:
            raise FeatureError(
                f"nothing is given for parameter '{parameter.name}' of function '{function}': bind "
                f"it, input_bindings={{'{parameter.name}': '<column>'}}"
            )
        what = f"parameter '{parameter.name}' of function '{function}' is bound to no column:"
        ours = columns.require(column, self.types, what)
        if ours in self.label:
            raise FeatureError(
                f"parameter '{parameter.name}' of function '{function}' takes '{ours}', which is "
                "the label; when the model is served nobody knows it"
            )
        wanted = _data_type(parameter.type)
        if not columns.fits(self.types[ours], wanted):
            raise FeatureError(
                f"parameter '{parameter.name}' of function '{function}' is a "
                f"{wanted.simpleString()}, and column '{ours}' is a "
                f"{self.types[ours].simpleString()}; declare the parameter with that type"
            )
        return ours

    def _output(self, name: str, what: str, kind: DataType) -> None:
        """Enter a new column. Raises FeatureError if there is one of this name."""
        there = columns.find(name, self.types)
        if there in self.label:
            raise FeatureError(
                f"{what} is called '{name}' like the label: a model that sees it knows the answer. "
                "Leave it out of feature_names, or rename it"
            )
        if there is not None:
            way_out = "rename_outputs" if "feature" in what else "output_name"
            raise FeatureError(
                f"{what} is called '{name}', and there is a column of this name already; give it "
                f"another with {way_out}"
            )
        self.types[name] = kind


def _chosen(asked: FeatureLookup, source: FeatureSource) -> list[str]:
    """Return the features asked for, as the table spells them; all of them if none is named."""
    if asked.feature_names is None:
        if not source.features:
            raise FeatureError(f"'{source.name}' has no column but its key")
        return source.features
    if not asked.feature_names:
        raise FeatureError(
            f"feature_names of the look-up in '{source.name}' is empty; leave it out for all"
        )
    found = []
    for name in asked.feature_names:
        if columns.find(name, (*source.keys, source.time or "")):
            raise FeatureError(
                f"'{name}' is part of the key of '{source.name}', not a feature of it"
            )
        found.append(columns.require(name, source.features, f"'{source.name}' has no feature"))
    columns.refuse_doubles(found, f"feature_names of the look-up in '{source.name}'")
    return found


def _default(value: Any, kind: DataType, output: str, table: str) -> Any:
    """Return a default as a value of its feature's type."""
    from pyspark.errors import PySparkException
    from pyspark.sql.types import DecimalType, DoubleType, FloatType, _make_type_verifier

    whole = isinstance(value, int) and not isinstance(value, bool)
    if whole and isinstance(kind, DoubleType | FloatType):
        value = float(value)
    if whole and isinstance(kind, DecimalType):
        value = decimal.Decimal(value)
    try:
        _make_type_verifier(kind)(value)
    except (PySparkException, TypeError, ValueError):
        raise FeatureError(
            f"the default of '{output}' is {value!r}, and the feature of '{table}' is a "
            f"{kind.simpleString()}"
        ) from None
    return value


def _data_type(text: str) -> DataType:
    from pyspark.sql.types import DataType

    return DataType.fromDDL(text)
