"""What a change or a query may touch, on a table of 600,000 rows in 30 partitions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROWS, PARTITIONS = 600_000, 30
PROGRAM = Path(__file__).with_name("touched.py")


@pytest.fixture(scope="module")
def touched(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what a process of its own saw; a session of another test may be of another kind."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("SPARK", "LAKEBOOK"))}
    environment["LAKEBOOK_HOME"] = str(tmp_path_factory.mktemp("home"))
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(ROWS), str(PARTITIONS)],
        env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_the_table_has_a_file_for_each_partition(touched: dict[str, Any]) -> None:
    assert touched["files"] == PARTITIONS
    assert touched["rows"] == ROWS


def test_a_filter_on_a_partition_reads_only_that_partitions_files(touched: dict[str, Any]) -> None:
    assert touched["scanned"] == {"numFiles": 1, "numOutputRows": ROWS // PARTITIONS}


def test_a_merge_of_a_thousand_rows_rewrites_only_the_files_they_touch(
    touched: dict[str, Any],
) -> None:
    # The source has rows of three partitions, and new rows of one of them.
    assert touched["merge_removed"] in (3, 4)
    assert touched["merge_kept"] == PARTITIONS - touched["merge_removed"]
    assert (touched["merge_updated"], touched["merge_inserted"]) == (900, 100)
    assert touched["rows_after"] == ROWS + 100
