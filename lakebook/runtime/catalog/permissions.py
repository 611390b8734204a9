"""GRANT, REVOKE and SHOW GRANTS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakebook.runtime.catalog import grants, securables, store
from lakebook.runtime.catalog.alter import read_principal
from lakebook.runtime.catalog.definition import unsupported
from lakebook.runtime.catalog.frames import nothing, rows_frame
from lakebook.runtime.catalog.names import dotted, error
from lakebook.runtime.catalog.parse import Reader

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def grant(spark: SparkSession, reader: Reader) -> DataFrame:
    """Carry out ``GRANT privileges ON … TO …``, read up to behind GRANT."""
    privileges = _read_privileges(reader)
    row = _read_securable(spark, reader)
    reader.expect("TO")
    principals = _read_principals(reader)
    reader.finish()
    for principal in principals:
        grants.grant(row, privileges, principal)
    return nothing(spark)


def revoke(spark: SparkSession, reader: Reader) -> DataFrame:
    """Carry out ``REVOKE privileges ON … FROM …``, read up to behind REVOKE."""
    privileges = _read_privileges(reader)
    row = _read_securable(spark, reader)
    reader.expect("FROM")
    principals = _read_principals(reader)
    reader.finish()
    for principal in principals:
        grants.revoke(row, privileges, principal)
    return nothing(spark)


def deny(spark: SparkSession, reader: Reader) -> DataFrame:
    """Raise the error for DENY, which catalogs do not know."""
    raise unsupported(
        "DENY", "Catalogs know no denial: what was not granted is not allowed; use REVOKE."
    )


def _read_privileges(reader: Reader) -> list[str]:
    found: list[str] = []
    while True:
        words: list[str] = []
        while not reader.done and reader.peek().up not in (",", "ON", "TO", "FROM"):
            words.append(reader.identifier())
        if not words:
            reader.fail("a privilege")
        found.append(" ".join(words))
        if not reader.accept(","):
            return found


def _read_principals(reader: Reader) -> list[str]:
    found = [read_principal(reader)]
    while reader.accept(","):
        found.append(read_principal(reader))
    return found


def _read_securable(spark: SparkSession, reader: Reader) -> store.Securable:
    reader.expect("ON")
    kind = securables.read_kind(reader)
    parts = [] if kind == "METASTORE" else reader.name()
    row = securables.locate(spark, kind, parts)
    if row is None:
        raise error(
            "UNSUPPORTED_FEATURE",
            f"Privileges on {kind} {dotted(parts)} are not supported: it is Spark's own, in no "
            "catalog here. Use a table of a catalog such as main.",
        )
    return row


def show(spark: SparkSession, reader: Reader) -> DataFrame:
    """Carry out ``SHOW GRANTS [principal] ON …``, read up to behind GRANTS."""
    principal = None if reader.follows("ON") else read_principal(reader)
    row = _read_securable(spark, reader)
    reader.finish()
    if principal != grants.current_user():
        grants.require_manage(row)
    found = grants.listed(row, principal)
    rows = [(one.principal, one.privilege, one.kind, one.key) for one in found]
    columns = "principal STRING, actionType STRING, objectType STRING, objectKey STRING"
    return rows_frame(spark, rows, columns)
