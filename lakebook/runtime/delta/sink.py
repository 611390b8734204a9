"""Writing a stream to a Delta table, exactly once across restarts.

Each batch is one commit that carries the stream's id and the batch's number. A batch that is run
again, because the process died between the commit and Spark's own note of it, finds its number in
the log and writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakebook.runtime.delta.errors import delta_error

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class Batch:
    """What happens to one batch; it travels to the server by pickle when the session is remote."""

    root: str
    checkpoint: str
    mode: str
    options: Mapping[str, Any] = field(default_factory=dict)
    partition_by: Sequence[str] = ()
    table: str | None = None

    def __call__(self, rows: DataFrame, number: int) -> None:
        """Write a batch as one version of the table."""
        from lakebook.runtime.delta import write

        overwrite = self.mode == "complete"
        write.write(
            rows,
            self.root,
            "overwrite" if overwrite else "append",
            options=self.options,
            partition_by=self.partition_by,
            txn=(self._stream(), number),
            operation="STREAMING UPDATE",
            assign=True,
            table=self.table,
        )

    def _stream(self) -> str:
        """Return the id that Spark keeps in the checkpoint, so a new checkpoint is a new stream."""
        text = (Path(self.checkpoint) / "metadata").read_text("utf-8")
        return str(json.loads(text)["id"])


def prepare(
    root: str | None,
    options: Mapping[str, Any],
    mode: str,
    partition_by: Sequence[str],
    table: str | None,
) -> Batch:
    """Check what a stream into Delta needs, and return its batches; the first makes the table.

    Raises DeltaError without a path, without a checkpoint, and in output mode update.
    """
    from lakebook.runtime.files import spark_path

    if not root:
        raise delta_error(
            "DELTA_PATH_MISSING", "'path' is not specified: start(path) or toTable(name)."
        )
    checkpoint = options.get("checkpointlocation")
    if not checkpoint:
        raise delta_error(
            "DELTA_STREAM_CHECKPOINT_MISSING",
            "checkpointLocation must be specified by option('checkpointLocation', …): a folder of "
            "this stream alone, by which it goes on after a restart.",
        )
    if mode.lower() not in ("append", "complete"):
        raise delta_error(
            "DELTA_STREAM_OUTPUT_MODE",
            f"Data source delta does not support output mode '{mode}'; use append or complete, or "
            "MERGE in foreachBatch for updates.",
        )
    known = {key: value for key, value in options.items() if key in ("mergeschema", "usermetadata")}
    where = spark_path(str(checkpoint), writing=True).removeprefix("file:")
    return Batch(root, where, mode.lower(), known, tuple(partition_by), table)
