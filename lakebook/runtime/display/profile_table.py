"""Statistics of columns as HTML tables, one for each kind of column, and as plain text."""

from __future__ import annotations

from collections.abc import Callable

from lakebook.runtime.display import cells, svg
from lakebook.runtime.display.profile import Summary
from lakebook.runtime.display.rows import CATEGORY, NUMBER, OTHER, TIME

Cell = Callable[[Summary], str]

_COMMON: dict[str, Cell] = {
    "count": lambda s: f"{s.count:,}",
    "missing": lambda s: _missing(s),
    "distinct": lambda s: cells.short(s.distinct),
}
_PARTS: dict[str, tuple[str, dict[str, Cell]]] = {
    NUMBER: (
        "Numbers",
        _COMMON
        | {
            "mean": lambda s: cells.short(s.mean),
            "std": lambda s: cells.short(s.std),
            "min": lambda s: cells.short(s.low),
            "25 %": lambda s: cells.short(s.quartiles[0]),
            "50 %": lambda s: cells.short(s.quartiles[1]),
            "75 %": lambda s: cells.short(s.quartiles[2]),
            "max": lambda s: cells.short(s.high),
            "zeros": lambda s: cells.short(s.zeros),
        },
    ),
    CATEGORY: ("Categories", _COMMON | {"most frequent": lambda s: _top(s)}),
    TIME: (
        "Dates and times",
        _COMMON
        | {"earliest": lambda s: cells.short(s.low), "latest": lambda s: cells.short(s.high)},
    ),
    OTHER: ("Other columns", {name: _COMMON[name] for name in ("count", "missing")}),
}
_TEXTS = {"most frequent", "earliest", "latest"}  # columns that are not numbers


def profile_table(summaries: list[Summary], basis: str) -> str:
    """Return the statistics as HTML; `basis` says which rows they rest on."""
    parts = [f"<p>{cells.html(basis)}</p>"]
    for kind, (title, columns) in _PARTS.items():
        if chosen := [summary for summary in summaries if summary.kind == kind]:
            drawn = kind in (NUMBER, TIME)
            # Next to the name, where a telephone shows it without scrolling.
            heads = '<th scope="col">distribution</th>' if drawn else ""
            heads += "".join(_head(name) for name in columns)
            body = "".join(_row(summary, columns, drawn) for summary in chosen)
            parts.append(
                f'<table class="dataframe"><caption>{title}</caption><thead><tr>'
                f'<th scope="col">column</th>{heads}</tr></thead><tbody>{body}</tbody></table>'
            )
    return "".join(parts)


def profile_text(summaries: list[Summary], basis: str) -> str:
    """Return the statistics as plain text."""
    import pandas as pd

    parts = []
    for kind, (title, columns) in _PARTS.items():
        if chosen := [summary for summary in summaries if summary.kind == kind]:
            lines = [{"column": s.name} | {n: c(s) for n, c in columns.items()} for s in chosen]
            parts.append(f"{title}\n{pd.DataFrame(lines).to_string(index=False)}")
    return "\n\n".join([*parts, basis])


def _head(name: str) -> str:
    return f'<th scope="col"{"" if name in _TEXTS else _NUMBER}>{name}</th>'


_NUMBER = ' class="n"'


def _row(summary: Summary, columns: dict[str, Cell], drawn: bool) -> str:
    inside = "".join(
        f"<td{'' if name in _TEXTS else _NUMBER}>{cells.html(cell(summary))}</td>"
        for name, cell in columns.items()
    )
    picture = f"<td>{_histogram(summary)}</td>" if drawn else ""
    name, kind = cells.html(summary.name), cells.html(summary.type)
    return f'<tr><th scope="row">{name} <small>{kind}</small></th>{picture}{inside}</tr>'


def _missing(summary: Summary) -> str:
    rows = summary.count + summary.missing
    share = f" ({cells.share(summary.missing, rows)})" if summary.missing else ""
    return f"{summary.missing:,}{share}"


def _top(summary: Summary) -> str:
    return ", ".join(f"{svg.clip(name, 30)} ({count:,})" for name, count in summary.top)


def _histogram(summary: Summary) -> str:
    """Return a picture of how many values lie in each tenth of the range."""
    if len(summary.bins) < 2:
        return ""
    most = max(summary.bins)
    path = "".join(
        svg.bar(i * 6, 16 - 16 * n / most, 5, 16 * n / most)
        for i, n in enumerate(summary.bins)
        if n
    )
    said = (
        f"{summary.name} in {len(summary.bins)} equal classes: {', '.join(map(str, summary.bins))}"
    )
    return (
        f'<svg viewBox="0 0 60 16" role="img" aria-label="{cells.html(said)}">'
        f'<path class="f" d="{path}"/></svg>'
    )
