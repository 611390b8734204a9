"""Statements about catalogs, through ``spark.sql`` as a notebook gives them."""

from __future__ import annotations

from pathlib import Path

import pytest
from catalog_schema import in_schema, pairs, refused, root

from lakebook.runtime import catalog
from lakebook.runtime.catalog import Name, statements
from lakebook.runtime.delta.snapshot import Snapshot


@pytest.fixture
def sql(spark, monkeypatch):
    yield from in_schema(spark, monkeypatch)


# Catalogs and schemas


def test_catalog_comes_with_a_default_schema_and_goes_with_cascade(sql):
    sql("CREATE CATALOG IF NOT EXISTS shop COMMENT 'the ''shop''; of -- all'")
    sql("CREATE CATALOG IF NOT EXISTS SHOP")
    try:
        assert ("shop",) in sql("SHOW CATALOGS LIKE 's*'")
        assert sql("SHOW SCHEMAS IN shop") == [("default",), ("information_schema",)]
        described = pairs(sql("DESCRIBE CATALOG EXTENDED shop"))
        assert described["Comment"] == "the 'shop'; of -- all"
        assert described["Owner"] == catalog.current_user()
        assert refused(sql, "CREATE CATALOG shop")[0] == "CATALOG_ALREADY_EXISTS"
        sql("CREATE TABLE shop.default.t (a INT)")
        assert refused(sql, "DROP CATALOG shop")[0] == "CATALOG_NOT_EMPTY"
    finally:
        sql("DROP CATALOG IF EXISTS shop CASCADE")
    condition, text = refused(sql, "SHOW SCHEMAS IN shop")
    assert condition == "NO_SUCH_CATALOG_EXCEPTION" and "'shop' was not found" in text
    assert sql("DROP CATALOG IF EXISTS shop") == []


def test_schema_with_tables_is_dropped_only_with_cascade(sql):
    sql("CREATE SCHEMA main.other_one COMMENT 'x' WITH DBPROPERTIES ('team' = 'a')")
    try:
        described = pairs(sql("DESCRIBE SCHEMA EXTENDED main.other_one"))
        assert described["Comment"] == "x" and described["Properties"] == "((team,a))"
        assert refused(sql, "CREATE SCHEMA main.other_one")[0] == "SCHEMA_ALREADY_EXISTS"
        sql("CREATE TABLE main.other_one.t (a INT)")
        location = catalog.require_table(Name("main", "other_one", "t")).location
        assert refused(sql, "DROP SCHEMA main.other_one")[0] == "SCHEMA_NOT_EMPTY"
        assert Path(location).exists()
    finally:
        sql("DROP DATABASE main.other_one CASCADE")
    assert not Path(location).exists()


def test_use_moves_the_session(sql):
    assert sql("SHOW CURRENT SCHEMA") == [("main", sql.schema)]
    sql("USE CATALOG main")
    assert sql("SELECT current_catalog(), current_schema()") == [("main", "default")]
    sql(f"USE SCHEMA {sql.schema}")
    sql("CREATE TABLE here (a INT)")
    assert catalog.find(Name("main", sql.schema, "here"))
    sql("SET CATALOG main")
    assert sql("SHOW CURRENT SCHEMA") == [("main", "default")]


