"""INSERT, UPDATE, DELETE, MERGE and maintenance in SQL: rows, counts, and what they refuse."""

from __future__ import annotations

import datetime as dt
import decimal

import pytest

from lakebook.runtime import catalog
from lakebook.runtime.catalog import sql_session
from lakebook.runtime.delta.errors import DeltaError
from lakebook.runtime.surface import spark_sql


@pytest.fixture(scope="module")
def ware(spark):
    """The current schema is main.ware."""
    spark.sql("CREATE SCHEMA IF NOT EXISTS main.ware")
    before = catalog.current(spark)
    catalog.use(spark, "main", "ware")
    yield spark
    catalog.use(spark, *before)


@pytest.fixture
def stock(ware):
    """A table of three rows in two partitions: id, name, region, day."""
    ware.sql(
        "CREATE OR REPLACE TABLE stock (id INT, name STRING, region STRING, day DATE) "
        "PARTITIONED BY (region)"
    )
    ware.sql(
        "INSERT INTO stock VALUES (1, 'a', 'n', '2026-01-01'), (2, 'b', 'n', NULL), "
        "(3, 'c', 's', '2026-01-03')"
    )
    return ware


def rows(spark, columns="id, name", table="main.ware.stock"):
    found = spark.sql(f"SELECT {columns} FROM {table} ORDER BY ALL")
    return [tuple(row) for row in found.collect()]


def result(frame):
    return frame.collect()[0].asDict()


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("INSERT INTO stock VALUES (7, 'x', 's', NULL)", [(7, "x", "s")]),
        ("INSERT INTO TABLE main.ware.stock SELECT 7, 'it''s; --', 's', NULL", None),
        (
            "INSERT INTO stock (name, id) VALUES ('x', 7), ('y', 8)",
            [(7, "x", None), (8, "y", None)],
        ),
        ("INSERT INTO stock BY NAME SELECT 'x' AS name, 7 AS id", [(7, "x", None)]),
        ("INSERT INTO stock VALUES (7, DEFAULT, 's', DEFAULT)", [(7, None, "s")]),
        ("INSERT INTO stock PARTITION (region = 'w') VALUES (7, 'x', NULL)", [(7, "x", "w")]),
        ("INSERT INTO stock PARTITION (region) SELECT 7, 'x', NULL, 'e'", [(7, "x", "e")]),
        ("INSERT INTO stock SELECT id + 6, name, region, day FROM stock WHERE id = 1", None),
        ("WITH q AS (SELECT 7 AS i) INSERT INTO stock (id) SELECT i FROM q", [(7, None, None)]),
        ("FROM stock INSERT INTO stock (id) SELECT id + 6 WHERE id = 1", [(7, None, None)]),
        ("INSERT INTO stock TABLE main.ware.one", [(7, "x", "s")]),
        ("INSERT INTO stock FROM one |> WHERE id = 7", [(7, "x", "s")]),
    ],
)
def test_insert_adds_rows_and_says_how_many(stock, text, new):
    stock.sql(
        "CREATE OR REPLACE TEMP VIEW `one row` AS "
        "SELECT 7 id, 'x' name, 's' region, DATE'2026-02-02' d"
    )
    stock.sql("CREATE OR REPLACE TABLE one AS SELECT * FROM `one row`")
    made = result(stock.sql(text))
    added = rows(stock, "id, name, region", "stock WHERE id > 3")
    expected = {1: [(7, "it's; --", "s")], 7: [(7, "a", "n")]}
    assert added == (new or (expected[1] if "--" in text else expected[7]))
    assert made == {"num_affected_rows": len(added), "num_inserted_rows": len(added)}
    assert rows(stock, "id", "stock WHERE id < 4") == [(1,), (2,), (3,)]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("INSERT OVERWRITE stock VALUES (9, 'z', 'n', NULL)", [(9, "z")]),
        ("INSERT OVERWRITE TABLE stock PARTITION (region = 'n') VALUES (9, 'z', NULL)", None),
        ("INSERT INTO stock REPLACE WHERE region = 'n' VALUES (9, 'z', 'n', NULL)", None),
        ("INSERT INTO stock REPLACE USING (region) VALUES (9, 'z', 'n', NULL)", None),
        (
            "INSERT INTO stock REPLACE WHERE id < 3 VALUES (-9, 'z', 'n', NULL)",
            [(-9, "z"), (3, "c")],
        ),
    ],
)
def test_overwriting_replaces_what_was_named_and_nothing_else(stock, text, left):
    stock.sql(text)
    assert rows(stock) == ([(3, "c"), (9, "z")] if left is None else left)


