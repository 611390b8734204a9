"""`UpgradeClient`: a copied table gets the keys, comments and tags of the workspace's."""

from __future__ import annotations

import datetime
import logging

import pytest

from lakebook.ml.feature_engineering import FeatureEngineeringClient, UpgradeClient
from lakebook.ml.feature_engineering.errors import FeatureError
from lakebook.ml.feature_engineering.legacy import FeatureStoreClient

WEEK = datetime.datetime(2026, 3, 2)


@pytest.fixture(scope="module")
def source(spark):
    """Return the name of a workspace table with all that an upgrade carries over."""
    spark.sql("CREATE DATABASE hive_metastore.gym_older")
    rows = [(1, WEEK, 5), (1, WEEK + datetime.timedelta(days=7), 6), (2, WEEK, 7)]
    frame = spark.createDataFrame(rows, "member int, week timestamp, visits int")
    name = "gym_older.activity"
    FeatureStoreClient().create_table(
        name,
        ["member", "week"],
        frame,
        timestamp_keys="week",
        description="What the gate counts; it's weekly",
        tags={"team": "gym"},
    )
    full = f"workspace_feature_store.{name}"
    spark.sql(f"ALTER TABLE {full} ALTER COLUMN visits COMMENT 'in four weeks'")
    spark.sql(f"ALTER TABLE {full} ALTER COLUMN visits SET TAGS ('kind' = 'count')")
    yield name
    spark.sql("DROP SCHEMA workspace_feature_store.gym_older CASCADE")
    spark.sql("DROP DATABASE hive_metastore.gym_older")


@pytest.fixture
def copied(spark, schema, source):
    """Return the name of a table of Unity Catalog that has the rows of the source, no more."""
    spark.createDataFrame(
        FeatureStoreClient().read_table(source).collect(),
        "member int, week timestamp, visits int",
    ).write.saveAsTable(f"{schema}.activity")
    return f"{schema}.activity"


def upgrade(source, target, **options):
    UpgradeClient().upgrade_workspace_table(
        source_workspace_table=source, target_uc_table=target, **options
    )


def comment(spark, table, column):
    rows = spark.sql(f"DESCRIBE TABLE {table}").collect()
    return next(row["comment"] for row in rows if row["col_name"] == column)


def tags_of(spark, table):
    catalog, schema, name = table.split(".")
    rows = spark.sql(
        f"SELECT column_name, tag_name, tag_value FROM {catalog}.information_schema.column_tags "
        f"WHERE schema_name = '{schema}' AND table_name = '{name}'"
    )
    return [tuple(row) for row in rows.collect()]


def test_keys_time_comments_and_tags_go_over_and_the_rows_are_left_alone(spark, source, copied):
    before = FeatureStoreClient().get_table(source)
    upgrade(source, copied)
    table = FeatureEngineeringClient().get_table(name=copied)
    assert table.primary_keys == ["member", "week"]
    assert table.timestamp_keys == ["week"]
    assert table.description == "What the gate counts; it's weekly"
    assert table.tags == {"team": "gym"}
    assert comment(spark, copied, "visits") == "in four weeks"
    assert tags_of(spark, copied) == [("visits", "kind", "count")]
    assert spark.table(copied).count() == 3
    assert FeatureStoreClient().get_table(source) == before


def test_a_table_upgraded_once_more_stays_as_it_is(source, copied):
    upgrade(source, copied)
    before = FeatureEngineeringClient().get_table(name=copied)
    upgrade(source, copied)
    assert FeatureEngineeringClient().get_table(name=copied) == before


def test_what_is_written_to_the_older_table_later_does_not_arrive(spark, source, copied):
    upgrade(source, copied)
    rows = spark.createDataFrame([(3, WEEK, 1)], "member int, week timestamp, visits int")
    older = FeatureStoreClient()
    older.write_table(source, rows)
    try:
        assert older.read_table(source).count() == 4
        assert spark.table(copied).count() == 3
    finally:
        spark.sql(f"DELETE FROM workspace_feature_store.{source} WHERE member = 3")


