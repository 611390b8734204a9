"""Runs one notebook for `dbutils.notebook.run`: ``python -m lakebook.runtime.dbutils.child JOB``.

The job is a JSON object: input, output, cwd and result (paths). The result is an object with the
value that the notebook passed to exit, and what is wrong, both empty if nothing.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from lakebook.runtime.dbutils import source
from lakebook.runtime.dbutils.stopping import MIME

TRACEBACK_LINES = 12
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def main() -> int:
    """Run the notebook of the job that is the argument; return 0 if every cell ran."""
    job: dict[str, str] = json.loads(sys.argv[1])
    # The kernel is ended by the same path as after an error.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    _end_with(os.getppid())
    outcome = _run(job)
    Path(job["result"]).write_text(json.dumps(outcome), "utf-8")
    return 1 if outcome["error"] else 0


def _run(job: dict[str, str]) -> dict[str, str]:
    import papermill
    from nbclient.exceptions import DeadKernelError

    notebook = source.read(Path(job["input"]))
    readable = Path(job["output"])
    readable.write_text(json.dumps(notebook), "utf-8")
    try:
        done = papermill.execute_notebook(
            readable,
            readable,
            kernel_name="python3",
            cwd=job["cwd"],
            progress_bar=False,
        )
    except papermill.PapermillExecutionError as error:
        # Papermill counts cells from 0, and a reader from 1.
        lines = COLOURS.sub("", "\n".join(error.traceback)).splitlines()[-TRACEBACK_LINES:]
        shown = "\n".join(lines) or f"{error.ename}: {error.evalue}"
        return {"value": "", "error": f" in cell {error.cell_index + 1}:\n{shown}"}
    except DeadKernelError:
        return {"value": "", "error": ": its Python ended; the memory may be too small"}
    return {"value": _exit_value(done), "error": ""}


def _exit_value(notebook: Any) -> str:
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if MIME in output.get("data", {}):
                return str(output["data"][MIME]["value"])
    return ""


def _end_with(parent: int) -> None:
    """End this process when its parent has gone; the kernel then ends with it."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
