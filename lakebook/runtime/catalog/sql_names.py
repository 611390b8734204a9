"""What a name in a SQL text stands for: the frame of a table's version, a view, files, a function.

Names that are Spark's own are left to Spark.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakebook.runtime import files
from lakebook.runtime.catalog import context, grants, sql_session, tables
from lakebook.runtime.catalog.names import Name, dotted, error, normal, shown, split
from lakebook.runtime.catalog.rewrite import Found, quoted, rewrite
from lakebook.runtime.catalog.sql_scan import Call, Relation
from lakebook.runtime.catalog.sql_tokens import Statement

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from lakebook.runtime.delta.snapshot import Snapshot

_WHO_AND_WHERE = frozenset(
    ("CURRENT_CATALOG", "CURRENT_SCHEMA", "CURRENT_DATABASE", "CURRENT_USER", "SESSION_USER")
)


class Names:
    """The names of a session, or those of a view, which has a catalog and a schema of its own.

    `args` are the parameters of the statement, for constant expressions such as a version. With
    `live` names stand for the newest version of a table whenever that is, as in the text of a
    temporary view; else for the version that is the newest now. What Spark keeps the text of
    without being `live` is `pinned`: the version stays at hand as long as the session.
    """

    def __init__(
        self,
        spark: SparkSession,
        args: Any = None,
        place: tuple[str, str] | None = None,
        inside: tuple[Name, ...] = (),
        live: bool = False,
        pinned: bool = False,
    ) -> None:
        self.spark = spark
        self.args = args
        self.place = place
        self.inside = inside
        self.live = live
        self.pinned = pinned
        self.temporary: dict[str, bool] = {}

    def full(self, parts: tuple[str, ...] | list[str]) -> Name | None:
        """Return the full name that the parts mean here, None if they are Spark's own, or none."""
        if not parts:
            return None
        if self.place is not None and len(parts) < 3 and not is_path(parts):
            parts = (*self.place[: 3 - len(parts)], *parts)
        name = context.resolve_object(self.spark, list(parts))
        return None if len(parts) == 1 and self.is_temporary(parts[0], name) else name

    def is_temporary(self, part: str, name: Name | None = None) -> bool:
        """Return whether a one-part name, which else would mean `name`, is a temporary view."""
        key = normal(part)
        if key not in self.temporary:
            table = name is not None and tables.find(name) is not None
            self.temporary[key] = sql_session.is_temporary_view(self.spark, part, table)
        return self.temporary[key]

    def relation(self, statement: Statement, relation: Relation) -> Found | None:
        """Return what stands for a relation; None leaves it to Spark."""
        if relation.identifier is not None:
            text = sql_session.value(self.spark, relation.identifier, self.args)
            parts = tuple(split(str(text)))
            relation = dataclasses.replace(relation, parts=parts, identifier=None)
        if relation.arguments is not None:
            return self._function(statement, relation)
        if is_path(relation.parts):
            return self._files(relation)
        name = self.full(relation.parts)
        if name is None:
            return self._sparks(relation)
        if relation.stream:
            raise _no_stream(name)
        table = tables.require_table(name) if name.schema != context.INFORMATION_SCHEMA else None
        if table is None:
            return self._information(name)
        if not self.inside:
            grants.require(self.spark, name, "SELECT")
        if table.kind == "VIEW":
            if relation.travel:
                raise error(
                    "DELTA_UNSUPPORTED_TIME_TRAVEL_VIEWS",
                    f"Cannot time travel {shown(name)}, which is a view; name its tables.",
                )
            return Found(self._view(table), name)
        assert table.location is not None
        if table.format != "delta":
            if relation.travel:
                raise error(
                    "UNSUPPORTED_FEATURE.TIME_TRAVEL",
                    f"{shown(name)} has the format {table.format}, which keeps no versions.",
                )
            return Found(self._other(table), name)
        return Found(self.delta(table.location, relation.travel, name.name), name)

    def _sparks(self, relation: Relation) -> Found | None:
        if len(relation.parts) == 3 and normal(relation.parts[0]) == "hive_metastore":
            # Spark itself knows its session catalog by one name only.
            inside = relation.parts[1:]
            text = ".".join(map(quoted, ("spark_catalog", *inside)))
            return Found(text, relation.parts)
        return None

    def snapshot(self, root: str, travel: tuple[str, str] | None = None) -> Snapshot:
        """Return the version of the Delta table at `root` that a text asks for."""
        from lakebook.runtime.delta.snapshot import Snapshot

        if travel is None:
            return Snapshot.open(root)
        kind, expression = travel
        if kind == "version":
            return Snapshot.open(root, sql_session.value(self.spark, expression, self.args))
        if kind == "at":
            expression = f"to_timestamp('{expression}', 'yyyyMMddHHmmssSSS')"
        when = sql_session.moment(self.spark, expression, self.args)
        return Snapshot.open(root, timestamp=when)

    def delta(self, root: str, travel: tuple[str, str] | None, label: str) -> str:
        """Return the temporary view that holds the rows of a Delta table."""
        from lakebook.runtime.delta.read import frame

        if self.live and travel is None:
            self.snapshot(root)
            return sql_session.keep_live(self.spark, label, root)
        snapshot = self.snapshot(root, travel)
        # A table that was dropped and made again at the same place has another id.
        key = f"delta|{snapshot.root}|{snapshot.id}|{snapshot.version}"

        def make() -> DataFrame:
            return frame(self.spark, snapshot)

        if self.pinned or (travel is not None and (self.live or self.inside)):
            return sql_session.keep(self.spark, label, f"pinned|{key}", make)
        return sql_session.keep_version(self.spark, label, snapshot.root, key, make)

    def _files(self, relation: Relation) -> Found | None:
        kind, path = normal(relation.parts[0]), relation.parts[1]
        if kind != "delta":
            there = files.spark_path(path)
            if there == path:
                return None
            return Found(f"{relation.parts[0]}.{quoted(there)}", (path,), aliased=False)
        travel = relation.travel
        if travel is None and "@" in path.rsplit("/", 1)[-1]:
            path, _, suffix = path.rpartition("@")
            travel = ("version", suffix[1:]) if suffix[:1] in "vV" else ("at", suffix)
        label = Path(path).name or "delta"
        return Found(self.delta(root_of(path), travel, label), (label,))

    def _view(self, table: tables.Table) -> str:
        if table.name in self.inside:
            cycle = " → ".join(dotted(name) for name in (*self.inside, table.name))
            raise error("RECURSIVE_VIEW", f"The view {shown(table.name)} names itself: {cycle}.")
        text = table.view_text or ""
        place = (table.view_catalog or "main", table.view_schema or "default")
        within = Names(self.spark, None, place, (*self.inside, table.name), self.live, self.pinned)
        text = rewrite(Statement(text), within) or text
        columns = [column["name"] for column in table.columns or ()]

        listed = f" ({', '.join(map(quoted, columns))})" if columns else ""
        return sql_session.keep_text(self.spark, table.name.name, listed, text)

    def _other(self, table: tables.Table) -> str:
        from pyspark.sql.types import StructType

        assert table.location is not None
        path = files.spark_path(table.location)

        def make() -> DataFrame:
            reader = self.spark.read.format(table.format).options(**dict(table.options))
            if table.columns:
                reader = reader.schema(StructType.fromJson(table.columns))
            return reader.load(path)

        key = f"{table.format}|{path}|{dict(table.options)}|{stamp(path)}"
        return sql_session.keep(self.spark, table.name.name, key, make)

    def _information(self, name: Name) -> Found:
        from lakebook.runtime.catalog import information

        rows = information.frame(self.spark, name.catalog, name.name)
        # What it shows may change with every statement, so each has its own.
        key = f"information|{os.urandom(8).hex()}"
        return Found(sql_session.keep(self.spark, name.name, key, lambda: rows), name)

    def _function(self, statement: Statement, relation: Relation) -> Found | None:
        from lakebook.runtime.catalog import sql_functions

        assert relation.arguments is not None
        known = {"read_files": sql_functions.read_files, "table_changes": sql_functions.changes}
        one = normal(relation.parts[0]) if len(relation.parts) == 1 else ""
        if one in known:
            if relation.stream:
                raise _no_stream(relation.parts)
            return Found(known[one](self, statement, relation), (one,))
        call = sql_functions.registered(self, relation.parts)
        if call is None:
            return None
        low, high = relation.arguments
        inside = statement.source(low, high)
        text = rewrite(statement, self, low, high) if high > low else None
        return Found(f"{call}({text or inside})", (relation.parts[-1],))

    def call(self, statement: Statement, call: Call) -> tuple[int, int, str] | None:
        """Return the edit for a function of ours, or for who and where the session is."""
        from lakebook.runtime.catalog import sql_functions

        if len(call.parts) == 1:
            word = call.parts[0].upper()
            if word in _WHO_AND_WHERE and call.empty:
                return self._who(call, word)
        name = sql_functions.registered(self, call.parts)
        return (call.start, call.name_end, name) if name else None

    def _who(self, call: Call, word: str) -> tuple[int, int, str] | None:
        catalog, schema = self.place or context.current(self.spark)
        if word.endswith("USER"):
            text = grants.current_user()
        else:
            text = catalog if word == "CURRENT_CATALOG" else schema
        new = sql_session.literal(text)
        # The column keeps the name that it has without this.
        alias = f" AS {quoted(word.lower() + '()')}" if call.item else ""
        return call.start, call.end, new + alias


