"""Models logged with MLflow together with the specification of their features.

The model is saved by its own flavour, and the specification lies beside it: whatever loads MLflow
models loads this one, and `score_batch` finds its features.
"""

from __future__ import annotations

import contextlib
import inspect
import logging
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from lakebook.ml.feature_engineering import columns, lineage, signatures
from lakebook.ml.feature_engineering.errors import FeatureError
from lakebook.ml.feature_engineering.spec import FILE, to_yaml
from lakebook.ml.feature_engineering.training_set import TrainingSet

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo

TAG = "feature_tables"  # of the run, the model and its registered version
EXAMPLE_ROWS = 5


def log_model(
    *,
    model: Any,
    artifact_path: str,
    flavor: ModuleType,
    training_set: TrainingSet | None = None,
    registered_model_name: str | None = None,
    await_registration_for: int | None = None,
    infer_input_example: bool = False,
    extra_pip_requirements: list[str] | None = None,
    registry_uri: str | None = None,
    **kwargs: Any,
) -> ModelInfo:
    """Log a model with the specification of its features, and return MLflow's ModelInfo.

    It goes to the active run, or to a run of its own. `artifact_path` is what MLflow 3 calls the
    name of the model. With `registered_model_name` it becomes a version of that model. `kwargs` go
    to MLflow; of them `signature` replaces the one of the training set (see `signatures`), and
    `output_schema` says what comes out if there is no label. Requirements are those of the
    flavour, not inferred, which would take seconds; `extra_pip_requirements` adds to them.

    Without a training set it is a plain MLflow model. Raises FeatureError for arguments that do
    not fit, and what MLflow raises.
    """
    import mlflow
    from mlflow.models import Model

    if not callable(getattr(flavor, "save_model", None)):
        raise FeatureError(
            f"flavor is {flavor!r}; give the MLflow module that saves the model, such as "
            "mlflow.sklearn"
        )
    if training_set is not None and not isinstance(training_set, TrainingSet):
        raise FeatureError(
            f"training_set is a {type(training_set).__name__}; give what create_training_set "
            "returned, for it knows where each feature comes from"
        )
    options = _requirements(flavor, extra_pip_requirements, kwargs)
    used: list[lineage.Use] = []
    text = None
    if training_set is not None:
        output = options.pop("output_schema", None)
        if options.get("signature") is None:
            options["signature"] = signatures.of(training_set.spec, output)
        if infer_input_example and options.get("input_example") is None:
            options["input_example"] = _example(training_set)
        used = lineage.uses(training_set.spec)
        text = to_yaml(training_set.spec)
    tags = dict(options.pop("tags", None) or {})
    if used:
        tags[TAG] = _names(used)
    ours = {key for key in options if key not in kwargs}
    with _run(options), _calm(flavor, ours):
        info = Model.log(
            artifact_path=None,
            name=artifact_path,
            flavor=_WithFeatures(flavor, text),
            flavor_name=getattr(flavor, "__name__", None),
            model=model,
            tags=tags or None,
            **options,
        )
        if used:
            lineage.log_inputs(info.run_id, used)
            _tag_run(info.run_id, used)
            lineage.record(used, model_id=info.model_id, run_id=info.run_id, name=artifact_path)
        # Last, so that whatever has a version has its lineage too, though the process be killed.
        if registered_model_name is not None:
            with _registry(registry_uri):
                version = mlflow.register_model(
                    info.model_uri,
                    registered_model_name,
                    await_registration_for=await_registration_for,
                    tags=tags or None,
                )
            info.registered_model_version = version.version
    return info


class _WithFeatures:
    """A flavour that saves as another one does, and the specification beside it."""

    def __init__(self, flavor: ModuleType, text: str | None) -> None:
        self.flavor, self.text = flavor, text

    def save_model(self, path: str, mlflow_model: Any, model: Any, **options: Any) -> None:
        """Save a model into the folder `path`; MLflow calls it."""
        save = self.flavor.save_model
        first = next(iter(inspect.signature(save).parameters))
        # Each flavour takes the model first, under a name of its own; mlflow.pyfunc does not.
        named = {"python_model" if first == "path" else first: model}
        save(path=path, mlflow_model=mlflow_model, **named, **options)
        if self.text is not None:
            Path(path, FILE).write_text(self.text, encoding="utf-8")


