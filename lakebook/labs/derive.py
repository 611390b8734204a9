"""From a solved notebook to the lab: solutions give way to stubs, their outputs go.

In a solution a region reads::

    # BEGIN SOLUTION
    filled = imputer.fit(air).transform(air)
    # STUB filled = ...
    # END SOLUTION

The lab keeps only the STUB lines, without the marker and at its indentation. Outputs of exercise
and check cells are dropped; those of the demonstration stay.
"""

from __future__ import annotations

import copy
import hashlib
import re
import shutil
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import nbformat

from lakebook import workspace
from lakebook.labs import notebooks, places
from lakebook.labs.errors import LabError
from lakebook.labs.notebooks import Notebook

BEGIN = re.compile(r"^(\s*)#\s*BEGIN SOLUTION\s*$")
END = re.compile(r"^\s*#\s*END SOLUTION\s*$")
STUB = re.compile(r"^(\s*)#\s*STUB(?: (.*))?$")
# A marker in any spelling: one that is nearly right must not leave a solution in the lab.
NEARLY = re.compile(r"^\s*#+\s*(?:(?:begin|end)[ _-]*solution|stub\b)", re.IGNORECASE)


@dataclass
class _Region:
    """A solution region: its own lines, and the stub lines that stand for them in the lab."""

    begin: int
    solution: list[str] = field(default_factory=list)
    stubs: list[str] = field(default_factory=list)

    def code(self) -> str:
        return textwrap.dedent("\n".join(self.solution)).strip("\n")


def derive(solution: Notebook, name: str) -> Notebook:
    """Return the lab of a solved notebook; the argument is not changed.

    `name` is the solution's path for messages and for the note in the lab's metadata.
    Raises LabError with the cell's number, counted from 1 with text cells, if a region is not
    closed, nested, closed before it begins, or has no stub, or if the lab would still show it.
    """
    lab = copy.deepcopy(solution)
    regions: list[tuple[int, _Region]] = []
    for number, cell in enumerate(lab.cells, 1):
        if cell.cell_type != "code":
            continue
        drop_outputs = notebooks.is_exercise(cell)
        cell.source, found = _strip(cell.source, name, number)
        regions += [(number, region) for region in found]
        if drop_outputs:
            cell.outputs = []
        cell.execution_count = None
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = None
    notebooks.clean_metadata(lab)
    lab.metadata["lakebook"] = nbformat.from_dict({"derived_from": name, "as_made": _digest(lab)})
    _assert_gone(lab, regions, name)
    return lab


def _digest(lab: Notebook) -> str:
    """Return a short digest of the cells' sources, by which edits are told from outdated labs."""
    sources = "\0".join(cell.source for cell in lab.cells)
    return hashlib.sha256(sources.encode()).hexdigest()[:16]


def _strip(source: str, name: str, number: int) -> tuple[str, list[_Region]]:
    """Return the source with each region replaced by its stubs, and the regions."""
    lines: list[str] = []
    regions: list[_Region] = []
    open_region: _Region | None = None
    for position, line in enumerate(source.split("\n"), 1):
        if BEGIN.match(line):
            if open_region:
                raise _fault(name, number, f"BEGIN SOLUTION inside a region (line {position})")
            open_region = _Region(position)
        elif END.match(line):
            if not open_region:
                raise _fault(name, number, "END SOLUTION without BEGIN SOLUTION", "Open the region")
            if not open_region.stubs:
                raise _fault(
                    name,
                    number,
                    "the region has no STUB line",
                    "Say what the lab shows in its place, as in `# STUB answer = ...`",
                )
            if not open_region.code().strip():
                raise _fault(name, number, "the region holds no solution", "Write it")
            lines += open_region.stubs
            regions.append(open_region)
            open_region = None
        elif stub := STUB.match(line):
            if not open_region:
                raise _fault(
                    name,
                    number,
                    f"STUB outside a region (line {position})",
                    "Put it between BEGIN SOLUTION and END SOLUTION",
                )
            open_region.stubs.append((stub[1] + (stub[2] or "")).rstrip())
        elif NEARLY.match(line):
            raise _fault(
                name,
                number,
                f"line {position} is nearly a marker: {line.strip()!r}",
                "Write `# BEGIN SOLUTION`, `# STUB …` or `# END SOLUTION`",
            )
        elif open_region:
            open_region.solution.append(line)
        else:
            lines.append(line)
    if open_region:
        raise _fault(name, number, "BEGIN SOLUTION without END SOLUTION")
    return "\n".join(lines), regions


