"""The promises of the platform's documentation, on a standalone cluster of two workers."""

from __future__ import annotations

from typing import Any

from suite import Case

ENVIRONMENT = "standalone"


def test_the_promise_holds(compatibility_case: Case, holds: Any) -> None:
    holds(compatibility_case)
