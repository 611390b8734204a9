"""The column to predict: checked, counted, and without the rows that cannot be learned from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from pandas.api import types

from lakebook.ml.automl.errors import AutoMLError, unknown_column
from lakebook.ml.automl.values import MISSING, listed

# More classes than this, as numbers, are more likely amounts.
MANY_CLASSES = 100
# Where each value comes about once there is nothing to learn of a class.
ROWS_PER_CLASS = 2


@dataclass(frozen=True)
class Target:
    """The target and the rows that have one.

    `frame` has a new RangeIndex. `classes` are sorted and of the values' own type, `counts` their
    rows, `imbalance` the largest count by the smallest (1 is balanced); for regression they are
    empty, and 1.
    """

    frame: pd.DataFrame
    name: str
    kind: Literal["classify", "regress"]
    classes: tuple[Any, ...]
    counts: dict[Any, int]
    imbalance: float
    pos_label: Any
    messages: tuple[str, ...]


def prepare(
    frame: pd.DataFrame,
    target: str,
    kind: Literal["classify", "regress"],
    pos_label: int | bool | str | None = None,
) -> Target:
    """Return the target of a frame, and the rows that have a usable one.

    Rows without a target are left out, and so are infinite ones, and a class of one row; a message
    says how many. Numbers as text are made numbers for regression.

    Raises AutoMLError where the target cannot be predicted by this function.
    """
    if target not in frame.columns:
        raise unknown_column("target_col", target, frame.columns)
    known = frame[target].notna()
    messages = _left_out(int((~known).sum()), len(frame), target, "is null")
    if not known.any():
        raise AutoMLError(f"the target '{target}' has no value in {len(frame):,} rows")
    frame = frame[known].reset_index(drop=True)
    if kind == "classify":
        return _classes(frame, target, pos_label, messages)
    if pos_label is not None:
        raise AutoMLError(f"pos_label is {pos_label!r}, but a number has no classes; leave it out")
    return _amounts(frame, target, messages)


def _left_out(rows: int, of: int, target: str, why: str) -> list[str]:
    if not rows:
        return []
    return [f"{rows:,} of {of:,} rows are left out: their target '{target}' {why}"]


# -- classes


def _classes(frame: pd.DataFrame, target: str, pos_label: Any, messages: list[str]) -> Target:
    if messages:
        # Null had made floats of whole numbers, and objects of booleans.
        frame[target] = _without_null(frame[target])
    values = frame[target]
    if types.is_datetime64_any_dtype(values) or not all(map(types.is_scalar, values[:1000])):
        raise AutoMLError(
            f"the target '{target}' holds {type(values.iloc[0]).__name__} values, which are no "
            "classes; make it text, numbers or booleans"
        )
    counts = values.value_counts()
    counts = counts[counts > 0]  # of a categorical, without those that never come
    _refuse_constant(target, counts.index)
    numeric = types.is_numeric_dtype(values) and not types.is_bool_dtype(values)
    if numeric and len(counts) > MANY_CLASSES:
        about_once = len(counts) * ROWS_PER_CLASS > len(values)
        if types.is_float_dtype(values) and about_once:
            raise AutoMLError(
                f"the target '{target}' has {len(counts):,} different numbers in "
                f"{len(values):,} rows, so no class can be learned; use regress"
            )
        messages.append(
            f"the target '{target}' has {len(counts):,} different numbers; if they are amounts, "
            "use regress"
        )
    single = counts.index[counts == 1]
    if len(single):
        if len(counts) - len(single) < 2:
            raise AutoMLError(
                f"the target '{target}' has {len(counts)} classes, and {len(single)} of them "
                f"({listed(single)}) have one row, which cannot be in training and in test; "
                "give at least two rows of at least two classes"
            )
        messages.append(
            f"{len(single):,} rows are left out: each is the only one of its class "
            f"({listed(single)})"
        )
        frame = frame[~values.isin(single)].reset_index(drop=True)
        counts = counts[counts > 1]
    if isinstance(counts.index, pd.CategoricalIndex):
        counts.index = counts.index.astype(object)
    by_class = dict(zip(counts.index.tolist(), counts.tolist(), strict=True))
    classes = _ordered(by_class)
    return Target(
        frame,
        target,
        "classify",
        classes,
        {one: by_class[one] for one in classes},
        max(by_class.values()) / min(by_class.values()),
        _positive(target, pos_label, classes, single.tolist()),
        tuple(messages),
    )


def _without_null(values: pd.Series) -> pd.Series:
    if types.is_float_dtype(values) and (values % 1 == 0).all():
        return values.astype("int64")
    return values.infer_objects()


def _ordered(classes: dict[Any, int]) -> tuple[Any, ...]:
    try:
        return tuple(sorted(classes))
    except TypeError:
        return tuple(sorted(classes, key=lambda one: (type(one).__name__, str(one))))


def _positive(target: str, pos_label: Any, classes: tuple[Any, ...], left_out: list[Any]) -> Any:
    if pos_label is None:
        return None
    if pos_label in classes:
        if len(classes) > 2:
            raise AutoMLError(
                f"pos_label is {pos_label!r}, but '{target}' has {len(classes)} classes "
                f"({listed(classes)}); it is for two classes, leave it out"
            )
        return classes[classes.index(pos_label)]
    way_out = f"the classes of '{target}' are {listed(classes)}"
    if pos_label in left_out:
        way_out = f"that class has one row and is left out; {way_out}"
    for one in classes:
        if str(one) == str(pos_label):
            way_out = (
                f"as {type(one).__name__}, not {type(pos_label).__name__}, it is one: give {one!r}"
            )
    raise AutoMLError(f"pos_label {pos_label!r} is not a class; {way_out}")


def _refuse_constant(target: str, values: pd.Index) -> None:
    if len(values) == 1:
        raise AutoMLError(
            f"the target '{target}' is {listed(values)} in every row, so there is nothing to "
            "predict; choose another column or more rows"
        )


# -- amounts


def _amounts(frame: pd.DataFrame, target: str, messages: list[str]) -> Target:
    values = frame[target]
    if types.is_bool_dtype(values) or types.infer_dtype(values) == "boolean":
        raise AutoMLError(f"the target '{target}' is true or false, not a number; use classify")
    if not types.is_numeric_dtype(values):
        values = _read(values, target, messages)
    infinite = np.isinf(values.to_numpy("float64", na_value=math.nan))
    unknown = values.isna().to_numpy()
    messages += _left_out(int(infinite.sum()), len(values), target, "is infinite")
    messages += _left_out(int(unknown.sum()), len(values), target, "says that it is missing")
    usable = ~(infinite | unknown)
    if not usable.any():
        raise AutoMLError(f"the target '{target}' has no finite value in {len(frame):,} rows")
    frame = frame.assign(**{target: values})[usable].reset_index(drop=True)
    distinct = pd.Index(frame[target].unique())
    _refuse_constant(target, distinct)
    if len(distinct) <= 2:
        messages.append(
            f"the target '{target}' has two values, {listed(distinct)}; if they are classes, use "
            "classify"
        )
    return Target(frame, target, "regress", (), {}, 1.0, None, tuple(messages))


def _read(values: pd.Series, target: str, messages: list[str]) -> pd.Series:
    """Return the numbers that text or decimals hold. Infinity stays, to be counted as such."""
    as_text = values.astype(str).str.strip()
    missing = as_text.str.lower().isin(MISSING)
    numbers = pd.to_numeric(as_text.mask(missing), errors="coerce").astype("float64")
    unread = as_text[numbers.isna() & ~missing]
    if types.is_datetime64_any_dtype(values) or len(unread):
        example = as_text.iloc[0] if unread.empty else unread.iloc[0]
        raise AutoMLError(
            f"the target '{target}' is not a number in {len(unread) or len(values):,} of "
            f"{len(values):,} rows, for example {example[:40]!r}; correct them, or use classify"
        )
    if types.infer_dtype(values) == "string":
        messages.append(f"the target '{target}' holds numbers as text; they are made numbers")
    return numbers
