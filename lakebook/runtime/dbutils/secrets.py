"""`dbutils.secrets`: passwords and tokens that stand in no notebook.

They lie in the workspace folder, one file for each scope, which only its owner may read; and in
environment variables ``LAKEBOOK_SECRET_<SCOPE>_<KEY>``, which come first. `lakebook secrets` writes
the files. Nothing is encrypted: the protection is that of the user's own files.
"""

from __future__ import annotations

import builtins
import json
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

from lakebook import workspace
from lakebook.errors import LakebookError, unknown
from lakebook.runtime.dbutils import redaction
from lakebook.runtime.dbutils.help import Utility

VARIABLE = "LAKEBOOK_SECRET_"
NAME = re.compile(r"[A-Za-z0-9_@.-]{1,128}")  # the platform's own rule for scopes and keys
MOST_BYTES = 128 * 1024  # the platform's own limit for one value


class SecretScope(NamedTuple):
    """A group of secrets."""

    name: str

    def getName(self) -> str:
        """Return its name."""
        return self.name


class SecretMetadata(NamedTuple):
    """A secret without its value."""

    key: str


class Secrets(Utility):
    """Passwords and tokens, whose values no output shows."""

    _path = "dbutils.secrets"

    def __init__(self, shell: Any = None) -> None:
        self._shell = shell

    def get(self, scope: str, key: str) -> str:
        """Return the value of a secret; from now on outputs show [REDACTED] in its place.

        Raises LakebookError if there is no such scope or key.
        """
        value = _find(scope, key)
        redaction.hide(value, self._shell)
        return value

    def getBytes(self, scope: str, key: str) -> bytes:
        """Return the value of a secret as UTF-8 bytes; outputs show [REDACTED] in its place."""
        return self.get(scope, key).encode("utf-8")

    def list(self, scope: str) -> builtins.list[SecretMetadata]:
        """Return the keys of a scope, sorted, without their values."""
        if scope not in scopes():
            raise _no_scope(scope)
        return [SecretMetadata(key) for key in keys(scope)]

    def listScopes(self) -> builtins.list[SecretScope]:
        """Return the scopes that are kept in the workspace folder, sorted."""
        return [SecretScope(name) for name in scopes()]


def scopes() -> list[str]:
    """Return the names of the scopes in the workspace folder, sorted."""
    return sorted(file.stem for file in _folder().glob("*.json"))


def keys(scope: str) -> list[str]:
    """Return the keys of a scope in the workspace folder, sorted."""
    return sorted(_read(scope))


def create_scope(scope: str) -> None:
    """Create an empty scope; raises LakebookError if it exists or its name is not allowed."""
    _check_name("scope", scope)
    with workspace.lock("secrets"):
        if scope in scopes():
            raise LakebookError(f"the scope '{scope}' exists already")
        _write(scope, {})


def delete_scope(scope: str) -> None:
    """Delete a scope with its secrets; raises LakebookError if there is none."""
    with workspace.lock("secrets"):
        if scope not in scopes():
            raise _no_scope(scope)
        _file(scope).unlink()


def put(scope: str, key: str, value: str) -> None:
    """Keep a secret, or replace its value; raises LakebookError if the scope does not exist."""
    _check_name("key", key)
    if not value:
        raise LakebookError(f"the secret '{key}' is empty")
    if len(value.encode()) > MOST_BYTES:
        raise LakebookError(f"the secret '{key}' is longer than {MOST_BYTES:,} bytes")
    with workspace.lock("secrets"):
        if scope not in scopes():
            raise _no_scope(scope)
        _write(scope, _read(scope) | {key: value})


def delete(scope: str, key: str) -> None:
    """Delete a secret; raises LakebookError if there is none."""
    with workspace.lock("secrets"):
        if scope not in scopes():
            raise _no_scope(scope)
        kept = _read(scope)
        if key not in kept:
            raise unknown(f"secret of scope '{scope}',", key, kept)
        _write(scope, {name: value for name, value in kept.items() if name != key})


def _find(scope: str, key: str) -> str:
    variable = VARIABLE + re.sub(r"\W", "_", f"{scope}_{key}").upper()
    if value := os.environ.get(variable):
        return value
    if scope not in scopes():
        raise _no_scope(scope, variable)
    kept = _read(scope)
    if key not in kept:
        raise LakebookError(
            f"{unknown('secret', key, kept)} Create it with `lakebook secrets put-secret {scope} "
            f"{key}`, or set {variable}"
        )
    return kept[key]


def _no_scope(scope: str, variable: str = "") -> LakebookError:
    way_out = f"Create it with `lakebook secrets create-scope {scope}`"
    way_out += f", or set {variable}" if variable else ""
    return LakebookError(f"{unknown('secret scope', scope, scopes())} {way_out}")


def _check_name(kind: str, name: str) -> None:
    if not NAME.fullmatch(name):
        raise LakebookError(
            f"'{name}' is no name for a {kind}; letters, digits, '-', '_', '@' and '.' are allowed,"
            " 128 of them at most"
        )


def _folder() -> Path:
    folder = workspace.path("secrets", ".keep").parent
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    return folder


def _file(scope: str) -> Path:
    return _folder() / f"{scope}.json"


def _read(scope: str) -> dict[str, str]:
    file = _file(scope)
    return json.loads(file.read_text("utf-8")) if NAME.fullmatch(scope) and file.is_file() else {}


def _write(scope: str, values: dict[str, str]) -> None:
    # The file is made where only its owner may read, with that permission, before it is filled.
    workspace.write_atomic(_file(scope), json.dumps(values, indent=1, sort_keys=True))
    _file(scope).chmod(0o600)
