"""The promises in which workers take part, on a standalone cluster with two of them."""

from __future__ import annotations

from typing import Any

from suite import Case

ENVIRONMENT = "standalone"


def test_the_promise_holds(compatibility_case: Case, holds: Any) -> None:
    holds(compatibility_case)
