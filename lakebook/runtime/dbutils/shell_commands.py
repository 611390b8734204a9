"""Commands of the shell, for `%sh`: their output appears while they run.

``/Volumes/…`` and ``/dbfs/…`` are folders of this process only, so they are replaced in the text by
the folders that they mean.
"""

from __future__ import annotations

import codecs
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from lakebook.errors import LakebookError
from lakebook.runtime import files

# At the start of a word: after a space, a quote, or a sign that ends a word.
FOLDER = re.compile(r"""(?<![^\s"'=<>|&;(:,`])(/Volumes|/dbfs)(?=[/\s"')|&;:,`]|$)""", re.MULTILINE)
PLAIN = re.compile(r"[\w./+@%-]+")


def run(script: str, *, stop_at_error: bool = False) -> int:
    """Run a script by bash, or sh where there is none, and return its exit status.

    Raises LakebookError if this machine has neither.
    """
    program = shutil.which("bash") or shutil.which("sh")
    if program is None:
        raise LakebookError("%sh needs bash or sh, and neither is on the path")
    options = ["-e"] if stop_at_error else []
    with tempfile.TemporaryDirectory(prefix="lakebook-sh-") as folder:
        process = subprocess.Popen(
            [program, *options, "-c", _translated(script, Path(folder))],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            _pass_on(process)
            return process.wait()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def _pass_on(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    kept = ""
    while chunk := os.read(process.stdout.fileno(), 65536):
        # Whole lines, so that a secret's value is never cut in two and missed.
        done, newline, kept = (kept + decode(chunk)).rpartition("\n")
        sys.stdout.write(done + newline)
        sys.stdout.flush()
    sys.stdout.write(kept + decode(b"", True))


def _translated(script: str, links: Path) -> str:
    places = {"/Volumes": files.volumes_root(), "/dbfs": files.dbfs_root()}

    def place(found: re.Match[str]) -> str:
        name = found[1]
        if not files.virtual(name):
            return name
        target = places[name]
        if PLAIN.fullmatch(str(target)):
            return str(target)
        # A space in the workspace's path would end the word.
        link = links / name.strip("/")
        if not link.is_symlink():
            link.symlink_to(target, target_is_directory=True)
        return str(link)

    return FOLDER.sub(place, script)
