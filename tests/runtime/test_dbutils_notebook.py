"""dbutils in real kernels: run by papermill, by nbclient, by another notebook, by hand."""

from __future__ import annotations

import html
import json
import os
import time
from pathlib import Path

import nbformat
import papermill
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

from lakebook.errors import LakebookError
from lakebook.runtime.dbutils import DBUtils, secrets
from lakebook.runtime.dbutils.notebook import NotebookError

# A name that is there is left alone, so no Spark starts for what needs none.
LOAD = "spark = None\n%load_ext lakebook"
VALUE = "p<a>ss\"wö$rd&'7"
METADATA = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LAKEBOOK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "1")
    for name in ("JUPYTER_PATH", "LAKEBOOK_WIDGETS", "LAKEBOOK_RUN_ARGUMENTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(file: Path, *cells: str, first: str = LOAD, parameters: str | None = None) -> Path:
    notebook = nbformat.v4.new_notebook(metadata=METADATA)
    notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in (first, *cells)]
    if parameters is not None:
        given = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
        notebook.cells.insert(0, given)
    file.parent.mkdir(exist_ok=True, parents=True)
    nbformat.write(notebook, file)
    return file


def run(file: Path, **parameters: object) -> str:
    """Run a notebook by papermill and return the text of the result, as it is on the disk."""
    out = file.with_suffix(".out.ipynb")
    # Where a kernel sees it, it does not take up what other programs print.
    os.environ.pop("PYTEST_CURRENT_TEST", None)
    papermill.execute_notebook(
        file, out, parameters=parameters, kernel_name="python3", cwd=file.parent, progress_bar=False
    )
    return out.read_text("utf-8")


