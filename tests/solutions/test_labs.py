"""Every lab keeps its promises: `lakebook labs verify` finds no fault in it.

Derived as committed, within the rules of a notebook, wrong answers rejected, blank passes nothing,
solved passes everything, stored outputs come out again.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from lakebook.labs import places


@pytest.mark.parametrize("lab", places.ids())
def test_the_lab_keeps_its_promises(lab):
    # One at a time: the other core belongs to the other worker of pytest-xdist.
    command = [sys.executable, "-m", "lakebook.cli", "labs", "verify", "--jobs", "1", lab]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
