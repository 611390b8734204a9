"""The checks of a lab: ``check.exercise_1(answer)``, its hints, and the learner's progress."""

from __future__ import annotations

import difflib
import os
from typing import Any

from lakebook.labs import exercises, expect, progress
from lakebook.labs.exercises import Exercise
from lakebook.labs.verdicts import Hint, Overview, State, Verdict
from lakebook.runtime import tracking


class CheckFailed(AssertionError):
    """A check did not pass while ``LAKEBOOK_STRICT=1`` demands that it does."""


class Check:
    """One exercise as the learner meets it: call it with an answer, or ask it for a hint."""

    def __init__(self, lab_id: str, exercise: Exercise, of: int) -> None:
        self._lab_id = lab_id
        self._exercise = exercise
        self._of = of
        self._hints_given = 0

    def __call__(self, answer: Any) -> Verdict:
        """Return the verdict on an answer; a cell that ends with it shows it.

        Raises nothing, whatever the answer, unless ``LAKEBOOK_STRICT=1``: then CheckFailed.
        """
        state, message = judge(self._exercise, answer)
        notes: list[str] = []
        if state != "open":
            note = progress.append(
                self._lab_id, self._exercise.number, state == "right", self._exercise.title
            )
            notes += [note] if note else []
        if state == "right":
            message = self._standing()
        elif state != "open":
            notes.insert(0, self._next_hint())
        verdict = Verdict(self._exercise.number, self._exercise.title, state, message, notes)
        if os.environ.get("LAKEBOOK_STRICT") == "1" and not verdict.passed:
            raise CheckFailed(repr(verdict))
        verdict.shown()
        return verdict

    def hint(self) -> Hint:
        """Return the next of three hints; after the third, the third again."""
        hints = self._exercise.hints
        again = self._hints_given >= len(hints)
        self._hints_given = min(self._hints_given + 1, len(hints))
        hint = Hint(
            self._exercise.number,
            self._hints_given,
            len(hints),
            hints[self._hints_given - 1],
            "This was the last hint; the demonstration above shows each step." if again else "",
        )
        hint.shown()
        return hint

    def _standing(self) -> str:
        done = len(progress.passed(self._lab_id) & set(range(1, self._of + 1)))
        if done == self._of:
            return f"All {self._of} exercises of this lab are passed."
        return f"{done} of {self._of} exercises of this lab passed."

    def _next_hint(self) -> str:
        call = f"`check.exercise_{self._exercise.number}.hint()`"
        if self._hints_given >= len(self._exercise.hints):
            return f"You have seen all hints; {call} repeats the last."
        return f"Hint {self._hints_given + 1} of {len(self._exercise.hints)}: {call}"

    def __repr__(self) -> str:
        number = self._exercise.number
        return f"exercise {number}, {self._exercise.title}: call check.exercise_{number}(answer)"


def judge(exercise: Exercise, answer: Any) -> tuple[State, str]:
    """Return the state an answer leads to, and the message. Raises nothing an answer causes."""
    if expect.unattempted(answer):
        return "open", "Replace the `...` by your answer and run the cell again."
    try:
        exercise.judge(answer)
    except expect.Wrong as wrong:
        return "wrong", str(wrong)
    except expect.NotAttempted:
        return "open", "Replace the `...` by your answer and run the cell again."
    except Exception as error:
        # An answer of an unforeseen kind is the learner's to mend, and no reason for a stack trace.
        first = (str(error).strip() or "no message").splitlines()[0]
        kind = type(answer).__name__
        return "unjudged", (
            f"This answer (of type {kind}) could not be judged: {type(error).__name__}: "
            f"{first[:200]}. Compare its type and shape with what the exercise asks for."
        )
    return "right", ""


class Lab:
    """The checks of one lab, each an attribute: ``exercise_1``, ``exercise_2`` ….

    Raises LakebookError with the nearest match if there is no such lab.
    """

    def __init__(self, lab_id: str) -> None:
        self._id = lab_id
        found = exercises.load(lab_id)
        self._checks = {
            f"exercise_{number}": Check(lab_id, one, len(found)) for number, one in found.items()
        }
        self._titles = {number: one.title for number, one in found.items()}
        tracking.use_experiment(lab_id)

    def __getattr__(self, name: str) -> Check:
        checks: dict[str, Check] = self.__dict__.get("_checks", {})
        if name in checks:
            return checks[name]
        near = difflib.get_close_matches(name, checks, n=1)
        known = ", ".join(checks)
        hint = f"did you mean '{near[0]}'?" if near else f"this lab has {known}"
        raise AttributeError(f"check.{name} is not known; {hint}")

    def __dir__(self) -> list[str]:
        return ["progress", *self._checks]

    def progress(self) -> Overview:
        """Return the exercises of this lab, each with what became of it so far."""
        past = progress.attempts(self._id)
        done = {one.exercise for one in past if one.passed} & set(self._titles)
        tried = {one.exercise for one in past}
        rows = [
            (
                number,
                title,
                "✓ passed" if number in done else "✗ not yet" if number in tried else "○ open",
            )
            for number, title in self._titles.items()
        ]
        overview = Overview(self._id, rows, len(done))
        overview.shown()
        return overview

    def __repr__(self) -> str:
        return f"checks of {self._id}: " + ", ".join(f"check.{name}" for name in self._checks)
