"""Models of Spark ML are saved and loaded by the platform's paths too.

The JVM writes them by itself, past `DataFrameWriter`, and would take ``/Volumes`` for a folder of
this machine.
"""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any

from lakebook import workspace
from lakebook.runtime.later import when_imported
from lakebook.runtime.patching import Method, replace

# Every writer and reader of PySpark 4.3 ends in one of these, a pipeline's in those of its stages.
WRITERS = ("MLWriter", "JavaMLWriter", "RemoteMLWriter")
READERS = ("JavaMLReader", "RemoteMLReader")


def install() -> None:
    """Replace `save` and `load` once pyspark.ml is imported; nothing is imported for it."""
    # MLflow saves a Spark model here, then copies it by Hadoop, for which /tmp is this machine's.
    os.environ.setdefault("MLFLOW_DFS_TMP", str(workspace.path("tmp", "mlflow")))
    for module in ("pyspark.ml.util", "pyspark.ml.connect.readwrite"):
        when_imported(module, _teach)


def _teach(module: ModuleType) -> None:
    for name in WRITERS:
        if hasattr(module, name):
            replace(getattr(module, name), "save", _save)
    for name in READERS:
        if hasattr(module, name):
            replace(getattr(module, name), "load", _load)


def _save(before: Method) -> Method:
    def save(self: Any, path: str) -> None:
        from lakebook.runtime.files import spark_path

        before(self, spark_path(path, writing=True) if isinstance(path, str) else path)

    return save


def _load(before: Method) -> Method:
    def load(self: Any, path: str) -> Any:
        from lakebook.runtime.files import spark_path

        return before(self, spark_path(path) if isinstance(path, str) else path)

    return load
