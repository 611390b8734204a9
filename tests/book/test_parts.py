"""The small parts of the book, without Sphinx."""

from __future__ import annotations

import pytest

from lakebook.book.languages import language
from lakebook.book.pictures import described
from lakebook.book.timings import table


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ('ax.set_title("Sales by week")', "Plot: Sales by week"),
        ("plt.xlabel('week')\nplt.ylabel('units')", "Plot: units against week"),
        (
            'frame.plot(title="Ozone", xlabel="day", ylabel="ppb")',
            "Plot: Ozone (ppb against day)",
        ),
        ('ax.set(title=f"Shop {n}")', None),
        ('ax.set_xlabel("week")', None),
        ("plt.plot(x)", None),
    ],
)
def test_a_plot_is_described_by_what_its_code_names(code: str, text: str | None) -> None:
    assert described(code) == text


def test_timings_are_in_the_order_of_the_labs_with_date_machine_and_sum() -> None:
    labs = [
        {"lab": "day2/02", "seconds": 30.4, "peak_mb": 1500.2},
        {"lab": "day1/01", "seconds": 29.6, "peak_mb": 900},
    ]
    lines = table({"measured": "2026-11-20", "machine": "2 cores", "labs": labs})
    assert lines[0] == "Measured 2026-11-20 on 2 cores: 2 labs, 1.0 minutes one after another."
    assert lines[-2:] == [
        "| [](/labs/day1/01.ipynb) | 30 | 900 |",
        "| [](/labs/day2/02.ipynb) | 30 | 1,500 |",
    ]


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("%sql\nGRANT SELECT ON t TO `account users`", "postgresql"),
        ("%%sql\nSELECT 1", "postgresql"),
        ("%sh ls", "bash"),
        ("%load_ext lakebook", None),
        ("spark.sql('SELECT 1')  # %sql", None),
    ],
)
def test_a_cell_of_another_language_is_coloured_as_that(code: str, named: str | None) -> None:
    assert language(code) == named
