"""The signature of a model, from the columns of its training set: no rows are looked at.

MLflow compares types when a model is called, and Python has no integer that can be missing: a
whole number beside a missing one comes as a float, which MLflow refuses for ``long`` (as it refuses
whole numbers for ``double``). So a whole number is declared ``long`` only where a default makes
sure that it is there, and else ``Any``, which MLflow lets through as it is. For the same reason
arrays, maps and structs are ``Any``. Numbers with a fraction are ``double``, dates and times
``datetime``. A signature given to `log_model` is taken as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lakebook.ml.feature_engineering.columns import WHOLE
from lakebook.ml.feature_engineering.errors import FeatureError

if TYPE_CHECKING:
    from mlflow.models import ModelSignature
    from mlflow.types import Schema

    from lakebook.ml.feature_engineering.spec import Spec

PLAIN = {
    "float": "double",
    "double": "double",
    "decimal": "double",
    "boolean": "boolean",
    "string": "string",
    "varchar": "string",
    "char": "string",
    "binary": "binary",
    "date": "datetime",
    "timestamp": "datetime",
    "timestamp_ntz": "datetime",
}


def of(spec: Spec, output_schema: Schema | None = None) -> ModelSignature:
    """Return the signature of a model that was trained with this specification.

    Without a label `output_schema` has to say what comes out, else FeatureError is raised.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    certain = {feature.output for _, feature in spec.sources() if feature.default is not None}
    inputs: list[Any] = [
        ColSpec(column_type(column.type, missing=column.name not in certain), column.name)
        for column in spec.inputs()
    ]
    if output_schema is None:
        labels = [column for column in spec.given if column.name in spec.label]
        if not labels:
            raise FeatureError(
                "the training set has no label, so nothing says what the model returns; give "
                "log_model an output_schema, for example mlflow.types.Schema([ColSpec('double', "
                "'score')])"
            )
        output_schema = Schema([ColSpec(column_type(one.type), one.name) for one in labels])
    elif not isinstance(output_schema, Schema):
        raise FeatureError(
            f"output_schema is a {type(output_schema).__name__}; give an mlflow.types.Schema, for "
            "example Schema([ColSpec('double', 'score')])"
        )
    return ModelSignature(inputs=Schema(inputs), outputs=output_schema)


def column_type(spark_type: str, *, missing: bool = False) -> Any:
    """Return MLflow's type for one of Spark; `missing` tells that values may be."""
    from mlflow.types import DataType
    from mlflow.types.schema import AnyType

    if spark_type in WHOLE and not missing:
        return DataType.long
    known = PLAIN.get(spark_type.partition("(")[0])
    return DataType[known] if known else AnyType()
