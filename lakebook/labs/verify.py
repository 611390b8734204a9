"""Whether every lab keeps its promises; each function returns the faults it found."""

from __future__ import annotations

import json
import re
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from pathlib import Path

from lakebook import workspace
from lakebook.errors import LakebookError
from lakebook.labs import derive, lint, notebooks, places, processes, progress, run, together

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_CELL = re.compile(r"Cell (\d+)$")


def derived(lab_ids: Sequence[str]) -> list[str]:
    """Derive again and compare; a lab that no solution gives is a fault as well."""
    faults = []
    for lab_id in lab_ids:
        try:
            fault = derive.drift(lab_id)
        except LakebookError as error:
            fault = str(error)
        faults += [fault] if fault else []
    faults += [f"labs/{one}.ipynb has no solution; delete it" for one in derive.orphans()]
    return faults


def rules(lab_ids: Sequence[str]) -> list[str]:
    """Check the rules of the notebooks."""
    faults = []
    for lab_id in lab_ids:
        try:
            faults += lint.faults(lab_id)
        except LakebookError as error:
            faults.append(str(error))
    return faults


def wrong_answers(lab_ids: Sequence[str], plan: run.Plan, home: Path) -> list[str]:
    """Feed each listed wrong answer to its exercise: each must get a verdict, with a message."""
    faults: list[str] = []
    judged = processes.several(lambda one: _rejected(one, plan, home), lab_ids, plan.jobs)
    for _, found in judged:
        faults += found
    return faults


def _rejected(lab_id: str, plan: run.Plan, home: Path) -> list[str]:
    path = places.exercises(lab_id)
    with tempfile.TemporaryDirectory(prefix="lakebook-wrong-") as folder:
        result = Path(folder, "result.json")
        ended = processes.run(
            ["-m", "lakebook.labs.reject", lab_id, str(result)],
            cwd=path.parent,
            env=processes.environment(home, strict=False),
            seconds=plan.timeout,
        )
        if not result.is_file() or ended.status != 0:
            over = f"took longer than {plan.timeout} s" if ended.status is None else "failed"
            tail = "\n    ".join(ended.output.strip().splitlines()[-8:])
            return [f"{places.shown(path)}: judging the wrong answers {over}\n    {tail}"]
        return _accepted(lab_id, json.loads(result.read_text("utf-8")))


def _accepted(lab_id: str, verdicts: list[dict[str, str]]) -> list[str]:
    """Return a fault for each wrong answer that was not rejected with a message."""
    path = places.exercises(lab_id)
    faults = []
    for one in verdicts:
        head = f"{places.shown(path)}, exercise {one['exercise']}, wrong answer {one['mistake']!r}"
        if one["state"] == "right":
            faults.append(f"{head}: is accepted")
        elif one["state"] == "open":
            faults.append(f"{head}: counts as not attempted; it is no answer")
        elif one["state"] == "unmade":
            faults.append(f"{head}: could not be made: {one['message']}")
        elif one["state"] == "unjudged":
            faults.append(f"{head}: is stumbled over, not judged: {one['message']}")
        elif not one["message"].strip():
            faults.append(f"{head}: is rejected without a message")
    return faults


def blank(lab_ids: Sequence[str], plan: run.Plan, home: Path) -> list[str]:
    """Run each lab as the learner gets it: to the end, and without passing an exercise."""
    faults = [one.fault for one in run.run(lab_ids, plan, home) if one.fault]
    return faults + _passed(lab_ids, home)


def _passed(lab_ids: Sequence[str], home: Path) -> list[str]:
    """Return a fault for each exercise that was passed in the workspace of blank labs."""
    saved = home / "progress.jsonl"
    lines = saved.read_text("utf-8").splitlines()[1:] if saved.is_file() else []
    return [
        f"labs/{record['lab']}.ipynb: passes exercise {record['exercise']} as it comes"
        for record in map(json.loads, lines)
        if record["passed"] and record["lab"] in lab_ids
    ]


def apart(lab_ids: Sequence[str]) -> list[str]:
    """Return the labs whose blank notebook and wrong answers need runs of their own."""
    return [one for one in lab_ids if not _together(one)]


def _together(lab_id: str) -> bool:
    try:
        return together.is_possible(notebooks.read(places.solution(lab_id)))
    except LakebookError:
        return False


