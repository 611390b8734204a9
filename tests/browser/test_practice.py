"""Practice, memory and the page Today in a real browser, on the built book."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Locator, Page, expect

from lakebook.exam import memory, record
from lakebook.exam.directives import SCRIPT

PRACTICE = "book/exam/practice.html"
TODAY = "book/exam/today.html"
MOCK = "book/exam/mock.html"
QUIZ = "book/day3/hyperparameter_tuning.html"
DAY = 86_400_000
# Each width and each colour mode once: what breaks in one of them hangs on one or the other.
LOOKS = pytest.mark.parametrize(("width", "dark"), [(1280, False), (360, True)])

Open = Callable[..., Page]
Accessible = Callable[[Page], None]


# Roles are looked for where the script writes: the bank behind it has thousands of elements.
LIVE = ".lbx-app, .lbx-dialog, .lbx-quiz"


def button(page: Page, name: str) -> Locator:
    return page.locator(LIVE).get_by_role("button", name=name, exact=True)


def cards(page: Page) -> dict[str, Any]:
    """Return what the browser remembers of each question."""
    found: dict[str, Any] = page.evaluate(
        "() => (JSON.parse(localStorage.getItem('lakebook:memory')) || {cards: {}}).cards"
    )
    return found


def begin(page: Page, **wanted: str) -> None:
    """Choose questions by the labels of the form and begin."""
    page.wait_for_selector(".lbx-practice[data-screen=start][data-ready]")
    for label, value in wanted.items():
        page.get_by_label(label, exact=True).select_option(value)
    button(page, "Begin").click()


def answer(page: Page, right: bool) -> str:
    """Answer the question on the screen, check it, and return its id."""
    question = page.locator(".lbx-stage .lbx-q")
    key = (question.get_attribute("data-right") or "").split(",")
    # Of three to be selected not all can be wrong.
    wrong = [*(value for value in "01234" if value not in key), *key][: len(key)]
    for value in key if right else wrong:
        question.locator(f'input[value="{value}"]').check()
    button(page, "Check").click()
    said = "✓ Right" if right else "✗ Not right"
    expect(question.locator(".lbx-verdict")).to_have_text(said)
    return question.get_attribute("data-question") or ""


def fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@LOOKS
def test_practice_gives_the_reasons_at_once_and_remembers(
    open_page: Open, expect_accessible: Accessible, width: int, dark: bool
) -> None:
    page = open_page(PRACTICE, width=width, dark=dark)
    page.wait_for_selector(".lbx-practice[data-screen=start][data-ready]")
    expect_accessible(page)
    fits(page)
    begin(page, From="MD-10")
    expect(button(page, "Check")).to_be_disabled()
    first = answer(page, right=False)
    question = page.locator(".lbx-stage .lbx-q")
    assert question.locator(".lbx-why:visible").count() == question.locator(".lbx-option").count()
    expect_accessible(page)
    fits(page)
    button(page, "Stop").click()
    expect(page.get_by_role("heading", name="0 of 1 right")).to_be_focused()
    expect(page.locator(".lbx-study")).to_contain_text("MD-10")
    expect_accessible(page)
    card = cards(page)[first]
    assert (card["last"], card["right"], card["wrong"], card["box"]) == (False, 0, 1, 0)
    assert card["due"] - card["at"] == DAY

    button(page, "Practise more").click()
    begin(page, Questions="wrong", From="")
    assert answer(page, right=True) == first, "the one that was wrong, and no other"
    button(page, "To the result").click()
    expect(page.get_by_role("heading", name="1 of 1 right")).to_be_visible()
    again = cards(page)[first]
    assert (again["last"], again["box"], again["due"]) == (True, 0, card["due"]), "not yet due"


def test_a_choice_that_fits_no_question_is_named_and_cannot_begin(open_page: Open) -> None:
    page = open_page(PRACTICE)
    page.get_by_label("Questions", exact=True).select_option("wrong")
    expect(page.get_by_text("No question is like that.")).to_be_visible()
    expect(button(page, "Begin")).to_be_disabled()
    page.get_by_label("Questions", exact=True).select_option("all")
    bank = page.locator(".lbx-bank .lbx-q").count()
    expect(page.get_by_text(f"{bank} questions of {bank}.")).to_be_visible()


def test_an_address_chooses_the_questions(open_page: Open) -> None:
    page = open_page(f"{PRACTICE}#which=all&from=DP-02")
    expect(page.get_by_label("From", exact=True)).to_have_value("DP-02")
    page.goto(page.url.split("#")[0] + "#which=nonsense&from=XX-99")
    expect(page.get_by_label("From", exact=True)).to_have_value("")
    expect(button(page, "Begin")).to_be_enabled()


def test_what_is_due_comes_back_on_its_day(open_page: Open) -> None:
    page = open_page(PRACTICE)
    page.clock.install()
    page.reload()
    begin(page, From="DP-02")
    id = answer(page, right=True)
    button(page, "Stop").click()
    page.clock.fast_forward(71 * 3_600_000)
    button(page, "Practise more").click()
    page.get_by_label("Questions", exact=True).select_option("due")
    expect(page.get_by_text("No question is like that.")).to_be_visible()
    page.clock.fast_forward("02:00:00")
    page.reload()
    begin(page, Questions="due")
    assert answer(page, right=True) == id
    assert cards(page)[id]["box"] == 2, "new, then due: two boxes up"


def test_reviews_and_mock_exams_are_remembered_as_well(open_page: Open) -> None:
    page = open_page(QUIZ)
    first = page.locator(".lbx-quiz .lbx-q").first
    for value in (first.get_attribute("data-right") or "").split(","):
        first.locator(f'input[value="{value}"]').check()
    button(page, "Check answers").click()
    reviewed = first.get_attribute("data-question") or ""
    assert set(cards(page)) == {reviewed}, "what was left blank was not answered"
    assert cards(page)[reviewed]["last"] is True
    page.reload()
    assert cards(page)[reviewed]["right"] == 1, "showing a result again is no answer"

    page.goto(page.url.replace(QUIZ, MOCK))
    page.wait_for_selector(".lbx-mock[data-screen=start][data-ready]")
    button(page, "Start the exam").click()
    page.keyboard.press("a")
    id = page.locator(".lbx-stage .lbx-q").get_attribute("data-question")
    button(page, "Finish").click()
    button(page, "Submit").click()
    assert id in cards(page)


@LOOKS
def test_today_names_what_is_due_what_is_weak_and_three_next_steps(
    open_page: Open, expect_accessible: Accessible, width: int, dark: bool
) -> None:
    page = open_page(TODAY, width=width, dark=dark)
    steps = page.locator(".lbx-next li")
    expect(steps).to_have_count(3)
    expect(page.get_by_text("Nothing is due today.")).to_be_visible()
    expect(page.get_by_text("It does not say whether you will pass.")).to_be_visible()
    expect_accessible(page)
    fits(page)
    page.goto(page.url.replace(TODAY, PRACTICE))
    page.clock.install()
    page.reload()
    begin(page, Questions="all", From="MD-10")
    answer(page, right=False)
    page.goto(page.url.split("#")[0].replace(PRACTICE, TODAY))
    row = page.get_by_role("row", name=re.compile("^MD-10"))
    expect(row).to_contain_text("0 of 1")
    expect(steps.first).to_contain_text("MD-10")
    page.clock.fast_forward(25 * 3_600_000)
    page.reload()
    expect(page.get_by_text("Due today: 1 question.")).to_be_visible()
    steps.first.get_by_role("link").click()
    expect(page.get_by_label("Questions", exact=True)).to_have_value("due")


def test_a_day_makes_a_plan_and_is_kept(open_page: Open) -> None:
    page = open_page(TODAY)
    page.clock.install(time="2026-11-01T12:00:00")
    page.reload()
    for day, said in (
        ("2026-12-01", "days left"),
        ("2026-11-02", "nearly here"),
        ("2026-10-01", "is past"),
    ):
        page.get_by_label("Day of your exam", exact=True).fill(day)
        page.get_by_label("Day of your exam", exact=True).dispatch_event("change")
        expect(page.locator(".lbx-plan")).to_contain_text(said)
    page.reload()
    expect(page.get_by_label("Day of your exam", exact=True)).to_have_value("2026-10-01")


def test_labs_of_the_workspace_count(open_page: Open) -> None:
    lab = "day3/01_cross_validation"
    workspace = {"lab": "/lab/", "mlflow": "", "progress": {lab: {"of": 3, "passed": [1, 2, 3]}}}
    page = open_page(TODAY, workspace=workspace)
    row = page.get_by_role("row", name=re.compile("^MD-10"))
    expect(row).to_contain_text("1 of 1")


def test_memory_goes_out_and_in_with_the_file_and_the_newer_stands(
    open_page: Open, tmp_path: Path
) -> None:
    page = open_page(PRACTICE)
    begin(page, From="MD-10")
    id = answer(page, right=True)
    kept = cards(page)
    page.goto(page.url.replace(PRACTICE, MOCK))
    page.wait_for_selector(".lbx-mock[data-screen=start][data-ready]")
    page.evaluate("localStorage.setItem('lakebook:exam-day', '2027-01-05')")
    button(page, "Start the exam").click()
    button(page, "Finish").click()
    button(page, "Submit").click()
    button(page, "All attempts").click()
    with page.expect_download() as waiting:
        button(page, "Export to a file").click()
    file = tmp_path / "mine.json"
    waiting.value.save_as(file)
    other = open_page(MOCK)
    other.wait_for_selector(".lbx-mock[data-screen=start][data-ready]")
    other.get_by_label("Import a file").set_input_files(file)
    expect(other.locator(".lbx-notice")).to_contain_text("1 attempt added")
    assert cards(other)[id] == kept[id]
    day = other.evaluate("JSON.parse(localStorage.getItem('lakebook:exam-day')).day")
    assert day == "2027-01-05", "also from an older page, which kept the day alone"
    data = json.loads(file.read_text())
    data["memory"][id] |= {"at": 5, "last": False}
    file.write_text(json.dumps(data))
    other.get_by_label("Import a file").set_input_files(file)
    expect(other.locator(".lbx-notice")).to_contain_text("0 attempts added")
    assert cards(other)[id] == kept[id], "an older answer does not replace a newer one"
    data["memory"][id]["box"] = 99
    file.write_text(json.dumps(data))
    other.get_by_label("Import a file").set_input_files(file)
    expect(other.locator(".lbx-notice")).to_contain_text("is damaged (its memory). Nothing was")


def test_a_damaged_memory_is_kept_aside(open_page: Open) -> None:
    page = open_page(PRACTICE)
    page.evaluate("localStorage.setItem('lakebook:memory', '{\"version\": 9')")
    page.reload()
    begin(page, From="MD-10")
    answer(page, right=True)
    assert len(cards(page)) == 1
    kept = page.evaluate("localStorage.getItem('lakebook:memory:unread')")
    assert kept == '{"version": 9'


@pytest.fixture(scope="module")
def scheduler(browser: Any) -> Any:
    """A page with nothing but the data parts of the script."""
    page = browser.new_page()
    page.set_content("<p>nothing</p>")
    for part in ("base", "attempt", "memory"):
        page.add_script_tag(content=(SCRIPT / f"{part}.js").read_text())
    yield page
    page.close()


ANSWERS = st.lists(
    st.tuples(st.booleans(), st.integers(-2 * DAY, 40 * DAY), st.sampled_from("aab")), max_size=12
)


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(ANSWERS)
def test_the_browser_moves_cards_as_the_terminal_does(
    scheduler: Page, answers: list[tuple[bool, int, str]]
) -> None:
    time, steps = 10 * DAY, []
    for correct, later, hash in answers:
        time = max(0, time + later)
        steps.append([hash, correct, time])
    told = scheduler.evaluate(
        "(steps) => { let card = null; const all = [];"
        " for (const [hash, correct, time] of steps) {"
        " card = learned(card, hash, correct, time); all.push(card); } return all; }",
        steps,
    )
    card: memory.Card | None = None
    for (hash, correct, time), said in zip(steps, told, strict=True):
        card = memory.learned(card, hash, correct, time)
        assert said == asdict(card)


REFUSES = """const setItem = Storage.prototype.setItem;
Storage.prototype.setItem = function (key, text) {  // the theme has a key of its own
  if (key.startsWith("lakebook:")) throw new DOMException("", "QuotaExceededError");
  setItem.call(this, key, text);
};"""


def test_practice_goes_on_where_the_browser_stores_nothing(open_page: Open) -> None:
    page = open_page(PRACTICE)
    page.add_init_script(REFUSES)
    page.reload()
    begin(page, From="MD-10")
    id = answer(page, right=False)
    expect(page.locator(".lbx-notice")).to_contain_text("stores nothing")
    button(page, "Stop").click()
    button(page, "Practise more").click()
    page.get_by_label("Questions", exact=True).select_option("wrong")
    expect(page.get_by_text("1 question of")).to_be_visible()
    assert id and cards(page) == {}


def test_a_discarded_tab_loses_no_answer_and_two_tabs_keep_both(open_page: Open) -> None:
    page = open_page(PRACTICE)
    begin(page, From="MD-10")
    other = page.context.new_page()
    other.goto(page.url)
    begin(other, From="MD-11")
    ids = {answer(page, right=True), answer(other, right=False)}
    page.reload()  # as a browser does with a tab that it has discarded
    assert set(cards(page)) == ids


def test_practice_with_the_keyboard_alone(open_page: Open) -> None:
    page = open_page(PRACTICE + "#which=all&from=MD-10", width=360)
    page.wait_for_selector(".lbx-practice[data-screen=start][data-ready]")
    button(page, "Begin").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".lbx-stage .lbx-n")).to_be_focused()
    left = int(page.locator(".lbx-stage .lbx-q").get_attribute("data-select") or "")
    for _ in range(30):  # code that scrolls takes the focus as well, and so does its button
        page.keyboard.press("Tab")
        if left and page.evaluate("document.activeElement.matches('.lbx-option input')"):
            page.keyboard.press("Space")
            left -= 1
        if page.evaluate("document.activeElement.textContent") == "Check":
            break
    page.keyboard.press("Enter")
    expect(button(page, "Next")).to_be_focused()
    assert len(cards(page)) == 1


@pytest.mark.parametrize("base", ["http", "file"])
def test_a_question_is_reported_with_a_text_to_copy(
    open_page: Open, expect_accessible: Accessible, base: str
) -> None:
    page = open_page(PRACTICE, base=base, width=360)
    begin(page, From="MD-10")
    expect(page.get_by_text("Report this question")).to_have_count(0)
    id = answer(page, right=False)
    page.get_by_text("Report this question").click()
    text = page.get_by_label(f"Report on question {id}").input_value()
    assert text.startswith(f"Question {id} of MD-10, wording ")
    chosen = page.locator(".lbx-stage .lbx-option:has(input:checked) .lbx-text").first
    first = " ".join(chosen.inner_text().split())[:30]
    assert "I chose:" in text and first in " ".join(text.split())
    button(page, "Copy").click()
    expect(page.locator(".lbx-copied")).to_have_text(re.compile("Copied|Selected"))
    expect_accessible(page)
    fits(page)


def test_every_question_of_the_list_can_be_reported(open_page: Open) -> None:
    page = open_page("book/exam/questions.html")
    first = page.locator(".lbx-q").first
    first.get_by_text("Report this question").click()
    text = first.locator("textarea").input_value()
    assert text.startswith(f"Question {first.get_attribute('data-question')} of ")
    assert page.locator(".lbx-reporting").count() == page.locator(".lbx-q").count()


def test_the_record_is_printed_without_its_buttons(open_page: Open) -> None:
    page = open_page(TODAY)
    page.wait_for_selector(".lbx-today[data-ready]")
    page.emulate_media(media="print")
    expect(page.locator(".lbx-table")).to_be_visible()
    expect(button(page, "Export to a file")).to_be_hidden()


WORKSPACE = (
    "window.lakebook = {lab: '/lab/', mlflow: '', progress: {}, record: '/record', xsrf: 'x'};"
)


def in_workspace(page: Page, answers: Callable[[dict[str, Any]], tuple[int, Any]]) -> list[Any]:
    """Let the page run in a workspace whose server answers by a function; return what it hears."""
    heard: list[Any] = []

    def serve(route: Any) -> None:
        sent = json.loads(route.request.post_data)
        heard.append(sent)
        status, said = answers(sent)
        route.fulfill(status=status, body=json.dumps(said), content_type="application/json")

    page.context.route(
        "**/_static/workspace.js*",
        lambda route: route.fulfill(body=WORKSPACE, content_type="text/javascript"),
    )
    page.context.route("**/record", serve)
    page.reload()
    return heard


def kept(**parts: Any) -> dict[str, Any]:
    return {"format": "lakebook", "version": 1, "attempts": [], "memory": {}, **parts}


def test_in_the_workspace_an_answer_goes_to_the_file_and_what_is_there_comes_back(
    open_page: Open,
) -> None:
    page = open_page(TODAY)
    lab = "day3/01_cross_validation"
    long_ago = {"hash": "ab", "box": 1, "at": 5, "due": 6, "right": 1, "wrong": 0, "last": True}
    there = kept(memory={f"{lab}#2": long_ago}, examDay={"day": "2030-01-02", "at": 5})
    in_workspace(page, lambda sent: (200, there))
    expect(page.get_by_text("Due today: 0 questions, 1 exercise of labs.")).to_be_visible()
    expect(page.get_by_role("link", name=f"Solve exercise 2 of the lab {lab}")).to_be_visible()
    expect(page.get_by_label("Day of your exam", exact=True)).to_have_value("2030-01-02")
    expect(page.get_by_text("kept in your workspace")).to_be_visible()

    practice = page.context.new_page()
    practice.goto(page.url.replace("today", "practice"))
    begin(practice, From="MD-10")
    with practice.expect_request("**/record") as asked:
        id = answer(practice, right=True)
    sent = json.loads(asked.value.post_data or "")
    assert sent["memory"][id]["last"] is True
    assert asked.value.headers["x-xsrftoken"] == "x"


def test_while_a_mock_exam_runs_nothing_is_asked_for(open_page: Open) -> None:
    page = open_page(MOCK)
    heard = in_workspace(page, lambda sent: (200, sent))
    page.wait_for_selector(".lbx-mock[data-screen=start][data-ready]")
    page.wait_for_timeout(600)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    button(page, "Start the exam").click()
    for key in "anbnfm":
        page.keyboard.press(key)
    page.wait_for_timeout(600)
    assert asked == []
    before = len(heard)
    button(page, "Finish").click()
    with page.expect_request("**/record"):
        button(page, "Submit").click()
    page.wait_for_timeout(300)
    assert len(heard) == before + 1 and heard[-1]["attempts"][0]["submitted"]


def test_a_deleted_attempt_does_not_come_back_from_the_file(open_page: Open) -> None:
    page = open_page(MOCK)
    file: dict[str, Any] = kept()

    def server(sent: dict[str, Any]) -> tuple[int, Any]:
        file.update(record.merged(file, sent))
        return 200, file

    in_workspace(page, server)
    button(page, "Start the exam").click()
    button(page, "Finish").click()
    with page.expect_response("**/record"):
        button(page, "Submit").click()
    button(page, "All attempts").click()
    page.get_by_role("button", name=re.compile("^Delete the attempt")).click()
    with page.expect_response("**/record"):
        button(page, "Delete").click()
    assert file["attempts"] == [] and len(file["removed"]) == 1
    page.reload()
    expect(page.get_by_text("None yet. They are kept in your workspace")).to_be_visible()


# In this test the server answers as one whose file it may not touch; the browser logs that.
def test_a_workspace_that_cannot_keep_the_record_says_why_and_nothing_is_lost(
    browser: Any, server: str
) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{server}/{PRACTICE}")
    in_workspace(page, lambda sent: (409, {"message": "the file is of a newer edition"}))
    begin(page, From="MD-10")
    id = answer(page, right=True)
    expect(page.locator(".lbx-notice")).to_contain_text("the file is of a newer edition")
    expect(page.locator(".lbx-notice")).to_contain_text("kept in this browser")
    assert set(cards(page)) == {id}
    context.close()
