"""Time travel and restore."""

from __future__ import annotations

import time

from suite import Area, refused, rows

case = Area("Time travel", "https://docs.databricks.com/delta/history.html", on_workers=False)
ERRORS = "https://docs.databricks.com/error-messages/index.html"


def _two_versions(it):
    """A table with versions 0 and 1, and a time between them as text."""
    path = it.given(id=[1])
    time.sleep(0.05)
    between = it.spark.sql("SELECT string(current_timestamp()) AS t").first().t
    time.sleep(0.05)
    it.append(path, id=[2])
    return path, between


@case("versionAsOf", "The option versionAsOf reads a version by its number.")
def a_version_is_read_by_number(it):
    path, _ = _two_versions(it)
    reader = it.spark.read.format("delta")
    assert rows(reader.option("versionAsOf", 0).load(path)) == [(1,)]
    assert rows(it.spark.read.format("delta").option("versionAsOf", "1").load(path)) == [(1,), (2,)]


@case("timestampAsOf", "The option timestampAsOf reads the version that was the latest then.")
def a_version_is_read_by_time(it):
    path, between = _two_versions(it)
    assert rows(it.spark.read.format("delta").option("timestampAsOf", between).load(path)) == [(1,)]


@case(
    "VERSION AS OF", "SELECT … VERSION AS OF n reads a version of a named table.", on_workers=True
)
def a_statement_reads_a_version(it):
    table = it.table(id=[1])
    it.sql(f"INSERT INTO {table} VALUES (2)")
    assert rows(it.sql(f"SELECT * FROM {table} VERSION AS OF 0")) == [(1,)]
    assert rows(it.sql(f"SELECT count(*) FROM {table} VERSION AS OF 1 AS old")) == [(2,)]


@case("TIMESTAMP AS OF", "SELECT … TIMESTAMP AS OF takes a time as text or as an expression.")
def a_statement_reads_a_time(it):
    path, between = _two_versions(it)
    table = f"delta.`{path}`"
    assert rows(it.spark.sql(f"SELECT * FROM {table} TIMESTAMP AS OF '{between}'")) == [(1,)]
    then = f"date_add(current_date(), 0) + (timestamp'{between}' - current_date())"
    assert it.spark.sql(f"SELECT * FROM {table} TIMESTAMP AS OF {then}").count() == 1


@case("@v", "A version can be part of the name or the path: table@v0.")
def a_version_is_part_of_the_name(it):
    path, _ = _two_versions(it)
    assert rows(it.at(f"{path}@v0")) == [(1,)]
    assert rows(it.spark.sql(f"SELECT * FROM delta.`{path}@v0`")) == [(1,)]


@case(
    "unknown version",
    "A version that is not there is an error that names those that are.",
    source=ERRORS,
)
def an_unknown_version_is_named(it):
    path, _ = _two_versions(it)
    reader = it.spark.read.format("delta").option("versionAsOf", 9)
    refused(
        lambda: reader.load(path).collect(),
        "DELTA_VERSION_NOT_FOUND",
        "version 9",
        "[0, 1]",
    )


@case(
    "time after the last commit",
    "A time later than the last commit is refused by DataFrame readers and SQL alike.",
    source=ERRORS,
)
def a_time_in_the_future_is_refused(it):
    path = it.given(id=[1])
    reader = it.spark.read.format("delta").option("timestampAsOf", "2999-01-01")
    refused(lambda: reader.load(path).collect(), "DELTA_TIMESTAMP_GREATER_THAN_COMMIT")


@case(
    "time before the first commit",
    "A time before the first commit is refused.",
    source=ERRORS,
)
def a_time_before_the_table_is_refused(it):
    path = it.given(id=[1])
    reader = it.spark.read.format("delta").option("timestampAsOf", "2001-01-01")
    refused(
        lambda: reader.load(path).collect(),
        ("DELTA_TIMESTAMP_EARLIER_THAN_COMMIT_RETENTION", "DELTA_CANNOT_RECREATE_SNAPSHOT"),
    )


@case("both options", "versionAsOf and timestampAsOf exclude each other.", source=ERRORS)
def two_ways_at_once_are_refused(it):
    reader = it.spark.read.format("delta").options(versionAsOf=0, timestampAsOf="2026-01-01")
    refused(lambda: reader.load(it.given(id=[1])).collect(), "DELTA_ONEOF_IN_TIMETRAVEL")


@case(
    "RESTORE",
    "RESTORE TABLE … TO VERSION AS OF brings old rows back as a new version, with metrics.",
)
def restore_brings_a_version_back(it):
    table = it.table(id=[1])
    it.sql(f"INSERT INTO {table} VALUES (2)")
    (told,) = it.sql(f"RESTORE TABLE {table} TO VERSION AS OF 0").collect()
    assert told.num_removed_files == 1
    assert rows(it.spark.table(table)) == [(1,)]
    assert it.sql(f"DESCRIBE HISTORY {table}").first()["operation"] == "RESTORE"


@case("DeltaTable.restoreToVersion", "restoreToVersion does the same from Python.")
def a_table_object_restores(it):
    from delta.tables import DeltaTable

    path, _ = _two_versions(it)
    told = DeltaTable.forPath(it.spark, path).restoreToVersion(0)
    assert "num_restored_files" in told.columns
    assert rows(it.at(path)) == [(1,)]


@case("DeltaTable.restoreToTimestamp", "restoreToTimestamp goes back to a time.")
def a_table_object_restores_a_time(it):
    from delta.tables import DeltaTable

    path, between = _two_versions(it)
    DeltaTable.forPath(it.spark, path).restoreToTimestamp(between)
    assert rows(it.at(path)) == [(1,)]
