"""The door: `lakebook …`. Each room registers its own commands."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from lakebook import __version__
from lakebook.errors import LakebookError

ROOMS = (
    "lakebook.datasets",
    "lakebook.runtime.commands",
    "lakebook.runtime.cluster_commands",
    "lakebook.labs.commands",
    "lakebook.exam.commands",
    "lakebook.book",
    "lakebook.start",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 found faults, 2 bad input."""
    parser = argparse.ArgumentParser(prog="lakebook", description=sys.modules["lakebook"].__doc__)
    parser.add_argument("--version", action="version", version=f"lakebook {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")
    for room in ROOMS:
        importlib.import_module(room).register(commands)
    parsed = parser.parse_args(arguments)
    try:
        return int(parsed.run(parsed))
    except LakebookError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
