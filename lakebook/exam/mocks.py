"""The fixed mock exams: as many as the bank can fill without using a question twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import permutations

from lakebook.exam.bank import Question
from lakebook.exam.blueprint import Blueprint

SMALL = 5  # piles with few enough orders to try all of them


def fixed(questions: Sequence[Question], blueprint: Blueprint) -> tuple[tuple[Question, ...], ...]:
    """Return disjoint mock exams, each with the quota of every section, in the bank's order.

    An exam asks about every objective of a section once before it asks about one twice, and which
    of an objective's questions it gets is chosen so that difficulties and multiple selection are
    spread evenly. The same bank gives the same exams. Empty if a quota cannot be filled once.
    """
    counted = Counter(question.section for question in questions)
    number = min((counted[s.id] // s.quota for s in blueprint.sections if s.quota), default=0)
    dealt: list[list[Question]] = [[] for _ in range(number)]
    for section in blueprint.sections:
        piles = [[q for q in questions if q.objective == o.id] for o in section.objectives]
        for exam, part in zip(dealt, _deal(piles, section.quota, number), strict=True):
            exam += part
    place = {question.id: n for n, question in enumerate(questions)}
    return tuple(tuple(sorted(exam, key=lambda q: place[q.id])) for exam in dealt)


def _deal(piles: list[list[Question]], quota: int, number: int) -> list[list[Question]]:
    """Deal the piles of one section, one for each objective, to `number` exams of `quota`."""
    load: list[Counter[str]] = [Counter() for _ in range(number)]
    arranged: list[list[Question]] = [[] for _ in piles]
    # A second look at each pile, when all others lie: the first was taken too early to know.
    for _ in range(2):
        for n, pile in enumerate(piles):
            _count(arranged[n], load, -1)
            arranged[n] = min(_orders(pile), key=lambda order: _unevenness(order, load))
            _count(arranged[n], load, 1)
    rounds = max(map(len, arranged), default=0)
    in_turn = [pile[n] for n in range(rounds) for pile in arranged if n < len(pile)]
    return [in_turn[n * quota : (n + 1) * quota] for n in range(number)]


def _orders(pile: list[Question]) -> list[list[Question]]:
    """Return all orders of a small pile; of a larger one, its rotations."""
    if len(pile) <= SMALL:
        return [list(order) for order in permutations(pile)]
    return [pile[n:] + pile[:n] for n in range(len(pile))]


def _unevenness(order: list[Question], load: list[Counter[str]]) -> int:
    pairs = zip(load, order, strict=False)
    return sum(2 * before[mark] + 1 for before, question in pairs for mark in _marks(question))


def _count(order: list[Question], load: list[Counter[str]], sign: int) -> None:
    for counted, question in zip(load, order, strict=False):
        for mark in _marks(question):
            counted[mark] += sign


def _marks(question: Question) -> list[str]:
    several = ["several"] if question.select > 1 else []
    return [question.difficulty, *several]
