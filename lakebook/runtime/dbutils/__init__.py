"""What a notebook knows as ``dbutils``, on this machine.

Names, arguments and results follow the stub in databricks-sdk (Apache-2.0).
"""

from __future__ import annotations

from typing import Any

from lakebook.runtime.dbutils.data import Credentials, Data
from lakebook.runtime.dbutils.fs import FileInfo, FileSystem
from lakebook.runtime.dbutils.help import Utility
from lakebook.runtime.dbutils.jobs import Jobs
from lakebook.runtime.dbutils.library import Library
from lakebook.runtime.dbutils.mounts import MountInfo, mount_driver
from lakebook.runtime.dbutils.notebook import Notebook
from lakebook.runtime.dbutils.secrets import Secrets
from lakebook.runtime.dbutils.widgets import Widgets

__all__ = ["DBUtils", "FileInfo", "MountInfo", "mount_driver"]


class DBUtils(Utility):
    """The utilities of a notebook."""

    _path = "dbutils"

    def __init__(self, shell: Any = None) -> None:
        """Make them for an IPython shell; without one for a program, which has no cells."""
        self.credentials = Credentials()
        self.data = Data()
        self.fs = FileSystem()
        self.jobs = Jobs()
        self.library = Library(shell)
        self.notebook = Notebook(shell)
        self.secrets = Secrets(shell)
        self.widgets = Widgets(shell)
