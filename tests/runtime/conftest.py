"""One Spark session and one workspace folder for the tests of the runtime."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session", autouse=True)
def workspace_folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("home")
        patch.setenv("LAKEBOOK_HOME", str(folder))
        for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "SPARK_REMOTE"):
            patch.delenv(name, raising=False)
        yield folder


@pytest.fixture(scope="session")
def spark(workspace_folder):
    from lakebook.runtime.session import get_spark

    session = get_spark("tests")
    yield session
    session.stop()


@pytest.fixture
def shell(spark):
    """The IPython shell of this process, with the extension loaded."""
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.reset(new_session=False)
    shell.run_line_magic("load_ext", "lakebook")
    yield shell
    shell.run_line_magic("unload_ext", "lakebook")
