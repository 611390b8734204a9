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

    listing = actions.add_parser("list", help="the labs, with their exercises")
    listing.set_defaults(run=_list)

    progress = commands.add_parser("progress", help="what you have passed, lab by lab")
    progress.set_defaults(run=_progress)


def _derive(args: argparse.Namespace) -> int:
    from lakebook.errors import LakebookError
    from lakebook.labs import derive, places

    faults = 0
    for lab_id in places.resolve(args.ids):
        try:
            changed = derive.write(lab_id)
        except LakebookError as error:
            faults += 1
            print(f"{type(error).__name__}: {error}")
        else:
            print(f"labs/{lab_id}.ipynb {'written' if changed else 'unchanged'}")
    if not args.ids:
        for lab_id in derive.orphans():
            faults += 1
            print(f"labs/{lab_id}.ipynb has no solution; delete it or write its solution")
    return 1 if faults else 0


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
