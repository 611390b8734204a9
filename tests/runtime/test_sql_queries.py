"""Queries by three-level names: the rows are right, and so is the version."""

from __future__ import annotations

import statistics
import time

import pytest

from lakebook.runtime import catalog
from lakebook.runtime.catalog import sql, sql_session
from lakebook.runtime.delta import log
from lakebook.runtime.delta.errors import DeltaError


@pytest.fixture(scope="module")
def shop(spark):
    """Schema main.shop with two tables, three versions of the first; it is the current schema."""
    spark.sql("CREATE SCHEMA IF NOT EXISTS main.shop")
    before = catalog.current(spark)
    catalog.use(spark, "main", "shop")
    spark.sql("CREATE OR REPLACE TABLE orders (id INT, item STRING, `prix€` DOUBLE)")
    spark.sql("INSERT INTO orders VALUES (1, 'tea', 2.5), (2, 'it''s; --', 4.0)")
    spark.sql("INSERT INTO orders VALUES (3, 'größe', NULL)")
    spark.sql("CREATE OR REPLACE TABLE `straße` (id INT, `tü` STRING)")
    spark.sql("INSERT INTO `straße` VALUES (1, 'a'), (3, 'c')")
    yield spark
    catalog.use(spark, *before)


def rows(spark, text, args=None, **kwargs):
    return sorted(
        (tuple(row) for row in spark.sql(text, args, **kwargs).collect()), key=lambda row: str(row)
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT id FROM orders", [(1,), (2,), (3,)]),
        ("SELECT main.shop.orders.id FROM main.shop.orders WHERE shop.orders.id > 2", [(3,)]),
        ("SELECT o.id FROM shop.orders o JOIN orders p ON o.id = p.id + 1", [(2,), (3,)]),
        ("SELECT `prix€` FROM `main`.`shop`.`orders` WHERE item = 'it''s; --'", [(4.0,)]),
        ("SELECT `tü` FROM `straße` JOIN orders USING (id)", [("a",), ("c",)]),
        ("WITH orders AS (SELECT 7 AS id) SELECT * FROM orders", [(7,)]),
        ("WITH orders AS (SELECT * FROM orders WHERE id = 1) SELECT id FROM orders", [(1,)]),
        (
            "WITH a AS (WITH orders AS (SELECT 9 AS id) SELECT id FROM orders) "
            "SELECT a.id, o.id FROM a, orders o WHERE o.id = 1",
            [(9, 1)],
        ),
        (
            "SELECT id FROM orders o WHERE EXISTS "
            "(SELECT 1 FROM main.shop.`straße` WHERE `straße`.id = o.id)",
            [(1,), (3,)],
        ),
        (
            "SELECT id FROM main.shop.orders WHERE id = "
            "(SELECT max(s.id) FROM `straße` s WHERE s.id = main.shop.orders.id)",
            [(1,), (3,)],
        ),
        (
            "SELECT id FROM orders UNION SELECT id + 10 FROM `straße`",
            [(1,), (11,), (13,), (2,), (3,)],
        ),
        ("FROM orders |> WHERE id > 1 |> AGGREGATE sum(id)", [(5,)]),
        ("FROM orders |> JOIN `straße` USING (id) |> SELECT id", [(1,), (3,)]),
        (
            "SELECT id, w FROM orders LATERAL VIEW explode(split(item, ' ')) e AS w WHERE id = 1",
            None,
        ),
        ("SELECT * FROM (SELECT id, item FROM orders) PIVOT (max(id) FOR item IN ('tea'))", [(1,)]),
        ("TABLE `straße`", [(1, "a"), (3, "c")]),
        ("SELECT id FROM orders WHERE id = (VALUES (2))", [(2,)]),
        ("SELECT /* FROM no; */ id -- FROM no\nFROM orders WHERE item = 'FROM no'", []),
        ("SELECT * FROM IDENTIFIER('main.shop.' || 'straße') WHERE id = 1", [(1, "a")]),
        ("SELECT count(*) FROM orders TABLESAMPLE (100 PERCENT)", [(3,)]),
    ],
)
def test_a_query_by_name_gives_the_rows_of_the_table(shop, text, expected):
    expected = [(1, "tea")] if expected is None else expected
    assert rows(shop, text) == expected


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("SELECT * FROM orders VERSION AS OF 1", 2),
        ("SELECT * FROM main.shop.orders VERSION AS OF '1' o WHERE o.id > 0", 2),
        ("SELECT * FROM orders@v0", 0),
        ("SELECT * FROM orders TIMESTAMP AS OF (SELECT_TIME)", 2),
        ("SELECT * FROM orders o, orders VERSION AS OF 1 p WHERE o.id = p.id", 2),
        ("SELECT * FROM orders VERSION AS OF :v", 2),
    ],
)
def test_time_travel_reads_the_version_that_was_asked_for(shop, text, count):
    first = shop.sql("DESCRIBE HISTORY orders").filter("version = 1").collect()[0]["timestamp"]
    text = text.replace("(SELECT_TIME)", f"TIMESTAMP'{first.isoformat(sep=' ')}'")
    assert shop.sql(text, {"v": 1} if ":v" in text else None).count() == count


