"""GIFT, Moodle's text format: https://docs.moodle.org/en/GIFT_format (read 2026-11-27)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from lakebook.exam.bank import Question
from lakebook.exam.blueprint import Blueprint
from lakebook.exam.exports.markup import html, shown, sources, stem

ENTITIES = {
    "\\": "&bsol;",
    "=": "&equals;",
    "#": "&num;",
    "{": "&lbrace;",
    "}": "&rbrace;",
    ":": "&colon;",
}


def write(file: Path, questions: Sequence[Question], blueprint: Blueprint) -> None:
    """Write the questions, one category for each objective.

    GIFT knows no "all or nothing": with several right options each is worth its part, and a wrong
    one takes everything away.
    """
    parts = []
    for objective, group in groupby(questions, key=lambda question: question.objective):
        parts.append(f"$CATEGORY: Lakebook/{objective}\n")
        parts += [_question(question, blueprint) for question in group]
    file.write_text("\n".join(parts), "utf-8")


def _question(question: Question, blueprint: Blueprint) -> str:
    lines = [f"::{question.id}:: [html]{_escaped(stem(question))} {{"]
    for _, stored in shown(question, blueprint):
        option = question.options[stored]
        if question.select == 1:
            mark = "=" if option.right else "~"
        else:
            mark = f"~%{100 / question.select:.5g}%" if option.right else "~%-100%"
        # Where to read on stands with the right options: not every reader knows feedback on all.
        reason = html(option.reason) + (sources(question) if option.right else "")
        lines.append(f"{mark}{_escaped(html(option.text))}#{_escaped(reason)}")
    return "\n".join([*lines, "}\n"])


def _escaped(text: str) -> str:
    """Return HTML without the signs of GIFT, which not every reader of it knows how to escape.

    Attributes, which need one of them, are given up: a link becomes its text and its address.
    """
    told = re.sub(r'<a href="([^"]*)"[^>]*>(.*?)</a>', _link, text, flags=re.DOTALL)
    told = re.sub(r'(<\w+) [^>]*="[^>]*>', r"\1>", told)
    told = "".join(ENTITIES.get(sign, sign) for sign in told)
    return told.replace("~", "\\~").replace("\n", "\\n")


def _link(found: re.Match[str]) -> str:
    return found[2] if found[1] == found[2] else f"{found[2]} ({found[1]})"
