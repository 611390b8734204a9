"""The question bank for other programs: Anki, Moodle, QTI, Canvas, spreadsheets."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lakebook.errors import LakebookError, unknown
from lakebook.exam.bank import Question
from lakebook.exam.blueprint import Blueprint


@dataclass(frozen=True)
class Format:
    """A format: the module that writes it, the ending of its files, and who reads it."""

    module: str
    ending: str
    reader: str


FORMATS = {
    "anki": Format("anki", ".apkg", "Anki"),
    "moodle": Format("moodle", ".xml", "Moodle"),
    "gift": Format("gift", ".gift", "Moodle and others that read GIFT"),
    "qti": Format("qti", ".zip", "programs that read QTI 2.1"),
    "canvas": Format("canvas", ".zip", "Canvas, as QTI 1.2"),
    "csv": Format("table", ".csv", "spreadsheets"),
}


def write(name: str, file: Path, questions: Sequence[Question], blueprint: Blueprint) -> None:
    """Write questions to a file in a format, `file` being replaced in one step.

    Raises LakebookError for an unknown format, or a file that cannot be written.
    """
    if name not in FORMATS:
        raise unknown("format", name, FORMATS)
    module = importlib.import_module(f"{__name__}.{FORMATS[name].module}")
    unfinished = file.with_name(f".{file.name}.unfinished")
    try:
        module.write(unfinished, questions, blueprint)
        unfinished.replace(file)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise LakebookError(
            f"'{file}' cannot be written ({error.strerror or error}); name a file in a folder of "
            "yours"
        ) from error
