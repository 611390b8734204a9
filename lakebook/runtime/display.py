"""`display`: tables that are static, accessible and right for each kind of frame."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from IPython import get_ipython
from IPython.display import HTML
from IPython.display import display as ipython_display

ROWS_FETCHED = 1000  # the platform's own limit for one result
ROWS_SHOWN = 20


def display(*values: Any, **options: Any) -> None:
    """Show each value: Spark, pandas-on-Spark and pandas frames as tables, the rest as it is.

    Of a Spark frame at most 1,000 rows are fetched, and at most 20 rows are shown of any.
    """
    for value in values:
        frame, more = _as_pandas(value)
        if frame is None:
            ipython_display(value, **options)
        else:
            table = _table(frame, more)
            if get_ipython() is None:
                print(table["text/plain"])
            else:
                ipython_display(table, raw=True)


def displayHTML(source: str) -> None:
    """Show HTML."""
    ipython_display(HTML(source))


def _as_pandas(value: Any) -> tuple[Any, bool]:
    """Return the value as a pandas frame (None if it is no frame) and whether rows are missing."""
    kind = f"{type(value).__module__}.{type(value).__name__}"
    if kind.startswith("pyspark.sql.") and kind.endswith(".DataFrame"):
        frame = value.limit(ROWS_FETCHED + 1).toPandas()
    elif kind in ("pyspark.pandas.frame.DataFrame", "pyspark.pandas.series.Series"):
        frame = value.head(ROWS_FETCHED + 1).to_pandas()
    elif kind.startswith("pandas.") and kind.endswith(".DataFrame"):
        return value, False
    else:
        return None, False
    if kind.endswith("Series"):
        frame = frame.to_frame()
    return frame.head(ROWS_FETCHED), len(frame) > ROWS_FETCHED


def _table(frame: Any, more: bool) -> Mapping[str, str]:
    rows, columns = frame.shape
    count = f"first {rows:,} rows" if more else f"{rows:,} row{'' if rows == 1 else 's'}"
    caption = f"{count} × {columns} column{'' if columns == 1 else 's'}"
    if rows > ROWS_SHOWN:
        caption += f", {ROWS_SHOWN} shown"
    # A default index says nothing about the data, so it is left out as on the platform.
    plain_index = type(frame.index).__name__ == "RangeIndex"
    shown = frame.head(ROWS_SHOWN)
    table = shown.to_html(index=not plain_index, border=0, classes="dataframe", max_rows=None)
    table = table.replace("<thead>", f"<caption>{html.escape(caption)}</caption><thead>", 1)
    table = table.replace("<th>", '<th scope="col">') if plain_index else table
    return {
        "text/html": table,
        "text/plain": f"{shown.to_string(index=not plain_index)}\n{caption}",
    }
