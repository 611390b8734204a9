"""`DeltaTable`, the table as an object."""

from __future__ import annotations

from suite import Area, refused, rows

case = Area("DeltaTable", "https://docs.delta.io/delta-update", on_workers=False)
UTILITY = "https://docs.delta.io/delta-utility"
BUILDER = "https://docs.delta.io/delta-batch"


def _object(it, path):
    from delta.tables import DeltaTable

    return DeltaTable.forPath(it.spark, path)


@case("DeltaTable.forPath, toDF", "forPath gives the table at a path, toDF its rows.")
def a_path_gives_a_table_object(it):
    table = _object(it, it.given(id=[1, 2]))
    assert rows(table.toDF()) == [(1,), (2,)]


@case("DeltaTable.forName", "forName takes a three-level name, and a short one where it is valid.")
def a_name_gives_a_table_object(it):
    from delta.tables import DeltaTable

    name = it.table(id=[1])
    it.sql("USE {s}")
    for known in (name, "t"):
        assert rows(DeltaTable.forName(it.spark, known).toDF()) == [(1,)]


@case("DeltaTable.isDeltaTable", "isDeltaTable says whether a path holds a table.")
def a_path_is_a_table_or_not(it):
    from delta.tables import DeltaTable

    assert DeltaTable.isDeltaTable(it.spark, it.given(id=[1])) is True
    assert DeltaTable.isDeltaTable(it.spark, it.path("nowhere")) is False


@case(
    "DeltaTable.forPath of nothing",
    "forPath of a path without a table raises an error that says so.",
    source="https://docs.databricks.com/error-messages/index.html",
)
def no_table_object_without_a_table(it):
    kinds = ("DELTA_MISSING_DELTA_TABLE", "DELTA_TABLE_NOT_FOUND", "DELTA_PATH_DOES_NOT_EXIST")
    refused(lambda: _object(it, it.path("nowhere")), kinds, "nowhere")


@case(
    "delete(condition)",
    "delete removes the rows for which a text condition is true.",
    on_workers=True,
)
def delete_takes_a_text(it):
    path = it.given(id=[1, 2, None])
    _object(it, path).delete("id > 1")
    assert rows(it.at(path)) == [(1,), (None,)]


@case("delete(column)", "The condition may be a Column; without one all rows go.")
def delete_takes_a_column_or_nothing(it):
    from pyspark.sql import functions as F

    path = it.given(id=[1, 2])
    _object(it, path).delete(F.col("id") == 1)
    assert rows(it.at(path)) == [(2,)]
    _object(it, path).delete()
    assert it.at(path).count() == 0
    assert it.at(path).columns == ["id"]


@case("update(condition, set)", "update sets columns to SQL expressions over the old row.")
def update_takes_texts(it):
    path = it.given(id=[1, 2], n=[10, 20])
    _object(it, path).update("id = 2", {"n": "n + id"})
    assert rows(it.at(path)) == [(1, 10), (2, 22)]


@case(
    "update(set) with Columns",
    "The values may be Columns, and without a condition all change.",
    on_workers=True,
)
def update_takes_columns(it):
    from pyspark.sql import functions as F

    path = it.given(id=[1, 2], name=["a", "b"])
    _object(it, path).update(set={"name": F.upper("name"), "id": F.lit(0)})
    assert rows(it.at(path)) == [(0, "A"), (0, "B")]


@case(
    "history",
    "history gives the versions, newest first, with operation and metrics.",
    source=UTILITY,
)
def history_is_newest_first(it):
    path = it.path()
    it.frame([(1,), (2,)], "id LONG").write.format("delta").save(path)
    _object(it, path).delete("id = 1")
    newest, oldest = _object(it, path).history().collect()
    assert (newest.version, newest.operation, newest.readVersion) == (1, "DELETE", 0)
    assert newest.operationMetrics["numDeletedRows"] == "1"
    assert "id" in newest.operationParameters["predicate"]
    assert (oldest.version, oldest.operation) == (0, "WRITE")
    assert oldest.operationMetrics["numOutputRows"] == "2"
    assert oldest.operationParameters["mode"] == "ErrorIfExists"


@case("history(limit)", "history(n) gives the last n versions.", source=UTILITY)
def history_has_a_limit(it):
    path = it.given(id=[1])
    it.append(path, id=[2])
    assert [row.version for row in _object(it, path).history(1).collect()] == [1]


