"""DELETE and UPDATE: Spark finds the files that hold such rows and rewrites only those."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lakebook.runtime.delta import columns, errors, features, log, read, schemas, stage
from lakebook.runtime.delta.errors import delta_error
from lakebook.runtime.delta.log import Actions, Add
from lakebook.runtime.delta.snapshot import Snapshot

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession
    from pyspark.sql.types import StructType

FILE, ROW = "__file", "__row"
MATCH = "__match"
OLD = "__old"
CHANGE = "_change_type"


@dataclass(frozen=True)
class Target:
    """The version of a table that one operation reads, and what its expressions call it."""

    spark: SparkSession
    snapshot: Snapshot
    alias: str | None = None
    name: str = ""

    @classmethod
    def open(
        cls, spark: SparkSession, root: str, alias: str | None = None, name: str | None = None
    ) -> Target:
        """Return the newest version of the table at `root`.

        Raises DeltaError if there is none, or it holds columns that only the platform computes.
        """
        snapshot = Snapshot.open(root)
        features.refuse_unknown(snapshot)
        return cls(spark, snapshot, alias, name or f"delta.`{snapshot.root}`")

    @property
    def schema(self) -> StructType:
        """Return the columns of the table."""
        return self.snapshot.schema

    @property
    def feeds(self) -> bool:
        """Return whether the table records what changes (change data feed)."""
        value = self.snapshot.configuration.get("delta.enableChangeDataFeed", "false")
        return value.lower() == "true"

    def refuse_if_append_only(self) -> None:
        """Raise DeltaError if the table may only grow."""
        if self.snapshot.configuration.get("delta.appendOnly", "false").lower() == "true":
            raise delta_error(
                "DELTA_CANNOT_MODIFY_APPEND_ONLY",
                f"This table is configured to only allow appends: {self.name}. To change rows, "
                "set the table property 'delta.appendOnly' to false.",
            )

    def frame(self, files: Sequence[Add] | None = None, **extra: Column) -> DataFrame:
        """Return the rows with the place of each (file, number in it), under the alias."""
        found = read.frame(self.spark, self.snapshot, files, {FILE: "file_path", ROW: "row_index"})
        if extra:
            found = found.withColumns(extra)
        return found.alias(self.alias) if self.alias else found

    def file(self, uri: str) -> Add:
        """Return the file that Spark calls `uri`."""
        return self._by_place[stage.local_path(uri)]

    @cached_property
    def _by_place(self) -> Mapping[str, Add]:
        return {stage.place(self.snapshot.root, file): file for file in self.snapshot.files()}

    def count(self, files: Sequence[Add]) -> int:
        """Return how many rows the files hold; they are read only if the log does not say."""
        if any(file.rows is None for file in files):
            return read.frame(self.spark, self.snapshot, files).count()
        return sum(file.rows or 0 for file in files)

    def whole_partitions(self, condition: Column) -> list[Add] | None:
        """Return the files of the partitions for which the condition holds, without reading them.

        None if it speaks of anything but partition columns.
        """
        from pyspark.errors import AnalysisException
        from pyspark.sql import functions as F

        parts = self.snapshot.partition_columns
        files = self.snapshot.files()
        if not parts or not files or self._speaks_of_data(condition):
            return None
        types = {f.name: f.dataType for f in self.schema.fields}
        values = {tuple(file.partition_values[name] for name in parts): 0 for file in files}
        rows = [(index, *value) for index, value in enumerate(values)]
        kinds = ", ".join(["__index int", *(f"__{i} string" for i in range(len(parts)))])
        frame = self.spark.createDataFrame(rows, kinds).select(
            "__index", *[F.col(f"__{i}").cast(types[p]).alias(p) for i, p in enumerate(parts)]
        )
        if self.alias:
            frame = frame.alias(self.alias)
        try:
            found = {row[0] for row in frame.filter(condition).select("__index").collect()}
        except AnalysisException:
            return None
        chosen = {value for index, value in enumerate(values) if index in found}
        return [f for f in files if tuple(f.partition_values[name] for name in parts) in chosen]

    def _speaks_of_data(self, condition: Column) -> bool:
        """Return whether the name of a column that is no partition's stands in the condition."""
        said = columns.text(condition)
        return any(
            re.search(rf"(?<!\w){re.escape(name)}(?!\w)", said, re.I)
            for name in self.schema.names
            if name not in self.snapshot.partition_columns
        )

    def holding(self, condition: Column) -> dict[str, int]:
        """Return how many rows satisfy the condition in each file that has some, by path."""
        hits = self.frame().filter(condition).groupBy(FILE).count().collect()
        return {self.file(row[FILE]).path: row["count"] for row in hits}

    def checked(self, rows: DataFrame, schema: StructType | None = None) -> DataFrame:
        """Return the rows; one that breaks a constraint of the table stops the write."""
        return schemas.constrained(
            rows, schema or self.schema, self.snapshot.configuration, self.name
        )

    def stage(self, rows: DataFrame) -> list[Add]:
        """Write rows as files of the table that no version has yet."""
        return stage.stage(rows, self.snapshot.root, self.snapshot.partition_columns)


