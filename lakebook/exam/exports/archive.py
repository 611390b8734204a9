"""What the two QTI packages share: XML with HTML inside, and a zip with a manifest."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import Iterable
from pathlib import Path

EPOCH = (1980, 1, 1, 0, 0, 0)  # the same questions make the same bytes


def fragment(html: str) -> list[ElementTree.Element]:
    """Return HTML that is well-formed XML as elements."""
    return list(ElementTree.fromstring(f"<div>{html}</div>"))


def text(root: ElementTree.Element) -> str:
    """Return a document as text, with its declaration."""
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, "unicode")


def write(file: Path, documents: Iterable[tuple[str, str]]) -> None:
    """Write documents, each a name and a text, into a zip."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in documents:
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content, zipfile.ZIP_DEFLATED)
