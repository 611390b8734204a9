"""A running `lakebook start`, asked over HTTP and, for its kernels, over a websocket."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
import websocket

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = (".git", ".venv", ".lakebook", "_build", "tests", "__pycache__", ".*_cache", ".ipynb_*")
READY_SECONDS = 240


@dataclass
class Running:
    """One running `lakebook start`."""

    process: subprocess.Popen[str]
    home: Path
    lines: list[str] = field(default_factory=list)
    base: str = ""
    token: str = ""

    def get(self, path: str, *, token: bool = True, data: Any = None) -> tuple[int, str]:
        """Return status and text of an address below the base; redirects are not followed."""
        opener = urllib.request.build_opener(_NoRedirect)
        request = urllib.request.Request(self.base + path)
        if token:
            request.add_header("Authorization", f"token {self.token}")
        if data is not None:
            request.data = json.dumps(data).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with opener.open(request, timeout=200) as answer:
                return answer.status, answer.read().decode("utf-8", "replace")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode("utf-8", "replace")

    def script(self) -> dict[str, Any]:
        """Return what ``workspace.js`` tells the pages."""
        status, text = self.get("/book/_static/workspace.js")
        assert status == 200, text
        return json.loads(text.removeprefix("window.lakebook = ").rstrip().rstrip(";"))

    def processes(self) -> dict[int, str]:
        """Return all processes of this workspace folder: those below, and those that carry it."""
        found = {}
        below = {child.pid for child in psutil.Process(self.process.pid).children(recursive=True)}
        for process in psutil.process_iter():
            try:
                own = process.environ().get("LAKEBOOK_HOME") == str(self.home)
                if own or process.pid in below:
                    found[process.pid] = " ".join(process.cmdline())
            except (psutil.Error, OSError):
                continue
        return found

    def stop(self, number: int = signal.SIGINT) -> str:
        """Send a signal to the launcher alone; return the rest of what it says."""
        self.process.send_signal(number)
        return self.process.communicate(timeout=60)[0]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


class Kernel:
    """A kernel started as JupyterLab starts one for a notebook, asked over its websocket."""

    def __init__(self, running: Running, notebook: str) -> None:
        body = {
            "path": notebook,
            "name": Path(notebook).name,
            "type": "notebook",
            "kernel": {"name": "python3"},
        }
        status, text = running.get("/api/sessions", data=body)
        assert status == 201, text
        kernel = json.loads(text)["kernel"]["id"]
        address = running.base.replace("http", "ws", 1)
        self._address = f"{address}/api/kernels/{kernel}/channels?token={running.token}"

    def run(self, code: str) -> str:
        """Run code and return what it prints or shows; an error in it fails the test."""
        sent = uuid.uuid4().hex
        header = {
            "msg_id": sent,
            "msg_type": "execute_request",
            "username": "reader",
            "session": "lab",
            "date": "2026-11-20T00:00:00Z",
            "version": "5.3",
        }
        content = {"code": code, "silent": False, "store_history": True}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        with contextlib.closing(websocket.create_connection(self._address, timeout=180)) as link:
            link.send(json.dumps({**message, "channel": "shell"}))
            return self._result(link, sent)

    def _result(self, link: websocket.WebSocket, sent: str) -> str:
        said = ""
        while True:
            answer = json.loads(link.recv())
            if answer["parent_header"].get("msg_id") != sent:
                continue
            kind, content = answer["msg_type"], answer["content"]
            if kind == "stream":
                said += content["text"]
            elif kind in ("execute_result", "display_data"):
                said += content["data"].get("text/plain", "")
            elif kind == "error":
                pytest.fail("\n".join(content["traceback"]))
            elif kind == "status" and content["execution_state"] == "idle":
                return said


def free_port() -> int:
    """Return a port that nobody listens at, with a few free ones above it most likely."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Return whether the condition came true within the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.2)
    return condition()


def alive(pids: dict[int, str]) -> dict[int, str]:
    """Return those of the processes that still run."""
    left = {}
    for pid, what in pids.items():
        with contextlib.suppress(psutil.NoSuchProcess):
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                left[pid] = what[:120]
    return left
