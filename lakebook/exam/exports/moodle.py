"""Moodle XML: https://docs.moodle.org/en/Moodle_XML_format (read 2026-11-27)."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from lakebook.exam.bank import Question
from lakebook.exam.blueprint import Blueprint
from lakebook.exam.exports.markup import html, shown, sources, stem


def write(file: Path, questions: Sequence[Question], blueprint: Blueprint) -> None:
    """Write the questions, one category for each objective; `idnumber` is the question's id.

    With several right options each is worth its part, and a wrong one takes everything away.
    """
    quiz = ElementTree.Element("quiz")
    for objective, group in groupby(questions, key=lambda question: question.objective):
        category = ElementTree.SubElement(quiz, "question", type="category")
        _text(category, "category", f"$course$/Lakebook/{objective}")
        for question in group:
            _question(quiz, question, blueprint)
    tree = ElementTree.ElementTree(quiz)
    ElementTree.indent(tree)
    tree.write(file, "utf-8", xml_declaration=True)


def _question(quiz: ElementTree.Element, question: Question, blueprint: Blueprint) -> None:
    made = ElementTree.SubElement(quiz, "question", type="multichoice")
    _text(made, "name", f"{question.objective} {question.id}")
    _text(made, "questiontext", stem(question), "html")
    _text(made, "generalfeedback", sources(question), "html")
    values = {
        "defaultgrade": "1",
        "penalty": "0",
        "hidden": "0",
        "idnumber": question.id,
        "single": "true" if question.select == 1 else "false",
        "shuffleanswers": "true",
        "answernumbering": "ABCD",
    }
    for name, value in values.items():
        ElementTree.SubElement(made, name).text = value
    for _, stored in shown(question, blueprint):
        option = question.options[stored]
        wrong = "0" if question.select == 1 else "-100"
        worth = f"{100 / question.select:.5g}" if option.right else wrong
        answer = ElementTree.SubElement(made, "answer", fraction=worth, format="html")
        ElementTree.SubElement(answer, "text").text = html(option.text)
        _text(answer, "feedback", html(option.reason), "html")
    tags = ElementTree.SubElement(made, "tags")
    for tag in (question.objective, question.difficulty):
        _text(tags, "tag", tag)


def _text(parent: ElementTree.Element, name: str, value: str, form: str = "") -> None:
    made = ElementTree.SubElement(parent, name, {"format": form} if form else {})
    ElementTree.SubElement(made, "text").text = value