@dataclass
class Rewrite:
    """Files that go and files that come, and what happened to the rows."""

    removes: list[Add] = field(default_factory=list)
    adds: list[Add] = field(default_factory=list)
    cdc: list[Add] = field(default_factory=list)
    rows: int = 0
    partitions_only: bool = False
    seconds: list[float] = field(default_factory=lambda: [time.time()])

    def lap(self) -> None:
        """Note the end of a part of the work."""
        self.seconds.append(time.time())

    def times(self) -> dict[str, int]:
        """Return how long the operation took, ms: altogether, finding rows, writing them."""
        start, scanned, *rest = [*self.seconds, time.time()]
        end = rest[-1] if rest else scanned
        return {
            "executionTimeMs": int((end - start) * 1000),
            "scanTimeMs": int((scanned - start) * 1000),
            "rewriteTimeMs": int((end - scanned) * 1000),
        }


def delete(
    spark: SparkSession,
    root: str,
    condition: columns.Expression | None = None,
    *,
    alias: str | None = None,
    name: str | None = None,
) -> dict[str, int]:
    """Delete the rows for which the condition is true; return ``{"num_affected_rows": …}``.

    Raises DeltaError or Spark's AnalysisException; the table is then as it was.
    """
    target = Target.open(spark, root, alias, name)
    target.refuse_if_append_only()
    done = Rewrite()
    with staged(root) as keep:
        if condition is None:
            done.removes = target.snapshot.files()
        else:
            columns.steady(condition, "DELETE")
            _delete(target, columns.column(condition, "'condition'"), done, keep)
        done.rows = done.rows or target.count(done.removes)
        if done.removes:
            _commit(target, "DELETE", condition, done, "numDeletedRows")
    return {"num_affected_rows": done.rows}


def _delete(target: Target, condition: Column, done: Rewrite, keep: list[Add]) -> None:
    from pyspark.sql import functions as F

    whole = target.whole_partitions(condition)
    if whole is not None:
        done.removes, done.partitions_only = whole, True
        done.lap()
        return
    hits = target.holding(condition)
    done.lap()
    done.removes = [file for file in target.snapshot.files() if file.path in hits]
    done.rows = sum(hits.values())
    partly = [file for file in done.removes if file.rows != hits[file.path]]
    if not partly:
        return
    rows = target.frame(partly).filter(~F.coalesce(condition, F.lit(False)))
    done.adds = target.stage(rows.select(*own(target.schema)))
    keep += done.adds
    if target.feeds:
        gone = target.frame(done.removes).filter(condition)
        done.cdc = target.stage(change(gone.select(*own(target.schema)), "delete"))
        keep += done.cdc


def update(
    spark: SparkSession,
    root: str,
    values: Mapping[str, columns.Expression],
    condition: columns.Expression | None = None,
    *,
    alias: str | None = None,
    name: str | None = None,
) -> dict[str, int]:
    """Set columns of the rows for which the condition is true, all rows without one.

    Returns ``{"num_affected_rows": …}``. Raises as `delete` does.
    """
    target = Target.open(spark, root, alias, name)
    target.refuse_if_append_only()
    same = columns.same_name(spark)
    sets: dict[tuple[str, ...], Column] = {}
    for key, value in values.items():
        path = columns.find_field(target.schema, key, alias, same)
        if path is None:
            raise _unknown_column(key, target.schema)
        if tuple(path) in sets:
            raise columns.set_twice(path)
        sets[tuple(path)] = columns.column(value, "'set'")
    if condition is not None:
        columns.steady(condition, "UPDATE")
    given = None if condition is None else columns.column(condition, "'condition'")
    done = Rewrite()
    with staged(root) as keep:
        _update(target, sets, given, done, keep)
        if done.removes:
            _commit(target, "UPDATE", condition, done, "numUpdatedRows")
    return {"num_affected_rows": done.rows}


