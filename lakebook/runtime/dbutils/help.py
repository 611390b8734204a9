"""`help()` at each level of dbutils, printed from the docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from lakebook.errors import LakebookError, unknown


class Utility:
    """A group of commands that explains itself."""

    _path = ""  # how a notebook calls it, for example "dbutils.fs"

    def help(self, command: str = "") -> None:
        """Print what there is, or with the name of a command all about it.

        Raises LakebookError if there is no such command.
        """
        known = dict(self._members())
        if not command:
            print(self._overview(known))
        elif command not in known:
            raise unknown(f"{self._path} command", command, known)
        elif isinstance(known[command], Utility):
            known[command].help()
        else:
            text = inspect.getdoc(known[command])
            print(f"{self._path}.{_signature(command, known[command])}\n\n{text}")

    def __getattr__(self, name: str) -> Any:
        """Raise AttributeError that names the nearest command."""
        if name.startswith("_"):
            raise AttributeError(name)
        message = str(unknown(f"{self._path} command", name, dict(self._members())))
        raise AttributeError(f"{message} {self._path}.help() lists them")

    def __repr__(self) -> str:
        """Return how a notebook calls it."""
        return f"<{self._path}; {self._path}.help() lists its commands>"

    def __reduce__(self) -> NoReturn:
        """Raise LakebookError: functions that Spark sends to its workers cannot take it along."""
        raise LakebookError(
            f"{self._path} works in the notebook only, not in a function that Spark runs on its "
            "workers; read what the function needs before, into a variable"
        )

    def _members(self) -> Iterator[tuple[str, Any]]:
        """Yield the commands and groups in the order in which they are written."""
        for kind in reversed(type(self).__mro__):
            for name, value in vars(kind).items():
                if name != "help" and not name.startswith("_") and callable(value):
                    yield name, getattr(self, name)
        for name, value in vars(self).items():
            if isinstance(value, Utility):
                yield name, value

    def _overview(self, known: dict[str, Any]) -> str:
        lines = [inspect.getdoc(type(self)) or "", ""]
        for name, value in known.items():
            if isinstance(value, Utility):
                lines.append(f"{name} -> {_first_line(value)}")
            else:
                lines.append(f"{_signature(name, value)} -> {_first_line(value)}")
        for name, value in known.items():
            group = isinstance(value, Utility)
            more = f"{self._path}.{name}.help()" if group else f"{self._path}.help({name!r})"
            return "\n".join([*lines, "", f"More, for example: {more}"])
        return "\n".join(lines)


def _signature(name: str, command: Callable[..., Any]) -> str:
    # Annotations are kept as text, so the signature shows them in quotes.
    return name + re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(inspect.signature(command)))


def _first_line(value: Any) -> str:
    text = inspect.getdoc(type(value) if isinstance(value, Utility) else value) or ""
    return text.partition("\n")[0]
