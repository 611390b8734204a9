"""The built book, read as files: nothing broken, nothing fetched, nothing unsaid."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup, Tag

LOADED = {
    "script": ["src"],
    "link": ["href"],
    "img": ["src", "srcset"],
    "source": ["src", "srcset"],
    "iframe": ["src"],
    "video": ["src", "poster"],
    "audio": ["src"],
    "embed": ["src"],
    "object": ["data"],
    "use": ["href", "xlink:href"],
    "input": ["src"],
}


def pages(site: Path) -> list[Path]:
    found = [file for file in site.rglob("*.html") if "_static" not in file.parts]
    assert found
    return sorted(found)


@cache
def soup(page: Path) -> BeautifulSoup:
    return BeautifulSoup(page.read_text("utf-8"), "html.parser")


@cache
def anchors(page: Path) -> frozenset[str]:
    return frozenset(
        str(tag[key]) for tag in soup(page).find_all() for key in ("id", "name") if tag.get(key)
    )


def addresses(page: Path, elements: dict[str, list[str]]) -> Iterator[tuple[Tag, str]]:
    for tag in soup(page).find_all(list(elements)):
        for key in elements[tag.name]:
            if value := tag.get(key):
                yield tag, str(value)


def test_every_link_inside_the_book_leads_to_a_page_and_a_place_on_it(site: Path) -> None:
    broken = []
    for page in pages(site):
        for tag, address in addresses(page, {**LOADED, "a": ["href"], "form": ["action"]}):
            url = urlsplit(address)
            if url.scheme or url.netloc or address == "#":
                continue
            where = (page.parent / unquote(url.path)).resolve() if url.path else page
            if not where.is_file():
                broken.append(f"{page.relative_to(site)}: no file {address}")
                continue
            to_a_place = url.fragment and where.suffix == ".html" and tag.name == "a"
            if to_a_place and unquote(url.fragment) not in anchors(where):
                broken.append(f"{page.relative_to(site)}: no place {address}")
    assert not broken, "\n".join(broken)


def test_no_page_loads_anything_from_another_host(site: Path) -> None:
    foreign = [
        f"{page.relative_to(site)}: {address}"
        for page in pages(site)
        for tag, address in addresses(page, LOADED)
        # A canonical address is told to search engines, not loaded.
        if tag.get("rel") != ["canonical"]
        and (urlsplit(address).netloc or urlsplit(address).scheme not in ("", "data"))
    ]
    assert not foreign, "\n".join(foreign)


def test_no_style_sheet_loads_what_is_missing_or_elsewhere(site: Path) -> None:
    faults = []
    for sheet in site.rglob("*.css"):
        text = re.sub(r"/\*.*?\*/", "", sheet.read_text("utf-8"), flags=re.DOTALL)
        for found in re.finditer(r"url\(\s*[\"']?([^\"')]+)|@import\s+[\"']([^\"']+)", text):
            address = found[1] or found[2]
            if address.startswith(("data:", "#")):
                continue
            if urlsplit(address).netloc or not (sheet.parent / urlsplit(address).path).is_file():
                faults.append(f"{sheet.relative_to(site)}: {address}")
    assert not faults, "\n".join(faults)


def test_every_picture_says_what_it_shows(site: Path) -> None:
    silent = []
    for page in pages(site):
        for image in soup(page).select("article img"):
            text = str(image.get("alt", "")).strip()
            if not text or text == image.get("src") or re.search(r"\.(png|svg|jpe?g|gif)$", text):
                silent.append(f"{page.relative_to(site)}: {image.get('src')} (alt '{text}')")
    assert not silent, "\n".join(silent)


def test_no_page_shows_markup_where_a_value_or_a_link_belongs(site: Path) -> None:
    raw = []
    for page in pages(site):
        for text in soup(page).select("article")[:1]:
            shown = [s for s in text.find_all(string=True) if not s.find_parent(["code", "pre"])]
            found = re.search(r"\{[a-z-]+\}`[^`]*|\]\(https?:", " ".join(shown))
            if found:
                raw.append(f"{page.relative_to(site)}: {found.group()}")
    assert not raw, "\n".join(raw)


def test_pages_have_a_title_a_language_and_one_first_heading(site: Path) -> None:
    faults = []
    for page in pages(site):
        parsed = soup(page)
        if parsed.find("meta", attrs={"http-equiv": "refresh"}):
            continue
        headings = [h for h in parsed.find_all("h1") if not h.find_parent(class_="onlyprint")]
        if len(headings) != 1 or not parsed.title or not parsed.html or not parsed.html.get("lang"):
            faults.append(f"{page.relative_to(site)}: {len(headings)} first headings")
    assert not faults, "\n".join(faults)


def test_mathematics_is_typeset_by_our_copy_and_only_where_there_is_some(site: Path) -> None:
    assert (site / "_static" / "mathjax" / "tex-svg.js").stat().st_size > 1_000_000
    wrong = []
    for page in pages(site):
        has = bool(soup(page).select("article .math"))
        loads = any("mathjax" in str(s.get("src")) for s in soup(page).find_all("script"))
        if has != loads:
            wrong.append(f"{page.relative_to(site)}: mathematics {has}, MathJax {loads}")
    assert not wrong, "\n".join(wrong)


def test_only_what_a_page_can_ask_for_is_shipped(site: Path) -> None:
    names = [str(file.relative_to(site)) for file in site.rglob("*")]
    unwanted = re.compile(r"\.map$|ipynb_checkpoints|fontawesome|thebe|\.(woff2?|ttf)$")
    assert not [name for name in names if unwanted.search(name)]


def test_the_root_leads_to_the_first_page(site: Path) -> None:
    target = soup(site / "index.html").find("a")
    assert isinstance(target, Tag)
    assert (site / str(target["href"])).is_file()


def test_a_lab_page_names_its_chapter_and_a_solution_warns(site: Path) -> None:
    labs = sorted((site / "labs").rglob("*.html"))
    if not labs:
        pytest.fail("the book has no labs")
    for lab in labs:
        bar = soup(lab).select_one("article .lb-bar[data-lab]")
        assert bar is not None, lab
        where = lab.relative_to(site / "labs").with_suffix("").as_posix()
        assert bar["data-lab"] == where
        chapter = bar.find("a")
        assert isinstance(chapter, Tag)
        assert "/book/" in (lab.parent / str(chapter["href"])).resolve().as_posix()
    for solution in (site / "solutions").rglob("*.html"):
        spoiler = soup(solution).select_one("article .lb-spoiler a")
        assert spoiler is not None, solution
        assert "labs/" in str(spoiler["href"])


def test_the_landing_page_offers_three_doors_and_every_lab(site: Path) -> None:
    landing = soup(site / "book" / "index.html")
    doors = [a["href"] for a in landing.select(".lb-doors a.sd-stretched-link")]
    assert len(doors) == len(set(doors)) == 3
    listed = {str(tag["data-lab"]) for tag in landing.select(".lb-course [data-lab]")}
    written = {
        page.relative_to(site / "labs").with_suffix("").as_posix()
        for page in (site / "labs").rglob("*.html")
    }
    assert listed == written
