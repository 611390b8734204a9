"""Run the scripts of figures, each in a process of its own, forked from one that has Matplotlib.

    python tests/book/draw.py FOLDER SCRIPT...

A figure is `FOLDER/<name>.svg`; what its script said, and the error that ended it, `<name>.txt`.
A script that starts by itself draws the same, for a fork begins with what its own imports give;
only that those are there already saves most of its time.
"""

from __future__ import annotations

import importlib
import os
import runpy
import sys
import traceback
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

# Every script is forked with these imported already; nothing here uses them by name.
for name in ("matplotlib.pyplot", "numpy", "pandas"):
    importlib.import_module(name)


def draw(script: Path, folder: Path) -> None:
    """Run one script as `python script` does, its figure going to the folder; do not return."""
    status = 1
    with (folder / f"{script.stem}.txt").open("w") as said:
        sys.stdout = sys.stderr = said
        sys.argv, sys.path[0] = [str(script)], str(script.parent)
        os.environ["FIGURES"] = str(folder)
        try:
            runpy.run_path(str(script), run_name="__main__")
            status = 0
        except BaseException:
            traceback.print_exc()
    os._exit(status)


if __name__ == "__main__":
    folder, *scripts = map(Path, sys.argv[1:])
    for script in scripts:
        if not (child := os.fork()):
            draw(script, folder)
        os.waitpid(child, 0)
