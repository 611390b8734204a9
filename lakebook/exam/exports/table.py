"""One line a question, as comma-separated values (RFC 4180), UTF-8."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from lakebook.exam.bank import Question
from lakebook.exam.blueprint import Blueprint
from lakebook.exam.exports.markup import LETTERS, shown

HEAD = (
    *("id", "section", "objective", "difficulty", "select", "question"),
    *(f"option_{letter}" for letter in LETTERS),
    "right",
    *(f"reason_{letter}" for letter in LETTERS),
    *("lab", "source", "checked"),
)


def write(file: Path, questions: Sequence[Question], blueprint: Blueprint) -> None:
    """Write the questions as Markdown text, options in the order of the book."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.DictWriter(stream, HEAD, restval="")
        rows.writeheader()
        for question in questions:
            row = {
                "id": question.id,
                "section": question.section,
                "objective": question.objective,
                "difficulty": question.difficulty,
                "select": question.select,
                "question": question.stem,
                "lab": question.lab,
                "source": question.source,
                "checked": question.checked.isoformat(),
            }
            placed = shown(question, blueprint)
            for letter, stored in placed:
                row[f"option_{letter}"] = question.options[stored].text
                row[f"reason_{letter}"] = question.options[stored].reason
            row["right"] = "".join(letter for letter, n in placed if n in question.right)
            rows.writerow(row)
