"""The data of a search: a frame or table of any kind, as one plain pandas frame that fits."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from lakebook.errors import LakebookError
from lakebook.ml.automl import sampling
from lakebook.ml.automl.errors import AutoMLError, unknown_column
from lakebook.ml.automl.plain import check, index_not_used, names, plain, refuse_doubles

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Kind = Literal["classify", "regress", "forecast"]

# Where the platform keeps what a reader says of a column.
ANNOTATION = "spark.contentAnnotation.semanticType"
# Spark's types that neither pandas nor a model can use.
UNUSABLE = ("array", "map", "struct", "binary", "variant", "void", "interval", "udt")


@dataclass(frozen=True)
class Table:
    """The data as read: a frame with a RangeIndex, the rows of the whole set, what to tell.

    `semantic_types` holds what the data itself says of columns, for `columns.detect`: annotations
    of a Spark schema, and pandas categories that are numbers.
    """

    frame: pd.DataFrame
    rows: int
    messages: tuple[str, ...]
    semantic_types: dict[str, str] = field(default_factory=dict)


def read(
    dataset: Any,
    *,
    columns: Collection[str] | None = None,
    lookups: list[dict[str, Any]] | None = None,
    target: str,
    kind: Kind,
    memory: int | None = None,
) -> Table:
    """Return the data of a Spark, pandas or pandas-on-Spark frame, or of a table by its name.

    Only `columns` and the target are read, all where it is None; `lookups` adds features of tables
    (`feature_store_lookups`). Where the encoded data would take more than `memory` bytes, by
    default this machine's share for one trial, rows are sampled, always the same; a frame of Spark
    before it is collected, and by class for `classify`.

    Raises AutoMLError for data that cannot be used, and where a forecast would need a sample.
    """
    messages: list[str] = []
    if isinstance(dataset, pd.DataFrame):
        frame = names(dataset, messages)
        check(list(frame.columns), len(frame), target)
        frame = _chosen(frame, columns, target)
        frame, said, told = plain(frame, target)
        messages += told
        if not lookups:
            return _sampled(frame, said, messages, target, kind, memory)
        table = _looked_up(_to_spark(frame), lookups, target)
    else:
        said = {}
        table = _spark_frame(dataset, messages)
        refuse_doubles(table.columns, fold=True)
        if target not in table.columns:
            raise unknown_column("target_col", target, table.columns)
        if lookups:
            table = _looked_up(table, lookups, target)
        table = _of_spark(table, columns, target)
    said |= _annotations(table)
    return _collected(table, said, messages, target, kind, memory)


def _chosen(frame: pd.DataFrame, columns: Collection[str] | None, target: str) -> pd.DataFrame:
    return frame if columns is None else frame[_names(list(frame.columns), columns, target)]


def _names(known: list[str], columns: Collection[str], target: str) -> list[str]:
    for name in columns:
        if name not in known:
            raise unknown_column("columns:", name, known)
    return [name for name in known if name in {*columns, target}]


def _sampled(
    frame: pd.DataFrame,
    said: dict[str, str],
    messages: list[str],
    target: str,
    kind: Kind,
    memory: int | None,
) -> Table:
    _refuse_null_target(frame, target)
    size, fits = sampling.size_of_pandas(frame, target, kind), sampling.budget(memory)
    share = sampling.share(size, fits, kind)
    if share < 1:
        frame = sampling.sample_pandas(frame, target, kind, share)
        messages.append(sampling.sentence(len(frame), size, fits))
    return Table(frame, size.rows, tuple(messages), said)


def _refuse_null_target(frame: pd.DataFrame, target: str) -> None:
    if frame[target].isna().all():
        raise AutoMLError(
            f"the target '{target}' has no value in {len(frame):,} rows; choose another column"
        )


# -- Spark


def _spark() -> SparkSession:
    from lakebook.runtime.session import get_spark

    return get_spark()


def _spark_frame(dataset: Any, messages: list[str]) -> DataFrame:
    from pyspark.sql import DataFrame

    if isinstance(dataset, str):
        return _table(dataset)
    module = type(dataset).__module__
    if module.startswith("pyspark.pandas") and type(dataset).__name__ == "DataFrame":
        refuse_doubles([str(name) for name in dataset.columns])
        dataset = _without_index(dataset, messages)
    # Before Spark 4 a frame of Connect was no DataFrame of pyspark.sql.
    elif not isinstance(dataset, DataFrame) and not module.startswith("pyspark.sql.connect"):
        raise AutoMLError(
            f"the data set is of type {type(dataset).__name__}; give a Spark, pandas or "
            "pandas-on-Spark DataFrame, or the name of a table as catalog.schema.table"
        )
    if dataset.isStreaming:
        raise AutoMLError(
            "the data set is a stream, which never ends; write it to a table and give its name"
        )
    return dataset


def _without_index(frame: Any, messages: list[str]) -> DataFrame:
    """Return a pandas-on-Spark frame as one of Spark; an index with a name is told."""
    from pyspark.pandas.utils import PandasAPIOnSparkAdviceWarning

    kept = [str(name) for name in frame.index.names if name is not None]
    if kept:
        messages.append(index_not_used(kept))
    with warnings.catch_warnings():
        # It advises to name a column for the index; this is told above.
        warnings.simplefilter("ignore", PandasAPIOnSparkAdviceWarning)
        return frame.to_spark()


def _table(name: str) -> DataFrame:
    spark = _spark()
    try:
        table = spark.table(name)
        _ = table.schema  # over Connect nothing is looked up before
    except Exception as error:
        first = str(error).strip().splitlines()[0]
        if "NOT_FOUND" in first or "PARSE" in first:
            raise AutoMLError(f"table '{name}' is not found; {_near(spark, name)}") from error
        raise AutoMLError(f"table '{name}' cannot be read: {first}") from error
    return table


def _near(spark: SparkSession, name: str) -> str:
    if "/" in name:
        return "a path is no name: read it first, with spark.read.load(path), and give the frame"
    schema, _, last = name.rpartition(".")
    try:
        known = [one.name for one in spark.catalog.listTables(schema or None)]
    except Exception:
        # A schema that is not there, or no name at all.
        known = []
    near = difflib.get_close_matches(last, known, n=1, cutoff=0.4)
    if near:
        return f"did you mean '{schema + '.' if schema else ''}{near[0]}'?"
    return "give its name as catalog.schema.table; SHOW TABLES IN catalog.schema lists them"


def _to_spark(frame: pd.DataFrame) -> DataFrame:
    # Of a column without a value Spark cannot tell the type.
    empty = [name for name in frame.columns if frame[name].isna().all()]
    return _spark().createDataFrame(frame.astype(dict.fromkeys(empty, "float64")))


def _looked_up(table: DataFrame, lookups: list[dict[str, Any]], target: str) -> DataFrame:
    from lakebook.ml.feature_engineering import FeatureEngineeringClient, FeatureLookup

    asked = [FeatureLookup(**_lookup(given)) for given in _list(lookups)]
    try:
        training = FeatureEngineeringClient().create_training_set(
            df=table, feature_lookups=list(asked), label=target
        )
        return training.load_df()
    except LakebookError as error:
        raise AutoMLError(f"feature_store_lookups: {error}") from error
    except Exception as error:
        if "NOT_FOUND" not in str(error):
            raise
        first = str(error).strip().splitlines()[0]
        raise AutoMLError(f"feature_store_lookups: {first}") from error


def _list(lookups: Any) -> list[Any]:
    if not isinstance(lookups, list | tuple):
        raise AutoMLError(
            f"feature_store_lookups is of type {type(lookups).__name__}; give a list of dicts"
        )
    return list(lookups)


def _lookup(given: Any) -> dict[str, Any]:
    known = ("table_name", "lookup_key", "timestamp_lookup_key")
    if not isinstance(given, Mapping):
        raise AutoMLError(f"feature_store_lookups holds {given!r}; give dicts with {known}")
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
            way_out = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(known)}"
            raise AutoMLError(f"feature_store_lookups: the key {key!r} is not known; {way_out}")
    for key in known[:2]:
        if not given.get(key):
            raise AutoMLError(f"feature_store_lookups: {dict(given)} has no '{key}'; add it")
    return {key: value for key, value in given.items() if value is not None}


def _annotations(table: DataFrame) -> dict[str, str]:
    return {
        field.name: str(field.metadata[ANNOTATION])
        for field in table.schema.fields
        if ANNOTATION in (field.metadata or {})
    }


def _of_spark(table: DataFrame, columns: Collection[str] | None, target: str) -> DataFrame:
    return (
        table
        if columns is None
        else table.select(*[_quoted(name) for name in _names(table.columns, columns, target)])
    )


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _collected(
    table: DataFrame,
    said: dict[str, str],
    messages: list[str],
    target: str,
    kind: Kind,
    memory: int | None,
) -> Table:
    table = _usable(table, target, messages)
    size, lost = sampling.size_of_spark(table, target, kind)
    check(table.columns, size.rows, target)
    fits = sampling.budget(memory)
    share = sampling.share(size, fits, kind)
    chosen = sampling.held_dates(table, lost)
    messages += [
        f"column '{name}' has {count:,} dates before 1678 or after 2262: now missing there"
        for name, count in lost.items()
    ]
    if share < 1:
        chosen = sampling.sample_spark(chosen, target, kind, share)
    frame, also, told = plain(pd.DataFrame(chosen.toPandas()), target)
    _refuse_null_target(frame, target)
    if share < 1:
        messages.append(sampling.sentence(len(frame), size, fits))
    return Table(frame, size.rows, tuple([*messages, *told]), also | said)


def _usable(table: DataFrame, target: str, messages: list[str]) -> DataFrame:
    """Return the columns that pandas can use; decimals become doubles."""
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    kept = []
    for one in table.schema.fields:
        column = F.col(_quoted(one.name))
        type_name = one.dataType.typeName()
        if isinstance(one.dataType, T.DecimalType):
            kept.append(column.cast("double").alias(one.name, metadata=one.metadata or {}))
        elif isinstance(one.dataType, T.DayTimeIntervalType):
            kept.append(column)
        elif any(word in type_name for word in UNUSABLE):
            if one.name == target:
                raise AutoMLError(
                    f"the target '{target}' is of type {type_name}, which cannot be predicted; "
                    "give numbers, text or booleans"
                )
            messages.append(
                f"column '{one.name}' is left out: no model here can use the type {type_name}"
            )
        else:
            kept.append(column)
    return table.select(*kept)
