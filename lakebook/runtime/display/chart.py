"""A first chart of a frame, as a small inline SVG. On the platform a reader clicks one together.

Columns are taken from the left. The first rule that fits decides:

1. a date or time and a number: a line, of the mean where a time occurs more than once;
2. a category and a number: bars, of the mean where a category occurs more than once;
3. two numbers: a scatter plot;
4. one number: a histogram;
5. one category: bars that count its values;
6. nothing is drawn.

A category is text or a boolean with 2 to 20 different values; for counting alone it may have more,
if some occur more than once, and the 20 commonest are drawn.
"""

from __future__ import annotations

import datetime
import math
from collections import Counter
from collections.abc import Callable
from typing import Any

from lakebook.runtime.display import cells, svg
from lakebook.runtime.display.profile import bins, common, seconds
from lakebook.runtime.display.rows import CATEGORY, NUMBER, TIME, Column, Rows, is_known
from lakebook.runtime.display.svg import WIDTH, Scale, place

MOST_BARS = 20
MOST_POINTS = 300  # of a scatter plot or a line
LEFT, RIGHT, TOP, BOTTOM = 46, WIDTH - 18, 10, 170  # the field between the axes
HEIGHT = 200
BAR = 20  # units from one bar to the next
BARS_FROM, BARS_TO = 112, 300  # bars; left of them names, right of them values

Chart = tuple[str, str]  # title, SVG


def draw(rows: Rows) -> str:
    """Return the chart as HTML, or a sentence that says why there is none."""
    chart = _chart(rows)
    if chart is None:
        return (
            '<p class="lbd-none">Nothing to draw: no column holds dates, numbers or categories '
            "with at least two different values.</p>"
        )
    title, drawn = chart
    basis = f"A first guess from the column types, on {rows.basis()}."
    return (
        f"<figure><figcaption><b>{cells.html(title)}</b><br><small>{basis}</small></figcaption>"
        f"{drawn}</figure>"
    )


def _chart(rows: Rows) -> Chart | None:
    # An index without a name only numbers the rows, unless it holds words or dates.
    columns = [c for c in rows.index if c.name or c.kind != NUMBER] + list(rows.columns)
    found = {
        kind: [column for column in columns if column.kind == kind and _varies(column)]
        for kind in (TIME, CATEGORY, NUMBER)
    }
    numbers = found[NUMBER]
    few = [c for c in found[CATEGORY] if len(set(c.known())) <= MOST_BARS]
    repeated = [c for c in found[CATEGORY] if len(set(c.known())) < len(c.known())]
    rules: list[tuple[bool, Callable[[], Chart | None]]] = [
        (bool(found[TIME] and numbers), lambda: _line(found[TIME][0], numbers[0])),
        (bool(few and numbers), lambda: _bars(few[0], numbers[0])),
        (len(numbers) > 1, lambda: _scatter(numbers[0], numbers[1])),
        (len(numbers) == 1, lambda: _histogram(numbers[0])),
        (bool(few or repeated), lambda: _counts((few or repeated)[0])),
    ]
    for fits, make in rules:
        if fits and (chart := make()):
            return chart
    return None


def _varies(column: Column) -> bool:
    values = column.known()
    if column.kind == NUMBER:
        values = [value for value in values if math.isfinite(value)]
    return len(set(values)) > 1


def _pairs(first: Column, second: Column) -> list[tuple[Any, float]]:
    """Return the values of two columns side by side where both are there."""
    both = zip(first.values, second.values, strict=True)
    return [(a, float(b)) for a, b in both if is_known(a) and is_known(b) and math.isfinite(b)]


