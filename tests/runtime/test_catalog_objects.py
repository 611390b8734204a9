"""Views, functions, volumes and grants of catalogs, paths, and what stays Spark's own."""

from __future__ import annotations

import pytest
from catalog_schema import in_schema, pairs, refused

from lakebook.runtime import catalog
from lakebook.runtime.delta.snapshot import Snapshot


@pytest.fixture
def sql(spark, monkeypatch):
    yield from in_schema(spark, monkeypatch)


# Views


def test_view_means_what_its_names_meant_where_it_was_made(sql):
    sql("CREATE TABLE t (id INT, name STRING)")
    sql("INSERT INTO t VALUES (1, 'a')")
    sql("CREATE VIEW v (k COMMENT 'key', n) COMMENT 'all' AS SELECT * FROM t -- of t")
    sql("USE main.default")
    assert sql.columns(f"SELECT * FROM main.{sql.schema}.v") == ["k", "n"]
    assert sql(f"SELECT * FROM main.{sql.schema}.v") == [(1, "a")]
    assert sql(f"DESCRIBE main.{sql.schema}.v") == [("k", "int", "key"), ("n", "string", None)]
    assert sql(f"SHOW VIEWS IN {sql.schema}") == [(sql.schema, "v", False)]
    sql(f"USE {sql.schema}")
    assert refused(sql, "DROP TABLE v")[0] == "WRONG_COMMAND_FOR_OBJECT_TYPE"
    assert refused(sql, "DROP VIEW t")[0] == "WRONG_COMMAND_FOR_OBJECT_TYPE"
    assert refused(sql, "CREATE VIEW v AS SELECT 1 AS x")[0] == "TABLE_OR_VIEW_ALREADY_EXISTS"
    sql("ALTER VIEW v AS SELECT 2 AS two")
    assert sql("SELECT * FROM v") == [(2,)]
    sql("CREATE OR REPLACE VIEW v AS SELECT 3 AS three")
    assert sql("SELECT * FROM v") == [(3,)]
    sql("DROP VIEW v")
    sql("DROP VIEW IF EXISTS v")


@pytest.mark.parametrize(
    ("query", "condition"),
    [
        ("SELECT nix FROM t", "UNRESOLVED_COLUMN"),
        ("SELECT * FROM nowhere", "TABLE_OR_VIEW_NOT_FOUND"),
        ("SELECT id, id FROM t", "COLUMN_ALREADY_EXISTS"),
        ("SELECT * FROM passing", "INVALID_TEMP_OBJ_REFERENCE"),
    ],
)
def test_wrong_view_is_refused_when_it_is_made(sql, spark, query, condition):
    sql("CREATE TABLE t (id INT)")
    spark.range(1).createOrReplaceTempView("passing")
    try:
        assert refused(sql, f"CREATE VIEW v AS {query}")[0].startswith(condition)
        assert refused(sql, "CREATE VIEW v (a, b) AS SELECT id FROM t")[0] == (
            "CREATE_VIEW_COLUMN_ARITY_MISMATCH"
        )
    finally:
        spark.catalog.dropTempView("passing")
    assert sql("SHOW VIEWS") == []


def test_temporary_view_is_sparks_own_and_hides_a_table(sql, spark):
    sql("CREATE TABLE t (id INT)")
    sql("CREATE TEMP VIEW t AS SELECT 'temporary' AS kind")
    try:
        assert sql("SELECT * FROM t") == [("temporary",)]
        assert [row[0] for row in sql("DESCRIBE t")] == ["kind"]
        assert ("", "t", True) in sql("SHOW TABLES")
        sql("DROP VIEW t")
        assert sql("SELECT * FROM t") == []
    finally:
        spark.catalog.dropTempView("t")


# Functions and volumes


def test_sql_function_is_called_by_its_name(sql):
    sql(
        "CREATE FUNCTION twice(x DOUBLE COMMENT 'in', y DOUBLE DEFAULT 2.0) RETURNS DOUBLE "
        "COMMENT 'doubles; it' RETURN x * y"
    )
    assert sql(f"SELECT main.{sql.schema}.twice(3), twice(2, 5)") == [(6.0, 10.0)]
    assert sql("SHOW USER FUNCTIONS") == [(f"main.{sql.schema}.twice",)]
    lines = [line for (line,) in sql("DESCRIBE FUNCTION EXTENDED twice")]
    assert lines[0].split() == ["Function:", f"main.{sql.schema}.twice"]
    assert any("doubles; it" in line for line in lines)
    assert refused(sql, "CREATE FUNCTION twice() RETURNS INT RETURN 1")[0] == (
        "ROUTINE_ALREADY_EXISTS"
    )
    sql("CREATE OR REPLACE FUNCTION twice(x DOUBLE) RETURNS DOUBLE RETURN x * 20")
    assert sql("SELECT twice(1)") == [(20.0,)]
    sql("DROP FUNCTION twice")
    assert refused(sql, f"SELECT main.{sql.schema}.twice(1)")[0].startswith("UNRESOLVED_ROUTINE")
    assert sql("DROP FUNCTION IF EXISTS twice") == []


