"""One Spark session and one workspace folder for the tests of the ML counterparts."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(scope="package", autouse=True)
def workspace_folder(tmp_path_factory):
    before = dict(os.environ)
    folder = tmp_path_factory.mktemp("home")
    os.environ["LAKEBOOK_HOME"] = str(folder)
    for name in list(os.environ):
        if name.startswith("MLFLOW_") or name == "SPARK_REMOTE":
            del os.environ[name]
    yield folder
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="package")
def spark(workspace_folder):
    from lakebook.runtime import tracking
    from lakebook.runtime.session import get_spark

    tracking.prepare()
    session = get_spark("tests")
    yield session
    session.stop()


@pytest.fixture
def schema(spark, request):
    """Return the name of an empty schema, ``main.t_<test>``, which goes with the test."""
    import hashlib

    name = f"main.t_{hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:10]}"
    spark.sql(f"CREATE SCHEMA {name}")
    yield name
    spark.sql(f"DROP SCHEMA {name} CASCADE")
