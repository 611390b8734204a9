"""DELETE and UPDATE: the right rows, only the files that hold them, and a log that others read."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import deltalake
import pyarrow as pa
import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import functions as F

from lakebook.runtime.delta import log, rows, stage, write
from lakebook.runtime.delta.errors import DeltaError
from lakebook.runtime.delta.snapshot import Snapshot

FEED = {"delta.enableChangeDataFeed": "true"}


def oracle(root) -> Counter:
    """Return the rows of the table as delta-rs reads them."""
    return Counter(tuple(row.values()) for row in pa.table(_reader(root)).to_pylist())


def _reader(root):
    return deltalake.DeltaTable(str(root)).to_pyarrow_table()


def files(root) -> set[str]:
    return {file.path for file in Snapshot.open(str(root)).files()}


def info(root) -> dict:
    return deltalake.DeltaTable(str(root)).history(1)[0]


@pytest.fixture
def make(spark, tmp_path):
    """Return a function that writes nine rows, three in each of three files."""
    made = 0

    def make(partition_by=(), configuration=None, path="t"):
        nonlocal made
        made += 1
        root = tmp_path / f"{path}{made}"
        frame = spark.createDataFrame(
            [(i, f"n{i}", i // 3) for i in range(9)], "id int, name string, part int"
        )
        for part in range(3):
            write.write(
                frame.filter(f"part = {part}").coalesce(1),
                root,
                partition_by=partition_by,
                configuration=configuration,
            )
        return str(root)

    return make


def nine(without=()):
    return Counter((i, f"n{i}", i // 3) for i in range(9) if i not in without)


def test_a_delete_rewrites_only_the_files_that_hold_such_rows(spark, make):
    root = make()
    before = files(root)
    done = rows.delete(spark, root, "id = 4")
    assert done == {"num_affected_rows": 1}
    assert oracle(root) == nine(without=[4])
    assert len(before & files(root)) == 2
    metrics = info(root)["operationMetrics"]
    assert (metrics["numRemovedFiles"], metrics["numAddedFiles"]) == ("1", "1")
    assert (metrics["numDeletedRows"], metrics["numCopiedRows"]) == ("1", "2")
    assert info(root)["operation"] == "DELETE"
    assert info(root)["operationParameters"] == {"predicate": '["id = 4"]'}


def test_a_file_all_of_whose_rows_go_is_not_written_again(spark, make):
    root = make()
    rows.delete(spark, root, "id between 3 and 5")
    assert oracle(root) == nine(without=[3, 4, 5])
    assert info(root)["operationMetrics"]["numAddedFiles"] == "0"


def test_a_delete_of_partitions_reads_no_data(spark, make):
    root = make(partition_by=["part"])
    for file in Snapshot.open(root).files():
        if file.partition_values["part"] == "1":
            Path(stage.place(root, file)).write_bytes(b"not Parquet")
    assert rows.delete(spark, root, F.col("part") == 1) == {"num_affected_rows": 3}
    assert oracle(root) == nine(without=[3, 4, 5])


def test_where_a_condition_is_null_the_row_stays(spark, tmp_path):
    root = str(tmp_path / "t")
    write.write(spark.createDataFrame([(1, None), (2, 5), (3, 6)], "id int, v int"), root)
    rows.delete(spark, root, "v = 5")
    assert oracle(root) == Counter([(1, None), (3, 6)])
    rows.delete(spark, root, "not (v = 6)")
    assert oracle(root) == Counter([(1, None), (3, 6)])
    rows.update(spark, root, {"v": "0"}, "v > 5")
    assert oracle(root) == Counter([(1, None), (3, 0)])


def test_a_delete_that_finds_nothing_makes_no_version(spark, make):
    root = make()
    version = Snapshot.open(root).version
    assert rows.delete(spark, root, "id > 100") == {"num_affected_rows": 0}
    assert Snapshot.open(root).version == version


def test_a_delete_without_condition_empties_the_table(spark, make):
    root = make()
    assert rows.delete(spark, root) == {"num_affected_rows": 9}
    assert oracle(root) == Counter()
    assert rows.delete(spark, root) == {"num_affected_rows": 0}


def test_a_condition_may_ask_another_table(spark, make):
    root = make()
    spark.range(3, 5).createOrReplaceTempView("gone_ids")
    rows.delete(spark, root, "t.id in (select id from gone_ids)", alias="t")
    assert oracle(root) == nine(without=[3, 4])
    rows.update(
        spark,
        root,
        {"name": "'x'"},
        "exists (select 1 from gone_ids g where g.id = t.id+1)",
        alias="t",
    )
    assert oracle(root) == nine(without=[2, 3, 4]) + Counter([(2, "x", 0)])


def test_an_update_sets_what_it_names_and_leaves_the_rest(spark, make):
    root = make()
    before = files(root)
    done = rows.update(
        spark,
        root,
        {"t.name": "upper(name) || part", "ID": F.col("t.id") * 10},
        "t.id < 2",
        alias="t",
    )
    assert done == {"num_affected_rows": 2}
    expected = nine(without=[0, 1]) + Counter([(0, "N00", 0), (10, "N10", 0)])
    assert oracle(root) == expected
    assert len(before & files(root)) == 2
    metrics = info(root)["operationMetrics"]
    assert (metrics["numUpdatedRows"], metrics["numCopiedRows"]) == ("2", "1")


def test_both_sides_of_an_update_see_the_old_row(spark, make):
    root = make()
    rows.update(spark, root, {"id": "part", "part": "id"})
    assert oracle(root) == Counter((i // 3, f"n{i}", i) for i in range(9))


def test_an_update_moves_rows_to_another_partition(spark, make):
    root = make(partition_by=["part"])
    rows.update(spark, root, {"part": "null"}, "id = 8")
    assert oracle(root) == nine(without=[8]) + Counter([(8, "n8", None)])


def test_an_update_of_a_field_keeps_the_other_fields(spark, tmp_path):
    root = str(tmp_path / "t")
    frame = spark.sql(
        "select 1 id, named_struct('city', 'Rome', 'no', 7) a union all select 2, null"
    )
    write.write(frame, root)
    rows.update(spark, root, {"a.city": "'Bari'"})
    found = pa.table(_reader(root)).sort_by("id").to_pylist()
    assert found == [
        {"id": 1, "a": {"city": "Bari", "no": 7}},
        {"id": 2, "a": {"city": "Bari", "no": None}},
    ]


@pytest.mark.parametrize("ansi", ["true", "false"])
def test_a_value_that_does_not_fit_its_column_is_refused(spark, make, ansi):
    root = make()
    spark.conf.set("spark.sql.ansi.enabled", ansi)
    try:
        rows.update(spark, root, {"id": "'12'"}, "id = 0")
        with pytest.raises(DeltaError, match=r"DELTA_CAST_OVERFLOW_IN_TABLE_WRITE.*column `id`"):
            rows.update(spark, root, {"id": "3000000000L"}, "id = 1")
        with pytest.raises(Exception, match=r"CAST_INVALID_INPUT|does not fit"):
            rows.update(spark, root, {"id": "name"}, "id = 1")
    finally:
        spark.conf.set("spark.sql.ansi.enabled", "true")
    assert oracle(root) == nine(without=[0]) + Counter([(12, "n0", 0)])
    assert not [path for path in Path(root).glob("*.parquet") if path.name not in _ever(root)]


def _ever(root) -> set[str]:
    """Return the files that some version has had."""
    found = set()
    for version in range(Snapshot.open(root).version + 1):
        found |= {a["add"]["path"] for a in log.read_commit(root, version) if "add" in a}
    return found


def test_constraints_stop_an_update_and_leave_the_table(spark, make):
    root = make(configuration={"delta.constraints.small": "id < 100"})
    with pytest.raises(DeltaError, match="DELTA_VIOLATE_CONSTRAINT_WITH_VALUES"):
        rows.update(spark, root, {"id": "id + 95"})
    assert oracle(root) == nine()


def test_a_table_that_only_grows_refuses_changes(spark, make):
    root = make(configuration={"delta.appendOnly": "true"})
    with pytest.raises(DeltaError, match="DELTA_CANNOT_MODIFY_APPEND_ONLY"):
        rows.delete(spark, root, "id = 1")
    with pytest.raises(DeltaError, match="DELTA_CANNOT_MODIFY_APPEND_ONLY"):
        rows.update(spark, root, {"id": "1"})


def test_mistakes_are_named_before_anything_runs(spark, make):
    root = make()
    version = Snapshot.open(root).version
    with pytest.raises(AnalysisException, match=r"`nam`.*`name`"):
        rows.delete(spark, root, "nam = 1")
    with pytest.raises(AnalysisException, match="`colour` cannot be resolved"):
        rows.update(spark, root, {"colour": "1"})
    with pytest.raises(DeltaError, match="DELTA_CONFLICT_SET_COLUMN"):
        rows.update(spark, root, {"id": "1", "ID": "2"})
    with pytest.raises(DeltaError, match="DELTA_NON_DETERMINISTIC"):
        rows.delete(spark, root, F.rand() < 0.5)
    with pytest.raises(AnalysisException):
        rows.delete(spark, root, "id = = 1")
    assert Snapshot.open(root).version == version


def test_names_with_other_letters_are_columns_as_any(spark, tmp_path):
    root = str(tmp_path / "größe 7%")
    frame = spark.createDataFrame(
        [(1, "a b/ü%20"), (2, "x=y#?"), (3, None)], "`größe` int, `p.q` string"
    )
    write.write(frame, root, partition_by=["p.q"])
    rows.update(spark, root, {"größe": "`größe` + 10", "`p.q`": "`p.q` || '!'"}, "`größe` < 3")
    rows.delete(spark, root, "`p.q` is null")
    assert oracle(root) == Counter([(11, "a b/ü%20!"), (12, "x=y#?!")])


@pytest.mark.parametrize("partition_by", [(), ("part",)])
def test_the_change_data_feed_records_old_and_new_rows(spark, make, partition_by):
    root = make(partition_by=partition_by, configuration=FEED)
    start = Snapshot.open(root).version + 1
    rows.delete(spark, root, "id in (0, 3, 4, 5)")
    rows.update(spark, root, {"name": "uuid()"}, "id = 8")
    feed = pa.table(deltalake.DeltaTable(root).load_cdf(start)).to_pylist()
    kinds = Counter((row["_change_type"], row["id"]) for row in feed)
    deleted = {("delete", i): 1 for i in (0, 3, 4, 5)}
    assert kinds == {**deleted, ("update_preimage", 8): 1, ("update_postimage", 8): 1}
    told = next(row["name"] for row in feed if row["_change_type"] == "update_postimage")
    assert told in {name for _, name, _ in oracle(root)}


def test_two_updates_of_one_file_cannot_both_win(spark, make):
    root = make()
    snapshot = Snapshot.open(root)
    rows.update(spark, root, {"name": "'first'"}, "id = 1")
    late = rows.Target(spark, snapshot)
    done = rows.Rewrite(removes=[f for f in snapshot.files() if f.path not in files(root)])
    with pytest.raises(DeltaError, match=r"DELTA_CONCURRENT_(DELETE_DELETE|APPEND)"):
        rows._commit(late, "UPDATE", "id = 1", done, "numUpdatedRows")
    assert oracle(root) == nine(without=[1]) + Counter([(1, "first", 0)])
