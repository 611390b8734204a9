"""`databricks.yml` and what it includes fit the platform's types and hold every lab.

Jobs are checked against the dataclasses of databricks-sdk, which are generated from the
platform's own description of its API. That description does not cover the frame around the jobs
(bundle, variables, artifacts, targets); its keys are those of the documentation,
docs.databricks.com/dev-tools/bundles/reference, as of 2026-11-20.
"""

from __future__ import annotations

import dataclasses
import enum
import re
import typing
from pathlib import Path
from typing import Any

import pytest
import yaml
from databricks.sdk.service import jobs

from lakebook.labs import bundle

ROOT = Path(__file__).resolve().parents[2]
RESOURCES = ROOT / "resources" / "labs.yml"

FRAME = {
    "": "artifacts bundle experimental include permissions presets python resources run_as "
    "scripts sync targets variables workspace",
    "bundle": "cluster_id compute_id databricks_cli_version deployment git name uuid",
    "artifacts.*": "build dynamic_version executable files path type",
    "variables.*": "default description lookup type",
    "targets.*": "artifacts bundle cluster_id compute_id default git mode permissions presets "
    "resources run_as sync variables workspace",
    "targets.*.workspace": "artifact_path auth_type file_path host profile resource_path root_path "
    "state_path",
}


def frame() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "databricks.yml").read_text("utf-8"))


def made() -> dict[str, Any]:
    return yaml.safe_load(RESOURCES.read_text("utf-8"))["resources"]["jobs"]


def faults(kind: Any, value: Any, where: str = "job") -> list[str]:
    """Return what in a value does not fit a type of the SDK: unknown, missing, of another type."""
    origin = typing.get_origin(kind)
    if origin is typing.Union:
        return faults(next(part for part in typing.get_args(kind) if part), value, where)
    if origin is list:
        (inner,) = typing.get_args(kind)
        if not isinstance(value, list):
            return [f"{where} is no list"]
        return [
            fault for n, item in enumerate(value) for fault in faults(inner, item, f"{where}[{n}]")
        ]
    if origin is dict:
        return [] if isinstance(value, dict) else [f"{where} is no mapping"]
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        needed = {
            field.name
            for field in dataclasses.fields(kind)
            if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        }
        found = [f"{where} lacks {name}" for name in sorted(needed - set(value))]
        for name, inner in value.items():
            if name in hints:
                found += faults(hints[name], inner, f"{where}.{name}")
            else:
                found.append(f"{where}.{name} is not known")
        return found
    if isinstance(value, str) and value.startswith("${"):
        return []
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return [] if value in {member.value for member in kind} else [f"{where} is {value!r}"]
    return [] if type(value) is kind else [f"{where} is {value!r}, not {kind.__name__}"]


def test_the_jobs_fit_the_platforms_types():
    for name, job in made().items():
        assert not faults(jobs.JobSettings, job, name)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda job: job.update(task=[]), "labs.task is not known"),
        (lambda job: job["tasks"][0].pop("task_key"), "labs.tasks[0] lacks task_key"),
        (
            lambda job: job["tasks"][0]["notebook_task"].update(path="x"),
            "notebook_task.path is not",
        ),
        (lambda job: job["tasks"][0]["notebook_task"].update(source="DISK"), "source is 'DISK'"),
        (
            lambda job: job["job_clusters"][0]["new_cluster"].update(num_workers="2"),
            "num_workers is '2', not int",
        ),
        (lambda job: job.update(tasks={}), "labs.tasks is no list"),
    ],
)
def test_a_job_that_does_not_fit_is_noticed(change, fault):
    job = made()["labs"]
    change(job)
    assert fault in "; ".join(faults(jobs.JobSettings, job, "labs"))


def test_every_lab_of_the_book_is_a_task_with_its_notebook():
    toc = (ROOT / "_toc.yml").read_text("utf-8")
    labs = set(re.findall(r"^ *- file: labs/(\S+)$", toc, re.MULTILINE))
    assert labs
    for name, job in made().items():
        paths = [task["notebook_task"]["notebook_path"] for task in job["tasks"]]
        found = {path.removeprefix(f"../{name}/").removesuffix(".ipynb") for path in paths}
        assert labs <= found
        assert all((RESOURCES.parent / path).is_file() for path in paths)
        keys = [task["task_key"] for task in job["tasks"]]
        assert len(set(keys)) == len(keys)
        assert all(re.fullmatch(r"[\w-]{1,100}", key) for key in keys)


def test_the_jobs_are_those_that_derive_writes():
    assert RESOURCES.read_text("utf-8") == bundle.text(), "run `lakebook labs derive`"


def test_deriving_writes_no_bundle_where_there_is_none(tmp_path, monkeypatch):
    (tmp_path / "solutions").mkdir()
    (tmp_path / "_toc.yml").touch()
    monkeypatch.setenv("LAKEBOOK_ROOT", str(tmp_path))
    assert not bundle.write()
    assert not (tmp_path / "resources").exists()


def test_the_frame_has_only_known_keys():
    def at(where: str) -> list[dict[str, Any]]:
        found = [frame()]
        for part in filter(None, where.split(".")):
            inner = [value for level in found for value in (
                level.values() if part == "*" else [level.get(part, {})])]  # fmt: skip
            found = inner
        return found

    for where, known in FRAME.items():
        for level in at(where):
            assert set(level) <= set(known.split()), where


def test_clusters_and_variables_that_are_used_are_defined():
    text = RESOURCES.read_text("utf-8") + (ROOT / "databricks.yml").read_text("utf-8")
    used = set(re.findall(r"\$\{var\.(\w+)\}", text))
    assert used == set(frame()["variables"])
    for job in made().values():
        clusters = {cluster["job_cluster_key"] for cluster in job["job_clusters"]}
        assert {task["job_cluster_key"] for task in job["tasks"]} == clusters


def test_there_is_a_target_to_develop_in_and_one_for_all():
    targets = frame()["targets"]
    assert targets["dev"]["mode"] == "development" and targets["dev"]["default"]
    assert targets["prod"]["mode"] == "production"
    assert targets["prod"]["workspace"]["root_path"].startswith("/Workspace/Shared/")
