"""`lakebook start`: one address for the book, JupyterLab and the MLflow UI."""

from __future__ import annotations

import argparse
from typing import Any

PORT = 8888


def register(commands: Any) -> None:
    """Add ``lakebook start`` to the commands of the door."""
    parser = commands.add_parser(
        "start", help="open the book, JupyterLab and the MLflow UI at one address of this machine"
    )
    parser.add_argument(
        "--port", type=int, default=PORT, help=f"first port to try (default {PORT})"
    )
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    parser.add_argument(
        "--home", metavar="FOLDER", help="where progress, runs and tables live (LAKEBOOK_HOME)"
    )
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from lakebook.start import launch

    return launch.start(port=arguments.port, browser=not arguments.no_browser, home=arguments.home)
