"""The bank for other programs, read by theirs: Anki's importer, a GIFT parser, an XML parser."""

from __future__ import annotations

import csv
import dataclasses
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from lakebook.errors import LakebookError
from lakebook.exam import bank, blueprint, exports
from lakebook.exam.bank import Option, Question

ROOT = Path(__file__).resolve().parents[2]
RULES = blueprint.load(blueprint.path(ROOT))
BANK = bank.load(ROOT, RULES)
QTI2 = "{http://www.imsglobal.org/xsd/imsqti_v2p1}"
QTI1 = "{http://www.imsglobal.org/xsd/ims_qtiasiv1p2}"


@pytest.fixture
def hostile() -> Question:
    """A question whose texts hold what other formats take for their own signs."""
    stem = "What is `{a: 1}` <script>alert(1)</script>\n\n```python\nx = {'k': [1, ~2]}  # = 3\n```"
    options = (
        Option("`x = 1` & y: {z}", False, "Not ~ this = one."),
        Option("<b>bold</b> #2", True, "Yes: }{ \\n."),
        Option("c < d > e", False, 'Said "so".'),
        Option("]]> -- end", False, "No."),
    )
    single = next(q for q in BANK if q.select == 1)
    return dataclasses.replace(single, id="zz99", stem=stem, options=options, select=1)


def export(name: str, file: Path, questions: Sequence[Question] = BANK) -> Path:
    exports.write(name, file, questions, RULES)
    return file


def test_anki_imports_every_question_once_and_a_second_import_adds_nothing(tmp_path: Path) -> None:
    from anki.collection import Collection, ImportAnkiPackageRequest

    deck = export("anki", tmp_path / "bank.apkg")
    collection = Collection(str(tmp_path / "collection.anki2"))
    try:
        for _ in range(2):
            collection.import_anki_package(ImportAnkiPackageRequest(package_path=str(deck)))
            assert collection.note_count() == len(BANK)
        names = {deck.name for deck in collection.decks.all_names_and_ids()}
        assert {f"Lakebook::{section.name}" for section in RULES.sections} <= names
        for question in BANK[:40]:
            (found,) = collection.find_notes(f"Id:{question.id}")
            note = collection.get_note(found)
            assert note.tags == sorted([question.objective, question.difficulty])
            order = question.display_order(RULES.shuffle)
            key = ", ".join(
                "ABCDE"[n] for n, stored in enumerate(order) if stored in question.right
            )
            assert note["Answer"] == key
            assert note["Options"].count("<li>") >= len(question.options)
    finally:
        collection.close()


def test_a_changed_question_updates_its_card_and_keeps_it(tmp_path: Path) -> None:
    from anki.collection import Collection, ImportAnkiPackageOptions, ImportAnkiPackageRequest

    first = BANK[0]
    changed = dataclasses.replace(first, stem="Another wording.")
    collection = Collection(str(tmp_path / "collection.anki2"))
    try:
        for n, question in enumerate((first, changed)):
            time.sleep(1.1 * n)  # Anki compares times by the second, and editions are further apart
            deck = export("anki", tmp_path / f"{n}.apkg", [question])
            how = ImportAnkiPackageOptions(update_notes=1)  # always
            request = ImportAnkiPackageRequest(package_path=str(deck), options=how)
            collection.import_anki_package(request)
        (found,) = collection.find_notes(f"Id:{first.id}")
        assert "Another wording." in collection.get_note(found)["Question"]
    finally:
        collection.close()


def test_a_gift_parser_reads_every_question_and_its_key(tmp_path: Path, hostile: Question) -> None:
    from pygiftparser import parser

    every = [*BANK, hostile]
    text = export("gift", tmp_path / "bank.gift", every).read_text()
    for line in text.splitlines():
        assert not re.search(r"(?<!^)(?<!\\)~", line), "a tilde inside of a text is escaped"
    chunks = [part for part in text.split("\n\n") if part.strip().startswith("::")]
    assert len(chunks) == len(every)
    for question, chunk in zip(every, chunks, strict=True):
        assert chunk.startswith(f"::{question.id}:: [html]")
        lines = chunk.splitlines()[1:]
        signs = [re.match(r"=|~%-?[\d.]+%|~", line) for line in lines]
        right = [m[0] == "=" or (m[0].startswith("~%") and "-" not in m[0]) for m in signs if m]
        order = question.display_order(RULES.shuffle)
        assert right == [stored in question.right for stored in order], question.id
    parsed = parser.parse(text)
    assert [found.name for found in parsed.questions] == [question.id for question in every]
    for question, found in zip(every, parsed.questions, strict=True):
        # This parser, unlike Moodle, begins an option at an escaped tilde as well.
        tildes = sum(
            option.reason.count("~") + option.text.count("~") for option in question.options
        )
        assert len(found.answer.options) <= len(question.options) + tildes, question.id
        assert tildes or len(found.answer.options) == len(question.options), question.id


