"""Data files on their way into a table: written aside by Spark, measured, moved into place."""

from __future__ import annotations

import datetime as dt
import decimal
import os
import shutil
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from lakebook.runtime.delta import errors
from lakebook.runtime.delta.log import Add
from lakebook.runtime.delta.read import NULL_FOLDER
from lakebook.runtime.patching import original

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

STAGING = "_staging"
STATISTICS_COLUMNS = 32  # Delta's own default
LONGEST_TEXT = 32  # characters of a text kept as minimum or maximum


def place(root: str, file: Add) -> str:
    """Return the absolute path of a file of the table."""
    return str(Path(root) / file.path)


def local_path(uri: str) -> str:
    """Return the path in a ``_metadata.file_path``, which is a percent-encoded URI."""
    return "/" + unquote(uri).removeprefix("file:").lstrip("/")


def stage(rows: DataFrame, root: str | Path, partition_by: Sequence[str] = ()) -> list[Add]:
    """Write rows as Parquet files of the table, not yet part of any version; return the files.

    Raises DeltaError if a row breaks a constraint; nothing is left behind.
    """
    aside = Path(root) / STAGING / uuid.uuid4().hex
    inside = "_change_data" if "_change_type" in rows.columns else ""
    try:
        writer = rows.write.option("timeZone", "UTC").option("compression", "snappy")
        if partition_by:
            writer = writer.partitionBy(*partition_by)
        original(type(writer), "parquet")(writer, str(aside))
        return [
            added
            for found in sorted(aside.rglob("*.parquet"))
            if (added := _moved(found, aside, Path(root), inside)) is not None
        ]
    except Exception as error:
        if raised := errors.from_task(error):
            raise raised from None
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        _remove_if_empty(aside.parent)


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        # Another writer stages there.
        return


def discard(root: str | Path, files: Sequence[Add]) -> None:
    """Delete staged files that no commit took."""
    for file in files:
        (Path(root) / file.path).unlink(missing_ok=True)


def _moved(found: Path, aside: Path, root: Path, inside: str) -> Add | None:
    import pyarrow.parquet as pq

    footer = pq.read_metadata(found)
    if footer.num_rows == 0:
        return None
    relative = found.relative_to(aside)
    values = {}
    for folder in relative.parts[:-1]:
        name, _, text = folder.partition("=")
        # Spark writes what it must escape as one byte each.
        values[unquote(name, encoding="latin-1")] = (
            None if text == NULL_FOLDER else unquote(text, encoding="latin-1")
        )
    target = root / inside / relative.parent / found.name
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(found, target)  # noqa: PTH105  (the same file system: one step)
    return Add(
        path=str(target.relative_to(root)),
        size=target.stat().st_size,
        partition_values=values,
        stats=_statistics(footer),
        modification_time=int(time.time() * 1000),
    )


def _statistics(footer: Any) -> dict[str, Any]:
    """Return the statistics of a file as the log has them, from its Parquet footer."""
    least: dict[str, Any] = {}
    most: dict[str, Any] = {}
    nulls: dict[str, int] = {}
    for index in range(min(footer.num_columns, STATISTICS_COLUMNS)):
        column = footer.schema.column(index)
        name = column.path
        if name != column.name or "." in name:
            continue  # part of a nested column
        found = [
            footer.row_group(group).column(index).statistics
            for group in range(footer.num_row_groups)
        ]
        if any(part is None for part in found):
            continue
        if all(part.has_null_count for part in found):
            nulls[name] = sum(part.null_count for part in found)
        if any(not part.has_min_max and part.null_count < part.num_values for part in found):
            continue
        ranged = [part for part in found if part.has_min_max]
        if ranged:
            low = _logged(min(part.min for part in ranged))
            high = _logged(max(part.max for part in ranged))
            if low is not None and high is not None:
                least[name], most[name] = low, high
    return {
        "numRecords": footer.num_rows,
        "minValues": least,
        "maxValues": most,
        "nullCount": nulls,
    }


def _logged(value: Any) -> Any:
    """Return a value as JSON has it, None for what is left out of the statistics."""
    if isinstance(value, bool | bytes):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, str):
        return value if len(value) <= LONGEST_TEXT else None
    if isinstance(value, dt.datetime):
        zone = "" if value.tzinfo is None else "Z"
        return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond:06d}{zone}"
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        # Beyond 15 digits a JSON number would not come back as it was.
        return float(value) if len(value.as_tuple().digits) <= 15 else None
    return None
