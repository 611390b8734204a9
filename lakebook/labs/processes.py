"""Running a notebook as a process of its own: measured while it runs, gone when it is over."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil

from lakebook import workspace

SAMPLE_SECONDS = 0.5
GRACE_SECONDS = 5
TOKEN = "LAKEBOOK_RUN"

# Set when the whole command is stopped, so that threads which wait for a process give up.
_stopping = threading.Event()

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Finished:
    """How a process ended: its status, None if it was killed for its time limit; wall seconds;
    the peak of the memory of its descendants in MB (10⁶ bytes, resident sizes summed); its output.
    """

    status: int | None
    seconds: float
    peak_mb: float
    output: str


def environment(home: Path, *, strict: bool) -> dict[str, str]:
    """Return the environment in which a notebook is tried: its own workspace, this very Python.

    With `strict`, a check that does not pass raises.
    """
    env = dict(os.environ)
    # Without these, a kernel called python3 of another Python on the machine comes first.
    env.pop("JUPYTER_PATH", None)
    env["JUPYTER_PREFER_ENV_PATH"] = "1"
    # Also what `mlflow.set_experiment` has left in this process, for those that it starts.
    own = ("TRACKING_URI", "REGISTRY_URI", "EXPERIMENT_NAME", "EXPERIMENT_ID", "RUN_ID", "DFS_TMP")
    for name in ("LAKEBOOK_STRICT", *(f"MLFLOW_{which}" for which in own)):
        env.pop(name, None)
    if strict:
        env["LAKEBOOK_STRICT"] = "1"
    env["LAKEBOOK_ROOT"] = str(workspace.root())
    env["LAKEBOOK_HOME"] = str(home)
    return env


def run(arguments: Iterable[str], *, cwd: Path, env: Mapping[str, str], seconds: float) -> Finished:
    """Run this Python with the arguments (``-m …``), for at most `seconds`.

    Whatever the process started is killed when it is over: kernels and JVMs have sessions of
    their own and survive their parent, so they are found by a token in their environment.
    """
    token = uuid.uuid4().hex
    started = time.monotonic()
    peak = 0
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=cwd,
            env={**env, TOKEN: token},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status: int | None = None
            while not _stopping.is_set():
                peak = max(peak, _memory_below(process.pid))
                with contextlib.suppress(subprocess.TimeoutExpired):
                    status = process.wait(SAMPLE_SECONDS)
                    break
                if time.monotonic() - started > seconds:
                    break
        finally:
            _clear(process, token)
            process.wait()
        elapsed = time.monotonic() - started
        output.seek(0)
        text = output.read().decode("utf-8", "replace")
    return Finished(status, elapsed, peak / 1e6, text)


def _memory_below(pid: int) -> int:
    """Return the bytes of resident memory of the descendants of a process, summed.

    The process itself, which only drives the notebook, is not counted.
    """
    total = 0
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if not _is_fork_of_jvm(child):
                    total += child.memory_info().rss
    return total


def _is_fork_of_jvm(process: psutil.Process) -> bool:
    """Return whether a JVM is about to become another program, such as the `chmod` Spark runs.

    Until then the fork shows the whole memory of the JVM a second time, although both share it.
    """
    if Path(process.exe()).name != "java":
        return False
    parent = process.parent()
    return parent is not None and parent.cmdline() == process.cmdline()


def _clear(process: subprocess.Popen[bytes], token: str) -> None:
    """Leave nothing that carries the token: kill it, wherever it went.

    If the process ended by itself, a JVM is first given time to delete its temporary files.
    """
    if process.poll() is not None:
        psutil.wait_procs(list(_carriers(token)), timeout=GRACE_SECONDS)
    for _ in range(5):
        alive = list(_carriers(token))
        if process.poll() is None:
            with contextlib.suppress(psutil.Error):
                alive += psutil.Process(process.pid).children(recursive=True)
        if not alive:
            return
        for one in alive:
            with contextlib.suppress(psutil.Error):
                one.kill()
        psutil.wait_procs(alive, timeout=2)


def _carriers(token: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(TOKEN) == token:
                yield process


def several(
    work: Callable[[Item], Result], items: Iterable[Item], jobs: int
) -> Iterator[tuple[Item, Result]]:
    """Yield each item with its result as it is ready, `jobs` at a time."""
    with ThreadPoolExecutor(max(1, jobs)) as pool:
        futures: dict[Any, Item] = {pool.submit(work, item): item for item in items}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            _stopping.set()
            for future in futures:
                future.cancel()
            raise


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Let an interrupt or SIGTERM end what runs inside together with all that it started."""

    def stop(*_: object) -> None:
        raise SystemExit(143)

    _stopping.clear()
    in_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, stop) if in_main else None
    try:
        yield
    except BaseException:
        _stopping.set()
        raise
    finally:
        if in_main:
            signal.signal(signal.SIGTERM, before)
