"""Statements about a table: history, detail, optimize, vacuum, describe, properties."""

from __future__ import annotations

from suite import Area, column, refused, rows

MANUAL = "https://docs.databricks.com/sql/language-manual"
case = Area(
    "SQL: looking after tables", "https://docs.databricks.com/delta/history.html", on_workers=False
)


@case("DESCRIBE HISTORY", "The history has version, timestamp, user, operation and metrics.")
def history_is_described(it):
    table = it.table(id=[1])
    it.sql(f"UPDATE {table} SET id = 2")
    frame = it.sql(f"DESCRIBE HISTORY {table}")
    wanted = "version timestamp userId userName operation operationParameters job notebook "
    wanted += "clusterId readVersion isolationLevel isBlindAppend operationMetrics userMetadata"
    assert frame.columns[:14] == wanted.split()
    last = frame.first()
    assert (last.version, last.operation, last.isBlindAppend) == (1, "UPDATE", False)
    assert last.operationMetrics["numUpdatedRows"] == "1"


@case("DESCRIBE HISTORY … LIMIT", "LIMIT n gives the last n operations.")
def history_is_limited(it):
    table = it.table(id=[1])
    it.sql(f"INSERT INTO {table} VALUES (2)")
    assert column(it.sql(f"DESCRIBE HISTORY {table} LIMIT 1"), "version") == [1]


@case(
    "DESCRIBE DETAIL",
    "DESCRIBE DETAIL names format, location, number of files and the table itself.",
    source="https://docs.delta.io/delta-utility",
)
def detail_is_described(it):
    table = it.table(id=[1])
    row = it.sql(f"DESCRIBE DETAIL {table}").first()
    assert (row.format, row.name, row.numFiles) == ("delta", table, 1)


@case("OPTIMIZE", "OPTIMIZE compacts small files.", source=f"{MANUAL}/delta-optimize.html")
def optimize_is_a_statement(it):
    path = it.given(id=[1])
    it.append(path, id=[2])
    row = it.spark.sql(f"OPTIMIZE delta.`{path}`").first()
    assert (row.metrics.numFilesAdded, row.metrics.numFilesRemoved) == (1, 2)
    assert rows(it.at(path)) == [(1,), (2,)]


@case(
    "OPTIMIZE … WHERE … ZORDER BY",
    "OPTIMIZE takes a condition on partitions and columns to order by.",
    source=f"{MANUAL}/delta-optimize.html",
    on_workers=True,
)
def optimize_takes_a_condition_and_an_order(it):
    table = it.table(partition_by=["day"], day=["mon", "tue"], n=[1, 2])
    it.sql(f"OPTIMIZE {table} WHERE day = 'mon' ZORDER BY (n)")
    last = it.sql(f"DESCRIBE HISTORY {table} LIMIT 1").first()
    assert last.operation == "OPTIMIZE"
    assert rows(it.spark.table(table)) == [("mon", 1), ("tue", 2)]


@case(
    "ZORDER BY a partition column",
    "Ordering by a partition column is refused.",
    source="https://docs.databricks.com/error-messages/index.html",
)
def ordering_by_a_partition_column_is_refused(it):
    table = it.table(partition_by=["day"], day=["mon"], n=[1])
    refused(
        lambda: it.sql(f"OPTIMIZE {table} ZORDER BY (day)"), "DELTA_ZORDERING_ON_PARTITION_COLUMN"
    )


@case(
    "VACUUM … DRY RUN",
    "A dry run lists the files that would be deleted and deletes none.",
    source=f"{MANUAL}/delta-vacuum.html",
)
def a_dry_run_deletes_nothing(it):
    table = it.table(id=[1])
    it.sql(f"DELETE FROM {table}")
    before = len(list(it.folder.rglob("*.parquet")))
    it.sql("SET spark.databricks.delta.retentionDurationCheck.enabled = false")
    try:
        listed = it.sql(f"VACUUM {table} RETAIN 0 HOURS DRY RUN").collect()
    finally:
        it.sql("RESET spark.databricks.delta.retentionDurationCheck.enabled")
    assert len(listed) == 1 and listed[0].path.endswith(".parquet")
    assert len(list(it.folder.rglob("*.parquet"))) == before


@case(
    "VACUUM … RETAIN",
    "RETAIN below 168 hours is refused.",
    source=f"{MANUAL}/delta-vacuum.html",
)
def a_short_vacuum_is_refused(it):
    table = it.table(id=[1])
    refused(lambda: it.sql(f"VACUUM {table} RETAIN 0 HOURS"), "retentionDurationCheck", "168")


@case(
    "CREATE TABLE AS SELECT",
    "A table is made from a query; without USING it is a Delta table.",
    source=f"{MANUAL}/sql-ref-syntax-ddl-create-table-using.html",
    on_workers=True,
)
def a_query_makes_a_table(it):
    it.sql(
        "CREATE TABLE {s}.made PARTITIONED BY (k) COMMENT 'c' AS SELECT id, id % 2 AS k "
        "FROM range(4)"
    )
    row = it.sql("DESCRIBE DETAIL {s}.made").first()
    assert (row.format, row.partitionColumns) == ("delta", ["k"])
    assert rows(it.spark.table(it.name("made"))) == [(0, 0), (1, 1), (2, 0), (3, 1)]


