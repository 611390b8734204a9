"""The blueprint: sections, quotas and objectives of one edition of the exam guide."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lakebook import workspace
from lakebook.errors import LakebookError

LAB_ID = re.compile(r"[a-z0-9]+/\d\d_[a-z0-9_]+")
OBJECTIVE_ID = re.compile(r"[A-Z]+-\d\d")
SECTION_ID = re.compile(r"[a-z][a-z0-9_]*")


class BlueprintError(LakebookError):
    """The blueprint cannot be used; the message lists every fault found in it."""


@dataclass(frozen=True)
class Objective:
    """One objective of the guide, in our words, with the labs that teach it."""

    id: str
    title: str
    section: str
    labs: tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """One section of the guide: its weight in per cent and its quota of questions."""

    id: str
    name: str
    weight: int
    quota: int
    objectives: tuple[Objective, ...]


@dataclass(frozen=True)
class Blueprint:
    """One edition of the guide, and the rules of the mock exam drawn from it."""

    edition: str
    date: datetime.date
    source: str
    weights: str
    checked: datetime.date
    questions: int
    minutes: int
    target: int
    shuffle: int
    sections: tuple[Section, ...]
    further_labs: tuple[str, ...]

    def objectives(self) -> dict[str, Objective]:
        """Return the objectives by id, in the order of the guide."""
        return {o.id: o for section in self.sections for o in section.objectives}

    def labs(self) -> set[str]:
        """Return the ids of all labs of the course, written or planned."""
        listed = {lab for objective in self.objectives().values() for lab in objective.labs}
        return listed | set(self.further_labs)


def path(root: Path | None = None) -> Path:
    """Return where the blueprint of the repository `root` lies."""
    return (root or workspace.root()) / "book" / "exam" / "blueprint.yml"


def lab_exists(lab: str, root: Path | None = None) -> bool:
    """Tell whether a lab has been written, by its solution on disk."""
    return ((root or workspace.root()) / "solutions" / f"{lab}.ipynb").is_file()


def load(file: Path | None = None) -> Blueprint:
    """Return the blueprint in `file`, the repository's own by default.

    Raises BlueprintError with all faults at once: an unknown or missing key, quotas that do not
    add up, a repeated objective, a lab id of the wrong form.
    """
    file = file or path()
    try:
        data = yaml.safe_load(file.read_text("utf-8"))
    except OSError as error:
        raise BlueprintError(f"{file}: cannot be read ({error.strerror})") from error
    except yaml.YAMLError as error:
        raise BlueprintError(f"{file}: is not YAML: {error}") from error
    faults: list[str] = []
    blueprint = _blueprint(data, faults)
    if faults or blueprint is None:
        raise BlueprintError("\n  ".join([f"{file.name} has {len(faults)} fault(s):", *faults]))
    return blueprint


def _blueprint(data: Any, faults: list[str]) -> Blueprint | None:
    wanted = {
        "guide": dict,
        "questions": int,
        "minutes": int,
        "target": int,
        "shuffle": int,
        "sections": list,
        "further_labs": list,
    }
    guide_keys = {
        "edition": str,
        "date": datetime.date,
        "source": str,
        "weights": str,
        "checked": datetime.date,
    }
    if not _keys(data, wanted, "the blueprint", faults):
        return None
    if not _keys(data["guide"], guide_keys, "guide", faults):
        return None
    for key in ("source", "weights"):
        if not data["guide"][key].startswith("https://"):
            faults.append(f"guide: {key} must be an https address")
    for key in ("questions", "minutes"):
        if data[key] < 1:
            faults.append(f"{key} is {data[key]}; it must be at least 1")
    if not 0 < data["target"] <= 100:
        faults.append(f"target is {data['target']}; give per cent, 1 to 100")
    sections = tuple(
        s for n, raw in enumerate(data["sections"], 1) if (s := _section(raw, n, faults))
    )
    further = _labs(data["further_labs"], "further_labs", faults)
    _repeats([s.id for s in sections], "section", faults)
    _repeats([o.id for s in sections for o in s.objectives], "objective", faults)
    if not faults:
        if (total := sum(s.quota for s in sections)) != data["questions"]:
            faults.append(f"the quotas add up to {total}, the exam has {data['questions']}")
        if (weights := sum(s.weight for s in sections)) != 100:
            faults.append(f"the weights of the sections add up to {weights} %, not 100 %")
        listed = {lab for s in sections for o in s.objectives for lab in o.labs}
        faults.extend(
            f"further_labs: '{lab}' is listed under an objective already; name it once"
            for lab in further
            if lab in listed
        )
    if faults:
        return None
    rest = {key: data[key] for key in ("questions", "minutes", "target", "shuffle")}
    return Blueprint(**data["guide"], **rest, sections=sections, further_labs=further)


def _section(raw: Any, number: int, faults: list[str]) -> Section | None:
    wanted = {"id": str, "name": str, "weight": int, "quota": int, "objectives": list}
    where = f"section {number}"
    if not _keys(raw, wanted, where, faults):
        return None
    if not SECTION_ID.fullmatch(raw["id"]):
        faults.append(f"{where}: id '{raw['id']}' must be lower case letters, digits and _")
    if raw["quota"] < 1:
        faults.append(f"{where}: quota is {raw['quota']}; it must be at least 1")
    objectives = []
    for n, item in enumerate(raw["objectives"], 1):
        here = f"{where}, objective {n}"
        if not _keys(item, {"id": str, "title": str, "labs": list}, here, faults):
            continue
        if not OBJECTIVE_ID.fullmatch(item["id"]):
            faults.append(f"{here}: id '{item['id']}' must look like MD-10")
        labs = _labs(item["labs"], f"objective {item['id']}", faults)
        if not labs:
            faults.append(f"objective {item['id']}: list at least one lab that teaches it")
        objectives.append(Objective(item["id"], item["title"], raw["id"], labs))
    return Section(raw["id"], raw["name"], raw["weight"], raw["quota"], tuple(objectives))


def _keys(data: Any, wanted: dict[str, type], where: str, faults: list[str]) -> bool:
    """Note missing, unknown and ill-typed keys; return whether `data` can be used."""
    if not isinstance(data, dict):
        faults.append(f"{where}: must be a mapping with the keys {', '.join(wanted)}")
        return False
    before = len(faults)
    faults.extend(f"{where}: key '{key}' is not known" for key in data if key not in wanted)
    for key, kind in wanted.items():
        if key not in data:
            faults.append(f"{where}: key '{key}' is missing")
        elif not isinstance(data[key], kind) or isinstance(data[key], bool):
            faults.append(f"{where}: '{key}' must be a {kind.__name__}, not {data[key]!r}")
        elif kind is str and not data[key].strip():
            faults.append(f"{where}: '{key}' is empty")
    return len(faults) == before


def _labs(raw: list[Any], where: str, faults: list[str]) -> tuple[str, ...]:
    labs = [str(lab) for lab in raw]
    faults.extend(
        f"{where}: lab id '{lab}' must look like day2/04_missing_values"
        for lab in labs
        if not LAB_ID.fullmatch(lab)
    )
    _repeats(labs, f"{where}: lab", faults)
    return tuple(labs)


def _repeats(names: Iterable[str], kind: str, faults: list[str]) -> None:
    faults.extend(f"{kind} '{name}' is listed twice" for name in _twice(names))


def _twice(names: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield name
        seen.add(name)
