"""Feature serving endpoints: a small server of its own for each, on this machine alone.

Public API: https://docs.databricks.com/machine-learning/feature-store/feature-function-serving
An endpoint ends with the process that made it, for example with the notebook's kernel. Size and
scaling are kept and shown, without effect.
"""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json
import os
import re
import selectors
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lakebook import workspace
from lakebook.ml.feature_engineering import specs
from lakebook.ml.feature_engineering.errors import FeatureError, nearest
from lakebook.ml.feature_engineering.online.lookup import Evaluator
from lakebook.runtime.catalog import grants

SIZES = ("Small", "Medium", "Large")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
LOOPBACK = "127.0.0.1"
START_SECONDS = 60
END_SECONDS = 10


@dataclass(frozen=True)
class ServedEntity:
    """The feature spec that an endpoint serves."""

    feature_spec_name: str
    workload_size: str = "Small"
    scale_to_zero_enabled: bool = True
    instance_profile_arn: str | None = None


@dataclass(frozen=True)
class EndpointCoreConfig:
    """What an endpoint serves: one entity, or a list that holds one."""

    served_entities: ServedEntity | Sequence[ServedEntity]


@dataclass(frozen=True)
class FeatureServingEndpoint:
    """An endpoint; `creation_time_millis` in ms since 1970, `url` takes the requests."""

    name: str
    creator: str
    creation_time_millis: int
    state: str
    config: EndpointCoreConfig
    url: str


_own: dict[str, subprocess.Popen[bytes]] = {}


def create_feature_serving_endpoint(
    *, name: str | None = None, config: EndpointCoreConfig | None = None, **kwargs: Any
) -> FeatureServingEndpoint:
    """Start an endpoint and return it when it answers.

    Raises FeatureError if there is one of this name, the feature spec is unknown, or one of its
    tables is not published.
    """
    if kwargs:
        raise FeatureError(
            f"create_feature_serving_endpoint does not know {', '.join(map(repr, kwargs))}"
        )
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise FeatureError(
            f"{name!r} is no name for an endpoint: use 1 to 63 letters, digits, hyphens and "
            "underscores"
        )
    entity = _entity(config)
    # What would fail in the server fails here, where it is read.
    Evaluator(specs.require(entity.feature_spec_name))
    with workspace.lock("endpoints"):
        if _answering(name):
            raise FeatureError(
                f"there is an endpoint '{name}' already; choose another name, or delete it with "
                f"delete_feature_serving_endpoint(name='{name}')"
            )
        entry: dict[str, Any] = {
            "name": name,
            "mark": uuid.uuid4().hex,
            "creator": grants.current_user(),
            "created": int(time.time() * 1000),
            "entity": dataclasses.asdict(entity),
        }
        process, port = _start(name, entity.feature_spec_name, entry["mark"])
        _own[name] = process
        entry |= {"process": process.pid, "port": port}
        workspace.write_atomic(_file(name), json.dumps(entry, indent=1))
    return get_feature_serving_endpoint(name=name)


def get_feature_serving_endpoint(
    *, name: str | None = None, **kwargs: Any
) -> FeatureServingEndpoint:
    """Return an endpoint that answers. Raises FeatureError if there is none of this name."""
    entry = _require(name)
    return FeatureServingEndpoint(
        name=entry["name"],
        creator=entry["creator"],
        creation_time_millis=entry["created"],
        state="READY",
        config=EndpointCoreConfig(ServedEntity(**entry["entity"])),
        url=f"http://{LOOPBACK}:{entry['port']}/serving-endpoints/{entry['name']}/invocations",
    )


def delete_feature_serving_endpoint(*, name: str | None = None, **kwargs: Any) -> None:
    """End an endpoint. Raises FeatureError if there is none of this name."""
    entry = _require(name)
    process = _own.pop(entry["name"], None)
    if process is not None and process.pid == entry["process"]:
        _end(process)
    else:
        os.kill(entry["process"], signal.SIGTERM)
        limit = time.monotonic() + END_SECONDS
        while _answers(entry) and time.monotonic() < limit:
            time.sleep(0.05)
    _file(entry["name"]).unlink(missing_ok=True)


def _entity(config: Any) -> ServedEntity:
    given = config.served_entities if isinstance(config, EndpointCoreConfig) else None
    entities = [given] if isinstance(given, ServedEntity) else list(given or [])
    if len(entities) != 1 or not isinstance(entities[0], ServedEntity):
        raise FeatureError(
            f"config is {config!r}; an endpoint serves one feature spec: "
            "EndpointCoreConfig(served_entities=ServedEntity(feature_spec_name=…))"
        )
    if entities[0].workload_size not in SIZES:
        raise FeatureError(
            f"workload_size is {entities[0].workload_size!r}; it is one of {', '.join(SIZES)}"
        )
    return entities[0]


def _file(name: str) -> Path:
    return workspace.path("online", "endpoints", f"{name}.json")


def _require(name: Any) -> dict[str, Any]:
    entry = _answering(name) if isinstance(name, str) and NAME.fullmatch(name) else None
    if entry is None:
        files = sorted(_file("any").parent.glob("*.json"))
        known = [file.stem for file in files if _answering(file.stem)]
        raise FeatureError(
            f"there is no endpoint '{name}'. {nearest(str(name), known)} Endpoints end with the "
            "notebook that made them; create_feature_serving_endpoint makes one"
        )
    return entry


def _answering(name: str) -> dict[str, Any] | None:
    """Return what is known of an endpoint whose server runs."""
    try:
        entry: dict[str, Any] = json.loads(_file(name).read_text("utf-8"))
    except FileNotFoundError:
        return None
    if _answers(entry):
        return entry
    _file(name).unlink(missing_ok=True)
    return None


def _answers(entry: dict[str, Any]) -> bool:
    """Return whether this very server answers, and not what has taken its port since."""
    connection = http.client.HTTPConnection(LOOPBACK, entry["port"], timeout=5)
    try:
        connection.request("GET", f"/serving-endpoints/{entry['name']}")
        told = json.loads(connection.getresponse().read())
        return isinstance(told, dict) and told.get("mark") == entry["mark"]
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()


def _start(name: str, spec: str, mark: str) -> tuple[subprocess.Popen[bytes], int]:
    """Start the server; return it and its port as soon as it listens."""
    log = workspace.path("logs", f"endpoint-{name}.log")
    program = [sys.executable, "-m", "lakebook.ml.feature_engineering.online.serve"]
    environment = {
        "LAKEBOOK_HOME": str(workspace.home()),
        "LAKEBOOK_USER": grants.current_user(),
    }
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*program, name, spec, mark],
            # It reads this pipe until the end, which comes however this process ends.
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stream,
            env={**os.environ, **environment},
            # An interrupt of the notebook's cell is not meant for it.
            start_new_session=True,
        )
    assert process.stdout is not None
    with selectors.DefaultSelector() as waiting:
        waiting.register(process.stdout, selectors.EVENT_READ)
        said = process.stdout.readline() if waiting.select(START_SECONDS) else b""
    if not said.strip().isdigit():
        _end(process)
        tail = "\n".join(log.read_text("utf-8", "replace").splitlines()[-5:])
        raise FeatureError(f"endpoint '{name}' did not start:\n{tail}\nThe whole log: {log}")
    return process, int(said)


def _end(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(END_SECONDS)
        return
    process.kill()
    process.wait()
