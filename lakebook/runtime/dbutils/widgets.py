"""`dbutils.widgets`: the parameters of a notebook.

A widget takes its value from the first of: arguments of ``%run``; papermill's parameters; the
arguments of ``dbutils.notebook.run``; the environment variable ``LAKEBOOK_WIDGETS``, a JSON object;
its default.
"""

from __future__ import annotations

import ast
import contextlib
import html
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lakebook.errors import LakebookError, unknown
from lakebook.runtime.dbutils.help import Utility

# How the arguments of `dbutils.notebook.run` reach the kernel of the notebook that is run.
RUN_ARGUMENTS = "LAKEBOOK_RUN_ARGUMENTS"
SESSION_WIDGETS = "LAKEBOOK_WIDGETS"
PAPERMILL = "# Parameters\n"  # the first line of the cell that papermill puts in


@dataclass(frozen=True)
class Widget:
    """One parameter: its kind, what it is called, and its value, which is always text."""

    kind: str
    name: str
    value: str
    choices: tuple[str, ...]
    label: str


class Widgets(Utility):
    """Parameters of a notebook, with a value that whoever runs it may give."""

    _path = "dbutils.widgets"

    def __init__(self, shell: Any = None) -> None:
        self._shell = shell
        self._widgets: dict[str, Widget] = {}
        self._inline: list[Mapping[str, str]] = []
        self._changed = False

    def text(self, name: str, defaultValue: str, label: str | None = None) -> None:
        """Create a widget for any text.

        Another value than the default comes from `papermill -p NAME VALUE`, from the arguments of
        dbutils.notebook.run or %run, or from the environment: LAKEBOOK_WIDGETS='{"NAME": "VALUE"}'.
        While you work, change the default and run the cell again.
        """
        self._create("text", name, defaultValue, None, label)

    def dropdown(
        self, name: str, defaultValue: str, choices: Sequence[str], label: str | None = None
    ) -> None:
        """Create a widget whose value is one of the choices, and so is its default."""
        self._create("dropdown", name, defaultValue, choices, label)

    def combobox(
        self, name: str, defaultValue: str, choices: Sequence[str], label: str | None = None
    ) -> None:
        """Create a widget that offers choices and takes any other text as well."""
        self._create("combobox", name, defaultValue, choices, label)

    def multiselect(
        self, name: str, defaultValue: str, choices: Sequence[str], label: str | None = None
    ) -> None:
        """Create a widget whose value is one or more of the choices, with commas between them."""
        self._create("multiselect", name, defaultValue, choices, label)

    def get(self, name: str) -> str:
        """Return the value of a widget, or of an argument that was given without one.

        Raises LakebookError if there is neither.
        """
        if name in self._widgets:
            return self._widgets[name].value
        given = self._given(name)
        if given is None:
            raise unknown("widget", name, self._widgets)
        return given[0]

    def getArgument(self, name: str, defaultValue: str | None = None) -> str | None:
        """Return the value of a widget, or `defaultValue` if there is none. Use get instead."""
        if name not in self._widgets and self._given(name) is None and defaultValue is not None:
            return defaultValue
        return self.get(name)

    def getAll(self) -> dict[str, str]:
        """Return the values of all widgets by name."""
        return {name: widget.value for name, widget in self._widgets.items()}

    def remove(self, name: str) -> None:
        """Remove a widget; raises LakebookError if there is none of this name."""
        if name not in self._widgets:
            raise unknown("widget", name, self._widgets)
        del self._widgets[name]
        self._changed = bool(self._widgets)

    def removeAll(self) -> None:
        """Remove all widgets."""
        self._widgets.clear()
        self._changed = False

    @contextlib.contextmanager
    def _arguments(self, given: Mapping[str, str]) -> Iterator[None]:
        """Let the arguments of `%run` be values of the widgets that the notebook creates."""
        self._inline.append(given)
        # A widget that exists already takes the value too, as if it had been typed into it.
        for name in given.keys() & self._widgets.keys():
            old = self._widgets[name]
            self._create(old.kind, name, old.value, old.choices or None, old.label)
        try:
            yield
        finally:
            self._inline.pop()

    def _show(self) -> None:
        """Show the widgets as a table if any has changed since it was last shown."""
        if not self._changed:
            return
        self._changed = False
        from IPython.display import display

        display(_panel(self._widgets.values()), raw=True)

    def _create(
        self, kind: str, name: str, default: str, choices: Sequence[str] | None, label: str | None
    ) -> None:
        if not isinstance(name, str) or not name:
            raise LakebookError(f"a widget needs a name of at least one letter, not {name!r}")
        options = _texts(name, choices)
        if not isinstance(default, str):
            raise LakebookError(
                f"the default of widget '{name}' is {default!r}, of type {type(default).__name__};"
                f" values of widgets are text: {str(default)!r}"
            )
        value, source = self._given(name) or (default, "its default")
        if kind in ("dropdown", "multiselect"):
            chosen = value.split(",") if kind == "multiselect" and value else [value]
            for one in (one for one in chosen if one not in options and value):
                raise LakebookError(
                    f"widget '{name}': '{one}' ({source}) is not one of its choices: "
                    + ", ".join(options)
                )
            if kind == "dropdown" and value not in options:
                raise LakebookError(
                    f"widget '{name}': its value ({source}) is empty; choices: {', '.join(options)}"
                )
        self._widgets[name] = Widget(kind, name, value, options, label or name)
        self._changed = True

    def _given(self, name: str) -> tuple[str, str] | None:
        """Return the value given from outside and where it comes from."""
        for arguments in reversed(self._inline):
            if name in arguments:
                return arguments[name], "argument of %run"
        sources = (
            (_papermill(self._shell), "papermill parameter"),
            (_environment(RUN_ARGUMENTS), "argument of dbutils.notebook.run"),
            (_environment(SESSION_WIDGETS), f"in {SESSION_WIDGETS}"),
        )
        for values, source in sources:
            if name in values:
                return _as_text(values[name]), source
        return None


