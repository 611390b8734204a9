"""What CREATE TABLE says: columns, constraints, format, place, properties."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lakebook.runtime.catalog.names import always_quoted, dotted, error
from lakebook.runtime.catalog.parse import Reader, literal
from lakebook.runtime.delta.schemas import LIMITED

if TYPE_CHECKING:
    from pyspark.sql.types import StructField, StructType

ENDS_OF_TYPE = (
    "NOT",
    "NULL",
    "COMMENT",
    "DEFAULT",
    "GENERATED",
    "PRIMARY",
    "CONSTRAINT",
    "FOREIGN",
    "REFERENCES",
    "CHECK",
    "UNIQUE",
    "MASK",
    "FIRST",
    "AFTER",
    ":",
)
STARTS_OF_CONSTRAINT = ("CONSTRAINT", "PRIMARY", "FOREIGN", "CHECK", "UNIQUE")
HINTS = ("RELY", "NORELY", "ENFORCED", "DEFERRABLE", "INITIALLY", "DEFERRED", "VALIDATE")


@dataclass
class ColumnDefinition:
    """A column as a statement defines it; `path` has several parts for a nested field."""

    path: list[str]
    type: str
    nullable: bool = True
    comment: str | None = None
    first: bool = False
    after: str | None = None

    @property
    def name(self) -> str:
        """Return the name of the column, of a nested field its dotted path."""
        return ".".join(self.path)


@dataclass
class Constraint:
    """A constraint of a table: PRIMARY KEY, FOREIGN KEY or CHECK."""

    kind: str
    name: str | None = None
    columns: list[str] = field(default_factory=list)
    timeseries: str | None = None
    parent: list[str] = field(default_factory=list)
    parent_columns: list[str] = field(default_factory=list)
    expression: str = ""
    rely: bool = False

    def details(self) -> dict[str, Any]:
        """Return what the metastore keeps of it."""
        found = {
            "columns": self.columns,
            "timeseries": self.timeseries,
            "parent": self.parent,
            "parent_columns": self.parent_columns,
            "expression": self.expression,
            "rely": self.rely,
        }
        return {key: value for key, value in found.items() if value}


@dataclass
class TableDefinition:
    """A CREATE TABLE statement, read."""

    name: list[str] = field(default_factory=list)
    or_replace: bool = False
    if_not_exists: bool = False
    external: bool = False
    must_exist: bool = False
    columns: list[ColumnDefinition] = field(default_factory=list)
    constraints: list[Constraint] = field(default_factory=list)
    format: str | None = None
    options: dict[str, str] = field(default_factory=dict)
    partition_by: list[str] = field(default_factory=list)
    cluster_by: list[str] = field(default_factory=list)
    location: str | None = None
    comment: str | None = None
    properties: dict[str, str] = field(default_factory=dict)
    like: list[str] | None = None
    schema: StructType | None = None  # that of the table named by LIKE
    query: str | None = None


def unsupported(what: str, way_out: str) -> Exception:
    """Return the error for something that the platform can do and this machine cannot."""
    return error("UNSUPPORTED_FEATURE", f"{what} is not supported here. {way_out}")


def read_table(reader: Reader, definition: TableDefinition) -> TableDefinition:
    """Read the rest of a CREATE TABLE statement, from behind the table's name."""
    if reader.follows("("):
        _read_columns(reader, definition)
    while not reader.done and _read_clause(reader, definition):
        pass
    if reader.one_of("SHALLOW", "DEEP") or reader.follows("CLONE"):
        raise unsupported(
            "CREATE TABLE … CLONE", "Copy the rows: CREATE TABLE … AS SELECT * FROM …"
        )
    if reader.accept("AS") or reader.peek().up in ("SELECT", "WITH", "VALUES", "FROM", "TABLE"):
        definition.query = reader.rest()
    reader.finish()
    return definition


def _read_columns(reader: Reader, definition: TableDefinition) -> None:
    reader.expect("(")
    while True:
        if reader.peek().up in STARTS_OF_CONSTRAINT and not _is_column(reader):
            definition.constraints.append(read_constraint(reader))
        else:
            definition.columns.append(read_column(reader, definition.constraints))
        if reader.accept(")"):
            return
        reader.expect(",")


def _is_column(reader: Reader) -> bool:
    """Return whether a word such as `check` at the reading place names a column."""
    following = reader.peek(1)
    if reader.follows("CHECK"):
        return following.up != "("
    if reader.follows("CONSTRAINT"):
        return reader.peek(2).up not in ("PRIMARY", "FOREIGN", "CHECK", "UNIQUE")
    return following.up not in ("KEY", "(")


