"""Every process of one `lakebook start`, and how all of them end, whatever ends first.

Jupyter gives each kernel a session of its own, and a kernel its JVM, so neither a process group
nor the tree of children reaches all of them once one in the middle has died. What they do share is
the environment they inherit: a mark in it, made for this one start, finds them all.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable

import psutil

MARK = "LAKEBOOK_START"
GRACE_SECONDS = 5


def marked(mark: str) -> list[psutil.Process]:
    """Return the running processes that carry the mark, without the calling one."""
    found = []
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        try:
            if process.environ().get(MARK) == mark:
                found.append(process)
        except (psutil.Error, OSError):
            continue  # ended meanwhile, or another person's
    return found


def below(root: int) -> list[psutil.Process]:
    """Return the children of a process, and theirs."""
    try:
        return psutil.Process(root).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def end(mark: str, known: Iterable[psutil.Process] = ()) -> None:
    """End every process with the mark and the known ones: first asked, then killed.

    A process that starts while others end is found in the next round. What even a kill does not
    end, which only the system can bring about, is left alone after some rounds.
    """
    asked_at = time.monotonic()
    for _ in range(10):
        alive = {process for process in {*marked(mark), *known} if _is_alive(process)}
        if not alive:
            return
        for process in alive:
            with contextlib.suppress(psutil.Error):
                if time.monotonic() - asked_at < GRACE_SECONDS:
                    process.terminate()
                else:
                    process.kill()
        psutil.wait_procs(alive, timeout=GRACE_SECONDS)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


class Keeper:
    """A small process that outlives the launcher by a moment, only to end what it left behind.

    It waits for the end of a pipe, which comes however the launcher ends, even by SIGKILL.
    """

    def __init__(self, mark: str) -> None:
        environment = {name: value for name, value in os.environ.items() if name != MARK}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "lakebook.start.processes", mark],
            stdin=subprocess.PIPE,
            env=environment,
            # Out of reach of a Ctrl-C in the terminal and of a kill of the group.
            start_new_session=True,
        )

    def release(self) -> None:
        """Let the keeper look once more and end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def _keep(mark: str) -> None:
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    sys.stdin.buffer.read()
    end(mark)


if __name__ == "__main__":
    _keep(sys.argv[1])
