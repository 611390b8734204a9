"""Changes to a module that take place when it is imported, so that nothing is imported for them."""

from __future__ import annotations

import importlib.abc
import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

Change = Callable[[ModuleType], None]


def when_imported(name: str, change: Change) -> None:
    """Call `change` with the module of this name: now if it is imported, else once it is.

    The same change of the same module is made once.
    """
    waiting = _finder().waiting
    if (module := sys.modules.get(name)) is not None:
        change(module)
    elif change not in waiting.setdefault(name, []):
        waiting[name].append(change)


def _finder() -> _Finder:
    for finder in sys.meta_path:
        if isinstance(finder, _Finder):
            return finder
    made = _Finder()
    sys.meta_path.insert(0, made)
    return made


class _Finder(importlib.abc.MetaPathFinder):
    """Finds nothing itself: it has the others find a module that changes wait for."""

    def __init__(self) -> None:
        self.waiting: dict[str, list[Change]] = {}

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in self.waiting:
            return None
        changes = self.waiting.pop(name)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            self.waiting[name] = changes
            return None
        spec.loader = _Loader(spec.loader, changes)
        return spec


class _Loader(importlib.abc.Loader):
    """Loads a module by its own loader, then makes the changes."""

    def __init__(self, own: importlib.abc.Loader, changes: list[Change]) -> None:
        self.own = own
        self.changes = changes

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        # What looks at a module later, such as inspect, is to find the loader it knows.
        module.__loader__ = self.own
        if module.__spec__ is not None:
            module.__spec__.loader = self.own
        self.own.exec_module(module)
        for change in self.changes:
            change(module)
