"""The pieces that charts are made of: scales, ticks, texts. Coordinates are in SVG units."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from lakebook.runtime.display import cells

WIDTH = 360


def picture(height: float, content: str, said: str, classes: str = "") -> str:
    """Return an SVG of the given height with `said` as its text alternative."""
    attribute = f' class="{classes}"' if classes else ""
    return (
        f'<svg{attribute} viewBox="0 0 {WIDTH} {place(height)}" role="img" '
        f'aria-label="{cells.html(said)}">{content}</svg>'
    )


def place(value: float) -> str:
    """Return a coordinate with one decimal."""
    return f"{value:.1f}".removesuffix(".0").replace("-0", "0") if abs(value) < 0.05 else (
        f"{value:.1f}".removesuffix(".0")
    )  # fmt: skip


def label(x: float, y: float, said: str, anchor: str = "") -> str:
    """Return a text; `anchor` is ``middle``, ``end`` or nothing."""
    how = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text x="{place(x)}" y="{place(y)}"{how}>{cells.html(said)}</text>'


def bar(x: float, y: float, width: float, height: float) -> str:
    """Return the part of a path that is a filled rectangle."""
    return f"M{place(x)} {place(y)}h{place(width)}v{place(height)}h{place(-width)}z"


def line(points: Iterable[tuple[float, float]]) -> str:
    """Return the path through the points."""
    return "M" + "L".join(f"{place(x)} {place(y)}" for x, y in points)


def clip(said: str, length: int) -> str:
    """Return a text of at most `length` characters."""
    return said if len(said) <= length else said[: length - 1] + "…"


def ticks(low: float, high: float) -> list[float]:
    """Return the round numbers within a range: three to nine, or the only one."""
    if low == high:
        return [low]
    third = (high - low) / 3
    unit = 10.0 ** math.floor(math.log10(third))
    step = unit * max(factor for factor in (1, 2, 5) if factor * unit <= third * 1.0001)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(step * i, 12) for i in range(first, last + 1)]


class Scale:
    """From values to coordinates, linear."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        """`start` and `end` are the coordinates of the least and the greatest value."""
        self.low, self.high = min(values), max(values)
        self.start, self.end = start, end

    def __call__(self, value: float) -> float:
        """Return the coordinate of a value; the middle if all values are the same."""
        if self.low == self.high:
            return (self.start + self.end) / 2
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)
