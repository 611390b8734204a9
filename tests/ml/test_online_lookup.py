"""A specification applied to one record online is what it is to a frame offline."""

from __future__ import annotations

import datetime as dt
import decimal
import os
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import functions as F
from pyspark.sql import types as T
from test_online_values import SCALARS, told

from lakebook.ml.feature_engineering import FeatureFunction, FeatureLookup, tables
from lakebook.ml.feature_engineering.assemble import assemble
from lakebook.ml.feature_engineering.errors import FeatureError
from lakebook.ml.feature_engineering.online import publish, store
from lakebook.ml.feature_engineering.online.lookup import Evaluator
from lakebook.ml.feature_engineering.training_set import plan

LATE = dt.datetime(2300, 1, 1)


@pytest.fixture(scope="module")
def online(spark):
    yield store.create_online_store(name="lookups", capacity="CU_1")
    store.delete_online_store(name="lookups")


def send(spark, online, name, mode="TRIGGERED"):
    publish.publish_table(
        spark,
        online_store=online,
        source_table_name=name,
        online_table_name=f"{name}_online",
        publish_mode=mode,
    )


def function(spark, name, parameters, returns, body):
    spark.sql(
        f"CREATE OR REPLACE FUNCTION {name}({parameters}) RETURNS {returns} LANGUAGE PYTHON AS "
        f"$$\n{body}\n$$"
    )
    return name


# No skew

NESTED = {
    "array<double>": st.lists(st.none() | st.floats(), max_size=3),
    "map<string,decimal(5,2)>": st.dictionaries(
        st.text(max_size=2), st.none() | SCALARS["decimal(5,2)"], max_size=2
    ),
    "struct<a:int,b:array<timestamp>,c:binary>": st.tuples(
        st.none() | SCALARS["int"],
        st.none() | st.lists(SCALARS["timestamp"], max_size=2),
        st.none() | st.binary(max_size=3),
    ),
}
TYPES = {**SCALARS, **NESTED}
DEFAULTS = {
    "tinyint": 1,
    "bigint": 2**40,
    "float": 1.1,
    "double": -0.0,
    "boolean": False,
    "string": "none",
    "binary": b"\xff",
    "date": dt.date(1999, 12, 31),
    "timestamp": dt.datetime(2020, 2, 29, 12),
    "decimal(5,2)": decimal.Decimal("-0.5"),
}
COLUMNS = {kind: f"c{index}" for index, kind in enumerate(TYPES)}
FEW = st.integers(0, 3)
VALUES = st.tuples(*[st.none() | values for values in TYPES.values()])
PLAIN = st.dictionaries(st.tuples(FEW, st.sampled_from(["a", "é"])), VALUES, min_size=5)
TIMED = st.dictionaries(
    st.tuples(FEW, st.integers(0, 5)), st.tuples(st.none() | st.floats(), st.none() | FEW)
)
RECORD = st.tuples(st.none() | FEW, st.none() | st.sampled_from(["a", "b", "é"]), st.floats())

PLAIN_SCHEMA = "k int, s string, " + ", ".join(f"{COLUMNS[kind]} {kind}" for kind in TYPES)
TIMED_SCHEMA = "k int, at timestamp, reading double, grade int"


