"""`%sql %fs %md %run %sh %python`, as on the platform, as lines and as cells.

On the platform a magic with one percent sign on the first line means the whole cell; here as well.
IPython's own forms, ``%%sql`` for a cell and ``%run program.py``, keep working.
"""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Callable
from typing import Any

from lakebook.errors import LakebookError, unknown
from lakebook.runtime.catalog.sql_tokens import split
from lakebook.runtime.dbutils import DBUtils, shell_commands, source
from lakebook.runtime.dbutils.stopping import Stop, Stopping

WHOLE_CELL = ("sql", "md", "sh", "python")
NO_LANGUAGE = ("scala", "r")
FIRST = re.compile(r"\s*%(\w+)(?:\s+(.*?))?\s*$", re.DOTALL)
ARGUMENT = re.compile(r"""\$(\w+)\s*=\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\S+)""")
# A name after a colon that is not part of `::` or of a path in semi-structured data.
MARKER = re.compile(r"(?<![:\w\])`'\"]):([A-Za-z_]\w*)")
FS_FLAGS = {"-r": "recurse", "--recurse": "recurse", "-f": "overwrite", "--overwrite": "overwrite"}


class Magics:
    """The magics of one shell."""

    def __init__(self, shell: Any, dbutils: Any, stopping: Stopping) -> None:
        self._shell = shell
        self._dbutils = dbutils
        self._stopping = stopping
        self._own_run: Callable[..., Any] | None = None

    def install(self) -> None:
        """Register the magics; IPython's `%run` stays at hand for Python files."""
        self._own_run = self._shell.find_line_magic("run")
        for name in ("sql", "fs", "md", "sh", "python"):
            self._shell.register_magic_function(getattr(self, name), "line_cell", name)
        self._shell.register_magic_function(self.run, "line", "run")
        self._shell.input_transformers_cleanup.append(self._whole_cell)

    def uninstall(self) -> None:
        """Put IPython's `%run` back and forget the others."""
        magics = self._shell.magics_manager.magics
        for kind in ("line", "cell"):
            for name in ("sql", "fs", "md", "sh", "python"):
                if getattr(magics[kind].get(name), "__self__", None) is self:
                    del magics[kind][name]
        if self._own_run is not None:
            magics["line"]["run"] = self._own_run
        self._shell.input_transformers_cleanup.remove(self._whole_cell)

    def sql(self, line: str, cell: str | None = None) -> None:
        """Run SQL and show the last result, which stays at hand as ``_sqldf``.

        A marker such as ``:name`` takes the value of the widget of that name.
        """
        result = None
        for statement in split("\n".join(filter(None, (line, cell)))):
            arguments = self._markers(statement)
            run = self._shell.user_ns["spark"].sql
            result = run(statement, args=arguments) if arguments else run(statement)
        if result is not None:
            self._shell.user_ns["_sqldf"] = result
            if result.columns:
                self._show(result)

    def fs(self, line: str, cell: str | None = None) -> None:
        """Run commands of dbutils.fs, one a line: ``%fs ls /Volumes/main/default/raw``."""
        for command in filter(str.strip, [line, *(cell or "").splitlines()]):
            self._fs(shlex.split(command))

    def md(self, line: str, cell: str | None = None) -> None:
        """Show Markdown."""
        from IPython.display import Markdown, display

        display(Markdown("\n".join(filter(None, (line, cell)))))

    def sh(self, line: str, cell: str | None = None) -> None:
        """Run commands of the shell and show what they print; with ``-e`` a failure raises."""
        strict, _, rest = line.strip().partition(" ")
        fails = strict == "-e"
        script = "\n".join(filter(None, (rest if fails else line, cell)))
        status = shell_commands.run(script, stop_at_error=fails)
        if status and fails:
            raise LakebookError(f"the commands ended with exit status {status}")
        if status:
            print(f"exit status {status}")

    def python(self, line: str, cell: str | None = None) -> None:
        """Run Python in this notebook, in whatever language the rest of it may be."""
        self._run_cell("\n".join(filter(None, (line, cell))), "the cell of %python")

    def run(self, line: str) -> Any:
        """Run another notebook in place: what it defines is then defined here.

        ``%run ./other $name="value"`` gives its widget `name` a value. A Python file (``.py``) is
        run as by IPython's own `%run`.
        """
        path, arguments = _run_arguments(line)
        try:
            found = source.locate(path)
        except LakebookError:
            if self._is_ipythons(line):
                return self._own_run(line) if self._own_run else None
            raise
        if source.running(found):
            raise LakebookError(f"notebook '{path}' runs itself by %run; that would never end")
        notebook = source.read(found)
        code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
        with source.inside(found), self._dbutils.widgets._arguments(arguments):
            for number, text in enumerate(code, 1):
                self._run_cell(text, f"code cell {number} of notebook '{path}'")
        return None

    def _run_cell(self, text: str, name: str) -> None:
        with self._stopping.inner():
            result = self._shell.run_cell(text, store_history=False)
        error = result.error_before_exec or result.error_in_exec
        if isinstance(error, Stop):
            raise error
        if error is not None:
            # Its own traceback stands above.
            raise LakebookError(f"{name} failed: {type(error).__name__}: {error}") from None

    def _is_ipythons(self, line: str) -> bool:
        """Return whether `%run` is meant as IPython's: for a program, or with its options."""
        words = line.split()
        if not words or words[0].startswith("-") or words[0].endswith((".py", ".ipy")):
            return True
        from IPython.utils.path import get_py_filename

        with contextlib.suppress(OSError):
            return bool(get_py_filename(words[0]))
        return False

    def _fs(self, words: list[str]) -> None:
        command, *rest = words
        call = getattr(self._dbutils.fs, command, None)
        if command.startswith("_") or not callable(call):
            names = [name for name, _ in DBUtils().fs._members()]
            raise unknown("%fs command", command, [*names, "help"])
        options = {FS_FLAGS[word]: True for word in rest if word in FS_FLAGS}
        values = [word for word in rest if word not in FS_FLAGS]
        for word in [word for word in values if re.match(r"--?\w+=", word)]:
            values.remove(word)
            name, _, value = word.lstrip("-").partition("=")
            options[_snake(name)] = _value(value)
        self._show_listing(call(*values, **options))

    def _show_listing(self, result: Any) -> None:
        if isinstance(result, list):
            import pandas as pd

            self._show(pd.DataFrame([row._asdict() for row in result]))
        elif isinstance(result, str):
            print(result)

    def _show(self, frame: Any) -> None:
        self._shell.user_ns["display"](frame)

    def _markers(self, statement: str) -> dict[str, str]:
        given = self._dbutils.widgets.getAll() if hasattr(self._dbutils, "widgets") else {}
        named = set(MARKER.findall(statement)) if given else set()
        return {name: value for name, value in given.items() if name in named}

    def _whole_cell(self, lines: list[str]) -> list[str]:
        """Turn a cell that starts with one of the platform's magics into one cell magic."""
        first = next((index for index, line in enumerate(lines) if line.strip()), None)
        found = FIRST.match(lines[first]) if first is not None else None
        if found is None or first is None:
            return lines
        name, body = found[1], lines[first + 1 :]
        if name in NO_LANGUAGE and self._shell.find_line_magic(name) is None:
            raise LakebookError(f"%{name}: notebooks here speak Python, SQL and the shell")
        filled = [line for line in body if line.strip()]
        if name not in WHOLE_CELL or not filled:
            return lines
        # Several magics below one another are a habit of IPython; the platform takes one a cell.
        if all(line.lstrip().startswith("%") for line in filled) and name != "md":
            return lines
        if name == "python":
            return [f"{found[2]}\n", *body] if found[2] else body
        return [f"%%{name} {found[2] or ''}".rstrip() + "\n", *body]


def _run_arguments(line: str) -> tuple[str, dict[str, str]]:
    arguments = {}
    for name, value in ARGUMENT.findall(line):
        quoted = value[:1] in ("'", '"') and value[-1:] == value[:1] and len(value) > 1
        arguments[name] = re.sub(r"\\(.)", r"\1", value[1:-1]) if quoted else value
    path = ARGUMENT.sub("", line).strip().strip("\"'")
    if not path:
        raise LakebookError('%run needs a notebook: %run ./other $name="value"')
    return path, arguments


def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda letter: "_" + letter[1].lower(), name)


def _value(text: str) -> Any:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    return int(text) if text.isdigit() else text