def test_update_sets_columns_by_expressions_and_subqueries(stock):
    made = stock.sql(
        "UPDATE main.ware.stock AS s SET s.name = concat(s.name, '; ', "
        "(SELECT max(name) FROM main.ware.stock)), day = DEFAULT -- all; of them\n"
        "WHERE s.id IN (SELECT id FROM stock WHERE region = 'n')"
    )
    assert result(made) == {"num_affected_rows": 2}
    assert rows(stock) == [(1, "a; c"), (2, "b; c"), (3, "c")]
    stock.sql("UPDATE stock SET name = 'all' WHERE main.ware.stock.day IS NULL")
    assert rows(stock) == [(1, "all"), (2, "all"), (3, "c")]


def test_delete_and_truncate_take_rows_away(stock):
    assert result(stock.sql("DELETE FROM stock s WHERE s.id = 1 OR s.name = 'b'")) == {
        "num_affected_rows": 2
    }
    assert rows(stock) == [(3, "c")]
    stock.sql("TRUNCATE TABLE main.ware.stock")
    assert rows(stock) == []


MERGE = """
MERGE INTO main.ware.stock AS t          -- the target; by its full name
USING (
  SELECT * FROM VALUES (1, 'one'), (2, NULL), (5, 'five') AS v(id, name)
) AS s
ON t.id = s.id
WHEN MATCHED AND s.name IS NULL THEN DELETE
WHEN MATCHED THEN UPDATE SET t.name = CASE WHEN s.name = 'one' THEN upper(s.name) ELSE '?' END
WHEN NOT MATCHED THEN INSERT (id, name, region) VALUES (s.id, s.name, 'new')
WHEN NOT MATCHED BY SOURCE AND t.id = 3 THEN UPDATE SET name = 'alone'
"""


def test_merge_does_what_each_clause_says(stock):
    assert result(stock.sql(MERGE)) == {
        "num_affected_rows": 4,
        "num_updated_rows": 2,
        "num_deleted_rows": 1,
        "num_inserted_rows": 1,
    }
    assert rows(stock) == [(1, "ONE"), (3, "alone"), (5, "five")]


def test_merge_takes_all_columns_from_a_table_and_its_qualifiers(stock):
    stock.sql(
        "CREATE OR REPLACE TABLE news AS SELECT 1 AS id, 'new' AS name, 'n' AS region, "
        "CAST(NULL AS DATE) AS day UNION ALL SELECT 4, 'four', 's', NULL"
    )
    stock.sql(
        "MERGE INTO stock USING news ON main.ware.stock.id = ware.news.id "
        "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED BY TARGET THEN INSERT *"
    )
    assert rows(stock) == [(1, "new"), (2, "b"), (3, "c"), (4, "four")]


def test_merge_may_evolve_the_schema(stock):
    stock.sql(
        "MERGE WITH SCHEMA EVOLUTION INTO stock t USING "
        "(SELECT 1 AS id, 'x' AS name, 'n' AS region, CAST(NULL AS DATE) AS day, 2.5D AS weight) s "
        "ON t.id = s.id WHEN MATCHED THEN UPDATE SET *"
    )
    assert rows(stock, "id, weight") == [(1, 2.5), (2, None), (3, None)]


def test_a_merge_that_matches_twice_changes_nothing(stock):
    with pytest.raises(DeltaError, match=r"\[DELTA_MULTIPLE_SOURCE_ROW_MATCHING"):
        stock.sql(
            "MERGE INTO stock t USING (SELECT explode(array(1, 1)) AS id) s ON t.id = s.id "
            "WHEN MATCHED THEN UPDATE SET name = 'twice'"
        )
    assert rows(stock)[0] == (1, "a")