@pytest.fixture(scope="module")
def places(spark, online):
    """Return two published feature tables, and a specification of everything that they have."""
    spark.sql("CREATE SCHEMA main.skew")
    plain, timed = "main.skew.plain", "main.skew.timed"
    schema = T.StructType.fromDDL(PLAIN_SCHEMA)
    tables.create(spark, plain, ["k", "s"], schema=schema)
    tables.create(spark, timed, ["k", "at"], schema=T.StructType.fromDDL(TIMED_SCHEMA), time="at")
    parameters = ", ".join(f"{name} {kind}" for kind, name in COLUMNS.items())
    # Whatever a function is given shows in the text that it returns.
    show = function(
        spark,
        "main.skew.show",
        parameters,
        "STRING",
        f"return repr(({', '.join(COLUMNS.values())}))",
    )
    # Numbers that are not of the declared type, one of them from a column that is not either.
    cut = function(
        spark,
        "main.skew.cut",
        "n DOUBLE, x DOUBLE",
        "STRUCT<whole: INT, money: DECIMAL(10,1), said: STRING, seen: STRING>",
        "from decimal import Decimal\n"
        "if n is None: return None\n"
        "money = Decimal('0.25') + int(n) % 9\n"
        "return {'whole': int(n) % 7, 'money': money, 'said': x, 'seen': repr(n)}",
    )
    frame = spark.createDataFrame([], "k int, s string, amount double, at timestamp")
    spec = plan(
        spark,
        frame,
        [
            FeatureLookup(
                plain, ["k", "s"], default_values={COLUMNS[k]: v for k, v in DEFAULTS.items()}
            ),
            FeatureLookup(timed, "k", timestamp_lookup_key="at", rename_outputs={"grade": "mark"}),
            FeatureFunction(udf_name=show, output_name="shown"),
            FeatureFunction(
                udf_name=cut, input_bindings={"n": "c1", "x": "amount"}, output_name="cut"
            ),
        ],
        None,
        ["s"],
    )
    yield plain, timed, spec
    spark.sql("DROP SCHEMA main.skew CASCADE")


