"""`DeltaTable` as delta-spark documents it, without delta-spark."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import textwrap
from collections import Counter

import deltalake
import pytest
from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType, StringType, StructField, StructType

from lakebook.runtime.delta import module
from lakebook.runtime.delta.errors import DeltaError

COUNTS = ["num_affected_rows", "num_updated_rows", "num_deleted_rows", "num_inserted_rows"]


@pytest.fixture(scope="module")
def delta_table(spark):
    """Return the class as a notebook gets it."""
    from delta.tables import DeltaTable

    return DeltaTable


@pytest.fixture
def people(spark, tmp_path, delta_table):
    """Return the path of a table (id, name) of four rows."""
    path = str(tmp_path / "people")
    rows = [(1, "Ada"), (2, "Bob"), (3, "Cy"), (4, None)]
    spark.createDataFrame(rows, "id int, name string").write.format("delta").save(path)
    return path


def oracle(path) -> Counter:
    rows = deltalake.DeltaTable(path).to_pyarrow_table().to_pylist()
    return Counter(tuple(row.values()) for row in rows)


def test_the_modules_of_delta_spark_are_there_without_it(spark):
    assert importlib.util.find_spec("delta.tables") is not None
    import delta
    import delta.exceptions
    from delta import DeltaTable, configure_spark_with_delta_pip
    from delta.tables import DeltaMergeBuilder, DeltaOptimizeBuilder, DeltaTableBuilder  # noqa: F401

    assert delta.tables.DeltaTable is DeltaTable
    assert configure_spark_with_delta_pip("builder") == "builder"
    lost = delta.exceptions.ConcurrentAppendException
    assert issubclass(lost, delta.exceptions.DeltaConcurrentModificationException)


def test_where_delta_spark_is_installed_it_is_left_alone(tmp_path):
    package = tmp_path / "delta"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "tables.py").write_text("DeltaTable = 'the real one'")
    code = """
        from lakebook.runtime.delta import module
        assert module.install() is False
        from delta.tables import DeltaTable
        print(DeltaTable)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "the real one", done.stderr
    # A folder that only has the name is not it.
    (package / "tables.py").unlink()
    code = "from lakebook.runtime.delta import module; print(module.install())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "True", done.stderr
    assert module.install() is True  # here, twice changes nothing


def test_a_path_or_a_name_finds_the_table(spark, delta_table, people, tmp_path):
    assert delta_table.isDeltaTable(spark, people)
    assert not delta_table.isDeltaTable(spark, str(tmp_path))
    assert delta_table.forPath(spark, people).toDF().count() == 4
    assert delta_table.forName(spark, f"delta.`{people}`").toDF().count() == 4
    with pytest.raises(DeltaError, match=r"\[DELTA_MISSING_DELTA_TABLE\].*is not a Delta table"):
        delta_table.forPath(spark, str(tmp_path / "none"))
    with pytest.raises(DeltaError, match="TABLE_OR_VIEW_NOT_FOUND"):
        delta_table.forName(spark, "main.default.there_is_none")


def test_a_table_of_the_catalog_answers_to_its_name(spark, delta_table):
    made = (
        delta_table.create(spark)
        .tableName("main.default.builder_people")
        .addColumn("id", "INT", nullable=False)
        .addColumn("name", StringType(), comment="as they say it")
        .addColumns(StructType([StructField("part", IntegerType())]))
        .partitionedBy("part")
        .property("delta.enableChangeDataFeed", "true")
        .comment("people")
        .execute()
    )
    schema = made.toDF().schema
    assert schema.simpleString() == "struct<id:int,name:string,part:int>"
    detail = made.detail().first()
    assert detail["name"] == "main.default.builder_people"
    assert detail["partitionColumns"] == ["part"]
    assert detail["properties"]["delta.enableChangeDataFeed"] == "true"
    spark.sql("insert into main.default.builder_people values (1, 'Ada', 1)")
    found = delta_table.forName(spark, "builder_people")
    found.update("builder_people.id = 1", {"name": "upper(builder_people.name)"})
    assert [tuple(row) for row in found.toDF().collect()] == [(1, "ADA", 1)]
    with pytest.raises(
        DeltaError, match=r"DELTA_TABLE_ALREADY_EXISTS|TABLE_OR_VIEW_ALREADY_EXISTS"
    ):
        builder = delta_table.create(spark).tableName("builder_people")
        builder.addColumn("id", "int").execute()
    kept = delta_table.createIfNotExists(spark).tableName("builder_people")
    assert kept.addColumn("id", "int").execute().toDF().count() == 1
    new = delta_table.createOrReplace(spark).tableName("builder_people")
    assert new.addColumn("other", "int").execute().toDF().columns == ["other"]
    spark.sql("drop table main.default.builder_people")
    with pytest.raises(DeltaError, match="DELTA_CANNOT_REPLACE_MISSING_TABLE"):
        lost = delta_table.replace(spark).tableName("builder_people")
        lost.addColumn("id", "int").execute()


