"""What a learner has passed: one file of their own, one line an attempt.

The first line is a header with the version; each further line is one JSON object. Lines are only
ever appended, in one write each, under a lock, so that two labs at once lose nothing.
"""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lakebook import workspace
from lakebook.errors import LakebookError
from lakebook.labs import places

VERSION = 1
HEADER = {"lakebook": "progress", "version": VERSION}


@dataclass(frozen=True)
class Attempt:
    """One answer that was judged: when (UTC, ISO), on which exercise, and whether it passed."""

    at: str
    lab: str
    exercise: int
    passed: bool
    title: str


@dataclass(frozen=True)
class _Content:
    """What the file holds; `newer` is its version if this program is too old to read it."""

    attempts: tuple[Attempt, ...] = ()
    damaged: int = 0
    newer: object = None
    unfinished: bool = False


# Attempts which could not be written: progress goes on in memory until the kernel ends.
_unsaved: list[Attempt] = []


def file() -> Path:
    """Return where progress is kept. Raises LakebookError if the workspace cannot be written."""
    return workspace.path("progress.jsonl")


def append(lab: str, exercise: int, passed: bool, title: str) -> str | None:
    """Record one attempt and return None, or what the learner should know about the file.

    Never raises for the file's sake: an attempt that cannot be written is kept in memory.
    """
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    attempt = Attempt(now, lab, exercise, passed, title)
    try:
        path = file()
        with workspace.lock("progress"):
            note = _make_ready(path)
            _write(path, _line(attempt.__dict__))
        return note
    except _Newer as refusal:
        _unsaved.append(attempt)
        return str(refusal)
    except LakebookError as error:
        reason = str(error)
    except (OSError, NotImplementedError) as error:  # the latter: a file system without locks
        reason = f"{type(error).__name__}: {error}"
    _unsaved.append(attempt)
    return f"Your progress could not be saved and is kept in this session only: {reason}."


def attempts(lab: str | None = None) -> list[Attempt]:
    """Return all readable attempts, oldest first, of one lab or of all; nothing is changed."""
    try:
        saved = _parse(file()).attempts
    except (OSError, LakebookError):
        saved = ()
    return [one for one in (*saved, *_unsaved) if lab is None or one.lab == lab]


def passed(lab: str) -> set[int]:
    """Return the numbers of the exercises of a lab that have been passed at some time."""
    return {attempt.exercise for attempt in attempts(lab) if attempt.passed}


def summary() -> dict[str, dict[str, Any]]:
    """Return ``{lab id: {"passed": [numbers], "of": count}}`` for every lab there is.

    The exercises are counted in the source text, so that no lab's code runs here.
    """
    done: dict[str, set[int]] = {}
    for attempt in attempts():
        if attempt.passed:
            done.setdefault(attempt.lab, set()).add(attempt.exercise)
    result: dict[str, dict[str, Any]] = {}
    for lab_id in places.ids():
        numbers = exercise_numbers(places.exercises(lab_id))
        result[lab_id] = {
            "passed": sorted(done.get(lab_id, set()) & set(numbers)),
            "of": len(numbers),
        }
    return result


def exercise_numbers(path: Path) -> list[int]:
    """Return the numbers given to ``@exercise`` in a module, sorted; none if it cannot be read."""
    try:
        tree = ast.parse(path.read_text("utf-8"))
    except (OSError, SyntaxError, UnicodeDecodeError):
        return []
    return sorted(set(_numbers(tree.body)))


def _numbers(body: Iterable[ast.stmt]) -> Iterator[int]:
    for node in body:
        if not isinstance(node, ast.FunctionDef):
            continue
        for call in node.decorator_list:
            if not isinstance(call, ast.Call):
                continue
            name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
            name = call.func.id if isinstance(call.func, ast.Name) else name
            if name == "exercise" and call.args and isinstance(call.args[0], ast.Constant):
                value = call.args[0].value
                if isinstance(value, int):
                    yield value


class _Newer(Exception):
    """The file was written by a newer Lakebook."""


def _make_ready(path: Path) -> str | None:
    """Make the file fit for one more line; return what the learner should know about it."""
    if not path.exists():
        workspace.write_atomic(path, _line(HEADER))
        return None
    content = _parse(path)
    if content.newer is not None:
        raise _Newer(
            f"The progress file '{path}' is of version {content.newer}, which this Lakebook does "
            "not know. It is left as it is, and your progress is kept in this session only; "
            "update Lakebook to go on with it."
        )
    if not content.damaged:
        if content.unfinished:
            _write(path, "\n")
        return None
    aside = _set_aside(path)
    try:
        lines = [_line(HEADER), *(_line(one.__dict__) for one in content.attempts)]
        workspace.write_atomic(path, "".join(lines))
    except LakebookError:
        aside.replace(path)
        raise
    return (
        f"The progress file was damaged in {content.damaged} line(s). It is kept as "
        f"'{aside.name}' beside it; the {len(content.attempts)} attempt(s) that can be read "
        "were carried over."
    )


def _set_aside(path: Path) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    aside = path.with_name(f"progress-damaged-{stamp}.jsonl")
    path.rename(aside)
    return aside


def _parse(path: Path) -> _Content:
    """Return the content of the file; a file that is missing has none. Raises OSError."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return _Content()
    first, *rest = data.split(b"\n")
    unfinished = rest[-1] != b"" if rest else True
    header = _decoded(first)
    is_header = isinstance(header, dict) and header.get("lakebook") == "progress"
    if is_header:
        version = header.get("version")
        if isinstance(version, int) and version > VERSION:
            return _Content(newer=version)
        is_header = version == VERSION
    found: list[Attempt] = []
    damaged = 0 if is_header else 1
    for line in rest if is_header else [first, *rest]:
        attempt = _attempt(_decoded(line))
        if attempt:
            found.append(attempt)
        elif line.strip() and line is not first:
            damaged += 1
    return _Content(tuple(found), damaged, unfinished=unfinished)


def _decoded(line: bytes) -> Any:
    try:
        return json.loads(line.decode("utf-8"))
    except ValueError:
        return None


def _attempt(record: Any) -> Attempt | None:
    if not isinstance(record, dict):
        return None
    at, lab, exercise, passed_, title = (
        record.get(key) for key in ("at", "lab", "exercise", "passed", "title")
    )
    if not (isinstance(at, str) and isinstance(lab, str) and isinstance(passed_, bool)):
        return None
    if not isinstance(exercise, int) or isinstance(exercise, bool):
        return None
    return Attempt(at, lab, exercise, passed_, title if isinstance(title, str) else "")


def _line(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False) + "\n"


def _write(path: Path, text: str) -> None:
    """Append in one write; where the disk is full, what was half written is taken back."""
    data = text.encode("utf-8")
    handle = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        before = os.fstat(handle).st_size
        try:
            if os.write(handle, data) != len(data):
                raise OSError("the disk is full")
            os.fsync(handle)
        except OSError:
            os.ftruncate(handle, before)
            raise
    finally:
        os.close(handle)
