"""A repository of its own for each test."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_labs import Repository


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """An empty repository, in which the test's own process and those it starts work."""
    root = tmp_path / "repository"
    root.mkdir()
    monkeypatch.setenv("LAKEBOOK_ROOT", str(root))
    monkeypatch.setenv("LAKEBOOK_HOME", str(tmp_path / "home"))
    for name in ("LAKEBOOK_STRICT", "MLFLOW_EXPERIMENT_NAME", "DATABRICKS_RUNTIME_VERSION"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.chdir(root)
    return Repository(root)


@pytest.fixture(autouse=True)
def nothing_unsaved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts that one test could not save are not another's."""
    from lakebook.labs import progress

    monkeypatch.setattr(progress, "_unsaved", [])
