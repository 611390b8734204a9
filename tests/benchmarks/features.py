"""Measure training sets of the feature store beside as-of joins made in other ways.

    python tests/benchmarks/features.py [--rows 1000000] [--keys 50000] [--repeat 3]

Every way joins the same rows in one run on one machine; what they find is compared, and then they
take turns. What is written goes nowhere (Spark's sink `noop`), so that only the join counts. Those
written by hand, and tempo, read Parquet; the feature store reads its Delta table; Feast reads the
same Parquet files, and returns a pandas frame. Nothing is asserted, for times depend on what else
the machine does: the run of one million rows takes some ten minutes on two cores.

dbl-tempo and Feast are installed for this alone, at fixed versions, below the workspace folder:
tempo, which is plain Python, beside the PySpark of this environment, so that it has the very same
session; Feast, which asks for other versions of much, in an environment of its own.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import psutil

TEMPO = "dbl-tempo==0.1.30"
FEAST = ("feast==0.67.0", "dask==2026.8.0", "numpy==2.4.6", "pandas==2.3.3", "pyarrow==26.0.1")
FEATURES = [f"f{index}" for index in range(10)]
YEAR = 365 * 86_400
# What takes so many times as long as the fastest runs only once.
SLOW = 3
# Of pairwise comparisons of all rows with all, as many as can be waited for.

Way = Callable[[Any, Any], Any]


class Found(NamedTuple):
    """What a join found: rows, rows with a value, and label × feature summed for each feature."""

    rows: int
    valued: int
    sums: tuple[float, ...]

    def agrees(self, other: Found) -> bool:
        """Return whether both found the same values; rows without any may be missing."""
        pairs = zip(self.sums, other.sums, strict=True)
        return self.valued == other.valued and all(math.isclose(*p, rel_tol=1e-9) for p in pairs)


@dataclass
class Times:
    """Seconds of one way: of each run, of these until its frame was there, of all CPUs."""

    wall: list[float] = field(default_factory=list)
    eager: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    note: str = ""

    @property
    def median(self) -> float:
        """Return the median of all runs but the first, or the first if it is the only one."""
        return statistics.median(self.wall[1:] or self.wall or [math.inf])

    def __str__(self) -> str:
        if not self.wall:
            return f"  {self.note}"
        later = slice(1 if len(self.wall) > 1 else 0, None)
        spread = f"{min(self.wall[later]):.1f}–{max(self.wall[later]):.1f}"
        eager, cpu = (statistics.median(kept[later]) for kept in (self.eager, self.cpu))
        return f"{self.wall[0]:>7.2f}{self.median:>8.2f}{spread:>12}{eager:>8.2f}{cpu:>7.1f}"


class Data(NamedTuple):
    """Where the rows are: two folders of Parquet, and the feature table made of the second."""

    spine: str
    features: str
    table: str


def main() -> int:
    """Measure all and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--keys", type=int, default=50_000)
    parser.add_argument("--hot", type=int, default=200_000, help="rows of the hot key")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--memory", type=int, nargs="*", default=[1, 4], help="times the rows")
    parser.add_argument("--without", nargs="*", default=[], choices=["tempo", "feast"])
    given = parser.parse_args()
    from lakebook import workspace

    installed = workspace.path("benchmarks", ".keep").parent
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        os.environ |= {"LAKEBOOK_HOME": f"{folder}/home", "TMPDIR": folder}
        hot = joins(Path(folder), installed, given)
        print(f"\nMemory of a training set, {given.hot:,} rows of one key on both sides\n")
        for factor in given.memory:
            print(f"{factor * given.rows:>12,} rows  {memory(hot[factor], Path(folder))}")
    return 0


