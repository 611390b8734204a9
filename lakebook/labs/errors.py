"""What can be wrong with a lab, as its author is told."""

from __future__ import annotations

from lakebook.errors import LakebookError


class LabError(LakebookError):
    """A solution, its exercises or a derived lab breaks a rule; the message says how to mend it."""
