"""The trainer in a real browser, on the built book: as a candidate uses it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

MOCK = "book/exam/mock.html"
QUIZ = "book/day3/hyperparameter_tuning.html"
ATTEMPTS = (
    "() => Object.entries(localStorage).filter(([k]) => k.startsWith('lakebook:attempt:'))"
    ".map(([, v]) => JSON.parse(v))"
)
# Each width and each colour mode once: what breaks in one of them hangs on one or the other.
LOOKS = pytest.mark.parametrize(("width", "dark"), [(1280, False), (360, True)])

Open = Callable[..., Page]
Accessible = Callable[[Page], None]


# Roles are looked for where the script writes: the bank behind it has thousands of elements.
LIVE = ".lbx-app, .lbx-dialog, .lbx-quiz"


def button(page: Page, name: str) -> Locator:
    return page.locator(LIVE).get_by_role("button", name=name, exact=True)


def wait(page: Page, screen: str) -> None:
    page.wait_for_selector(f".lbx-mock[data-screen={screen}][data-ready]")


def attempt(page: Page) -> dict[str, Any]:
    """Return the newest stored attempt."""
    found: list[dict[str, Any]] = page.evaluate(ATTEMPTS)
    return max(found, key=lambda a: a["started"])


def start(page: Page, paper: str = "") -> dict[str, Any]:
    """Start an exam, the one that is proposed or the named one, and return its record."""
    wait(page, "start")
    if paper:
        page.get_by_label(paper).check()
    button(page, "Start the exam").click()
    wait(page, "question")
    return attempt(page)


def answer(page: Page, item: dict[str, Any], right: bool) -> None:
    """Answer the question on the screen, with the mouse."""
    wrong = [n for n in item["order"] if n not in item["right"]]
    for stored in item["right"] if right else wrong[: item["select"]]:
        page.locator(f'.lbx-stage [data-option="{stored}"] .lbx-text').click(
            position={"x": 3, "y": 3}
        )


def fits(page: Page) -> None:
    """Fail if the page scrolls sideways."""
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def finish(page: Page) -> Locator:
    """Submit the exam and return the report's title."""
    button(page, "Finish").click()
    button(page, "Submit").click()
    wait(page, "report")
    return page.get_by_role("heading", name=re.compile("^Your result"))


@LOOKS
def test_a_lesson_review_gives_feedback_and_survives_a_reload(
    open_page: Open, expect_accessible: Accessible, width: int, dark: bool
) -> None:
    page = open_page(QUIZ, width=width, dark=dark)
    quiz = page.locator(".lbx-quiz[data-ready]")
    questions = quiz.locator(".lbx-q")
    assert questions.count() >= 3
    expect(quiz.locator(".lbx-mark:visible")).to_have_count(0)
    for n in range(questions.count()):
        question = questions.nth(n)
        right = (question.get_attribute("data-right") or "").split(",")
        wanted = right if n else [v for v in "01234" if v not in right][: len(right)]
        for value in wanted:
            question.locator(f'input[value="{value}"]').check()
    expect_accessible(page)
    page.reload()
    assert quiz.locator("input:checked").count() > 0, "answers are restored before checking"
    button(page, "Check answers").click()
    score = f"{questions.count() - 1} of {questions.count()} right."
    expect(quiz.locator(".lbx-score")).to_have_text(score)
    expect(questions.first.locator(".lbx-verdict")).to_have_text("✗ Not right")
    expect(questions.nth(1).locator(".lbx-verdict")).to_have_text("✓ Right")
    reasons = questions.first.locator(".lbx-why:visible")
    assert reasons.count() == questions.first.locator(".lbx-option").count()
    assert all(text.strip() for text in reasons.all_inner_texts())
    expect_accessible(page)
    fits(page)
    page.reload()
    expect(quiz.locator(".lbx-score")).to_have_text(score)
    button(page, "Start over").click()
    expect(quiz.locator("input:checked")).to_have_count(0)
    expect(quiz.locator(".lbx-mark:visible")).to_have_count(0)
    page.reload()
    expect(quiz.locator("input:checked")).to_have_count(0)


