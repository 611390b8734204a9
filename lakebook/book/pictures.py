"""Every picture says what it shows to those who cannot see it.

Markdown pictures carry their own text. A plot of a notebook takes it from the cell's metadata,
``{"mystnb": {"image": {"alt": "…"}}}``, else from the title and axis labels in the cell's code.
A picture with neither fails the build.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
TEXT = r"""\s*\(?\s*(?:"([^"{}\\]+)"|'([^'{}\\]+)')"""


def described(code: str) -> str | None:
    """Return alternative text for the plot that this code draws, or None if it names nothing.

    It needs a title, or labels of both axes; text with placeholders is not known here.
    """
    title = _named(code, "title") or _named(code, "suptitle")
    across, up = _named(code, "xlabel"), _named(code, "ylabel")
    axes = f"{up} against {across}" if up and across else None
    if title and axes:
        return f"Plot: {title} ({axes})"
    return f"Plot: {title or axes}" if title or axes else None


def _named(code: str, what: str) -> str | None:
    """Find ``set_title("…")``, ``plt.title("…")`` or ``title="…"``."""
    found = re.search(rf"\b(?:set_)?{what}\s*[=(]{TEXT}", code)
    return (found[1] or found[2]).strip() if found else None


def _describe(app: Any, doctree: nodes.document) -> None:
    for image in doctree.findall(nodes.image):
        if image.get("alt", "").strip():
            continue
        code = _code(image)
        text = described(code) if code else None
        if text:
            image["alt"] = text
            continue
        if code:
            which = f"the plot of the cell that ends `{code.splitlines()[-1]}`"
            way = "title it and label its axes, or set the cell's metadata mystnb.image.alt"
        else:
            which = f"the picture '{image.get('uri')}'"
            way = "write it between the brackets, or as :alt:"
        LOGGER.warning("%s has no alternative text; %s", which, way, location=app.env.docname)


def _code(image: nodes.image) -> str | None:
    """Return the code of the notebook cell that drew the picture."""
    node = image.parent
    while node is not None and "cell" not in node.get("classes", []):
        node = node.parent
    if node is None:
        return None
    return "\n".join(block.astext() for block in node.findall(nodes.literal_block)).rstrip()


def setup(app: Any) -> None:
    """Describe pictures as each page is read."""
    app.connect("doctree-read", _describe)
