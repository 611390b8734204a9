"""`FeatureStoreClient`: notebooks for the older workspace feature store run as they were."""

from __future__ import annotations

import datetime
import warnings

import pytest

from lakebook.ml.feature_engineering import FeatureEngineeringClient, FeatureLookup
from lakebook.ml.feature_engineering.errors import FeatureError
from lakebook.ml.feature_engineering.legacy import FeatureStoreClient
from lakebook.ml.feature_engineering.online_store_spec import AmazonDynamoDBSpec, AzureMySqlSpec

DAY = datetime.datetime(2026, 3, 2)


@pytest.fixture
def client():
    return FeatureStoreClient()


@pytest.fixture
def database(spark, request):
    """Return the name of an empty database of the workspace, which goes with the test."""
    name = "w_" + "".join(c for c in request.node.name if c.isalnum())[:40].lower()
    spark.sql(f"CREATE DATABASE hive_metastore.{name}")
    yield name
    spark.sql(f"DROP DATABASE hive_metastore.{name}")
    spark.sql("CREATE CATALOG IF NOT EXISTS workspace_feature_store")
    spark.sql(f"DROP SCHEMA IF EXISTS workspace_feature_store.{name} CASCADE")


def members(spark, *rows):
    return spark.createDataFrame(list(rows), "member int, visits int")


def contents(frame):
    return sorted(tuple(row) for row in frame.collect())


def test_a_table_is_made_read_and_dropped_by_its_name_of_two_levels(client, spark, database):
    name = f"{database}.members"
    made = client.create_table(
        name, "member", members(spark, (1, 5)), description="Visits", tags={"team": "gym"}
    )
    assert (made.name, made.primary_keys, made.features) == (name, ["member"], ["visits"])
    assert (made.description, made.tags) == ("Visits", {"team": "gym"})
    assert contents(client.read_table(name)) == [(1, 5)]
    assert client.get_table(f"hive_metastore.{name}") == client.get_table(name.upper())
    client.drop_table(name)
    with pytest.raises(FeatureError, match=f"no feature table '{name}' in the workspace"):
        client.read_table(name)


def test_a_table_outlives_the_session_and_sql_reads_it(client, spark, database):
    client.create_table(f"{database}.members", "member", members(spark, (1, 5)))
    another = spark.newSession()
    found = another.sql(f"SELECT visits FROM workspace_feature_store.{database}.members")
    assert [row.visits for row in found.collect()] == [5]


def test_the_new_client_does_not_find_it_by_two_levels(client, spark, database):
    client.create_table(f"{database}.members", "member", members(spark, (1, 5)))
    with pytest.raises(Exception, match="SCHEMA_NOT_FOUND"):
        FeatureEngineeringClient().get_table(name=f"{database}.members")


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"timestamp_keys": ["week"]}, "the older client's word; .* timeseries_column"),
        ({"timeseries_column": ["week"]}, r"is \['week'\]; give the name of a column"),
    ],
)
def test_an_older_argument_is_answered_with_todays(spark, schema, argument, message):
    frame = spark.createDataFrame([(1, DAY, 5)], "member int, week timestamp, visits int")
    with pytest.raises(FeatureError, match=message):
        FeatureEngineeringClient().create_table(
            name=f"{schema}.a", primary_keys=["member", "week"], df=frame, **argument
        )


def test_a_name_of_three_levels_is_a_table_of_unity_catalog(client, spark, schema):
    made = client.create_table(f"{schema}.members", "member", members(spark, (1, 5)))
    assert made.name == f"{schema}.members"
    found = FeatureEngineeringClient().read_table(name=f"{schema}.members")
    assert contents(found) == [(1, 5)]


def test_merge_updates_and_inserts_and_overwrite_replaces(client, spark, database):
    name = f"{database}.members"
    client.create_table(name, "member", members(spark, (1, 5), (2, 6)))
    client.write_table(name, members(spark, (2, 7), (3, 8)))
    assert contents(client.read_table(name)) == [(1, 5), (2, 7), (3, 8)]
    client.write_table(name, members(spark, (9, 1)), "overwrite")
    assert contents(client.read_table(name)) == [(9, 1)]
    assert client.get_table(name).primary_keys == ["member"]


