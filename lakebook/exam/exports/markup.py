"""A question's Markdown as HTML for other programs; raw HTML in it becomes text."""

from __future__ import annotations

from functools import lru_cache
from html import escape

from markdown_it import MarkdownIt

from lakebook.exam.bank import Question
from lakebook.exam.blueprint import Blueprint

LETTERS = "ABCDE"


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False})


def html(markdown: str) -> str:
    """Return Markdown as HTML, without a script or any other tag that its author has typed."""
    return str(_parser().render(markdown)).strip()


def stem(question: Question) -> str:
    """Return the question as HTML; it says how many options are to be selected if several."""
    several = f"<p>Select {question.select}.</p>" if question.select > 1 else ""
    return html(question.stem) + several


def shown(question: Question, blueprint: Blueprint) -> list[tuple[str, int]]:
    """Return letters with stored positions, in the order in which the book shows the options."""
    return list(zip(LETTERS, question.display_order(blueprint.shuffle), strict=False))


def sources(question: Question) -> str:
    """Return objective, lab and source as HTML."""
    link = escape(question.source)
    return (
        f"<p>{escape(question.objective)} · lab {escape(question.lab)} · "
        f'<a href="{link}">{link}</a>, checked {question.checked} · {escape(question.id)}</p>'
    )
