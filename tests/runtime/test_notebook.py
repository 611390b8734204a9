"""`%load_ext lakebook` makes this machine's notebook read like the platform's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from IPython.utils.capture import capture_output

from lakebook.errors import LakebookError


def test_the_session_is_quiet_in_utc_and_has_no_web_page(spark):
    assert spark.conf.get("spark.ui.enabled") == "false"
    assert spark.conf.get("spark.ui.showConsoleProgress") == "false"
    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"
    assert int(spark.conf.get("spark.sql.shuffle.partitions")) <= 4


def test_a_seeded_split_is_the_same_whatever_the_number_of_cores(tmp_path):
    program = """
import pandas as pd
from lakebook.runtime.session import get_spark
rows = get_spark().createDataFrame(pd.DataFrame({"n": range(100)}))
print(sorted(row.n for row in rows.randomSplit([0.5, 0.5], seed=1)[0].collect()))
"""
    drawn = set()
    for cores in (1, 3):
        environment = os.environ | {
            "LAKEBOOK_HOME": str(tmp_path),
            "LAKEBOOK_MASTER": f"local[{cores}]",
        }
        done = subprocess.run([sys.executable, "-c", program], env=environment,
                              capture_output=True, text=True, check=True)  # fmt: skip
        drawn.add(done.stdout)
    assert len(drawn) == 1


def test_an_existing_session_is_honoured(spark):
    from lakebook.runtime.session import get_spark

    assert get_spark("another name") is spark


def test_spark_remote_gives_a_connect_session(tmp_path):
    program = (
        "from lakebook.runtime.session import get_spark; spark = get_spark();"
        "print(type(spark).__module__, spark.range(5).count())"
    )
    environment = os.environ | {"LAKEBOOK_HOME": str(tmp_path), "SPARK_REMOTE": "local[2]"}
    result = subprocess.run(
        [sys.executable, "-c", program],
        env=environment, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert result.stdout == "pyspark.sql.connect.session 5\n", result.stderr


def test_a_session_that_cannot_start_is_explained_with_its_log(tmp_path):
    program = "from lakebook.runtime.session import get_spark; get_spark()"
    environment = os.environ | {
        "LAKEBOOK_HOME": str(tmp_path),
        "LAKEBOOK_MASTER": "nowhere[2]",
    }
    result = subprocess.run(
        [sys.executable, "-c", program],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert result.returncode == 1
    assert "LakebookError: Spark did not start on 'nowhere[2]'" in result.stderr
    assert "The whole log:" in result.stderr


def test_an_error_of_spark_is_not_logged_above_itself(shell, spark, capfd):
    with pytest.raises(Exception, match="DIVIDE_BY_ZERO"):
        spark.sql("SELECT 1 / 0").collect()
    assert capfd.readouterr().err == ""


def test_loading_gives_the_platforms_names(shell, spark):
    assert shell.user_ns["spark"] is spark
    assert shell.user_ns["dbutils"].fs.mkdirs("dbfs:/made")
    with capture_output() as shown:
        shell.user_ns["display"](spark.range(2))
    (output,) = shown.outputs
    assert '<th scope="col" class="n">id <small>bigint</small></th>' in output.data["text/html"]
    assert "<caption>2 rows × 1 column</caption>" in output.data["text/html"]
    assert output.data["text/plain"].endswith("2 rows × 1 column")


def test_commands_of_the_environment_are_found_from_a_notebook(shell, monkeypatch):
    monkeypatch.setenv("PATH", os.defpath)
    shell.run_line_magic("reload_ext", "lakebook")
    assert shutil.which("mlflow") == str(Path(sys.executable).with_name("mlflow"))


def test_unloading_takes_the_names_back_but_not_the_learners_own(shell):
    shell.user_ns["dbutils"] = "mine"
    shell.run_line_magic("unload_ext", "lakebook")
    assert "spark" not in shell.user_ns
    assert shell.user_ns["dbutils"] == "mine"


def test_on_databricks_the_platforms_own_objects_are_left_alone(spark, monkeypatch):
    from IPython.core.interactiveshell import InteractiveShell

    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "18.0")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shell = InteractiveShell()
    own = {name: object() for name in ("spark", "dbutils", "display", "displayHTML")}
    shell.push(own)
    shell.run_line_magic("load_ext", "lakebook")
    assert {name: shell.user_ns[name] for name in own} == own
    assert shell.find_line_magic("sql") is None
    assert "MLFLOW_TRACKING_URI" not in os.environ


def test_display_prints_plain_text_outside_a_notebook():
    program = "import pandas as pd; from lakebook.runtime.display import display; "
    program += "display(pd.DataFrame({'n': [7]}))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.stdout == " n\n 7\n1 row × 1 column\n"


def test_sql_runs_each_statement_and_keeps_the_last_result(shell):
    with capture_output() as shown:
        shell.run_cell_magic("sql", "", "SELECT 1 AS a; -- not; a statement\nSELECT ';' AS b")
    assert [row.b for row in shell.user_ns["_sqldf"].collect()] == [";"]
    assert len(shown.outputs) == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda fs: fs.head("dbfs:/none.txt"), "there is no 'dbfs:/none.txt'"),
        (lambda fs: fs.ls("s3:/bucket"), "the scheme 's3:' is not known"),
        (lambda fs: fs.rm("dbfs:/folder"), "pass recurse=True"),
        (lambda fs: fs.rm("dbfs:/", True), "is the root"),
        (lambda fs: fs.put("/folder/a.txt", "b"), "pass overwrite=True"),
        (lambda fs: fs.ls("dbfs:/../../etc"), "without '..'"),
    ],
)
def test_file_commands_name_what_is_wrong(shell, call, message):
    fs = shell.user_ns["dbutils"].fs
    fs.put("dbfs:/folder/a.txt", "a", True)
    with pytest.raises(LakebookError, match=message.replace(".", r"\.")):
        call(fs)


def test_files_are_written_listed_copied_moved_and_deleted(shell):
    fs = shell.user_ns["dbutils"].fs
    fs.put("dbfs:/in/a.txt", "über", True)
    assert fs.head("/in/a.txt", 3) == "üb"
    fs.cp("dbfs:/in", "dbfs:/out", recurse=True)
    fs.mv("dbfs:/out/a.txt", "dbfs:/out/b.txt")
    (entry,) = fs.ls("dbfs:/out")
    assert (entry.path, entry.name, entry.size) == ("dbfs:/out/b.txt", "b.txt", 5)
    assert fs.rm("dbfs:/out", recurse=True) and not fs.rm("dbfs:/out", recurse=True)


def test_mlflow_keeps_runs_and_artifacts_in_the_workspace(shell, workspace_folder, monkeypatch):
    import mlflow

    from lakebook.runtime.tracking import use_experiment

    monkeypatch.chdir(workspace_folder)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "")
    name = use_experiment("day9/99_example")
    with mlflow.start_run() as run:
        mlflow.log_text("kept", "note.txt")
    assert mlflow.get_experiment(run.info.experiment_id).name == name
    assert run.info.artifact_uri.startswith(str(workspace_folder / "artifacts"))
    assert not (workspace_folder / "mlruns").exists()


def test_two_processes_may_create_the_store_at_once(tmp_path):
    program = "from lakebook.runtime.tracking import prepare; prepare()"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW")}
    environment["LAKEBOOK_HOME"] = str(tmp_path)
    racers = [
        subprocess.Popen([sys.executable, "-c", program], env=environment, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    assert [racer.communicate(timeout=120)[1] for racer in racers] == [b"", b""]
    assert [racer.returncode for racer in racers] == [0, 0]
