"""Which labs exist, and where their files lie."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lakebook import workspace
from lakebook.errors import unknown


def ids() -> list[str]:
    """Return the ids of all labs, sorted: a lab is a notebook at ``solutions/<part>/<name>``."""
    solutions = workspace.root() / "solutions"
    found = (path.relative_to(solutions) for path in solutions.glob("*/*.ipynb"))
    return sorted(path.with_suffix("").as_posix() for path in found)


def resolve(names: Iterable[str]) -> list[str]:
    """Return the named labs in the order given, or all of them if none is named.

    A path such as ``solutions/day2/04_missing_values.ipynb`` is understood as well.
    Raises LakebookError, with the nearest match, for a name that no lab has.
    """
    known = ids()
    chosen: list[str] = []
    for name in names:
        lab_id = _bare(name)
        if lab_id not in known:
            raise unknown("lab", lab_id, known)
        if lab_id not in chosen:
            chosen.append(lab_id)
    return chosen or known


def _bare(name: str) -> str:
    bare = name.removeprefix("./").removesuffix(".ipynb").removesuffix(".py")
    return bare.removeprefix("solutions/").removeprefix("labs/")


def solution(lab_id: str) -> Path:
    """Return the path of the solved notebook."""
    return workspace.root() / "solutions" / f"{lab_id}.ipynb"


def exercises(lab_id: str) -> Path:
    """Return the path of the module that judges the answers."""
    return workspace.root() / "solutions" / f"{lab_id}.py"


def lab(lab_id: str) -> Path:
    """Return the path of the derived notebook, which the learner opens."""
    return workspace.root() / "labs" / f"{lab_id}.ipynb"


def shown(path: Path) -> str:
    """Return a path as messages show it: relative to the repository where it lies inside."""
    root = workspace.root()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