def test_python_function_keeps_its_body_as_it_is_written(sql):
    sql(
        """CREATE FUNCTION greet(name STRING, times INT DEFAULT 2) RETURNS STRING
           LANGUAGE PYTHON
           AS $$
           # don't; say "hello" twice -- or /* more
           def one(n):
               return f"hi {n}"
           return ", ".join([one(name)] * times)
           $$"""
    )
    assert sql("SELECT greet('Ann'), greet('Bo', 1)") == [("hi Ann, hi Ann", "hi Bo")]
    bad = "CREATE FUNCTION bad() RETURNS INT LANGUAGE PYTHON AS $$ return ( $$"
    found, text = refused(sql, bad)
    assert found == "PYTHON_SYNTAX_ERROR" and "return (" in text


def test_table_function_reads_the_tables_of_its_schema(sql):
    sql("CREATE TABLE t (id INT)")
    sql("INSERT INTO t VALUES (1), (5)")
    sql("CREATE FUNCTION above(x INT) RETURNS TABLE (id INT) RETURN SELECT id FROM t WHERE id > x")
    assert sql("SELECT * FROM above(2)") == [(5,)]
    sql("INSERT INTO t VALUES (7)")
    assert sorted(sql("SELECT * FROM above(2)")) == [(5,), (7,)]


def test_volume_is_a_folder_as_long_as_it_exists(sql, workspace_folder, tmp_path):
    sql("CREATE VOLUME files COMMENT 'raw'")
    folder = workspace_folder / "Volumes" / "main" / sql.schema / "files"
    assert folder.is_dir()
    assert sql("SHOW VOLUMES") == [(sql.schema, "files")]
    [row] = sql(f"DESCRIBE VOLUME main.{sql.schema}.files")
    assert row[:3] == ("files", "main", sql.schema) and row[5:] == ("MANAGED", "raw")
    assert refused(sql, "CREATE VOLUME files")[0] == "UC_VOLUME_ALREADY_EXISTS"
    sql("CREATE VOLUME IF NOT EXISTS files")
    (folder / "x.txt").write_text("x")
    sql("ALTER VOLUME files RENAME TO raw")
    assert (folder.parent / "raw" / "x.txt").exists()
    sql("DROP VOLUME raw")
    assert not (folder.parent / "raw").exists()
    (tmp_path / "there.txt").write_text("there")
    sql(f"CREATE EXTERNAL VOLUME outside LOCATION 'file:{tmp_path}'")
    assert (folder.parent / "outside" / "there.txt").read_text() == "there"
    sql("DROP VOLUME outside")
    assert not (folder.parent / "outside").exists() and (tmp_path / "there.txt").exists()


# Grants


def test_grants_are_shown_with_where_they_come_from(sql):
    sql("CREATE TABLE t (a INT)")
    sql("GRANT SELECT, MODIFY ON TABLE t TO `ann@x.y`, analysts")
    sql(f"GRANT USE SCHEMA ON SCHEMA main.{sql.schema} TO analysts")
    sql("REVOKE MODIFY ON t FROM analysts")
    key = f"main.{sql.schema}"
    assert sql("SHOW GRANTS analysts ON TABLE t") == [
        ("analysts", "SELECT", "TABLE", f"{key}.t"),
        ("analysts", "USE SCHEMA", "SCHEMA", key),
    ]
    assert ("ann@x.y", "MODIFY", "TABLE", f"{key}.t") in sql("SHOW GRANTS ON TABLE t")
    rows = "SELECT grantee, privilege_type FROM information_schema.table_privileges"
    assert sorted(sql(f"{rows} WHERE table_schema = '{sql.schema}'")) == [
        ("analysts", "SELECT"),
        ("ann@x.y", "MODIFY"),
        ("ann@x.y", "SELECT"),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("GRANT SELCT ON TABLE t TO bob", "Did you mean `SELECT`?"),
        ("GRANT USAGE ON SCHEMA main.default TO bob", "USE SCHEMA"),
        ("GRANT READ VOLUME ON TABLE t TO bob", "not applicable to a table"),
        ("GRANT CREATE CATALOG ON CATALOG main TO bob", "not applicable to a catalog"),
    ],
)
def test_unknown_privilege_is_refused_with_the_nearest_one(sql, text, says):
    sql("CREATE TABLE t (a INT)")
    found, message = refused(sql, text)
    assert found == "INVALID_PRIVILEGE" and says in message


