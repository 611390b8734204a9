"""Models under the platform's rules: Unity Catalog by default, the older registry on request."""

from __future__ import annotations

import os
import subprocess
import sys

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature, infer_signature
from sklearn.linear_model import LinearRegression

from lakebook.runtime import catalog, registry, tracking
from lakebook.runtime.catalog import grants, store

ROWS = pd.DataFrame({"hours": [1.0, 2.0, 3.0, 4.0]})
MODEL = LinearRegression().fit(ROWS, [2.0, 4.0, 6.0, 8.0])
SIGNATURE = infer_signature(ROWS, MODEL.predict(ROWS))


@pytest.fixture(autouse=True)
def workspace(tmp_path, monkeypatch):
    """Give each test a workspace of its own, prepared as loading the extension does."""
    monkeypatch.setenv("LAKEBOOK_HOME", str(tmp_path))
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.setenv(name, "set, so that it is restored")
        monkeypatch.delenv(name)
    monkeypatch.setenv(registry.STORE, "")
    monkeypatch.setattr("mlflow.tracking._model_registry.utils._registry_uri", None)
    monkeypatch.setattr("mlflow.tracking._tracking_service.utils._tracking_uri", None)
    monkeypatch.setattr("mlflow.tracking.fluent._active_experiment_id", None)
    tracking.prepare()
    mlflow.set_experiment("/Shared/registry")
    return tmp_path


def logged(signature: ModelSignature | None = SIGNATURE, **options: object):
    return mlflow.sklearn.log_model(
        MODEL, name="model", signature=signature, pip_requirements=[], **options
    )


def test_models_go_to_unity_catalog_unless_told_otherwise():
    assert mlflow.get_registry_uri() == "databricks-uc"
    mlflow.set_registry_uri("databricks")
    assert mlflow.get_registry_uri() == "databricks"


def test_a_registry_that_the_environment_names_is_kept(monkeypatch, tmp_path):
    own = f"sqlite:///{tmp_path}/own.db"
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", own)
    tracking.prepare()
    assert mlflow.get_registry_uri() == own
    MlflowClient().create_registered_model("one-level")
    assert MlflowClient().get_registered_model("one-level").name == "one-level"


def test_on_databricks_and_for_a_profile_the_platforms_own_registry_is_used(monkeypatch):
    assert registry.is_local("databricks-uc")
    assert not registry.is_local("databricks-uc://production")
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "18.0")
    for address, module in (
        ("databricks-uc", "mlflow.store._unity_catalog.registry.rest_store"),
        ("databricks", "mlflow.store.model_registry.databricks_workspace_model"),
    ):
        build = registry.unity_catalog if address.endswith("uc") else registry.workspace_registry
        assert type(build(address, "databricks")).__module__.startswith(module)


def test_a_registered_model_is_loaded_by_version_and_by_alias():
    info = logged(registered_model_name="main.default.wages")
    assert info.registered_model_version == "1"
    client = MlflowClient()
    client.set_registered_model_alias("main.default.wages", "champion", 1)
    client.set_model_version_tag("main.default.wages", "1", "checked", "yes")
    for uri in ("models:/main.default.wages/1", "models:/main.default.wages@champion"):
        assert mlflow.pyfunc.load_model(uri).predict(ROWS) == pytest.approx([2, 4, 6, 8])
        assert mlflow.sklearn.load_model(uri).coef_ == pytest.approx([2])
    version = client.get_model_version_by_alias("main.default.wages", "champion")
    assert (version.version, version.tags, version.aliases) == (
        "1",
        {"checked": "yes"},
        ["champion"],
    )
    assert version.run_id == info.run_id
    assert version.current_stage is None
    client.delete_registered_model_alias("main.default.wages", "champion")
    with pytest.raises(MlflowException, match="champion"):
        mlflow.pyfunc.load_model("models:/main.default.wages@champion")


def test_register_model_adds_versions_from_a_run_and_from_a_logged_model():
    with mlflow.start_run() as run:
        info = logged()
    first = mlflow.register_model(f"runs:/{run.info.run_id}/model", "main.default.wages")
    second = mlflow.register_model(info.model_uri, "main.default.wages", tags={"by": "id"})
    assert (first.version, second.version) == ("1", "2")
    versions = MlflowClient().search_model_versions("name = 'main.default.wages'")
    assert sorted(version.version for version in versions) == ["1", "2"]
    assert {version.run_id for version in versions} == {run.info.run_id}
    assert second.tags == {"by": "id"}


