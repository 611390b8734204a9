"""Delta as a source and a sink of streams: exactly once, also when the process dies."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import deltalake
import pytest
from pyspark.sql import functions as F

from lakebook.runtime.delta import log
from lakebook.runtime.delta.errors import DeltaError
from lakebook.runtime.delta.snapshot import Snapshot


@pytest.fixture
def source(spark, tmp_path) -> str:
    root = str(tmp_path / "source")
    for first in (0, 3):
        rows = spark.range(first, first + 3).withColumn("p", F.col("id") % 2)
        rows.write.format("delta").mode("append").partitionBy("p").save(root)
    return root


def append(spark, root, *ids, **more):
    rows = spark.createDataFrame([(i, i % 2) for i in ids], "id long, p long")
    rows.write.format("delta").mode("append").options(**more).save(root)


def copy(spark, source, tmp_path, *, name="copy", **options):
    """Run the stream from source to its copy until all is there; return the query."""
    query = (
        spark.readStream.format("delta")
        .options(**options)
        .load(source)
        .writeStream.format("delta")
        .option("checkpointLocation", str(tmp_path / f"{name}-checkpoint"))
        .trigger(availableNow=True)
        .start(str(tmp_path / name))
    )
    query.awaitTermination()
    return query


def ids(tmp_path, name="copy") -> list[int]:
    table = deltalake.DeltaTable(str(tmp_path / name)).to_pyarrow_table()
    return sorted(row["id"] for row in table.to_pylist())


def failure(action) -> str:
    with pytest.raises(Exception) as caught:
        action()
    return str(caught.value)


def test_a_stream_goes_on_where_it_stopped(spark, source, tmp_path):
    copy(spark, source, tmp_path)
    assert ids(tmp_path) == [0, 1, 2, 3, 4, 5]
    copy(spark, source, tmp_path)
    assert ids(tmp_path) == [0, 1, 2, 3, 4, 5]
    append(spark, source, 8, 9)
    copy(spark, source, tmp_path)
    assert ids(tmp_path) == [0, 1, 2, 3, 4, 5, 8, 9]


def test_the_first_batch_makes_the_table_with_its_partitions(spark, source, tmp_path):
    stream = spark.readStream.format("delta").load(source).writeStream.partitionBy("p")
    stream.option("checkpointLocation", str(tmp_path / "c")).trigger(availableNow=True).start(
        str(tmp_path / "copy")
    ).awaitTermination()
    made = Snapshot.open(str(tmp_path / "copy"))
    assert (made.version, made.partition_columns) == (0, ["p"])
    assert ids(tmp_path) == [0, 1, 2, 3, 4, 5]
    files = stream.option("checkpointLocation", str(tmp_path / "d")).format("parquet")
    files.start(str(tmp_path / "files")).awaitTermination()
    assert {path.name for path in (tmp_path / "files").iterdir()} >= {"p=0", "p=1"}


def test_a_batch_that_spark_runs_again_is_not_written_again(spark, source, tmp_path):
    """As when a process dies after the commit and before Spark's own note of it."""
    copy(spark, source, tmp_path)
    noted = tmp_path / "copy-checkpoint" / "commits"
    for file in noted.iterdir():
        file.unlink()
    before = Snapshot.open(str(tmp_path / "copy")).version
    copy(spark, source, tmp_path)
    assert ids(tmp_path) == [0, 1, 2, 3, 4, 5]
    assert Snapshot.open(str(tmp_path / "copy")).version == before


def test_a_new_checkpoint_is_a_new_stream(spark, source, tmp_path):
    copy(spark, source, tmp_path)
    (tmp_path / "copy-checkpoint").rename(tmp_path / "old")
    copy(spark, source, tmp_path)
    assert ids(tmp_path) == sorted([0, 1, 2, 3, 4, 5] * 2)


def test_the_first_batch_holds_the_table_as_it_is_and_not_its_past(spark, source, tmp_path):
    spark.createDataFrame([(7, 1)], "id long, p long").write.format("delta").mode("overwrite").save(
        source
    )
    copy(spark, source, tmp_path)
    assert ids(tmp_path) == [7]


def test_a_starting_version_reads_only_what_came_from_there(spark, source, tmp_path):
    copy(spark, source, tmp_path, startingVersion=1)
    assert ids(tmp_path) == [3, 4, 5]
    message = failure(lambda: copy(spark, source, tmp_path, name="late", startingVersion=9))
    assert "DELTA_VERSION_NOT_FOUND" in message and "[0, 1]" in message


def test_files_per_trigger_are_limited_and_none_is_lost(spark, source, tmp_path):
    query = copy(spark, source, tmp_path, maxFilesPerTrigger=1)
    assert ids(tmp_path) == [0, 1, 2, 3, 4, 5]
    files = len(Snapshot.open(source).files())
    assert len([p for p in query.recentProgress if p["numInputRows"]]) == files


def test_changed_rows_stop_a_stream_unless_it_is_told_to_skip_them(spark, source, tmp_path):
    copy(spark, source, tmp_path)
    options = {"replaceWhere": "id = 4"}
    rows = spark.createDataFrame([(4, 0)], "id long, p long")
    rows.write.format("delta").mode("overwrite").options(**options).save(source)
    message = failure(lambda: copy(spark, source, tmp_path))
    assert "DELTA_SOURCE_TABLE_IGNORE_CHANGES" in message and "skipChangeCommits" in message
    copy(spark, source, tmp_path, skipChangeCommits="true")
    assert ids(tmp_path) == [0, 1, 2, 3, 4, 5]
    append(spark, source, 20)
    copy(spark, source, tmp_path, skipChangeCommits="true")
    assert ids(tmp_path) == [0, 1, 2, 3, 4, 5, 20]