def test_maintenance_and_history_by_name_and_by_path(stock):
    stock.sql("INSERT INTO stock VALUES (4, 'd', 'n', NULL)")
    optimized = result(stock.sql("OPTIMIZE main.ware.stock WHERE region = 'n' ZORDER BY (id)"))
    assert optimized["metrics"]["numFilesAdded"] == 1
    assert stock.sql("VACUUM stock RETAIN 168 HOURS DRY RUN").columns == ["path"]
    with pytest.raises(DeltaError, match="RETENTION"):
        stock.sql("VACUUM stock RETAIN 0 HOURS")
    path = catalog.require_table(catalog.Name("main", "ware", "stock")).location
    history = stock.sql(f"DESCRIBE HISTORY delta.`{path}` LIMIT 2").collect()
    assert [row["operation"] for row in history] == ["OPTIMIZE", "WRITE"]
    last = history[0]["version"]
    restored = result(stock.sql(f"RESTORE TABLE stock TO VERSION AS OF {last - 2}"))
    assert restored["num_restored_files"] >= 1
    assert rows(stock) == [(1, "a"), (2, "b"), (3, "c")]
    time = history[1]["timestamp"].isoformat(sep=" ")
    stock.sql(f"RESTORE stock TO TIMESTAMP AS OF TIMESTAMP'{time}'")
    assert len(rows(stock)) == 4
    assert result(stock.sql(f"DELETE FROM delta.`{path}` WHERE id = 4")) == {"num_affected_rows": 1}


def test_values_of_parameters_are_values_and_never_text(stock):
    nasty = "x' OR '1'='1; DROP TABLE stock -- \\"
    stock.sql("UPDATE stock SET name = :name WHERE id = :id", {"name": nasty, "id": 1})
    assert rows(stock, "name", "stock WHERE id = 1") == [(nasty,)]
    assert result(stock.sql("DELETE FROM stock WHERE name = ?", ["y' OR '1'='1"])) == {
        "num_affected_rows": 0
    }
    stock.sql("INSERT INTO stock SELECT ?, ?, 's', ?", [8, nasty, dt.date(2026, 2, 3)])
    assert rows(stock, "name, day", "stock WHERE id = 8") == [(nasty, dt.date(2026, 2, 3))]
    stock.sql(
        "MERGE INTO stock t USING {news} s ON t.id = s.id WHEN MATCHED THEN UPDATE SET name = {v}",
        news=stock.createDataFrame([(8,)], "id int"),
        v="from Python",
    )
    assert rows(stock, "name", "stock WHERE id = 8") == [("from Python",)]
    with pytest.raises(DeltaError, match=r"\[UNBOUND_SQL_PARAMETER\].*other"):
        stock.sql("DELETE FROM stock WHERE id = :other", {"id": 1})


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -(2**40),
        1.5,
        float("-inf"),
        decimal.Decimal("1.20"),
        'it\'s \\ a "quote" \n ; -- ü',
        b"\x00\xff",
        dt.date(2026, 1, 31),
        dt.datetime(2026, 1, 31, 12, 30, 15, 123456),
        [1, 2],
        {"a": 1},
    ],
    ids=str,
)
def test_a_python_value_survives_as_a_literal(ware, value):
    literal = sql_session.literal(value)
    assert spark_sql(ware, f"SELECT {literal} AS x").collect()[0]["x"] == value


def test_a_statement_between_ours_and_sparks_own_tables(stock):
    stock.sql("CREATE TABLE IF NOT EXISTS spark_catalog.default.plain (id INT) USING parquet")
    try:
        stock.sql("INSERT INTO hive_metastore.default.plain SELECT id FROM stock WHERE id < 3")
        assert rows(stock, "id", "hive_metastore.default.plain") == [(1,), (2,)]
        stock.sql("INSERT INTO stock (id) SELECT id + 10 FROM spark_catalog.default.plain")
        assert rows(stock, "id", "stock WHERE id > 3") == [(11,), (12,)]
    finally:
        stock.sql("DROP TABLE spark_catalog.default.plain")


