"""Small frames of results, and the frames of tables whose files are not Delta."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lakebook.runtime.catalog.names import error
from lakebook.runtime.catalog.tables import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_NOTHING = "_lakebook_nothing"
# Of a table of files: what Spark can read by itself, under the names of SQL.
FILE_FORMATS = {
    "csv": "csv",
    "json": "json",
    "parquet": "parquet",
    "orc": "orc",
    "text": "text",
    "avro": "avro",
    "xml": "xml",
    "binaryfile": "binaryFile",
}


def rows_frame(spark: SparkSession, rows: Sequence[Sequence[Any]], schema_ddl: str) -> DataFrame:
    """Return a frame of these rows with the columns of a schema in DDL."""
    import pyarrow as pa
    from pyspark.sql.pandas.types import to_arrow_schema
    from pyspark.sql.types import StructType

    schema = StructType.fromDDL(schema_ddl)
    assert isinstance(schema, StructType)
    # As Arrow the rows travel inside the plan; as Python objects each look would be a Spark job.
    kinds = to_arrow_schema(schema, timezone="UTC")
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(kinds)
    arrays = [pa.array(values, kind.type) for values, kind in zip(columns, kinds, strict=True)]
    return spark.createDataFrame(pa.Table.from_arrays(arrays, schema=kinds), schema)


def nothing(spark: SparkSession) -> DataFrame:
    """Return the frame without rows and columns that a statement without a result has."""
    from pyspark.sql.types import StructType

    kept: DataFrame | None = spark.__dict__.get(_NOTHING)
    if kept is None:
        kept = spark.createDataFrame([], StructType([]))
        spark.__dict__[_NOTHING] = kept
    return kept


def external(spark: SparkSession, table: Table) -> DataFrame:
    """Return the frame of a table of CSV, JSON, Parquet, ORC or text files.

    Raises the error UNSUPPORTED_FEATURE if it is not such a table.
    """
    from pyspark.sql.types import StructType

    name = FILE_FORMATS.get(table.format)
    if name is None or not table.location:
        raise error(
            "UNSUPPORTED_FEATURE",
            f"{table.name} has the format '{table.format}', which is not read here; known: "
            f"{', '.join(FILE_FORMATS)}.",
        )
    reader = spark.read.format(name).options(**table.options)
    if table.columns:
        reader = reader.schema(StructType.fromJson(table.columns))
    return reader.load(f"file:{table.location}")
