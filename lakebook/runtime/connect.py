"""What cannot be done over Spark Connect says so, and names what can be done instead.

Over Connect the driver is another process, so what reaches into Spark's own Java objects has
nothing to reach for. The errors of the libraries say that; these say the way out as well.
"""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable
from types import ModuleType
from typing import Any

from pyspark.errors import PySparkAttributeError, PySparkNotImplementedError
from pyspark.sql.utils import is_remote

from lakebook.errors import LakebookError
from lakebook.runtime.later import when_imported

ELSEWHERE = "a session without Connect has it: unset SPARK_REMOTE and start the notebook again"
INSTEAD = {
    "sparkContext": "spark.createDataFrame makes a frame where parallelize made an RDD, "
    "spark.conf.get reads settings, spark.addArtifacts sends files, spark.addTag and "
    "spark.interruptTag stand for job groups",
    "rdd": "df.mapInPandas, df.groupBy(…).applyInPandas or a pandas_udf run Python on partitions, "
    "df.collect() fetches rows, pyspark.sql.functions.spark_partition_id tells partitions",
    "hyperopt.SparkTrials": "hyperopt.Trials() runs the same search one trial at a time; Optuna "
    "with study.optimize(…, n_jobs=…) runs trials at once on this machine",
    "mlflow.spark.log_model": "model.write().overwrite().save(path) keeps a Spark ML model, "
    "mlflow.log_artifacts(path) puts it into the run and PipelineModel.load(path) reads it; a "
    "scikit-learn model goes through mlflow.sklearn.log_model and is applied by "
    "mlflow.pyfunc.spark_udf",
    "mlflow.spark.load_model": "PipelineModel.load(path) reads a model that was saved by "
    "model.write().save(path); mlflow.pyfunc.spark_udf applies models of other libraries",
    "mlflow.pyspark.ml.autolog": "mlflow.log_params and mlflow.log_metrics record a fit of Spark "
    "ML, mlflow.sklearn.autolog() one of scikit-learn",
    "mlflow.spark.autolog": "mlflow.log_input(mlflow.data.from_spark(df)) records which data a run "
    "has read",
}
INSTEAD["mlflow.spark.save_model"] = INSTEAD["mlflow.spark.log_model"]


class NotOverConnect(LakebookError, PySparkNotImplementedError):
    """Something that needs the driver's own process."""


class AttributeNotOverConnect(LakebookError, PySparkAttributeError):
    """An attribute that is not there, so `hasattr` is false."""


def check(remote: str) -> None:
    """Raise LakebookError if no server listens at an address of this machine.

    Spark would try again for some ten minutes. An address elsewhere may lie behind a proxy, so
    it is left to Spark.
    """
    host, _, port = remote.removeprefix("sc://").partition("/")[0].partition(":")
    if host not in ("127.0.0.1", "localhost"):
        return
    try:
        socket.create_connection((host, int(port or 15002)), timeout=5).close()
    except (OSError, ValueError) as error:
        raise LakebookError(
            f"no Spark Connect server answers at SPARK_REMOTE '{remote}' ({error}); `lakebook "
            "cluster status` shows what runs, `lakebook cluster start --connect` starts one"
        ) from error


def install() -> None:
    """Teach the Connect classes and, once they are imported, hyperopt and MLflow to say so."""
    from pyspark.sql.connect import dataframe, session

    _explain_attribute(session.SparkSession, "sparkContext")
    frames: Any = dataframe.DataFrame
    frames.rdd = property(_no_rdd)
    when_imported("hyperopt.spark", _explain_trials)
    when_imported("mlflow.spark", _explain_models)
    when_imported("mlflow.pyspark.ml", _explain_autolog)


def _message(name: str) -> str:
    return (
        f"{name} cannot be used over Spark Connect, for it needs the driver's own "
        f"Java process. Instead: {INSTEAD[name]}. Or: {ELSEWHERE}"
    )


def _explain_attribute(owner: Any, name: str) -> None:
    own = owner.__getattr__
    if hasattr(own, "of_lakebook"):
        return

    def attribute(self: Any, asked: str) -> Any:
        if asked == name:
            raise AttributeNotOverConnect(_message(name), "JVM_ATTRIBUTE_NOT_SUPPORTED")
        return own(self, asked)

    vars(attribute)["of_lakebook"] = True
    owner.__getattr__ = attribute


def _no_rdd(self: Any) -> Any:
    raise NotOverConnect(_message("rdd"), "NOT_IMPLEMENTED")


def _refusing(own: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Return the function, which raises NotOverConnect while the session is one of Connect."""
    if hasattr(own, "of_lakebook"):
        return own

    @functools.wraps(own)
    def call(*args: Any, **kwargs: Any) -> Any:
        if is_remote():
            raise NotOverConnect(_message(name), "NOT_IMPLEMENTED")
        return own(*args, **kwargs)

    vars(call)["of_lakebook"] = True
    return call


def _explain_trials(module: ModuleType) -> None:
    trials = module.SparkTrials
    trials.__init__ = _refusing(trials.__init__, "hyperopt.SparkTrials")


def _explain_models(module: ModuleType) -> None:
    for name in ("log_model", "save_model", "load_model", "autolog"):
        setattr(module, name, _refusing(getattr(module, name), f"mlflow.spark.{name}"))


def _explain_autolog(module: ModuleType) -> None:
    vars(module)["autolog"] = _refusing(vars(module)["autolog"], "mlflow.pyspark.ml.autolog")
