"""The fixed mock exams: as many as the bank can fill without using a question twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lakebook.exam.bank import Question
from lakebook.exam.blueprint import Blueprint


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
    arranged = [_arranged(pile, load) for pile in piles]
    rounds = max(map(len, arranged), default=0)
    in_turn = [pile[n] for n in range(rounds) for pile in arranged if n < len(pile)]
    return [in_turn[n * quota : (n + 1) * quota] for n in range(number)]


def _arranged(pile: list[Question], load: list[Counter[str]]) -> list[Question]:
    """Return the pile in the order that evens out what the exams have got so far; update `load`."""

    def unevenness(order: list[Question]) -> int:
        pairs = list(zip(load, order, strict=False))
        return sum((before[mark] + 1) ** 2 for before, q in pairs for mark in _marks(q))

    turned = [pile[n:] + pile[:n] for n in range(len(pile))]
    best = min([*turned, *(order[::-1] for order in turned)], key=unevenness, default=pile)
    for before, question in zip(load, best, strict=False):
        before.update(_marks(question))
    return best


def _marks(question: Question) -> list[str]:
    several = ["several"] if question.select > 1 else []
    return [question.difficulty, *several]
