"""The fixed mock exams: disjoint, by quota, evenly hard."""

from __future__ import annotations

import datetime
from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from lakebook.exam import bank, blueprint, mocks
from lakebook.exam.bank import Option, Question
from lakebook.exam.blueprint import Blueprint, Objective, Section

ROOT = Path(__file__).resolve().parents[2]
DAY = datetime.date(2026, 1, 1)


def _question(n: int, objective: str, section: str, difficulty: str, select: int) -> Question:
    options = tuple(Option(str(k), k < select, "why") for k in range(4))
    where = ("day1/01_x", "https://example.org", DAY)
    return Question(
        f"q{n:03}", objective, section, difficulty, select, *where, "?", options, None, "f.md", n
    )


@st.composite
def banks(draw: st.DrawFn) -> tuple[Blueprint, list[Question]]:
    """A blueprint of one to three sections and a bank of any size for it."""
    sections, questions = [], []
    for s in range(draw(st.integers(1, 3))):
        objectives = []
        for o in range(draw(st.integers(1, 4))):
            objectives.append(Objective(f"S{s}-{o:02}", "title", f"s{s}", ()))
            for _ in range(draw(st.integers(0, 6))):
                kind = draw(st.tuples(st.sampled_from(bank.DIFFICULTIES), st.integers(1, 2)))
                questions.append(_question(len(questions), objectives[-1].id, f"s{s}", *kind))
        quota = draw(st.integers(1, 5))
        sections.append(Section(f"s{s}", f"S{s}", 10, quota, tuple(objectives)))
    total = sum(section.quota for section in sections)
    guide = ("edition", DAY, "source", "weights", DAY)
    return Blueprint(*guide, total, 90, 70, 1, tuple(sections), ()), questions


@given(banks())
def test_exams_are_disjoint_keep_every_quota_and_as_many_as_there_can_be(
    given_bank: tuple[Blueprint, list[Question]],
) -> None:
    rules, questions = given_bank
    exams = mocks.fixed(questions, rules)
    used = [question.id for exam in exams for question in exam]
    assert len(used) == len(set(used))
    for exam in exams:
        assert Counter(q.section for q in exam) == {s.id: s.quota for s in rules.sections}
    have = Counter(question.section for question in questions)
    assert len(exams) == min(have[s.id] // s.quota for s in rules.sections)
    assert exams == mocks.fixed(questions, rules)


@given(st.integers(1, 5), st.integers(2, 6))
def test_where_each_objective_has_enough_every_exam_asks_about_each(
    number: int, objectives: int
) -> None:
    names = tuple(Objective(f"A-{n:02}", "title", "a", ()) for n in range(objectives))
    section = Section("a", "A", 100, objectives, names)
    guide = ("edition", DAY, "source", "weights", DAY)
    rules = Blueprint(*guide, objectives, 90, 70, 1, (section,), ())
    questions = [
        _question(n, names[n // number].id, "a", "easy", 1) for n in range(objectives * number)
    ]
    for exam in mocks.fixed(questions, rules):
        assert {q.objective for q in exam} == {o.id for o in names}


def test_the_exams_of_the_book_are_about_equally_hard() -> None:
    rules = blueprint.load(blueprint.path(ROOT))
    exams = mocks.fixed(bank.load(ROOT, rules), rules)
    assert exams
    for mark in ("easy", "hard"):
        shares = [sum(q.difficulty == mark for q in exam) for exam in exams]
        assert max(shares) - min(shares) <= 3, (mark, shares)
    several = [sum(q.select > 1 for q in exam) for exam in exams]
    assert max(several) - min(several) <= 3, several
