"""Types: what goes in comes out, and what cannot is refused by name."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from suite import Area, refused, rows

case = Area("Types", "https://docs.databricks.com/sql/language-manual/sql-ref-datatypes.html")


def _there_and_back(it, frame):
    path = it.path()
    frame.write.format("delta").save(path)
    back = it.at(path)
    assert back.schema.simpleString() == frame.schema.simpleString()
    return rows(back)


@case("numbers", "BYTE, SHORT, INT, LONG, FLOAT and DOUBLE keep type, limits, NaN and infinity.")
def numbers_keep_type_and_limits(it):
    frame = it.spark.sql(
        "SELECT -128Y AS b, 32767S AS s, -2147483648 AS i, 9223372036854775807L AS l, "
        "float('Infinity') AS f, double('NaN') AS d"
    )
    (row,) = _there_and_back(it, frame)
    assert row[:5] == (-128, 32767, -2147483648, 9223372036854775807, float("inf"))
    assert row[5] != row[5]


@case("DECIMAL", "Decimals keep precision and scale up to 38 digits.")
def decimals_are_exact(it):
    frame = it.frame(
        [(Decimal("0.10"), Decimal("12345678901234567890123456789.012345678"))],
        "a DECIMAL(10,2), b DECIMAL(38,9)",
    )
    assert _there_and_back(it, frame) == [
        (Decimal("0.10"), Decimal("12345678901234567890123456789.012345678"))
    ]


@case("DATE, BINARY, BOOLEAN", "Dates before 1900, bytes and booleans come back as they were.")
def dates_bytes_and_booleans_come_back(it):
    frame = it.frame(
        [(dt.date(1752, 9, 3), bytearray(b"\x00\xff"), True)], "d DATE, b BINARY, t BOOLEAN"
    )
    assert _there_and_back(it, frame) == [(dt.date(1752, 9, 3), bytearray(b"\x00\xff"), True)]


@case(
    "TIMESTAMP",
    "A TIMESTAMP is a moment: written in one session time zone, it shows as local time of another.",
    source="https://docs.databricks.com/sql/language-manual/data-types/timestamp-type.html",
)
def a_timestamp_is_a_moment(it):
    path = it.path()
    it.spark.sql("SELECT timestamp'2026-03-29 01:30:00.123456 UTC' AS t").write.format(
        "delta"
    ).save(path)
    it.spark.conf.set("spark.sql.session.timeZone", "Europe/Berlin")
    try:
        (row,) = it.at(path).selectExpr("string(t) AS t").collect()
    finally:
        it.spark.conf.set("spark.sql.session.timeZone", "UTC")
    assert row.t == "2026-03-29 03:30:00.123456"


@case(
    "TIMESTAMP_NTZ",
    "A TIMESTAMP_NTZ is what the clock showed, whatever the session's time zone.",
    source="https://docs.databricks.com/sql/language-manual/data-types/timestamp-ntz-type.html",
)
def a_timestamp_without_zone_is_a_reading(it):
    path = it.path()
    it.spark.sql("SELECT timestamp_ntz'2026-03-29 02:30:00' AS t").write.format("delta").save(path)
    it.spark.conf.set("spark.sql.session.timeZone", "America/New_York")
    try:
        frame = it.at(path)
        assert frame.schema["t"].dataType.simpleString() == "timestamp_ntz"
        assert rows(frame) == [(dt.datetime(2026, 3, 29, 2, 30),)]
    finally:
        it.spark.conf.set("spark.sql.session.timeZone", "UTC")


@case("STRUCT, ARRAY, MAP", "Nested values keep their shape, nulls inside and empty ones too.")
def nested_values_keep_their_shape(it):
    frame = it.spark.sql(
        "SELECT struct(1 AS a, struct('x' AS b) AS c) AS s, array(1, NULL) AS l, "
        "map('k', array(named_struct('v', 1.5D))) AS m, array() :: ARRAY<STRING> AS e"
    )
    (row,) = _there_and_back(it, frame)
    assert (row[0].a, row[0].c.b, row[1], row[3]) == (1, "x", [1, None], [])
    assert row[2]["k"][0].v == 1.5


@case("NULL", "Every type may be null, also the fields of a struct and a whole struct.")
def every_type_may_be_null(it):
    frame = it.spark.sql(
        "SELECT int(NULL) AS i, decimal(NULL) AS d, timestamp(NULL) AS t, date(NULL) AS y, "
        "CAST(NULL AS STRUCT<a: INT>) AS s, CAST(NULL AS ARRAY<INT>) AS l"
    )
    assert _there_and_back(it, frame) == [(None,) * 6]


@case("STRING", "Strings keep every character: accents, emoji, quotes, line ends, empty.")
def strings_keep_every_character(it):
    texts = ["", "Zürich", "😀", "a'b\"c`d", "two\nlines\t", "%2F=/"]
    frame = it.frame([(text,) for text in texts], "s STRING")
    assert _there_and_back(it, frame) == sorted(((text,) for text in texts), key=repr)


@case(
    "partition values",
    "Partition columns keep dates, times, nulls and strings with any character.",
    source="https://github.com/delta-io/delta/blob/master/PROTOCOL.md",
)
def partition_values_keep_their_type(it):
    path = it.path()
    frame = it.spark.sql(
        "SELECT * FROM VALUES (1, date'2026-01-02', 'a/b c=d%'), (2, NULL, 'ü'), "
        "(3, date'1999-12-31', NULL) AS t(n, d, s)"
    )
    frame.write.format("delta").partitionBy("d", "s").save(path)
    assert rows(it.at(path)) == rows(frame)
    assert rows(it.at(path).filter("s = 'a/b c=d%'").select("n")) == [(1,)]
    assert rows(it.at(path).filter("d IS NULL").select("n")) == [(2,)]


@case(
    "unsupported types",
    "An interval column cannot be stored; the error names type and column.",
    source="https://docs.databricks.com/error-messages/index.html",
)
def an_interval_is_refused(it):
    frame = it.spark.sql("SELECT INTERVAL '1' DAY AS gap")
    refused(
        lambda: frame.write.format("delta").save(it.path()),
        ("UNSUPPORTED", "supported"),
        ("INTERVAL", "interval"),
        "gap",
    )


@case(
    "VOID",
    "A column of NULLs without a type can be in a table; it is left out of the files.",
    source="https://docs.databricks.com/sql/language-manual/data-types/null-type.html",
    differs="A column without a type is refused by name; cast it (`CAST(NULL AS STRING)`).",
)
def a_column_without_type_is_refused(it):
    frame = it.spark.sql("SELECT 1 AS id, NULL AS nothing")
    refused(lambda: frame.write.format("delta").save(it.path()), "nothing")


@case(
    "VARIANT",
    "Semi-structured values are stored as VARIANT and read by path.",
    source="https://docs.databricks.com/sql/language-manual/data-types/variant-type.html",
    differs="VARIANT columns are refused by name: Parquet readers beside Spark cannot read them "
    "yet. Keep such text as STRING and use parse_json when reading.",
)
def a_variant_is_refused(it):
    frame = it.spark.sql("""SELECT parse_json('{"a": 1}') AS v""")
    refused(lambda: frame.write.format("delta").save(it.path()), ("VARIANT", "variant"), "v")
