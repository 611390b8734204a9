"""`dbutils.jobs.taskValues`: small values that one task of a job hands to the next.

A job on this machine is a set of notebooks run with ``LAKEBOOK_JOB_RUN`` (any name, the same for
all of them) and ``LAKEBOOK_TASK_KEY`` (the name of the task) in their environment.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lakebook import workspace
from lakebook.errors import LakebookError
from lakebook.runtime.dbutils.help import Utility

MOST_BYTES = 48 * 1024  # the platform's own limit for one value as JSON


class TaskValues(Utility):
    """Values that one task of a job hands to the next."""

    _path = "dbutils.jobs.taskValues"

    def set(self, key: str, value: Any) -> None:
        """Keep a value of this task. Outside a job nothing happens.

        Raises LakebookError if the value cannot be written as JSON, or in no more than 48 KiB.
        """
        try:
            text = json.dumps(value)
        except (TypeError, ValueError) as error:
            raise LakebookError(
                f"the task value '{key}' cannot be written as JSON ({error}); keep large or rich "
                "results in a table, and hand on its name"
            ) from error
        if len(text.encode()) > MOST_BYTES:
            raise LakebookError(
                f"the task value '{key}' takes {len(text.encode()):,} bytes as JSON, and "
                f"{MOST_BYTES:,} is the limit; keep it in a table, and hand on its name"
            )
        run, task = os.environ.get("LAKEBOOK_JOB_RUN"), os.environ.get("LAKEBOOK_TASK_KEY")
        if run and task:
            kept = _file(run, task)
            with workspace.lock(f"job-{quote(run, safe='')}"):
                values = json.loads(kept.read_text("utf-8")) if kept.is_file() else {}
                workspace.write_atomic(kept, json.dumps(values | {key: json.loads(text)}))

    def get(self, taskKey: str, key: str, default: Any = None, debugValue: Any = None) -> Any:
        """Return the value that a task of this job has set.

        In a job, `default` is returned if the task or the key has none, and without a default
        ValueError is raised. Outside a job `debugValue` is returned; without it TypeError.
        """
        run = os.environ.get("LAKEBOOK_JOB_RUN")
        if not run:
            if debugValue is None:
                raise TypeError(
                    f"taskValues.get('{taskKey}', '{key}') outside a job: there are no task "
                    "values; pass debugValue=…, which is what a notebook run by hand gets"
                )
            return debugValue
        kept = _file(run, taskKey)
        values = json.loads(kept.read_text("utf-8")) if kept.is_file() else {}
        if key in values:
            return values[key]
        if default is None:
            missing = f"key '{key}'" if kept.is_file() else f"task '{taskKey}'"
            raise ValueError(
                f"taskValues.get('{taskKey}', '{key}'): the job has set nothing for the {missing};"
                " pass default=… if that may happen"
            )
        return default


class Jobs(Utility):
    """What a notebook does as a task of a job."""

    _path = "dbutils.jobs"

    def __init__(self) -> None:
        self.taskValues = TaskValues()


def _file(run: str, task: str) -> Path:
    return workspace.path("jobs", f"run-{quote(run, safe='')}", f"{quote(task, safe='')}.json")
