"""What the tests of the whole product share: a browser, and the book, built once, from nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock
from playwright.sync_api import Browser, sync_playwright

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROOT = Path(__file__).resolve().parents[1]


LABS = "solutions/test_labs.py"
# Begun first, so that at the end no worker waits for the other's slowest file; and before all of
# them what builds the book, so that no worker waits for that either.
SLOWEST = (
    "book/test_site.py",
    "workspace/",
    "compat/",
    LABS,
    "browser/",
    "runtime/test_delta",
    "exam/test_exam_content.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file in one process: they share a Spark session or a built page.

    Each lab is verified by programs of its own, so labs are spread over the processes.
    """
    places = {item: item.path.relative_to(ROOT / "tests").as_posix() for item in items}

    def turn(item: pytest.Item) -> int:
        slow = [i for i, start in enumerate(SLOWEST) if places[item].startswith(start)]
        return slow[0] if slow else len(SLOWEST)

    for item, place in places.items():
        alone = place == LABS
        item.add_marker(pytest.mark.xdist_group(item.name if alone else place))
    items.sort(key=turn)


# Folders that only the platform has; on this machine they lie in the workspace.
PLATFORMS_OWN = ("/Volumes/main", "/dbfs")


def _made_by_mistake() -> list[str]:
    from lakebook.runtime.files import REAL

    return [folder for folder in PLATFORMS_OWN if REAL.isdir(folder)]


def pytest_sessionstart(session: pytest.Session) -> None:
    """Say at once why half of the tests would fail: where they are real, no path is translated."""
    if found := _made_by_mistake():
        pytest.exit(f"this machine has a real {' and '.join(found)}; remove it to run the tests", 3)


@pytest.fixture(autouse=True)
def nothing_is_written_past_the_workspace() -> Iterator[None]:
    """Fail where the tests of a moment have made a folder of the platform on this machine."""
    yield
    assert not _made_by_mistake(), "a path of the platform was not translated; remove the folder"


@pytest.fixture(scope="module", autouse=True)
def the_active_experiment_of_mlflow_is_a_matter_of_one_file() -> Iterator[None]:
    """Forget what `mlflow.set_experiment` has left: other files of tests have other stores."""
    yield
    os.environ.pop("MLFLOW_EXPERIMENT_ID", None)
    if "mlflow" in sys.modules:
        import mlflow

        mlflow.tracking.fluent._active_experiment_id = None


@pytest.fixture(scope="session")
def workspace_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the workspace folder of this process, as new; its environment names it."""
    before = dict(os.environ)
    folder = tmp_path_factory.mktemp("home")
    for name in [n for n in os.environ if n.startswith("MLFLOW_") or n == "SPARK_REMOTE"]:
        del os.environ[name]
    os.environ["LAKEBOOK_HOME"] = str(folder)
    yield folder
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def spark(workspace_folder: Path) -> Iterator[SparkSession]:
    """Return the Spark session of this process, which has only one, at that workspace folder."""
    from lakebook.runtime.session import get_spark

    session = get_spark("tests")
    yield session
    session.stop()


# Without these Chromium itself asks the network for updates, or needs what a container lacks.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return Chromium: the system's, else the one that `playwright install` has fetched.

    One for all tests of a process, since Playwright refuses to be started twice in one.
    """
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Return the folder of the built pages; `lakebook book` built them without a warning.

    All workers of pytest-xdist share one build, and the reader's own in _build is left alone.
    """
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "book"
    with FileLock(f"{shared}.lock"):
        verdict = shared / "verdict.txt"
        if not verdict.exists():
            shared.mkdir(exist_ok=True)
            done = subprocess.run(
                [sys.executable, "-m", "lakebook.cli", "book", "--to", str(shared)],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
            verdict.write_text("" if done.returncode == 0 else done.stdout + done.stderr)
    if said := verdict.read_text():
        pytest.fail(f"the book does not build:\n{said}")
    return shared / "_build" / "html"
