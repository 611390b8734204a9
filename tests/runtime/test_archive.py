"""The archive of Spark's classes: used where it fits, harmless where it does not."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lakebook.runtime import archive
from lakebook.runtime.java import ensure_java


def test_without_an_archive_nothing_is_asked_of_the_jvm(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert archive.options() == ""


@pytest.mark.parametrize("content", [b"", b"torn", b"\x00" * 70_000])
def test_a_jvm_that_cannot_use_an_archive_starts_without_it_and_says_nothing(
    monkeypatch, tmp_path, content
):
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "a b"))
    archive.file().parent.mkdir(parents=True)
    archive.file().write_bytes(content)
    options = archive.options().replace('"-', "-").replace('jsa"', "jsa").split(" -Xlog")
    java = ensure_java() / "bin" / "java"
    done = subprocess.run(
        [java, options[0].strip(), f"-Xlog{options[1]}", "--version"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == "" and "warning" not in done.stdout


def test_a_session_uses_the_archive_of_this_environment(spark):
    java = spark.sparkContext._jvm.java.lang.management.ManagementFactory
    given = list(java.getRuntimeMXBean().getInputArguments())
    used = f"-XX:SharedArchiveFile={archive.file()}" in given
    assert used is archive.file().is_file()


def test_a_program_that_fails_leaves_no_archive_and_no_unfinished_file(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(archive, "USUAL", "import sys; sys.exit(3)")
    assert not archive.write()
    assert not list(tmp_path.rglob("*.*"))
