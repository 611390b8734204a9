"""Every kind of page in a real browser: readable, reachable, quiet."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

Open = Callable[..., Page]
LAB = "day2/04_missing_values"
KINDS = {
    "landing": "book/index.html",
    "chapter": "book/day2/missing_values.html",
    "lab": f"labs/{LAB}.html",
    "solution": f"solutions/{LAB}.html",
    "use case": "book/usecases/sales_trends.html",
    "exam": "book/exam/index.html",
    "mock exam": "book/exam/mock.html",
    "questions": "book/exam/questions.html",
    "honesty": "book/exam/honesty.html",
    "coverage": "book/exam/coverage.html",
    "in brief": "book/exam/brief_model_development.html",
    "data": "book/data.html",
    "data card": "datasets/sales_weekly/card.html",
    "timings": "book/timings.html",
    "search": "search.html?q=median",
}
WORKSPACE: dict[str, Any] = {
    "base": "/w/",
    "lab": "/w/lab/tree/",
    "mlflow": "/w/mlflow/",
    "progress": {LAB: {"passed": [1, 3], "of": 3}},
}
every_kind = pytest.mark.parametrize("path", KINDS.values(), ids=KINDS.keys())


# Kinds with elements of their own. Those about the exam are looked at in the dark on a telephone,
# by test_exam.py; what is left is made of the same text, lists and tables.
IN_THE_DARK = ("landing", "chapter", "lab", "solution", "mock exam", "data card", "search")
looked_at = [(KINDS[kind], False, f"light-{kind}") for kind in KINDS]
looked_at += [(KINDS[kind], True, f"dark-{kind}") for kind in IN_THE_DARK]


@pytest.mark.parametrize(
    ("path", "dark"),
    [(path, dark) for path, dark, _ in looked_at],
    ids=[name for *_, name in looked_at],
)
def test_no_breach_of_wcag_22_aa(
    open_page: Open, expect_accessible: Callable[[Page], None], path: str, dark: bool
) -> None:
    """Every kind of page in the light; in the dark those that differ from one another."""
    page = open_page(path, dark=dark)
    assert page.evaluate("document.documentElement.dataset.theme") == ("dark" if dark else "light")
    expect_accessible(page)


@pytest.mark.parametrize(
    ("path", "part"),
    [
        (f"solutions/{LAB}.html", "pre span"),
        ("book/day3/hyperparameter_tuning.html", ".lbx-text > p:not(:has(code))"),
    ],
    ids=["code", "a question"],
)
def test_axe_sees_the_one_that_is_not_like_the_others(
    open_page: Open, expect_accessible: Callable[[Page], None], path: str, part: str
) -> None:
    page = open_page(path)
    word = page.locator(part).filter(has_text=re.compile(r"\w{4}"), visible=True).last
    word.evaluate("e => { e.style.color = '#ddd'; }")
    with pytest.raises(AssertionError, match="color-contrast"):
        expect_accessible(page)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_link_past_the_menu_can_be_read_when_it_appears(
    open_page: Open, expect_accessible: Callable[[Page], None], dark: bool
) -> None:
    page = open_page("book/exam/index.html", dark=dark)
    page.keyboard.press("Tab")
    link = page.get_by_role("link", name="Skip to main content")
    link.evaluate("link => link === document.activeElement || Promise.reject('no focus')")
    page.wait_for_function(
        "document.querySelector('#pst-skip-link').getBoundingClientRect().y >= 0"
    )
    expect_accessible(page)


CUT_OFF = """() => [...document.querySelectorAll("article table, article pre")].filter(e => {
  if (!e.getClientRects().length) return false;
  for (let p = e; p && p.tagName !== "ARTICLE"; p = p.parentElement)
    if (["auto", "scroll"].includes(getComputedStyle(p).overflowX)) return false;
  return e.getBoundingClientRect().right > innerWidth + 1;
}).map(e => e.outerHTML.slice(0, 200))"""


def test_a_telephone_scrolls_no_page_sideways(open_page: Open, site: Path) -> None:
    page = open_page("book/index.html", width=360, base="file")
    faults = []
    # Without the root, which only leads on to the first page.
    for file in sorted(set(site.rglob("*.html")) - {site / "index.html"}):
        page.goto(file.as_uri())
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > 360:
            faults.append(f"{file.relative_to(site)} is {width} px wide")
        # What is wider than the page must scroll inside it.
        faults += [f"{file.relative_to(site)} cuts off {what}" for what in page.evaluate(CUT_OFF)]
    assert not faults, "\n".join(faults)


@every_kind
def test_it_works_from_a_memory_stick(open_page: Open, path: str) -> None:
    page = open_page(path, base="file")
    assert page.locator("h1").last.is_visible()


@pytest.mark.parametrize("base", ["http", "file"])
def test_our_copy_of_mathjax_draws_without_fonts_and_is_read_out(
    open_page: Open, base: str
) -> None:
    page = open_page("book/timings.html", base=base)
    page.evaluate(
        """() => {
             const formula = document.createElement("p");
             formula.className = "mathjax_process";
             formula.textContent = String.raw`\\(\\bar x = \\frac{1}{n} \\sum_i x_i\\)`;
             document.querySelector("article section").append(formula);
             const script = document.createElement("script");
             script.src = "../_static/mathjax/tex-svg.js";
             document.head.append(script);
           }"""
    )
    page.wait_for_selector("article mjx-container svg path", state="attached")
    assert page.locator("article mjx-container mjx-assistive-mml mfrac").count() == 1


def test_every_page_with_mathematics_typesets_it(open_page: Open, site: Path) -> None:
    for file in sorted(site.rglob("*.html")):
        if 'class="math ' in file.read_text("utf-8"):
            page = open_page(file.relative_to(site).as_posix(), base="file")
            page.wait_for_selector("article .math mjx-container svg", state="attached")
            drawn = page.locator("article .math mjx-container").count()
            assert drawn == page.locator("article .math").count()


def test_a_page_on_its_own_says_how_to_open_the_lab(open_page: Open) -> None:
    page = open_page(f"labs/{LAB}.html")
    assert page.evaluate("window.lakebook") is None
    assert page.get_by_text("lakebook start").first.is_visible()
    assert page.get_by_role("link", name="Open this lab").count() == 0
    assert page.get_by_role("link", name="Experiments").count() == 0


def test_inside_the_workspace_a_lab_opens_and_shows_progress(open_page: Open) -> None:
    page = open_page(f"labs/{LAB}.html", workspace=WORKSPACE)
    way = page.get_by_role("link", name="Open this lab")
    assert way.get_attribute("href") == f"/w/lab/tree/labs/{LAB}.ipynb"
    assert way.is_visible()
    assert page.get_by_text("2 of 3 exercises done").is_visible()
    experiments = page.get_by_role("link", name="Experiments")
    assert experiments.get_attribute("href") == "/w/mlflow/"
    assert page.locator(".lb-static").count() == 0


@pytest.mark.parametrize("path", ["book/index.html", "book/day2/missing_values.html"])
def test_labs_open_from_the_landing_page_and_from_their_chapter(
    open_page: Open, expect_accessible: Callable[[Page], None], path: str
) -> None:
    page = open_page(path, workspace=WORKSPACE)
    place = page.locator(f'.lb-lab[data-lab="{LAB}"]').first
    way = place.get_by_role("link", name="Open the lab")
    assert way.get_attribute("href") == f"/w/lab/tree/labs/{LAB}.ipynb"
    assert place.get_by_text("2 of 3 exercises done").is_visible()
    expect_accessible(page)


def test_a_lab_with_every_exercise_done_says_so(open_page: Open) -> None:
    done = {**WORKSPACE, "progress": {LAB: {"passed": [1, 2, 3], "of": 3}}}
    page = open_page(f"labs/{LAB}.html", workspace=done, width=360, dark=True)
    assert page.get_by_text("✓ 3 of 3 exercises done").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_long_output_is_folded_and_opens_by_keyboard(open_page: Open) -> None:
    page = open_page(f"solutions/{LAB}.html")
    page.evaluate(
        """() => {
             const cell = document.querySelector(".cell_input").parentElement;
             const lines = Array.from({length: 90}, (_, n) => `line ${n}`).join("\\n");
             cell.insertAdjacentHTML("beforeend", `<div class="cell_output docutils container">
               <div class="output stream"><pre id="long">${lines}</pre></div></div>`);
             const script = document.createElement("script");
             script.src = document.querySelector("script[src*='page.js']").src;
             document.head.append(script);
           }"""
    )
    more = page.get_by_role("button", name="Show all 90 lines")
    more.wait_for()
    folded = page.locator("#long").bounding_box()
    more.focus()
    page.keyboard.press("Enter")
    unfolded = page.locator("#long").bounding_box()
    assert folded and unfolded
    assert folded["height"] < 500 < unfolded["height"]
    assert page.get_by_role("button", name="Show less").get_attribute("aria-expanded") == "true"


def test_without_scripts_a_page_is_whole_and_light(open_page: Open) -> None:
    page = open_page("book/index.html", javascript=False)
    assert page.get_by_role("heading", level=1).last.is_visible()
    assert page.locator("body").evaluate("e => getComputedStyle(e).color") == "rgb(29, 43, 50)"
    page.locator(".lb-read").click()
    page.wait_for_load_state()
    assert page.url.endswith("book/day1/automl.html")


def test_the_colour_mode_is_kept_by_the_reader(open_page: Open) -> None:
    page = open_page("book/index.html")
    button = page.get_by_role("button", name="Color mode")
    for _ in range(3):
        button.click()
        if page.evaluate("document.documentElement.dataset.theme") == "dark":
            break
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_search_finds_a_word_of_a_lab(open_page: Open) -> None:
    page = open_page("search.html?q=median", base="file")
    # Results appear one after the other.
    page.wait_for_selector("#search-results a[href*='missing_values']")


def test_print_shows_the_text_alone(open_page: Open) -> None:
    page = open_page(f"labs/{LAB}.html", workspace=WORKSPACE)
    page.emulate_media(media="print")
    for hidden in (".lb-open", ".bd-sidebar-primary", ".bd-header-article", ".prev-next-footer"):
        assert not page.locator(hidden).first.is_visible(), hidden
    assert page.locator("article").first.is_visible()
