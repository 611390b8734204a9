"""Which values are shown as a table, and how their rows are fetched."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

from lakebook.runtime.display.rows import ROWS_FETCHED, Rows, from_pandas


def rows_of(value: Any) -> Rows | None:
    """Return the rows of a value that is a table, else None.

    Tables are frames of Spark (also streaming ones, classic or Connect), of pandas on Spark and of
    pandas, runs of MLflow, and lists of rows or named tuples such as ``dbutils.fs.ls`` returns.
    """
    if is_spark(value):
        if value.isStreaming:
            from lakebook.runtime.display.stream import snapshot

            return snapshot(value)
        from lakebook.runtime.display.frames import from_spark

        return from_spark(value)
    if is_pandas_on_spark(value):
        head = _head(value)
        return from_pandas(head.head(ROWS_FETCHED), more=len(head) > ROWS_FETCHED)
    frame = as_pandas(value)
    return None if frame is None else from_pandas(frame)


def as_pandas(value: Any) -> Any:
    """Return a pandas frame, runs, or a list of rows as a pandas frame; None for others."""
    if _kind(value).startswith("pandas.") and _kind(value).endswith(".DataFrame"):
        return value
    if _is_run(value):
        return _runs([value])
    if isinstance(value, list) and value:
        if all(map(_is_run, value)):
            return _runs(value)
        if all(map(_is_record, value)) and len({_fields(row) for row in value}) == 1:
            import pandas as pd

            return pd.DataFrame([tuple(row) for row in value], columns=list(_fields(value[0])))
    return None


def is_spark(value: Any) -> bool:
    """Return whether a value is a Spark frame, classic or Connect."""
    return _kind(value).startswith("pyspark.sql.") and _kind(value).endswith(".DataFrame")


def is_pandas_on_spark(value: Any) -> bool:
    """Return whether a value is a frame or series of pandas on Spark."""
    return _kind(value) in ("pyspark.pandas.frame.DataFrame", "pyspark.pandas.series.Series")


def _kind(value: Any) -> str:
    # By name: to show a table must not import Spark, MLflow and pandas.
    return f"{type(value).__module__}.{type(value).__name__}"


def to_spark(value: Any) -> Any:
    """Return a frame or series of pandas on Spark as a Spark frame, without its index."""
    frame = value.to_frame() if _kind(value).endswith("Series") else value
    with _no_advice():
        return frame.to_spark()


def _head(value: Any) -> Any:
    frame = value.to_frame() if _kind(value).endswith("Series") else value
    with _no_advice():
        head = frame.head(ROWS_FETCHED + 1).to_pandas()
    # The default index of pandas on Spark, which does not come as a range.
    numbered = head.index.name is None and head.index.tolist() == list(range(len(head)))
    return head.reset_index(drop=True) if numbered else head


@contextlib.contextmanager
def _no_advice() -> Iterator[None]:
    """Keep back the advice against large frames and lost indexes: neither is the reader's doing."""
    from pyspark.pandas.utils import PandasAPIOnSparkAdviceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PandasAPIOnSparkAdviceWarning)
        yield


def _is_run(value: Any) -> bool:
    return _kind(value) == "mlflow.entities.run.Run"


def _is_record(value: Any) -> bool:
    return isinstance(value, tuple) and (hasattr(value, "_fields") or hasattr(value, "__fields__"))


def _fields(row: Any) -> tuple[str, ...]:
    return tuple(row._fields) if hasattr(row, "_fields") else tuple(row.__fields__)


def _runs(runs: list[Any]) -> Any:
    """Return runs with what a reader compares first, and what identifies them last."""
    import pandas as pd

    metrics = sorted({name for run in runs for name in run.data.metrics})
    params = sorted({name for run in runs for name in run.data.params})
    lines = [
        {"run_name": run.info.run_name, "status": run.info.status}
        | {f"metrics.{name}": run.data.metrics.get(name) for name in metrics}
        | {f"params.{name}": run.data.params.get(name) for name in params}
        | {"start_time": _moment(run.info.start_time), "run_id": run.info.run_id}
        for run in runs
    ]
    return pd.DataFrame(lines)


def _moment(milliseconds: int | None) -> Any:
    import pandas as pd

    # To the second: more would make the table wider and tell nothing.
    return pd.NaT if milliseconds is None else pd.Timestamp(milliseconds // 1000, unit="s")
