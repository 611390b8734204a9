"""`make start` up to `lakebook start`: on a project of two small wheels, without a network."""

from __future__ import annotations

import ast
import base64
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from lakebook import bootstrap

ROOT = Path(__file__).resolve().parents[2]
BACKEND = """\
import shutil
def build_editable(folder, config_settings=None, metadata_directory=None):
    shutil.copy("editable/lakebook-1-py3-none-any.whl", folder)
    return "lakebook-1-py3-none-any.whl"
def prepare_metadata_for_build_editable(folder, config_settings=None):
    shutil.copytree("editable/lakebook-1.dist-info", folder + "/lakebook-1.dist-info")
    return "lakebook-1.dist-info"
"""
PROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["editable"]
[project]
name = "lakebook"
version = "1"
[dependency-groups]
labs = ["thing"]
book = ["thing"]
workspace = ["thing"]
"""


def _wheel(folder: Path, name: str, version: str, files: dict[str, str]) -> Path:
    info = f"{name}-{version}.dist-info"
    files = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
        record += f"{path},sha256={digest.decode()},{len(text.encode())}\n"
    files[f"{info}/RECORD"] = record + f"{info}/RECORD,,\n"
    made = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(made, "w") as archive:
        for path, text in files.items():
            entry = zipfile.ZipInfo(path)
            entry.external_attr = 0o100755 << 16
            archive.writestr(entry, text)
            if "dist-info/" in path and name == "lakebook":
                (folder / path).parent.mkdir(exist_ok=True)
                (folder / path).write_text(text)
    return made


def _hash(wheel: Path) -> str:
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


class Clone:
    """A clone with a small `lakebook` that says how it was called, and an index in a folder."""

    def __init__(self, folder: Path) -> None:
        self.root, self.wheels = folder / "a clone", folder / "wheels"
        (self.root / "lakebook").mkdir(parents=True)
        (self.root / "editable").mkdir()
        self.wheels.mkdir()
        shutil.copy(bootstrap.__file__, self.root / "lakebook")
        (self.root / "pyproject.toml").write_text(PROJECT)
        (self.root / "editable" / "backend.py").write_text(BACKEND)
        said = '#!/bin/sh\necho "lakebook $* steps $LAKEBOOK_STEPS"\n'
        _wheel(self.root / "editable", "lakebook", "1", {"lakebook-1.data/scripts/lakebook": said})
        self.version = bootstrap._pin("uv").split()[0].split("==")[1]
        real = Path(sys.executable).with_name("uv")
        script = f"uv-{self.version}.data/scripts/uv"
        uv = _wheel(self.wheels, "uv", self.version, {script: f'#!/bin/sh\nexec "{real}" "$@"\n'})
        thing = _wheel(self.wheels, "thing", "1.0", {"thing.py": "number = 1\n"})
        self.hashes = {"uv": _hash(uv), "thing": _hash(thing)}
        self.pin()

    def pin(self, **tampered: str) -> None:
        """Write the pins; a keyword puts another hash in the place of a package's own."""
        hashes = self.hashes | tampered
        versions = {"uv": self.version, "thing": "1.0"}
        lines = (
            f"{name}=={versions[name]} \\\n    --hash=sha256:{hashes[name]}\n" for name in hashes
        )
        (self.root / "constraints.txt").write_text("".join(lines))

    def run(self, command: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run one command of the bootstrap with the machine's own Python."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root.parent),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.wheels),
            "PIP_CONFIG_FILE": os.devnull,
            "UV_NO_INDEX": "1",
            "UV_FIND_LINKS": str(self.wheels),
            "UV_CACHE_DIR": str(self.root.parent / "cache"),
        }
        return subprocess.run(
            [sys._base_executable, "lakebook/bootstrap.py", *command.split()],
            cwd=self.root,
            env=environment | more,
            capture_output=True,
            text=True,
            timeout=120,
        )


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def test_start_installs_what_is_pinned_and_hands_over_with_the_steps_counted(clone: Clone) -> None:
    done = clone.run("start --no-browser")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1] == "lakebook start --no-browser steps 2/6"
    assert [line.split()[0] for line in lines if line.startswith("[")] == ["[1/6]", "[2/6]"]
    python = clone.root / ".venv" / "bin" / "python"
    assert subprocess.run([python, "-c", "import thing"]).returncode == 0


