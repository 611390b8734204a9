"""Training sets: what is looked up, under which name, and what is refused, by name."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from lakebook.errors import LakebookError
from lakebook.ml.feature_engineering import (
    FeatureEngineeringClient,
    FeatureFunction,
    FeatureLookup,
    spec,
)
from lakebook.ml.feature_engineering.errors import FeatureError

JAN = [datetime(2026, 1, day) for day in range(1, 11)]


@pytest.fixture
def fe():
    return FeatureEngineeringClient()


@pytest.fixture
def shop(spark, schema, fe):
    """A slow table, a time series, one with two keys, a function, and a frame of orders."""
    people = spark.createDataFrame([(1, "Ada", 3), (2, None, None)], "id int, name string, n int")
    fe.create_table(name=f"{schema}.people", primary_keys="id", df=people)
    weeks = spark.createDataFrame(
        [(1, JAN[0], 1.0), (1, JAN[4], None), (2, JAN[2], 3.0)], "id int, at timestamp, x double"
    )
    fe.create_table(
        name=f"{schema}.weeks", primary_keys=["id", "at"], timeseries_column="at", df=weeks
    )
    prices = spark.createDataFrame(
        [("de", "a", 1.5), ("fr", "a", 2.5)], "land string, item string, price double"
    )
    fe.create_table(name=f"{schema}.prices", primary_keys=["land", "item"], df=prices)
    spark.sql(
        f"CREATE FUNCTION {schema}.total(price DOUBLE, count DOUBLE DEFAULT 2) RETURNS DOUBLE "
        "LANGUAGE PYTHON AS $$\nreturn None if price is None else price * count\n$$"
    )
    orders = spark.createDataFrame(
        [
            (10, 1, JAN[3], JAN[0], "de", "a", 2, 0),
            (11, 1, JAN[6], JAN[1], "fr", "a", 1, 1),
            (12, 2, JAN[1], JAN[9], "fr", "b", 5, 0),
            (13, 7, JAN[9], JAN[9], None, "a", 4, 1),
        ],
        "no int, who int, ordered timestamp, paid timestamp, land string, item string, pieces int, "
        "bad int",
    )
    return schema, orders


def table(frame, *columns):
    return [tuple(row[c] for c in columns) for row in frame.orderBy("no").collect()]


def test_several_look_ups_by_other_keys_and_times_meet_in_one_training_set(fe, shop):
    schema, orders = shop
    made = fe.create_training_set(
        df=orders,
        feature_lookups=[
            FeatureLookup(f"{schema}.people", "who", rename_outputs={"n": "orders_before"}),
            FeatureLookup(f"{schema}.weeks", "who", timestamp_lookup_key="ordered"),
            FeatureLookup(
                f"{schema}.weeks",
                "who",
                timestamp_lookup_key="paid",
                rename_outputs={"x": "x_paid"},
                lookback_window=timedelta(days=5),
            ),
            FeatureLookup(f"{schema}.prices", ["land", "item"], default_values={"price": 9}),
            FeatureFunction(
                udf_name=f"{schema}.total",
                input_bindings={"count": "pieces"},
                output_name="total",
            ),
        ],
        label="bad",
        exclude_columns=["who"],
    )
    found = made.load_df()
    assert found.columns == made.get_output_columns()
    told = "no ordered paid land item pieces bad name orders_before x x_paid price total"
    assert found.columns == told.split()
    assert table(found, "name", "orders_before", "x", "x_paid", "price", "total", "bad") == [
        ("Ada", 3, 1.0, 1.0, 1.5, 3.0, 0),
        ("Ada", 3, None, 1.0, 2.5, 2.5, 1),
        (None, None, None, None, 9.0, 45.0, 0),
        (None, None, None, None, 9.0, 36.0, 1),
    ]


def test_look_ups_in_the_same_place_are_one_join(fe, shop):
    schema, orders = shop
    lookups = [
        FeatureLookup(f"{schema}.people", "who", feature_names=name) for name in ("name", "n")
    ]
    found = fe.create_training_set(df=orders, feature_lookups=lookups, label=None).load_df()
    plan = found._jdf.queryExecution().optimizedPlan().toString()
    assert plan.count("Join") == 1
    assert found.columns[-2:] == ["name", "n"]


def test_a_function_takes_columns_of_its_parameters_names_and_its_defaults(fe, shop):
    schema, orders = shop
    lookups = [
        FeatureLookup(f"{schema}.prices", ["land", "item"]),
        FeatureFunction(udf_name=f"{schema.upper()}.TOTAL"),
    ]
    found = fe.create_training_set(df=orders, feature_lookups=lookups, label="bad").load_df()
    assert found.columns[-1] == f"{schema}.total"
    assert [row[-1] for row in found.orderBy("no").collect()] == [3.0, 5.0, None, None]


def test_a_parameter_in_the_middle_may_be_left_to_its_default(spark, fe, shop):
    schema, orders = shop
    spark.sql(
        f"CREATE FUNCTION {schema}.bill(pieces INT, each INT DEFAULT 10, no INT DEFAULT 0) "
        "RETURNS INT LANGUAGE PYTHON AS $$\nreturn pieces * each + no\n$$"
    )
    bill = FeatureFunction(udf_name=f"{schema}.bill", output_name="bill")
    found = fe.create_training_set(df=orders, feature_lookups=[bill], label="bad").load_df()
    assert table(found, "bill") == [(30,), (21,), (62,), (53,)]


def test_a_specification_is_the_same_after_it_was_written(fe, shop):
    schema, orders = shop
    lookup = FeatureLookup(
        f"{schema}.weeks",
        "who",
        timestamp_lookup_key="paid",
        lookback_window=timedelta(days=1, microseconds=3),
        default_values={"x": 0},
    )
    function = FeatureFunction(udf_name=f"{schema}.total", input_bindings={"price": "x"})
    made = fe.create_training_set(df=orders, feature_lookups=[lookup, function], label="bad").spec
    assert spec.from_yaml(spec.to_yaml(made), "here") == made
    values = [Decimal("1.10"), JAN[0], JAN[0].date(), b"\x00\xff", [1, Decimal(2)], {"a": JAN[0]}]
    for value in values:
        feature = spec.Feature("f", "f", "string", value)
        one = spec.Lookup("t", "1", (("a", "b"),), (feature,))
        whole = spec.Spec((), (one,), ())
        assert spec.from_yaml(spec.to_yaml(whole), "here") == whole


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "here is not a feature specification"),
        ("a: [", "here is not a feature specification"),
        ("format_version: 1", "here is not a feature specification.*given"),
        ("format_version: 9", "here has format 9.*update"),
    ],
)
def test_a_damaged_or_newer_specification_is_refused(text, message):
    with pytest.raises(FeatureError, match=message):
        spec.from_yaml(text, "here")


def test_a_key_that_others_have_doubled_is_refused_with_its_count(spark, fe, shop):
    schema, orders = shop
    spark.sql(f"INSERT INTO {schema}.people VALUES (1, 'Eve', 1)")
    made = fe.create_training_set(
        df=orders, feature_lookups=[FeatureLookup(f"{schema}.people", "who")], label="bad"
    )
    with pytest.raises(FeatureError, match=r"people' has more than one row for 1 key \(2 rows"):
        made.load_df()
    spark.sql(f"DELETE FROM {schema}.people WHERE name = 'Eve'")
    assert made.load_df().count() == 4


def lookup(**arguments):
    return lambda schema: FeatureLookup(f"{schema}.people", **({"lookup_key": "who"} | arguments))


def weeks(**arguments):
    return lambda schema: FeatureLookup(f"{schema}.weeks", **({"lookup_key": "who"} | arguments))


def total(**bound):
    return lambda schema: FeatureFunction(udf_name=f"{schema}.total", input_bindings=bound)


REFUSED = {
    "key column missing": (lookup(lookup_key="id"), "needs a column that df has not: 'id'"),
    "key of another type": (lookup(lookup_key="land"), "'land' of df is a string.*'id' of.*a int"),
    "label as key": (lookup(lookup_key="bad"), "keyed by 'bad', which is the label"),
    "too many keys": (lookup(lookup_key=["who", "no"]), r"has 2 columns.*the key \['id'\]"),
    "time among the keys": (
        weeks(lookup_key=["who", "ordered"]),
        "time 'at' is no part of lookup_key.*timestamp_lookup_key",
    ),
    "time not said": (weeks(), "is a time-series table.*timestamp_lookup_key="),
    "time of a table without": (
        lookup(timestamp_lookup_key="ordered"),
        "has no time-series column.*'ordered'",
    ),
    "time that is none": (weeks(timestamp_lookup_key="no"), "'no' of df is a int.*is a timestamp"),
    "unknown feature": (lookup(feature_names=["nam"]), "no feature 'nam'. Did you mean 'name'"),
    "key as feature": (lookup(feature_names=["id"]), "'id' is part of the key"),
    "no feature": (lookup(feature_names=[]), "feature_names .* is empty"),
    "label among features": (
        lookup(rename_outputs={"n": "bad"}),
        "called 'bad' like the label: a model that sees it knows the answer",
    ),
    "name taken": (lookup(rename_outputs={"n": "PIECES"}), "called 'PIECES', and there is"),
    "rename of nothing": (lookup(rename_outputs={"m": "k"}), "renames 'm', which is not looked up"),
    "default of nothing": (lookup(default_values={"m": 1}), "no feature to stand in for: 'm'"),
    "default of another type": (lookup(default_values={"n": "x"}), "default of 'n' is 'x'.*a int"),
    "unknown function": (
        lambda schema: FeatureFunction(udf_name=f"{schema}.totals"),
        "UNRESOLVED_ROUTINE.*Did you mean `total`",
    ),
    "unknown parameter": (total(pric="pieces"), "has no parameter 'pric'. Did you mean 'price'"),
    "nothing bound": (total(), "nothing is given for parameter 'price'"),
    "label bound": (total(price="bad"), "takes 'bad', which is the label"),
    "type of parameter": (total(price="land"), "is a double, and column 'land' is a string"),
    "neither": (lambda schema: "people", "neither a FeatureLookup nor a FeatureFunction"),
}


def test_what_does_not_fit_is_refused_by_name(fe, shop):
    """In one test, for making the tables takes longer than all of it."""
    schema, orders = shop
    for case, (make, message) in REFUSED.items():
        with pytest.raises(LakebookError, match=message):
            fe.create_training_set(df=orders, feature_lookups=[make(schema)], label="bad")
            pytest.fail(f"{case}: nothing was refused")


def test_a_function_in_sql_cannot_be_served_and_is_refused(spark, fe, shop):
    schema, orders = shop
    spark.sql(f"CREATE FUNCTION {schema}.twice(x INT) RETURNS INT RETURN 2 * x")
    one = FeatureFunction(udf_name=f"{schema}.twice", input_bindings={"x": "pieces"})
    with pytest.raises(FeatureError, match=r"written in SQL.*LANGUAGE PYTHON"):
        fe.create_training_set(df=orders, feature_lookups=[one], label="bad")


def test_arguments_that_contradict_each_other_are_refused(fe, shop):
    schema, orders = shop
    one = [FeatureLookup(f"{schema}.people", "who")]
    with pytest.raises(FeatureError, match=r"exactly one of .* none of them is given"):
        fe.create_training_set(df=orders, label="bad")
    with pytest.raises(FeatureError, match=r"exactly one of .* 2 of them is given"):
        fe.create_training_set(df=orders, feature_lookups=one, feature_spec="x", label="bad")
    with pytest.raises(TypeError, match="label"):
        fe.create_training_set(df=orders, feature_lookups=one)
    with pytest.raises(FeatureError, match=r"no column for the label 'badd'. Did you mean 'bad'"):
        fe.create_training_set(df=orders, feature_lookups=one, label="badd")
    with pytest.raises(FeatureError, match=r"exclude_columns names no column.*'whom'"):
        fe.create_training_set(
            df=orders, feature_lookups=one, label="bad", exclude_columns=["whom"]
        )
    with pytest.raises(FeatureError, match="'bad' is the label"):
        fe.create_training_set(df=orders, feature_lookups=one, label="bad", exclude_columns=["bad"])
    for wrong in (
        dict(lookback_window=7, timestamp_lookup_key="t"),
        dict(lookback_window=timedelta(1)),
    ):
        with pytest.raises(FeatureError, match="lookback_window"):
            FeatureLookup("a.b.c", "k", **wrong)
    with pytest.raises(FeatureError, match="which is negative"):
        FeatureLookup("a.b.c", "k", timestamp_lookup_key="t", lookback_window=timedelta(-1))
