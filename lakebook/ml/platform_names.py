"""The platform's names of the ML counterparts: ``databricks.feature_engineering`` and others.

`install` puts a finder behind all others, so a package of the platform's that is there wins. The
modules which it makes hold the very objects of `lakebook.ml`; these come with the first import.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from lakebook.runtime.session import reaches_databricks

_OURS = "lakebook.ml.feature_engineering"
_CLIENT = {"FeatureEngineeringClient": f"{_OURS}.client"}
_OLDER = {"FeatureStoreClient": f"{_OURS}.legacy"}
_UPGRADE = {"UpgradeClient": f"{_OURS}.upgrade"}
_LOOKUP = {"FeatureLookup": f"{_OURS}.lookups"}
_FUNCTION = {"FeatureFunction": f"{_OURS}.lookups"}
_TABLE = {"FeatureTable": f"{_OURS}.tables"}
_TRAINING = {"TrainingSet": f"{_OURS}.training_set"}
_SERVING = dict.fromkeys(
    ("EndpointCoreConfig", "FeatureServingEndpoint", "ServedEntity"), f"{_OURS}.online.endpoint"
)
_STORES = dict.fromkeys(
    (
        "AmazonDynamoDBSpec",
        "AmazonRdsMySqlSpec",
        "AzureCosmosDBSpec",
        "AzureMySqlSpec",
        "AzureSqlServerSpec",
        "OnlineStoreSpec",
    ),
    f"{_OURS}.online_store_spec",
)

# Where the two packages are alike: by the names of their modules.
_ALIKE = {
    "entities.feature_function": _FUNCTION,
    "entities.feature_lookup": _LOOKUP,
    "entities.feature_serving_endpoint": _SERVING,
    "entities.feature_table": _TABLE,
    "online_store_spec": _STORES,
    "training_set": _TRAINING,
}

_AUTOML = dict.fromkeys(
    ("AutoMLSummary", "TrialInfo", "classify", "forecast", "import_notebook", "regress"),
    "lakebook.ml.automl",
)

# A module of the platform's, its names, and the module of ours where each of them is.
NAMES: dict[str, dict[str, str]] = {
    "databricks.automl": _AUTOML,
    "databricks.feature_engineering": _CLIENT | _LOOKUP | _FUNCTION | _UPGRADE,
    "databricks.feature_engineering.client": _CLIENT,
    "databricks.feature_engineering.upgrade_client": _UPGRADE,
    "databricks.feature_store": _OLDER | _LOOKUP | _FUNCTION,
    "databricks.feature_store.client": _OLDER,
    **{
        f"databricks.{package}.{module}": names
        for package in ("feature_engineering", "feature_store")
        for module, names in _ALIKE.items()
    },
}


def install() -> None:
    """Make the names importable where the platform's own packages are absent.

    Where the session is the platform's nothing is done: its tables need its own client.
    """
    if reaches_databricks() or any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    sys.meta_path.append(_Finder())


def uninstall() -> None:
    """Take the names away again; what a notebook has imported by them stays its own."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Finder)]
    for name in [name for name, module in sys.modules.items() if isinstance(module, _Module)]:
        module = sys.modules.pop(name)
        above, _, last = name.rpartition(".")
        if vars(sys.modules.get(above, module)).get(last) is module:
            delattr(sys.modules[above], last)


class _Module(ModuleType):
    """A module of the platform's name; a function that uses it may go to a worker of Spark's."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _imported, (self.__name__,)


def _imported(name: str) -> ModuleType:
    install()
    return importlib.import_module(name)


class _Finder(MetaPathFinder, Loader):
    """Finds and makes the modules of `NAMES` and the packages above them."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        is_package = any(known.startswith(f"{name}.") for known in NAMES)
        if not is_package and name not in NAMES:
            return None
        return ModuleSpec(name, self, origin="lakebook", is_package=is_package)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Module(spec.name, f"Lakebook's counterpart of the platform's {spec.name}.")

    def exec_module(self, module: ModuleType) -> None:
        names = NAMES.get(module.__name__, {})
        for name, place in names.items():
            setattr(module, name, getattr(importlib.import_module(place), name))
        vars(module)["__all__"] = sorted(names)
