"""Read a statement word by word: keywords, names, literals, lists in brackets.

Statements about catalogs are read here, not by a general grammar: of types, expressions and
queries the very text is kept, for Spark to read.
"""

from __future__ import annotations

from typing import NoReturn

from lakebook.runtime.catalog.names import error, split
from lakebook.runtime.catalog.sql_tokens import NAME, NUMBER, SIGN, STRING, WORD, Token, tokens

ESCAPES = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a"}
HEXADECIMAL = {"u": 4, "U": 8}


class Reader:
    """A statement, and how far it has been read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens(text)
        while self.tokens and self.tokens[-1].up == ";":
            self.tokens.pop()
        self.at = 0

    @property
    def done(self) -> bool:
        """Return whether nothing is left to read."""
        return self.at >= len(self.tokens)

    def peek(self, offset: int = 0) -> Token:
        """Return the token at the reading place, an empty one beyond the end."""
        index = self.at + offset
        if index < len(self.tokens):
            return self.tokens[index]
        return Token("end", len(self.text), len(self.text), "")

    def follows(self, *words: str) -> bool:
        """Return whether these keywords or signs come next."""
        return all(self.peek(offset).up == word for offset, word in enumerate(words))

    def accept(self, *words: str) -> bool:
        """Read these keywords or signs if they come next; return whether they did."""
        if self.follows(*words):
            self.at += len(words)
            return True
        return False

    def one_of(self, *words: str) -> str:
        """Read one of these keywords and return it; empty if none comes next."""
        found = self.peek().up
        if found in words:
            self.at += 1
            return found
        return ""

    def expect(self, *words: str) -> None:
        """Read these keywords or signs. Raises PARSE_SYNTAX_ERROR if others come."""
        for word in words:
            if not self.accept(word):
                self.fail(word)

    def finish(self) -> None:
        """Raise PARSE_SYNTAX_ERROR unless all was read."""
        if not self.done:
            self.fail("the end of the statement")

    def fail(self, expected: str) -> NoReturn:
        """Raise PARSE_SYNTAX_ERROR: something else was expected at the reading place."""
        token = self.peek()
        near = self.text[token.start : token.end] or "end of input"
        line = self.text.count("\n", 0, token.start) + 1
        column = token.start - (self.text.rfind("\n", 0, token.start) + 1)
        raise error(
            "PARSE_SYNTAX_ERROR",
            f"Syntax error at or near '{near}' (line {line}, pos {column}): expected {expected}. "
            f"The statement: {' '.join(self.text.split())[:200]}",
        )

    def identifier(self) -> str:
        """Read one name and return it without quotes."""
        token = self.peek()
        if token.kind not in (WORD, NAME):
            self.fail("a name")
        self.at += 1
        raw = self.text[token.start : token.end]
        return raw[1:-1].replace("``", "`") if token.kind == NAME else raw

    def name(self) -> list[str]:
        """Read a dotted name, or ``IDENTIFIER('…')``, and return its parts."""
        if self.follows("IDENTIFIER", "("):
            self.at += 2
            text = self.string()
            self.expect(")")
            return split(text)
        parts = [self.identifier()]
        while self.accept("."):
            parts.append(self.identifier())
        return parts

    def at_string(self) -> bool:
        """Return whether a string comes next."""
        return self.peek().kind == STRING

    def string(self) -> str:
        """Read a string, or several side by side, and return its value."""
        if not self.at_string():
            self.fail("a string")
        value = ""
        while self.at_string():
            token = self.peek()
            value += unquoted(self.text[token.start : token.end])
            self.at += 1
        return value

    def optional_string(self) -> str | None:
        """Read a string if one comes next."""
        return self.string() if self.at_string() else None

    def value(self) -> str:
        """Read the value of a property: a string, number, boolean or word; return it as text."""
        if self.at_string():
            return self.string()
        if self.peek().kind == NAME:
            return self.identifier()
        sign = "-" if self.accept("-") else ""
        token = self.peek()
        if token.kind not in (NUMBER, WORD):
            self.fail("a value")
        self.at += 1
        raw = self.text[token.start : token.end]
        return sign + (raw.lower() if token.up in ("TRUE", "FALSE") else raw)

    def key(self) -> str:
        """Read the key of a property: a string, or a dotted name."""
        return self.string() if self.at_string() else ".".join(self.name())

    def properties(self) -> dict[str, str]:
        """Read ``('key' = 'value', …)``; the sign between them may be missing."""
        found: dict[str, str] = {}
        self.expect("(")
        while not self.accept(")"):
            key = self.key()
            self.accept("=")
            found[key] = "" if self.peek().up in (",", ")") else self.value()
            if not self.accept(",") and not self.follows(")"):
                self.fail("',' or ')'")
        return found

    def keys(self) -> list[str]:
        """Read ``('key', …)``."""
        found: list[str] = []
        self.expect("(")
        while not self.accept(")"):
            found.append(self.key())
            if not self.accept(",") and not self.follows(")"):
                self.fail("',' or ')'")
        return found

    def identifiers(self) -> list[str]:
        """Read ``(name, …)``; a part of a dotted name is joined by dots."""
        found: list[str] = []
        self.expect("(")
        while not self.accept(")"):
            found.append(".".join(self.name()))
            if not self.accept(",") and not self.follows(")"):
                self.fail("',' or ')'")
        return found

    def source(self, start: int, end: int | None = None) -> str:
        """Return the text from one token up to, not including, another (the reading place)."""
        end = self.at if end is None else end
        if start >= end:
            return ""
        return self.text[self.tokens[start].start : self.tokens[end - 1].end]

    def bracket(self) -> str:
        """Read what stands in brackets and return it, without them."""
        self.expect("(")
        start, depth = self.at, 1
        while depth:
            if self.done:
                self.fail("')'")
            depth += {"(": 1, ")": -1}.get(self.peek().up, 0)
            self.at += 1
        return self.source(start, self.at - 1)

    def rest(self) -> str:
        """Read all that is left and return it."""
        start, self.at = self.at, len(self.tokens)
        return self.source(start)

    def until(self, *words: str) -> str:
        """Read up to one of these keywords, a comma or a closing bracket, outside brackets."""
        start, depth = self.at, 0
        while not self.done:
            token = self.peek()
            if depth == 0 and (token.up in words or token.up in (",", ")")):
                break
            # `<` and `>` are brackets in types; a signed comparison does not occur in one.
            depth += {"(": 1, "<": 1, ")": -1, ">": -1}.get(token.up, 0)
            self.at += 1
        return self.source(start)

    def until_outside(self, *words: str) -> str:
        """Read an expression up to one of these keywords, a comma or ``)`` outside brackets."""
        start, depth = self.at, 0
        while not self.done:
            token = self.peek()
            if depth == 0 and (token.up in words or token.up in (",", ")")):
                break
            depth += {"(": 1, ")": -1}.get(token.up, 0)
            self.at += 1
        return self.source(start)

    def if_exists(self) -> bool:
        """Read ``IF EXISTS`` if it comes next."""
        return self.accept("IF", "EXISTS")

    def if_not_exists(self) -> bool:
        """Read ``IF NOT EXISTS`` if it comes next."""
        return self.accept("IF", "NOT", "EXISTS")


def unquoted(literal: str) -> str:
    """Return the value of a string literal as Spark reads it; `literal` has its quotes."""
    if literal[:1] in "rR":
        return literal[2:-1]
    if literal.startswith("$"):
        mark = literal[: literal.index("$", 1) + 1]
        return literal[len(mark) : -len(mark)]
    quote_mark, inner = literal[0], literal[1:-1]
    inner = inner.replace(quote_mark * 2, quote_mark)
    if "\\" not in inner:
        return inner
    out: list[str] = []
    at = 0
    while at < len(inner):
        if inner[at] != "\\" or at + 1 == len(inner):
            out.append(inner[at])
            at += 1
            continue
        letter = inner[at + 1]
        digits = inner[at + 2 : at + 2 + HEXADECIMAL.get(letter, 0)]
        if digits and len(digits) == HEXADECIMAL[letter] and _is_hexadecimal(digits):
            out.append(chr(int(digits, 16)))
            at += 2 + len(digits)
            continue
        # A pattern keeps its escaped wildcards, so that LIKE can tell them.
        out.append("\\" + letter if letter in "%_" else ESCAPES.get(letter, letter))
        at += 2
    return "".join(out)


def _is_hexadecimal(digits: str) -> bool:
    return all(digit in "0123456789abcdefABCDEF" for digit in digits)


def literal(text: str) -> str:
    """Return text as a string literal of SQL."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


__all__ = ["SIGN", "Reader", "literal", "unquoted"]
