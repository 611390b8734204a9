"""One run of the cases for each environment, in a process of its own; each test asks for one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from suite import ENVIRONMENTS, Case, cases

HERE = Path(__file__).resolve().parent
RUN_SECONDS = 2400  # alone on two fast cores it takes some three minutes, on busy ones ten
END_SECONDS = 60


def pytest_generate_tests(metafunc: Any) -> None:
    """Make a test of every case, in the modules that ask for one.

    A case of the driver alone has none on a cluster, and the page says that it is not run there.
    """
    if "compatibility_case" in metafunc.fixturenames:
        environment = metafunc.module.ENVIRONMENT
        every = [c for c in cases() if c.runs_on(environment) or environment in c.not_on]
        metafunc.parametrize("compatibility_case", every, ids=[case.name for case in every])


@pytest.fixture(scope="module")
def outcomes(request: Any, tmp_path_factory: Any, worker_id: str) -> dict[str, dict[str, Any]]:
    """Return the outcome of each case that was asked for; all workers share one run."""
    environment = request.module.ENVIRONMENT
    asked = [
        item.callspec.params["compatibility_case"].name
        for item in request.session.items
        if item.module is request.module and hasattr(item, "callspec")
    ]
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    results, log = shared / f"compat-{environment}.jsonl", shared / f"compat-{environment}.log"
    with FileLock(f"{results}.lock"):
        if not results.exists():
            results.touch()
            command = [sys.executable, str(HERE / "runner.py"), environment, str(results), *asked]
            _run(command, log)
    told = [json.loads(line) for line in results.read_text("utf-8").splitlines()]
    tail = "\n".join(log.read_text("utf-8", "replace").splitlines()[-15:])
    return {"": {"tail": tail}} | {outcome["case"]: outcome for outcome in told}


def _run(command: list[str], log: Path) -> None:
    """Run the cases; ask them to end if they take too long, so that they stop their servers."""
    with log.open("w") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream)
        try:
            process.wait(RUN_SECONDS)
        except BaseException as error:
            process.terminate()
            process.wait(END_SECONDS)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise


@pytest.fixture
def holds(outcomes: dict[str, dict[str, Any]], request: Any) -> Any:
    """Return the judge of a case: it fails with what the case said."""
    environment = request.module.ENVIRONMENT

    def judge(case: Case) -> None:
        if environment in case.not_on:
            where = ENVIRONMENTS[environment]
            pytest.skip(f"2026-11-20: not for {where}: {case.not_on[environment]}")
        outcome = outcomes.get(case.name)
        if outcome is None:
            pytest.fail(f"the run ended before this case:\n{outcomes['']['tail']}")
        if not outcome["passed"]:
            pytest.fail(f"promised: {case.promise}\n\n{outcome['said']}", pytrace=False)

    return judge
