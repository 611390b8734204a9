"""Processes that are killed while they write a feature table, and two that write one at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lakebook import workspace
from lakebook.ml.feature_engineering import FeatureEngineeringClient
from lakebook.runtime import catalog
from lakebook.runtime.catalog import metadata
from lakebook.runtime.delta import errors

ROWS, LIMIT = 20_000, 120

START = """
import sys
from lakebook.ml.feature_engineering import FeatureEngineeringClient
from lakebook.runtime.session import get_spark
spark, fe = get_spark(), FeatureEngineeringClient()
name, rows = sys.argv[1], int(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
"""
WRITE = START + 'fe.write_table(name=name, df=spark.range(rows).selectExpr("id AS k", "2 AS v"))'
CREATE = (
    START
    + 'df = spark.range(rows).selectExpr("id AS k", "1 AS v")\n'
    + 'fe.create_table(name=name, primary_keys="k", df=df, description="theirs")'
)
MANY = (
    START
    + """
from lakebook.runtime.delta.errors import DeltaConcurrentModificationException
for batch in range(rows):
    df = spark.range(batch * 2, batch * 2 + 2).selectExpr("id AS k", "2 AS v")
    try:
        fe.write_table(name=name, df=df)
        print("wrote", batch, flush=True)
    except DeltaConcurrentModificationException:
        print("lost", batch, flush=True)
"""
)


@contextmanager
def process(program: str, name: str, rows: int) -> Iterator[subprocess.Popen[str]]:
    """Start a program with a session of its own, let it begin, and kill it with its JVM."""
    child = subprocess.Popen(
        [sys.executable, "-c", program, name, str(rows)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        start_new_session=True, env=os.environ,
    )  # fmt: skip
    try:
        assert child.stdin is not None and child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        child.stdin.write("\n")
        child.stdin.flush()
        yield child
    finally:
        # Its JVM is of its group and may live on when the program has ended.
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()


def kill_when(moment: Callable[[], bool], program: str, name: str) -> None:
    with process(program, name, ROWS) as child:
        until = time.monotonic() + LIMIT
        while not moment():
            # On a busy machine it may have come, and all the rest as well, since it was looked for.
            if child.poll() is not None:
                assert moment(), "it ended before the moment came"
                return
            assert time.monotonic() < until, "the moment did not come"
            time.sleep(0.002)


def files(folder: Path, pattern: str) -> set[Path]:
    while True:
        try:
            return set(folder.rglob(pattern))
        except FileNotFoundError:
            pass  # a folder of unfinished files has gone while it was looked through


@pytest.fixture
def fe():
    return FeatureEngineeringClient()


def make(spark, fe, name, rows=ROWS) -> Path:
    """Create a table in which each v is 1; return its folder."""
    df = spark.range(rows).selectExpr("id * 2 AS k", "1 AS v")
    fe.create_table(name=name, primary_keys="k", df=df)
    return Path(metadata.delta_root(catalog.require_table(catalog.resolve(spark, name))))


@pytest.mark.parametrize("moment", ["has just begun", "writes its files", "has made its version"])
def test_a_write_table_that_is_killed_leaves_the_version_before_or_its_own(
    spark, fe, schema, moment
):
    name = f"{schema}.killed"
    root = make(spark, fe, name)
    pattern = "*.json" if moment == "has made its version" else "*.parquet"
    before, begun = files(root, pattern), time.monotonic()
    versions = files(root, "*.json")
    moments = {"has just begun": lambda: time.monotonic() > begun + 0.2}
    kill_when(moments.get(moment, lambda: files(root, pattern) > before), WRITE, name)

    found = {tuple(row) for row in spark.table(name).collect()}
    old = {(2 * n, 1) for n in range(ROWS)}
    new = {(k, 1) for k, _ in old if k >= ROWS} | {(n, 2) for n in range(ROWS)}
    whole = files(root, "*.json") > versions
    assert whole or moment != "has made its version"
    assert found == (new if whole else old)
    assert fe.get_table(name=name).primary_keys == ["k"]
    fe.write_table(name=name, df=spark.range(ROWS).selectExpr("id AS k", "2 AS v"))
    assert {tuple(row) for row in spark.table(name).collect()} == new


@pytest.mark.parametrize("moment", ["writes its files", "has filled its folder"])
def test_a_create_table_that_is_killed_leaves_no_table_or_all_of_it(spark, fe, schema, moment):
    name = f"{schema}.killed"
    folder = workspace.path("tables", *name.split("."))
    # Version 0 makes the table, version 1 fills it.
    pattern = "*.parquet" if moment == "writes its files" else "*1.json"
    kill_when(lambda: bool(files(folder.parent, pattern)), CREATE, name)

    rows = spark.range(3).selectExpr("id AS k", "5 AS v")
    if catalog.find(catalog.resolve(spark, name)) is None:
        assert fe.create_table(name=name, primary_keys="k", df=rows).primary_keys == ["k"]
        assert spark.table(name).count() == 3
    else:
        assert moment == "has filled its folder"
        with pytest.raises(Exception, match="TABLE_OR_VIEW_ALREADY_EXISTS"):
            fe.create_table(name=name, primary_keys="k", df=rows)
        table = fe.get_table(name=name)
        assert (table.primary_keys, table.description) == (["k"], "theirs")
        assert spark.table(name).count() == ROWS


def test_of_two_processes_that_write_a_table_at_once_each_batch_is_in_it_or_its_writer_knows(
    spark, fe, schema
):
    name, batches = f"{schema}.shared", 4
    make(spark, fe, name, 1)
    written: dict[int, set[int]] = {1: set(), 2: set()}
    with process(MANY, name, batches) as child:
        for batch in range(batches):
            df = spark.range(batch * 2, batch * 2 + 2).selectExpr("1000 + id AS k", "1 AS v")
            try:
                fe.write_table(name=name, df=df)
                written[1].add(batch)
            except errors.DeltaConcurrentModificationException as error:
                assert "try the operation again" in str(error)
        said = child.stdout.read().split("\n")
        assert child.wait() == 0
    outcome = dict(line.split()[::-1] for line in said if line)
    assert len(outcome) == batches
    written[2] = {int(batch) for batch, how in outcome.items() if how == "wrote"}
    assert written[1] and written[2]
    theirs = {(2 * batch + n, 2) for batch in written[2] for n in (0, 1)}
    ours = {(1000 + 2 * batch + n, 1) for batch in written[1] for n in (0, 1)}
    first = set() if (0, 2) in theirs else {(0, 1)}
    assert sorted(map(tuple, spark.table(name).collect())) == sorted(theirs | ours | first)
