"""The learner's record: attempts, memory, lesson reviews and the day of the exam, in one file.

It is what the browser exports and imports. The terminal writes its memory into it; the workspace's
server merges into it what a page sends, so that nothing depends on one browser.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lakebook import workspace
from lakebook.errors import LakebookError
from lakebook.exam import memory
from lakebook.exam.bank import Question
from lakebook.exam.memory import BOXES, Card

FORMAT = "lakebook"
VERSION = 1
NAME = re.compile(r"[\w/#-]{1,80}")

Record = dict[str, Any]


class NewerRecord(LakebookError):
    """The file was written by a newer edition, and is left as it is."""


class BadRecord(LakebookError):
    """What was handed in is no record; the message says in what."""


def file() -> Path:
    """Return where the record of this workspace is kept."""
    return workspace.path("memory.json")


def read() -> Record:
    """Return the record; an empty one where there is none.

    A damaged file is set aside under another name, and nothing is lost. Raises NewerRecord for a
    file of a newer edition.
    """
    try:
        data = json.loads(file().read_text("utf-8"))
    except FileNotFoundError:
        return _empty()
    except (OSError, ValueError):
        return _set_aside()
    version = data.get("version") if isinstance(data, dict) else None
    if isinstance(version, int) and version > VERSION:
        raise NewerRecord(
            f"'{file()}' was written by a newer edition of Lakebook (version {version}; this one "
            f"reads {VERSION}); update Lakebook, or set LAKEBOOK_HOME to another folder"
        )
    return _set_aside() if fault(data) else {**_empty(), **data}


def cards() -> dict[str, Card]:
    """Return the cards of the questions, by id. Raises NewerRecord as `read` does."""
    return _cards(read()["memory"])


def note(answers: Iterable[tuple[Question, bool]]) -> None:
    """Remember answers, each a question and whether it was answered right.

    Raises LakebookError if the file cannot be written; what was there stays.
    """
    with workspace.lock("memory"):
        record = read()
        known = _cards(record["memory"])
        for question, correct in answers:
            card = memory.learned(known.get(question.id), question.digest, correct, memory.now())
            known[question.id] = card
            record["memory"][question.id] = asdict(card)
        _write(record)


def keep(other: Any) -> Record:
    """Merge a record into the file and return what the file has now, with the exercises of labs.

    Raises BadRecord for what is no record, NewerRecord and LakebookError as `read` and `note` do.
    """
    if found := fault(other):
        raise BadRecord(f"the record {found}; nothing was changed")
    with workspace.lock("memory"):
        before = read()
        record = merged(before, other)
        if record != before:
            _write(record)
    return with_exercises(record)


def with_exercises(record: Record) -> Record:
    """Return the record with the cards of the labs' exercises, which follow from the progress."""
    exercises = {name: asdict(card) for name, card in memory.exercises().items()}
    return {**record, "memory": _newest(record["memory"], exercises, "at")}


def merged(mine: Record, other: Record) -> Record:
    """Return two records as one; of two states of the same thing the newer stands.

    What either of them has removed is gone. The twin of `merge` in `script/record.js`.
    """
    removed = sorted({*mine.get("removed", []), *other.get("removed", [])})
    attempts = {one["id"]: one for one in mine["attempts"]}
    for one in other["attempts"]:
        known = attempts.get(one["id"])
        attempts[one["id"]] = _attempt(known, one) if known else one
    return {
        "format": FORMAT,
        "version": VERSION,
        "attempts": [one for name, one in attempts.items() if name not in removed],
        "removed": removed,
        "reviews": _newest(mine.get("reviews") or {}, other.get("reviews") or {}, "at"),
        "memory": _newest(mine["memory"], other.get("memory") or {}, "at"),
        "examDay": _later(mine.get("examDay"), other.get("examDay")),
    }


def fault(data: Any) -> str:
    """Return in what way data from outside is no record that can be merged, or nothing."""
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        return "is not an export of this book, or it is damaged"
    version, attempts = data.get("version"), data.get("attempts")
    if not isinstance(version, int) or not isinstance(attempts, list):
        return "is damaged"
    if version > VERSION:
        return f"was written by a newer edition (version {version}; this one reads {VERSION})"
    for number, attempt in enumerate(attempts, 1):
        if not _is_attempt(attempt):
            return f"is damaged (attempt {number} of {len(attempts)})"
    reviews = data.get("reviews") or {}
    if not isinstance(reviews, dict) or not all(isinstance(one, dict) for one in reviews.values()):
        return "is damaged (its lesson reviews)"
    removed = data.get("removed") or []
    if not isinstance(removed, list) or not all(isinstance(one, str) for one in removed):
        return "is damaged (what it has removed)"
    day = data.get("examDay")
    if day is not None and not (isinstance(day, dict) and _count(day.get("at"))):
        return "is damaged (the day of the exam)"
    try:
        _cards(data.get("memory") or {})
    except (AttributeError, TypeError, ValueError):
        return "is damaged (its memory)"
    return ""


def _empty() -> Record:
    kept: Record = {"attempts": [], "removed": [], "reviews": {}, "memory": {}, "examDay": None}
    return {"format": FORMAT, "version": VERSION, **kept}


def _is_attempt(one: Any) -> bool:
    """Tell whether the parts by which attempts are merged are there; pages judge the rest."""
    if not isinstance(one, dict) or not isinstance(one.get("id"), str):
        return False
    answers, submitted = one.get("answers"), one.get("submitted")
    if not isinstance(answers, dict) or not (submitted is None or _count(submitted)):
        return False
    return all(isinstance(a, dict) and _count(a.get("at")) for a in answers.values())


def _attempt(mine: Record, other: Record) -> Record:
    """A submitted one stands, the earlier of two; else the newest answer to each question."""
    if other["submitted"] is not None:
        earlier = mine["submitted"] is None or other["submitted"] < mine["submitted"]
        return other if earlier else mine
    if mine["submitted"] is not None:
        return mine
    return {**mine, "answers": _newest(mine["answers"], other["answers"], "at")}


def _newest(mine: Record, other: Record, key: str) -> Record:
    newer = {
        name: one
        for name, one in other.items()
        if name not in mine or one.get(key, 0) > mine[name].get(key, 0)
    }
    return {**mine, **newer}


def _later(mine: Record | None, other: Record | None) -> Record | None:
    if mine is None or other is None:
        return mine or other
    return other if other["at"] > mine["at"] else mine


def _cards(found: Mapping[str, Any]) -> dict[str, Card]:
    """Return cards from data. Raises TypeError or ValueError for what is none."""
    cards = {name: Card(**one) for name, one in found.items()}
    for name, card in cards.items():
        counts = (card.box, card.at, card.due, card.right, card.wrong)
        whole = all(map(_count, counts)) and card.box < len(BOXES)
        if not (whole and NAME.fullmatch(name) and isinstance(card.hash, str)):
            raise ValueError(f"'{name}' is no card")
        if not isinstance(card.last, bool):
            raise ValueError(f"'{name}' is no card")
    return cards


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _set_aside() -> Record:
    aside = file().with_suffix(f".unread-{memory.now()}.json")
    file().rename(aside)
    print(f"memory.json cannot be read; it is kept as '{aside.name}', and memory begins anew")
    return _empty()


def _write(record: Record) -> None:
    workspace.write_atomic(file(), json.dumps(record, ensure_ascii=False, indent=1))
