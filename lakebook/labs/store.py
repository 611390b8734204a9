"""Storing what a run gave: outputs in the solution, times in the book."""

from __future__ import annotations

import copy
import json
import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime

from lakebook import workspace
from lakebook.labs import notebooks, places
from lakebook.labs.notebooks import Notebook
from lakebook.labs.run import Outcome

# What Spark, its JVM and Hadoop's native library say on stderr while they start, at random and
# differently on each machine; and the progress bar of a search, whose every line is another time.
# Anything else on stderr stays, and `lakebook labs verify` rejects it.
_START = re.compile(
    r"^(?:"
    r"WARNING: .*(?:incubator|restricted method|enable-native-access|native access"
    r"|sun\.misc\.Unsafe|terminally deprecated|Please consider reporting"
    r"|java\.lang\.foreign|Restricted methods).*"
    r"|Using Spark's (?:default|repl) log4j.*"
    r"|Setting default log level to .*"
    r"|To adjust logging level .*"
    r"|.* WARN (?:NativeCodeLoader|Utils|SparkConf|GarbageCollectionMetrics): .*"
    r"|Picked up (?:_JAVA|JAVA_TOOL)_OPTIONS: .*"
    r"|automl (?:classify|regress|forecast): .*"
    r")?$"
)


def normalised(solution: Notebook, executed: Notebook) -> Notebook:
    """Return the solution with the outputs of its execution, free of what differs each time.

    Source and tags stay as they are; outputs are taken over cell by cell, by id.
    """
    result = copy.deepcopy(solution)
    by_id = {cell.id: cell for cell in executed.cells}
    count = 0
    for cell in result.cells:
        if cell.cell_type != "code":
            continue
        count += 1
        cell.execution_count = count
        cell.outputs = _outputs(by_id[cell.id].outputs, count)
    notebooks.clean_metadata(result)
    return result


def _outputs(outputs: Iterable[notebooks.Cell], count: int) -> list[notebooks.Cell]:
    kept: list[notebooks.Cell] = []
    for output in copy.deepcopy(list(outputs)):
        if output.output_type == "stream":
            if output.name == "stderr":
                lines = output.text.splitlines(keepends=True)
                output.text = "".join(line for line in lines if not _START.match(line.rstrip()))
            if not output.text:
                continue
            # How a stream is cut into pieces is a matter of timing.
            last = kept[-1] if kept else None
            if last is not None and last.output_type == "stream" and last.name == output.name:
                last.text += output.text
                continue
        if output.output_type == "execute_result":
            output.execution_count = count
        kept.append(output)
    return kept


def outputs(outcome: Outcome) -> bool:
    """Store the outputs of a run in its solution; return whether the file changed."""
    path = places.solution(outcome.lab)
    text = notebooks.text_of(normalised(notebooks.read(path), outcome.executed))
    if path.read_text("utf-8") == text:
        return False
    workspace.write_atomic(path, text)
    path.chmod(0o644)
    return True


def timings(outcomes: Iterable[Outcome]) -> None:
    """Update ``book/timings.json`` with the seconds and peak MB of each run; labs gone leave it."""
    path = workspace.root() / "book" / "timings.json"
    known = json.loads(path.read_text("utf-8"))["labs"] if path.is_file() else []
    labs = {entry["lab"]: entry for entry in known if entry["lab"] in places.ids()}
    for one in outcomes:
        labs[one.lab] = {
            "lab": one.lab,
            "seconds": round(one.seconds, 1),
            "peak_mb": round(one.peak_mb),
        }
    record = {
        "measured": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "labs": [labs[lab_id] for lab_id in sorted(labs)],
    }
    workspace.write_atomic(path, json.dumps(record, indent=2) + "\n")
    path.chmod(0o644)


def machine() -> str:
    """Return the size of this machine, as ``2 cores, 24 GiB``: of what this process may use."""
    import psutil

    usable = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    return f"{usable} cores, {round(psutil.virtual_memory().total / 2**30)} GiB"
