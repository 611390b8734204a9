"""Feature specs: features under a name of the catalog."""

from __future__ import annotations

import datetime as dt

import pytest

from lakebook.ml.feature_engineering import (
    FeatureEngineeringClient,
    FeatureFunction,
    FeatureLookup,
    specs,
    tables,
)
from lakebook.ml.feature_engineering.errors import FeatureError
from lakebook.runtime import catalog


@pytest.fixture
def features(spark, schema):
    """Return look-ups in two tables, one by time, and a function of both and of a new input."""
    rows = spark.createDataFrame([(1, 10.0, "a")], "id long, price double, s string")
    tables.create(spark, f"{schema}.prices", "id", df=rows)
    times = spark.createDataFrame([(1, dt.datetime(2026, 1, 1), 5)], "id long, at timestamp, n int")
    tables.create(spark, f"{schema}.visits", ["id", "at"], df=times, time="at")
    spark.sql(
        f"CREATE FUNCTION {schema}.worth(price DOUBLE, n INT, share DOUBLE, plus INT DEFAULT 1) "
        "RETURNS DOUBLE LANGUAGE PYTHON AS $$\nreturn price * n * share + plus\n$$"
    )
    return [
        FeatureLookup(
            f"{schema}.prices",
            "customer",
            feature_names="price",
            rename_outputs={"price": "paid"},
            default_values={"paid": 0.0},
        ),
        FeatureLookup(
            f"{schema}.visits",
            ["customer"],
            timestamp_lookup_key="when",
            lookback_window=dt.timedelta(days=7),
        ),
        FeatureFunction(
            udf_name=f"{schema}.worth", input_bindings={"price": "paid"}, output_name="worth"
        ),
    ]


def test_a_spec_knows_what_has_to_be_given(spark, schema, features):
    made = specs.create_feature_spec(
        spark, name=f"{schema}.spec", features=features, exclude_columns=["n"]
    )
    assert (made.name, made.exclude_columns, made.owner) == (f"{schema}.spec", ["n"], made.creator)
    spec = specs.require(f"{schema}.spec")
    given = {column.name: column.type for column in spec.given}
    assert given == {"customer": "bigint", "when": "timestamp", "share": "double"}
    shown = [column.name for column in spec.columns()]
    assert shown == ["customer", "when", "share", "paid", "worth"]


def test_the_features_of_a_spec_are_those_it_was_made_of(spark, schema, features):
    specs.create_feature_spec(spark, name=f"{schema}.spec", features=features)
    found, excluded = specs.features_of(spark, f"{schema}.spec")
    specs.create_feature_spec(
        spark, name=f"{schema}.again", features=found, exclude_columns=excluded
    )
    assert specs.require(f"{schema}.again") == specs.require(f"{schema}.spec")


def test_a_training_set_is_made_from_a_spec(spark, schema, features):
    specs.create_feature_spec(
        spark, name=f"{schema}.spec", features=features, exclude_columns=["when"]
    )
    rows = [(1, dt.datetime(2026, 1, 2), 0.5, 1), (2, dt.datetime(2026, 1, 2), 0.5, 0)]
    frame = spark.createDataFrame(rows, "customer long, when timestamp, share double, y int")
    made = FeatureEngineeringClient().create_training_set(
        df=frame.filter("customer = 1"), feature_spec=f"{schema}.spec", label="y"
    )
    (row,) = made.load_df().collect()
    expected = {"customer": 1, "share": 0.5, "y": 1, "paid": 10.0, "n": 5, "worth": 26.0}
    assert row.asDict() == expected


def test_a_spec_gets_another_owner_and_is_deleted(spark, schema, features):
    name = f"{schema}.spec"
    specs.create_feature_spec(spark, name=name, features=features)
    with catalog.act_as("stranger"):
        for change in (
            lambda: specs.update_feature_spec(spark, name=name, owner="stranger"),
            lambda: specs.delete_feature_spec(spark, name=name),
            lambda: specs.require(name),
        ):
            with pytest.raises(Exception, match="PERMISSION_DENIED"):
                change()
    specs.update_feature_spec(spark, name=name, owner="somebody")
    assert specs.info(name).owner == "somebody"
    specs.delete_feature_spec(spark, name=name)
    with pytest.raises(FeatureError, match=f"no feature spec '{name}'"):
        specs.require(name)


def test_a_schema_with_a_spec_is_not_empty_and_takes_it_along(spark, schema, features):
    inner = f"{schema}x"
    spark.sql(f"CREATE SCHEMA {inner}")
    specs.create_feature_spec(spark, name=f"{inner}.spec", features=features)
    with pytest.raises(Exception, match="SCHEMA_NOT_EMPTY"):
        spark.sql(f"DROP SCHEMA {inner}")
    assert spark.sql(f"SHOW TABLES IN {inner}").collect() == []
    assert spark.sql(f"SHOW USER FUNCTIONS IN {inner}").collect() == []
    spark.sql(f"DROP SCHEMA {inner} CASCADE")
    spark.sql(f"CREATE SCHEMA {inner}")
    with pytest.raises(FeatureError, match="no feature spec"):
        specs.require(f"{inner}.spec")
    spark.sql(f"DROP SCHEMA {inner}")


def test_what_does_not_fit_is_refused_and_told(spark, schema, features):
    def refused(message, **more):
        given = {"name": f"{schema}.spec", "features": features, **more}
        with pytest.raises(FeatureError, match=message):
            specs.create_feature_spec(spark, **given)

    refused("has no features", features=[])
    refused("is no feature spec; give its name", name="")
    refused("neither a FeatureLookup nor a FeatureFunction", features=["price"])
    refused("there is a function", name=f"{schema}.worth")
    refused("exclude_columns names no column", exclude_columns=["nothing"])
    refused("has the key", features=[FeatureLookup(f"{schema}.prices", ["a", "b"])])
    specs.create_feature_spec(spark, name=f"{schema}.spec", features=features)
    refused("there is a feature spec")
    with pytest.raises(FeatureError, match=f"Did you mean '{schema}.spec'"):
        specs.info(f"{schema}.spek")
    with pytest.raises(FeatureError, match="owner of feature spec"):
        specs.update_feature_spec(spark, name=f"{schema}.spec", owner="")
