"""Rows as an HTML table: names with types, numbers to the right, everything escaped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lakebook.runtime.display import cells
from lakebook.runtime.display.rows import COLUMNS_SHOWN, NUMBER, ROWS_SHOWN, Column, Rows

WRAPPED = 40  # longer texts are broken into lines


def table(rows: Rows) -> str:
    """Return the first 20 rows, and 100 columns, with the counts of all as caption."""
    columns = rows.columns[:COLUMNS_SHOWN]
    caption = rows.caption()
    if len(columns) < len(rows.columns):
        caption += f", first {COLUMNS_SHOWN} columns"
    heads = "".join(
        [_head(c, typed=bool(c.name)) for c in rows.index] + [_head(c) for c in columns]
    )
    bodies = [_cells(column, "th") for column in rows.index] + [_cells(c, "td") for c in columns]
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in zip(*bodies, strict=True))
    return (
        f'<table class="dataframe"><caption>{cells.html(caption)}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    )


def _head(column: Column, typed: bool = True) -> str:
    place = ' class="n"' if column.kind == NUMBER else ""
    if not typed:  # an index without a name: an empty header would be read out as one
        return f"<td{place}></td>"
    kind = f" <small>{cells.html(column.type)}</small>"
    return f'<th scope="col"{place}>{cells.html(column.name)}{kind}</th>'


def _cells(column: Column, tag: str) -> list[str]:
    values: Sequence[Any] = column.values[:ROWS_SHOWN]
    number = column.kind == NUMBER
    texts = cells.numbers(values) if number else [cells.text(value) for value in values]
    return [
        _cell(tag, text, "n" if number else "w" if len(text) > WRAPPED else "", value is None)
        for value, text in zip(values, texts, strict=True)
    ]


def _cell(tag: str, text: str, how: str, missing: bool) -> str:
    opened = f'{tag} scope="row"' if tag == "th" else tag
    style = f' class="{how}"' if how else ""
    # A missing value must not look like the text "null".
    inside = f"<i>{text}</i>" if missing else cells.html(text)
    return f"<{opened}{style}>{inside}</{tag}>"