def test_another_user_reads_what_was_granted_and_nothing_else(sql):
    sql("CREATE TABLE t (a INT)")
    sql("INSERT INTO t VALUES (1)")
    sql("CREATE VIEW v AS SELECT a + 1 AS b FROM t")
    sql("CREATE FUNCTION f(x INT) RETURNS INT RETURN x + 1")
    full = f"main.{sql.schema}"
    sql(f"GRANT USE SCHEMA ON SCHEMA {full} TO bob")
    with catalog.act_as("bob"):
        found, text = refused(sql, f"SELECT * FROM {full}.t")
        assert found == "PERMISSION_DENIED" and f"SELECT on Table '{full}.t'" in text
    sql("GRANT SELECT ON VIEW v TO bob")
    sql("GRANT EXECUTE ON FUNCTION f TO bob")
    with catalog.act_as("bob"):
        assert sql("SELECT current_user()") == [("bob",)]
        assert sql(f"SELECT * FROM {full}.v") == [(2,)]
        assert sql(f"SELECT {full}.f(1)") == [(2,)]
        assert sql("SHOW TABLES") == [(sql.schema, "v", False)]
        for text in (
            f"SELECT * FROM {full}.t",
            f"INSERT INTO {full}.t VALUES (2)",
            f"DROP TABLE {full}.t",
            f"DROP VIEW {full}.v",
            f"ALTER TABLE {full}.t ADD COLUMN b INT",
            f"ALTER TABLE {full}.t SET TAGS ('a' = 'b')",
            f"COMMENT ON TABLE {full}.t IS 'mine'",
            f"GRANT SELECT ON TABLE {full}.t TO bob",
            f"CREATE TABLE {full}.mine (a INT)",
            f"CREATE VOLUME {full}.mine",
            "CREATE CATALOG mine",
            f"DROP SCHEMA {full} CASCADE",
        ):
            assert refused(sql, text)[0] == "PERMISSION_DENIED", text
    sql(f"GRANT CREATE TABLE ON SCHEMA {full} TO bob")
    with catalog.act_as("bob"):
        sql(f"CREATE TABLE {full}.mine (a INT)")
        sql(f"INSERT INTO {full}.mine VALUES (1)")
        assert pairs(sql(f"DESCRIBE EXTENDED {full}.mine"))["Owner"] == "bob"
    sql("ALTER TABLE t OWNER TO bob")
    with catalog.act_as("bob"):
        sql(f"INSERT INTO {full}.t VALUES (2)")


# Paths and what is Spark's own


def test_delta_table_is_described_and_changed_by_its_path(sql, spark, tmp_path):
    place = f"delta.`file:{tmp_path}/t`"
    spark.range(3).write.format("delta").save(f"file:{tmp_path}/t")
    sql(f"ALTER TABLE {place} SET TBLPROPERTIES ('x' = 'y')")
    sql(f"ALTER TABLE {place} ADD COLUMN name STRING COMMENT 'who'")
    sql(f"ALTER TABLE {place} ADD CONSTRAINT c CHECK (id < 10)")
    assert sql(f"DESCRIBE {place}") == [("id", "bigint", None), ("name", "string", "who")]
    assert pairs(sql(f"DESCRIBE EXTENDED {place}"))["Provider"] == "delta"
    assert dict(sql(f"SHOW TBLPROPERTIES {place}"))["x"] == "y"
    assert sql(f"SHOW COLUMNS IN {place}") == [("id",), ("name",)]
    sql(f"COMMENT ON TABLE {place} IS 'by path'")
    assert Snapshot.open(tmp_path / "t").description == "by path"
    sql(f"ALTER TABLE {place} DROP CONSTRAINT c")
    assert Snapshot.open(tmp_path / "t").configuration == {"x": "y"}
    found, text = refused(sql, f"ALTER TABLE {place} ADD PRIMARY KEY (id)")
    assert found.startswith("UC_"), text
    assert refused(sql, f"ALTER TABLE {place} RENAME TO t")[0] == "UNSUPPORTED_FEATURE"
    assert refused(sql, f"CREATE TABLE delta.`{tmp_path}/u` (a INT)")[0] == "UNSUPPORTED_FEATURE"
    assert refused(sql, f"DESCRIBE delta.`file:{tmp_path}/none`")[0] == "DELTA_TABLE_NOT_FOUND"


