"""Batch writes: save modes, partitions, selective overwrites, idempotence."""

from __future__ import annotations

from suite import Area, refused, rows

case = Area("Writing Delta tables", "https://docs.delta.io/delta-batch")
ERRORS = "https://docs.databricks.com/error-messages/index.html"
SELECTIVE = "https://docs.databricks.com/delta/selective-overwrite.html"


@case('df.write.format("delta").save', "Writing to a new path makes version 0 of a table.")
def a_first_write_is_version_0(it):
    from deltalake import DeltaTable

    path = it.path()
    it.frame([(1, "a")], "id INT, name STRING").write.format("delta").save(path)
    assert DeltaTable(path).version() == 0
    assert rows(it.at(path)) == [(1, "a")]


@case('mode("append")', "Append adds rows and keeps those that are there.")
def append_adds(it):
    path = it.given(id=[1])
    it.spark.range(2, 4).write.format("delta").mode("append").save(path)
    assert rows(it.at(path)) == [(1,), (2,), (3,)]


@case('mode("overwrite")', "Overwrite replaces all rows in one version; the old one stays.")
def overwrite_replaces_and_keeps_the_past(it):
    path = it.given(id=[1])
    it.spark.range(5, 6).write.format("delta").mode("overwrite").save(path)
    assert rows(it.at(path)) == [(5,)]
    assert rows(it.spark.read.format("delta").option("versionAsOf", 0).load(path)) == [(1,)]


@case(
    'mode("overwrite") of itself',
    "A table may be overwritten with what a query reads from it.",
)
def a_table_is_overwritten_with_its_own_rows(it):
    path = it.given(id=[1, 2, 3])
    it.at(path).filter("id > 1").write.format("delta").mode("overwrite").save(path)
    assert rows(it.at(path)) == [(2,), (3,)]


@case(
    "errorifexists",
    "Without a mode, writing where a table is raises DELTA_PATH_EXISTS and changes nothing.",
    source=ERRORS,
)
def without_a_mode_a_table_is_safe(it):
    path = it.given(id=[1])
    refused(lambda: it.spark.range(9).write.format("delta").save(path), "DELTA_PATH_EXISTS", path)
    assert rows(it.at(path)) == [(1,)]


@case('mode("ignore")', "Ignore writes a new table and leaves one that exists as it is.")
def ignore_writes_only_once(it):
    path = it.path()
    for number in (1, 2):
        it.frame([(number,)], "id INT").write.format("delta").mode("ignore").save(path)
    assert rows(it.at(path)) == [(1,)]


@case("partitionBy", "The table is partitioned by the columns named, and says so.")
def partition_columns_are_kept_in_the_log(it):
    from deltalake import DeltaTable

    path = it.path()
    frame = it.frame([(1, "a", 1), (2, "b", 2)], "id INT, kind STRING, n INT")
    frame.write.format("delta").partitionBy("kind", "n").save(path)
    table = DeltaTable(path)
    assert table.metadata().partition_columns == ["kind", "n"]
    assert sorted(p["kind"] for p in table.partitions()) == ["a", "b"]
    assert it.at(path).columns == ["id", "kind", "n"]


@case(
    "partitionBy of an existing table",
    "Other partition columns than the table's are refused.",
    source="https://docs.databricks.com/aws/en/error-messages/delta-metadata-mismatch-error-class",
)
def other_partition_columns_are_refused(it):
    path = it.given(["day"], day=["mon"], n=[1])
    frame = it.frame([("tue", 2)], "day STRING, n LONG")
    writer = frame.write.format("delta").mode("append").partitionBy("n")
    refused(lambda: writer.save(path), ("artition columns", "artitioning", "partitioned by"))


@case("append by name", "Columns are matched by name, whatever their order and letter case.")
def columns_are_matched_by_name(it):
    path = it.given(id=[1], name=["a"])
    frame = it.frame([("b", 2)], "NAME STRING, id LONG")
    frame.write.format("delta").mode("append").save(path)
    assert rows(it.at(path)) == [(1, "a"), (2, "b")]
    assert it.at(path).columns == ["id", "name"]


