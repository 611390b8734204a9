"""Proofs: what a question calls right is run, and must select exactly the keyed options.

A proof sets `answer`, a value or a list of values compared with the options' text, or defines
``holds(option: str) -> bool``. It finds `spark`, `count_fits` and `counting` in its namespace and
imports the rest itself.
"""

from __future__ import annotations

import ast
import contextlib
import io
import os
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lakebook.errors import LakebookError, unknown
from lakebook.exam.bank import Question
from lakebook.labs.counting import counting


@dataclass(frozen=True)
class Result:
    """What a proof selected. `fault` is empty if that is exactly the key; time in seconds."""

    question: Question
    seconds: float
    fault: str

    @property
    def holds(self) -> bool:
        """Whether exactly the keyed options were selected."""
        return not self.fault

    def line(self) -> str:
        """Return one line for the terminal, or more where the proof failed."""
        q = self.question
        if self.holds:
            return f"ok     {q.objective:<7}{q.id}  {self.seconds:5.1f} s"
        return f"FAILED {q.objective:<7}{q.id}  {q.where}: {self.fault}"


def named(questions: Sequence[Question], names: Iterable[str]) -> list[Question]:
    """Return the questions that ids or objectives name, all of them if no name is given.

    Raises LakebookError for a name that is neither, with the nearest match.
    """
    names = list(names)
    known = {q.id for q in questions} | {q.objective for q in questions}
    for name in names:
        if name not in known:
            raise unknown("question", name, known)
    return [q for q in questions if not names or q.id in names or q.objective in names]


def choose(questions: Sequence[Question], names: Iterable[str]) -> list[Question]:
    """Return those of the named questions that carry a proof. Raises as `named` does."""
    return [question for question in named(questions, names) if question.proof is not None]


class Prover:
    """Runs proofs one after the other, with one Spark session started when first needed.

    A context manager: inside it proofs have a workspace of their own, so that a table called
    ``events`` in a proof is never the reader's; on leaving, it stops the session if it was the one
    to start it.
    """

    def __init__(self) -> None:
        self._spark: Any = None
        self._mine = False
        self._leave = contextlib.ExitStack()

    def __enter__(self) -> Prover:
        folder = tempfile.TemporaryDirectory(prefix="lakebook-proofs-", ignore_cleanup_errors=True)
        self._leave.enter_context(folder)
        self._leave.callback(_set_home, os.environ.get("LAKEBOOK_HOME"))
        _set_home(folder.name)
        return self

    def __exit__(self, *_: object) -> None:
        if self._mine and self._spark is not None:
            self._spark.stop()
        self._spark = None
        self._leave.close()

    def spark(self) -> Any:
        """Return the session shared by all proofs, starting it if need be."""
        if self._spark is None:
            from pyspark.sql import SparkSession

            from lakebook.runtime.session import get_spark

            self._mine = SparkSession.getActiveSession() is None
            self._spark = get_spark("proofs")
        return self._spark

    def prove(self, question: Question) -> Result:
        """Run the proof of a question in a fresh namespace and compare it with the key."""
        if question.proof is None:
            raise LakebookError(f"{question.where}: question '{question.id}' has no proof")
        # Line numbers of a traceback are then those of the Markdown file.
        source = "\n" * (question.proof_line - 1) + question.proof
        tree = ast.parse(source, question.file)
        namespace: dict[str, Any] = {
            "__name__": f"proof_{question.id}",
            "count_fits": count_fits,
            "counting": counting,
        }
        if _needs_spark(tree):
            namespace["spark"] = self.spark()
        start = time.perf_counter()
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                exec(compile(tree, question.file, "exec"), namespace)
                selected = _selected(question, namespace)
        except Exception as error:
            return Result(question, time.perf_counter() - start, _raised(question, error))
        return Result(question, time.perf_counter() - start, _compare(question, selected))


def _set_home(folder: str | None) -> None:
    if folder is None:
        os.environ.pop("LAKEBOOK_HOME", None)
    else:
        os.environ["LAKEBOOK_HOME"] = folder


def _needs_spark(tree: ast.AST) -> bool:
    """Tell whether a proof names `spark` or imports pyspark, whose objects need a session."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == "spark":
            return True
        modules = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        if any(module.split(".")[0] == "pyspark" for module in modules):
            return True
    return False


def _selected(question: Question, namespace: dict[str, Any]) -> list[int]:
    """Return the positions of the options that the proof selects."""
    if ("answer" in namespace) == ("holds" in namespace):
        raise LakebookError("a proof sets `answer` or defines `holds(option)`, one of the two")
    texts = [option.plain for option in question.options]
    if "holds" in namespace:
        verdicts = [namespace["holds"](text) for text in texts]
        for text, verdict in zip(texts, verdicts, strict=True):
            if type(verdict).__name__ not in ("bool", "bool_"):  # NumPy's own is as good
                raise LakebookError(f"holds({text!r}) is {verdict!r}; return True or False")
        return [n for n, verdict in enumerate(verdicts) if verdict]
    answer = namespace["answer"]
    values = list(answer) if isinstance(answer, list | tuple | set | frozenset) else [answer]
    found = []
    for value in values:
        if str(value) not in texts:
            raise LakebookError(f"the answer {str(value)!r} is not among the options {texts}")
        found.append(texts.index(str(value)))
    return sorted(found)


def _compare(question: Question, selected: list[int]) -> str:
    if tuple(selected) == question.right:
        return ""
    texts = [option.plain for option in question.options]
    chosen = "; ".join(texts[n] for n in selected) or "nothing"
    keyed = "; ".join(texts[n] for n in question.right)
    return f"the proof selects [{chosen}], the key says [{keyed}]"


def _raised(question: Question, error: Exception) -> str:
    inside = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == question.file
    ]
    at = f" in line {inside[-1]}" if inside else ""
    if isinstance(error, LakebookError):
        return str(error)
    text = str(error).strip().splitlines() or [""]
    return f"the proof raised {type(error).__name__}{at}: {text[0]}"


def count_fits(search: Any, data: Any = None) -> int:
    """Return how many models a search fits: those of the estimator that it tunes.

    `search` is a CrossValidator or TrainValidationSplit of Spark, or a GridSearchCV, a
    RandomizedSearchCV or the like of scikit-learn. `data` is what `fit` takes, a Spark frame or a
    pair (X, y); by default 60 rows of two classes, in Spark with the columns `features` (3
    numbers) and `label`.
    """
    if hasattr(search, "getEstimator"):
        with counting(type(search.getEstimator())) as count:
            search.fit(data if data is not None else _spark_rows())
        return count.total
    if getattr(search, "n_jobs", None) not in (None, 1):
        raise LakebookError("count_fits counts in this process; leave n_jobs of the search unset")
    if not hasattr(search, "estimator"):
        raise LakebookError(f"count_fits needs a search with an estimator, not {search!r}")
    features, target = data if data is not None else _rows()
    with counting(type(search.estimator)) as count:
        search.fit(features, target)
    return count.total


def _rows() -> tuple[list[list[float]], list[int]]:
    features = [[float(n % 7), float(n % 5), float(n)] for n in range(60)]
    return features, [int(n % 7 > 3) for n in range(60)]


def _spark_rows() -> Any:
    from pyspark.ml.linalg import Vectors

    from lakebook.runtime.session import get_spark

    features, target = _rows()
    rows = [(Vectors.dense(f), float(t)) for f, t in zip(features, target, strict=True)]
    return get_spark("proofs").createDataFrame(rows, ["features", "label"])
