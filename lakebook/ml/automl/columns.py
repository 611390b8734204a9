"""What each column means: its semantic type, what converts it, and which columns are of no use.

The types are those that the platform documents: text that holds numbers or dates, numbers that are
codes, English text (https://docs.databricks.com/machine-learning/automl/classification-data-prep).
The thresholds are our own, each with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

import numpy as np
import pandas as pd
from pandas.api import types

from lakebook.ml.automl.errors import AutoMLError, unknown_column
from lakebook.ml.automl.values import (
    MISSING,
    READABLE,
    YEARS,
    find_date_format,
    to_category,
    to_date,
    to_number,
)

Kind = Literal["numeric", "boolean", "category", "many_categories", "date", "text"]
Conversion = Literal["number", "date", "category"]

# Text that begins with a needless zero ("00501") is a code: as a number it would lose the zero.
CODES_WITH_ZERO = 0.01
# A few values repeat even in a key, after a bad join for example.
EVERY_VALUE_DIFFERS = 0.99
# In fewer rows all values may differ by chance, and numbers be sorted by chance.
ROWS_FOR_IDENTIFIER = 20
# Row numbers, sampled, still occur often between the smallest and the largest; a measurement by
# which the rows were sorted leaves wide gaps.
SORTED_DENSITY = 0.05
# Row numbers that were shuffled: nearly every number between smallest and largest occurs.
SHUFFLED_DENSITY = 0.99
# Codes repeat: with so few rows for each a category could not be learned.
ROWS_PER_CODE = 5
# Numbers whose name does not say so are codes only where they are few and come very often.
UNNAMED_CODES, UNNAMED_CODES_SHARE = 10, 0.01
# One-hot columns up to here; more categories are encoded in another way.
FEW_CATEGORIES = 20
# A label has up to three words; a sentence has more, and is seldom said twice.
WORDS_OF_TEXT, DIFFERENT_TEXTS = 4, 0.5

_ID_WORDS = frozenset(("id", "ids", "uuid", "guid", "key", "number", "nr"))
_CODE_WORDS = frozenset(("id", "code", "key", "nr", "type", "zip", "zipcode", "postcode", "plz"))
_GLUED_ID = re.compile(
    r"(account|customer|client|device|employee|item|invoice|member|order|passenger|patient"
    r"|person|product|record|row|session|store|ticket|transaction|user)(id|key|nr|number)$"
)
_TIME_WORDS = frozenset(("year", "month", "week", "day", "hour", "minute", "date", "time", "age"))


@dataclass(frozen=True)
class Column:
    """A column that models may use.

    `convert` says what its values have to be made, if anything: numbers by `to_number`, dates by
    `to_date` with this `format`, categories by `to_category`. `missing` and `distinct` count
    values after that.
    """

    name: str
    kind: Kind
    convert: Conversion | None
    missing: int
    distinct: int
    format: str | None = None


@dataclass(frozen=True)
class Plan:
    """The columns that models may use, those left out with the reason, and what to tell.

    `conversions` has the form of `AutoMLSummary.semantic_type_conversions`: the names of columns by
    the semantic type (numeric, datetime, categorical, text) that they have against their data type.
    """

    columns: tuple[Column, ...]
    dropped: dict[str, str]
    conversions: dict[str, list[str]]
    messages: tuple[str, ...]


class _Useless(Exception):
    """A column to leave out; the reason goes on with "it"."""


def detect(
    frame: pd.DataFrame,
    target: str,
    *,
    exclude: Collection[str] = (),
    keep_aside: Collection[str] = (),
    semantic_types: Mapping[str, str] | None = None,
) -> Plan:
    """Return what each column of the frame is, without target, `exclude` and `keep_aside`.

    `keep_aside` are columns with another use: of time, split and weight. `semantic_types` says for
    columns what they are, as the platform's annotations do: categorical, numeric, datetime, text;
    "native" keeps the data type.

    Raises AutoMLError for unknown names and where no column is left.
    """
    if isinstance(exclude, str):
        raise AutoMLError(f"exclude_cols is the text '{exclude}'; give a list: ['{exclude}']")
    for name in exclude:
        if name not in frame.columns:
            raise unknown_column("exclude_cols:", name, frame.columns)
    if target in exclude:
        raise AutoMLError(f"exclude_cols names '{target}', which is the target; take it out there")
    plan = Plan((), dict.fromkeys(exclude, "excluded by exclude_cols"), {}, ())
    columns, messages = [], []
    seen = {_fingerprint(frame[target]): target}
    for name in (one for one in frame.columns if one not in {target, *exclude, *keep_aside}):
        try:
            column, told = _judge(name, frame[name], (semantic_types or {}).get(name))
            _refuse_copy(frame, name, seen)
        except _Useless as reason:
            plan.dropped[name] = str(reason)
            messages.append(f"column '{name}' is left out: it {reason}")
            continue
        columns.append(column)
        messages += [f"column '{name}' {sentence}" for sentence in told]
        if semantic := _semantic(column):
            plan.conversions.setdefault(semantic, []).append(name)
    if not columns:
        why = "; ".join(f"'{name}' {reason}" for name, reason in list(plan.dropped.items())[:6])
        raise AutoMLError(
            f"no column is left to predict '{target}' from: "
            + (why or "the data has no other column")
            + ". Add columns that describe the rows, or exclude fewer"
        )
    return Plan(tuple(columns), plan.dropped, plan.conversions, tuple(messages))


def _semantic(column: Column) -> str | None:
    if column.kind == "text":
        return "text"
    named = {"number": "numeric", "date": "datetime", "category": "categorical"}
    return named[column.convert] if column.convert else None


def _fingerprint(values: pd.Series) -> str:
    """Return the same text for columns with equal values; 1 and 1.0 are equal, and null and NaN."""
    if types.is_numeric_dtype(values):
        values = values.astype("float64")
    hashed = pd.util.hash_pandas_object(values, index=False).to_numpy()
    return f"{values.dtype} {hash(hashed.tobytes())}"


def _refuse_copy(frame: pd.DataFrame, name: str, seen: dict[str, str]) -> None:
    first = seen.setdefault(_fingerprint(frame[name]), name)
    if first != name:
        raise _Useless(f"has the same values as '{first}'")


def _judge(name: str, values: pd.Series, said: str | None) -> tuple[Column, list[str]]:
    """Return the column and sentences about it, or raise _Useless."""
    if said not in (None, "categorical", "numeric", "datetime", "text", "native"):
        raise AutoMLError(
            f"column '{name}' is annotated as '{said}'; known are categorical, numeric, datetime, "
            "text and native"
        )
    if types.is_bool_dtype(values):
        return _plain(name, values, "boolean", said), []
    if types.is_datetime64_any_dtype(values):
        return _plain(name, values, "date", said), []
    if types.is_numeric_dtype(values):
        return _numbers(name, values, said)
    held = types.infer_dtype(values, skipna=True)
    if held == "empty":
        raise _Useless("has no value")
    if held == "boolean":
        return _plain(name, values, "boolean", said), []
    if held in ("integer", "floating", "mixed-integer-float", "decimal"):
        column, told = _numbers(name, to_number(values), said)
        # An object column of numbers has to be converted even where its numbers are codes or dates.
        return (_with(column, convert="number") if column.convert is None else column), told
    if held in ("date", "datetime", "datetime64"):
        return _dates(name, values, None, 0), []
    if held != "string" and not types.infer_dtype(values, skipna=True).startswith("mixed"):
        raise _Useless(f"holds values of type {_type_of(values)}, which no model here can use")
    if held != "string" and not _of_scalars(values):
        raise _Useless(f"holds values of type {_type_of(values)}, which no model here can use")
    return _texts(name, to_category(values) if held != "string" else values, said)


def _type_of(values: pd.Series) -> str:
    return type(values.dropna().iloc[0]).__name__


def _of_scalars(values: pd.Series) -> bool:
    return all(types.is_scalar(one) for one in values.dropna())


def _with(column: Column, **changed: Any) -> Column:
    return Column(**{**vars(column), **changed})


def _plain(name: str, values: pd.Series, kind: Kind, said: str | None) -> Column:
    missing, distinct = int(values.isna().sum()), int(values.nunique())
    _refuse_constant(values, missing, distinct, flag=kind == "boolean")
    if said == "categorical":
        return Column(name, "category", "category", missing, distinct)
    return Column(name, kind, None, missing, distinct)


def _refuse_constant(values: pd.Series, missing: int, distinct: int, *, flag: bool) -> None:
    """Raise for columns that say nothing. A `flag` that is there or missing does say something."""
    if distinct == 0:
        raise _Useless("has no value")
    if distinct == 1 and not (flag and missing):
        only = values.dropna().iloc[0]
        raise _Useless(f"is {str(only)[:40]!r} wherever it has a value")


def _dates(name: str, values: pd.Series, format: str | None, before: int) -> Column:
    found = to_date(values, format)
    missing, distinct = int(found.isna().sum()), int(found.nunique())
    _refuse_constant(found, missing, distinct, flag=False)
    return Column(name, "date", "date", missing, distinct, format)


# -- numbers


def _numbers(name: str, values: pd.Series, said: str | None) -> tuple[Column, list[str]]:
    values = to_number(values)
    known = values.dropna()
    missing, distinct = len(values) - len(known), int(known.nunique())
    _refuse_constant(values, missing, distinct, flag=True)
    numeric = Column(name, "numeric", None, missing, distinct)
    as_codes = Column(name, _few_or_many(distinct), "category", missing, distinct)
    if said == "categorical":
        return as_codes, []
    if said == "datetime":
        if not _are_days(known):
            _refuse_annotation(name, said, known)
        return _dates(name, values, "%Y%m%d", missing), []
    if said == "text":
        _refuse_annotation(name, said, known)
    if said in ("numeric", "native"):
        return numeric, []
    if distinct == 1:
        return as_codes, []
    if (known % 1 == 0).all():
        if _are_identifiers(name, known, distinct):
            raise _Useless("is a whole number, another in every row: it names the row")
        if _are_days(known):
            return _dates(name, values, "%Y%m%d", missing), []
        if _are_codes(name, known, distinct):
            return as_codes, ["holds whole numbers that are codes: a category"]
    return numeric, []


def _refuse_annotation(name: str, said: str, values: pd.Series) -> NoReturn:
    raise AutoMLError(
        f"column '{name}' is annotated as '{said}', but its values are not, for example "
        f"{str(values.iloc[0])[:40]!r}; correct the annotation"
    )


def _words(name: str) -> list[str]:
    """Return the words of a name, in lower case: of "customerKey", "CUSTOMER_KEY" and "the key"."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", str(name))
    return [one for one in re.split(r"[\W_]+", parted.lower()) if one]


