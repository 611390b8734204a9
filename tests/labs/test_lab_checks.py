"""What a learner sees when a check is asked."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from tiny_labs import EXERCISES, LAB

import lakebook
from lakebook.errors import LakebookError
from lakebook.labs import progress
from lakebook.labs.checks import CheckFailed
from lakebook.labs.errors import LabError


@pytest.fixture
def check(repository):
    repository.write()
    return lakebook.lab(LAB)


@pytest.mark.parametrize("answer", [..., None, [1, ...], (..., 2), {"a": ...}])
def test_an_unsolved_exercise_is_not_attempted_and_leaves_no_trace(check, answer):
    verdict = check.exercise_1(answer)
    assert (verdict.state, verdict.passed) == ("open", False)
    assert "Not attempted yet" in repr(verdict)
    assert progress.attempts() == []


def test_a_wrong_answer_is_told_what_is_wrong_with_it_and_where_the_hint_is(check):
    verdict = check.exercise_1(6)
    assert verdict.state == "wrong"
    assert verdict.message == "That is the product."
    assert "check.exercise_1.hint()" in repr(verdict)
    assert "5" not in repr(verdict)


def test_a_right_answer_says_how_much_of_the_lab_is_passed(check):
    assert check.exercise_1(5).message == "1 of 2 exercises of this lab passed."
    assert check.exercise_2(8.0).message == "All 2 exercises of this lab are passed."
    assert progress.passed(LAB) == {1, 2}


def test_a_later_wrong_answer_does_not_take_back_what_was_passed(check):
    check.exercise_1(5)
    check.exercise_1(6)
    assert progress.passed(LAB) == {1}


class Hostile:
    """An answer on which every comparison fails."""

    def __eq__(self, other):
        raise ZeroDivisionError("no comparison")

    __hash__ = None


def test_a_strange_answer_gets_a_verdict_and_never_a_stack_trace(repository):
    repository.write(exercises=EXERCISES.replace("expect.is_a(answer, int)", "answer[0] / 0"))
    check = lakebook.lab(LAB)
    for answer in ([1], object(), Hostile(), lambda: 1, float("nan"), "", {}, set()):
        verdict = check.exercise_1(answer)
        assert verdict.state == "unjudged"
        assert "could not be judged" in verdict.message
    assert "ZeroDivisionError" in check.exercise_1([1]).message
    assert progress.passed(LAB) == set()


def test_three_hints_come_in_turn_and_then_the_third_again(check):
    texts = [check.exercise_1.hint() for _ in range(4)]
    assert [hint.text for hint in texts] == [
        "Look at `+`.",
        "Both numbers are given.",
        "Write 2 + 3.",
        "Write 2 + 3.",
    ]
    assert "last hint" not in repr(texts[2]) and "last hint" in repr(texts[3])
    assert "Hint 1 of 3" in repr(check.exercise_2.hint())
    assert "seen all hints" in repr(check.exercise_1(6))


def test_progress_lists_each_exercise_with_its_state(check):
    check.exercise_2(8)
    check.exercise_1(6)
    overview = check.progress()
    assert overview.rows == [
        (1, "Add <two> numbers", "✗ not yet"),
        (2, "Double a number", "✓ passed"),
    ]
    assert "1 of 2 exercises passed" in repr(overview)
    assert "<caption>" in overview._repr_html_() and 'scope="col"' in overview._repr_html_()


def test_html_is_escaped_and_carries_its_meaning_in_words(check):
    html = check.exercise_1("<script>alert(1)</script>")._repr_html_()
    assert "<script>" not in html and "&lt;script&gt;" in html
    assert "Add &lt;two&gt; numbers" in html
    assert "Not yet" in html
    assert "color:" not in html.replace("currentColor", "")
    assert "<code>check.exercise_1.hint()</code>" in html


def test_strict_checks_raise_unless_they_pass(check, monkeypatch):
    monkeypatch.setenv("LAKEBOOK_STRICT", "1")
    assert check.exercise_1(5).passed
    for answer in (6, ...):
        with pytest.raises(CheckFailed, match="exercise 1"):
            check.exercise_1(answer)


def test_an_unknown_lab_or_exercise_is_answered_with_the_nearest(check):
    with pytest.raises(LakebookError, match="did you mean 'day1/01_sums'"):
        lakebook.lab("day1/01_sum")
    with pytest.raises(AttributeError, match=r"exercise_3 is not known; did you mean 'exercise_"):
        _ = check.exercise_3


def test_the_experiment_has_the_name_of_the_lab_except_on_databricks(check, monkeypatch):
    assert os.environ["MLFLOW_EXPERIMENT_NAME"] == f"/Shared/lakebook/{LAB}"
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "3")
    lakebook.lab(LAB)
    assert "MLFLOW_EXPERIMENT_ID" not in os.environ
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "3")
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME")
    lakebook.lab(LAB)
    assert "MLFLOW_EXPERIMENT_NAME" not in os.environ
    assert os.environ["MLFLOW_EXPERIMENT_ID"] == "3"


def test_a_script_prints_each_verdict_once_and_imports_neither_spark_nor_pandas(repository):
    repository.write()
    script = f"""
import sys, lakebook
check = lakebook.lab({LAB!r})
check.exercise_1(6)
check.exercise_1.hint()
assert not {{"pyspark", "pandas", "numpy", "IPython", "mlflow"}} & set(sys.modules), sys.modules
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("That is the product.") == 1
    assert done.stdout.count("Hint 1 of 3 · exercise 1") == 1


def test_a_notebook_shows_each_verdict_once(repository):
    repository.write()
    script = f"""
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_cell("import lakebook; check = lakebook.lab({LAB!r})")
shell.run_cell("check.exercise_1(6)")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.count("That is the product.") == 1, done.stdout + done.stderr


MISTAKES = {
    "two hints": ('"Both numbers are given.", ', "", "exercise 1 (add): has 2 hint"),
    "one text for the hints": (
        '("Twice.", "Use `*`.", "Write 2 * 4.")',
        '"Twice."',
        "exercise 2 (double): has 1 hint",
    ),
    "an empty hint": ('"Twice."', '" "', "exercise 2 (double): a hint is empty"),
    "two wrong answers": (', "unchanged": 4', "", "exercise 2 (double): lists 2 wrong"),
    "a number of zero": ("    2,\n    title", "    0,\n    title", "must be 1 or more"),
    "the same number twice": (
        "    2,\n    title",
        "    1,\n    title",
        "two exercises have number 1",
    ),
    "a gap in the numbers": ("    2,\n    title", "    3,\n    title", "numbered [1, 3]"),
    "no title": ('"Double a number"', '""', "the title is empty"),
    "an error in the module": ("def double", "1 / 0\ndef double", "line 23: SyntaxError"),
    "an import that fails": ("from lakebook", "import no_such\nfrom lakebook", "line 2: ModuleNot"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_an_author_is_told_the_module_and_the_exercise(repository, name):
    before, after, message = MISTAKES[name]
    assert before in EXERCISES
    repository.write(exercises=EXERCISES.replace(before, after))
    with pytest.raises(LabError) as error:
        lakebook.lab(LAB)
    assert str(error.value).startswith(f"solutions/{LAB}.py")
    assert message in str(error.value)


def test_a_lab_without_a_module_of_exercises_says_where_to_write_it(repository):
    repository.write().with_suffix(".py").unlink()
    with pytest.raises(LabError, match=r"has no solutions/day1/01_sums\.py"):
        lakebook.lab(LAB)
