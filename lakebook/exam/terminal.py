"""Practice and mock exams in the terminal, by the rules of the book's pages."""

from __future__ import annotations

import math
import random
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from lakebook.errors import LakebookError, unknown
from lakebook.exam import memory, mocks, record, wording
from lakebook.exam.bank import Question
from lakebook.exam.blueprint import Blueprint

LETTERS = "ABCDE"
WIDTH = 92
WHICH = ("next", "due", "unseen", "wrong", "all")


class Stopped(Exception):
    """The reader has had enough for now."""


@dataclass
class Desk:
    """Where questions are put: how to ask for a line, and how to say one."""

    ask: Callable[[str], str]
    say: Callable[[str], None]
    order: random.Random = field(default_factory=random.Random)

    def put(self, question: Question, title: str) -> tuple[int, ...]:
        """Show a question, its options shuffled; return their stored positions in that order."""
        order = list(range(len(question.options)))
        self.order.shuffle(order)
        self.say(f"\n{title}\n")
        self.say(text(question.stem))
        if question.select > 1:
            self.say(f"\nSelect {question.select}.")
        for letter, stored in zip(LETTERS, order, strict=False):
            self.say("\n" + text(question.options[stored].text, f"  {letter}  "))
        return tuple(order)

    def answer(self, question: Question, order: Sequence[int], *, blank: bool) -> tuple[int, ...]:
        """Ask until the answer can be one; return stored positions, none for a blank."""
        letters = LETTERS[: len(order)]
        while True:
            line = self.ask("\nYour answer (q stops): ").upper().replace(",", " ").replace(" ", "")
            if line == "Q":
                raise Stopped
            if not line and blank:
                return ()
            if line and not set(line) - set(letters) and len(set(line)) == question.select:
                return tuple(sorted(order[letters.index(letter)] for letter in set(line)))
            wanted = "a letter" if question.select == 1 else f"{question.select} letters"
            left = ", or nothing to leave it blank" if blank else ""
            self.say(f"Type {wanted} from {letters[0]} to {letters[-1]}{left}.")


def text(markdown: str, first: str = "") -> str:
    """Return Markdown as plain lines: prose wrapped, code as it stands; `first` begins them."""
    out: list[list[str]] = []
    at, rest = 0, " " * len(first)
    for block in wording.FENCE.finditer(markdown):
        code = [f"{rest}    {line}".rstrip() for line in block[2].rstrip("\n").splitlines()]
        out += [_wrapped(markdown[at : block.start()], rest), code]
        at = block.end()
    out.append(_wrapped(markdown[at:], rest))
    joined = "\n\n".join("\n".join(part) for part in out if part)
    return first + joined[len(first) :] if first else joined


def _wrapped(prose: str, indent: str) -> list[str]:
    out: list[str] = []
    for paragraph in filter(None, (part.strip() for part in prose.split("\n\n"))):
        out += [
            "",
            *textwrap.wrap(paragraph, WIDTH, initial_indent=indent, subsequent_indent=indent),
        ]
    return out[1:] if out and not indent.strip() else out


def reasons(question: Question, order: Sequence[int]) -> str:
    """Return the reason of every option, in the order in which they were shown."""
    parts = []
    for letter, stored in zip(LETTERS, order, strict=False):
        option = question.options[stored]
        parts.append(text(option.reason, f"  {letter}  {'right' if option.right else 'wrong'}: "))
    return "\n".join(parts)


def chosen(
    questions: Sequence[Question],
    blueprint: Blueprint,
    objectives: Iterable[str],
    difficulty: str | None,
    which: str,
) -> list[Question]:
    """Return the questions to practise, those of `which` by what is remembered.

    ``next`` is what is due, then what was never answered, then the rest. Raises LakebookError for
    an objective that is not known, or if no question is like that.
    """
    names = [name.upper() for name in objectives]
    for name in names:
        if name not in blueprint.objectives():
            raise unknown("objective", name, blueprint.objectives())
    cards = record.cards()
    moment = memory.now()

    def rank(question: Question) -> int:
        card = memory.card(cards, question)
        return 1 if card is None else 0 if card.due <= moment else 2

    def fits(question: Question) -> bool:
        card = memory.card(cards, question)
        wanted = {
            "due": card is not None and card.due <= moment,
            "unseen": card is None,
            "wrong": card is not None and not card.last,
        }
        return wanted.get(which, True)

    found = [
        q
        for q in questions
        if (not names or q.objective in names)
        and (difficulty is None or q.difficulty == difficulty)
        and fits(q)
    ]
    if not found:
        raise LakebookError(
            "no question is like that; `--which all` asks what was answered before, too"
        )
    random.shuffle(found)
    return sorted(found, key=rank)