def _means(pairs: list[tuple[Any, float]]) -> tuple[dict[Any, float], bool]:
    """Return the mean for each key, in the order of the rows, and whether any occurs again."""
    groups: dict[Any, list[float]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    means = {key: math.fsum(values) / len(values) for key, values in groups.items()}
    return means, len(groups) < len(pairs)


def _line(time: Column, number: Column) -> Chart | None:
    means, again = _means(_pairs(time, number))
    if len(means) < 2:
        return None
    ordered = sorted(means.items())
    step = math.ceil(len(ordered) / MOST_POINTS)
    if step > 1:  # neighbours together
        parts = [ordered[i : i + step] for i in range(0, len(ordered), step)]
        drawn = [(p[0][0], math.fsum(v for _, v in p) / len(p)) for p in parts]
    else:
        drawn = ordered
    title = f"{'Mean of ' if again or step > 1 else ''}{number.name} by {time.name}"
    values = [value for _, value in ordered]
    first, last = ordered[0], ordered[-1]
    said = (
        f"Line chart. {title}: {cells.short(first[1])} at {cells.text(first[0])}, "
        f"{cells.short(last[1])} at {cells.text(last[0])}, "
        f"lowest {cells.short(min(values))}, highest {cells.short(max(values))}"
    )
    x = Scale([seconds(t) for t, _ in drawn], LEFT + 6, RIGHT - 6)
    y = Scale([v for _, v in drawn], BOTTOM - 6, TOP + 6)
    path = svg.line((x(seconds(t)), y(v)) for t, v in drawn)
    content = _y_axis(y) + _time_axis(x) + f'<path class="l" d="{path}"/>'
    return title, svg.picture(HEIGHT, content, said)


def _bars(category: Column, number: Column) -> Chart | None:
    means, again = _means(_pairs(category, number))
    if len(means) < 2:
        return None
    title = f"{'Mean of ' if again else ''}{number.name} by {category.name}".removesuffix(" by ")
    return title, _bar_chart(title, {cells.text(key): v for key, v in means.items()})


def _counts(category: Column) -> Chart:
    counts = Counter(cells.text(value) for value in category.known())
    top = common(counts, MOST_BARS)
    shown = f", the {len(top)} commonest of {len(counts):,}" if len(top) < len(counts) else ""
    title = f"Rows by {category.name or 'index'}{shown}"
    return title, _bar_chart(title, dict(top))


def _bar_chart(title: str, values: dict[str, Any]) -> str:
    x = Scale([0.0, *values.values()], BARS_FROM, BARS_TO)
    path, texts = "", ""
    for i, (name, value) in enumerate(values.items()):
        y, zero = i * BAR + 3, x(0.0)
        path += svg.bar(min(zero, x(value)), y, abs(x(value) - zero), BAR - 6)
        texts += svg.label(BARS_FROM - 6, y + 11, svg.clip(name, 15), "end")
        texts += svg.label(WIDTH, y + 11, cells.short(value), "end")
    said = ", ".join(f"{name} {cells.short(value)}" for name, value in values.items())
    axis = f'<path class="a" d="M{place(x(0.0))} 0V{len(values) * BAR}"/>'
    content = f'<path class="f" d="{path}"/>{axis}{texts}'
    return svg.picture(len(values) * BAR, content, f"Bar chart. {title}: {said}")


def _scatter(first: Column, second: Column) -> Chart | None:
    # In the order of the values, for Spark does not promise one of the rows.
    points = sorted((float(a), b) for a, b in _pairs(first, second) if math.isfinite(a))
    if len(points) < 2:
        return None
    step = math.ceil(len(points) / MOST_POINTS)
    drawn = points[::step]
    some = f", {len(drawn):,} of {len(points):,} points" if step > 1 else ""
    title = f"{second.name} against {first.name}{some}"
    x = Scale([a for a, _ in drawn], LEFT + 6, RIGHT - 6)
    y = Scale([b for _, b in drawn], BOTTOM - 6, TOP + 6)
    dots = "".join(f"M{place(x(a))} {place(y(b))}h0" for a, b in drawn)
    said = (
        f"Scatter plot. {title}: {first.name} from {cells.short(x.low)} to {cells.short(x.high)}, "
        f"{second.name} from {cells.short(y.low)} to {cells.short(y.high)}{_correlation(points)}"
    )
    content = _y_axis(y) + _x_axis(x, first.name) + f'<path class="d" d="{dots}"/>'
    return title, svg.picture(HEIGHT, content, said)


def _correlation(points: list[tuple[float, float]]) -> str:
    middle = [math.fsum(values) / len(points) for values in zip(*points, strict=True)]
    spread = [
        math.sqrt(math.fsum((value - mean) ** 2 for value in values))
        for values, mean in zip(zip(*points, strict=True), middle, strict=True)
    ]
    if 0 in spread:
        return ""
    both = math.fsum((a - middle[0]) * (b - middle[1]) for a, b in points)
    return f", correlation {both / spread[0] / spread[1]:.2f}"


def _histogram(number: Column) -> Chart:
    values = [float(value) for value in number.known() if math.isfinite(value)]
    counts = bins(values, min(20, max(5, math.ceil(math.log2(len(values))) + 1)))
    title = f"Distribution of {number.name} (rows)"
    x = Scale(values, LEFT, RIGHT)
    y = Scale([0, max(counts)], BOTTOM, TOP)
    width = (RIGHT - LEFT) / len(counts)
    path = "".join(
        svg.bar(LEFT + i * width + 0.5, y(n), width - 1, BOTTOM - y(n))
        for i, n in enumerate(counts)
        if n
    )
    said = (
        f"Histogram. {title}: {len(values):,} values from {cells.short(x.low)} to "
        f"{cells.short(x.high)}, in {len(counts)} classes of {', '.join(map(str, counts))} rows"
    )
    content = _y_axis(y, whole=True) + _x_axis(x, number.name)
    content += f'<path class="f" d="{path}"/>'
    return title, svg.picture(HEIGHT, content, said)


def _y_axis(y: Scale, whole: bool = False) -> str:
    marks = [m for m in svg.ticks(y.low, y.high) if not whole or m == int(m)]
    grid = "".join(f"M{LEFT} {place(y(mark))}H{RIGHT}" for mark in marks)
    texts = "".join(svg.label(LEFT - 5, y(mark) + 4, _mark(mark), "end") for mark in marks)
    return f'<path class="g" d="{grid}"/><path class="a" d="M{LEFT} {BOTTOM}H{RIGHT}"/>{texts}'


def _x_axis(x: Scale, name: str) -> str:
    marks = svg.ticks(x.low, x.high)
    texts = "".join(svg.label(x(mark), BOTTOM + 13, _mark(mark), "middle") for mark in marks)
    return texts + svg.label(RIGHT, BOTTOM + 27, svg.clip(name, 40), "end")


def _time_axis(x: Scale) -> str:
    middle = (x.low + x.high) / 2
    days = x.high - x.low >= 3 * 86400
    said = ""
    for value, anchor in ((x.low, ""), (middle, "middle"), (x.high, "end")):
        moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=value)
        said += svg.label(
            x(value), BOTTOM + 14, f"{moment:%Y-%m-%d}" if days else f"{moment:%m-%d %H:%M}", anchor
        )
    return said


def _mark(value: float) -> str:
    """Return a number of an axis in at most seven characters."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if unit == 'k' else size):.4g}{unit}"
    return f"{value:.4g}"
