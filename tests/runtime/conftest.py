"""What the tests of the runtime share: its shell, and outputs."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module", autouse=True)
def in_the_workspace(workspace_folder):
    """Every test of the runtime is at home in the workspace folder of the tests."""


@pytest.fixture
def shell(spark):
    """The IPython shell of this process, with the extension loaded."""
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.reset(new_session=False)
    shell.run_line_magic("load_ext", "lakebook")
    yield shell
    shell.run_line_magic("unload_ext", "lakebook")


@pytest.fixture
def shown():
    """Return a function that displays values and returns the data of each output, by MIME type."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    from lakebook.runtime.display import display

    InteractiveShell.instance()

    def show(*values, how=display, **options):
        with capture_output() as captured:
            how(*values, **options)
        assert captured.stdout == captured.stderr == ""
        return [output.data for output in captured.outputs]

    return show


@pytest.fixture(scope="module", autouse=True)
def no_view_is_left_behind(request):
    """Drop the temporary views of a file's tests; the session is shared with those of others."""
    yield
    from pyspark.sql import SparkSession

    tests = [item for item in request.session.items if item.path == request.path]
    session = SparkSession.getActiveSession()
    if session is None or not any("spark" in item.fixturenames for item in tests):
        return
    for entry in session.catalog.listTables("main.default"):
        if entry.isTemporary:
            session.catalog.dropTempView(entry.name)
