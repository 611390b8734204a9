"""What is fetched of a frame: its columns, by name, type and kind, and how many rows there are."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

ROWS_FETCHED = 1000  # the platform's own limit for one result
ROWS_SHOWN = 20
COLUMNS_SHOWN = 100

# What a column can be drawn and profiled as.
NUMBER, CATEGORY, TIME, OTHER = "number", "category", "time", "other"


@dataclass(frozen=True)
class Column:
    """A column: its type by the name its source gives it, and its values, None where missing."""

    name: str
    type: str
    kind: str
    values: Sequence[Any]

    def known(self) -> list[Any]:
        """Return the values that are neither missing nor NaN."""
        return [value for value in self.values if is_known(value)]


@dataclass(frozen=True)
class Rows:
    """The rows of a frame, or the first of them."""

    columns: list[Column]
    size: int  # rows of the frame, as far as they were fetched
    more: bool  # whether the frame has further ones
    head: Any  # those that are shown, as a pandas frame
    index: list[Column] = field(default_factory=list)
    note: str = ""  # what the reader must know about these rows

    @property
    def fetched(self) -> int:
        """Return how many rows charts and profile rest on."""
        return min(self.size, ROWS_FETCHED)

    def count(self) -> str:
        """Return the numbers of rows and columns in words."""
        rows = f"first {self.size:,} rows" if self.more else _number(self.size, "row")
        return f"{rows} × {_number(len(self.columns), 'column')}"

    def caption(self) -> str:
        """Return the numbers of rows and columns, and how many rows are shown."""
        hidden = f", {ROWS_SHOWN} shown" if self.size > ROWS_SHOWN else ""
        return f"{self.count()}{hidden}"

    def plain(self) -> str:
        """Return the rows as plain text."""
        lines = [self.head.to_string(index=bool(self.index)), self.caption()]
        return "\n".join([*lines, self.note] if self.note else lines)

    def basis(self) -> str:
        """Return which rows charts and profile rest on."""
        if self.more or self.size > self.fetched:
            return f"the first {self.fetched:,} rows"
        return f"all {self.size:,} rows" if self.size != 1 else "the only row"

    def noted(self, note: str) -> Rows:
        """Return the same rows with a note."""
        return replace(self, note=note)


def from_pandas(frame: Any, limit: int | None = ROWS_FETCHED, more: bool = False) -> Rows:
    """Return the first `limit` rows of a pandas frame (None: all), with how many it has.

    An index other than the default one is kept, as columns of its own.
    """
    import pandas as pd

    head = frame if limit is None else frame.head(limit)
    plain_index = isinstance(frame.index, pd.RangeIndex)
    columns = [_of_series(_name(name), head.iloc[:, i]) for i, name in enumerate(head.columns)]
    index = []
    if not plain_index:
        levels = [head.index.get_level_values(i) for i in range(head.index.nlevels)]
        index = [
            _of_series("" if level.name is None else _name(level.name), level.to_series())
            for level in levels
        ]
    return Rows(columns, len(frame), more, head.head(ROWS_SHOWN), index)


def is_known(value: Any) -> bool:
    """Return whether a value is neither missing nor NaN."""
    # Only of numbers, for an array that is compared with itself gives an array.
    return value is not None and (not isinstance(value, float | Decimal) or value == value)


def single(value: float) -> float:
    """Return the shortest number that means this one in single precision: 0.1 for 0.100000001."""
    import numpy as np

    return float(str(np.float32(value)))


def kind_of(values: Sequence[Any]) -> str:
    """Return the kind of a column by its values, which alone say it for an object column."""
    types = {type(value) for value in values if value is not None}
    if types and types <= {str, bool}:
        return CATEGORY
    if types and types <= {int, float, Decimal}:
        return NUMBER
    if types == {datetime.date}:
        return TIME
    # Those with a zone and those without cannot be put in one order.
    zoned = {value.tzinfo is not None for value in values if isinstance(value, datetime.datetime)}
    if types == {datetime.datetime} and len(zoned) == 1:
        return TIME
    return OTHER


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _name(name: Any) -> str:
    return ", ".join(str(part) for part in name) if isinstance(name, tuple) else str(name)


def _of_series(name: str, series: Any) -> Column:
    import pandas as pd

    kind = str(series.dtype)
    values = [_python(value) for value in series]
    if kind in ("float32", "float16"):
        values = [None if value is None else single(value) for value in values]
    if isinstance(series.dtype, pd.PeriodDtype):
        return Column(name, kind, CATEGORY, [v if v is None else str(v) for v in values])
    if pd.api.types.is_complex_dtype(series.dtype):
        return Column(name, kind, OTHER, values)
    found = kind_of(values)
    if found == OTHER and not any(value is not None for value in values):
        found = _empty_kind(series.dtype)
    return Column(name, kind, found, values)


def _empty_kind(dtype: Any) -> str:
    """Return the kind of a column without a single value, by its type."""
    import pandas as pd

    if pd.api.types.is_bool_dtype(dtype):
        return CATEGORY
    if pd.api.types.is_numeric_dtype(dtype):
        return NUMBER
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return TIME
    return OTHER


def _python(value: Any) -> Any:
    """Return a value of pandas or NumPy as Python's own; None for each kind of missing."""
    import numpy as np
    import pandas as pd

    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, float) and value != value:
        return None
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime(warn=False)
    return value