def _update(
    target: Target,
    sets: Mapping[tuple[str, ...], Column],
    condition: Column | None,
    done: Rewrite,
    keep: list[Add],
) -> None:
    from pyspark.sql import functions as F

    condition = F.lit(True) if condition is None else condition
    # Types alone are asked for, which one file knows as well as all.
    new = columns.assigned(
        target.frame(target.snapshot.files()[:1]).filter(condition),
        target.schema,
        sets,
        lambda column: F.col(columns.quoted(column)),
        same=columns.same_name(target.spark),
    )
    whole = target.whole_partitions(condition)
    if whole is None:
        hits = target.holding(condition)
        done.removes = [file for file in target.snapshot.files() if file.path in hits]
        done.rows = sum(hits.values())
    else:
        done.removes, done.partitions_only = whole, True
        done.rows = target.count(whole)
    done.lap()
    if not done.removes:
        return
    match = F.coalesce(condition, F.lit(False))
    rows = target.frame(done.removes).withColumn(MATCH, match)
    if not target.feeds:
        mixed = [
            F.when(F.col(MATCH), value).otherwise(old).alias(f.name)
            for f, value, old in zip(target.schema.fields, new, own(target.schema), strict=True)
        ]
        done.adds = target.stage(target.checked(rows.select(*mixed)))
        keep += done.adds
        return
    # Data and change files must hold the same values, so each is computed once.
    before = F.struct(*own(target.schema)).alias(OLD)
    changed = rows.filter(MATCH).select(before, *new).persist()
    try:
        after = changed.select(*own(target.schema))
        kept = rows.filter(~F.col(MATCH)).select(*own(target.schema))
        done.adds = target.stage(target.checked(kept.unionAll(after)))
        keep += done.adds
        done.cdc = target.stage(
            change(changed.select(f"{OLD}.*"), "update_preimage").unionAll(
                change(after, "update_postimage")
            )
        )
        keep += done.cdc
    finally:
        changed.unpersist()


def _commit(
    target: Target,
    operation: str,
    condition: columns.Expression | None,
    done: Rewrite,
    counted: str,
) -> None:
    done.lap()
    written = sum(file.rows or 0 for file in done.adds)
    changed = done.rows if operation == "UPDATE" else 0
    # Whole partitions are chosen by the log alone: what happens to other files is no concern.
    read = done.removes if done.partitions_only else target.snapshot.files()
    log.commit(
        target.snapshot.root,
        Actions(
            read_version=target.snapshot.version,
            operation=operation,
            adds=done.adds,
            removes=done.removes,
            cdc=done.cdc,
            parameters={"predicate": [columns.text(condition)]},
            metrics={
                "numRemovedFiles": len(done.removes),
                "numRemovedBytes": sum(file.size for file in done.removes),
                "numAddedFiles": len(done.adds),
                "numAddedBytes": sum(file.size for file in done.adds),
                "numAddedChangeFiles": len(done.cdc),
                counted: done.rows,
                "numCopiedRows": written - changed,
                **done.times(),
            },
            reads=frozenset(file.path for file in read),
            reads_all=True,
        ),
    )


def own(schema: StructType) -> list[Column]:
    """Return references to the columns of a table, safe for any name."""
    from pyspark.sql import functions as F

    return [F.col(columns.quoted(field.name)) for field in schema.fields]


def change(rows: DataFrame, kind: str) -> DataFrame:
    """Return rows as the change data feed keeps them."""
    from pyspark.sql import functions as F

    return rows.withColumn(CHANGE, F.lit(kind))


@contextlib.contextmanager
def staged(root: str) -> Iterator[list[Add]]:
    """Collect files written for a commit; if it does not come about, they are deleted.

    An error that a task raised for Delta comes out as the DeltaError that it is.
    """
    written: list[Add] = []
    try:
        yield written
    except BaseException as error:
        stage.discard(root, written)
        if isinstance(error, Exception) and not isinstance(error, errors.DeltaError):
            raised = errors.from_task(error)
            if raised is not None:
                raise raised from None
        raise


def _unknown_column(name: str, schema: StructType) -> errors.DeltaError:
    known = ", ".join(f"`{column}`" for column in schema.names)
    return delta_error(
        "UNRESOLVED_COLUMN.WITH_SUGGESTION",
        f"A column with name `{name}` cannot be resolved in the table. Did you mean one of the "
        f"following? [{known}].",
    )


def metrics_frame(spark: SparkSession, metrics: Mapping[str, Any]) -> DataFrame:
    """Return what an operation did as a frame of one row, as the platform's statements do."""
    kinds = ", ".join(f"{name} long" for name in metrics)
    return spark.createDataFrame([tuple(metrics.values())], kinds)