@settings(
    max_examples=3,
    phases=[Phase.generate],  # each example costs jobs of Spark, too many to make it smaller
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(PLAIN, TIMED, st.lists(RECORD, min_size=16, max_size=24))
def test_online_is_offline_for_all_types_nulls_defaults_and_missing_keys(
    spark, online, places, rows, timed_rows, records
):
    plain, timed, spec = places
    for name, found, columns in (
        (plain, [(*key, *values) for key, values in rows.items()], PLAIN_SCHEMA),
        (
            timed,
            [(k, LATE - dt.timedelta(days=9 - d), *v) for (k, d), v in timed_rows.items()],
            TIMED_SCHEMA,
        ),
    ):
        tables.put_rows(spark, name, spark.createDataFrame(found, columns), replace=True)
        send(spark, online, name)
    given = [(*record, LATE) for record in records]
    columns = ["k", "s", "amount", "at"]
    frame = spark.createDataFrame(given, "k int, s string, amount double, at timestamp")
    shown = [column.name for column in spec.columns()]
    numbered = frame.withColumn("row", F.monotonically_increasing_id())
    offline = assemble(spark, spec, numbered).orderBy("row").select(*shown).collect()
    evaluate = Evaluator(spec)
    for theirs, record in zip(offline, given, strict=True):
        ours = evaluate(dict(zip(columns, record, strict=True)))
        assert list(ours) == shown
        assert {name: told(value) for name, value in ours.items()} == {
            name: told(value) for name, value in theirs.asDict().items()
        }


CASTS = [
    ("INT", "1.5"),
    ("BIGINT", "'5'"),
    ("BIGINT", "float(n)"),
    ("STRING", "n"),
    ("STRING", "True"),
    ("STRING", "[n, None]"),
    ("FLOAT", "1.1"),
    ("DOUBLE", "n"),
    ("BOOLEAN", "1"),
    ("DECIMAL(10,1)", "__import__('decimal').Decimal('0.25')"),
    ("BINARY", "bytearray(b'x')"),
    ("ARRAY<INT>", "[1.5, None]"),
    ("MAP<STRING, DOUBLE>", "{n: 1}"),
]


def test_what_a_function_returns_is_cast_as_spark_casts_it(spark, schema):
    names = [f"{schema}.cast{index}" for index in range(len(CASTS))]
    for name, (returns, value) in zip(names, CASTS, strict=True):
        function(spark, name, "n INT", returns, f"return {value}")
    features = [FeatureFunction(udf_name=name) for name in names]
    frame = spark.createDataFrame([(7,)], "n int")
    spec = plan(spark, frame, features, None)
    theirs = assemble(spark, spec, frame).collect()[0].asDict()
    ours = Evaluator(spec)({"n": 7})
    assert {name: told(value) for name, value in ours.items()} == {
        name: told(value) for name, value in theirs.items()
    }


# What a record may have, and lack


@pytest.fixture
def prices(spark, online, schema):
    """Return a published table of one key, and a function of one parameter."""
    name = f"{schema}.prices"
    rows = spark.createDataFrame(
        [(1, 10.0, "a"), (2, None, None)], "id long, price double, s string"
    )
    tables.create(spark, name, "id", df=rows)
    function(spark, f"{schema}.twice", "x DOUBLE, by INT DEFAULT 2", "DOUBLE", "return x * by")
    send(spark, online, name)
    return name


def planned(spark, schema, *features, columns="id long, extra int", exclude=None):
    return plan(spark, spark.createDataFrame([], columns), features, None, exclude)


def twice(schema, **more):
    return FeatureFunction(udf_name=f"{schema}.twice", **more)


def test_a_column_that_the_record_has_is_not_looked_up(spark, online, schema, prices):
    spec = planned(
        spark, schema, FeatureLookup(prices, "id"), twice(schema, input_bindings={"x": "price"})
    )
    evaluate = Evaluator(spec)
    output = f"{schema}.twice"
    assert evaluate({"id": 1}) == {"id": 1, "price": 10.0, "s": "a", output: 20.0}
    assert evaluate({"id": 1, "price": 3.0}) == {"id": 1, "price": 3.0, "s": "a", output: 6.0}
    # Neither key nor table is needed for what is there already, nor is the function called.
    assert evaluate({"price": None, "s": "x", output: 1.0}) == {
        "price": None,
        "s": "x",
        output: 1.0,
    }


def test_names_of_columns_are_found_whatever_their_case_and_others_are_left_alone(
    spark, online, schema, prices
):
    evaluate = Evaluator(planned(spark, schema, FeatureLookup(prices, "id"), exclude=["id"]))
    assert evaluate({"ID": 1, "colour": "red"}) == {"price": 10.0, "s": "a"}


def test_what_is_needed_and_missing_is_named(spark, online, schema, prices):
    spec = planned(
        spark, schema, FeatureLookup(prices, "id"), twice(schema, input_bindings={"x": "extra"})
    )
    with pytest.raises(FeatureError, match=f"no column 'id', by which '{prices}' is looked up"):
        Evaluator(spec)({"extra": 1})
    with pytest.raises(FeatureError, match=f"no column 'extra', which function '{schema}.twice'"):
        Evaluator(spec)({"id": 1})
    with pytest.raises(FeatureError, match="column 'id': 'one' is no bigint"):
        Evaluator(spec)({"id": "one", "extra": 1})


def test_a_function_that_fails_is_named_with_what_it_was_given(spark, online, schema, prices):
    spec = planned(
        spark, schema, FeatureLookup(prices, "id"), twice(schema, input_bindings={"x": "price"})
    )
    with pytest.raises(FeatureError, match=r"twice' failed for \(x=None\): TypeError"):
        Evaluator(spec)({"id": 2})
    function(spark, f"{schema}.twice", "x DOUBLE", "DOUBLE", "return [x]")
    with pytest.raises(FeatureError, match=r"ValueError: \[10.0\] is no double"):
        Evaluator(spec)({"id": 1})
    spark.sql(f"DROP FUNCTION {schema}.twice")
    with pytest.raises(Exception, match="UNRESOLVED_ROUTINE"):
        Evaluator(spec)


def test_a_table_that_is_not_published_is_named_with_the_way_out(spark, online, schema):
    name = f"{schema}.hidden"
    tables.create(spark, name, "id", df=spark.createDataFrame([(1, 2)], "id long, v int"))
    spec = planned(spark, schema, FeatureLookup(name, "id"))
    with pytest.raises(FeatureError, match=f"'{name}' is not published .* publish_table"):
        Evaluator(spec)
    send(spark, online, name)
    evaluate = Evaluator(spec)
    publish.drop_online_table(name=name, online_store=online)
    with pytest.raises(FeatureError, match=f"'{name}' is not published"):
        evaluate({"id": 1})
    # Published again, in another store: it is found there.
    other = store.create_online_store(name="elsewhere", capacity="CU_1")
    send(spark, other, name)
    assert evaluate({"id": 1}) == {"id": 1, "v": 2}
    store.delete_online_store(name="elsewhere")


def test_new_values_are_served_as_soon_as_they_are_published(spark, online, schema, prices):
    evaluate = Evaluator(planned(spark, schema, FeatureLookup(prices, "id")))
    assert evaluate({"id": 1})["price"] == 10.0
    rows = spark.createDataFrame([(1, 11.0, "b")], "id long, price double, s string")
    for mode in ("TRIGGERED", "SNAPSHOT"):
        tables.put_rows(spark, prices, rows)
        assert evaluate({"id": 1})["price"] != rows.first().price
        send(spark, online, prices, mode)
        assert evaluate({"id": 1})["price"] == rows.first().price
        rows = rows.withColumn("price", F.col("price") + 1)


def test_a_feature_that_has_another_type_since_is_named(spark, online, schema, prices):
    evaluate = Evaluator(planned(spark, schema, FeatureLookup(prices, "id")))
    rows = spark.createDataFrame([(1, "dear")], "id long, price string")
    spark.sql(f"CREATE OR REPLACE TABLE {prices} (id BIGINT NOT NULL PRIMARY KEY, price STRING)")
    rows.write.insertInto(prices)
    send(spark, online, prices)
    with pytest.raises(FeatureError, match="is a string, and a double is asked for"):
        evaluate({"id": 1})


def test_a_look_back_is_counted_from_the_records_time_or_else_from_now(spark, online, schema):
    name = f"{schema}.ts"
    now = dt.datetime.now()
    rows = [(1, now - dt.timedelta(hours=1), 1), (2, now - dt.timedelta(hours=3), 2)]
    tables.create(
        spark, name, ["id", "at"],
        df=spark.createDataFrame(rows, "id long, at timestamp, v int"), time="at",
    )  # fmt: skip
    send(spark, online, name)
    look = FeatureLookup(
        name, "id", timestamp_lookup_key="at", lookback_window=dt.timedelta(hours=2)
    )
    evaluate = Evaluator(planned(spark, schema, look, columns="id long, at timestamp"))
    assert [evaluate({"id": i}).get("v") for i in (1, 2)] == [1, None]
    earlier = now - dt.timedelta(hours=1)
    assert [evaluate({"id": i, "at": earlier})["v"] for i in (1, 2)] == [1, 2]
    assert evaluate({"id": 1, "at": None})["v"] is None


PROGRAM = """
import sys
from lakebook.ml.feature_engineering import spec
from lakebook.ml.feature_engineering.online.lookup import Evaluator
with open(sys.argv[1]) as file:
    print(Evaluator(spec.from_yaml(file.read(), "it"))({"id": 1}))
from pyspark.sql import SparkSession
print(SparkSession.getActiveSession())
"""


def test_no_spark_session_is_needed(spark, online, schema, prices, tmp_path):
    from lakebook.ml.feature_engineering.spec import to_yaml

    spec = planned(
        spark, schema, FeatureLookup(prices, "id"), twice(schema, input_bindings={"x": "price"})
    )
    (tmp_path / "spec").write_text(to_yaml(spec))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "spec")],
        env={**os.environ, "JAVA_HOME": "/nowhere", "PATH": "/nowhere"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    expected = {"id": 1, "price": 10.0, "s": "a", f"{schema}.twice": 20.0}
    assert done.stdout == f"{expected}\nNone\n"
