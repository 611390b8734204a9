"""One address gives the book, a lab with Spark, and the MLflow UI; stopping it leaves nothing."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import pytest
from playwright.sync_api import Browser, expect
from running_workspace import Kernel, Running, alive, free_port, wait_until

from lakebook.labs import places

LAB = "day2/04_missing_values"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the learner's folder, whose name has a space as on many machines."""
    return tmp_path_factory.mktemp("my work") / "home"


@pytest.fixture(scope="module")
def running(launch: Callable[..., Running], home: Path) -> Running:
    """Return a workspace that started on a clone without a book and without a folder."""
    return launch(home, "--port", str(free_port()))


@pytest.fixture(scope="module")
def lab() -> str:
    """Return the id of a lab; one that uses Spark and takes little time."""
    assert places.lab(LAB).is_file()
    return LAB


@pytest.fixture(scope="module")
def kernel(running: Running, lab: str) -> Kernel:
    """Return a kernel with a lab's own folder as its current one, and Spark in it."""
    kernel = Kernel(running, f"labs/{lab}.ipynb")
    kernel.run(f"%load_ext lakebook\nimport lakebook\ncheck = lakebook.lab({lab!r})")
    return kernel


def test_each_step_has_one_line_with_its_number_and_one_with_its_seconds(running: Running) -> None:
    numbered = [line for line in running.lines if line.startswith("[")]
    assert [line.split()[0] for line in numbered] == ["[1/4]", "[2/4]", "[3/4]", "[4/4]"]
    assert sum(line.endswith(" s") for line in running.lines) == 4


def test_the_book_asks_for_the_token(running: Running) -> None:
    for path in ("/book/", "/book/index.html", "/book/_static/workspace.js"):
        assert running.get(path, token=False)[0] == 302, path


def test_with_the_token_the_book_is_read(running: Running) -> None:
    status, page = running.get("/book/book/index.html")
    assert status == 200
    assert "workspace.js" in page


@pytest.mark.parametrize("path", ["/book/../../pyproject.toml", "/book/%2e%2e/%2e%2e/_toc.yml"])
def test_nothing_outside_of_the_book_is_served_as_the_book(running: Running, path: str) -> None:
    assert running.get(path)[0] in (403, 404)


def test_a_lab_runs_from_top_to_bottom_in_its_own_folder(
    running: Running, kernel: Kernel, lab: str, home: Path
) -> None:
    status, text = running.get(f"/api/contents/labs/{lab}.ipynb")
    assert status == 200
    notebook = nbformat.from_dict(json.loads(text)["content"])
    for cell in notebook.cells:
        if cell.cell_type == "code":
            kernel.run(cell.source)
    assert kernel.run("print(spark.range(7).count())").strip() == "7"
    where = kernel.run("import os, sys; print(sys.prefix); print(os.getcwd())").split("\n")
    assert where[0] == sys.prefix
    assert where[1].endswith(str(Path("labs", lab).parent))
    assert str(home) in kernel.run("from lakebook import workspace; print(workspace.home())")


def test_a_page_is_told_what_has_been_passed(running: Running, kernel: Kernel, lab: str) -> None:
    before = running.script()
    assert before["lab"] == "/lab/tree/"
    assert before["mlflow"].startswith("/mlflow/#/experiments")
    assert before["progress"][lab]["passed"] == []
    kernel.run(f"from lakebook.labs import progress; progress.append({lab!r}, 1, True, 'first')")
    assert running.script()["progress"][lab]["passed"] == [1]


@pytest.fixture(scope="module")
def experiment(kernel: Kernel) -> str:
    """Log a run in the lab and return the name of the experiment it went to."""
    kernel.run("import mlflow\nwith mlflow.start_run(): mlflow.log_metric('rmse', 2.5)")
    return kernel.run(
        "print(mlflow.get_experiment(mlflow.last_active_run().info.experiment_id).name)"
    ).strip()


def test_a_run_logged_in_a_lab_is_in_the_mlflow_ui(running: Running, experiment: str) -> None:
    status, page = running.get("/mlflow/")
    assert status == 200
    assert "<title>MLflow</title>" in page
    api = "/mlflow/ajax-api/2.0/mlflow"
    status, text = running.get(f"{api}/experiments/search", data={"max_results": 100})
    assert status == 200, text
    ids = {found["name"]: found["experiment_id"] for found in json.loads(text)["experiments"]}
    asked = {"experiment_ids": [ids[experiment]]}
    runs = json.loads(running.get(f"{api}/runs/search", data=asked)[1])["runs"]
    assert any(metric["value"] == 2.5 for run in runs for metric in run["data"]["metrics"])


