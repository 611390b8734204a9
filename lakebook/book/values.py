"""The role `value`: a number in prose, read from the stored output of a verified solution."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxRole

from lakebook.errors import LakebookError, unknown

TARGET = re.compile(r"^(?P<lab>[\w/.-]+)#(?P<name>[\w-]+)(?:\|(?P<format>.+))?$")
TAG = "value:"
NUMPY = re.compile(r"^np\.\w+\((?P<value>.*)\)$")


def quoted(root: Path, target: str) -> str:
    """Return the text for a target such as ``day2/04_missing_values#share|.1%``.

    `root` is the repository. The value is what the solution's cell tagged ``value:share`` shows;
    after the bar stands a format specification of Python. Raises LakebookError if the lab or the
    name is not known, or if the stored output is no number or text of one line.
    """
    parts = TARGET.match(target.strip())
    if not parts:
        raise LakebookError(
            f"'{target}' is no value; write lab#name or lab#name|format, "
            "for example day2/04_missing_values#share|.1%"
        )
    stored = _stored(root, parts["lab"])
    if parts["name"] not in stored:
        raise unknown(f"value of {parts['lab']}", parts["name"], stored)
    value = _literal(stored[parts["name"]], target)
    try:
        return format(value, parts["format"] or "")
    except (TypeError, ValueError) as error:
        raise LakebookError(f"{target}: {value!r} cannot be written so: {error}") from error


def _stored(root: Path, lab: str) -> dict[str, str]:
    """Return the text of every tagged cell's result, by its name."""
    folder = root / "solutions"
    known = {
        file.relative_to(folder).with_suffix("").as_posix(): file
        for file in folder.glob("*/*.ipynb")
    }
    if lab not in known:
        raise unknown("lab", lab, known)
    found: dict[str, str] = {}
    for cell in json.loads(known[lab].read_text("utf-8"))["cells"]:
        names = [t[len(TAG) :] for t in cell["metadata"].get("tags", []) if t.startswith(TAG)]
        for name in names:
            found[name] = _result(cell)
    return found


def _result(cell: dict[str, Any]) -> str:
    for output in reversed(cell.get("outputs", [])):
        if output["output_type"] == "execute_result":
            text = output["data"].get("text/plain", "")
            return text if isinstance(text, str) else "".join(text)
    return ""


def _literal(text: str, target: str) -> int | float | str:
    """Read the repr of a number or a text; NumPy wraps its own: ``np.float64(0.5)``."""
    wrapped = NUMPY.match(text)
    try:
        value = ast.literal_eval(wrapped["value"] if wrapped else text)
    except (SyntaxError, ValueError):
        value = None
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        return value
    lab = target.split("#")[0]
    stored = (
        f"the stored result is {text!r}, which is no number or text"
        if text
        else "nothing is stored"
    )
    raise LakebookError(
        f"{target}: {stored}; let the cell end with a plain value, then run "
        f"`lakebook labs run --store {lab}`"
    )


class Value(SphinxRole):
    """``{value}`day2/04_missing_values#share|.1%```; the page follows the notebook."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the number as text, or an error that fails the build."""
        lab = self.text.split("#")[0].strip()
        self.env.note_dependency(f"solutions/{lab}.ipynb")
        try:
            return [nodes.Text(quoted(Path(self.env.srcdir), self.text))], []
        except LakebookError as error:
            message = self.inliner.reporter.error(f"value: {error}", line=self.lineno)
            return [self.inliner.problematic(self.rawtext, self.rawtext, message)], [message]


def setup(app: Any) -> None:
    """Register the role."""
    app.add_role("value", Value())
