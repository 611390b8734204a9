"""Many writers at one table, and one that dies: never a broken table."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import deltalake
import pytest

from lakebook.runtime.delta import errors, log, read, write
from lakebook.runtime.delta.log import Actions, Add
from lakebook.runtime.delta.snapshot import Snapshot

WRITERS, EACH = 8, 3


@pytest.fixture
def root(tmp_path) -> str:
    return str(tmp_path / "table")


def oracle(root) -> list[int]:
    return sorted(row["id"] for row in deltalake.DeltaTable(root).to_pyarrow_table().to_pylist())


def test_eight_writers_append_at_once_and_every_row_is_there(spark, root):
    """They also race for the making of the table."""

    def append(writer: int) -> list[int]:
        start = writer * 10
        return [write.write(spark.range(start + n, start + n + 1), root) for n in range(EACH)]

    with ThreadPoolExecutor(WRITERS) as pool:
        versions = sorted(v for made in pool.map(append, range(WRITERS)) for v in made)
    assert versions == list(range(WRITERS * EACH))
    assert oracle(root) == sorted(w * 10 + n for w in range(WRITERS) for n in range(EACH))


def test_of_eight_who_overwrite_at_once_the_table_is_one_of_theirs(spark, root):
    write.write(spark.range(5), root)

    def overwrite(writer: int) -> int | None:
        try:
            write.write(spark.range(writer * 10, writer * 10 + 3), root, "overwrite")
        except errors.DeltaConcurrentModificationException:
            return None
        return writer

    with ThreadPoolExecutor(WRITERS) as pool:
        won = [writer for writer in pool.map(overwrite, range(WRITERS)) if writer is not None]
    found = oracle(root)
    assert won and found in [[w * 10, w * 10 + 1, w * 10 + 2] for w in won]
    # Who lost has left no file that the log does not know.
    logged = {
        log.disk_path(line["add"]["path"])
        for version in range(Snapshot.open(root).version + 1)
        for line in log.read_commit(root, version)
        if "add" in line
    }
    assert {path.name for path in Path(root).glob("*.parquet")} == logged


def test_of_two_who_fill_an_empty_table_by_overwriting_one_loses(spark, root, monkeypatch):
    """Neither removes a file, so only what each has read tells that they do not fit together."""
    write.create(spark, root, spark.range(1).schema)
    staged = write.stage.stage

    def slowly(*given, **more):
        monkeypatch.setattr(write.stage, "stage", staged)
        write.write(spark.range(3), root, "overwrite")
        return staged(*given, **more)

    monkeypatch.setattr(write.stage, "stage", slowly)
    with pytest.raises(errors.ConcurrentAppendException):
        write.write(spark.range(7, 9), root, "overwrite")
    assert oracle(root) == [0, 1, 2]


def committed(root, **changes) -> int:
    base = {"read_version": 0, "operation": "TEST"}
    return log.commit(root, Actions(**{**base, **changes}))


def add(name, **more) -> Add:
    return Add(name, 1, stats={"numRecords": 1}, **more)


@pytest.mark.parametrize(
    ("theirs", "ours", "error"),
    [
        ({"removes": [add("a")]}, {"removes": [add("a")]}, errors.ConcurrentDeleteDeleteException),
        (
            {"removes": [add("a")]},
            {"reads": frozenset({"a"})},
            errors.ConcurrentDeleteReadException,
        ),
        (
            {"adds": [add("n")], "removes": [add("a")]},
            {"reads_all": True},
            errors.ConcurrentAppendException,
        ),
        (
            {"metadata": {"id": "x", "schemaString": "{}", "partitionColumns": []}},
            {"adds": [add("b")]},
            errors.MetadataChangedException,
        ),
        (
            {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
            {"adds": [add("b")]},
            errors.ProtocolChangedException,
        ),
        ({"txn": ("s", 1)}, {"txn": ("s", 1)}, errors.ConcurrentTransactionException),
    ],
)
def test_what_another_writer_did_makes_ours_wrong(root, theirs, ours, error):
    committed(root, read_version=-1, adds=[add("a")])
    committed(root, **theirs)
    with pytest.raises(error, match="try the operation again"):
        committed(root, **ours)
    assert len(list(Path(root, "_delta_log").glob("*.json"))) == 2


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ({"adds": [add("n")]}, {"adds": [add("b")]}),
        ({"adds": [add("n")]}, {"removes": [add("a")], "reads_all": True}),
        ({"removes": [add("a")]}, {"adds": [add("b")]}),
        ({"txn": ("s", 1)}, {"txn": ("other", 1)}),
        (
            {"adds": [add("n", partition_values={"p": "2"})], "removes": [add("z")]},
            {"reads_all": True, "read_partitions": frozenset({(("p", "1"),)})},
        ),
    ],
)
def test_what_another_writer_did_may_stand_beside_ours(root, theirs, ours):
    committed(root, read_version=-1, adds=[add("a"), add("z")])
    committed(root, **theirs)
    assert committed(root, **ours) == 2


WRITER = """
import sys
from lakebook.runtime.session import get_spark
from lakebook.runtime.delta import write
spark = get_spark()
n = 0
print("ready", flush=True)
while True:
    rows = spark.range(n * 1000, n * 1000 + 1000)
    write.write(rows, sys.argv[1])
    n += 1
    print(n, flush=True)
"""


def test_a_writer_killed_in_the_middle_leaves_the_last_version_readable(spark, root):
    child = subprocess.Popen(
        [sys.executable, "-c", WRITER, root],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ,
    )
    try:
        assert child.stdout is not None
        for line in child.stdout:
            if line.strip() == "3":
                break
        time.sleep(0.15)
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    snapshot = Snapshot.open(root)
    rows = read.frame(spark, snapshot)
    assert rows.count() == (snapshot.version + 1) * 1000
    assert rows.distinct().count() == rows.count()
    write.write(spark.range(-5, 0), root)
    assert oracle(root)[:5] == [-5, -4, -3, -2, -1]


def test_a_commit_is_seen_whole_or_not_at_all(root):
    """A temporary file of the log is no version, whatever it holds."""
    committed(root, read_version=-1, adds=[add("a")], metadata=METADATA, protocol=PROTOCOL)
    (Path(root) / "_delta_log" / ".half.tmp").write_text('{"add": {"pa')
    assert Snapshot.open(root).version == 0
    assert committed(root, adds=[add("b")]) == 1
    assert len(Snapshot.open(root).files()) == 2


METADATA = {
    "id": "0",
    "format": {"provider": "parquet", "options": {}},
    "schemaString": json.dumps(
        {
            "type": "struct",
            "fields": [{"name": "id", "type": "long", "nullable": True, "metadata": {}}],
        }
    ),
    "partitionColumns": [],
    "configuration": {},
    "createdTime": 0,
}
PROTOCOL = {"minReaderVersion": 1, "minWriterVersion": 2}
