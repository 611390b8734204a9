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


def test_only_on_the_cluster_some_cases_are_not_run_and_the_page_says_so_of_each() -> None:
    every = cases()
    assert all(case.runs_on(e) or e in case.not_on for case in every for e in ("local", "connect"))
    on_cluster = [case for case in every if case.runs_on("standalone")]
    assert len(on_cluster) >= 150
    left_out = [case for case in every if not case.on_workers]
    assert page.text().count("- not run\n") == len(left_out)
    assert f"{len(on_cluster)} of them run on a standalone **cluster**" in page.text()


def test_of_the_areas_with_tables_and_frames_none_is_left_out_on_the_cluster() -> None:
    areas = {case.area for case in cases()}
    drivers = {"Grants and information schema", "dbutils.fs", "dbutils"}
    assert drivers < areas
    assert {case.area for case in cases() if case.runs_on("standalone")} == areas - drivers


def test_every_difference_is_told_before_the_tables() -> None:
    top = page.text().split("\n## ")[1]
    told = [case for case in cases() if case.differs]
    assert len(told) == top.count("*Here:*")
