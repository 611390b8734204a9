"""``df.write`` and ``df.writeTo``: Delta by path and by name, with every save mode."""

from __future__ import annotations

from typing import Any

from lakebook.runtime.patching import (
    Method,
    classes,
    names,
    remember_format,
    remember_options,
    replace,
    state,
)
from lakebook.runtime.surface import named

FILES = ("json", "parquet", "text", "csv", "xml", "orc")


def install() -> None:
    """Replace the methods of both writers."""
    for cls in classes(
        "pyspark.sql.readwriter:DataFrameWriter", "pyspark.sql.connect.readwriter:DataFrameWriter"
    ):
        remember_options(cls, translated=("path",))
        remember_format(cls)
        replace(cls, "mode", _mode)
        replace(cls, "partitionBy", _partition_by)
        replace(cls, "clusterBy", _cluster_by)
        replace(cls, "bucketBy", _bucket_by)
        replace(cls, "save", _save)
        replace(cls, "saveAsTable", _save_as_table)
        replace(cls, "insertInto", _insert_into)
        for name in FILES:
            replace(cls, name, _file)
    for cls in classes(
        "pyspark.sql.classic.dataframe:DataFrame", "pyspark.sql.connect.dataframe:DataFrame"
    ):
        replace(cls, "write", _remember_frame)
        replace(cls, "writeTo", _write_to)


def _remember_frame(before: Method) -> Method:
    def write(self: Any) -> Any:
        made = before(self)
        # The writer of Connect keeps the plan and not the frame.
        state(made)["frame"] = self
        return made

    return write


def _mode(before: Method) -> Method:
    def mode(self: Any, saveMode: str | None) -> Any:
        if saveMode is not None:
            state(self)["mode"] = saveMode
        return before(self, saveMode)

    return mode


def _partition_by(before: Method) -> Method:
    def partitionBy(self: Any, *cols: Any) -> Any:
        state(self)["partition_by"] = names(cols)
        return before(self, *cols)

    return partitionBy


def _cluster_by(before: Method) -> Method:
    def clusterBy(self: Any, *cols: Any) -> Any:
        state(self)["cluster_by"] = names(cols)
        return before(self, *cols)

    return clusterBy


def _bucket_by(before: Method) -> Method:
    def bucketBy(self: Any, *buckets: Any) -> Any:
        state(self)["bucketed"] = True
        return before(self, *buckets)

    return bucketBy


def _refuse_buckets(told: Any) -> None:
    from lakebook.runtime.delta.errors import delta_error

    if told.get("bucketed"):
        raise delta_error(
            "DELTA_BUCKETING_NOT_SUPPORTED",
            "Operation not allowed: bucketing is not supported for Delta tables. Leave bucketBy "
            "out; clusterBy or OPTIMIZE … ZORDER BY put like rows together.",
        )


def _file(before: Method) -> Method:
    def write(self: Any, path: str, *more: Any, **options: Any) -> Any:
        from lakebook.runtime.files import spark_path

        return before(self, spark_path(path, writing=True), *more, **options)

    return write


def _tell(writer: Any, format: str | None, mode: str | None, by: Any, options: Any) -> None:
    """Take in what `save` and `saveAsTable` may be told by keyword."""
    if format is not None:
        writer.format(format)
    if mode is not None:
        writer.mode(mode)
    if by is not None:
        writer.partitionBy(by)
    writer.options(**options)


def _save(before: Method) -> Method:
    def save(
        self: Any,
        path: str | None = None,
        format: str | None = None,
        mode: str | None = None,
        partitionBy: Any = None,
        **options: Any,
    ) -> None:
        from lakebook.runtime.delta import write
        from lakebook.runtime.delta.errors import delta_error
        from lakebook.runtime.files import spark_path

        _tell(self, format, mode, partitionBy, options)
        told = state(self)
        # The platform's default format is Delta.
        if told.get("format", "delta") != "delta":
            where = spark_path(path, writing=True) if isinstance(path, str) else path
            return before(self, where)
        where = path if path is not None else told.options.get("path")
        if where is None:
            raise delta_error(
                "DELTA_PATH_MISSING", "'path' is not specified: save to a folder, or saveAsTable."
            )
        _refuse_buckets(told)
        frame = told["frame"]
        given = told.get("mode", "error")
        options = told.options
        if given.lower() == "overwrite":
            options = named.with_session(frame.sparkSession, options)
        write.write(
            frame,
            spark_path(str(where), writing=True).removeprefix("file:"),
            given,
            options=options,
            partition_by=told.get("partition_by", ()),
        )
        return None

    return save


