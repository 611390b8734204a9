"""Catalogs with three-level names on this machine, after Unity Catalog."""

from lakebook.runtime.catalog.context import current, resolve, use
from lakebook.runtime.catalog.grants import act_as, current_user, require
from lakebook.runtime.catalog.names import Name
from lakebook.runtime.catalog.tables import (
    Table,
    create_table,
    drop,
    find,
    new_location,
    register,
    require_table,
)

__all__ = [
    "Name",
    "Table",
    "act_as",
    "create_table",
    "current",
    "current_user",
    "drop",
    "find",
    "new_location",
    "register",
    "require",
    "require_table",
    "resolve",
    "use",
]
