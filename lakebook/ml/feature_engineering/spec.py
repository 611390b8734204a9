"""The feature specification: where each column that a model sees comes from.

It is made once, when a training set is, and goes with the model. Training, batch scoring and the
online store all follow this one specification, so they cannot differ.
"""

from __future__ import annotations

import base64
import datetime
import decimal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import yaml

from lakebook.errors import LakebookError
from lakebook.ml.feature_engineering.errors import FeatureError

FILE = "feature_spec.yaml"  # beside the MLmodel of a model
VERSION = 1


@dataclass(frozen=True)
class Column:
    """A column and its Spark type, such as ``bigint``."""

    name: str
    type: str


@dataclass(frozen=True)
class Feature:
    """A column of a feature table, the name under which it is added, and what null becomes."""

    name: str
    output: str
    type: str
    default: Any = None


@dataclass(frozen=True)
class Lookup:
    """Features of one table by a key: the pairs are (column of the table, column of the frame).

    `table` is the full name, `table_id` tells a table from a later one of the same name. With
    `time` a row gets the last values at or before its time, not older than `lookback`.
    """

    table: str
    table_id: str
    keys: tuple[tuple[str, str], ...]
    features: tuple[Feature, ...]
    time: tuple[str, str] | None = None
    lookback: datetime.timedelta | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        """Return the columns of the frame by which it looks up."""
        return tuple(ours for _, ours in self.keys) + ((self.time[1],) if self.time else ())


@dataclass(frozen=True)
class Function:
    """A function of the catalog, the column for each of its parameters, the column it makes."""

    name: str
    inputs: tuple[tuple[str, str], ...]
    output: str
    type: str


@dataclass(frozen=True)
class Spec:
    """All of it: the columns of the frame, look-ups and functions in their order, the rest.

    `given` are the columns that the frame had, labels among them, with their types. `exclude` are
    columns that serve as keys or inputs and that the model does not see.
    """

    given: tuple[Column, ...]
    lookups: tuple[Lookup, ...]
    functions: tuple[Function, ...]
    label: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def columns(self) -> list[Column]:
        """Return the columns of the training set in their order, labels included."""
        found = [*self.given]
        for lookup in self.lookups:
            found += [Column(feature.output, feature.type) for feature in lookup.features]
        found += [Column(function.output, function.type) for function in self.functions]
        return [column for column in found if column.name not in self.exclude]

    def inputs(self) -> list[Column]:
        """Return the columns that the model sees, in their order."""
        return [column for column in self.columns() if column.name not in self.label]

    def needed(self) -> list[str]:
        """Return the columns that must be there to score: keys, times, and what no table has."""
        made = {feature.output for lookup in self.lookups for feature in lookup.features}
        made |= {function.output for function in self.functions}
        wanted = [name for lookup in self.lookups for name in lookup.needs]
        wanted += [column for f in self.functions for _, column in f.inputs if column not in made]
        wanted += [column.name for column in self.inputs() if column.name not in made]
        return list(dict.fromkeys(wanted))

    def sources(self) -> Iterator[tuple[Lookup, Feature]]:
        """Return each feature with the look-up that it comes from."""
        for lookup in self.lookups:
            for feature in lookup.features:
                yield lookup, feature

    def without(self, outputs: Sequence[str]) -> Spec:
        """Return the specification that leaves these columns alone: the frame has them already."""
        left = set(outputs)
        lookups = [
            replace(lookup, features=tuple(f for f in lookup.features if f.output not in left))
            for lookup in self.lookups
        ]
        return replace(
            self,
            lookups=tuple(lookup for lookup in lookups if lookup.features),
            functions=tuple(f for f in self.functions if f.output not in left),
        )


def to_yaml(spec: Spec) -> str:
    """Return a specification as text, which `from_yaml` reads."""
    content = {
        "format_version": VERSION,
        "given": [{"name": c.name, "type": c.type} for c in spec.given],
        "lookups": [_lookup(lookup) for lookup in spec.lookups],
        "functions": [
            {"name": f.name, "inputs": dict(f.inputs), "output": f.output, "type": f.type}
            for f in spec.functions
        ],
        "label": list(spec.label),
        "exclude": list(spec.exclude),
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def _lookup(lookup: Lookup) -> dict[str, Any]:
    found: dict[str, Any] = {
        "table": lookup.table,
        "table_id": lookup.table_id,
        "keys": [{"table": theirs, "frame": ours} for theirs, ours in lookup.keys],
    }
    if lookup.time:
        found["time"] = {"table": lookup.time[0], "frame": lookup.time[1]}
    if lookup.lookback is not None:
        micro = datetime.timedelta(microseconds=1)
        found["lookback_microseconds"] = lookup.lookback // micro
    found["features"] = [
        {"name": f.name, "output": f.output, "type": f.type}
        | ({} if f.default is None else {"default": _tagged(f.default)})
        for f in lookup.features
    ]
    return found


def from_yaml(text: str, source: str) -> Spec:
    """Return the specification of a text; `source` names it in the error of a damaged one."""
    try:
        content = yaml.safe_load(text)
        if content["format_version"] > VERSION:
            raise FeatureError(
                f"{source} has format {content['format_version']}, and this Lakebook knows "
                f"{VERSION}; update Lakebook"
            )
        return Spec(
            given=tuple(Column(**entry) for entry in content["given"]),
            lookups=tuple(_read_lookup(entry) for entry in content["lookups"]),
            functions=tuple(
                Function(e["name"], tuple(e["inputs"].items()), e["output"], e["type"])
                for e in content["functions"]
            ),
            label=tuple(content["label"]),
            exclude=tuple(content["exclude"]),
        )
    except LakebookError:
        raise
    except Exception as error:
        raise FeatureError(
            f"{source} is not a feature specification ({type(error).__name__}: {error}); log the "
            "model again with log_model"
        ) from error


def _read_lookup(entry: dict[str, Any]) -> Lookup:
    time, back = entry.get("time"), entry.get("lookback_microseconds")
    return Lookup(
        table=entry["table"],
        table_id=entry["table_id"],
        keys=tuple((pair["table"], pair["frame"]) for pair in entry["keys"]),
        features=tuple(
            Feature(e["name"], e["output"], e["type"], _untagged(e.get("default")))
            for e in entry["features"]
        ),
        time=(time["table"], time["frame"]) if time else None,
        lookback=None if back is None else datetime.timedelta(microseconds=back),
    )


def _tagged(value: Any) -> Any:
    """Return a default as YAML keeps it exactly; what it does not know goes by its type's name."""
    if isinstance(value, decimal.Decimal):
        return {"decimal": str(value)}
    if isinstance(value, bytes | bytearray):
        return {"binary": base64.b64encode(value).decode("ascii")}
    if isinstance(value, datetime.datetime | datetime.date):
        kind = "timestamp" if isinstance(value, datetime.datetime) else "date"
        return {kind: value.isoformat()}
    if isinstance(value, list | tuple):
        return [_tagged(one) for one in value]
    if isinstance(value, dict):
        return {"map": [[_tagged(k), _tagged(v)] for k, v in value.items()]}
    return value


def _untagged(value: Any) -> Any:
    if isinstance(value, list):
        return [_untagged(one) for one in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "map":
        return {_untagged(k): _untagged(v) for k, v in content}
    if kind == "timestamp":
        return datetime.datetime.fromisoformat(content)
    if kind == "date":
        return datetime.date.fromisoformat(content)
    return decimal.Decimal(content) if kind == "decimal" else base64.b64decode(content)