def test_what_cannot_be_written_is_refused_and_nothing_changes(stock):
    refused = [
        ("INSERT INTO stock VALUES (1, 'x')", r"\[INSERT_COLUMN_ARITY_MISMATCH\.NOT_ENOUGH"),
        ("INSERT INTO stock VALUES (1, 'x', 'n', NULL, 5)", r"\[INSERT_COLUMN_ARITY_.*TOO_MANY"),
        ("INSERT INTO stock (id, nope) VALUES (1, 2)", r"\[UNRESOLVED_COLUMN.*`nope`"),
        ("INSERT INTO stock BY NAME SELECT 1 AS nope", r"\[DELTA_METADATA_MISMATCH\].*nope"),
        ("INSERT INTO stock VALUES ('x', 'x', 'n', NULL)", r"\[CAST_INVALID_INPUT\]"),
        ("INSERT INTO nope VALUES (1)", r"\[TABLE_OR_VIEW_NOT_FOUND\]"),
        ("UPDATE stock SET nope = 1", r"`?nope`?"),
        ("UPDATE stock SET name = 1, name = 2", r"\[DELTA_CONFLICT_SET_COLUMN\]"),
        ("UPDATE stock SET name", r"\[PARSE_SYNTAX_ERROR\]"),
        ("DELETE FROM stock WHERE nope = 1", r"\[UNRESOLVED_COLUMN"),
        ("MERGE INTO stock USING stock s", r"\[PARSE_SYNTAX_ERROR\].*ON"),
        ("MERGE INTO stock t USING stock s ON t.id = s.id", r"WHEN"),
        (
            "MERGE INTO stock t USING stock s ON t.id = s.id WHEN MATCHED THEN INSERT *",
            r"\[PARSE_SYNTAX_ERROR\].*INSERT",
        ),
        ("DELETE FROM stock WHER id = 1", r"\[PARSE_SYNTAX_ERROR\].*'id'"),
        ("DELETE FROM stock; DELETE FROM stock", r"\[PARSE_SYNTAX_ERROR\].*';'"),
        ("DELETE FROM stock WHERE id = 1; SELECT 1", r"\[PARSE_SYNTAX_ERROR\]"),
        ("UPDATE stock SET name = 'x' WHER id = 1", r"\[PARSE_SYNTAX_ERROR\]"),
        ("UPDATE stock SET name = 'x'; SELECT 1", r"\[PARSE_SYNTAX_ERROR\]"),
        ("UPDATE stock s, stock t SET name = 'x'", r"\[PARSE_SYNTAX_ERROR\].*SET"),
        ("INSERT INTO stock (id name) VALUES (1, 'x')", r"\[PARSE_SYNTAX_ERROR\].*'name'"),
        ("INSERT INTO stock VALUES (1, 'x', 'n', NULL); SELECT 1", r"\[PARSE_SYNTAX_ERROR\]"),
        (
            "MERGE INTO stock t USING stock s ON t.id = s.id "
            "WHEN MATCHED THEN UPDATE SET * EXCEPT (name)",
            r"\[PARSE_SYNTAX_ERROR\].*'EXCEPT'",
        ),
        (
            "MERGE INTO stock t USING stock s ON t.id = s.id WHEN MATCHED OR true THEN DELETE",
            r"\[PARSE_SYNTAX_ERROR\].*'OR'",
        ),
        (
            "MERGE INTO stock t USING stock s ON t.id = s.id WHEN MATCHED THEN DELETE; SELECT 1",
            r"\[PARSE_SYNTAX_ERROR\].*';'",
        ),
        ("OPTIMIZE stock NONSENSE", r"\[PARSE_SYNTAX_ERROR\].*OPTIMIZE"),
        ("RESTORE TABLE stock TO VERSION AS OF 999", r"999"),
        ("INSERT INTO stock REPLACE USING (id) VALUES (1, 'x', 'n', NULL)", r"REPLACE USING"),
    ]
    stock.sql("CREATE OR REPLACE TEMP VIEW `only a view` AS SELECT * FROM stock")
    refused += [
        (f"{text} WHERE id = 1", r"\[EXPECT_TABLE_NOT_VIEW.*only a view")
        for text in ("DELETE FROM `only a view`", "UPDATE `only a view` SET id = 2")
    ]
    before = rows(stock)
    for text, message in refused:
        with pytest.raises(Exception, match=message) as caught:
            stock.sql(text)
        assert not isinstance(caught.value, (TypeError, AttributeError, AssertionError)), text
    assert rows(stock) == before