@pytest.mark.parametrize(
    ("text", "condition", "says"),
    [
        ("USE main.defalt", "SCHEMA_NOT_FOUND", "Did you mean `default`?"),
        ("USE CATALOG mian", "NO_SUCH_CATALOG_EXCEPTION", "Did you mean `main`?"),
        ("CREATE CATALOG c MANAGED LOCATION '/x'", "UNSUPPORTED_FEATURE", "LAKEBOOK_HOME"),
        ("CREATE SCHEMA c MANAGED LOCATION '/x'", "UNSUPPORTED_FEATURE", "LAKEBOOK_HOME"),
        ("CREATE SCHEMA `a b`", "INVALID_PARAMETER_VALUE", "not a valid name"),
        ("UNDROP TABLE t", "UNSUPPORTED_FEATURE", "UNDROP"),
        ("CREATE STREAMING TABLE t AS SELECT 1", "UNSUPPORTED_FEATURE", "STREAMING TABLE"),
        ("CREATE TABLE t DEEP CLONE u", "UNSUPPORTED_FEATURE", "AS SELECT"),
        ("CREATE TABLE t (a INT) CLUSTERED BY (a) INTO 4 BUCKETS", "DELTA_OPERATION", "Bucket"),
        ("CREATE TABLE t (a INT GENERATED ALWAYS AS IDENTITY)", "UNSUPPORTED_FEATURE", "identity"),
        ("CREATE TABLE t (a INT, b INT GENERATED ALWAYS AS (a))", "UNSUPPORTED_FEATURE", "'b'"),
        ("CREATE TABLE t (a INT DEFAULT 3)", "WRONG_COLUMN_DEFAULTS", "'a'"),
        ("CREATE TABLE t (a INT) USING iceberg", "UNSUPPORTED_FEATURE", "iceberg"),
        ("CREATE TABLE t (a INT) USING csv", "UC_MANAGED_TABLE_FORMAT", "LOCATION"),
        ("CREATE TABLE t (a INT, A INT)", "DELTA_DUPLICATE_COLUMNS_FOUND", "a, A"),
        ("CREATE TABLE t (a INT) PARTITIONED BY (b)", "UNRESOLVED_COLUMN", "`b`"),
        (
            "CREATE TABLE t (a INT) TBLPROPERTIES ('delta.enableChangeFeed' = 'true')",
            "DELTA_UNKNOWN_CONFIGURATION",
            "delta.enableChangeDataFeed",
        ),
        (
            "CREATE TABLE t (a INT) TBLPROPERTIES ('delta.columnMapping.mode' = 'name')",
            "UNSUPPORTED_FEATURE",
            "columnMapping",
        ),
        ("CREATE TABLE t (a INT", "PARSE_SYNTAX_ERROR", "end of input"),
        ("CREATE TABLE t (a INT) NONSENSE", "PARSE_SYNTAX_ERROR", "NONSENSE"),
        ("DENY SELECT ON TABLE t TO x", "UNSUPPORTED_FEATURE", "REVOKE"),
        ("SHOW TABLES IN main.nowhere", "SCHEMA_NOT_FOUND", "nowhere"),
        ("DESCRIBE nowhere", "TABLE_OR_VIEW_NOT_FOUND", "nowhere"),
        ("ALTER TABLE nowhere SET TAGS ('a')", "TABLE_OR_VIEW_NOT_FOUND", "nowhere"),
        ("DROP VOLUME nowhere", "UC_VOLUME_NOT_FOUND", "nowhere"),
        ("REPLACE TABLE nowhere (a INT)", "TABLE_OR_VIEW_NOT_FOUND", "nowhere"),
    ],
)
def test_what_cannot_be_is_refused_by_name(sql, text, condition, says):
    found, message = refused(sql, text)
    assert found.startswith(condition), message
    assert says in message


# Tables


