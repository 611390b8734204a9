"""An Anki deck, a subdeck for each section. Ids are stable: a new edition updates the cards."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import genanki

from lakebook.exam.bank import Question
from lakebook.exam.blueprint import Blueprint
from lakebook.exam.exports.markup import html, shown, sources, stem

NAME = "Lakebook"
MODEL = 1_732_406_813  # drawn once; Anki takes another number for another kind of note
FRONT = '<div class="stem">{{Question}}</div><div class="options">{{Options}}</div>'
BACK = '{{FrontSide}}<hr id="answer"><p class="key">{{Answer}}</p>{{Reasons}}{{Sources}}'
STYLE = """\
.card { font-family: sans-serif; font-size: 17px; line-height: 1.45; text-align: left; }
pre { background: #f2f5f8; color: #1c2127; padding: .5rem; overflow-x: auto; }
.key { font-weight: 700; }
ol { list-style: upper-alpha; }
"""


def write(file: Path, questions: Sequence[Question], blueprint: Blueprint) -> None:
    """Write the questions as a package that Anki imports; tags are objective and difficulty."""
    model = genanki.Model(
        MODEL,
        "Lakebook question",
        fields=[
            {"name": name} for name in ("Id", "Question", "Options", "Answer", "Reasons", "Sources")
        ],
        templates=[{"name": "Question", "qfmt": FRONT, "afmt": BACK}],
        css=STYLE,
    )
    decks = {
        section.id: genanki.Deck(_number(section.id), f"{NAME}::{section.name}")
        for section in blueprint.sections
    }
    for question in questions:
        decks[question.section].add_note(_note(model, question, blueprint))
    genanki.Package(list(decks.values())).write_to_file(str(file))


def _note(model: genanki.Model, question: Question, blueprint: Blueprint) -> genanki.Note:
    placed = shown(question, blueprint)
    options = "".join(f"<li>{html(question.options[n].text)}</li>" for _, n in placed)
    reasons = "".join(f"<li>{html(question.options[n].reason)}</li>" for _, n in placed)
    key = ", ".join(letter for letter, n in placed if n in question.right)
    return genanki.Note(
        model=model,
        guid=genanki.guid_for("lakebook", question.id),
        fields=[
            question.id,
            stem(question),
            f"<ol>{options}</ol>",
            key,
            f"<ol>{reasons}</ol>",
            sources(question),
        ],
        tags=[question.objective, question.difficulty],
    )


def _number(name: str) -> int:
    """Return a number for a deck, the same for the same name, in the range that Anki keeps."""
    return (1 << 30) + zlib.crc32(f"lakebook {name}".encode()) % (1 << 30)