def test_a_second_start_installs_nothing_until_a_pin_changes(clone: Clone) -> None:
    assert clone.run("start").returncode == 0
    again = clone.run("start", UV_OFFLINE="1", UV_FIND_LINKS=os.devnull)
    assert again.returncode == 0
    assert again.stdout.count("up to date") == 2
    constraints = clone.root / "constraints.txt"
    constraints.write_text(constraints.read_text() + "# a change\n")
    assert "up to date" not in clone.run("start").stdout


def test_a_machine_that_keeps_no_bytecode_has_it_kept_in_the_environment(clone: Clone) -> None:
    assert clone.run("start").returncode == 0
    tool = clone.root / ".venv" / "bin" / "lakebook"
    tool.write_text('#!/bin/sh\nexec "$(dirname "$0")/python" -c "import thing"\n')
    assert clone.run("start", PYTHONDONTWRITEBYTECODE="1").returncode == 0
    made = [file.relative_to(clone.root).parts for file in clone.root.rglob("thing.*.pyc")]
    assert [parts[:2] for parts in made] == [(".venv", "bytecode")]


def test_a_package_whose_hash_is_not_the_pinned_one_is_refused(clone: Clone) -> None:
    clone.pin(thing="0" * 64)
    done = clone.run("start")
    assert done.returncode == 2
    assert "hash" in done.stderr.lower()
    assert "could not be installed" in done.stderr
    assert "lakebook start" not in done.stdout


def test_an_installer_whose_hash_is_not_the_pinned_one_is_refused(clone: Clone) -> None:
    clone.pin(uv="0" * 64)
    done = clone.run("start")
    assert done.returncode == 2
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert "could not be fetched" in done.stderr


@pytest.mark.parametrize("damage", ["begun", "no python", "nothing but the folder"])
def test_after_an_interruption_the_environment_is_made_anew(clone: Clone, damage: str) -> None:
    if damage == "nothing but the folder":
        (clone.root / ".venv").mkdir()
    else:
        assert clone.run("start").returncode == 0
        thing = next(clone.root.glob(".venv/lib/python*/site-packages/thing.py"))
        thing.unlink()
        if damage == "begun":
            (clone.root / ".venv" / "lakebook-begun").touch()
        else:
            (clone.root / ".venv" / "bin" / "python").unlink()
    done = clone.run("start")
    assert done.returncode == 0, done.stderr
    assert next(clone.root.glob(".venv/lib/python*/site-packages/thing.py")).is_file()


def test_without_ensurepip_and_pip_the_message_names_the_package_to_install(
    clone: Clone, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "ROOT", clone.root)
    monkeypatch.setattr(bootstrap, "VENV", clone.root / ".venv")
    monkeypatch.setattr(bootstrap, "BIN", clone.root / ".venv" / "bin")
    monkeypatch.setattr(bootstrap, "BEGUN", clone.root / ".venv" / "begun")
    monkeypatch.setattr(bootstrap, "STAMP", clone.root / ".venv" / "stamp")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr(bootstrap, "_said", lambda command: "")
    monkeypatch.setenv("PATH", str(clone.root))
    assert bootstrap.main(["start"]) == 2
    said = capsys.readouterr().err
    assert "ensurepip" in said
    assert f"python{sys.version_info[0]}.{sys.version_info[1]}-venv" in said


def test_an_old_python_is_refused_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    assert bootstrap.main(["start"]) == 2
    assert "make start PYTHON=" in capsys.readouterr().err


def test_an_old_python_can_read_the_script_at_all() -> None:
    text = Path(bootstrap.__file__).read_text("utf-8")
    tree = ast.parse(text, feature_version=(3, 7))
    top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in top if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in top if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names
    assert "tomllib" not in names


def test_clean_keeps_what_the_learner_owns(clone: Clone) -> None:
    for name in ("_build", ".lakebook", "lakebook.egg-info"):
        (clone.root / name).mkdir()
    done = clone.run("clean")
    assert done.returncode == 0
    assert not (clone.root / "_build").exists()
    assert (clone.root / ".lakebook").exists()
    assert "kept .lakebook" in done.stdout


def test_an_unknown_command_is_refused(clone: Clone) -> None:
    done = clone.run("begin")
    assert done.returncode == 2
    assert "usage" in done.stderr
