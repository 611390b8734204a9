"""The bank that ships: whole, honest and proven."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from lakebook.exam import bank, blueprint, honesty, mocks
from lakebook.exam.bank import Question
from lakebook.exam.blueprint import Blueprint

ROOT = Path(__file__).resolve().parents[2]
PROOFS = 110  # the fewest that must be there


@pytest.fixture(scope="module")
def rules() -> Blueprint:
    return blueprint.load(blueprint.path(ROOT))


@pytest.fixture(scope="module")
def questions(rules: Blueprint) -> tuple[Question, ...]:
    return bank.load(ROOT, rules)


def test_the_blueprint_is_that_of_the_guide(rules: Blueprint) -> None:
    quotas = {section.id: section.quota for section in rules.sections}
    assert list(quotas.values()) == [18, 9, 15, 6]
    assert [len(section.objectives) for section in rules.sections] == [18, 9, 15, 6]
    assert (rules.questions, rules.minutes) == (48, 90)


def test_every_objective_has_five_questions_and_five_mock_exams_can_be_filled(
    rules: Blueprint, questions: tuple[Question, ...]
) -> None:
    asked = Counter(question.objective for question in questions)
    assert [objective for objective in rules.objectives() if asked[objective] < 5] == []
    assert len(mocks.fixed(questions, rules)) >= 5


def test_the_bank_is_mixed(questions: tuple[Question, ...]) -> None:
    shares = Counter(question.difficulty for question in questions)
    assert 0.5 <= shares["medium"] / len(questions) <= 0.7, shares
    assert min(shares["easy"], shares["hard"]) / len(questions) >= 0.15, shares
    assert sum(question.select > 1 for question in questions) >= 36
    code = [q for q in questions if "```" in q.stem + "".join(o.text for o in q.options)]
    assert len(code) / len(questions) >= 0.3


def test_guessing_by_form_does_not_pay(rules: Blueprint, questions: tuple[Question, ...]) -> None:
    assert len(honesty.single_choice(questions)) >= honesty.ENOUGH
    assert honesty.faults(questions, rules) == []


def test_no_two_questions_are_nearly_the_same(questions: tuple[Question, ...]) -> None:
    assert [(one.id, other.id) for one, other in honesty.alike(questions)] == []


def test_every_lab_of_the_book_that_is_written_is_in_the_blueprint(rules: Blueprint) -> None:
    written = {
        file.relative_to(ROOT / "solutions").with_suffix("").as_posix()
        for file in (ROOT / "solutions").glob("*/*.ipynb")
    }
    assert written - rules.labs() == set()


def test_every_proof_selects_exactly_the_key(questions: tuple[Question, ...]) -> None:
    proven = [question for question in questions if question.proof is not None]
    assert len(proven) >= PROOFS
    # In a process of its own: the session of another test must not decide a proof.
    command = [sys.executable, "-m", "lakebook.cli", "exam", "prove"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert f"{len(proven)} proofs, 0 failed" in done.stdout
