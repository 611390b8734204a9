"""The Sphinx extension of the book: one name for the settings, several small parts."""

from __future__ import annotations

from typing import Any

from lakebook import __version__
from lakebook.book import assets, fresh, languages, pages, pictures, timings, values


def setup(app: Any) -> dict[str, Any]:
    """Register the roles, directives and events of the book."""
    # Jupyter Book always sets it; the extension that reads it needs the network and is left out.
    app.add_config_value("comments_config", {}, "html")
    for part in (assets, fresh, languages, pages, pictures, timings, values):
        part.setup(app)
    return {"version": __version__, "parallel_read_safe": True, "parallel_write_safe": True}
