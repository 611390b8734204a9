"""Which model used which columns of which feature table, at which version.

Kept in one SQLite file of the workspace, so that `get_table` need not load MLflow, which takes
seconds. What MLflow knows better stays there and is read from its database: whether a model has
been deleted since, and as which versions it is registered, whoever registered it. In MLflow itself
each table is an input of the run.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakebook import workspace
from lakebook.ml.feature_engineering.spec import Column
from lakebook.runtime import catalog
from lakebook.runtime.catalog import names

if TYPE_CHECKING:
    from lakebook.ml.feature_engineering.spec import Spec

CONTEXT = "feature_table"  # what MLflow shows beside such an input of a run
BUSY_SECONDS = 60
SCHEMA = """
CREATE TABLE uses (
    model_id TEXT NOT NULL,
    run_id TEXT,
    name TEXT NOT NULL,
    table_id TEXT NOT NULL,
    table_name TEXT NOT NULL,
    table_version INTEGER,
    columns TEXT NOT NULL,
    logged INTEGER NOT NULL,
    PRIMARY KEY (table_id, model_id)
)
"""


@dataclass(frozen=True)
class Use:
    """The columns of a table that a model is trained on, and the Delta version they come from."""

    table: str
    table_id: str
    version: int | None
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class ModelLineage:
    """A model that used columns of a table; `logged` in ms since 1970.

    `name` is the full name that it is registered under as `version`, else the name it was logged
    with, and `version` is None.
    """

    name: str
    version: str | None
    model_id: str
    run_id: str | None
    table: str
    table_version: int | None
    columns: tuple[str, ...]
    logged: int


def uses(spec: Spec) -> list[Use]:
    """Return the tables of a specification with the columns looked up in them.

    The version is the one that is current now.
    """
    found: dict[tuple[str, str], dict[str, Column]] = {}
    for lookup, feature in spec.sources():
        columns = found.setdefault((lookup.table, lookup.table_id), {})
        columns[feature.name] = Column(feature.name, feature.type)
    return [
        Use(table, table_id, _version(table), tuple(columns.values()))
        for (table, table_id), columns in found.items()
    ]


def _version(table: str) -> int | None:
    from lakebook.runtime.delta.snapshot import latest_version

    found = catalog.find(catalog.Name(*names.split(table)))
    return latest_version(found.location) if found and found.location else None


def record(used: Iterable[Use], *, model_id: str, run_id: str | None, name: str) -> None:
    """Keep what a model has used: all of it, or nothing."""
    moment = int(time.time() * 1000)
    rows = [
        (
            model_id,
            run_id,
            name,
            use.table_id,
            use.table,
            use.version,
            json.dumps([column.name for column in use.columns]),
            moment,
        )
        for use in used
    ]
    with _connection() as opened, opened:
        opened.executemany("INSERT OR REPLACE INTO uses VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)


def models_of(table_id: str) -> list[ModelLineage]:
    """Return the models that used a table, the newest first; each version of one for itself.

    Models that were deleted in MLflow are not among them.
    """
    if not workspace.path("lineage.db").is_file():
        return []
    question = (
        "SELECT model_id, run_id, name, table_name, table_version, columns, logged FROM uses "
        "WHERE table_id = ? ORDER BY logged DESC, rowid DESC"
    )
    with _connection() as opened:
        rows = opened.execute(question, (table_id,)).fetchall()
    registered, deleted = _registered([row[0] for row in rows])
    found = []
    for model_id, run_id, name, table, version, columns, logged in rows:
        if model_id in deleted:
            continue
        unregistered: list[tuple[str, str | None]] = [(name, None)]
        for full, number in registered.get(model_id, unregistered):
            found.append(
                ModelLineage(
                    full,
                    number,
                    model_id,
                    run_id,
                    table,
                    version,
                    tuple(json.loads(columns)),
                    logged,
                )
            )
    return found


def _registered(models: list[str]) -> tuple[dict[str, list[tuple[str, str | None]]], set[str]]:
    """Return the names and versions that models are registered under, and those deleted.

    A version and the model it was made of lie in the same folder; a copied version, too. A store
    that `MLFLOW_TRACKING_URI` names is not asked.
    """
    database = workspace.path("mlflow.db")
    versions: dict[str, list[tuple[str, str | None]]] = {}
    deleted: set[str] = set()
    if not models or not database.is_file():
        return versions, deleted
    question = (
        "SELECT m.model_id, m.lifecycle_stage, v.name, v.version FROM logged_models m "
        "LEFT JOIN model_versions v ON v.storage_location = m.artifact_location "
        "AND v.current_stage <> 'Deleted_Internal' "
        "WHERE m.model_id IN (SELECT value FROM json_each(?)) ORDER BY v.name, v.version DESC"
    )
    address = f"file:{database}?mode=ro"
    with contextlib.closing(sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS)) as opened:
        for model_id, stage, name, version in opened.execute(question, (json.dumps(models),)):
            if stage == "deleted":
                deleted.add(model_id)
            elif name is not None:
                versions.setdefault(model_id, []).append((name, str(version)))
    return versions, deleted


@contextlib.contextmanager
def _connection() -> Iterator[sqlite3.Connection]:
    """Open the file; it is made if it is missing, under a lock, for WAL does not wait."""
    file = workspace.path("lineage.db")
    with contextlib.closing(sqlite3.connect(file, timeout=BUSY_SECONDS)) as opened:
        if not _is_made(opened):
            with workspace.lock("lineage"):
                if not _is_made(opened):
                    opened.execute("PRAGMA journal_mode = WAL")
                    opened.execute(SCHEMA)
        yield opened


def _is_made(opened: sqlite3.Connection) -> bool:
    question = "SELECT count(*) FROM sqlite_master WHERE name = 'uses'"
    return bool(opened.execute(question).fetchone()[0])


def log_inputs(run_id: str, used: Iterable[Use]) -> None:
    """Enter each table as an input of a run, with its version and the columns used.

    ``mlflow.data.get_source(input).load()`` reads that version. No data is looked at.
    """
    from mlflow import MlflowClient
    from mlflow.entities import Dataset, DatasetInput, InputTag
    from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

    inputs = []
    for use in used:
        entity: Any = Dataset.from_dictionary(_dataset(use).to_dict())
        inputs.append(DatasetInput(entity, [InputTag(MLFLOW_DATASET_CONTEXT, CONTEXT)]))
    MlflowClient().log_inputs(run_id, datasets=inputs)


def _dataset(use: Use) -> Any:
    from mlflow.data.delta_dataset_source import DeltaDatasetSource
    from mlflow.data.meta_dataset import MetaDataset
    from mlflow.types import ColSpec, Schema

    from lakebook.ml.feature_engineering.signatures import column_type

    class Source(DeltaDatasetSource):
        def to_dict(self) -> dict[Any, Any]:
            # MLflow leaves version 0 out, and the source would then load the newest.
            return super().to_dict() | {"delta_table_version": use.version}

    # Given its id MLflow does not ask the platform for it.
    source = Source(
        delta_table_name=use.table,
        delta_table_version=use.version,
        delta_table_id=use.table_id,
    )
    columns: list[Any] = [ColSpec(column_type(one.type), one.name) for one in use.columns]
    kind: Any = MetaDataset  # typed as abstract, which it is not
    return kind(source, name=use.table, schema=Schema(columns))
