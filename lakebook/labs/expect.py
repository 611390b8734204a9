"""Judgements on an answer: each is silent if it holds and raises `Wrong` if it does not.

A message tells the learner what is wrong with *this* answer. It never holds the right one.
"""

from __future__ import annotations

import math
import numbers
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

RELATIVE = 1e-6
ABSOLUTE = 1e-9


class Wrong(Exception):
    """The answer is wrong; the message says in what way."""


class NotAttempted(Exception):
    """The answer is still `...`, as the lab came."""


def is_a(answer: Any, kind: Any, message: str | None = None) -> None:
    """Expect an answer of a type, of one of a tuple of types, or of a type by its dotted name.

    A name such as ``"pyspark.sql.DataFrame"`` needs no import and holds for the classes of Spark
    Connect as well. NumPy scalars count as Python numbers, an int counts as a float,
    and a bool never counts as a number. Raises Wrong.
    """
    _attempted(answer)
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if not any(_is_of(answer, one) for one in kinds):
        wanted = " or ".join(_type_name(one) for one in kinds)
        raise Wrong(message or f"This is {_described(answer)}; {_article(wanted)} is asked for.")


def unlike(answer: Any, value: Any, message: str) -> None:
    """Expect an answer other than `value`, which a foreseeable mistake leads to. Raises Wrong."""
    _attempted(answer)
    if _same(answer, value):
        raise Wrong(message)


def equals(answer: Any, value: Any, message: str) -> None:
    """Expect exactly `value`: a number, a text, or a list, dict, array or frame of them.

    Lists, tuples and arrays with the same members are equal. Raises Wrong.
    """
    _attempted(answer)
    if not _same(answer, value):
        raise Wrong(message)


def close(answer: Any, value: float, tolerance: float, message: str) -> None:
    """Expect a number at most `tolerance` (absolute, in the answer's unit) from `value`.

    Raises Wrong, also for nan and for what is no number.
    """
    _attempted(answer)
    if not _is_number(answer):
        raise Wrong(f"This is {_described(answer)}; a number is asked for.")
    if not abs(float(answer) - float(value)) <= tolerance:
        raise Wrong(message)


def true(condition: Any, message: str) -> None:
    """Expect a condition to hold. Raises Wrong."""
    _attempted(condition)
    if not condition:
        raise Wrong(message)


def columns(frame: Any, names: Iterable[str], *, only: bool = False) -> None:
    """Expect a pandas or Spark frame with these columns, in any order.

    With `only`, no other column may be there. Raises Wrong, which names the columns.
    """
    wanted, present = list(names), _columns(frame)
    missing = [name for name in wanted if name not in present]
    if missing:
        raise Wrong(f"The frame has no column {_listed(missing)}. It has {_listed(present)}.")
    surplus = [name for name in present if name not in wanted]
    if only and surplus:
        raise Wrong(f"The frame has the column {_listed(surplus)}, which is not asked for.")


def rows(frame: Any, n: int, message: str) -> None:
    """Expect a pandas or Spark frame of `n` rows; a Spark frame is counted. Raises Wrong."""
    _columns(frame)
    if (len(frame) if _is_pandas(frame) else frame.count()) != n:
        raise Wrong(message)


def same_rows(frame: Any, expected: Any, message: str) -> None:
    """Expect the rows of `expected` (a pandas or Spark frame), in any order.

    Columns are matched by name, and further columns of the answer are left aside; numbers may
    differ by a millionth of their size; None and nan are one. Raises Wrong.
    """
    names = _columns(expected)
    columns(frame, names)
    remaining: dict[Any, deque[tuple[Any, ...]]] = defaultdict(deque)
    for row in sorted(_rows(frame, names), key=_order):
        remaining[_exact(row)].append(row)
    for row in sorted(_rows(expected, names), key=_order):
        candidates = remaining[_exact(row)]
        for position, candidate in enumerate(candidates):
            if _near(candidate, row):
                del candidates[position]
                break
        else:
            raise Wrong(message)
    if any(remaining.values()):
        raise Wrong(message)


def unattempted(answer: Any) -> bool:
    """Return whether an answer is still as the lab came: None, `...`, or holding a `...`."""
    if answer is None or answer is ...:
        return True
    if isinstance(answer, Mapping):
        return any(value is ... for value in answer.values())
    return isinstance(answer, (list, tuple)) and any(value is ... for value in answer)


def _attempted(answer: Any) -> None:
    # A function handed over as the answer may still return `...`.
    if answer is ...:
        raise NotAttempted


def _is_number(value: Any) -> bool:
    return isinstance(value, (numbers.Real, Decimal)) and not isinstance(value, bool)


