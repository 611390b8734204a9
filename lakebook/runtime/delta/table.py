"""`DeltaTable` and its builders, under the names and with the arguments of delta-spark.

Public API: https://docs.delta.io/latest/api/python/spark/index.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn

from lakebook.runtime.delta import columns, maintenance, protocol, read, rows
from lakebook.runtime.delta.errors import delta_error
from lakebook.runtime.delta.merge import (
    BY_SOURCE,
    DELETE,
    INSERT,
    MATCHED,
    NOT_MATCHED,
    UPDATE,
    Clause,
    merge,
)
from lakebook.runtime.delta.snapshot import Snapshot, is_delta

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import DataType, StructField, StructType

Expression = columns.Expression


class DeltaTable:
    """A Delta table on this machine: its rows, its history and what can be done to it.

    Make one with `forPath`, `forName`, `convertToDelta` or one of the builders.
    """

    def __init__(
        self, spark: SparkSession, root: str, name: Any = None, alias: str | None = None
    ) -> None:
        self._spark, self._root, self._name, self._alias = spark, root, name, alias

    # Finding and making tables

    @classmethod
    def forPath(
        cls, sparkSession: SparkSession, path: str, hadoopConf: Mapping[str, str] | None = None
    ) -> DeltaTable:
        """Return the table at a path. Raises DeltaError DELTA_MISSING_DELTA_TABLE."""
        root = _root(path)
        if not is_delta(root):
            raise _not_a_table(path)
        return cls(sparkSession, root)

    @classmethod
    def forName(cls, sparkSession: SparkSession, tableOrViewName: str) -> DeltaTable:
        """Return the table of a name, which may be ``delta.`/path` ``.

        Raises DeltaError DELTA_MISSING_DELTA_TABLE for a view or another format, and
        TABLE_OR_VIEW_NOT_FOUND.
        """
        from lakebook.runtime import catalog
        from lakebook.runtime.catalog.names import split

        parts = split(tableOrViewName)
        if len(parts) == 2 and parts[0].lower() == "delta" and "/" in parts[1]:
            return cls.forPath(sparkSession, parts[1])
        full = catalog.resolve(sparkSession, tableOrViewName)
        if full is None:
            raise _not_a_table(tableOrViewName)
        found = catalog.require_table(full)
        if found.format != "delta" or not found.location or not is_delta(found.location):
            raise _not_a_table(tableOrViewName)
        return cls(sparkSession, found.location, full, parts[-1])

    @classmethod
    def isDeltaTable(cls, sparkSession: SparkSession, identifier: str) -> bool:
        """Return whether a path is the root of a Delta table."""
        return is_delta(_root(identifier))

    @classmethod
    def convertToDelta(
        cls,
        sparkSession: SparkSession,
        identifier: str,
        partitionSchema: str | StructType | None = None,
        collectStats: bool = True,
    ) -> DeltaTable:
        """Make a table of a folder of Parquet files, ``parquet.`/path` ``, without copying them.

        `partitionSchema` gives the columns that the folders' names hold.
        """
        root = protocol.convert(sparkSession, identifier, partitionSchema, collectStats, _root)
        return cls(sparkSession, root)

    @classmethod
    def create(cls, sparkSession: SparkSession | None = None) -> DeltaTableBuilder:
        """Return a builder that makes a table, which must not exist."""
        return DeltaTableBuilder(_session(sparkSession), "create")

    @classmethod
    def createIfNotExists(cls, sparkSession: SparkSession | None = None) -> DeltaTableBuilder:
        """Return a builder that makes a table unless it exists."""
        return DeltaTableBuilder(_session(sparkSession), "createIfNotExists")

    @classmethod
    def replace(cls, sparkSession: SparkSession | None = None) -> DeltaTableBuilder:
        """Return a builder that puts an empty table in the place of one that exists."""
        return DeltaTableBuilder(_session(sparkSession), "replace")

    @classmethod
    def createOrReplace(cls, sparkSession: SparkSession | None = None) -> DeltaTableBuilder:
        """Return a builder that makes a table, in the place of an old one if there is one."""
        return DeltaTableBuilder(_session(sparkSession), "createOrReplace")

    # Rows

    def toDF(self) -> DataFrame:
        """Return the rows of the newest version."""
        self._require("SELECT")
        found = read.frame(self._spark, Snapshot.open(self._root))
        return found.alias(self._alias) if self._alias else found

    def alias(self, aliasName: str) -> DeltaTable:
        """Return the table under the name that conditions call it by."""
        return DeltaTable(self._spark, self._root, self._name, aliasName)

    def delete(self, condition: Expression | None = None) -> DataFrame:
        """Delete the rows for which the condition is true, all without one.

        Returns one row, `num_affected_rows`.
        """
        self._require("MODIFY")
        done = rows.delete(self._spark, self._root, condition, alias=self._alias, name=self._said)
        return rows.metrics_frame(self._spark, done)

    def update(
        self, condition: Expression | None = None, set: Mapping[str, Expression] | None = None
    ) -> DataFrame:
        """Set columns in the rows for which the condition is true, in all without one.

        Returns one row, `num_affected_rows`.
        """
        self._require("MODIFY")
        values = columns.mapping(set, "'set'")
        done = rows.update(
            self._spark, self._root, values, condition, alias=self._alias, name=self._said
        )
        return rows.metrics_frame(self._spark, done)

    def merge(self, source: DataFrame, condition: Expression) -> DeltaMergeBuilder:
        """Return a builder that says what happens to rows that match those of `source`, or not."""
        from pyspark.sql import DataFrame

        if source is None:
            raise ValueError("'source' in merge cannot be None")
        if not isinstance(source, DataFrame):
            raise TypeError(f"Type of 'source' in merge must be DataFrame, not {type(source)}.")
        if condition is None:
            raise ValueError("'condition' in merge cannot be None")
        columns.column(condition, "'condition'")
        return DeltaMergeBuilder(self, source, condition)

    # The table

    def history(self, limit: int | None = None) -> DataFrame:
        """Return its versions, the newest first, at most `limit`."""
        return maintenance.history(self._spark, self._root, limit)

    def detail(self) -> DataFrame:
        """Return one row: format, name, location, number and size of files, properties."""
        return maintenance.detail(self._spark, self._root, str(self._name) if self._name else None)

    def vacuum(self, retentionHours: float | None = None) -> DataFrame:
        """Delete files that no version of the last `retentionHours` (168) needs."""
        self._require("MODIFY")
        return maintenance.vacuum(self._spark, self._root, retentionHours)

    def optimize(self) -> DeltaOptimizeBuilder:
        """Return a builder that puts files together, or orders their rows."""
        self._require("MODIFY")
        return DeltaOptimizeBuilder(self)

    def restoreToVersion(self, version: int) -> DataFrame:
        """Make an older version the newest again; return one row of metrics."""
        if not isinstance(version, int):
            raise ValueError(f"version needs to be an int but got '{type(version)}'.")
        self._require("MODIFY")
        return maintenance.restore(self._spark, self._root, version=version)

    def restoreToTimestamp(self, timestamp: str) -> DataFrame:
        """Make the version of a time (``yyyy-MM-dd HH:mm:ss``) the newest again."""
        if not isinstance(timestamp, str):
            raise ValueError(f"timestamp needs to be a string but got '{type(timestamp)}'.")
        self._require("MODIFY")
        return maintenance.restore(self._spark, self._root, timestamp=timestamp)

    def generate(self, mode: str) -> None:
        """Write manifests, in the mode ``symlink_format_manifest``, for engines that want them."""
        maintenance.generate(self._root, mode)

    def upgradeTableProtocol(self, readerVersion: int, writerVersion: int) -> None:
        """Raise the versions that readers and writers of the table must know."""
        for name, value in (("readerVersion", readerVersion), ("writerVersion", writerVersion)):
            if not isinstance(value, int):
                raise ValueError(f"The {name} needs to be an integer but got '{type(value)}'.")
        self._require("MODIFY")
        protocol.upgrade(self._root, readerVersion, writerVersion)

    def addFeatureSupport(self, featureName: str) -> None:
        """Let the table use a feature. Raises DeltaError for one that this machine has not."""
        if not isinstance(featureName, str):
            raise ValueError(f"featureName needs to be a string but got '{type(featureName)}'.")
        self._require("MODIFY")
        protocol.add_feature(self._root, featureName)

    def dropFeatureSupport(self, featureName: str, truncateHistory: bool | None = None) -> NoReturn:
        """Refuse: a feature can be dropped on the platform only."""
        raise _unsupported("dropFeatureSupport", "write a copy without the feature instead")

    def clone(
        self,
        target: str,
        isShallow: bool = False,
        replace: bool = False,
        properties: Mapping[str, str] | None = None,
    ) -> NoReturn:
        """Refuse: tables are not cloned here."""
        raise _unsupported("clone", "write toDF() to the other table instead")

    def cloneAtVersion(self, version: int, target: str, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: tables are not cloned here."""
        raise _unsupported("cloneAtVersion", "read with versionAsOf and write that instead")

    def cloneAtTimestamp(self, timestamp: str, target: str, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: tables are not cloned here."""
        raise _unsupported("cloneAtTimestamp", "read with timestampAsOf and write that instead")

    @property
    def _said(self) -> str:
        return str(self._name) if self._name else f"delta.`{self._root}`"

    def _require(self, privilege: str) -> None:
        if self._name is not None:
            from lakebook.runtime import catalog

            catalog.require(self._spark, self._name, privilege)


@dataclass(frozen=True)
class DeltaMergeBuilder:
    """What a MERGE does; each method returns a builder with one clause more."""

    _table: DeltaTable
    _source: DataFrame
    _condition: Expression
    _clauses: tuple[Clause, ...] = ()
    _evolve: bool = False

    def whenMatchedUpdate(
        self, condition: Expression | None = None, set: Mapping[str, Expression] | None = None
    ) -> DeltaMergeBuilder:
        """Set columns of a row of the table that a row of the source matches."""
        values = columns.mapping(set, "'set' in whenMatchedUpdate")
        return self._with(MATCHED, UPDATE, condition, values)

    def whenMatchedUpdateAll(self, condition: Expression | None = None) -> DeltaMergeBuilder:
        """Set all columns to those of the matching row of the source."""
        return self._with(MATCHED, UPDATE, condition)

    def whenMatchedDelete(self, condition: Expression | None = None) -> DeltaMergeBuilder:
        """Delete a row of the table that a row of the source matches."""
        return self._with(MATCHED, DELETE, condition)

    def whenNotMatchedInsert(
        self, condition: Expression | None = None, values: Mapping[str, Expression] | None = None
    ) -> DeltaMergeBuilder:
        """Insert a row for one of the source that matches none of the table."""
        given = columns.mapping(values, "'values' in whenNotMatchedInsert")
        return self._with(NOT_MATCHED, INSERT, condition, given)

    def whenNotMatchedInsertAll(self, condition: Expression | None = None) -> DeltaMergeBuilder:
        """Insert the row of the source that matches none of the table."""
        return self._with(NOT_MATCHED, INSERT, condition)

    def whenNotMatchedBySourceUpdate(
        self, condition: Expression | None = None, set: Mapping[str, Expression] | None = None
    ) -> DeltaMergeBuilder:
        """Set columns of a row of the table that no row of the source matches."""
        values = columns.mapping(set, "'set' in whenNotMatchedBySourceUpdate")
        return self._with(BY_SOURCE, UPDATE, condition, values)

    def whenNotMatchedBySourceDelete(
        self, condition: Expression | None = None
    ) -> DeltaMergeBuilder:
        """Delete a row of the table that no row of the source matches."""
        return self._with(BY_SOURCE, DELETE, condition)

    def withSchemaEvolution(self) -> DeltaMergeBuilder:
        """Let the table take columns that only the source has."""
        return replace(self, _evolve=True)

    def execute(self) -> DataFrame:
        """Merge; return one row with the numbers of affected, updated, deleted, inserted rows."""
        table = self._table
        table._require("MODIFY")
        done = merge(
            table._spark,
            table._root,
            self._source,
            self._condition,
            self._clauses,
            alias=table._alias,
            name=table._said,
            evolve=self._evolve,
        )
        return rows.metrics_frame(table._spark, done)

    def _with(
        self,
        when: str,
        action: str,
        condition: Expression | None,
        values: Mapping[str, Expression] | None = None,
    ) -> DeltaMergeBuilder:
        if condition is not None:
            columns.column(condition, "'condition'")
        clause = Clause(when, action, condition, values)
        return replace(self, _clauses=(*self._clauses, clause))


class DeltaOptimizeBuilder:
    """Which part of a table to lay out anew, and how."""

    def __init__(self, table: DeltaTable, where: tuple[Expression, ...] = ()) -> None:
        self._table, self._where = table, where

    def where(self, partitionFilter: Expression) -> DeltaOptimizeBuilder:
        """Keep to some partitions."""
        return DeltaOptimizeBuilder(self._table, (*self._where, partitionFilter))

    def executeCompaction(self) -> DataFrame:
        """Put small files together; return one row, path and metrics."""
        table = self._table
        return maintenance.optimize(table._spark, table._root, self._where, alias=table._alias)

    def executeZOrderBy(self, *cols: str | Sequence[str]) -> DataFrame:
        """Order rows by these columns along a Z-order curve; return one row, path and metrics."""
        table = self._table
        names = _names(cols, "Z-order column")
        return maintenance.optimize(
            table._spark, table._root, self._where, names, alias=table._alias
        )


@dataclass
class IdentityGenerator:
    """Numbers that the platform gives to new rows; this machine refuses columns with them."""

    start: int = 1
    step: int = 1


class DeltaTableBuilder:
    """Name, place, columns and properties of a table that is to be made."""

    def __init__(self, spark: SparkSession, mode: str) -> None:
        self._spark, self._mode = spark, mode
        self._name: str | None = None
        self._location: str | None = None
        self._comment: str | None = None
        self._fields: list[StructField] = []
        self._parts: list[str] = []
        self._properties: dict[str, str] = {}

    def tableName(self, identifier: str) -> DeltaTableBuilder:
        """Say the name, of one to three parts, or ``delta.`/path` ``."""
        self._name = _text(identifier, "Identifier")
        return self

    def location(self, location: str) -> DeltaTableBuilder:
        """Say the folder of the table."""
        self._location = _text(location, "Location")
        return self

    def comment(self, comment: str) -> DeltaTableBuilder:
        """Describe the table."""
        self._comment = _text(comment, "Table comment")
        return self

    def addColumn(
        self,
        colName: str,
        dataType: str | DataType,
        nullable: bool = True,
        generatedAlwaysAs: str | IdentityGenerator | None = None,
        generatedByDefaultAs: IdentityGenerator | None = None,
        comment: str | None = None,
    ) -> DeltaTableBuilder:
        """Add a column. Raises DeltaError for one that is to be computed."""
        from pyspark.sql.types import DataType, StructField

        name = _text(colName, "Column name")
        if generatedAlwaysAs is not None or generatedByDefaultAs is not None:
            raise _unsupported(
                f"generated column `{name}`", "compute the value before it is written"
            )
        if isinstance(dataType, str):
            dataType = DataType.fromDDL(dataType)
        if not isinstance(dataType, DataType):
            raise TypeError(f"Column data type must be str or DataType. Found {dataType!r}.")
        if not isinstance(nullable, bool):
            raise TypeError(f"Column nullable must be bool. Found {nullable!r}.")
        metadata = {} if comment is None else {"comment": _text(comment, "Column comment")}
        self._fields.append(StructField(name, dataType, nullable, metadata))
        return self

    def addColumns(self, cols: StructType | Sequence[StructField]) -> DeltaTableBuilder:
        """Add the columns of a schema."""
        from pyspark.sql.types import StructField

        for field in cols:
            if not isinstance(field, StructField):
                raise TypeError(f"Column in existing schema must be StructField. Found {field!r}.")
            self._fields.append(field)
        return self

    def partitionedBy(self, *cols: str | Sequence[str]) -> DeltaTableBuilder:
        """Say by which columns files are kept apart."""
        self._parts = _names(cols, "Partitioning column")
        return self

    def clusterBy(self, *cols: str | Sequence[str]) -> NoReturn:
        """Refuse: liquid clustering is the platform's."""
        raise _unsupported("clusterBy", "use partitionedBy, or optimize().executeZOrderBy(…)")

    def property(self, key: str, value: str) -> DeltaTableBuilder:
        """Set a property of the table."""
        self._properties[_text(key, "Key of property")] = _text(value, "Value of property")
        return self

    def execute(self) -> DeltaTable:
        """Make the table and return it.

        Raises DeltaError if it exists and must not, or does not and must.
        """
        from pyspark.sql.types import StructType

        return protocol.build(
            self._spark,
            self._mode,
            name=self._name,
            location=None if self._location is None else _root(self._location),
            schema=StructType(self._fields),
            partition_by=self._parts,
            properties=self._properties,
            comment=self._comment,
            by_path=lambda root: DeltaTable.forPath(self._spark, root),
            by_name=lambda name: DeltaTable.forName(self._spark, name),
        )


def _root(path: str) -> str:
    from lakebook.runtime.surface.readers import local_root

    if not isinstance(path, str):
        raise TypeError(f"path must be str, not {type(path)}")
    return local_root(path).rstrip("/") or "/"


def _session(spark: SparkSession | None) -> SparkSession:
    from pyspark.sql import SparkSession

    found = spark or SparkSession.getActiveSession()
    if found is None:
        raise ValueError("no active Spark session; pass one, as in DeltaTable.create(spark)")
    return found


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{what} must be str. Found {value!r} with type {type(value)}")
    return value


def _names(cols: Sequence[str | Sequence[str]], what: str) -> list[str]:
    if len(cols) == 1 and isinstance(cols[0], list | tuple):
        cols = cols[0]
    return [_text(name, what) for name in cols]


def _not_a_table(what: str) -> Exception:
    return delta_error(
        "DELTA_MISSING_DELTA_TABLE",
        f"{what} is not a Delta table. Check the name, or write one there first.",
    )


def _unsupported(what: str, way_out: str) -> Exception:
    return delta_error(
        "DELTA_OPERATION_NOT_ALLOWED",
        f"Operation not allowed: {what} is not supported on this machine; {way_out}.",
    )
