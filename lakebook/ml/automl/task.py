"""What the trials of one search have in common, as plain data that a worker can be sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lakebook.ml.automl.columns import Column
from lakebook.ml.automl.metrics import Kind, Metric

SPLIT = "_automl_split"
FOLDS = 5


@dataclass(frozen=True)
class Task:
    """A task: the data's place, its columns, how they are split and what is scored.

    `data` is a file of Parquet, or a run's id whose artifacts hold ``data/training.parquet``.
    With `folds` the rows for training and validation are used in turn (cross-validation), dealt
    out `deals` times; without it there is one validation set.
    """

    kind: Kind
    target: str
    run: str
    experiment: str
    columns: tuple[Column, ...]
    imputers: dict[str, tuple[str, Any]]
    metric: Metric
    metric_name: str
    classes: tuple[Any, ...] = ()
    positive: Any = None
    weight: str | None = None
    folds: bool = True
    deals: int = 1
    data: str | None = None
    requirements: tuple[str, ...] = ()
    weighted: bool = False
    extra: dict[str, Any] = field(default_factory=dict)

    def of(self, *kinds: str) -> list[str]:
        """Return the names of the columns of these kinds."""
        return [column.name for column in self.columns if column.kind in kinds]

    @property
    def binary(self) -> bool:
        """Return whether there are two classes."""
        return self.kind == "classify" and len(self.classes) == 2
