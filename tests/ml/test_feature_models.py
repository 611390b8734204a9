"""Models with their features: logged, found again, and applied to keys."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import warnings
from datetime import date
from pathlib import Path

import mlflow
import mlflow.sklearn
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.types import ColSpec, Schema
from sklearn.ensemble import RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from lakebook.ml.feature_engineering import lineage, packaging, scoring, spec
from lakebook.ml.feature_engineering.errors import FeatureError
from lakebook.ml.feature_engineering.lookups import FeatureFunction, FeatureLookup
from lakebook.ml.feature_engineering.training_set import TrainingSet, plan

SPINE = "customer bigint, day date, asked double, bought double"
ROWS = [
    (customer, date(2026, 1, day), float(day % 3), float(customer * 10 + day))
    for customer in (1, 2, 3)
    for day in (2, 5, 9)
]


@pytest.fixture(scope="module")
def shop(spark):
    """Return a schema with customers (keys 1 to 3, one of them without visits) and their sums."""
    name = "main.t_feature_models"
    spark.sql(f"CREATE SCHEMA {name}")
    _customers(spark, name)
    spark.sql(
        f"CREATE TABLE {name}.sums (customer BIGINT NOT NULL, day DATE NOT NULL, total DOUBLE, "
        "CONSTRAINT sums_pk PRIMARY KEY (customer, day TIMESERIES))"
    )
    spark.sql(
        f"INSERT INTO {name}.sums VALUES (1, DATE'2026-01-01', 1.0), (1, DATE'2026-01-04', 4.0), "
        "(2, DATE'2026-01-01', 2.0), (3, DATE'2026-01-08', 8.0)"
    )
    yield name
    spark.sql(f"DROP SCHEMA {name} CASCADE")


def _customers(spark, schema: str, columns: str = "age INT, visits BIGINT, size DECIMAL(6, 2)"):
    spark.sql(
        f"CREATE OR REPLACE TABLE {schema}.customers (customer BIGINT NOT NULL, {columns}, "
        "CONSTRAINT customers_pk PRIMARY KEY (customer))"
    )
    if columns.startswith("age INT, visits BIGINT, size"):
        spark.sql(
            f"INSERT INTO {schema}.customers VALUES (1, 31, 5, 1.25), (2, 42, NULL, 2.5), "
            "(3, 53, 9, 4.75)"
        )


def lookups(shop: str) -> list[FeatureLookup]:
    return [
        FeatureLookup(f"{shop}.customers", "customer", default_values={"age": 40}),
        FeatureLookup(
            f"{shop}.sums",
            "customer",
            timestamp_lookup_key="day",
            rename_outputs={"total": "spent"},
        ),
    ]


@pytest.fixture(scope="module")
def training(spark, shop):
    df = spark.createDataFrame(ROWS, SPINE)
    return TrainingSet(plan(spark, df, lookups(shop), "bought", ["customer", "day"]), df)


@pytest.fixture(scope="module")
def fitted(training):
    rows = training.load_df().toPandas()
    forest = RandomForestRegressor(n_estimators=10, random_state=7)
    return make_pipeline(SimpleImputer(), forest).fit(rows.drop(columns="bought"), rows["bought"])


@pytest.fixture(scope="module")
def logged(fitted, training, shop):
    """Return what MLflow says of the model, which is registered with the alias champion."""
    found = log(fitted, training, registered_model_name=f"{shop}.purchase")
    MlflowClient().set_registered_model_alias(f"{shop}.purchase", "champion", 1)
    return found


def log(model, training_set, flavor=mlflow.sklearn, name="model", **options):
    return packaging.log_model(
        model=model, artifact_path=name, flavor=flavor, training_set=training_set, **options
    )


KEYS = "customer bigint, day date, asked double"
# By hand: the key, then the features as they are in the tables at that day.
BY_HAND = [
    ((1, date(2026, 1, 5), 0.0), (31, 5.0, 1.25, 4.0)),
    ((2, date(2026, 1, 5), 1.0), (42, np.nan, 2.5, 2.0)),
    ((3, date(2026, 1, 5), 2.0), (53, 9.0, 4.75, np.nan)),
    ((3, date(2026, 1, 9), 2.0), (53, 9.0, 4.75, 8.0)),
    ((99, date(2026, 1, 9), 1.0), (40, np.nan, np.nan, np.nan)),
]


def keys(spark, number: int = len(BY_HAND)):
    return spark.createDataFrame([row for row, _ in BY_HAND[:number]], KEYS)


# Scoring


def test_scoring_by_keys_equals_scoring_by_hand(spark, logged, fitted):
    scored = scoring.score_batch(spark, model_uri=logged.model_uri, df=keys(spark))
    features = ["age", "visits", "size", "spent"]
    assert scored.columns == ["customer", "day", "asked", *features, "prediction"]
    assert dict(scored.dtypes)["visits"] == "bigint"
    inputs = pd.DataFrame(
        [(row[2], *found) for row, found in BY_HAND], columns=["asked", *features]
    )
    expected = {
        row[:2]: value for (row, _), value in zip(BY_HAND, fitted.predict(inputs), strict=True)
    }
    found = scored.collect()
    assert {(row.customer, row.day): row.prediction for row in found} == expected
    unknown = next(row for row in found if row.customer == 99)
    assert (unknown.age, unknown.visits, unknown["size"], unknown.spent) == (40, None, None, None)


def test_each_address_of_a_model_leads_to_the_specification_it_was_trained_with(
    logged, training, shop
):
    for uri in (
        f"models:/{shop}.purchase/1",
        f"models:/{shop}.purchase@champion",
        f"runs:/{logged.run_id}/model",
        f"models:/{logged.model_id}",
    ):
        found = scoring.load(uri)
        assert found.spec == training.spec, uri
        assert found.uri == uri
    assert logged.registered_model_version == "1"


def test_columns_that_are_there_already_are_not_looked_up(spark, logged, fitted):
    # The whole number is cast to the decimal of training; the look-up of `spent` needs a `day`.
    df = spark.createDataFrame([(1, 0.0, 99, 3, None)], "customer int, asked double, age bigint, "
                               "size int, spent double")  # fmt: skip
    (row,) = scoring.score_batch(spark, model_uri=logged.model_uri, df=df).collect()
    assert (row.age, row["size"], row.spent, row.visits) == (99, 3, None, 5)
    inputs = pd.DataFrame([[0.0, 99, 5, 3.0, np.nan]], columns=fitted.feature_names_in_)
    assert row.prediction == fitted.predict(inputs)[0]


def test_the_prediction_has_the_type_that_is_asked_for(spark, training):
    words = DecisionTreeClassifier().fit(pd.DataFrame({"asked": [0.0, 1.0]}), ["no", "yes"])

    class Words(mlflow.pyfunc.PythonModel):
        def predict(self, model_input: pd.DataFrame, params: dict | None = None):
            found = words.predict(model_input[["asked"]])
            return [word + (params or {}).get("mark", "") for word in found]

    signature = packaging.signatures.of(training.spec, Schema([ColSpec("string", "word")]))
    signature.params = mlflow.models.infer_signature(params={"mark": ""}).params
    info = log(Words(), training, mlflow.pyfunc, signature=signature)
    asked = {"model_uri": info.model_uri, "df": keys(spark, 2)}
    scored = scoring.score_batch(spark, **asked, result_type="string", params={"mark": "!"})
    assert [row.prediction for row in scored.orderBy("customer").collect()] == ["no!", "yes!"]
    for wrong in ("decimal(3,1)", "words"):
        with pytest.raises(FeatureError, match=f"result_type is '{wrong[:5]}.*string"):
            scoring.score_batch(spark, **asked, result_type=wrong)


def test_a_model_of_spark_ml_is_applied_by_spark(spark, training):
    from pyspark.ml import Pipeline
    from pyspark.ml.feature import VectorAssembler
    from pyspark.ml.regression import LinearRegression as SparkRegression

    stages = [
        VectorAssembler(inputCols=["asked", "age"], outputCol="vector"),
        SparkRegression(featuresCol="vector", labelCol="bought"),
    ]
    model = Pipeline(stages=stages).fit(training.load_df())
    info = log(model, training, mlflow.spark)
    scored = scoring.score_batch(spark, model_uri=info.model_uri, df=keys(spark, 2))
    assert scored.columns[-2:] == ["spent", "prediction"] and "vector" not in scored.columns
    line = model.stages[-1]
    for row in scored.collect():
        by_hand = line.intercept + np.dot(line.coefficients, [row.asked, row.age])
        assert row.prediction == pytest.approx(by_hand)


def test_a_function_is_computed_anew_for_what_is_scored(spark, shop):
    spark.sql(
        f"CREATE FUNCTION {shop}.ratio(a DOUBLE, b DOUBLE) RETURNS DOUBLE LANGUAGE PYTHON AS "
        "$$ return a / b $$"
    )
    df = spark.createDataFrame(ROWS, SPINE)
    asks = [
        *lookups(shop)[1:],
        FeatureFunction(
            udf_name=f"{shop}.ratio", input_bindings={"a": "asked", "b": "spent"}, output_name="r"
        ),
    ]
    chosen = plan(spark, df, asks, "bought", ["customer", "day", "asked", "spent"])
    model = SimpleImputer(), LinearRegression().fit(pd.DataFrame({"r": [0.0, 1.0]}), [0.0, 10.0])
    info = log(make_pipeline(model[0].fit([[0.0]]), model[1]), TrainingSet(chosen, df))
    scored = scoring.score_batch(spark, model_uri=info.model_uri, df=keys(spark, 2))
    found = {row.customer: (row.r, row.prediction) for row in scored.collect()}
    assert found == {1: (0.0, pytest.approx(0.0)), 2: (0.5, pytest.approx(5.0))}

    spark.sql(
        f"CREATE OR REPLACE FUNCTION {shop}.ratio(a DOUBLE, b DOUBLE) RETURNS STRING LANGUAGE "
        "PYTHON AS $$ return 'x' $$"
    )
    with pytest.raises(FeatureError, match=r"ratio' returns a string now.*'r' for model.*double"):
        scoring.score_batch(spark, model_uri=info.model_uri, df=keys(spark, 2))
    spark.sql(f"DROP FUNCTION {shop}.ratio")
    with pytest.raises(FeatureError, match=r"ratio' does not exist any more.*'r' for model"):
        scoring.score_batch(spark, model_uri=info.model_uri, df=keys(spark, 2))
    with_it = keys(spark, 2).selectExpr("*", "0.2D AS r")
    scored = scoring.score_batch(spark, model_uri=info.model_uri, df=with_it)
    assert [row.prediction for row in scored.collect()] == pytest.approx([2.0, 2.0])


# What cannot be scored


def refused(spark, uri, df, *parts):
    """Score, and demand an error that holds all of these."""
    with pytest.raises(FeatureError) as raised:
        scoring.score_batch(spark, model_uri=uri, df=df)
    for part in (*parts, uri):
        assert part in str(raised.value)


def test_a_model_without_specification_is_refused_with_the_ways_out(spark, fitted, training):
    rows = training.load_df().limit(2).toPandas().drop(columns="bought")
    signature = mlflow.models.infer_signature(rows.astype(float), np.array([1.0]))
    plain = log(fitted, None, signature=signature)
    refused(
        spark, plain.model_uri, keys(spark), "has no specification of features", "log_model",
        "mlflow.pyfunc.spark_udf",
    )  # fmt: skip


def test_a_column_prediction_is_refused(spark, logged):
    with pytest.raises(FeatureError, match=r"df has a column 'Prediction'.*withColumnRenamed"):
        df = keys(spark).withColumnRenamed("asked", "Prediction")
        scoring.score_batch(spark, model_uri=logged.model_uri, df=df)


def test_missing_columns_are_named_with_what_they_are_for(spark, logged, shop):
    uri = logged.model_uri
    refused(spark, uri, keys(spark).drop("day"), "lacks 1 column", "'day'", "the time as of which",
            f"{shop}.sums")  # fmt: skip
    refused(spark, uri, keys(spark).drop("asked"), "'asked' (an input of the model")
    refused(spark, uri, keys(spark).select("asked"), "lacks 2 columns", "'customer' (a key of",
            "df has ['asked']")  # fmt: skip


def test_columns_of_other_types_are_named_with_both_types(spark, logged):
    uri = logged.model_uri
    text = keys(spark).selectExpr("string(customer) AS customer", "day", "asked")
    refused(spark, uri, text, "'customer' of df is a string", "bigint", ".cast('bigint')", "a key")
    fraction = keys(spark).selectExpr("*", "1.5D AS age")
    refused(spark, uri, fraction, "'age' of df is a double", "int in training")
    refused(spark, uri, keys(spark).selectExpr("*", "'a' AS spent"), "'spent' of df is a string")


@pytest.fixture
def changing(spark, schema, fitted):
    """Return a schema, and the address of a model on its table of customers."""
    _customers(spark, schema)
    df = spark.createDataFrame(ROWS, SPINE)
    chosen = plan(spark, df, lookups(schema)[:1], "bought", ["customer", "day"])
    rows = TrainingSet(chosen, df).load_df().toPandas().astype(float)
    model = make_pipeline(SimpleImputer(), LinearRegression())
    model.fit(rows.drop(columns="bought"), rows["bought"])
    return schema, log(model, TrainingSet(chosen, df)).model_uri


def test_a_table_that_was_dropped_is_named_unless_all_its_features_are_given(spark, changing):
    schema, uri = changing
    spark.sql(f"DROP TABLE {schema}.customers")
    refused(spark, uri, keys(spark), f"table '{schema}.customers' does not exist any more",
            "'age', 'visits', 'size'", "['customer']", "columns of df")  # fmt: skip
    given = keys(spark, 1).drop("customer").selectExpr("*", "31 AS age", "5 AS visits",
                                                       "1.25 AS size")  # fmt: skip
    (row,) = scoring.score_batch(spark, model_uri=uri, df=given).collect()
    assert row.prediction is not None


def test_a_table_made_anew_serves_if_it_has_the_same_features(spark, changing):
    schema, uri = changing
    spark.sql(f"DROP TABLE {schema}.customers")
    _customers(spark, schema, "more STRING, size DECIMAL(6, 2), visits BIGINT, AGE INT")
    spark.sql(f"INSERT INTO {schema}.customers VALUES (1, 'x', 3.5, 7, 20)")
    (row,) = scoring.score_batch(spark, model_uri=uri, df=keys(spark, 1)).collect()
    assert (row.age, row.visits, float(row["size"])) == (20, 7, 3.5)


@pytest.mark.parametrize(
    ("columns", "parts"),
    [
        ("age INT, visit BIGINT, size DECIMAL(6, 2)", ("no column 'visits' any more", "'visit'?")),
        (
            "age INT, visits STRING, size DECIMAL(6, 2)",
            ("'visits' of table", "string now", "bigint"),
        ),
        ("age INT, visits BIGINT, size DECIMAL(8, 2)", ("'size' of table", "decimal(8,2) now")),
    ],
)
def test_a_feature_that_is_gone_or_has_another_type_is_named(spark, changing, columns, parts):
    schema, uri = changing
    _customers(spark, schema, columns)
    refused(spark, uri, keys(spark), f"{schema}.customers", *parts)


def test_a_table_with_another_key_is_named(spark, changing):
    schema, uri = changing
    spark.sql(f"ALTER TABLE {schema}.customers DROP CONSTRAINT customers_pk")
    refused(spark, uri, keys(spark), "has no primary key", "It had one in training")
    spark.sql(f"ALTER TABLE {schema}.customers ALTER COLUMN age SET NOT NULL")
    spark.sql(f"ALTER TABLE {schema}.customers ADD CONSTRAINT k PRIMARY KEY (customer, age)")
    refused(spark, uri, keys(spark), "the primary key ['customer', 'age'] now", "['customer']")


# Logging


def test_the_signature_says_what_the_training_set_has_and_lets_missing_numbers_pass(
    logged, fitted, training
):
    kinds = {column["name"]: column["type"] for column in logged.signature.inputs.to_dict()}
    assert kinds == {
        "asked": "double",
        "age": "long",  # it has a default, so it is never missing
        "visits": "any",
        "size": "double",
        "spent": "double",
    }
    assert logged.signature.outputs == Schema([ColSpec("double", "bought")])
    model = mlflow.pyfunc.load_model(logged.model_uri)
    rows = training.load_df().toPandas().drop(columns="bought")
    whole = rows.dropna(subset=["visits"]).astype({"visits": "int64"})
    assert rows["visits"].isna().any()
    for given in (rows, whole):
        assert list(model.predict(given)) == list(fitted.predict(given))


def test_types_of_spark_become_those_of_mlflow():
    def of(kind: str) -> str:
        return ColSpec(packaging.signatures.column_type(kind), "x").to_dict()["type"]

    kinds = ["tinyint", "float", "decimal(3,1)", "varchar(9)", "date", "timestamp_ntz", "binary"]
    assert [of(kind) for kind in kinds] == [
        *("long", "double", "double", "string", "datetime", "datetime", "binary"),
    ]
    assert {of(kind) for kind in ("array<double>", "map<string,int>", "struct<a:int>")} == {"any"}


def test_without_a_label_the_output_has_to_be_said(spark, training, fitted, shop):
    df = spark.createDataFrame(ROWS, SPINE).drop("bought")
    unlabelled = TrainingSet(plan(spark, df, lookups(shop), None, ["customer", "day"]), df)
    with pytest.raises(FeatureError, match=r"no label.*output_schema.*ColSpec"):
        log(fitted, unlabelled)
    with pytest.raises(FeatureError, match="output_schema is a str"):
        log(fitted, unlabelled, output_schema="double")
    info = log(fitted, unlabelled, output_schema=Schema([ColSpec("double", "score")]))
    assert info.signature.outputs.input_names() == ["score"]


def test_a_model_is_logged_to_the_active_run_or_to_one_of_its_own(logged, fitted, training):
    with mlflow.start_run() as run:
        inside = log(fitted, training)
        assert mlflow.active_run().info.run_id == run.info.run_id
    assert inside.run_id == run.info.run_id
    assert mlflow.active_run() is None
    assert MlflowClient().get_run(logged.run_id).info.status == "FINISHED"
    assert logged.run_id != inside.run_id


def test_requirements_are_those_of_the_flavour_and_what_is_added(logged, fitted, training):
    def required(info):
        folder = mlflow.artifacts.download_artifacts(artifact_uri=info.model_uri)
        names = Path(folder, "requirements.txt").read_text().split()
        return {name.partition("=")[0] for name in names}

    assert required(logged) == {"mlflow", "scikit-learn", "cloudpickle"}
    more = log(fitted, training, extra_pip_requirements=["sqlparse"])
    assert required(more) == {"mlflow", "scikit-learn", "cloudpickle", "sqlparse"}
    own = log(fitted, training, pip_requirements=["numpy"], extra_pip_requirements=["sqlparse"])
    assert required(own) == {"mlflow", "numpy", "sqlparse"}


def test_an_example_of_the_input_is_kept_if_asked_for(fitted, training):
    info = log(fitted, training, infer_input_example=True)
    folder = mlflow.artifacts.download_artifacts(artifact_uri=info.model_uri)
    example = json.loads(Path(folder, "input_example.json").read_text())
    assert example["columns"] == list(fitted.feature_names_in_)
    assert len(example["data"]) == packaging.EXAMPLE_ROWS
    assert info.signature.inputs.input_names() == list(fitted.feature_names_in_)


def test_neither_logging_nor_scoring_warns(spark, fitted, training):
    class Told(logging.Handler):
        def emit(self, record):
            told.append(record.getMessage())

    class Twice(mlflow.pyfunc.PythonModel):
        def predict(self, model_input: pd.DataFrame):
            return model_input["asked"] * 2

    told: list[str] = []
    handler = Told(logging.INFO)
    logging.getLogger("mlflow").addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for model, flavor in ((fitted, mlflow.sklearn), (Twice(), mlflow.pyfunc)):
                info = log(model, training, flavor)
                scoring.score_batch(spark, model_uri=info.model_uri, df=keys(spark))
        assert told == []
        mlflow.sklearn.log_model(
            fitted, name="own", serialization_format="cloudpickle", pip_requirements=[]
        )
        assert any("cloudpickle" in message for message in told)
    finally:
        logging.getLogger("mlflow").removeHandler(handler)


def test_arguments_that_are_none_of_these_are_refused(fitted, training):
    with pytest.raises(FeatureError, match=r"flavor is 'sklearn'.*mlflow.sklearn"):
        log(fitted, training, "sklearn")
    with pytest.raises(FeatureError, match=r"training_set is a Spec.*create_training_set"):
        log(fitted, training.spec)
    with pytest.raises(FeatureError, match="model_uri is None"):
        scoring.load(None)


def test_models_go_to_the_registry_of_the_client(fitted, training):
    before = mlflow.get_registry_uri()
    info = log(fitted, training, registered_model_name="feature_models", registry_uri="databricks")
    assert mlflow.get_registry_uri() == before
    uri = f"models:/feature_models/{info.registered_model_version}"
    assert scoring.load(uri, registry_uri="databricks").spec == training.spec


KILLED = """
import sys, os, signal
import mlflow, mlflow.sklearn
from lakebook.runtime import tracking
tracking.prepare()
from lakebook.ml.feature_engineering import packaging, spec
from lakebook.ml.feature_engineering.training_set import TrainingSet

class Dies:
    def predict(self, rows): return rows
    def __reduce__(self): os.kill(os.getpid(), signal.SIGKILL)

found = spec.from_yaml(open(sys.argv[1]).read(), "the test")
packaging.log_model(model=Dies(), artifact_path="model", flavor=mlflow.sklearn,
    training_set=TrainingSet(found, None), registered_model_name=sys.argv[2])
"""


def test_a_killed_log_leaves_no_version_and_no_lineage_and_is_simply_repeated(
    fitted, training, shop, tmp_path
):
    file = tmp_path / spec.FILE
    file.write_text(spec.to_yaml(training.spec))
    name, table = f"{shop}.killed", training.spec.lookups[0].table_id
    before = lineage.models_of(table)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(file), name], env=dict(os.environ), capture_output=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not MlflowClient().search_model_versions(f"name = '{name}'")
    assert lineage.models_of(table) == before
    assert log(fitted, training, registered_model_name=name).registered_model_version == "1"
    assert scoring.load(f"models:/{name}/1").spec == training.spec
