"""The change data feed, compared with what delta-rs reads of the same log."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import deltalake
import pyarrow as pa
import pytest
from pyspark.sql import functions as F

from lakebook.runtime.delta import changes, maintenance, rows, write
from lakebook.runtime.delta.errors import DeltaError
from lakebook.runtime.delta.merge import INSERT, MATCHED, NOT_MATCHED, UPDATE, Clause, merge
from lakebook.runtime.delta.snapshot import Snapshot, commit_times

FEED = {"delta.enableChangeDataFeed": "true"}


@pytest.fixture(scope="module", params=[(), ("part",)], ids=["plain", "partitioned"])
def story(request, spark, tmp_path_factory):
    """Return a table with a version of each kind of change."""
    root = str(tmp_path_factory.mktemp("changes") / "a b ü")
    frame = spark.createDataFrame(
        [(i, f"n{i}", ["x", "y", None][i % 3]) for i in range(9)],
        "id int, name string, part string",
    )
    write.write(frame, root, partition_by=request.param, configuration=FEED)  # 0
    write.write(frame.withColumn("id", F.col("id") + 10), root)  # 1
    rows.delete(spark, root, "id in (1, 12)")  # 2
    rows.update(spark, root, {"name": "'new'"}, "id < 3")  # 3
    more = spark.createDataFrame([(4, "m", None), (50, "i", "q")], frame.schema).alias("s")
    clauses = [Clause(MATCHED, UPDATE), Clause(NOT_MATCHED, INSERT)]
    merge(spark, root, more, "t.id = s.id", clauses, alias="t")  # 4
    maintenance.optimize(spark, root)  # moves rows, changes none
    rows.delete(spark, root)
    maintenance.restore(spark, root, version=3)
    write.write(frame.limit(2), root, "overwrite")
    return root


def mine(frame) -> Counter:
    return Counter(
        (r["id"], r["name"], r["part"], r["_change_type"], r["_commit_version"])
        for r in frame.collect()
    )


def theirs(root, first, last=None) -> Counter:
    feed = deltalake.DeltaTable(root).load_cdf(first, last)
    names = ["id", "name", "part", "_change_type", "_commit_version"]
    return Counter(tuple(row[n] for n in names) for row in pa.table(feed).to_pylist())


def test_every_change_is_read_as_delta_rs_reads_it(spark, story):
    frame = changes.frame(spark, story, {"startingVersion": 0})
    assert frame.columns[-3:] == ["_change_type", "_commit_version", "_commit_timestamp"]
    found = mine(frame)
    assert found == theirs(story, 0)
    assert {kind for *_, kind, _ in found} == {
        "insert",
        "delete",
        "update_preimage",
        "update_postimage",
    }


def test_a_range_of_versions_has_both_its_ends(spark, story):
    part = changes.frame(spark, story, {"startingVersion": "2", "endingVersion": "3"})
    assert mine(part) == theirs(story, 2, 3)
    assert {row[0] for row in part.select("_commit_version").distinct().collect()} == {2, 3}


def test_a_range_of_times_takes_the_versions_in_it(spark, story):
    times = dict(commit_times(story))

    def text(ms):
        return dt.datetime.fromtimestamp(ms / 1000, dt.UTC).isoformat(timespec="milliseconds")

    options = {"startingTimestamp": text(times[2]), "endingTimestamp": text(times[4] + 1)}
    assert mine(changes.frame(spark, story, options)) == theirs(story, 2, 4)
    stamps = changes.frame(spark, story, {"startingVersion": 4, "endingVersion": 4})
    found = {row[0] for row in stamps.select(F.unix_millis("_commit_timestamp")).collect()}
    assert found == {times[4]}


def test_the_reader_takes_the_option(spark, story):
    reader = spark.read.format("delta").option("readChangeFeed", "true")
    assert mine(reader.option("startingVersion", 3).load(story)) == theirs(story, 3)


def test_versions_without_changes_give_an_empty_frame(spark, story):
    optimised = next(
        row["version"]
        for row in deltalake.DeltaTable(story).history()
        if row["operation"] == "OPTIMIZE"
    )
    only = {"startingVersion": optimised, "endingVersion": optimised}
    assert changes.frame(spark, story, only).count() == 0


def test_a_range_that_cannot_be_is_refused(spark, story):
    latest = Snapshot.open(story).version
    wrong = [
        ({}, "DELTA_NO_START_FOR_CDC_READ"),
        ({"startingVersion": 3, "endingVersion": 2}, "DELTA_INVALID_CDC_RANGE"),
        ({"startingVersion": latest + 1}, "Start version cannot be greater"),
        ({"startingVersion": 0, "startingTimestamp": "2026-01-01"}, "either provide"),
        ({"startingTimestamp": "2099-01-01"}, "DELTA_TIMESTAMP_GREATER_THAN_COMMIT"),
        ({"startingVersion": "two"}, "DELTA_INVALID_SOURCE_VERSION"),
    ]
    for options, said in wrong:
        with pytest.raises(DeltaError, match=said):
            changes.frame(spark, story, options)


def test_partitions_with_other_letters_are_found(spark, tmp_path):
    """delta-rs takes the URIs of change files for paths, so it cannot be the oracle here."""
    root = str(tmp_path / "50% ü#1")
    parts = ["x/y", "ü 1%20", "a=b#?", None]
    frame = spark.createDataFrame(list(enumerate(parts)), "id int, part string")
    write.write(frame, root, partition_by=["part"], configuration=FEED)
    rows.update(spark, root, {"part": "part || '!'"}, "id >= 0")
    found = changes.frame(spark, root, {"startingVersion": 1}).select("id", "part", "_change_type")
    expected = [(i, part, "update_preimage") for i, part in enumerate(parts)]
    expected += [(i, part and part + "!", "update_postimage") for i, part in enumerate(parts)]
    assert Counter(map(tuple, found.collect())) == Counter(expected)


def test_what_was_not_recorded_is_an_error_that_says_how_to_record(spark, tmp_path):
    root = str(tmp_path / "t")
    write.write(spark.range(3), root)
    deltalake.DeltaTable(root).alter.set_table_properties(FEED)
    write.write(spark.range(5, 6), root)
    with pytest.raises(DeltaError, match=r"DELTA_MISSING_CHANGE_DATA.*version \[0\].*ALTER TABLE"):
        changes.frame(spark, root, {"startingVersion": 0})
    assert changes.frame(spark, root, {"startingVersion": 1}).count() == 1
