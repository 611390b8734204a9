"""`display` shows what Spark holds: every type, exactly, in the session's time zone."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from bs4 import BeautifulSoup

from lakebook.errors import LakebookError


def read(data):
    """Return caption, headers and cells of the first table of an output."""
    table = BeautifulSoup(data["text/html"], "html.parser").table
    heads = [" | ".join(head.stripped_strings) for head in table.thead.find_all("th")]
    lines = [[cell.get_text() for cell in row.find_all("td")] for row in table.tbody.find_all("tr")]
    return table.caption.get_text(), heads, lines


@pytest.mark.parametrize(
    ("expression", "type_name", "text"),
    [
        ("CAST(NULL AS BIGINT)", "bigint", "null"),
        ("9007199254740993L", "bigint", "9007199254740993"),
        ("CAST('NaN' AS DOUBLE)", "double", "NaN"),
        ("CAST(NULL AS DOUBLE)", "double", "null"),
        ("CAST(0.1 AS FLOAT)", "float", "0.1"),
        ("CAST(12.50 AS DECIMAL(10,2))", "decimal(10,2)", "12.50"),
        ("true", "boolean", "true"),
        ("'<b>'", "string", "<b>"),
        ("DATE'2024-02-03'", "date", "2024-02-03"),
        ("TIMESTAMP'2024-02-03 04:05:06.7'", "timestamp, Asia/Tokyo", "2024-02-03 04:05:06.7"),
        ("TIMESTAMP_NTZ'2024-02-03 04:05:06'", "timestamp_ntz", "2024-02-03 04:05:06"),
        ("TIMESTAMP'9999-12-31 23:00:00'", "timestamp, Asia/Tokyo", "9999-12-31 23:00:00"),
        ("X'00FF'", "binary", "0x00FF"),
        ("array(1, NULL)", "array<int>", "[1, null]"),
        ("map('k', 1)", "map<string,int>", '{"k": 1}'),
        ("map()", "map<void,void>", "{}"),
        ("map(array(1), 2)", "map<array<int>,int>", '{"[1]": 2}'),
        ("named_struct('a', 1, 'b', 'x')", "struct<a:int,b:string>", '{"a": 1, "b": "x"}'),
        (
            "array(TIMESTAMP'2024-02-03 04:05:06')",
            "array<timestamp>",
            "[2024-02-03 04:05:06]",
        ),
        ("""parse_json('{"a":[1,null]}')""", "variant", '{"a":[1,null]}'),
        ("INTERVAL '1-2' YEAR TO MONTH", "interval year to month", "INTERVAL '1-2' YEAR TO MONTH"),
        ("INTERVAL '1 02:03:04' DAY TO SECOND", "interval day to second", "1 day, 2:03:04"),
        ("NULL", "void", "null"),
        (
            "array(named_struct('a', 1), CAST(NULL AS STRUCT<a: INT NOT NULL>))",
            "array<struct<a:int>>",
            '[{"a": 1}, null]',
        ),
    ],
)
def test_each_type_is_named_and_its_value_is_exact(shown, spark, expression, type_name, text):
    zone = spark.conf.get("spark.sql.session.timeZone")
    spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    try:
        (data,) = shown(spark.sql(f"SELECT {expression} AS v"))
    finally:
        spark.conf.set("spark.sql.session.timeZone", zone)
    assert read(data) == ("1 row × 1 column", [f"v | {type_name}"], [[text]])


def test_a_missing_whole_number_leaves_the_others_whole(shown, spark):
    (data,) = shown(spark.sql("SELECT * FROM VALUES (1), (NULL), (3) AS t(n) ORDER BY n"))
    assert read(data)[2] == [["null"], ["1"], ["3"]]


def test_plain_text_is_that_of_pandas(shown, spark):
    frame = spark.sql(
        "SELECT id, CAST(NULL AS DOUBLE) AS lost, CAST(NULL AS BIGINT) AS none, id / 4 AS part, "
        "timestamp'2024-02-03 04:05:06' AS at, string(id) AS text FROM range(2)"
    )
    (data,) = shown(frame)
    text = f"{frame.toPandas().to_string(index=False)}\n2 rows × 6 columns"
    assert data["text/plain"] == text


def test_vectors_of_spark_ml_are_readable(shown, spark):
    from pyspark.ml.linalg import Vectors

    rows = [(Vectors.dense([1, 2.5]),), (Vectors.sparse(3, [1], [2.0]),), (None,)]
    (data,) = shown(spark.createDataFrame(rows, ["features"]).coalesce(1))
    assert read(data)[1:] == (["features | vector"], [["[1.0,2.5]"], ["(3,[1],[2.0])"], ["null"]])


def test_two_columns_of_one_name_keep_their_values(shown, spark):
    (data,) = shown(spark.sql("SELECT 1 AS x, 'a' AS x"))
    assert read(data)[1:] == (["x | int", "x | string"], [["1", "a"]])


def test_a_thousand_rows_are_fetched_and_no_more(shown, spark):
    (data,) = shown(spark.range(5000))
    assert read(data)[0] == "first 1,000 rows × 1 column, 20 shown"
    assert "On the first 1,000 rows." in data["text/html"]
    assert data["text/plain"].endswith("first 1,000 rows × 1 column, 20 shown")


def test_pandas_on_spark_shows_frames_and_series_without_a_default_index(shown, spark):
    import pyspark.pandas as ps

    frame = ps.DataFrame({"a": [1, 2], "b": ["x", None]})
    outputs = shown(frame, frame["a"], frame.set_index("b"))
    assert read(outputs[0]) == (
        "2 rows × 2 columns",
        ["a | int64", "b | object"],
        [["1", "x"], ["2", "null"]],
    )
    assert read(outputs[1])[1:] == (["a | int64"], [["1"], ["2"]])
    assert '<th scope="col">b <small>object</small></th>' in outputs[2]["text/html"]


def test_the_same_cell_gives_the_same_output_twice(shown, spark):
    frame = spark.range(3000).selectExpr("id", "id % 7 AS day", "sqrt(id) AS root")
    (first,), (second,) = shown(frame), shown(frame)
    assert first == second


@pytest.fixture
def arriving(spark, tmp_path):
    spark.range(30).selectExpr("id", "id % 2 AS odd").coalesce(1).write.parquet(f"{tmp_path}/in")
    return spark.readStream.schema("id BIGINT, odd BIGINT").parquet(f"{tmp_path}/in")


@pytest.mark.parametrize(
    ("derive", "caption"),
    [
        (lambda stream: stream, "30 rows × 2 columns, 20 shown"),
        (lambda stream: stream.groupBy("odd").count(), "2 rows × 2 columns"),
        (lambda stream: stream.groupBy("odd").count().orderBy("odd"), "2 rows × 2 columns"),
    ],
    ids=["rows", "aggregate", "ordered aggregate"],
)
def test_a_stream_is_shown_as_a_snapshot_that_says_so(shown, spark, arriving, derive, caption):
    before = {table.name for table in spark.catalog.listTables()}
    (data,) = shown(derive(arriving))
    assert read(data)[0] == caption
    for said in (data["text/html"], data["text/plain"]):
        assert "A snapshot of the stream" in said
    assert not spark.streams.active
    assert {table.name for table in spark.catalog.listTables()} == before


def test_a_stream_that_cannot_be_shown_says_why_and_the_way_out(spark, arriving):
    from lakebook.runtime.display import display

    twice = arriving.groupBy("odd").count().groupBy("count").count()
    with pytest.raises(LakebookError, match=r"cannot be shown as a snapshot: \[STREAMING_OUTPUT"):
        display(twice)


def test_a_connect_session_shows_the_same(tmp_path):
    program = """
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from lakebook.runtime.session import get_spark
from lakebook.runtime.display import display, summarize
InteractiveShell.instance()
spark = get_spark()
frame = spark.sql("SELECT * FROM VALUES (1, timestamp'2024-01-01'), (NULL, NULL) AS t(n, at)")
spark.range(3).write.parquet("PATH")
with capture_output() as seen:
    display(frame, spark.readStream.schema("id BIGINT").parquet("PATH"))
    summarize(frame, precise=True)
for output in seen.outputs:
    print(output.data["text/plain"])
""".replace("PATH", str(tmp_path / "in"))
    environment = os.environ | {"LAKEBOOK_HOME": str(tmp_path), "SPARK_REMOTE": "local[2]"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "2 rows × 2 columns" in done.stdout
    assert "3 rows × 1 column\nA snapshot of the stream" in done.stdout
    assert "1 (50 %)" in done.stdout
