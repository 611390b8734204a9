"""A solved lab and its blank one in a single run, for the demonstration is the same in both.

Each exercise is solved first, strictly. Then the names of the notebook are put back as they were,
and the cell that the learner gets is run in its place. So the demonstration goes on exactly as in
the blank lab, and a solution that it leans on is missing as it would be there. A solution that
leaves something outside of the notebook's names, a table or a run, would still be found there:
such labs are run apart. At the end the wrong answers are judged, in the session that is there.
"""

from __future__ import annotations

import copy
import json
import os
import re
from pathlib import Path
from typing import Any

from nbformat import v4

from lakebook.labs import derive, notebooks, places, progress, reject
from lakebook.labs.notebooks import Cell, Notebook

# What outlives a cell although its names are gone.
LEAVES = re.compile(
    r"\.write|\.save|saveAs|\.create|create_|createOr|CREATE|INSERT|MERGE|ALTER|publish|register"
    r"|log_(?:metric|param|artifact|model|dict|figure|table|text|image|input|batch)|start_run"
    r"|set_experiment|set_\w*tag|_alias\b|spark\.sql|%sql|dbutils|open\(|mkdir|environ"
)
BLANK_HOME = "LAKEBOOK_BLANK_HOME"
TAG = "nbval-ignore-output"


def is_possible(solution: Notebook) -> bool:
    """Tell whether no solution of the notebook leaves anything but names."""
    exercises = [cell for cell in solution.cells if notebooks.is_exercise(cell)]
    return bool(exercises) and not any(LEAVES.search(cell.source) for cell in exercises)


def both(lab_id: str, verdicts: Path) -> tuple[Notebook, list[int]]:
    """Return the notebook that runs both, and for each code cell the number of its origin.

    Its last cells judge the wrong answers, one exercise each, into files of the folder `verdicts`.
    Numbers count all cells of the solution, from 1. Raises LabError if the lab cannot be derived.
    """
    solution = notebooks.read(places.solution(lab_id))
    lab = derive.derive(solution, places.shown(places.solution(lab_id)))
    cells: list[Cell] = []
    origins: list[int] = []
    for number, (solved, blank) in enumerate(zip(solution.cells, lab.cells, strict=True), 1):
        made = [solved]
        if solved.cell_type == "code" and solved.source != blank.source:
            learners = copy.deepcopy(blank)
            learners.metadata["tags"] = [*notebooks.tags(blank), TAG]
            shell = "get_ipython()"
            made = [
                *(_call(f"keep({shell})"), solved, _call(f"give_back({shell})")),
                *(learners, _call("go_on()")),
            ]
        for cell in made:
            cell = copy.deepcopy(cell)
            cell.id = f"{len(cells)}"
            cells.append(cell)
            if cell.cell_type == "code":
                origins.append(number)
    for exercise in progress.exercise_numbers(places.exercises(lab_id)):
        cell = _call(f"judge({lab_id!r}, {exercise}, {str(verdicts)!r})")
        cell.id = f"{len(cells)}"
        cells.append(cell)
        origins.append(len(solution.cells))
    result = copy.deepcopy(solution)
    result.cells = cells
    return result, origins


def _call(what: str) -> Cell:
    source = f"from lakebook.labs import together as _both; _both.{what}"
    cell: Cell = v4.new_code_cell(source, execution_count=1)
    cell.metadata["tags"] = [TAG]
    return cell


_kept: dict[str, Any] = {}
_environment: dict[str, str] = {}


def _names(shell: Any) -> dict[str, Any]:
    """Return the names of the notebook, without those in which IPython keeps its history."""
    hidden = {"In", "Out", "exit", "quit", "get_ipython"}
    return {
        name: value
        for name, value in shell.user_ns.items()
        if name not in hidden and not name.startswith("_")
    }


def keep(shell: Any) -> None:
    """Remember the names as they are before a solution."""
    _kept.clear()
    _kept.update(_names(shell))


def give_back(shell: Any) -> None:
    """Put the names back, and let the learner's cell be judged kindly and in another folder."""
    for name in set(_names(shell)) - set(_kept):
        del shell.user_ns[name]
    shell.user_ns.update(_kept)
    _environment.clear()
    _environment.update(os.environ)
    os.environ.pop("LAKEBOOK_STRICT", None)
    os.environ["LAKEBOOK_HOME"] = os.environ[BLANK_HOME]


def go_on() -> None:
    """Judge strictly again, in the workspace of the solutions."""
    for name in ("LAKEBOOK_STRICT", "LAKEBOOK_HOME"):
        os.environ[name] = _environment[name]


def judge(lab_id: str, exercise: int, folder: str) -> None:
    """Judge the wrong answers of an exercise and write the verdicts into the folder."""
    found = reject.verdicts(lab_id, exercise)
    Path(folder, f"{exercise}.json").write_text(json.dumps(found), "utf-8")
