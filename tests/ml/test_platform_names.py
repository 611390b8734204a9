"""After `%load_ext lakebook` the feature store has the names that it has on the platform."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lakebook.ml import platform_names

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = '__path__ = __import__("pkgutil").extend_path(__path__, __name__)\n'


@pytest.fixture
def names():
    platform_names.install()
    yield
    platform_names.uninstall()


def run(program: str, *folders: Path, options: tuple[str, ...] = ()) -> str:
    """Return what a program of a new process prints, with these folders on its path."""
    path = os.pathsep.join(map(str, [*folders, ROOT]))
    environment = {k: v for k, v in os.environ.items() if k != "SPARK_REMOTE"}
    done = subprocess.run(
        [sys.executable, *options, "-c", program],
        env=environment | {"PYTHONPATH": path},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_extension_brings_the_names_and_takes_them_away(spark):
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "lakebook")
    try:
        from databricks.feature_engineering import FeatureFunction, FeatureLookup

        from lakebook.ml.feature_engineering import lookups

        assert FeatureLookup is lookups.FeatureLookup
        assert FeatureFunction is lookups.FeatureFunction
    finally:
        shell.run_line_magic("unload_ext", "lakebook")
    with pytest.raises(ModuleNotFoundError, match=r"databricks\.feature_engineering"):
        importlib.import_module("databricks.feature_engineering")
    assert FeatureLookup("main.a.b", "key").lookup_key == ["key"]


def test_every_name_that_is_offered_can_be_imported(names):
    for module, content in platform_names.NAMES.items():
        made = importlib.import_module(module)
        assert made.__all__ == sorted(content)
        assert all(getattr(made, name) is not None for name in content)


def test_the_sdk_is_imported_as_before(names):
    import databricks.feature_engineering
    import databricks.sdk

    assert Path(databricks.sdk.__file__).parts[-4] == "site-packages"
    assert databricks.feature_engineering.FeatureLookup


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "from databricks.feature_engineering import Lookup",
            "cannot import name 'Lookup' from 'databricks.feature_engineering'",
        ),
        (
            "import databricks.feature_engineering.lookup",
            "No module named 'databricks.feature_engineering.lookup'",
        ),
        ("import databricks.features", "No module named 'databricks.features'"),
    ],
)
def test_what_does_not_exist_gives_pythons_own_error(names, statement, message):
    with pytest.raises(ImportError, match=message.replace(".", r"\.")):
        exec(statement)


def test_help_shows_the_classes_of_a_module(names):
    import pydoc

    import databricks.feature_engineering

    told = pydoc.plain(pydoc.render_doc(databricks.feature_engineering))
    assert "Lakebook's counterpart of the platform's databricks.feature_engineering" in told
    assert "class FeatureLookup" in told


def test_a_function_that_uses_the_names_runs_in_a_worker(names, spark):
    import databricks.feature_engineering as features
    from databricks.feature_engineering import FeatureLookup
    from pyspark.sql import functions as F

    @F.udf("string")
    def keys(name):
        given = (FeatureLookup("main.a.b", name), features.FeatureLookup("main.a.b", name))
        return " ".join(lookup.lookup_key[0] for lookup in given)

    (row,) = (
        spark.createDataFrame([("k",)], "name string").select(keys("name").alias("keys")).take(1)
    )
    assert row["keys"] == "k k"


def test_a_package_of_the_platforms_own_wins(tmp_path):
    own = tmp_path / "databricks" / "feature_engineering"
    own.mkdir(parents=True)
    (own.parent / "__init__.py").write_text(NAMESPACE)
    (own / "__init__.py").write_text("FeatureLookup = 'their own'")
    program = (
        "from lakebook.ml import platform_names; platform_names.install()\n"
        "from databricks.feature_engineering import FeatureLookup; print(FeatureLookup)"
    )
    assert run(program, tmp_path) == "their own"


def test_the_names_are_there_without_any_package_called_databricks(tmp_path):
    import yaml

    for entry in Path(yaml.__file__).parents[1].iterdir():
        if not entry.name.startswith("databricks"):
            (tmp_path / entry.name).symlink_to(entry)
    program = (
        "import importlib.util; assert importlib.util.find_spec('databricks') is None\n"
        "from lakebook.ml import platform_names; platform_names.install()\n"
        "from databricks.feature_engineering import FeatureLookup as found\n"
        "print(found.__module__)\n"
        "platform_names.uninstall(); assert importlib.util.find_spec('databricks') is None"
    )
    # Without `site` the packages of this environment are not on the path: only the links are.
    printed = run(program, tmp_path, options=("-S",))
    assert printed == "lakebook.ml.feature_engineering.lookups"


@pytest.mark.parametrize(
    "variable",
    ["DATABRICKS_RUNTIME_VERSION=18.0", "SPARK_REMOTE=sc://host:443/;x-databricks-cluster-id=1"],
)
def test_where_the_session_is_the_platforms_its_own_client_is_meant(monkeypatch, variable):
    import importlib.util

    monkeypatch.setenv(*variable.split("=", 1))
    platform_names.install()
    try:
        assert importlib.util.find_spec("databricks.feature_engineering") is None
    finally:
        platform_names.uninstall()


def test_installing_imports_nothing_of_the_feature_store():
    program = (
        "import sys; from lakebook.ml import platform_names; platform_names.install()\n"
        "print([n for n in sys.modules if n.split('.')[0] in ('pyspark', 'pandas', 'mlflow')\n"
        "       or n.startswith(('lakebook.ml.', 'databricks'))])"
    )
    assert run(program) == "['lakebook.ml.platform_names']"