def practise(desk: Desk, questions: Sequence[Question]) -> tuple[int, int]:
    """Ask one question after the other with the reasons at once; return right and asked.

    Each answer is remembered as it is given, so stopping loses nothing.
    """
    right = asked = 0
    try:
        for n, question in enumerate(questions, 1):
            title = f"Question {n} of {len(questions)} · {question.objective} · {question.id}"
            order = desk.put(question, title)
            picked = desk.answer(question, order, blank=False)
            correct = picked == question.right
            record.note([(question, correct)])
            right, asked = right + correct, asked + 1
            desk.say(f"\n{'✓ Right' if correct else '✗ Not right'}\n{reasons(question, order)}")
            desk.say(f"\n  Lab {question.lab} · {question.source}")
    except Stopped:
        pass
    desk.say(f"\n{right} of {asked} right." if asked else "\nNothing answered.")
    return right, asked


def sit(desk: Desk, exam: Sequence[Question], blueprint: Blueprint) -> int:
    """Sit a mock exam under the clock; return how many are right. A blank counts as wrong."""
    ends = memory.now() + blueprint.minutes * 60_000
    paper = list(exam)
    desk.order.shuffle(paper)
    answers: dict[str, tuple[int, ...]] = {}
    try:
        for n, question in enumerate(paper, 1):
            if memory.now() >= ends:
                desk.say("\nTime is up.")
                break
            left = math.ceil((ends - memory.now()) / 60_000)
            order = desk.put(question, f"Question {n} of {len(paper)} · {left} minutes left")
            picked = desk.answer(question, order, blank=True)
            if memory.now() >= ends:
                desk.say("\nTime was up before this answer; it does not count.")
                break
            if picked:
                answers[question.id] = picked
                record.note([(question, picked == question.right)])
    except Stopped:
        pass
    return _report(desk, paper, answers, blueprint)


def _report(
    desk: Desk, paper: Sequence[Question], answers: dict[str, tuple[int, ...]], rules: Blueprint
) -> int:
    marks = {q.id: answers.get(q.id) == q.right for q in paper}
    right, of = sum(marks.values()), len(paper)
    low, high = interval(right, of)
    desk.say(
        f"\nYour result: {right} of {of}, {right / of:.0%} "
        f"(compatible with {low:.0%} to {high:.0%} in the long run; 95 % interval, Wilson)."
    )
    desk.say(f"The exam's pass mark is not published; our target is {rules.target} %.\n")
    for section in rules.sections:
        mine = [marks[q.id] for q in paper if q.section == section.id]
        if mine:
            desk.say(f"  {section.name:<30} {sum(mine):>2} of {len(mine)}")
    for question in paper:
        if marks[question.id]:
            continue
        said = "not right" if question.id in answers else "not answered"
        order = desk.put(question, f"{question.objective} · {question.id} · {said}")
        desk.say(f"\n{reasons(question, order)}\n\n  Lab {question.lab} · {question.source}")
    return right


def interval(right: int, of: int) -> tuple[float, float]:
    """Return Wilson's score interval of a share at 95 %, from 0 to 1 (E. B. Wilson, 1927)."""
    z, p = 1.959964, right / of
    middle = p + z * z / (2 * of)
    spread = z * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    low, high = (middle - spread) / (1 + z * z / of), (middle + spread) / (1 + z * z / of)
    return max(0.0, low), min(1.0, high)


def paper(questions: Sequence[Question], blueprint: Blueprint, number: int) -> Sequence[Question]:
    """Return a fixed mock exam by its number, from 1. Raises LakebookError if there is none."""
    exams = mocks.fixed(questions, blueprint)
    if not 1 <= number <= len(exams):
        raise LakebookError(f"there is no mock exam {number}; there are 1 to {len(exams)}")
    return exams[number - 1]