def _is_of(answer: Any, kind: Any) -> bool:
    if isinstance(kind, str):
        package, _, name = kind.rpartition(".")
        return any(
            one.__name__ == name
            and f"{one.__module__}.".startswith(f"{package}." if package else "")
            for one in type(answer).__mro__
        )
    if kind is bool:
        # numpy.bool_ is not a subclass of bool.
        return isinstance(answer, bool) or type(answer).__name__ in ("bool_", "bool")
    if isinstance(answer, bool):
        return kind is object
    if kind is int:
        return isinstance(answer, numbers.Integral)
    if kind is float:
        return isinstance(answer, numbers.Real)
    return isinstance(answer, kind)


def _type_name(kind: Any) -> str:
    return kind.rpartition(".")[2] if isinstance(kind, str) else str(kind.__name__)


def _article(noun: str) -> str:
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def _described(answer: Any) -> str:
    name = _article(type(answer).__name__)
    if isinstance(answer, (str, bool)) or _is_number(answer):
        text = repr(answer)
        return f"{name} ({text if len(text) <= 40 else text[:39] + '…'})"
    return name


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:12])
    return (shown + (", …" if len(names) > 12 else "")) or "none"


def _is_pandas(frame: Any) -> bool:
    return _is_of(frame, "pandas.DataFrame")


def _columns(frame: Any) -> list[str]:
    _attempted(frame)
    if not (_is_pandas(frame) or _is_of(frame, "pyspark.sql.DataFrame")):
        raise Wrong(f"This is {_described(frame)}; a DataFrame is asked for.")
    return [str(name) for name in frame.columns]


def _rows(frame: Any, names: list[str]) -> list[tuple[Any, ...]]:
    if _is_pandas(frame):
        present = [str(name) for name in frame.columns]
        chosen = frame.iloc[:, [present.index(name) for name in names]]
        found: Iterable[Any] = chosen.itertuples(index=False, name=None)
    else:
        # By backticks, because a column's name may hold a dot.
        found = frame.select(*[f"`{name}`" for name in names]).collect()
    return [tuple(_plain(value) for value in row) for row in found]


def _plain(value: Any) -> Any:
    """Return a cell's value with one form for missing, for numbers and for vectors and arrays."""
    if hasattr(value, "toArray"):  # a vector of Spark ML
        value = value.toArray()
    if hasattr(value, "tolist"):  # NumPy
        value = value.tolist()
    if hasattr(value, "to_pydatetime") and value == value:  # pandas; NaT equals nothing
        value = value.to_pydatetime()
    if value is None or isinstance(value, (str, bytes, bool)):
        return value
    if isinstance(value, Mapping):
        return tuple(sorted((str(key), _plain(inner)) for key, inner in value.items()))
    if isinstance(value, (list, tuple)):
        return tuple(_plain(inner) for inner in value)
    if isinstance(value, (numbers.Real, Decimal)):
        return None if math.isnan(value) else value
    return None if type(value).__name__ in ("NaTType", "NAType") else value


def _exact(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what must be the same in two rows to the letter: all but numbers and sequences."""
    return tuple(
        "a number"
        if _is_number(value)
        else ("several", len(value))
        if isinstance(value, tuple)
        else (type(value).__name__, value)
        for value in row
    )


def _order(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(
        (0, float(value), "") if _is_number(value) else (1, 0.0, repr(value)) for value in row
    )


def _near(one: Any, other: Any) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(_near(a, b) for a, b in zip(one, other, strict=True))
    if _is_number(one) and _is_number(other):
        return math.isclose(float(one), float(other), rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return type(one) is type(other) and bool(one == other)


def _same(one: Any, other: Any) -> bool:
    """Return whether two values are equal, where a bool is no number and nan equals nan."""
    if one is other:
        return True
    if _is_of(one, bool) or _is_of(other, bool):
        return _is_of(one, bool) and _is_of(other, bool) and bool(one) == bool(other)
    if _is_number(one) and _is_number(other):
        return bool(one == other) or (one != one and other != other)
    for value in (one, other):
        if _is_of(value, "pandas.DataFrame") or _is_of(value, "pandas.Series"):
            return type(one) is type(other) and bool(one.equals(other))
    one, other = _listlike(one), _listlike(other)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(_same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    try:
        return bool(one == other)
    except Exception:  # a value that cannot be compared, such as a Spark column, is another one
        return False


def _listlike(value: Any) -> Any:
    # By type, not by attribute: a Spark column has any attribute it is asked for.
    return value.tolist() if _is_of(value, "numpy.ndarray") else value