def _texts(name: str, choices: Sequence[str] | None) -> tuple[str, ...]:
    if choices is None:
        return ()
    if isinstance(choices, str) or not all(isinstance(choice, str) for choice in choices):
        raise LakebookError(
            f"the choices of widget '{name}' are {choices!r}; they are a list of texts"
        )
    if not choices:
        raise LakebookError(f"widget '{name}' has no choices; give at least one")
    return tuple(choices)


def _papermill(shell: Any) -> dict[str, Any]:
    """Return the parameters that papermill put into the notebook as a cell, if it did.

    The kernel is not told of the tag injected-parameters, so the cell is known by its first line
    and by its content: assignments of values and nothing else.
    """
    history = getattr(getattr(shell, "history_manager", None), "input_hist_raw", [])
    found: dict[str, Any] = {}
    for cell in history:
        if not cell.startswith(PAPERMILL):
            continue
        with contextlib.suppress(SyntaxError, ValueError):
            found |= dict(map(_assignment, ast.parse(cell).body))
    return found


def _assignment(statement: ast.stmt) -> tuple[str, Any]:
    if not (
        isinstance(statement, ast.Assign)
        and len(statement.targets) == 1
        and isinstance(statement.targets[0], ast.Name)
    ):
        raise ValueError("not one of papermill's")
    value = statement.value
    # float('nan') and float('inf') are how papermill writes these.
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "float" and len(value.args) == 1:
        return statement.targets[0].id, float(ast.literal_eval(value.args[0]))
    return statement.targets[0].id, ast.literal_eval(value)


def _environment(name: str) -> dict[str, Any]:
    text = os.environ.get(name, "")
    if not text:
        return {}
    try:
        values = json.loads(text)
    except ValueError as error:
        raise LakebookError(f"{name} is not JSON ({error}): {text}") from error
    if not isinstance(values, dict):
        raise LakebookError(f'{name} is {text}; write an object: {{"name": "value"}}')
    return values


def _as_text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(_as_text, value))
    return "" if value is None else str(value)


def _panel(widgets: Any) -> dict[str, str]:
    rows, lines = [], []
    for widget in widgets:
        choices = ", ".join(widget.choices)
        cells = (widget.value, widget.kind, choices)
        data = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
        rows.append(f'<tr><th scope="row">{html.escape(widget.label)}</th>{data}</tr>')
        lines.append(f"{widget.label}: {widget.value}" + (f"  ({choices})" if choices else ""))
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("Name", "Value", "Kind", "Choices"))
    return {
        "text/html": '<table class="dataframe"><caption>Widgets</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>",
        "text/plain": "\n".join(lines),
    }
