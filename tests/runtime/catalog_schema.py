"""What the tests of statements about catalogs share: a schema of a test's own, and its errors."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from pyspark.errors import AnalysisException, ParseException

from lakebook.runtime import catalog
from lakebook.runtime.catalog import Name

NUMBERS = itertools.count()


def in_schema(spark: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Yield a function that runs a statement in a new schema and returns its rows as tuples."""
    monkeypatch.delenv("LAKEBOOK_USER", raising=False)
    schema = f"statements_{next(NUMBERS)}"
    catalog.use(spark, "main", "default")
    spark.sql(f"CREATE SCHEMA main.{schema}")
    spark.sql(f"USE main.{schema}")

    def run(text: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in spark.sql(text).collect()]

    run.schema = schema  # type: ignore[attr-defined]
    run.columns = lambda text: spark.sql(text).columns  # type: ignore[attr-defined]
    yield run
    catalog.use(spark, "main", "default")
    spark.sql(f"DROP SCHEMA IF EXISTS main.{schema} CASCADE")


def refused(sql: Any, text: str) -> tuple[str, str]:
    """Return condition and message of the error that a statement gives."""
    with pytest.raises((AnalysisException, ParseException)) as raised:
        sql(text)
    return raised.value.getCondition(), str(raised.value)


def pairs(rows: list[tuple[Any, ...]]) -> dict[str, Any]:
    """Return the first two columns as a dictionary."""
    return {row[0]: row[1] for row in rows}


def root(sql: Any, table: str) -> str:
    """Return the folder of a table of the test's schema."""
    location = catalog.require_table(Name("main", sql.schema, table)).location
    assert location is not None
    return location
