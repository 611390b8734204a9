"""A proof must select exactly the keyed options."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import tiny_bank
from tiny_bank import COUNT

from lakebook import cli
from lakebook.exam import bank, proofs

FILE = "model_development/MD-10.md"


def result(root: Path, proof: str, text: str = COUNT) -> proofs.Result:
    old = "answer = len([1, 2, 3, 4]) * 3"
    tiny_bank.write(root, {FILE: text.replace(old, proof)})
    with proofs.Prover() as prover:
        return prover.prove(next(q for q in bank.load(root) if q.id == "k7w2"))


def test_both_forms_of_proof_hold_on_the_right_key(repository: Path) -> None:
    with proofs.Prover() as prover:
        results = [prover.prove(q) for q in proofs.choose(bank.load(repository), [])]
    assert [(r.question.id, r.fault) for r in results] == [("a111", ""), ("k7w2", "")]


def test_a_wrong_key_is_refuted_by_file_and_line(repository: Path) -> None:
    found = result(repository, "answer = 13")
    assert found.fault == "the proof selects [13], the key says [12]"
    assert f"book/questions/{FILE}:3: " in found.line()


@pytest.mark.parametrize(
    ("proof", "words"),
    [
        ("answer = [12, 13]", "selects [12; 13], the key says [12]"),
        ("answer = 14", "'14' is not among the options"),
        ("def holds(option):\n    return False", "selects [nothing]"),
        ("def holds(option):\n    return 1", "return True or False"),
        ("x = 12", "sets `answer` or defines `holds(option)`"),
        ("answer = 12\nholds = bool", "one of the two"),
    ],
)
def test_a_proof_that_does_not_decide_says_why(repository: Path, proof: str, words: str) -> None:
    assert words in result(repository, proof).fault


def test_an_exception_is_reported_with_its_line_in_the_file(repository: Path) -> None:
    found = result(repository, "x = 1\nanswer = x / 0")
    line = COUNT[: COUNT.index("answer = len")].count("\n") + 2
    assert found.fault == f"the proof raised ZeroDivisionError in line {line}: division by zero"


def test_proofs_do_not_see_each_other(repository: Path) -> None:
    with proofs.Prover() as prover:
        tiny_bank.write(repository, {FILE: COUNT.replace("answer = len", "left = 1\nanswer = len")})
        assert prover.prove(bank.load(repository)[-1]).holds
        tiny_bank.write(repository, {FILE: COUNT.replace("answer = len", "left\nanswer = len")})
        assert "NameError" in prover.prove(bank.load(repository)[-1]).fault


def test_fits_are_counted_with_and_without_the_refit() -> None:
    pytest.importorskip("sklearn")
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV

    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=3)
    assert proofs.count_fits(search) == 2 * 3 + 1
    assert proofs.count_fits(search.set_params(refit=False)) == 2 * 3


def test_names_choose_questions_or_objectives(repository: Path) -> None:
    questions = bank.load(repository)
    assert [q.id for q in proofs.named(questions, ["DP-01", "k7w2"])] == ["a111", "a112", "k7w2"]
    assert [q.id for q in proofs.choose(questions, ["DP-01"])] == ["a111"]


def test_the_command_fails_on_a_refuted_key(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["exam", "prove", "k7w2"]) == 0
    assert "1 proofs, 0 failed" in capsys.readouterr().out
    tiny_bank.write(repository, {FILE: COUNT.replace("* 3", "* 3 + 1")})
    assert cli.main(["exam", "prove"]) == 1
    assert "FAILED MD-10  k7w2" in capsys.readouterr().out


def test_an_unknown_question_is_answered_with_the_nearest(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["exam", "prove", "k7w3"]) == 2
    assert "question 'k7w3' is not known; did you mean 'k7w2'?" in capsys.readouterr().err


def test_check_tells_what_is_missing_and_what_is_broken(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["exam", "check"]) == 0
    assert "4 questions, 0 faults" in capsys.readouterr().out
    (repository / "book" / "questions" / FILE).unlink()
    assert cli.main(["exam", "check"]) == 1
    out = capsys.readouterr().out
    assert "Model Development: 0 questions, the quota is 1" in out
    assert "objectives without a question: MD-10" in out
    tiny_bank.write(repository, {FILE: COUNT.replace("medium", "mild")})
    assert cli.main(["exam", "check"]) == 1
    assert f"{FILE}:5: difficulty 'mild' is not known" in capsys.readouterr().out


def test_a_proof_works_in_a_workspace_of_its_own(repository: Path, tmp_path: Path) -> None:
    proof = "from lakebook import workspace\nworkspace.path('tables', 'mine').touch()\nanswer = 12"
    assert result(repository, proof).fault == ""
    assert not (tmp_path / "home" / "tables").exists()
    assert os.environ["LAKEBOOK_HOME"] == str(tmp_path / "home")