def test_a_delta_table_is_read_by_its_path_in_any_version(shop, tmp_path):
    folder = str(tmp_path / "events")
    shop.range(3).write.format("delta").save(folder)
    shop.range(3, 5).write.format("delta").mode("append").save(folder)
    assert shop.sql(f"SELECT * FROM delta.`{folder}`").count() == 5
    assert shop.sql(f"SELECT * FROM delta.`{folder}` VERSION AS OF 0").count() == 3
    assert shop.sql(f"SELECT * FROM delta.`{folder}@v0` e WHERE e.id > 0").count() == 2


def test_a_query_sees_a_commit_that_came_after_the_last_query(shop):
    shop.sql("CREATE OR REPLACE TABLE growing (id INT)")
    for expected in range(3):
        assert shop.sql("SELECT count(*) FROM growing").collect()[0][0] == expected
        shop.sql("INSERT INTO growing VALUES (1)")


def test_views_of_versions_long_past_go_and_frames_of_them_stay(shop):
    shop.sql("CREATE OR REPLACE TABLE busy (id INT)")
    shop.sql("CREATE OR REPLACE TEMP VIEW then AS SELECT * FROM busy VERSION AS OF 0")
    frames = [shop.sql("SELECT count(*) FROM busy VERSION AS OF 0")]
    root = catalog.require_table(catalog.Name("main", "shop", "busy")).location
    for number in range(sql_session.VERSIONS + 3):
        log.commit(root, log.Actions(read_version=number, operation="TEST"))
        frames.append(shop.sql("SELECT count(*) FROM busy"))
    views = shop.sql("SHOW VIEWS IN spark_catalog.default LIKE '__lakebook_busy*'")
    assert views.count() <= sql_session.VERSIONS + 1
    assert frames[0].collect()[0][0] == 0
    assert shop.sql("SELECT * FROM then").count() == 0
    shop.catalog.dropTempView("then")


def test_a_frame_keeps_the_rows_of_the_version_it_was_made_from(shop):
    shop.sql("CREATE OR REPLACE TABLE kept (id INT)")
    shop.sql("INSERT INTO kept VALUES (1)")
    first = shop.sql("SELECT * FROM kept")
    shop.sql("DELETE FROM kept")
    assert first.count() == 1


