"""`lakebook cluster`: a standalone cluster of several processes on this machine."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import textwrap
import time

import psutil
import pytest

from lakebook import workspace
from lakebook.errors import LakebookError
from lakebook.runtime import cluster, cluster_commands


def door(*arguments: str) -> int:
    """Run `lakebook cluster …` and return its exit status."""
    parser = argparse.ArgumentParser()
    cluster_commands.register(parser.add_subparsers())
    parsed = parser.parse_args(["cluster", *arguments])
    return int(parsed.run(parsed))


@pytest.fixture(scope="module")
def running(workspace_folder):
    """Return a cluster of two workers."""
    yield cluster.start(workers=2, cores=1, memory="1g")
    cluster.stop()


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """Give the test a workspace without a cluster."""
    monkeypatch.setenv("LAKEBOOK_HOME", str(tmp_path))
    return tmp_path


def test_a_session_computes_on_two_workers_with_this_environments_python(running):
    program = """
        import os, sys
        import pandas as pd
        from pyspark.sql.functions import pandas_udf
        from lakebook.runtime.session import get_spark
        spark = get_spark()
        print(spark.sparkContext.master, spark.sparkContext.getConf().get("spark.executor.memory"))
        @pandas_udf("string")
        def where(ids: pd.Series) -> pd.Series:
            import time
            time.sleep(1)
            said = f"{os.getppid()} {sys.executable == '%s'} {os.environ.get('LAKEBOOK_HOME')}"
            return pd.Series([said] * len(ids))
        found = {row[0] for row in spark.range(0, 8, 1, 4).select(where("id")).collect()}
        assert not any(said.startswith(f"{os.getpid()} ") for said in found)
        print(len(found), {said.split(" ", 1)[1] for said in found})
        print(spark.sparkContext.defaultParallelism)
    """.replace("%s", sys.executable)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env=os.environ | {"LAKEBOOK_MASTER": running.master},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first, second, third = done.stdout.splitlines()
    assert first == f"{running.master} 1g"
    assert second == f"2 {{'True {workspace.home()}'}}"
    assert third == "4"


def test_a_second_start_is_refused_and_the_first_goes_on(running):
    with pytest.raises(LakebookError, match=r"runs already \(master, worker-1, worker-2\).*stop"):
        cluster.start()
    assert len(cluster.alive(running)) == 3


def test_status_says_what_runs_and_the_line_to_set(running, capsys):
    assert door("status") == 0
    said = capsys.readouterr().out
    assert f"master: process {running.members[0].pid}" in said
    assert "2 of 2 workers with 1 core and 1g each registered" in said
    assert said.splitlines()[-1] == f"export LAKEBOOK_MASTER={running.master}"


def test_a_worker_that_died_is_noticed_and_the_rest_is_stopped(running, capsys):
    psutil.Process(running.members[2].pid).kill()
    end = time.monotonic() + 30
    while len(cluster.alive(running)) == 3 and time.monotonic() < end:
        time.sleep(0.1)
    assert door("status") == 1
    said = capsys.readouterr().out
    assert "worker-2: has ended" in said and "it is not whole" in said
    assert door("stop") == 0
    assert capsys.readouterr().out == "ended: master, worker-1\n"
    assert not cluster.alive(running)
    assert cluster.load() is None
    assert not workspace.path("cluster").exists()


def test_without_a_cluster_status_and_stop_say_so(empty, capsys):
    assert door("status") == 1
    assert door("stop") == 0
    assert capsys.readouterr().out == (
        "no cluster runs; `lakebook cluster start` starts one\nno cluster runs\n"
    )


def test_a_stale_state_ends_no_process_that_has_taken_the_number(empty, capsys):
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        state = {"workers": 1, "cores": 1, "memory": "1g", "master": "spark://127.0.0.1:1"}
        state["members"] = [{"name": "master", "pid": other.pid, "started": 1.0}]
        (empty / "cluster.json").write_text(json.dumps(state))
        assert door("status") == 1
        assert door("stop") == 0
        assert "master: has ended" in capsys.readouterr().out
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_broken_state_is_no_cluster(empty):
    (empty / "cluster.json").write_text('{"workers": ')
    assert cluster.load() is None
    assert cluster.stop() == []


def test_a_process_that_does_not_come_up_is_explained_and_nothing_is_left(empty, monkeypatch):
    monkeypatch.setattr(cluster, "WORKER", "org.apache.spark.deploy.worker.Wrker")
    with pytest.raises(LakebookError, match=r"(?s)process 'worker-1' ended.*Wrker.*whole log"):
        cluster.start(workers=1)
    assert cluster.load() is None
    assert not [
        process.pid
        for process in psutil.process_iter()
        if str(empty) in " ".join(_environment_of(process).values())
        and "org.apache.spark.deploy" in " ".join(process.info.get("cmdline") or [])
    ]


def _environment_of(process: psutil.Process) -> dict[str, str]:
    try:
        process.info = {"cmdline": process.cmdline()}
        return process.environ()
    except psutil.Error:
        process.info = {}
        return {}


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"workers": 0}, "0 workers with 1 cores are no cluster"),
        ({"cores": 0}, "2 workers with 0 cores are no cluster"),
        ({"memory": "1"}, "'1' is not a size of memory"),
        ({"memory": "256m"}, "'256m' is less than Spark starts with"),
    ],
)
def test_numbers_that_make_no_cluster_are_refused(empty, numbers, message):
    with pytest.raises(LakebookError, match=message):
        cluster.start(**numbers)
