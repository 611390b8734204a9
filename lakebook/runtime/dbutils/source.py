"""Notebooks as files: where a path such as ``./other`` leads, and what cells it has.

Besides ``.ipynb`` the platform's own form is read: a ``.py`` that starts with
``# Databricks notebook source``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lakebook.errors import LakebookError

FIRST_LINE = "# Databricks notebook source"
BETWEEN = "# COMMAND ----------"
MAGIC = "# MAGIC"
# On the platform these are the roots of a notebook's absolute path.
ROOTS = ("Workspace", "Repos", "Users", "Shared")

_running: list[Path] = []  # the notebooks that `%run` is running, the innermost last


def locate(path: str) -> Path:
    """Return the file of a notebook; a relative path starts at the folder of the one that runs.

    The suffix may be left out, as on the platform. Raises LakebookError if there is none.
    """
    here = _running[-1].parent if _running else Path.cwd()
    wanted = here / path
    for candidate in (wanted.with_name(wanted.name + ".ipynb"), wanted):
        if candidate.suffix == ".ipynb" and candidate.is_file():
            return candidate.resolve()
    for candidate in (wanted.with_name(wanted.name + ".py"), wanted):
        if candidate.suffix == ".py" and candidate.is_file() and is_source(candidate):
            return candidate.resolve()
    hint = f"looked for '{wanted}.ipynb'" if wanted.suffix != ".ipynb" else f"looked for '{wanted}'"
    if Path(path).parts[1:2] and Path(path).is_absolute() and Path(path).parts[1] in ROOTS:
        hint = "paths of a workspace do not exist here; name it relative to this notebook: ./name"
    elif wanted.parent.is_dir():
        beside = ", ".join(sorted(file.stem for file in wanted.parent.glob("*.ipynb"))[:8])
        hint += f"; beside it: {beside or 'no notebook'}"
    raise LakebookError(f"there is no notebook '{path}'; {hint}")


def is_source(file: Path) -> bool:
    """Return whether a ``.py`` is a notebook of the platform."""
    with file.open(encoding="utf-8", errors="replace") as stream:
        return stream.readline().rstrip() == FIRST_LINE


def read(file: Path) -> Any:
    """Return the notebook of a file, in today's format; raises LakebookError if it is none."""
    # It takes a third of a second to import, which a notebook that runs no other need not wait for.
    import nbformat

    try:
        text = file.read_text("utf-8")
        if file.suffix == ".py":
            return _from_source(text)
        return nbformat.reads(text, as_version=4)
    except Exception as error:
        raise LakebookError(f"'{file}' is not a notebook that can be read: {error}") from error


@contextlib.contextmanager
def inside(file: Path) -> Iterator[None]:
    """Let relative paths start at the folder of this notebook."""
    _running.append(file)
    try:
        yield
    finally:
        _running.pop()


def running(file: Path) -> bool:
    """Return whether `%run` is running this notebook now."""
    return file in _running


def _from_source(text: str) -> Any:
    from nbformat.v4 import new_code_cell, new_notebook

    notebook = new_notebook()
    for part in text.removeprefix(FIRST_LINE).split(BETWEEN):
        lines = part.strip("\n").splitlines()
        if lines and all(line.startswith(MAGIC) or not line.strip() for line in lines):
            lines = [line.removeprefix(MAGIC).removeprefix(" ") for line in lines]
        if any(line.strip() for line in lines):
            notebook.cells.append(new_code_cell("\n".join(lines)))
    return notebook
