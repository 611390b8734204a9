"""A blueprint that does not add up is refused, with every fault it has."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_bank import BLUEPRINT

from lakebook.exam import blueprint
from lakebook.exam.blueprint import BlueprintError


def test_a_blueprint_is_read_in_the_order_of_the_guide(repository: Path) -> None:
    found = blueprint.load()
    assert (found.questions, found.minutes, found.target) == (3, 90, 70)
    assert list(found.objectives()) == ["DP-01", "DP-02", "MD-10"]
    assert found.objectives()["DP-02"].labs == ("day2/05_outliers", "day2/03_data_profiling")
    assert "usecases/01_dtw" in found.labs()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("minutes: 90", "minuts: 90", "key 'minuts' is not known"),
        ("minutes: 90\n", "", "key 'minutes' is missing"),
        ("minutes: 90", "minutes: ninety", "'minutes' must be a int"),
        ("minutes: 90", "minutes: 0", "minutes is 0; it must be at least 1"),
        ("target: 70", "target: 170", "target is 170"),
        ("questions: 3", "questions: 4", "the quotas add up to 3, the exam has 4"),
        ("weight: 60", "weight: 50", "add up to 90 %"),
        ("quota: 2", "quota: 0", "quota is 0"),
        ("id: DP-02", "id: DP-01", "objective 'DP-01' is listed twice"),
        ("id: MD-10", "id: md10", "must look like MD-10"),
        ("id: data_processing", "id: Data Processing", "must be lower case"),
        ("[day3/01_cross_validation]", "[cross_validation]", "must look like day2/04"),
        ("[day3/01_cross_validation]", "[]", "list at least one lab"),
        ("[usecases/01_dtw]", "[day2/05_outliers]", "is listed under an objective already"),
        ("title: Count models", "titel: Count models", "key 'titel' is not known"),
        ("title: Count models", 'title: ""', "'title' is empty"),
        ("https://example.org/guide.pdf", "guide.pdf", "source must be an https address"),
        ("date: 2026-01-01", "date: January", "'date' must be a date"),
        ("guide:", "guide: [", "is not YAML"),
    ],
)
def test_a_broken_blueprint_says_what_to_mend(
    repository: Path, old: str, new: str, words: str
) -> None:
    broken = BLUEPRINT.replace(old, new, 1)
    assert broken != BLUEPRINT
    (repository / "book" / "exam" / "blueprint.yml").write_text(broken)
    with pytest.raises(BlueprintError) as caught:
        blueprint.load()
    assert words in str(caught.value)


def test_a_missing_blueprint_is_named(repository: Path) -> None:
    blueprint.path().unlink()
    with pytest.raises(BlueprintError, match=r"blueprint.yml: cannot be read"):
        blueprint.load()


def test_a_lab_exists_once_its_solution_does(repository: Path) -> None:
    assert not blueprint.lab_exists("day2/05_outliers")
    (repository / "solutions" / "day2").mkdir()
    (repository / "solutions" / "day2" / "05_outliers.ipynb").write_text("{}")
    assert blueprint.lab_exists("day2/05_outliers")
