"""Write the book's page on compatibility from the cases.

    python tests/compat/page.py

The tests demand that every case holds where the page says so, and that the page is what this
program writes.
"""

from __future__ import annotations

import itertools
from pathlib import Path

from suite import ENVIRONMENTS, Case, cases

PAGE = Path(__file__).resolve().parents[2] / "book" / "reference" / "compatibility.md"
CHECKED = "2026-11-20, the feature store 2026-11-27"

HEAD = """\
# What works as on the platform

This page is written from {count} tests. Each states in our words what the documentation of
Databricks, Delta Lake, Spark or MLflow promises, and runs it on a **local** session and over Spark
**Connect**. {workers} of them run on a standalone **cluster** of two worker processes too: those
in which workers read, write or compute. No test asks the platform itself, so each row links to the
page whose promise it tests. Last looked at: {date}.

A ✓ means that the promise holds; *differs* that something else happens, which is said at the top
of the page, and tested as well; a dash that the promise is for another kind of session, for the
reason given. *Not run* stands where the driver does everything alone: on a cluster it is the same
program, and no test looks whether the promise holds there.

"""

DIFFERS = """\
## What differs from the platform

"""

ELSEWHERE = """\
What this machine has not at all, and no test could show: a workspace with users and permissions
enforced on files, cloud storage and external locations, SQL warehouses, serverless compute, jobs
and pipelines run by a scheduler, and lineage. `databricks.yml` sends the same notebooks there.
"""


def text() -> str:
    """Return the page as Markdown."""
    every = cases()
    workers = sum(case.runs_on("standalone") for case in every)
    parts = [HEAD.format(count=len(every), workers=workers, date=CHECKED), DIFFERS]
    parts += [
        f"({_target(case)})=\n**{_api(case)}.** {_plain(case.promise)} "
        f"([source]({case.source})) *Here:* {_plain(case.differs)}\n\n"
        for case in every
        if case.differs
    ]
    parts.append(ELSEWHERE)
    for area, group in itertools.groupby(every, key=lambda case: case.area):
        parts.append(f"\n## {area}\n\n{_table(list(group))}")
    return "".join(parts)


def _table(group: list[Case]) -> str:
    titles = ["Promise", *(name.capitalize() for name in ENVIRONMENTS.values()), "Remark"]
    rows = [titles]
    for case in group:
        marks = [_mark(case, environment) for environment in ENVIRONMENTS]
        promise = f"**{_api(case)}.** {_plain(case.promise)} ([source]({case.source}))"
        rows.append([promise, *marks, _remark(case)])
    lines = ["```{list-table}", ":header-rows: 1", ":widths: 56 9 10 10 15", ""]
    for row in rows:
        lines += [f"{'*' if n == 0 else ' '} - {cell}".rstrip() for n, cell in enumerate(row)]
    return "\n".join([*lines, "```", ""])


def _target(case: Case) -> str:
    return "differs-" + case.name.replace("_", "-")


def _mark(case: Case, environment: str) -> str:
    if environment in case.not_on:
        return "–"
    if not case.runs_on(environment):
        return "not run"
    return "differs" if case.differs else "✓"


def _remark(case: Case) -> str:
    reasons: dict[str, list[str]] = {}
    for environment, reason in case.not_on.items():
        reasons.setdefault(reason, []).append(ENVIRONMENTS[environment])
    told = [f"Not {' and '.join(names)}: {reason}." for reason, names in reasons.items()]
    if case.differs:
        told.insert(0, f"[Said above](#{_target(case)}).")
    return " ".join(told)


def _api(case: Case) -> str:
    """Return the name as code where it is code: else its quotes would become typographic."""
    is_code = any(sign in case.api for sign in "(\"'") and "`" not in case.api
    return f"`{case.api}`" if is_code else _plain(case.api)


def _plain(said: str) -> str:
    """Return a text in which nothing is taken for Markdown or for HTML, save code in backticks."""
    parts = said.split("`")
    if len(parts) % 2 == 0:  # a lone backtick is one of the text
        return _escape(said.replace("`", "\\`"))
    return "`".join(part if n % 2 else _escape(part) for n, part in enumerate(parts))


def _escape(said: str) -> str:
    for sign in "*_<>[]{}$@":
        said = said.replace(sign, "\\" + sign)
    return said


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(text(), encoding="utf-8")
    print(PAGE)
