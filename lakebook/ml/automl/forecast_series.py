"""The series of a forecast, checked: times that parse and keep to the frequency, enough of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakebook.ml.automl import forecast_frequency as frequencies
from lakebook.ml.automl.errors import AutoMLError
from lakebook.ml.automl.forecast_frequency import Frequency

if TYPE_CHECKING:
    import pandas as pd

# Where more of a series would be filled than this, its frequency is another.
FILLED = 0.5


@dataclass(frozen=True)
class Series:
    """What is forecast: one row a series and time, in order, of identity, time, target, weight.

    `sizes` counts the steps of each series with its gaps; `step` is in pandas' words. `least` steps
    are known before the first of at most `folds` cutoffs.
    """

    frame: pd.DataFrame
    step: str
    sizes: list[int]
    names: list[str]
    folds: int
    least: int
    messages: tuple[str, ...]

    @property
    def judged(self) -> list[bool]:
        """Return for each series whether it is long enough to be validated."""
        return [size >= self.least for size in self.sizes]


def prepare(
    frame: pd.DataFrame,
    *,
    target: str,
    time: str,
    identity: Sequence[str],
    weight: str | None,
    frequency: Frequency,
    horizon: int,
) -> Series:
    """Return the series of a frame; raise AutoMLError for one that cannot be forecast."""
    told: list[str] = []
    frame = frame.copy()
    frame[time] = _times(frame[time], time)
    frame[target] = _numbers(frame[target], target, "target_col")
    frame = _known(frame, target, time, told)
    for column in identity:
        if missing := int(frame[column].isna().sum()):
            raise AutoMLError(
                f"identity_col '{column}' is null in {missing:,} rows; drop these rows, or fill it"
            )
    if weight is not None:
        frame[weight] = _weights(frame, weight, identity)
    by = list(identity)
    number = frame.groupby(by).ngroup() if by else frame[target].mul(0).astype(int)
    frame = frame.assign(series=number).sort_values(["series", time], kind="stable")
    names = _names(frame, by)
    _refuse_irregular(frame, time, frequency, names)
    twice = frame.duplicated(["series", time])
    if twice.any():
        first = frame[twice].iloc[0]
        told.append(
            f"{int(twice.sum()):,} values are on a time that their series has already, such as "
            f"{names[int(first['series'])]} at {first[time]}; their mean is taken. To have another "
            "aggregate, make it before; to have series apart, name their columns in identity_col"
        )
    once = frame[~twice]
    step = frequencies.step(frequency, once[time])
    places = frequencies.position(once[time], frequency)
    ends = places.groupby(once["series"]).agg(["min", "max", "size"])
    sizes = [round(size) for size in ends["max"] - ends["min"] + 1]
    gaps = [size - known for size, known in zip(sizes, ends["size"], strict=True)]
    if any(gaps):
        told.append(
            f"{sum(gaps):,} steps without a value, in {sum(map(bool, gaps))} of {len(sizes)} "
            "series, are filled with the value before them; no score counts them"
        )
    folds = max(3, min(8, math.ceil(8 / horizon)))
    least = max(horizon, min(2 * frequency.season, 24), 5) + horizon
    made = Series(
        frame.drop(columns="series").reset_index(drop=True),
        step,
        sizes,
        names,
        folds,
        least,
        (),
    )
    told += _short(made, horizon, frequency)
    return Series(made.frame, step, sizes, names, folds, least, tuple(told))


def _times(values: pd.Series, name: str) -> pd.Series:
    """Return values as times without a zone: the time that a clock there showed."""
    import pandas as pd
    from pandas.api import types

    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return values.dt.tz_localize(None).astype("datetime64[ns]")
    if types.is_bool_dtype(values):
        raise AutoMLError(f"time_col '{name}' holds true and false; name a column of times")
    texts = values
    if types.is_numeric_dtype(values):
        if (values.dropna() % 1 != 0).any():
            raise AutoMLError(f"time_col '{name}' holds numbers; make times of them first")
        texts = values.astype("Int64").astype("string")
    found = pd.to_datetime(texts, errors="coerce")
    lost = found.isna() & values.notna()
    if lost.any():
        raise AutoMLError(
            f"time_col '{name}' has {int(lost.sum()):,} values that are no time, such as "
            f"{values[lost].iloc[0]!r}; make times of them first, with pandas.to_datetime(format=…)"
        )
    if isinstance(found.dtype, pd.DatetimeTZDtype):
        found = found.dt.tz_localize(None)
    return found.astype("datetime64[ns]")


def _numbers(values: pd.Series, name: str, argument: str) -> pd.Series:
    import numpy as np
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(values):
        raise AutoMLError(f"{argument} '{name}' holds times; a forecast needs numbers")
    found = pd.to_numeric(values, errors="coerce").astype(float)
    lost = found.isna() & values.notna()
    if lost.any():
        raise AutoMLError(
            f"{argument} '{name}' has {int(lost.sum()):,} values that are no number, such as "
            f"{values[lost].iloc[0]!r}; a forecast needs numbers"
        )
    if np.isinf(found).any():
        raise AutoMLError(f"{argument} '{name}' has infinite values; replace them or drop the rows")
    return found


def _known(frame: pd.DataFrame, target: str, time: str, told: list[str]) -> pd.DataFrame:
    """Return the rows with a time and a target."""
    for name, what in ((time, "time_col"), (target, "target_col")):
        if missing := int(frame[name].isna().sum()):
            told.append(f"{missing:,} rows without a value of {what} '{name}' are left out")
            frame = frame[frame[name].notna()]
    if frame.empty:
        raise AutoMLError(f"no row has both '{time}' and '{target}'; there is nothing to forecast")
    return frame


def _weights(frame: pd.DataFrame, weight: str, identity: Sequence[str]) -> pd.Series:
    found = _numbers(frame[weight], weight, "sample_weight_col")
    if found.isna().any() or (found < 0).any() or not found.any():
        raise AutoMLError(
            f"sample_weight_col '{weight}' must be zero or more in every row, and more in some"
        )
    by: Any = [frame[name] for name in identity] or [frame[weight].notna()]
    if (found.groupby(by).nunique() > 1).any():
        raise AutoMLError(
            f"sample_weight_col '{weight}' must have one value in all rows of a series; it says "
            "how much the series counts"
        )
    return found


def _names(frame: pd.DataFrame, identity: list[str]) -> list[str]:
    """Return what to call each series in a message."""
    if not identity:
        return ["the series"]
    first = frame.drop_duplicates("series")[identity]
    return [
        "series " + ", ".join(f"{name}={value}" for name, value in row.items())
        for row in first.to_dict("records")
    ]


def _refuse_irregular(
    frame: pd.DataFrame, time: str, frequency: Frequency, names: list[str]
) -> None:
    """Raise AutoMLError for a series whose times are not whole steps apart, or too far apart."""
    once = frame.drop_duplicates(["series", time])
    places = frequencies.position(once[time], frequency)
    first = places.groupby(once["series"]).transform("min")
    off = ((places - first + 1e-6) % 1) > 2e-6
    if frequency.unit in frequencies.MONTHS:
        # Two days of one month are no two steps.
        off |= places.groupby(once["series"]).transform(lambda one: one.duplicated(keep="first"))
    span = places.groupby(once["series"]).agg(["min", "max", "size"])
    filled = 1 - span["size"] / (span["max"] - span["min"] + 1)
    sparse = filled[filled > FILLED]
    if not off.any() and sparse.empty:
        return
    wrong = int(once["series"][off].iloc[0]) if off.any() else int(sparse.index[0])
    gaps = once.loc[once["series"] == wrong, time].diff().dropna().dt.total_seconds()
    better = frequencies.fitting(float(gaps.median()))
    if better.unit != frequency.unit:
        raise AutoMLError(
            f"frequency '{frequency.name}' does not fit {names[wrong]}: its times are mostly "
            f"{_gap(float(gaps.median()))} apart; give frequency='{better.name}', or aggregate the "
            f"values to one a {frequency.word}"
        )
    if off.any():
        raise AutoMLError(
            f"{names[wrong]} has a value at {once[time][off].iloc[0]}, which is no whole number of "
            f"{frequency.word}s after its first one, {once[time][once['series'] == wrong].iloc[0]};"
            " round the times, as with frame[time].dt.floor(…)"
        )
    raise AutoMLError(
        f"{names[wrong]} has no value for {sparse.iloc[0]:.0%} of its {frequency.word}s; leave it "
        "out, or aggregate to longer steps and give their frequency"
    )


def _gap(seconds: float) -> str:
    for unit in ("D", "h", "min"):
        if seconds >= frequencies.SECONDS[unit]:
            return f"{seconds / frequencies.SECONDS[unit]:g} {frequencies.WORDS[unit]}s"
    return f"{seconds:g} seconds"


def _short(series: Series, horizon: int, frequency: Frequency) -> list[str]:
    """Return what to tell of series that cannot be validated; raise if none can."""
    short = [
        (name, size)
        for name, size, judged in zip(series.names, series.sizes, series.judged, strict=True)
        if not judged
    ]
    if not short:
        return []
    name, size = max(short, key=lambda one: one[1])
    if len(short) == len(series.sizes):
        raise AutoMLError(
            f"{name} is the longest with {size:,} {frequency.word}s, and a horizon of {horizon:,} "
            f"needs {series.least:,} to be validated; give a smaller horizon, or more history"
        )
    some = ", ".join(f"{name} ({size:,})" for name, size in short[:5])
    more = f" and {len(short) - 5} more" if len(short) > 5 else ""
    return [
        f"too short to be validated, for which a horizon of {horizon:,} needs {series.least:,} "
        f"{frequency.word}s: {some}{more}; they get the seasonal-naive forecast and no score"
    ]
