"""The process from which Spark forks its Python workers; it can import packages for all of them.

Spark starts a Python worker for each trial of `hyperopt.SparkTrials`, and each imports Hyperopt
anew. A worker that is forked from a process which has it begins at once. `preload` names packages
for the jobs that follow; without it this is Spark's own daemon.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from typing import Any

VARIABLE = "LAKEBOOK_PRELOAD"
MODULE = "lakebook.runtime.python_daemon"
# What takes long to import; where the notebook has it, its trials are likely to need it.
HEAVY = ("sklearn.ensemble", "sklearn.model_selection", "sklearn.tree", "lightgbm", "mlflow")


def preload(spark: Any, *names: str) -> None:
    """Let workers of later jobs of a classic session have these packages imported already.

    Spark keeps daemons apart by their environment, so the next job starts a new one.
    Over Spark Connect the server decides, and nothing happens.
    """
    if not hasattr(spark, "sparkContext"):
        return
    told = spark.sparkContext.environment
    known = told.get(VARIABLE, "").split()
    told[VARIABLE] = " ".join(dict.fromkeys([*known, *names]))


def install() -> None:
    """Let the workers of `hyperopt.SparkTrials` find Hyperopt imported, once it is used."""
    from lakebook.runtime.later import when_imported

    when_imported("hyperopt.spark", _teach_trials)


def _teach_trials(module: Any) -> None:
    from lakebook.runtime.patching import replace

    replace(module.SparkTrials, "__init__", _first_preload)


def _first_preload(before: Any) -> Any:
    def __init__(self: Any, *given: Any, **named: Any) -> None:
        before(self, *given, **named)
        preload(self._spark, "hyperopt", *(name for name in HEAVY if name in sys.modules))

    return __init__


def main() -> None:
    """Import what was asked for, then do what Spark's own daemon does."""
    for name in os.environ.get(VARIABLE, "").split():
        # A package that is missing is missed by whoever uses it, and says so there.
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    from pyspark.daemon import manager

    manager()


if __name__ == "__main__":
    main()
