"""QTI 2.1 (IMS Question and Test Interoperability, 2012): an item a question, in a package."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path

from lakebook.exam.bank import Question
from lakebook.exam.blueprint import Blueprint
from lakebook.exam.exports import archive
from lakebook.exam.exports.markup import html, shown, sources, stem

QTI = "http://www.imsglobal.org/xsd/imsqti_v2p1"
CP = "http://www.imsglobal.org/xsd/imscp_v1p1"
CORRECT = "http://www.imsglobal.org/question/qti_v2p1/rptemplates/match_correct"


def write(file: Path, questions: Sequence[Question], blueprint: Blueprint) -> None:
    """Write the questions; an item is right if exactly the right options are selected."""
    items = [(f"items/{q.id}.xml", archive.text(_item(q, blueprint))) for q in questions]
    archive.write(file, [("imsmanifest.xml", archive.text(_manifest(questions))), *items])


def _item(question: Question, blueprint: Blueprint) -> ElementTree.Element:
    item = ElementTree.Element(
        "assessmentItem",
        xmlns=QTI,
        identifier=f"lakebook-{question.id}",
        title=f"{question.objective} {question.id}",
        adaptive="false",
        timeDependent="false",
    )
    several = question.select > 1
    response = ElementTree.SubElement(
        item,
        "responseDeclaration",
        identifier="RESPONSE",
        cardinality="multiple" if several else "single",
        baseType="identifier",
    )
    key = ElementTree.SubElement(response, "correctResponse")
    for n in question.right:
        ElementTree.SubElement(key, "value").text = f"option{n}"
    ElementTree.SubElement(
        item,
        "outcomeDeclaration",
        identifier="SCORE",
        cardinality="single",
        baseType="float",
    )
    body = ElementTree.SubElement(item, "itemBody")
    body.extend(archive.fragment(stem(question)))
    choices = ElementTree.SubElement(
        body,
        "choiceInteraction",
        responseIdentifier="RESPONSE",
        shuffle="true",
        maxChoices=str(question.select),
    )
    for _, stored in shown(question, blueprint):
        choice = ElementTree.SubElement(choices, "simpleChoice", identifier=f"option{stored}")
        choice.extend(archive.fragment(html(question.options[stored].text)))
        reason = ElementTree.SubElement(
            choice,
            "feedbackInline",
            outcomeIdentifier="SCORE",
            identifier="1",
            showHide="hide",
        )
        reason.text = " ".join(question.options[stored].reason.split())
    ElementTree.SubElement(item, "responseProcessing", template=CORRECT)
    told = ElementTree.SubElement(
        item, "modalFeedback", outcomeIdentifier="SCORE", identifier="0", showHide="hide"
    )
    told.extend(archive.fragment(sources(question)))
    return item


def _manifest(questions: Sequence[Question]) -> ElementTree.Element:
    manifest = ElementTree.Element("manifest", xmlns=CP, identifier="lakebook")
    data = ElementTree.SubElement(manifest, "metadata")
    ElementTree.SubElement(data, "schema").text = "QTIv2.1 Package"
    ElementTree.SubElement(data, "schemaversion").text = "1.0.0"
    ElementTree.SubElement(manifest, "organizations")
    resources = ElementTree.SubElement(manifest, "resources")
    for question in questions:
        name = f"items/{question.id}.xml"
        resource = ElementTree.SubElement(
            resources,
            "resource",
            identifier=f"item-{question.id}",
            type="imsqti_item_xmlv2p1",
            href=name,
        )
        ElementTree.SubElement(resource, "file", href=name)
    return manifest
