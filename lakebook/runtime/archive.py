"""Spark's classes as the JVM wants them, so that a session starts with half of the work.

A JVM reads, checks and links thousands of classes from Spark's JAR files at each start. Java can
keep them in an archive instead, which it maps into memory (application class data sharing, JEP
350). `python -m lakebook.runtime.archive` writes one; `make start` and `make test` call it after
installing. A JVM that cannot use it, another Java for instance, reads the JAR files in silence.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

SECONDS = 600

# What a session does first in most labs; classes that are used here are in the archive.
USUAL = """
import sys
from pathlib import Path

from lakebook.runtime import session

session.JVM_OPTIONS += f' "-XX:ArchiveClassesAtExit={sys.argv[1]}" -Xlog:disable'
spark = session.get_spark("archive")
from pyspark.ml.feature import StringIndexer, VectorAssembler
from pyspark.ml.regression import LinearRegression
from pyspark.sql import functions as F

spark.sql("CREATE SCHEMA main.usual")
rows = spark.range(100).withColumn("kind", F.when(F.col("id") % 2 == 0, "a").otherwise("b"))
rows.write.saveAsTable("main.usual.t")
rows.write.mode("append").saveAsTable("main.usual.t")
table = spark.table("main.usual.t")
table.groupBy("kind").agg(F.sum("id"), F.max_by("id", "kind")).orderBy("kind").collect()
table.join(rows, "id").select(F.udf(lambda n: n + 1, "long")("id")).toPandas()
window = "row_number() OVER (PARTITION BY kind ORDER BY id)"
spark.sql(f"SELECT kind, {window} FROM main.usual.t").collect()
folder = str(Path(sys.argv[1]).parent / "rows")
rows.write.parquet(folder)
rows.write.csv(folder + ".csv", header=True)
spark.read.csv(folder + ".csv", header=True, inferSchema=True).describe().collect()
indexed = StringIndexer(inputCol="kind", outputCol="k").fit(rows).transform(rows)
vectors = VectorAssembler(inputCols=["id", "k"], outputCol="features").transform(indexed)
LinearRegression(labelCol="id").fit(vectors).transform(vectors).count()
gateway = spark.sparkContext._gateway
spark.stop()
gateway.shutdown()
gateway.proc.stdin.close()
sys.exit(gateway.proc.wait())
"""


def file() -> Path:
    """Return where the archive of this environment is, or would be."""
    return Path(sys.prefix) / "share" / "lakebook" / f"spark-{version('pyspark')}.jsa"


def options() -> str:
    """Return the JVM's options for the archive, none where there is no archive."""
    found = file()
    return f' "-XX:SharedArchiveFile={found}" -Xlog:cds*=off' if found.is_file() else ""


def write() -> bool:
    """Write the archive, in one step; return whether there is one now."""
    target = file()
    target.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="lakebook-archive-") as folder:
        made = Path(folder, "spark.jsa")
        environment = {n: v for n, v in os.environ.items() if not n.startswith(("SPARK", "MLFLOW"))}
        environment |= {"LAKEBOOK_HOME": str(Path(folder, "home")), "LAKEBOOK_MASTER": "local[2]"}
        command = [sys.executable, "-c", USUAL, str(made)]
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            return False
        if done.returncode or not made.is_file():
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_suffix(f".{os.getpid()}")
        unfinished.write_bytes(made.read_bytes())
        unfinished.replace(target)
    return True


if __name__ == "__main__":
    sys.exit(0 if write() else 1)
