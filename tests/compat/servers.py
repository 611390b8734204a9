"""The servers that an environment needs: a Spark Connect server, or a cluster of two workers."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

START_SECONDS = 90


@contextlib.contextmanager
def started(environment: str, folder: Path) -> Iterator[None]:
    """Start what `environment` needs and point this process at it."""
    if environment == "connect":
        with _connect(folder) as address:
            os.environ["SPARK_REMOTE"] = address
            yield
    elif environment == "standalone":
        with _standalone(folder) as address:
            os.environ["LAKEBOOK_MASTER"] = address
            yield
    else:
        yield


@contextlib.contextmanager
def _connect(folder: Path) -> Iterator[str]:
    port = _free_port()
    command = [
        *("spark-submit", "--class", "org.apache.spark.sql.connect.service.SparkConnectServer"),
        *("--master", "local[2]", "--driver-memory", "2g"),
        *("--conf", f"spark.connect.grpc.binding.port={port}"),
        *("--conf", "spark.ui.enabled=false", "--conf", "spark.default.parallelism=4"),
        *("--conf", "spark.sql.shuffle.partitions=4"),
        *("--conf", "spark.driver.extraJavaOptions=-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"),
        *("--conf", f"spark.sql.warehouse.dir={folder / 'warehouse'}", "spark-internal"),
    ]
    with _process(command, folder / "connect.log"):
        _wait_for(port)
        yield f"sc://127.0.0.1:{port}"


@contextlib.contextmanager
def _standalone(folder: Path) -> Iterator[str]:
    port = _free_port()
    master = "org.apache.spark.deploy.master.Master"
    worker = "org.apache.spark.deploy.worker.Worker"
    address = f"spark://127.0.0.1:{port}"
    with contextlib.ExitStack() as stack:
        command = ["spark-class", master, "--host", "127.0.0.1", "--port", str(port)]
        command += ["--webui-port", str(_free_port())]
        stack.enter_context(_process(command, folder / "master.log"))
        _wait_for(port)
        for number in (1, 2):
            command = ["spark-class", worker, "--host", "127.0.0.1", "--cores", "1"]
            command += ["--memory", "1g", "--webui-port", str(_free_port())]
            command += ["--work-dir", str(folder / f"worker{number}"), address]
            stack.enter_context(_process(command, folder / f"worker{number}.log"))
        yield address


@contextlib.contextmanager
def _process(command: list[str], log: Path) -> Iterator[None]:
    import pyspark

    from lakebook.runtime.java import ensure_java

    environment = os.environ | {
        "JAVA_HOME": str(ensure_java()),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_HOME": str(Path(pyspark.__file__).parent),
    }
    program = Path(pyspark.__file__).parent / "bin" / command[0]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [str(program), *command[1:]], env=environment, stdout=stream, stderr=stream
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise TimeoutError(f"nothing listens on port {port} after {START_SECONDS} s")
