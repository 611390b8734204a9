"""MERGE: what happens to each row is decided once, then only files with such rows are rewritten.

Semantics: https://docs.delta.io/latest/delta-update.html#upsert-into-a-table-using-merge
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import TYPE_CHECKING, Any

from lakebook.runtime.delta import columns, errors, features, log, schemas
from lakebook.runtime.delta.errors import delta_error
from lakebook.runtime.delta.log import Actions, Add
from lakebook.runtime.delta.rows import FILE, OLD, ROW, Rewrite, Target, change, own, staged

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession
    from pyspark.sql.types import StructType

ACTION, KIND = "__action", "__kind"
UPDATE, DELETE, INSERT = "update", "delete", "insert"
MATCHED, NOT_MATCHED, BY_SOURCE = "MATCHED", "NOT MATCHED", "NOT MATCHED BY SOURCE"

# Beyond this many bytes it pays to look first, at the columns of the condition alone, which files
# hold a match; below, a second pass costs more than it spares.
LOOK_FIRST = 16 * 1024 * 1024
FILE_BYTES, FILE_ROWS = 128 * 1024 * 1024, 1_000_000


@dataclass(frozen=True)
class Clause:
    """One WHEN of a MERGE.

    `when` is MATCHED, NOT_MATCHED or BY_SOURCE; `action` UPDATE, DELETE or INSERT; `values` None
    means all columns by their names (``UPDATE SET *``, ``INSERT *``).
    """

    when: str
    action: str
    condition: columns.Expression | None = None
    values: Mapping[str, columns.Expression] | None = None

    @property
    def star(self) -> bool:
        """Return whether the clause takes all columns of the source."""
        return self.action != DELETE and self.values is None


def merge(
    spark: SparkSession,
    root: str,
    source: DataFrame,
    condition: columns.Expression,
    clauses: Sequence[Clause],
    *,
    alias: str | None = None,
    name: str | None = None,
    evolve: bool = False,
) -> dict[str, int]:
    """Merge the rows of `source` into the table at `root`; return how many rows were changed how.

    With `evolve` columns that only the source has are added to the table. The source is computed
    once. Raises DeltaError or Spark's AnalysisException; the table is then as it was.
    """
    _check(clauses)
    target = Target.open(spark, root, alias, name)
    if any(clause.action != INSERT for clause in clauses):
        target.refuse_if_append_only()
    evolve = evolve or _evolves(spark)
    run = _Merge(target, source, condition, clauses, evolve)
    held = None if _is_stored(source) else source.persist()
    try:
        with staged(root) as keep:
            return run.execute(keep)
    finally:
        if held is not None:
            held.unpersist()


class _Merge:
    def __init__(
        self,
        target: Target,
        source: DataFrame,
        condition: columns.Expression,
        clauses: Sequence[Clause],
        evolve: bool,
    ) -> None:
        columns.steady(condition, "MERGE condition")
        self.target, self.clauses, self.evolve = target, clauses, evolve
        self.condition = condition
        self.on = columns.column(condition, "'condition'")
        self.same = columns.same_name(target.spark)
        self.given = source
        self.fields = {self.same(f.name): f for f in source.schema.fields}
        self.schema = self._schema()
        # Both sides may have a column `id`; under these names each is found whatever the aliases.
        self.source = source
        if any(clause.star for clause in clauses):
            self.source = source.withColumns(
                {f"__source_{key}": _col(f.name) for key, f in self.fields.items()}
            )
        self.by_source = any(clause.when == BY_SOURCE for clause in clauses)

    def execute(self, keep: list[Add]) -> dict[str, int]:
        """Find the changes, rewrite, commit; `keep` collects the files written."""
        done = Rewrite()
        files = self.target.snapshot.files()
        large = not self.by_source and sum(file.size for file in files) > LOOK_FIRST
        # Any mistake in an expression comes out here, before anything runs.
        changes = self._changes(files[:1] if large else files)
        rows = self.given.count()
        if large:
            changes = self._changes(self._matching())
        changes = changes.persist()
        try:
            counts = self._counted(changes)
            done.lap()
            total = Counts(
                **{
                    kind: sum(getattr(count, kind) for count in counts.values())
                    for kind in (UPDATE, DELETE, INSERT)
                }
            )
            evolved = self.schema != self.target.schema
            if total.any or evolved:
                self._rewrite(changes, counts, total, done, keep)
                self._commit(done, total, rows, evolved)
        finally:
            changes.unpersist()
        return {
            "num_affected_rows": total.update + total.delete + total.insert,
            "num_updated_rows": total.update,
            "num_deleted_rows": total.delete,
            "num_inserted_rows": total.insert,
        }

    # What the table will look like

    def _schema(self) -> StructType:
        """Return the columns of the table after the merge."""
        from pyspark.sql.types import StructType

        if not self.evolve:
            return self.target.schema
        stars = any(clause.star for clause in self.clauses)
        named = {
            self.same(columns.names.split(key)[-1])
            for clause in self.clauses
            if clause.values
            for key in clause.values
        }
        taken = [f for key, f in self.fields.items() if stars or key in named]
        incoming = schemas.table_schema(StructType(taken))
        return columns.evolved(self.target.schema, incoming, self.same)

    # Which row is changed how

    def _matching(self) -> list[Add]:
        """Return the files with a row that matches, for which the condition's columns suffice."""
        matches = self.target.frame().join(self.given, self.on, "left_semi")
        uris = [row[FILE] for row in matches.select(FILE).distinct().collect()]
        return [self.target.file(uri) for uri in uris]

    def _changes(self, files: Sequence[Add]) -> DataFrame:
        """Return one row for each changed row: its place, the kind of change, the new values.

        Each WHEN has its own join, so an expression sees the columns that it may name, no others.
        """
        present = {f"__target_{f.name}": _col(f.name) for f in self.target.schema.fields}
        target = self.target.frame(files, **present)
        parts = []
        for when, how in ((MATCHED, "inner"), (NOT_MATCHED, "left_anti"), (BY_SOURCE, "left_anti")):
            clauses = [clause for clause in self.clauses if clause.when == when]
            if not clauses:
                continue
            left, right = (self.source, target) if when == NOT_MATCHED else (target, self.source)
            joined = self._resolving(
                "search condition", [self.condition], partial(left.join, right, self.on, how)
            )
            parts.append(self._branch(joined, clauses))
        return reduce(lambda left, right: left.unionAll(right), parts)

    def _branch(self, rows: DataFrame, clauses: Sequence[Clause]) -> DataFrame:
        from pyspark.sql import functions as F

        new_row = clauses[0].when == NOT_MATCHED
        tests = []
        values: list[tuple[Column, list[Column]]] = []
        for index, clause in enumerate(clauses):
            if clause.condition is None:
                tests.append((F.lit(True), F.lit(index)))
            else:
                columns.steady(clause.condition, "MERGE condition")
                tests.append((columns.column(clause.condition, "'condition'"), F.lit(index)))
            if clause.action != DELETE:
                values.append((F.col(ACTION) == index, self._values(rows, clause)))
        chosen = self._resolving(
            f"{clauses[0].when} clause",
            [clause.condition for clause in clauses if clause.condition is not None],
            partial(rows.withColumn, ACTION, _case(tests)),
        ).filter(F.col(ACTION).isNotNull())
        kind = _case([(F.col(ACTION) == i, F.lit(c.action)) for i, c in enumerate(clauses)])
        new = [
            _case([(test, row[position]) for test, row in values])
            .cast(field.dataType)
            .alias(field.name)
            for position, field in enumerate(self.schema.fields)
        ]
        place = (F.col(FILE), F.col(ROW))
        if new_row:
            place = (F.lit(None).cast("string").alias(FILE), F.lit(None).cast("long").alias(ROW))
        old = []
        if self.target.feeds:
            present = [self._present(f.name, new_row).alias(f.name) for f in self.schema.fields]
            old = [F.struct(*present).alias(OLD)]
        return chosen.select(*place, kind.alias(KIND), *new, *old)

    def _present(self, column: str, new_row: bool = False) -> Column:
        """Return the value that a column of the target has now."""
        from pyspark.sql import functions as F

        if new_row or column not in self.target.schema.names:
            field = self.schema[column]
            return F.lit(None).cast(field.dataType)
        stored, wanted = self.target.schema[column].dataType, self.schema[column].dataType
        fit = columns.Fit(self.same, self.target.spark, filling=True)
        return fit(_col(f"__target_{column}"), stored, wanted, column)

    def _values(self, rows: DataFrame, clause: Clause) -> list[Column]:
        """Return the new value of each column of the table."""
        place = f"{clause.action.upper()} clause"
        sets: dict[tuple[str, ...], Column] = {}
        if clause.values is None:
            for field in self.schema.fields:
                if self.same(field.name) in self.fields:
                    sets[(field.name,)] = _col(f"__source_{self.same(field.name)}")
                elif not self.evolve:
                    raise self._unresolved(f"`{field.name}`", place)
        else:
            for key, value in clause.values.items():
                path = columns.find_field(self.schema, key, self.target.alias, self.same)
                if path is None:
                    raise self._unresolved(key, place)
                if tuple(path) in sets:
                    raise columns.set_twice(path)
                sets[tuple(path)] = columns.column(value, "'set'")
        said = [] if clause.values is None else list(clause.values.values())
        old = None if clause.action == INSERT else self._present
        return self._resolving(
            place,
            said,
            lambda: columns.assigned(
                rows, self.schema, sets, old, same=self.same, filling=self.evolve
            ),
        )

    def _resolving(self, place: str, said: Sequence[Any], work: Callable[[], Any]) -> Any:
        """Do work that analyses expressions; a name that is not known is Delta's error."""
        from pyspark.errors import AnalysisException

        try:
            result = work()
            # Over Connect a frame is analysed when its schema is asked for.
            return result if isinstance(result, list) or result.schema else None
        except errors.DeltaError:
            raise
        except AnalysisException as error:
            if not (error.getCondition() or "").startswith("UNRESOLVED_COLUMN"):
                raise
            name = (error.getMessageParameters() or {}).get("objectName")
            raise self._unresolved(name or ", ".join(map(columns.text, said)), place) from error

    def _unresolved(self, what: str, place: str) -> errors.DeltaError:
        known = ", ".join([*self.target.schema.names, *self.given.columns])
        return delta_error(
            "DELTA_MERGE_UNRESOLVED_EXPRESSION",
            f"Cannot resolve {what} in {place} given columns {known}.",
        )

    # How many rows, and where

    def _counted(self, changes: DataFrame) -> dict[str, Counts]:
        """Return the numbers of changed rows by the path of the file, new rows under ``""``.

        Raises DeltaError if two rows of the source would change one row of the target.
        """
        from pyspark.sql import functions as F

        def number(kind: str) -> Column:
            return F.count_if(F.col(KIND) == kind)

        rows = changes.groupBy(FILE, ROW).agg(
            F.count(F.lit(1)).alias("pairs"),
            *[number(kind).alias(kind) for kind in (UPDATE, DELETE, INSERT)],
        )
        found = rows.groupBy(FILE).agg(
            F.count_if(F.col(UPDATE) > 0).alias(UPDATE),
            F.count_if(F.col(DELETE) > 0).alias(DELETE),
            F.sum(INSERT).alias(INSERT),
            F.max("pairs").alias("pairs"),
        )
        counts = {}
        matched = [clause for clause in self.clauses if clause.when == MATCHED]
        lenient = len(matched) == 1 and matched[0].action == DELETE and not matched[0].condition
        for row in found.collect():
            if row[FILE] is not None and row["pairs"] > 1 and not lenient:
                raise delta_error(
                    "DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE",
                    "Cannot perform Merge as multiple source rows matched and attempted to modify "
                    "the same target row in the Delta table in possibly conflicting ways. Make "
                    "the source unique in the columns of the condition first, for example with "
                    "dropDuplicates.",
                )
            path = "" if row[FILE] is None else self.target.file(row[FILE]).path
            counts[path] = Counts(row[UPDATE], row[DELETE], row[INSERT])
        return counts

    # The new files

    def _rewrite(
        self,
        changes: DataFrame,
        counts: Mapping[str, Counts],
        total: Counts,
        done: Rewrite,
        keep: list[Add],
    ) -> None:
        from pyspark.sql import functions as F

        done.removes = [f for f in self.target.snapshot.files() if f.path in counts]
        mixed = [f for f in done.removes if f.rows != counts[f.path].changed]
        new = own(self.schema)
        rows = changes.filter(F.col(KIND) != DELETE).select(*new)
        if mixed:
            gone = changes.filter(F.col(FILE).isNotNull()).select(FILE, ROW)
            kept = self.target.frame(mixed).join(gone, [FILE, ROW], "left_anti")
            kept = schemas.conform(kept.select(*own(self.target.schema)), self.schema)
            rows = kept.unionAll(rows)
        if mixed or total.update or total.insert:
            laid_out = self._laid_out(rows, done.removes, total)
            done.adds = self.target.stage(self.target.checked(laid_out, self.schema))
            keep += done.adds
        if self.target.feeds and done.removes:
            done.cdc = self.target.stage(self._laid_out(self._feed(changes), [], total))
            keep += done.cdc

    def _laid_out(self, rows: DataFrame, removes: Sequence[Add], total: Counts) -> DataFrame:
        """Return the rows so laid out that about as many files come as go."""
        if parts := self.target.snapshot.partition_columns:
            return rows.repartition(*[_col(part) for part in parts])
        size = sum(file.size for file in removes)
        wanted = max(
            len(removes), size // FILE_BYTES + 1, (total.update + total.insert) // FILE_ROWS + 1
        )
        return rows.coalesce(wanted)

    def _feed(self, changes: DataFrame) -> DataFrame:
        from pyspark.sql import functions as F

        def of(kind: str) -> DataFrame:
            return changes.filter(F.col(KIND) == kind)

        # Several rows of the source may delete one row of the target.
        deleted = of(DELETE).dropDuplicates([FILE, ROW])
        return (
            change(deleted.select(f"{OLD}.*"), "delete")
            .unionAll(change(of(UPDATE).select(f"{OLD}.*"), "update_preimage"))
            .unionAll(change(of(UPDATE).select(*own(self.schema)), "update_postimage"))
            .unionAll(change(of(INSERT).select(*own(self.schema)), "insert"))
        )

    def _commit(self, done: Rewrite, total: Counts, source_rows: int, evolved: bool) -> None:
        done.lap()
        snapshot = self.target.snapshot
        written = sum(file.rows or 0 for file in done.adds)
        metadata = protocol = None
        if evolved:
            schemas.check(self.schema)
            metadata = snapshot.metadata(schemaString=schemas.json_of(self.schema))
            protocol = features.raised(snapshot, self.schema)
        log.commit(
            snapshot.root,
            Actions(
                read_version=snapshot.version,
                operation="MERGE",
                adds=done.adds,
                removes=done.removes,
                cdc=done.cdc,
                metadata=metadata,
                protocol=protocol,
                parameters=self._parameters(),
                metrics={
                    "numSourceRows": source_rows,
                    "numTargetRowsInserted": total.insert,
                    "numTargetRowsUpdated": total.update,
                    "numTargetRowsDeleted": total.delete,
                    "numTargetRowsCopied": written - total.update - total.insert,
                    "numOutputRows": written,
                    "numTargetFilesAdded": len(done.adds),
                    "numTargetFilesRemoved": len(done.removes),
                    "numTargetBytesAdded": sum(file.size for file in done.adds),
                    "numTargetBytesRemoved": sum(file.size for file in done.removes),
                    "numTargetChangeFilesAdded": len(done.cdc),
                    **done.times(),
                },
                reads=frozenset(file.path for file in snapshot.files()),
                reads_all=True,
            ),
        )

    def _parameters(self) -> dict[str, Any]:
        names = {
            MATCHED: "matchedPredicates",
            NOT_MATCHED: "notMatchedPredicates",
            BY_SOURCE: "notMatchedBySourcePredicates",
        }
        parameters: dict[str, Any] = {"predicate": [columns.text(self.condition)]}
        for when, key in names.items():
            parameters[key] = [
                {"actionType": clause.action}
                | (
                    {}
                    if clause.condition is None
                    else {"predicate": columns.text(clause.condition)}
                )
                for clause in self.clauses
                if clause.when == when
            ]
        return parameters


