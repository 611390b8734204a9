"""Set the project up and run it, with nothing but the Python that the machine has.

    python3 lakebook/bootstrap.py start | test | book | labs | install | lock | clean

It makes `.venv`, installs what the command needs at the pinned versions, and hands over. What is
up to date is skipped, so every command may be repeated at any time, also after an interruption.
Only the standard library is imported, in a syntax that an older Python can still refuse politely.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
STAMP = VENV / "lakebook-installed.json"
BEGUN = VENV / "lakebook-begun"

OLDEST = (3, 11)
NEEDED_GB = 4
GROUPS = {
    "start": ("labs", "book", "workspace"),
    "book": ("labs", "book", "workspace"),
    "labs": ("labs", "book", "workspace", "verify"),
    "test": ("labs", "book", "workspace", "verify", "test"),
    "install": ("labs", "book", "workspace", "verify", "test"),
}
# Two of each command's steps are the environment's; `lakebook start` goes on counting.
STEPS = {"start": 6, "book": 3, "labs": 3, "test": 7, "install": 2}
MADE = ("_build", ".mypy_cache", ".pytest_cache", ".ruff_cache", "lakebook.egg-info", ".venv")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CONDA = """\
# For conda users; written by `make lock` from pyproject.toml and constraints.txt.
#     conda env create --file environment.yml && conda activate lakebook && lakebook start
name: lakebook
channels:
  - conda-forge
dependencies:
  - python=3.11
  - openjdk=17
  - pip
  - pip:"""


class Stop(Exception):
    """Something the person at the keyboard has to mend; the message says what and how."""


class Progress:
    """One line for each step: number, what, seconds."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.number = 0

    def begin(self, what: str) -> None:
        self.number += 1
        self.started = time.monotonic()
        print(f"[{self.number}/{self.total}] {what}", flush=True)

    def end(self, result: str = "done") -> None:
        print(f"      {result}, {time.monotonic() - self.started:.1f} s", flush=True)


