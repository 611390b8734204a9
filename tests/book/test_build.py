"""`lakebook book`: it follows every change, and no fault passes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.book.conftest import SmallBook

ROOT = Path(__file__).resolve().parents[2]

# What is written on a page, and what the build must say about it.
FAULTS = {
    "{value}`day1/01_frist#share`": "did you mean 'day1/01_first'?",
    "{value}`day1/01_first#shares`": "did you mean 'share'?",
    "{value}`day1/01_first#share|.2q`": "cannot be written so",
    "{value}`share`": "write lab#name",
    "[away](nowhere.md)": "nowhere.md",
    "[away](second.md#no-such-place)": "no-such-place",
    "![](picture.png)": "no alternative text",
    "```{quiz}\n:ids: none\n```": "quiz:",
    "```{timings}\n```": "lakebook labs run --record",
    "```{nothing}\n```": "nothing",
}


def test_every_page_follows_numbers_titles_and_the_table_of_contents(small_book: SmallBook) -> None:
    done = small_book.build()
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"file://\S+/_build/html/index\.html  \(\d+ s, \d+ MB\)\n", done.stdout)
    assert "It is 12.3%." in small_book.page("book/first")

    small_book.store("np.float64(0.5)")
    small_book.write("book/second.md", "# Renamed chapter\n\nNothing yet.\n")
    toc = (small_book.root / "_toc.yml").read_text("utf-8")
    small_book.write("_toc.yml", toc.replace("Day 1", "Day 7"))
    done = small_book.build()
    assert done.returncode == 0, done.stderr
    assert "It is 50.0%." in small_book.page("book/first")
    for page in ("book/first", "labs/day1/01_first", "book/index"):
        assert "Renamed chapter" in small_book.page(page)
        assert "Day 7" in small_book.page(page)
        assert "Day 1<" not in small_book.page(page)


def test_every_fault_is_named_and_found_again_until_it_is_mended(small_book: SmallBook) -> None:
    small_book.write("book/second.md", "\n\n".join(["# Second chapter", *FAULTS]))
    for _ in range(2):
        done = small_book.build()
        assert done.returncode == 1
        assert done.stderr.count("book/second") >= len(FAULTS)
        assert [said for said in FAULTS.values() if said not in done.stderr] == []
    small_book.write("book/second.md", "# Second chapter\n\nMended.\n")
    assert small_book.build().returncode == 0


def test_a_broken_question_fails_the_build_by_file_and_line(small_book: SmallBook) -> None:
    for name in ("questions", "exam"):
        shutil.copytree(ROOT / "book" / name, small_book.root / "book" / name)
    broken = small_book.root / "book" / "questions" / "model_development" / "MD-10.md"
    text = broken.read_text("utf-8")
    line = text[: text.index("- [x]")].count("\n") + 1
    broken.write_text(text.replace("- [x]", "- [y]", 1), encoding="utf-8")
    small_book.write("book/second.md", "# Second chapter\n\n```{quiz}\n:ids: zzzz\n```\n")
    done = small_book.build()
    assert done.returncode == 1
    assert f"{broken.relative_to(small_book.root)}:{line}" in done.stderr


def test_a_chapter_that_is_not_written_fails_the_build(small_book: SmallBook) -> None:
    (small_book.root / "book" / "second.md").unlink()
    done = small_book.build()
    assert done.returncode == 1
    assert "book/second" in done.stderr


def test_a_folder_that_cannot_be_written_is_named(small_book: SmallBook) -> None:
    small_book.write("_build", "a file where the folder should be")
    done = small_book.build()
    assert done.returncode == 2
    assert "_build' (" in done.stderr
    assert "Traceback" not in done.stderr
