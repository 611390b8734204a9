"""The classes of the feature store take what the platform's take: names, order, kinds, defaults."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any

import pytest
import yaml

DOCUMENTED = yaml.safe_load(Path(__file__).with_name("signatures.yml").read_text("utf-8"))
CLASSES: dict[str, Any] = DOCUMENTED["classes"]
KINDS = {
    inspect.Parameter.POSITIONAL_OR_KEYWORD: "positional",
    inspect.Parameter.KEYWORD_ONLY: "keyword",
    inspect.Parameter.VAR_KEYWORD: "kwargs",
}


def ours(name: str) -> Any:
    module = importlib.import_module(f"lakebook.ml.feature_engineering.{CLASSES[name]['here']}")
    return getattr(module, name)


def methods(left_out: bool) -> list[Any]:
    return [
        pytest.param(name, method, entry, id=f"{name}.{method}")
        for name, about in CLASSES.items()
        for method, entry in about.get("methods", {}).items()
        if ("left_out" in entry) is left_out
    ]


def described(parameter: inspect.Parameter, documented: dict[str, Any]) -> dict[str, Any]:
    """Return a parameter of ours in the words of the file."""
    found: dict[str, Any] = {"name": parameter.name, "kind": KINDS[parameter.kind]}
    if parameter.default is not inspect.Parameter.empty:
        given = {"optional": True} if "optional" in documented else {"default": parameter.default}
        found |= given
    return found


@pytest.mark.parametrize(("name", "method", "entry"), methods(left_out=False))
def test_a_method_takes_what_is_documented(name, method, entry):
    found = inspect.getattr_static(ours(name), method)
    if entry.get("property"):
        assert isinstance(found, property)
        return
    _, *parameters = inspect.signature(found).parameters.values()
    wanted = entry["parameters"]
    assert [p.name for p in parameters] == [p["name"] for p in wanted]
    told = [described(p, w) for p, w in zip(parameters, wanted, strict=True)]
    assert told == wanted


@pytest.mark.parametrize(("name", "method", "entry"), methods(left_out=True))
def test_what_is_left_out_has_a_reason_and_is_not_here(name, method, entry):
    assert len(entry["left_out"].split()) > 3
    assert not hasattr(ours(name), method)


def test_newer_methods_are_not_here():
    client = ours("FeatureEngineeringClient")
    assert [name for name in DOCUMENTED["newer"]["methods"] if hasattr(client, name)] == []


@pytest.mark.parametrize("name", [name for name in CLASSES if "methods" in CLASSES[name]])
def test_there_is_no_public_method_that_the_platform_has_not(name):
    public = {method for method in vars(ours(name)) if not method.startswith("_")}
    described_ones = {*CLASSES[name]["methods"], "product"}
    assert public - described_ones == set()


def test_a_feature_table_tells_what_is_documented():
    import dataclasses

    table = ours("FeatureTable")
    known = {field.name for field in dataclasses.fields(table)} | set(vars(table))
    assert [name for name in CLASSES["FeatureTable"]["attributes"] if name not in known] == []