def _named_identifier(name: str) -> bool:
    words = _words(name)
    return bool(words) and (
        words[-1] in _ID_WORDS
        or words[0] in ("id", "uuid", "guid")
        or bool(_GLUED_ID.match(name.lower()))
    )


def _are_identifiers(name: str, known: pd.Series, distinct: int) -> bool:
    if distinct < EVERY_VALUE_DIFFERS * len(known):
        return False
    if _named_identifier(name):
        return True
    if len(known) < ROWS_FOR_IDENTIFIER or _TIME_WORDS.intersection(_words(name)):
        return False
    density = distinct / (known.max() - known.min() + 1)
    ordered = known.is_monotonic_increasing or known.is_monotonic_decreasing
    return density >= (SORTED_DENSITY if ordered else SHUFFLED_DENSITY)


def _are_days(known: pd.Series) -> bool:
    """Return whether the numbers are days like 20241231; one in 27 would be so by chance."""
    if not known.between(YEARS[0] * 10_000, YEARS[1] * 10_000).all():
        return False
    return bool(to_date(known, "%Y%m%d").notna().mean() >= READABLE)


def _are_codes(name: str, known: pd.Series, distinct: int) -> bool:
    words = _words(name)
    if words and (words[-1] in _CODE_WORDS or _GLUED_ID.match(name.lower())):
        return distinct >= 3 and distinct * ROWS_PER_CODE <= len(known)
    if not 3 <= distinct <= min(UNNAMED_CODES, UNNAMED_CODES_SHARE * len(known)):
        return False
    # 1 to 5 may be stars, 0 to 3 children, 50, 100, 250 sizes; 214, 377, 391 mean nothing as sizes.
    levels = np.sort(known.unique())
    digits = {len(str(int(abs(one)))) for one in levels}
    uneven = len(set(np.diff(levels))) > 1 and not (levels % 5 == 0).all()
    in_years = levels[0] >= YEARS[0] and levels[-1] <= YEARS[1]
    return bool(digits == {max(3, *digits)} and levels[0] > 0 and uneven and not in_years)