def test_table_has_the_columns_and_properties_of_its_statement(sql):
    sql(
        """CREATE TABLE people ( -- a comment; with a semicolon
             id BIGINT NOT NULL COMMENT 'the key; of "it"',
             `größe` DECIMAL(10, 2), /* , ) */
             st STRUCT<a: INT, b: ARRAY<MAP<STRING, DATE>>>,
             check BOOLEAN)
           USING DELTA
           PARTITIONED BY (check)
           COMMENT "it's all"
           TBLPROPERTIES ('team' = 'a', delta.appendOnly = true, 'n' = 3)"""
    )
    assert sql("DESCRIBE people") == [
        ("id", "bigint", 'the key; of "it"'),
        ("größe", "decimal(10,2)", None),
        ("st", "struct<a:int,b:array<map<string,date>>>", None),
        ("check", "boolean", None),
        ("# Partition Information", "", ""),
        ("# col_name", "data_type", "comment"),
        ("check", "boolean", None),
    ]
    snapshot = Snapshot.open(root(sql, "people"))
    assert not snapshot.schema["id"].nullable and snapshot.schema["größe"].nullable
    assert snapshot.partition_columns == ["check"]
    assert snapshot.description == "it's all"
    assert snapshot.configuration == {"team": "a", "delta.appendOnly": "true", "n": "3"}
    assert dict(sql("SHOW TBLPROPERTIES people"))["delta.minWriterVersion"] == "2"
    assert sql("SHOW TBLPROPERTIES people ('team')") == [("team", "a")]
    assert sql("SHOW COLUMNS IN people")[1] == ("größe",)


def test_names_may_be_quoted_and_hold_letters_of_any_alphabet(sql):
    sql("CREATE TABLE `Zählung` (`日本` INT, `a``b` STRING)")
    sql("INSERT INTO `zählung` VALUES (1, 'x; -- y')")
    assert sql(f"SELECT `日本`, `a``b` FROM main.{sql.schema}.`zählung`") == [(1, "x; -- y")]
    assert sql("SHOW TABLES LIKE 'zähl*|nothing'") == [(sql.schema, "zählung", False)]


def test_table_that_is_shown_can_be_made_again_from_that(sql):
    sql(
        "CREATE TABLE first (id BIGINT COMMENT 'k''s', at TIMESTAMP, v STRUCT<x: INT>, d DATE, "
        "CONSTRAINT pk PRIMARY KEY (id, at TIMESERIES)) PARTITIONED BY (d) COMMENT 'c' "
        "TBLPROPERTIES ('a' = 'b')"
    )
    [(statement,)] = sql("SHOW CREATE TABLE first")
    without_protocol = statement.replace("'delta.minReaderVersion' = '1',", "").replace(
        "'delta.minWriterVersion' = '2'", "'x' = 'y'"
    )
    sql("DROP TABLE first")
    sql(without_protocol)
    [(again,)] = sql("SHOW CREATE TABLE first")
    assert again.replace(",\n  'x' = 'y'", "") == statement.replace(",\n  'x' = 'y'", "")
    assert "`at` TIMESERIES" in again and "COMMENT 'k\\'s'" in again


def test_external_table_keeps_its_data_when_dropped_and_finds_it_again(sql):
    sql("CREATE VOLUME files")
    place = f"/Volumes/main/{sql.schema}/files/t"
    sql(f"CREATE TABLE outside (id INT) LOCATION '{place}'")
    sql("INSERT INTO outside VALUES (1), (2)")
    assert pairs(sql("DESCRIBE EXTENDED outside"))["Type"] == "EXTERNAL"
    sql("DROP TABLE outside")
    sql(f"CREATE TABLE again LOCATION '{place}'")
    assert sorted(sql("SELECT * FROM again")) == [(1,), (2,)]
    found, _ = refused(sql, f"CREATE TABLE other (id STRING) LOCATION '{place}'")
    assert found == "DELTA_CREATE_TABLE_SCHEME_MISMATCH"


def test_table_of_csv_files_is_read_with_its_options(sql, spark):
    sql("CREATE VOLUME files")
    folder = f"/Volumes/main/{sql.schema}/files/csv"
    rows = spark.createDataFrame([(1, "a;b"), (2, "c")], "id INT, name STRING")
    rows.coalesce(1).write.option("header", True).option("sep", "|").csv(folder)
    sql(
        "CREATE TABLE lines (id INT, name STRING) USING csv "
        f"OPTIONS (header 'true', sep = '|') LOCATION '{folder}'"
    )
    assert sorted(sql("SELECT * FROM lines")) == [(1, "a;b"), (2, "c")]
    assert pairs(sql("DESCRIBE EXTENDED lines"))["Provider"] == "csv"
    sql(f"CREATE TABLE guessed USING csv OPTIONS (header 'true', sep '|') LOCATION '{folder}'")
    assert [row[:2] for row in sql("DESCRIBE guessed")] == [("id", "string"), ("name", "string")]