def joins(folder: Path, installed: Path, given: argparse.Namespace) -> dict[int, Data]:
    """Print how long the joins take; return the data with a hot key, by size in times the rows."""
    from lakebook.runtime import tracking
    from lakebook.runtime.session import get_spark

    tracking.prepare()
    spark = get_spark("benchmark")
    spark.sql("CREATE SCHEMA main.benchmark")
    plain = make(spark, folder, "plain", given.rows, given.keys)
    hot = {
        factor: make(spark, folder, f"hot{factor}", factor * given.rows, given.keys, given.hot)
        for factor in sorted({1, *given.memory})
    }
    others: dict[str, Way] = {}
    missing: dict[str, Times] = {}
    if "tempo" not in given.without:
        try:
            others[TEMPO] = tempo(installed)
        except NotInstalled as error:
            missing[TEMPO] = Times(note=str(error))
    print(
        f"Spine of {given.rows:,} rows, table of {given.rows:,} rows over {given.keys:,} keys, "
        f"{len(FEATURES)} features; {os.cpu_count()} cores\n"
    )
    found, times = compare(spark, BY_HAND | others, plain, given.repeat)
    if "feast" not in given.without:
        times[FEAST[0]] = feast(installed, plain, found)
    report(times | missing)
    # These look at pairs of rows of a key, of which there are too many here: Spark's own as-of join
    # was stopped after five minutes.
    by_order = {name: way for name, way in (BY_HAND | others).items() if way not in PAIRWISE}
    print(f"\nThe same, {given.hot:,} rows of one key on both sides\n")
    report(compare(spark, by_order, hot[1], 1)[1])
    spark.stop()
    return hot


def make(spark: Any, folder: Path, name: str, rows: int, keys: int, hot: int = 0) -> Data:
    """Write a spine and a feature table, with the same rows in each run.

    On both sides the first `hot` rows have the key 0. Times are seconds of one year, no two the
    same on one side, for Feast takes rows of a spine with the same key and time for one.
    """
    from pyspark.sql import functions as F

    from lakebook.ml.feature_engineering import FeatureEngineeringClient

    def number(seed: int, below: int) -> Any:
        return F.expr(f"pmod(xxhash64(id, {seed}), {below})")

    def side(seed: int, step: int) -> Any:
        key = F.when(F.col("id") < hot, F.lit(0)).otherwise(number(seed, keys))
        second = F.pmod(F.col("id") * step + seed, F.lit(YEAR))
        at = F.timestamp_seconds(second + 1_700_000_000)
        return spark.range(0, rows, 1, 4).select("id", key.alias("key"), at.alias("ts"))

    data = Data(f"{folder}/{name}-spine", f"{folder}/{name}-features", f"main.benchmark.{name}")
    label = (number(1, 1_000_000) / 1e6).alias("label")
    side(2, 7_368_787).select("key", "ts", label).write.parquet(data.spine)
    values = [
        (number(seed, 1_000_000) / 1e6).alias(name) for seed, name in enumerate(FEATURES, start=4)
    ]
    side(3, 5_915_587).select("key", "ts", *values).write.parquet(data.features)
    FeatureEngineeringClient().create_table(
        name=data.table,
        primary_keys=["key", "ts"],
        timeseries_column="ts",
        df=spark.read.parquet(data.features),
    )
    return data


# Measuring


def compare(
    spark: Any, ways: dict[str, Way], data: Data, repeat: int
) -> tuple[Found, dict[str, Times]]:
    """Return what the joins found, in which all agree, and their times.

    Raises RuntimeError if a way finds other values than the first.
    """

    def frame_of(way: Way) -> Any:
        return way(spark.read.parquet(data.spine), spark.read.parquet(data.features))

    frames = {name: lambda way=way: frame_of(way) for name, way in ways.items()}
    # Ours comes last, so that its first call is that of a session which has joined before.
    frames[OURS] = lambda: training_set(spark, data)
    times = {name: Times() for name in frames}
    for name, frame in frames.items():
        once(spark, frame, times[name])
        _say(f"{name}: {times[name].wall[0]:.1f} s")
    fastest = min(kept.median for kept in times.values())
    turns = [name for name, kept in times.items() if kept.median <= SLOW * fastest]
    found = {}
    for name, frame in frames.items():
        found[name] = summary(frame())
        _say(f"{name}: {found[name].valued:,} of {found[name].rows:,} rows have a value")
    first = next(iter(found.values()))
    for name, other in found.items():
        if not other.agrees(first) or other.rows != first.rows:
            raise RuntimeError(f"{name} found {other}, and {next(iter(found))} {first}")
    for _ in range(repeat):
        for name in turns:
            once(spark, frames[name], times[name])
    return first, times


def once(spark: Any, frame: Callable[[], Any], times: Times) -> None:
    """Make the frame, write it nowhere, and note the times."""
    # What the last one left is not cleared away at the expense of this one.
    spark._jvm.System.gc()
    cpu, begun = _cpu(), time.perf_counter()
    made = frame()
    times.eager.append(time.perf_counter() - begun)
    made.write.format("noop").mode("overwrite").save()
    times.wall.append(time.perf_counter() - begun)
    times.cpu.append(_cpu() - cpu)


