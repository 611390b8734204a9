"""The directive `timings`: how long each lab takes, from the last recorded run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

RECORD = "book/timings.json"


class Timings(SphinxDirective):
    """A table of seconds and peak memory, with the date and the machine it holds for."""

    def run(self) -> list[nodes.Node]:
        """Return one sentence and the table; raises a directive error without a record."""
        self.env.note_dependency(RECORD)
        try:
            record = json.loads((Path(self.env.srcdir) / RECORD).read_text("utf-8"))
            lines = table(record)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise self.error(
                f"{RECORD} cannot be used ({error!r}); run `lakebook labs run --record`"
            ) from error
        return self.parse_text_to_nodes("\n".join(lines))


def table(record: dict[str, Any]) -> list[str]:
    """Return the lines of Markdown that show a record of `lakebook labs run --record`."""
    labs = sorted(record["labs"], key=lambda lab: lab["lab"])
    total = sum(lab["seconds"] for lab in labs)
    lines = [
        f"Measured {record['measured']} on {record['machine']}: {len(labs)} labs, "
        f"{total / 60:.1f} minutes one after another.",
        "",
        "| lab | seconds | peak memory, MB |",
        "|:---|---:|---:|",
    ]
    for lab in labs:
        link = f"[](/labs/{lab['lab']}.ipynb)"
        lines.append(f"| {link} | {lab['seconds']:.0f} | {lab['peak_mb']:,.0f} |")
    return lines


def setup(app: Any) -> None:
    """Register the directive."""
    app.add_directive("timings", Timings)
