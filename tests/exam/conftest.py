"""A repository with a small bank for each test."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny_bank


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository with three objectives and four questions; commands work in it."""
    root = tiny_bank.write(tmp_path / "repository")
    monkeypatch.setenv("LAKEBOOK_ROOT", str(root))
    monkeypatch.setenv("LAKEBOOK_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(root)
    return root
