"""`lakebook start` for real: a process of its own, on a copy of the repository."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from running_workspace import LEFT_OUT, ROOT, Running


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the repository, so that the reader's own book is left alone."""
    copy = tmp_path_factory.mktemp("clone") / "lakebook"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
    return copy


@pytest.fixture(scope="module")
def launch(repository: Path) -> Iterator[Callable[..., Running]]:
    """Return a function that starts a workspace and returns when it has printed its address."""
    started: list[Running] = []

    def start(home: Path, *options: str) -> Running:
        # Another project's store is set, as it may be on anybody's machine: it must not matter.
        environment = {
            **os.environ,
            "LAKEBOOK_ROOT": str(repository),
            "MLFLOW_TRACKING_URI": f"sqlite:///{home}-elsewhere.db",
        }
        environment.pop("LAKEBOOK_HOME", None)
        command = [str(Path(sys.executable).with_name("lakebook")), "start", "--no-browser"]
        process = subprocess.Popen(
            [*command, "--home", str(home), *options],
            cwd=repository,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        running = Running(process, home)
        started.append(running)
        assert process.stdout is not None
        for line in process.stdout:
            running.lines.append(line.rstrip())
            if found := re.search(r"(http://127\.0\.0\.1:\d+)/book/\?token=(\w+)", line):
                running.base, running.token = found.groups()
            if "Ctrl-C" in line:
                return running
        pytest.fail("lakebook start ended:\n" + "\n".join(running.lines))

    yield start
    for running in started:
        if running.process.poll() is None:
            running.stop(signal.SIGTERM)
