"""Practice and mock exams in the terminal, and what is remembered between them."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakebook.errors import LakebookError
from lakebook.exam import bank, blueprint, memory, mocks, record, terminal
from lakebook.exam.bank import Question
from lakebook.exam.memory import BOXES, DAY, Card

ROOT = Path(__file__).resolve().parents[2]
RULES = blueprint.load(blueprint.path(ROOT))
BANK = bank.load(ROOT, RULES)


@pytest.fixture(autouse=True)
def workspace_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test remembers what another one answered."""
    monkeypatch.setenv("LAKEBOOK_HOME", str(tmp_path / "home"))


class Reader(terminal.Desk):
    """Someone at the terminal, who answers by a rule and sees what is said."""

    def __init__(self, *lines: str, right: bool | None = None) -> None:
        self.lines, self.right, self.said = list(lines), right, list[str]()
        self.asked = 0
        super().__init__(self.reply, self.said.append, random.Random(3))

    def put(self, question: Question, title: str) -> tuple[int, ...]:
        self.question, self.shown = question, super().put(question, title)
        return self.shown

    def reply(self, prompt: str) -> str:
        self.asked += 1
        if self.lines:
            return self.lines.pop(0)
        if self.right is None:
            raise terminal.Stopped
        # Those that fit the rule come first, for of three to be selected not all can be wrong.
        wanted = sorted(self.shown, key=lambda n: (n in self.question.right) is not self.right)
        return "".join("abcde"[self.shown.index(n)] for n in wanted[: self.question.select])

    @property
    def screen(self) -> str:
        return "\n".join(self.said)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(-2 * DAY, 40 * DAY), st.sampled_from("aab")),
        max_size=12,
    )
)
def test_every_answer_moves_a_card_by_leitners_rule(answers: list[tuple[bool, int, str]]) -> None:
    moment, card = 10 * DAY, None
    for correct, later, hash in answers:
        moment = max(0, moment + later)
        known = card if card and card.hash == hash else None
        card = memory.learned(card, hash, correct, moment)
        at = max(moment, known.at) if known else moment
        assert (card.at, card.hash, card.last) == (at, hash, correct)
        assert card.right + card.wrong == (known.right + known.wrong if known else 0) + 1
        if not correct:
            assert (card.box, card.due) == (0, at + DAY)
        elif known and at < known.due:
            assert (card.box, card.due) == (known.box, known.due)
        else:
            assert card.box == min((known.box if known else 0) + 1, 4)
            assert card.due == at + BOXES[card.box] * DAY


def test_practice_gives_the_reasons_at_once_and_remembers_each_answer() -> None:
    chosen = terminal.chosen(BANK, RULES, ["md-10"], None, "next")
    reader = Reader(right=True)
    assert terminal.practise(reader, chosen[:1]) == (1, 1)
    assert "✓ Right" in reader.screen
    assert all(
        " ".join(option.reason.split())[:30] in " ".join(reader.screen.split())
        for option in chosen[0].options
    )
    card = record.cards()[chosen[0].id]
    assert (card.right, card.wrong, card.box, card.last) == (1, 0, 1, True)
    terminal.practise(Reader(right=False), chosen[:1])
    assert record.cards()[chosen[0].id].box == 0


def test_a_line_that_is_no_answer_is_asked_again() -> None:
    single = next(q for q in BANK if q.select == 1)
    reader = Reader("x", "ab", "", right=True)
    assert terminal.practise(reader, [single]) == (1, 1)
    assert reader.screen.count("Type a letter from A to D.") == 3
    double = next(q for q in BANK if q.select == 2)
    reader = Reader("a", "aa", right=True)
    assert terminal.practise(reader, [double]) == (1, 1)
    assert reader.screen.count("Type 2 letters from A to E.") == 2


def test_stopping_keeps_what_was_answered() -> None:
    first, second = BANK[:2]
    answered = Reader(right=True)
    terminal.practise(answered, [first])
    stopped = Reader("q")
    assert terminal.practise(stopped, [second]) == (0, 0)
    assert set(record.cards()) == {first.id}


