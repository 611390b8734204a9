"""The one error of the feature store; it is a ValueError, as the platform's client raises."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from lakebook.errors import LakebookError


class FeatureError(LakebookError, ValueError):
    """Something asked of the feature store that it cannot do; the message names it."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a sentence that names the nearest of the known names, or some of them."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if near:
        return f"Did you mean '{near[0]}'?"
    return f"There are: {', '.join(names[:12])}{' …' if len(names) > 12 else ''}." if names else ""
