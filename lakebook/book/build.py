"""Build the book with warnings as errors."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from filelock import FileLock, Timeout

from lakebook import workspace
from lakebook.errors import LakebookError

ANSI = re.compile(r"\x1b\[[0-9;]*m")
FAULT = re.compile(r"\b(WARNING|ERROR|CRITICAL|SEVERE)\b:|^Exception|[Ee]xtension error|Error:")
# What Sphinx says of its own work; anything else after a fault belongs to the fault.
PROGRESS = re.compile(
    r"(looking|pickling|checking|preparing|copying|writing|reading|dumping|generating|building|"
    r"build|updating|loading|myst|\[|=|$)"
)
COMMAND = "from jupyter_book.cli.main import main; main()"
LOCK = ".lock"
PATIENCE = 600  # seconds; several times the longest build


def book(*, clean: bool = False, folder: Path | None = None) -> int:
    """Build the book of this repository and print its address, seconds and size.

    The pages are written to ``_build/html`` in `folder`, by default the repository. Returns 0,
    or 1 after a list of the warnings if there were any. `clean` forgets the last build first.
    Raises LakebookError if Jupyter Book is not installed, the folder cannot be written, or
    another build in it does not end.
    """
    root = workspace.root()
    output = (folder or root).resolve() / "_build"
    try:
        output.mkdir(parents=True, exist_ok=True)
        with FileLock(output / LOCK, timeout=PATIENCE):
            return _book(root, output, clean)
    except Timeout as error:
        raise LakebookError(
            f"another build has been writing to '{output}' for {PATIENCE} s; stop it, then run "
            "`lakebook book` again"
        ) from error
    except OSError as error:
        raise LakebookError(
            f"the book cannot be written to '{output}' ({error.strerror or error}); free some "
            "space or mend its permissions, then run `lakebook book` again"
        ) from error


def _book(root: Path, output: Path, clean: bool) -> int:
    # Sphinx warns about a page only while it reads it: after a build with warnings, one that
    # takes the rest from its memory would find nothing to complain about.
    sound, log = output / "sound", output / "book.log"
    if clean or not sound.exists():
        _empty(output)
    sound.unlink(missing_ok=True)
    started = time.monotonic()
    status, text = _jupyter_book(root, output.parent)
    seconds = time.monotonic() - started
    log.write_text(text, encoding="utf-8")
    faults = _faults(text)
    if status or faults:
        print(f"The book was not built cleanly ({seconds:.0f} s). What to mend:", file=sys.stderr)
        for line in faults or text.splitlines()[-15:]:
            print("  " + line.replace(f"{root}/", ""), file=sys.stderr)
        print(f"The whole report: {log}", file=sys.stderr)
        return 1
    sound.touch()
    html = output / "html"
    size = sum(file.stat().st_size for file in html.rglob("*") if file.is_file())
    print(f"{(html / 'index.html').as_uri()}  ({seconds:.0f} s, {size / 1e6:.0f} MB)")
    return 0


def _faults(text: str) -> list[str]:
    """Return the lines of a report that say what is wrong, each with what it goes on to say."""
    found, inside = [], False
    for line in text.splitlines():
        inside = bool(FAULT.search(line)) or (inside and not PROGRESS.match(line))
        if inside:
            found.append(line)
    return found


def _empty(output: Path) -> None:
    for old in output.iterdir():
        if old.is_dir():
            shutil.rmtree(old)
        elif old.name != LOCK:
            old.unlink()


def _jupyter_book(root: Path, folder: Path) -> tuple[int, str]:
    """Run the build in a process of its own; return its exit status and all it said."""
    command = [sys.executable, "-c", COMMAND, "build", str(root), "-W", "--keep-going"]
    done = subprocess.run(
        [*command, "--path-output", str(folder)],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    text = ANSI.sub("", done.stdout)
    if "No module named 'jupyter_book'" in text:
        raise LakebookError(
            "Jupyter Book is not installed; run `make start`, or install the group 'book' "
            "of pyproject.toml"
        )
    return done.returncode, text