@dataclass(frozen=True)
class Counts:
    """Numbers of rows, each a row of the target or a new one."""

    update: int = 0
    delete: int = 0
    insert: int = 0

    @property
    def changed(self) -> int:
        """Return how many rows of the target are no longer what they were."""
        return self.update + self.delete

    @property
    def any(self) -> bool:
        """Return whether there is anything to do."""
        return bool(self.update or self.delete or self.insert)


def _check(clauses: Sequence[Clause]) -> None:
    """Raise DeltaError for clauses that can never apply, or none at all."""
    if not clauses:
        raise delta_error(
            "DELTA_MERGE_MISSING_WHEN",
            "There must be at least one WHEN clause in a MERGE statement.",
        )
    spoken = {
        MATCHED: "MATCHED",
        NOT_MATCHED: "NOT_MATCHED_BY_TARGET",
        BY_SOURCE: "NOT_MATCHED_BY_SOURCE",
    }
    for when, name in spoken.items():
        mine = [clause for clause in clauses if clause.when == when]
        if any(clause.condition is None for clause in mine[:-1]):
            raise delta_error(
                f"NON_LAST_{name}_CLAUSE_OMIT_CONDITION",
                f"When there are more than one {name.replace('_', ' ')} clauses in a MERGE "
                f"statement, only the last {name.replace('_', ' ')} clause can omit the condition.",
            )


def _col(name: str) -> Column:
    from pyspark.sql import functions as F

    return F.col(columns.quoted(name))


def _case(pairs: Sequence[tuple[Column, Column]]) -> Column:
    """Return the value beside the first test that is true, null if none is."""
    from pyspark.sql import functions as F

    if not pairs:
        return F.lit(None)
    (test, value), *others = pairs
    return reduce(lambda case, pair: case.when(*pair), others, F.when(test, value))


def _evolves(spark: SparkSession) -> bool:
    name = "spark.databricks.delta.schema.autoMerge.enabled"
    return str(spark.conf.get(name, "false")).lower() == "true"


def _is_stored(frame: DataFrame) -> bool:
    level = frame.storageLevel
    return bool(level.useMemory or level.useDisk)