# As a tab does that was asleep: what another one writes reaches the store, but not its page.
STORE = """(answers) => {
  const key = Object.keys(localStorage).find((k) => k.startsWith("lakebook:attempt:"));
  const kept = JSON.parse(localStorage.getItem(key));
  for (const [id, picked] of answers) kept.answers[id] = { picked, flag: false, at: Date.now() };
  localStorage.setItem(key, JSON.stringify(kept));
}"""


@LOOKS
def test_every_screen_of_the_exam_is_accessible_and_fits(
    open_page: Open, expect_accessible: Accessible, width: int, dark: bool
) -> None:
    """Start, question, map, dialog and report, of which most questions are answered elsewhere."""
    page = open_page(MOCK, width=width, dark=dark)
    wait(page, "start")
    expect_accessible(page)
    fits(page)
    items = start(page)["items"]
    expect_accessible(page)
    fits(page)
    answer(page, items[0], right=False)
    page.evaluate(STORE, [[item["id"], item["right"]] for item in items[2:]])
    page.reload()
    button(page, "Resume the exam").click()
    wait(page, "question")
    button(page, "⚐ Flag").click()
    button(page, "Map").click()
    expect_accessible(page)
    fits(page)
    button(page, "Finish").click()
    expect(page.get_by_role("dialog")).to_contain_text("1 question without a complete answer: 2.")
    expect_accessible(page)
    button(page, "Submit").click()
    wait(page, "report")
    expect(page.locator(".lbx-app .lbx-q")).to_have_count(2)
    page.get_by_text("By objective", exact=True).click()
    expect_accessible(page)
    fits(page)


def test_a_whole_exam_with_a_reload_in_the_middle(open_page: Open) -> None:
    page = open_page(MOCK, width=360)
    record = start(page)
    items = record["items"]
    assert len(items) == 48 and len({item["id"] for item in items}) == 48
    quotas = {"databricks_ml": 18, "data_processing": 9, "model_development": 15}
    for section, quota in {**quotas, "model_deployment": 6}.items():
        assert sum(item["section"] == section for item in items) == quota
    assert record["ends"] - record["started"] == 90 * 60 * 1000

    wrong = {3, 11, 30}
    blank = 40
    for n, item in enumerate(items):
        if n == 24:
            page.reload()
            wait(page, "start")
            page.get_by_text("24 of 48 answered").wait_for()
            button(page, "Resume the exam").click()
            wait(page, "question")
            assert attempt(page)["items"] == items, "the same exam, in the same order"
        expect(page.locator(".lbx-stage .lbx-n")).to_have_text(f"Question {n + 1} of 48")
        shown = page.locator(".lbx-stage .lbx-option").evaluate_all(
            "rows => rows.map((row) => Number(row.dataset.option))"
        )
        assert shown == item["order"]
        if n == 5:
            button(page, "⚐ Flag").click()
        if n != blank:
            answer(page, item, right=n not in wrong)
        assert (
            page.locator(LIVE)
            .locator(".lbx-mark:visible, .lbx-why:visible, .lbx-links:visible")
            .count()
            == 0
        )
        if n < 47:
            button(page, "Next").click()

    button(page, "Map").click()
    cells = page.locator(".lbx-cell")
    assert cells.nth(5).get_attribute("aria-label") == "Question 6, answered, flagged"
    assert cells.nth(blank).get_attribute("aria-label") == f"Question {blank + 1}, unanswered"
    assert cells.nth(47).get_attribute("aria-current") == "step"
    cells.nth(5).click()
    expect(page.locator(".lbx-stage .lbx-n")).to_have_text("Question 6 of 48")
    button(page, "Finish").click()
    expect(page.get_by_role("dialog")).to_contain_text(
        f"1 question without a complete answer: {blank + 1}."
    )
    button(page, "Keep working").click()
    title = finish(page)
    expect(title).to_have_text("Your result: 44 of 48, 92 %")

    report = page.locator(".lbx-app")
    expect(report).to_contain_text("80–97 %")
    expect(report).to_contain_text("pass mark is not published; our target is 70 %")
    rows = page.get_by_role("region", name="By section").locator("tbody tr")
    right: dict[str, int] = {}
    for n, item in enumerate(items):
        right[item["section"]] = right.get(item["section"], 0) + (n not in wrong and n != blank)
    for row, section in zip(rows.all(), quotas, strict=False):
        expect(row).to_contain_text(f"{right[section]} of {quotas[section]}")
    missed = [items[n] for n in sorted({*wrong, blank})]
    for item in missed:
        study = page.locator(".lbx-study").get_by_text(item["objective"])
        expect(study.first).to_be_visible()
    shown_again = report.locator(".lbx-q")
    assert shown_again.count() == 4
    for n, item in enumerate(missed):
        question = shown_again.nth(n)
        assert question.get_attribute("data-question") == item["id"]
        chosen = 0 if item is items[blank] else item["select"]
        expect(question.locator(".lbx-why:visible")).to_have_count(chosen + item["select"])
        expect(question.get_by_text("your choice")).to_have_count(chosen)
        expect(question.locator(".lbx-links")).to_contain_text(item["lab"])
        assert question.get_by_role("link", name="Source").get_attribute("href") == item["source"]
    page.reload()
    wait(page, "start")
    expect(page.get_by_role("region", name="Your attempts")).to_contain_text("44 of 48 (92 %)")
    page.get_by_role("button", name=re.compile("^Open the attempt")).click()
    expect(title).to_have_text("Your result: 44 of 48, 92 %")


