"""The text of one value in a table: exact where it can be, short where it must be."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from html import escape
from typing import Any

LONGEST = 200  # characters of one value
DECIMALS = 6  # of a floating-point number in a table, as pandas shows it
BYTES = 16  # of a binary value


def text(value: Any) -> str:
    """Return a value as it stands in a table; nested ones in the manner of JSON."""
    shown = "null" if value is None else _plain(value)
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"


def numbers(values: Iterable[Any]) -> list[str]:
    """Return the texts of one column of numbers, with the same number of decimals for all floats.

    It is the least that tells the values from one another, at most 6. Columns that need more, or
    that are very large, are written each with 6 significant digits.
    """
    values = list(values)
    floats = [abs(v) for v in values if isinstance(v, float) and math.isfinite(v) and v != 0]
    decimals = _decimals(floats)
    return [
        text(v) if not isinstance(v, float) or not math.isfinite(v)
        else f"{v:.6g}" if decimals is None
        else f"{v if abs(v) > 0 else 0.0:.{decimals}f}"
        for v in values
    ]  # fmt: skip


def short(value: Any) -> str:
    """Return a statistic with 4 significant digits; whole numbers and dates exactly."""
    if value is None:
        return ""
    if isinstance(value, int):
        return f"{value:,}"
    if not isinstance(value, float):
        return text(value)
    if not math.isfinite(value):
        return _float(value)
    if value == 0:
        return "0"
    if not 1e-4 <= abs(value) < 1e12:
        return f"{value:.3e}"
    decimals = max(0, 3 - math.floor(math.log10(abs(value))))
    shown = f"{value:,.{decimals}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def share(part: int, whole: int) -> str:
    """Return a part of a whole in per cent, with two digits where it is small."""
    percent = 100 * part / whole
    return f"{percent:.0f} %" if percent >= 10 else f"{percent:.2g} %"


def html(value: str) -> str:
    """Return a text for use in HTML, also inside an attribute."""
    return escape(value, quote=True)


def moment(value: datetime.datetime) -> str:
    """Return a point in time without its zone, and with only the fractions that it has."""
    shown = value.strftime("%Y-%m-%d %H:%M:%S")
    # strftime writes years before 1000 with fewer than four digits on some systems.
    shown = f"{value.year:04d}{shown[shown.index('-') :]}"
    return f"{shown}.{value.microsecond:06d}".rstrip("0") if value.microsecond else shown


def _decimals(floats: list[float]) -> int | None:
    if floats and (max(floats) >= 1e12 or max(floats) < 1e-4):
        return None
    for decimals in range(1, DECIMALS):
        # A digit beyond the tenth significant one is noise of the arithmetic, not data.
        if all(math.isclose(round(v, decimals), v, rel_tol=1e-10) for v in floats):
            return decimals
    return DECIMALS


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return _float(value)
    return _nested(value)


def _float(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return f"{value:.10g}" if value != int(value) or abs(value) >= 1e15 else f"{value:.1f}"


def _nested(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool | float):
        return _plain(value)
    if isinstance(value, datetime.datetime):
        return moment(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bytes | bytearray | memoryview):
        some = bytes(value[: BYTES + 1])
        return "0x" + some[:BYTES].hex().upper() + ("…" if len(some) > BYTES else "")
    if isinstance(value, Mapping):
        inside = (f"{_nested(key)}: {_nested(held)}" for key, held in value.items())
        return "{" + ", ".join(inside) + "}"
    kind = type(value)
    if kind.__module__ == "numpy":
        return _nested(value.tolist())
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return "[" + ", ".join(_nested(held) for held in value) + "]"
    return str(value)
