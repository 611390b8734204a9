"""A Spark cluster of several processes on this machine, from the pyspark package alone.

A standalone master with workers, a Spark Connect server, or both. They outlive the command that
starts them; the file ``cluster.json`` of the workspace says which processes they are.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lakebook import workspace
from lakebook.errors import LakebookError

HOST = "127.0.0.1"
START_SECONDS = 120  # a JVM took 3 s here, and 20 s with seven others starting at once
STOP_SECONDS = 15
MASTER = "org.apache.spark.deploy.master.Master"
WORKER = "org.apache.spark.deploy.worker.Worker"
CONNECT = "org.apache.spark.sql.connect.service.SparkConnectServer"
TAIL = 12


@dataclass(frozen=True)
class Member:
    """One process; `started` (seconds since 1970) tells it from a later one of the same number."""

    name: str
    pid: int
    started: float


@dataclass(frozen=True)
class Cluster:
    """What was started. `cores` and `memory`, written as for Spark, are those of each worker."""

    workers: int
    cores: int
    memory: str
    master: str = ""
    page: str = ""
    remote: str = ""
    members: list[Member] = field(default_factory=list)


def load() -> Cluster | None:
    """Return what the workspace's last `start` left, or None. Its processes may have gone."""
    try:
        state = json.loads(_file().read_text("utf-8"))
        members = [Member(**member) for member in state.pop("members")]
        return Cluster(**state, members=members)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def alive(cluster: Cluster) -> list[Member]:
    """Return the members that still run."""
    return [member for member in cluster.members if _process(member) is not None]


def start(workers: int = 2, cores: int = 1, memory: str = "1g", connect: bool = False) -> Cluster:
    """Start a cluster and return it once every worker has registered.

    `cores` and `memory` are for each worker. With `connect` a Spark Connect server runs on the
    cluster, or without workers on this machine's own cores. Raises LakebookError if one runs
    already, a number makes no sense, or a process does not come up; then nothing is left behind.
    """
    _check(workers, cores, memory, connect)
    with workspace.lock("cluster"):
        if (found := load()) and (running := alive(found)):
            raise LakebookError(
                f"a cluster runs already ({', '.join(member.name for member in running)}); "
                "`lakebook cluster status` shows it, `lakebook cluster stop` ends it"
            )
        folder = _folder()
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        made: list[Member] = []
        try:
            cluster = _start(workers, cores, memory, connect, made)
        except BaseException:
            _end(made)
            raise
        workspace.write_atomic(_file(), json.dumps(asdict(cluster), indent=2))
        return cluster


def stop() -> list[Member]:
    """End the cluster and return the members that ran. Those of a crash are found as well."""
    with workspace.lock("cluster"):
        cluster = load()
        if cluster is None:
            return []
        ended = alive(cluster)
        _end(cluster.members)
        _file().unlink(missing_ok=True)
        shutil.rmtree(_folder(), ignore_errors=True)
        return ended


def registered(cluster: Cluster) -> int:
    """Return the number of workers that the master counts, 0 if it does not answer."""
    if not cluster.page:
        return 0
    try:
        with urllib.request.urlopen(f"{cluster.page}/json/", timeout=5) as answer:
            state: dict[str, Any] = json.load(answer)
    except (OSError, ValueError):
        return 0
    return sum(worker["state"] == "ALIVE" for worker in state["workers"])


def settings(master: str) -> dict[str, str]:
    """Return what a session on this standalone master needs: all the memory of our workers.

    A cluster that was started elsewhere has its own settings.
    """
    cluster = load()
    if cluster is None or cluster.master != master:
        return {}
    return {"spark.executor.memory": cluster.memory}


def _check(workers: int, cores: int, memory: str, connect: bool) -> None:
    if os.name == "nt":
        raise LakebookError("Spark's launchers for a cluster are shell scripts; use WSL on Windows")
    if workers < 0 or cores < 1 or (not workers and not connect):
        raise LakebookError(
            f"{workers} workers with {cores} cores are no cluster; take at least one of each, "
            "or --connect alone"
        )
    if not re.fullmatch(r"[1-9]\d*[mg]", memory):
        raise LakebookError(f"'{memory}' is not a size of memory; write 512m, 1g, 2g, …")
    if memory.endswith("m") and int(memory[:-1]) < 471:
        # 1.5 times the 300 MB that Spark reserves, and the heap is a little less than asked for.
        raise LakebookError(f"'{memory}' is less than Spark starts with; take 512m or more")


