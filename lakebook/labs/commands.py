"""``lakebook labs …`` and ``lakebook progress``."""

from __future__ import annotations

import argparse
from typing import Any


def register(commands: Any) -> None:
    """Add the commands of this room to the door."""
    labs = commands.add_parser("labs", help="derive, run and verify labs")
    actions = labs.add_subparsers(required=True, metavar="action")

    derive = actions.add_parser("derive", help="write labs/ from solutions/")
    derive.add_argument("ids", nargs="*", metavar="lab", help="lab ids; all if none is given")
    derive.set_defaults(run=_derive)

    run = actions.add_parser("run", help="execute blank labs, or solutions, and measure them")
    run.add_argument("ids", nargs="*", metavar="lab", help="lab ids; all if none is given")
    run.add_argument("--solutions", action="store_true", help="the solved notebooks, strictly")
    run.add_argument("--scale", choices=("small", "full"), default="small")
    _limits(run)
    run.add_argument("--store", action="store_true", help="put the outputs into the solutions")
    run.add_argument(
        "--record", action="store_true", help="write book/timings.json; solutions, one at a time"
    )
    run.set_defaults(run=_run)

    verify = actions.add_parser("verify", help="prove that every lab keeps its promises")
    verify.add_argument("ids", nargs="*", metavar="lab", help="lab ids; all if none is given")
    _limits(verify)
    verify.set_defaults(run=_verify)

    listing = actions.add_parser("list", help="the labs, with their exercises")
    listing.set_defaults(run=_list)

    progress = commands.add_parser("progress", help="what you have passed, lab by lab")
    progress.set_defaults(run=_progress)


def _limits(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--jobs", type=_positive, default=2, metavar="N", help="how many at a time (2)"
    )
    parser.add_argument(
        "--cell-timeout", type=_positive, default=120, metavar="SECONDS", help="of a cell (120)"
    )
    parser.add_argument(
        "--timeout", type=_positive, default=600, metavar="SECONDS", help="of a notebook (600)"
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


def _derive(args: argparse.Namespace) -> int:
    from lakebook.errors import LakebookError
    from lakebook.labs import bundle, derive, places

    faults = 0
    for lab_id in places.resolve(args.ids):
        try:
            before = derive.kept(lab_id)
            changed = derive.write(lab_id)
        except LakebookError as error:
            faults += 1
            print(f"{type(error).__name__}: {error}")
        else:
            print(f"labs/{lab_id}.ipynb {'written' if changed else 'unchanged'}")
            for copy in derive.kept(lab_id)[len(before) :]:
                print(f"  what you had written there is kept: {places.shown(copy)}")
    if bundle.write():
        print("resources/labs.yml written")
    if not args.ids:
        for lab_id in derive.orphans():
            faults += 1
            print(f"labs/{lab_id}.ipynb has no solution; delete it or write its solution")
    return 1 if faults else 0


def _run(args: argparse.Namespace) -> int:
    import tempfile
    from pathlib import Path

    from lakebook.errors import LakebookError
    from lakebook.labs import places, processes, run, store

    if args.store and args.scale != "small":
        raise LakebookError("--store keeps the outputs of scale small; leave out --scale full")
    plan = run.Plan(
        solutions=args.solutions or args.store or args.record,
        scale=args.scale,
        # Measured one at a time: two labs on two cores take longer than each alone.
        jobs=1 if args.record else args.jobs,
        cell_timeout=args.cell_timeout,
        timeout=args.timeout,
    )
    chosen = places.resolve(args.ids)
    outcomes: list[run.Outcome] = []
    with tempfile.TemporaryDirectory(prefix="lakebook-home-") as home, processes.terminable():
        for outcome in run.run(chosen, plan, Path(home)):
            outcomes.append(outcome)
            word = "failed" if outcome.fault else "ok"
            if args.store and not outcome.fault:
                word = "stored" if store.outputs(outcome) else "ok, outputs unchanged"
            print(
                f"[{len(outcomes)}/{len(chosen)}] {outcome.lab}  {outcome.seconds:.1f} s  "
                f"{outcome.peak_mb:.0f} MB  {word}",
                flush=True,
            )
    passed = [outcome for outcome in outcomes if not outcome.fault]
    if args.record and passed:
        store.timings(passed)
    print("\n" + run.table(outcomes))
    faults = [outcome.fault for outcome in outcomes if outcome.fault]
    for fault in faults:
        print("\n" + fault)
    print(f"\n{len(passed)} of {len(outcomes)} notebooks ran to the end")
    return 1 if faults else 0


def _verify(args: argparse.Namespace) -> int:
    import tempfile
    import time
    from pathlib import Path

    from lakebook.labs import places, processes, run, verify

    lab_ids = places.resolve(args.ids)
    plan = run.Plan(jobs=args.jobs, cell_timeout=args.cell_timeout, timeout=args.timeout)
    found: list[str] = []
    with tempfile.TemporaryDirectory(prefix="lakebook-home-") as folder, processes.terminable():
        home, blank_home = Path(folder), Path(folder, "blank")
        blank_home.mkdir()
        apart = verify.apart(lab_ids)
        steps = {
            "labs are what their solutions give": lambda: verify.derived(lab_ids),
            "notebooks keep the rules": lambda: verify.rules(lab_ids),
            "wrong answers are rejected": lambda: verify.wrong_answers(apart, plan, home),
            "blank labs run and pass nothing": lambda: verify.blank(apart, plan, blank_home),
            "solutions pass, with the stored outputs": lambda: verify.outputs(
                lab_ids, plan, home, blank_home
            ),
        }
        for name, step in steps.items():
            if name.startswith(("blank", "wrong")) and not apart:
                print(f"{name:<42}   together with the solutions", flush=True)
                continue
            started = time.monotonic()
            faults = step()
            found += faults
            word = f"{len(faults)} fault(s)" if faults else "ok"
            print(f"{name:<42} {time.monotonic() - started:6.1f} s  {word}", flush=True)
    for fault in found:
        print("\n" + fault)
    print(f"\n{verify.counts(lab_ids)}: {f'{len(found)} fault(s)' if found else 'verified'}")
    return 1 if found else 0


def _list(_: argparse.Namespace) -> int:
    from lakebook.labs import places, progress

    for lab_id in places.ids():
        count = len(progress.exercise_numbers(places.exercises(lab_id)))
        print(f"{lab_id:<40} {count} exercises")
    return 0


def _progress(_: argparse.Namespace) -> int:
    from lakebook.labs import progress

    summary = progress.summary()
    width = max((len(lab_id) for lab_id in summary), default=0)
    for lab_id, state in summary.items():
        passed, of = len(state["passed"]), state["of"]
        print(f"{lab_id:<{width}}  {passed} of {of}{'  ✓' if of and passed == of else ''}")
    done = sum(len(state["passed"]) for state in summary.values())
    print(f"{done} of {sum(state['of'] for state in summary.values())} exercises passed")
    return 0