def test_a_temporary_view_shows_the_newest_rows_and_wins_over_a_table(shop):
    shop.sql("CREATE OR REPLACE TABLE live (id INT)")
    shop.sql("CREATE OR REPLACE TEMP VIEW big AS SELECT id FROM live WHERE id > 1")
    shop.sql("INSERT INTO live VALUES (1), (2), (3)")
    assert rows(shop, "SELECT * FROM big") == [(2,), (3,)]
    shop.sql("DELETE FROM live WHERE id = 3")
    assert rows(shop, "SELECT * FROM big b JOIN live USING (id)") == [(2,)]
    shop.sql("CREATE OR REPLACE TABLE both (id INT)")
    shop.range(2).createOrReplaceTempView("both")
    try:
        assert shop.sql("SELECT * FROM both").count() == 2
        assert shop.sql("SELECT * FROM main.shop.both").count() == 0
    finally:
        shop.catalog.dropTempView("both")
        shop.catalog.dropTempView("big")


def test_views_are_expanded_where_they_were_written(shop):
    shop.sql("CREATE OR REPLACE VIEW cheap (number) AS SELECT id FROM orders WHERE `prix€` < 3")
    shop.sql("CREATE OR REPLACE VIEW cheaper AS SELECT c.number FROM cheap c")
    catalog.use(shop, "main", "default")
    try:
        assert rows(shop, "SELECT shop.cheaper.number FROM shop.cheaper") == [(1,)]
    finally:
        catalog.use(shop, "main", "shop")


def test_views_that_name_one_another_are_refused(shop):
    shop.sql("CREATE OR REPLACE VIEW first_view AS SELECT 1 AS x")
    shop.sql("CREATE OR REPLACE VIEW second_view AS SELECT * FROM first_view")
    row = catalog.find(catalog.Name("main", "shop", "first_view"))
    from lakebook.runtime.catalog import store

    store.change_details(row.id, "test", view_text="SELECT * FROM main.shop.second_view")
    with pytest.raises(DeltaError, match=r"\[RECURSIVE_VIEW\].*first_view → .*second_view"):
        shop.sql("SELECT * FROM first_view")


def test_parameters_reach_the_query(shop):
    assert rows(shop, "SELECT id FROM orders WHERE item = :item", {"item": "it's; --"}) == [(2,)]
    assert rows(shop, "SELECT id FROM orders WHERE id = ?", [3]) == [(3,)]
    given = shop.createDataFrame([(3,)], "id int")
    assert rows(shop, "SELECT id FROM {df} JOIN orders USING (id)", df=given) == [(3,)]


def test_where_and_who_the_session_is_are_ours(shop):
    result = shop.sql("SELECT current_catalog(), current_schema(), current_user(), current_user")
    assert tuple(result.collect()[0])[:2] == ("main", "shop")
    assert result.columns[:3] == ["current_catalog()", "current_schema()", "current_user()"]
    assert result.collect()[0][2] == catalog.current_user()
    assert rows(shop, "SELECT upper(current_database()) AS x") == [("SHOP",)]


def test_the_information_schema_is_read_like_any_other(shop):
    text = (
        "SELECT t.table_name FROM main.information_schema.tables t "
        "WHERE t.table_schema = 'shop' AND table_name IN ('orders', 'straße')"
    )
    assert rows(shop, text) == [("orders",), ("straße",)]


def test_files_are_read_by_function_and_by_path(shop, tmp_path):
    (tmp_path / "a.csv").write_text("id,name\n1,x\n2,y\n")
    text = f"SELECT * FROM read_files('{tmp_path}', format => 'csv', header => true)"
    found = shop.sql(text)
    assert found.columns == ["id", "name", "_rescued_data"]
    assert [(row.id, row.name) for row in found.collect()] == [(1, "x"), (2, "y")]
    (tmp_path / "b.csv").write_text("id,name\n3,z\n")
    assert shop.sql(text).count() == 3
    typed = shop.sql(
        f"SELECT r.id FROM read_files('{tmp_path}', header => 'true', "
        "schema => 'id STRING, name STRING') r JOIN orders o ON o.id = r.id"
    )
    assert typed.schema.simpleString() == "struct<id:string>"
    assert typed.count() == 3
    assert shop.sql(f"SELECT count(*) FROM csv.`{tmp_path}`").collect()[0][0] == 5
    shop.sql("CREATE VOLUME IF NOT EXISTS main.shop.landing")
    shop.range(4).write.mode("overwrite").parquet("/Volumes/main/shop/landing/p")
    assert shop.sql("SELECT * FROM parquet.`/Volumes/main/shop/landing/p`").count() == 4
    assert shop.sql("SELECT * FROM read_files('/Volumes/main/shop/landing/p')").count() == 4


