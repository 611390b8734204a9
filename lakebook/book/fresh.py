"""No stale page: what every page shows is compared with the last build.

Sphinx rewrites a page when its own source has changed. The sidebar, the links to the neighbours
and the style belong to every page; with them alone changed, all others would keep the old ones.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any


def _shared(app: Any) -> str:
    digest = hashlib.sha256()
    source = Path(app.srcdir)
    files = [source / "_toc.yml", source / "_config.yml"]
    for folder in (*app.config.html_static_path, *app.config.templates_path):
        files += sorted(file for file in (source / folder).rglob("*") if file.is_file())
    # Our own extensions are code that writes pages too.
    files += sorted(Path(__file__).parent.glob("*.py"))
    for file in files:
        if file.is_file():
            digest.update(f"{file.name}\0".encode() + file.read_bytes())
    for name, title in sorted(app.env.titles.items()):
        digest.update(f"{name}\0{title.astext()}\0".encode())
    return digest.hexdigest()


def _rewrite(app: Any, env: Any) -> list[str]:
    now = _shared(app)
    before, env.lakebook_shared = getattr(env, "lakebook_shared", now), now
    return [] if before == now else sorted(env.found_docs)


def setup(app: Any) -> None:
    """Rewrite every page when something that all of them show has changed."""
    app.connect("env-updated", _rewrite)
