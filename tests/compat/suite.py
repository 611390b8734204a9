"""What a case of the compatibility suite is: one promise of the documentation, made executable.

A case is a function that receives a `Place` (a session, a schema and a folder of its own) and
asserts what the platform's documentation promises. Where this machine behaves otherwise by design,
the case says so in `differs` and asserts what happens here, so that the difference is proved too.

On a standalone cluster only those cases are run in which its workers take part, as processes of
their own that read, write or compute. What the driver does alone, names, grants, statements about a
table, `dbutils`, is the same program there as on a local session.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

ENVIRONMENTS = {"local": "local", "connect": "Connect", "standalone": "cluster"}

# In the order of the page.
MODULES = (
    "reading",
    "writing",
    "evolution",
    "travel",
    "types",
    "changes",
    "streaming",
    "tables",
    "merging",
    "statements",
    "upkeep",
    "catalogs",
    "views",
    "rules",
    "rights",
    "frames",
    "volumes",
    "dbutils_files",
    "dbutils_rest",
    "shown",
    "models",
    "features",
    "automl",
    "limits",
)


@dataclass(frozen=True)
class Case:
    """One promise, where it stands, and how it is proved."""

    name: str
    area: str
    api: str
    promise: str
    source: str
    run: Callable[[Any], None]
    differs: str | None = None
    not_on: Mapping[str, str] = field(default_factory=dict)
    on_workers: bool = True

    def runs_on(self, environment: str) -> bool:
        """Tell whether the case is run in an environment."""
        alone = environment == "standalone" and not self.on_workers
        return environment not in self.not_on and not alone


_known: dict[str, Case] = {}


class Area:
    """A group of cases with a title; called as a decorator, it adds a case to the suite.

    `on_workers` tells of the group, and of a case that is an exception, whether workers of a
    cluster take part.
    """

    def __init__(self, title: str, source: str, *, on_workers: bool = True) -> None:
        self.title, self.source, self.on_workers = title, source, on_workers

    def __call__(
        self,
        api: str,
        promise: str,
        *,
        source: str | None = None,
        differs: str | None = None,
        not_on: Mapping[str, str] | None = None,
        on_workers: bool | None = None,
    ) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
        """Return a decorator; `not_on` gives, for an environment, why the case is not for it."""

        def add(run: Callable[[Any], None]) -> Callable[[Any], None]:
            name = run.__name__
            if name in _known and _known[name].run.__module__ != run.__module__:
                raise ValueError(f"two cases are called '{name}'")
            unknown = set(not_on or {}) - set(ENVIRONMENTS)
            if unknown:
                raise ValueError(f"case '{name}': no such environment: {unknown}")
            workers = self.on_workers if on_workers is None else on_workers
            where = source or self.source
            _known[name] = Case(
                name, self.title, api, promise, where, run, differs, not_on or {}, workers
            )
            return run

        return add


def cases() -> list[Case]:
    """Return every case, in the order of the page."""
    for module in MODULES:
        importlib.import_module(f"cases.{module}")
    return list(_known.values())


def key(name: str) -> str:
    """Return a short name for the schema of a case: letters and digits, always the same."""
    return "c_" + hashlib.sha256(name.encode()).hexdigest()[:8]


def rows(frame: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a frame as tuples, sorted, so that order is not part of a promise."""
    return sorted((tuple(row) for row in frame.collect()), key=repr)


def column(frame: Any, name: str) -> list[Any]:
    """Return the values of one column, sorted by their text."""
    return sorted((row[name] for row in frame.select(name).collect()), key=repr)


def refused(call: Callable[[], Any], *said: str | Sequence[str]) -> Exception:
    """Return the error of a call, whose message has each of `said` (of a tuple, one of them)."""
    try:
        call()
    except Exception as error:
        message = str(error)
        for part in said:
            choices = (part,) if isinstance(part, str) else part
            assert any(choice in message for choice in choices), f"{choices} not in: {message}"
        return error
    raise AssertionError(f"nothing was refused; expected {said}")
