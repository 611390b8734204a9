"""Which rows train, validate and test a model.

As the platform documents it: at random, 60, 20 and 20 % of the rows; by a column of the data; or in
the order of time (https://docs.databricks.com/machine-learning/automl/classification-data-prep).
"""

from __future__ import annotations

import difflib
from typing import Literal

import numpy as np
import pandas as pd
from pandas.api import types

from lakebook.ml.automl.errors import AutoMLError, unknown_column
from lakebook.ml.automl.values import READABLE, date_format, listed, to_date, to_number

PARTS = ("train", "validate", "test")
# Five rows in a row: no two neighbours are both outside training, so a class of two has one there.
PATTERN = np.array(["train", "validate", "train", "test", "train"], dtype=object)
# The shares of training, and of training and validation, in the order of time.
CUTS = (0.6, 0.8)
# With fewer a part has one row, and a score of it says nothing.
FEWEST_ROWS = 10


def split(
    frame: pd.DataFrame,
    target: str,
    kind: Literal["classify", "regress"],
    *,
    time_col: str | None = None,
    split_col: str | None = None,
    seed: int,
) -> tuple[pd.Series, tuple[str, ...]]:
    """Return "train", "validate" or "test" for the rows of the frame, and what to tell.

    The part of a row stands at its index. Rows that are in no part, whose `split_col` has another
    value or whose `time_col` is null, are not in the result; a message counts them. Without columns
    the split is 60/20/20 at random, the same for the same seed; with classes each has its share of
    each part, and a row in training. With `time_col` the oldest 60 % train, the next 20 % validate;
    rows of one moment stay together. Where both columns are given, `split_col` decides.

    Raises AutoMLError for columns that cannot split the rows, and for fewer than ten rows.
    """
    for argument, name in (("time_col", time_col), ("split_col", split_col)):
        if name is None:
            continue
        if name not in frame.columns:
            raise unknown_column(argument, name, frame.columns)
        if name == target:
            raise AutoMLError(f"{argument} '{name}' is the target; give another column")
    messages: list[str] = []
    if split_col is not None:
        if time_col is not None:
            messages.append(
                f"rows are split by split_col '{split_col}', not in the order of '{time_col}'"
            )
        parts = _by_column(frame[split_col], split_col, messages)
    elif time_col is not None:
        parts = _by_time(frame[time_col], time_col, messages)
    else:
        _refuse_few(len(frame))
        parts = _at_random(frame[target] if kind == "classify" else None, frame.index, seed)
    if kind == "classify":
        messages += _unseen(frame.loc[parts.index, target], parts)
    return parts, tuple(messages)


def _refuse_few(rows: int) -> None:
    if rows < FEWEST_ROWS:
        raise AutoMLError(
            f"{rows} rows are too few for training, validation and test; give at least "
            f"{FEWEST_ROWS}"
        )


def _at_random(classes: pd.Series | None, index: pd.Index, seed: int) -> pd.Series:
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(index))
    codes = np.zeros(len(index), dtype="int64")
    if classes is not None:
        codes = pd.factorize(classes, use_na_sentinel=False)[0]
        order = order[np.argsort(codes[order], kind="stable")]
    parts = np.empty(len(index), dtype=object)
    start = rng.integers(len(PATTERN))
    parts[order] = PATTERN[(start + np.arange(len(index))) % len(PATTERN)]
    parts[np.bincount(codes)[codes] == 1] = PARTS[0]
    return pd.Series(parts, index=index)


def _unseen(classes: pd.Series, parts: pd.Series) -> list[str]:
    """Return what to tell of classes that do not occur in training."""
    trained = classes[parts == PARTS[0]].unique()
    if len(trained) < 2:
        raise AutoMLError(
            f"all rows of training are of the class {listed(trained)}, so there is nothing to "
            "learn; split by other values, or leave time_col and split_col out"
        )
    unseen = [one for one in classes.unique() if one not in set(trained)]
    if not unseen:
        return []
    return [f"no row of training is of the class {listed(unseen)}, so it is never predicted"]


# -- by a column


