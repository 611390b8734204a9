"""Executing labs: every one ends, is measured, and is named if something is wrong with it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from tiny_labs import FIRST, LAB, QUICK_START, Repository, cells, code, text

from lakebook.cli import main
from lakebook.labs import derive, run, store
from lakebook.labs.run import Plan


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "run-home"
    folder.mkdir()
    return folder


def solved(repository: Repository, home, *sources: str, **plan) -> run.Outcome:
    """Execute a solution of one text cell and these code cells."""
    repository.write([text("# T"), *(code(source) for source in sources)])
    return run.execute(LAB, Plan(solutions=True, **plan), home)


def commands_holding(word: str) -> list[int]:
    found = []
    for process in psutil.process_iter():
        try:
            if word in process.cmdline():
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def test_a_hung_notebook_is_killed_with_all_it_started_and_its_cell_is_named(repository, home):
    mark = f"{900000 + os.getpid()}"
    outcome = solved(
        repository,
        home,
        f"import subprocess\nsubprocess.Popen(['sleep', '{mark}'], start_new_session=True)",
        "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\ntime.sleep(600)",
        timeout=20,
    )
    assert f"solutions/{LAB}.ipynb, cell 3: killed after" in outcome.fault
    assert "    | time.sleep(600)" in outcome.fault
    assert commands_holding(mark) == []


def test_a_cell_over_its_limit_is_named(repository, home):
    outcome = solved(repository, home, "1", "import time\ntime.sleep(600)", cell_timeout=4)
    assert f"solutions/{LAB}.ipynb, cell 3: ran longer than 4 s" in outcome.fault


def test_a_killed_kernel_is_named_and_is_no_hang(repository, home):
    started = time.monotonic()
    outcome = solved(repository, home, "import os", "os.kill(os.getpid(), 9)", timeout=120)
    assert f"solutions/{LAB}.ipynb, cell 3: the kernel was killed or died" in outcome.fault
    assert "    | os.kill(os.getpid(), 9)" in outcome.fault
    assert time.monotonic() - started < 90


def test_memory_is_that_of_the_notebook_with_what_it_starts(repository, home):
    child = "b = bytearray(200_000_000); import time; time.sleep(2.5)"
    outcome = solved(
        repository,
        home,
        f"import subprocess, sys\na = bytearray(200_000_000)\n"
        f"subprocess.run([sys.executable, '-c', {child!r}])",
    )
    assert outcome.fault is None
    assert 400 < outcome.peak_mb < 900
    assert outcome.seconds > 2.5


def test_a_notebook_runs_in_its_folder_on_this_very_python_whatever_kernels_there_are(
    repository, home, tmp_path, monkeypatch
):
    kernel = tmp_path / "jupyter" / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True)
    kernel.write_text(json.dumps({"argv": ["false"], "display_name": "x", "language": "python"}))
    for name in ("JUPYTER_PATH", "JUPYTER_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "jupyter"))
    outcome = solved(
        repository,
        home,
        f"import os, sys\nassert sys.prefix == {sys.prefix!r}\n"
        f"assert os.getcwd() == {str(repository.root / 'solutions' / 'day1')!r}",
    )
    assert outcome.fault is None


def test_a_notebook_logs_to_its_own_store_whatever_the_environment_says_of_mlflow(
    repository, home, monkeypatch
):
    """What another test, or a learner's shell, has set: an experiment of another store, by its id."""
    own = ("TRACKING_URI", "REGISTRY_URI", "EXPERIMENT_NAME", "EXPERIMENT_ID", "RUN_ID", "DFS_TMP")
    for name in own:
        monkeypatch.setenv(f"MLFLOW_{name}", "3")
    said = 'assert [k for k, v in os.environ.items() if k[:7] == "MLFLOW_" and v == "3"] == []'
    assert solved(repository, home, f"import os\n{said}").fault is None


def test_all_failures_are_listed_with_cell_source_and_error_and_the_rest_is_run(repository, capsys):
    repository.write([text("# T"), code("6 * 7")], lab="day1/01_good")
    repository.write([text("# T"), code("1"), code("wages = 1 / 0")], lab="day1/02_bad")
    repository.write([code("import no_such_module")], lab="day1/03_worse")
    repository.write().write_text("{}")
    assert main(["labs", "run", "--solutions"]) == 1
    said = capsys.readouterr().out
    assert "[4/4]" in said
    assert "solutions/day1/02_bad.ipynb, cell 3: ZeroDivisionError: division by zero" in said
    assert "    | wages = 1 / 0" in said
    assert "solutions/day1/03_worse.ipynb, cell 1: ModuleNotFoundError" in said
    assert f"solutions/{LAB}.ipynb is no notebook that can be read" in said
    assert "1 of 4 notebooks ran to the end" in said
    assert "seconds  peak MB" in said


