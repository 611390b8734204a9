"""Who may do what: privileges of Unity Catalog, recorded and, by name, enforced."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakebook.runtime.catalog import store
from lakebook.runtime.catalog.names import did_you_mean, dotted, error, quote

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

EVERYBODY = "account users"  # the group that every principal is in
ALL = "ALL PRIVILEGES"

_SCHEMA_CHILDREN = {
    "TABLE": frozenset({"SELECT", "MODIFY", "APPLY TAG", "MANAGE"}),
    "VOLUME": frozenset({"READ VOLUME", "WRITE VOLUME", "APPLY TAG", "MANAGE"}),
    "FUNCTION": frozenset({"EXECUTE", "APPLY TAG", "MANAGE"}),
    "MODEL": frozenset({"EXECUTE", "APPLY TAG", "MANAGE"}),
}
_IN_SCHEMA = frozenset(
    {
        "USE SCHEMA",
        "CREATE TABLE",
        "CREATE FUNCTION",
        "CREATE VOLUME",
        "CREATE MODEL",
        "CREATE MODEL VERSION",
        "CREATE MATERIALIZED VIEW",
        "REFRESH",
        "EXTERNAL USE SCHEMA",
    }
).union(*_SCHEMA_CHILDREN.values())
_IN_CATALOG = _IN_SCHEMA | {"USE CATALOG", "CREATE SCHEMA", "BROWSE"}
# What may be granted on what; a privilege on a catalog or schema holds for all below it.
PRIVILEGES: dict[str, frozenset[str]] = {
    "METASTORE": frozenset({"CREATE CATALOG", "CREATE EXTERNAL LOCATION", "CREATE CONNECTION"}),
    "CATALOG": _IN_CATALOG,
    "SCHEMA": _IN_SCHEMA,
    **_SCHEMA_CHILDREN,
}
KNOWN = sorted(frozenset().union(*PRIVILEGES.values()) | {ALL})
OLD_NAMES = {"USAGE": "USE SCHEMA", "USE DATABASE": "USE SCHEMA", "CREATE": "CREATE TABLE"}


@dataclass(frozen=True)
class Grant:
    """One privilege of one principal, and on which securable it was granted."""

    principal: str
    privilege: str
    kind: str
    key: str


_acting: list[tuple[str, frozenset[str]]] = []


def current_user() -> str:
    """Return the principal in whose name statements run."""
    return _acting[-1][0] if _acting else store.user()


def current_groups() -> frozenset[str]:
    """Return the groups of that principal; everybody is in ``account users``."""
    return (_acting[-1][1] if _acting else frozenset()) | {EVERYBODY}


@contextlib.contextmanager
def act_as(principal: str, groups: Sequence[str] = ()) -> Iterator[None]:
    """Run the block in the name of another principal, for example to try out grants.

    It holds for the whole process, so also for Spark's callbacks in other threads.
    """
    entry = (principal, frozenset(groups))
    _acting.append(entry)
    try:
        yield
    finally:
        _acting.remove(entry)


def is_member(owner: str) -> bool:
    """Return whether the present principal is this user, or in this group."""
    return owner == current_user() or owner in current_groups()


def key_of(row: store.Securable) -> str:
    """Return the full name of a securable, as grants show it."""
    parts: list[str] = []
    while row.kind != "METASTORE":
        parts.append(row.name)
        above = store.get(row.parent)
        if above is None:
            break
        row = above
    return dotted(reversed(parts))


def above(row: store.Securable) -> list[store.Securable]:
    """Return what a securable is below, the nearest first, the metastore last."""
    found: list[store.Securable] = []
    while row.parent is not None and (parent := store.get(row.parent)) is not None:
        found.append(parent)
        row = parent
    return found


def check_privilege(privilege: str, kind: str) -> str:
    """Return a privilege's name as it is stored.

    Raises the error INVALID_PRIVILEGE if there is none of this name, or not on this kind.
    """
    name = " ".join(privilege.upper().replace("_", " ").split())
    if name == "ALL":
        name = ALL
    if name not in KNOWN:
        if name in OLD_NAMES:
            way_out = f"It belongs to the old Hive metastore; did you mean `{OLD_NAMES[name]}`?"
        else:
            way_out = did_you_mean(name, KNOWN, otherwise=f"Known: {', '.join(KNOWN)}.")
        raise error("INVALID_PRIVILEGE", f"Privilege '{privilege}' is not known. {way_out}")
    if name != ALL and name not in PRIVILEGES[kind]:
        usable = ", ".join(sorted(PRIVILEGES[kind]))
        raise error(
            "INVALID_PRIVILEGE",
            f"Privilege {name} is not applicable to a {kind.lower()}. Applicable: {usable}.",
        )
    return name


def grant(row: store.Securable, privileges: Sequence[str], principal: str) -> None:
    """Record privileges of a principal. Raises INVALID_PRIVILEGE and PERMISSION_DENIED."""
    names = [check_privilege(privilege, row.kind) for privilege in privileges]
    require_manage(row)
    with store.transaction() as opened:
        opened.executemany(
            "INSERT OR IGNORE INTO grants VALUES (?, ?, ?, ?)",
            [(row.id, principal, name, current_user()) for name in names],
        )


def revoke(row: store.Securable, privileges: Sequence[str], principal: str) -> None:
    """Take privileges back. One not granted is no error.

    As on the platform ALL PRIVILEGES is one of its own: those granted one by one stay.
    """
    names = [check_privilege(privilege, row.kind) for privilege in privileges]
    require_manage(row)
    with store.transaction() as opened:
        opened.executemany(
            "DELETE FROM grants WHERE securable = ? AND principal = ? AND privilege = ?",
            [(row.id, principal, name) for name in names],
        )


def listed(row: store.Securable, principal: str | None = None) -> list[Grant]:
    """Return the grants that affect a securable, its own first, then what it inherits."""
    found: list[Grant] = []
    for level in (row, *above(row)):
        if level.kind == "METASTORE" and row.kind != "METASTORE":
            continue
        rows = store.connection().execute(
            "SELECT principal, privilege FROM grants WHERE securable = ? "
            "AND (? IS NULL OR principal = ?) ORDER BY principal, privilege",
            (level.id, principal, principal),
        )
        key = key_of(level)
        found += [Grant(who, what, level.kind, key) for who, what in rows]
    return found


def _holds(rows: Sequence[store.Securable], *privileges: str) -> bool:
    """Return whether the present principal was granted one of these on one of the securables."""
    principals = [current_user(), *current_groups()]
    wanted = (*privileges, ALL)
    marks = ", ".join("?" * len(wanted))
    who = ", ".join("?" * len(principals))
    ids = ", ".join("?" * len(rows))
    query = (
        f"SELECT 1 FROM grants WHERE privilege IN ({marks}) AND principal IN ({who}) "
        f"AND securable IN ({ids}) LIMIT 1"
    )
    values = (*wanted, *principals, *(row.id for row in rows))
    return store.connection().execute(query, values).fetchone() is not None


def allowed(row: store.Securable, privilege: str) -> bool:
    """Return whether the present principal owns a securable or has the privilege on it."""
    if is_member(row.owner):
        return True
    return _holds([row, *above(row)], privilege)


def visible(row: store.Securable) -> bool:
    """Return whether lists show a securable: to its owner, and to whoever has a privilege."""
    levels = [row, *above(row)]
    if any(is_member(level.owner) for level in levels):
        return True
    wanted = [*PRIVILEGES.get(row.kind, ()), "BROWSE"]
    return _holds(levels, *wanted) or _holds_below(row)


def _holds_below(row: store.Securable) -> bool:
    children = store.children(row.id)
    if not children:
        return False
    return _holds(children, *KNOWN) or any(_holds_below(child) for child in children)


def require_manage(row: store.Securable) -> None:
    """Raise PERMISSION_DENIED unless the principal owns it or what is above, or has MANAGE."""
    levels = [row, *above(row)]
    if any(is_member(level.owner) for level in levels) or _holds(levels, "MANAGE"):
        return
    raise _denied(row, "MANAGE")


def require_on(row: store.Securable, privilege: str) -> None:
    """Raise PERMISSION_DENIED unless the principal owns a securable or has the privilege on it.

    Below a catalog it also takes USE CATALOG, below a schema USE SCHEMA.
    """
    levels = [row, *above(row)]
    for level, needed in (("CATALOG", "USE CATALOG"), ("SCHEMA", "USE SCHEMA")):
        for holder in levels:
            if holder.kind == level and not allowed(holder, needed):
                raise _denied(holder, needed)
    if not allowed(row, privilege):
        raise _denied(row, privilege)


def require(spark: SparkSession | None, name: Sequence[str], privilege: str) -> None:
    """Raise PERMISSION_DENIED unless the present principal may do this.

    `name` has one part for a catalog, two for a schema, three for what is in a schema; `privilege`
    is for example SELECT, MODIFY, EXECUTE, READ VOLUME, CREATE TABLE. Owners may do everything. A
    name that does not exist is not an error here.
    """
    kind = _kind(privilege)
    if len(name) < 3:
        found = store.chain(name[0], name[1] if len(name) == 2 else None, kind, None)
    else:
        found = store.chain(name[0], name[1], kind, name[2])
    if len(found) == len(name):
        require_on(found[-1], privilege)


def _kind(privilege: str) -> str:
    for kind in ("VOLUME", "FUNCTION"):
        if privilege in PRIVILEGES[kind] and privilege not in PRIVILEGES["TABLE"]:
            return kind
    return "TABLE"


def _denied(row: store.Securable, privilege: str) -> Exception:
    key = key_of(row) or "metastore"
    kind = row.kind.capitalize()
    target = f"{row.kind} {key}" if row.kind != "METASTORE" else "METASTORE"
    return error(
        "PERMISSION_DENIED",
        f"User '{current_user()}' does not have {privilege} on {kind} '{key}'. Its owner "
        f"'{row.owner}' can run: GRANT {privilege} ON {target} TO {quote(current_user())}",
    )
