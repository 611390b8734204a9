"""The memory of a notebook is counted once, also while Spark's JVM starts another program."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from lakebook.labs.processes import _memory_below

HOLD = """
import os, sys, time
held = bytearray(200_000_000)
child = os.fork()
if child:
    print("forked", flush=True)
time.sleep(60)
"""


def test_the_fork_of_a_jvm_does_not_count_twice(tmp_path):
    # An interpreter by the name of java stands for the JVM: what counts is who forks whom.
    java = tmp_path / "java"
    shutil.copy(Path(sys.executable).resolve(), java)
    env = {**os.environ, "PYTHONHOME": sys.base_prefix}
    # Below a shell of its own, for the tests before this one may have left a Spark running.
    command = ["sh", "-c", '"$0" "$@"; :', str(java), "-c", HOLD]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=env, start_new_session=True)
    try:
        assert process.stdout and process.stdout.readline() == b"forked\n"
        assert 200e6 < _memory_below(process.pid) < 390e6
    finally:
        os.killpg(process.pid, 9)
        process.wait()
