"""The bank is read strictly: each fault by file and line, all together, nothing skipped."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
import tiny_bank
from tiny_bank import COUNT, OUTLIERS, SUMMARY

from lakebook.exam import bank, wording
from lakebook.exam.bank import BankError

FILE = "model_development/MD-10.md"
PATH = f"book/questions/{FILE}"


def faults(root: Path, text: str) -> list[str]:
    tiny_bank.write(root, {FILE: text})
    with pytest.raises(BankError) as caught:
        bank.load(root)
    return list(caught.value.faults)


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_a_question_is_read_with_all_its_parts(repository: Path) -> None:
    question = next(q for q in bank.load(repository) if q.id == "k7w2")
    assert (question.objective, question.section) == ("MD-10", "model_development")
    assert (question.difficulty, question.select, question.lab) == (
        "medium",
        1,
        "day3/01_cross_validation",
    )
    assert question.checked == datetime.date(2026, 11, 20)
    assert question.stem.startswith("How many") and question.stem.endswith("```")
    assert [o.text for o in question.options] == ["4", "12", "13", "`36`"]
    assert [o.plain for o in question.options] == ["4", "12", "13", "36"]
    assert question.right == (1,)
    assert (
        question.options[1].reason == "Four combinations on three folds,\ncounted before the refit."
    )
    assert question.proof == "answer = len([1, 2, 3, 4]) * 3"
    assert COUNT.splitlines()[question.proof_line - 1] == question.proof
    assert question.where == f"{PATH}:3"


def test_several_right_options_and_a_code_block_as_option(repository: Path) -> None:
    question = next(q for q in bank.load(repository) if q.id == "a111")
    assert (question.select, question.right) == (2, (0, 2))
    assert question.options[2].text == "```python\n2 + 2\n```"
    assert question.options[2].plain == "2 + 2"


def test_questions_come_in_the_order_of_the_blueprint(repository: Path) -> None:
    assert [q.id for q in bank.load(repository)] == ["a111", "a112", "b222", "k7w2"]


BROKEN = [
    # what is changed, into what, at which text the fault is reported, words of the message
    ("# MD-10\n", "# MD-9\n", "# MD-9", "must begin with the line '# MD-10'"),
    ("## k7w2", "stray\n\n## k7w2", "stray", "text before the first question"),
    ("## k7w2", "## K7W2", "## K7W2", "four characters of a-z and 0-9"),
    ("## k7w2", "## 7kw2", "## 7kw2", "a letter first"),
    ("- difficulty: medium", "- dificulty: medium", "- dif", "did you mean 'difficulty'?"),
    ("- difficulty: medium", "- difficulty: medum", "- dif", "difficulty 'medum' is not known"),
    ("- difficulty: medium\n", "", "## k7w2", "key 'difficulty' is missing"),
    ("- lab: day3/01_cross_validation\n", "", "## k7w2", "key 'lab' is missing"),
    (
        "- lab: ",
        "- lab: day3/01_cross_validation\n- lab: ",
        "- lab: day3/01_cross_validation\n- source",
        "given twice",
    ),
    ("- lab: day3/01_cross_validation", "- lab:", "- lab", "has no value"),
    (
        "day3/01_cross_validation",
        "day3/01_crossvalidation",
        "- lab",
        "did you mean 'day3/01_cross_validation'?",
    ),
    ("https://example.org/tuning.html", "http://example.org/a", "- source", "https address"),
    ("https://example.org/tuning.html", "the documentation", "- source", "https address"),
    ("- checked: 2026-11-20", "- checked: 2026-13-20", "- checked", "is not a date"),
    ("- checked: 2026-11-20", "- checked: 20 Nov 2026", "- checked", "is not a date"),
    ("- checked: 2026-11-20\n\n", "- checked: 2026-11-20\n", "How many", "empty line"),
    ("How many models", "# How\n\nmany models", "# How", "a heading inside a question"),
    ("- [ ] 13", "- [x] 13", "## k7w2", "2 options are marked right; keep one"),
    ("- [x] 12", "- [ ] 12", "## k7w2", "0 options are marked right; mark one"),
    (
        "- difficulty: medium",
        "- difficulty: medium\n- select: 2",
        "- select",
        "1 options are marked",
    ),
    ("- difficulty: medium", "- difficulty: medium\n- select: 1", "- select", "must be 2 or more"),
    ("- difficulty: medium", "- difficulty: medium\n- select: two", "- select", "2 or more"),
    ("  > That includes the refit.\n", "", "- [ ] 13", "an option without a reason"),
    ("  > That includes the refit.", "  >", "- [ ] 13", "an option without a reason"),
    ("- [ ] 13\n", "- [ ]\n", "- [ ]\n  > That includes", "an option without text"),
    ("- [ ] 13", "- [ ] 4", "- [ ] 4\n  > That inc", "repeats the one in line"),
    ("- [ ] 13", "- [ ] `4`", "- [ ] `4`", "repeats the one in line"),
    ("- [ ] `36`\n  > Folds are not combined.\n", "", "## k7w2", "single choice has exactly 4"),
    ("- [ ] 4\n", "- [ ] 5\n  > No.\n- [ ] 4\n", "## k7w2", "5 options; single choice"),
    ("- [ ] 4\n", "- [X] 4\n", "- [X] 4", "an option begins with"),
    ("- [ ] 13", "* [ ] 13", "* [ ] 13", "not understood"),
    ("- [ ] 13\n", "- [ ] ```python\n", "- [ ] ```python", "not closed"),
    ("- [ ] 13\n", "- [ ] 13\nand more\n", "- [ ] 13", "without a reason"),
    ("- [ ] 13", "- [ ] Both A and C", "- [ ] Both", "refers to a position"),
    ("- [ ] 13", "- [ ] Options B", "- [ ] Options", "refers to a position"),
    ("- [ ] 13", "- [ ] As above", "- [ ] As", "refers to a position"),
    ("- [ ] 13", "- [ ] All of the above", "- [ ] All", "gives the answer away"),
    ("- [ ] 13", "- [ ] None of the above", "- [ ] None", "gives the answer away"),
    (
        "That includes the refit.",
        "Unlike the first option it counts the refit.",
        "  > Unlike",
        "refers to a position",
    ),
    ("That includes the refit.", "Option B is without.", "  > Option B", "refers to a position"),
    ("How many models", "Unlike answer C, how many models", "## k7w2", "in the stem"),
    ("How many models", "```{raw} html\n<script>\n```\nHow many", "## k7w2", "a directive"),
    ("```python proof\n", "```python prof\n", "```python prof", "not understood"),
    ("answer = len", "answer = = len", "answer = = len", "the proof is not Python"),
    ("* 3\n```\n", "* 3\n", "```python proof", "the proof is not closed"),
    ("* 3\n```\n", "* 3\n```\n\nPS\n", "PS\n", "text after the proof"),
    ("- [ ] 4\n", "```python proof\nanswer = 12\n```\n- [ ] 4\n", "```python proof", "comes last"),
]


@pytest.mark.parametrize(("old", "new", "at", "words"), BROKEN)
def test_a_broken_question_is_refused_by_file_and_line(
    repository: Path, old: str, new: str, at: str, words: str
) -> None:
    broken = COUNT.replace(old, new, 1)
    assert broken != COUNT
    found = faults(repository, broken)
    where = f"{PATH}:{line_of(broken, at)}: "
    assert any(fault.startswith(where) and words in fault for fault in found), found


def test_select_counts_the_right_options(repository: Path) -> None:
    tiny_bank.write(
        repository, {"data_processing/DP-01.md": SUMMARY.replace("select: 2", "select: 3")}
    )
    with pytest.raises(BankError, match=r"DP-01.md:6: select is 3, but 2 options are marked right"):
        bank.load(repository)


def test_multiple_selection_has_five_options(repository: Path) -> None:
    short = SUMMARY.replace("- [ ] seven\n  > It is not.\n", "")
    tiny_bank.write(repository, {"data_processing/DP-01.md": short})
    with pytest.raises(BankError, match="4 options; multiple selection has exactly 5"):
        bank.load(repository)


def test_an_id_is_given_once_in_the_whole_bank(repository: Path) -> None:
    found = faults(repository, COUNT.replace("k7w2", "b222"))
    taken = "id 'b222' is taken by book/questions/data_processing/DP-02.md:3"
    assert any(fault.startswith(f"{PATH}:3: ") and taken in fault for fault in found)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("model_development/MD-11.md", "objective 'MD-11' is not known; did you mean 'MD-10'?"),
        ("data_processing/MD-10.md", "belongs in book/questions/model_development/MD-10.md"),
        ("model_development/more/MD-10.md", "belongs in book/questions/model_development/MD-10.md"),
        ("stray.md", "objective 'stray' is not known"),
    ],
)
def test_a_file_in_the_wrong_place_is_refused(repository: Path, name: str, words: str) -> None:
    tiny_bank.write(repository, {name: COUNT.replace("k7w2", "k7w3")})
    with pytest.raises(BankError) as caught:
        bank.load(repository)
    assert any(f"book/questions/{name}:1: " in f and words in f for f in caught.value.faults)


def test_an_empty_file_and_one_that_is_not_text_are_refused(repository: Path) -> None:
    assert any("holds no question" in fault for fault in faults(repository, "# MD-10\n"))
    assert any("is empty" in fault for fault in faults(repository, ""))
    (repository / "book" / "questions" / FILE).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BankError, match="save it as UTF-8"):
        bank.load(repository)


def test_all_faults_of_all_files_are_reported_together(repository: Path) -> None:
    tiny_bank.write(
        repository,
        {
            FILE: COUNT.replace("medium", "mild").replace("2026-11-20", "today"),
            "data_processing/DP-02.md": OUTLIERS.replace("[x]", "[ ]"),
        },
    )
    with pytest.raises(BankError) as caught:
        bank.load(repository)
    text = str(caught.value)
    assert "3 faults" in text
    for words in ("MD-10.md:5: difficulty 'mild'", "MD-10.md:8: checked 'today'", "DP-02.md:3: "):
        assert words in text


def test_notes_about_the_bank_are_not_questions(repository: Path) -> None:
    (repository / "book" / "questions" / "REVIEW.md").write_text("# Review\n")
    assert len(bank.load(repository)) == 4


def test_a_lab_that_exists_need_not_be_in_the_blueprint(repository: Path) -> None:
    text = COUNT.replace("lab: day3/01_cross_validation", "lab: day9/01_new")
    assert any("lab 'day9/01_new' is not known" in fault for fault in faults(repository, text))
    (repository / "solutions" / "day9").mkdir()
    (repository / "solutions" / "day9" / "01_new.ipynb").write_text("{}")
    assert len(bank.load(repository)) == 4


def test_the_digest_follows_what_is_asked_and_not_the_reasons(repository: Path) -> None:
    before = bank.load(repository)[-1]
    tiny_bank.write(repository, {FILE: COUNT.replace("includes the refit", "counts the refit")})
    assert bank.load(repository)[-1].digest == before.digest
    tiny_bank.write(repository, {FILE: COUNT.replace("- [ ] 13", "- [ ] 14")})
    assert bank.load(repository)[-1].digest != before.digest


def test_the_displayed_order_is_fixed_by_the_seed(repository: Path) -> None:
    questions = bank.load(repository)
    orders = {seed: [q.display_order(seed) for q in questions] for seed in range(20)}
    assert orders[3] == [q.display_order(3) for q in bank.load(repository)]
    assert len({tuple(order) for order in orders.values()}) > 10
    assert all(
        sorted(order) == list(range(len(q.options)))
        for q, order in zip(questions, orders[5], strict=True)
    )


@pytest.mark.parametrize(
    "text",
    [
        "Keep the rows with values above 3",
        "0.5 and above",
        "The first row of each group, or the last one",
        "`both A and C`",
        "Both mean and median",
        "All of these rows are dropped",
        "Group A gets 90 %, group B gets 10 %",
        "The option `handleInvalid`",
    ],
)
def test_ordinary_words_are_not_taken_for_positions(text: str) -> None:
    assert wording.faults(text, option=True) == []


def test_raw_html_is_escaped_outside_code_only() -> None:
    tamed = wording.tame("a <b>c</b> `<i>` <https://example.org> 3 < 4\n\n```html\n<p>\n```\n<p>")
    assert tamed == "a \\<b>c\\</b> `<i>` <https://example.org> 3 < 4\n\n```html\n<p>\n```\n\\<p>"