def test_table_as_select_is_made_and_replaced_with_history(sql):
    sql("CREATE TABLE made COMMENT 'c' AS SELECT id, id % 2 AS half FROM range(4)")
    assert sql("SELECT count(*) FROM made") == [(4,)]
    assert Snapshot.open(root(sql, "made")).description == "c"
    assert refused(sql, "CREATE TABLE made AS SELECT 1")[0] == "TABLE_OR_VIEW_ALREADY_EXISTS"
    sql("CREATE TABLE IF NOT EXISTS made AS SELECT 1 AS other")
    sql("CREATE OR REPLACE TABLE made PARTITIONED BY (half) AS SELECT 7L AS id, 1 AS half")
    assert sql("SELECT * FROM made") == [(7, 1)]
    assert not Snapshot.open(root(sql, "made")).description
    assert sql("SELECT count(*) FROM made VERSION AS OF 0") == [(4,)]
    assert sql("SHOW PARTITIONS made") == [(1,)]
    assert sql.columns("SHOW PARTITIONS made") == ["half"]


def test_replaced_table_has_nothing_of_the_old_one_but_its_history(sql):
    sql(
        "CREATE TABLE t (a INT PRIMARY KEY, CONSTRAINT c CHECK (a > 0)) COMMENT 'old' "
        "TBLPROPERTIES ('x' = 'y')"
    )
    sql("CREATE OR REPLACE TABLE t AS SELECT 'text' AS b")
    assert sql("SELECT * FROM t") == [("text",)]
    snapshot = Snapshot.open(root(sql, "t"))
    assert snapshot.configuration == {} and snapshot.version == 1
    described = pairs(sql("DESCRIBE EXTENDED t"))
    assert "Comment" not in described and "# Constraints" not in described
    sql("ALTER TABLE t ADD CONSTRAINT short CHECK (length(b) < 9)")
    sql("CREATE OR REPLACE TABLE t (c INT)")
    assert Snapshot.open(root(sql, "t")).configuration == {}
    assert sql("SELECT * FROM t") == []


def test_frame_of_a_query_becomes_the_table_that_a_statement_defines(sql, spark):
    text = "CREATE TABLE given TBLPROPERTIES ('a' = 'b') AS SELECT 1"
    table = statements.create_table_as(spark, None, spark.range(3), text)
    assert sql("SELECT count(*) FROM given") == [(3,)]
    assert Snapshot.open(table.location).configuration == {"a": "b"}


def test_table_like_another_has_its_columns_and_no_rows(sql):
    sql("CREATE TABLE model (id INT NOT NULL, d STRING COMMENT 'x') PARTITIONED BY (d)")
    sql("INSERT INTO model VALUES (1, 'a')")
    sql("CREATE TABLE twin LIKE model")
    assert sql("DESCRIBE twin") == sql("DESCRIBE model")
    assert sql("SELECT count(*) FROM twin") == [(0,)]


def test_char_and_varchar_keep_their_length(sql):
    sql("CREATE TABLE short (a VARCHAR(3), b CHAR(2))")
    assert [row[:2] for row in sql("DESCRIBE short")] == [("a", "varchar(3)"), ("b", "char(2)")]
    sql("INSERT INTO short VALUES ('äbc', NULL), (NULL, 'xy')")
    found, text = refused(sql, "INSERT INTO short VALUES ('abcd', 'x')")
    assert found == "DELTA_EXCEED_CHAR_VARCHAR_LIMIT" and '"abcd"' in text and "varchar(3)" in text
    assert sql("SELECT count(*) FROM short") == [(2,)]


