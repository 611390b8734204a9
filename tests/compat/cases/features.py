"""Feature Engineering in Unity Catalog: tables, look-ups as of a time, models that score by key."""

from __future__ import annotations

from datetime import datetime, timedelta

from suite import Area, refused

DOCS = "https://docs.databricks.com/machine-learning/feature-store"
UC = f"{DOCS}/uc/feature-tables-uc.html"
AS_OF = f"{DOCS}/time-series.html"
TRAIN = f"{DOCS}/train-models-with-feature-store.html"
case = Area("Feature Engineering in Unity Catalog", UC)


def _client():
    from databricks.feature_engineering import FeatureEngineeringClient

    return FeatureEngineeringClient()


def _day(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 5, day, hour)


def _history(it, table="history"):
    """A time-series feature table of two machines; the second has a line of one day only."""
    rows = [(1, _day(1), 10.0), (1, _day(3), 30.0), (1, _day(20), 99.0), (2, _day(1), 7.0)]
    _client().create_table(
        name=it.name(table),
        primary_keys=["id", "at"],
        timeseries_columns="at",
        df=it.frame(rows, "id BIGINT, at TIMESTAMP, heat DOUBLE"),
    )
    return it.name(table)


def _heat(it, questions, **look_up):
    """The heat that each question, (machine, time), is given; in the order of the questions."""
    from databricks.feature_engineering import FeatureLookup

    rows = [(n, id, at, 0) for n, (id, at) in enumerate(questions)]
    wanted = FeatureLookup(_history(it), "id", timestamp_lookup_key="asked_at", **look_up)
    training = _client().create_training_set(
        df=it.frame(rows, "n INT, id BIGINT, asked_at TIMESTAMP, y INT"),
        feature_lookups=[wanted],
        label="y",
    )
    return [row["heat"] for row in training.load_df().orderBy("n").collect()]


@case("create_table", "A feature table is a Delta table with a primary key, made from a DataFrame.")
def a_feature_table_has_a_primary_key(it):
    made = _client().create_table(
        name=it.name(),
        primary_keys="id",
        df=it.frame([(1, "a")], "id BIGINT, kind STRING"),
        description="what they are",
    )
    assert (made.primary_keys, made.features) == (["id"], ["kind"])
    assert _client().get_table(name=it.name()).description == "what they are"
    shown = {r[0]: r[1] for r in it.sql(f"DESCRIBE EXTENDED {it.name()}").collect()}
    assert any("PRIMARY KEY" in f"{name} {value}" for name, value in shown.items())


@case("PRIMARY KEY", "Any table of the catalog with a primary key is a feature table.")
def a_table_made_in_sql_is_a_feature_table(it):
    it.sql("CREATE TABLE {s}.t (id BIGINT, kind STRING, CONSTRAINT one PRIMARY KEY (id))")
    assert _client().get_table(name=it.name()).primary_keys == ["id"]


@case("TIMESERIES", "A time among the keys, declared TIMESERIES, makes a time-series table.")
def a_time_among_the_keys_is_declared(it):
    it.sql("""CREATE TABLE {s}.t (id BIGINT, at TIMESTAMP, heat DOUBLE,
        CONSTRAINT one PRIMARY KEY (id, at TIMESERIES))""")
    found = _client().get_table(name=it.name())
    assert (found.primary_keys, found.timestamp_keys) == (["id", "at"], ["at"])


@case("write_table", "Rows are merged by the key: known ones are replaced, new ones are added.")
def written_rows_are_merged(it):
    schema = "id BIGINT, kind STRING"
    first = it.frame([(1, "a"), (2, "b")], schema)
    _client().create_table(name=it.name(), primary_keys="id", df=first)
    _client().write_table(name=it.name(), df=it.frame([(2, "B"), (3, "c")], schema))
    found = _client().read_table(name=it.name()).orderBy("id").collect()
    assert [tuple(row) for row in found] == [(1, "a"), (2, "B"), (3, "c")]


@case("mode='overwrite'", "With Unity Catalog, write_table knows the mode merge alone.")
def overwrite_is_refused(it):
    frame = it.frame([(1, "a")], "id BIGINT, kind STRING")
    _client().create_table(name=it.name(), primary_keys="id", df=frame)
    refused(
        lambda: _client().write_table(name=it.name(), df=frame, mode="overwrite"),
        "overwrite",
        "merge",
    )


@case("streaming", "write_table takes a streaming DataFrame, and returns its query.")
def a_stream_is_written(it):
    source = it.given(id=[1, 2], kind=["a", "b"])
    schema = "id BIGINT, kind STRING"
    _client().create_table(name=it.name(), primary_keys="id", schema=it.frame([], schema).schema)
    query = _client().write_table(
        name=it.name(),
        df=it.spark.readStream.format("delta").load(source),
        checkpoint_location=it.path("checkpoint"),
        trigger={"availableNow": True},
    )
    query.awaitTermination()
    assert _client().read_table(name=it.name()).count() == 2


@case(
    "timestamp_lookup_key",
    "The newest value at or before the time of the row is looked up, never a later one.",
    source=AS_OF,
)
def a_look_up_is_as_of_a_time(it):
    asked = [(1, _day(2, 23)), (1, _day(3)), (1, _day(19)), (1, _day(25)), (2, _day(25))]
    assert _heat(it, asked) == [10.0, 30.0, 30.0, 99.0, 7.0]


@case(
    "no value yet", "A row before the first value, or without its key, gets a null.", source=AS_OF
)
def without_a_value_there_is_a_null(it):
    assert _heat(it, [(1, datetime(2026, 4, 30)), (3, _day(9))]) == [None, None]


