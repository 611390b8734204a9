"""`dbutils.notebook`: run other notebooks in Pythons of their own, and end this one."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from lakebook import workspace
from lakebook.errors import LakebookError
from lakebook.runtime.dbutils import source
from lakebook.runtime.dbutils.help import Utility
from lakebook.runtime.dbutils.stopping import NotebookExit
from lakebook.runtime.dbutils.widgets import RUN_ARGUMENTS, SESSION_WIDGETS
from lakebook.runtime.tracking import for_another_notebook

GRACE_SECONDS = 10
RUNS_KEPT = 50


class NotebookError(LakebookError):
    """A notebook that `dbutils.notebook.run` started has failed, or took too long."""


class Notebook(Utility):
    """Run other notebooks, and end this one."""

    _path = "dbutils.notebook"

    def __init__(self, shell: Any = None) -> None:
        self._shell = shell

    def run(
        self, path: str, timeout_seconds: int, arguments: Mapping[str, str] | None = None
    ) -> str:
        """Run a notebook in a Python of its own and return what it passed to exit, "" if nothing.

        `path` is relative to this notebook's folder. `arguments` become its widgets. With
        `timeout_seconds` 0 it may take any time. Raises NotebookError with the failing cell and the
        end of its traceback, or if the time is up.
        """
        given = dict(arguments or {})
        for name, value in given.items():
            if not isinstance(name, str) or not isinstance(value, str):
                raise LakebookError(
                    f"the argument {name!r} for '{path}' is {value!r}; arguments are text, as are "
                    "the values of widgets"
                )
        found = source.locate(path)
        stamp = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{time.monotonic_ns() % 10**6:06}"
        output = workspace.path("runs", "notebooks", f"{found.stem}-{stamp}.ipynb")
        _forget_old(output.parent)
        environment = for_another_notebook(os.environ) | {RUN_ARGUMENTS: json.dumps(given)}
        # What was given to this notebook is not meant for that one.
        environment.pop(SESSION_WIDGETS, None)
        job = {"input": str(found), "output": str(output), "cwd": str(found.parent)}
        outcome = _execute(path, job, environment, timeout_seconds)
        if outcome["error"]:
            raise NotebookError(
                f"notebook '{path}' failed{outcome['error']}\nThe run with its outputs: {output}"
            )
        return str(outcome["value"])

    def exit(self, value: str) -> NoReturn:
        """End this notebook here, with a text for whoever runs it.

        Raises LakebookError if the value is no text; `json.dumps` makes one of most things.
        """
        if not isinstance(value, str):
            raise LakebookError(
                f"exit takes a text, and {value!r} is of type {type(value).__name__}; "
                "use json.dumps(…) or str(…)"
            )
        raise NotebookExit(value)


def _forget_old(folder: Path) -> None:
    """Delete the oldest runs, so that a loop over notebooks does not fill the disk."""
    # Another notebook may be doing the same.
    with contextlib.suppress(FileNotFoundError):
        old = sorted(folder.glob("*.ipynb"), key=lambda file: file.stat().st_mtime)
        for file in old[:-RUNS_KEPT]:
            file.unlink(missing_ok=True)


def _execute(
    path: str, job: Mapping[str, str], environment: Mapping[str, str], seconds: int
) -> dict[str, str]:
    with tempfile.TemporaryDirectory(prefix="lakebook-run-") as folder:
        result = Path(folder) / "result.json"
        log = Path(folder) / "log.txt"
        arguments = json.dumps({**job, "result": str(result)})
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", "lakebook.runtime.dbutils.child", arguments],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
            try:
                process.wait(seconds or None)
            except subprocess.TimeoutExpired:
                raise NotebookError(
                    f"notebook '{path}' has run for {seconds} s, its limit, and was stopped; "
                    "pass a larger timeout_seconds, or 0 for none"
                ) from None
            finally:
                _end(process)
        if not result.is_file():
            said = log.read_text("utf-8", "replace").strip().splitlines()
            return {"error": ": " + ("\n".join(said[-5:]) or "its process ended"), "value": ""}
        outcome: dict[str, str] = json.loads(result.read_text("utf-8"))
        return outcome


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process that runs a notebook; it ends its kernel."""
    if process.poll() is not None:
        return
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_SECONDS)
    process.kill()
    process.wait()