# Columns, properties, constraints


def test_columns_are_added_at_their_place(sql):
    sql("CREATE TABLE t (id INT, s STRUCT<x: INT>)")
    sql("INSERT INTO t VALUES (1, named_struct('x', 2))")
    sql("ALTER TABLE t ADD COLUMNS (age INT COMMENT 'years', city STRING AFTER id)")
    sql("ALTER TABLE t ADD COLUMN s.y STRING")
    sql("ALTER TABLE t ADD COLUMN top TIMESTAMP_NTZ FIRST")
    assert [row[:2] for row in sql("DESCRIBE t")] == [
        ("top", "timestamp_ntz"),
        ("id", "int"),
        ("city", "string"),
        ("s", "struct<x:int,y:string>"),
        ("age", "int"),
    ]
    assert sql("SELECT id, city, s.x, s.y FROM t") == [(1, None, 2, None)]
    assert refused(sql, "ALTER TABLE t ADD COLUMN ID INT")[0] == "FIELD_ALREADY_EXISTS"


def test_columns_are_commented_moved_and_made_not_null(sql):
    sql("CREATE TABLE t (id INT, name STRING)")
    sql("INSERT INTO t VALUES (1, 'a')")
    sql("ALTER TABLE t ALTER COLUMN name COMMENT 'who'")
    sql("COMMENT ON COLUMN t.id IS 'key'")
    sql("ALTER TABLE t ALTER COLUMN name FIRST")
    assert sql("DESCRIBE t") == [("name", "string", "who"), ("id", "int", "key")]
    assert sql("DESCRIBE t name") == [
        ("col_name", "name"),
        ("data_type", "string"),
        ("comment", "who"),
    ]
    sql("ALTER TABLE t ALTER COLUMN id SET NOT NULL")
    assert refused(sql, "INSERT INTO t VALUES ('b', NULL)")[0].startswith("DELTA_NOT_NULL")
    sql("ALTER TABLE t ALTER COLUMN id DROP NOT NULL")
    sql("INSERT INTO t VALUES ('b', NULL)")
    found, text = refused(sql, "ALTER TABLE t ALTER COLUMN id SET NOT NULL")
    assert found == "DELTA_NEW_NOT_NULL_VIOLATION" and "1 row" in text


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("ALTER TABLE t DROP COLUMN a", "DELTA_UNSUPPORTED_DROP_COLUMN"),
        ("ALTER TABLE t RENAME COLUMN a TO b", "DELTA_UNSUPPORTED_RENAME_COLUMN"),
        ("ALTER TABLE t ALTER COLUMN a TYPE STRING", "DELTA_UNSUPPORTED_ALTER_TABLE_CHANGE_COL_OP"),
        ("ALTER TABLE t ADD COLUMN b INT NOT NULL", "DELTA_ADD_COLUMN_NOT_NULL"),
        ("ALTER TABLE t DROP COLUMN nix", "UNRESOLVED_COLUMN.WITH_SUGGESTION"),
        ("ALTER TABLE t UNSET TBLPROPERTIES ('nix')", "UNSET_NONEXISTENT_PROPERTIES"),
        ("ALTER TABLE t DROP CONSTRAINT nix", "DELTA_CONSTRAINT_DOES_NOT_EXIST"),
        ("ALTER TABLE t ADD CONSTRAINT c CHECK (a)", "DELTA_NON_BOOLEAN_CHECK_CONSTRAINT"),
        ("ALTER TABLE t ADD PARTITION (a = 1)", "DELTA_OPERATION_NOT_ALLOWED"),
        ("ALTER TABLE t EXCHANGE PARTITION", "UNSUPPORTED_FEATURE"),
    ],
)
def test_change_that_delta_cannot_make_is_refused_and_leaves_the_table(sql, text, condition):
    sql("CREATE TABLE t (a INT)")
    found, message = refused(sql, text)
    assert found == condition, message
    assert Snapshot.open(root(sql, "t")).version == 0


