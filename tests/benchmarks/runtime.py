"""Measure the runtime side by side with Spark's own, and print a table.

    python tests/benchmarks/runtime.py [--rows 1000000] [--repeat 3]

Every measurement alternates between the two that it compares, in one run on one machine, and
takes the median. Nothing here is asserted, for times depend on what else the machine does; what
can be asserted, `test_asserted.py` asserts.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

QUERIES = 40


class Line(NamedTuple):
    """One measurement: what, ours and theirs in seconds, and the aim that it is compared with."""

    what: str
    ours: float
    theirs: float
    aim: str


def main() -> int:
    """Measure all and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        os.environ |= {"LAKEBOOK_HOME": f"{folder}/home", "TMPDIR": folder}
        lines = measure(Path(folder), given.rows, given.repeat)
        lines.append(session_start(given.repeat))
    print(f"{given.rows:,} rows × 12 columns, median of {given.repeat}\n")
    print(f"{'':<44}{'Delta here':>12}{'Spark alone':>13}{'ratio':>8}   aim")
    for line in lines:
        ratio = line.ours / line.theirs
        print(
            f"{line.what:<44}{line.ours:>10.2f} s{line.theirs:>11.2f} s{ratio:>8.2f}   {line.aim}"
        )
    return 0


def measure(folder: Path, rows: int, repeat: int) -> list[Line]:
    """Return the measurements that share one session."""
    from lakebook.runtime.session import get_spark

    spark = get_spark("benchmark")
    frame = frame_of(spark, rows).cache()
    frame.count()
    delta, parquet = str(folder / "delta"), str(folder / "parquet")

    def write(kind: str, path: str) -> Callable[[], Any]:
        return lambda: frame.write.format(kind).mode("overwrite").save(path)

    def read(kind: str, path: str) -> Callable[[], Any]:
        # A sum over every column, so that none can be left out.
        sums = [f"sum(hash({name}))" for name in frame.columns]
        return lambda: spark.read.format(kind).load(path).selectExpr(*sums).collect()

    lines = [
        Line("write", *alternate(repeat, write("delta", delta), write("parquet", parquet)), "≤ 1.5")
    ]
    reads = alternate(repeat, read("delta", delta), read("parquet", parquet))
    lines.append(Line("read all columns", *reads, "≤ 1.5"))
    lines.append(_name(spark, repeat))
    spark.stop()
    return lines


def frame_of(spark: Any, rows: int) -> Any:
    """Return a frame of twelve columns of several types, made by Spark from numbers."""
    return spark.range(0, rows, 1, 4).selectExpr(
        "id",
        "id % 30 AS part",
        "int(id % 1000) AS a",
        "double(id) / 7 AS b",
        "float(id % 13) AS c",
        "string(id % 5000) AS d",
        "concat('name-', id % 77) AS e",
        "date_add(date'2026-01-01', int(id % 365)) AS f",
        "timestamp_seconds(1700000000 + id) AS g",
        "id % 2 = 0 AS h",
        "decimal(id % 10000) / 100 AS i",
        "IF(id % 10 = 0, NULL, id * 3) AS j",
    )


def _name(spark: Any, repeat: int) -> Line:
    """Compare a query of a named table with the same query of a temporary view, per query."""
    spark.range(100).coalesce(1).write.saveAsTable("main.default.small")
    location = spark.sql("DESCRIBE DETAIL main.default.small").first().location
    files = [str(file) for file in Path(location.removeprefix("file:")).glob("*.parquet")]
    spark.read.parquet(*files).createOrReplaceTempView("small_view")

    def ask(name: str) -> Callable[[], Any]:
        def run() -> None:
            for _ in range(QUERIES):
                spark.sql(f"SELECT max(id) FROM {name}").collect()

        return run

    ours, theirs = alternate(repeat, ask("main.default.small"), ask("small_view"))
    more = (ours - theirs) / QUERIES * 1000
    aim = f"< 20 ms a query more: {more:.1f} ms"
    return Line(f"{QUERIES} queries by three-level name", ours, theirs, aim)


def alternate(
    repeat: int, ours: Callable[[], Any], theirs: Callable[[], Any]
) -> tuple[float, float]:
    """Return the median seconds of both, run in turn after one run each that is not counted."""
    ours()
    theirs()
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeat):
        for kept, run in zip(times, (ours, theirs), strict=True):
            begun = time.perf_counter()
            run()
            kept.append(time.perf_counter() - begun)
    return statistics.median(times[0]), statistics.median(times[1])


OURS = """
import time; begun = time.perf_counter()
from lakebook.runtime.session import get_spark
get_spark(); print(time.perf_counter() - begun)
"""
# The same settings, so that what is compared is only what is added to the session.
BARE = """
import os, tempfile, time; begun = time.perf_counter()
from pathlib import Path
from lakebook.runtime.java import ensure_java
os.environ["JAVA_HOME"] = str(ensure_java())
from lakebook.runtime.session import settings
from pyspark.sql import SparkSession
builder = SparkSession.builder
for key, value in settings("local[*]", Path(tempfile.mkdtemp())).items():
    builder = builder.config(key, value)
builder.getOrCreate(); print(time.perf_counter() - begun)
"""


def session_start(repeat: int) -> Line:
    """Compare the start of a session with that of a bare one, each in a process of its own."""

    def seconds(program: str) -> float:
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return float(done.stdout.split()[-1])

    times = [(seconds(OURS), seconds(BARE)) for _ in range(repeat)]
    ours, bare = (statistics.median(kept) for kept in zip(*times, strict=True))
    return Line("session start", ours, bare, "≤ 1.3")


if __name__ == "__main__":
    sys.exit(main())