def outputs(
    lab_ids: Sequence[str], plan: run.Plan, home: Path, blank_home: Path | None = None
) -> list[str]:
    """Run each solution strictly and compare its outputs with the stored ones, by nbval.

    Each file has a kernel of its own and its cells run in one process, in order. With `blank_home`
    the cells of the blank lab run in between where that is possible, in that workspace, and must
    pass nothing; the wrong answers are judged at the end. See `together`.
    """
    origins: dict[str, list[int]] = {}
    with tempfile.TemporaryDirectory(prefix="lakebook-nbval-") as folder:
        report = Path(folder, "report.xml")
        files = []
        for lab_id in lab_ids:
            files.append(places.solution(lab_id))
            if blank_home and _together(lab_id):
                judged = Path(folder, "verdicts", lab_id)
                judged.mkdir(parents=True)
                made, origins[lab_id] = together.both(lab_id, judged)
                files[-1] = Path(folder, "solutions", f"{lab_id}.ipynb")
                files[-1].parent.mkdir(parents=True, exist_ok=True)
                files[-1].write_text(notebooks.text_of(made), "utf-8")
        at_a_time = min(plan.jobs, len(lab_ids))
        # Alone, a notebook would only wait for one more process to begin.
        spread = ("-n", str(at_a_time), "--dist", "loadfile") if at_a_time > 1 else ("-n", "0")
        arguments = [
            *("-m", "pytest", "--nbval", "--nbval-current-env", "-q", "-p", "no:cacheprovider"),
            *("-c", str(Path(folder, "pytest.ini")), f"--rootdir={workspace.root()}"),
            f"--nbval-cell-timeout={plan.cell_timeout}",
            f"--junitxml={report}",
            *spread,
            *map(str, files),
        ]
        Path(folder, "pytest.ini").write_text("[pytest]\njunit_family = xunit1\n", "utf-8")
        rounds = -(-len(lab_ids) // plan.jobs)
        ended = processes.run(
            arguments,
            cwd=workspace.root(),
            env=processes.environment(home, strict=True)
            | ({together.BLANK_HOME: str(blank_home)} if blank_home else {}),
            seconds=plan.timeout * rounds,
        )
        passed = _passed(list(origins), blank_home) if blank_home else []
        for lab_id in origins:
            for judged in sorted(Path(folder, "verdicts", lab_id).glob("*.json")):
                passed += _accepted(lab_id, json.loads(judged.read_text("utf-8")))
        if ended.status == 0:
            return passed
        faults = passed + _reported(report, lab_ids, origins)
    if ended.status is None:
        faults.append(f"comparing outputs took longer than {plan.timeout * rounds} s; killed")
    if not faults:
        tail = "\n    ".join(ended.output.strip().splitlines()[-15:])
        faults.append(f"nbval ended with status {ended.status}:\n    {tail}")
    return faults


def _reported(report: Path, lab_ids: Sequence[str], origins: Mapping[str, list[int]]) -> list[str]:
    """Return the failed cells of an nbval report, by notebook and number."""
    if not report.is_file():
        return []
    faults = []
    for case in ElementTree.parse(report).iter("testcase"):
        for fault in (*case.findall("failure"), *case.findall("error")):
            file = (case.get("file") or "").replace("\\", "/")
            lab_id = file[file.rfind("solutions/") :].removeprefix("solutions/")
            lab_id = lab_id.removesuffix(".ipynb")
            found = _CELL.search(case.get("name") or "")
            where = file or str(case.get("name"))
            if found and lab_id in lab_ids:
                where = f"solutions/{lab_id}.ipynb, cell {_number(lab_id, int(found[1]), origins)}"
            text = _ANSI.sub("", fault.text or fault.get("message") or "")
            lines = [line for line in text.strip().splitlines() if line.strip()][:40]
            faults.append("\n    ".join([f"{where}: not as stored", *lines]))
    return faults


def _number(lab_id: str, index: int, origins: Mapping[str, list[int]]) -> int:
    """Return the number, from 1 with text cells, of the code cell that nbval counts from 0."""
    if lab_id in origins:
        return origins[lab_id][index]
    cells = notebooks.read(places.solution(lab_id)).cells
    code = [number for number, cell in enumerate(cells, 1) if cell.cell_type == "code"]
    return code[index] if index < len(code) else index


def counts(lab_ids: Sequence[str]) -> str:
    """Return how much there is to verify, in words."""
    total = sum(len(progress.exercise_numbers(places.exercises(one))) for one in lab_ids)
    return f"{len(lab_ids)} lab(s), {total} exercise(s)"
