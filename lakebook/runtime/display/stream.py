"""A streaming frame as a snapshot: what has arrived until now. The platform's keeps updating."""

from __future__ import annotations

import uuid
from typing import Any

from lakebook.errors import LakebookError
from lakebook.runtime.display.rows import ROWS_FETCHED, Rows

PATIENCE = 60  # seconds

NOTE = (
    "A snapshot of the stream: what had arrived when the cell ran. "
    "On Databricks the output keeps updating."
)


def snapshot(frame: Any) -> Rows:
    """Return the rows that a streaming frame gives for what has arrived.

    Raises LakebookError if the stream cannot be read up to now and stopped, with Spark's reason.
    """
    from pyspark.errors import AnalysisException

    from lakebook.runtime.display.frames import from_spark

    name = f"display_{uuid.uuid4().hex}"
    # Rows in memory are bounded where Spark can bound them; an aggregate needs the whole result.
    attempts = ((frame.limit(ROWS_FETCHED + 1), "append"), (frame, "complete"))
    refused: Exception | None = None
    for limited, mode in attempts:
        try:
            query = _start(limited, name, mode)
        except AnalysisException as error:
            refused = refused or error
            continue
        try:
            _wait(query)
            return from_spark(frame.sparkSession.table(name)).noted(NOTE)
        finally:
            query.stop()
            frame.sparkSession.catalog.dropTempView(name)
    raise LakebookError(
        f"this stream cannot be shown as a snapshot: {refused}; write it to a table with "
        "writeStream and display the table"
    )


def _start(frame: Any, name: str, mode: str) -> Any:
    writer = frame.writeStream.format("memory").queryName(name).outputMode(mode)
    return writer.trigger(availableNow=True).start()


def _wait(query: Any) -> None:
    """Wait until all that had arrived is read; raises LakebookError if that fails."""
    from pyspark.errors import StreamingQueryException

    try:
        done = query.awaitTermination(PATIENCE)
    except StreamingQueryException as error:
        raise LakebookError(f"the stream failed: {error}") from error
    if not done:
        raise LakebookError(
            f"the stream had not been read to its end after {PATIENCE} s; write it to a table "
            "with writeStream and display the table"
        )
