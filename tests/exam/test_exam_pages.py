"""The directives, on a small Sphinx project: what they write, and what fails the build."""

from __future__ import annotations

import html.parser
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_bank
from tiny_bank import COUNT

CONF = """
extensions = ["myst_parser", "lakebook.exam.directives"]
exclude_patterns = ["book/questions", "solutions"]
myst_enable_extensions = ["dollarmath"]
"""
PAGES = {
    "index": "# Home\n\n```{toctree}\nbook/exam/all\nbook/exam/questions\nbook/exam/mock\n"
    "book/quiz\nlabs/day2/05_outliers\n```\n",
    "book/exam/all": "# All\n\n```{blueprint}\n```\n\n```{honesty}\n```\n",
    "book/exam/questions": "# Questions\n\n```{questions}\n```\n",
    "book/exam/mock": "# Mock\n\n```{mock-exam}\n```\n",
    "book/quiz": "# Quiz\n\n{ref}`md-10`\n\n```{quiz}\n:ids: k7w2\n:objectives: DP-01 DP-02\n```\n",
    "labs/day2/05_outliers": "# Outliers\n",
}

Build = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def build(repository: Path) -> Build:
    (repository / "conf.py").write_text(CONF)

    def run(**pages: str) -> subprocess.CompletedProcess[str]:
        for name, text in {**PAGES, **pages}.items():
            page = repository / f"{name}.md"
            page.parent.mkdir(parents=True, exist_ok=True)
            if not page.exists() or page.read_text() != text:
                page.write_text(text)
        command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-b", "html", ".", "out"]
        return subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)

    return run


class Outline(html.parser.HTMLParser):
    """Collects ids, data of questions and wrongly nested elements."""

    VOID = frozenset({"input", "br", "wbr", "meta", "link", "img", "hr", "col"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.ids: list[str] = []
        self.questions: list[dict[str, str | None]] = []
        self.faults: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        data = dict(attrs)
        if data.get("id"):
            self.ids.append(str(data["id"]))
        if "data-question" in data:
            self.questions.append(data)
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.VOID:
            return
        if not self.stack or self.stack.pop() != tag:
            self.faults.append(f"</{tag}> at {self.getpos()}")


def page(root: Path, name: str) -> str:
    return (root / "out" / f"{name}.html").read_text()


def test_all_directives_build_without_a_warning_and_nest_well(
    build: Build, repository: Path
) -> None:
    done = build()
    assert done.returncode == 0, done.stderr
    for name in PAGES:
        outline = Outline(page(repository, name))
        assert outline.faults == [], name
        assert len(outline.ids) == len(set(outline.ids)), name

    quiz = Outline(page(repository, "book/quiz"))
    assert [q["data-question"] for q in quiz.questions] == ["k7w2", "a111", "a112", "b222"]
    assert 'href="exam/questions.html#md-10"' in page(repository, "book/quiz")

    mock = page(repository, "book/exam/mock")
    assert len(Outline(mock).questions) == 4
    rules = json.loads(re.findall(r'class="lbx-rules">(.*?)</script>', mock)[0])
    assert [s["quota"] for s in rules["sections"]] == [2, 1]
    assert rules["objectives"]["DP-02"]["labs"] == [
        {"id": "day2/05_outliers", "href": "../../labs/day2/05_outliers.html"},
        {"id": "day2/03_data_profiling", "href": None},
    ]

    overview = page(repository, "book/exam/all")
    assert 'href="../../labs/day2/05_outliers.html"' in overview
    assert "planned: day3/<wbr>01_<wbr>cross_<wbr>validation" in overview
    assert 'href="questions.html#md-10"' in overview
    assert "always a middle length" in overview

    questions = page(repository, "book/exam/questions")
    for anchor in ("data-processing", "dp-01", "md-10", "q-k7w2"):
        assert f'id="{anchor}"' in questions
    assert 'type="radio"' not in questions and 'type="checkbox"' not in questions


def test_questions_can_be_read_without_the_script(build: Build, repository: Path) -> None:
    assert build().returncode == 0
    text = page(repository, "book/exam/mock")
    assert text.count('<details class="lbx-answer">') == 4
    assert "Four combinations on three folds" in text
    letters = {m[0]: m[1] for m in re.findall(r'id="mock-k7w2-(\d)l"[^>]*>([A-D])<', text)}
    answer = text.split('id="mock-k7w2"')[1].split("Right: ")[1][0]
    assert answer == letters["1"]


def test_markup_in_a_question_is_shown_and_not_obeyed(build: Build, repository: Path) -> None:
    assert build().returncode == 0
    text = page(repository, "book/quiz")
    assert "Which &lt;b&gt;two&lt;/b&gt; are even?" in text
    assert 'class="math' in text
    assert 'aria-label="Lesson review"' in text
    assert "highlight" in text


def test_script_and_style_stand_only_where_they_are_needed(build: Build, repository: Path) -> None:
    assert build().returncode == 0
    for name in ("book/quiz", "book/exam/mock"):
        assert re.search(
            r'<script defer="defer" src="[^"]*_static/exam\.js', page(repository, name)
        )
    assert "exam.js" not in page(repository, "index")
    script = (repository / "out" / "_static" / "exam.js").read_text()
    assert script.startswith('(function () {\n"use strict";') and "import " not in script


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("```{quiz}\n:ids: k7w3\n```", "question 'k7w3' is not known; did you mean 'k7w2'?"),
        ("```{quiz}\n:objectives: MD-11\n```", "objective 'MD-11' is not known"),
        ("```{quiz} Title\n```", "say which questions"),
        ("```{quiz}\n:objectives: MD-10\n:count: 2\n```", "2 questions asked for, 1 found"),
    ],
)
def test_a_quiz_that_cannot_be_made_fails_the_build(build: Build, text: str, words: str) -> None:
    done = build(**{"book/quiz": f"# Quiz\n\n{text}\n"})
    assert done.returncode != 0
    assert words in done.stderr
    assert "book/quiz.md:3" in done.stderr


