"""Start the workspace server, say where it is, and stop it with all that it started."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from lakebook import workspace
from lakebook.errors import LakebookError
from lakebook.start import processes

STEPS = 4
READY_SECONDS = 120
STOP_SECONDS = 15
KEPT_LOGS = 10

# Sources of the book, newer than the build when it has to be built again.
SOURCES = ("_toc.yml", "_config.yml", "book", "labs", "solutions", "datasets", "lakebook")

# JupyterLab asks for news and updates of itself and of extensions; nothing here asks the network.
QUIET = (
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
)
ANNOUNCEMENTS = "@jupyterlab/apputils-extension:announcements"


class StartError(LakebookError):
    """The workspace could not be started, or ended unexpectedly."""


class _Steps:
    """One line for each step; goes on counting where `make start` has begun."""

    def __init__(self) -> None:
        done, _, total = os.environ.pop("LAKEBOOK_STEPS", f"0/{STEPS}").partition("/")
        self._number, self._total = int(done), int(total)

    @contextlib.contextmanager
    def step(self, what: str) -> Iterator[list[str]]:
        """Print what is done, then what came of it: the text the caller puts into the list."""
        self._number += 1
        started = time.monotonic()
        print(f"[{self._number}/{self._total}] {what}", flush=True)
        result: list[str] = []
        yield result
        seconds = time.monotonic() - started
        print(f"      {'; '.join(result) or 'done'}, {seconds:.1f} s", flush=True)


def start(*, port: int, browser: bool, home: str | None) -> int:
    """Run the workspace until it is stopped; return 0.

    Raises StartError if it does not come up or ends unexpectedly, with the last lines of its log.
    """
    if not 1 <= port <= 65535:
        raise StartError(f"port {port} does not exist; choose one from 1024 to 65535")
    if home:
        os.environ["LAKEBOOK_HOME"] = str(Path(home).expanduser().resolve())
    mark, token = uuid.uuid4().hex, secrets.token_hex(16)
    environment = _environment(mark, token)
    steps, stop, keeper = _Steps(), _Stop(), processes.Keeper(mark)
    server = None
    try:
        with steps.step("Java") as result:
            result.append(_java(environment))
        with steps.step("the book") as result:
            result.append(_book(environment, stop))
        with steps.step("the store of experiments") as result:
            result.append(_store(environment, stop))
        log = _log()
        with steps.step("the server") as result, log.open("ab") as stream:
            server = _server(port, environment, stream)
            address, at = _address(server, environment, log, stop)
            result.append("ready" if at == port else f"port {port} is taken; using {at}")
        _announce(address, token, browser)
        while server.poll() is None:
            stop.check()
            time.sleep(0.2)
        if server.returncode:
            raise StartError(
                f"the server ended unexpectedly (status {server.returncode}). What you saved is "
                f"there; `lakebook start` starts again. {_tail(log)}"
            )
        return 0
    except _Stopped:
        print("\nstopping", flush=True)
        return 0
    finally:
        _finish(server, mark, stop)
        keeper.release()


class _Stopped(Exception):
    """Somebody asked for the end, by Ctrl-C, a signal or a closed terminal."""


class _Stop:
    """How often somebody asked for the end."""

    def __init__(self) -> None:
        self.asked = 0
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._ask)

    def _ask(self, *_: object) -> None:
        self.asked += 1

    def check(self) -> None:
        """Raise _Stopped if somebody asked for the end."""
        if self.asked:
            raise _Stopped


def _environment(mark: str, token: str) -> dict[str, str]:
    """Return the environment of the server and of all that it starts."""
    own = workspace.path("jupyter", "config", ".keep").parent.parent
    # Labs opened here log to the store whose UI is shown here, whatever other projects use.
    others = ("JUPYTER", "MLFLOW", "_MLFLOW")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    return kept | {
        processes.MARK: mark,
        "LAKEBOOK_ROOT": str(workspace.root()),
        "LAKEBOOK_HOME": str(workspace.home()),
        # In the environment, for the command line is visible to everybody on the machine.
        "JUPYTER_TOKEN": token,
        # Neither read nor written: settings and kernels that a person has for other projects.
        "JUPYTER_CONFIG_DIR": str(own / "config"),
        "JUPYTER_DATA_DIR": str(own / "data"),
        "JUPYTER_RUNTIME_DIR": str(own / "runtime"),
        "IPYTHONDIR": str(own / "ipython"),
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", ""))),
        "DO_NOT_TRACK": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def _java(environment: dict[str, str]) -> str:
    from lakebook.runtime.java import JavaError, ensure_java

    try:
        home = ensure_java()
    except JavaError as error:
        return f"the book and MLflow work, but Spark does not start: {error}"
    environment["JAVA_HOME"] = str(home)
    return "the one from PyPI" if home.is_relative_to(workspace.home()) else f"in {home}"


def _run(command: list[str], environment: dict[str, str], stop: _Stop) -> tuple[int, str]:
    """Run a Python command; return its exit status and standard error. Raises _Stopped."""
    with subprocess.Popen(
        [sys.executable, *command],
        cwd=workspace.root(),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        while True:
            try:
                said = process.communicate(timeout=0.2)[1]
                return process.returncode, said
            except subprocess.TimeoutExpired:
                if stop.asked:
                    process.terminate()
                    raise _Stopped from None


def _book(environment: dict[str, str], stop: _Stop) -> str:
    """Build the book if it is missing or older than its sources; return what came of it."""
    root = workspace.root()
    page = root / "_build" / "html" / "index.html"
    # Its time is that of the start of the last clean build: what changes during one is newer.
    stamp = root / "_build" / "clean-since"
    if page.is_file() and stamp.is_file() and _newest(root) <= stamp.stat().st_mtime:
        return "up to date"
    with workspace.lock("book"):
        began = time.time()
        status, said = _run(["-m", "lakebook.cli", "book"], environment, stop)
        if status == 0:
            stamp.touch()
            os.utime(stamp, (began, began))
            return "built"
    print(said.rstrip(), file=sys.stderr)
    if page.is_file():
        return "not built cleanly, for the reasons above; the pages there are shown"
    return "not built, for the reasons above; everything else works. Try again with `make book`"


def _newest(root: Path) -> float:
    """Return when a source of the book was last changed, in seconds since 1970."""
    newest = 0.0
    for name in SOURCES:
        top = root / name
        for file in [top, *top.rglob("*")]:
            if {"__pycache__", ".ipynb_checkpoints"} & {*file.parts}:
                continue
            with contextlib.suppress(OSError):  # gone meanwhile, as an editor's copy
                newest = max(newest, file.stat().st_mtime if file.is_file() else 0)
    return newest


def _store(environment: dict[str, str], stop: _Stop) -> str:
    # In a process of its own: MLflow's import is large, and the launcher lives as long as the work.
    make = "from lakebook.runtime import tracking; tracking.create_store()"
    status, said = _run(["-c", make], environment, stop)
    if status:
        last = (said.strip().splitlines() or ["no message"])[-1]
        raise StartError(
            f"the store of experiments '{workspace.path('mlflow.db')}' cannot be made ({last}); "
            "free some space or choose another folder with --home, then start again"
        )
    return "ready"


def _log() -> Path:
    """Return the file for the server's messages; the oldest of earlier ones go."""
    log = workspace.path("logs", f"server-{os.getpid()}.log")
    older = sorted(log.parent.glob("server-*.log"), key=lambda file: file.stat().st_mtime)
    for file in older[:-KEPT_LOGS]:
        file.unlink(missing_ok=True)
    log.write_text("", encoding="utf-8")
    return log