def test_blank_labs_run_without_an_error_and_solutions_must_pass_their_checks(
    repository, home, capsys
):
    repository.write()
    derive.write(LAB)
    assert main(["labs", "run", LAB]) == 0
    assert run.execute(LAB, Plan(solutions=True), home).fault is None
    repository.write([*cells()[:3], code(FIRST.replace("2 + 3", "2 * 3"))])
    fault = run.execute(LAB, Plan(solutions=True), home).fault
    assert f"solutions/{LAB}.ipynb, cell 4: CheckFailed" in fault
    assert "That is the product." in fault


def test_a_run_does_not_touch_the_learners_own_progress(repository, tmp_path):
    repository.write()
    assert main(["labs", "run", "--solutions", "--jobs", "1"]) == 0
    assert not (tmp_path / "home" / "progress.jsonl").exists()


def test_the_scale_reaches_the_notebook(repository, home):
    repository.write(
        [code('scale = "small"', ["parameters"]), code("assert scale == 'full', scale")]
    )
    assert "AssertionError: small" in run.execute(LAB, Plan(solutions=True), home).fault
    assert run.execute(LAB, Plan(solutions=True, scale="full"), home).fault is None
    repository.write([code("scale = 'small'")])
    fault = run.execute(LAB, Plan(solutions=True, scale="full"), home).fault
    assert "has no cell tagged parameters" in fault
    assert main(["labs", "run", "--store", "--scale", "full"]) == 2


SPEAKS = """import sys
print("one", flush=True)
print("WARNING: Using incubator modules: jdk.incubator.vector", file=sys.stderr, flush=True)
print("\\rautoml regress:  40%|████      | 2/5 [00:03<00:04]", file=sys.stderr, flush=True)
print("two")
len("three")"""


def test_stored_outputs_hold_nothing_that_changes_from_run_to_run(repository, capsys):
    path = repository.write([*cells()[:2], code(SPEAKS, ["kept"]), text("."), code("2")])
    before = repository.read(folder="solutions")
    assert main(["labs", "run", "--store"]) == 0
    stored = repository.read(folder="solutions")
    assert [cell.source for cell in stored.cells] == [cell.source for cell in before.cells]
    assert [cell.metadata for cell in stored.cells] == [cell.metadata for cell in before.cells]
    assert [cell.execution_count for cell in stored.cells if cell.cell_type == "code"] == [1, 2, 3]
    speaks, number = stored.cells[2].outputs
    assert (speaks.name, speaks.text) == ("stdout", "one\ntwo\n")
    assert (number.data["text/plain"], number.execution_count) == ("5", 2)
    assert set(stored.metadata) == {"kernelspec", "language_info"}
    assert stored.metadata.language_info == {"name": "python"}
    first = path.read_bytes()
    assert main(["labs", "run", "--store"]) == 0
    assert path.read_bytes() == first
    assert "ok, outputs unchanged" in capsys.readouterr().out


def test_a_warning_of_the_labs_own_is_stored_for_the_author_to_deal_with(repository):
    repository.write([code("import sys\nprint('careful', file=sys.stderr)")])
    assert main(["labs", "run", "--store"]) == 0
    assert repository.read(folder="solutions").cells[0].outputs[0].text == "careful\n"


def test_a_failed_run_stores_nothing(repository):
    path = repository.write([code("1"), code("1 / 0")])
    before = path.read_bytes()
    assert main(["labs", "run", "--store"]) == 1
    assert path.read_bytes() == before


def test_times_are_recorded_for_the_book_and_those_of_other_labs_stay(repository):
    repository.write([code("1")])
    repository.write([code("2")], lab="day1/02_other")
    book = repository.root / "book"
    book.mkdir()
    old = {"seconds": 3.0, "peak_mb": 100}
    (book / "timings.json").write_text(
        json.dumps({"labs": [{"lab": "day1/02_other", **old}, {"lab": "day1/09_gone", **old}]})
    )
    assert main(["labs", "run", "--record", LAB]) == 0
    record = json.loads((book / "timings.json").read_text())
    first, other = record["labs"]
    assert first["lab"] == LAB and first["seconds"] > 0.5 and first["peak_mb"] > 20
    assert other == {"lab": "day1/02_other", **old}
    assert record["machine"] == store.machine()
    assert len(record["measured"]) == 10


@pytest.mark.parametrize("action", [["run", "--solutions"], ["verify"]])
def test_a_terminated_command_leaves_no_process_behind(repository, action):
    mark = f"{800000 + os.getpid()}"
    # Only in a solution, so that `verify` gets past the blank lab and is stopped inside nbval.
    hangs = (
        "import os, subprocess\n"
        f"if os.environ.get('LAKEBOOK_STRICT'):\n    subprocess.run(['sleep', '{mark}'])"
    )
    repository.write([code(QUICK_START), code(hangs)])
    derive.write(LAB)
    command = [sys.executable, "-m", "lakebook.cli", "labs", *action]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not commands_holding(mark) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert commands_holding(mark)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 143
    assert commands_holding(mark) == []
