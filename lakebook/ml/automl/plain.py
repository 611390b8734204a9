"""Any pandas frame as a plain one: names of text, NumPy's types, NaN and None for missing."""

from __future__ import annotations

from collections import Counter
from typing import NoReturn

import numpy as np
import pandas as pd
from pandas.api import types

from lakebook.ml.automl.errors import AutoMLError, unknown_column

NUMBERS = ("integer", "floating", "mixed-integer-float", "decimal")


def names(frame: pd.DataFrame, messages: list[str]) -> pd.DataFrame:
    """Return the frame with a RangeIndex and names that are text.

    Raises AutoMLError for several levels of names, and for names that repeat.
    """
    if frame.columns.nlevels > 1:
        raise AutoMLError(
            "the names of the columns have several levels; join them first: "
            "frame.columns = frame.columns.map('_'.join)"
        )
    kept = [str(name) for name in frame.index.names if name is not None]
    if kept:
        messages.append(index_not_used(kept))
    frame = frame.reset_index(drop=True)
    if not all(isinstance(name, str) for name in frame.columns):
        frame.columns = frame.columns.map(str)
        messages.append("the names of the columns are made text")
    refuse_doubles(list(frame.columns))
    return frame


def index_not_used(names: list[str]) -> str:
    """Return what to tell of an index with names."""
    return f"the index {', '.join(map(repr, names))} is not used; reset_index() makes it a column"


def refuse_doubles(names: list[str], *, fold: bool = False) -> None:
    """Raise AutoMLError where a name comes twice; with `fold` in capitals or not, as in Spark."""
    alike = Counter(name.casefold() if fold else name for name in names)
    doubles = [name for name, count in alike.items() if count > 1]
    if doubles:
        raise AutoMLError(
            f"the data has more than one column '{doubles[0]}'"
            + (f", and so of {len(doubles) - 1} more names" if len(doubles) > 1 else "")
            + "; rename or drop one of them"
        )


def check(frame_columns: list[str], rows: int, target: str) -> None:
    """Raise AutoMLError where the data has no such target, or no row."""
    if target not in frame_columns:
        raise unknown_column("target_col", target, frame_columns)
    if rows == 0:
        raise AutoMLError("the data has no row; give a table or frame that holds some")


def plain(frame: pd.DataFrame, target: str) -> tuple[pd.DataFrame, dict[str, str], list[str]]:
    """Return the frame as a plain one, the semantic types that its types say, and messages.

    Columns whose values no model can use, as lists or bytes, are dropped with a message.
    """
    made: dict[str, pd.Series] = {}
    said: dict[str, str] = {}
    messages: list[str] = []
    for name in frame.columns:
        values = frame[name]
        if isinstance(values.dtype, pd.CategoricalDtype):
            values = values.astype(values.cat.categories.dtype if values.notna().all() else object)
            if name != target and types.infer_dtype(values, skipna=True) in NUMBERS:
                said[name] = "categorical"
        try:
            made[name] = _column(name, values, messages, infinite=name == target)
        except TypeError as error:
            if name == target:
                raise AutoMLError(
                    f"the target '{name}' holds {error}, which cannot be predicted; give numbers, "
                    "text or booleans"
                ) from None
            messages.append(f"column '{name}' is left out: no model here can use {error}")
    return pd.DataFrame(made, index=frame.index), said, messages


def _column(name: str, values: pd.Series, messages: list[str], *, infinite: bool) -> pd.Series:
    """Return the values by NumPy's types, or raise TypeError with a word for what they are."""
    dtype = values.dtype
    if isinstance(dtype, pd.PeriodDtype):
        values = values.dt.to_timestamp()
    elif isinstance(dtype, pd.SparseDtype):
        values = values.sparse.to_dense()
    elif isinstance(dtype, pd.IntervalDtype):
        values = values.astype(object).map(str, na_action="ignore")
    elif isinstance(dtype, pd.ArrowDtype):
        values = values.astype(object).where(values.notna(), None)
        values = values.infer_objects()
    if types.is_datetime64_any_dtype(values):
        return pd.to_datetime(values, utc=True).dt.tz_localize(None).astype("datetime64[ns]")
    if types.is_timedelta64_dtype(values):
        messages.append(f"column '{name}' holds durations: they are made seconds")
        return values.dt.total_seconds()
    if types.is_bool_dtype(values):
        return values.astype(object).where(values.notna(), None).infer_objects()
    if types.is_complex_dtype(values):
        raise TypeError("complex numbers")
    if types.is_numeric_dtype(values):
        return _numbers(name, values, messages, infinite=infinite)
    return _objects(name, values.astype(object), messages, infinite=infinite)


def _numbers(name: str, values: pd.Series, messages: list[str], *, infinite: bool) -> pd.Series:
    if types.is_integer_dtype(values) and values.notna().all():
        return values.astype(str(values.dtype).lower())
    found = pd.Series(values.to_numpy("float64", na_value=np.nan), index=values.index)
    endless = np.isinf(found)
    # Of the target it is told elsewhere, and the rows go.
    if endless.any() and not infinite:
        messages.append(
            f"column '{name}' is infinite in {int(endless.sum()):,} rows: now missing there"
        )
        found = found.mask(endless)
    return found


def _objects(name: str, values: pd.Series, messages: list[str], *, infinite: bool) -> pd.Series:
    held = types.infer_dtype(values, skipna=True)
    values = values.where(values.notna(), None)
    if held in NUMBERS:
        # Where nothing is missing whole numbers stay whole.
        return _numbers(name, pd.to_numeric(values), messages, infinite=infinite)
    if held in ("date", "datetime", "datetime64"):
        found = pd.to_datetime(values, errors="coerce", utc=True)
        return found.dt.tz_localize(None).astype("datetime64[ns]")
    if held in ("string", "boolean", "empty"):
        return values.infer_objects() if held == "boolean" else values
    if held == "timedelta":
        return _column(name, values.infer_objects(), messages, infinite=infinite)
    known = values.dropna()
    if held == "bytes" or not all(map(_usable, known)):
        _refuse(known)
    if held == "time":
        return values.map(str, na_action="ignore")
    messages.append(f"column '{name}' holds values of several types: all are made text")
    return values.map(str, na_action="ignore")


def _usable(value: object) -> bool:
    return bool(types.is_scalar(value)) and not isinstance(value, bytes | complex)


def _refuse(known: pd.Series) -> NoReturn:
    kind = next(type(one).__name__ for one in known if not _usable(one))
    raise TypeError(f"values of type {kind}")
