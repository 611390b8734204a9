"""The rendered book: how it is built, and what Sphinx is taught for it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def register(commands: Any) -> None:
    """Add ``lakebook book`` to the commands of the door."""
    parser = commands.add_parser("book", help="build the book; every warning is an error")
    parser.add_argument("--clean", action="store_true", help="forget the last build first")
    parser.add_argument("--to", metavar="FOLDER", help="write _build there (default: here)")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from lakebook.book import build

    folder = Path(arguments.to) if arguments.to else None
    return build.book(clean=arguments.clean, folder=folder)
