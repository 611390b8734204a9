"""Batch reads of Delta tables."""

from __future__ import annotations

from suite import Area, refused, rows

case = Area("Reading Delta tables", "https://docs.delta.io/delta-batch")


@case(
    'spark.read.format("delta").load',
    "A path that holds a Delta table loads as a DataFrame with the table's schema and rows.",
)
def a_path_loads_as_a_frame(it):
    path = it.given(id=[1, 2], name=["a", None])
    frame = it.spark.read.format("delta").load(path)
    assert [(f.name, f.dataType.simpleString()) for f in frame.schema] == [
        ("id", "bigint"),
        ("name", "string"),
    ]
    assert rows(frame) == [(1, "a"), (2, None)]


@case("spark.read.load", "`format().option().load()` and `load(path, format=…)` read the same.")
def the_format_may_be_an_argument(it):
    path = it.given(id=[1])
    it.append(path, id=[2])
    assert rows(it.spark.read.load(path, format="delta", versionAsOf=0)) == [(1,)]
    assert rows(it.spark.read.option("versionAsOf", 0).format("delta").load(path)) == [(1,)]


@case("delta.`path` in SQL", "A table is queried by its path as delta.`/path`.")
def a_path_is_a_table_in_sql(it):
    path = it.given(id=[1, 2, 3])
    assert rows(it.spark.sql(f"SELECT sum(id) FROM delta.`{path}`")) == [(6,)]


@case("spark.table", "spark.table takes delta.`/path` as well.")
def a_path_is_a_name_for_spark_table(it):
    assert rows(it.spark.table(f"delta.`{it.given(id=[4])}`")) == [(4,)]


@case(
    "partition filter",
    "A filter on a partition column reads only the files of the partitions it admits.",
    source="https://docs.databricks.com/tables/partitions.html",
)
def a_partition_filter_reads_only_its_files(it):
    path = it.given(["day"], day=["mon", "tue", "wed"], n=[1, 2, 3])
    every = it.at(path)
    # What is not read may be broken.
    (file,) = it.folder.rglob("day=mon/*.parquet")
    file.write_bytes(b"no Parquet")
    assert rows(every.filter("day <> 'mon'")) == [("tue", 2), ("wed", 3)]
    refused(lambda: every.collect(), file.name)


@case(
    "_metadata",
    "The hidden column _metadata.file_name names the file of each row, and is not in `*`.",
    source="https://docs.databricks.com/ingestion/file-metadata-column.html",
)
def the_file_of_a_row_is_known(it):
    frame = it.at(it.given(id=[1]))
    (row,) = frame.select("_metadata.file_name").collect()
    assert row.file_name.endswith(".parquet")
    assert frame.columns == ["id"]


@case(
    "DataFrame after a commit",
    "Tables update themselves: a frame loaded before a commit may show the rows after it.",
    source="https://docs.databricks.com/delta/history.html",
    differs="A frame keeps the version that was the latest when it was made, until it is made "
    "again: each action on one frame gives the same rows. The platform looks at the log again.",
)
def a_frame_keeps_its_version(it):
    path = it.given(id=[1])
    frame = it.at(path)
    it.append(path, id=[2])
    assert frame.count() == 1
    assert it.at(path).count() == 2


@case(
    "spark.read.schema",
    "A schema cannot be given for a Delta table that is read; its log has it.",
    source="https://docs.databricks.com/error-messages/index.html",
)
def a_schema_is_refused_at_read(it):
    path = it.given(id=[1])
    reader = it.spark.read.format("delta").schema("id STRING")
    refused(lambda: reader.load(path).collect(), "DELTA_UNSUPPORTED_SCHEMA_DURING_READ")


@case(
    "missing path",
    "Reading a path without a table is an error that names the path.",
    source="https://docs.databricks.com/error-messages/index.html",
)
def a_missing_path_is_named(it):
    kinds = ("DELTA_PATH_DOES_NOT_EXIST", "DELTA_TABLE_NOT_FOUND", "PATH_NOT_FOUND")
    refused(lambda: it.at(it.path("nowhere")).collect(), kinds, "nowhere")


@case(
    "folder without a log",
    "A folder of Parquet files without a log is not a Delta table.",
    source="https://docs.databricks.com/error-messages/index.html",
)
def parquet_alone_is_no_table(it):
    path = it.path("plain")
    it.spark.range(2).write.parquet(path)
    kinds = ("DELTA_TABLE_NOT_FOUND", "DELTA_MISSING_DELTA_TABLE", "is not a Delta table")
    refused(lambda: it.at(path).collect(), kinds)


@case("other engines", "What Spark writes other Delta readers read, rows, types and partitions.")
def another_engine_reads_what_is_written_here(it):
    from deltalake import DeltaTable

    path = it.path()
    frame = it.frame([(1, "x", 2.5), (2, "y", None)], "id INT, kind STRING, size DOUBLE")
    frame.write.format("delta").partitionBy("kind").save(path)
    table = DeltaTable(path)
    assert table.metadata().partition_columns == ["kind"]
    found = sorted(table.to_pyarrow_table().to_pylist(), key=lambda row: row["id"])
    assert found == [{"id": 1, "kind": "x", "size": 2.5}, {"id": 2, "kind": "y", "size": None}]
