"""One look for the figures of the chapters, and files that are the same each time."""

from __future__ import annotations

import os
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

plt.rcParams |= {
    "svg.hashsalt": "lakebook",  # the ids inside a file follow from its content alone
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.constrained_layout.use": True,
}


def save(figure: Figure, script: str) -> None:
    """Write the figure beside its script, or into ``FIGURES`` if that is set, as SVG."""
    folder = Path(os.environ.get("FIGURES", Path(script).parent))
    figure.savefig(folder / f"{Path(script).stem}.svg", metadata={"Date": None})
