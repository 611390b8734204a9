"""Guessing by form must not pay."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from pathlib import Path

from lakebook.exam import bank, blueprint, honesty
from lakebook.exam.bank import Option, Question


def questions(root: Path, texts: list[str], right: int, number: int = 40) -> list[Question]:
    """Return `number` copies of a single-choice question with other ids, texts and key."""
    base = next(q for q in bank.load(root) if q.select == 1)
    options = tuple(Option(text, n == right, "why") for n, text in enumerate(texts))
    return [dataclasses.replace(base, id=f"q{n:03}", options=options) for n in range(number)]


def stored(found: list[Question]) -> dict[str, Fraction]:
    return {share.strategy: share.stored for share in honesty.shares(found, 1)}


def test_shares_are_counted_exactly(repository: Path) -> None:
    found = stored(questions(repository, ["a", "bbbb", "cc", "ddd"], right=1))
    assert found["always B"] == found["always the longest"] == 1
    assert found["always A"] == found["always the shortest"] == found["always a middle length"] == 0


def test_a_tie_counts_as_a_fair_draw(repository: Path) -> None:
    found = stored(questions(repository, ["aa", "bb", "c", "dddd"], right=0))
    assert found["always a middle length"] == Fraction(1, 2)
    even = stored(questions(repository, ["aa", "bb", "cc", "dd"], right=0))
    assert even["always the longest"] == even["always the shortest"] == Fraction(1, 4)
    assert even["always a middle length"] == Fraction(1, 4)


def test_multiple_selection_does_not_count(repository: Path) -> None:
    several = [q for q in bank.load(repository) if q.select > 1]
    assert several and honesty.shares(several, 1) == []


def test_a_key_at_one_place_is_a_fault_as_stored_and_not_as_displayed(repository: Path) -> None:
    found = questions(repository, ["aa", "bb", "cc", "dd"], right=1, number=200)
    rules = dataclasses.replace(blueprint.load(), shuffle=honesty.working_seed(found) or 0)
    faults = honesty.faults(found, rules)
    assert [fault.split("'")[1] for fault in faults] == ["always B"]
    assert "as stored" in faults[0]


def test_an_unlucky_seed_is_a_fault_that_names_a_lucky_one(repository: Path) -> None:
    found = [
        dataclasses.replace(q, options=q.options[n % 4 :] + q.options[: n % 4])
        for n, q in enumerate(questions(repository, ["aa", "bb", "cc", "dd"], right=1))
    ]
    unlucky = next(
        seed
        for seed in range(1000)
        if any(share.displayed > honesty.LIMIT for share in honesty.shares(found, seed))
    )
    faults = honesty.faults(found, dataclasses.replace(blueprint.load(), shuffle=unlucky))
    assert "as displayed" in faults[0]
    assert f"set shuffle: {honesty.working_seed(found)}" in faults[0]


def test_a_few_questions_are_not_judged(repository: Path) -> None:
    found = questions(repository, ["aa", "bb", "cc", "dd"], right=1, number=honesty.ENOUGH - 1)
    assert honesty.faults(found, blueprint.load()) == []


def test_words_of_the_stem_code_and_hedges_are_counted(repository: Path) -> None:
    texts = ["models by grid", "`fit` once", "it may usually be so", "nothing like that"]
    base = [
        dataclasses.replace(q, stem="How many models of a grid?")
        for q in questions(repository, texts, right=0)
    ]
    assert stored(base)["most words shared with the question"] == 1
    assert stored(base)["what contains code"] == stored(base)["most hedged"] == 0
    for right, strategy in ((1, "what contains code"), (2, "most hedged")):
        assert stored(questions(repository, texts, right))[strategy] == 1
    plain = stored(questions(repository, ["aa", "bb", "cc", "dd"], right=0))
    assert plain["what contains code"] == plain["most hedged"] == Fraction(1, 4)


def test_two_wordings_of_one_question_are_found(repository: Path) -> None:
    one, other = [q for q in bank.load(repository) if q.select == 1][:2]
    copy = dataclasses.replace(one, id="copy", stem=one.stem.replace("four", "five"))
    assert honesty.alike([one, other]) == []
    assert honesty.alike([one, other, copy]) == [(one, copy)]