def test_a_stream_is_merged_and_cannot_overwrite(client, spark, database, tmp_path):
    name = f"{database}.members"
    client.create_table(name, "member", members(spark, (1, 5)))
    members(spark, (1, 6), (2, 7)).write.parquet(str(tmp_path / "in"))
    stream = spark.readStream.schema("member int, visits int").parquet(str(tmp_path / "in"))
    with pytest.raises(FeatureError, match="'overwrite', and write_table knows 'merge' alone"):
        client.write_table(name, stream, "overwrite")
    query = client.write_table(
        name, stream, checkpoint_location=str(tmp_path / "state"), trigger={"availableNow": True}
    )
    query.awaitTermination()
    assert contents(client.read_table(name)) == [(1, 6), (2, 7)]


@pytest.mark.parametrize("mode", ["append", "MERGE"])
def test_other_modes_are_refused_by_name(client, spark, database, mode):
    client.create_table(f"{database}.members", "member", members(spark, (1, 5)))
    with pytest.raises(ValueError, match=f"mode is '{mode}', .* knows 'merge' and 'overwrite'"):
        client.write_table(f"{database}.members", members(spark, (2, 6)), mode)


def test_a_timestamp_key_gives_the_last_value_before(client, spark, database):
    name = f"{database}.activity"
    rows = [(1, DAY, 5), (1, DAY + datetime.timedelta(days=7), 9)]
    frame = spark.createDataFrame(rows, "member int, week timestamp, visits int")
    made = client.create_table(name, ["member", "week"], frame, timestamp_keys=["week"])
    assert (made.primary_keys, made.timestamp_keys) == (["member", "week"], ["week"])
    asked = spark.createDataFrame(
        [(1, DAY + datetime.timedelta(days=1), 0.0)], "who int, at timestamp, left double"
    )
    lookup = FeatureLookup(name, "who", timestamp_lookup_key="at")
    found = client.create_training_set(asked, [lookup], "left").load_df()
    assert [row.visits for row in found.collect()] == [5]
    assert lookup.table_name == name


def test_a_timestamp_key_outside_the_primary_keys_is_added_with_a_warning(client, spark, database):
    frame = spark.createDataFrame([(1, DAY, 5)], "member int, week timestamp, visits int")
    with pytest.warns(DeprecationWarning, match=r"primary_keys=\['member', 'week'\]") as told:
        made = client.create_table(f"{database}.a", "member", frame, timestamp_keys="week")
    assert made.primary_keys == ["member", "week"]
    assert told[0].filename == __file__
    with pytest.raises(FeatureError, match="a table has one timestamp key"):
        client.create_table(f"{database}.b", "member", frame, timestamp_keys=["week", "visits"])