# -- text


def _texts(name: str, values: pd.Series, said: str | None) -> tuple[Column, list[str]]:
    counts = values.value_counts()
    texts = pd.Series(counts.index.astype(str), index=counts.index)
    said_nothing = texts.str.strip().str.lower().isin(MISSING)
    if said_nothing.all():
        raise _Useless("has no value")
    texts, weights = texts[~said_nothing], counts[~said_nothing]
    if said in (None, "numeric") and (said or not _zeros_lead(texts, weights)):
        readable = to_number(texts).notna()
        if weights[readable].sum() >= READABLE * weights.sum():
            return _numbers_as_text(name, values, texts[~readable], weights, said)
    if said in (None, "datetime") and (found := find_date_format(texts, weights)):
        return _dates_as_text(name, values, texts, weights, *found)
    if said in ("numeric", "datetime"):
        _refuse_annotation(name, said, texts)
    missing, distinct = int(values.isna().sum()), len(counts)
    _refuse_constant(values, missing, distinct, flag=True)
    differing = distinct / (len(values) - missing)
    words = (texts.str.count(r"\S+") * weights).sum() / weights.sum()
    if said == "text" or (said is None and words >= WORDS_OF_TEXT and differing >= DIFFERENT_TEXTS):
        return Column(name, "text", None, missing, distinct), []
    enough = len(values) - missing >= ROWS_FOR_IDENTIFIER or _named_identifier(name)
    if said is None and differing >= EVERY_VALUE_DIFFERS and enough:
        raise _Useless("is another text in every row: it names the row")
    return Column(name, _few_or_many(distinct), None, missing, distinct), []


