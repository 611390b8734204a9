"""Ending a notebook before its last cell, without a traceback.

Where somebody sits in front of it, the cells that were asked for are given up, as after an error.
Where a program runs it (papermill, nbclient, nbval), the remaining cells do nothing, and the
notebook counts as run to its end.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

MIME = "application/vnd.lakebook.exit+json"


class Stop(BaseException):
    """Ends the cell that is running, quietly; `except Exception` does not stop it."""


class NotebookExit(Stop):
    """What `dbutils.notebook.exit` raises; its argument is the value."""


class Stopping:
    """The handling of Stop in one shell."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._ended = False
        self._inner = 0

    def install(self) -> None:
        """Let the shell treat Stop as an end and not as an error."""
        self._shell.set_custom_exc((Stop,), self._handle)
        self._shell.events.register("post_run_cell", self._forgive)
        self._shell.input_transformers_cleanup.insert(0, self._skip)

    def uninstall(self) -> None:
        """Treat it as any other exception again."""
        self._shell.set_custom_exc((), None)
        self._shell.events.unregister("post_run_cell", self._forgive)
        self._shell.input_transformers_cleanup.remove(self._skip)

    @contextlib.contextmanager
    def inner(self) -> Iterator[None]:
        """Leave what ends a cell to the cell that runs it: `%run` runs cells within a cell."""
        self._inner += 1
        try:
            yield
        finally:
            self._inner -= 1

    def _handle(
        self, shell: Any, kind: type[BaseException], value: BaseException, tb: Any, **_: Any
    ) -> None:
        if isinstance(value, NotebookExit) and not self._inner:
            from IPython.display import display

            text = f"Notebook exited: {value}"
            display({"text/plain": text, MIME: {"value": str(value)}}, raw=True)
            self._ended = unattended(shell)

    def _forgive(self, result: Any) -> None:
        """Let an ended cell count as run, unless those that wait must be given up."""
        ended = isinstance(result.error_in_exec, Stop) and not self._inner
        if ended and unattended(self._shell):
            result.error_in_exec = None

    def _skip(self, lines: list[str]) -> list[str]:
        return [] if self._ended and unattended(self._shell) else lines


def unattended(shell: Any) -> bool:
    """Return whether a program runs the notebook: it allows no question to be asked of a user."""
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return False
    content = kernel.get_parent("shell").get("content", {})
    return content.get("allow_stdin") is False
