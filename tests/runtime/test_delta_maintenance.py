"""History, details, vacuum, optimise and restore; and what happens when two change one table."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import deltalake
import pytest

from lakebook.runtime.delta import errors, log, maintenance, read, rows, stage, write
from lakebook.runtime.delta.errors import DeltaError
from lakebook.runtime.delta.merge import INSERT, MATCHED, NOT_MATCHED, UPDATE, Clause, merge
from lakebook.runtime.delta.snapshot import Snapshot, commit_times

UPSERT = [Clause(MATCHED, UPDATE), Clause(NOT_MATCHED, INSERT)]
CHECK = "spark.databricks.delta.retentionDurationCheck.enabled"


@pytest.fixture
def root(spark, tmp_path) -> str:
    """Return a table of three versions: eight rows in four files, two of each of two partitions."""
    where = str(tmp_path / "t")
    for start in (0, 4):
        frame = spark.range(start, start + 4).selectExpr("id", "cast(id % 2 as string) part")
        write.write(frame.coalesce(1), where, partition_by=["part"])
    rows.update(spark, where, {"id": "id + 100"}, "id = 7")
    return where


@pytest.fixture
def unchecked(spark):
    spark.conf.set(CHECK, "false")
    yield
    spark.conf.set(CHECK, "true")


def ids(root) -> list[int]:
    return sorted(row["id"] for row in deltalake.DeltaTable(root).to_pyarrow_table().to_pylist())


EIGHT = [0, 1, 2, 3, 4, 5, 6, 107]


def test_the_history_tells_each_version_newest_first(spark, root):
    found = maintenance.history(spark, root).collect()
    assert [row["version"] for row in found] == [2, 1, 0]
    assert [row["operation"] for row in found] == ["UPDATE", "WRITE", "WRITE"]
    newest = found[0]
    assert newest["readVersion"] == 1
    assert newest["isolationLevel"] == "WriteSerializable"
    assert newest["isBlindAppend"] is False and found[1]["isBlindAppend"] is True
    assert newest["operationParameters"]["predicate"] == '["id = 7"]'
    assert newest["operationMetrics"]["numUpdatedRows"] == "1"
    assert newest["engineInfo"] == "Lakebook"
    assert [int(row["timestamp"].timestamp() * 1000) for row in reversed(found)] == [
        time for _, time in commit_times(root)
    ]
    assert [row["version"] for row in maintenance.history(spark, root, 1).collect()] == [2]
    assert found[0].asDict().keys() >= {"userId", "userName", "job", "notebook", "clusterId"}


def test_the_detail_agrees_with_the_log(spark, root):
    found = maintenance.detail(spark, root).collect()
    assert len(found) == 1
    row = found[0]
    files = Snapshot.open(root).files()
    assert (row["format"], row["numFiles"]) == ("delta", len(files))
    assert row["sizeInBytes"] == sum(Path(root, f.path).stat().st_size for f in files)
    assert row["partitionColumns"] == ["part"]
    assert row["location"] == Path(root).as_uri()
    assert row["tableFeatures"] == ["appendOnly", "invariants"]


def test_vacuum_keeps_a_week_unless_it_is_told_twice(spark, root, unchecked):
    old = Snapshot.open(root, 1).files()
    gone = {f.path for f in old} - {f.path for f in Snapshot.open(root).files()}
    spark.conf.set(CHECK, "true")
    with pytest.raises(DeltaError, match=r"DELTA_VACUUM_RETENTION_PERIOD_TOO_SHORT.*168"):
        maintenance.vacuum(spark, root, 1)
    assert maintenance.vacuum(spark, root).collect() == []
    assert all(Path(root, path).exists() for path in gone)
    spark.conf.set(CHECK, "false")
    told = maintenance.vacuum(spark, root, 0, dry_run=True).collect()
    assert [row["path"] for row in told] == [f"file:{root}/{path}" for path in gone]
    assert len(gone) == 1
    assert all(Path(root, path).exists() for path in gone)
    maintenance.vacuum(spark, root, 0)
    assert not any(Path(root, path).exists() for path in gone)
    assert ids(root) == EIGHT
    with pytest.raises(DeltaError, match="DELTA_CANNOT_RESTORE_TABLE_VERSION"):
        maintenance.restore(spark, root, version=1)


def test_vacuum_leaves_what_another_writer_has_only_just_written(spark, root):
    staged = stage.stage(spark.range(3).selectExpr("id", "'0' part"), root, ["part"])
    maintenance.vacuum(spark, root)
    assert all(Path(root, file.path).exists() for file in staged)


def test_files_are_put_together_and_rows_stay(spark, root):
    before = Snapshot.open(root)
    done = maintenance.optimize(spark, root).collect()
    assert len(done) == 1
    metrics = done[0]["metrics"]
    assert (metrics["numFilesAdded"], metrics["numFilesRemoved"]) == (2, 4)
    assert metrics["filesRemoved"]["totalSize"] == sum(f.size for f in before.files())
    assert ids(root) == EIGHT
    assert read.frame(spark, Snapshot.open(root)).count() == 8
    moved = [
        entry
        for action in log.read_commit(root, Snapshot.open(root).version)
        for key, entry in action.items()
        if key in ("add", "remove")
    ]
    assert moved and not any(entry["dataChange"] for entry in moved)
    again = maintenance.optimize(spark, root).first()["metrics"]
    assert (again["numFilesAdded"], again["numFilesRemoved"]) == (0, 0)


def test_only_the_partitions_that_are_asked_for_are_laid_out(spark, root):
    before = Snapshot.open(root).files()
    done = maintenance.optimize(spark, root, ["t.part = '1'"], ["id"], alias="t")
    metrics = done.first()["metrics"]
    assert metrics["numFilesRemoved"] == 2
    assert metrics["totalConsideredFiles"] == 2
    assert metrics["zOrderStats"]["strategyName"] == "all"
    kept = {f.path for f in Snapshot.open(root).files()}
    assert {f.path for f in before if f.partition_values["part"] == "0"} < kept
    assert ids(root) == EIGHT
    wrong = {
        "DELTA_NON_PARTITION_COLUMN_REFERENCE": (["id = 1"], []),
        "DELTA_ZORDERING_ON_PARTITION_COLUMN": ([], ["part"]),
        "DELTA_ZORDERING_COLUMN_DOES_NOT_EXIST": ([], ["colour"]),
    }
    for condition, (where, zorder) in wrong.items():
        with pytest.raises(DeltaError, match=condition):
            maintenance.optimize(spark, root, where, zorder)


def test_an_older_version_is_restored_by_number_or_time(spark, root):
    times = dict(commit_times(root))
    row = maintenance.restore(spark, root, version=0).first()
    assert ids(root) == [0, 1, 2, 3]
    assert (row["num_of_files_after_restore"], row["num_restored_files"]) == (2, 0)
    assert row["num_removed_files"] == 2
    assert row["table_size_after_restore"] == sum(f.size for f in Snapshot.open(root).files())
    assert maintenance.history(spark, root, 1).first()["operation"] == "RESTORE"
    moment = dt.datetime.fromtimestamp(times[2] / 1000, dt.UTC).isoformat(timespec="milliseconds")
    maintenance.restore(spark, root, timestamp=moment)
    assert ids(root) == EIGHT
    with pytest.raises(DeltaError, match="DELTA_VERSION_NOT_FOUND"):
        maintenance.restore(spark, root, version=77)


def test_manifests_are_written_in_the_one_mode(spark, root):
    maintenance.generate(root, "symlink_format_manifest")
    found = list(Path(root, "_symlink_format_manifest").rglob("manifest"))
    assert len(found) == 2
    with pytest.raises(DeltaError, match="DELTA_UNSUPPORTED_GENERATE_MODE"):
        maintenance.generate(root, "csv")


def test_of_merges_at_once_each_is_whole_or_not_at_all(spark, tmp_path):
    where = str(tmp_path / "t")
    write.write(spark.range(6).selectExpr("id", "0L v").coalesce(1), where)

    def work(number: int) -> int | None:
        new = spark.range(3, 9).selectExpr("id", f"{number}L v").alias("s")
        try:
            merge(spark, where, new, "t.id = s.id", UPSERT, alias="t")
        except errors.DeltaConcurrentModificationException:
            return None
        return number

    with ThreadPoolExecutor(4) as pool:
        won = [number for number in pool.map(work, range(1, 5)) if number is not None]
    found = deltalake.DeltaTable(where).to_pyarrow_table().to_pylist()
    by_value = Counter(row["v"] for row in found)
    assert won and by_value[0] == 3
    # The last to commit has changed all its rows: each merge rewrites what the one before wrote.
    assert sorted(row["id"] for row in found if row["v"]) == list(range(3, 9))
    assert len(by_value) == 2 and (set(by_value) - {0}).pop() in won
    assert Snapshot.open(where).version == len(won)
    logged = {
        action["add"]["path"]
        for version in range(len(won) + 1)
        for action in log.read_commit(where, version)
        if "add" in action
    }
    assert {path.name for path in Path(where).glob("*.parquet")} == logged


KILLED = """
import os, signal, sys
from lakebook.runtime.session import get_spark
from lakebook.runtime.delta import log, merge
spark = get_spark()
# All files are written; the commit is what is missing.
log._put = lambda *arguments: os.kill(os.getpid(), signal.SIGKILL)
new = spark.range(3, 9).selectExpr("id", "cast(id % 2 as string) part").alias("s")
star = [merge.Clause(merge.MATCHED, merge.UPDATE), merge.Clause(merge.NOT_MATCHED, merge.INSERT)]
merge.merge(spark, sys.argv[1], new, "t.id = s.id", star, alias="t")
"""


def test_a_merge_killed_before_its_commit_leaves_the_last_version(spark, root):
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, root], env=os.environ, start_new_session=True
    )
    try:
        assert child.wait(timeout=300) == -signal.SIGKILL
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)  # its JVM as well
    assert ids(root) == EIGHT
    assert read.frame(spark, Snapshot.open(root)).count() == 8
    on_disk = {str(path.relative_to(root)) for path in Path(root).rglob("part=*/*.parquet")}
    assert on_disk - {f.path for v in range(3) for f in Snapshot.open(root, v).files()}
    rows.delete(spark, root, "id = 0")
    assert ids(root) == EIGHT[1:]