def test_the_oldest_names_work_and_say_todays(client, spark, database):
    name = f"{database}.members"
    with pytest.warns(DeprecationWarning, match=r"use create_table\(name, primary_keys, df\)") as w:
        client.create_feature_table(name, keys="member", features_df=members(spark, (1, 5)))
    with pytest.warns(DeprecationWarning, match=r"use get_table\(name\)"):
        found = client.get_feature_table(name)
    assert found.keys == ["member"]
    assert w[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        client.get_table(name)


def test_a_delta_table_that_is_there_is_registered_after_its_keys_are_checked(
    client, spark, database
):
    client.create_table(f"{database}.first", "member", members(spark, (1, 5)))
    place = f"workspace_feature_store.{database}"
    members(spark, (1, 5), (1, 6)).write.saveAsTable(f"{place}.doubled")
    members(spark, (1, 5), (None, 6)).write.saveAsTable(f"{place}.missing")
    members(spark, (1, 5), (2, 6)).write.saveAsTable(f"{place}.good")
    for name, message in (("doubled", "more than one row for 1 key"), ("missing", "no value")):
        with pytest.raises(FeatureError, match=message):
            client.register_table(delta_table=f"{database}.{name}", primary_keys="member")
        with pytest.raises(FeatureError, match="has no primary key"):
            client.get_table(f"{database}.{name}")
    made = client.register_table(
        delta_table=f"{database}.good",
        primary_keys=["member"],
        description="It's good",
        tags={"a": "b"},
    )
    assert (made.primary_keys, made.description, made.tags) == (
        ["member"],
        "It's good",
        {"a": "b"},
    )
    with pytest.raises(FeatureError, match="has another key already"):
        client.register_table(delta_table=f"{database}.good", primary_keys=["visits"])


def test_tags_are_set_and_taken_by_the_table_name(client, spark, database):
    name = f"{database}.members"
    client.create_table(name, "member", members(spark, (1, 5)))
    client.set_feature_table_tag(table_name=name, key="team", value="gym")
    assert client.get_table(name).tags == {"team": "gym"}
    client.delete_feature_table_tag(table_name=name, key="team")
    assert client.get_table(name).tags == {}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("members", "'members' is no name of a feature table; .* database.table"),
        ("nowhere.members", "database 'nowhere' does not exist; make it first: .*CREATE DATABASE"),
        ("gym.new-members", "'new-members' in 'gym.new-members' is not valid"),
        ("", "'' is no name"),
        (None, "None is no name"),
    ],
)
def test_names_are_checked(client, spark, name, message):
    with pytest.raises(FeatureError, match=message):
        client.create_table(name, "member", members(spark, (1, 5)))


def test_a_misspelt_table_is_answered_with_the_nearest(client, spark, database):
    client.create_table(f"{database}.members", "member", members(spark, (1, 5)))
    with pytest.raises(FeatureError, match=rf"Did you mean '{database}\.members'"):
        client.get_table(f"{database}.member")


@pytest.mark.parametrize(
    ("store", "product"),
    [
        (AmazonDynamoDBSpec(region="eu-central-1", secret_access_key="s3cret"), "Amazon DynamoDB"),
        (AzureMySqlSpec("host", 3306, "me", "s3cret"), "Azure Database for MySQL"),
    ],
)
def test_publishing_to_third_parties_is_refused_with_todays_way(client, store, product):
    with pytest.raises(FeatureError, match=rf"{product} .*create_online_store.*UpgradeClient"):
        client.publish_table("gym.members", store)
    with pytest.raises(FeatureError, match=product):
        client.drop_online_table("gym.members", online_store=store)
    assert "s3cret" not in repr(vars(store)) + repr(store)


def test_another_workspace_cannot_be_reached():
    with pytest.raises(FeatureError, match="'databricks://other:one'"):
        FeatureStoreClient(feature_store_uri="databricks://other:one")


def test_a_model_goes_to_the_workspace_registry_and_scores_by_keys_alone(client, spark, database):
    import mlflow
    from sklearn.linear_model import LinearRegression

    name = f"{database}.members"
    client.create_table(name, "member", members(spark, (1, 1), (2, 2), (3, 3)))
    spine = spark.createDataFrame([(1, 10.0), (2, 20.0), (3, 30.0)], "member int, spent double")
    found = client.create_training_set(spine, [FeatureLookup(name, "member")], "spent", ["member"])
    rows = found.load_df().toPandas()
    model = LinearRegression().fit(rows[["visits"]], rows["spent"])
    client.log_model(
        model,
        "model",
        flavor=mlflow.sklearn,
        training_set=found,
        registered_model_name="spending",
    )
    assert mlflow.get_registry_uri() == "databricks-uc"
    registry = mlflow.MlflowClient(registry_uri="databricks")
    assert [int(v.version) for v in registry.search_model_versions("name='spending'")] == [1]
    keys = spark.createDataFrame([(3,)], "member int")
    (scored,) = client.score_batch("models:/spending/1", keys).collect()
    assert (scored.visits, round(scored.prediction, 6)) == (3, 30.0)
    assert [used.columns for used in client.get_table(name).models] == [("visits",)]
