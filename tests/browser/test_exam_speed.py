"""A large bank does not slow the mock exam down; `tests/benchmarks/exam.py` prints the times."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Browser

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))
import exam


def test_a_bank_ten_times_as_large_starts_and_answers_at_about_the_same_pace(
    browser: Browser,
) -> None:
    """Ratios of one run, for a machine may be slow: what grew with the bank would be tenfold."""
    small, large = exam.measure(browser, 100), exam.measure(browser, 1000)
    for name in ("start", "choose", "next"):
        assert large[name] < 6 * max(small[name], 1.0), (name, small, large)
