"""A question as HTML that reads well without the script, and that the script brings to life."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from docutils import nodes

from lakebook.exam import wording
from lakebook.exam.bank import Question

LETTERS = "ABCDEFGH"

Parse = Callable[[str], list[nodes.Node]]


def raw(text: str) -> nodes.raw:
    """Return a node that is written as it stands."""
    return nodes.raw("", text, format="html")


def escape(text: object) -> str:
    """Return text safe in HTML content and in quoted attributes."""
    return html.escape(str(text), quote=True)


def _breakable(lab: str) -> str:
    """Return a lab's id with the places where a narrow column may break it."""
    return escape(lab).replace("/", "/<wbr>").replace("_", "_<wbr>")


@dataclass(frozen=True)
class Links:
    """Addresses relative to the page. An address is None where the book has no such page."""

    lab: Callable[[str], str | None]
    objective: Callable[[str], str | None]

    def lab_html(self, lab: str) -> str:
        """Return a link to a lab, or the words that it is planned."""
        address = self.lab(lab)
        if address is None:
            return f'<span class="lbx-planned">planned: {_breakable(lab)}</span>'
        return (
            f'<span class="lb-lab" data-lab="{escape(lab)}">'
            f'<a href="{escape(address)}">{_breakable(lab)}</a></span>'
        )

    def labs_html(self, labs: Iterable[str]) -> str:
        """Return a line with the labs of an objective, those that exist first."""
        labs = list(labs)
        parts = [self.lab_html(lab) for lab in labs if self.lab(lab) is not None]
        if planned := [_breakable(lab) for lab in labs if self.lab(lab) is None]:
            parts.append(f'<span class="lbx-planned">planned: {", ".join(planned)}</span>')
        return f'<p class="lbx-labs">Labs: {" · ".join(parts)}</p>'

    def objective_html(self, objective: str, text: str | None = None) -> str:
        """Return the objective's name, linked to its questions where the book has them."""
        shown = escape(text or objective)
        address = self.objective(objective)
        return f'<a href="{escape(address)}">{shown}</a>' if address else shown


class Renderer:
    """Turns questions into nodes; `parse` is the Markdown parser of the page they stand on."""

    def __init__(self, parse: Parse, links: Links, seed: int) -> None:
        self.parse, self.links, self.seed = parse, links, seed

    def question(
        self, question: Question, heading: str, identity: str, *, form: bool
    ) -> list[nodes.Node]:
        """Return the nodes of one question.

        `identity` is the id of its element, unique on the page; with `form` options can be chosen.
        """
        order = question.display_order(self.seed)
        data = {
            "question": question.id,
            "objective": question.objective,
            "section": question.section,
            "difficulty": question.difficulty,
            "select": question.select,
            "right": ",".join(map(str, question.right)),
            "hash": question.digest,
            "lab": question.lab,
            "source": question.source,
        }
        level = 3 if form else 4  # below the lesson review, or below an objective
        attributes = " ".join(f'data-{key}="{escape(value)}"' for key, value in data.items())
        out: list[nodes.Node] = [
            raw(
                f'<div class="lbx-q" id="{identity}" role="group" aria-labelledby="{identity}-n" '
                f'aria-describedby="{identity}-s" {attributes}>'
                f'<p class="lbx-n" id="{identity}-n" role="heading" aria-level="{level}">'
                f"{escape(heading)}</p>"
                f'<div class="lbx-stem" id="{identity}-s">'
            ),
            *self.markdown(question.stem),
            raw("</div>"),
        ]
        if question.select > 1:
            out.append(raw(f'<p class="lbx-select">Select {question.select}.</p>'))
        out.append(raw('<div class="lbx-options">'))
        for letter, stored in zip(LETTERS, order, strict=False):
            out += self._option(question, stored, letter, identity, form)
        out += [raw("</div>"), *self._answer(question, order), raw("</div>")]
        return out

    def _option(
        self, question: Question, stored: int, letter: str, identity: str, form: bool
    ) -> list[nodes.Node]:
        key = f"{identity}-{stored}"
        if form:
            kind = "checkbox" if question.select > 1 else "radio"
            head = (
                f'<input type="{kind}" id="{key}" name="{identity}" value="{stored}" '
                f'aria-labelledby="{key}l {key}t">'
                f'<label class="lbx-letter" id="{key}l" for="{key}">{letter}</label>'
            )
        else:
            head = f'<span class="lbx-letter">{letter}</span>'
        return [
            raw(
                f'<div class="lbx-option" data-option="{stored}">{head}'
                f'<div class="lbx-text" id="{key}t">'
            ),
            *self.markdown(question.options[stored].text),
            raw("</div></div>"),
        ]

    def _answer(self, question: Question, order: tuple[int, ...]) -> list[nodes.Node]:
        """What a reader without the script opens: the key, all reasons, where to read on."""
        right = [LETTERS[n] for n, stored in enumerate(order) if stored in question.right]
        out: list[nodes.Node] = [
            raw(
                '<details class="lbx-answer"><summary>Answer and reasons</summary>'
                f"<p>Right: {', '.join(right)}.</p><ul>"
            )
        ]
        for letter, stored in zip(LETTERS, order, strict=False):
            option = question.options[stored]
            verdict = "right" if option.right else "wrong"
            out += [
                raw(
                    f'<li data-option="{stored}"><p class="lbx-key">{letter} is {verdict}.</p>'
                    '<div class="lbx-reason">'
                ),
                *self.markdown(option.reason),
                raw("</div></li>"),
            ]
        out.append(
            raw(
                '</ul></details><p class="lbx-links">'
                f"Objective {self.links.objective_html(question.objective)} · "
                f"Lab {self.links.lab_html(question.lab)} · "
                f'<a href="{escape(question.source)}" rel="noreferrer">Source</a>, '
                f"checked {question.checked} · "
                f'<span class="lbx-id">Question {escape(question.id)}</span></p>'
            )
        )
        return out

    def markdown(self, text: str) -> list[nodes.Node]:
        """Return the nodes of Markdown text; raw HTML in it is shown, not obeyed."""
        return self.parse(wording.tame(text))