def test_spark_applies_a_registered_model(spark):
    logged(registered_model_name="main.default.wages")
    predict = mlflow.pyfunc.spark_udf(
        spark, "models:/main.default.wages/1", env_manager="local", result_type="double"
    )
    frame = spark.createDataFrame(ROWS)
    assert [row.p for row in frame.select(predict("hours").alias("p")).collect()] == pytest.approx(
        [2, 4, 6, 8]
    )


def test_a_short_name_is_completed_by_the_session(spark):
    assert logged(registered_model_name="wages").registered_model_version == "1"
    assert MlflowClient().get_registered_model("default.wages").name == "main.default.wages"
    assert mlflow.pyfunc.load_model("models:/wages/1").predict(ROWS) is not None


def test_names_ignore_case():
    logged(registered_model_name="Main.Default.Wages")
    assert MlflowClient().get_registered_model("main.default.wages").name == "main.default.wages"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.b.c.d", "specify all three levels"),
        ("nowhere.default.wages", "CATALOG_DOES_NOT_EXIST: Catalog 'nowhere' does not exist"),
        ("main.nothing.wages", "SCHEMA_DOES_NOT_EXIST: Schema 'main.nothing' does not exist"),
        ("main.default.", "Invalid model name"),
        ("main.default.my wages", "it holds ' '"),
    ],
)
def test_a_name_that_unity_catalog_refuses_is_refused(name, message):
    with pytest.raises(MlflowException, match=message):
        mlflow.register_model(logged().model_uri, name)
    with pytest.raises(MlflowException):
        MlflowClient().get_registered_model(name)


def test_a_short_name_without_a_session_is_refused_with_both_ways_out(monkeypatch):
    monkeypatch.setattr("lakebook.runtime.registry.rules._get_active_spark_session", lambda: None)
    with pytest.raises(MlflowException, match=r"'main\.default\.wages'.*set_registry_uri"):
        MlflowClient().create_registered_model("wages")


@pytest.mark.parametrize(
    ("signature", "message"),
    [
        (None, "did not contain any signature metadata"),
        (ModelSignature(inputs=SIGNATURE.inputs), "did not contain the outputs"),
        (ModelSignature(outputs=SIGNATURE.outputs), "did not contain the inputs"),
    ],
)
def test_a_model_without_a_complete_signature_is_refused(signature, message):
    with pytest.raises(MlflowException, match=f"{message}.*infer_signature"):
        logged(signature, registered_model_name="main.default.wages")
    with pytest.raises(MlflowException, match=message):
        mlflow.register_model(logged(signature).model_uri, "main.default.wages")


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_there_are_no_stages_in_unity_catalog():
    logged(registered_model_name="main.default.wages")
    client = MlflowClient()
    for call in (
        lambda: client.transition_model_version_stage("main.default.wages", "1", "Production"),
        lambda: client.get_latest_versions("main.default.wages", stages=["Production"]),
        lambda: mlflow.pyfunc.load_model("models:/main.default.wages/Production"),
        lambda: mlflow.pyfunc.load_model("models:/main.default.wages/latest"),
    ):
        with pytest.raises(MlflowException, match=r"unsupported for models in the Unity .*@"):
            call()


def test_models_are_listed_renamed_and_deleted():
    client = MlflowClient()
    logged(registered_model_name="main.default.wages")
    client.set_registered_model_alias("main.default.wages", "champion", 1)
    client.set_registered_model_tag("main.default.wages", "team", "data")
    client.update_registered_model("main.default.wages", description="by hours")
    client.rename_registered_model("main.default.wages", "main.default.pay")
    (model,) = client.search_registered_models()
    assert (model.name, model.description) == ("main.default.pay", "by hours")
    assert client.get_registered_model("main.default.pay").tags == {"team": "data"}
    assert mlflow.pyfunc.load_model("models:/main.default.pay@champion").predict(ROWS) is not None
    client.delete_model_version("main.default.pay", "1")
    client.delete_registered_model("main.default.pay")
    assert not client.search_registered_models()


def test_unity_catalog_knows_no_filters_of_models():
    with pytest.raises(MlflowException, match="Argument 'filter_string' is unsupported"):
        MlflowClient().search_registered_models("name = 'main.default.wages'")
    with pytest.raises(MlflowException, match="Argument 'order_by' is unsupported"):
        MlflowClient().search_model_versions("name = 'a.b.c'", order_by=["version_number"])


def test_a_prompt_is_kept_beside_models_and_needs_no_signature():
    mlflow.genai.register_prompt("main.default.greeting", "Hello {{name}}")
    prompt = mlflow.genai.load_prompt("prompts:/main.default.greeting/1")
    assert prompt.format(name="Ada") == "Hello Ada"
    assert not MlflowClient().search_registered_models()
    with pytest.raises(MlflowException, match="SCHEMA_DOES_NOT_EXIST"):
        mlflow.genai.register_prompt("main.nothing.greeting", "Hello")