def printed(text: str) -> str:
    cells = nbformat.reads(text, as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return "".join(output.text for output in outputs if output.output_type == "stream")


def test_no_output_of_a_notebook_holds_the_value_of_a_secret(folder):
    secrets.create_scope("mail")
    secrets.put("mail", "password", VALUE)
    file = write(
        folder / "secret.ipynb",
        's = dbutils.secrets.get("mail", "password")\nprint("printed", s)',
        "s",
        "[s, {s: s}, s.encode(), repr(s)]",
        'import sys\nprint("error", s, file=sys.stderr)\nsys.stdout.write(s[:3]); _ = print(s[3:])',
        'import pandas as pd\nframe = pd.DataFrame({"x": [s]})\ndisplay(frame)\nframe',
        "import html\ndisplayHTML(f'<b title=\"{html.escape(s)}\">{s}</b>')",
        "from IPython.display import JSON, Markdown\ndisplay(JSON({'k': s}))\ndisplay(Markdown(s))",
        "import json, logging\nprint(json.dumps({'k': s}))\nlogging.warning(s)",
        "import os\nos.environ['SECRET'] = s\n_ = os.system('printenv SECRET')",
        "%sh printenv SECRET",
        'dbutils.widgets.text("w", s)',
        "def fail(given):\n    raise ValueError(f'wrong: {given}')\nfail(s)",
    )
    with pytest.raises(papermill.PapermillExecutionError) as caught:
        run(file)
    text = file.with_suffix(".out.ipynb").read_text("utf-8")
    forms = {VALUE, repr(VALUE)[1:-1], repr(VALUE.encode())[2:-1], html.escape(VALUE)}
    forms |= {json.dumps(VALUE)[1:-1], json.dumps(VALUE, ensure_ascii=False)[1:-1]}
    # A notebook is JSON, so each form may be escaped once more.
    forms |= {json.dumps(form, ensure_ascii=False)[1:-1] for form in forms}
    assert [form for form in forms if form in text] == []
    assert [form for form in forms if form in str(caught.value)] == []
    cells = nbformat.reads(text, as_version=4).cells
    shown = {}
    for number, cell in enumerate(cells):
        shown[number] = json.dumps(cell.get("outputs", []), ensure_ascii=False).count("[REDACTED]")
    # Every cell that shows it, after the note of papermill above the first one.
    assert [count > 0 for count in shown.values()].count(True) == 12, shown
    assert "wrong: [REDACTED]" in str(caught.value)


def test_the_letters_of_a_secret_are_shown_as_on_the_platform(folder, monkeypatch):
    monkeypatch.setenv("LAKEBOOK_SECRET_MAIL_PASSWORD", "abcde")
    file = write(folder / "a.ipynb", 'print(*dbutils.secrets.get("mail", "password"))')
    assert printed(run(file)) == "a b c d e\n"


def test_papermills_parameters_are_the_values_of_widgets(folder, monkeypatch):
    monkeypatch.setenv("LAKEBOOK_WIDGETS", json.dumps({"scale": "small", "name": "session"}))
    file = write(
        folder / "p.ipynb",
        'dbutils.widgets.dropdown("scale", "small", ["small", "full"], "Scale")\n'
        'dbutils.widgets.multiselect("days", "mon", ["mon", "tue"])\n'
        'dbutils.widgets.text("rows", "1")\n'
        'dbutils.widgets.text("name", "default")\n'
        'dbutils.widgets.text("other", "default")',
        "import json\nprint(json.dumps(dbutils.widgets.getAll()))",
        'print(getArgument("unannounced"))',
        parameters='scale = "small"',
    )
    text = run(file, scale="full", days=["mon", "tue"], rows=3, unannounced=0.5)
    first, second = printed(text).splitlines()
    assert json.loads(first) == {
        "scale": "full",
        "days": "mon,tue",
        "rows": "3",
        "name": "session",
        "other": "default",
    }
    assert second == "0.5"
    # One table under the cell that made them, with the label.
    assert text.count("<caption>Widgets</caption>") == 1
    assert '<th scope=\\"row\\">Scale</th><td>full</td>' in text


def test_a_papermill_parameter_that_is_no_choice_is_named(folder):
    file = write(
        folder / "p.ipynb", 'dbutils.widgets.dropdown("scale", "small", ["small", "full"])'
    )
    with pytest.raises(papermill.PapermillExecutionError) as caught:
        run(file, scale="huge")
    assert "'huge' (papermill parameter) is not one of its choices: small, full" in str(
        caught.value
    )


def test_exit_ends_a_notebook_under_papermill_and_nbclient_without_an_error(folder):
    file = write(
        folder / "e.ipynb",
        "print('before')\ndbutils.notebook.exit('done: 7')\nprint('after')",
        "print('later')\nraise ValueError",
        "%sql SELECT 1",
    )
    notebook = nbformat.read(file, as_version=4)
    NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": "."}}).execute()
    for text in (run(file), nbformat.writes(notebook)):
        assert printed(text) == "before\n"
        assert "Notebook exited: done: 7" in text
        assert '"output_type": "error"' not in text
        cells = nbformat.reads(text, as_version=4).cells
        (shown,) = cells[1].outputs[1:]
        assert shown.data["application/vnd.lakebook.exit+json"] == {"value": "done: 7"}
        assert cells[2].outputs == []


def test_exit_in_a_notebook_that_somebody_uses_gives_up_the_waiting_cells_and_no_others(folder):
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    try:
        client.execute_interactive(LOAD, timeout=60)
        first = client.execute("dbutils.notebook.exit('x')")
        second = client.execute("later = 1")
        replies = {}
        while len(replies) < 2:
            reply = client.get_shell_msg(timeout=60)
            replies[reply["parent_header"]["msg_id"]] = reply["content"]["status"]
        assert (replies[first], replies[second]) == ("error", "aborted")
        shown = []
        reply = client.execute_interactive(
            "print('again')",
            timeout=60,
            output_hook=lambda message: shown.append(message["content"]),
        )
        assert reply["content"]["status"] == "ok"
        assert "again\n" in [content.get("text") for content in shown]
        # Restarting ends the process; whoever manages it starts it again.
        client.execute("dbutils.library.restartPython()")
        until = time.monotonic() + 30
        while manager.is_alive() and time.monotonic() < until:
            time.sleep(0.2)
        assert not manager.is_alive()
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_restarting_python_under_papermill_forgets_variables_and_gives_the_names_again(folder):
    file = write(
        folder / "r.ipynb",
        "mine = 1\ndbutils.library.restartPython()\nprint('not reached')",
        "print('mine' in globals(), type(dbutils).__name__, spark.range(3).count())",
        "%fs help ls",
    )
    said = printed(run(file))
    assert said.splitlines()[0] == "False DBUtils 3"
    assert "dbutils.fs.ls(path: str)" in said


def test_a_notebook_runs_another_with_arguments_and_gets_its_value(folder, monkeypatch):
    # What was given to this session is not meant for the other notebook.
    monkeypatch.setenv("LAKEBOOK_WIDGETS", '{"second": "from the session"}')
    write(
        folder / "lib/child.ipynb",
        'dbutils.widgets.text("first", "1")\ndbutils.widgets.text("second", "2")\n'
        "from pathlib import Path\n"
        "dbutils.notebook.exit(f'{dbutils.widgets.getAll()} {Path.cwd().name}')",
    )
    parent = write(
        folder / "p.ipynb", 'print(dbutils.notebook.run("./lib/child", 120, {"first": "ü"}))'
    )
    assert printed(run(parent)) == "{'first': 'ü', 'second': '2'} lib\n"


def test_a_notebook_that_never_exits_gives_an_empty_text(folder):
    write(folder / "quiet.ipynb", "1 + 1")
    assert DBUtils().notebook.run("quiet", 0) == ""


def test_a_notebook_of_the_platforms_own_form_runs(folder):
    (folder / "source.py").write_text(
        "# Databricks notebook source\nspark = None\n%load_ext lakebook\n\n"
        "# COMMAND ----------\n\n# MAGIC %md\n# MAGIC # A title\n\n"
        "# COMMAND ----------\n\n# MAGIC %sh\n# MAGIC echo from the shell\n\n"
        "# COMMAND ----------\n\ndbutils.notebook.exit('from source')\n"
    )
    assert DBUtils().notebook.run("./source", 120) == "from source"
    (output,) = (folder / "home/runs/notebooks").glob("source-*.ipynb")
    assert printed(output.read_text("utf-8")) == "from the shell\n"


def test_an_error_in_the_other_notebook_names_it_with_the_end_of_its_traceback(folder):
    write(folder / "bad.ipynb", "x = {}", "x['missing']")
    with pytest.raises(NotebookError) as caught:
        DBUtils().notebook.run("./bad", 120)
    message = str(caught.value)
    assert message.startswith("notebook './bad' failed in cell 3:")
    assert "x['missing']" in message and "KeyError: 'missing'" in message
    assert "\x1b" not in message
    assert Path(message.rpartition("outputs: ")[2]).is_file()


def test_a_notebook_that_takes_too_long_is_stopped_with_its_kernel(folder):
    slow = "import os, time, pathlib\npathlib.Path('pid').write_text(str(os.getpid()))"
    write(folder / "slow.ipynb", slow, "time.sleep(600)", first="")
    tools = DBUtils()
    with pytest.raises(NotebookError, match="has run for 30 s, its limit, and was stopped"):
        tools.notebook.run("slow", 30)
    kernel = int((folder / "pid").read_text())
    until = time.monotonic() + 10
    while Path(f"/proc/{kernel}").exists() and time.monotonic() < until:
        time.sleep(0.1)
    with pytest.raises(ProcessLookupError):
        os.kill(kernel, 0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda notebook: notebook.run("./none", 1),
            r"there is no notebook './none'.*beside it: a",
        ),
        (lambda notebook: notebook.run("/Shared/etl", 1), "name it relative to this notebook"),
        (lambda notebook: notebook.run("a", 1, {"n": 1}), "arguments are text"),
        (lambda notebook: notebook.exit({"n": 1}), r"use json\.dumps"),
    ],
)
def test_wrong_calls_are_explained_before_anything_runs(folder, call, message):
    write(folder / "a.ipynb", "1")
    with pytest.raises(LakebookError, match=message):
        call(DBUtils().notebook)


def test_a_file_that_is_no_notebook_is_named(folder):
    (folder / "broken.ipynb").write_text("{")
    with pytest.raises(LakebookError, match=r"broken\.ipynb' is not a notebook"):
        DBUtils().notebook.run("broken", 60)


def test_a_notebook_that_another_runs_logs_to_the_experiment_which_that_one_has_chosen(
    folder, monkeypatch
):
    """Chosen after the lab has named its own, which stands in the environment, too."""
    for name in ("MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    say = """import mlflow
with mlflow.start_run() as run:
    where = mlflow.get_experiment(run.info.experiment_id).name
"""
    write(folder / "child.ipynb", f"{say}dbutils.notebook.exit(where)")
    file = write(
        folder / "parent.ipynb",
        'from lakebook.runtime.tracking import use_experiment\nuse_experiment("day1/01_first")',
        f'{say}print("parent", where)',
        'first = mlflow.set_experiment("/Shared/chosen")',
        'print("child", dbutils.notebook.run("child", 120))',
    )
    said = printed(run(file))
    assert "parent /Shared/lakebook/day1/01_first" in said
    assert "child /Shared/chosen" in said