def _save_as_table(before: Method) -> Method:
    def saveAsTable(
        self: Any,
        name: str,
        format: str | None = None,
        mode: str | None = None,
        partitionBy: Any = None,
        **options: Any,
    ) -> None:
        _tell(self, format, mode, partitionBy, options)
        told = state(self)
        frame = told["frame"]
        full = named.target(frame.sparkSession, name)
        if full is None:
            return before(self, _sparks_own(name, told.get("format")))
        _refuse_buckets(told)
        options = told.options
        if told.get("mode", "error").lower() == "overwrite":
            options = named.with_session(frame.sparkSession, options)
        named.save(
            frame,
            full,
            told.get("mode", "error"),
            options=options,
            partition_by=told.get("partition_by", ()),
            format=told.get("format"),
        )
        return None

    return saveAsTable


def _sparks_own(name: str, format: str | None) -> str:
    from lakebook.runtime.delta.errors import delta_error

    if format == "delta":
        raise delta_error(
            "DELTA_NOT_IN_SESSION_CATALOG",
            f"'{name}' is a table of Spark's own catalog, which holds no Delta tables here; name "
            "a schema of a catalog, such as main.default.",
        )
    first, dot, rest = name.partition(".")
    return f"spark_catalog.{rest}" if dot and first.strip("`") == "hive_metastore" else name


def _insert_into(before: Method) -> Method:
    def insertInto(self: Any, tableName: str, overwrite: bool | None = None) -> None:
        told = state(self)
        frame = told["frame"]
        full = named.target(frame.sparkSession, tableName)
        if full is None:
            return before(self, tableName, overwrite)
        if overwrite is None:
            overwrite = told.get("mode", "append").lower() == "overwrite"
        named.insert(frame, full, overwrite, told.options)
        return None

    return insertInto


def _write_to(before: Method) -> Method:
    def writeTo(self: Any, table: str) -> Any:
        full = named.target(self.sparkSession, table)
        return before(self, table) if full is None else TableWriter(self, full)

    return writeTo


class TableWriter:
    """What ``df.writeTo(name)`` returns for a table of a catalog: PySpark's DataFrameWriterV2."""

    def __init__(self, frame: Any, name: Any) -> None:
        self._frame = frame
        self._name = name
        self._options: dict[str, Any] = {}
        self._properties: dict[str, str] = {}
        self._partition_by: list[str] = []
        self._format: str | None = None

    def using(self, provider: str) -> TableWriter:
        """Set the format, which is delta."""
        self._format = provider.lower()
        return self

    def option(self, key: str, value: Any) -> TableWriter:
        """Set an option of the write."""
        self._options[key.lower()] = value
        return self

    def options(self, **options: Any) -> TableWriter:
        """Set several options."""
        for key, value in options.items():
            self.option(key, value)
        return self

    def tableProperty(self, property: str, value: str) -> TableWriter:
        """Set a property of the table to create."""
        self._properties[property] = value
        return self

    def partitionedBy(self, col: Any, *cols: Any) -> TableWriter:
        """Set the partition columns of the table to create; transforms are refused."""
        from lakebook.runtime.delta.errors import delta_error

        for one in (col, *cols):
            name = one if isinstance(one, str) else self._frame.select(one).columns[0]
            if name not in self._frame.columns:
                raise delta_error(
                    "DELTA_UNSUPPORTED_PARTITION_TRANSFORM",
                    f"Partitioning by '{name}' is not supported; add a column with that value "
                    "and partition by its name.",
                )
            self._partition_by.append(name)
        return self

    def clusterBy(self, col: str, *cols: str) -> TableWriter:
        """Accept clustering columns; on a small table they change nothing."""
        return self

    def create(self) -> None:
        """Make the table; it must not exist."""
        self._save("error")

    def createOrReplace(self) -> None:
        """Make the table, or replace its rows and columns."""
        self._replace()

    def replace(self) -> None:
        """Replace the rows and columns of a table that exists."""
        from lakebook.runtime import catalog

        catalog.require_table(self._name)
        self._replace()

    def _replace(self) -> None:
        self._options["overwriteschema"] = "true"
        self._options.pop("partitionoverwritemode", None)
        self._save("overwrite")

    def append(self) -> None:
        """Add the rows to a table that exists; columns are matched by name."""
        from lakebook.runtime import catalog

        catalog.require_table(self._name)
        self._save("append")

    def overwrite(self, condition: Any) -> None:
        """Replace the rows for which the condition is true."""
        from lakebook.runtime import catalog
        from lakebook.runtime.delta import write

        location = named.writable(self._frame.sparkSession, catalog.require_table(self._name))
        write.write(
            self._frame,
            location,
            "overwrite",
            options={**self._options, "replacewhere": condition},
            assign=True,
            table=str(self._name),
        )

    def overwritePartitions(self) -> None:
        """Replace the partitions that the rows belong to."""
        from lakebook.runtime import catalog

        catalog.require_table(self._name)
        self._options["partitionoverwritemode"] = "dynamic"
        self._save("overwrite")

    def _save(self, mode: str) -> None:
        named.save(
            self._frame,
            self._name,
            mode,
            options=self._options,
            partition_by=self._partition_by,
            properties=self._properties,
            format=self._format,
        )
