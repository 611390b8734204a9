"""What Spark Connect has not, here as on the platform's serverless and standard compute."""

from __future__ import annotations

import pandas as pd
from suite import Area, refused, rows

case = Area(
    "Spark Connect",
    "https://docs.databricks.com/dev-tools/databricks-connect/python/limitations.html",
)
CLASSIC = "the session has a SparkContext; it is the absence over Connect that is promised"
ONLY_CONNECT = {"local": CLASSIC, "standalone": CLASSIC}


@case(
    "spark.sparkContext",
    "There is no SparkContext over Connect; the error names a way out.",
    not_on=ONLY_CONNECT,
)
def no_spark_context_over_connect(it):
    refused(lambda: it.spark.sparkContext, ("Connect", "connect"), ("spark.", "createDataFrame"))


@case(
    "DataFrame.rdd",
    "There are no RDDs over Connect; the error names mapInPandas or the like.",
    not_on=ONLY_CONNECT,
)
def no_rdd_over_connect(it):
    refused(lambda: it.spark.range(1).rdd, ("Connect", "connect"), ("mapInPandas", "applyInPandas"))


@case(
    "hyperopt.SparkTrials",
    "SparkTrials needs a SparkContext; the error names Trials.",
    source="https://docs.databricks.com/machine-learning/automl-hyperparam-tuning/index.html",
    not_on=ONLY_CONNECT,
)
def no_spark_trials_over_connect(it):
    def make():
        from hyperopt import SparkTrials

        return SparkTrials(parallelism=1)

    refused(make, ("Connect", "connect"), "Trials")


@case(
    "sparkContext, classic",
    "On classic compute there is a SparkContext.",
    not_on={"connect": "over Connect there is none, which the case above proves"},
)
def a_spark_context_on_classic(it):
    assert it.spark.sparkContext.parallelize([1, 2]).sum() == 3


@case("Python functions", "udf, pandas_udf, applyInPandas and mapInPandas run on every compute.")
def python_functions_run_everywhere(it):
    from pyspark.sql import functions as F

    table = it.table(id=[1, 2, 3], k=["a", "a", "b"])

    @F.pandas_udf("long")
    def twice(values: pd.Series) -> pd.Series:
        return values * 2

    def total(group: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"k": [group["k"].iloc[0]], "total": [group["id"].sum()]})

    frame = it.spark.table(table)
    assert rows(frame.select(twice("id"))) == [(2,), (4,), (6,)]
    assert rows(frame.groupBy("k").applyInPandas(total, "k STRING, total LONG")) == [
        ("a", 3),
        ("b", 3),
    ]


@case(
    "the same notebook",
    "The session says where it runs; the code above it stays the same.",
    source="https://spark.apache.org/docs/latest/spark-connect-overview.html",
)
def the_session_decides(it):
    kind = type(it.spark).__module__
    assert ("connect" in kind) == (it.environment == "connect")
    if it.environment != "connect":
        master = it.spark.conf.get("spark.master")
        assert master.startswith({"local": "local", "standalone": "spark://"}[it.environment])
