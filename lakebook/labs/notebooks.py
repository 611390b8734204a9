"""Reading and writing notebooks so that the same content is always the same bytes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import nbformat

from lakebook.errors import LakebookError
from lakebook.labs import places
from lakebook.labs.errors import LabError

Notebook = Any
Cell = Any

# What a check is asked, as `check.exercise_1(filled)`; the line that makes `check` is no such call.
CHECK_CALL = re.compile(r"^[^#\n]*\bcheck\s*\.\s*(?:exercise_\d+|progress)\b", re.MULTILINE)
MARKER = re.compile(r"^\s*#\s*(?:BEGIN|END) SOLUTION\b", re.MULTILINE)


def read(path: Path) -> Notebook:
    """Return a notebook of format 4.5 or later; each cell has its id.

    Raises LabError if the file is missing, is no notebook, or its cells have no ids: an id made
    up while reading would differ each time.
    """
    name = places.shown(path)
    try:
        text = path.read_text("utf-8")
        raw = json.loads(text)
        if raw["nbformat"] != 4 or raw["nbformat_minor"] < 5:
            raise LabError(
                f"{name}: notebook format {raw['nbformat']}.{raw['nbformat_minor']} has no cell "
                "ids; open it in JupyterLab and save it as 4.5"
            )
        for number, cell in enumerate(raw["cells"], 1):
            if not cell.get("id"):
                raise LabError(f"{name}, cell {number}: has no id; save the notebook once more")
        notebook = nbformat.reads(text, as_version=4)
        nbformat.validate(notebook)
    except LakebookError:
        raise
    except FileNotFoundError as error:
        raise LabError(f"{name} does not exist") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise LabError(f"{name} is no notebook that can be read: {_first_line(error)}") from error
    except nbformat.ValidationError as error:
        raise LabError(f"{name} is no valid notebook: {_first_line(error)}") from error
    return notebook


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def text_of(notebook: Notebook) -> str:
    """Return the notebook as the text of its file: keys sorted, one final newline."""
    return nbformat.writes(notebook, version=4).rstrip("\n") + "\n"


def tags(cell: Cell) -> list[str]:
    """Return the tags of a cell."""
    return list(cell.metadata.get("tags", []))


def is_check(cell: Cell) -> bool:
    """Return whether a code cell asks a check for a verdict."""
    return cell.cell_type == "code" and CHECK_CALL.search(cell.source) is not None


def is_exercise(cell: Cell) -> bool:
    """Return whether a cell holds a solution region or asks a check."""
    return cell.cell_type == "code" and (is_check(cell) or MARKER.search(cell.source) is not None)


def clean_metadata(notebook: Notebook) -> None:
    """Leave only the metadata that does not change from one machine or run to the next."""
    kernel = notebook.metadata.get("kernelspec", {})
    kept = {
        "kernelspec": {
            "display_name": kernel.get("display_name", "Python 3 (ipykernel)"),
            "language": "python",
            "name": kernel.get("name", "python3"),
        },
        "language_info": {"name": "python"},
    }
    for key, value in notebook.metadata.items():
        if key not in (*kept, "papermill", "widgets"):
            kept[key] = value
    notebook.metadata = nbformat.from_dict(kept)
    for cell in notebook.cells:
        for key in ("execution", "papermill", "ExecuteTime"):
            cell.metadata.pop(key, None)
