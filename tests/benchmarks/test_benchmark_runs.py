"""The benchmark runs, on few rows; its times are not judged."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path


def test_the_benchmark_prints_a_ratio_for_each_comparison(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("SPARK", "LAKEBOOK"))}
    program = Path(__file__).with_name("runtime.py")
    done = subprocess.run(
        [sys.executable, str(program), "--rows", "1000", "--repeat", "1"],
        env=environment, capture_output=True, text=True, timeout=300, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = re.findall(r"^(\S.*?)\s+[\d.]+ s\s+[\d.]+ s\s+[\d.]+\s", done.stdout, re.MULTILINE)
    assert lines == ["write", "read all columns", "40 queries by three-level name", "session start"]