def test_moodle_xml_has_every_question_with_worth_and_reasons(
    tmp_path: Path, hostile: Question
) -> None:
    every = [*BANK, hostile]
    quiz = ElementTree.parse(export("moodle", tmp_path / "bank.xml", every)).getroot()
    asked = [q for q in quiz if q.get("type") == "multichoice"]
    assert [q.findtext("idnumber") for q in asked] == [q.id for q in every]
    for element, question in zip(asked, every, strict=True):
        answers = element.findall("answer")
        worth = [float(answer.get("fraction", "")) for answer in answers]
        assert sum(w for w in worth if w > 0) == pytest.approx(100, abs=0.01)
        assert sum(w > 0 for w in worth) == question.select
        assert all(answer.findtext("feedback/text") for answer in answers)
        assert (element.findtext("single") == "true") is (question.select == 1)
    stem = asked[-1].findtext("questiontext/text") or ""
    assert "&lt;script&gt;" in stem and "<script" not in stem, "HTML that is typed is text"


def test_qti_2_1_is_well_formed_and_keyed(tmp_path: Path, hostile: Question) -> None:
    every = [*BANK, hostile]
    with zipfile.ZipFile(export("qti", tmp_path / "bank.zip", every)) as archive:
        manifest = archive.read("imsmanifest.xml").decode()
        listed = re.findall(r'<resource [^>]*href="([^"]+)"', manifest)
        assert sorted(listed) == sorted(set(archive.namelist()) - {"imsmanifest.xml"})
        for question in every:
            item = ElementTree.fromstring(archive.read(f"items/{question.id}.xml"))
            key = [v.text for v in item.iter(f"{QTI2}value")]
            assert key == [f"option{n}" for n in question.right]
            choices = [c.get("identifier") for c in item.iter(f"{QTI2}simpleChoice")]
            assert choices == [f"option{n}" for n in question.display_order(RULES.shuffle)]
            assert not list(item.iter(f"{QTI2}script"))


def test_canvas_scores_exactly_the_key(tmp_path: Path, hostile: Question) -> None:
    every = [*BANK, hostile]
    with zipfile.ZipFile(export("canvas", tmp_path / "bank.zip", every)) as archive:
        assert 'href="lakebook.xml"' in archive.read("imsmanifest.xml").decode()
        root = ElementTree.fromstring(archive.read("lakebook.xml"))
    items = list(root.iter(f"{QTI1}item"))
    assert len(items) == len(every)
    for item, question in zip(items, every, strict=True):
        (scored,) = [
            condition
            for condition in item.iter(f"{QTI1}respcondition")
            if condition.find(f"{QTI1}setvar") is not None
        ]
        unwanted = {v.text for n in scored.iter(f"{QTI1}not") for v in n}
        wanted = {v.text for v in scored.iter(f"{QTI1}varequal")} - unwanted
        assert wanted == {f"option{n}" for n in question.right}
        if question.select > 1:
            assert len(wanted | unwanted) == len(question.options)


def test_a_spreadsheet_has_one_line_a_question(tmp_path: Path, hostile: Question) -> None:
    every = [*BANK, hostile]
    with export("csv", tmp_path / "bank.csv", every).open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["id"] for row in rows] == [q.id for q in every]
    for row, question in zip(rows, every, strict=True):
        assert len(row["right"]) == question.select
        right = {row[f"option_{letter}"] for letter in row["right"]}
        assert right == {question.options[n].text for n in question.right}


# Anki's package holds the time at which it was written; that its ids are stable is tested above.
@pytest.mark.parametrize("name", sorted(set(exports.FORMATS) - {"anki"}))
def test_the_same_bank_makes_the_same_file(tmp_path: Path, name: str) -> None:
    one = export(name, tmp_path / "one", BANK[:5]).read_bytes()
    assert one == export(name, tmp_path / "two", BANK[:5]).read_bytes()


def test_a_format_a_folder_and_an_objective_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(LakebookError, match=r"moodel.*moodle"):
        exports.write("moodel", tmp_path / "x", BANK, RULES)
    with pytest.raises(LakebookError, match="cannot be written"):
        exports.write("csv", tmp_path / "no" / "x.csv", BANK, RULES)
    command = [
        sys.executable,
        "-m",
        "lakebook.cli",
        "exam",
        "export",
        "csv",
        "--objective",
        "MD-99",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "MD-99" in done.stderr
