"""Scripts and styles: all from this host, none that is not needed."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
from pathlib import Path
from typing import Any

from sphinx.errors import ExtensionError

MATHJAX_PACKAGE = "sphinx-mathjax-offline"
MATHJAX_FILE = "tex-svg.js"

# The theme's style declares the icon font and its two thousand names.
ICON_FONT = re.compile(
    r"@font-face\{[^{}]*Font Awesome[^{}]*\}"
    r"|(?:\.fa-[\w-]+:before,?)+\{content:[^{}]*\}"
    r"|/\*# sourceMappingURL=.*?\*/"
)

# Of what the theme copies, what no page asks for: source maps; icons as 1.5 MB of script and as
# fonts, where lakebook.css draws the thirty that are used; logos of services we do not offer.
UNUSED = (
    "**/*.map",
    "scripts/fontawesome.js",
    "scripts/*.LICENSE.txt",
    "vendor",
    "images",
    "locales",
    "webpack-macros.html",
    "sbt-webpack-macros.html",
    "sphinx-thebe.*",
)


def mathjax() -> Path:
    """Return the one file of MathJax 3 that typesets TeX as SVG, so that it needs no fonts.

    Raises ExtensionError if the package that carries it is not installed.
    """
    try:
        files = importlib.metadata.files(MATHJAX_PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == MATHJAX_FILE:
            return Path(str(file.locate()))
    raise ExtensionError(
        f"MathJax is missing: no {MATHJAX_FILE} in the package {MATHJAX_PACKAGE}; "
        "install the group 'book' of pyproject.toml"
    )


def _copy_mathjax(app: Any) -> None:
    if app.builder.format != "html":
        return
    target = Path(app.outdir) / "_static" / app.config.mathjax_path
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(mathjax(), target)


def _no_idle_mathjax(app: Any, page: str, template: str, context: Any, doctree: Any) -> None:
    """Sphinx loads it on a page above one with mathematics as well: 2 MB for a list of links."""
    if not app.env.get_domain("math").data["has_equations"].get(page):
        context["script_files"] = [
            script
            for script in context["script_files"]
            if app.config.mathjax_path not in str(getattr(script, "filename", script))
        ]


def _remove_unused(app: Any, exception: Exception | None) -> None:
    if exception or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    for pattern in UNUSED:
        for found in sorted(static.glob(pattern)):
            shutil.rmtree(found) if found.is_dir() else found.unlink()
    for sheet in (static / "styles").glob("*.css"):
        sheet.write_text(ICON_FONT.sub("", sheet.read_text("utf-8")), encoding="utf-8")


def _front_door(app: Any, exception: Exception | None) -> None:
    """Write index.html, which leads to the first page: a site is entered at its root."""
    if exception or app.builder.format != "html" or app.config.master_doc == "index":
        return
    first = f"{app.config.master_doc}.html"
    page = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{app.config.html_title}</title>"
        f'<meta http-equiv="refresh" content="0; url={first}"></head>'
        f'<body><p><a href="{first}">{app.config.html_title}</a></p></body></html>\n'
    )
    (Path(app.outdir) / "index.html").write_text(page, encoding="utf-8")


def setup(app: Any) -> None:
    """Register our own style and scripts, and MathJax for the pages with mathematics."""
    app.add_css_file("lakebook.css", priority=900)
    # Classic scripts: modules are refused on file://. workspace.js says where the page runs, so it
    # comes before every script that asks.
    app.add_js_file("workspace.js", priority=100)
    app.add_js_file("page.js", priority=850, loading_method="defer")
    app.connect("builder-inited", _copy_mathjax)
    app.connect("html-page-context", _no_idle_mathjax, priority=900)
    app.connect("build-finished", _remove_unused)
    app.connect("build-finished", _front_door, priority=100)