def test_a_table_is_made_at_a_location(spark, delta_table, tmp_path):
    path = str(tmp_path / "made")
    builder = delta_table.createIfNotExists(spark).location(path).addColumn("id", "long")
    builder.execute()
    builder.execute()
    assert deltalake.DeltaTable(path).version() == 0
    with pytest.raises(DeltaError, match="DELTA_CREATE_TABLE_MISSING_TABLE_NAME_OR_LOCATION"):
        delta_table.create(spark).addColumn("id", "int").execute()
    with pytest.raises(DeltaError, match=r"DELTA_OPERATION_NOT_ALLOWED.*generated column"):
        delta_table.create(spark).addColumn("id", "int", generatedAlwaysAs="1")
    with pytest.raises(TypeError, match="Column name must be str"):
        delta_table.create(spark).addColumn(1, "int")


def test_rows_are_deleted_and_updated_by_text_or_column(spark, delta_table, people):
    table = delta_table.forPath(spark, people)
    assert table.delete("id = 1").collect()[0].asDict() == {"num_affected_rows": 1}
    table.delete(F.col("name").isNull())
    table.update(F.col("id") == 2, {"name": F.lit("Bea")})
    table.alias("p").update(set={"id": "p.id * 10"})
    table.update(condition="id = 30", set={"name": "concat(name, '!')"})
    assert oracle(people) == Counter([(20, "Bea"), (30, "Cy!")])
    assert table.delete().first()[0] == 2


def test_the_documented_merge_runs_as_it_stands(spark, delta_table, tmp_path):
    events = str(tmp_path / "events")
    old = spark.createDataFrame([(1, "a", 5), (2, "b", 1)], "eventId int, data string, count int")
    old.write.format("delta").save(events)
    updates = spark.createDataFrame([(2, "B"), (3, "C")], "eventId int, data string")
    done = (
        delta_table.forPath(spark, events)
        .alias("events")
        .merge(
            source=updates.alias("updates"), condition=F.expr("events.eventId = updates.eventId")
        )
        .whenMatchedUpdate(set={"data": F.col("updates.data"), "count": F.col("events.count") + 1})
        .whenNotMatchedInsert(
            values={"eventId": "updates.eventId", "data": "updates.data", "count": "1"}
        )
        .whenNotMatchedBySourceDelete("events.count > 100")
        .execute()
    )
    assert done.columns == COUNTS
    assert tuple(done.first()) == (2, 1, 0, 1)
    assert oracle(events) == Counter([(1, "a", 5), (2, "B", 2), (3, "C", 1)])


