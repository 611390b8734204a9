"""``delta.tables`` and ``delta.exceptions``, where delta-spark itself is not installed."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from lakebook.runtime.delta import errors, table

OURS = "__lakebook__"

TABLES = (
    "DeltaTable",
    "DeltaMergeBuilder",
    "DeltaOptimizeBuilder",
    "DeltaTableBuilder",
    "IdentityGenerator",
)


class ConcurrentWriteException(errors.DeltaConcurrentModificationException):
    """Another writer has changed the table since it was read."""

    condition = "DELTA_CONCURRENT_WRITE"
    sentence = "A concurrent transaction has written new data since the table was read."


EXCEPTIONS: dict[str, type[Exception]] = {
    "DeltaConcurrentModificationException": errors.DeltaConcurrentModificationException,
    "ConcurrentWriteException": ConcurrentWriteException,
    "MetadataChangedException": errors.MetadataChangedException,
    "ProtocolChangedException": errors.ProtocolChangedException,
    "ConcurrentAppendException": errors.ConcurrentAppendException,
    "ConcurrentDeleteReadException": errors.ConcurrentDeleteReadException,
    "ConcurrentDeleteDeleteException": errors.ConcurrentDeleteDeleteException,
    "ConcurrentTransactionException": errors.ConcurrentTransactionException,
}


def install() -> bool:
    """Make ``from delta.tables import DeltaTable`` work; return whether ours is what it gives."""
    if hasattr(sys.modules.get("delta"), OURS):
        return True
    if _real():
        return False
    package = _module("delta", {name: getattr(table, name) for name in TABLES[:1]})
    package.__path__ = []
    vars(package)["configure_spark_with_delta_pip"] = configure_spark_with_delta_pip
    setattr(package, OURS, True)
    parts = {
        "tables": {name: getattr(table, name) for name in TABLES},
        "exceptions": EXCEPTIONS,
    }
    for name, content in parts.items():
        setattr(package, name, _module(f"delta.{name}", content))
    return True


def configure_spark_with_delta_pip(
    spark_session_builder: Any, extra_packages: list[str] | None = None
) -> Any:
    """Return the builder as it is: no JAR is needed here."""
    return spark_session_builder


def _module(name: str, content: dict[str, Any]) -> ModuleType:
    made = ModuleType(name)
    made.__dict__.update(content)
    made.__spec__ = importlib.util.spec_from_loader(name, loader=None)
    made.__dict__["__all__"] = sorted(content)
    sys.modules[name] = made
    return made


def _real() -> bool:
    """Return whether delta-spark is installed; it is looked for, not run."""
    spec = importlib.util.find_spec("delta")
    places = (spec.submodule_search_locations if spec else None) or []
    return any((Path(place) / "tables.py").is_file() for place in places)
