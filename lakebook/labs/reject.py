"""The wrong answers of one lab, judged: ``python -m lakebook.labs.reject LAB RESULT``.

A process of its own, because making an answer may start Spark, and may hang.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from lakebook.labs import exercises
from lakebook.labs.checks import judge


def verdicts(lab_id: str, only: int | None = None) -> list[dict[str, str | int]]:
    """Return exercise, mistake, state and message of each wrong answer, of one exercise or of all.

    The state is "unmade" if the answer itself could not be made. Raises LakebookError.
    """
    found: list[dict[str, str | int]] = []
    for number, exercise in exercises.load(lab_id).items():
        if only not in (None, number):
            continue
        for mistake in exercise.wrong:
            state: str
            try:
                answer = exercise.wrong_answer(mistake)
            except Exception as error:
                state, message = "unmade", f"{type(error).__name__}: {error}"
            else:
                state, message = judge(exercise, answer)
            found.append(
                {"exercise": number, "mistake": mistake, "state": state, "message": message}
            )
    return found


def main() -> int:
    """Write the verdicts of the lab to the result file; return 0."""
    lab_id, result = sys.argv[1:]
    try:
        Path(result).write_text(json.dumps(verdicts(lab_id)), "utf-8")
    finally:
        if "pyspark" in sys.modules:
            from pyspark.sql import SparkSession

            session = SparkSession.getActiveSession()
            if session:
                session.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
