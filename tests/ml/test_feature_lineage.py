"""Which model used which columns of which table, in the workspace and in MLflow."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import mlflow
import mlflow.sklearn
import pytest
from mlflow import MlflowClient
from sklearn.dummy import DummyRegressor

from lakebook import workspace
from lakebook.ml.feature_engineering import lineage, packaging
from lakebook.ml.feature_engineering.lookups import FeatureLookup
from lakebook.ml.feature_engineering.spec import Column
from lakebook.ml.feature_engineering.training_set import TrainingSet, plan

MODEL = DummyRegressor().fit([[0.0]], [1.0])


@pytest.fixture
def shop(spark, schema):
    """Return a schema with products, at version 0, and customers, at version 1."""
    spark.sql(
        f"CREATE TABLE {schema}.products (product BIGINT NOT NULL, price DOUBLE, weight FLOAT, "
        "CONSTRAINT p PRIMARY KEY (product))"
    )
    spark.sql(
        f"CREATE TABLE {schema}.customers (customer BIGINT NOT NULL, age INT, visits BIGINT, "
        "CONSTRAINT c PRIMARY KEY (customer))"
    )
    spark.sql(f"INSERT INTO {schema}.customers VALUES (1, 30, 5)")
    return schema


def products(shop, *features):
    return FeatureLookup(f"{shop}.products", "product", feature_names=list(features))


def customers(shop, key="customer", rename=None):
    return FeatureLookup(
        f"{shop}.customers", key, feature_names=["age"], rename_outputs=rename or {}
    )


@pytest.fixture
def training(spark):
    """Return a function that makes a training set of look-ups."""
    df = spark.createDataFrame(
        [(1, 1, 1, 1.0)], "customer bigint, friend bigint, product bigint, bought double"
    )

    def make(*lookups):
        chosen = plan(spark, df, list(lookups), "bought", ["customer", "friend", "product"])
        return TrainingSet(chosen, df)

    return make


def log(training_set, name="model", **options):
    return packaging.log_model(
        model=MODEL,
        artifact_path=name,
        flavor=mlflow.sklearn,
        training_set=training_set,
        **options,
    )


def ids(training_set) -> list[str]:
    return [lookup.table_id for lookup in training_set.spec.lookups]


def test_two_models_on_two_tables_are_told_with_their_columns_the_newest_first(training, shop):
    first = training(products(shop, "price"), customers(shop))
    of_products, of_customers = ids(first)
    old = log(first, registered_model_name=f"{shop}.both")
    new = log(training(products(shop, "weight", "price")), "cheap")

    assert [(one.name, one.version, one.columns) for one in lineage.models_of(of_products)] == [
        ("cheap", None, ("weight", "price")),
        (f"{shop}.both", "1", ("price",)),
    ]
    (found,) = lineage.models_of(of_customers)
    assert (found.model_id, found.run_id) == (old.model_id, old.run_id)
    assert (found.table, found.table_version) == (f"{shop}.customers", 1)
    assert found.columns == ("age",)
    assert found.logged >= lineage.models_of(of_products)[1].logged
    assert new.model_id == lineage.models_of(of_products)[0].model_id


def test_a_table_that_is_looked_up_twice_is_one_source(training, shop):
    twice = training(
        customers(shop, rename={"age": "own_age"}), customers(shop, "friend", {"age": "friend_age"})
    )
    (used,) = lineage.uses(twice.spec)
    assert used.columns == (Column("age", "int"),)


def test_a_version_that_is_registered_later_or_copied_is_told_and_a_deleted_one_is_not(
    training, shop
):
    chosen = training(products(shop, "price"))
    (table,) = ids(chosen)
    info = log(chosen, registered_model_name=f"{shop}.first")
    mlflow.register_model(info.model_uri, f"{shop}.second")
    client = MlflowClient()
    client.copy_model_version(f"models:/{shop}.first/1", f"{shop}.promoted")

    def told():
        return [(one.name, one.version) for one in lineage.models_of(table)]

    assert told() == [(f"{shop}.{name}", "1") for name in ("first", "promoted", "second")]
    client.delete_model_version(f"{shop}.first", "1")
    assert told() == [(f"{shop}.{name}", "1") for name in ("promoted", "second")]
    client.delete_registered_model(f"{shop}.second")
    client.delete_registered_model(f"{shop}.promoted")
    assert told() == [("model", None)]
    client.delete_logged_model(info.model_id)
    assert told() == []


def test_the_version_is_that_of_the_table_when_the_model_was_logged(spark, training, shop):
    chosen = training(customers(shop))
    log(chosen)
    spark.sql(f"INSERT INTO {shop}.customers VALUES (2, 40, 6)")
    log(chosen)
    assert [one.table_version for one in lineage.models_of(ids(chosen)[0])] == [2, 1]


def test_the_run_shows_each_table_as_an_input_that_can_be_loaded(spark, training, shop):
    info = log(training(products(shop, "weight", "price"), customers(shop)))
    spark.sql(f"INSERT INTO {shop}.products VALUES (1, 2.0, 3.0)")
    spark.sql(f"INSERT INTO {shop}.customers VALUES (2, 40, 6)")

    run = MlflowClient().get_run(info.run_id)
    inputs = {one.dataset.name: one for one in run.inputs.dataset_inputs}
    assert set(inputs) == {f"{shop}.products", f"{shop}.customers"}
    for one in inputs.values():
        assert [(tag.key, tag.value) for tag in one.tags] == [
            ("mlflow.data.context", "feature_table")
        ]
    columns = json.loads(inputs[f"{shop}.products"].dataset.schema)["mlflow_colspec"]
    assert [column["name"] for column in columns] == ["weight", "price"]
    for name, version, rows in (("products", 0, 0), ("customers", 1, 1)):
        source = mlflow.data.get_source(inputs[f"{shop}.{name}"])
        assert source.delta_table_name == f"{shop}.{name}"
        assert source.delta_table_version == version
        assert source.load().count() == rows


def test_run_model_and_version_are_tagged_with_the_tables(training, shop):
    names = [f"{shop}.customers", f"{shop}.products"]
    with mlflow.start_run() as run:
        info = log(
            training(customers(shop)), registered_model_name=f"{shop}.tagged", tags={"team": "a"}
        )
        log(training(products(shop, "price")), "other")
    client = MlflowClient()
    assert client.get_run(run.info.run_id).data.tags["feature_tables"] == ", ".join(names)
    expected = {"feature_tables": names[0], "team": "a"}
    assert client.get_model_version(f"{shop}.tagged", "1").tags == expected
    assert expected.items() <= client.get_logged_model(info.model_id).tags.items()


def test_a_table_made_anew_does_not_inherit_the_models_of_the_old_one(spark, training, shop):
    log(training(customers(shop)))
    spark.sql(f"DROP TABLE {shop}.customers")
    spark.sql(
        f"CREATE TABLE {shop}.customers (customer BIGINT NOT NULL, age INT, "
        "CONSTRAINT c PRIMARY KEY (customer))"
    )
    anew = training(customers(shop))
    assert lineage.models_of(ids(anew)[0]) == []
    log(anew)
    assert len(lineage.models_of(ids(anew)[0])) == 1


def test_a_table_that_no_model_used_has_none(monkeypatch, tmp_path):
    monkeypatch.setenv("LAKEBOOK_HOME", str(tmp_path))
    assert lineage.models_of("1") == []
    assert not workspace.path("lineage.db").exists()


RECORD = """
import sys
from lakebook.ml.feature_engineering.lineage import Use, record
from lakebook.ml.feature_engineering.spec import Column
for number in range(20):
    record([Use("a.b.c", "1", 0, (Column("x", "int"),)), Use("a.b.d", "2", 0, ())],
           model_id=f"{sys.argv[1]}-{number}", run_id=None, name="m")
"""


def test_several_processes_record_at_once(monkeypatch, tmp_path):
    monkeypatch.setenv("LAKEBOOK_HOME", str(tmp_path))
    running = [
        subprocess.Popen([sys.executable, "-c", RECORD, str(number)], env=dict(os.environ))
        for number in range(3)
    ]
    assert [one.wait() for one in running] == [0, 0, 0]
    assert len(lineage.models_of("1")) == len(lineage.models_of("2")) == 60
