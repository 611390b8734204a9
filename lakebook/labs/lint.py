"""The rules of a lab's notebook: its order, its small steps, its outputs."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator
from pathlib import Path

from lakebook import workspace
from lakebook.labs import notebooks, places, progress
from lakebook.labs.notebooks import Cell, Notebook

EXERCISES = range(2, 5)
MEDIAN_LINES = 6
MOST_LINES = 20
LINE_LENGTH = 88
TITLE_TABLE = ("time", "day", "objectives", "data", "read")

_ASKS = re.compile(r"^[^#\n]*\bcheck\.exercise_(\d+)\s*\(", re.MULTILINE)
_HOME_PATHS = re.compile(r"/home/\w|/Users/\w|/root/|/tmp/|/var/folders/|[A-Z]:\\\\?Users")
_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]{6,}")
_DATE = re.compile(r"\b20\d\d-\d\d-\d\d\b")
_TABLE = re.compile(r"^\s*\|?\s*:?-{3,}", re.MULTILINE)


def faults(lab_id: str) -> list[str]:
    """Return each broken rule of a solution as one line that names the cell. Raises LabError."""
    path = places.solution(lab_id)
    notebook = notebooks.read(path)
    found = [
        *_order(notebook, lab_id),
        *_exercises(notebook, lab_id),
        *_ending(notebook),
        *_size(notebook),
        *_outputs(notebook),
        *_values(notebook),
        *_metadata(notebook, lab_id),
    ]
    return [f"{places.shown(path)}{fault}" for fault in found]


def _code(notebook: Notebook) -> list[tuple[int, Cell]]:
    return [
        (number, cell)
        for number, cell in enumerate(notebook.cells, 1)
        if cell.cell_type == "code" and cell.source.strip()
    ]


def _order(notebook: Notebook, lab_id: str) -> Iterator[str]:
    first = notebook.cells[0] if notebook.cells else None
    if first is None or first.cell_type != "markdown" or not first.source.startswith("# "):
        yield ", cell 1: is not the title; begin with a text cell `# …`"
    elif not _TABLE.search(first.source):
        yield ", cell 1: has no table of time, day, objectives, data set and what to read first"
    else:
        table = "\n".join(line for line in first.source.splitlines() if "|" in line).lower()
        missing = [word for word in TITLE_TABLE if word not in table]
        if missing:
            yield f", cell 1: the table does not tell {', '.join(missing)}"
    code = _code(notebook)
    if not code or "parameters" not in notebooks.tags(code[0][1]):
        yield ": the first code cell is not tagged parameters"
    elif not re.search(r"^scale = \"small\"$", code[0][1].source, re.MULTILINE):
        yield f', cell {code[0][0]}: the parameters cell does not say scale = "small"'
    start = "\n".join(cell.source for _, cell in code[1:3])
    if not re.search(r"^%load_ext lakebook$", start, re.MULTILINE):
        yield ": `%load_ext lakebook` does not follow the parameters cell"
    if not re.search(rf"^check = lakebook\.lab\([\"']{re.escape(lab_id)}[\"']\)$", start, re.M):
        yield f': `check = lakebook.lab("{lab_id}")` does not follow `%load_ext lakebook`'


def _exercises(notebook: Notebook, lab_id: str) -> Iterator[str]:
    written = progress.exercise_numbers(places.exercises(lab_id))
    asked = [int(number) for _, cell in _code(notebook) for number in _ASKS.findall(cell.source)]
    if len(written) not in EXERCISES:
        yield f": {len(written)} exercises; a lab has {EXERCISES[0]} to {EXERCISES[-1]}"
    for number in sorted(set(written) - set(asked)):
        yield f": exercise {number} is in the .py and not in the notebook"
    for number in sorted(set(asked) - set(written)):
        yield f": check.exercise_{number} is in the notebook and not in the .py"
    if asked != sorted(asked):
        yield f": the exercises stand in the order {asked}"
    for number, cell in _code(notebook):
        if notebooks.MARKER.search(cell.source) and not _ASKS.search(cell.source):
            after = [later for at, later in _code(notebook) if at > number][:1]
            if not after or not _ASKS.search(after[0].source):
                yield f", cell {number}: a solution that no check follows"


def _ending(notebook: Notebook) -> Iterator[str]:
    headings = {}
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type == "markdown":
            for line in cell.source.splitlines():
                if line.startswith("#"):
                    headings[line.lstrip("# ").strip().lower()] = number
    last_exercise = max(
        (number for number, cell in _code(notebook) if _ASKS.search(cell.source)), default=0
    )
    databricks, recap = headings.get("on databricks"), headings.get("recap")
    if databricks is None:
        yield ": has no section `On Databricks`"
    else:
        until = recap if recap and recap > databricks else len(notebook.cells)
        section = "\n".join(
            cell.source
            for cell in notebook.cells[databricks - 1 : until]
            if cell.cell_type == "markdown"
        )
        if databricks < last_exercise:
            yield f", cell {databricks}: `On Databricks` stands before the last exercise"
        if not _TABLE.search(section):
            yield f", cell {databricks}: `On Databricks` has no table of what differs"
        if not _DATE.search(section):
            yield f", cell {databricks}: `On Databricks` does not say when it was checked"
    if recap is None:
        yield ": has no section `Recap`"
    elif databricks and recap < databricks:
        yield f", cell {recap}: `Recap` stands before `On Databricks`"


def _size(notebook: Notebook) -> Iterator[str]:
    sizes = []
    for number, cell in _code(notebook):
        lines = cell.source.splitlines()
        sizes.append(
            (sum(1 for line in lines if line.strip() and not line.lstrip().startswith("#")), number)
        )
        for line in lines:
            if len(line) > LINE_LENGTH:
                yield f", cell {number}: a line of {len(line)} characters; {LINE_LENGTH} fit"
    counts = [count for count, _ in sizes]
    if counts and statistics.median(counts) > MEDIAN_LINES:
        yield f": the median code cell has {statistics.median(counts):g} lines; {MEDIAN_LINES} fit"
    large = [number for count, number in sizes if count > MOST_LINES]
    if len(large) * 10 > len(counts):
        yield f": more than 1 in 10 code cells has over {MOST_LINES} lines: cells {large}"


def _outputs(notebook: Notebook) -> Iterator[str]:
    code = _code(notebook)
    counts = [cell.execution_count for _, cell in code]
    if counts != list(range(1, len(code) + 1)):
        yield ": is not stored as executed once from top to bottom; run `lakebook labs run --store`"
    shown = [(number, cell) for number, cell in code if cell.outputs]
    if not shown:
        yield ": no output is stored"
    ignored = [number for number, cell in shown if "nbval-ignore-output" in notebooks.tags(cell)]
    if len(ignored) * 2 > len(shown):
        yield f": more than half of the outputs are not compared (nbval-ignore-output: {ignored})"
    demonstrated = [number for number, cell in shown if not notebooks.is_check(cell)]
    unread = [
        number
        for number in demonstrated
        if number >= len(notebook.cells) or notebook.cells[number].cell_type != "markdown"
    ]
    if len(unread) * 2 >= len(demonstrated) > 0:
        yield f": most outputs are not followed by a sentence that reads them: cells {unread}"
    own = {str(workspace.root()), str(Path.home())} - {"/"}
    for number, cell in shown:
        for output in cell.outputs:
            if output.output_type == "error":
                yield f", cell {number}: an error is stored ({output.ename})"
            if output.output_type == "stream" and output.name == "stderr":
                yield f", cell {number}: stderr is stored: {output.text.strip()[:80]!r}"
            text = _text(output)
            path = _HOME_PATHS.search(text) or next(filter(None, (o in text and o for o in own)), 0)
            if path:
                yield f", cell {number}: the output holds a path of one machine"
            if _ADDRESS.search(text):
                yield f", cell {number}: the output holds a memory address; end the line with `;`"


def _text(output: Cell) -> str:
    if output.output_type == "stream":
        return str(output.text)
    data = output.get("data", {})
    return "\n".join(str(value) for kind, value in data.items() if kind.startswith("text/"))


def _values(notebook: Notebook) -> Iterator[str]:
    """A cell tagged ``value:NAME`` is quoted by chapters, so its output is one that is compared."""
    seen: set[str] = set()
    for number, cell in enumerate(notebook.cells, 1):
        for tag in notebooks.tags(cell):
            if not tag.startswith("value:"):
                continue
            name = tag.removeprefix("value:")
            if name in seen or not name:
                yield f", cell {number}: the value name {name!r} is empty or given twice"
            seen.add(name)
            if "nbval-ignore-output" in notebooks.tags(cell):
                yield f", cell {number}: a value that is quoted must be compared"
            results = [
                one for one in cell.get("outputs", []) if one.output_type == "execute_result"
            ]
            if len(results) != 1 or "text/plain" not in results[0].get("data", {}):
                yield f", cell {number}: the cell of value {name!r} does not end with a value"


def _metadata(notebook: Notebook, lab_id: str) -> Iterator[str]:
    clean = notebooks.text_of(notebook)
    notebooks.clean_metadata(notebook)
    if notebooks.text_of(notebook) != clean:
        yield (
            f": holds metadata that changes with each run; run `lakebook labs run --store {lab_id}`"
        )
