"""The servers that an environment needs, started and stopped by `lakebook cluster`."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator

STARTS = {
    "connect": ["--workers", "0", "--connect"],
    "standalone": ["--workers", "2"],
}


@contextlib.contextmanager
def started(environment: str) -> Iterator[None]:
    """Start what `environment` needs and point this process at it, as a reader would."""
    if environment not in STARTS:
        yield
        return
    try:
        said = _cluster("start", *STARTS[environment])
        name, value = re.findall(r"^export (\w+)=['\"]?([^'\"\s]+)", said, re.MULTILINE)[0]
        os.environ[name] = value
        yield
    finally:
        _cluster("stop")


def _cluster(*words: str) -> str:
    command = [sys.executable, "-m", "lakebook.cli", "cluster", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"lakebook cluster {' '.join(words)}: {done.stdout}{done.stderr}")
    return done.stdout
