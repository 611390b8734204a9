"""What a check answers: rich in a notebook, plain text elsewhere.

Each kind has an icon and a word, so that colour carries no meaning of its own; text and borders
take the colour of their surroundings, so that they are readable on light and dark pages.
"""

from __future__ import annotations

import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Literal

State = Literal["right", "wrong", "unjudged", "open"]

SIGNS: dict[State, tuple[str, str]] = {
    "right": ("✓", "Right"),
    "wrong": ("✗", "Not yet"),
    "unjudged": ("✗", "Could not judge"),
    "open": ("○", "Not attempted yet"),
}

_BOX = "border:1px solid currentColor;border-left-width:.4em;padding:.5em .8em;margin:.3em 0"
_CODE = re.compile(r"`([^`]+)`")


class Shown(ABC):
    """Something a cell shows once: as its last line in a notebook, by print in a script."""

    @abstractmethod
    def __repr__(self) -> str: ...

    @abstractmethod
    def _repr_html_(self) -> str: ...

    def shown(self) -> Shown:
        """Return itself, printed first where nothing else would show it."""
        if not _displays():
            print(self)
        return self


def _displays() -> bool:
    """Return whether the value of a last line is shown: in IPython and at Python's own prompt."""
    ipython = sys.modules.get("IPython")
    return (ipython is not None and ipython.get_ipython() is not None) or hasattr(sys, "ps1")


def _rich(text: str) -> str:
    """Return text as HTML, with what stands in backticks as code."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


@dataclass(frozen=True, repr=False)
class Verdict(Shown):
    """The answer to one answer."""

    number: int
    title: str
    state: State
    message: str
    notes: Sequence[str] = field(default=())

    @property
    def passed(self) -> bool:
        """Whether the answer is right."""
        return self.state == "right"

    def __repr__(self) -> str:
        sign, word = SIGNS[self.state]
        lines = [f"{sign} {word} · exercise {self.number}, {self.title}", self.message, *self.notes]
        return "\n  ".join(line for line in lines if line)

    def _repr_html_(self) -> str:
        sign, word = SIGNS[self.state]
        head = (
            f'<strong><span aria-hidden="true">{sign}</span> {word}</strong>'
            f" · exercise {self.number}, {_rich(self.title)}"
        )
        body = "".join(f"<div>{_rich(line)}</div>" for line in (self.message, *self.notes) if line)
        return f'<div style="{_BOX}" data-lakebook="{self.state}"><div>{head}</div>{body}</div>'


@dataclass(frozen=True, repr=False)
class Hint(Shown):
    """One of the hints of an exercise."""

    number: int
    index: int
    of: int
    text: str
    note: str = ""

    def __repr__(self) -> str:
        head = f"→ Hint {self.index} of {self.of} · exercise {self.number}"
        return "\n  ".join(line for line in (head, self.text, self.note) if line)

    def _repr_html_(self) -> str:
        head = (
            '<strong><span aria-hidden="true">→</span> '
            f"Hint {self.index} of {self.of}</strong> · exercise {self.number}"
        )
        body = "".join(f"<div>{_rich(line)}</div>" for line in (self.text, self.note) if line)
        return f'<div style="{_BOX}" data-lakebook="hint"><div>{head}</div>{body}</div>'


@dataclass(frozen=True, repr=False)
class Overview(Shown):
    """The exercises of a lab, each with its number, title and state."""

    lab: str
    rows: Sequence[tuple[int, str, str]]
    done: int

    def _headline(self) -> str:
        return f"{self.lab}: {self.done} of {len(self.rows)} exercises passed"

    def __repr__(self) -> str:
        width = max(len(title) for _, title, _ in self.rows)
        lines = [f"{number:>3}  {title:<{width}}  {state}" for number, title, state in self.rows]
        return "\n".join([self._headline(), *lines])

    def _repr_html_(self) -> str:
        head = "".join(
            f'<th scope="col" style="text-align:left">{name}</th>'
            for name in ("Exercise", "Title", "State")
        )
        body = "".join(
            f'<tr><td>{number}</td><td style="text-align:left">{_rich(title)}</td>'
            f'<td style="text-align:left">{escape(state)}</td></tr>'
            for number, title, state in self.rows
        )
        return (
            f'<table data-lakebook="progress" style="color:inherit"><caption>{escape(self._headline())}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )
