"""What the book adds to a page by its place in the table of contents.

A lab page names its chapter and how to open the lab; a chapter names its labs; a solution warns.
Nothing of it stands in a notebook. What is only true inside the workspace is hidden here and
shown by book/_static/page.js.
"""

from __future__ import annotations

from html import escape
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

LABS = "labs/"
SOLUTIONS = "solutions/"


class course(nodes.General, nodes.Element):
    """The place of the course map, filled once all titles are known."""


class Course(SphinxDirective):
    """The parts, chapters and labs of the table of contents that belong to the course."""

    def run(self) -> list[nodes.Node]:
        """Return the place that `_resolve` fills."""
        return [course()]


class Book:
    """The table of contents, with the addresses as one page sees them."""

    def __init__(self, app: Any, page: str) -> None:
        """`page` is the page on which the links will stand."""
        self.env = app.env
        self.builder = app.builder
        self.page = page

    def children(self, page: str) -> list[str]:
        """Return the pages directly below a page, in order."""
        return list(self.env.toctree_includes.get(page, []))

    def labs(self, page: str) -> list[str]:
        """Return the lab pages directly below a page."""
        return [child for child in self.children(page) if child.startswith(LABS)]

    def chapter(self, lab: str) -> str | None:
        """Return the page above a lab page, or None."""
        for above, below in self.env.toctree_includes.items():
            if lab in below:
                return above
        return None

    def link(self, page: str, text: str | None = None) -> str:
        """Return an HTML link to a page, by its title unless `text` is given."""
        address = escape(self.builder.get_relative_uri(self.page, page))
        shown = text if text is not None else self.env.titles[page].astext()
        return f'<a class="reference internal" href="{address}">{escape(shown)}</a>'

    def lab_link(self, lab: str) -> str:
        """Return the link to a lab's page; the script adds progress and the way into it."""
        return f'<span class="lb-lab" data-lab="{_id(lab)}">{self.link(lab)}</span>'


def _id(page: str) -> str:
    return escape(page.split("/", 1)[1])


def _lab_bar(book: Book, page: str) -> str:
    chapter, solution = book.chapter(page), SOLUTIONS + _id(page)
    of = f" of the chapter {book.link(chapter)}" if chapter else ""
    solved = f" · {book.link(solution, 'Solution')}" if solution in book.env.titles else ""
    return (
        f'<div class="lb-bar" data-lab="{_id(page)}">'
        f'<p><span class="lb-kind">Lab</span>{of}{solved}</p>'
        '<p class="lb-static">To work in it, run <code>lakebook start</code> and come back to this '
        "page at the address it prints.</p></div>"
    )


def _chapter_bar(book: Book, labs: list[str]) -> str:
    kind = "Lab" if len(labs) == 1 else "Labs"
    links = " · ".join(book.lab_link(lab) for lab in labs)
    return f'<div class="lb-bar"><p><span class="lb-kind">{kind}</span> {links}</p></div>'


def _solution_bar(book: Book, page: str) -> str:
    lab = LABS + _id(page)
    way = f" Try {book.link(lab, 'the lab')} first." if lab in book.env.titles else ""
    return (
        '<div class="lb-bar lb-spoiler"><p><span class="lb-kind">Solution</span> '
        f"This page gives every answer away.{way}</p></div>"
    )


def _course_map(app: Any, book: Book) -> str:
    out = ['<div class="lb-course">']
    for part in app.config.external_site_map.root.subtrees:
        rows = []
        for page in (str(item).rsplit(".md", 1)[0] for item in part.items):
            labs = book.labs(page)
            if labs and page in book.env.titles:
                links = "".join(f"<li>{book.lab_link(lab)}</li>" for lab in labs)
                rows.append(f"<li>{book.link(page)}<ul>{links}</ul></li>")
        if rows:
            caption = escape(part.caption or "")
            out.append(
                f'<section><p class="lb-part">{caption}</p><ul>{"".join(rows)}</ul></section>'
            )
    return "".join([*out, "</div>"])


def _resolve(app: Any, doctree: nodes.document, page: str) -> None:
    if app.builder.format != "html":
        return
    # Markdown has no table without a head; an empty one would be read out as one.
    for head in list(doctree.findall(nodes.thead)):
        if not head.astext().strip():
            head.parent.remove(head)
    book = Book(app, page)
    for place in list(doctree.findall(course)):
        place.replace_self(nodes.raw("", _course_map(app, book), format="html"))
    bar = ""
    if page.startswith(LABS):
        bar = _lab_bar(book, page)
    elif page.startswith(SOLUTIONS):
        bar = _solution_bar(book, page)
    elif page != app.config.master_doc and (labs := book.labs(page)):
        bar = _chapter_bar(book, labs)
    title = next(iter(doctree.findall(nodes.title)), None)
    if bar and title is not None and title.parent is not None:
        after = title.parent.index(title) + 1
        title.parent.insert(after, nodes.raw("", bar, format="html"))


def _anchors(app: Any, doctree: nodes.document) -> None:
    """Let Markdown links find headings that a directive made: ``questions.md#md-07``."""
    known = app.env.metadata[app.env.docname].setdefault("myst_slugs", {})
    for section in doctree.findall(nodes.section):
        for anchor in section["ids"]:
            known.setdefault(anchor, (section.line or 0, anchor, section.next_node().astext()))


def setup(app: Any) -> None:
    """Register the course map and the bars under the titles."""
    app.add_node(course)
    app.add_directive("course", Course)
    app.connect("doctree-read", _anchors)
    app.connect("doctree-resolved", _resolve)