def test_the_change_data_feed_is_a_table_function(shop):
    shop.sql(
        "CREATE OR REPLACE TABLE fed (id INT) TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true')"
    )
    start = shop.sql("DESCRIBE HISTORY fed LIMIT 1").collect()[0]["version"]
    shop.sql("INSERT INTO fed VALUES (1), (2)")
    shop.sql("DELETE FROM fed WHERE id = 1")
    changes = f"table_changes('main.shop.fed', {start + 1})"
    assert rows(shop, f"SELECT id, _change_type FROM {changes}") == [
        (1, "delete"),
        (1, "insert"),
        (2, "insert"),
    ]
    assert shop.sql(f"SELECT * FROM table_changes('fed', {start + 1}, {start + 1})").count() == 2


def test_functions_of_the_catalog_are_called_by_name(shop):
    shop.sql("CREATE OR REPLACE FUNCTION vat(x DOUBLE) RETURNS DOUBLE RETURN x * 1.2")
    shop.sql(
        "CREATE OR REPLACE FUNCTION main.shop.shout(s STRING) RETURNS STRING LANGUAGE PYTHON AS "
        "$$\nreturn s.upper() + ';'\n$$"
    )
    shop.sql(
        "CREATE OR REPLACE FUNCTION above(x INT) RETURNS TABLE (id INT) "
        "RETURN SELECT id FROM orders WHERE id > x"
    )
    assert rows(shop, "SELECT vat(`prix€`) FROM orders WHERE id = 1") == [(3.0,)]
    assert rows(shop, "SELECT main.shop.shout(item) FROM orders WHERE id = 1") == [("TEA;",)]
    assert rows(shop, "SELECT a.id FROM main.shop.above(1) a") == [(2,), (3,)]


def test_a_table_of_other_files_is_read_by_its_format(shop, tmp_path):
    (tmp_path / "a.csv").write_text("1,x\n")
    shop.sql(
        f"CREATE TABLE IF NOT EXISTS outside (id INT, name STRING) USING csv LOCATION '{tmp_path}'"
    )
    assert rows(shop, "SELECT * FROM outside") == [(1, "x")]
    (tmp_path / "b.csv").write_text("2,y\n")
    assert rows(shop, "SELECT outside.id FROM shop.outside") == [(1,), (2,)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT * FROM main.shop.order", r"\[TABLE_OR_VIEW_NOT_FOUND\].*[Dd]id you mean.*orders"),
        ("SELECT * FROM main.shpo.orders", r"\[SCHEMA_NOT_FOUND\].*[Dd]id you mean.*shop"),
        ("SELECT * FROM mian.shop.orders", r"\[NO_SUCH_CATALOG_EXCEPTION\].*main"),
        ("SELECT * FROM orders VERSION AS OF 99", r"\[DELTA_VERSION_NOT_FOUND\]"),
        ("SELECT * FROM orders TIMESTAMP AS OF '1999-01-01'", r"\[DELTA_TIMESTAMP_EARLIER"),
        ("SELECT * FROM delta.`/no/such/table`", r"\[DELTA_TABLE_NOT_FOUND\]"),
        ("SELECT nope FROM orders", r"\[UNRESOLVED_COLUMN.*`id`"),
        ("SELECT * FROM orders WHERE", r"\[PARSE_SYNTAX_ERROR\]"),
        ("SELECT * FROM STREAM orders", r"readStream\.table\('main\.shop\.orders'\)"),
        ("EXPLAIN DELETE FROM orders", r"\[UNSUPPORTED_FEATURE\].*EXPLAIN"),
        ("COPY INTO orders FROM '/x' FILEFORMAT = CSV", r"\[UNSUPPORTED_FEATURE\].*read_files"),
        ("BEGIN INSERT INTO orders VALUES (1, 'a', 1); END", r"BEGIN … END block.*one by one"),
        ("SELECT main.shop.vaat(1)", r"\[UNRESOLVED_ROUTINE\].*`vaat`"),
        ("SELECT * FROM read_files()", r"\[CF_EMPTY_PATH\]"),
        ("SELECT * FROM table_changes('orders')", r"\[WRONG_NUM_ARGS"),
        ("SELECT 'never closed FROM orders", r"\[PARSE_SYNTAX_ERROR\]"),
        ("SELECT * FROM straße", r"\[INVALID_IDENTIFIER\].*`straße`"),
        ("DELETE FROM orders WHERE größe = 1", r"\[INVALID_IDENTIFIER\].*`größe`"),
    ],
)
def test_a_mistake_is_named_with_the_way_out(shop, text, message):
    from pyspark.errors import AnalysisException

    with pytest.raises(AnalysisException, match=message):
        shop.sql(text)


