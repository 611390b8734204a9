"""The command ``lakebook cluster``: start, stop, status."""

from __future__ import annotations

import argparse
from typing import Any


def register(commands: Any) -> None:
    """Add the command to the door."""
    parser = commands.add_parser("cluster", help="a Spark cluster of several local processes")
    actions = parser.add_subparsers(required=True, metavar="action")
    start = actions.add_parser("start", help="start a master and workers")
    start.add_argument("--workers", type=int, default=2, help="number of workers (2)")
    start.add_argument("--cores", type=int, default=1, help="cores of each worker (1)")
    start.add_argument("--memory", default="1g", help="memory of each worker (1g)")
    start.add_argument(
        "--connect",
        action="store_true",
        help="a Spark Connect server as well; with --workers 0 on this machine's own cores",
    )
    start.set_defaults(run=_start)
    actions.add_parser("stop", help="end it").set_defaults(run=_stop)
    actions.add_parser("status", help="what runs").set_defaults(run=_status)


def _start(args: argparse.Namespace) -> int:
    from lakebook.runtime import cluster

    made = cluster.start(args.workers, args.cores, args.memory, args.connect)
    if made.workers:
        print(f"{_workers(made.workers, made)} at {made.page}")
    print("Set this where notebooks start, and every session goes there:")
    print(f"export {_way_in(made)}")
    return 0


def _stop(args: argparse.Namespace) -> int:
    from lakebook.runtime import cluster

    ended = cluster.stop()
    print(f"ended: {', '.join(member.name for member in ended)}" if ended else "no cluster runs")
    return 0


def _status(args: argparse.Namespace) -> int:
    from lakebook.runtime import cluster

    found = cluster.load()
    if found is None:
        print("no cluster runs; `lakebook cluster start` starts one")
        return 1
    running = cluster.alive(found)
    for member in found.members:
        print(f"{member.name}: {f'process {member.pid}' if member in running else 'has ended'}")
    if found.workers:
        counted = cluster.registered(found)
        print(f"{counted} of {_workers(found.workers, found)} registered, {found.page}")
    if len(running) == len(found.members):
        print(f"export {_way_in(found)}")
        return 0
    print("it is not whole; `lakebook cluster stop`, then start it again")
    return 1


def _workers(number: int, cluster: Any) -> str:
    def count(number: int, thing: str) -> str:
        return f"{number} {thing}{'' if number == 1 else 's'}"

    each = f"{count(cluster.cores, 'core')} and {cluster.memory}"
    return f"{count(number, 'worker')} with {each}{'' if number == 1 else ' each'}"


def _way_in(cluster: Any) -> str:
    if cluster.remote:
        return f"SPARK_REMOTE={cluster.remote}"
    return f"LAKEBOOK_MASTER={cluster.master}"
