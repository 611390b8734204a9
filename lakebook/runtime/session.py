"""A Spark session: one that exists, a cluster's, or a local one tuned for a small machine."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lakebook import workspace
from lakebook.errors import LakebookError
from lakebook.runtime import archive, python_daemon

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PARTITIONS = "4"
LOOPBACK = "127.0.0.1"

LOG_SETTINGS = Path(__file__).with_name("log4j2.properties")

# A short-lived JVM spends more on compiling well than it gains, and a parallel collector's
# threads have no core of their own on two cores.
# With one tier the JVM keeps 48 MB for compiled code. A search of some eighty models fills that;
# the compiler then stops, and says so on standard output, in the middle of a notebook.
# Memory is needed elsewhere too: by the usual ratios, 40 and 70, a heap grows by half more.
JVM_OPTIONS = (
    "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=160m -XX:+UseSerialGC "
    "-XX:MinHeapFreeRatio=20 -XX:MaxHeapFreeRatio=40 "
    f"-Dlog4j2.configurationFile={LOG_SETTINGS}"
)


def on_databricks() -> bool:
    """Return whether this process runs on the platform itself."""
    return "DATABRICKS_RUNTIME_VERSION" in os.environ


def reaches_databricks() -> bool:
    """Return whether sessions of this process are the platform's: on it, or over its Connect."""
    # The platform's Connect takes these fields to tell which of its clusters is meant.
    return on_databricks() or ";x-databricks-" in os.environ.get("SPARK_REMOTE", "")


def get_spark(app_name: str = "lakebook") -> SparkSession:
    """Return the active Spark session, or start the one that the environment asks for.

    An active session is returned as it is. Else ``SPARK_REMOTE`` (a Spark Connect address) or
    ``LAKEBOOK_MASTER`` (for example ``spark://host:7077``) decide; without them the session is
    local, with one task slot a core. ``LAKEBOOK_SPARK_UI=1`` switches the Spark UI on.
    The session knows Delta, catalogs and the platform's paths (`lakebook.runtime.surface`).

    Raises LakebookError if no Java is found or the session cannot be started; the message holds
    the last lines of the log.
    """
    from lakebook.runtime import surface

    # They repeat each error with its whole Java stack on one line, above the error itself.
    for repeating in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        logging.getLogger(repeating).setLevel(logging.CRITICAL)
    spark = _session(app_name)
    if not on_databricks() and type(spark).__module__.startswith("pyspark.sql.connect."):
        from lakebook.runtime import connect

        connect.install()
    elif not on_databricks():
        python_daemon.install()
    surface.install(spark)
    return spark


def _session(app_name: str) -> SparkSession:
    from pyspark.sql import SparkSession

    if active := SparkSession.getActiveSession():
        return active
    if on_databricks():
        return SparkSession.builder.getOrCreate()
    remote = os.environ.get("SPARK_REMOTE", "")
    if not remote.startswith("sc://"):
        _use_this_machine()
    if not remote:
        return _start(app_name)
    if remote.startswith("sc://"):
        from lakebook.runtime import connect

        connect.check(remote)
    return SparkSession.builder.getOrCreate()


def _use_this_machine() -> None:
    from lakebook.runtime.java import ensure_java

    os.environ["JAVA_HOME"] = str(ensure_java())
    # Workers must run the interpreter that has the packages, whatever `python3` is on the path.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)


def _start(app_name: str) -> SparkSession:
    from pyspark.sql import SparkSession

    log = workspace.path("logs", f"spark-{os.getpid()}.log")
    builder = SparkSession.builder.appName(app_name)
    scratch = Path(tempfile.mkdtemp(prefix="spark-", dir=workspace.path("spark", ".keep").parent))
    # Tables of a session go with it, so two labs at once, or one lab twice, never meet.
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    for key, value in settings(_master(), scratch).items():
        builder = builder.config(key, value)
    try:
        with _standard_error_to(log):
            spark = builder.getOrCreate()
    except Exception as error:
        tail = "\n".join(log.read_text("utf-8", "replace").splitlines()[-12:])
        raise LakebookError(
            f"Spark did not start on '{_master()}': {error}\n{tail}\nThe whole log: {log}"
        ) from error
    return spark


def _master() -> str:
    return os.environ.get("LAKEBOOK_MASTER", "local[*]")


def settings(master: str, scratch: Path) -> dict[str, str]:
    """Return Spark's settings for a session on this master, which keeps its files in `scratch`."""
    wanted = {
        "spark.master": master,
        "spark.ui.enabled": "true" if os.environ.get("LAKEBOOK_SPARK_UI") == "1" else "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.local.dir": str(scratch / "local"),
        "spark.driver.memory": "2g",
        "spark.driver.extraJavaOptions": JVM_OPTIONS + archive.options(),
    }
    if master.startswith(("local", f"spark://{LOOPBACK}:")):
        wanted |= {
            # The same on every machine, for a seeded split follows the partitions; and few.
            "spark.default.parallelism": PARTITIONS,
            "spark.sql.shuffle.partitions": PARTITIONS,
            # A laptop's own name may not resolve, with or without a network.
            "spark.driver.host": LOOPBACK,
            "spark.driver.bindAddress": LOOPBACK,
            # Functions that run in a worker's Python find the workspace of this process.
            "spark.executorEnv.LAKEBOOK_HOME": str(workspace.home()),
            "spark.python.daemon.module": python_daemon.MODULE,
        }
    if master.startswith("spark://"):
        from lakebook.runtime import cluster

        wanted |= cluster.settings(master)
    return wanted


@contextlib.contextmanager
def _standard_error_to(log: Path) -> Iterator[None]:
    """Send what the starting JVM writes to its standard error into a log.

    The JVM inherits the descriptor, so its later warnings go there too and stay out of the
    notebook, where they would appear at random.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with log.open("ab") as stream:
            os.dup2(stream.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
