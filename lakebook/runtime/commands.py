"""``lakebook secrets …``, with the names of the Databricks command line."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import Any

from lakebook.runtime.dbutils import secrets


def register(commands: Any) -> None:
    """Add the commands of this room to the door."""
    parser = commands.add_parser("secrets", help="passwords and tokens for dbutils.secrets")
    actions = parser.add_subparsers(required=True, metavar="action")

    create = actions.add_parser("create-scope", aliases=["put-scope"], help="create a scope")
    create.add_argument("scope")
    create.set_defaults(run=_create_scope)

    put = actions.add_parser(
        "put-secret", aliases=["put"], help="keep a secret; asks for its value"
    )
    put.add_argument("scope")
    put.add_argument("key")
    put.add_argument(
        "--string-value",
        metavar="VALUE",
        help="the value; without it, what is typed or comes by a pipe, which no history keeps",
    )
    put.set_defaults(run=_put)

    scopes = actions.add_parser("list-scopes", help="the scopes")
    scopes.set_defaults(run=_list_scopes)

    listing = actions.add_parser("list-secrets", aliases=["list"], help="the keys of a scope")
    listing.add_argument("scope")
    listing.set_defaults(run=_list)

    delete = actions.add_parser("delete-secret", help="delete a secret")
    delete.add_argument("scope")
    delete.add_argument("key")
    delete.set_defaults(run=_delete)

    drop = actions.add_parser("delete-scope", help="delete a scope with its secrets")
    drop.add_argument("scope")
    drop.set_defaults(run=_delete_scope)


def _create_scope(args: argparse.Namespace) -> int:
    secrets.create_scope(args.scope)
    print(f"scope {args.scope} created")
    return 0


def _put(args: argparse.Namespace) -> int:
    value = args.string_value
    if value is None and sys.stdin.isatty():
        value = getpass.getpass(f"value of {args.scope}/{args.key}: ")
    elif value is None:
        # The line break that `echo` adds is no part of a password.
        value = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    secrets.put(args.scope, args.key, value)
    print(f"secret {args.scope}/{args.key} kept")
    return 0


def _list_scopes(_: argparse.Namespace) -> int:
    for scope in secrets.scopes():
        print(scope)
    return 0


def _list(args: argparse.Namespace) -> int:
    for secret in secrets.Secrets().list(args.scope):
        print(secret.key)
    return 0


def _delete(args: argparse.Namespace) -> int:
    secrets.delete(args.scope, args.key)
    print(f"secret {args.scope}/{args.key} deleted")
    return 0


def _delete_scope(args: argparse.Namespace) -> int:
    secrets.delete_scope(args.scope)
    print(f"scope {args.scope} deleted")
    return 0
