"""The change data feed."""

from __future__ import annotations

from suite import Area, refused, rows

case = Area("Change data feed", "https://docs.databricks.com/gcp/delta/delta-change-data-feed")
FEED = "TBLPROPERTIES (delta.enableChangeDataFeed = true)"


def _fed(it):
    """A table with a feed: version 1 has rows 1 and 2."""
    table = it.name()
    it.sql(f"CREATE TABLE {table} (id LONG, n LONG) {FEED}")
    it.sql(f"INSERT INTO {table} VALUES (1, 10), (2, 20)")
    return table


def _changes(it, table, start, end=None):
    reader = it.spark.read.option("readChangeFeed", "true").option("startingVersion", start)
    frame = (reader.option("endingVersion", end) if end is not None else reader).table(table)
    return frame.select("id", "n", "_change_type", "_commit_version")


@case(
    "readChangeFeed",
    "The feed of an insert has each row with _change_type, _commit_version, _commit_timestamp.",
)
def an_insert_is_in_the_feed(it):
    table = _fed(it)
    frame = it.spark.read.option("readChangeFeed", "true").option("startingVersion", 1).table(table)
    assert frame.columns == ["id", "n", "_change_type", "_commit_version", "_commit_timestamp"]
    assert frame.schema["_commit_version"].dataType.simpleString() == "bigint"
    assert frame.schema["_commit_timestamp"].dataType.simpleString() == "timestamp"
    assert rows(frame.drop("_commit_timestamp")) == [(1, 10, "insert", 1), (2, 20, "insert", 1)]


@case("update in the feed", "An update gives the row before and after: preimage and postimage.")
def an_update_is_two_changes(it):
    table = _fed(it)
    it.sql(f"UPDATE {table} SET n = 11 WHERE id = 1")
    assert rows(_changes(it, table, 2)) == [
        (1, 10, "update_preimage", 2),
        (1, 11, "update_postimage", 2),
    ]


@case("delete in the feed", "A delete gives the deleted rows and no others.")
def a_delete_is_a_change(it):
    table = _fed(it)
    it.sql(f"DELETE FROM {table} WHERE id = 2")
    assert rows(_changes(it, table, 2)) == [(2, 20, "delete", 2)]


@case("merge in the feed", "A merge gives its inserts, updates and deletes.")
def a_merge_is_in_the_feed(it):
    table = _fed(it)
    it.sql(
        f"MERGE INTO {table} t USING VALUES (1, NULL), (2, 22), (3, 30) s(id, n) ON t.id = s.id "
        "WHEN MATCHED AND s.n IS NULL THEN DELETE WHEN MATCHED THEN UPDATE SET * "
        "WHEN NOT MATCHED THEN INSERT *"
    )
    assert rows(_changes(it, table, 2)) == [
        (1, 10, "delete", 2),
        (2, 20, "update_preimage", 2),
        (2, 22, "update_postimage", 2),
        (3, 30, "insert", 2),
    ]


@case("startingVersion, endingVersion", "Both ends of a range of versions are included.")
def both_ends_are_included(it):
    table = _fed(it)
    for number in (3, 4):
        it.sql(f"INSERT INTO {table} VALUES ({number}, 0)")
    assert [row[3] for row in rows(_changes(it, table, 1, 2))] == [1, 1, 2]


@case(
    "table_changes",
    "The table function table_changes reads the feed of a range of versions.",
    source="https://docs.databricks.com/sql/language-manual/functions/table_changes.html",
)
def a_function_reads_the_feed(it):
    table = _fed(it)
    it.sql(f"DELETE FROM {table} WHERE id = 1")
    query = f"SELECT id, _change_type FROM table_changes('{table}', 1, 2) WHERE id = 1"
    assert rows(it.sql(query)) == [(1, "delete"), (1, "insert")]


@case("feed switched on later", "Changes before the feed was switched on cannot be read.")
def changes_before_the_feed_are_refused(it):
    table = it.table(id=[1], n=[10])
    it.sql(f"ALTER TABLE {table} SET {FEED}")
    it.sql(f"DELETE FROM {table} WHERE id = 1")
    assert rows(_changes(it, table, 2)) == [(1, 10, "delete", 2)]
    refused(
        lambda: _changes(it, table, 0).collect(),
        ("DELTA_MISSING_CHANGE_DATA", "DELTA_CHANGE_TABLE_FEED_DISABLED"),
    )


@case("readStream with the feed", "A stream of the feed goes on where it stopped.")
def a_stream_reads_the_feed(it):
    table, target, checkpoint = _fed(it), it.name("log"), it.path("checkpoint")

    def run():
        reader = it.spark.readStream.option("readChangeFeed", "true").option("startingVersion", 1)
        frame = reader.table(table).select("id", "_change_type")
        writer = frame.writeStream.option("checkpointLocation", checkpoint)
        writer.trigger(availableNow=True).toTable(target).awaitTermination()

    run()
    it.sql(f"DELETE FROM {table} WHERE id = 1")
    run()
    assert rows(it.spark.table(target)) == [(1, "delete"), (1, "insert"), (2, "insert")]