@case(
    "missing columns",
    "A column of the table that the frame lacks is filled with null.",
    source="https://docs.databricks.com/aws/en/delta/update-schema",
)
def a_missing_column_becomes_null(it):
    path = it.given(id=[1], name=["a"])
    it.spark.range(2, 3).write.format("delta").mode("append").save(path)
    assert rows(it.at(path)) == [(1, "a"), (2, None)]


@case(
    "replaceWhere",
    "Overwrite with replaceWhere replaces exactly the rows that match, in one version.",
    source=SELECTIVE,
)
def replace_where_replaces_what_matches(it):
    path = it.given(day=["mon", "tue", "tue"], n=[1, 2, 3])
    frame = it.frame([("tue", 9)], "day STRING, n LONG")
    writer = frame.write.format("delta").mode("overwrite")
    writer.option("replaceWhere", "day = 'tue'").save(path)
    assert rows(it.at(path)) == [("mon", 1), ("tue", 9)]


@case(
    "replaceWhere, rows outside",
    "A row that does not match the predicate makes the write fail; nothing is changed.",
    source=SELECTIVE,
)
def replace_where_refuses_rows_outside(it):
    path = it.given(["day"], day=["mon", "tue"], n=[1, 2])
    frame = it.frame([("wed", 9)], "day STRING, n LONG")
    writer = frame.write.format("delta").mode("overwrite").option("replaceWhere", "day = 'tue'")
    refused(lambda: writer.save(path), "DELTA_REPLACE_WHERE_MISMATCH")
    assert rows(it.at(path)) == [("mon", 1), ("tue", 2)]


@case(
    "partitionOverwriteMode",
    "Dynamic overwrite replaces only the partitions for which there are new rows.",
    source=SELECTIVE,
)
def dynamic_overwrite_leaves_other_partitions(it):
    path = it.given(["day"], day=["mon", "tue"], n=[1, 2])
    frame = it.frame([("tue", 9)], "day STRING, n LONG")
    writer = frame.write.format("delta").mode("overwrite")
    writer.option("partitionOverwriteMode", "dynamic").save(path)
    assert rows(it.at(path)) == [("mon", 1), ("tue", 9)]


@case(
    "txnAppId, txnVersion",
    "A write with a transaction id and version that are recorded already is left out.",
    source="https://docs.delta.io/delta-streaming",
)
def a_repeated_transaction_writes_once(it):
    path = it.given(id=[0])
    for _ in range(2):
        writer = it.spark.range(1, 3).write.format("delta").mode("append")
        writer.option("txnAppId", "nightly").option("txnVersion", 7).save(path)
    assert rows(it.at(path)) == [(0,), (1,), (2,)]


@case(
    "userMetadata",
    "The option userMetadata is kept with the commit and shown in the history.",
    source="https://docs.delta.io/delta-batch",
)
def a_commit_carries_the_users_words(it):
    path = it.path()
    it.spark.range(1).write.format("delta").option("userMetadata", "first load").save(path)
    (row,) = it.spark.sql(f"DESCRIBE HISTORY delta.`{path}`").collect()
    assert row.userMetadata == "first load"


@case("empty frame", "A frame without rows makes an empty table with its schema.")
def an_empty_frame_makes_a_table(it):
    path = it.path()
    it.spark.range(3).filter("id > 9").write.format("delta").save(path)
    assert it.at(path).schema.simpleString() == "struct<id:bigint>"
    assert it.at(path).count() == 0


@case(
    "duplicate columns",
    "Two columns of one name, whatever their case, are refused.",
    source=ERRORS,
)
def two_columns_of_one_name_are_refused(it):
    frame = it.spark.sql("SELECT 1 AS a, 2 AS A")
    refused(
        lambda: frame.write.format("delta").save(it.path()),
        ("DELTA_DUPLICATE_COLUMNS_FOUND", "COLUMN_ALREADY_EXISTS"),
    )


@case(
    "a write that fails",
    "A job that fails half way leaves the table at its last version.",
    source="https://docs.delta.io/delta-intro",
)
def a_failed_write_leaves_the_last_version(it):
    path = it.given(id=[1])
    frame = it.spark.range(0, 4, 1, 2).selectExpr("100 DIV (id - 3) AS id")
    refused(lambda: frame.write.format("delta").mode("append").save(path), "DIVIDE_BY_ZERO")
    assert rows(it.at(path)) == [(1,)]