@case(
    "CREATE OR REPLACE TABLE",
    "The table is replaced, also its schema; its history goes on.",
    source=f"{MANUAL}/sql-ref-syntax-ddl-create-table-using.html",
)
def a_table_is_replaced(it):
    it.sql("CREATE TABLE {s}.t AS SELECT 1 AS id")
    it.sql("CREATE OR REPLACE TABLE {s}.t AS SELECT 'x' AS name")
    assert rows(it.spark.table(it.name())) == [("x",)]
    assert rows(it.sql("SELECT * FROM {s}.t VERSION AS OF 0")) == [(1,)]


@case(
    "CREATE TABLE IF NOT EXISTS",
    "IF NOT EXISTS leaves a table as it is; without it the name is refused.",
    source=f"{MANUAL}/sql-ref-syntax-ddl-create-table-using.html",
)
def a_table_is_made_once(it):
    table = it.table(id=[1])
    it.sql(f"CREATE TABLE IF NOT EXISTS {table} (other STRING)")
    assert it.spark.table(table).columns == ["id"]
    refused(lambda: it.sql(f"CREATE TABLE {table} (id INT)"), "ALREADY_EXISTS", "t")


@case(
    "DEFAULT",
    "DEFAULT gives a column's value where an INSERT leaves it out.",
    source=f"{MANUAL}/sql-ref-syntax-ddl-create-table-using.html",
    differs="A table with default values is refused by name, for it needs a feature of the table "
    "format that is not kept here. Give the value in each INSERT.",
)
def a_default_is_refused(it):
    create = "CREATE TABLE {s}.t (id INT, kind STRING DEFAULT 'new')"
    refused(lambda: it.sql(create), "DEFAULT", "kind")


@case(
    "DESCRIBE TABLE EXTENDED",
    "The description lists columns, then catalog, schema, table, type, location, provider.",
    source=f"{MANUAL}/sql-ref-syntax-aux-describe-table.html",
)
def a_table_is_described(it):
    it.sql("CREATE TABLE {s}.t (id INT COMMENT 'key', day DATE) PARTITIONED BY (day)")
    told = {r.col_name: r.data_type for r in it.sql("DESCRIBE TABLE EXTENDED {s}.t").collect()}
    assert told["id"] == "int" and told["day"] == "date"
    catalog, schema = it.schema.split(".")
    found = [told["Catalog"], told["Database"], told["Table"], told["Type"], told["Provider"]]
    assert found == [catalog, schema, "t", "MANAGED", "delta"]
    assert told["Location"]


@case(
    "SHOW CREATE TABLE",
    "The statement that makes the table is shown.",
    source=f"{MANUAL}/sql-ref-syntax-aux-show-create-table.html",
)
def a_table_shows_its_statement(it):
    it.sql("CREATE TABLE {s}.t (id INT NOT NULL) COMMENT 'why'")
    (row,) = it.sql("SHOW CREATE TABLE {s}.t").collect()
    shown = row[0].upper()
    assert shown.startswith(f"CREATE TABLE {it.name().upper()}")
    assert all(part in shown for part in ("ID INT NOT NULL", "COMMENT 'WHY'", "USING DELTA"))


@case(
    "TBLPROPERTIES",
    "Properties are set, shown one by one or all, and unset.",
    source=f"{MANUAL}/sql-ref-syntax-aux-show-tblproperties.html",
)
def properties_are_set_and_shown(it):
    it.sql("CREATE TABLE {s}.t (id INT) TBLPROPERTIES ('team' = 'a')")
    it.sql("ALTER TABLE {s}.t SET TBLPROPERTIES ('delta.appendOnly' = 'true')")
    told = {r.key: r.value for r in it.sql("SHOW TBLPROPERTIES {s}.t").collect()}
    assert (told["team"], told["delta.appendOnly"]) == ("a", "true")
    assert it.sql("SHOW TBLPROPERTIES {s}.t ('team')").first().value == "a"
    it.sql("ALTER TABLE {s}.t UNSET TBLPROPERTIES ('team')")
    assert "team" not in column(it.sql("SHOW TBLPROPERTIES {s}.t"), "key")


@case(
    "delta.appendOnly",
    "A table that is append-only takes no update or delete.",
    source="https://docs.databricks.com/delta/table-properties.html",
)
def an_append_only_table_keeps_its_rows(it):
    it.sql("CREATE TABLE {s}.t (id INT) TBLPROPERTIES ('delta.appendOnly' = 'true')")
    it.sql("INSERT INTO {s}.t VALUES (1)")
    refused(lambda: it.sql("DELETE FROM {s}.t"), "DELTA_CANNOT_MODIFY_APPEND_ONLY")
    assert rows(it.spark.table(it.name())) == [(1,)]


@case(
    "TRUNCATE TABLE",
    "TRUNCATE removes all rows and keeps the table and its history.",
    source=f"{MANUAL}/sql-ref-syntax-ddl-truncate-table.html",
)
def truncate_empties_a_table(it):
    table = it.table(id=[1, 2])
    it.sql(f"TRUNCATE TABLE {table}")
    assert it.spark.table(table).count() == 0
    assert it.sql(f"SELECT * FROM {table} VERSION AS OF 0").count() == 2


@case(
    "SHOW PARTITIONS, SHOW COLUMNS",
    "Both list what they say.",
    source=f"{MANUAL}/sql-ref-syntax-aux-show-partitions.html",
)
def partitions_and_columns_are_listed(it):
    table = it.table(partition_by=["day"], day=["mon", "tue"], n=[1, 2])
    assert rows(it.sql(f"SHOW PARTITIONS {table}")) == [("mon",), ("tue",)]
    assert column(it.sql(f"SHOW COLUMNS IN {table}"), "col_name") == ["day", "n"]
