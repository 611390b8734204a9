"""The tabs of `display`: without a script, by mouse and keyboard, light and dark, anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from playwright.sync_api import Browser, Page

from lakebook.runtime.display import display, summarize

LAB = "day2/04_missing_values"
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Outputs</title>
<meta name="viewport" content="width=device-width">
<style>:root{{color-scheme:light dark}}body{{font:16px sans-serif}}</style></head>
<body><main><h1>Outputs</h1>{}</main></body></html>"""
schemes = pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
tabs = pytest.mark.parametrize("tab", ["Table", "Visualization", "Data Profile"])


def outputs() -> list[str]:
    """Return the HTML of frames of each kind; the first two are equal."""
    rng = np.random.default_rng(3)
    days = pd.date_range("2024-01-01", periods=60)
    air = pd.DataFrame({"day": days, "ozone": rng.normal(60, 9, 60), "site": ["a", "b"] * 30})
    air.loc[3, "ozone"] = np.nan
    wide = pd.DataFrame(rng.normal(size=(20, 10)), columns=[f"measured {i}" for i in range(10)])
    words = pd.DataFrame({"<b>": ["x" * 300, "two words", None], "n": [1, 2, 3]})
    InteractiveShell.instance()
    with capture_output() as captured:
        display(air, air, wide, words, air[["site"]], pd.DataFrame({"list": [[1], [2]]}))
        summarize(air)
    return [output.data["text/html"] for output in captured.outputs]


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a page of its own with several outputs."""
    file = tmp_path_factory.mktemp("display") / "outputs.html"
    file.write_text(PAGE.format("".join(outputs())), "utf-8")
    return file


@pytest.fixture
def open_outputs(browser: Browser, page_file: Path) -> Iterator[Callable[..., Page]]:
    """Return a function that opens the page from its file; any request to a host fails."""
    asked: list[str] = []
    contexts = []

    def opened(*, dark: bool = False, width: int = 1000, javascript: bool = False) -> Page:
        context = browser.new_context(
            color_scheme="dark" if dark else "light",
            viewport={"width": width, "height": 800},
            java_script_enabled=javascript,
        )
        contexts.append(context)
        context.on("request", lambda request: asked.append(request.url))
        page = context.new_page()
        page.goto(page_file.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert set(asked) == {page_file.as_uri()}


def choose(page: Page, tab: str) -> None:
    for radio in page.get_by_role("radio", name=tab, exact=True).all():
        radio.check()


def views(page: Page, number: int) -> list[bool]:
    """Return which of the three panels of an output are visible."""
    form = page.locator("form.lbd").nth(number)
    return [form.locator(f".lbd{i}").is_visible() for i in (1, 2, 3)]


def test_equal_frames_give_equal_outputs_without_an_id() -> None:
    first, second, *others = outputs()
    assert first == second
    assert [first, second, *others] == outputs()
    assert not any(" id=" in html or "<script" in html for html in (first, *others))


def test_one_tab_is_open_and_each_output_turns_on_its_own(open_outputs: Any) -> None:
    page = open_outputs()
    assert views(page, 0) == views(page, 1) == [True, False, False]
    page.locator("form.lbd").nth(0).get_by_text("Data Profile", exact=True).click()
    assert views(page, 0) == [False, False, True]
    assert views(page, 1) == [True, False, False]


def test_the_keyboard_alone_reaches_every_tab_and_what_is_in_it(open_outputs: Any) -> None:
    page = open_outputs()
    focused = "document.activeElement.value || document.activeElement.className"
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "1"
    assert page.evaluate("getComputedStyle(document.activeElement.parentNode).outlineStyle") != (
        "none"
    )
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "lbd1"  # the table, to scroll it
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowRight")
    assert views(page, 0) == [False, True, False]
    page.keyboard.press("ArrowRight")
    assert views(page, 0) == [False, False, True]
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "lbd3"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")  # would send an ordinary form, and load the page again
    assert views(page, 0) == [False, False, True]
    page.keyboard.press("ArrowRight")
    assert views(page, 0) == [True, False, False]


def test_a_screen_reader_hears_which_frame_and_which_view(open_outputs: Any) -> None:
    form = open_outputs().locator("form.lbd").nth(0)
    group = form.get_by_role("group", name="View of 60 rows × 3 columns")
    assert group.get_by_role("radio").count() == 3
    assert group.get_by_role("radio", name="Table").is_checked()
    assert form.get_by_role("region", name="Table of 60 rows × 3 columns").is_visible()
    form.get_by_role("radio", name="Visualization").check()
    drawn = form.get_by_role("img").first
    assert drawn.get_attribute("aria-label").startswith("Line chart. ozone by day: ")


@schemes
@tabs
def test_no_tab_breaches_wcag_22_aa(
    open_outputs: Any, expect_accessible: Callable[[Page], None], dark: bool, tab: str
) -> None:
    page = open_outputs(dark=dark, javascript=True)
    choose(page, tab)
    expect_accessible(page)


@tabs
def test_on_a_telephone_the_page_stays_and_the_table_scrolls(open_outputs: Any, tab: str) -> None:
    page = open_outputs(width=360)
    choose(page, tab)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    wide = page.locator("form.lbd").nth(2)
    assert wide.get_by_role("radio").count() == 3
    for label in wide.locator("label").all():
        box = label.bounding_box()
        assert box["x"] + box["width"] <= 360 and box["height"] >= 24
    if tab == "Table":
        width = wide.locator(".lbd1").evaluate("box => [box.scrollWidth, box.clientWidth]")
        assert width[0] > width[1]


CONTRAST = """([selector, property]) => {
  const light = c => c <= 10 ? c / 255 / 12.92 : ((c / 255 + .055) / 1.055) ** 2.4;
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const luminance = colour => {
    canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = canvas.getImageData(0, 0, 1, 1).data;
    return .2126 * light(r) + .7152 * light(g) + .0722 * light(b);
  };
  return [...document.querySelectorAll(selector)].map(drawn => {
    let ground = drawn, colour = "rgba(0, 0, 0, 0)";
    while (ground && colour === "rgba(0, 0, 0, 0)") {
      colour = getComputedStyle(ground).backgroundColor;
      ground = ground.parentElement;
    }
    if (colour === "rgba(0, 0, 0, 0)") colour = "Canvas";
    if (colour === "Canvas") {
      const probe = document.body.appendChild(document.createElement("i"));
      probe.style.color = "Canvas";
      colour = getComputedStyle(probe).color;
      probe.remove();
    }
    const both = [luminance(getComputedStyle(drawn)[property]), luminance(colour)];
    return (Math.max(...both) + .05) / (Math.min(...both) + .05);
  });
}"""
DRAWN = {".lbd .f": "fill", ".lbd .l": "stroke", ".lbd .d": "stroke", ".lbd text": "fill"}


def expect_contrast(page: Page) -> None:
    for selector, name in DRAWN.items():
        for ratio in page.evaluate(CONTRAST, [selector, name]):
            assert ratio >= (4.5 if "text" in selector else 3), f"{selector}: {ratio:.2f} : 1"


@schemes
def test_what_is_drawn_can_be_seen(open_outputs: Any, dark: bool) -> None:
    page = open_outputs(dark=dark, javascript=True)
    choose(page, "Visualization")
    for selector in DRAWN:
        assert page.locator(selector).count() > 0
    expect_contrast(page)


def test_twenty_rows_of_ten_columns_stay_under_sixty_kilobytes() -> None:
    wide = outputs()[2]
    assert "20 rows × 10 columns" in wide
    assert 8_000 < len(wide.encode()) < 60_000


@schemes
def test_in_the_book_every_tab_is_readable(
    open_page: Callable[..., Page], expect_accessible: Callable[..., None], dark: bool
) -> None:
    """Axe looks at the outputs alone; the page around them is one of test_pages.py."""
    page = open_page(f"solutions/{LAB}.html", dark=dark)
    assert page.locator("form.lbd").count() > 2
    for tab, panel in (("Visualization", 2), ("Data Profile", 3), ("Table", 1)):
        choose(page, tab)
        assert views(page, 0)[panel - 1]
        assert views(page, 0).count(True) == 1
        expect_accessible(page, "form.lbd")
    expect_contrast(page)
