"""``%load_ext lakebook``: the names a Databricks notebook has, where they are missing."""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from lakebook.runtime import files, tracking
from lakebook.runtime.dbutils import DBUtils
from lakebook.runtime.dbutils.stopping import Stopping
from lakebook.runtime.display import display, displayHTML
from lakebook.runtime.magics import Magics
from lakebook.runtime.session import get_spark, on_databricks

GIVEN = "_lakebook_given"


class Attached(NamedTuple):
    """What `load` has put into a shell beside names."""

    stopping: Stopping
    magics: Magics
    show_widgets: Callable[[Any], None]


_attached: weakref.WeakKeyDictionary[Any, Attached] = weakref.WeakKeyDictionary()


def load(shell: Any) -> None:
    """Give the notebook ``spark``, ``dbutils``, ``display``, ``displayHTML`` and the magics.

    Names that the notebook has already, such as the platform's own, are left alone, and on
    Databricks all the rest as well.
    """
    tracking.prepare()
    dbutils = DBUtils(shell)
    makers: dict[str, Callable[[], Any]] = {
        "spark": get_spark,
        "dbutils": lambda: dbutils,
        "display": lambda: display,
        "displayHTML": lambda: displayHTML,
    }
    if not on_databricks():
        makers["getArgument"] = lambda: dbutils.widgets.getArgument
    given = {}
    for name, make in makers.items():
        # IPython's own display is in every namespace; ours shows Spark frames as well.
        if name not in shell.user_ns or _is_ipythons(name, shell.user_ns[name]):
            given[name] = make()
    shell.push(given, interactive=False)
    shell.user_ns.setdefault(GIVEN, {}).update(given)
    if not on_databricks():
        _offer_commands()
        files.install()
        _attach(shell, given.get("dbutils"))


def unload(shell: Any) -> None:
    """Take back the names that `load` gave and that still mean the same, and the magics."""
    for name, value in shell.user_ns.pop(GIVEN, {}).items():
        if shell.user_ns.get(name) is value:
            del shell.user_ns[name]
    _detach(shell)
    files.uninstall()


def _attach(shell: Any, dbutils: DBUtils | None) -> None:
    """Give the shell its magics and the end of a notebook, once.

    Loaded again, for example after `%reset`, the magics go with the new `dbutils`. Where the
    notebook has kept a `dbutils` of its own, they have one for themselves.
    """
    attached = _attached.get(shell)
    if attached and dbutils is None:
        return
    _detach(shell)
    tools = dbutils or DBUtils(shell)
    stopping = attached.stopping if attached else Stopping(shell)
    magics = Magics(shell, tools, stopping)
    stopping.install()
    magics.install()

    def show_widgets(result: Any) -> None:
        tools.widgets._show()

    shell.events.register("post_run_cell", show_widgets)
    _attached[shell] = Attached(stopping, magics, show_widgets)


def _detach(shell: Any) -> None:
    attached = _attached.pop(shell, None)
    if attached:
        attached.magics.uninstall()
        attached.stopping.uninstall()
        shell.events.unregister("post_run_cell", attached.show_widgets)


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
