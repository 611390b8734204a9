"""One notebook executed by papermill, as a process: ``python -m lakebook.labs.execute JOB``.

The job is a JSON object: input, output, result (paths), cwd, parameters, cell_timeout (seconds).
The result file tells how it ended; which cell was running stands in the output notebook.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any


def main() -> int:
    """Execute the notebook of the job given as argument; return 0 if every cell ran."""
    job: dict[str, Any] = json.loads(sys.argv[1])
    _end_with(os.getppid())
    outcome = _execute(job)
    Path(job["result"]).write_text(json.dumps(outcome), "utf-8")
    return 0 if outcome["kind"] == "done" else 1


def _execute(job: dict[str, Any]) -> dict[str, str]:
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    try:
        papermill.execute_notebook(
            job["input"],
            job["output"],
            parameters=job["parameters"],
            kernel_name="python3",
            cwd=job["cwd"],
            progress_bar=False,
            execution_timeout=job["cell_timeout"],
        )
    except papermill.PapermillExecutionError as error:
        return {"kind": "failed", "error": f"{error.ename}: {error.evalue}"}
    except CellTimeoutError:
        return {"kind": "cell timeout", "error": ""}
    except DeadKernelError:
        return {"kind": "kernel died", "error": ""}
    except Exception as error:
        return {"kind": "failed", "error": f"{type(error).__name__}: {error}"}
    return {"kind": "done", "error": ""}


def _end_with(parent: int) -> None:
    """End this process when its parent has gone; the kernel then ends with it."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