def _few_or_many(distinct: int) -> Kind:
    return "category" if distinct <= FEW_CATEGORIES else "many_categories"


def _zeros_lead(texts: pd.Series, weights: pd.Series) -> bool:
    zeros = texts.str.fullmatch(r"\s*0\d+\s*")
    return bool(weights[zeros].sum() > CODES_WITH_ZERO * weights.sum())


def _numbers_as_text(
    name: str, values: pd.Series, unread: pd.Series, weights: pd.Series, said: str | None
) -> tuple[Column, list[str]]:
    column, told = _numbers(name, to_number(values), said)
    if column.convert is None:
        told = ["holds numbers as text", *_lost("numbers", unread, weights)]
        return _with(column, convert="number"), told
    if column.convert == "category":
        missing, distinct = int(values.isna().sum()), int(values.nunique())
        return Column(name, _few_or_many(distinct), None, missing, distinct), []
    return column, ["holds dates as text", *_lost("dates", unread, weights)]


def _lost(what: str, unread: pd.Series, weights: pd.Series) -> list[str]:
    if unread.empty:
        return []
    rows = int(weights[unread.index].sum())
    return [f"has {rows:,} values that are no {what}, like {unread.iloc[0][:40]!r}: now missing"]


def _dates_as_text(
    name: str,
    values: pd.Series,
    texts: pd.Series,
    weights: pd.Series,
    format: str,
    either: bool,
) -> tuple[Column, list[str]]:
    column = _dates(name, values, format, 0)
    told = ["holds dates as text"]
    if either:
        told.append(f"can be read day first or month first; {format} is taken, write ISO dates")
    return column, told + _lost("dates", texts[to_date(texts, format).isna()], weights)


# -- imputers


def check_imputers(
    imputers: Mapping[str, str | Mapping[str, Any]] | None, plan: Plan
) -> dict[str, tuple[str, Any]]:
    """Return the strategy and fill value of each column that `imputers` names.

    A strategy is "mean", "median" or "most_frequent", as text or as ``{"strategy": …}``; or
    ``{"strategy": "constant", "fill_value": …}``. The fill value of the others is None.

    Raises AutoMLError for unknown columns and strategies, and where they do not fit together.
    """
    columns = {column.name: column for column in plan.columns}
    return {
        name: _imputer(name, asked, columns, plan.dropped)
        for name, asked in (imputers or {}).items()
    }


_STRATEGIES = ("mean", "median", "most_frequent", "constant")


def _imputer(
    name: str, asked: Any, columns: Mapping[str, Column], dropped: Mapping[str, str]
) -> tuple[str, Any]:
    if name in dropped:
        raise AutoMLError(
            f"imputers: column '{name}' is not used ({dropped[name]}); take it out of imputers"
        )
    if name not in columns:
        raise unknown_column("imputers:", name, columns)
    given = {"strategy": asked} if isinstance(asked, str) else asked
    if not isinstance(given, Mapping) or not {"strategy"} <= set(given) <= {
        "strategy",
        "fill_value",
    }:
        raise AutoMLError(
            f"imputers: '{name}' has {asked!r}; give 'mean', 'median', 'most_frequent' or "
            "{'strategy': 'constant', 'fill_value': …}"
        )
    strategy, kind = given["strategy"], columns[name].kind
    if strategy not in _STRATEGIES:
        raise AutoMLError(
            f"imputers: '{name}' has the strategy {strategy!r}; known are {', '.join(_STRATEGIES)}"
        )
    if strategy in ("mean", "median") and kind != "numeric":
        raise AutoMLError(
            f"imputers: '{name}' has the strategy '{strategy}', but it is of the kind '{kind}'; "
            "use 'most_frequent' or a constant"
        )
    if (strategy == "constant") != ("fill_value" in given):
        raise AutoMLError(
            f"imputers: '{name}' has {asked!r}; a fill_value belongs to the strategy 'constant'"
        )
    return strategy, _fill_value(
        name, given["fill_value"], kind
    ) if strategy == "constant" else None


def _fill_value(name: str, value: Any, kind: Kind) -> Any:
    if kind == "numeric":
        fits = isinstance(value, int | float | np.number) and np.isfinite(value)
    elif kind == "boolean":
        fits = isinstance(value, bool | np.bool_)
    elif kind == "date":
        fits = bool(pd.notna(pd.to_datetime(value, errors="coerce")))
    else:
        fits = isinstance(value, str | int | float | bool | np.generic)
    if not fits:
        raise AutoMLError(f"imputers: '{name}' is of the kind '{kind}' and cannot hold {value!r}")
    return value
