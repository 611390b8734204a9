"""The book's page on compatibility says what the cases say."""

from __future__ import annotations

import page
from suite import ENVIRONMENTS, cases


def test_the_page_is_what_the_cases_write() -> None:
    assert page.PAGE.read_text("utf-8") == page.text(), "run: python tests/compat/page.py"


def test_there_are_enough_cases_and_each_names_its_source() -> None:
    every = cases()
    assert len(every) >= 120
    assert [case.name for case in every if not case.source.startswith("https://")] == []
    assert [case.name for case in every if not case.promise.endswith(".")] == []


def test_a_case_that_is_not_for_an_environment_says_why_on_the_page() -> None:
    written = page.text()
    for case in cases():
        assert set(case.not_on) < set(ENVIRONMENTS), f"{case.name} runs nowhere"
        assert all(f"{reason}." in written for reason in case.not_on.values())


def test_every_difference_is_told_before_the_tables() -> None:
    top = page.text().split("\n## ")[1]
    told = [case for case in cases() if case.differs]
    assert len(told) == top.count("*Here:*")