def _start(workers: int, cores: int, memory: str, connect: bool, made: list[Member]) -> Cluster:
    environment = _environment()
    # The memory of the master and of each worker itself; their executors have their own. It
    # would hold for the Connect server as well, which is a driver and needs more.
    daemons = environment | {"SPARK_DAEMON_MEMORY": "256m"}
    master = page = remote = ""
    if workers:
        port, web = _free_port(), _free_port()
        master, page = f"spark://{HOST}:{port}", f"http://{HOST}:{web}"
        numbers = ["--host", HOST, "--port", str(port), "--webui-port", str(web)]
        made.append(_run("master", ["spark-class", MASTER, *numbers], daemons))
    cluster = Cluster(workers, cores, memory, master, page)
    if workers:
        _wait(made, lambda: _listens(page.rsplit(":", 1)[1]), "the master does not answer")
    for number in range(1, workers + 1):
        options = ["--host", HOST, "--cores", str(cores), "--memory", memory]
        place = ["--webui-port", str(_free_port()), "--work-dir", str(_folder() / f"work-{number}")]
        command = ["spark-class", WORKER, *options, *place, master]
        made.append(_run(f"worker-{number}", command, daemons))
    if workers:
        _wait(made, lambda: registered(cluster) == workers, "not every worker has registered")
    if connect:
        port = _free_port()
        remote = f"sc://{HOST}:{port}"
        made.append(_run("connect", _connect_command(master, memory, port), environment))
        _wait(made, lambda: _listens(port), "the Connect server does not answer")
    return Cluster(workers, cores, memory, master, page, remote, list(made))


def _connect_command(master: str, memory: str, port: int) -> list[str]:
    from lakebook.runtime import session

    wanted = session.settings(master or "local[*]", _folder() / "connect") | {
        "spark.connect.grpc.binding.address": HOST,
        "spark.connect.grpc.binding.port": str(port),
    }
    if master:
        wanted["spark.executor.memory"] = memory
    # These two take effect only as options of the launcher, for they start the JVM.
    options = ["--master", wanted.pop("spark.master")]
    options += ["--driver-memory", wanted.pop("spark.driver.memory")]
    for key, value in wanted.items():
        options += ["--conf", f"{key}={value}"]
    return ["spark-submit", "--class", CONNECT, "--name", "Lakebook Connect", *options]


def _environment() -> dict[str, str]:
    from lakebook.runtime.java import ensure_java

    folder = _folder()
    return {
        # A session of this shell's environment is not that of the Connect server.
        **{name: value for name, value in os.environ.items() if name != "SPARK_REMOTE"},
        "SPARK_HOME": str(_spark_home()),
        "JAVA_HOME": str(ensure_java()),
        # Workers run the interpreter that has the packages, whatever `python3` is on the path.
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_DIRS": str(folder / "local"),
    }


def _spark_home() -> Path:
    import importlib.util

    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise LakebookError("pyspark is not installed; `make install` installs it")
    return Path(spec.origin).parent


def _run(name: str, command: Sequence[str], environment: Mapping[str, str]) -> Member:
    """Start a process that outlives this one, in a folder of its own, its output in a log."""
    folder = _folder() / name
    folder.mkdir()
    program = _spark_home() / "bin" / command[0]
    with _log(name).open("wb") as log:
        process = subprocess.Popen(
            ["/bin/bash", str(program), *command[1:]],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    import psutil

    return Member(name, process.pid, psutil.Process(process.pid).create_time())


def _wait(made: list[Member], ready: Any, complaint: str) -> None:
    """Return when `ready()` holds. Raises LakebookError with a log if it takes too long or ends."""
    end = time.monotonic() + START_SECONDS
    while not ready():
        gone = next((member for member in made if _process(member) is None), None)
        if gone is None and time.monotonic() < end:
            time.sleep(0.2)
            continue
        blamed = gone or made[-1]
        reason = f"the process '{blamed.name}' ended" if gone else complaint
        log = _log(blamed.name)
        tail = "\n".join(log.read_text("utf-8", "replace").splitlines()[-TAIL:])
        raise LakebookError(f"the cluster did not start: {reason}\n{tail}\nThe whole log: {log}")


def _process(member: Member) -> Any:
    """Return the running process of a member, None if it has gone or the number is another's."""
    import psutil

    try:
        process = psutil.Process(member.pid)
        same = abs(process.create_time() - member.started) < 1
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None


def _end(members: Sequence[Member]) -> None:
    """End the members, the last first, with the executors they started; kill what stays."""
    import psutil

    running = [process for member in reversed(members) if (process := _process(member))]
    family = list(running)
    for process in running:
        try:
            family += process.children(recursive=True)
            process.terminate()
        except psutil.NoSuchProcess:
            continue
    for process in psutil.wait_procs(family, timeout=STOP_SECONDS)[1]:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _listens(port: int | str) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, int(port))) == 0


def _file() -> Path:
    return workspace.path("cluster.json")


def _folder() -> Path:
    return workspace.path("cluster")


def _log(name: str) -> Path:
    # Beside the folder of the cluster, which goes with it: a log is read afterwards.
    return workspace.path("logs", f"cluster-{name}.log")
