"""PySpark's own classes, taught Delta, three-level names and the platform's paths.

The methods are replaced once in each process, on the classic and on the Connect classes alike.
What concerns no table, no path and no format of ours goes to the original method unchanged.
On Databricks, or where Delta's JAR is on the class path, nothing is replaced.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from lakebook.runtime.patching import original
from lakebook.runtime.session import reaches_databricks

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

SETTINGS = {
    # Delta keeps microseconds, and delta-rs reads them; Spark's own default is INT96.
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.python.filterPushdown.enabled": "true",
    # The log names each file, so the driver has no folders to list in parallel.
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "4096",
}


def native(spark: SparkSession) -> bool:
    """Return whether the session has Delta of its own, so that nothing here is needed."""
    if reaches_databricks():
        return True
    extensions = spark.conf.get("spark.sql.extensions", "") or ""
    catalog = spark.conf.get("spark.sql.catalog.spark_catalog", "") or ""
    return "io.delta" in extensions or "delta" in catalog.lower()


def install(spark: SparkSession) -> None:
    """Prepare a session; the classes are patched at the first one."""
    if getattr(spark, "_lakebook_prepared", False):
        return
    if native(spark):
        return
    from lakebook.runtime.surface import models, readers, sessions, streams, writers

    for room in (readers, writers, models, streams, sessions):
        room.install()
    for key, value in SETTINGS.items():
        spark.conf.set(key, value)
    _offer_delta_modules()
    with contextlib.suppress(AttributeError):
        spark.__dict__["_lakebook_prepared"] = True


def _offer_delta_modules() -> None:
    from lakebook.runtime.delta import module

    module.install()


def spark_sql(spark: SparkSession, text: str, args: Any = None, **kwargs: Any) -> DataFrame:
    """Run a text by Spark's own `sql`, which knows nothing of our names."""
    from lakebook.runtime.surface.streams import offer_source

    if "delta" in text.lower():
        offer_source(spark)
    return original(type(spark), "sql")(spark, text, args, **kwargs)
