"""The learner's record on disk: merged, kept, refused; exercises of labs in the memory."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakebook.errors import LakebookError
from lakebook.exam import memory, record
from lakebook.exam.memory import DAY
from lakebook.labs import progress


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAKEBOOK_HOME", str(tmp_path))
    return tmp_path


def card(at: int, box: int = 1) -> dict[str, Any]:
    return {
        "hash": "ab",
        "box": box,
        "at": at,
        "due": at + DAY,
        "right": 1,
        "wrong": 0,
        "last": True,
    }


def attempt(id: str, at: int, submitted: int | None = None) -> dict[str, Any]:
    answers = {"k7w2": {"picked": [at % 4], "flag": False, "at": at}}
    return {"id": id, "submitted": submitted, "by": None, "answers": answers}


def data(**parts: Any) -> dict[str, Any]:
    return {"format": "lakebook", "version": 1, "attempts": [], **parts}


def test_what_a_page_sends_is_kept_and_what_the_terminal_remembered_stays() -> None:
    record.keep(data(memory={"k7w2": card(5)}))
    found = record.keep(data(memory={"p3xd": card(3)}, examDay={"day": "2026-12-24", "at": 7}))
    assert set(found["memory"]) == {"k7w2", "p3xd"}
    assert record.read()["examDay"] == {"day": "2026-12-24", "at": 7}
    assert set(record.cards()) == {"k7w2", "p3xd"}


def test_of_two_states_the_newer_stands_whichever_comes_first() -> None:
    one = data(memory={"k7w2": card(5, 3)}, reviews={"a#0": {"at": 9, "x": 1}})
    two = data(memory={"k7w2": card(6, 0)}, reviews={"a#0": {"at": 8, "x": 2}})
    for first, second in ((one, two), (two, one)):
        found = record.merged(record.merged(data(memory={}), first), second)
        assert found["memory"]["k7w2"]["box"] == 0
        assert found["reviews"]["a#0"]["x"] == 1


def test_a_submitted_attempt_stands_and_a_removed_one_does_not_come_back() -> None:
    open_, done = attempt("a", 9), attempt("a", 4, submitted=5)
    for first, second in ((open_, done), (done, open_)):
        found = record.merged(data(attempts=[first], memory={}), data(attempts=[second]))
        assert found["attempts"] == [done]
    gone = record.merged(data(attempts=[done], memory={}), data(removed=["a"]))
    assert gone["attempts"] == []
    assert record.merged(gone, data(attempts=[done]))["attempts"] == []


NAMES = st.sampled_from(["k7w2", "p3xd", "day3/01_cross_validation#2"])
RECORDS = st.builds(
    data,
    # A moment and a name give one state, as a clock does.
    memory=st.dictionaries(NAMES, st.integers(0, 40).map(lambda at: card(at, at % 5))),
    attempts=st.lists(
        st.builds(attempt, st.sampled_from("abc"), st.integers(0, 9)), unique_by=lambda a: a["id"]
    ),
    removed=st.lists(st.sampled_from("abc"), max_size=1),
    examDay=st.none() | st.integers(1, 9).map(lambda at: {"day": f"2026-12-0{at}", "at": at}),
)


def plain(found: dict[str, Any]) -> dict[str, Any]:
    return {**found, "attempts": sorted(found["attempts"], key=lambda a: a["id"])}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(RECORDS, RECORDS, RECORDS)
def test_merging_does_not_depend_on_the_order_and_twice_is_once(
    one: dict[str, Any], two: dict[str, Any], three: dict[str, Any]
) -> None:
    merged = record.merged
    all_ = merged(merged(one, two), three)
    assert plain(all_) == plain(merged(merged(three, two), one))
    assert plain(merged(all_, two)) == plain(all_)
    assert record.fault(all_) == ""


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ([], "not an export of this book"),
        ({"format": "other"}, "not an export of this book"),
        (data(version=2), "newer edition"),
        (data(attempts={}), "is damaged"),
        (data(attempts=[attempt("a", 1), {"id": 3}]), r"damaged \(attempt 2 of 2\)"),
        (data(memory={"k7w2": {"box": 1}}), r"damaged \(its memory\)"),
        (data(memory={"k7w2": {**card(1), "box": 9}}), r"damaged \(its memory\)"),
        (data(memory={"../x y": card(1)}), r"damaged \(its memory\)"),
        (data(memory={"k7w2": {**card(1), "at": True}}), r"damaged \(its memory\)"),
        (data(memory=[1]), r"damaged \(its memory\)"),
        (data(reviews={"a": 1}), r"damaged \(its lesson reviews\)"),
        (data(removed="abc"), r"damaged \(what it has removed\)"),
        (data(examDay="tomorrow"), r"damaged \(the day"),
    ],
)
def test_what_is_no_record_is_refused_by_its_part_and_nothing_changes(
    sent: Any, words: str
) -> None:
    record.keep(data(memory={"k7w2": card(5)}))
    before = record.file().read_text()
    with pytest.raises(record.BadRecord, match=words):
        record.keep(sent)
    assert record.file().read_text() == before


def test_a_file_of_a_newer_edition_is_left_and_a_damaged_one_set_aside(folder: Path) -> None:
    record.file().write_text(json.dumps(data(version=2)))
    with pytest.raises(record.NewerRecord, match="update Lakebook"):
        record.keep(data())
    assert json.loads(record.file().read_text())["version"] == 2
    record.file().write_text(json.dumps(data(memory={"k7w2": {"box": "one"}})))
    assert record.keep(data(memory={"p3xd": card(1)}))["memory"].keys() == {"p3xd"}
    (aside,) = folder.glob("memory.unread-*.json")
    assert "one" in aside.read_text()


def test_a_folder_that_cannot_be_written_keeps_what_was_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record.keep(data(memory={"k7w2": card(5)}))

    def full(*_: object) -> None:
        raise LakebookError("the disk is full")

    monkeypatch.setattr("lakebook.workspace.write_atomic", full)
    with pytest.raises(LakebookError, match="disk is full"):
        record.keep(data(memory={"p3xd": card(6)}))
    assert record.cards().keys() == {"k7w2"}


def test_exercises_of_labs_return_by_the_same_rule() -> None:
    lab = "day3/01_cross_validation"
    progress.append(lab, 1, False, "What will this search cost?")
    progress.append(lab, 1, True, "What will this search cost?")
    progress.append(lab, 2, True, "A search without a leak")
    progress.append(lab, 99, True, "No such exercise")
    progress.append("day9/01_nowhere", 1, True, "No such lab")
    cards = memory.exercises()
    assert set(cards) == {f"{lab}#1", f"{lab}#2"}
    failed, solved = cards[f"{lab}#1"], cards[f"{lab}#2"]
    # Solved after a failure returns tomorrow; solved at once, in three days.
    assert (failed.due - failed.at, failed.last) == (pytest.approx(DAY, abs=5000), True)
    assert (solved.due - solved.at, solved.box) == (3 * DAY, 1)
    told = record.with_exercises(record.read())["memory"]
    assert told == {name: asdict(one) for name, one in cards.items()}
    assert record.cards() == {}, "they follow from the progress and are not written twice"
