"""`dbutils.library`."""

from __future__ import annotations

from typing import Any, NoReturn

from lakebook.errors import LakebookError
from lakebook.runtime.dbutils.help import Utility
from lakebook.runtime.dbutils.stopping import Stop, unattended

MODULE_NAMES = {"__spec__", "__loader__", "__package__", "__doc__"}


class Library(Utility):
    """Libraries of the notebook's own Python."""

    _path = "dbutils.library"

    def __init__(self, shell: Any = None) -> None:
        self._shell = shell

    def restartPython(self) -> NoReturn:
        """Start this notebook's Python anew: variables and imports are gone, the cell ends here.

        In JupyterLab the kernel restarts, so run `%load_ext lakebook` again. Under papermill, which
        cannot restart one, the variables go and the imported modules stay. Raises LakebookError
        outside a notebook.
        """
        shell = self._shell
        if shell is None:
            raise LakebookError("dbutils.library.restartPython restarts a notebook; start the "
                                "program again instead")  # fmt: skip
        if getattr(shell, "kernel", None) is not None and not unattended(shell):
            print("Python restarts; then run %load_ext lakebook again")
            # Jupyter starts a kernel that has gone again, and with no state.
            shell.kernel.do_shutdown(restart=True)
        else:
            # A module without `__spec__` and its like cannot be imported by others.
            kept = {name: shell.user_ns[name] for name in MODULE_NAMES & shell.user_ns.keys()}
            shell.reset(new_session=False)
            shell.user_ns.update(kept)
            shell.run_line_magic("reload_ext", "lakebook")
        raise Stop()
