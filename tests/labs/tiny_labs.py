"""Tiny labs that need no Spark, and a repository to write them to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import v4

LAB = "day1/01_sums"

EXERCISES = '''
"""Exercises of day1/01_sums."""
from lakebook.labs import exercise, expect


@exercise(
    1,
    title="Add <two> numbers",
    hints=("Look at `+`.", "Both numbers are given.", "Write 2 + 3."),
    wrong={"multiplied": 6, "as text": "5", "made when asked for": lambda: 2 - 3},
)
def add(answer):
    expect.is_a(answer, int)
    expect.unlike(answer, 6, "That is the product.")
    expect.equals(answer, 5, "That is not the sum.")


@exercise(
    2,
    title="Double a number",
    hints=("Twice.", "Use `*`.", "Write 2 * 4."),
    wrong={"halved": 2.0, "squared": 16, "unchanged": 4},
)
def double(answer):
    expect.close(answer, 8, 0.001, "That is not twice the number.")
'''

TITLE = """# Sums

You will be able to add.

| Time | Day | Objectives | Data set | Read first |
|---|---|---|---|---|
| 5 minutes | 1 | MD-01 | none | nothing |"""

ENDING = """## On Databricks

| here | there |
|---|---|
| Python | Python |

Checked 2026-11-20.

## Recap

You can add."""

FIRST = (
    "# BEGIN SOLUTION\ntotal = 2 + 3\n# STUB total = ...\n# END SOLUTION\ncheck.exercise_1(total)"
)
SECOND = (
    "# BEGIN SOLUTION\ntwice = 2 * 4\n# STUB twice = ...\n# END SOLUTION\ncheck.exercise_2(twice)"
)
START = f'%load_ext lakebook\n\nimport lakebook\n\ncheck = lakebook.lab("{LAB}")'
# The same without the extension, which prepares MLflow and takes some seconds.
QUICK_START = f'import lakebook\n\ncheck = lakebook.lab("{LAB}")'
PARAMETERS = 'scale = "small"'


def text(source: str) -> nbformat.NotebookNode:
    return v4.new_markdown_cell(source)


def code(source: str, tags: Sequence[str] = (), outputs: Sequence[object] = ()):
    metadata = {"tags": list(tags)} if tags else {}
    return v4.new_code_cell(source, metadata=metadata, outputs=list(outputs))


def result(value: str) -> nbformat.NotebookNode:
    return v4.new_output("execute_result", {"text/plain": value}, execution_count=1)


def cells(start: str = QUICK_START) -> list[nbformat.NotebookNode]:
    return [
        text(TITLE),
        code(PARAMETERS, ["parameters"]),
        code(start),
        text("## Adding"),
        code("1 + 1", outputs=[result("2")]),
        text("One and one are two."),
        code(FIRST),
        code(SECOND),
        text(ENDING),
    ]


class Repository:
    """A repository below a temporary folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "solutions").mkdir()
        (root / "_toc.yml").touch()

    def write(
        self,
        notebook_cells: Sequence[nbformat.NotebookNode] | None = None,
        exercises: str = EXERCISES,
        lab: str = LAB,
        folder: str = "solutions",
    ) -> Path:
        """Write a notebook and, for a solution, the exercises beside it."""
        path = self.root / folder / f"{lab}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        made = cells() if notebook_cells is None else list(notebook_cells)
        for number, cell in enumerate(made):
            cell["id"] = f"cell-{number}"
        kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
        notebook = v4.new_notebook(
            cells=made, metadata={"kernelspec": kernel, "language_info": {"name": "python"}}
        )
        path.write_text(nbformat.writes(notebook) + "\n", "utf-8")
        if folder == "solutions":
            path.with_suffix(".py").write_text(exercises.lstrip(), "utf-8")
        return path

    def read(self, lab: str = LAB, folder: str = "labs") -> nbformat.NotebookNode:
        """Return a notebook of the repository."""
        return nbformat.read(self.root / folder / f"{lab}.ipynb", as_version=4)
