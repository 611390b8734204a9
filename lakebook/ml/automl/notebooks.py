"""Notebooks of trials: cells, the file, and how a search runs the very same cells.

A trial is its notebook. The search runs the code cells that are tagged `trial`, a person runs
them all; so a notebook cannot differ from what produced the logged metrics.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import nbformat

TRIAL = "trial"
PARAMETERS = "parameters"


@dataclass(frozen=True)
class Cell:
    """A cell: its id (unique in the notebook), its text, and whether the search runs it.

    `timed` names what the seconds of the cell count as, such as ``fit``.
    """

    id: str
    source: str
    markdown: bool = False
    trial: bool = False
    parameters: bool = False
    timed: str | None = None


def markdown(id: str, source: str) -> Cell:
    """Return a cell of text."""
    return Cell(id, source.strip(), markdown=True)


def code(id: str, source: str, *, timed: str | None = None) -> Cell:
    """Return a cell of code that the search runs too."""
    return Cell(id, source.strip(), trial=True, timed=timed)


def later(id: str, source: str) -> Cell:
    """Return a cell of code for the person who opens the notebook; the search leaves it out."""
    return Cell(id, source.strip())


def parameters(id: str, source: str) -> Cell:
    """Return the cell of parameters, whose values papermill and the search may replace."""
    return Cell(id, source.strip(), trial=True, parameters=True)


def write(cells: Iterable[Cell]) -> str:
    """Return the notebook as the text of an .ipynb file, without outputs."""
    made = nbformat.v4.new_notebook()
    made.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    made.metadata["language_info"] = {"name": "python"}
    for cell in cells:
        new = nbformat.v4.new_markdown_cell if cell.markdown else nbformat.v4.new_code_cell
        tags = [PARAMETERS] * cell.parameters + [TRIAL] * (cell.trial and not cell.parameters)
        node = new(cell.source, id=cell.id)
        if tags:
            node.metadata["tags"] = tags
        made.cells.append(node)
    nbformat.validate(made)
    return nbformat.writes(made) + "\n"


def run(
    cells: Iterable[Cell], given: Mapping[str, Any] | None = None, name: str = "trial"
) -> tuple[dict[str, Any], dict[str, float]]:
    """Run the cells that the search runs, and return the names they leave and their seconds.

    `given` replaces parameters after their cell has run, as papermill does. What a cell raises
    goes through; its traceback names the notebook and the cell.
    """
    names: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__}
    seconds: dict[str, float] = {}
    for cell in cells:
        if not cell.trial or cell.markdown:
            continue
        begun = time.perf_counter()
        exec(compile(cell.source, f"<{name}, cell {cell.id}>", "exec"), names)
        if cell.parameters:
            names.update(given or {})
        key = cell.timed or "other"
        seconds[key] = seconds.get(key, 0.0) + time.perf_counter() - begun
    return names, seconds
