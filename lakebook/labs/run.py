"""Executing labs and solutions, several at a time, each in a process of its own."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lakebook.errors import LakebookError
from lakebook.labs import notebooks, places, processes
from lakebook.labs.errors import LabError
from lakebook.labs.notebooks import Notebook

CELL_SECONDS = 120
LAB_SECONDS = 600


@dataclass(frozen=True)
class Plan:
    """How notebooks are executed: blank labs or solutions, at which scale, within which limits.

    Limits are in seconds: of one cell, and of one notebook.
    """

    solutions: bool = False
    scale: str = "small"
    jobs: int = 2
    cell_timeout: int = CELL_SECONDS
    timeout: int = LAB_SECONDS


@dataclass(frozen=True)
class Outcome:
    """What became of one notebook. `fault` is None if every cell ran; `executed` is then it."""

    lab: str
    seconds: float
    peak_mb: float
    fault: str | None
    executed: Notebook | None


def run(lab_ids: Sequence[str], plan: Plan, home: Path) -> Iterator[Outcome]:
    """Execute the notebooks and yield each outcome as it is ready.

    `home` becomes the LAKEBOOK_HOME of all of them. Solutions run with ``LAKEBOOK_STRICT=1``.
    """
    for _, outcome in processes.several(lambda one: execute(one, plan, home), lab_ids, plan.jobs):
        yield outcome


def execute(lab_id: str, plan: Plan, home: Path) -> Outcome:
    """Execute one notebook, in its own folder as JupyterLab does. Raises nothing it does wrong."""
    path = places.solution(lab_id) if plan.solutions else places.lab(lab_id)
    parameters = {} if plan.scale == "small" else {"scale": plan.scale}
    try:
        source = notebooks.read(path)
        if parameters and not any("parameters" in notebooks.tags(cell) for cell in source.cells):
            raise LabError(f"{places.shown(path)} has no cell tagged parameters; add one")
    except LakebookError as error:
        return Outcome(lab_id, 0.0, 0.0, str(error), None)
    with tempfile.TemporaryDirectory(prefix="lakebook-run-") as folder:
        output, result = Path(folder, "out.ipynb"), Path(folder, "result.json")
        job = {
            "input": str(path),
            "output": str(output),
            "result": str(result),
            "cwd": str(path.parent),
            "parameters": parameters,
            "cell_timeout": plan.cell_timeout,
        }
        ended = processes.run(
            ["-m", "lakebook.labs.execute", json.dumps(job)],
            cwd=path.parent,
            env=processes.environment(home, strict=plan.solutions),
            seconds=plan.timeout,
        )
        executed = _read_if_whole(output)
        fault = _fault(path, source, executed, _told(result), ended, plan)
    return Outcome(lab_id, ended.seconds, ended.peak_mb, fault, None if fault else executed)


def _read_if_whole(path: Path) -> Notebook | None:
    """Return the executed notebook, or None if it was cut off while being written."""
    with contextlib.suppress(LabError):
        return notebooks.read(path)
    return None


def _told(result: Path) -> dict[str, str]:
    with contextlib.suppress(OSError, ValueError):
        told = json.loads(result.read_text("utf-8"))
        return {"kind": str(told["kind"]), "error": str(told["error"])}
    return {"kind": "silent", "error": ""}


def _fault(
    path: Path,
    source: Notebook,
    executed: Notebook | None,
    told: dict[str, str],
    ended: processes.Finished,
    plan: Plan,
) -> str | None:
    """Return what went wrong, with the number and source of the cell, or None."""
    if told["kind"] == "done" and ended.status == 0:
        return None
    number = _last_started(source, executed)
    cell = f", cell {number}" if number else ""
    head = f"{places.shown(path)}{cell}: "
    if told["kind"] == "failed":
        what = told["error"]
    elif told["kind"] == "cell timeout":
        what = f"ran longer than {plan.cell_timeout} s, the limit of a cell"
    elif told["kind"] == "kernel died":
        what = "the kernel was killed or died"
    elif ended.status is None:
        what = f"killed after {ended.seconds:.0f} s; the limit of a notebook is {plan.timeout} s"
    else:
        tail = ended.output.strip().splitlines()[-15:]
        what = "\n".join([f"the process ended with status {ended.status}", *tail])
    shown = source.cells[number - 1].source if number else ""
    return "\n".join([head + what, *(f"    | {line}" for line in shown.splitlines())])


def _last_started(source: Notebook, executed: Notebook | None) -> int | None:
    """Return the number, from 1 with text cells, of the last code cell that papermill began."""
    if executed is None:
        return None
    numbers = {cell.id: number for number, cell in enumerate(source.cells, 1)}
    last = None
    for cell in executed.cells:
        status = cell.metadata.get("papermill", {}).get("status")
        if cell.cell_type != "code" or cell.id not in numbers:
            continue
        if status == "failed":
            return numbers[cell.id]
        if status in ("running", "completed"):
            last = numbers[cell.id]
    return last


def table(outcomes: Iterable[Outcome]) -> str:
    """Return a table of seconds and peak memory, slowest first."""
    rows = sorted(outcomes, key=lambda one: -one.seconds)
    width = max((len(one.lab) for one in rows), default=3)
    lines = [f"{'lab':<{width}}  {'seconds':>7}  {'peak MB':>7}"]
    lines += [f"{one.lab:<{width}}  {one.seconds:>7.1f}  {one.peak_mb:>7.0f}" for one in rows]
    return "\n".join(lines)
