"""Replacing a method of PySpark once, and finding the original again."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterator
from typing import Any

Method = Callable[..., Any]
ORIGINALS: dict[tuple[type, str], Method] = {}


def classes(*places: str) -> Iterator[type]:
    """Return the classes of ``module:Class``; those of Connect may be missing its packages."""
    for place in places:
        module, _, name = place.partition(":")
        try:
            yield getattr(importlib.import_module(module), name)
        except ImportError:
            if "connect" not in module:
                raise


def replace(cls: type, name: str, make: Callable[[Method], Method]) -> None:
    """Replace a method by ``make(original)``; a second call changes nothing."""
    if (cls, name) in ORIGINALS or name not in cls.__dict__:
        return
    before = cls.__dict__[name]
    ORIGINALS[cls, name] = before
    if isinstance(before, property):
        get = before.fget
        assert get is not None
        setattr(cls, name, property(functools.wraps(get)(make(get))))
        return
    setattr(cls, name, functools.wraps(before)(make(before)))


def original(cls: type, name: str) -> Method:
    """Return the method as PySpark has it, whether it was replaced or not."""
    for parent in cls.__mro__:
        if (parent, name) in ORIGINALS:
            return ORIGINALS[parent, name]
        if name in parent.__dict__:
            return parent.__dict__[name]
    raise AttributeError(name)


class State(dict[str, Any]):
    """What a reader or writer was told, by name; PySpark keeps it in the JVM, out of reach."""

    @property
    def options(self) -> dict[str, Any]:
        """Return the options, their names in lower case."""
        return self.setdefault("options", {})

    def tell(self, **options: Any) -> None:
        """Remember options; None, as in PySpark, sets nothing."""
        self.options.update({k.lower(): v for k, v in options.items() if v is not None})


def state(thing: Any) -> State:
    """Return the state of a reader or writer."""
    return thing.__dict__.setdefault("_lakebook", State())


def session_of(thing: Any) -> Any:
    """Return the session of a reader or writer, classic or Connect."""
    for name in ("_spark", "_client", "_session"):
        found = thing.__dict__.get(name)
        if hasattr(found, "conf"):
            return found
    return thing._df.sparkSession


def names(columns: tuple[Any, ...]) -> list[str]:
    """Return the columns of ``partitionBy("a", "b")`` or ``partitionBy(["a", "b"])``."""
    if len(columns) == 1 and isinstance(columns[0], list | tuple):
        return list(columns[0])
    return list(columns)


def remember_options(cls: type, translated: tuple[str, ...] = ()) -> None:
    """Let `option` and `options` remember what they are told; paths among them are translated."""
    from lakebook.runtime.files import spark_path

    def value_of(key: str, value: Any) -> Any:
        if key.lower() in translated and isinstance(value, str):
            return spark_path(value, writing=True)
        return value

    def option(before: Method) -> Method:
        def option(self: Any, key: str, value: Any) -> Any:
            state(self).tell(**{key: value})
            return before(self, key, value_of(key, value))

        return option

    def options(before: Method) -> Method:
        def options(self: Any, **options: Any) -> Any:
            state(self).tell(**options)
            return before(self, **{key: value_of(key, value) for key, value in options.items()})

        return options

    replace(cls, "option", option)
    replace(cls, "options", options)


def remember_format(cls: type) -> None:
    """Let `format` remember; ``delta`` is not passed on, for the JVM does not know it."""

    def make(before: Method) -> Method:
        def format(self: Any, source: str) -> Any:
            state(self)["format"] = source.lower()
            return self if source.lower() == "delta" else before(self, source)

        return format

    replace(cls, "format", make)
