"""Spaced repetition by Leitner's boxes: the twin of `script/memory.js`, kept in one file.

A right answer moves a question that is new or due one box up, a wrong one back to the first; a
right answer before it is due moves nothing. After an answer a question is due again in as many days
as its box says (S. Leitner, *So lernt man lernen*, 1972; the days are ours).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from lakebook import workspace
from lakebook.errors import LakebookError
from lakebook.exam.bank import Question

BOXES = (1, 3, 7, 16, 35)  # days
DAY = 86_400_000  # milliseconds, as in the browser
VERSION = 1  # of the file, which is one that the browser exports and imports as well


@dataclass(frozen=True)
class Card:
    """What is remembered of one question; `at` and `due` in milliseconds since 1970, UTC."""

    hash: str
    box: int
    at: int
    due: int
    right: int
    wrong: int
    last: bool


def learned(card: Card | None, hash: str, correct: bool, moment: int) -> Card:
    """Return the card after an answer at `moment`, milliseconds since 1970.

    A reworded question, one of another hash, is a new one; a clock set back is not believed.
    """
    known = card if card and card.hash == hash else None
    at = max(moment, known.at) if known else moment
    ripe = known is None or at >= known.due
    box = known.box if known else 0
    if not correct:
        box = 0
    elif ripe:
        box = min(box + 1, len(BOXES) - 1)
    due = known.due if known and correct and not ripe else at + BOXES[box] * DAY
    right, wrong = (known.right, known.wrong) if known else (0, 0)
    return Card(hash, box, at, due, right + correct, wrong + (not correct), correct)


def now() -> int:
    """Return the time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def file() -> Path:
    """Return where the memory of this workspace is kept."""
    return workspace.path("memory.json")


def read() -> dict[str, Card]:
    """Return the cards by question.

    A damaged file is set aside under another name, and nothing is lost. Raises LakebookError for a
    file of a newer edition, which is left as it is.
    """
    try:
        data = json.loads(file().read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        return _set_aside()
    version = data.get("version") if isinstance(data, dict) else None
    if isinstance(version, int) and version > VERSION:
        raise LakebookError(
            f"'{file()}' was written by a newer edition of Lakebook (version {version}; this one "
            f"reads {VERSION}); update Lakebook, or set LAKEBOOK_HOME to another folder"
        )
    try:
        return {str(id): Card(**card) for id, card in data["memory"].items()}
    except (AttributeError, KeyError, TypeError):
        return _set_aside()


def _set_aside() -> dict[str, Card]:
    aside = file().with_suffix(f".unread-{now()}.json")
    file().rename(aside)
    print(f"memory.json cannot be read; it is kept as '{aside.name}', and memory begins anew")
    return {}


def note(answers: Iterable[tuple[Question, bool]]) -> None:
    """Remember answers, each a question and whether it was answered right.

    Raises LakebookError if the file cannot be written; what was there stays.
    """
    with FileLock(f"{file()}.lock"):
        cards = read()
        for question, correct in answers:
            before = cards.get(question.id)
            cards[question.id] = learned(before, question.digest, correct, now())
        workspace.write_atomic(file(), json.dumps(_exported(cards), indent=1))


def _exported(cards: Mapping[str, Card]) -> dict[str, Any]:
    memory = {id: asdict(card) for id, card in cards.items()}
    return {"format": "lakebook", "version": VERSION, "attempts": [], "memory": memory}


def card(cards: Mapping[str, Card], question: Question) -> Card | None:
    """Return the card of a question as it is worded now, or None if it was never answered."""
    found = cards.get(question.id)
    return found if found and found.hash == question.digest else None
