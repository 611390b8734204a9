"""``spark.read``: Delta by path and by name, time travel, change data, the platform's paths."""

from __future__ import annotations

import re
from typing import Any

from lakebook.runtime.delta.errors import delta_error
from lakebook.runtime.patching import (
    Method,
    classes,
    remember_format,
    remember_options,
    replace,
    session_of,
    state,
)

FILES = ("json", "parquet", "text", "csv", "xml", "orc")


def install() -> None:
    """Replace the methods of both readers."""
    for cls in classes(
        "pyspark.sql.readwriter:DataFrameReader", "pyspark.sql.connect.readwriter:DataFrameReader"
    ):
        remember_options(cls, translated=("path",))
        remember_format(cls)
        replace(cls, "schema", _schema)
        replace(cls, "load", _load)
        replace(cls, "table", _table)
        replace(cls, "changes", _changes)
        for name in FILES:
            replace(cls, name, _files)


def paths(value: Any) -> Any:
    """Return a path, or a list of paths, as Spark finds them on this machine."""
    from lakebook.runtime.files import spark_path

    if isinstance(value, str):
        return spark_path(value)
    if isinstance(value, list | tuple):
        return [paths(item) for item in value]
    return value  # a frame or an RDD of lines


def _files(before: Method) -> Method:
    def read(self: Any, *where: Any, **options: Any) -> Any:
        for key in ("path", "paths"):
            if key in options:
                options[key] = paths(options[key])
        return before(self, *(paths(item) for item in where[:1]), *_more(where), **options)

    def _more(where: tuple[Any, ...]) -> tuple[Any, ...]:
        # parquet("a", "b") takes many paths, csv("a", schema) one.
        many = before.__name__ in ("parquet",)
        return tuple(paths(item) if many else item for item in where[1:])

    return read


def _schema(before: Method) -> Method:
    def schema(self: Any, schema: Any) -> Any:
        state(self)["schema"] = schema
        return before(self, schema)

    return schema


def _load(before: Method) -> Method:
    def load(
        self: Any, path: Any = None, format: str | None = None, schema: Any = None, **options: Any
    ) -> Any:
        told = state(self)
        if format is not None:
            self.format(format)
            format = None
        self.options(**options)
        where = path if path is not None else told.options.get("path")
        if told.get("format") == "delta" or ("format" not in told and _delta_at(where)):
            if schema is not None or "schema" in told:
                raise delta_error(
                    "DELTA_UNSUPPORTED_SCHEMA_DURING_READ",
                    "Delta does not support specifying the schema at read time: the table's log "
                    "has it. Leave schema() out, and cast columns afterwards.",
                )
            return path_frame(session_of(self), where, told.options)
        return before(self, paths(path), format, schema)

    return load


def _delta_at(where: Any) -> bool:
    """Delta is the platform's default format, so a load without one reads it where it is."""
    from lakebook.runtime.delta.snapshot import is_delta

    return isinstance(where, str) and "://" not in where and is_delta(local_root(where))


def local_root(where: str) -> str:
    """Return the folder of a table's path."""
    return str(paths(where)).removeprefix("file:")


def path_frame(spark: Any, where: Any, options: dict[str, Any]) -> Any:
    """Return the frame of the table at a path, which may end in a version such as ``@v3``."""
    if isinstance(where, list | tuple) and len(where) == 1:
        where = where[0]
    if not isinstance(where, str):
        raise delta_error(
            "DELTA_PATH_MISSING", "'path' is not specified: load one folder that holds a table."
        )
    path, version = _with_version(where)
    return delta_frame(spark, local_root(path), options | version)


def _with_version(where: str) -> tuple[str, dict[str, Any]]:
    """Return the path and the version of ``path@v3``, unless a table has that very name."""
    from lakebook.runtime.delta.snapshot import is_delta

    found = re.fullmatch(r"(.+)@v(\d+)", where)
    if found is None or is_delta(local_root(where)):
        return where, {}
    return found[1], {"versionasof": found[2]}


def delta_frame(spark: Any, root: str, options: dict[str, Any]) -> Any:
    """Return the frame of a table for the options of a reader, their names in lower case."""
    from lakebook.runtime.delta import read
    from lakebook.runtime.delta.snapshot import Snapshot

    if str(options.get("readchangefeed", options.get("readchangedata"))).lower() == "true":
        from lakebook.runtime.delta import changes

        return changes.frame(spark, root, options)
    snapshot = Snapshot.open(
        root, version=options.get("versionasof"), timestamp=options.get("timestampasof")
    )
    return read.frame(spark, snapshot)


def _table(before: Method) -> Method:
    def table(self: Any, tableName: str) -> Any:
        from lakebook.runtime.surface import named

        found = named.frame(session_of(self), tableName, state(self).options)
        return before(self, tableName) if found is None else found

    return table


def _changes(before: Method) -> Method:
    def changes(self: Any, tableName: str) -> Any:
        from lakebook.runtime.surface import named

        told = {**state(self).options, "readchangefeed": "true"}
        found = named.frame(session_of(self), tableName, told)
        return before(self, tableName) if found is None else found

    return changes
