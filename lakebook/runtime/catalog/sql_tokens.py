"""The words of a Spark SQL text, each with its place, and a text's statements.

The lexical rules are those of Spark's grammar (SqlBaseLexer.g4): both kinds of quotes hold strings,
a backtick quotes a name, comments nest, ``$$`` holds the body of a function. A tokenizer of a
general parser reads some statements only half (it keeps `OPTIMIZE …` as one string) and knows no
``$$``, and where a name ends has to be exact for the rest of a text to stay as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

WORD, NAME, STRING, NUMBER, SIGN = "word", "name", "string", "number", "sign"

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|--[^\r\n]*)
  | (?P<comment>/\*)
  | (?P<string>[rR](?:'[^']*'|"[^"]*") | '(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*")
  | (?P<name>`(?:[^`]|``)+`)
  | (?P<dollar>\$(?P<tag>[A-Za-z_]*)\$.*?\$(?P=tag)\$)
  | (?P<number>(?:(?<![\w`])\.\d+|\d+\.\d*(?!\w*\.)|\d+)
      (?:[eE][+-]?\d+)?(?:BD|bd|[LSYDFlsydf])?(?!\w))
  | (?P<word>\w+)
  | (?P<sign>\|>|=>|->|<=>|::|\|\||[<>!=]=|<>|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(r"/\*|\*/")


class LexicalError(ValueError):
    """A string, quoted name or comment of the text does not end."""


class Token:
    """A word, quoted name, string, number or sign with its place in the text.

    `up` is the word in capitals, or the sign itself; it is empty for quoted names and literals, so
    that comparing it with a keyword is safe.
    """

    __slots__ = ("end", "kind", "start", "up")

    def __init__(self, kind: str, start: int, end: int, up: str) -> None:
        self.kind, self.start, self.end, self.up = kind, start, end, up

    def __repr__(self) -> str:
        return f"Token({self.kind}, {self.start}:{self.end}, {self.up!r})"


def tokens(text: str) -> list[Token]:
    """Return the tokens of a text, without blanks and comments.

    Raises LexicalError if a string, a quoted name or a comment has no end.
    """
    found = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        assert match  # the last alternative takes any character
        kind = match.lastgroup or ""
        if kind == "comment":
            at = _end_of_comment(text, at)
            continue
        end = match.end()
        if kind in ("word", "sign"):
            value = match.group()
            if value in ("'", '"', "`"):
                raise LexicalError(f"the {value} at position {at} is never closed")
            found.append(Token(kind, at, end, value.upper()))
        elif kind != "space":
            found.append(Token(STRING if kind in ("tag", "dollar") else kind, at, end, ""))
        at = end
    return found


def _end_of_comment(text: str, at: int) -> int:
    depth = 0
    for match in _COMMENT.finditer(text, at):
        depth += 1 if match.group() == "/*" else -1
        if depth == 0:
            return match.end()
    raise LexicalError(f"the comment at position {at} is never closed")


class Statement:
    """A text with its tokens and which bracket closes which."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens(text)
        while self.tokens and self.tokens[-1].up == ";":
            self.tokens.pop()
        self.closing = _brackets(self.tokens)

    def __len__(self) -> int:
        return len(self.tokens)

    def up(self, index: int) -> str:
        """Return the keyword or sign at an index, empty beyond the end and for names."""
        return self.tokens[index].up if 0 <= index < len(self.tokens) else ""

    def kind(self, index: int) -> str:
        """Return the kind of the token at an index, empty beyond the end."""
        return self.tokens[index].kind if 0 <= index < len(self.tokens) else ""

    def follows(self, index: int, *words: str) -> bool:
        """Return whether these keywords or signs stand at an index, in this order."""
        return all(self.up(index + offset) == word for offset, word in enumerate(words))

    def source(self, start: int, end: int) -> str:
        """Return the text from one token up to, not including, another."""
        if start >= end:
            return ""
        return self.text[self.tokens[start].start : self.tokens[end - 1].end]

    def value(self, index: int) -> str:
        """Return a name without its backticks, or the token's own text; empty beyond the end."""
        if not 0 <= index < len(self.tokens):
            return ""
        token = self.tokens[index]
        raw = self.text[token.start : token.end]
        return raw[1:-1].replace("``", "`") if token.kind == NAME else raw

    def parts(self, index: int) -> tuple[tuple[str, ...], int]:
        """Return the parts of the dotted name at an index, and the index behind it."""
        found: list[str] = []
        while self.kind(index) in (WORD, NAME):
            found.append(self.value(index))
            index += 1
            if self.up(index) != "." or self.kind(index + 1) not in (WORD, NAME):
                break
            index += 1
        return tuple(found), index

    def find(self, words: Sequence[str] | str, start: int = 0, end: int | None = None) -> int:
        """Return the index of the first of these keywords outside brackets, or -1."""
        wanted = (words,) if isinstance(words, str) else words
        for index in self.outside(start, end):
            if self.up(index) in wanted and self.up(index - 1) != ".":
                return index
        return -1

    def items(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return the stretches between the commas of a list; an empty one is left out."""
        found = []
        first = start
        for index in [*self.outside(start, end), end]:
            if index == end or self.up(index) == ",":
                if index > first:
                    found.append((first, index))
                first = index + 1
        return found

    def outside(self, start: int = 0, end: int | None = None) -> Iterator[int]:
        """Yield the indexes of tokens outside brackets; a bracket's opening sign counts."""
        index = start
        stop = len(self.tokens) if end is None else end
        while index < stop:
            yield index
            index = self.closing.get(index, index) + 1


def _brackets(found: list[Token]) -> dict[int, int]:
    closing: dict[int, int] = {}
    open_ones = []
    for index, token in enumerate(found):
        if token.up == "(":
            open_ones.append(index)
        elif token.up == ")" and open_ones:
            closing[open_ones.pop()] = index
    # What is never closed reaches to the end; Spark will say what is wrong.
    closing.update((index, len(found)) for index in open_ones)
    return closing


_COMPOUND_ENDS = ("IF", "WHILE", "LOOP", "REPEAT", "FOR")


def split(text: str) -> list[str]:
    """Return the statements of a text, each without its semicolon and surrounding blanks.

    A semicolon inside quotes, comments, ``$$ … $$`` or ``BEGIN … END`` separates nothing. What
    cannot be read (a quote that never ends) is one statement, whose error is then Spark's.
    """
    try:
        found = tokens(text)
    except LexicalError:
        return [text.strip()]
    pieces = []
    first = 0
    blocks: list[str] = []
    for index, token in enumerate(found):
        before = found[index - 1].up if index > first else ""
        following = found[index + 1].up if index + 1 < len(found) else ""
        if token.up == "BEGIN" and (blocks or before in ("", ":", "AS", ")")):
            if following not in ("", ";", ",", "FROM", "TRANSACTION"):
                blocks.append("BEGIN")
        elif token.up == "CASE" and blocks and before != "END":
            blocks.append("CASE")
        elif token.up == "END" and blocks and before != "." and following not in _COMPOUND_ENDS:
            blocks.pop()
        elif token.up == ";" and not blocks:
            pieces.append((first, index))
            first = index + 1
    pieces.append((first, len(found)))
    starts = [0, *(found[end].end for _, end in pieces[:-1])]
    ends = [*(found[end].start for _, end in pieces[:-1]), len(text)]
    # A comment above a statement stays with it; one that stands alone is no statement.
    return [
        text[start:end].strip()
        for (low, high), start, end in zip(pieces, starts, ends, strict=True)
        if high > low
    ]
