"""Spaced repetition by Leitner's boxes: the twin of `script/memory.js`.

A right answer moves a question that is new or due one box up, a wrong one back to the first; a
right answer before it is due moves nothing. After an answer a question is due again in as many days
as its box says (S. Leitner, *So lernt man lernen*, 1972; the days are ours). Exercises of labs
return by the same rule: their answers are those that a check has judged.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lakebook.exam.bank import Question
from lakebook.labs import places, progress

BOXES = (1, 3, 7, 16, 35)  # days
DAY = 86_400_000  # milliseconds, as in the browser


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


def card(cards: Mapping[str, Card], question: Question) -> Card | None:
    """Return the card of a question as it is worded now, or None if it was never answered."""
    found = cards.get(question.id)
    return found if found and found.hash == question.digest else None


def exercises() -> dict[str, Card]:
    """Return the cards of the exercises that have been judged, as ``day3/01_cross_validation#2``.

    They follow from the learner's progress; an exercise that is no longer there has none.
    """
    there = {
        f"{lab}#{number}"
        for lab in places.ids()
        for number in progress.exercise_numbers(places.exercises(lab))
    }
    cards: dict[str, Card] = {}
    for attempt in progress.attempts():
        name = f"{attempt.lab}#{attempt.exercise}"
        try:
            moment = round(datetime.fromisoformat(attempt.at).timestamp() * 1000)
        except (ValueError, OverflowError):
            continue
        if name in there and moment >= 0:
            # An exercise with another title asks for something else.
            digest = hashlib.sha256(attempt.title.encode()).hexdigest()[:8]
            cards[name] = learned(cards.get(name), digest, attempt.passed, moment)
    return cards
