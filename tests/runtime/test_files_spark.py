"""One path means one place in Spark, in dbutils, in pandas and in Python; SQL knows the widgets."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest
from IPython.utils.capture import capture_output

from lakebook.runtime import files


@pytest.fixture
def volume(spark):
    spark.sql("CREATE VOLUME IF NOT EXISTS main.default.paths")
    yield "/Volumes/main/default/paths"
    spark.sql("DROP VOLUME main.default.paths")


@pytest.mark.parametrize("prefix", ["", "dbfs:"])
def test_what_spark_writes_into_a_volume_is_read_by_everything(shell, spark, volume, prefix):
    fs = shell.user_ns["dbutils"].fs
    spark.range(3).coalesce(1).write.mode("overwrite").parquet(f"{prefix}{volume}/numbers")
    assert pd.read_parquet(f"{volume}/numbers")["id"].tolist() == [0, 1, 2]
    (part,) = [entry for entry in fs.ls(f"{volume}/numbers") if entry.name.startswith("part-")]
    assert part.size == Path(volume, "numbers", part.name).stat().st_size
    assert spark.read.parquet(part.path).count() == 3


@pytest.mark.parametrize(
    "root", ["/Volumes/main/default/paths/models", "dbfs:/tmp/models", "/tmp/models"]
)
def test_a_spark_model_is_saved_and_loaded_wherever_the_platform_has_a_path(
    shell, spark, volume, root
):
    from pyspark.ml import Pipeline, PipelineModel
    from pyspark.ml.feature import StandardScaler, StandardScalerModel, VectorAssembler

    stages = [VectorAssembler(inputCols=["id"], outputCol="x"), StandardScaler(inputCol="x")]
    made = Pipeline(stages=stages).fit(spark.range(3))
    for where, thing in ((f"{root}/pipeline", made), (f"{root}/stage", made.stages[1])):
        thing.write().overwrite().save(where)
        thing.write().overwrite().save(where)
        assert "metadata" in [
            entry.name.rstrip("/") for entry in shell.user_ns["dbutils"].fs.ls(where)
        ]
    assert PipelineModel.load(f"{root}/pipeline").stages[1].std == made.stages[1].std
    assert StandardScalerModel.read().load(f"{root}/stage").std == made.stages[1].std
    assert not Path("/tmp/models").exists()
    shell.user_ns["dbutils"].fs.rm(root, True)


def test_mlflow_logs_a_spark_model_through_a_folder_of_the_workspace(
    spark, workspace_folder, monkeypatch
):
    import mlflow
    from pyspark.ml import Pipeline
    from pyspark.ml.feature import VectorAssembler

    # MLflow asks for it in a program of its own; a shell made inside a test has none.
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None, raising=False)
    made = Pipeline(stages=[VectorAssembler(inputCols=["id"], outputCol="x")]).fit(spark.range(2))
    with mlflow.start_run():
        logged = mlflow.spark.log_model(made, artifact_path="model", pip_requirements=[])
    assert mlflow.spark.load_model(logged.model_uri).transform(spark.range(2)).count() == 2
    assert (workspace_folder / "tmp" / "mlflow").is_dir()


def test_a_spark_model_needs_a_volume_as_every_file_does(shell, spark):
    from pyspark.ml.feature import VectorAssembler

    stage = VectorAssembler(inputCols=["id"], outputCol="x")
    with pytest.raises(files.PathError, match=r"CREATE VOLUME main\.default\.none"):
        stage.save("/Volumes/main/default/none/stage")
    with pytest.raises(files.PathError, match="above the volumes"):
        stage.write().overwrite().save("/Volumes/main")


def test_a_volume_is_listed_in_its_schema(shell, volume):
    names = [entry.name for entry in shell.user_ns["dbutils"].fs.ls("/Volumes/main/default")]
    assert "paths/" in names


def test_spark_reads_what_python_and_dbutils_write(shell, spark, volume):
    with open(f"{volume}/a.csv", "w") as stream:  # noqa: PTH123
        stream.write("n\n1\n")
    shell.user_ns["dbutils"].fs.put(f"{volume}/b.csv", "n\n2\n", True)
    pd.DataFrame({"n": [3]}).to_csv(f"{volume}/c.csv", index=False)
    read = spark.read.csv(f"{volume}/*.csv", header=True, inferSchema=True)
    assert sorted(row.n for row in read.collect()) == [1, 2, 3]


def test_a_plain_path_is_the_same_for_spark_and_dbutils(shell, spark):
    fs = shell.user_ns["dbutils"].fs
    spark.range(2).write.mode("overwrite").json("/tmp/lakebook-test-out")
    assert any(entry.name.startswith("part-") for entry in fs.ls("/tmp/lakebook-test-out"))
    assert not Path("/tmp/lakebook-test-out").exists()
    assert spark.read.json("dbfs:/tmp/lakebook-test-out").count() == 2
    assert fs.rm("/tmp/lakebook-test-out", True)


def test_spark_reads_through_a_mount(shell, spark, tmp_path):
    fs = shell.user_ns["dbutils"].fs
    (tmp_path / "a.csv").write_text("n\n1\n")
    fs.mount(f"file:{tmp_path}", "/mnt/outside")
    try:
        assert spark.read.csv("/mnt/outside/a.csv", header=True).count() == 1
        assert spark.read.csv("dbfs:/mnt/outside", header=True).count() == 1
    finally:
        fs.unmount("/mnt/outside")


def test_a_volume_that_does_not_exist_is_named_by_spark_too(shell, spark):
    with pytest.raises(files.PathError, match=r"CREATE VOLUME main\.default\.none"):
        spark.read.csv("/Volumes/main/default/none/a.csv")


def test_sql_takes_the_values_of_widgets(shell):
    widgets = shell.user_ns["dbutils"].widgets
    widgets.text("low", "3")
    widgets.text("unused", "x")
    with capture_output():
        shell.run_cell("%sql\nSELECT id, ':low' AS text FROM range(6) WHERE id >= :low")
    assert [(row.id, row.text) for row in shell.user_ns["_sqldf"].collect()] == [
        (3, ":low"),
        (4, ":low"),
        (5, ":low"),
    ]


def test_sql_of_several_statements_in_the_platforms_form_keeps_the_last_result(shell):
    with capture_output() as shown:
        shell.run_cell("%sql SELECT 1 AS a;\n-- not; a statement\nSELECT ';' AS b")
    assert [row.b for row in shell.user_ns["_sqldf"].collect()] == [";"]
    assert len(shown.outputs) == 1
