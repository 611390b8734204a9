"""A book of three pages, in a folder of its own, on which faults can be tried."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ROOT = Path(__file__).resolve().parents[2]
TOC = """\
format: jb-book
root: book/index
parts:
  - caption: Day 1
    chapters:
      - file: book/first
        sections:
          - file: labs/day1/01_first
      - file: book/second
"""


@dataclass
class SmallBook:
    """A repository with the settings and the look of the real one, and little in it."""

    root: Path

    def write(self, name: str, text: str) -> None:
        """Write a file of the book."""
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def store(self, value: str) -> None:
        """Write the solution, whose cell `value:share` shows this text."""
        output = new_output("execute_result", {"text/plain": value}, execution_count=1)
        cell = new_code_cell(
            "share", metadata={"tags": ["value:share"]}, outputs=[output], execution_count=1
        )
        notebook = new_notebook(cells=[new_markdown_cell("# First lab"), cell])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        notebook.metadata["language_info"] = {"name": "python"}
        for folder in ("solutions", "labs"):
            self.write(f"{folder}/day1/01_first.ipynb", nbformat.writes(notebook))

    def build(self) -> subprocess.CompletedProcess[str]:
        """Run `lakebook book` here."""
        return subprocess.run(
            [sys.executable, "-m", "lakebook.cli", "book"],
            cwd=self.root,
            env={**os.environ, "LAKEBOOK_ROOT": str(self.root)},
            capture_output=True,
            text=True,
            check=False,
        )

    def page(self, name: str) -> str:
        """Return the HTML of a page."""
        return (self.root / "_build" / "html" / f"{name}.html").read_text("utf-8")


@pytest.fixture
def small_book(tmp_path: Path) -> SmallBook:
    """Return a book that builds without a warning."""
    root = tmp_path / "repository"
    made = SmallBook(root)
    made.write("_config.yml", (ROOT / "_config.yml").read_text("utf-8"))
    made.write("_toc.yml", TOC)
    for folder in ("_static", "_templates"):
        shutil.copytree(ROOT / "book" / folder, root / "book" / folder)
    made.write("book/index.md", "# Start\n\n```{course}\n```\n")
    made.write("book/first.md", "# First chapter\n\nIt is {value}`day1/01_first#share|.1%`.\n")
    made.write("book/second.md", "# Second chapter\n\nNothing yet.\n")
    made.store("0.12345")
    return made
