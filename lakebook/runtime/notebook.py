"""``%load_ext lakebook``: the names a Databricks notebook has, where they are missing."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lakebook.runtime import tracking
from lakebook.runtime.dbutils import DBUtils
from lakebook.runtime.display import display, displayHTML
from lakebook.runtime.session import get_spark, on_databricks

GIVEN = "_lakebook_given"


def load(shell: Any) -> None:
    """Give the notebook ``spark``, ``dbutils``, ``display``, ``displayHTML`` and ``%sql``.

    Names that the notebook has already, such as the platform's own, are left alone.
    """
    tracking.prepare()
    makers: dict[str, Callable[[], Any]] = {
        "spark": get_spark,
        "dbutils": DBUtils,
        "display": lambda: display,
        "displayHTML": lambda: displayHTML,
    }
    given = {}
    for name, make in makers.items():
        # IPython's own display is in every namespace; ours shows Spark frames as well.
        if name not in shell.user_ns or _is_ipythons(name, shell.user_ns[name]):
            given[name] = make()
    shell.push(given, interactive=False)
    shell.user_ns.setdefault(GIVEN, {}).update(given)
    if not on_databricks():
        _offer_commands()
        shell.register_magic_function(_sql_magic(shell), "line_cell", "sql")


def unload(shell: Any) -> None:
    """Take back the names that `load` gave and that still mean the same."""
    for name, value in shell.user_ns.pop(GIVEN, {}).items():
        if shell.user_ns.get(name) is value:
            del shell.user_ns[name]


def _offer_commands() -> None:
    """Put this environment's commands on the path: `mlflow models serve` looks for uvicorn there.

    A kernel that JupyterLab started knows its Python, and not the folder of its commands.
    """
    folder = str(Path(sys.executable).parent)
    known = os.environ.get("PATH", os.defpath).split(os.pathsep)
    if folder not in known:
        os.environ["PATH"] = os.pathsep.join([folder, *known])


def _is_ipythons(name: str, value: Any) -> bool:
    return name == "display" and getattr(value, "__module__", "").startswith("IPython.")


def _sql_magic(shell: Any) -> Any:
    import sqlparse

    def sql(line: str, cell: str | None = None) -> None:
        """Run SQL and show the result, which stays at hand as ``_sqldf``."""
        result = None
        for statement in sqlparse.split(cell if cell is not None else line, strip_semicolon=True):
            result = shell.user_ns["spark"].sql(statement)
        if result is not None:
            shell.user_ns["_sqldf"] = result
            if result.columns:
                display(result)

    return sql
