"""What the tests of the ML counterparts share: a schema for each."""

from __future__ import annotations

import pytest

from lakebook.runtime import tracking


@pytest.fixture(scope="module", autouse=True)
def in_the_workspace(workspace_folder):
    """Every test of the ML counterparts is at home in the workspace folder of the tests."""
    tracking.prepare()


@pytest.fixture
def schema(spark, request):
    """Return the name of an empty schema, ``main.t_<test>``, which goes with the test."""
    import hashlib

    name = f"main.t_{hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:10]}"
    spark.sql(f"CREATE SCHEMA {name}")
    yield name
    spark.sql(f"DROP SCHEMA {name} CASCADE")
