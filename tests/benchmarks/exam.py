"""How long the trainer's script takes with a bank of any size: `python tests/benchmarks/exam.py`.

Starting a mock exam: from the click until the first question is laid out. A click: choosing an
option, and going to the next question. Medians, in milliseconds, in this machine's Chromium.
"""

from __future__ import annotations

import argparse
import datetime
import html
import json
import random
import shutil
import statistics
import tempfile
from pathlib import Path

from docutils import nodes
from playwright.sync_api import Browser, sync_playwright

from lakebook.exam.bank import Option, Question
from lakebook.exam.directives import STATIC, script
from lakebook.exam.render import Links, Renderer

ROUNDS = 5
STEPS = 20
QUOTA = 48
WORDS = ("table", "model", "feature", "split", "fold", "score", "metric", "node", "leaf", "stage")

# Choosing and leafing as the handlers do it, each with the layout that it needs.
MEASURE = """async (steps) => {
  const app = document.querySelector('.lbx-mock');
  const timed = (act) => { const t = performance.now(); act(); app.offsetHeight;
    return performance.now() - t; };
  const named = (text) => [...app.querySelectorAll('button')].find((b) => b.textContent === text);
  const start = timed(() => named('Start the exam').click());
  const choose = [], next = [];
  for (let n = 0; n < steps; n++) {
    choose.push(timed(() => app.querySelector('.lbx-stage input').click()));
    next.push(timed(() => named('Next').click()));
  }
  localStorage.clear();
  return { start, choose, next };
}"""


def question(number: int, rng: random.Random) -> Question:
    """Return a made-up question of about the length of a real one."""

    def words(count: int) -> str:
        return " ".join(rng.choice(WORDS) for _ in range(count))

    options = tuple(Option(f"{n} {words(9)}", n == number % 4, words(22)) for n in range(4))
    return Question(
        id=f"q{number:04}",
        objective=f"XX-{number % 50:02}",
        section="all",
        difficulty="medium",
        select=1,
        lab="day3/01_cross_validation",
        source="https://example.org",
        checked=datetime.date(2026, 11, 27),
        stem=words(45) + "\n\n" + words(20),
        options=options,
        proof=None,
        file="made.md",
        line=1,
    )


def page(folder: Path, size: int) -> Path:
    """Write the page of a mock exam with `size` questions, and its script, into a folder."""
    rng = random.Random(7)

    def parse(text: str) -> list[nodes.Node]:
        parts = "".join(f"<p>{html.escape(part)}</p>" for part in text.split("\n\n"))
        return [nodes.raw("", parts, format="html")]

    renderer = Renderer(parse, Links(lambda lab: None, lambda objective: None), 1)
    asked = [question(n, rng) for n in range(size)]
    body = "".join(
        node.astext()
        for n, one in enumerate(asked, 1)
        for node in renderer.question(one, f"Question {n} of {size}", f"mock-{one.id}", form=True)
    )
    names = sorted({one.objective for one in asked})
    rules = {
        **{"edition": "made up", "questions": QUOTA, "minutes": 90, "target": 70, "mocks": []},
        "sections": [{"id": "all", "name": "All", "quota": QUOTA}],
        "objectives": {name: {"title": name, "href": None, "labs": []} for name in names},
    }
    (folder / "exam.js").write_text(script())
    shutil.copy(STATIC / "exam.css", folder)
    file = folder / f"mock-{size}.html"
    file.write_text(
        '<!doctype html><meta charset="utf-8"><title>Mock</title>'
        '<link rel="stylesheet" href="exam.css"><section class="lbx lbx-mock" aria-label="Mock">'
        f'<script type="application/json" class="lbx-rules">{json.dumps(rules)}</script>'
        f'<div class="lbx-bank">{body}</div></section><script src="exam.js"></script>'
    )
    return file


def measure(browser: Browser, size: int) -> dict[str, float]:
    """Return medians in milliseconds for a bank of `size` questions: start, choose, next."""
    with tempfile.TemporaryDirectory(prefix="lakebook-exam-") as folder:
        file = page(Path(folder), size)
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        tab = context.new_page()
        found: dict[str, list[float]] = {"start": [], "choose": [], "next": []}
        for _ in range(ROUNDS):
            tab.goto(file.as_uri())
            tab.wait_for_selector(".lbx-mock[data-ready]")
            took = tab.evaluate(MEASURE, STEPS)
            found["start"].append(took["start"])
            found["choose"] += took["choose"]
            found["next"] += took["next"]
        context.close()
    return {name: statistics.median(values) for name, values in found.items()}


def main() -> None:
    """Print a line for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 240, 1000])
    sizes = parser.parse_args().sizes
    print(f"{'questions':>9}{'start ms':>10}{'choose ms':>11}{'next ms':>9}")
    with sync_playwright() as playwright:
        path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for size in sizes:
            took = measure(browser, size)
            print(f"{size:>9}{took['start']:>10.1f}{took['choose']:>11.1f}{took['next']:>9.1f}")
        browser.close()


if __name__ == "__main__":
    main()