def test_what_is_due_comes_before_what_is_new_and_that_before_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mine = [q for q in BANK if q.section == "model_deployment"][:3]
    terminal.practise(Reader(right=True), mine[:1])
    start = memory.now()
    monkeypatch.setattr(memory, "now", lambda: start + 5 * DAY)
    terminal.practise(Reader(right=True), mine[1:2])
    names = {q.id for q in mine}
    order = [q.id for q in terminal.chosen(mine, RULES, [], None, "next") if q.id in names]
    assert order == [mine[0].id, mine[2].id, mine[1].id]
    for which, left in (("due", mine[:1]), ("unseen", mine[2:])):
        assert terminal.chosen(mine, RULES, [], None, which) == left
    with pytest.raises(LakebookError, match="no question is like that"):
        terminal.chosen(mine, RULES, [], None, "wrong")


def test_a_mock_exam_says_nothing_until_its_end() -> None:
    exam = mocks.fixed(BANK, RULES)[0]
    reader = Reader("", right=True)
    right = terminal.sit(reader, exam, RULES)
    assert right == len(exam) - 1 and reader.asked == len(exam)
    before_report = reader.screen.split("Your result")[0]
    assert "Right" not in before_report and "right:" not in before_report
    assert f"{right} of {len(exam)}, 98%" in reader.screen
    assert "pass mark is not published; our target is 70 %" in reader.screen
    assert reader.screen.count("not answered") == 1


def test_after_the_time_nothing_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    exam = mocks.fixed(BANK, RULES)[0]
    start = memory.now()
    reader = Reader(right=True)
    monkeypatch.setattr(memory, "now", lambda: start + (95 * 60_000 if reader.asked >= 3 else 0))
    assert terminal.sit(reader, exam, RULES) == 2
    assert "Time was up before this answer" in reader.screen


def test_names_that_there_are_not_are_named() -> None:
    with pytest.raises(LakebookError, match="MD-99"):
        terminal.chosen(BANK, RULES, ["MD-99"], None, "next")
    with pytest.raises(LakebookError, match="no mock exam 99; there are 1 to"):
        terminal.paper(BANK, RULES, 99)


def test_a_damaged_memory_is_set_aside_and_a_newer_one_left_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    record.file().write_text("{torn")
    terminal.practise(Reader(right=True), BANK[:1])
    assert "kept as" in capsys.readouterr().out
    (aside,) = record.file().parent.glob("memory.unread-*.json")
    assert aside.read_text() == "{torn" and set(record.cards()) == {BANK[0].id}
    newer = json.dumps({"format": "lakebook", "version": 2, "memory": {}})
    record.file().write_text(newer)
    with pytest.raises(LakebookError, match="newer edition"):
        record.note([(BANK[0], True)])
    assert record.file().read_text() == newer


def test_code_in_a_question_keeps_its_lines() -> None:
    shown = terminal.text("What does\n`f` do?\n\n```python\ndef f():\n    return 1\n```\n", "  A  ")
    assert shown.splitlines() == [
        "  A  What does `f` do?",
        "",
        "         def f():",
        "             return 1",
    ]


def test_the_command_asks_from_standard_input_and_stops_at_its_end() -> None:
    command = [sys.executable, "-m", "lakebook.cli", "quiz", "--objective", "MD-10"]
    done = subprocess.run(
        command, cwd=ROOT, input="z\n", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Question 1 of" in done.stdout and "Nothing answered." in done.stdout


def test_a_card_is_kept_as_the_browser_keeps_it() -> None:
    record.note([(BANK[0], True)])
    kept = json.loads(record.file().read_text())
    assert (kept["format"], kept["version"], kept["attempts"]) == ("lakebook", 1, [])
    assert set(kept["memory"][BANK[0].id]) == set(Card.__dataclass_fields__)