def test_every_clause_of_the_builder_reaches_the_merge(spark, delta_table, people):
    source = spark.createDataFrame(
        [(1, "x", 1), (2, None, 2), (9, "new", 3)], "id int, name string, extra int"
    )
    base = delta_table.forPath(spark, people).alias("t").merge(source.alias("s"), "t.id = s.id")
    full = (
        base.withSchemaEvolution()
        .whenMatchedDelete("s.name is null")
        .whenMatchedUpdateAll(F.col("s.extra") == 1)
        .whenNotMatchedInsertAll("s.extra > 2")
        .whenNotMatchedBySourceUpdate("t.id = 3", {"t.name": "'alone'"})
        .whenNotMatchedBySourceDelete()
    )
    assert tuple(full.execute().first()) == (5, 2, 2, 1)
    assert oracle(people) == Counter([(1, "x", 1), (9, "new", 3), (3, "alone", None)])
    # A builder is not changed by its methods.
    with pytest.raises(DeltaError, match="DELTA_MERGE_MISSING_WHEN"):
        base.execute()


def test_arguments_of_other_types_are_refused(spark, delta_table, people):
    table = delta_table.forPath(spark, people)
    frame = spark.range(1)
    with pytest.raises(TypeError, match="must be a Spark SQL Column or a string"):
        table.delete(5)
    with pytest.raises(ValueError, match="'set' cannot be None"):
        table.update("id = 1")
    with pytest.raises(TypeError, match="Values of dict in 'set'"):
        table.update(set={"id": 5})
    with pytest.raises(TypeError, match="Type of 'source' in merge must be DataFrame"):
        table.merge("people", "a = b")
    with pytest.raises(ValueError, match="'condition' in merge cannot be None"):
        table.merge(frame, None)
    with pytest.raises(TypeError, match="Keys of dict in 'values' in whenNotMatchedInsert"):
        table.merge(frame, "true").whenNotMatchedInsert(values={1: "1"})
    with pytest.raises(ValueError, match="version needs to be an int"):
        table.restoreToVersion("1")


def test_a_folder_of_parquet_becomes_a_table(spark, delta_table, tmp_path):
    path = str(tmp_path / "parquet")
    spark.range(6).withColumn("y", F.col("id") % 2).write.partitionBy("y").parquet(path)
    table = delta_table.convertToDelta(spark, f"parquet.`{path}`", "y LONG")
    assert sorted(map(tuple, table.toDF().collect())) == [(i, i % 2) for i in range(6)]
    table.delete("y = 1")
    assert oracle(path) == Counter([(0, 0), (2, 0), (4, 0)])
    with pytest.raises(DeltaError, match="DELTA_MISSING_PROVIDER_FOR_CONVERT"):
        delta_table.convertToDelta(spark, f"csv.`{path}`")


def test_the_protocol_is_raised_as_far_as_this_machine_goes(spark, delta_table, people):
    table = delta_table.forPath(spark, people)
    table.upgradeTableProtocol(1, 4)
    assert deltalake.DeltaTable(people).protocol().min_writer_version == 4
    with pytest.raises(DeltaError, match="DELTA_INVALID_PROTOCOL_DOWNGRADE"):
        table.upgradeTableProtocol(1, 2)
    with pytest.raises(DeltaError, match="DELTA_UNSUPPORTED_FEATURES_FOR_WRITE"):
        table.upgradeTableProtocol(2, 5)
    table.addFeatureSupport("changedatafeed")
    table.addFeatureSupport("timestampNtz")
    assert "timestampNtz" in deltalake.DeltaTable(people).protocol().writer_features
    with pytest.raises(DeltaError, match=r"'deletionVectors' is not supported.*supported: append"):
        table.addFeatureSupport("deletionVectors")
    table.delete("id = 1")
    assert sum(oracle(people).values()) == 3


def test_what_is_not_there_says_so_by_name(spark, delta_table, people):
    table = delta_table.forPath(spark, people)
    calls = {
        "clone": lambda: table.clone("x"),
        "cloneAtVersion": lambda: table.cloneAtVersion(0, "x"),
        "cloneAtTimestamp": lambda: table.cloneAtTimestamp("2026-01-01", "x"),
        "dropFeatureSupport": lambda: table.dropFeatureSupport("appendOnly"),
        "clusterBy": lambda: delta_table.create(spark).clusterBy("id"),
    }
    for name, call in calls.items():
        with pytest.raises(DeltaError, match=f"DELTA_OPERATION_NOT_ALLOWED.*{name} is not supp"):
            call()
