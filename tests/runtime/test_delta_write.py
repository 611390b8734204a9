"""Writing Delta by Spark; delta-rs, which had no part in it, says what the table holds."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import deltalake
import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType, StringType, StructField, StructType

from lakebook.runtime.delta import read, write
from lakebook.runtime.delta.errors import DeltaError
from lakebook.runtime.delta.snapshot import Snapshot, commit_times

EVERY_TYPE = """
SELECT cast(id AS byte) byte, cast(id AS short) short, cast(id AS int) int, id long,
  cast(id AS float) float, cast('NaN' AS double) nan, id / 3 double, id % 2 = 0 boolean,
  cast(id / 7 AS decimal(10, 2)) decimal, cast(id AS decimal(38, 10)) wide,
  concat('ü ', id, char(39), '%/=') text, cast('bytes' AS binary) binary,
  date '1500-02-28' + cast(id AS int) date, timestamp '2020-01-01 10:00:00.123456' instant,
  timestamp_ntz '2020-06-01 10:00:00.5' wall, array(id, NULL) list,
  map('k', array(id)) map, named_struct('x', id, 'in', array(named_struct('d', date '1600-01-01')))
  nested, cast(NULL AS string) nothing, array() = array() empty
FROM range(6)
"""


@pytest.fixture
def root(tmp_path) -> str:
    return str(tmp_path / "table")


def ids(spark, root, **at) -> list[int]:
    return sorted(row.id for row in read.frame(spark, Snapshot.open(root, **at)).collect())


def oracle(root, column="id") -> list:
    return sorted(row[column] for row in deltalake.DeltaTable(root).to_pyarrow_table().to_pylist())


def refused(condition, action, *parts):
    with pytest.raises(DeltaError) as caught:
        action()
    assert caught.value.getCondition() == condition
    for part in parts:
        assert part in str(caught.value)
    return caught.value


def test_every_type_comes_back_as_it_was(spark, root):
    rows = spark.sql(EVERY_TYPE)
    write.write(rows, root)
    back = read.frame(spark, Snapshot.open(root))
    assert back.schema == write.schemas.nullable(write.schemas.table_schema(rows.schema))
    assert sorted(map(str, back.collect())) == sorted(map(str, rows.collect()))
    (first,) = [
        row for row in deltalake.DeltaTable(root).to_pyarrow_table().to_pylist() if row["long"] == 2
    ]
    assert first["decimal"] == Decimal("0.29") and first["date"] == dt.date(1500, 3, 2)
    assert first["instant"] == dt.datetime(2020, 1, 1, 10, 0, 0, 123456, dt.UTC)
    assert first["wall"] == dt.datetime(2020, 6, 1, 10, 0, 0, 500000)
    assert first["nested"] == {"x": 2, "in": [{"d": dt.date(1600, 1, 1)}]}


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("NULL", "c: void"),
        ("interval 1 day", "c: interval day"),
        ("named_struct('inner', array(NULL))", "c.inner.element: void"),
        ("parse_json('1')", "c: variant"),
    ],
)
def test_a_type_that_no_table_can_keep_is_refused_by_name(spark, root, value, named):
    rows = spark.sql(f"SELECT {value} AS c")
    refused("DELTA_UNSUPPORTED_DATA_TYPES", lambda: write.write(rows, root), named)
    assert not Path(root).exists()


def test_a_name_that_parquet_cannot_keep_is_refused(spark, root):
    rows = spark.sql("SELECT 1 AS `a b`")
    error = refused(
        "DELTA_INVALID_CHARACTERS_IN_COLUMN_NAMES", lambda: write.write(rows, root), "'a b'"
    )
    assert isinstance(error, AnalysisException)


def test_save_modes(spark, root):
    assert write.write(spark.range(3), root, "errorifexists") == 0
    refused("DELTA_PATH_EXISTS", lambda: write.write(spark.range(3), root, "error"), root)
    assert write.write(spark.range(9), root, "ignore") == 0
    assert write.write(spark.range(5, 7), root, "append") == 1
    assert ids(spark, root) == oracle(root) == [0, 1, 2, 5, 6]
    assert write.write(spark.range(2), root, "overwrite") == 2
    assert ids(spark, root) == oracle(root) == [0, 1]
    refused("DELTA_INVALID_SAVE_MODE", lambda: write.write(spark.range(1), root, "upsert"))


def test_partitions_keep_nulls_and_every_character(spark, root):
    parts = ["a b/c", "ü=%", "it's", "", None, "2020-01-01"]
    rows = spark.createDataFrame([(i, p) for i, p in enumerate(parts)], "id long, p string")
    write.write(rows, root, partition_by=["p"])
    found = {row.id: row.p for row in read.frame(spark, Snapshot.open(root)).collect()}
    table = deltalake.DeltaTable(root).to_pyarrow_table().to_pylist()
    # As in Delta itself, an empty text is no value for a partition.
    wanted = {i: p or None for i, p in enumerate(parts)}
    assert found == {row["id"]: row["p"] for row in table} == wanted


def test_partitions_that_another_engine_wrote_are_read_from_the_log(spark, root):
    import pyarrow as pa

    days = [dt.date(2020, 1, 1), None]
    rows = pa.table({"id": [1, 2], "p": ["ü b/%", None], "d": pa.array(days, pa.date32())})
    deltalake.write_deltalake(root, rows, partition_by=["p", "d"])
    found = read.frame(spark, Snapshot.open(root)).orderBy("id").collect()
    assert [tuple(row) for row in found] == [(1, "ü b/%", days[0]), (2, None, None)]


def test_a_filter_on_a_partition_opens_only_its_files(spark, root):
    rows = spark.range(100).withColumn("p", F.col("id") % 10)
    write.write(rows.coalesce(1), root, partition_by=["p"])
    frame = read.frame(spark, Snapshot.open(root)).filter("p = 3")
    assert {Path(name).parent.name for name in _opened(frame)} == {"p=3"}
    assert frame.count() == 10


def _opened(frame):
    rows = frame.select("_metadata.file_path").distinct().collect()
    assert "PartitionFilters: [isnotnull(p" in frame._jdf.queryExecution().toString()
    return [row.file_path for row in rows]


def test_schema_evolution_adds_columns_only_when_asked(spark, root):
    write.write(spark.range(2), root)
    wider = spark.range(5, 6).withColumn("extra", F.lit("x"))
    refused("DELTA_METADATA_MISMATCH", lambda: write.write(wider, root), "extra", "mergeSchema")
    assert Snapshot.open(root).version == 0
    write.write(wider, root, options={"mergeSchema": True})
    found = {row.id: row.extra for row in read.frame(spark, Snapshot.open(root)).collect()}
    assert found == {0: None, 1: None, 5: "x"}
    assert Snapshot.open(root, version=0).schema.names == ["id"]


def test_schema_evolution_reaches_into_structs_and_arrays(spark, root):
    write.write(spark.sql("SELECT array(named_struct('a', 1)) AS c"), root)
    wider = spark.sql("SELECT array(named_struct('a', 2, 'b', 'x')) AS c")
    refused("DELTA_METADATA_MISMATCH", lambda: write.write(wider, root))
    write.write(wider, root, options={"mergeSchema": "true"})
    write.write(spark.sql("SELECT array(named_struct('a', 3)) AS c"), root)
    rows = read.frame(spark, Snapshot.open(root)).collect()
    assert sorted((r.c[0].a, r.c[0].b) for r in rows) == [(1, None), (2, "x"), (3, None)]


def test_a_column_of_another_type_is_refused_and_a_wider_one_fits(spark, root):
    write.write(spark.range(2), root)
    text = spark.sql("SELECT 'x' AS id")
    refused("DELTA_FAILED_TO_MERGE_FIELDS", lambda: write.write(text, root), "'id'", "bigint")
    write.write(spark.sql("SELECT cast(7 AS int) AS id"), root)
    assert oracle(root) == [0, 1, 7]
    assert (
        write.write(
            spark.sql("SELECT 'x' AS id"), root, "overwrite", options={"overwriteSchema": "true"}
        )
        == 2
    )
    assert oracle(root) == ["x"]


def test_an_insert_casts_and_an_overflow_changes_nothing(spark, root):
    write.write(spark.sql("SELECT cast(1 AS tinyint) AS id"), root)
    write.write(spark.sql("SELECT 5L AS id"), root, assign=True)
    with pytest.raises(Exception, match="OVERFLOW"):
        write.write(spark.sql("SELECT 500L AS id"), root, assign=True)
    assert oracle(root) == [1, 5] and Snapshot.open(root).version == 1
    assert not list(Path(root).glob("_staging*"))


def test_replace_where_replaces_exactly_these_rows(spark, root):
    write.write(spark.range(10).coalesce(2), root)
    new = spark.sql("SELECT 3L AS id")
    write.write(new, root, "overwrite", options={"replaceWhere": "id >= 2 AND id < 8"})
    assert ids(spark, root) == oracle(root) == [0, 1, 3, 8, 9]
    outside = spark.sql("SELECT 50L AS id")
    refused(
        "DELTA_REPLACE_WHERE_MISMATCH",
        lambda: write.write(outside, root, "overwrite", options={"replaceWhere": "id < 8"}),
        "id < 8",
    )
    assert oracle(root) == [0, 1, 3, 8, 9]
    refused(
        "DELTA_REPLACE_WHERE_WITH_MODE",
        lambda: write.write(new, root, "append", options={"replaceWhere": "id < 8"}),
    )


def test_replace_where_keeps_rows_whose_condition_is_null(spark, root):
    write.write(spark.sql("SELECT * FROM VALUES (1), (NULL), (9) AS t(id)"), root)
    options = {"replaceWhere": "id < 5"}
    write.write(spark.sql("SELECT 2 AS id"), root, "overwrite", options=options)
    rows = deltalake.DeltaTable(root).to_pyarrow_table().to_pylist()
    assert sorted(str(r["id"]) for r in rows) == ["2", "9", "None"]


def test_dynamic_overwrite_replaces_only_the_partitions_written(spark, root):
    rows = spark.range(6).withColumn("p", F.col("id") % 3)
    write.write(rows, root, partition_by=["p"])
    new = spark.sql("SELECT 100L AS id, 1L AS p")
    write.write(new, root, "overwrite", options={"partitionOverwriteMode": "dynamic"})
    assert oracle(root) == [0, 2, 3, 5, 100]


def test_constraints_stop_a_write_and_name_the_row(spark, root):
    schema = StructType(
        [StructField("id", IntegerType(), False), StructField("name", StringType())]
    )
    checks = {"delta.constraints.positive": "id > 0 AND name <> 'it''s'"}
    write.create(spark, root, schema, configuration=checks)
    write.write(spark.sql("SELECT 1 AS id, 'x' AS name"), root)
    wrong = spark.sql("SELECT -1 AS id, 'x' AS name")
    refused(
        "DELTA_VIOLATE_CONSTRAINT_WITH_VALUES", lambda: write.write(wrong, root), "positive", "-1"
    )
    missing = spark.sql("SELECT cast(NULL AS int) AS id, 'x' AS name")
    refused("DELTA_NOT_NULL_CONSTRAINT_VIOLATED", lambda: write.write(missing, root), "id")
    unknown = spark.sql("SELECT 1 AS id, cast(NULL AS string) AS name")
    refused("DELTA_VIOLATE_CONSTRAINT_WITH_VALUES", lambda: write.write(unknown, root))
    assert oracle(root) == [1]
    assert {p.name for p in Path(root).iterdir() if p.suffix != ".parquet"} == {"_delta_log"}


def test_a_folder_with_other_files_is_not_taken_over(spark, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    refused(
        "DELTA_CREATE_TABLE_WITH_NON_EMPTY_LOCATION",
        lambda: write.write(spark.range(1), tmp_path, "overwrite"),
    )
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_versions_and_times_of_the_past(spark, root):
    for n in (1, 2, 3):
        write.write(spark.range(n), root, "overwrite")
    assert ids(spark, root, version=0) == [0] and ids(spark, root, version="1") == [0, 1]
    (_, first), (_, second), (_, third) = commit_times(root)
    at = dt.datetime.fromtimestamp((third - 1) / 1000, dt.UTC)
    assert ids(spark, root, timestamp=at) == [0, 1] or second == third - 1
    assert ids(spark, root, timestamp=at.isoformat())
    refused("DELTA_VERSION_NOT_FOUND", lambda: Snapshot.open(root, version=7), "[0, 2]")
    refused("DELTA_VERSION_NOT_FOUND", lambda: Snapshot.open(root, version=-1))
    refused("DELTA_INVALID_VERSION", lambda: Snapshot.open(root, version="one"), "'one'")
    early, late = "1999-01-01", "2999-01-01"
    condition = "DELTA_TIMESTAMP_EARLIER_THAN_COMMIT_RETENTION"
    refused(condition, lambda: Snapshot.open(root, timestamp=early), "1999-01-01")
    refused("DELTA_TIMESTAMP_GREATER_THAN_COMMIT", lambda: Snapshot.open(root, timestamp=late))
    refused("DELTA_TIMESTAMP_INVALID", lambda: Snapshot.open(root, timestamp="yesterday"))
    refused("DELTA_ONEOF_IN_TIMETRAVEL", lambda: Snapshot.open(root, 0, early))
    assert first <= second


def test_no_table_says_so(tmp_path):
    refused("DELTA_TABLE_NOT_FOUND", lambda: Snapshot.open(tmp_path / "nothing"), "nothing")


def test_a_log_of_many_versions_is_read_from_its_checkpoint(spark, root):
    for n in range(12):
        write.write(spark.range(n, n + 1), root)
    log = Path(root) / "_delta_log"
    assert (log / f"{10:020d}.checkpoint.parquet").is_file()
    for version in range(10):
        (log / f"{version:020d}.json").unlink()
    assert ids(spark, root) == oracle(root) == list(range(12))


def test_the_log_has_statistics_that_skip_files(spark, root):
    write.write(spark.range(10).selectExpr("id", "cast(id AS string) AS text"), root)
    line = (Path(root) / "_delta_log" / f"{0:020d}.json").read_text().splitlines()
    added = [json.loads(part)["add"] for part in line if '"add"' in part]
    stats = [json.loads(add["stats"]) for add in added]
    assert sum(s["numRecords"] for s in stats) == 10
    assert min(s["minValues"]["id"] for s in stats) == 0
    assert max(s["maxValues"]["text"] for s in stats) == "9"
    assert all(s["nullCount"] == {"id": 0, "text": 0} for s in stats)
    names = deltalake.DeltaTable(root).file_uris(file_pruning_predicate="id > 8")
    assert len(names) == 1


def test_a_batch_with_the_same_number_is_written_once(spark, root):
    options = {"txnAppId": "job", "txnVersion": 4}
    write.write(spark.range(2), root, options=options)
    assert write.write(spark.range(2), root, options=options) == 0
    assert write.write(spark.range(2, 3), root, options={**options, "txnVersion": 5}) == 1
    assert oracle(root) == [0, 1, 2]


def test_a_table_that_asks_more_of_its_writers_is_not_appended_to(spark, root):
    write.write(spark.range(1), root)
    first = Path(root) / "_delta_log" / f"{0:020d}.json"
    lines = [json.loads(line) for line in first.read_text().splitlines()]
    for line in lines:
        if "protocol" in line:
            line["protocol"] = {
                "minReaderVersion": 1,
                "minWriterVersion": 7,
                "writerFeatures": ["appendOnly", "rowTracking"],
            }
    first.write_text("\n".join(map(json.dumps, lines)))
    condition = "DELTA_UNSUPPORTED_FEATURES_FOR_WRITE"
    refused(condition, lambda: write.write(spark.range(2), root), "rowTracking")
    assert ids(spark, root) == [0]


def test_a_commit_carries_the_words_of_its_writer(spark, root):
    write.write(spark.range(1), root, options={"userMetadata": "first load"})
    (entry,) = deltalake.DeltaTable(root).history()
    assert entry["userMetadata"] == "first load"
