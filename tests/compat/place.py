"""Where a case runs: a session, a notebook's shell, and a schema and a folder of its own."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pyarrow as pa
from suite import Case, key


class Place:
    """What a case is given. Everything made here is seen by this case only."""

    def __init__(self, environment: str, spark: Any, shell: Any, folder: Path, case: Case) -> None:
        self.environment, self.spark, self.shell = environment, spark, shell
        self.folder = folder / key(case.name)
        self.folder.mkdir(parents=True)
        self._count = itertools.count(1)
        self._key, self._schema = key(case.name), ""

    @property
    def schema(self) -> str:
        """The case's own schema, `main.c_…`, made when it is first asked for."""
        if not self._schema:
            self._schema = f"main.{self._key}"
            self.spark.sql(f"CREATE SCHEMA IF NOT EXISTS {self._schema}")
        return self._schema

    @property
    def dbutils(self) -> Any:
        """The notebook's `dbutils`."""
        return self.shell.user_ns["dbutils"]

    def sql(self, text: str, **options: Any) -> Any:
        """Run a statement, in which {s} is the case's own schema."""
        return self.spark.sql(text.replace("{s}", self.schema), **options)

    def name(self, table: str = "t") -> str:
        """Return a three-level name in the case's own schema."""
        return f"{self.schema}.{table}"

    def path(self, name: str = "") -> str:
        """Return a path that nothing has been written to."""
        return str(self.folder / (name or f"table{next(self._count)}"))

    def frame(self, rows: Any, schema: str) -> Any:
        """Return a frame in one partition, so that one write is one file."""
        return self.spark.createDataFrame(rows, schema).coalesce(1)

    def given(self, partition_by: list[str] | None = None, **columns: list[Any]) -> str:
        """Return the path of a Delta table that another engine (delta-rs) has written."""
        from deltalake import write_deltalake

        path = self.path()
        write_deltalake(path, pa.table(columns), partition_by=partition_by)
        return path

    def append(self, path: str, **columns: list[Any]) -> None:
        """Append to a table by the other engine."""
        from deltalake import write_deltalake

        write_deltalake(path, pa.table(columns), mode="append")

    def table(
        self, table: str = "t", partition_by: list[str] | None = None, **columns: list[Any]
    ) -> str:
        """Return the three-level name of a table with these columns."""
        path = self.given(partition_by, **columns)
        self.spark.sql(f"CREATE TABLE {self.name(table)} USING delta LOCATION '{path}'")
        return self.name(table)

    def at(self, path: str) -> Any:
        """Read a Delta table by its path."""
        return self.spark.read.format("delta").load(path)

    def cell(self, source: str) -> str:
        """Run a cell of the notebook; return what it printed and showed, as text and as HTML.

        Raises what the cell raised, save what only ends a cell or a notebook.
        """
        from IPython.utils.capture import capture_output

        from lakebook.runtime.dbutils.stopping import Stop

        with capture_output() as shown:
            result = self.shell.run_cell(source)
        error = result.error_before_exec or result.error_in_exec
        if error is not None and not isinstance(error, Stop):
            raise error
        parts = [shown.stdout, shown.stderr]
        for output in shown.outputs:
            parts += [str(value) for value in output.data.values()]
        return "\n".join(parts)


def new_shell() -> Any:
    """Return this process's IPython shell with the extension loaded, as a notebook has it."""
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "lakebook")
    return shell