def _requirements(
    flavor: ModuleType, extra: list[str] | None, kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the options for MLflow, with requirements and a format to save in."""
    options = dict(kwargs)
    # MLflow's default, skops, refuses forests and boosted trees; the platform has cloudpickle.
    if hasattr(flavor, "SERIALIZATION_FORMAT_SKOPS"):
        options.setdefault("serialization_format", "cloudpickle")
    defaults = getattr(flavor, "get_default_pip_requirements", None)
    if options.get("conda_env") is not None:
        if extra:
            options["extra_pip_requirements"] = list(extra)  # MLflow says that both are too much
    elif isinstance(options.get("pip_requirements"), list):
        options["pip_requirements"] = [*options["pip_requirements"], *(extra or [])]
    elif options.get("pip_requirements") is None and defaults is not None:
        cloudpickle = options.get("serialization_format") == "cloudpickle"
        asks = "include_cloudpickle" in inspect.signature(defaults).parameters
        found = defaults(include_cloudpickle=cloudpickle) if asks else defaults()
        options["pip_requirements"] = [*found, *(extra or [])]
    elif extra:
        options["extra_pip_requirements"] = list(extra)
    return options


def _example(training_set: TrainingSet) -> Any:
    """Return the first rows of a training set without its labels, as pandas that JSON can hold."""
    inputs = [
        columns.col(one.name).cast("double").alias(one.name)
        if one.type.startswith("decimal")
        else columns.col(one.name)
        for one in training_set.spec.inputs()
    ]
    return training_set.load_df().select(*inputs).limit(EXAMPLE_ROWS).toPandas()


def _names(used: list[lineage.Use]) -> str:
    return ", ".join(sorted(use.table for use in used))


def _tag_run(run_id: str, used: list[lineage.Use]) -> None:
    """Name the tables in the run's tag, beside those of models that it has logged before."""
    from mlflow import MlflowClient

    client = MlflowClient()
    before = client.get_run(run_id).data.tags.get(TAG, "")
    names = {name for name in before.split(", ") if name} | {use.table for use in used}
    client.set_tag(run_id, TAG, ", ".join(sorted(names)))


@contextlib.contextmanager
def _run(options: Mapping[str, Any]) -> Iterator[None]:
    """Hold a run that models can be logged to; one that is made for it ends with it."""
    import mlflow

    if mlflow.active_run() or options.get("run_id"):
        yield
        return
    with mlflow.start_run():
        yield


@contextlib.contextmanager
def _registry(uri: str | None) -> Iterator[None]:
    """Register models at an address, for MLflow takes it from the process."""
    import mlflow

    before = mlflow.get_registry_uri()
    if uri is None or uri == before:
        yield
        return
    mlflow.set_registry_uri(uri)
    try:
        yield
    finally:
        mlflow.set_registry_uri(before)


@contextlib.contextmanager
def _calm(flavor: ModuleType, ours: set[str]) -> Iterator[None]:
    """Keep back advice about options that were decided here, and not by who would read it."""
    advice = [("mlflow.pyfunc", "Passing a Python object as `python_model`")]
    if "serialization_format" in ours:
        advice.append((flavor.__name__, "Saving scikit-learn models in the pickle"))
    with without(*advice), warnings.catch_warnings():
        # The signature comes from the training set's types, which need no example.
        warnings.filterwarnings("ignore", message=".*An input example was not provided")
        yield


@contextlib.contextmanager
def without(*messages: tuple[str, str]) -> Iterator[None]:
    """Keep back these messages and no others: pairs of a logger and how its message begins."""
    with contextlib.ExitStack() as stack:
        for name, beginning in messages:
            logger = logging.getLogger(name)

            def passes(record: logging.LogRecord, beginning: str = beginning) -> bool:
                return not record.getMessage().startswith(beginning)

            logger.addFilter(passes)
            stack.callback(logger.removeFilter, passes)
        yield
