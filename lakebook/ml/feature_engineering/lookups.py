"""What a training set asks for: features looked up by a key, and features computed on demand.

Public names and arguments: https://docs.databricks.com/machine-learning/feature-store/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from lakebook.ml.feature_engineering.errors import FeatureError


class FeatureLookup:
    """Features of one table, found by a key of the frame that they are added to.

    `lookup_key` names columns of that frame, in the order of the table's primary key. Without
    `feature_names` all columns but the key are taken. `rename_outputs` gives a feature another
    name; `default_values`, by that name, stands in for null. `timestamp_lookup_key` names the
    column whose time a row is asked for: the value is then the last one at or before that time,
    and with `lookback_window` not older than this (both limits belong to the window).

    Raises FeatureError for arguments that do not fit together.
    """

    def __init__(
        self,
        table_name: str,
        lookup_key: str | Sequence[str],
        *,
        feature_names: str | Sequence[str] | None = None,
        rename_outputs: Mapping[str, str] | None = None,
        timestamp_lookup_key: str | None = None,
        lookback_window: timedelta | None = None,
        default_values: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs:
            raise FeatureError(
                f"FeatureLookup does not know {', '.join(map(repr, kwargs))}; it takes "
                "feature_names, rename_outputs, timestamp_lookup_key, lookback_window and "
                "default_values"
            )
        if not table_name or not isinstance(table_name, str):
            raise FeatureError(f"table_name is {table_name!r}; give catalog.schema.table as text")
        self.table_name = table_name
        self.lookup_key = names(lookup_key, "lookup_key")
        if not self.lookup_key:
            raise FeatureError(f"the look-up in '{table_name}' has an empty lookup_key")
        self.feature_names = None if feature_names is None else names(feature_names, "feature")
        self.rename_outputs = dict(rename_outputs or {})
        if isinstance(timestamp_lookup_key, list | tuple) and len(timestamp_lookup_key) == 1:
            timestamp_lookup_key = timestamp_lookup_key[0]
        if timestamp_lookup_key is not None and not isinstance(timestamp_lookup_key, str):
            raise FeatureError(
                f"timestamp_lookup_key is {timestamp_lookup_key!r}; give the name of one column"
            )
        self.timestamp_lookup_key = timestamp_lookup_key
        self.lookback_window = _window(table_name, lookback_window, timestamp_lookup_key)
        self.default_values = dict(default_values or {})

    def __repr__(self) -> str:
        key = self.lookup_key[0] if len(self.lookup_key) == 1 else self.lookup_key
        told = "".join(
            f", {name}={value!r}"
            for name, value in vars(self).items()
            if value and name not in ("table_name", "lookup_key")
        )
        return f"FeatureLookup({self.table_name!r}, {key!r}{told})"


class FeatureFunction:
    """A feature that a Python function of the catalog computes, at training and at serving.

    `udf_name` is its name of three levels; `input_bindings` says which column each parameter
    takes, a column of the same name where it says nothing. The column is called `output_name`,
    else as the function.
    """

    def __init__(
        self,
        *,
        udf_name: str,
        input_bindings: Mapping[str, str] | None = None,
        output_name: str | None = None,
    ) -> None:
        if not udf_name or not isinstance(udf_name, str):
            raise FeatureError(f"udf_name is {udf_name!r}; give catalog.schema.function as text")
        self.udf_name = udf_name.lower()
        self.input_bindings = dict(input_bindings or {})
        self.output_name = output_name or self.udf_name

    def __repr__(self) -> str:
        return (
            f"FeatureFunction(udf_name={self.udf_name!r}, input_bindings={self.input_bindings!r}, "
            f"output_name={self.output_name!r})"
        )


def names(given: str | Sequence[str] | None, what: str) -> list[str]:
    """Return one name or several as a list. Raises FeatureError for anything else."""
    found = [given] if isinstance(given, str) else list(given or [])
    for one in found:
        if not isinstance(one, str) or not one:
            raise FeatureError(f"{what} {one!r} is no name of a column")
    return found


def _window(table: str, window: Any, time: str | None) -> timedelta | None:
    if window is None:
        return None
    if not isinstance(window, timedelta):
        raise FeatureError(
            f"lookback_window is {window!r}; give a datetime.timedelta, such as timedelta(days=7)"
        )
    if window < timedelta(0):
        raise FeatureError(f"lookback_window is {window}, which is negative")
    if time is None:
        raise FeatureError(
            f"the look-up in '{table}' has a lookback_window and no timestamp_lookup_key, from "
            "whose time it would look back"
        )
    return window
