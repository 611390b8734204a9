"""``spark.readStream`` and ``df.writeStream``: Delta as a source and as a sink."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from lakebook.runtime.patching import (
    Method,
    classes,
    names,
    original,
    remember_options,
    replace,
    session_of,
    state,
)
from lakebook.runtime.surface import named
from lakebook.runtime.surface.readers import FILES, paths


def install() -> None:
    """Replace the methods of the stream readers and writers."""
    for cls in classes(
        "pyspark.sql.streaming.readwriter:DataStreamReader",
        "pyspark.sql.connect.streaming.readwriter:DataStreamReader",
    ):
        remember_options(cls, translated=("path",))
        replace(cls, "format", _reader_format)
        replace(cls, "load", _load)
        replace(cls, "table", _reader_table)
        for name in FILES:
            replace(cls, name, _file)
    for cls in classes(
        "pyspark.sql.streaming.readwriter:DataStreamWriter",
        "pyspark.sql.connect.streaming.readwriter:DataStreamWriter",
    ):
        remember_options(cls, translated=("path", "checkpointlocation"))
        for name in ("format", "outputMode", "partitionBy", "queryName"):
            replace(cls, name, functools.partial(_remember, name))
        replace(cls, "foreachBatch", _foreach_batch)
        replace(cls, "start", _start)
        replace(cls, "toTable", _to_table)
    for cls in classes(
        "pyspark.sql.classic.dataframe:DataFrame", "pyspark.sql.connect.dataframe:DataFrame"
    ):
        replace(cls, "writeStream", _remember_frame)


def offer_source(spark: Any) -> None:
    """Register the data source ``delta`` with a session, once."""
    if spark.__dict__.get("_lakebook_source"):
        return
    from lakebook.runtime.delta.source import DeltaSource

    spark.dataSource.register(DeltaSource)
    spark.__dict__["_lakebook_source"] = True


def _remember_frame(before: Method) -> Method:
    def writeStream(self: Any) -> Any:
        made = before(self)
        state(made)["frame"] = self
        return made

    return writeStream


def _reader_format(before: Method) -> Method:
    def format(self: Any, source: str) -> Any:
        state(self)["format"] = source.lower()
        if source.lower() == "delta":
            offer_source(session_of(self))
        if source.lower() == "cloudfiles":
            return self
        return before(self, source)

    return format


def _load(before: Method) -> Method:
    def load(
        self: Any, path: Any = None, format: str | None = None, schema: Any = None, **options: Any
    ) -> Any:
        if format is not None:
            self.format(format)
        if schema is not None:
            self.schema(schema)
        self.options(**options)
        if state(self).get("format") == "cloudfiles":
            _as_files(self)
        return before(self, paths(path) if path is not None else None)

    return load


def _as_files(reader: Any) -> None:
    """Auto Loader's place is taken by Spark's own file source, which also reads a file once."""
    from lakebook.errors import LakebookError

    told = state(reader)
    kind = told.options.get("cloudfiles.format")
    if not kind:
        raise LakebookError(
            "cloudFiles needs .option('cloudFiles.format', …): json, csv, parquet, text or orc"
        )
    original(type(reader), "format")(reader, kind)


def _file(before: Method) -> Method:
    def read(self: Any, path: Any, *more: Any, **options: Any) -> Any:
        return before(self, paths(path), *more, **options)

    return read


def _reader_table(before: Method) -> Method:
    def table(self: Any, tableName: str) -> Any:
        from lakebook.runtime import catalog

        spark = session_of(self)
        full = catalog.resolve(spark, tableName)
        if full is None:
            return before(self, tableName)
        catalog.require(spark, full, "SELECT")
        found = catalog.require_table(full)
        if found.format != "delta" or not found.location:
            from lakebook.runtime.delta.errors import delta_error

            raise delta_error(
                "DELTA_STREAM_FROM_VIEW",
                f"{full} is not a Delta table; a stream reads a table, not a view.",
            )
        return self.format("delta").load(found.location)

    return table


def _remember(name: str, before: Method) -> Method:
    def method(self: Any, *values: Any) -> Any:
        told = state(self)
        if name == "partitionBy":
            # Spark refuses partitions beside foreachBatch, by which a stream comes into Delta.
            told[name] = names(values)
            return self
        told[name] = values[0]
        if name == "format":
            told[name] = values[0].lower()
            if told[name] == "delta":
                return self
        return before(self, *values)

    return method


def _pass_partitions_on(writer: Any) -> None:
    if columns := state(writer).get("partitionBy"):
        original(type(writer), "partitionBy")(writer, *columns)


def _foreach_batch(before: Method) -> Method:
    def foreachBatch(self: Any, func: Callable[[Any, int], None]) -> Any:
        from lakebook.runtime import catalog

        told = state(self)
        told["format"] = "foreachbatch"
        return before(self, InSession(func, catalog.current(told["frame"].sparkSession)))

    return foreachBatch


class InSession:
    """A function of a batch, which runs in a session of its own, over Connect in another process.

    That session is prepared first, and stands in the catalog and schema of the one that started
    the stream.
    """

    def __init__(self, function: Callable[[Any, int], None], where: tuple[str, str]) -> None:
        self._function = function
        self._where = where

    def __call__(self, batch: Any, number: int) -> None:
        """Run the function on one batch."""
        from lakebook.runtime.catalog import context
        from lakebook.runtime.surface import install

        install(batch.sparkSession)
        context.stand(batch.sparkSession, *self._where)
        self._function(batch, number)


def _tell(writer: Any, format: Any, mode: Any, by: Any, query: Any, options: Any) -> None:
    if format is not None:
        writer.format(format)
    if mode is not None:
        writer.outputMode(mode)
    if by is not None:
        writer.partitionBy(by)
    if query is not None:
        writer.queryName(query)
    writer.options(**options)


def _start(before: Method) -> Method:
    def start(
        self: Any,
        path: str | None = None,
        format: str | None = None,
        outputMode: str | None = None,
        partitionBy: Any = None,
        queryName: str | None = None,
        **options: Any,
    ) -> Any:
        from lakebook.runtime.files import spark_path

        _tell(self, format, outputMode, partitionBy, queryName, options)
        told = state(self)
        where = path if path is not None else told.options.get("path")
        # The platform's default format is Delta.
        if told.get("format") == "delta" or ("format" not in told and where is not None):
            root = spark_path(str(where), writing=True).removeprefix("file:") if where else None
            return _into_delta(self, before, root, None)
        _pass_partitions_on(self)
        return before(self, spark_path(path, writing=True) if path is not None else None)

    return start


def _to_table(before: Method) -> Method:
    def toTable(
        self: Any,
        tableName: str,
        format: str | None = None,
        outputMode: str | None = None,
        partitionBy: Any = None,
        queryName: str | None = None,
        **options: Any,
    ) -> Any:
        from lakebook.runtime import catalog

        _tell(self, format, outputMode, partitionBy, queryName, options)
        told = state(self)
        frame = told["frame"]
        spark = frame.sparkSession
        full = named.target(spark, tableName)
        if full is None:
            _pass_partitions_on(self)
            return before(self, tableName)
        if told.get("format", "delta") != "delta":
            raise named.not_delta(full, told["format"])
        found = catalog.find(full)
        if found is None:
            found = catalog.create_table(
                spark,
                tuple(full),
                frame.schema,
                partition_by=told.get("partitionBy", ()),
                location=told.options.get("path"),
                if_not_exists=True,
            )
        return _into_delta(self, original(type(self), "start"), named.writable(spark, found), full)

    return toTable


def _into_delta(writer: Any, start: Method, root: str | None, table: Any) -> Any:
    from lakebook.runtime.delta import sink

    told = state(writer)
    batch = sink.prepare(
        root,
        told.options,
        told.get("outputMode", "append"),
        told.get("partitionBy", ()),
        str(table) if table else None,
    )
    original(type(writer), "foreachBatch")(writer, batch)
    return start(writer)
