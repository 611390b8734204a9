"""Feature tables: made, written, read, described, dropped; and what is refused, by name."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
from pyspark.sql.types import StringType, StructField, StructType

from lakebook.errors import LakebookError
from lakebook.ml.feature_engineering import FeatureEngineeringClient
from lakebook.ml.feature_engineering.errors import FeatureError


@pytest.fixture
def fe():
    return FeatureEngineeringClient()


@pytest.fixture
def people(spark):
    return spark.createDataFrame(
        [(1, "Ada", 36.0), (2, "Bob", None)], "id int, name string, age double"
    )


def rows(frame):
    return sorted(tuple(row) for row in frame.collect())


def test_a_table_has_its_rows_its_key_and_what_was_said_of_it(spark, schema, fe, people):
    name = f"{schema}.people"
    made = fe.create_table(
        name=name, primary_keys="id", df=people, description="who", tags={"team": "growth"}
    )
    assert made == fe.get_table(name=name)
    assert (made.name, made.primary_keys, made.features) == (name, ["id"], ["name", "age"])
    assert (made.description, made.tags, made.timestamp_keys) == ("who", {"team": "growth"}, [])
    assert made.keys == ["id"] and made.creation_timestamp > 1.7e12
    assert rows(fe.read_table(name=name)) == [(1, "Ada", 36.0), (2, "Bob", None)]
    told = spark.sql(f"SHOW CREATE TABLE {name}").first()[0]
    assert re.search(r"(?i)\bid`? int not null", told) and "PRIMARY KEY (`id`)" in told, told
    with pytest.raises(LakebookError, match="TABLE_OR_VIEW_ALREADY_EXISTS"):
        fe.create_table(name=name, primary_keys="id", df=people)


def test_an_empty_table_of_a_schema_takes_rows_and_a_time_series_key(spark, schema, fe):
    name = f"{schema}.visits"
    shape = spark.createDataFrame([], "id int, at timestamp, page string").schema
    made = fe.create_table(
        name=name, primary_keys=["id", "at"], timeseries_column="at", schema=shape
    )
    assert (made.primary_keys, made.timestamp_keys) == (["id", "at"], ["at"])
    at = datetime(2026, 1, 1)
    fe.write_table(name=name, df=spark.createDataFrame([(1, at, "a")], shape))
    assert rows(fe.read_table(name=name)) == [(1, at, "a")]
    # The name of the argument in the documentation's own examples.
    fe.create_table(
        name=f"{schema}.more", primary_keys=["id", "at"], timeseries_columns="at", schema=shape
    )
    assert fe.get_table(name=f"{schema}.more").timestamp_keys == ["at"]


def test_any_table_with_a_primary_key_is_a_feature_table_and_another_is_not(spark, schema, fe):
    spark.sql(f"CREATE TABLE {schema}.plain (id INT NOT NULL, x DOUBLE)")
    with pytest.raises(FeatureError, match=r"plain' has no primary key.*ADD CONSTRAINT"):
        fe.get_table(name=f"{schema}.plain")
    with pytest.raises(FeatureError, match="has no primary key"):
        fe.drop_table(name=f"{schema}.plain")
    spark.sql(f"ALTER TABLE {schema}.plain ADD CONSTRAINT pk PRIMARY KEY (id)")
    assert fe.get_table(name=f"{schema}.plain").features == ["x"]
    with pytest.raises(LakebookError, match="TABLE_OR_VIEW_NOT_FOUND"):
        fe.get_table(name=f"{schema}.plane")


def test_writing_merges_by_key_adds_columns_and_leaves_the_others_alone(spark, schema, fe, people):
    name = f"{schema}.people"
    fe.create_table(name=name, primary_keys="id", df=people)
    news = spark.createDataFrame([(2, 41, 7), (3, 20, 8)], "ID int, age int, visits int")
    assert fe.write_table(name=name, df=news) is None
    assert spark.table(name).columns == ["id", "name", "age", "visits"]
    assert rows(fe.read_table(name=name)) == [
        (1, "Ada", 36.0, None),
        (2, "Bob", 41.0, 7),
        (3, None, 20.0, 8),
    ]


def test_rows_are_computed_once_and_a_frame_that_the_caller_has_cached_stays_cached(
    spark, schema, fe, people
):
    name = f"{schema}.people"
    fe.create_table(name=name, primary_keys="id", df=people)
    asked = spark.sparkContext.accumulator(0)

    def count(rows):
        for frame in rows:
            asked.add(len(frame))
            yield frame

    fe.write_table(name=name, df=people.mapInPandas(count, people.schema))
    assert asked.value == 2
    cached = people.filter("id < 2").cache()
    fe.write_table(name=name, df=cached)
    assert cached.storageLevel.useMemory
    cached.unpersist()


@pytest.mark.parametrize("mode", ["overwrite", "append", "MERGE", None])
def test_a_mode_other_than_merge_is_a_value_error_that_names_it(schema, fe, people, mode):
    name = f"{schema}.people"
    fe.create_table(name=name, primary_keys="id", df=people)
    with pytest.raises(ValueError, match=rf"mode is {mode!r}.*'merge' alone.*DELETE FROM {name}"):
        fe.write_table(name=name, df=people, mode=mode)


BAD_ROWS = {
    "no key column": ([("Ada",)], "name string", "has no key column 'id'"),
    "null keys": (
        [(None, "x"), (None, "y"), (3, "z")],
        "id int, name string",
        "no value for its key: 'id' in 2 rows",
    ),
    "doubled keys": (
        [(1, "x"), (1, "y"), (1, "z"), (2, "a"), (2, "b"), (3, "c")],
        "id int, name string",
        r"more than one row for 2 keys \(5 rows in all\), for example 3 for \(id=1\)",
    ),
    "another type": ([("1", "x")], "id string, name string", "'id' as string, and.*as int"),
    "a wider type": ([(1, "x")], "id bigint, name string", "'id' as bigint, and.*as int"),
    "a column twice": ([(1, "x", "y")], "id int, name string, NAME string", "two columns 'NAME'"),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_rows_that_do_not_fit_are_refused_with_counts_and_the_table_stays(
    spark, schema, fe, people, case
):
    name = f"{schema}.people"
    fe.create_table(name=name, primary_keys="id", df=people)
    data, shape, message = BAD_ROWS[case]
    with pytest.raises(FeatureError, match=message):
        fe.write_table(name=name, df=spark.createDataFrame(data, shape))
    assert rows(fe.read_table(name=name)) == rows(people)


@pytest.mark.parametrize("case", ["null keys", "doubled keys"])
def test_a_table_is_not_made_of_rows_without_a_key_of_their_own(spark, schema, fe, case):
    data, shape, message = BAD_ROWS[case]
    name = f"{schema}.people"
    with pytest.raises(FeatureError, match=message):
        fe.create_table(name=name, primary_keys="id", df=spark.createDataFrame(data, shape))
    assert spark.sql(f"SHOW TABLES IN {schema}").count() == 0
    fe.create_table(name=name, primary_keys="id", df=spark.createDataFrame([(1,)], "id int"))


BAD_TABLES = {
    "unknown key": (dict(primary_keys=["idd"]), "'idd'. Did you mean 'id'"),
    "time not among the keys": (
        dict(primary_keys=["id"], timeseries_column="at"),
        "'at' of .* is not among its primary keys",
    ),
    "time that is a text": (
        dict(primary_keys=["id", "name"], timeseries_column="name"),
        "'name' of .* is a string; it must be a timestamp",
    ),
    "nothing but time": (
        dict(primary_keys=["at"], timeseries_column="at"),
        "has no key but its time 'at'",
    ),
    "key with a fraction": (dict(primary_keys=["age"]), "'age' of .* is a double"),
    "partition of nothing": (
        dict(primary_keys=["id"], partition_columns="region"),
        "partitioned by a column it has not: 'region'",
    ),
    "argument of nobody": (dict(primary_keys=["id"], keys=["id"]), "does not know 'keys'"),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_a_table_that_cannot_be_is_refused_by_name(spark, schema, fe, case):
    arguments, message = BAD_TABLES[case]
    df = spark.createDataFrame([], "id int, at timestamp, name string, age double")
    with pytest.raises(FeatureError, match=message):
        fe.create_table(name=f"{schema}.t", df=df, **arguments)
    assert spark.sql(f"SHOW TABLES IN {schema}").count() == 0


def test_columns_come_from_a_frame_or_a_schema_that_agree(schema, fe, people):
    with pytest.raises(FeatureError, match="needs its columns"):
        fe.create_table(name=f"{schema}.t", primary_keys="id")
    other = StructType([StructField("id", StringType())])
    with pytest.raises(FeatureError, match=r"schema and df of table .* differ"):
        fe.create_table(name=f"{schema}.t", primary_keys="id", df=people, schema=other)
    fe.create_table(name=f"{schema}.t", primary_keys="id", df=people, schema=people.schema)


def test_a_dropped_table_is_gone_with_its_rows(spark, schema, fe, people):
    fe.create_table(name=f"{schema}.t", primary_keys="id", df=people)
    fe.drop_table(name=f"{schema}.t")
    assert spark.sql(f"SHOW TABLES IN {schema}").count() == 0
    with pytest.raises(LakebookError, match="TABLE_OR_VIEW_NOT_FOUND"):
        fe.read_table(name=f"{schema}.t")


def test_tags_are_set_changed_and_taken_away(schema, fe, people):
    name = f"{schema}.t"
    fe.create_table(name=name, primary_keys="id", df=people, tags={"a": "1", "b": "2"})
    fe.set_feature_table_tag(name=name, key="a", value="3")
    fe.delete_feature_table_tag(name=name, key="b")
    assert fe.get_table(name=name).tags == {"a": "3"}
    with pytest.raises(FeatureError, match=r"has no tag 'b'. Its tags: a"):
        fe.delete_feature_table_tag(name=name, key="b")


def test_a_stream_is_merged_and_goes_on_where_it_was(spark, schema, fe, people, tmp_path):
    name, source = f"{schema}.people", str(tmp_path / "in")
    fe.create_table(name=name, primary_keys="id", df=people)
    people.write.format("delta").save(source)

    def run():
        stream = spark.readStream.format("delta").load(source)
        query = fe.write_table(
            name=name,
            df=stream,
            checkpoint_location=str(tmp_path / "checkpoint"),
            trigger={"availableNow": True},
        )
        assert query.awaitTermination(60)
        return spark.sql(f"DESCRIBE HISTORY {name}").count()

    run()
    news = spark.createDataFrame([(2, "Bo", 5.0), (9, "Zoe", 1.0)], people.schema)
    news.write.format("delta").mode("append").save(source)
    before = run()
    assert rows(fe.read_table(name=name)) == [
        (1, "Ada", 36.0),
        (2, "Bo", 5.0),
        (9, "Zoe", 1.0),
    ]
    assert run() == before, "a restart with nothing new writes nothing"


def test_a_stream_without_the_key_or_with_a_strange_trigger_is_refused_before_it_starts(
    spark, schema, fe, people, tmp_path
):
    fe.create_table(name=f"{schema}.t", primary_keys="id", df=people)
    people.write.format("delta").save(str(tmp_path))
    stream = spark.readStream.format("delta").load(str(tmp_path))
    with pytest.raises(FeatureError, match="has no key column 'id'"):
        fe.write_table(name=f"{schema}.t", df=stream.drop("id"))
    with pytest.raises(FeatureError, match="trigger is '5 seconds'"):
        fe.write_table(name=f"{schema}.t", df=stream, trigger="5 seconds")


def test_who_may_not_change_a_table_cannot_write_features(spark, schema, fe, people):
    from lakebook.runtime import catalog

    name = f"{schema}.t"
    fe.create_table(name=name, primary_keys="id", df=people)
    spark.sql(f"GRANT USE SCHEMA, SELECT ON SCHEMA {schema} TO `eve@example.com`")
    with catalog.act_as("eve@example.com"):
        assert fe.read_table(name=name).count() == 2
        with pytest.raises(LakebookError, match="PERMISSION_DENIED"):
            fe.write_table(name=name, df=people)
        with pytest.raises(LakebookError, match="PERMISSION_DENIED"):
            fe.drop_table(name=name)
