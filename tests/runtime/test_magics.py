"""The magics of the platform, in its form and in IPython's."""

from __future__ import annotations

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from lakebook.errors import LakebookError
from lakebook.runtime import files


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """A shell with the extension and without Spark: a name that is there is left alone."""
    monkeypatch.setenv("LAKEBOOK_HOME", str(tmp_path / "home of mine"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.chdir(tmp_path)
    (files.volumes_root() / "main" / "default" / "raw").mkdir(parents=True)
    shell = InteractiveShell.instance()
    shell.reset(new_session=False)
    shell.push({"spark": None})
    shell.run_line_magic("load_ext", "lakebook")
    yield shell
    shell.run_line_magic("unload_ext", "lakebook")


def cell(shell, text):
    """Run a cell and return what it showed; an error is raised."""
    with capture_output() as shown:
        result = shell.run_cell(text)
    result.raise_error()
    return shown


def fails(shell, text):
    """Run a cell and return its error and what it showed."""
    with capture_output() as shown:
        result = shell.run_cell(text)
    return result.error_before_exec or result.error_in_exec, shown


def notebook(file, *cells):
    file.parent.mkdir(parents=True, exist_ok=True)
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    made.cells.insert(0, nbformat.v4.new_markdown_cell("# Title"))
    nbformat.write(made, file)


def test_fs_runs_the_commands_of_dbutils(shell):
    shell.user_ns["dbutils"].fs.put("/in/a.txt", "one two")
    listed = cell(shell, "%fs ls /in").outputs[0].data["text/plain"]
    assert "dbfs:/in/a.txt" in listed
    assert cell(shell, "%fs head /in/a.txt --maxBytes=3").stdout.startswith("[Truncated")
    cell(shell, '%fs put -f "/in/b c.txt" "text of it"')
    assert cell(shell, "%%fs\nmkdirs /out\ncp -r /in /out/copy\nrm /in/a.txt").outputs == []
    names = [entry.name for entry in shell.user_ns["dbutils"].fs.ls("/out/copy")]
    assert names == ["a.txt", "b c.txt"]
    assert "mountPoint" in cell(shell, "%fs mounts").outputs[0].data["text/plain"]
    assert "mkdirs(dir: str)" in cell(shell, "%fs help").stdout
    error, _ = fails(shell, "%fs lss /")
    assert "%fs command 'lss' is not known; did you mean 'ls'" in str(error)


@pytest.mark.parametrize(
    "text", ["%md\n# Title\n*text*", "%md # Title\n*text*", "%%md\n# Title\n*text*"]
)
def test_md_renders_markdown(shell, text):
    (output,) = cell(shell, text).outputs
    assert output.data["text/markdown"].strip() == "# Title\n*text*"


def test_sh_shows_the_output_and_a_failure(shell):
    assert cell(shell, "%sh echo über").stdout == "über\n"
    shown = cell(shell, "%sh\nfor n in 1 2; do echo $n; done\nls /nowhere; exit 3")
    assert shown.stdout.startswith("1\n2\n")
    assert "/nowhere" in shown.stdout and shown.stdout.endswith("exit status 3\n")
    error, shown = fails(shell, "%sh -e\necho a; false; echo b")
    assert isinstance(error, LakebookError) and "exit status 1" in str(error)
    assert shown.stdout.startswith("a\n") and "b\n" not in shown.stdout.splitlines()


def test_sh_knows_the_platforms_folders_even_if_their_place_has_spaces(shell, tmp_path):
    volume = "/Volumes/main/default/raw"
    cell(shell, f"%sh echo 1 > {volume}/a.txt; cp '{volume}/a.txt' /dbfs/b")
    assert (tmp_path / "home of mine/Volumes/main/default/raw/a.txt").read_text() == "1\n"
    assert (tmp_path / "home of mine/dbfs/b").read_text() == "1\n"
    assert cell(shell, "%sh echo /my/Volumes/x a/dbfs/y").stdout == "/my/Volumes/x a/dbfs/y\n"


@pytest.mark.parametrize(
    "text", ["%python\nn = 6\nn += 1", "%%python\nn = 6\nn += 1", "%python n = 7"]
)
def test_python_runs_in_the_notebook(shell, text):
    cell(shell, text)
    assert shell.user_ns["n"] == 7


def test_a_language_that_is_not_here_is_named(shell):
    error, shown = fails(shell, "%scala\nval a = 1")
    assert "%scala: notebooks here speak Python, SQL and the shell" in f"{error}{shown.stdout}"


def test_lines_of_ipython_magics_below_one_another_stay_lines(shell):
    shown = cell(shell, "%sh echo 1\n%sh echo 2")
    assert shown.stdout == "1\n2\n"
    assert cell(shell, "n = 5\n%sh echo $((n + 1))").stdout == "1\n"


def test_run_makes_the_names_of_another_notebook_ours(shell, tmp_path):
    notebook(
        tmp_path / "lib/tools.ipynb", "def double(n):\n    return 2 * n", "%md\n# x", "seen = 1"
    )
    cell(shell, "%run ./lib/tools")
    assert shell.user_ns["double"](4) == 8
    assert shell.user_ns["seen"] == 1


def test_arguments_of_run_are_widgets(shell, tmp_path):
    notebook(
        tmp_path / "other.ipynb",
        'dbutils.widgets.text("name", "default")\ndbutils.widgets.text("n", "1")',
        'said = dbutils.widgets.get("name") + dbutils.widgets.get("n")',
    )
    cell(shell, r'%run ./other $name="two \"words\"" $n=5')
    assert shell.user_ns["said"] == 'two "words"5'
    cell(shell, "%run ./other")
    assert shell.user_ns["said"] == "default1"


def test_a_notebook_that_is_run_finds_its_neighbours(shell, tmp_path):
    notebook(tmp_path / "lib/one.ipynb", "%run ./two", "one = two + 1")
    notebook(tmp_path / "lib/two.ipynb", "two = 1")
    cell(shell, "%run ./lib/one")
    assert shell.user_ns["one"] == 2


def test_an_error_in_it_names_the_notebook_and_stops(shell, tmp_path):
    notebook(tmp_path / "bad.ipynb", "before = 1", "1 / 0", "after = 1")
    error, _ = fails(shell, "%run ./bad")
    assert str(error) == (
        "code cell 2 of notebook './bad' failed: ZeroDivisionError: division by zero"
    )
    assert shell.user_ns["before"] == 1 and "after" not in shell.user_ns
    error, _ = fails(shell, "%run ./none")
    assert "there is no notebook './none'" in str(error) and "beside it: bad" in str(error)


def test_a_notebook_that_runs_itself_is_refused(shell, tmp_path):
    notebook(tmp_path / "a.ipynb", "%run ./b")
    notebook(tmp_path / "b.ipynb", "%run ./a")
    error, _ = fails(shell, "%run ./a")
    assert "runs itself" in str(error)


def test_exit_in_it_ends_the_cell_that_ran_it(shell, tmp_path):
    notebook(tmp_path / "e.ipynb", "dbutils.notebook.exit('early')", "later = 1")
    error, shown = fails(shell, "%run ./e\nafter = 1")
    assert type(error).__name__ == "NotebookExit"
    assert [output.data["text/plain"] for output in shown.outputs] == ["Notebook exited: early"]
    assert not {"later", "after"} & shell.user_ns.keys()


def test_run_still_runs_python_files_as_ipython_does(shell, tmp_path):
    (tmp_path / "program.py").write_text("import sys\nresult = sys.argv[1:]")
    for line in ("%run program.py a b", "%run program a b", "%run -i ./program.py a b"):
        shell.user_ns.pop("result", None)
        cell(shell, line)
        assert shell.user_ns["result"] == ["a", "b"]


def test_python_files_of_the_platform_are_notebooks(shell, tmp_path):
    (tmp_path / "nb.py").write_text(
        "# Databricks notebook source\nx = 1\n# COMMAND ----------\n# MAGIC %sh\n# MAGIC echo hi\n"
    )
    assert cell(shell, "%run ./nb").stdout == "hi\n"
    assert shell.user_ns["x"] == 1


def test_widgets_are_shown_once_below_the_cell_that_makes_them(shell):
    text = (
        'dbutils.widgets.text("a", "1 < 2", "Label")\n'
        'dbutils.widgets.dropdown("b", "x", ["x", "y"])'
    )
    (output,) = cell(shell, text).outputs
    assert output.data["text/plain"] == "Label: 1 < 2\nb: x  (x, y)"
    assert '<th scope="row">Label</th><td>1 &lt; 2</td>' in output.data["text/html"]
    assert cell(shell, "1 + 1;").outputs == []


def test_unloading_gives_ipython_its_own_back(shell, tmp_path):
    own_open = shell.user_ns["open"]
    shell.run_line_magic("unload_ext", "lakebook")
    assert shell.find_line_magic("fs") is None
    assert "IPython" in shell.find_line_magic("run").__module__
    with pytest.raises(FileNotFoundError):
        own_open("/dbfs/x", "w")
    shell.run_line_magic("load_ext", "lakebook")
    own_open("/dbfs/x", "w").close()
    assert (tmp_path / "home of mine/dbfs/x").exists()