def test_a_table_made_from_a_query_over_ours_has_its_rows(stock):
    stock.sql(
        "CREATE OR REPLACE TABLE main.ware.copy COMMENT 'a; copy' AS "
        "WITH stock AS (SELECT id FROM main.ware.stock WHERE id > 1) SELECT stock.id FROM stock"
    )
    assert rows(stock, "id", "copy") == [(2,), (3,)]
    stock.sql("CREATE TABLE IF NOT EXISTS picked AS SELECT * FROM stock WHERE id = :id", {"id": 3})
    assert rows(stock, "id", "picked") == [(3,)]


def test_a_text_that_is_run_at_once_may_be_any_statement(stock):
    stock.sql("EXECUTE IMMEDIATE 'DELETE FROM stock WHERE id = ? OR name = ?' USING 1, 'b'")
    assert rows(stock) == [(3, "c")]
    found = stock.sql("EXECUTE IMMEDIATE 'SELECT name FROM stock WHERE id = :i' USING 3 AS i")
    assert found.collect()[0][0] == "c"


def test_a_name_may_be_computed(stock):
    table = {"schema": "ware", "id": 1}
    stock.sql("DELETE FROM IDENTIFIER('main.' || :schema || '.stock') WHERE id = :id", table)
    stock.sql("INSERT INTO IDENTIFIER('stock') (id) VALUES (4)")
    stock.sql(
        "MERGE INTO IDENTIFIER(?) t USING IDENTIFIER(?) s ON t.id = s.id "
        "WHEN MATCHED AND s.id = ? THEN DELETE",
        ["stock", "main.ware.stock", 4],
    )
    found = stock.sql("SELECT id FROM IDENTIFIER(:schema || '.stock') ORDER BY id", table)
    assert [row.id for row in found.collect()] == [2, 3]


BROKEN = [
    "INSERT INTO scratch (id, name) VALUES (1, 'x')",
    "INSERT OVERWRITE TABLE scratch PARTITION (id = 1) SELECT 'x'",
    "INSERT INTO scratch REPLACE WHERE id = 1 SELECT 1, 'x'",
    "UPDATE scratch AS s SET s.name = 'x', id = 2 WHERE s.id = 1",
    "DELETE FROM scratch AS s WHERE s.id = 1",
    "MERGE INTO scratch t USING (SELECT 1 AS id) AS s ON t.id = s.id WHEN MATCHED AND t.id = 1 "
    "THEN UPDATE SET name = 'x' WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)",
    "OPTIMIZE scratch ZORDER BY (id)",
    "VACUUM scratch RETAIN 168 HOURS DRY RUN",
    "RESTORE TABLE scratch TO VERSION AS OF 0",
    "DESCRIBE HISTORY scratch LIMIT 1",
    "TRUNCATE TABLE scratch",
    "CACHE TABLE kept_rows AS SELECT * FROM scratch",
    "CREATE OR REPLACE TEMP VIEW half AS SELECT * FROM scratch VERSION AS OF 0 s",
    "EXPLAIN SELECT * FROM read_files('/nowhere', format => 'csv') r",
    "EXECUTE IMMEDIATE 'SELECT * FROM scratch WHERE id = ?' USING 1",
]


@pytest.mark.parametrize("text", BROKEN)
def test_a_statement_that_breaks_off_is_refused_as_a_statement(ware, text):
    """No prefix of a statement ends in an error of Python's own."""
    from pyspark.errors import PySparkException

    from lakebook.errors import LakebookError
    from lakebook.runtime.catalog.sql_tokens import tokens

    ware.sql("CREATE OR REPLACE TABLE scratch (id INT, name STRING) PARTITIONED BY (id)")
    for token in tokens(text)[:-1]:
        try:
            ware.sql(text[: token.end])
        except (PySparkException, LakebookError) as fault:
            assert str(fault)
