"""Jupyter Server extension: the built book under /book/, the MLflow UI under /mlflow/."""

from __future__ import annotations

import json
import sys
from typing import Any

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web

from lakebook import workspace
from lakebook.errors import LakebookError

# Pages may use nothing but what this address serves.
POLICY = "; ".join(
    (
        "default-src 'self' 'unsafe-inline' data: blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)

# MLflow 3 greets with its pages for generative AI; the labs train models.
EXPERIMENTS = "/#/experiments?workflowType=machine_learning"


class _OwnPages(JupyterHandler):
    """Pages behind the server's login.

    Jupyter's own /files/ puts pages into a sandbox in which localStorage fails, so the book
    cannot be served from there.
    """

    @property
    def content_security_policy(self) -> str:
        return POLICY


class BookHandler(_OwnPages, web.StaticFileHandler):
    """The files of the built book; tornado refuses every path outside of it."""

    # 2026-11-20: mypy is silenced twice, for tornado types what `authenticated` wraps as a plain
    # method, which may return None; the coroutine it is handed is returned as it is.
    @web.authenticated
    async def get(  # type: ignore[override]
        self, path: str, include_body: bool = True
    ) -> None:
        """Answer with a page, after the login."""
        await web.StaticFileHandler.get(self, path, include_body)

    @web.authenticated
    async def head(self, path: str) -> None:  # type: ignore[override]
        """Answer with the headers of a page, after the login."""
        await web.StaticFileHandler.get(self, path, include_body=False)

    def set_extra_headers(self, path: str) -> None:
        """Let the browser ask each time, for the book may have been built again."""
        self.set_header("Cache-Control", "no-cache")


class LearnerRecord(_OwnPages):
    """``record``: what the exam's pages remember, merged into the learner's file on disk."""

    LARGEST = 50_000_000  # bytes; an attempt at a mock exam has about 100,000

    @web.authenticated
    def post(self) -> None:
        """Merge the record of a page into the file and answer with what the file has now."""
        from lakebook.exam import record

        try:
            if len(self.request.body) > self.LARGEST:
                raise record.BadRecord(f"the record is larger than {self.LARGEST:,} bytes")
            sent = json.loads(self.request.body)
            answer = record.keep(sent)
        except (ValueError, record.BadRecord) as error:
            self._refuse(400, error if isinstance(error, LakebookError) else "it is not JSON")
        except record.NewerRecord as error:
            self._refuse(409, error)
        except LakebookError as error:
            self._refuse(507, error)
        else:
            self.finish(answer)

    def _refuse(self, status: int, reason: object) -> None:
        self.log.warning("the record is not kept: %s", reason)
        self.set_status(status)
        self.finish({"message": str(reason)})


class WorkspaceScript(_OwnPages):
    """``_static/workspace.js``: tells a page that it runs inside the workspace, and where."""

    @web.authenticated
    def get(self) -> None:
        """Answer with the script; progress is read anew each time."""
        base = self.base_url
        known = {
            "base": base,
            "lab": url_path_join(base, "lab", "tree") + "/",
            "mlflow": url_path_join(base, "mlflow") + EXPERIMENTS,
            "progress": self._progress(),
            "record": url_path_join(base, "book", "record"),
            "xsrf": self.xsrf_token.decode(),  # and the cookie that has to agree with it
        }
        self.set_header("Content-Type", "text/javascript; charset=utf-8")
        self.set_header("Cache-Control", "no-cache")
        self.finish(f"window.lakebook = {json.dumps(known)};\n")

    def _progress(self) -> dict[str, Any]:
        """Return what has been passed of each lab; a page works without it too."""
        from lakebook.labs import progress

        try:
            return progress.summary()
        except LakebookError as error:
            self.log.warning("progress is not shown: %s", error)
            return {}


def mlflow_server() -> dict[str, Any]:
    """Return how jupyter-server-proxy runs the MLflow UI, which it starts at its first request."""
    return {
        "command": [
            *(sys.executable, "-m", "mlflow", "server"),
            *("--host", "127.0.0.1", "--port", "{port}", "--workers", "1"),
            *("--backend-store-uri", workspace.tracking_uri()),
            *("--artifacts-destination", str(workspace.artifacts())),
        ],
        # Without its queue of jobs the server is two processes instead of ten.
        "environment": {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        # The first start on a slow machine was seen to take 83 s.
        "timeout": 180,
        "absolute_url": False,
        "launcher_entry": {"title": "MLflow", "category": "Notebook"},
    }


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "lakebook.server"}]


def _link_jupyter_server_extension(app: Any) -> None:
    # Before any extension loads: the proxy reads its servers when it is loaded.
    app.config.ServerProxy.servers = {"mlflow": mlflow_server()}


def _load_jupyter_server_extension(app: Any) -> None:
    base = app.web_app.settings["base_url"]
    book = url_path_join(base, "book")
    pages = {"path": str(workspace.root() / "_build" / "html"), "default_filename": "index.html"}
    app.web_app.add_handlers(
        ".*$",
        [
            (book, web.RedirectHandler, {"url": f"{book}/", "permanent": False}),
            (f"{book}/_static/workspace.js", WorkspaceScript),
            (f"{book}/record", LearnerRecord),
            (f"{book}/(.*)", BookHandler, pages),
        ],
    )
