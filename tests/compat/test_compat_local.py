"""The promises of the platform's documentation, on a local session."""

from __future__ import annotations

from typing import Any

from suite import Case

ENVIRONMENT = "local"


def test_the_promise_holds(compatibility_case: Case, holds: Any) -> None:
    holds(compatibility_case)
