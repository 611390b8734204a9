"""Volumes and files: one path for Spark, pandas, `open` and dbutils."""

from __future__ import annotations

from suite import Area, column, refused, rows

MANUAL = "https://docs.databricks.com/sql/language-manual"
case = Area("Volumes and files", "https://docs.databricks.com/en/volumes.html")
FILES = "https://docs.databricks.com/files/index.html"


def _volume(it, name="files"):
    it.sql(f"CREATE VOLUME {{s}}.{name}")
    return f"/Volumes/{it.schema.replace('.', '/')}/{name}"


@case(
    "CREATE VOLUME",
    "A volume is made in a schema; its files are under /Volumes.",
    source=f"{MANUAL}/sql-ref-volumes.html",
)
def a_volume_is_a_folder(it):
    from pathlib import Path

    root = _volume(it)
    Path(root, "a.txt").write_text("hello")
    with open(f"{root}/a.txt") as stream:  # noqa: PTH123
        assert stream.read() == "hello"
    refused(lambda: it.sql("CREATE VOLUME {s}.files"), "ALREADY_EXISTS", "files")


@case(
    "DESCRIBE VOLUME, SHOW VOLUMES",
    "A volume tells its name, schema, owner and type.",
    source=f"{MANUAL}/sql-ref-syntax-aux-describe-volume.html",
)
def a_volume_is_described(it):
    it.sql("CREATE VOLUME {s}.v COMMENT 'raw files'")
    row = it.sql("DESCRIBE VOLUME {s}.v").first().asDict()
    catalog, schema = it.schema.split(".")
    assert (row["name"], row["catalog"], row["database"]) == ("v", catalog, schema)
    assert (row["volumeType"], row["comment"]) == ("MANAGED", "raw files")
    assert column(it.sql("SHOW VOLUMES IN {s}"), "volumeName") == ["v"]


@case(
    "DROP VOLUME",
    "Dropping a managed volume takes its files away.",
    source=f"{MANUAL}/sql-ref-volumes.html",
)
def a_volume_goes_with_its_files(it):
    import os

    root = _volume(it)
    it.dbutils.fs.put(f"{root}/a.txt", "x")
    it.sql("DROP VOLUME {s}.files")
    assert not os.path.exists(f"{root}/a.txt")  # noqa: PTH110
    it.sql("DROP VOLUME IF EXISTS {s}.files")


@case("one path everywhere", "The same path works in Spark, pandas, open, pathlib and dbutils.")
def one_path_works_everywhere(it):
    from pathlib import Path

    import pandas as pd

    root = _volume(it)
    pd.DataFrame({"n": [1, 2]}).to_csv(f"{root}/a.csv", index=False)
    assert rows(it.spark.read.csv(f"{root}/a.csv", header=True, inferSchema=True)) == [(1,), (2,)]
    assert [entry.name for entry in it.dbutils.fs.ls(root)] == ["a.csv"]
    assert Path(root, "a.csv").read_text().splitlines() == ["n", "1", "2"]


@case("Spark writes into a volume", "What Spark writes there pandas and os.listdir see.")
def spark_writes_into_a_volume(it):
    import os

    import pandas as pd

    root = _volume(it)
    it.frame([(1,), (2,)], "n LONG").write.parquet(f"{root}/out")
    assert any(name.endswith(".parquet") for name in os.listdir(f"{root}/out"))  # noqa: PTH208
    assert pd.read_parquet(f"{root}/out")["n"].sum() == 3


@case(
    "a Spark model in a volume", "A pipeline of Spark ML is saved in a volume and loaded from it."
)
def a_spark_model_in_a_volume(it):
    from pathlib import Path

    from pyspark.ml import Pipeline, PipelineModel
    from pyspark.ml.feature import VectorAssembler

    root = _volume(it)
    made = Pipeline(stages=[VectorAssembler(inputCols=["id"], outputCol="x")]).fit(
        it.spark.range(2)
    )
    made.write().overwrite().save(f"{root}/model")
    assert Path(root, "model", "metadata").is_dir()
    loaded = PipelineModel.load(f"{root}/model").transform(it.spark.range(2))
    assert [row.x.toArray().tolist() for row in loaded.orderBy("id").collect()] == [[0.0], [1.0]]


@case("Delta in a volume", "A Delta table can be saved under a path of a volume and read there.")
def a_delta_table_in_a_volume(it):
    root = _volume(it)
    it.spark.range(2).write.format("delta").save(f"{root}/t")
    assert rows(it.spark.read.format("delta").load(f"{root}/t")) == [(0,), (1,)]
    assert rows(it.spark.sql(f"SELECT * FROM delta.`{root}/t`")) == [(0,), (1,)]


@case("files in SQL", "read_files and csv.`path` read files of a volume in SQL.", source=FILES)
def files_are_read_in_sql(it):
    root = _volume(it)
    it.dbutils.fs.put(f"{root}/a.json", '{"n": 1}\n{"n": 2}\n')
    assert rows(it.spark.sql(f"SELECT sum(n) FROM json.`{root}/a.json`")) == [(3,)]


@case("dbfs:/Volumes", "dbfs:/Volumes/… is the same place as /Volumes/….", source=FILES)
def a_volume_has_a_scheme_too(it):
    root = _volume(it)
    it.dbutils.fs.put(f"dbfs:{root}/a.txt", "one")
    assert rows(it.spark.read.text(f"dbfs:{root}/a.txt")) == [("one",)]
    assert it.dbutils.fs.head(f"{root}/a.txt") == "one"


@case("unknown volume", "Writing below /Volumes without a volume fails.", source=FILES)
def a_file_needs_a_volume(it):
    path = f"/Volumes/{it.schema.replace('.', '/')}/nosuch/a.txt"

    def write():
        with open(path, "w") as stream:  # noqa: PTH123
            stream.write("x")

    refused(write, "nosuch")


@case(
    "dbfs:/ and /dbfs",
    "A file of the DBFS root is dbfs:/… for Spark and dbutils, /dbfs/… for open.",
    source="https://docs.databricks.com/dbfs/index.html",
)
def the_old_root_has_two_spellings(it):
    from pathlib import Path

    it.dbutils.fs.put("dbfs:/old/a.txt", "kept", True)
    assert Path("/dbfs/old/a.txt").read_text() == "kept"
    assert rows(it.spark.read.text("dbfs:/old/a.txt")) == [("kept",)]


@case("file:/", "file:/… is the disk of the machine that runs the notebook.", source=FILES)
def the_machines_own_disk(it):
    path = it.path("own.txt")
    it.dbutils.fs.put(f"file:{path}", "mine")
    with open(path) as stream:  # noqa: PTH123
        assert stream.read() == "mine"


@case(
    "one file system",
    "Workers read paths of the driver only in shared storage: volumes, DBFS.",
    source=FILES,
    differs="Driver and workers share this machine's disk, so a plain path works in Spark as "
    "well. On the platform put files into a volume first.",
)
def workers_see_the_drivers_disk(it):
    path = it.path("plain.txt")
    with open(path, "w") as stream:  # noqa: PTH123
        stream.write("seen")
    assert rows(it.spark.read.text(path)) == [("seen",)]