def test_the_change_feed_can_be_streamed(spark, tmp_path):
    from lakebook.runtime.delta import write

    root = str(tmp_path / "feed")
    feed = {"delta.enableChangeDataFeed": "true"}
    write.write(spark.range(4).coalesce(1), root, configuration=feed)
    write.write(spark.range(1), root, "overwrite", options={"replaceWhere": "id < 2"})
    copy(spark, root, tmp_path, readChangeFeed="true", startingVersion=0)
    rows = deltalake.DeltaTable(str(tmp_path / "copy")).to_pyarrow_table().to_pylist()
    found = sorted((r["_commit_version"], r["_change_type"], r["id"]) for r in rows)
    assert found == [(0, "insert", n) for n in range(4)] + [
        (1, "delete", 0),
        (1, "delete", 1),
        (1, "insert", 0),
    ]


def test_complete_mode_replaces_and_update_mode_is_refused(spark, source, tmp_path):
    counts = spark.readStream.format("delta").load(source).groupBy("p").count()
    writer = counts.writeStream.option("checkpointLocation", str(tmp_path / "c"))
    for _ in range(2):
        writer.outputMode("complete").trigger(availableNow=True).start(
            str(tmp_path / "counts")
        ).awaitTermination()
        append(spark, source, 100)
    rows = deltalake.DeltaTable(str(tmp_path / "counts")).to_pyarrow_table().to_pylist()
    assert sorted((r["p"], r["count"]) for r in rows) == [(0, 4), (1, 3)]
    update = counts.writeStream.outputMode("update").option("checkpointLocation", str(tmp_path))
    with pytest.raises(DeltaError, match=r"DELTA_STREAM_OUTPUT_MODE.*update"):
        update.format("delta").start(str(tmp_path / "x"))


def test_a_stream_without_a_checkpoint_is_refused(spark, source, tmp_path):
    stream = spark.readStream.format("delta").load(source)
    with pytest.raises(DeltaError, match="checkpointLocation must be specified"):
        stream.writeStream.format("delta").start(str(tmp_path / "x"))
    assert not (tmp_path / "x").exists()


def test_a_stream_into_a_table_by_name_and_out_of_it(spark, source, tmp_path):
    def run(reader, target):
        reader.writeStream.option("checkpointLocation", str(tmp_path / target)).trigger(
            availableNow=True
        ).toTable(f"main.default.{target}").awaitTermination()

    run(spark.readStream.format("delta").load(source), "streamed")
    run(spark.readStream.table("main.default.streamed"), "again")
    found = sorted(row.id for row in spark.table("main.default.again").collect())
    assert found == [0, 1, 2, 3, 4, 5]


def test_types_survive_a_stream(spark, tmp_path):
    from test_delta_write import EVERY_TYPE

    rows = spark.sql(EVERY_TYPE)
    rows.write.format("delta").save(str(tmp_path / "types"))
    copy(spark, str(tmp_path / "types"), tmp_path)
    back = spark.read.format("delta").load(str(tmp_path / "copy"))
    assert back.schema == spark.read.format("delta").load(str(tmp_path / "types")).schema
    assert sorted(map(str, back.collect())) == sorted(map(str, rows.collect()))


STREAM = """
import sys
from lakebook.runtime.session import get_spark
spark = get_spark()
source, target, checkpoint = sys.argv[1:]
query = (spark.readStream.format("delta").option("maxFilesPerTrigger", 1).load(source)
    .writeStream.format("delta").option("checkpointLocation", checkpoint).start(target))
print("running", flush=True)
query.awaitTermination()
"""


def test_a_stream_that_is_killed_loses_nothing_and_doubles_nothing(spark, tmp_path):
    source, target = str(tmp_path / "source"), str(tmp_path / "target")
    for n in range(12):
        append(spark, source, 2 * n, 2 * n + 1)
    arguments = [source, target, str(tmp_path / "checkpoint")]
    seen = -1
    for _ in range(2):
        child = subprocess.Popen(
            [sys.executable, "-c", STREAM, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            env=os.environ,
        )
        try:
            assert child.stdout is not None and child.stdout.readline() == "running\n"
            seen = _wait_for_batches(target, seen + 2)
            time.sleep(0.1)
        finally:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    query = (
        spark.readStream.format("delta")
        .load(source)
        .writeStream.format("delta")
        .option("checkpointLocation", arguments[2])
        .trigger(availableNow=True)
        .start(target)
    )
    query.awaitTermination()
    assert ids(tmp_path, "target") == list(range(24))


def _wait_for_batches(target: str, wanted: int) -> int:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        logs = Path(target, "_delta_log").glob("*.json")
        newest = max((int(re.sub(r"\D", "", path.name)) for path in logs), default=-1)
        if newest >= wanted:
            assert any("txn" in line for line in log.read_commit(target, newest))
            return newest
        time.sleep(0.02)
    raise AssertionError("the stream has written nothing for two minutes")
