"""The matrix of objectives; and a new guide, which is one new file and no code."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
import tiny_bank
import yaml

from lakebook.exam import bank, blueprint, coverage, mocks
from lakebook.exam.bank import Question
from lakebook.exam.blueprint import Blueprint

ROOT = Path(__file__).resolve().parents[2]
# Objectives all of whose labs are still to be written, as of 2026-11-27.
LABS_OWED = frozenset(
    {
        *("DML-01", "DML-02"),
        *("DML-14", "DML-15", "DML-16", "DML-17", "DML-18"),
        *("DP-01", "DP-02", "DP-03", "DP-04", "DP-09"),
        *("DEP-01", "DEP-04", "DEP-06"),
    }
)


def lines_of(root: Path) -> tuple[coverage.Coverage, ...]:
    rules = blueprint.load(blueprint.path(root))
    return coverage.matrix(rules, bank.load(root, rules), root)


def test_every_objective_has_a_section_five_questions_and_a_lab_unless_it_is_owed() -> None:
    rules = blueprint.load(blueprint.path(ROOT))
    lines = coverage.matrix(rules, bank.load(ROOT, rules), ROOT)
    assert coverage.faults(rules, lines, labs_owed=LABS_OWED) == []


def test_a_chapter_counts_for_what_it_is_about_and_not_for_what_it_touches(
    repository: Path,
) -> None:
    chapter = "# Two in one\n\n**Exam objectives** DP-01 to DP-02; in passing MD-10. **Time** 9 h\n"
    (repository / "book" / "two.md").write_text(chapter)
    brief = "# In brief\n\n## MD-10 · Count models\n\nCount.\n"
    (repository / "book" / "brief.md").write_text(brief)
    one, two, three = lines_of(repository)
    assert [place.page for place in one.chapters] == ["book/two"]
    assert one.chapters == two.chapters and not three.chapters
    assert three.brief == (coverage.Place("book/brief", "In brief", "MD-10 · Count models"),)
    assert (one.questions, one.proofs, one.cards) == ({"easy": 1, "medium": 0, "hard": 1}, 1, 2)


def test_what_is_missing_is_named_and_what_is_no_longer_owed_too(repository: Path) -> None:
    lab = repository / "solutions" / "day2" / "05_outliers.ipynb"
    lab.parent.mkdir(parents=True)
    lab.write_text("{}")
    rules = blueprint.load()
    found = coverage.faults(rules, lines_of(repository), labs_owed=frozenset({"DP-02", "DP-99"}))
    assert "DP-01 is explained in no section of the book" in found
    assert "DP-01 has 2 question(s); 5 are needed" in found
    assert "DP-01 has no lab yet: day2/03_data_profiling" in found
    assert "DP-02 has a lab now: strike it from those that are owed one" in found
    assert "DP-99 is owed a lab, and the guide has no such objective" in found


def four(id: str, letter: str) -> str:
    """Return four questions on an objective of a new guide."""
    one = tiny_bank.OUTLIERS.split("\n\n", 1)[1]
    parts = [re.sub(r"b222", f"{letter}{n}{n}{n}", one) for n in range(4)]
    return f"# {id}\n\n" + "\n".join(part.replace("out of 1", f"out of {n}, 1")
                                     for n, part in enumerate(parts))  # fmt: skip


def new_guide(root: Path) -> tuple[Blueprint, tuple[Question, ...]]:
    """Retire DP-02, add MD-11, and give the sections other quotas: by files alone."""
    data = yaml.safe_load(tiny_bank.BLUEPRINT)
    data["guide"]["edition"] = "1 June 2027"
    data["questions"] = 4
    first, second = data["sections"]
    first["quota"], second["quota"] = 1, 3
    first["objectives"] = [o for o in first["objectives"] if o["id"] != "DP-02"]
    second["objectives"].append(
        {"id": "MD-11", "title": "Judge models", "labs": ["day3/06_classification_metrics"]}
    )
    # The lab of the retired objective may still be in questions of others.
    data["further_labs"].append("day2/05_outliers")
    blueprint.path(root).write_text(yaml.safe_dump(data, sort_keys=False))
    questions = root / "book" / "questions"
    (questions / "data_processing" / "DP-02.md").unlink()
    (questions / "model_development" / "MD-11.md").write_text(four("MD-11", "n"))
    rules = blueprint.load(blueprint.path(root))
    return rules, bank.load(root, rules)


def test_a_new_guide_changes_quotas_matrix_and_mocks_without_code(repository: Path) -> None:
    before = [line.objective.id for line in lines_of(repository)]
    rules, questions = new_guide(repository)
    assert before == ["DP-01", "DP-02", "MD-10"]
    assert [line.objective.id for line in lines_of(repository)] == ["DP-01", "MD-10", "MD-11"]
    exams = mocks.fixed(questions, rules)
    assert exams and all(
        Counter(q.section for q in exam) == {"data_processing": 1, "model_development": 3}
        for exam in exams
    )
    assert {q.objective for exam in exams for q in exam} == {"DP-01", "MD-10", "MD-11"}


def test_a_question_on_a_retired_objective_is_refused_by_its_file(repository: Path) -> None:
    new_guide(repository)
    kept = repository / "book" / "questions" / "data_processing" / "DP-02.md"
    kept.write_text(tiny_bank.OUTLIERS)
    with pytest.raises(bank.BankError, match=r"DP-02\.md"):
        bank.load(repository)
