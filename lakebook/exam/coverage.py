"""What the book has for each objective of the guide: sections, labs, questions, cards."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lakebook.exam import blueprint as blueprints
from lakebook.exam.bank import Question
from lakebook.exam.blueprint import Blueprint, Objective

ENOUGH = 5  # questions of an objective, so that five mock exams share none
CHAPTER = re.compile(r"\*\*Exam objectives?\*\* (?P<ids>[^;*\n]*)")
SPAN = re.compile(r"(?P<group>[A-Z]+)-(?P<first>\d\d) to (?P=group)-(?P<last>\d\d)")
SECTION = re.compile(r"^## (?P<id>[A-Z]+-\d\d) · (?P<title>.+)$", re.M)
TITLE = re.compile(r"^# (?P<title>.+)$", re.M)
PASSED_OVER = ("questions",)  # folders of `book` that hold no pages


@dataclass(frozen=True)
class Place:
    """Where a page is about an objective: the page without its ending, and a section of it."""

    page: str
    title: str
    section: str | None = None


@dataclass(frozen=True)
class Coverage:
    """One line of the matrix."""

    objective: Objective
    chapters: tuple[Place, ...]
    brief: tuple[Place, ...]
    written: tuple[str, ...]
    planned: tuple[str, ...]
    questions: dict[str, int]
    proofs: int

    @property
    def cards(self) -> int:
        """How many cards the deck for Anki has: one for each question."""
        return sum(self.questions.values())


def matrix(blueprint: Blueprint, questions: Sequence[Question], root: Path) -> tuple[Coverage, ...]:
    """Return what the book in the repository `root` has for each objective, in their order."""
    chapters: dict[str, list[Place]] = {}
    brief: dict[str, list[Place]] = {}
    for file in pages(root):
        text = file.read_text("utf-8")
        page = file.relative_to(root).with_suffix("").as_posix()
        if not (title := TITLE.search(text)):
            continue
        for name in _claimed(text):
            chapters.setdefault(name, []).append(Place(page, title["title"]))
        for section in SECTION.finditer(text):
            place = Place(page, title["title"], section[0].removeprefix("## "))
            brief.setdefault(section["id"], []).append(place)
    lines = []
    for objective in blueprint.objectives().values():
        mine = [q for q in questions if q.objective == objective.id]
        there = [lab for lab in objective.labs if blueprints.lab_exists(lab, root)]
        lines.append(
            Coverage(
                objective=objective,
                chapters=tuple(chapters.get(objective.id, ())),
                brief=tuple(brief.get(objective.id, ())),
                written=tuple(there),
                planned=tuple(lab for lab in objective.labs if lab not in there),
                questions={
                    kind: sum(q.difficulty == kind for q in mine)
                    for kind in ("easy", "medium", "hard")
                },
                proofs=sum(q.proof is not None for q in mine),
            )
        )
    return tuple(lines)


def faults(
    blueprint: Blueprint, lines: Sequence[Coverage], *, labs_owed: frozenset[str] = frozenset()
) -> list[str]:
    """Return what is missing, in words.

    Every objective has a section that explains it and `ENOUGH` questions; and a lab, but for those
    in `labs_owed`, the objectives whose labs are still to be written. One that has got its lab must
    leave `labs_owed`; so must one that the guide no longer has.
    """
    found = []
    for line in lines:
        name = line.objective.id
        if not line.chapters and not line.brief:
            found.append(f"{name} is explained in no section of the book")
        if line.cards < ENOUGH:
            found.append(f"{name} has {line.cards} question(s); {ENOUGH} are needed")
        if line.written and name in labs_owed:
            found.append(f"{name} has a lab now: strike it from those that are owed one")
        if not line.written and name not in labs_owed:
            found.append(f"{name} has no lab yet: {', '.join(line.planned)}")
    known = blueprint.objectives()
    found += [f"{name} is owed a lab, and the guide has no such objective" for name in
              sorted(labs_owed - known.keys())]  # fmt: skip
    return found


def pages(root: Path) -> list[Path]:
    """Return the Markdown pages of the book, sorted."""
    book = root / "book"
    return [
        file
        for file in sorted(book.rglob("*.md"))
        if file.relative_to(book).parts[0] not in PASSED_OVER
    ]


def _claimed(text: str) -> Iterator[str]:
    """Yield the objectives that a chapter says it is about; not those it touches in passing."""
    for claim in CHAPTER.finditer(text):
        ids = SPAN.sub(_spelled_out, claim["ids"])
        yield from dict.fromkeys(re.findall(r"[A-Z]+-\d\d", ids))


def _spelled_out(span: re.Match[str]) -> str:
    numbers = range(int(span["first"]), int(span["last"]) + 1)
    return " ".join(f"{span['group']}-{number:02}" for number in numbers)
