"""`dbutils.data` and `dbutils.credentials`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from lakebook.errors import LakebookError
from lakebook.runtime.dbutils.help import Utility


class Data(Utility):
    """Understand a data set at a glance."""

    _path = "dbutils.data"

    def summarize(self, df: Any, precise: bool = False) -> None:
        """Show a profile of a Spark, pandas-on-Spark or pandas frame.

        With `precise` false, distinct counts, frequent items and percentiles are approximate.
        """
        from lakebook.runtime.display import summarize

        summarize(df, precise)


class Credentials(Utility):
    """Roles of a cloud account, which a machine without one does not have."""

    _path = "dbutils.credentials"

    def assumeRole(self, role: str) -> bool:
        """Raise LakebookError: roles belong to AWS, where they opened S3 to a cluster."""
        _no_cloud("assumeRole")

    def showCurrentRole(self) -> list[str]:
        """Raise LakebookError: there is no cloud account here, so no role."""
        _no_cloud("showCurrentRole")

    def showRoles(self) -> list[str]:
        """Raise LakebookError: there is no cloud account here, so no role."""
        _no_cloud("showRoles")

    def getCurrentCredentials(self) -> Mapping[str, str]:
        """Raise LakebookError: there is no cloud account here, so no credentials."""
        _no_cloud("getCurrentCredentials")


def _no_cloud(command: str) -> NoReturn:
    raise LakebookError(
        f"dbutils.credentials.{command} asks for the roles of an AWS account, and this machine is "
        "in no cloud; for passwords and tokens there is dbutils.secrets"
    )
