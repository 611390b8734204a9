"""The benchmarks run, on few rows; their times are not judged."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path


def printed(tmp_path: Path, program: str, *options: str) -> str:
    """Return what a benchmark prints; it has nothing of this environment but its packages."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("SPARK", "LAKEBOOK"))}
    environment["LAKEBOOK_HOME"] = str(tmp_path)
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name(program)), *options],
        env=environment, capture_output=True, text=True, timeout=600, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_benchmark_prints_a_ratio_for_each_comparison(tmp_path: Path) -> None:
    told = printed(tmp_path, "runtime.py", "--rows", "1000", "--repeat", "1")
    lines = re.findall(r"^(\S.*?)\s+[\d.]+ s\s+[\d.]+ s\s+[\d.]+\s", told, re.MULTILINE)
    assert lines == ["write", "read all columns", "40 queries by three-level name", "session start"]


def test_the_benchmark_of_training_sets_finds_the_same_by_every_way(tmp_path: Path) -> None:
    """It fails if one finds other values. Others' packages would have to be installed."""
    sizes = ["--rows", "500", "--keys", "20", "--hot", "100", "--repeat", "1", "--memory", "1"]
    told = printed(tmp_path, "features.py", *sizes, "--without", "tempo", "feast")
    lines = re.findall(r"^(\S.*?)(?:\s+[\d.–]+){6}$", told, re.MULTILINE)
    by_order = ["union, last struct of a window", "create_training_set(…).load_df()"]
    assert lines == [
        "interval join: lead, then an equal join",
        by_order[0],
        "ASOF JOIN of Spark 4.3 (off by default)",
        "equal join, max_by of the rows",
        by_order[1],
        *by_order,
    ]
    assert re.search(r"500 rows  peak \d+ MB of JVM and Python .* 0\.\d\d MB sent", told)


def test_the_benchmark_of_automl_prints_scores_and_what_the_budget_went_into(
    tmp_path: Path,
) -> None:
    told = printed(tmp_path, "automl.py", "--only", "wine", "--seconds", "15")
    line = (
        r"^wine \| accuracy \| (0\.\d{4}|1\.0000) \| nan \| [\d.]+ s, \d+, \d+% \(.*\) \| \w+, -$"
    )
    (score,) = re.findall(line, told, re.MULTILINE)
    assert float(score) > 0.8


def test_the_benchmark_of_forecasts_prints_the_error_of_each_way(tmp_path: Path) -> None:
    sizes = ["--stores", "1", "--items", "1", "--horizon", "14", "--minutes", "0.1"]
    told = printed(tmp_path, "automl_forecast.py", *sizes)
    assert re.search(r"^mean  ours 0\.\d+  naive 0\.\d+  prophet 0\.\d+", told, re.MULTILINE)
    assert "seconds a series" in told