def test_jupyterlab_opens_and_asks_for_no_news(running: Running, lab: str) -> None:
    status, page = running.get(f"/lab/tree/labs/{lab}.ipynb")
    assert status == 200
    config = json.loads(
        page.split('id="jupyter-config-data" type="application/json">')[1].split("</script>")[0]
    )
    assert "@jupyterlab/apputils-extension:announcements" in config["disabledExtensions"]
    assert config["news"] == {"disabled": True}


def test_in_a_browser_a_page_opens_its_lab_and_the_experiments_and_no_request_leaves(
    running: Running, lab: str, experiment: str, browser: Browser
) -> None:
    assert experiment == f"/Shared/lakebook/{lab}"
    faults: list[str] = []
    asked: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(f"{running.base}/book/labs/{lab}.html?token={running.token}")
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open this lab").click()
    opened.value.locator(".jp-NotebookPanel").wait_for(timeout=90_000)
    idle = '.jp-Notebook-ExecutionIndicator[data-status="idle"]'
    opened.value.locator(idle).wait_for(state="attached", timeout=90_000)
    assert opened.value.locator(".Toastify__toast").count() == 0
    # A new page is told of when its server answers, and a slow machine's MLflow takes its time.
    with page.expect_popup(timeout=180_000) as opened:
        page.get_by_role("link", name="Experiments").click()
    opened.value.get_by_role("heading", name="Experiments").wait_for(timeout=180_000)
    opened.value.get_by_text(experiment).first.wait_for(timeout=120_000)
    context.close()
    assert not faults
    base = running.base.split("//")[1]
    foreign = {url for url in asked if urlsplit(url).netloc not in ("", base)}
    assert not foreign


LIMIT = 700_000  # bytes that the page of the mock exam may take over the wire


def test_the_page_of_the_mock_exam_is_light_to_transfer(running: Running, browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{running.base}/book/book/exam/mock.html?token={running.token}")
    page.wait_for_selector(".lbx-mock[data-screen=start][data-ready]")
    taken = page.evaluate(
        "() => Object.fromEntries(['navigation', 'resource'].flatMap((kind) => "
        "performance.getEntriesByType(kind)).map((e) => [e.name, e.transferSize]))"
    )
    context.close()
    assert len(taken) > 5
    assert sum(taken.values()) < LIMIT, sorted(taken.items(), key=lambda one: -one[1])[:8]


def test_answers_lie_in_one_file_and_another_browser_has_them_and_the_labs_exercises(
    running: Running, kernel: Kernel, lab: str, browser: Browser
) -> None:
    kernel.run(f"from lakebook.labs import progress; progress.append({lab!r}, 2, True, 'second')")
    first, second = browser.new_context(), browser.new_context()
    page = first.new_page()
    page.goto(f"{running.base}/book/book/exam/practice.html?token={running.token}#from=MD-10")
    page.wait_for_selector(".lbx-practice[data-screen=start][data-ready]")
    page.get_by_role("button", name="Begin", exact=True).click()
    question = page.locator(".lbx-stage .lbx-q")
    for value in (question.get_attribute("data-right") or "").split(","):
        question.locator(f'input[value="{value}"]').check()
    id = question.get_attribute("data-question") or ""
    # The page has asked for the record when it opened, and that answer may come only now.
    with page.expect_response(
        lambda said: said.url.endswith("/book/record") and id in (said.request.post_data or "")
    ) as answered:
        page.get_by_role("button", name="Check", exact=True).click()
    assert answered.value.status == 200
    memory = json.loads((running.home / "memory.json").read_text())["memory"]
    assert memory[id]["last"] is True

    other = second.new_page()
    with other.expect_response("**/book/record"):
        other.goto(f"{running.base}/book/book/exam/today.html?token={running.token}")
    row = other.get_by_role("row", name=re.compile("^MD-10"))
    expect(row).to_contain_text("1 of 1")
    cards = other.evaluate("() => JSON.parse(localStorage.getItem('lakebook:memory')).cards")
    assert {id, f"{lab}#2"} <= set(cards)
    first.close()
    second.close()


def test_a_record_is_taken_only_after_the_login_and_only_if_it_is_one(running: Running) -> None:
    empty = {"format": "lakebook", "version": 1, "attempts": []}
    assert running.get("/book/record", data=empty, token=False)[0] in (302, 403)
    assert running.get("/book/record", data=empty)[0] == 200
    status, said = running.get("/book/record", data={**empty, "version": 2})
    assert status == 400 and "newer edition" in json.loads(said)["message"]


def test_a_taken_port_moves_on_nothing_is_built_twice_and_both_workspaces_work(
    running: Running, launch: Callable[..., Running], home: Path
) -> None:
    port = running.base.rsplit(":", 1)[1]
    second = launch(home, "--port", port)
    assert any(f"port {port} is taken; using" in line for line in second.lines)
    assert any(line.strip().startswith("up to date") for line in second.lines), second.lines
    assert second.base != running.base
    assert second.get("/book/book/index.html")[0] == 200
    assert "stopping" in second.stop(signal.SIGTERM)
    assert second.process.returncode == 0
    assert running.get("/book/book/index.html")[0] == 200


def test_ctrl_c_ends_the_kernels_spark_and_mlflow_too(running: Running, kernel: Kernel) -> None:
    kernel.run("import subprocess, os\nos.environ.pop('LAKEBOOK_START')")
    kernel.run("other = subprocess.Popen(['sleep', '600'], start_new_session=True)")
    assert running.get("/mlflow/")[0] == 200  # started at its first request
    before = running.processes()
    names = " ".join(before.values())
    for name in ("java", "ipykernel", "mlflow", "jupyterlab", "sleep 600"):
        assert name in names, before
    said = running.stop(signal.SIGINT)
    assert running.process.returncode == 0
    assert "Traceback" not in said
    assert alive(before) == {}
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(running.base.rsplit(":", 1)[1]))) != 0