def test_a_bank_that_is_too_small_or_broken_fails_the_build(build: Build, repository: Path) -> None:
    quiz = "# Quiz\n\n```{quiz}\n:objectives: DP-01\n```\n"
    (repository / "book/questions/model_development/MD-10.md").unlink()
    done = build(**{"book/quiz": quiz})
    assert "section 'Model Development' has 0 questions, its quota is 1" in done.stderr
    tiny_bank.write(repository, {"model_development/MD-10.md": COUNT.replace("[x]", "[ ]")})
    done = build(**{"book/quiz": quiz})
    assert done.returncode != 0
    assert "MD-10.md:3: k7w2: 0 options are marked right" in done.stderr


def test_a_changed_question_rebuilds_its_pages_and_no_others(
    build: Build, repository: Path
) -> None:
    quiz = "# Quiz\n\n```{quiz}\n:objectives: DP-01\n:count: 1\n```\n"
    assert build(**{"book/quiz": quiz}).returncode == 0
    assert len(Outline(page(repository, "book/quiz")).questions) == 1
    file = repository / "book/questions/model_development/MD-10.md"
    file.write_text(COUNT.replace("How many", "So many"))
    stamps = {n: (repository / "out" / f"{n}.html").stat().st_mtime_ns for n in PAGES}
    done = build(**{"book/quiz": quiz})
    assert done.returncode == 0, done.stderr
    assert "So many models" in page(repository, "book/exam/mock")
    after = {n: (repository / "out" / f"{n}.html").stat().st_mtime_ns for n in PAGES}
    assert after["book/quiz"] == stamps["book/quiz"]

    more = COUNT.replace("k7w2", "k7w9").split("\n", 2)[2]
    file.write_text(file.read_text() + "\n" + more)
    assert build(**{"book/quiz": quiz}).returncode == 0
    assert 'id="q-k7w9"' in page(repository, "book/exam/questions")