def main(arguments: list[str]) -> int:
    """Run one command and return its exit status."""
    commands = {
        "start": _start,
        "test": _test,
        "book": _book,
        "labs": _labs,
        "install": _only_install,
        "lock": _lock,
        "clean": _clean,
    }
    if not arguments or arguments[0] not in commands:
        print(f"usage: {Path(__file__).name} {' | '.join(commands)}", file=sys.stderr)
        return 2
    try:
        if sys.version_info < OLDEST:
            raise Stop(
                f"this is Python {sys.version.split()[0]}, and Lakebook needs "
                f"{OLDEST[0]}.{OLDEST[1]} or newer. Install one and name it: "
                f"`make {arguments[0]} PYTHON=python3.12`"
            )
        return commands[arguments[0]](arguments[1:])
    except Stop as stop:
        print(f"\n{stop}", file=sys.stderr)
        return 2
    except OSError as error:
        print(
            f"\n'{error.filename or ROOT}' cannot be used ({error.strerror or error}); "
            "mend its permissions or free some space, then run the same command again",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from here", file=sys.stderr)
        return 130


def _start(options: list[str]) -> int:
    steps = _environment("start")
    os.environ["LAKEBOOK_STEPS"] = f"{steps.number}/{steps.total}"
    return _hand_over([_tool("lakebook"), "start", *options])


def _book(options: list[str]) -> int:
    steps = _environment("book")
    steps.begin("building the book")
    return _hand_over([_tool("lakebook"), "book", *options])


def _labs(options: list[str]) -> int:
    steps = _environment("labs")
    steps.begin("running the labs")
    return _hand_over([_tool("lakebook"), "labs", "run", *options])


def _test(options: list[str]) -> int:
    """Style, types, then every test; the last lines are pytest's own summary."""
    steps = _environment("test")
    steps.begin("a browser for the page tests")
    steps.end(_browser())
    checks = (
        ("style", [_tool("ruff"), "check", "."]),
        ("format", [_tool("ruff"), "format", "--check", "."]),
        ("types", [_tool("mypy")]),
    )
    for name, command in checks:
        steps.begin(name)
        if subprocess.call(command, cwd=str(ROOT)):
            raise Stop(f"{name}: see above; the tests were not run")
        steps.end()
    steps.begin("tests")
    # tests/conftest.py says which tests stay together, and begins with the slowest.
    parallel = ["-n", "2", "--dist", "loadgroup", "--no-loadscope-reorder"]
    return _hand_over([_tool("pytest"), *parallel, "--durations=20", *options])


def _only_install(_: list[str]) -> int:
    _environment("install")
    return 0


def _clean(_: list[str]) -> int:
    """Remove what was made here; never the learner's own folder."""
    for name in MADE:
        if (ROOT / name).exists():
            shutil.rmtree(ROOT / name)
            print(f"removed {name}")
    for folder in ("lakebook", "tests", "datasets", "solutions"):
        for cache in sorted((ROOT / folder).rglob("__pycache__")):
            shutil.rmtree(cache)
    if (ROOT / ".lakebook").exists():
        print("kept .lakebook, which holds your progress and your runs")
    return 0


def _lock(options: list[str]) -> int:
    """Pin every version that pyproject.toml allows, with hashes and without addresses.

    Pins that still fit are kept; `lock --upgrade` takes the newest of each.
    """
    steps = Progress(3)
    _make_venv(steps)
    steps.begin("resolving every group for Python 3.11 and newer, on every system")
    groups = [part for name in _project()["dependency-groups"] for part in ("--group", name)]
    fixed = ("--universal", "--python-version", "3.11", "--generate-hashes")
    # No comment with the command belongs into the file; addresses uv writes only when asked.
    silent = ("--no-header", "--no-annotate")
    command = [_tool("uv"), "pip", "compile", "-q", "pyproject.toml", *groups, *fixed, *silent]
    if subprocess.call(
        [*command, "-o", "constraints.txt", *options], cwd=str(ROOT), env=_quiet_environment()
    ):
        raise Stop("the requirements of pyproject.toml cannot be met together; see above")
    steps.end("constraints.txt written")
    steps.begin("the same for conda")
    (ROOT / "environment.yml").write_text(conda_environment(), "utf-8")
    steps.end("environment.yml written")
    return 0


def _project() -> dict:
    import tomllib  # new in Python 3.11, so not at the top

    with (ROOT / "pyproject.toml").open("rb") as stream:
        return tomllib.load(stream)


def conda_environment() -> str:
    """Return the text of environment.yml: every requirement of pyproject.toml, as pinned."""
    project = _project()
    named = list(project["project"]["dependencies"])
    for name, requirements in project["dependency-groups"].items():
        named += requirements if name != "install" else []
    # By name, the system that a requirement is limited to, if any.
    where = {
        re.split(r"[^\w.-]", requirement)[0].lower(): requirement.partition(";")[2].strip()
        for requirement in named
    }
    # pip refuses the hashes of constraints.txt beside an editable project, so the pins are here.
    pins = [
        _pin(name).split()[0] + (f" ; {where[name]}" if where[name] else "")
        for name in sorted(where)
    ]
    return "\n".join((CONDA, *(f"      - {pin}" for pin in pins), "      - --editable .", ""))


def _environment(command: str) -> Progress:
    """Make `.venv` hold what the command needs; return the progress to go on with."""
    steps = Progress(STEPS[command])
    wanted = set(GROUPS[command])
    state = _state()
    installed = _installed()
    if installed.get("state") == state and wanted <= set(installed["groups"]):
        steps.begin("Python environment")
        steps.end("up to date")
        steps.begin("packages")
        steps.end("up to date")
        return steps
    _make_venv(steps)
    _install(steps, sorted(wanted | set(installed.get("groups", ()))), state)
    return steps


def _state() -> str:
    """Return the hash of everything that decides what is installed."""
    digest = hashlib.sha256(repr((str(ROOT), sys.version_info[:2])).encode())
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def _installed() -> dict:
    """Return what the last finished installation wrote down, empty if there is none."""
    try:
        if not Path(_tool("python")).exists() or BEGUN.exists():
            return {}
        return dict(json.loads(STAMP.read_text("utf-8")))
    except (OSError, ValueError):
        return {}


def _make_venv(steps: Progress) -> None:
    """Make `.venv` with the pinned uv in it, anew if broken or another Python's."""
    steps.begin("Python environment in .venv")
    kept = _runs_this_python() and not BEGUN.exists()
    if not kept:
        _make_anew()
    if not _has_pinned_uv():
        _install_uv()
    steps.end(f"{'kept' if kept else 'made'}, Python {sys.version.split()[0]}")


def _make_anew() -> None:
    if VENV.exists() and Path(sys.prefix).resolve() == VENV.resolve():
        raise Stop("`.venv` must be made anew, but it is active: `deactivate`, then run this again")
    free = shutil.disk_usage(str(ROOT)).free / 1e9
    if free < NEEDED_GB:
        raise Stop(f"{free:.1f} GB are free on the disk of '{ROOT}'; {NEEDED_GB} GB are needed")
    try:
        import venv
    except ImportError:
        raise Stop(_no_venv()) from None
    if VENV.exists():
        shutil.rmtree(VENV)
    # Debian splits ensurepip off; without it another installer may still be at hand.
    with_pip = importlib.util.find_spec("ensurepip") is not None
    try:
        venv.EnvBuilder(symlinks=os.name != "nt", with_pip=with_pip).create(VENV)
    except subprocess.CalledProcessError:
        shutil.rmtree(VENV)
        venv.EnvBuilder(symlinks=os.name != "nt").create(VENV)


def _runs_this_python() -> bool:
    """Return whether `.venv` has a Python that runs and is of this one's version."""
    said = _said([_tool("python"), "-c", "import sys; print(*sys.version_info[:2])"])
    return said.split() == [str(part) for part in sys.version_info[:2]]


def _has_pinned_uv() -> bool:
    return _said([_tool("uv"), "--version"]).split()[1:2] == [_pin("uv").split()[0].split("==")[1]]


def _no_venv() -> str:
    number = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return (
        f"the Python {number} at '{sys.executable}' cannot make an environment: it comes without "
        f"ensurepip and pip. On Debian and Ubuntu: `apt-get install python{number}-venv`. "
        "Or name another Python: `make start PYTHON=…`"
    )


def _pin(name: str) -> str:
    """Return the lines of constraints.txt that pin a package, hashes included."""
    text = (ROOT / "constraints.txt").read_text("utf-8")
    found = re.search(rf"^{re.escape(name)}==.*(?:\n +--hash.*)*", text, re.MULTILINE)
    if not found:
        raise Stop(f"constraints.txt does not pin '{name}'; run `git checkout constraints.txt`")
    return found.group()


def _install_uv() -> None:
    """Install the pinned uv by whichever installer there is: the venv's pip, the system's, a uv."""
    handle, name = tempfile.mkstemp(suffix=".txt")
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(_pin("uv") + "\n")
    what = ["install", "-q", "--require-hashes", "--no-deps", "-r", name]
    python = _tool("python")
    if _said([python, "-m", "pip", "--version"]):
        command = [python, "-m", "pip", *what]
    elif _said([sys.executable, "-m", "pip", "--version"]):
        command = [sys.executable, "-m", "pip", "--python", python, *what]
    elif shutil.which("uv"):
        command = ["uv", "pip", *what, "--python", python]
    else:
        raise Stop(_no_venv())
    try:
        if subprocess.call(command, env=_quiet_environment()):
            raise Stop(
                "the installer uv could not be fetched; see above. Is there a network? "
                "Then run the same command again"
            )
    finally:
        Path(name).unlink()


def _install(steps: Progress, groups: list[str], state: str) -> None:
    """Install the groups at the pinned versions; each file's hash is compared with the pin's."""
    steps.begin(f"packages for {', '.join(groups)} (about 2 GB; some minutes the first time)")
    chosen = [part for name in groups for part in ("--group", name)]
    pins = ("--constraints", "constraints.txt", "--build-constraints", "constraints.txt")
    # A package that was being written when the power went would pass for whole.
    BEGUN.touch()
    uv = [_tool("uv"), "pip", "install", "--quiet", *_certificates(), "--python", _tool("python")]
    if _call_with_clock([*uv, *pins, "--editable", ".", *chosen]):
        raise Stop(
            "the packages could not be installed; see above. What was fetched is kept: "
            "run the same command again"
        )
    STAMP.write_text(json.dumps({"state": state, "groups": groups}), "utf-8")
    BEGUN.unlink()
    steps.end()
    if "labs" in groups:
        # Without its archive Spark starts as well, only in twice the time.
        print("      preparing Spark for faster starts (about a minute)", flush=True)
        subprocess.call(
            [_tool("python"), "-m", "lakebook.runtime.archive"],
            cwd=str(ROOT),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def _call_with_clock(command: list[str]) -> int:
    """Run a command; on a terminal show the seconds, so that a long wait is seen to move."""
    begun = time.monotonic()
    process = subprocess.Popen(command, cwd=str(ROOT), env=_quiet_environment())
    try:
        while process.poll() is None:
            if sys.stdout.isatty():
                print(f"\r      {time.monotonic() - begun:.0f} s ", end="", flush=True)
            time.sleep(0.2)
    except KeyboardInterrupt:
        process.wait()  # Ctrl-C reached it as well
        raise
    finally:
        if sys.stdout.isatty():
            print("\r", end="")
    return process.returncode


def _certificates() -> list[str]:
    """Return uv's option to trust what the machine trusts, where it has such a list at all."""
    paths = ssl.get_default_verify_paths()
    known = os.name == "nt" or sys.platform == "darwin" or paths.cafile or paths.capath
    return ["--system-certs"] if known else []


def _quiet_environment() -> dict:
    """Return the environment without what would send an installer to another Python."""
    leave_out = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "CONDA_PREFIX")
    kept = {name: value for name, value in os.environ.items() if name not in leave_out}
    return {**kept, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def _browser() -> str:
    """Return the path of Chromium for the page tests; on Debian install it if this is root."""
    found = _found_browser()
    if found:
        return found
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        print("      installing Debian's chromium", flush=True)
        for command in (["update", "-qq"], ["install", "-y", "-qq", "chromium"]):
            subprocess.call(
                ["apt-get", *command],
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                stdout=subprocess.DEVNULL,
            )
        found = _found_browser()
        if found:
            return found
    raise Stop(
        "the page tests need Chromium, which is not here. On Debian: `sudo apt-get install "
        "chromium`; elsewhere: `.venv/bin/playwright install chromium`"
    )


def _found_browser() -> str:
    for name in BROWSERS:
        found = shutil.which(name)
        if found:
            return found
    ask = (
        "from playwright.sync_api import sync_playwright\n"
        "with sync_playwright() as it: print(it.chromium.executable_path)"
    )
    fetched = _said([_tool("python"), "-c", ask]).strip()
    return fetched if fetched and Path(fetched).exists() else ""


def _said(command: list[str]) -> str:
    """Return what a command prints, nothing if it fails or is not there."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError:
        return ""
    return "" if done.returncode else done.stdout.decode("utf-8", "replace")


def _tool(name: str) -> str:
    return str(BIN / (f"{name}.exe" if os.name == "nt" else name))


def _hand_over(command: list[str]) -> int:
    """Become the command, so that Ctrl-C and the exit status are its own."""
    environment = _quiet_environment()
    _keep_bytecode(environment)
    environment["PATH"] = os.pathsep.join((str(BIN), environment.get("PATH", os.defpath)))
    os.chdir(ROOT)
    sys.stdout.flush()
    if os.name == "nt":
        return subprocess.call(command, env=environment)
    os.execve(command[0], command, environment)


def _keep_bytecode(environment: dict) -> None:
    """Where this machine keeps no compiled Python, have it kept in `.venv` all the same.

    A notebook, its kernel and each worker of Spark import the same large packages. To compile
    them anew takes twice as long as to run them.
    """
    if environment.pop("PYTHONDONTWRITEBYTECODE", ""):
        environment.setdefault("PYTHONPYCACHEPREFIX", str(VENV / "bytecode"))


if __name__ == "__main__":
    # The folder of this file holds modules whose names are not meant for the standard library.
    sys.path.pop(0)
    sys.exit(main(sys.argv[1:]))