def test_tables_of_hive_metastore_are_sparks_own(sql, spark):
    sql("CREATE TABLE hive_metastore.default.old_one (a INT) USING parquet")
    try:
        assert sql("DESCRIBE hive_metastore.default.old_one") == [("a", "int", None)]
        listed = sql("SHOW TABLES IN hive_metastore.default")
        assert ("default", "old_one", False) in listed
        assert not any(row[1].startswith("__lakebook") for row in listed)
        sql("USE CATALOG hive_metastore")
        assert sql("SELECT current_catalog(), current_schema()") == [("hive_metastore", "default")]
        assert sql("SELECT * FROM old_one") == []
        assert ("default",) in sql("SHOW SCHEMAS")
    finally:
        sql("DROP TABLE hive_metastore.default.old_one")


def test_information_schema_lists_tables_and_columns(sql):
    sql("CREATE TABLE t (id BIGINT NOT NULL COMMENT 'k', d STRING) PARTITIONED BY (d)")
    sql("CREATE VIEW v AS SELECT id FROM t")
    where = f"WHERE table_schema = '{sql.schema}'"
    tables = "SELECT table_name, table_type, data_source_format FROM information_schema.tables"
    assert sorted(sql(f"{tables} {where}"))[0] == ("t", "MANAGED", "DELTA")
    columns = (
        "SELECT column_name, ordinal_position, is_nullable, full_data_type, data_type, "
        "partition_index, comment FROM main.information_schema.columns"
    )
    assert sql(f"{columns} {where} AND table_name = 't' ORDER BY ordinal_position") == [
        ("id", 0, "NO", "bigint", "LONG", None, "k"),
        ("d", 1, "YES", "string", "STRING", 1, None),
    ]
    schemata = "SELECT schema_owner FROM information_schema.schemata"
    assert sql(f"{schemata} WHERE schema_name = '{sql.schema}'") == [(catalog.current_user(),)]
    found, text = refused(sql, "SELECT * FROM information_schema.tabels")
    assert found == "TABLE_OR_VIEW_NOT_FOUND" and "`tables`" in text


@pytest.mark.parametrize(
    ("statement", "columns"),
    [
        ("SHOW CATALOGS", ["catalog"]),
        ("SHOW SCHEMAS", ["databaseName"]),
        ("SHOW TABLES", ["database", "tableName", "isTemporary"]),
        ("SHOW TABLE EXTENDED LIKE '*'", ["database", "tableName", "isTemporary", "information"]),
        ("SHOW VIEWS", ["namespace", "viewName", "isTemporary"]),
        ("SHOW VOLUMES", ["database", "volumeName"]),
        ("SHOW COLUMNS IN t", ["col_name"]),
        ("SHOW TBLPROPERTIES t", ["key", "value"]),
        ("SHOW CREATE TABLE t", ["createtab_stmt"]),
        ("SHOW GRANTS ON t", ["principal", "actionType", "objectType", "objectKey"]),
        ("SHOW USER FUNCTIONS", ["function"]),
        ("SHOW CURRENT SCHEMA", ["catalog", "namespace"]),
        ("DESCRIBE t", ["col_name", "data_type", "comment"]),
        ("DESC TABLE EXTENDED t", ["col_name", "data_type", "comment"]),
        ("DESCRIBE CATALOG main", ["info_name", "info_value"]),
        (
            "DESCRIBE SCHEMA main.default",
            ["database_description_item", "database_description_value"],
        ),
        ("DESCRIBE QUERY SELECT 1 AS a", ["col_name", "data_type", "comment"]),
    ],
)
def test_results_have_the_columns_of_the_platform(sql, statement, columns):
    sql("CREATE TABLE t (a INT)")
    assert sql.columns(statement) == columns


def test_detail_says_how_the_table_is_clustered(sql, spark):
    sql("CREATE TABLE t (a INT, b INT) CLUSTER BY (b)")
    [row] = spark.sql("DESCRIBE DETAIL t").collect()
    assert row.format == "delta" and row.name == f"main.{sql.schema}.t"
    assert row.clusteringColumns == ["b"] and row.numFiles == 0
    sql("ALTER TABLE t CLUSTER BY NONE")
    [row] = spark.sql("DESCRIBE DETAIL t").collect()
    assert row.clusteringColumns == []
