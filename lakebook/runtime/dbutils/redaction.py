"""[REDACTED] in the place of a secret's value, in every output of a notebook.

In a kernel each message passes one point before it leaves: text that is printed, what `display`
shows, representations, tracebacks, and the output of programs. There the value is replaced as
such and in the forms in which Python, JSON and HTML write it; its single letters, or the value
turned round, are not, as on the platform. Elsewhere standard output and error are replaced.
"""

from __future__ import annotations

import html
import json
import sys
from typing import Any
from urllib.parse import quote

MARK = "[REDACTED]"
SHOWN = ("display_data", "execute_result", "update_display_data")
TEXT_FIELDS = {"text", "data", "metadata", "ename", "evalue", "traceback", "user_expressions"}

_hidden: list[str] = []  # the longest first, so that no part of one remains


def hide(value: str, shell: Any = None) -> None:
    """Show [REDACTED] in the place of this value from now on."""
    known = set(_hidden) | _forms(value)
    _hidden[:] = sorted(known, key=len, reverse=True)
    _watch(shell)


def redact(content: Any, *, keys: bool = True) -> Any:
    """Return a nest of lists, objects and texts with each hidden value replaced.

    With `keys` false the names in objects are left alone.
    """
    if isinstance(content, str):
        for form in _hidden:
            if form in content:
                content = content.replace(form, MARK)
        return content
    if isinstance(content, dict):
        return {
            redact(name) if keys else name: redact(value, keys=keys)
            for name, value in content.items()
        }
    if isinstance(content, list | tuple):
        return [redact(one, keys=keys) for one in content]
    return content


def _redact_message(msg: dict[str, Any]) -> dict[str, Any]:
    """Return a message with its text redacted and its form kept.

    A secret may be as short as `text` or `ok`: where the protocol has a word of its own (names of
    fields, kinds of output, states) nothing is replaced.
    """
    # Names within what is shown are data; those in messages of widgets are the widgets' own.
    shown = msg.get("msg_type", "") in SHOWN
    content = dict(msg["content"])
    for field in TEXT_FIELDS & content.keys():
        value = content[field]
        if isinstance(value, dict):
            content[field] = {name: redact(one, keys=shown) for name, one in value.items()}
        else:
            content[field] = redact(value)
    return {**msg, "content": content}


def _forms(value: str) -> set[str]:
    """Return the ways in which a value gets into an output: as it is, escaped, quoted."""
    forms = {value, value.strip(), repr(value)[1:-1], repr(value.encode())[2:-1]}
    forms |= {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    forms |= {html.escape(form) for form in set(forms)}
    forms |= {html.escape(form, quote=False) for form in set(forms)}
    forms |= {value.replace("\r\n", "\n"), quote(value), quote(value, safe="")}
    # A frame's text has one line for each of a value's, and so has a traceback.
    forms |= {line for line in value.splitlines() if len(line) > 8}
    return {form for form in forms if form.strip()}


def _watch(shell: Any) -> None:
    if shell is None and "IPython" in sys.modules:
        shell = sys.modules["IPython"].get_ipython()
    session = getattr(getattr(shell, "kernel", None), "session", None)
    if session is not None:
        _watch_session(session)
        return
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if not isinstance(stream, _Stream):
            setattr(sys, name, _Stream(stream))


def _watch_session(session: Any) -> None:
    """Redact each message that the kernel sends, where it is turned into bytes."""
    if getattr(session.serialize, "_lakebook", False):
        return
    serialize = session.serialize

    def redacted(msg: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        return serialize(_redact_message(msg), *args, **kwargs)

    vars(redacted)["_lakebook"] = True
    session.serialize = redacted


class _Stream:
    """A text stream that writes [REDACTED] for what is hidden, and is else the one it covers."""

    def __init__(self, covered: Any) -> None:
        self._covered = covered

    def write(self, text: str) -> int:
        self._covered.write(redact(text))
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._covered, name)
