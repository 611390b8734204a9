"""Errors that name the thing, the value and the way out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class LakebookError(Exception):
    """A mistake the reader can mend. Its message is shown alone, without a stack trace."""


def unknown(kind: str, name: str, known: Iterable[str]) -> LakebookError:
    """Return the error for a name that is not among the known ones, with the nearest match.

    `kind` is the field's word for the thing, for example ``"dataset"``.
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
    if near:
        way_out = f"did you mean '{near[0]}'?"
    elif names:
        way_out = "known: " + ", ".join(names[:12]) + (" …" if len(names) > 12 else "")
    else:
        way_out = f"no {kind} is known here"
    return LakebookError(f"{kind} '{name}' is not known; {way_out}")
