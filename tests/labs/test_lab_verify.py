"""Verification tells the truth: what is broken on purpose is found, and what is sound passes."""

from __future__ import annotations

import pytest
from nbformat import v4
from tiny_labs import ENDING, EXERCISES, FIRST, LAB, START, cells, code, result, text

from lakebook.cli import main
from lakebook.labs import derive, lint, verify
from lakebook.labs.run import Plan


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "verify-home"
    folder.mkdir()
    return folder


def test_a_sound_lab_is_verified_as_a_whole(repository, capsys):
    repository.write(cells(START))
    assert main(["labs", "run", "--store"]) == 0
    assert main(["labs", "derive"]) == 0
    assert main(["labs", "verify"]) == 0
    assert "1 lab(s), 2 exercise(s): verified" in capsys.readouterr().out


def test_faults_are_listed_and_the_status_tells(repository, capsys):
    repository.write(exercises=EXERCISES.replace('"as text": "5"', '"as text": 5'))
    assert main(["labs", "verify", LAB]) == 1
    said = capsys.readouterr().out
    assert "wrong answer 'as text': is accepted" in said
    assert f"labs/{LAB}.ipynb is missing" in said
    assert f"solutions/{LAB}.ipynb: `%load_ext lakebook` does not follow" in said
    assert "verified" not in said


def test_a_stored_output_that_does_not_come_again_is_named_with_its_cell(repository, home):
    made = cells()
    for number, cell in enumerate((one for one in made if one.cell_type == "code"), 1):
        cell.execution_count = number
    made[4].outputs = [result("3")]
    made[6].source, made[7].source = "4", "5"
    made[6].outputs, made[7].outputs = [result("4")], [result("6")]
    made[7].metadata["tags"] = ["nbval-ignore-output"]
    repository.write(made)
    (fault,) = verify.outputs([LAB], Plan(), home)
    assert f"solutions/{LAB}.ipynb, cell 5: not as stored" in fault
    assert "1 + 1" in fault


