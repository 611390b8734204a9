"""Python functions of the catalog, which compute features on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakebook.ml.feature_engineering.errors import FeatureError
from lakebook.runtime.catalog import context, grants, routines, securables

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def require(spark: SparkSession, udf_name: str) -> routines.Function:
    """Return a Python function of the catalog by its name.

    Raises UNRESOLVED_ROUTINE, and FeatureError for one that is written in SQL.
    """
    full = context.resolve_object(spark, udf_name)
    row = securables.find(full, "FUNCTION") if full else None
    if full is None or row is None:
        if full is None:
            raise FeatureError(f"'{udf_name}' is no function of a catalog")
        raise routines.unresolved(full)
    grants.require_on(row, "EXECUTE")
    found = routines.from_row(row)
    if found.language != "PYTHON":
        raise FeatureError(
            f"function '{full}' is written in {found.language}; a feature is computed without "
            "Spark when a model is served, so it must be: CREATE FUNCTION … LANGUAGE PYTHON AS "
            "$$ … $$"
        )
    return found
