"""`display`: frames as table, chart and data profile; static, accessible, without a script."""

from __future__ import annotations

from typing import Any

from IPython import get_ipython
from IPython.display import HTML
from IPython.display import display as ipython_display

from lakebook.errors import LakebookError
from lakebook.runtime.display import cells
from lakebook.runtime.display.chart import draw
from lakebook.runtime.display.kinds import (
    as_pandas,
    is_pandas_on_spark,
    is_spark,
    rows_of,
    to_spark,
)
from lakebook.runtime.display.profile import summaries
from lakebook.runtime.display.profile_table import profile_table, profile_text
from lakebook.runtime.display.rows import COLUMNS_SHOWN, Rows, from_pandas
from lakebook.runtime.display.table import table
from lakebook.runtime.display.tabs import alone, tabs

__all__ = ["display", "displayHTML", "summarize"]

MISSING = "Missing means null or NaN."
# What the platform's display takes for streams, and a snapshot has no use for.
STREAMING = ("streamName", "trigger", "processingTime", "checkpointLocation")


def display(*values: Any, **options: Any) -> None:
    """Show each value: frames with the tabs Table, Visualization and Data Profile.

    Frames are those of Spark, pandas on Spark and pandas, MLflow's runs, and lists of rows. Of a
    Spark frame at most 1,000 rows are fetched, and at most 20 are shown of any; the profile and the
    chart rest on the first 1,000 rows. The chart is a first guess from the types of the columns,
    by the rules in `lakebook.runtime.display.chart`; on the platform it is made by clicking. All
    other values are shown by IPython.

    A streaming frame is shown as a snapshot, for which the platform's options for streams, such as
    ``checkpointLocation``, mean nothing. All other options go to IPython's display.
    """
    for name in STREAMING:
        options.pop(name, None)
    for value in values:
        rows = rows_of(value)
        if rows is None:
            ipython_display(value, **options)
        else:
            _show({"text/html": _html(rows), "text/plain": rows.plain()}, **options)


def displayHTML(source: str) -> None:
    """Show HTML."""
    ipython_display(HTML(source))


def summarize(df: Any, precise: bool = False) -> None:
    """Show statistics of all rows of a frame, as ``dbutils.data.summarize`` does.

    Spark computes them for its frames. Unless `precise`, distinct counts and quartiles are then
    estimates; for pandas they are always exact. Raises LakebookError if `df` is no frame.
    """
    if is_pandas_on_spark(df):
        df = to_spark(df)
    if is_spark(df):
        from lakebook.runtime.display.spark_profile import spark_summaries

        if df.isStreaming:
            raise LakebookError(
                "a streaming frame has no last row, so it cannot be summarized; write it to a "
                "table with writeStream and summarize the table"
            )
        found = spark_summaries(df, precise)
        columns = len(df.columns)
        how = "" if precise else " Distinct counts and quartiles are estimates."
    elif (frame := as_pandas(df)) is not None:
        rows = from_pandas(frame, limit=None)
        found, columns, how = summaries(rows), len(rows.columns), ""
    else:
        raise LakebookError(
            f"a {type(df).__name__} cannot be summarized; pass a frame of Spark or pandas"
        )
    size = found[0].count + found[0].missing if found else 0
    basis = f"All {size:,} rows.{_first(columns)} {MISSING}{how}"
    _show(
        {
            "text/html": alone(profile_table(found, basis), f"{size:,} rows × {columns:,} columns"),
            "text/plain": profile_text(found, basis),
        }
    )


def _html(rows: Rows) -> str:
    basis = f"On {rows.basis()}.{_first(len(rows.columns))} {MISSING}"
    note = f"<p>{cells.html(rows.note)}</p>" if rows.note else ""
    return tabs(table(rows), draw(rows), profile_table(summaries(rows), basis), rows.count(), note)


def _first(columns: int) -> str:
    return f" The first {COLUMNS_SHOWN} columns." if columns > COLUMNS_SHOWN else ""


def _show(bundle: dict[str, str], **options: Any) -> None:
    if get_ipython() is None:
        print(bundle["text/plain"])
    else:
        ipython_display(bundle, raw=True, **options)