def _by_column(values: pd.Series, name: str, messages: list[str]) -> pd.Series:
    parts = values.astype(object)
    known = parts.isin(PARTS)
    others = [str(one) for one in parts[~known].dropna().unique()]
    for part in PARTS:
        if not (parts == part).any():
            near = difflib.get_close_matches(part, [one.lower() for one in others], n=1, cutoff=0.5)
            found = [one for one in others if one.lower() in near]
            way_out = (
                f"write '{part}' for '{found[0]}'"
                if found
                else f"its values are {listed(parts.dropna().unique()) or 'null'}"
            )
            raise AutoMLError(
                f"split_col '{name}' has no row with '{part}'; it needs {listed(PARTS)}: {way_out}"
            )
    if others:
        rows = int((~known & parts.notna()).sum())
        messages.append(
            f"{rows:,} rows are ignored: their split_col '{name}' is {listed(others)}, not one of "
            f"{listed(PARTS)}"
        )
    if rows := int(parts.isna().sum()):
        messages.append(f"{rows:,} rows are ignored: their split_col '{name}' is null")
    _refuse_few(int(known.sum()))
    return parts[known].astype(str).astype(object)


# -- by time


def _by_time(values: pd.Series, name: str, messages: list[str]) -> pd.Series:
    times = moments(values, name)
    known = times.dropna()
    if rows := len(times) - len(known):
        messages.append(f"{rows:,} rows are ignored: their time_col '{name}' is null or no time")
    _refuse_few(len(known))
    counts = known.value_counts().sort_index()
    if len(counts) < len(PARTS):
        raise AutoMLError(
            f"time_col '{name}' has {len(counts)} different times, and each of the three parts "
            "needs one; leave time_col out, or give a finer one"
        )
    until = counts.cumsum().to_numpy()
    # The last moment of training and of validation: nearest to the share, one left for each part.
    ends = [int(np.abs(until - share * len(known)).argmin()) for share in CUTS]
    first = min(ends[0], len(counts) - 3)
    second = min(max(ends[1], first + 1), len(counts) - 2)
    borders = counts.index[[first, second]]
    return pd.Series(
        np.select([known <= borders[0], known <= borders[1]], PARTS[:2], PARTS[2]).astype(object),
        index=known.index,
    )


def moments(values: pd.Series, name: str) -> pd.Series:
    """Return times that can be ordered, from times, numbers, or text that holds either.

    Raises AutoMLError where the column holds something else.
    """
    if types.is_datetime64_any_dtype(values):
        return to_date(values)
    if types.is_bool_dtype(values):
        raise AutoMLError(f"time_col '{name}' is true or false, which has no order in time")
    if types.is_numeric_dtype(values):
        return to_number(values)
    known = values.dropna()
    if known.empty:
        raise AutoMLError(f"time_col '{name}' has no value in {len(values):,} rows")
    if types.infer_dtype(known) in ("date", "datetime", "datetime64"):
        return to_date(values)
    if types.infer_dtype(known) == "string" and (format := date_format(values)):
        return to_date(values, format)
    numbers = to_number(values)
    if numbers.notna().sum() < READABLE * len(known):
        unread = known[numbers[known.index].isna()]
        raise AutoMLError(
            f"time_col '{name}' has values that are no time, for example "
            f"{str(unread.iloc[0])[:40]!r}; give times, whole numbers, or text like 2024-12-31"
        )
    return numbers


# -- weights


def weights(frame: pd.DataFrame, column: str, target: str | None = None) -> pd.Series:
    """Return the weights of the rows as floats.

    Raises AutoMLError where the column is missing or another one is meant, and for weights that
    are null, no numbers, negative, or all zero.
    """
    if column not in frame.columns:
        raise unknown_column("sample_weight_col", column, frame.columns)
    if column == target:
        raise AutoMLError(f"sample_weight_col '{column}' is the target; give another column")
    values = frame[column]
    found = to_number(values)
    bad = {
        "null": values.isna(),
        "no finite number": found.isna() & values.notna(),
        "negative": found < 0,
    }
    for what, rows in bad.items():
        if rows.any():
            raise AutoMLError(
                f"sample_weight_col '{column}' is {what} in {int(rows.sum()):,} of {len(frame):,} "
                f"rows, the first at position {int(np.argmax(rows.to_numpy())):,}; every row "
                "needs a number of at least 0"
            )
    if not (found > 0).any():
        raise AutoMLError(
            f"sample_weight_col '{column}' is 0 in every row; at least some rows have to count"
        )
    return found
