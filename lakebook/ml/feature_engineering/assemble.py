"""A specification applied to a frame on Spark: for training sets and for scoring in batches."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from lakebook.ml.feature_engineering import asof, columns, functions, keys, tables
from lakebook.ml.feature_engineering.errors import FeatureError
from lakebook.ml.feature_engineering.spec import Feature, Function, Lookup, Spec
from lakebook.runtime.catalog import metadata, routines
from lakebook.runtime.catalog.names import always_quoted
from lakebook.runtime.delta.snapshot import Snapshot

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

    from lakebook.ml.feature_engineering.tables import FeatureSource


def assemble(spark: SparkSession, spec: Spec, frame: DataFrame) -> DataFrame:
    """Return the frame with the features of a specification, one row for each of its rows.

    Columns that the frame has already are kept, and not looked up. Nothing is collected: rows stay
    where Spark has them. Raises FeatureError if a table has a key twice.
    """
    todo = spec.without(_present(spec, frame.columns))
    for lookups in _together(todo.lookups):
        frame = _look_up(spark, lookups, frame)
    for function in todo.functions:
        frame = _compute(spark, function, frame)
    return frame


def _present(spec: Spec, there: Iterable[str]) -> list[str]:
    """Return the outputs of a specification that the frame has."""
    names = list(there)
    outputs = [feature.output for _, feature in spec.sources()]
    outputs += [function.output for function in spec.functions]
    return [output for output in outputs if columns.find(output, names)]


def _together(lookups: Iterable[Lookup]) -> list[list[Lookup]]:
    """Return the look-ups by what they join: one join serves all that look in the same place."""
    found: dict[Any, list[Lookup]] = {}
    for lookup in lookups:
        place = (lookup.table, lookup.keys, lookup.time, lookup.lookback)
        found.setdefault(place, []).append(lookup)
    return list(found.values())


def _look_up(spark: SparkSession, lookups: list[Lookup], frame: DataFrame) -> DataFrame:
    from pyspark.sql import functions as F

    lookup = lookups[0]
    source = tables.require(spark, lookup.table)
    features = [feature for one in lookups for feature in one.features]
    pairs = [(feature.name, feature.output) for feature in features]
    table = spark.table(source.name)
    spread = _spread(table, source)
    before = [columns.col(name) for name in frame.columns]
    if lookup.time:
        how = asof.AsOf(lookup.keys, lookup.time, pairs, lookup.lookback)
        frame = asof.join(frame, table, how, spread)
    else:
        if spread.hottest > 1:
            keys.check(table, source.keys, f"table '{source.name}'")
        frame = _equal(frame, table, lookup, pairs)
    if not any(feature.default is not None for feature in features):
        return frame
    return frame.select(*before, *[_defaulted(F.coalesce, feature, frame) for feature in features])


def _spread(table: DataFrame, source: FeatureSource) -> keys.Profile:
    root = metadata.delta_root(source.table)
    return keys.profile(table, source.keys, (root, Snapshot.open(root).version))


def _equal(
    frame: DataFrame, table: DataFrame, lookup: Lookup, pairs: list[tuple[str, str]]
) -> DataFrame:
    """Join by equal keys; each row of the frame finds one row of the table or none."""
    from pyspark.sql import functions as F

    right = table.select(
        *[columns.col(theirs).alias(f"{asof.KEY}{i}") for i, (theirs, _) in enumerate(lookup.keys)],
        *[columns.col(name).alias(f"{asof.VALUE}{i}") for i, (name, _) in enumerate(pairs)],
    )
    on = F.lit(True)
    for index, (_, ours) in enumerate(lookup.keys):
        on &= columns.col(ours) == F.col(f"{asof.KEY}{index}")
    return frame.join(right, on, "left").select(
        *[columns.col(name) for name in frame.columns],
        *[F.col(f"{asof.VALUE}{i}").alias(output) for i, (_, output) in enumerate(pairs)],
    )


def _defaulted(coalesce: Any, feature: Feature, frame: DataFrame) -> Column:
    from pyspark.sql import functions as F

    value = columns.col(feature.output)
    if feature.default is None:
        return value
    kind = frame.schema[feature.output].dataType
    return coalesce(value, F.lit(feature.default).cast(kind)).alias(feature.output)


def _compute(spark: SparkSession, function: Function, frame: DataFrame) -> DataFrame:
    """Add the column of a function of the catalog, whose inputs have its parameters' types."""
    from pyspark.sql import functions as F

    found = functions.require(spark, function.name)
    types = {parameter.name: parameter.type for parameter in found.parameters}
    for parameter, _ in function.inputs:
        if parameter not in types:
            raise FeatureError(
                f"function '{found.name}' has no parameter '{parameter}' any more; it has "
                f"{', '.join(types) or 'none'}"
            )
    called = routines.register(spark, found.name)
    # By name, for one in the middle may have been left to its default.
    given = ", ".join(
        f"{always_quoted(parameter)} => CAST({always_quoted(column)} AS {types[parameter]})"
        for parameter, column in function.inputs
    )
    return frame.select(
        *[columns.col(name) for name in frame.columns],
        F.expr(f"{called}({given})").alias(function.output),
    )