@case(
    "lookback_window",
    "A value older than the window is left out; the window includes its end.",
    source=AS_OF,
)
def an_old_value_is_left_out(it):
    asked = [(1, _day(5)), (1, _day(5, 1)), (2, _day(3)), (2, _day(4))]
    found = _heat(it, asked, lookback_window=timedelta(days=2))
    assert found == [30.0, None, 7.0, None]


@case(
    "several look-ups", "One training set looks up several tables by different keys.", source=TRAIN
)
def tables_are_looked_up_by_different_keys(it):
    from databricks.feature_engineering import FeatureLookup

    kinds = it.frame([("a", 1.5), ("b", 2.5)], "kind STRING, weight DOUBLE")
    _client().create_table(name=it.name("kinds"), primary_keys="kind", df=kinds)
    rows = [(1, _day(4), "b", 0), (2, _day(4), "c", 1)]
    training = _client().create_training_set(
        df=it.frame(rows, "id BIGINT, asked_at TIMESTAMP, of STRING, y INT"),
        feature_lookups=[
            FeatureLookup(_history(it), "id", timestamp_lookup_key="asked_at"),
            FeatureLookup(it.name("kinds"), "of", rename_outputs={"weight": "kg"}),
        ],
        label="y",
        exclude_columns=["asked_at", "of"],
    )
    found = training.load_df().orderBy("id")
    assert set(found.columns) == {"id", "y", "heat", "kg"}
    assert [(r["heat"], r["kg"]) for r in found.collect()] == [(30.0, 2.5), (7.0, None)]


@case(
    "FeatureFunction",
    "A Python function of the catalog computes a feature on demand.",
    source=f"{DOCS}/on-demand-features.html",
)
def a_function_computes_a_feature(it):
    from databricks.feature_engineering import FeatureFunction

    it.sql("""CREATE FUNCTION {s}.twice(x DOUBLE) RETURNS DOUBLE LANGUAGE PYTHON
        AS $$ return None if x is None else 2 * x $$""")
    training = _client().create_training_set(
        df=it.frame([(1, 1.5, 0), (2, None, 1)], "id BIGINT, amount DOUBLE, y INT"),
        feature_lookups=[
            FeatureFunction(
                udf_name=it.name("twice"), output_name="double", input_bindings={"x": "amount"}
            )
        ],
        label="y",
    )
    found = training.load_df().orderBy("id").collect()
    assert [row["double"] for row in found] == [3.0, None]


@case(
    "log_model, score_batch",
    "A model logged with its training set scores by key; columns that are given are not looked up.",
    source=TRAIN,
)
def a_model_scores_by_key(it):
    import mlflow
    import pandas as pd
    from databricks.feature_engineering import FeatureLookup
    from sklearn.linear_model import LinearRegression

    mlflow.set_registry_uri("databricks-uc")
    rows = it.frame([(1, _day(4), 60.0), (2, _day(4), 14.0)], "id BIGINT, at TIMESTAMP, y DOUBLE")
    training = _client().create_training_set(
        df=rows,
        feature_lookups=[FeatureLookup(_history(it), "id", timestamp_lookup_key="at")],
        label="y",
        exclude_columns=["id", "at"],
    )
    model = LinearRegression().fit(pd.DataFrame({"heat": [7.0, 30.0]}), [14.0, 60.0])
    mlflow.set_experiment("/Shared/compat")
    with mlflow.start_run():
        _client().log_model(
            model=model,
            artifact_path="model",
            flavor=mlflow.sklearn,
            training_set=training,
            registered_model_name=it.name("doubler"),
            pip_requirements=[],
        )

    def scored(frame):
        found = _client().score_batch(model_uri=f"models:/{it.name('doubler')}/1", df=frame)
        return [round(row["prediction"], 6) for row in found.orderBy("id").collect()]

    assert scored(rows.drop("y")) == [60.0, 14.0]
    given = it.frame([(1, _day(4), 5.0)], "id BIGINT, at TIMESTAMP, heat DOUBLE")
    assert scored(given) == [10.0]


@case(
    "publish_table",
    "An online table serves the newest row of a key, as of its last publishing.",
    source=f"{DOCS}/online-tables.html",
)
def a_published_table_is_served(it):
    import requests
    from databricks.feature_engineering import FeatureLookup
    from databricks.feature_engineering.entities.feature_serving_endpoint import (
        EndpointCoreConfig,
        ServedEntity,
    )

    store = f"store-{it.folder.name.replace('_', '-')}"
    _client().create_online_store(name=store, capacity="CU_1")
    table, published = _history(it), it.name("online")
    _client().publish_table(
        online_store=_client().get_online_store(name=store),
        source_table_name=table,
        online_table_name=published,
    )
    look_up = FeatureLookup(table, "id", timestamp_lookup_key="asked_at")
    _client().create_feature_spec(name=it.name("spec"), features=[look_up])
    entity = ServedEntity(feature_spec_name=it.name("spec"), workload_size="Small")
    endpoint = _client().create_feature_serving_endpoint(
        name=store, config=EndpointCoreConfig(served_entities=entity)
    )
    try:
        records = [{"id": 1, "asked_at": "2026-05-25T00:00:00"}, {"id": 3, "asked_at": None}]
        answer = requests.post(endpoint.url, json={"dataframe_records": records}, timeout=60)
        assert [row["heat"] for row in answer.json()["outputs"]] == [99.0, None], answer.text
    finally:
        _client().delete_feature_serving_endpoint(name=store)
        _client().delete_online_store(name=store)
