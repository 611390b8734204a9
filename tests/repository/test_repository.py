"""What lies in the repository: pins, addresses, sizes, notebooks, commands of one line."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from lakebook import bootstrap

ROOT = Path(__file__).resolve().parents[2]

LARGEST = 1_000_000
# Reason for each file that is larger.
LARGER: dict[str, str] = {}

# Addresses of package indexes; a pin needs none, and a reader may use another.
INDEXES = re.compile(r"https?://\S+/simple\b|--(?:extra-)?index\b|--find\b")
MACHINE = re.compile(r"(?<![\w./-])/(?:home|root|Users|work)/[\w.-]+")
MADE_UP = {"/home/ada", "/home/me", "/Users/learner"}

METADATA = {"kernelspec", "language_info", "lakebook"}
CELL_METADATA = {"tags", "slideshow", "editable", "mystnb"}


def _tracked() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.fail("this is not a git checkout, so what belongs to it is not known")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    files = (ROOT / name for name in listed.split("\0") if name)
    return [file for file in files if file.is_file()]


def _texts() -> dict[str, str]:
    found = {}
    for file in _tracked():
        try:
            found[file.relative_to(ROOT).as_posix()] = file.read_text("utf-8")
        except UnicodeDecodeError:
            continue  # a picture
    return found


def _notebooks() -> list[Path]:
    return [file for file in _tracked() if file.suffix == ".ipynb"]


def _pins() -> dict[str, str]:
    text = (ROOT / "constraints.txt").read_text("utf-8")
    blocks = re.split(r"\n(?=\S)", text.strip())
    return {re.split(r"==", block)[0]: block for block in blocks}


def _requirements() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    named = list(project["project"]["dependencies"])
    for requirements in project["dependency-groups"].values():
        named += requirements
    return named


def _name(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement)[0].lower()


def test_every_version_is_pinned_with_hashes() -> None:
    for name, block in _pins().items():
        assert re.match(rf"{re.escape(name)}==[\w.!+]+", block), block
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), name


def test_pins_hold_no_address() -> None:
    assert "://" not in (ROOT / "constraints.txt").read_text("utf-8")


def test_every_requirement_of_every_group_is_pinned() -> None:
    assert {_name(requirement) for requirement in _requirements()} <= set(_pins())


def test_the_conda_environment_has_the_requirements_of_pyproject_as_pinned() -> None:
    text = (ROOT / "environment.yml").read_text("utf-8")
    assert text == bootstrap.conda_environment(), "run `make lock`"
    pip = yaml.safe_load(text)["dependencies"][-1]["pip"]
    installers = {"setuptools", "uv", "wheel"}
    named = {entry.split("==")[0] for entry in pip if not entry.startswith("--")}
    assert named == {_name(requirement) for requirement in _requirements()} - installers
    assert any(
        re.fullmatch(r"xgboost-cpu==[\d.]+ ; sys_platform == 'linux' and .*", e) for e in pip
    )


def test_no_file_names_a_package_index() -> None:
    own = Path(__file__).relative_to(ROOT).as_posix()
    found = {
        f"{name}: {match.group()}"
        for name, text in _texts().items()
        if name != own
        for match in INDEXES.finditer(text)
        # The script that leaves addresses out has to name the options for it.
        if not (name == "lakebook/bootstrap.py" and match.group().startswith("--"))
    }
    assert not found


def test_no_file_holds_a_path_of_somebodys_machine() -> None:
    own = Path(__file__).relative_to(ROOT).as_posix()
    found = {
        f"{name}: {match.group()}"
        for name, text in _texts().items()
        if name != own
        for match in MACHINE.finditer(text)
        if match.group() not in MADE_UP
    }
    assert not found


def test_no_file_is_larger_than_a_megabyte_without_a_reason() -> None:
    large = {
        file.relative_to(ROOT).as_posix(): file.stat().st_size
        for file in _tracked()
        if file.stat().st_size > LARGEST
    }
    assert set(large) <= set(LARGER), large


def test_notebooks_carry_only_the_metadata_that_means_something() -> None:
    for path in _notebooks():
        notebook = json.loads(path.read_text("utf-8"))
        assert set(notebook["metadata"]) <= METADATA, path
        for number, cell in enumerate(notebook["cells"], 1):
            assert set(cell["metadata"]) <= CELL_METADATA, f"{path}, cell {number}"


def test_each_make_target_is_one_command() -> None:
    lines = (ROOT / "Makefile").read_text("utf-8").splitlines()
    recipes = [number for number, line in enumerate(lines) if line.startswith("\t")]
    assert all(not lines[number - 1].startswith("\t") for number in recipes)
    targets = {
        name
        for number in recipes
        for name in lines[number - 1].split(":")[0].split()
        if not name.startswith(".")
    }
    assert {"start", "test", "book", "labs", "clean"} <= targets


def test_continuous_integration_runs_make_test() -> None:
    assert "make test" in (ROOT / ".ci" / "run").read_text("utf-8")
    workflow = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text("utf-8"))
    steps = workflow["jobs"]["test"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == ["make test"]
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            if used := step.get("uses"):
                assert re.search(r"@v\d+\.\d+\.\d+$|@[0-9a-f]{40}$", used), used


def test_the_workflow_lists_every_lab(tmp_path: Path) -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text("utf-8"))
    script = workflow["jobs"]["list"]["steps"][-1]["run"]
    output = tmp_path / "output"
    environment = {"GITHUB_OUTPUT": str(output), "PATH": os.environ["PATH"]}
    subprocess.run(["bash", "-euc", script], cwd=ROOT, env=environment, check=True)
    listed = json.loads(output.read_text().removeprefix("labs="))
    found = (path.relative_to(ROOT / "solutions") for path in ROOT.glob("solutions/*/*.ipynb"))
    assert listed == sorted(path.with_suffix("").as_posix() for path in found)


def test_the_readme_names_what_there_is() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    for path in ROOT.glob("solutions/*/*.ipynb"):
        lab = path.relative_to(ROOT / "solutions").with_suffix("").as_posix()
        assert f"`{lab}`" in text, lab
    assert len(text.splitlines()) <= 80


def test_relative_links_of_the_repository_pages_lead_somewhere() -> None:
    for page in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        text = (ROOT / page).read_text("utf-8")
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (ROOT / target).exists(), f"{page}: {target}"


def test_a_notebook_with_sql_cells_is_linted_without_them(tmp_path):
    """ruff cannot read such a notebook, so pyproject.toml excludes it by name."""
    excluded = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"][
        "extend-exclude"
    ]
    names = {name for name in excluded if name.endswith(".ipynb")}
    with_sql = set()
    for file in _notebooks():
        name = file.relative_to(ROOT).as_posix()
        notebook = json.loads(file.read_text("utf-8"))
        cells = [c for c in notebook["cells"] if "".join(c["source"]).startswith("%sql\n")]
        if cells and name.startswith("solutions/"):
            with_sql.add(name)
            for cell in cells:
                cell["source"] = ["pass"]
            copy = tmp_path / name
            copy.parent.mkdir(parents=True)
            copy.write_text(json.dumps(notebook), "utf-8")
    assert names == with_sql
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    ruff = Path(sys.executable).with_name("ruff")
    done = subprocess.run(
        [ruff, "check", "--config", "extend-exclude = []", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