def test_a_new_model_takes_the_privilege_create_model():
    schema = store.chain("main", "default", "MODEL", None)[1]
    with catalog.act_as("ada@example.com"):
        with pytest.raises(MlflowException, match="PERMISSION_DENIED") as refused:
            MlflowClient().create_registered_model("main.default.wages")
        assert refused.value.error_code == "PERMISSION_DENIED"
    grants.grant(schema, ["USE SCHEMA", "CREATE MODEL"], "ada@example.com")
    with catalog.act_as("ada@example.com"):
        MlflowClient().create_registered_model("main.default.wages")


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_the_workspace_registry_has_stages_short_names_and_no_aliases():
    mlflow.set_registry_uri("databricks")
    logged(None, registered_model_name="wages")
    client = MlflowClient()
    client.transition_model_version_stage("wages", "1", "Production")
    assert mlflow.pyfunc.load_model("models:/wages/Production").predict(ROWS)[0] == pytest.approx(2)
    assert client.get_latest_versions("wages", stages=["Production"])[0].version == "1"
    assert [model.name for model in client.search_registered_models()] == ["wages"]
    with pytest.raises(MlflowException, match="unsupported for models in the Workspace Model"):
        client.set_registered_model_alias("wages", "champion", 1)
    with pytest.raises(MlflowException, match="names of one level"):
        client.create_registered_model("main.default.wages")


def test_a_model_moves_from_the_workspace_registry_to_unity_catalog(monkeypatch):
    mlflow.set_registry_uri("databricks")
    logged(registered_model_name="signed")
    logged(None, registered_model_name="unsigned")
    old = MlflowClient(registry_uri="databricks")
    copied = old.copy_model_version("models:/signed/1", "main.default.signed")
    assert (copied.name, copied.version) == ("main.default.signed", "1")
    with pytest.raises(MlflowException, match="signature"):
        old.copy_model_version("models:/unsigned/1", "main.default.unsigned")
    monkeypatch.setenv("MLFLOW_SKIP_SIGNATURE_CHECK_FOR_UC_REGISTRY_MIGRATION", "true")
    old.copy_model_version("models:/unsigned/1", "main.default.unsigned")
    mlflow.set_registry_uri("databricks-uc")
    for name in ("signed", "unsigned"):
        found = mlflow.pyfunc.load_model(f"models:/main.default.{name}/1").predict(ROWS)
        assert found == pytest.approx([2, 4, 6, 8])
    promoted = MlflowClient().copy_model_version("models:/main.default.signed/1", "main.default.b")
    assert promoted.name == "main.default.b"


def test_a_process_that_mlflow_starts_finds_the_same_model(workspace):
    logged(registered_model_name="main.default.wages")
    program = (
        "import mlflow, pandas; model = mlflow.pyfunc.load_model('models:/main.default.wages/1');"
        "print(round(float(model.predict(pandas.DataFrame({'hours': [5.0]}))[0]), 6))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=dict(os.environ), capture_output=True, text=True
    )
    assert done.stdout == "10.0\n", done.stderr


def test_an_experiment_is_an_absolute_path_as_on_the_platform():
    # One name in two parts, for no file here may hold what looks like a path of a machine.
    for path in ("/Shared/trial", "/Users/" + "ada@example.com/trial"):
        assert mlflow.set_experiment(path).name == path
    with pytest.raises(MlflowException, match=r"'trial'.*absolute path.*'/Shared/trial'"):
        mlflow.set_experiment("trial")
    with pytest.raises(MlflowException, match="absolute path"):
        MlflowClient().create_experiment("folder/trial")


def test_a_process_without_the_extension_may_name_experiments_as_it_likes(tmp_path):
    program = (
        f"import mlflow; mlflow.set_tracking_uri('sqlite:///{tmp_path}/x.db');"
        "print(mlflow.set_experiment('trial').name)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "trial\n", done.stderr


def test_preparing_imports_neither_mlflow_nor_spark(tmp_path):
    program = (
        "import sys; from lakebook.runtime.tracking import create_store, prepare;"
        "create_store(); [sys.modules.pop(m) for m in list(sys.modules) if 'mlflow' in m];"
        "prepare(); print({m.split('.')[0] for m in sys.modules} & {'mlflow', 'pyspark'})"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment | {"LAKEBOOK_HOME": str(tmp_path)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout == "set()\n", done.stderr
