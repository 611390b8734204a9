"""Widgets, secrets and task values in a program, and `lakebook secrets` at the command line."""

from __future__ import annotations

import io
import json
import stat
import subprocess
import sys

import pytest

from lakebook.cli import main
from lakebook.errors import LakebookError
from lakebook.runtime import commands
from lakebook.runtime.dbutils import DBUtils, redaction, secrets


@pytest.fixture
def tools(tmp_path, monkeypatch):
    monkeypatch.setenv("LAKEBOOK_HOME", str(tmp_path))
    for name in ("LAKEBOOK_WIDGETS", "LAKEBOOK_RUN_ARGUMENTS", "LAKEBOOK_JOB_RUN"):
        monkeypatch.delenv(name, raising=False)
    return DBUtils()


def test_each_kind_of_widget_has_its_default(tools):
    widgets = tools.widgets
    widgets.text("t", "", "Any text")
    widgets.dropdown("d", "a", ["a", "b"])
    widgets.combobox("c", "other", ["a", "b"])
    widgets.multiselect("m", "a,b", ["a", "b", "c"])
    assert widgets.getAll() == {"t": "", "d": "a", "c": "other", "m": "a,b"}
    assert widgets.get("c") == widgets.getArgument("c") == "other"
    widgets.remove("c")
    assert list(widgets.getAll()) == ["t", "d", "m"]
    widgets.removeAll()
    assert widgets.getAll() == {}


def test_a_widget_made_again_takes_its_new_default(tools):
    tools.widgets.text("n", "1")
    tools.widgets.text("n", "2")
    assert tools.widgets.get("n") == "2"


def test_arguments_come_before_the_session_and_both_before_the_default(tools, monkeypatch):
    monkeypatch.setenv("LAKEBOOK_WIDGETS", '{"a": "session", "b": "session", "n": 5}')
    monkeypatch.setenv("LAKEBOOK_RUN_ARGUMENTS", '{"a": "argument"}')
    for name in ("a", "b", "c", "n"):
        tools.widgets.text(name, "default")
    assert tools.widgets.getAll() == {"a": "argument", "b": "session", "c": "default", "n": "5"}


def test_an_argument_without_a_widget_can_be_read(tools, monkeypatch):
    monkeypatch.setenv("LAKEBOOK_RUN_ARGUMENTS", '{"day": "monday"}')
    assert tools.widgets.get("day") == "monday"
    assert tools.widgets.getArgument("night", "none") == "none"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda w: w.dropdown("d", "z", ["a"]), r"'z' \(its default\) is not one of its choices"),
        (lambda w: w.multiselect("d", "a,z", ["a"]), "'z' .* is not one of its choices: a"),
        (lambda w: w.dropdown("d", "", ["a"]), "is empty; choices: a"),
        (lambda w: w.dropdown("d", "a", []), "has no choices"),
        (lambda w: w.dropdown("d", "1", [1, 2]), "they are a list of texts"),
        (lambda w: w.text("d", 5), "values of widgets are text: '5'"),
        (lambda w: w.text("", "x"), "needs a name"),
        (lambda w: w.get("scael"), "widget 'scael' is not known; did you mean 'scale'"),
        (lambda w: w.remove("none"), "widget 'none' is not known"),
    ],
)
def test_errors_of_widgets_name_the_value_and_the_way_out(tools, call, message):
    tools.widgets.text("scale", "small")
    with pytest.raises(LakebookError, match=message):
        call(tools.widgets)
    assert tools.widgets.getAll() == {"scale": "small"}


@pytest.mark.parametrize("text", ["{", "[1]", "5"])
def test_a_session_value_that_is_no_json_object_is_named(tools, monkeypatch, text):
    monkeypatch.setenv("LAKEBOOK_WIDGETS", text)
    with pytest.raises(LakebookError, match="LAKEBOOK_WIDGETS is"):
        tools.widgets.text("a", "b")


def test_secrets_are_kept_at_the_command_line_where_only_their_owner_reads(
    tools, tmp_path, monkeypatch, capsys
):
    import argparse

    def lakebook(*arguments: str) -> int:
        parser = argparse.ArgumentParser()
        commands.register(parser.add_subparsers())
        parsed = parser.parse_args(["secrets", *arguments])
        return parsed.run(parsed)

    assert lakebook("create-scope", "mail") == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO("typed value\n"))
    assert lakebook("put-secret", "mail", "password") == 0
    assert lakebook("put", "mail", "user", "--string-value", "me") == 0
    capsys.readouterr()
    lakebook("list-scopes")
    lakebook("list-secrets", "mail")
    assert capsys.readouterr().out == "mail\npassword\nuser\n"
    assert tools.secrets.get("mail", "password") == "typed value"
    assert tools.secrets.getBytes("mail", "user") == b"me"
    assert [entry.key for entry in tools.secrets.list("mail")] == ["password", "user"]
    assert [scope.getName() for scope in tools.secrets.listScopes()] == ["mail"]
    assert stat.S_IMODE((tmp_path / "secrets/mail.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    lakebook("delete-secret", "mail", "user")
    assert secrets.keys("mail") == ["password"]
    lakebook("delete-scope", "mail")
    assert secrets.scopes() == []


def test_the_door_knows_the_command(tools, capsys):
    assert main(["secrets", "list-secrets", "none"]) == 2
    assert "lakebook secrets create-scope none" in capsys.readouterr().err


def test_the_environment_comes_before_the_file(tools, monkeypatch):
    secrets.create_scope("my-scope")
    secrets.put("my-scope", "api.key", "from the file")
    monkeypatch.setenv("LAKEBOOK_SECRET_MY_SCOPE_API_KEY", "from the environment")
    assert tools.secrets.get("my-scope", "api.key") == "from the environment"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: DBUtils().secrets.get("mial", "x"),
            "scope 'mial' is not known; did you mean 'mail'",
        ),
        (lambda: DBUtils().secrets.get("mail", "k"), "lakebook secrets put-secret mail k.*MAIL_K"),
        (lambda: DBUtils().secrets.list("none"), "lakebook secrets create-scope none"),
        (lambda: secrets.put("none", "k", "v"), "scope 'none' is not known"),
        (lambda: secrets.put("mail", "k", ""), "is empty"),
        (lambda: secrets.put("mail", "k", "v" * 200_000), "longer than 131,072 bytes"),
        (lambda: secrets.put("mail", "a/b", "v"), "is no name for a key"),
        (lambda: secrets.create_scope("../x"), "is no name for a scope"),
        (lambda: secrets.create_scope("mail"), "exists already"),
        (lambda: secrets.delete("mail", "k"), "'k' is not known"),
    ],
)
def test_errors_of_secrets_name_the_way_out(tools, call, message):
    secrets.create_scope("mail")
    with pytest.raises(LakebookError, match=message):
        call()