def _say(what: str) -> None:
    """Tell whoever waits how far it is; the tables alone go to standard output."""
    print(what, file=sys.stderr, flush=True)


def _cpu() -> float:
    """Return the CPU seconds of this process and of those that it has started, the JVM first."""
    this = psutil.Process()
    used = [process.cpu_times() for process in (this, *this.children(recursive=True))]
    return sum(one.user + one.system for one in used)


def summary(frame: Any) -> Found:
    from pyspark.sql import functions as F

    sums = [F.sum(F.col("label") * F.col(name)) for name in FEATURES]
    rows, valued, *rest = frame.agg(F.count("*"), F.count(FEATURES[0]), *sums).first()
    return Found(rows, valued, tuple(rest))


def report(times: dict[str, Times]) -> None:
    """Print a line for each way, and how the last of ours compares."""
    best = min(kept.median for name, kept in times.items() if name in BY_HAND)
    print(
        f"{'seconds':<44}{'first':>7}{'later':>8}{'spread':>12}{'eager':>8}{'CPU':>7}{'ratio':>8}"
    )
    for name, kept in times.items():
        ratio = f"{kept.median / best:>8.2f}" if kept.wall else ""
        print(f"{name:<44}{kept}{ratio}{'  ' + kept.note if kept.wall else ''}".rstrip())
    print(f"\nours / best by hand: {times[OURS].median / best:.2f} (aim ≤ 1.2)")
    for name in (TEMPO, FEAST[0]):
        if name in times and times[name].wall:
            ratio = times[name].median / times[OURS].median
            print(f"{name} / ours: {ratio:.2f} (aim > 1)")


# The ways

OURS = "create_training_set(…).load_df()"


def training_set(spark: Any, data: Data) -> Any:
    from lakebook.ml.feature_engineering import FeatureEngineeringClient, FeatureLookup

    found = FeatureEngineeringClient().create_training_set(
        df=spark.read.parquet(data.spine),
        feature_lookups=[FeatureLookup(data.table, "key", timestamp_lookup_key="ts")],
        label="label",
    )
    return found.load_df()


def interval(s: Any, f: Any) -> Any:
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    until = F.lead("ts").over(Window.partitionBy("key").orderBy("ts"))
    f = f.withColumn("until", until)
    within = (s.ts >= f.ts) & (f.until.isNull() | (s.ts < f.until))
    return s.join(f, (s.key == f.key) & within, "left").select(s["*"], *_features(f))


def union(s: Any, f: Any) -> Any:
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    value = F.struct(*FEATURES)
    none = F.lit(None).cast(f.select(value).schema[0].dataType)
    label = F.lit(None).cast("double")
    s = s.withColumns({"side": F.lit(1), "value": none})
    f = f.select("key", "ts", label.alias("label"), F.lit(0).alias("side"), value.alias("value"))
    order = Window.partitionBy("key").orderBy("ts", "side")
    last = F.last("value", ignorenulls=True).over(order.rowsBetween(Window.unboundedPreceding, 0))
    both = s.unionByName(f).withColumn("value", last).filter("side = 1")
    return both.select("key", "ts", "label", "value.*")


def as_of_in_sql(s: Any, f: Any) -> Any:
    s.sparkSession.conf.set("spark.sql.join.asofJoin.enabled", "true")
    features = ", ".join(f"f.{name}" for name in FEATURES)
    return s.sparkSession.sql(
        f"SELECT s.*, {features} FROM {{s}} s LEFT ASOF JOIN {{f}} f "
        "MATCH_CONDITION (s.ts >= f.ts) ON s.key = f.key",
        s=s, f=f,
    )  # fmt: skip


def latest(s: Any, f: Any) -> Any:
    from pyspark.sql import functions as F

    joined = s.join(f, (s.key == f.key) & (s.ts >= f.ts), "left")
    value = F.max_by(F.struct(*_features(f)), f.ts).alias("value")
    return joined.groupBy(s.key, s.ts, s.label).agg(value).select("key", "ts", "label", "value.*")


def _features(f: Any) -> list[Any]:
    return [f[name] for name in FEATURES]


