"""The chart that `display` guesses from the types of the columns."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

DAYS = pd.date_range("2024-01-01", periods=10)


def chart(data):
    """Return title and text alternative of the chart, or the sentence that stands for it."""
    panel = BeautifulSoup(data["text/html"], "html.parser").find(class_="lbd2")
    if panel.svg is None:
        return panel.get_text(), ""
    assert panel.svg["role"] == "img"
    return panel.figcaption.b.get_text(), panel.svg["aria-label"]


@pytest.mark.parametrize(
    ("frame", "title", "kind"),
    [
        ({"x": range(10), "day": DAYS, "c": list("ab") * 5}, "x by day", "Line chart"),
        ({"x": range(10), "c": list("ab") * 5}, "Mean of x by c", "Bar chart"),
        ({"x": [1, 2], "c": ["a", "b"]}, "x by c", "Bar chart"),
        ({"x": [3, 1], "ok": [True, False]}, "x by ok", "Bar chart"),
        ({"x": range(10), "y": range(10)}, "y against x", "Scatter plot"),
        (
            {"x": range(30), "c": [f"id{i}" for i in range(30)]},
            "Distribution of x (rows)",
            "Histogram",
        ),
        ({"x": range(10)}, "Distribution of x (rows)", "Histogram"),
        ({"c": ["b", "a", "b"]}, "Rows by c", "Bar chart"),
        (
            {"c": [f"c{i}" for i in range(30)] * 2},
            "Rows by c, the 20 commonest of 30",
            "Bar chart",
        ),
    ],
)
def test_the_first_rule_that_fits_decides(shown, frame, title, kind):
    (data,) = shown(pd.DataFrame(frame))
    found, said = chart(data)
    assert found == title
    assert said.startswith(f"{kind}. {title}: ")


@pytest.mark.parametrize(
    "frame",
    [
        {"x": [1.0, 1.0]},
        {"x": [np.nan, None]},
        {"c": [f"id{i}" for i in range(30)]},
        {"list": [[1], [2]]},
        {"x": [np.inf, -np.inf]},
        {},
    ],
)
def test_where_nothing_varies_nothing_is_drawn_and_it_says_so(shown, frame):
    (data,) = shown(pd.DataFrame(frame))
    assert chart(data)[0].startswith("Nothing to draw: no column")


def test_bars_say_their_values_in_the_order_of_the_rows(shown):
    (data,) = shown(pd.DataFrame({"shop": ["b", "a", "b"], "lift": [1.0, -2.5, 2.0]}))
    assert chart(data)[1] == "Bar chart. Mean of lift by shop: b 1.5, a -2.5"


def test_negative_bars_lie_on_the_other_side_of_zero(shown):
    (data,) = shown(pd.DataFrame({"shop": ["a", "b"], "lift": [-1.0, 3.0]}))
    path = BeautifulSoup(data["text/html"], "html.parser").find("path", class_="f")["d"]
    (x1, width1), (x2, width2) = re.findall(r"M([\d.]+) [\d.]+h([\d.]+)", path)
    assert float(x1) + float(width1) == float(x2)
    assert float(width2) == pytest.approx(3 * float(width1))


def test_a_line_says_where_it_starts_and_ends_and_its_extremes(shown):
    frame = pd.DataFrame({"day": DAYS[:3].repeat(2), "x": [1, 3, 9, 9, 4, 4]})
    (data,) = shown(frame)
    assert chart(data)[1] == (
        "Line chart. Mean of x by day: 2 at 2024-01-01 00:00:00, 4 at 2024-01-03 00:00:00, "
        "lowest 2, highest 9"
    )


def test_an_index_of_words_can_be_a_category_and_one_of_row_numbers_is_no_number(shown):
    means = pd.DataFrame({"x": [1.0, 2.0]}, index=["a", "b"])
    assert chart(shown(means)[0])[1] == "Bar chart. x: a 1, b 2"
    filtered = pd.DataFrame({"x": range(9)})[::2]
    assert chart(shown(filtered)[0])[0] == "Distribution of x (rows)"


def test_missing_and_infinite_values_are_left_out(shown):
    frame = pd.DataFrame({"x": [1.0, np.nan, 3.0, np.inf], "y": [1.0, 2.0, 3.0, 4.0]})
    assert "x from 1 to 3, y from 1 to 3, correlation 1.00" in chart(shown(frame)[0])[1]


def test_rows_in_another_order_give_the_same_picture(shown):
    rng = np.random.default_rng(1)
    for frame in (
        pd.DataFrame({"x": rng.normal(size=400), "y": rng.normal(size=400)}),
        pd.DataFrame({"day": DAYS.repeat(40), "x": rng.normal(size=400)}),
    ):
        mixed = frame.sample(frac=1, random_state=2).reset_index(drop=True)
        pictures = [
            str(BeautifulSoup(shown(f)[0]["text/html"], "html.parser").find(class_="lbd2"))
            for f in (frame, mixed)
        ]
        assert pictures[0] == pictures[1]


@pytest.mark.parametrize("columns", [["day", "x"], ["x", "y"], ["x"], ["c", "x"]])
def test_a_chart_of_a_thousand_rows_stays_small(shown, columns):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "day": pd.date_range("2020-01-01", periods=1000, freq="h"),
            "x": rng.normal(size=1000),
            "y": rng.normal(size=1000),
            "c": rng.choice([f"category {i}" for i in range(20)], 1000),
        }
    )
    (data,) = shown(frame[columns])
    panel = str(BeautifulSoup(data["text/html"], "html.parser").find(class_="lbd2"))
    assert 500 < len(panel.encode()) < 15_000


def test_the_basis_of_a_chart_is_said(shown):
    (data,) = shown(pd.DataFrame({"x": range(1500)}))
    assert "A first guess from the column types, on the first 1,000 rows." in data["text/html"]
