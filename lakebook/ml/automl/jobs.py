"""Cancelling Spark jobs of one's own, over a classic session and over Spark Connect."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class Tag:
    """A tag of the jobs that a thread starts between `add` and `remove`; any may `cancel` them."""

    def __init__(self, spark: SparkSession) -> None:
        self.name = f"automl-{uuid.uuid4().hex[:12]}"
        self._add: Callable[[str], Any]
        self._remove: Callable[[str], Any]
        self._cancel: Callable[[str], Any]
        if hasattr(spark, "sparkContext"):
            # A classic session interrupts only what the same thread has tagged.
            context = spark.sparkContext
            self._add, self._remove = context.addJobTag, context.removeJobTag
            self._cancel = context.cancelJobsWithTag
        else:
            self._add, self._remove = spark.addTag, spark.removeTag
            self._cancel = spark.interruptTag

    def add(self) -> None:
        """Tag what this thread starts from now on."""
        self._add(self.name)

    def remove(self) -> None:
        """End what `add` began."""
        self._remove(self.name)

    def cancel(self) -> None:
        """Cancel the tagged jobs that are running."""
        self._cancel(self.name)
