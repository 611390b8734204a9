"""Over Spark Connect: the server of a cluster, what works there, and what says that it cannot."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

from lakebook.errors import LakebookError
from lakebook.runtime import cluster, connect
from lakebook.runtime.later import when_imported


@pytest.fixture(scope="module")
def server(workspace_folder):
    """Return the address of a Connect server on this machine's own cores."""
    yield cluster.start(workers=0, connect=True).remote
    assert [member.name for member in cluster.stop()] == ["connect"]


def run(program: str, remote: str) -> list[str]:
    """Return the lines that a program prints whose session is the server's."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env=os.environ | {"SPARK_REMOTE": remote},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_session_on_the_server_is_like_a_local_one(server):
    said = run(
        """
        import pandas as pd
        from pyspark.sql.functions import pandas_udf
        from lakebook.runtime.session import get_spark
        spark = get_spark()
        print(type(spark).__module__, get_spark() is spark)
        print(spark.conf.get("spark.sql.session.timeZone"))
        print(spark.conf.get("spark.sql.shuffle.partitions"))
        @pandas_udf("long")
        def doubled(n: pd.Series) -> pd.Series:
            return 2 * n
        print(spark.range(1000).select(doubled("id")).agg({"doubled(id)": "sum"}).first()[0])
        """,
        server,
    )
    assert said == ["pyspark.sql.connect.session True", "UTC", "4", "999000"]


def test_what_needs_the_drivers_process_names_what_to_use_instead(server):
    said = run(
        """
        import sys
        from lakebook.runtime.session import get_spark
        spark = get_spark()
        assert "hyperopt" not in sys.modules and "mlflow" not in sys.modules
        import hyperopt, mlflow
        import mlflow.pyspark.ml
        def attempt(call):
            try:
                print("no error:", call())
            except Exception as error:
                lineage = [kind.__name__ for kind in type(error).__mro__]
                assert "LakebookError" in lineage and "PySparkException" in lineage
                print(error.getCondition(), str(error).replace(chr(10), " "))
        attempt(lambda: spark.sparkContext)
        attempt(lambda: spark.range(1).rdd)
        attempt(lambda: hyperopt.SparkTrials(parallelism=2))
        attempt(lambda: mlflow.spark.log_model(None, "model"))
        attempt(lambda: mlflow.spark.load_model("models:/main.default.m/1"))
        attempt(lambda: mlflow.pyspark.ml.autolog())
        print(hasattr(spark, "sparkContext"), spark.range(3).id is not None)
        numbers = spark.range(10)
        best = hyperopt.fmin(
            lambda n: abs(numbers.filter(f"id < {n}").count() - 5),
            hyperopt.hp.quniform("n", 0, 10, 1),
            algo=hyperopt.tpe.suggest, max_evals=3, trials=hyperopt.Trials(),
            show_progressbar=False)
        print(list(best))
        """,
        server,
    )
    instead = ["addArtifacts", "mapInPandas", "hyperopt.Trials()", "model.write()",
               "PipelineModel.load", "mlflow.log_metrics"]  # fmt: skip
    for line, way_out in zip(said, instead, strict=False):
        assert "cannot be used over Spark Connect" in line
        assert way_out in line and "unset SPARK_REMOTE" in line
    assert said[0].startswith("JVM_ATTRIBUTE_NOT_SUPPORTED")
    assert said[2].startswith("NOT_IMPLEMENTED")
    assert said[len(instead) :] == ["False True", "['n']"]


def test_a_classic_session_keeps_what_it_can_do(spark):
    import hyperopt

    connect.install()
    assert spark.sparkContext.defaultParallelism == 4
    assert spark.range(3).rdd.count() == 3
    assert hyperopt.SparkTrials(parallelism=2).parallelism == 2


def test_a_server_that_is_not_there_is_named_at_once(monkeypatch):
    from lakebook.runtime import session

    monkeypatch.setenv("SPARK_REMOTE", "sc://127.0.0.1:1")
    monkeypatch.setattr("pyspark.sql.SparkSession.getActiveSession", lambda: None)
    with pytest.raises(LakebookError, match=r"no Spark Connect server answers at .*127\.0\.0\.1:1"):
        session.get_spark()


def test_a_cluster_of_databricks_is_left_to_spark_and_keeps_its_own_delta(monkeypatch):
    from lakebook.runtime import surface

    class OfThePlatform:
        """A session that nothing may be asked of, let alone set."""

    remote = "sc://databricks.example:443/;token=x;x-databricks-cluster-id=y"
    connect.check(remote)
    monkeypatch.setenv("SPARK_REMOTE", "sc://127.0.0.1:15002")
    with pytest.raises(AttributeError):
        surface.native(OfThePlatform())
    monkeypatch.setenv("SPARK_REMOTE", remote)
    assert surface.native(OfThePlatform())


def test_a_module_is_changed_when_it_is_imported_and_once(tmp_path, monkeypatch):
    (tmp_path / "made_later.py").write_text("value = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    changed = []

    def change(module):
        module.value += 1
        changed.append(module)

    when_imported("made_later", change)
    when_imported("made_later", change)
    assert "made_later" not in sys.modules
    import made_later

    assert made_later.value == 2
    assert changed == [made_later]
    assert type(made_later.__loader__).__name__ == "SourceFileLoader"
    when_imported("made_later", change)
    assert made_later.value == 3
