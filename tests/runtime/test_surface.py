"""PySpark's own methods, taught Delta, three-level names and the platform's paths."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from pyspark.sql import functions as F

from lakebook.errors import LakebookError
from lakebook.runtime import patching, surface
from lakebook.runtime.delta.errors import DeltaError


@pytest.fixture(autouse=True)
def schema(spark, request) -> str:
    """Give each test a schema of its own, and put the session into it."""
    name = f"s_{zlib.crc32(request.node.name.encode())}"
    spark.sql(f"CREATE SCHEMA main.{name}")
    spark.sql(f"USE main.{name}")
    yield f"main.{name}"
    spark.sql("USE main.default")
    spark.sql(f"DROP SCHEMA main.{name} CASCADE")


def ids(frame) -> list:
    return sorted(row[0] for row in frame.collect())


def test_delta_is_the_format_where_none_is_named(spark, tmp_path):
    spark.range(3).write.save(str(tmp_path / "t"))
    assert (tmp_path / "t" / "_delta_log").is_dir()
    assert ids(spark.read.load(str(tmp_path / "t"))) == [0, 1, 2]
    spark.range(3).write.parquet(str(tmp_path / "p"))
    assert ids(spark.read.load(str(tmp_path / "p"))) == [0, 1, 2]
    assert ids(spark.table(f"delta.`{tmp_path}/t`")) == [0, 1, 2]


def test_a_table_has_one_meaning_by_one_two_or_three_names(spark, schema):
    spark.range(3).write.saveAsTable("t")
    for name in ("t", f"{schema[5:]}.t", f"{schema}.t", f"`main`.`{schema[5:]}`.`t`"):
        assert ids(spark.table(name)) == ids(spark.read.table(name)) == [0, 1, 2]
        assert spark.catalog.tableExists(name)


def test_the_save_modes_of_tables(spark):
    spark.range(3).write.saveAsTable("t")
    with pytest.raises(DeltaError, match="TABLE_OR_VIEW_ALREADY_EXISTS"):
        spark.range(9).write.saveAsTable("t")
    spark.range(9).write.mode("ignore").saveAsTable("t")
    spark.range(7, 8).write.mode("append").saveAsTable("t")
    assert ids(spark.table("t")) == [0, 1, 2, 7]
    spark.range(1).write.saveAsTable("t", mode="overwrite")
    assert ids(spark.table("t")) == [0]
    assert ids(spark.read.option("versionAsOf", 1).table("t")) == [0, 1, 2, 7]


def test_an_append_goes_by_name_and_an_insert_by_position(spark):
    spark.createDataFrame([(1, "a")], "id int, name string").write.saveAsTable("t")
    other = spark.createDataFrame([("b", 2)], "name string, id int")
    other.write.mode("append").saveAsTable("t")
    assert sorted(map(tuple, spark.table("t").collect())) == [(1, "a"), (2, "b")]
    with pytest.raises(DeltaError, match="DELTA_FAILED_TO_MERGE_FIELDS"):
        other.write.insertInto("t")
    spark.createDataFrame([(3, "c")], "x int, y string").write.insertInto("t", overwrite=True)
    assert sorted(map(tuple, spark.table("t").collect())) == [(3, "c")]
    with pytest.raises(DeltaError, match="1 column"):
        spark.range(1).write.insertInto("t")


def test_the_second_writer_api(spark):
    rows = spark.range(4).withColumn("p", F.col("id") % 2)
    rows.writeTo("t").partitionedBy(F.col("p")).tableProperty("owner.team", "a").create()
    rows.limit(0).writeTo("t").append()
    one = spark.createDataFrame([(9, 1)], "id long, p long")
    one.writeTo("t").overwritePartitions()
    assert ids(spark.table("t")) == [0, 2, 9]
    one.writeTo("t").overwrite(F.col("p") == 1)
    one.withColumn("new", F.lit(1)).writeTo("t").createOrReplace()
    assert spark.table("t").columns == ["id", "p", "new"]
    with pytest.raises(LakebookError, match="TABLE_OR_VIEW_NOT_FOUND"):
        one.writeTo("nowhere").append()


def test_a_table_at_a_path_stays_when_it_is_dropped(spark, tmp_path):
    where = str(tmp_path / "outside")
    spark.range(2).write.option("path", where).saveAsTable("t")
    assert spark.catalog.getTable("t").tableType == "EXTERNAL"
    spark.sql("DROP TABLE t")
    assert ids(spark.read.format("delta").load(where)) == [0, 1]


def test_a_managed_table_is_delta_and_goes_with_its_name(spark, schema, workspace_folder):
    with pytest.raises(DeltaError, match=r"csv.*hive_metastore"):
        spark.range(1).write.format("csv").saveAsTable("t")
    spark.range(1).write.saveAsTable("t")
    made = list((workspace_folder / "tables" / "main" / schema[5:]).rglob("_delta_log"))
    spark.sql("DROP TABLE t")
    assert len(made) == 1 and not made[0].exists()


def test_buckets_are_refused_and_not_forgotten(spark, tmp_path):
    writer = spark.range(1).write.bucketBy(4, "id")
    for save in (lambda: writer.save(str(tmp_path / "t")), lambda: writer.saveAsTable("t")):
        with pytest.raises(DeltaError, match="bucketing is not supported"):
            save()
    assert not spark.catalog.tableExists("t")


def test_sparks_own_catalog_stays_what_it_is(spark):
    spark.range(2).write.mode("overwrite").saveAsTable("hive_metastore.default.own")
    assert ids(spark.sql("SELECT * FROM hive_metastore.default.own")) == [0, 1]
    assert ids(spark.table("spark_catalog.default.own")) == [0, 1]
    assert not spark.catalog.tableExists("own")
    spark.range(5).createOrReplaceTempView("view_of_mine")
    assert ids(spark.table("view_of_mine")) == [0, 1, 2, 3, 4]
    spark.sql("DROP TABLE hive_metastore.default.own")


def test_a_temporary_view_wins_over_a_table_of_the_same_name(spark, schema):
    spark.range(3).write.saveAsTable("twice")
    spark.range(1).createOrReplaceTempView("twice")
    try:
        assert ids(spark.table("twice")) == ids(spark.sql("SELECT * FROM twice")) == [0]
        assert ids(spark.table(f"{schema}.twice")) == [0, 1, 2]
    finally:
        spark.catalog.dropTempView("twice")


def test_the_catalog_lists_what_is_there(spark, schema):
    spark.range(1).withColumn("p", F.lit(1)).write.partitionBy("p").saveAsTable("one")
    spark.sql("CREATE VIEW two AS SELECT id + 1 AS next FROM one")
    spark.sql("SELECT * FROM one").collect()
    spark.range(1).createOrReplaceTempView("passing")
    listed = {entry.name: entry for entry in spark.catalog.listTables()}
    assert set(listed) >= {"one", "two", "passing"}
    assert not [name for name in listed if name.startswith("__")]
    assert listed["one"].catalog == "main" and listed["one"].namespace == [schema[5:]]
    assert listed["two"].tableType == "VIEW" and listed["passing"].isTemporary
    assert [e.name for e in spark.catalog.listTables(pattern="on*")] == ["one"]
    columns = {column.name: column for column in spark.catalog.listColumns("one")}
    assert columns["p"].isPartition and not columns["id"].isPartition
    assert spark.catalog.currentCatalog() == "main"
    assert spark.catalog.currentDatabase() == schema[5:]
    assert "hive_metastore" in [entry.name for entry in spark.catalog.listCatalogs()]
    assert schema[5:] in [entry.name for entry in spark.catalog.listDatabases()]
    spark.sql("CREATE FUNCTION twice(x INT) RETURNS INT RETURN 2 * x")
    functions = {entry.name for entry in spark.catalog.listFunctions()}
    assert {"twice", "abs"} <= functions
    assert spark.catalog.functionExists("twice") and spark.catalog.functionExists("abs")
    assert spark.catalog.getFunction(f"{schema}.twice").catalog == "main"
    assert not spark.catalog.functionExists("thrice")
    assert spark.catalog.databaseExists(schema) and not spark.catalog.databaseExists("main.no")
    spark.catalog.dropTempView("passing")


def test_the_session_moves_between_catalogs(spark):
    spark.sql("CREATE CATALOG IF NOT EXISTS elsewhere")
    spark.catalog.setCurrentCatalog("elsewhere")
    spark.range(2).write.saveAsTable("moved")
    assert spark.catalog.currentDatabase() == "default"
    spark.catalog.setCurrentDatabase("main.default")
    assert ids(spark.table("elsewhere.default.moved")) == [0, 1]
    spark.catalog.setCurrentCatalog("spark_catalog")
    assert spark.catalog.currentDatabase() == "default"
    spark.catalog.setCurrentCatalog("main")
    spark.sql("DROP CATALOG elsewhere CASCADE")


def test_a_cached_table_is_read_from_memory_until_it_changes(spark):
    spark.range(3).write.saveAsTable("t")
    spark.catalog.cacheTable("t")
    assert spark.catalog.isCached("t")
    spark.range(5, 6).write.mode("append").saveAsTable("t")
    assert ids(spark.table("t")) == [0, 1, 2, 5]
    spark.catalog.uncacheTable("t")
    assert not spark.catalog.isCached("t")


def test_one_path_means_one_file_for_spark_python_and_dbutils(spark, schema):
    import pandas as pd

    from lakebook.runtime.dbutils import DBUtils
    from lakebook.runtime.files import install, uninstall

    spark.sql(f"CREATE VOLUME {schema}.files")
    root = f"/Volumes/{schema.replace('.', '/')}/files"
    install()
    try:
        Path(root, "a.csv").write_text("id,name\n1,ä\n")
        assert spark.read.csv(f"{root}/a.csv", header=True).collect()[0].name == "ä"
        assert spark.read.csv(f"dbfs:{root}/a.csv", header=True).count() == 1
        assert pd.read_csv(f"{root}/a.csv").name[0] == "ä"
        assert [entry.name for entry in DBUtils().fs.ls(root)] == ["a.csv"]
        spark.range(3).write.parquet(f"{root}/out")
        assert len(pd.read_parquet(f"{root}/out")) == 3
        spark.range(2).write.save(f"{root}/delta")
        assert spark.sql(f"SELECT count(*) FROM delta.`{root}/delta`").first()[0] == 2
        assert os.path.exists(f"{root}/delta/_delta_log")  # noqa: PTH110
    finally:
        uninstall()


def test_auto_loader_is_replaced_by_the_file_source(spark, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.json").write_text('{"id": 1}\n')
    reader = spark.readStream.format("cloudFiles").schema("id long")
    with pytest.raises(LakebookError, match=r"cloudFiles\.format"):
        reader.load(str(tmp_path / "in"))
    stream = reader.option("cloudFiles.format", "json").load(str(tmp_path / "in"))
    for _ in range(2):
        query = (
            stream.writeStream.option("checkpointLocation", str(tmp_path / "c"))
            .trigger(availableNow=True)
            .toTable("arrived")
        )
        query.awaitTermination()
    assert ids(spark.table("arrived")) == [1]


def test_a_batch_of_a_stream_stands_where_the_stream_was_started(spark, schema, tmp_path):
    spark.range(3).write.save(str(tmp_path / "in"))

    def each(batch, number):
        batch.write.mode("append").saveAsTable("by_batches")
        assert batch.sparkSession.sql("SELECT current_schema()").first()[0] == schema[5:]

    query = (
        spark.readStream.format("delta")
        .load(str(tmp_path / "in"))
        .writeStream.foreachBatch(each)
        .option("checkpointLocation", str(tmp_path / "c"))
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()
    assert ids(spark.table(f"{schema}.by_batches")) == [0, 1, 2]


def test_a_view_of_the_session_shows_the_newest_rows_of_a_table(spark):
    spark.range(2).write.saveAsTable("t")
    spark.sql("CREATE OR REPLACE TEMP VIEW seen AS SELECT * FROM t")
    spark.range(5, 6).write.mode("append").saveAsTable("t")
    assert ids(spark.table("seen")) == [0, 1, 5]
    spark.catalog.dropTempView("seen")


def test_patching_twice_changes_nothing(spark):
    before = type(spark).sql
    surface.install(spark)
    spark.__dict__.pop("_lakebook_prepared")
    surface.install(spark)
    assert type(spark).sql is before
    assert patching.original(type(spark), "sql") is not before


NATIVE = """
import os, sys
from pyspark.sql import SparkSession
before = SparkSession.sql
class Session:
    class conf:
        @staticmethod
        def get(key, default=None):
            return {"spark.sql.extensions": sys.argv[1]}.get(key, default)
from lakebook.runtime import surface
surface.install(Session())
assert SparkSession.sql is before, "patched"
assert "delta.tables" not in sys.modules
"""


@pytest.mark.parametrize("extension", ["io.delta.sql.DeltaSparkSessionExtension", "on Databricks"])
def test_where_delta_is_native_nothing_is_replaced(extension):
    more = {} if "io" in extension else {"DATABRICKS_RUNTIME_VERSION": "17.3"}
    done = subprocess.run(
        [sys.executable, "-c", NATIVE, extension],
        env={**os.environ, **more},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