@pytest.mark.parametrize("base", ["http", "file"])
def test_time_that_runs_out_while_the_page_is_closed_submits(open_page: Open, base: str) -> None:
    page = open_page(MOCK, base=base)
    page.clock.install()
    page.reload()
    record = start(page)
    answer(page, record["items"][0], right=True)
    page.goto("about:blank")
    page.clock.fast_forward("02:00:00")
    page.go_back()
    wait(page, "report")
    expect(page.get_by_text("Time is up")).to_be_visible()
    expect(page.get_by_role("heading", name="Your result: 1 of 48, 2 %")).to_be_visible()
    stored = attempt(page)
    assert (stored["submitted"], stored["by"]) == (record["ends"], "time")


def test_the_clock_warns_and_then_submits_the_open_page(open_page: Open) -> None:
    page = open_page(MOCK)
    page.clock.install()
    page.reload()
    start(page)
    status = page.locator(".lbx-notice")
    page.clock.fast_forward("01:24:00")
    page.clock.run_for(1000)
    expect(status).to_be_empty()
    page.clock.run_for(61_000)
    expect(status).to_have_text("Five minutes left.")
    page.clock.run_for(4 * 60_000)
    expect(status).to_have_text("One minute left.")
    page.clock.run_for(61_000)
    wait(page, "report")
    expect(status).to_contain_text("Time is up")


def test_a_clock_set_back_gives_no_time_back(open_page: Open) -> None:
    page = open_page(MOCK)
    page.clock.install()
    page.reload()
    record = start(page)
    page.clock.fast_forward("01:00:00")
    page.clock.run_for(1000)
    answer(page, record["items"][0], right=True)
    page.clock.set_system_time(record["started"] / 1000)
    page.clock.run_for(2000)
    left = page.locator(".lbx-timer").inner_text()
    assert left.startswith(("0:29", "0:30:00")), left


