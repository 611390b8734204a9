"""A specification applied to one record, without Spark: what `assemble` is to a frame.

Features come from the online tables, the rest is as offline: a column that the record has already
is not looked up, defaults stand in for null, functions of the catalog get what Spark would give
them, and what they return is cast as Spark casts it.

Of a time-series table the newest row is online, whatever time the record has. A look-back is
counted from that time, and from now if the record has none.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from lakebook.ml.feature_engineering.errors import FeatureError, nearest
from lakebook.ml.feature_engineering.online import store
from lakebook.ml.feature_engineering.online.codec import MICRO, WHOLE, Codec, codec
from lakebook.ml.feature_engineering.online.table import OnlineTable, Reader, of_source, stored
from lakebook.ml.feature_engineering.spec import Function, Lookup, Spec
from lakebook.runtime.catalog import grants, routines, securables
from lakebook.runtime.catalog.names import Name, split

DAY = dt.timedelta(days=1) // MICRO
Values = dict[str, Any]  # by column, as SQLite keeps them


class Evaluator:
    """Computes the columns of a specification for records.

    Raises FeatureError if a table is not published or a function is gone.
    """

    def __init__(self, spec: Spec) -> None:
        self._types = {column.name: column.type for column in spec.given}
        self._types |= {feature.output: feature.type for _, feature in spec.sources()}
        self._types |= {function.output: function.type for function in spec.functions}
        self._spelled = {name.lower(): name for name in self._types}
        self._shown = [column.name for column in spec.columns()]
        together: dict[Any, list[Lookup]] = {}
        for lookup in spec.lookups:
            place = (lookup.table_id, lookup.keys, lookup.time, lookup.lookback)
            together.setdefault(place, []).append(lookup)
        self._lookups = [_Lookup(lookups, self._kind) for lookups in together.values()]
        self._functions = [_Function(function, self._kind) for function in spec.functions]

    def _kind(self, column: str) -> Codec:
        return codec(self._types[column])

    def __call__(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return the columns of a record of Python values, in the order of the specification.

        A column of the frame that the record has not, and nothing needs, is left out. Raises
        FeatureError for a column that is needed and missing, and for a value of another type.
        """
        found = self._compute(self._given(record, stored))
        return {name: self._kind(name).load(found[name]) for name in self._shown if name in found}

    def served(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return the same for a record of JSON, as JSON."""
        found = self._compute(self._given(record, _taken))
        return {name: self._kind(name).show(found[name]) for name in self._shown if name in found}

    def _given(
        self, record: Mapping[str, Any], convert: Callable[[Codec, Any, str], Any]
    ) -> Values:
        if not isinstance(record, Mapping):
            raise FeatureError(f"{record!r} is no record; give values by column")
        found = {}
        for given, value in record.items():
            name = self._spelled.get(given.lower())
            if name is not None:
                found[name] = convert(self._kind(name), value, name)
        return found

    def _compute(self, values: Values) -> Values:
        for lookup in self._lookups:
            lookup.add(values)
        for function in self._functions:
            function.add(values)
        return values


def _taken(kind: Codec, value: Any, column: str) -> Any:
    try:
        return kind.take(value)
    except ValueError as error:
        raise FeatureError(f"column '{column}': {error}") from None


def _needed(values: Values, column: str, what: str) -> Any:
    if column not in values:
        raise FeatureError(
            f"the record has no column '{column}', {what}. {nearest(column, values)}".rstrip()
        )
    return values[column]


class _Lookup:
    """Look-ups that one read serves: the same table, key, time and look-back."""

    def __init__(self, lookups: list[Lookup], kind: Callable[[str], Codec]) -> None:
        self._lookup = lookups[0]
        self._features = [
            (feature.output, stored(kind(feature.output), feature.default, feature.output))
            for one in lookups
            for feature in one.features
        ]
        self._outputs = {output for output, _ in self._features}
        self._columns = [feature.name for one in lookups for feature in one.features]
        self._types = {feature.name: feature.type for one in lookups for feature in one.features}
        self._types |= {theirs: kind(ours).kind.simpleString() for theirs, ours in self._pairs}
        self._reader = self._resolve()

    @property
    def _pairs(self) -> list[tuple[str, str]]:
        return [*self._lookup.keys, *([self._lookup.time] if self._lookup.time else [])]

    def _resolve(self) -> Reader:
        table = self._lookup.table
        found = of_source(self._lookup.table_id)
        if not found:
            raise FeatureError(
                f"'{table}' is not published in any online store, and its features are looked up "
                "there. Publish it: publish_table(online_store=get_online_store(name=…), "
                f"source_table_name='{table}', online_table_name='{table}_online')"
            )
        reader = Reader(store.file(found[0].store), found[0].name, self._types)
        self._order = self._keys_of(reader.table)
        places = {column: index for index, column in enumerate(reader.columns)}
        self._places = [places[column] for column in self._columns]
        if self._lookup.time:
            self._time_place = places[self._lookup.time[0]]
        return reader

    def _keys_of(self, table: OnlineTable) -> list[str]:
        """Return the columns of the record in the order of the online table's key."""
        ours = dict(self._lookup.keys)
        if set(ours) != set(table.keys):
            raise FeatureError(
                f"'{table.source}' is looked up by {list(ours)}, and is published by "
                f"{list(table.keys)}; make the training set or feature spec anew"
            )
        return [ours[key] for key in table.keys]

    def add(self, values: Values) -> None:
        """Add the features that the record has not."""
        if values.keys() >= self._outputs:
            return
        row = self._row(values)
        for (output, default), place in zip(self._features, self._places, strict=True):
            if output not in values:
                value = None if row is None else row[place]
                values[output] = default if value is None else value

    def _row(self, values: Values) -> tuple[Any, ...] | None:
        what = f"by which '{self._lookup.table}' is looked up"
        key = [_needed(values, column, what) for column in self._order]
        at = self._lookup.time
        if None in key or (at and values.get(at[1], 0) is None):
            return None
        try:
            row = self._reader(key)
        except FeatureError:
            # It may be published elsewhere since.
            self._reader = self._resolve()
            row = self._reader(key)
        return row if row is None or self._is_fresh(row, values) else None

    def _is_fresh(self, row: tuple[Any, ...], values: Values) -> bool:
        if self._lookup.lookback is None or self._lookup.time is None:
            return True
        theirs, ours = self._lookup.time
        unit = DAY if self._types[theirs] == "date" else 1
        at = values.get(ours, time.time_ns() // 1000 // unit)
        return bool((at - row[self._time_place]) * unit <= self._lookup.lookback // MICRO)


class _Function:
    """A Python function of the catalog, called with columns."""

    def __init__(self, function: Function, kind: Callable[[str], Codec]) -> None:
        self._name, self._output = function.name, function.output
        self._inputs = function.inputs
        self._kind = kind
        row = securables.find(Name(*split(function.name)), "FUNCTION")
        if row is None:
            raise routines.unresolved(Name(*split(function.name)))
        grants.require_on(row, "EXECUTE")
        found = routines.from_row(row)
        self._types = {parameter.name: parameter.type.lower() for parameter in found.parameters}
        for parameter, _ in self._inputs:
            if parameter not in self._types:
                raise FeatureError(
                    f"function '{self._name}' has no parameter '{parameter}' any more; it has "
                    f"{', '.join(self._types) or 'none'}"
                )
        self._call = routines.compiled(found)

    @cached_property
    def _arguments(self) -> list[tuple[str, str, Callable[[Any], Any]]]:
        """Return parameter, column, and what makes the one out of the other's stored value."""
        return [
            (parameter, column, self._given(self._types[parameter], self._kind(column)))
            for parameter, column in self._inputs
        ]

    @staticmethod
    def _given(wanted: str, kind: Codec) -> Callable[[Any], Any]:
        if wanted.startswith("double") and isinstance(kind.kind, WHOLE):
            return lambda value: None if value is None else float(value)
        return kind.load

    def add(self, values: Values) -> None:
        """Add the column of the function unless the record has it."""
        if self._output in values:
            return
        what = f"which function '{self._name}' takes"
        given = {
            parameter: convert(_needed(values, column, what))
            for parameter, column, convert in self._arguments
        }
        kind = self._kind(self._output)
        try:
            values[self._output] = kind.returned(self._call(**given))
        except Exception as error:
            shown = ", ".join(f"{name}={value!r}" for name, value in given.items())
            raise FeatureError(
                f"function '{self._name}' failed for ({shown}): {type(error).__name__}: {error}"
            ) from error
