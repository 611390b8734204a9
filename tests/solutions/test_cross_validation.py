"""What lab day3/01 and its chapter promise beyond their stored outputs."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
import sklearn

from lakebook import datasets

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tumours():
    return datasets.load("breast_cancer")


@pytest.fixture(scope="module")
def card() -> str:
    return datasets.card("breast_cancer").read_text("utf-8")


def test_the_card_names_every_column_and_no_other(tumours, card):
    rows = [line.split("|")[1] for line in card.splitlines() if line.startswith("| `")]
    assert re.findall(r"`(\w+)`", " ".join(rows)) != []
    assert set(re.findall(r"`(\w+)`", " ".join(rows))) == set(tumours.columns)


def test_the_positive_class_is_malignant(tumours):
    malignant = tumours[tumours["malignant"] == 1]
    assert (len(tumours), len(malignant)) == (569, 212)
    assert malignant["radius_mean"].mean() > tumours["radius_mean"].mean()


def test_the_file_inside_scikit_learn_is_the_one_on_the_card(card):
    shipped = Path(sklearn.__file__).parent / "datasets" / "data" / "breast_cancer.csv"
    assert hashlib.sha256(shipped.read_bytes()).hexdigest() in card
