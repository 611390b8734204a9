"""A figure of the book is what its script draws, to the byte."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FIGURES = Path(__file__).parents[2] / "book" / "figures"
SCRIPTS = sorted(script for script in FIGURES.glob("*.py") if script.stem != "drawing")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_the_figure_is_what_its_script_draws(script, tmp_path):
    subprocess.run(
        [sys.executable, script], check=True, env=os.environ | {"FIGURES": str(tmp_path)}
    )
    drawn = (tmp_path / f"{script.stem}.svg").read_bytes()
    assert drawn == script.with_suffix(".svg").read_bytes()


def test_every_figure_has_its_script_and_is_shown():
    chapters = "".join(page.read_text("utf-8") for page in FIGURES.parent.rglob("*.md"))
    for figure in FIGURES.glob("*.svg"):
        assert figure.with_suffix(".py") in SCRIPTS
        assert f"figures/{figure.name}" in chapters
