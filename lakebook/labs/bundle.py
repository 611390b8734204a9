"""The labs as jobs of a Databricks bundle: ``resources/labs.yml``, derived as the labs are."""

from __future__ import annotations

import re
from typing import Any

import yaml

from lakebook import workspace
from lakebook.errors import unknown
from lakebook.labs import places

HEAD = "# Written by `lakebook labs derive`; databricks.yml includes it.\n"
CLUSTER = "labs"
# What labs import and the platform's runtime for machine learning does not have.
PACKAGES = ("dtaidistance", "hyperopt")


def text() -> str:
    """Return the resources of the bundle as YAML: one task for each lab, and for each solution."""
    resources = {
        "labs": _job("Lakebook: labs", "labs", {}),
        "solutions": _job("Lakebook: solutions", "solutions", {"LAKEBOOK_STRICT": "1"}),
    }
    shown = yaml.safe_dump({"resources": {"jobs": resources}}, sort_keys=False, width=100)
    return HEAD + shown


def write() -> bool:
    """Write the file if it has changed, and return whether it has.

    A repository without a ``databricks.yml`` has no bundle, and none is begun.
    """
    root = workspace.root()
    file = root / "resources" / "labs.yml"
    if not (root / "databricks.yml").is_file():
        return False
    wanted = text()
    if file.is_file() and file.read_text("utf-8") == wanted:
        return False
    workspace.write_atomic(file, wanted)
    return True


def _job(name: str, folder: str, environment: dict[str, str]) -> dict[str, Any]:
    return {
        "name": name,
        "job_clusters": [{"job_cluster_key": CLUSTER, "new_cluster": _cluster(environment)}],
        "tasks": [_task(folder, lab_id) for lab_id in places.ids()],
    }


def _cluster(environment: dict[str, str]) -> dict[str, Any]:
    cluster: dict[str, Any] = {
        "spark_version": "${var.spark_version}",
        "node_type_id": "${var.node_type_id}",
        "num_workers": 2,
        # Spark ML and catalogs together want the access mode that is called Dedicated.
        "data_security_mode": "SINGLE_USER",
    }
    return cluster | ({"spark_env_vars": environment} if environment else {})


def _task(folder: str, lab_id: str) -> dict[str, Any]:
    pins = [{"pypi": {"package": f"{name}=={_pinned(name)}"}} for name in PACKAGES]
    return {
        "task_key": lab_id.replace("/", "_"),
        "job_cluster_key": CLUSTER,
        # Relative to the file of the resources.
        "notebook_task": {"notebook_path": f"../{folder}/{lab_id}.ipynb", "source": "WORKSPACE"},
        "libraries": [{"whl": "../dist/*.whl"}, *pins],
    }


def _pinned(name: str) -> str:
    constraints = (workspace.root() / "constraints.txt").read_text("utf-8")
    found = re.search(rf"^{re.escape(name)}==(\S+)", constraints, re.MULTILINE)
    if found is None:
        raise unknown("package", name, re.findall(r"^([\w.-]+)==", constraints, re.M))
    return found[1]
