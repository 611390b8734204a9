"""``spark.sql``, ``spark.table`` and ``spark.catalog``."""

from __future__ import annotations

from typing import Any

from lakebook.runtime.patching import Method, classes, replace
from lakebook.runtime.surface import named


def install() -> None:
    """Replace the methods of both sessions, and what their `catalog` returns."""
    for cls in classes(
        "pyspark.sql.session:SparkSession", "pyspark.sql.connect.session:SparkSession"
    ):
        replace(cls, "sql", _sql)
        replace(cls, "table", _table)
    from lakebook.runtime.surface import catalogs

    catalogs.install()


def _sql(before: Method) -> Method:
    def sql(self: Any, sqlQuery: str, args: Any = None, **kwargs: Any) -> Any:
        from lakebook.runtime.catalog.sql import run
        from lakebook.runtime.surface import spark_sql

        found = run(self, sqlQuery, args, **kwargs)
        return spark_sql(self, sqlQuery, args, **kwargs) if found is None else found

    return sql


def _table(before: Method) -> Method:
    def table(self: Any, tableName: str) -> Any:
        found = named.frame(self, tableName, {})
        return before(self, tableName) if found is None else found

    return table
