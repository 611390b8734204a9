"""A frame of one version: Spark's own Parquet scan over the files that the log names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from lakebook.runtime.delta.log import Add
from lakebook.runtime.delta.snapshot import Snapshot
from lakebook.runtime.patching import original

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

NULL_FOLDER = "__HIVE_DEFAULT_PARTITION__"


def frame(
    spark: SparkSession,
    snapshot: Snapshot,
    files: Sequence[Add] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> DataFrame:
    """Return the rows of a version, or of some of its files, with the columns of the table.

    `metadata` maps names to fields of Spark's hidden ``_metadata`` column, such as
    ``{"file": "file_path", "row": "row_index"}``, which are added at the end.
    """
    found = list(snapshot.files() if files is None else files)
    return scan(
        spark, snapshot.root, snapshot.schema, snapshot.partition_columns, found, metadata or {}
    )


def scan(
    spark: SparkSession,
    root: str,
    schema: StructType,
    partition_columns: Sequence[str],
    files: Sequence[Add],
    metadata: Mapping[str, str],
) -> DataFrame:
    """Return the rows of some Parquet files of the table at `root`."""
    from pyspark.sql import functions as F

    hidden = [F.col(f"_metadata.{source}").alias(name) for name, source in metadata.items()]
    if not files:
        return _empty(spark, schema, metadata)
    readable = _nullable(schema)
    columns = [F.col(_quoted(field.name)) for field in schema.fields]
    if not partition_columns or all(_as_spark_lays_it(file) for file in files):
        found = _parquet(spark, root, readable, files, base=True)
        return found.select(*columns, *hidden)
    # Another engine may lay the folders differently; the log, not the folder, has the values.
    by_values: dict[tuple[tuple[str, str | None], ...], list[Add]] = {}
    for file in files:
        by_values.setdefault(tuple(sorted(file.partition_values.items())), []).append(file)
    types = {field.name: field.dataType for field in schema.fields}
    inside = type(schema)([f for f in readable.fields if f.name not in partition_columns])
    parts = []
    for values, group in by_values.items():
        fixed = {name: F.lit(value).cast(types[name]) for name, value in values}
        # With a base path Spark would read each folder's name into a column again.
        rows = _parquet(spark, root, inside, group, base=False)
        wanted = [fixed.get(f.name, F.col(_quoted(f.name))).alias(f.name) for f in schema.fields]
        parts.append(rows.select(*wanted, *hidden))
    return reduce(lambda left, right: left.unionAll(right), parts)


def _parquet(
    spark: SparkSession, root: str, schema: StructType, files: Iterable[Add], base: bool
) -> DataFrame:
    reader = spark.read.schema(schema).option("timeZone", "UTC")
    if base:
        reader = reader.option("basePath", root)
    # The replaced method would ask of each file where the platform's path lies.
    return original(type(reader), "parquet")(reader, *(_literal(file, root) for file in files))


def _literal(file: Add, root: str) -> str:
    # Glob characters in a name are meant as they are.
    path = str(Path(root) / file.path)
    return "".join(f"\\{c}" if c in "{}[]*?\\" else c for c in path)


def _empty(spark: SparkSession, schema: StructType, metadata: Mapping[str, str]) -> DataFrame:
    from pyspark.sql.types import LongType, StringType, StructField, StructType

    kinds: dict[str, Any] = {"row_index": LongType()}
    extra = [
        StructField(name, kinds.get(source, StringType())) for name, source in metadata.items()
    ]
    return spark.createDataFrame([], StructType([*_nullable(schema).fields, *extra]))


def _nullable(schema: StructType) -> StructType:
    """A column that was added later has no value in older files, whatever it promises now."""
    from pyspark.sql.types import StructField, StructType

    return StructType([StructField(f.name, f.dataType, True, f.metadata) for f in schema.fields])


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _as_spark_lays_it(file: Add) -> bool:
    """Return whether Spark reads the same partition values from the folders' names."""
    folders = file.path.split("/")[:-1]
    named = dict(folder.partition("=")[::2] for folder in folders if "=" in folder)
    if len(named) != len(folders) or named.keys() != set(file.partition_values):
        return False
    return all(
        text == NULL_FOLDER
        if (value := file.partition_values[name]) is None
        # Spark unescapes byte by byte, so text beyond ASCII must stand as it is.
        else unquote(text, encoding="latin-1") == value
        for name, text in named.items()
    )