def test_attempts_go_out_and_come_in_as_one_file(open_page: Open, tmp_path: Path) -> None:
    page = open_page(MOCK)
    record = start(page)
    answer(page, record["items"][0], right=True)
    finish(page)
    button(page, "All attempts").click()
    with page.expect_download() as waiting:
        button(page, "Export to a file").click()
    file = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(file)
    assert re.fullmatch(r"lakebook-\d{4}-\d\d-\d\d\.json", file.name)
    data = json.loads(file.read_text())
    assert (data["format"], data["version"], len(data["attempts"])) == ("lakebook", 1, 1)

    other = open_page(MOCK)
    wait(other, "start")
    other.get_by_label("Import a file").set_input_files(file)
    notice = other.locator(".lbx-notice")
    expect(notice).to_have_text("1 attempt added, 0 merged with what was here.")
    assert other.evaluate(ATTEMPTS) == page.evaluate(ATTEMPTS)
    other.get_by_label("Import a file").set_input_files(file)
    expect(notice).to_have_text("0 attempts added, 1 merged with what was here.")
    before = other.evaluate("JSON.stringify({...localStorage})")

    data["attempts"][0]["items"][0]["order"] = [0, 0, 1, 2]
    broken = {
        "newer.json": json.dumps({**data, "version": 2}),
        "torn.json": file.read_text()[:-20],
        "bent.json": json.dumps(data),
        "other.json": '{"attempts": []}',
    }
    words = ("newer edition", "not an export", "is damaged (attempt 1 of 1)", "not an export")
    for (name, text), said in zip(broken.items(), words, strict=True):
        (tmp_path / name).write_text(text)
        other.get_by_label("Import a file").set_input_files(tmp_path / name)
        expect(notice).to_contain_text(said)
        expect(notice).to_contain_text("Nothing was changed.")
    assert other.evaluate("JSON.stringify({...localStorage})") == before

    other.get_by_role("button", name=re.compile("^Delete the attempt")).click()
    button(other, "Keep it").click()
    assert len(other.evaluate(ATTEMPTS)) == 1
    other.get_by_role("button", name=re.compile("^Delete the attempt")).click()
    button(other, "Delete").click()
    expect(other.get_by_text("None yet. They are kept")).to_be_visible()
    assert other.evaluate(ATTEMPTS) == []


def test_only_our_own_storage_is_touched(open_page: Open) -> None:
    page = open_page(MOCK)
    wait(page, "start")
    page.evaluate("localStorage.setItem('theirs', 'x'); localStorage.setItem('lakebook', 'y')")
    others = (
        "() => JSON.stringify(Object.entries(localStorage)"
        ".filter(([k]) => !k.startsWith('lakebook:')).sort())"
    )
    before = page.evaluate(others)
    record = start(page)
    answer(page, record["items"][0], right=True)
    finish(page)
    button(page, "All attempts").click()
    page.get_by_role("button", name=re.compile("^Delete the attempt")).click()
    button(page, "Delete").click()
    assert page.evaluate(others) == before
    assert page.evaluate("sessionStorage.length") == 0
    assert page.evaluate("Object.keys(window).filter((k) => /lbx|exam|quiz/i.test(k))") == []


