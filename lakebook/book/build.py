"""Build the book with warnings as errors."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from lakebook import workspace
from lakebook.errors import LakebookError

ANSI = re.compile(r"\x1b\[[0-9;]*m")
FAULT = re.compile(r"\b(WARNING|ERROR|CRITICAL|SEVERE)\b:|^Exception|[Ee]xtension error|Error:")
COMMAND = "from jupyter_book.cli.main import main; main()"


def book(*, clean: bool = False, folder: Path | None = None) -> int:
    """Build the book of this repository and print its address, seconds and size.

    The pages are written to ``_build/html`` in `folder`, by default the repository. Returns 0,
    or 1 after a list of the warnings if there were any. `clean` forgets the last build first.
    Raises LakebookError if Jupyter Book is not installed or the disk cannot be written.
    """
    root = workspace.root()
    output = (folder or root).resolve() / "_build"
    html = output / "html"
    # Sphinx warns about a page only while it reads it: after a build with warnings, one that
    # takes the rest from its memory would find nothing to complain about.
    sound = output / "sound"
    if clean or not sound.exists():
        shutil.rmtree(output, ignore_errors=True)
    sound.unlink(missing_ok=True)
    log = output / "book.log"
    started = time.monotonic()
    status, text = _jupyter_book(root, output.parent, log)
    seconds = time.monotonic() - started
    faults = [line for line in text.splitlines() if FAULT.search(line)]
    if status or faults:
        print(f"The book was not built cleanly ({seconds:.0f} s). What to mend:", file=sys.stderr)
        shown = faults or text.splitlines()[-15:]
        for line in shown:
            print("  " + line.removeprefix(f"{root}/"), file=sys.stderr)
        print(f"The whole report: {log}", file=sys.stderr)
        return 1
    sound.touch()
    size = sum(file.stat().st_size for file in html.rglob("*") if file.is_file())
    print(f"{(html / 'index.html').as_uri()}  ({seconds:.0f} s, {size / 1e6:.0f} MB)")
    return 0


def _jupyter_book(root: Path, folder: Path, log: Path) -> tuple[int, str]:
    """Run the build in a process of its own; return its exit status and all it said."""
    command = [sys.executable, "-c", COMMAND, "build", str(root), "-W", "--keep-going"]
    command += ["--path-output", str(folder)]
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            command,
            cwd=root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        text = ANSI.sub("", done.stdout)
        log.write_text(text, encoding="utf-8")
    except OSError as error:
        raise LakebookError(
            f"the book cannot be written to '{log.parent}' ({error.strerror or error}); "
            "free some space or mend its permissions, then run `lakebook book` again"
        ) from error
    if "No module named 'jupyter_book'" in text:
        raise LakebookError(
            "Jupyter Book is not installed; run `make start`, or install the group 'book' "
            "of pyproject.toml"
        )
    return done.returncode, text