WRONG = {
    "is accepted": ('"as text": "5"', '"as text": 5'),
    "counts as not attempted": ('"as text": "5"', '"as text": ...'),
    "could not be made: ZeroDivisionError": ("lambda: 2 - 3", "lambda: 1 / 0"),
    "is stumbled over, not judged": ("expect.is_a(answer, int)", "answer.real"),
    "is rejected without a message": ('"That is the product."', '" "'),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_answer_must_get_a_verdict_with_a_message(repository, home, what):
    before, after = WRONG[what]
    assert before in EXERCISES
    repository.write(exercises=EXERCISES.replace(before, after))
    (fault,) = verify.wrong_answers([LAB], Plan(), home)
    assert fault.startswith(f"solutions/{LAB}.py, exercise 1, wrong answer ")
    assert what in fault


def test_wrong_answers_that_are_all_rejected_are_no_fault(repository, home):
    repository.write()
    assert verify.wrong_answers([LAB], Plan(), home) == []
    assert not (home / "progress.jsonl").exists()


def test_a_wrong_answer_that_hangs_is_named(repository, home):
    hangs = EXERCISES.replace("lambda: 2 - 3", "lambda: __import__('time').sleep(600)")
    repository.write(exercises=hangs)
    (fault,) = verify.wrong_answers([LAB], Plan(timeout=4), home)
    assert f"solutions/{LAB}.py: judging the wrong answers took longer than 4 s" in fault


def test_a_blank_lab_may_pass_nothing_and_raise_nothing(repository, home):
    repository.write([*cells()[:3], code(FIRST), code("check.exercise_2(8)")])
    repository.write(
        [code(FIRST.replace("check.exercise_1(total)", "total + 1"))], lab="day1/02_up"
    )
    for lab in (LAB, "day1/02_up"):
        derive.write(lab)
    faults = sorted(verify.blank([LAB, "day1/02_up"], Plan(), home))
    assert faults[0] == f"labs/{LAB}.ipynb: passes exercise 2 as it comes"
    assert "labs/day1/02_up.ipynb, cell 1: TypeError" in faults[1]
    assert len(faults) == 2


def test_a_solution_must_pass_its_checks_and_end_in_time(repository, home):
    wrong = code(FIRST.replace("2 + 3", "7"))
    made = [*cells()[:3], wrong, text("."), code("import time\ntime.sleep(600)")]
    for number, cell in enumerate(one for one in made if one.cell_type == "code"):
        cell.execution_count = number + 1
    repository.write(made)
    check, hung = verify.outputs([LAB], Plan(cell_timeout=8), home)
    assert f"solutions/{LAB}.ipynb, cell 4: not as stored" in check and "CheckFailed" in check
    assert f"solutions/{LAB}.ipynb, cell 6: not as stored" in hung and "Timeout" in hung


LATER = {
    "a name that only the solution binds": (
        FIRST.replace("total = 2 + 3", "other = 5\ntotal = other"),
        "other",
        "NameError",
    ),
    "a value that only the solution has": (FIRST, "total + 1", "TypeError"),
    "a name of the demonstration that the solution binds anew": (
        FIRST.replace("total = 2 + 3", "before = 1\ntotal = 5"),
        "assert before == 0",
        None,
    ),
}


def in_one_go(repository, home, made: list, exercises: str = EXERCISES) -> list[str]:
    """Write the lab with execution counts and verify its outputs with the blank cells between."""
    for number, cell in enumerate((one for one in made if one.cell_type == "code"), 1):
        cell.execution_count = number
        cell.metadata["tags"] = [*cell.metadata.get("tags", []), "nbval-ignore-output"]
    repository.write(made, exercises)
    derive.write(LAB)
    assert verify.apart([LAB]) == []
    blank_home = home / "blank"
    blank_home.mkdir(parents=True, exist_ok=True)
    return verify.outputs([LAB], Plan(), home, blank_home)


@pytest.mark.parametrize("what", LATER)
def test_in_one_go_the_demonstration_has_what_it_has_in_the_blank_lab(repository, home, what):
    exercise, later, error = LATER[what]
    assert exercise != FIRST or error == "TypeError"
    made = [*cells()[:3], code("before = 0"), code(exercise), code(later)]
    faults = in_one_go(repository, home, made)
    if error is None:
        assert faults == []
    else:
        assert f"solutions/{LAB}.ipynb, cell 6: not as stored" in faults[0]
        assert error in faults[0]


def test_in_one_go_a_blank_lab_that_passes_is_found_and_a_solution_that_fails(repository, home):
    passes = FIRST.replace("# STUB total = ...", "# STUB total = 5")
    assert passes != FIRST
    made = [*cells()[:3], code(passes)]
    assert in_one_go(repository, home, made) == [f"labs/{LAB}.ipynb: passes exercise 1 as it comes"]
    made = [*cells()[:3], code(FIRST.replace("2 + 3", "7"))]
    (fault,) = in_one_go(repository, home / "again", made)
    assert "cell 4: not as stored" in fault and "CheckFailed" in fault


def test_in_one_go_a_wrong_answer_that_is_accepted_is_found(repository, home):
    accepts = EXERCISES.replace('"as text": "5"', '"as text": 5')
    (fault,) = in_one_go(repository, home, [*cells()[:3], code(FIRST)], accepts)
    assert fault == f"solutions/{LAB}.py, exercise 1, wrong answer 'as text': is accepted"


@pytest.mark.parametrize(
    "line", ["frame.write.save('x')", "mlflow.log_metric('a', 1)", "spark.sql('DROP TABLE t')"]
)
def test_a_lab_whose_solution_leaves_more_than_names_is_run_by_itself(repository, line):
    repository.write([*cells()[:3], code(FIRST.replace("total = 2 + 3", f"{line}\ntotal = 5"))])
    assert verify.apart([LAB]) == [LAB]


def test_a_lab_that_is_not_what_its_solution_gives_is_found(repository):
    repository.write()
    derive.write(LAB)
    repository.write(folder="labs", lab="day1/02_orphan")
    assert verify.derived([LAB]) == ["labs/day1/02_orphan.ipynb has no solution; delete it"]
    repository.write([code("1 + 2")])
    assert "is not what its solution gives" in verify.derived([LAB])[0]


def sound() -> list:
    """Return the cells of a lab that keeps the rules, as if it had been executed."""
    made = cells(START)
    for number, cell in enumerate((one for one in made if one.cell_type == "code"), 1):
        cell.execution_count = number
    return made


def replaced(at: int, cell) -> list:
    made = sound()
    if cell.cell_type == "code":
        cell.execution_count = made[at].get("execution_count", 1)
    made[at] = cell
    return made


def retyped(at: int, before: str, after: str) -> list:
    made = sound()
    assert before in made[at].source
    made[at].source = made[at].source.replace(before, after)
    return made


def printed(stream: str, what: str):
    return v4.new_output("stream", name=stream, text=what)


RULES = {
    "cell 1: is not the title": lambda: retyped(0, "# Sums", "Sums"),
    "cell 1: has no table": lambda: retyped(0, "|---|---|---|---|---|", ""),
    "cell 1: the table does not tell day, read": lambda: (
        retyped(0, "| Day | ", "| ")
        and replaced(
            0, text("# S\n\n| Time | Objectives | Data |\n|---|---|---|\n| 1 | MD-01 | no |")
        )
    ),
    "the first code cell is not tagged": lambda: replaced(1, code('scale = "small"')),
    'does not say scale = "small"': lambda: retyped(1, "small", "full"),
    "`%load_ext lakebook` does not follow": lambda: retyped(2, "%load_ext lakebook", ""),
    '`check = lakebook.lab("day1/01_sums")` does not': lambda: retyped(2, "01_sums", "02_sums"),
    "exercise 2 is in the .py and not": lambda: retyped(7, "check.exercise_2(twice)", "twice"),
    "check.exercise_3 is in the notebook": lambda: retyped(4, "1 + 1", "check.exercise_3(2)"),
    "stand in the order [2, 1]": lambda: [*sound()[:6], sound()[7], sound()[6], sound()[8]],
    "cell 8: a solution that no check follows": lambda: retyped(7, "check.exercise_2(twice)", ""),
    "has no section `On Databricks`": lambda: retyped(8, "## On Databricks", "## There"),
    "`On Databricks` has no table": lambda: retyped(8, "|---|---|", ""),
    "`On Databricks` does not say when": lambda: retyped(8, "2026-11-20", "today"),
    "`On Databricks` stands before the last": lambda: [*sound()[:7], sound()[8], sound()[7]],
    "has no section `Recap`": lambda: retyped(8, "## Recap", ""),
    "the median code cell has 7 lines": lambda: [
        *sound()[:8],
        *(code("\n".join("abcdefg"), outputs=[]) for _ in range(9)),
        text(ENDING),
    ],
    "over 20 lines: cells [5]": lambda: retyped(4, "1 + 1", "1 + 1\n" * 21),
    "cell 5: a line of 89 characters": lambda: retyped(4, "1 + 1", "1" * 89),
    "is not stored as executed once": lambda: cells(START),
    "no output is stored": lambda: replaced(4, code("1")),
    "more than half of the outputs are not compared": lambda: replaced(
        4, code("1", ["nbval-ignore-output"], [result("1")])
    ),
    "most outputs are not followed by a sentence": lambda: replaced(5, code("2")),
    "cell 5: an error is stored": lambda: replaced(
        4,
        code("1", outputs=[v4.new_output("error", ename="E")]),
    ),
    "cell 5: stderr is stored: 'careful'": lambda: replaced(
        4, code("1", outputs=[printed("stderr", "careful")])
    ),
    "cell 5: the output holds a path": lambda: replaced(
        4, code("1", outputs=[printed("stdout", "/home/ada/data.csv")])
    ),
    "cell 5: the output holds a memory address": lambda: replaced(
        4, code("1", outputs=[result("<Line2D at 0x7f5542cfe350>")])
    ),
    "cell 5: a value that is quoted must be compared": lambda: replaced(
        4, code("1", ["value:gain", "nbval-ignore-output"], [result("1")])
    ),
    "cell 5: the cell of value 'gain' does not end": lambda: replaced(
        4, code("1", ["value:gain"], [printed("stdout", "1")])
    ),
}


def test_a_lab_that_keeps_the_rules_has_no_fault(repository):
    repository.write(sound())
    assert lint.faults(LAB) == []


@pytest.mark.parametrize("fault", RULES)
def test_a_broken_rule_is_named(repository, fault):
    repository.write(RULES[fault]())
    found = lint.faults(LAB)
    assert any(fault in one for one in found), found
    assert all(one.startswith(f"solutions/{LAB}.ipynb") for one in found)


def test_metadata_that_changes_with_each_run_is_a_fault(repository):
    path = repository.write(sound())
    path.write_text(
        path.read_text().replace('"name": "python"\n', '"name": "python", "version": "3.11.7"\n')
    )
    (fault,) = lint.faults(LAB)
    assert "holds metadata that changes with each run" in fault


def test_a_lab_has_two_to_four_exercises(repository):
    repository.write(sound(), exercises=EXERCISES.split("@exercise(\n    2")[0])
    assert any("1 exercises; a lab has 2 to 4" in fault for fault in lint.faults(LAB))