def test_two_that_keep_secrets_at_once_lose_none(tools, tmp_path):
    secrets.create_scope("s")
    program = (
        "import sys; from lakebook.runtime.dbutils import secrets\n"
        "for n in range(20): secrets.put('s', f'{sys.argv[1]}{n}', 'v')"
    )
    racers = [subprocess.Popen([sys.executable, "-c", program, name]) for name in "ab"]
    assert [racer.wait(60) for racer in racers] == [0, 0]
    assert len(secrets.keys("s")) == 40


def test_a_program_prints_redacted_values_too(tmp_path):
    program = (
        "import sys; from lakebook.runtime.dbutils import DBUtils\n"
        "s = DBUtils().secrets.get('a', 'b')\n"
        "print(s, s.upper()); print(f'<{s}>', file=sys.stderr); raise ValueError(s)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"LAKEBOOK_SECRET_A_B": "hunter2", "LAKEBOOK_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "[REDACTED] HUNTER2\n"
    assert "<[REDACTED]>" in done.stderr and "ValueError: [REDACTED]" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr


def test_a_message_is_redacted_in_every_part_and_keeps_its_form(monkeypatch):
    monkeypatch.setattr(redaction, "_hidden", [])

    class Session:
        def serialize(self, msg, ident=None):
            return msg

    class Shell:
        class kernel:
            session = Session()

    redaction.hide('a"b', Shell)
    redaction.hide('a"bc', Shell)
    # As short as words of the protocol, which stay.
    for word in ("text", "data", "stdout"):
        redaction.hide(word, Shell)
    json_data = {"text": ['a"b', json.dumps('a"b'), 1, None], 'x a"bc': 2.5}
    msg = {
        "msg_type": "display_data",
        "header": {"id": "text"},
        "content": {"data": {"text/plain": "a text", "application/json": json_data}},
    }
    sent = Shell.kernel.session.serialize(msg)
    assert sent["header"] == {"id": "text"}
    assert sent["content"]["data"] == {
        "text/plain": "a [REDACTED]",
        "application/json": {
            "[REDACTED]": ["[REDACTED]", '"[REDACTED]"', 1, None],
            "x [REDACTED]": 2.5,
        },
    }
    stream = {"msg_type": "stream", "content": {"name": "stdout", "text": "stdout\n"}}
    sent = Shell.kernel.session.serialize(stream)
    assert sent["content"] == {"name": "stdout", "text": "[REDACTED]\n"}
    comm = {"msg_type": "comm_msg", "content": {"data": {"state": {"text": "text"}}}}
    sent = Shell.kernel.session.serialize(comm)
    assert sent["content"] == {"data": {"state": {"text": "[REDACTED]"}}}


def test_outside_a_job_task_values_need_a_debug_value(tools):
    values = tools.jobs.taskValues
    assert values.set("n", 5) is None
    assert values.get("prepare", "n", default=1, debugValue=7) == 7
    with pytest.raises(TypeError, match="pass debugValue"):
        values.get("prepare", "n", default=1)


def test_in_a_job_a_task_gets_what_another_has_set(tools, monkeypatch):
    values = tools.jobs.taskValues
    monkeypatch.setenv("LAKEBOOK_JOB_RUN", "42")
    monkeypatch.setenv("LAKEBOOK_TASK_KEY", "prepare")
    values.set(key="rows", value={"kept": [1, 2], "über": None})
    values.set("n", 1)
    values.set("n", 2)
    monkeypatch.setenv("LAKEBOOK_TASK_KEY", "train")
    assert values.get("prepare", "rows", debugValue=0) == {"kept": [1, 2], "über": None}
    assert values.get(taskKey="prepare", key="n") == 2
    assert values.get("prepare", "none", default="d", debugValue="x") == "d"
    with pytest.raises(ValueError, match="nothing for the key 'none'"):
        values.get("prepare", "none")
    with pytest.raises(ValueError, match="nothing for the task 'other'"):
        values.get("other", "n")
    monkeypatch.setenv("LAKEBOOK_JOB_RUN", "43")
    with pytest.raises(ValueError, match="nothing for the task 'prepare'"):
        values.get("prepare", "n")


@pytest.mark.parametrize(("value", "message"), [({1, 2}, "as JSON"), ("x" * 50_000, "49,152")])
def test_a_task_value_is_small_and_json(tools, value, message):
    with pytest.raises(LakebookError, match=message):
        tools.jobs.taskValues.set("n", value)


def test_outside_a_notebook_python_is_not_restarted(tools):
    with pytest.raises(LakebookError, match="start the program again"):
        tools.library.restartPython()