def test_an_exam_can_be_sat_with_the_keyboard_alone(open_page: Open) -> None:
    page = open_page(MOCK)
    wait(page, "start")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Start the exam":
            break
    page.keyboard.press("Enter")
    wait(page, "question")
    items = attempt(page)["items"]
    for n, item in enumerate(items):
        for place, stored in enumerate(item["order"]):
            if stored in item["right"]:
                page.keyboard.press("abcde"[place] if n % 2 else str(place + 1))
        page.keyboard.press("n" if n % 3 else "ArrowRight")
        if not n % 3:  # on a radio button the arrow belongs to the options
            page.keyboard.press("p")
            page.keyboard.press("n")
            title = page.locator(".lbx-stage .lbx-n").inner_text()
            if title == f"Question {n + 1} of 48":
                page.keyboard.press("n")
    page.keyboard.press("m")
    assert page.evaluate("document.activeElement.getAttribute('aria-current')") == "step"
    page.keyboard.press("f")
    expect(button(page, "⚑ Flagged")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("m")
    assert page.evaluate("document.activeElement.textContent") == "Map"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    wait(page, "report")
    expect(page.get_by_role("heading", name=re.compile("^Your result"))).to_be_focused()


def test_single_keys_can_be_switched_off(open_page: Open) -> None:
    page = open_page(MOCK)
    start(page)
    page.get_by_text("Keyboard", exact=True).click()
    page.get_by_label("Single-key shortcuts").uncheck()
    for key in ("a", "n", "f", "m"):
        page.keyboard.press(key)
    assert attempt(page)["answers"] == {} and attempt(page)["at"] == 0
    page.reload()
    button(page, "Resume the exam").click()
    page.keyboard.press("n")
    expect(page.locator(".lbx-stage .lbx-n")).to_have_text("Question 1 of 48")


def test_no_more_options_than_asked_for_can_be_selected(open_page: Open) -> None:
    page = open_page(MOCK)
    items = start(page)["items"]
    several = next(n for n, item in enumerate(items) if item["select"] > 1)
    button(page, "Map").click()
    page.locator(".lbx-cell").nth(several).click()
    for key in "abc":
        page.keyboard.press(key)
    expect(page.locator(".lbx-stage .lbx-verdict")).to_contain_text("clear one first")
    assert len(attempt(page)["answers"][items[several]["id"]]["picked"]) == 2


def test_several_right_options_count_all_or_nothing(open_page: Open) -> None:
    page = open_page(MOCK)
    items = start(page)["items"]
    half, unfinished, whole = [n for n, item in enumerate(items) if item["select"] == 2][:3]
    button(page, "Map").click()
    for n in (half, unfinished, whole):
        item = items[n]
        page.locator(".lbx-cell").nth(n).click()
        wrong = next(option for option in item["order"] if option not in item["right"])
        chosen = {half: [item["right"][0], wrong], unfinished: item["right"][:1]}
        for option in chosen.get(n, item["right"]):
            page.locator(f'.lbx-stage [data-option="{option}"] input').check()
    expect(finish(page)).to_contain_text("1 of 48")


def test_a_tab_that_heard_nothing_of_another_keeps_its_answers(open_page: Open) -> None:
    page = open_page(MOCK)
    items = start(page)["items"]
    page.evaluate(STORE, [[items[7]["id"], items[7]["right"]]])
    answer(page, items[0], right=True)
    assert set(attempt(page)["answers"]) == {items[0]["id"], items[7]["id"]}


def test_a_browser_that_stores_nothing_is_named_and_the_exam_goes_on(open_page: Open) -> None:
    page = open_page(MOCK)
    page.add_init_script(
        """const setItem = Storage.prototype.setItem;
        Storage.prototype.setItem = function (key, text) {  // the theme has a key of its own
          if (key.startsWith("lakebook:")) throw new DOMException("", "QuotaExceededError");
          setItem.call(this, key, text);
        };"""
    )
    page.reload()
    wait(page, "start")
    button(page, "Start the exam").click()
    wait(page, "question")
    expect(page.locator(".lbx-notice")).to_contain_text("kept in memory only")
    page.keyboard.press("a")
    page.keyboard.press("n")
    page.keyboard.press("p")
    assert page.locator(".lbx-stage input:checked").count() == 1
    finish(page)
    with page.expect_download() as waiting:
        button(page, "Export to a file").click()
    assert len(json.loads(waiting.value.path().read_text())["attempts"]) == 1


def test_two_tabs_do_not_overwrite_each_other(open_page: Open) -> None:
    first = open_page(MOCK)
    items = start(first)["items"]
    second = first.context.new_page()
    second.goto(first.url)
    button(second, "Resume the exam").click()
    wait(second, "question")
    second.keyboard.press("n")
    answer(second, items[1], right=True)
    expect(first.locator(".lbx-notice")).to_contain_text("open in another tab")
    answer(first, items[0], right=True)
    stored = attempt(first)["answers"]
    assert sorted(stored[items[1]["id"]]["picked"]) == sorted(items[1]["right"])
    assert sorted(stored[items[0]["id"]]["picked"]) == sorted(items[0]["right"])
    finish(second)
    wait(first, "report")
    expect(first.locator(".lbx-notice")).to_contain_text("submitted in another tab")


def test_an_attempt_stays_readable_when_the_bank_changes(open_page: Open) -> None:
    page = open_page(MOCK)
    items = start(page)["items"]
    answer(page, items[0], right=False)
    page.evaluate(
        """() => {
          const key = Object.keys(localStorage).find((k) => k.startsWith('lakebook:attempt:'));
          const attempt = JSON.parse(localStorage.getItem(key));
          const { id } = attempt.items[0];
          attempt.items[0].id = 'gone';
          attempt.items[0].stem = 'Was this <img src=x onerror=alert(1)> asked?';
          attempt.answers.gone = attempt.answers[id];
          attempt.items[1].hash = 'another';
          localStorage.setItem(key, JSON.stringify(attempt));
        }"""
    )
    page.reload()
    button(page, "Resume the exam").click()
    gone = page.locator('[data-former="gone"]')
    expect(gone).to_contain_text("no longer in the bank")
    expect(gone).to_contain_text("Was this <img src=x onerror=alert(1)> asked?")
    assert gone.locator("input:checked").count() == items[0]["select"]
    page.keyboard.press("n")
    reworded = page.locator(f'[data-former="{items[1]["id"]}"]')
    expect(reworded).to_contain_text("has been reworded since")
    for place, stored in enumerate(items[1]["order"]):
        if stored in items[1]["right"]:
            page.keyboard.press("abcde"[place])
    title = finish(page)
    expect(title).to_have_text("Your result: 1 of 48, 2 %")
    expect(gone).to_contain_text("✗ Wrong, your choice")
    expect(gone).to_contain_text(items[0]["reasons"][items[0]["right"][0]].split("\n")[0])


def test_a_damaged_attempt_is_left_alone_and_reported(open_page: Open) -> None:
    page = open_page(MOCK)
    page.evaluate("localStorage.setItem('lakebook:attempt:torn', '{\"version\": 1, ')")
    page.reload()
    wait(page, "start")
    expect(page.locator(".lbx-notice")).to_contain_text("cannot read 1 saved attempt")
    assert page.evaluate("localStorage.getItem('lakebook:attempt:torn')") == '{"version": 1, '


@pytest.mark.parametrize("base", ["http", "file"])
def test_questions_and_answers_can_be_read_without_javascript(open_page: Open, base: str) -> None:
    page = open_page(MOCK, javascript=False, base=base)
    assert page.locator(".lbx-q:visible").count() >= 48
    first = page.locator(".lbx-q").first
    first.get_by_text("Answer and reasons").click()
    expect(first.locator(".lbx-answer")).to_contain_text("Right: ")
    assert first.locator(".lbx-reason:visible").count() >= 4


# On a large screen, in the light, they are among the pages of test_pages.py.
@pytest.mark.parametrize(
    "name", ["index", "questions", "honesty", "coverage", "brief_model_development"]
)
def test_the_pages_about_the_exam_are_accessible_on_a_telephone(
    open_page: Open, expect_accessible: Accessible, name: str
) -> None:
    page = open_page(f"book/exam/{name}.html", width=360, dark=True)
    expect_accessible(page)
    fits(page)


def test_a_seeded_draw_is_the_same_twice_and_another_for_another_seed(open_page: Open) -> None:
    def drawn(seed: int) -> list[tuple[str, tuple[int, ...]]]:
        page = open_page(MOCK)
        page.add_init_script(
            f"crypto.getRandomValues = (a) => {{ a[0] = {seed}; a[1] = 7; return a; }}"
        )
        page.reload()
        return [(item["id"], tuple(item["order"])) for item in start(page, "A fresh one")["items"]]

    one, again, other = drawn(1), drawn(1), drawn(2)
    assert one == again
    assert [id for id, _ in one] != [id for id, _ in other]
    moved = sum(order != tuple(sorted(order)) for _, order in one)
    assert moved > 30, "options are shuffled"


def test_the_fixed_exams_share_no_question_and_are_the_same_for_everybody(open_page: Open) -> None:
    page = open_page(MOCK)
    wait(page, "start")
    papers = page.get_by_label(re.compile(r"^Mock exam \d"))
    assert papers.count() >= 1
    seen: set[str] = set()
    for n in range(papers.count()):
        items = start(page, f"Mock exam {n + 1}")["items"]
        ids = {item["id"] for item in items}
        assert len(ids) == 48 and not ids & seen
        seen |= ids
        assert attempt(page)["mock"] == n + 1
        finish(page)
        button(page, "All attempts").click()
        expect(page.get_by_label(f"Mock exam {n + 1}, last result 0 %")).to_be_visible()
        if n == 0:
            other = start(open_page(MOCK), "Mock exam 1")["items"]
            assert [(i["id"], i["order"]) for i in other] == [(i["id"], i["order"]) for i in items]


def test_a_fresh_exam_asks_first_what_was_not_met_before(open_page: Open) -> None:
    page = open_page(MOCK)
    bank = page.locator(".lbx-bank .lbx-q").count()
    met = {item["id"] for item in start(page, "Mock exam 1")["items"]}
    finish(page)
    button(page, "All attempts").click()
    fresh = [item["id"] for item in start(page, f"A fresh one: {bank - 48} of")["items"]]
    assert len(met & set(fresh)) == max(0, 96 - bank), "only what could not be avoided"
