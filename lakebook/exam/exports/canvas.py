"""QTI 1.2 as Canvas reads it: one assessment, all items in it, in a package."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path

from lakebook.exam.bank import Question
from lakebook.exam.blueprint import Blueprint
from lakebook.exam.exports import archive
from lakebook.exam.exports.markup import html, shown, sources, stem

QTI = "http://www.imsglobal.org/xsd/ims_qtiasiv1p2"
CP = "http://www.imsglobal.org/xsd/imsccv1p1/imscp_v1p1"
NAME = "lakebook.xml"


def write(file: Path, questions: Sequence[Question], blueprint: Blueprint) -> None:
    """Write the questions; with several right options an item is right if exactly they are."""
    root = ElementTree.Element("questestinterop", xmlns=QTI)
    assessment = ElementTree.SubElement(root, "assessment", ident="lakebook", title="Lakebook")
    section = ElementTree.SubElement(assessment, "section", ident="root_section")
    for question in questions:
        section.append(_item(question, blueprint))
    manifest = ElementTree.Element("manifest", xmlns=CP, identifier="lakebook")
    resources = ElementTree.SubElement(manifest, "resources")
    resource = ElementTree.SubElement(
        resources, "resource", identifier="lakebook", type="imsqti_xmlv1p2", href=NAME
    )
    ElementTree.SubElement(resource, "file", href=NAME)
    archive.write(file, [("imsmanifest.xml", archive.text(manifest)), (NAME, archive.text(root))])


def _item(question: Question, blueprint: Blueprint) -> ElementTree.Element:
    several = question.select > 1
    item = ElementTree.Element(
        "item", ident=f"lakebook-{question.id}", title=f"{question.objective} {question.id}"
    )
    fields = ElementTree.SubElement(ElementTree.SubElement(item, "itemmetadata"), "qtimetadata")
    kind = "multiple_answers_question" if several else "multiple_choice_question"
    for label, entry in (("question_type", kind), ("points_possible", "1")):
        field = ElementTree.SubElement(fields, "qtimetadatafield")
        ElementTree.SubElement(field, "fieldlabel").text = label
        ElementTree.SubElement(field, "fieldentry").text = entry
    presentation = ElementTree.SubElement(item, "presentation")
    _material(presentation, stem(question))
    response = ElementTree.SubElement(
        presentation,
        "response_lid",
        ident="response1",
        rcardinality="Multiple" if several else "Single",
    )
    choices = ElementTree.SubElement(response, "render_choice")
    for _, stored in shown(question, blueprint):
        choice = ElementTree.SubElement(choices, "response_label", ident=f"option{stored}")
        _material(choice, html(question.options[stored].text))
    item.append(_scoring(question))
    for n, option in enumerate(question.options):
        _feedback(item, f"option{n}_fb", html(option.reason))
    _feedback(item, "general_fb", sources(question))
    return item


def _scoring(question: Question) -> ElementTree.Element:
    scoring = ElementTree.Element("resprocessing")
    outcomes = ElementTree.SubElement(scoring, "outcomes")
    ElementTree.SubElement(
        outcomes, "decvar", maxvalue="100", minvalue="0", varname="SCORE", vartype="Decimal"
    )
    for n in range(len(question.options)):
        _shows(scoring, f"option{n}", f"option{n}_fb")
    right = ElementTree.SubElement(scoring, "respcondition", {"continue": "No"})
    condition = ElementTree.SubElement(right, "conditionvar")
    where = ElementTree.SubElement(condition, "and") if question.select > 1 else condition
    for n in question.right:
        ElementTree.SubElement(where, "varequal", respident="response1").text = f"option{n}"
    if question.select > 1:
        for n in range(len(question.options)):
            if n not in question.right:
                other = ElementTree.SubElement(where, "not")
                ElementTree.SubElement(other, "varequal", respident="response1").text = f"option{n}"
    ElementTree.SubElement(right, "setvar", action="Set", varname="SCORE").text = "100"
    return scoring


def _shows(scoring: ElementTree.Element, option: str, feedback: str) -> None:
    condition = ElementTree.SubElement(scoring, "respcondition", {"continue": "Yes"})
    chosen = ElementTree.SubElement(condition, "conditionvar")
    ElementTree.SubElement(chosen, "varequal", respident="response1").text = option
    ElementTree.SubElement(
        condition, "displayfeedback", feedbacktype="Response", linkrefid=feedback
    )


def _feedback(item: ElementTree.Element, name: str, text: str) -> None:
    made = ElementTree.SubElement(item, "itemfeedback", ident=name)
    _material(ElementTree.SubElement(made, "flow_mat"), text)


def _material(parent: ElementTree.Element, text: str) -> None:
    material = ElementTree.SubElement(parent, "material")
    ElementTree.SubElement(material, "mattext", texttype="text/html").text = text
