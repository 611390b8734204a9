"""A figure of the book is what its script draws, to the byte."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FIGURES = Path(__file__).parents[2] / "book" / "figures"
SCRIPTS = sorted(script for script in FIGURES.glob("*.py") if script.stem != "drawing")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which every script has been run, each in a process of its own."""
    folder = tmp_path_factory.mktemp("figures")
    draw = Path(__file__).with_name("draw.py")
    subprocess.run([sys.executable, draw, folder, *SCRIPTS], check=True)
    return folder


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_the_figure_is_what_its_script_draws(script: Path, drawn: Path) -> None:
    figure = drawn / f"{script.stem}.svg"
    assert figure.is_file(), (drawn / f"{script.stem}.txt").read_text("utf-8")
    assert figure.read_bytes() == script.with_suffix(".svg").read_bytes()


def test_every_figure_has_its_script_and_is_shown() -> None:
    chapters = "".join(page.read_text("utf-8") for page in FIGURES.parent.rglob("*.md"))
    for figure in FIGURES.glob("*.svg"):
        assert figure.with_suffix(".py") in SCRIPTS
        assert f"figures/{figure.name}" in chapters