def read_column(reader: Reader, constraints: list[Constraint] | None = None) -> ColumnDefinition:
    """Read a column: its name, type, and what follows up to a comma or closing bracket."""
    path = reader.name()
    reader.accept(":")
    column = ColumnDefinition(path, reader.until(*ENDS_OF_TYPE))
    while reader.peek().up not in (",", ")", ""):
        name = reader.identifier() if reader.accept("CONSTRAINT") else None
        if reader.accept("NOT", "NULL"):
            column.nullable = False
        elif reader.accept("NULL"):
            column.nullable = True
        elif reader.accept("COMMENT"):
            column.comment = reader.string()
        elif reader.accept("FIRST"):
            column.first = True
        elif reader.accept("AFTER"):
            column.after = ".".join(reader.name())
        elif reader.accept("PRIMARY", "KEY"):
            found = Constraint("PRIMARY KEY", name, [column.name])
            _read_hints(reader, found)
            _keep(constraints, found)
        elif reader.accept("FOREIGN", "KEY") or reader.follows("REFERENCES"):
            found = Constraint("FOREIGN KEY", name, [column.name])
            _read_references(reader, found)
            _keep(constraints, found)
        elif reader.accept("CHECK"):
            _keep(constraints, Constraint("CHECK", name, expression=reader.bracket()))
        else:
            _refuse_column(reader, column.name)
    return column


def _keep(constraints: list[Constraint] | None, found: Constraint) -> None:
    if constraints is None:
        raise unsupported(
            f"{found.kind} in ADD COLUMN", "Add it afterwards: ALTER TABLE … ADD CONSTRAINT …"
        )
    constraints.append(found)


def _refuse_column(reader: Reader, column: str) -> None:
    """Raise the error for what a column may have on the platform, but not here."""
    if reader.follows("DEFAULT"):
        raise error(
            "WRONG_COLUMN_DEFAULTS_FOR_DELTA_FEATURE_NOT_ENABLED",
            f"Failed to execute the command because it assigned column '{column}' a DEFAULT value, "
            "and the table feature allowColumnDefaults is not supported here. Leave DEFAULT out "
            "and give the value in each INSERT.",
        )
    if reader.accept("GENERATED"):
        if "IDENTITY" in (token.up for token in reader.tokens[reader.at : reader.at + 4]):
            raise unsupported(
                f"The identity column '{column}'",
                "Leave GENERATED … AS IDENTITY out and write numbers of your own, for example "
                "row_number() or uuid().",
            )
        raise unsupported(
            f"The generated column '{column}'",
            "Leave GENERATED ALWAYS AS out and compute the column in the query that writes.",
        )
    if reader.follows("MASK"):
        raise unsupported(f"The mask of column '{column}'", "Grant SELECT on a view instead.")
    if reader.follows("UNIQUE"):
        raise unsupported(f"UNIQUE of column '{column}'", "Use PRIMARY KEY, or check in the query.")
    reader.fail("',' or ')'")


def read_constraint(reader: Reader) -> Constraint:
    """Read ``[CONSTRAINT name] PRIMARY KEY (…) | FOREIGN KEY (…) REFERENCES … | CHECK (…)``."""
    name = reader.identifier() if reader.accept("CONSTRAINT") else None
    if reader.accept("PRIMARY", "KEY"):
        found = Constraint("PRIMARY KEY", name)
        reader.expect("(")
        while not reader.accept(")"):
            column = reader.identifier()
            found.columns.append(column)
            if reader.accept("TIMESERIES"):
                found.timeseries = column
            if not reader.accept(",") and not reader.follows(")"):
                reader.fail("',' or ')'")
    elif reader.accept("FOREIGN", "KEY"):
        found = Constraint("FOREIGN KEY", name, reader.identifiers())
        _read_references(reader, found)
    elif reader.accept("CHECK"):
        found = Constraint("CHECK", name, expression=reader.bracket())
    elif reader.follows("UNIQUE"):
        raise unsupported("UNIQUE", "Use PRIMARY KEY, or check in the query.")
    else:
        reader.fail("PRIMARY KEY, FOREIGN KEY or CHECK")
    _read_hints(reader, found)
    return found


def _read_references(reader: Reader, found: Constraint) -> None:
    reader.expect("REFERENCES")
    found.parent = reader.name()
    if reader.follows("("):
        found.parent_columns = reader.identifiers()
    while reader.accept("MATCH", "FULL") or reader.accept("ON"):
        if reader.one_of("UPDATE", "DELETE"):
            reader.expect("NO", "ACTION")
    _read_hints(reader, found)


def _read_hints(reader: Reader, found: Constraint) -> None:
    while (word := reader.peek().up) in HINTS or reader.follows("NOT", "ENFORCED"):
        reader.at += 1
        found.rely = found.rely or word == "RELY"