def test_properties_are_set_and_unset_in_the_log(sql):
    sql("CREATE TABLE t (a INT)")
    sql("ALTER TABLE t SET TBLPROPERTIES ('delta.enablechangedatafeed' = 'true', 'x' = '1')")
    snapshot = Snapshot.open(root(sql, "t"))
    assert snapshot.configuration == {"delta.enableChangeDataFeed": "true", "x": "1"}
    assert snapshot.protocol()["minWriterVersion"] == 4
    sql("ALTER TABLE t UNSET TBLPROPERTIES IF EXISTS ('x', 'y')")
    assert Snapshot.open(root(sql, "t")).configuration == {"delta.enableChangeDataFeed": "true"}
    assert catalog.require_table(Name("main", sql.schema, "t")).properties == {
        "delta.enableChangeDataFeed": "true"
    }


def test_check_constraint_holds_for_the_rows_there_and_those_to_come(sql):
    sql("CREATE TABLE t (a INT, CONSTRAINT small CHECK (a < 100))")
    sql("INSERT INTO t VALUES (1), (5)")
    found, text = refused(sql, "ALTER TABLE t ADD CONSTRAINT big CHECK (a > 3)")
    assert found == "DELTA_NEW_CHECK_CONSTRAINT_VIOLATION" and "1 row" in text
    sql("ALTER TABLE t ADD CONSTRAINT positive CHECK (a > 0)")
    assert refused(sql, "ALTER TABLE t ADD CONSTRAINT Positive CHECK (a > 1)")[0] == (
        "DELTA_CONSTRAINT_ALREADY_EXISTS"
    )
    for value in (0, 100):
        found, _ = refused(sql, f"INSERT INTO t VALUES ({value})")
        assert found == "DELTA_VIOLATE_CONSTRAINT_WITH_VALUES"
    sql("ALTER TABLE t DROP CONSTRAINT positive")
    sql("ALTER TABLE t DROP CONSTRAINT IF EXISTS positive")
    sql("INSERT INTO t VALUES (0)")
    assert sql("SELECT count(*) FROM t") == [(3,)]


def test_primary_key_makes_its_columns_not_null_and_others_can_refer_to_it(sql):
    sql("CREATE TABLE people (id BIGINT, at TIMESTAMP, PRIMARY KEY (id, at TIMESERIES))")
    snapshot = Snapshot.open(root(sql, "people"))
    assert [field.nullable for field in snapshot.schema] == [False, False]
    sql("CREATE TABLE one (id BIGINT PRIMARY KEY)")
    sql("CREATE TABLE orders (who BIGINT, CONSTRAINT buyer FOREIGN KEY (who) REFERENCES one)")
    described = sql("DESCRIBE EXTENDED orders")
    reference = f"`main`.`{sql.schema}`.`one` (`id`)"
    assert ("buyer", f"FOREIGN KEY (`who`) REFERENCES {reference}", "") in described
    where = f"WHERE table_schema = '{sql.schema}'"
    rows = sql(f"SELECT constraint_name FROM information_schema.table_constraints {where}")
    assert sorted(rows) == [("buyer",), ("one_pk",), ("people_pk",)]
    usage = "SELECT column_name, ordinal_position FROM information_schema.key_column_usage"
    assert sql(f"{usage} {where} AND constraint_name = 'people_pk'") == [("id", 1), ("at", 2)]
    wrong = "CREATE TABLE bad (who STRING, FOREIGN KEY (who) REFERENCES one)"
    assert refused(sql, wrong)[0] == "UC_FOREIGN_KEY_MISMATCH"
    assert refused(sql, "CREATE TABLE bad (w BIGINT, FOREIGN KEY (w) REFERENCES orders)")[0] == (
        "UC_FOREIGN_KEY_WITHOUT_PRIMARY_KEY"
    )


