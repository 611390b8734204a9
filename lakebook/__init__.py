"""Lakebook: labs, checks and an exam trainer for machine learning on the lakehouse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lakebook.labs.checks import Lab

__version__ = "0.1.0"
__all__ = ["lab", "load_ipython_extension", "unload_ipython_extension"]


def lab(lab_id: str) -> Lab:
    """Return the checks of a lab, for example ``lakebook.lab("day2/04_missing_values")``.

    Raises LakebookError if there is no such lab.
    """
    from lakebook.labs.checks import Lab

    return Lab(lab_id)


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext lakebook``: spark, dbutils, display and the SQL magic, where they are missing.

    So are the platform's ML packages, such as ``databricks.feature_engineering``.
    """
    from lakebook.ml import platform_names
    from lakebook.runtime.notebook import load

    load(shell)
    platform_names.install()


def unload_ipython_extension(shell: Any) -> None:
    """``%unload_ext lakebook``: take back the names that loading gave."""
    from lakebook.ml import platform_names
    from lakebook.runtime.notebook import unload

    unload(shell)
    platform_names.uninstall()
