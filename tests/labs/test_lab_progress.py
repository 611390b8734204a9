"""The learner's progress: one file, which nothing that happens may lose."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from tiny_labs import LAB

import lakebook
from lakebook.cli import main
from lakebook.labs import progress

HEADER = '{"lakebook": "progress", "version": 1}'


@pytest.fixture
def check(repository):
    repository.write()
    return lakebook.lab(LAB)


def lines() -> list[str]:
    return progress.file().read_text("utf-8").splitlines()


def test_each_attempt_is_one_line_below_a_header_with_the_version(check):
    check.exercise_1(6)
    check.exercise_1(5)
    head, wrong, right = (json.loads(line) for line in lines())
    assert head == {"lakebook": "progress", "version": 1}
    assert (wrong["passed"], right["passed"]) == (False, True)
    assert right["at"].endswith("+00:00")
    assert {key: right[key] for key in ("lab", "exercise", "title")} == {
        "lab": LAB,
        "exercise": 1,
        "title": "Add <two> numbers",
    }


def test_what_was_passed_in_another_session_still_counts(check):
    check.exercise_1(5)
    assert "✓ passed" in repr(lakebook.lab(LAB).progress())
    assert progress.summary() == {LAB: {"passed": [1], "of": 2}}


def test_two_labs_at_once_lose_nothing(repository):
    repository.write()
    script = f"""
from lakebook.labs import progress
for number in range(60):
    assert progress.append({LAB!r}, number, True, "title " * 50) is None
"""
    both = [subprocess.Popen([sys.executable, "-c", script]) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    numbers = sorted(attempt.exercise for attempt in progress.attempts())
    assert numbers == sorted([*range(60), *range(60)])
    assert lines()[0] == HEADER and len(lines()) == 121


DAMAGE = {
    "half a line at the end": lambda text: text[:-20],
    "a line of another kind": lambda text: text + '{"lab": 3}\n',
    "bytes that are no text": lambda text: text.encode() + b"\xff\xfe\n",
    "no header": lambda text: text.split("\n", 1)[1],
    "a broken header": lambda text: "{" + text,
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_file_is_set_aside_and_what_can_be_read_is_carried_over(check, name):
    check.exercise_1(5)
    check.exercise_2(7)
    damaged = DAMAGE[name](progress.file().read_text("utf-8"))
    data = damaged if isinstance(damaged, bytes) else damaged.encode()
    progress.file().write_bytes(data)
    verdict = check.exercise_2(8)
    (aside,) = progress.file().parent.glob("progress-damaged-*.jsonl")
    assert aside.read_bytes() == data
    assert aside.name in repr(verdict) and "was damaged" in repr(verdict)
    assert lines()[0] == HEADER
    assert progress.passed(LAB) == {1, 2}
    assert "damaged" not in repr(check.exercise_2(8)), "the new file is whole"


def test_a_last_line_without_its_end_is_no_damage(check):
    check.exercise_1(5)
    progress.file().write_text(progress.file().read_text("utf-8").rstrip("\n"), "utf-8")
    assert "damaged" not in repr(check.exercise_2(8))
    assert progress.passed(LAB) == {1, 2} and len(lines()) == 3


def test_the_file_of_a_newer_version_is_left_alone_and_progress_goes_on_in_memory(check):
    text = '{"lakebook": "progress", "version": 2}\nwhat we cannot know\n'
    progress.file().write_text(text, "utf-8")
    verdict = check.exercise_1(5)
    assert verdict.passed and "update Lakebook" in repr(verdict)
    assert progress.file().read_text("utf-8") == text
    assert progress.summary()[LAB]["passed"] == [1]
    assert not list(progress.file().parent.glob("progress-damaged-*"))


def test_where_nothing_can_be_written_the_learner_is_told_and_goes_on(check, monkeypatch, tmp_path):
    # Below a file there can be no folder, whoever asks; permissions do not bind an administrator.
    (tmp_path / "file").touch()
    monkeypatch.setenv("LAKEBOOK_HOME", str(tmp_path / "file" / "home"))
    verdict = check.exercise_1(5)
    assert verdict.passed
    assert "could not be saved" in repr(verdict) and "LAKEBOOK_HOME" in repr(verdict)
    assert "✓ passed" in repr(check.progress())
    assert "1 of 2" in verdict.message


def test_a_folder_in_place_of_the_file_is_told_too(check):
    progress.file().mkdir()
    assert "could not be saved" in repr(check.exercise_1(5))
    assert "✓ passed" in repr(check.progress())


def test_on_a_full_disk_an_attempt_is_kept_in_memory_and_the_file_stays_whole(repository):
    """The file's size limit plays the full disk: the system refuses to let it grow."""
    repository.write()
    script = f"""
import resource, signal, lakebook
from lakebook.labs import progress
check = lakebook.lab({LAB!r})
check.exercise_1(5)
size = progress.file().stat().st_size
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, size + 10))
verdict = check.exercise_2(8)
assert "could not be saved" in repr(verdict), verdict
assert verdict.passed and progress.passed({LAB!r}) == {{1, 2}}
assert progress.file().stat().st_size == size
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert progress.passed(LAB) == {1}
    assert not list(progress.file().parent.glob("progress-damaged-*"))


def test_a_full_disk_while_a_damaged_file_is_mended_loses_nothing(repository):
    repository.write()
    progress.file().write_text(f"{HEADER}\ndamage {'x' * 5000}\n", "utf-8")
    before = progress.file().read_bytes()
    script = f"""
import resource, signal
from lakebook.labs import progress
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
note = progress.append({LAB!r}, 1, True, "t")
assert "could not be saved" in note, note
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert progress.file().read_bytes() == before


def test_the_summary_counts_exercises_without_running_the_labs_code(repository):
    path = repository.write()
    module = path.with_suffix(".py")
    module.write_text("raise SystemExit('this code must not run')\n" + module.read_text())
    assert progress.summary() == {LAB: {"passed": [], "of": 2}}
    module.write_text("this is no Python")
    assert progress.summary() == {LAB: {"passed": [], "of": 0}}


def test_the_command_lists_every_lab_with_what_is_passed(check, repository, capsys):
    repository.write(lab="day1/02_other")
    check.exercise_1(5)
    check.exercise_2(8)
    assert main(["progress"]) == 0
    said = capsys.readouterr().out
    assert f"{LAB}   2 of 2  ✓" in said
    assert "day1/02_other  0 of 2" in said
    assert "2 of 4 exercises passed" in said