def _with_spark(launch: Callable[..., Running], home: Path, lab: str) -> Running:
    """Return a workspace with Spark in a kernel, and one exercise passed."""
    running = launch(home, "--port", str(free_port()))
    kernel = Kernel(running, f"labs/{lab}.ipynb")
    kernel.run("%load_ext lakebook\nspark.range(3).count()")
    kernel.run(f"from lakebook.labs import progress; progress.append({lab!r}, 1, True, 'first')")
    assert any("java" in what for what in running.processes().values())
    return running


def test_a_killed_launcher_leaves_nothing_and_the_next_start_has_the_progress(
    launch: Callable[..., Running], tmp_path: Path, lab: str
) -> None:
    running = _with_spark(launch, tmp_path, lab)
    before = running.processes()
    running.process.kill()
    running.process.wait()
    assert wait_until(lambda: not alive(before), 30), alive(before)
    again = launch(tmp_path, "--port", str(free_port()))
    assert again.script()["progress"][lab]["passed"] == [1]
    again.stop()


def test_a_killed_server_is_reported_and_leaves_nothing(
    launch: Callable[..., Running], tmp_path: Path, lab: str
) -> None:
    running = _with_spark(launch, tmp_path, lab)
    before = running.processes()
    server = next(pid for pid, what in before.items() if "-m jupyterlab" in what)
    os.kill(server, signal.SIGKILL)
    said = running.process.communicate(timeout=60)[0]
    assert running.process.returncode == 2
    assert "the server ended unexpectedly" in said
    assert "`lakebook start` starts again" in said
    assert "Traceback" not in said
    assert alive(before) == {}


def test_a_stop_while_it_starts_leaves_nothing(repository: Path, tmp_path: Path) -> None:
    lakebook = str(Path(sys.executable).with_name("lakebook"))
    process = subprocess.Popen(
        [lakebook, "start", "--no-browser", "--home", str(tmp_path), "--port", str(free_port())],
        cwd=repository,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "the server" in line:
            break
    started = Running(process, tmp_path)
    assert wait_until(lambda: "jupyterlab" in " ".join(started.processes().values()), 20)
    before = started.processes()
    assert "stopping" in started.stop(signal.SIGTERM)
    assert alive(before) == {}


def test_a_port_that_does_not_exist_is_refused_with_the_way_out() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lakebook")), "start", "--port", "70000"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "port 70000 does not exist" in done.stderr
