"""Run the cases of one environment in this process, with one Spark session for all of them.

    python tests/compat/runner.py local results.jsonl [case ...]

Each outcome is a line of JSON, written as soon as it is known, so that a crash loses only what it
interrupts. The environment's servers are started and stopped here.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import servers
from _pytest.assertion import install_importhook
from _pytest.config import get_config
from suite import ENVIRONMENTS, Case, cases

CASE_SECONDS = 300


class Ended(BaseException):
    """This process was asked to end."""


def _end(*_: Any) -> None:
    raise Ended


def main() -> int:
    """Run the named cases, or all; return 0 however they end, for the outcomes are judged later."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("environment", choices=ENVIRONMENTS)
    parser.add_argument("results", type=Path)
    parser.add_argument("cases", nargs="*")
    given = parser.parse_args()
    given.results = given.results.resolve()
    # Who ends this run ends its servers too, for then the blocks below are left in order.
    signal.signal(signal.SIGTERM, _end)
    _let_assertions_say_their_values()
    wanted = [c for c in cases() if not given.cases or c.name in given.cases]
    with tempfile.TemporaryDirectory(prefix="compat-") as folder:
        os.environ["LAKEBOOK_HOME"] = str(Path(folder) / "home")
        for name in ("SPARK_REMOTE", "LAKEBOOK_MASTER", "MLFLOW_TRACKING_URI", "LAKEBOOK_USER"):
            os.environ.pop(name, None)
        served = servers.started(given.environment)
        with contextlib.chdir(folder), served, given.results.open("a") as results:
            run(given.environment, wanted, Path(folder) / "cases", results)
    return 0


def run(environment: str, wanted: list[Case], folder: Path, results: Any) -> None:
    """Run the cases one after the other and write their outcomes."""
    from place import Place, new_shell

    from lakebook.runtime.session import get_spark

    spark = get_spark("compat")
    shell = new_shell()
    for case in wanted:
        if not case.runs_on(environment):
            continue
        begun = time.perf_counter()
        outcome = {"case": case.name, "passed": True, "said": ""}
        try:
            with _limit(CASE_SECONDS):
                case.run(Place(environment, spark, shell, folder, case))
        except BaseException as error:
            # A notebook that ends itself must not end the suite, so SystemExit is caught too.
            if isinstance(error, KeyboardInterrupt | Ended):
                raise
            outcome |= {"passed": False, "said": "".join(traceback.format_exception(error))}
        outcome["seconds"] = round(time.perf_counter() - begun, 2)
        results.write(json.dumps(outcome) + "\n")
        results.flush()
        _tidy(spark)
    spark.stop()


def _let_assertions_say_their_values() -> None:
    """Have the cases' assertions rewritten as pytest does it for tests, since none runs here."""
    install_importhook(get_config()).mark_rewrite("cases")


def _tidy(spark: Any) -> None:
    """Stop what a case left running, and go back to where a notebook begins."""
    with contextlib.suppress(Exception):
        for query in spark.streams.active:
            query.stop()
    with contextlib.suppress(Exception):
        spark.sql("USE main.default")


@contextlib.contextmanager
def _limit(seconds: int) -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise TimeoutError(f"the case took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


if __name__ == "__main__":
    sys.exit(main())
