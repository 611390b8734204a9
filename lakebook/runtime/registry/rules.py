"""What the platform's registries ask of a name and of a model."""

from __future__ import annotations

from mlflow.exceptions import MlflowException
from mlflow.models import Model
from mlflow.protos.databricks_pb2 import (
    INVALID_PARAMETER_VALUE,
    PERMISSION_DENIED,
    RESOURCE_DOES_NOT_EXIST,
)
from mlflow.utils._spark_utils import _get_active_spark_session

from lakebook.errors import LakebookError
from lakebook.runtime import catalog
from lakebook.runtime.catalog import grants, names, store

LEGACY = (
    "The older workspace registry has names of one level: mlflow.set_registry_uri('databricks')"
)


class RegistryError(LakebookError, MlflowException):
    """What a registry refuses; code for MLflow catches it as MlflowException."""


def refused(message: str, code: int = INVALID_PARAMETER_VALUE) -> RegistryError:
    """Return the error with MLflow's code for it."""
    return RegistryError(message, error_code=code)


def full_name(name: str) -> str:
    """Return the name of a model with its catalog and schema, as it is stored: in lower case.

    As on the platform a shorter name is completed by the catalog and schema that the Spark session
    uses. Raises RegistryError if there is none, or if the name is not one.
    """
    parts = [part.strip("`") for part in str(name or "").split(".")]
    if len(parts) < 3 and (spark := _get_active_spark_session()) is not None:
        current = catalog.current(spark)
        if current[0] not in ("spark_catalog", "hive_metastore"):
            parts = [*current[: 3 - len(parts)], *parts]
    if len(parts) != 3:
        raise refused(
            f"Invalid model name '{name}'. Models in Unity Catalog have names of three levels; "
            f"specify all three levels, such as 'main.default.{parts[-1]}'. {LEGACY}"
        )
    for part in parts:
        try:
            names.checked(part, "model")
        except LakebookError as fault:
            raise refused(f"Invalid model name '{name}'. {fault}") from fault
    return ".".join(map(names.normal, parts))


def require_schema(name: str) -> None:
    """Raise RegistryError if the schema of a full name does not exist, or takes no models of ours.

    On the platform CREATE MODEL on the schema is what a new model takes.
    """
    in_catalog, in_schema, _ = name.split(".")
    found = store.chain(in_catalog, in_schema, "MODEL", None)
    if not found:
        raise refused(
            f"CATALOG_DOES_NOT_EXIST: Catalog '{in_catalog}' does not exist; "
            f"spark.sql('CREATE CATALOG {in_catalog}') makes it",
            RESOURCE_DOES_NOT_EXIST,
        )
    if len(found) == 1:
        schema = f"{in_catalog}.{in_schema}"
        raise refused(
            f"SCHEMA_DOES_NOT_EXIST: Schema '{schema}' does not exist; "
            f"spark.sql('CREATE SCHEMA {schema}') makes it",
            RESOURCE_DOES_NOT_EXIST,
        )
    try:
        grants.require_on(found[1], "CREATE MODEL")
    except LakebookError as fault:
        raise refused(str(fault), PERMISSION_DENIED) from fault


def require_signature(location: str) -> None:
    """Raise RegistryError if the model at this address does not say what goes in and comes out."""
    try:
        signature = Model.load(location).signature
    except Exception as fault:
        raise refused(
            f"There is no MLflow model at '{location}' ({fault}); log it first, with a signature"
        ) from fault
    if signature and signature.inputs is not None and signature.outputs is not None:
        return
    lacks = "any signature metadata"
    if signature:
        lacks = "the inputs in its signature" if signature.outputs else "the outputs in it"
    raise refused(
        f"Model passed for registration did not contain {lacks}. All models in the Unity Catalog "
        "must be logged with a model signature containing both input and output type "
        "specifications: log_model(…, signature=mlflow.models.infer_signature(X, "
        "model.predict(X))) or log_model(…, input_example=X[:5])"
    )


def one_level(name: str) -> str:
    """Return the name. Raises RegistryError if it is one of Unity Catalog."""
    if str(name or "").count(".") == 2:
        raise refused(
            f"Invalid model name '{name}'. The workspace registry has names of one level; for "
            "models in Unity Catalog: mlflow.set_registry_uri('databricks-uc')"
        )
    return name