@case(
    "detail",
    "detail gives format, location, partition columns, files, bytes and properties.",
    source=UTILITY,
)
def detail_describes_the_table(it):
    path = it.given(["day"], day=["mon", "tue"], n=[1, 2])
    (row,) = _object(it, path).detail().collect()
    assert (row.format, row.partitionColumns, row.numFiles) == ("delta", ["day"], 2)
    assert row.location.endswith(path)
    assert row.sizeInBytes > 0 and len(row.id) == 36
    assert (row.minReaderVersion, row.properties) == (1, {})


@case(
    "vacuum",
    "vacuum deletes files that no version in the retention period needs.",
    source=UTILITY,
    on_workers=True,
)
def vacuum_deletes_unneeded_files(it):
    path = it.given(id=[1])
    it.spark.range(2, 3).write.format("delta").mode("overwrite").save(path)
    before = len(list(it.folder.rglob("*.parquet")))
    _object(it, path).vacuum()
    assert len(list(it.folder.rglob("*.parquet"))) == before
    it.spark.conf.set("spark.databricks.delta.retentionDurationCheck.enabled", "false")
    try:
        _object(it, path).vacuum(0)
    finally:
        it.spark.conf.unset("spark.databricks.delta.retentionDurationCheck.enabled")
    assert len(list(it.folder.rglob("*.parquet"))) == before - 1
    assert rows(it.at(path)) == [(2,)]


@case(
    "vacuum, short retention",
    "A retention below 168 hours is refused, unless the check is switched off.",
    source=UTILITY,
)
def a_short_retention_is_refused(it):
    table = _object(it, it.given(id=[1]))
    refused(lambda: table.vacuum(1), "retentionDurationCheck", "168")


@case(
    "optimize().executeCompaction",
    "Compaction joins small files in one version that changes no row, and returns metrics.",
    source="https://docs.delta.io/optimizations-oss",
    on_workers=True,
)
def compaction_joins_files(it):
    path = it.given(id=[1])
    it.append(path, id=[2])
    (row,) = _object(it, path).optimize().executeCompaction().collect()
    assert (row.metrics.numFilesAdded, row.metrics.numFilesRemoved) == (1, 2)
    assert rows(it.at(path)) == [(1,), (2,)]
    assert _object(it, path).detail().first().numFiles == 1


@case(
    "optimize().where",
    "With where only the partitions that match are compacted.",
    source="https://docs.delta.io/optimizations-oss",
)
def compaction_of_some_partitions(it):
    path = it.given(["day"], day=["mon", "tue"], n=[1, 2])
    it.append(path, day=["mon", "tue"], n=[3, 4])
    _object(it, path).optimize().where("day = 'mon'").executeCompaction()
    assert _object(it, path).detail().first().numFiles == 3


@case(
    "optimize().executeZOrderBy",
    "Z-ordering rewrites the files by the columns and keeps every row.",
    source="https://docs.delta.io/optimizations-oss",
)
def z_ordering_keeps_rows(it):
    path = it.given(a=[3, 1, 2], b=[1, 3, 2])
    _object(it, path).optimize().executeZOrderBy("a", "b")
    assert rows(it.at(path)) == [(1, 3), (2, 2), (3, 1)]
    assert _object(it, path).history(1).first().operation == "OPTIMIZE"


@case(
    "DeltaTable.create",
    "The builder makes a table with columns, partitions and properties.",
    source=BUILDER,
)
def a_builder_makes_a_table(it):
    from delta.tables import DeltaTable

    builder = DeltaTable.createIfNotExists(it.spark).tableName(it.name()).comment("made")
    builder = builder.addColumn("id", "INT", nullable=False).addColumn("day", "DATE")
    builder.partitionedBy("day").property("owner", "me").execute()
    row = DeltaTable.forName(it.spark, it.name()).detail().first()
    assert (row.partitionColumns, row.description) == (["day"], "made")
    assert row.properties["owner"] == "me"
    assert it.spark.table(it.name()).schema.simpleString() == "struct<id:int,day:date>"


@case(
    "DeltaTable.convertToDelta",
    "A folder of Parquet files becomes a Delta table in place.",
    source=UTILITY,
    on_workers=True,
)
def parquet_becomes_delta(it):
    from delta.tables import DeltaTable

    path = it.path()
    it.spark.range(3).coalesce(1).write.parquet(path)
    DeltaTable.convertToDelta(it.spark, f"parquet.`{path}`")
    assert rows(it.at(path)) == [(0,), (1,), (2,)]
