"""A cell that begins with a magic of another language is coloured as that language.

Notebooks hold Python, and a cell with ``%sql`` would be read as Python: names in backticks then
end the build, and the rest is coloured at random.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes

LANGUAGES = {
    "sql": "postgresql",  # of Pygments' kinds of SQL the one that knows $$, and Python inside of it
    "sh": "bash",
    "bash": "bash",
    "md": "markdown",
    "html": "html",
}
MAGIC = re.compile(r"\s*%{1,2}(\w+)\b")


def language(code: str) -> str | None:
    """Return the language that the first line of a cell names, or None for Python."""
    found = MAGIC.match(code)
    return LANGUAGES.get(found[1]) if found else None


def _recolour(app: Any, doctree: nodes.document) -> None:
    for block in doctree.findall(nodes.literal_block):
        named = language(block.astext()) if _is_cell(block) else None
        if named:
            block["language"] = named


def _is_cell(block: nodes.literal_block) -> bool:
    return block.parent is not None and "cell_input" in block.parent.get("classes", [])


def setup(app: Any) -> None:
    """Connect the part."""
    app.connect("doctree-read", _recolour)
