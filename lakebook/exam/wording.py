"""Words of a question: its plain text, and what must not be said because options are shuffled."""

from __future__ import annotations

import re

CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
FENCE = re.compile(r"^[ \t]*(```|~~~)[^\n]*\n(.*?)^[ \t]*\1[ \t]*$", re.DOTALL | re.MULTILINE)

HTML_TAG = re.compile(r"(?<!\\)<(?=[A-Za-z/!?])(?!https?://)")
DIRECTIVE = re.compile(r"^\s*(?:`{3,}|~{3,}|:{3,})\s*\{", re.MULTILINE)

_LETTER = r"\(?[A-E]\)?"
_NOUN = r"(?:options?|answers?|choices?|alternatives?)"
_ORDINAL = r"(?:first|second|third|fourth|fifth|last|previous|next|preceding|following)"
POSITION = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b(?:[Bb]oth|[Ee]ither|[Nn]either)\s+{_LETTER}\s+(?:and|or|nor)\s+{_LETTER}(?![\w-])",
        rf"(?i:\b{_NOUN})\s+{_LETTER}(?=$|[\s,.;:!?)])",
        rf"(?i:\b{_NOUN})\s+(?:\(?[1-5]\)?)(?=$|[\s,.;:!?)])",
        rf"(?i)\bthe\s+{_ORDINAL}\s+(?:\w+\s+)?{_NOUN}\b",
        rf"(?i)\b{_NOUN}\s+(?:above|below)\b",
        r"(?i)\b(?:the|one|ones|two)\s+(?:ones?\s+)?(?:above|below)\s+(?:one|option|answer)",
        r"(?i)\bsame\s+as\s+(?:the\s+)?(?:above|below|previous|preceding)\b",
    )
)
IN_OPTION = re.compile(
    r"(?i)(?:^|\b(?:as|the|one|ones|that|those|see|of|from)\s+)(?:above|below)\s*(?:$|[.,;:!?)])"
)
ALL_OR_NONE = re.compile(
    r"(?i)\b(?:all|none|any|both|neither|either|some|one|two|three)\s+(?:of\s+)?"
    r"(?:the\s+|these\s+)?(?:(?:other\s+)?(?:options|answers|choices)\s*)?"
    r"(?:the\s+)?(?:above|below|listed|mentioned)\b"
    r"|\b(?:all|none)\s+of\s+(?:the\s+|these\s+)?(?:other\s+)?"
    r"(?:(?:options|answers|choices)\b|(?:these|others)\s*(?:$|[.,;:!?)]))"
)


def plain(text: str) -> str:
    """Return Markdown text without its backticks or code fence."""
    if fenced := FENCE.fullmatch(text.strip()):
        return fenced[2].rstrip("\n")
    return CODE_SPAN.sub(lambda m: m[2].strip(" ") or m[2], text).strip()


def prose(text: str) -> str:
    """Return the text with code blocks and code spans blanked out."""
    return CODE_SPAN.sub(" ` ", FENCE.sub("\n", text))


def tame(text: str) -> str:
    """Return Markdown in which raw HTML outside code is escaped, so that it renders as text."""
    spans = sorted(
        [m.span() for m in FENCE.finditer(text)] + [m.span() for m in CODE_SPAN.finditer(text)]
    )
    out, at = [], 0
    for start, end in spans:
        if start < at:  # a code span inside a fenced block
            continue
        out += [HTML_TAG.sub(r"\\<", text[at:start]), text[start:end]]
        at = end
    return "".join([*out, HTML_TAG.sub(r"\\<", text[at:])])


def faults(text: str, *, option: bool = False) -> list[str]:
    """Return what must change because the page shuffles options; `option` for an option's text."""
    words = prose(text)
    found = []
    if DIRECTIVE.search(text):
        found.append("a directive in a question; use a plain code block")
    if match := ALL_OR_NONE.search(words):
        found.append(f"'{match[0].strip()}' gives the answer away; write an option of its own kind")
    else:
        patterns = (*POSITION, IN_OPTION) if option else POSITION
        for pattern in patterns:
            if match := pattern.search(words):
                found.append(
                    f"'{match[0].strip()}' refers to a position, and options are shuffled; "
                    "say what is meant"
                )
                break
    return found
