"""One commit of the Delta log: written whole or not at all, and checked against other writers.

delta-rs commits too, but it names every transaction WRITE and puts neither a changed schema nor
change files beside appended data; a MERGE needs them in one version.
Format and conflict rules: Delta transaction log protocol, isolation level WriteSerializable.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from lakebook.runtime.delta import errors

CHECKPOINT_EVERY = 10
ENGINE = "Lakebook"


@dataclass(frozen=True)
class Add:
    """A data file of the table.

    `path` is relative to the table, as on disk; `size` in bytes; `modification_time` in ms since
    1970; `stats` as in the log (``numRecords``, ``minValues``, ``maxValues``, ``nullCount``).
    """

    path: str
    size: int
    partition_values: Mapping[str, str | None] = field(default_factory=dict, hash=False)
    stats: Mapping[str, Any] | None = field(default=None, hash=False)
    modification_time: int = 0
    data_change: bool = True

    @property
    def rows(self) -> int | None:
        """Return the number of rows, None if the log does not say."""
        return None if self.stats is None else self.stats.get("numRecords")


@dataclass
class Actions:
    """What one commit does.

    `read_version` is the version that the operation has read, -1 if there was no table.
    `reads`: None for a blind append, else the paths it has read; ``reads_all`` means that any file
    that another writer adds meanwhile would have mattered, unless it lies in a partition that is
    not in `read_partitions`.
    """

    read_version: int
    operation: str
    adds: Sequence[Add] = ()
    removes: Sequence[Add] = ()
    cdc: Sequence[Add] = ()
    metadata: Mapping[str, Any] | None = None
    protocol: Mapping[str, Any] | None = None
    txn: tuple[str, int] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    user_metadata: str | None = None
    reads: frozenset[str] | None = None
    reads_all: bool = False
    read_partitions: frozenset[tuple[tuple[str, str | None], ...]] | None = None

    @property
    def blind(self) -> bool:
        """Return whether the commit only adds, whatever the table holds."""
        return not self.removes and self.reads is None and not self.reads_all


def commit(root: str | Path, actions: Actions) -> int:
    """Write the actions as the next version and return it.

    Raises a `DeltaConcurrentModificationException` if another writer has meanwhile committed
    what makes these actions wrong; the table is then as that writer left it.
    """
    folder = Path(root) / "_delta_log"
    folder.mkdir(parents=True, exist_ok=True)
    version, checked = actions.read_version + 1, actions.read_version
    while True:
        for winner in range(checked + 1, version):
            _check(actions, read_commit(root, winner))
        checked = version - 1
        if _put(folder / f"{version:020d}.json", _text(actions, version)):
            _checkpoint(root, version)
            return version
        version += 1


def read_commit(root: str | Path, version: int) -> list[dict[str, Any]]:
    """Return the actions of one version, as the log has them."""
    text = (Path(root) / "_delta_log" / f"{version:020d}.json").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def disk_path(logged: str) -> str:
    """Return a path of the log as it is on disk."""
    return unquote(logged)


def log_path(path: str) -> str:
    """Return a path on disk as the log writes it."""
    return quote(path, safe="/=-_.~!$&'()*+,;:@")


def _put(target: Path, text: str) -> bool:
    """Write a file that must not exist; False if it does. A reader never sees half of it."""
    temporary = target.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("x", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(temporary, target)
        except FileExistsError:
            return False
        return True
    except OSError as error:
        raise errors.delta_error(
            "DELTA_LOG_NOT_WRITABLE",
            f"The log '{target.parent}' cannot be written ({error.strerror or error}); the table "
            "is as it was. Free some space, or write to a folder of yours.",
        ) from error
    finally:
        # The commit may stand by now: a file left over is no reason to call it failed.
        with contextlib.suppress(OSError):
            temporary.unlink()


def _text(actions: Actions, version: int) -> str:
    return "\n".join(json.dumps(line, ensure_ascii=False) for line in _lines(actions, version))


def _lines(actions: Actions, version: int) -> Iterator[dict[str, Any]]:
    now = int(time.time() * 1000)
    info: dict[str, Any] = {
        "timestamp": now,
        "operation": actions.operation,
        # Each value is a string in the log, JSON where it is not one by itself.
        "operationParameters": {
            key: value if isinstance(value, str) else json.dumps(value)
            for key, value in actions.parameters.items()
        },
        "isolationLevel": "WriteSerializable",
        "isBlindAppend": actions.blind,
        "operationMetrics": {key: str(value) for key, value in actions.metrics.items()},
        "engineInfo": ENGINE,
        "txnId": str(uuid.uuid4()),
    }
    if actions.user_metadata is not None:
        info["userMetadata"] = actions.user_metadata
    if actions.read_version >= 0:
        info["readVersion"] = actions.read_version
    yield {"commitInfo": info}
    if actions.protocol:
        yield {"protocol": dict(actions.protocol)}
    if actions.metadata:
        yield {"metaData": dict(actions.metadata)}
    if actions.txn:
        app, number = actions.txn
        yield {"txn": {"appId": app, "version": number, "lastUpdated": now}}
    for file in actions.removes:
        yield {
            "remove": {
                "path": log_path(file.path),
                "deletionTimestamp": now,
                "dataChange": file.data_change,
                "extendedFileMetadata": True,
                "partitionValues": dict(file.partition_values),
                "size": file.size,
            }
        }
    for file in actions.adds:
        added = {
            "path": log_path(file.path),
            "partitionValues": dict(file.partition_values),
            "size": file.size,
            "modificationTime": file.modification_time,
            "dataChange": file.data_change,
        }
        if file.stats is not None:
            added["stats"] = json.dumps(file.stats, ensure_ascii=False)
        yield {"add": added}
    for file in actions.cdc:
        yield {
            "cdc": {
                "path": log_path(file.path),
                "partitionValues": dict(file.partition_values),
                "size": file.size,
                "dataChange": False,
            }
        }


def _check(ours: Actions, theirs: list[dict[str, Any]]) -> None:
    """Raise if the winner's commit makes ours wrong (WriteSerializable)."""
    blind = any(line.get("commitInfo", {}).get("isBlindAppend") for line in theirs)
    removes = {file.path for file in ours.removes}
    for line in theirs:
        if "protocol" in line:
            raise errors.ProtocolChangedException()
        if "metaData" in line:
            raise errors.MetadataChangedException()
        if ours.txn and line.get("txn", {}).get("appId") == ours.txn[0]:
            raise errors.ConcurrentTransactionException()
        if "remove" in line:
            path = disk_path(line["remove"]["path"])
            if path in removes:
                raise errors.ConcurrentDeleteDeleteException()
            if ours.reads and path in ours.reads:
                raise errors.ConcurrentDeleteReadException()
        if "add" in line and ours.reads_all and not blind and _read(ours, line["add"]):
            raise errors.ConcurrentAppendException()


def _read(ours: Actions, added: dict[str, Any]) -> bool:
    if not added.get("dataChange", True):
        return False
    if ours.read_partitions is None:
        return True
    return tuple(sorted(added.get("partitionValues", {}).items())) in ours.read_partitions


def _checkpoint(root: str | Path, version: int) -> None:
    if version and version % CHECKPOINT_EVERY == 0:
        from deltalake import DeltaTable

        # The commit stands already; a checkpoint that fails only costs speed.
        with contextlib.suppress(Exception):
            DeltaTable(str(root), version=version).create_checkpoint()
