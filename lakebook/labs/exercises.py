"""The decorator that makes a function an exercise, and loading the exercises of a lab."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lakebook.errors import LakebookError, unknown
from lakebook.labs import places
from lakebook.labs.errors import LabError

HINTS = 3
WRONG_ANSWERS = 3


@dataclass(frozen=True)
class Exercise:
    """One exercise: the function that judges an answer, and what surrounds it."""

    number: int
    title: str
    hints: tuple[str, ...]
    wrong: Mapping[str, Any]
    judge: Callable[[Any], None]

    def __call__(self, answer: Any) -> None:
        """Judge an answer; raises `expect.Wrong` if it is wrong."""
        self.judge(answer)

    def wrong_answer(self, name: str) -> Any:
        """Return the wrong answer of that name; a callable entry is called to make it."""
        entry = self.wrong[name]
        return entry() if callable(entry) else entry


def exercise(
    number: int, /, *, title: str, hints: tuple[str, ...], wrong: Mapping[str, Any]
) -> Callable[[Callable[[Any], None]], Exercise]:
    """Return a decorator which makes the function below it exercise `number` of its lab.

    `hints` are exactly three, from a nudge to nearly there. `wrong` maps at least three mistakes
    to the answers they lead to; a callable is called without arguments to make the answer.
    Raises LabError, naming module and exercise, if one of these is missing.
    """

    def decorate(judge: Callable[[Any], None]) -> Exercise:
        where = f"{_file_of(judge)}, exercise {number} ({judge.__name__})"
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise LabError(f"{where}: the number must be 1 or more, as in @exercise(1, …)")
        if not isinstance(title, str) or not title.strip():
            raise LabError(f"{where}: the title is empty; say what to do, in a few words")
        if isinstance(hints, str) or len(hints) != HINTS:
            count = 1 if isinstance(hints, str) else len(hints)
            raise LabError(f"{where}: has {count} hint(s); give exactly {HINTS}")
        if any(not isinstance(hint, str) or not hint.strip() for hint in hints):
            raise LabError(f"{where}: a hint is empty or no text")
        if not isinstance(wrong, Mapping) or len(wrong) < WRONG_ANSWERS:
            count = len(wrong) if isinstance(wrong, Mapping) else 0
            raise LabError(
                f"{where}: lists {count} wrong answer(s); list at least {WRONG_ANSWERS}, "
                "as {'the mistake': the answer it leads to}"
            )
        if len({hint.strip() for hint in hints}) != HINTS:
            raise LabError(f"{where}: two hints are the same")
        return Exercise(number, title.strip(), tuple(hints), dict(wrong), judge)

    return decorate


def _file_of(function: Callable[..., Any]) -> str:
    code = getattr(function, "__code__", None)
    return places.shown(Path(code.co_filename)) if code else str(function.__module__)


def load(lab_id: str) -> dict[int, Exercise]:
    """Return the exercises of a lab by number, in order.

    Raises LakebookError with the nearest match if the lab is not known, and LabError if its
    module cannot be run, holds no exercise, or does not number them 1, 2, 3 ….
    """
    path = places.exercises(lab_id)
    if not path.is_file():
        known = places.ids()
        if lab_id in known:
            raise LabError(f"lab '{lab_id}' has no {places.shown(path)}; write its exercises there")
        raise unknown("lab", lab_id, known)
    # Not put into sys.modules: what is not there, cloudpickle sends to Spark's workers by value,
    # and the workers could not import a file whose name starts with a digit.
    module = types.ModuleType("lakebook_exercises." + lab_id.replace("/", "."))
    module.__file__ = str(path)
    try:
        exec(compile(path.read_text("utf-8"), str(path), "exec"), module.__dict__)
    except LakebookError:
        raise
    except Exception as error:
        raise LabError(f"{places.shown(path)}: {_place(error, path)}") from error
    found: dict[int, Exercise] = {}
    for value in module.__dict__.values():
        if isinstance(value, Exercise):
            if found.get(value.number, value) is not value:
                raise LabError(f"{places.shown(path)}: two exercises have number {value.number}")
            found[value.number] = value
    if sorted(found) != list(range(1, len(found) + 1)) or not found:
        raise LabError(
            f"{places.shown(path)}: the exercises are numbered {sorted(found) or 'not at all'}; "
            "number them 1, 2, 3 … with @exercise"
        )
    return dict(sorted(found.items()))


def _place(error: Exception, path: Path) -> str:
    """Return the kind and text of an error with the line of the module it came from."""
    line: int | None = None
    if isinstance(error, SyntaxError):
        line = error.lineno
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    where = f"line {line}: " if line else ""
    return f"{where}{type(error).__name__}: {error}"