def root_of(path: str) -> str:
    """Return the folder on this machine of a Delta table's path."""
    found = files.spark_path(path)
    if found.startswith("file:"):
        found = "/" + found[5:].lstrip("/")
    return found.rstrip("/") or "/"


def is_path(parts: tuple[str, ...] | list[str]) -> bool:
    """Return whether a name is a path behind its format, as in ``csv.`/Volumes/…` ``."""
    if len(parts) != 2 or normal(parts[0]) not in context.FILE_FORMATS:
        return False
    return "/" in parts[1] or ":" in parts[1]


def stamp(path: str) -> str:
    """Return what changes when files under a path do."""
    newest, count, size = 0, 0, 0
    for folder, _, names in os.walk(path) if Path(path).is_dir() else [("", [], [path])]:
        for name in names:
            # Gone meanwhile, or never there: Spark will say so.
            with contextlib.suppress(OSError):
                status = (Path(folder) / name).stat()
                newest, count = max(newest, status.st_mtime_ns), count + 1
                size += status.st_size
    return f"{newest}.{count}.{size}"


def _no_stream(name: tuple[str, ...]) -> Exception:
    return error(
        "UNSUPPORTED_FEATURE.STREAM_IN_QUERY",
        f"STREAM {shown(name)} reads a stream in a pipeline only; in a notebook use "
        f"spark.readStream.table('{dotted(name)}').",
    )
