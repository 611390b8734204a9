"""The one error of AutoML; it is a ValueError too, as for a wrong argument of the platform's."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from lakebook.errors import LakebookError


class AutoMLError(LakebookError, ValueError):
    """Something asked of AutoML that it cannot do; the message names it and the way out."""


def unknown_column(argument: str, name: object, known: Iterable[object]) -> AutoMLError:
    """Return the error for an `argument` that names no column, with the nearest of the known."""
    names = [str(one) for one in known]
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.4)
    folded = [one for one in names if one.casefold() == str(name).casefold()]
    if near or folded:
        way_out = f"did you mean '{(folded or near)[0]}'?"
    else:
        way_out = f"there are: {', '.join(names[:12])}{' …' if len(names) > 12 else ''}"
    return AutoMLError(f"{argument} '{name}' is not a column of the data; {way_out}")