def test_primary_key_is_added_only_over_columns_that_are_not_null(sql):
    sql("CREATE TABLE t (a INT, b INT)")
    found, text = refused(sql, "ALTER TABLE t ADD CONSTRAINT pk PRIMARY KEY (a)")
    assert found == "UC_PRIMARY_KEY_COLUMN_NULLABLE" and "SET NOT NULL" in text
    sql("ALTER TABLE t ALTER COLUMN a SET NOT NULL")
    sql("ALTER TABLE t ADD CONSTRAINT pk PRIMARY KEY (a)")
    found, _ = refused(sql, "ALTER TABLE t ADD PRIMARY KEY (a)")
    assert found == "UC_PRIMARY_KEY_ALREADY_EXISTS"
    found, _ = refused(sql, "ALTER TABLE t ALTER COLUMN a DROP NOT NULL")
    assert found == "UC_PRIMARY_KEY_COLUMN_NULLABLE"
    sql("ALTER TABLE t DROP PRIMARY KEY")
    sql("ALTER TABLE t ALTER COLUMN a DROP NOT NULL")
    assert "# Constraints" not in pairs(sql("DESCRIBE EXTENDED t"))


def test_rename_keeps_data_keys_tags_and_grants(sql):
    sql("CREATE TABLE old (id INT PRIMARY KEY)")
    sql("INSERT INTO old VALUES (1)")
    sql("ALTER TABLE old SET TAGS ('pii' = 'no')")
    sql("GRANT SELECT ON TABLE old TO bob")
    sql("CREATE TABLE taken (id INT)")
    assert refused(sql, "ALTER TABLE old RENAME TO taken")[0] == "TABLE_OR_VIEW_ALREADY_EXISTS"
    sql("ALTER TABLE old RENAME TO new")
    assert sql("SELECT * FROM new") == [(1,)]
    assert refused(sql, "SELECT * FROM old")[0] == "TABLE_OR_VIEW_NOT_FOUND"
    assert ("bob", "SELECT", "TABLE", f"main.{sql.schema}.new") in sql("SHOW GRANTS ON TABLE new")
    tags = "SELECT table_name, tag_value FROM information_schema.table_tags"
    assert ("new", "no") in sql(f"{tags} WHERE schema_name = '{sql.schema}'")


def test_tags_and_comments_are_recorded(sql):
    sql("CREATE TABLE t (a INT)")
    sql("ALTER TABLE t SET TAGS ('cost' = 'low', 'plain')")
    sql("ALTER TABLE t UNSET TAGS ('plain')")
    sql("ALTER TABLE t ALTER COLUMN A SET TAGS ('pii' = 'yes')")
    sql("SET TAG ON COLUMN t.a kind = key")
    sql(f"SET TAG ON SCHEMA main.{sql.schema} team = `a b`")
    where = f"FROM information_schema.column_tags WHERE schema_name = '{sql.schema}'"
    assert sql(f"SELECT column_name, tag_name, tag_value {where}") == [
        ("a", "kind", "key"),
        ("a", "pii", "yes"),
    ]
    sql("UNSET TAG ON COLUMN t.a pii")
    assert sql(f"SELECT tag_name {where}") == [("kind",)]
    sql("COMMENT ON TABLE t IS 'what; it -- is'")
    assert pairs(sql("DESCRIBE EXTENDED t"))["Comment"] == "what; it -- is"
    assert Snapshot.open(root(sql, "t")).description == "what; it -- is"
    sql(f"COMMENT ON SCHEMA main.{sql.schema} IS 'here'")
    assert pairs(sql(f"DESCRIBE SCHEMA main.{sql.schema}"))["Comment"] == "here"
    sql("COMMENT ON TABLE t IS NULL")
    assert "Comment" not in pairs(sql("DESCRIBE EXTENDED t"))