BY_HAND: dict[str, Way] = {
    "interval join: lead, then an equal join": interval,
    "union, last struct of a window": union,
    "ASOF JOIN of Spark 4.3 (off by default)": as_of_in_sql,
    "equal join, max_by of the rows": latest,
}
PAIRWISE = (interval, latest, as_of_in_sql)


# Others' packages


class NotInstalled(Exception):
    """A package cannot be had; the message says why."""


def install(folder: Path, *options: str) -> None:
    """Run `uv pip install`. Raises NotInstalled with the last line of what it says."""
    done = _uv("pip", "install", "--quiet", *options)
    if done.returncode:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()] or ["no word"]
        raise NotInstalled(f"cannot be installed: {re.sub(r'https?://[^ ]+', '…', said[-1])}")
    (folder / "installed").touch()


def _uv(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("uv")
    return subprocess.run([str(program), *arguments], capture_output=True, text=True, check=False)


def tempo(installed: Path) -> Way:
    """Return the as-of join of dbl-tempo. Raises NotInstalled."""
    folder = installed / TEMPO.replace("==", "-")
    if not (folder / "installed").exists():
        # What it needs is here; by its own requirements it would bring another Spark.
        install(folder, "--no-deps", "--target", str(folder), TEMPO)
    sys.path.append(str(folder))
    from tempo import TSDF

    def join(s: Any, f: Any) -> Any:
        left, right = (TSDF(side, ts_col="ts", partition_cols=["key"]) for side in (s, f))
        joined = left.asofJoin(right, right_prefix="f").df
        return joined.select("key", "ts", "label", *[joined[f"f_{n}"].alias(n) for n in FEATURES])

    return join


def feast(installed: Path, data: Data, expected: Found) -> Times:
    """Return the time of Feast's file offline store, or why there is none."""
    folder = installed / FEAST[0].replace("==", "-")
    python = folder / "bin" / "python"
    if not (folder / "installed").exists():
        _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
        try:
            install(folder, "--python", str(python), *FEAST)
        except NotInstalled as error:
            return Times(note=str(error))
    program = Path(__file__).with_name("features_feast.py")
    done = subprocess.run(
        [str(python), str(program), data.spine, data.features],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        return Times(note=f"failed: {(done.stderr.splitlines() or ['no word'])[-1]}")
    told = json.loads(done.stdout.splitlines()[-1])
    found = Found(told["rows"], told["valued"], tuple(told["sums"]))
    if not found.agrees(expected):
        raise RuntimeError(f"Feast found {found}, and the others {expected}")
    note = f"peak {told['peak_mb']:,.0f} MB; rows without a value are lost: "
    note += f"{expected.rows - found.rows:,}"
    return Times([told["seconds"]], [0.0], [told["cpu"]], note)


# Memory

ONE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from features import Data, training_set
from lakebook.runtime.session import get_spark
spark = get_spark("memory")
training_set(spark, Data(*sys.argv[2:])).write.format("noop").mode("overwrite").save()
none = spark._jvm.java.util.ArrayList()
quantiles = spark._sc._gateway.new_array(spark._jvm.double, 0)
stages = spark._jsc.sc().statusStore().stageList(none, False, False, quantiles, none)
sent = [stages.apply(i).resultSize() for i in range(stages.size())]
print("heap", spark._jvm.Runtime.getRuntime().maxMemory(), "sent", sum(sent))
"""
# The process that `processes.run` starts is not measured, only what that starts in its turn.
OUTER = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', *sys.argv[1:]]))"


def memory(data: Data, folder: Path) -> str:
    """Return in words the peak memory of one training set in a session of its own.

    Raises RuntimeError if it fails.
    """
    from lakebook.labs import processes

    here = str(Path(__file__).parent)
    done = processes.run(
        ["-c", OUTER, ONE, here, *data], cwd=folder, env=dict(os.environ), seconds=600
    )
    told = re.search(r"^heap (\d+) sent (\d+)$", done.output, re.MULTILINE)
    if done.status or not told:
        raise RuntimeError(f"the training set of {data.table} failed: {done.output}")
    heap, sent = (int(number) / 1e6 for number in told.groups())
    return (
        f"peak {done.peak_mb:,.0f} MB of JVM and Python (heap limited to {heap:,.0f} MB), "
        f"{sent:.2f} MB sent to the driver by all tasks"
    )


if __name__ == "__main__":
    sys.exit(main())