def _read_clause(reader: Reader, definition: TableDefinition) -> bool:
    """Read one clause behind the columns; False if none comes next."""
    if reader.accept("USING"):
        definition.format = ".".join(reader.name()).lower()
    elif reader.accept("OPTIONS"):
        definition.options |= reader.properties()
    elif reader.accept("PARTITIONED", "BY"):
        definition.partition_by = _read_partitions(reader, definition)
    elif reader.accept("CLUSTER", "BY"):
        if not reader.one_of("AUTO", "NONE"):
            definition.cluster_by = reader.identifiers()
    elif reader.follows("CLUSTERED", "BY"):
        raise error(
            "DELTA_OPERATION_NOT_ALLOWED",
            "Operation not allowed: `Bucketing` is not supported for Delta tables. Use "
            "CLUSTER BY, or PARTITIONED BY for columns of few values.",
        )
    elif reader.accept("LOCATION"):
        definition.location = reader.string()
        if reader.accept("WITH"):
            reader.bracket()
    elif reader.accept("COMMENT"):
        definition.comment = reader.string()
    elif reader.accept("TBLPROPERTIES"):
        definition.properties |= reader.properties()
    elif reader.accept("LIKE"):
        definition.like = reader.name()
    elif reader.follows("DEFAULT", "COLLATION"):
        raise unsupported("DEFAULT COLLATION", "Compare with lower(), or COLLATE in the query.")
    elif reader.follows("WITH", "ROW", "FILTER"):
        raise unsupported("WITH ROW FILTER", "Grant SELECT on a view with a WHERE clause instead.")
    else:
        return False
    return True


def _read_partitions(reader: Reader, definition: TableDefinition) -> list[str]:
    """Read the columns of PARTITIONED BY; one with a type is a column of the table as well."""
    found: list[str] = []
    reader.expect("(")
    while not reader.accept(")"):
        if reader.peek(1).up in (",", ")"):
            found.append(reader.identifier())
        elif reader.peek(1).up == "(":
            raise unsupported(
                f"Partitioning by the expression {reader.identifier()}(…)",
                "Compute it into a column and partition by that.",
            )
        else:
            column = read_column(reader)
            definition.columns.append(column)
            found.append(column.name)
        if not reader.accept(",") and not reader.follows(")"):
            reader.fail("',' or ')'")
    return found


def schema_of(columns: Sequence[ColumnDefinition]) -> StructType:
    """Return the columns as Spark's types. Raises what Spark says of a type it does not know."""
    from pyspark.sql.types import CharType, StringType, StructField, StructType, VarcharType

    if not columns:
        return StructType([])
    text = ", ".join(f"{always_quoted(column.name)} {column.type}" for column in columns)
    parsed = StructType.fromDDL(text)
    assert isinstance(parsed, StructType)
    fields = []
    for column, found in zip(columns, parsed.fields, strict=True):
        metadata = {} if column.comment is None else {"comment": column.comment}
        kind = found.dataType
        if isinstance(kind, CharType | VarcharType):
            # A Delta table keeps a text of limited length as a string that remembers its limit.
            metadata[LIMITED] = kind.simpleString()
            kind = StringType()
        fields.append(StructField(column.name, kind, column.nullable, metadata))
    return StructType(fields)


def type_of(field: StructField) -> str:
    """Return the type of a column as it was written: ``varchar(10)``, though kept as a string."""
    return (field.metadata or {}).get(LIMITED) or field.dataType.simpleString()


def required(schema: StructType, names: Sequence[str]) -> StructType:
    """Return the schema with these columns NOT NULL, as the columns of a primary key are."""
    from pyspark.sql.types import StructField, StructType

    wanted = {name.lower() for name in names}
    return StructType(
        [
            StructField(f.name, f.dataType, f.nullable and f.name.lower() not in wanted, f.metadata)
            for f in schema.fields
        ]
    )


def find_column(schema: StructType, name: str) -> StructField:
    """Return a column by its name, whatever the case.

    Raises UNRESOLVED_COLUMN.WITH_SUGGESTION with the nearest name.
    """
    for found in schema.fields:
        if found.name.lower() == name.lower():
            return found
    near = difflib.get_close_matches(name, schema.names, n=1, cutoff=0.4) or schema.names[:5]
    raise error(
        "UNRESOLVED_COLUMN.WITH_SUGGESTION",
        f"A column with name {always_quoted(name)} cannot be resolved. Did you mean one of the "
        f"following? [{', '.join(map(always_quoted, near))}].",
    )


def column_sql(field: StructField) -> str:
    """Return a column as CREATE TABLE writes it."""
    comment = (field.metadata or {}).get("comment")
    return " ".join(
        filter(
            None,
            (
                dotted([field.name]),
                type_of(field),
                "" if field.nullable else "NOT NULL",
                f"COMMENT {literal(comment)}" if comment else "",
            ),
        )
    )