def _fault(name: str, number: int, what: str, way_out: str = "Close the region") -> LabError:
    lab_id = name.removeprefix("solutions/").removesuffix(".ipynb")
    return LabError(
        f"{name}, cell {number}: {what}.\n  {way_out}, then run `lakebook labs derive {lab_id}`."
    )


def _assert_gone(lab: Notebook, regions: Iterable[tuple[int, _Region]], name: str) -> None:
    """Raise LabError if a solution can still be read in a cell of the lab."""
    for number, region in regions:
        code = region.code()
        for at, cell in enumerate(lab.cells, 1):
            # One short line, such as `n = 3`, may stand elsewhere by chance and says little.
            told = len(code) >= 12 and code in textwrap.dedent(cell.source)
            if told or (cell.cell_type == "code" and notebooks.MARKER.search(cell.source)):
                raise LabError(
                    f"{name}, cell {number}: the solution can still be read in cell {at} of the "
                    "lab.\n  Demonstrate with other names or values than the exercise asks for."
                )


def text_for(lab_id: str) -> str:
    """Return the text of the lab's file as it follows from its solution. Raises LabError."""
    path = places.solution(lab_id)
    return notebooks.text_of(derive(notebooks.read(path), places.shown(path)))


def write(lab_id: str) -> bool:
    """Derive one lab and return whether its file changed; an equal file is not touched.

    A lab in which somebody has worked is kept in the workspace first, see `kept`.
    """
    target = places.lab(lab_id)
    text = text_for(lab_id)
    if target.is_file() and target.read_text("utf-8") == text:
        return False
    if target.is_file() and _was_edited(target):
        when = datetime.now().strftime("%Y%m%d-%H%M%S")
        shutil.copy2(target, workspace.path("kept", f"{lab_id}-{when}.ipynb"))
    workspace.write_atomic(target, text)
    # The file is the repository's, not only its maker's, as the temporary one behind it was.
    target.chmod(0o644)
    return True


def kept(lab_id: str) -> list[Path]:
    """Return the copies of somebody's own work on a lab, oldest first."""
    pattern = workspace.path("kept", f"{lab_id}-*.ipynb")
    return sorted(pattern.parent.glob(pattern.name))


def _was_edited(path: Path) -> bool:
    try:
        lab = notebooks.read(path)
    except LabError:
        return True  # of whatever it holds, nothing may be lost
    return lab.metadata.get("lakebook", {}).get("as_made") != _digest(lab)


def drift(lab_id: str) -> str | None:
    """Return what is wrong with the committed lab, or None if deriving again changes nothing."""
    target = places.lab(lab_id)
    way_out = f"run `lakebook labs derive {lab_id}` and commit the result"
    if not target.is_file():
        return f"{places.shown(target)} is missing; {way_out}"
    if target.read_text("utf-8") != text_for(lab_id):
        return f"{places.shown(target)} is not what its solution gives; {way_out}"
    return None


def orphans() -> list[str]:
    """Return the ids of notebooks below ``labs/`` that no solution gives."""
    folder = workspace.root() / "labs"
    found = {
        path.relative_to(folder).with_suffix("").as_posix() for path in folder.glob("*/*.ipynb")
    }
    return sorted(found - set(places.ids()))