def _server(port: int, environment: dict[str, str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    root = workspace.root()
    config = Path(environment["JUPYTER_CONFIG_DIR"])
    workspace.write_atomic(
        config / "labconfig" / "page_config.json",
        json.dumps({"disabledExtensions": {ANNOUNCEMENTS: True}}),
    )
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", *QUIET]
    command += [
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        f"--ServerApp.root_dir={root}",
        "--ServerApp.jpserver_extensions=lakebook.server=True",
        # The mock exam is a megabyte of text, and a sixth of that when it is compressed.
        "--ServerApp.tornado_settings={'compress_response': True}",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # as in a container, where there is nobody else
    return subprocess.Popen(
        command,
        cwd=root,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        # Ctrl-C reaches the launcher alone, which then stops everything in order.
        start_new_session=True,
    )


def _address(
    server: subprocess.Popen[bytes], environment: dict[str, str], log: Path, stop: _Stop
) -> tuple[str, int]:
    """Return the address of the server, once it answers, and its port. Raises _Stopped."""
    note = Path(environment["JUPYTER_RUNTIME_DIR"]) / f"jpserver-{server.pid}.json"
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        stop.check()
        if server.poll() is not None:
            raise StartError(f"the server ended while it started: {_tail(log)}")
        with contextlib.suppress(OSError, ValueError):
            said = json.loads(note.read_text("utf-8"))
            with urllib.request.urlopen(said["url"] + "api", timeout=5):
                return said["url"], int(said["port"])
        time.sleep(0.1)
    raise StartError(f"the server did not answer within {READY_SECONDS} s: {_tail(log)}")


def _tail(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").splitlines()[-8:]
    return "\n".join(["", *lines, f"The whole log: {log}"])


def _announce(address: str, token: str, browser: bool) -> None:
    book = f"{address}book/?token={token}"
    print(f"\nLakebook is open at\n\n    {book}\n\nCtrl-C here stops it.", flush=True)
    # On Linux without a screen, a browser for the terminal would take this one over.
    has_screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if browser and (has_screen or not sys.platform.startswith("linux")):
        webbrowser.open(book)


def _finish(server: subprocess.Popen[bytes] | None, mark: str, stop: _Stop) -> None:
    """End the server and all that it started; a second request for the end is not made to wait."""
    if server is None:
        processes.end(mark)
        return
    known = processes.below(server.pid)
    if server.poll() is None:
        server.terminate()
    asked, deadline = stop.asked, time.monotonic() + STOP_SECONDS
    while server.poll() is None and stop.asked == asked and time.monotonic() < deadline:
        time.sleep(0.1)
    processes.end(mark, known)
    server.wait()