def test_reading_takes_the_privilege_and_a_view_gives_it(shop):
    shop.sql("CREATE OR REPLACE VIEW shown AS SELECT id FROM orders")
    shop.sql("GRANT USE CATALOG ON CATALOG main TO `ann@example.com`")
    shop.sql("GRANT USE SCHEMA ON SCHEMA main.shop TO `ann@example.com`")
    shop.sql("GRANT SELECT ON TABLE main.shop.shown TO `ann@example.com`")
    with catalog.act_as("ann@example.com"):
        assert shop.sql("SELECT * FROM shown").count() == 3
        with pytest.raises(DeltaError, match=r"\[PERMISSION_DENIED\].*SELECT.*orders"):
            shop.sql("SELECT * FROM orders")
        with pytest.raises(DeltaError, match=r"\[PERMISSION_DENIED\].*MODIFY.*orders"):
            shop.sql("DELETE FROM orders")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        "SELECT * FROM range(3)",
        "SET spark.sql.shuffle.partitions",
        "SET",
        "SELECT * FROM spark_catalog.default.nowhere",
        "CREATE TEMPORARY VIEW tv AS SELECT 1",
        "DECLARE VARIABLE x INT DEFAULT 3",
        "EXPLAIN SELECT 1",
        "WITH orders AS (SELECT 1) SELECT * FROM orders",
        "SELEC 1",
        "CLEAR CACHE",
        "-- nothing",
        "",
        "BEGIN SELECT 1; END",
    ],
)
def test_what_concerns_nothing_of_ours_is_left_to_spark(shop, text):
    assert sql.run(shop, text) is None


def test_names_of_three_levels_cost_little(shop, capsys):
    """Measured: the time `run` takes over Spark's own for the same query on a view of the files."""
    from lakebook.runtime.surface import spark_sql

    shop.sql("SELECT o.id FROM main.shop.orders o").createOrReplaceTempView("bare")
    query = "SELECT {0}.id FROM {0} WHERE {0}.id > 1"
    ours, bare = query.format("main.shop.orders"), query.format("bare")
    times = {ours: [], bare: []}
    for _ in range(15):
        for text, run in ((ours, shop.sql), (bare, lambda text: spark_sql(shop, text))):
            start = time.perf_counter()
            run(text)
            times[text].append((time.perf_counter() - start) * 1000)
    spent = {text: statistics.median(found) for text, found in times.items()}
    with capsys.disabled():
        print(
            f"\nthree-level names: {spent[ours]:.1f} ms a query, of Spark's own view "
            f"{spent[bare]:.1f} ms, overhead {spent[ours] - spent[bare]:.1f} ms"
        )
    shop.catalog.dropTempView("bare")
    # Twenty are promised on a quiet machine; a loaded one must not fail for it.
    assert spent[ours] - spent[bare] < 100
