"""From a solution to the lab."""

from __future__ import annotations

import pytest
from tiny_labs import LAB, SECOND, code, result, text

from lakebook.cli import main
from lakebook.labs import derive
from lakebook.labs.errors import LabError


def sources(repository) -> str:
    return "\n".join(cell.source for cell in repository.read().cells)


def test_the_lab_shows_the_stub_in_place_of_the_solution(repository):
    repository.write()
    derive.write(LAB)
    assert repository.read().cells[6].source == "total = ...\ncheck.exercise_1(total)"
    assert "2 + 3" not in sources(repository)
    assert "SOLUTION" not in sources(repository) and "STUB" not in sources(repository)


def test_stub_lines_keep_their_indentation_and_their_number(repository):
    body = """def fit(rows):
    # BEGIN SOLUTION
    model = sum(rows)
    return model
    # STUB model = ...
    # STUB     # your code
    # STUB
    # STUB return model
    # END SOLUTION

check.exercise_1(fit)"""
    repository.write([code(body), code(SECOND)])
    derive.write(LAB)
    assert repository.read().cells[0].source == (
        "def fit(rows):\n    model = ...\n        # your code\n\n    return model\n\n"
        "check.exercise_1(fit)"
    )


def test_outputs_of_exercises_and_checks_go_and_those_of_the_demonstration_stay(repository):
    repository.write(
        [
            code('check = lakebook.lab("day1/01_sums")', outputs=[result("ready")]),
            code("1 + 1", outputs=[result("2")]),
            code(SECOND, outputs=[result("right")]),
            code("# check.exercise_1 comes next\n3", outputs=[result("3")]),
            code("check.exercise_1(5)", outputs=[result("right")]),
            code("check.progress()", outputs=[result("2 of 2")]),
        ]
    )
    derive.write(LAB)
    kept = [bool(cell.outputs) for cell in repository.read().cells]
    assert kept == [True, True, False, True, False, False]


def test_work_in_a_lab_is_kept_before_it_is_derived_again(repository, capsys):
    repository.write()
    derive.write(LAB)
    lab = repository.root / "labs" / f"{LAB}.ipynb"
    mine = lab.read_text().replace("total = ...", "total = 2 + 3")
    lab.write_text(mine)
    assert main(["labs", "derive", LAB]) == 0
    (kept,) = derive.kept(LAB)
    assert kept.read_text() == mine
    assert kept.name in capsys.readouterr().out
    assert "total = ..." in lab.read_text()


def test_a_lab_that_is_only_outdated_is_derived_again_without_a_copy(repository):
    repository.write()
    derive.write(LAB)
    repository.write([code("1 + 1"), code(SECOND)])
    assert derive.write(LAB)
    assert derive.kept(LAB) == []


def test_deriving_again_changes_nothing_and_keeps_the_ids_of_the_cells(repository):
    path = repository.write()
    assert derive.write(LAB)
    first = (repository.root / "labs" / f"{LAB}.ipynb").read_bytes()
    assert not derive.write(LAB)
    assert (repository.root / "labs" / f"{LAB}.ipynb").read_bytes() == first
    before = repository.read(folder="solutions")
    lab = repository.read()
    assert [cell.id for cell in lab.cells] == [cell.id for cell in before.cells]
    assert all(cell.get("execution_count") is None for cell in lab.cells)
    assert lab.metadata.lakebook.derived_from == f"solutions/{LAB}.ipynb"
    assert path.is_file()


BROKEN = {
    "an unclosed region": (
        "# BEGIN SOLUTION\nx = 1\n# STUB x = ...",
        "BEGIN SOLUTION without END SOLUTION",
    ),
    "a region inside a region": (
        "# BEGIN SOLUTION\n# BEGIN SOLUTION\nx = 1\n# STUB x = ...\n# END SOLUTION",
        "inside a region",
    ),
    "an end without a beginning": ("x = 1\n# END SOLUTION", "END SOLUTION without BEGIN"),
    "a stub outside a region": ("x = 1\n# STUB x = ...", "STUB outside a region"),
    "a region without a stub": ("# BEGIN SOLUTION\nx = 1\n# END SOLUTION", "no STUB line"),
    "a region without a solution": (
        "# BEGIN SOLUTION\n# STUB x = ...\n# END SOLUTION",
        "no solution",
    ),
    "a marker that is nearly right": ("# Begin solution\nx = 1", "nearly a marker"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_region_is_named_by_its_cell_with_the_way_out(repository, name):
    source, what = BROKEN[name]
    repository.write([text("# T"), code("1"), code(source)])
    with pytest.raises(LabError) as error:
        derive.write(LAB)
    assert f"solutions/{LAB}.ipynb, cell 3: " in str(error.value)
    assert what in str(error.value)
    assert f"lakebook labs derive {LAB}" in str(error.value)
    assert not (repository.root / "labs").exists()


def test_a_solution_that_another_cell_repeats_is_refused(repository):
    repository.write([text("Write this:\n\n    twice = 2 * 4"), code(SECOND)])
    with pytest.raises(LabError, match="can still be read in cell 1"):
        derive.write(LAB)


def test_a_lab_that_was_edited_by_hand_is_found(repository):
    repository.write()
    derive.write(LAB)
    assert derive.drift(LAB) is None
    path = repository.root / "labs" / f"{LAB}.ipynb"
    path.write_text(path.read_text().replace("total = ...", "total = 0"))
    assert f"labs/{LAB}.ipynb is not what its solution gives" in derive.drift(LAB)
    path.unlink()
    assert "is missing" in derive.drift(LAB)


def test_a_notebook_without_cell_ids_is_refused_by_name(repository):
    path = repository.write()
    path.write_text(path.read_text().replace('"nbformat_minor": 5', '"nbformat_minor": 4'))
    with pytest.raises(LabError, match=r"01_sums\.ipynb: notebook format 4\.4 has no cell ids"):
        derive.write(LAB)
    path.write_text("{")
    with pytest.raises(LabError, match="is no notebook that can be read"):
        derive.write(LAB)


def test_the_command_derives_the_rest_and_reports_the_broken_one(repository, capsys):
    repository.write()
    repository.write([code("x = 1\n# END SOLUTION")], lab="day1/02_broken")
    repository.write(folder="labs", lab="day1/03_orphan")
    assert main(["labs", "derive"]) == 1
    said = capsys.readouterr().out
    assert f"labs/{LAB}.ipynb written" in said
    assert "LabError: solutions/day1/02_broken.ipynb, cell 1" in said
    assert "labs/day1/03_orphan.ipynb has no solution" in said
    assert repository.read("day1/03_orphan").cells


@pytest.mark.parametrize("action", ["derive", "run", "verify"])
def test_an_unknown_lab_is_answered_with_the_nearest_and_status_2(repository, capsys, action):
    repository.write()
    assert main(["labs", action, "day1/01_sum"]) == 2
    assert "lab 'day1/01_sum' is not known; did you mean 'day1/01_sums'?" in capsys.readouterr().err
