"""Names of three levels, ``catalog.schema.name``: read, written, and checked."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lakebook.errors import LakebookError

LONGEST = 255  # characters in one part of a name, as in Unity Catalog


class Name(NamedTuple):
    """The full name of a table, view, volume or function. As text: dotted, quoted where needed."""

    catalog: str
    schema: str
    name: str

    def __str__(self) -> str:
        return dotted(self)


def error(condition: str, message: str) -> LakebookError:
    """Return the error of this condition: its text is ``[CONDITION] message``."""
    from lakebook.runtime.delta.errors import delta_error

    return delta_error(condition, message)


def quote(part: str) -> str:
    """Return one part of a name as SQL accepts it: in backticks unless it is a plain word."""
    plain = part.isascii() and part.replace("_", "a").isalnum() and not part[0].isdigit()
    return part if plain else always_quoted(part)


def always_quoted(part: str) -> str:
    """Return one part of a name in backticks."""
    return f"`{part.replace('`', '``')}`"


def dotted(parts: Iterable[str]) -> str:
    """Return the parts as one name, quoted where needed; a part that is empty is left out."""
    return ".".join(quote(part) for part in parts if part)


def shown(parts: Iterable[str]) -> str:
    """Return the parts as messages of Spark show a name: each in backticks, none empty."""
    return ".".join(always_quoted(part) for part in parts if part)


def split(text: str) -> list[str]:
    """Return the parts of a dotted name; in backticks a part may hold dots.

    Raises the error PARSE_SYNTAX_ERROR if quotes do not close or a part is empty.
    """
    parts: list[str] = []
    rest = text.strip()
    while True:
        if rest.startswith("`"):
            part, rest = _quoted(rest, text)
        else:
            end = rest.find(".")
            part, rest = (rest, "") if end < 0 else (rest[:end], rest[end:])
        part = part.strip()
        if not part:
            raise error("PARSE_SYNTAX_ERROR", f"'{text}' is no name: a part of it is empty")
        parts.append(part)
        rest = rest.lstrip()
        if not rest:
            return parts
        if not rest.startswith("."):
            raise error("PARSE_SYNTAX_ERROR", f"'{text}' is no name: no dot after '{part}'")
        rest = rest[1:].lstrip()


def _quoted(rest: str, text: str) -> tuple[str, str]:
    """Return the part in backticks at the start of `rest`, and what follows it."""
    at, part = 1, ""
    while True:
        end = rest.find("`", at)
        if end < 0:
            raise error("PARSE_SYNTAX_ERROR", f"'{text}' is no name: a backtick does not close")
        part += rest[at:end]
        if rest[end + 1 : end + 2] != "`":
            return part, rest[end + 1 :]
        part, at = part + "`", end + 2


def normal(part: str) -> str:
    """Return a part of a name as it is stored: in lower case, for names ignore case."""
    return part.lower()


def checked(part: str, kind: str) -> str:
    """Return the stored form of a part that is to become the name of something new.

    Raises the error INVALID_PARAMETER_VALUE for what Unity Catalog refuses in names.
    """
    wrong = [letter for letter in part if letter in "./ " or ord(letter) < 32 or ord(letter) == 127]
    if not part or wrong or len(part) > LONGEST:
        reason = f"it holds {wrong[0]!r}" if wrong else f"it has {len(part)} characters"
        raise error(
            "INVALID_PARAMETER_VALUE",
            f"'{part}' is not a valid name for a {kind}: {reason}. A name has 1 to {LONGEST} "
            "characters, without dots, spaces, slashes and control characters",
        )
    return normal(part)


def did_you_mean(name: str, known: Sequence[str], *, otherwise: str) -> str:
    """Return a sentence that names the nearest known name, or `otherwise` if none is near."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"Did you mean {always_quoted(near[0])}?" if near else otherwise
