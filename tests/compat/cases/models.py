"""MLflow: the registry in Unity Catalog, the older one, and experiments."""

from __future__ import annotations

import contextlib

from suite import Area, refused

UC = "https://docs.databricks.com/machine-learning/manage-model-lifecycle/index.html"
UPGRADE = (
    "https://docs.databricks.com/en/machine-learning/manage-model-lifecycle/upgrade-models.html"
)
case = Area("MLflow", UC)


@contextlib.contextmanager
def _registry(it, uri="databricks-uc"):
    """The client of a registry, and a way to log and register a model in it."""
    import mlflow

    before = mlflow.get_registry_uri()
    mlflow.set_registry_uri(uri)
    try:
        yield mlflow, mlflow.MlflowClient()
    finally:
        mlflow.set_registry_uri(before)


def _logged(mlflow, signed=True):
    """The address of a logged model that adds one."""

    class AddOne(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return model_input + 1

    signature = None
    if signed:
        import pandas as pd
        from mlflow.models import infer_signature

        example = pd.DataFrame({"n": [1.0]})
        signature = infer_signature(example, example)
    mlflow.set_experiment("/Shared/compat")
    with mlflow.start_run():
        info = mlflow.pyfunc.log_model(
            name="model", python_model=AddOne(), signature=signature, pip_requirements=[]
        )
    return info.model_uri


@case(
    "set_registry_uri('databricks-uc')",
    "Models are registered under a name of three levels; versions count from 1.",
)
def a_model_has_three_levels(it):
    with _registry(it) as (mlflow, client):
        uri, name = _logged(mlflow), it.name("adder")
        assert [int(mlflow.register_model(uri, name).version) for _ in range(2)] == [1, 2]
        assert client.get_registered_model(name).name == name
        found = client.search_model_versions(f"name='{name}'")
        assert sorted(int(version.version) for version in found) == [1, 2]


@case("short names of models", "A short name is completed by the session's catalog and schema.")
def a_short_model_name_is_completed(it):
    with _registry(it) as (_, client):
        it.sql("USE {s}")
        assert client.create_registered_model("short").name == it.name("short")
        refused(lambda: client.create_registered_model("a.b.c.d"), "a.b.c.d")


@case("schema of a model", "The schema of a model must exist.")
def a_model_needs_its_schema(it):
    with _registry(it) as (_, client):
        refused(lambda: client.create_registered_model("main.nosuch.adder"), "nosuch")


@case("signature", "A model version needs a signature with inputs and outputs.", source=UPGRADE)
def a_model_needs_a_signature(it):
    with _registry(it) as (mlflow, _):
        uri = _logged(mlflow, signed=False)
        refused(lambda: mlflow.register_model(uri, it.name("bare")), "signature")


@case("aliases", "An alias points to a version, can be moved, and loads by models:/name@alias.")
def an_alias_loads_a_model(it):
    import pandas as pd

    with _registry(it) as (mlflow, client):
        uri, name = _logged(mlflow), it.name("aliased")
        for _ in range(2):
            mlflow.register_model(uri, name)
        client.set_registered_model_alias(name, "Champion", 1)
        client.set_registered_model_alias(name, "Champion", 2)
        assert int(client.get_model_version_by_alias(name, "Champion").version) == 2
        model = mlflow.pyfunc.load_model(f"models:/{name}@Champion")
        assert model.predict(pd.DataFrame({"n": [1.0]}))["n"].tolist() == [2.0]
        client.delete_registered_model_alias(name, "Champion")
        refused(lambda: client.get_model_version_by_alias(name, "Champion"), "Champion")


@case("tags and descriptions", "Models and versions carry tags and a description.")
def models_carry_tags(it):
    with _registry(it) as (mlflow, client):
        name = it.name("tagged")
        version = mlflow.register_model(_logged(mlflow), name).version
        client.set_registered_model_tag(name, "task", "demo")
        client.set_model_version_tag(name, version, "checked", "yes")
        client.update_model_version(name, version, "the first")
        assert client.get_registered_model(name).tags == {"task": "demo"}
        found = client.get_model_version(name, version)
        assert (found.tags["checked"], found.description) == ("yes", "the first")


@case("no stages", "Stages are not supported; aliases take their place.", source=UPGRADE)
def stages_are_refused(it):
    with _registry(it) as (mlflow, client):
        name = it.name("staged")
        version = mlflow.register_model(_logged(mlflow), name).version
        move = client.transition_model_version_stage
        refused(lambda: move(name, version, "Production"), ("stage", "Stage"), "alias")
        refused(lambda: client.get_latest_versions(name), ("stage", "latest"))


@case("deleting", "A version is deleted by number, a model with all its versions.")
def models_are_deleted(it):
    with _registry(it) as (mlflow, client):
        uri, name = _logged(mlflow), it.name("gone")
        for _ in range(2):
            mlflow.register_model(uri, name)
        client.delete_model_version(name, "1")
        assert [int(v.version) for v in client.search_model_versions(f"name='{name}'")] == [2]
        client.delete_registered_model(name)
        refused(lambda: client.get_registered_model(name), it.name("gone"))


@case(
    "copy_model_version", "A version is copied to another model, as when promoting it.", source=UC
)
def a_version_is_copied(it):
    with _registry(it) as (mlflow, client):
        mlflow.register_model(_logged(mlflow), it.name("dev"))
        copied = client.copy_model_version(f"models:/{it.name('dev')}/1", it.name("prod"))
        assert (copied.name, int(copied.version)) == (it.name("prod"), 1)
        assert mlflow.pyfunc.load_model(f"models:/{it.name('prod')}/1") is not None


@case("models in the catalog", "A schema with a model is not empty; CASCADE drops the model too.")
def a_model_fills_its_schema(it):
    with _registry(it) as (mlflow, client):
        mlflow.register_model(_logged(mlflow), it.name("kept"))
        refused(lambda: it.sql("DROP SCHEMA {s}"), ("NOT_EMPTY", "not empty"))
        it.sql("DROP SCHEMA {s} CASCADE")
        refused(lambda: client.get_registered_model(it.name("kept")), "kept")


@case(
    "set_registry_uri('databricks')",
    "The older registry has names of one level and stages.",
    source=UPGRADE,
)
def the_older_registry_has_stages(it):
    import warnings

    with _registry(it, "databricks") as (mlflow, client), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        name = f"old_{it.folder.name}"
        mlflow.register_model(_logged(mlflow), name)
        client.transition_model_version_stage(name, "1", "Production")
        (found,) = client.get_latest_versions(name, ["Production"])
        assert found.current_stage == "Production"
        assert mlflow.pyfunc.load_model(f"models:/{name}/Production") is not None


@case(
    "experiments",
    "The name of an experiment is an absolute path, /Users/… or /Shared/….",
    source="https://docs.databricks.com/mlflow/index.html",
)
def an_experiment_is_a_path(it):
    import mlflow

    name = f"/Users/learner@lakebook.local/{it.folder.name}"
    made = mlflow.set_experiment(name)
    assert mlflow.get_experiment_by_name(name).experiment_id == made.experiment_id
    refused(lambda: mlflow.set_experiment("not a path"), "not a path", ("absolute", "/Users/"))


@case(
    "runs",
    "Runs keep parameters, metrics and artifacts, and are searched.",
    source="https://docs.databricks.com/mlflow/index.html",
)
def runs_are_kept_and_searched(it):
    import mlflow

    mlflow.set_experiment(f"/Shared/{it.folder.name}")
    with mlflow.start_run(run_name="first") as run:
        mlflow.log_param("depth", 3)
        mlflow.log_metric("rmse", 0.5)
        mlflow.log_text("hello", "note.txt")
    found = mlflow.search_runs(filter_string="metrics.rmse < 1 AND params.depth = '3'")
    assert found.run_id.tolist() == [run.info.run_id]
    assert mlflow.artifacts.load_text(f"{run.info.artifact_uri}/note.txt") == "hello"


@case("spark_udf", "A registered model scores a Spark frame by mlflow.pyfunc.spark_udf.", source=UC)
def a_model_scores_a_frame(it):
    with _registry(it) as (mlflow, _):
        name = it.name("scored")
        mlflow.register_model(_logged(mlflow), name)
        score = mlflow.pyfunc.spark_udf(
            it.spark, f"models:/{name}/1", "double", env_manager="local"
        )
        frame = it.frame([(1.0,)], "n DOUBLE")
        assert [row[0] for row in frame.select(score("n")).collect()] == [2.0]