def test_without_copied_rows_it_says_how_to_copy_them(spark, schema, source):
    with pytest.raises(FeatureError, match="carries keys, comments and tags over, not rows") as e:
        upgrade(source, f"{schema}.activity")
    (copying,) = [part for part in str(e.value).split("first: ")[1:]]
    exec(copying, {"FeatureStoreClient": FeatureStoreClient})
    upgrade(source, f"{schema}.activity")
    assert FeatureEngineeringClient().get_table(name=f"{schema}.activity").timestamp_keys


def test_another_key_or_tag_stops_it_unless_overwritten(spark, source, copied):
    fe = FeatureEngineeringClient()
    spark.sql(f"DELETE FROM {copied} WHERE week > '2026-03-05'")
    spark.sql(f"ALTER TABLE {copied} ALTER COLUMN member SET NOT NULL")
    spark.sql(f"ALTER TABLE {copied} ADD CONSTRAINT own PRIMARY KEY (member)")
    spark.sql(f"ALTER TABLE {copied} SET TAGS ('team' = 'sales', 'own' = 'kept')")
    message = "its key is .*`member`.*; its tag 'team' is 'sales', not 'gym'.*overwrite=True"
    with pytest.raises(FeatureError, match=message):
        upgrade(source, copied)
    assert fe.get_table(name=copied).primary_keys == ["member"]
    upgrade(source, copied, overwrite=True)
    table = fe.get_table(name=copied)
    assert table.primary_keys == ["member", "week"]
    assert table.tags == {"own": "kept", "team": "gym"}


def test_comments_of_the_target_stay_and_that_is_logged(spark, source, copied, caplog):
    spark.sql(f"COMMENT ON TABLE {copied} IS 'Mine'")
    with caplog.at_level(logging.WARNING):
        upgrade(source, copied)
    assert "has comments of its own (the table), so none were carried over" in caplog.text
    assert FeatureEngineeringClient().get_table(name=copied).description == "Mine"
    assert comment(spark, copied, "visits") is None
    upgrade(source, copied, overwrite=True)
    table = FeatureEngineeringClient().get_table(name=copied)
    assert table.description == "What the gate counts; it's weekly"
    assert comment(spark, copied, "visits") == "in four weeks"


def test_rows_that_break_the_key_are_told_and_nothing_is_declared(spark, source, copied):
    spark.sql(f"INSERT INTO {copied} SELECT * FROM {copied} WHERE member = 2")
    with pytest.raises(FeatureError, match="more than one row for 1 key"):
        upgrade(source, copied)
    with pytest.raises(FeatureError, match="has no primary key"):
        FeatureEngineeringClient().get_table(name=copied)


@pytest.mark.parametrize(
    ("select", "message"),
    [
        ("member, week", "has no column 'visits'"),
        ("member, week, CAST(visits AS double) AS visits", "is a double, and that of .* a int"),
    ],
)
def test_a_copy_with_other_columns_is_refused_even_to_overwrite(
    spark, schema, source, select, message
):
    full = f"workspace_feature_store.{source}"
    spark.sql(f"CREATE TABLE {schema}.other AS SELECT {select} FROM {full}")
    with pytest.raises(FeatureError, match=message):
        upgrade(source, f"{schema}.other", overwrite=True)


@pytest.mark.parametrize(
    ("source_table", "target", "message"),
    [
        ("main.default.activity", "main.default.b", "is in Unity Catalog already"),
        ("gym_older.activty", "main.default.b", r"Did you mean 'gym_older\.activity'"),
        ("gym_older.activity", "gym.activity", "target_uc_table is 'gym.activity'; name a table"),
        ("gym_older.activity", "hive_metastore.a.b", "target_uc_table is 'hive_metastore.a.b'"),
    ],
)
def test_which_name_is_meant_is_checked(source, source_table, target, message):
    with pytest.raises(FeatureError, match=message):
        upgrade(source_table, target)


def test_arguments_are_given_by_name_and_another_workspace_is_refused(source):
    with pytest.raises(TypeError, match="positional"):
        UpgradeClient().upgrade_workspace_table(source, "main.default.b")
    with pytest.raises(FeatureError, match="cannot be reached"):
        UpgradeClient(feature_store_uri="databricks://other:one")
