"""MERGE: each clause does what it says, against delta-rs and against a plain-Python definition."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter

import deltalake
import pyarrow as pa
import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import functions as F

from lakebook.runtime.delta import log, write
from lakebook.runtime.delta import merge as merging
from lakebook.runtime.delta.errors import DeltaError
from lakebook.runtime.delta.merge import (
    BY_SOURCE,
    DELETE,
    INSERT,
    MATCHED,
    NOT_MATCHED,
    UPDATE,
    Clause,
    merge,
)
from lakebook.runtime.delta.snapshot import Snapshot

FEED = {"delta.enableChangeDataFeed": "true"}
UPSERT = [Clause(MATCHED, UPDATE), Clause(NOT_MATCHED, INSERT)]


def oracle(root) -> Counter:
    """Return the rows of the table as delta-rs reads them."""
    rows = deltalake.DeltaTable(str(root)).to_pyarrow_table().to_pylist()
    return Counter(tuple(row.values()) for row in rows)


def files(root) -> set[str]:
    return {file.path for file in Snapshot.open(str(root)).files()}


def metrics(root) -> dict[str, str]:
    return deltalake.DeltaTable(str(root)).history(1)[0]["operationMetrics"]


@pytest.fixture
def make(spark, tmp_path):
    """Return a function that writes rows (id, v, w) in three files, or in partitions of w."""
    made = 0

    def make(rows, partition_by=(), configuration=None):
        nonlocal made
        made += 1
        root = str(tmp_path / f"t{made}")
        frame = spark.createDataFrame(rows, "id int, v int, w string").repartition(3, "id")
        write.write(frame, root, partition_by=partition_by, configuration=configuration)
        return root

    return make


@pytest.fixture
def source(spark):
    """Return a function that makes a source called `s` of rows (id, v, w)."""

    def source(rows, schema="id int, v int, w string"):
        return spark.createDataFrame(rows, schema).alias("s")

    return source


def test_an_upsert_updates_and_inserts_and_counts(spark, make, source):
    root = make([(i, i, "a") for i in range(6)])
    new = source([(1, 10, "b"), (2, None, None), (7, 70, "b")])
    done = merge(spark, root, new, "t.id = s.id", UPSERT, alias="t")
    assert done == {
        "num_affected_rows": 3,
        "num_updated_rows": 2,
        "num_deleted_rows": 0,
        "num_inserted_rows": 1,
    }
    kept = [(i, i, "a") for i in (0, 3, 4, 5)]
    assert oracle(root) == Counter([*kept, (1, 10, "b"), (2, None, None), (7, 70, "b")])
    told = metrics(root)
    assert told["numSourceRows"] == "3"
    assert told["numTargetRowsUpdated"] == "2"
    assert told["numTargetRowsInserted"] == "1"
    assert told["numTargetRowsDeleted"] == "0"
    assert int(told["numOutputRows"]) == int(told["numTargetRowsCopied"]) + 3


def test_only_the_files_with_changed_rows_are_rewritten(spark, make, source):
    root = make([(i, i, f"p{i % 5}") for i in range(40)], partition_by=["w"])
    before = {f.path: f.partition_values["w"] for f in Snapshot.open(root).files()}
    # Rows of p3 match as well, but no clause applies to them.
    new = source([(1, 100, "p1"), (3, 300, "p3")])
    clauses = [Clause(MATCHED, UPDATE, "s.v < 200"), Clause(NOT_MATCHED, INSERT)]
    merge(spark, root, new, "t.id = s.id and t.w = s.w", clauses, alias="t")
    gone = set(before) - files(root)
    assert len(gone) == 1 and before[gone.pop()] == "p1"
    assert metrics(root)["numTargetFilesRemoved"] == "1"


def test_an_insert_only_merge_rewrites_nothing(spark, make, source):
    root = make([(i, i, "a") for i in range(4)])
    before = files(root)
    new = source([(2, 20, "b"), (9, 90, "b"), (None, 0, "b")])
    merge(spark, root, new, "t.id = s.id", [Clause(NOT_MATCHED, INSERT, "s.w = 'b'")], alias="t")
    assert before < files(root)
    assert oracle(root) == Counter([*[(i, i, "a") for i in range(4)], (9, 90, "b"), (None, 0, "b")])


def test_the_first_clause_that_applies_decides(spark, make, source):
    root = make([(i, i, "a") for i in range(4)])
    clauses = [
        Clause(MATCHED, DELETE, "s.v is null"),
        Clause(MATCHED, UPDATE, F.col("t.v") > 1, {"w": "'second'"}),
        Clause(MATCHED, UPDATE, None, {"t.w": F.lit("last")}),
    ]
    new = source([(0, 5, "x"), (2, 5, "x"), (3, None, "x")])
    merge(spark, root, new, F.expr("t.id = s.id"), clauses, alias="t")
    assert oracle(root) == Counter([(0, 0, "last"), (1, 1, "a"), (2, 2, "second")])


def test_two_source_rows_for_one_target_row_are_refused(spark, make, source):
    root = make([(1, 1, "a"), (2, 2, "a")])
    twice = source([(1, 5, "x"), (1, 6, "y")])
    with pytest.raises(DeltaError, match="DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE"):
        merge(spark, root, twice, "t.id = s.id", UPSERT, alias="t")
    assert oracle(root) == Counter([(1, 1, "a"), (2, 2, "a")])
    # One of the two says what to do; conditions of WHEN MATCHED count.
    only = [Clause(MATCHED, UPDATE, "s.v = 6")]
    merge(spark, root, twice, "t.id = s.id", only, alias="t")
    assert oracle(root) == Counter([(1, 6, "y"), (2, 2, "a")])
    # And deleting twice is deleting.
    done = merge(spark, root, twice, "t.id = s.id", [Clause(MATCHED, DELETE)], alias="t")
    assert done["num_deleted_rows"] == 1
    assert oracle(root) == Counter([(2, 2, "a")])


def test_names_are_looked_up_where_the_clause_may_look(spark, make, source):
    root = make([(1, 1, "a")])
    # `v` in an insert is the source's, for there is no row of the target.
    clauses = [Clause(NOT_MATCHED, INSERT, "v > 1", {"id": "id", "v": "v + 1"})]
    merge(spark, root, source([(5, 5, "x"), (6, 1, "x")]), "t.id = s.id", clauses, alias="t")
    assert oracle(root) == Counter([(1, 1, "a"), (5, 6, None)])
    wrong = {
        "t.v": Clause(NOT_MATCHED, INSERT, "t.v > 1", {"id": "s.id"}),
        "s.v": Clause(BY_SOURCE, UPDATE, None, {"v": "s.v"}),
        "s.nope": Clause(MATCHED, UPDATE, None, {"v": "s.nope"}),
    }
    for clause in wrong.values():
        with pytest.raises(DeltaError, match="DELTA_MERGE_UNRESOLVED_EXPRESSION"):
            merge(spark, root, source([]), "t.id = s.id", [clause], alias="t")
    with pytest.raises(DeltaError, match=r"DELTA_MERGE_UNRESOLVED_EXPRESSION.*colour"):
        clause = Clause(MATCHED, UPDATE, None, {"colour": "1"})
        merge(spark, root, source([]), "t.id = s.id", [clause], alias="t")
    with pytest.raises(DeltaError, match=r"DELTA_MERGE_UNRESOLVED.*search condition"):
        merge(spark, root, source([]), "t.id = s.key", UPSERT, alias="t")
    with pytest.raises(AnalysisException, match="AMBIGUOUS_REFERENCE"):
        merge(spark, root, source([]), "id = s.id", UPSERT, alias="t")


def test_a_source_that_lacks_a_column_needs_schema_evolution(spark, make, source):
    root = make([(1, 1, "a"), (2, 2, "a")])
    new = source([(1, "b", 0.5), (3, "c", 1.5)], "id int, w string, score double")
    with pytest.raises(DeltaError, match=r"DELTA_MERGE_UNRESOLVED_EXPRESSION.*`v`"):
        merge(spark, root, new, "t.id = s.id", UPSERT, alias="t")
    merge(spark, root, new, "t.id = s.id", UPSERT, alias="t", evolve=True)
    found = deltalake.DeltaTable(root).to_pyarrow_table()
    assert found.column_names == ["id", "v", "w", "score"]
    assert oracle(root) == Counter([(1, 1, "b", 0.5), (2, 2, "a", None), (3, None, "c", 1.5)])


def test_evolution_adds_fields_of_structs_and_keeps_types(spark, tmp_path):
    root = str(tmp_path / "t")
    old = spark.sql("select 1 id, named_struct('x', 1) s, array(named_struct('y', 2)) a")
    write.write(old, root)
    new = spark.sql(
        "select '1' id, named_struct('x', 9L, 'z', 'q') s, array(named_struct('y', 3, 'u', 4)) a"
        " union all select '2', null, null"
    ).alias("n")
    merge(spark, root, new, "t.id = n.id", UPSERT, alias="t", evolve=True)
    found = deltalake.DeltaTable(root).to_pyarrow_table().sort_by("id").to_pylist()
    assert found == [
        {"id": 1, "s": {"x": 9, "z": "q"}, "a": [{"y": 3, "u": 4}]},
        {"id": 2, "s": None, "a": None},
    ]


def test_evolution_is_recorded_in_the_change_data_feed(spark, make, source):
    root = make([(1, 1, "a"), (2, 2, "a")], configuration=FEED)
    new = spark.sql("select 1 id, 5 v, 'b' w, timestamp_ntz'2026-11-20 08:00:00' seen").alias("s")
    clauses = [*UPSERT, Clause(BY_SOURCE, DELETE)]
    merge(spark, root, new, "t.id = s.id", clauses, alias="t", evolve=True)
    feed = pa.table(deltalake.DeltaTable(root).load_cdf(1, 1)).to_pylist()
    moment = dt.datetime(2026, 11, 20, 8)
    assert Counter((r["_change_type"], r["id"], r["v"], r["seen"]) for r in feed) == Counter(
        [
            ("update_preimage", 1, 1, None),
            ("update_postimage", 1, 5, moment),
            ("delete", 2, 2, None),
        ]
    )
    assert oracle(root) == Counter([(1, 5, "b", moment)])


def test_a_feature_that_this_machine_lacks_is_refused_by_name(spark, make, source):
    root = make([(1, 1, "a")])
    protocol = {
        "minReaderVersion": 1,
        "minWriterVersion": 7,
        "writerFeatures": ["rowTracking", "domainMetadata"],
    }
    log.commit(root, log.Actions(0, "UPGRADE PROTOCOL", protocol=protocol))
    with pytest.raises(DeltaError, match=r"DELTA_UNSUPPORTED_FEATURES_FOR_WRITE.*: rowTracking\."):
        merge(spark, root, source([]), "t.id = s.id", UPSERT, alias="t")


def test_without_evolution_columns_of_the_source_alone_are_left_out(spark, make, source):
    root = make([(1, 1, "a")])
    new = source([(1, 5, "b", True), (2, 6, "c", True)], "id int, v int, w string, more boolean")
    merge(spark, root, new, "t.id = s.id", UPSERT, alias="t")
    assert oracle(root) == Counter([(1, 5, "b"), (2, 6, "c")])


def test_values_are_cast_to_the_columns_or_refused(spark, make, source):
    root = make([(1, 1, "a")])
    merge(
        spark,
        root,
        source([("1", 2, 3)], "id string, v long, w int"),
        "t.id = s.id",
        UPSERT,
        alias="t",
    )
    assert oracle(root) == Counter([(1, 2, "3")])
    big = source([(1, 3_000_000_000, "x")], "id int, v long, w string")
    with pytest.raises(DeltaError, match=r"DELTA_CAST_OVERFLOW_IN_TABLE_WRITE.*`v`"):
        merge(spark, root, big, "t.id = s.id", UPSERT, alias="t")
    assert oracle(root) == Counter([(1, 2, "3")])


def test_constraints_hold_for_merged_rows(spark, tmp_path, source):
    root = str(tmp_path / "t")
    from pyspark.sql.types import StructType

    schema = StructType.fromDDL("id int not null, v int, w string")
    write.create(spark, root, schema, configuration={"delta.constraints.pos": "v > 0"})
    for row, said in (((None, 1, "x"), "NOT_NULL"), ((1, -1, "x"), "VIOLATE_CONSTRAINT")):
        with pytest.raises(DeltaError, match=said):
            merge(spark, root, source([row]), "t.id = s.id", UPSERT, alias="t")
    assert Snapshot.open(root).version == 0


def test_a_source_that_changes_each_time_is_read_once(spark, make, source):
    root = make([(i, 0, "a") for i in range(20)], configuration=FEED)
    new = (
        spark.range(40)
        .selectExpr("cast(id as int) id", "cast(rand() * 1000000 as int) v", "uuid() w")
        .filter("v % 2 = 0")
        .alias("s")
    )
    clauses = [
        Clause(MATCHED, UPDATE),
        Clause(NOT_MATCHED, INSERT, None, {"id": "id", "w": "uuid()"}),
    ]
    done = merge(spark, root, new, "t.id = s.id", clauses, alias="t")
    feed = pa.table(deltalake.DeltaTable(root).load_cdf(1)).to_pylist()
    after = oracle(root)
    told = [row for row in feed if row["_change_type"] in ("insert", "update_postimage")]
    assert len(told) == done["num_affected_rows"]
    assert all((row["id"], row["v"], row["w"]) in after for row in told)
    assert len(after) == 20 + done["num_inserted_rows"]


def test_merging_a_table_with_itself_and_without_aliases(spark, make):
    from lakebook.runtime.delta import read

    root = make([(1, 1, "a"), (2, 2, "b")])
    own = read.frame(spark, Snapshot.open(root)).select(
        (F.col("id") + 1).alias("key"), F.col("w").alias("said")
    )
    merge(spark, root, own, "id = key", [Clause(MATCHED, UPDATE, None, {"w": "said"})])
    assert oracle(root) == Counter([(1, 1, "a"), (2, 2, "a")])


def test_clauses_that_make_no_sense_are_refused(spark, make, source):
    root = make([(1, 1, "a")])
    with pytest.raises(DeltaError, match="DELTA_MERGE_MISSING_WHEN"):
        merge(spark, root, source([]), "t.id = s.id", [], alias="t")
    two = [Clause(MATCHED, DELETE), Clause(MATCHED, UPDATE)]
    with pytest.raises(DeltaError, match="NON_LAST_MATCHED_CLAUSE_OMIT_CONDITION"):
        merge(spark, root, source([]), "t.id = s.id", two, alias="t")


def test_a_large_table_is_searched_for_matches_first(spark, make, source, monkeypatch):
    monkeypatch.setattr(merging, "LOOK_FIRST", 0)
    root = make([(i, i, f"p{i % 3}") for i in range(12)], partition_by=["w"], configuration=FEED)
    before = {f.path: f.partition_values["w"] for f in Snapshot.open(root).files()}
    new = source([(1, 100, "p1"), (4, 400, "p1"), (99, 9, "p9")])
    merge(spark, root, new, "t.id = s.id", UPSERT, alias="t")
    assert {before[path] for path in set(before) - files(root)} == {"p1"}
    rest = [(i, i, f"p{i % 3}") for i in range(12) if i not in (1, 4)]
    assert oracle(root) == Counter([*rest, (1, 100, "p1"), (4, 400, "p1"), (99, 9, "p9")])
    # Nothing matches: there is nothing to search, and all is new.
    merge(spark, root, source([(98, 8, "p9")]), "t.id = s.id", UPSERT, alias="t")
    assert oracle(root)[(98, 8, "p9")] == 1


# A definition of MERGE in Python, to compare with. None is SQL's null.


def bigger(left, right):
    return None not in (left, right) and left > right


def plus(left, right):
    return None if None in (left, right) else left + right


ON = {
    "t.id = s.id": lambda t, s: None not in (t[0], s[0]) and t[0] == s[0],
    "t.id <=> s.id": lambda t, s: t[0] == s[0],
    "t.id = s.id and t.w = 'a'": lambda t, s: t[0] is not None and t[0] == s[0] and t[2] == "a",
    "t.id = s.id or s.v > 8": lambda t, s: (
        (None not in (t[0], s[0]) and t[0] == s[0]) or bigger(s[1], 8)
    ),
    "false": lambda t, s: False,
}
IF_BOTH = {
    None: lambda t, s: True,
    "s.v > t.v": lambda t, s: bigger(s[1], t[1]),
    "t.w = 'a'": lambda t, s: t[2] == "a",
    "s.v is null": lambda t, s: s[1] is None,
    "not (s.v > 4)": lambda t, s: s[1] is not None and not s[1] > 4,
}
IF_SOURCE = {
    None: lambda t, s: True,
    "s.v > 3": lambda t, s: bigger(s[1], 3),
    "s.w is not null": lambda t, s: s[2] is not None,
}
IF_TARGET = {
    None: lambda t, s: True,
    "t.v > 3": lambda t, s: bigger(t[1], 3),
    "t.w is null": lambda t, s: t[2] is None,
}
SET_BOTH = [
    (None, lambda t, s: s),
    ({"v": "t.v + s.v", "w": "s.w"}, lambda t, s: (t[0], plus(t[1], s[1]), s[2])),
    ({"id": "s.v"}, lambda t, s: (s[1], t[1], t[2])),
]
INSERTS = [
    (None, lambda t, s: s),
    ({"id": "s.id", "v": "s.v + 1"}, lambda t, s: (s[0], plus(s[1], 1), None)),
]
SET_TARGET = [
    ({"w": "'gone'"}, lambda t, s: (t[0], t[1], "gone")),
    ({"v": "t.v * 2", "id": "null"}, lambda t, s: (None, plus(t[1], t[1]), t[2])),
]


def draw(rng: random.Random):
    """Return a random list of clauses, and beside each what it means."""
    clauses, meanings = [], []
    for when, ifs, sets in (
        (MATCHED, IF_BOTH, SET_BOTH),
        (NOT_MATCHED, IF_SOURCE, INSERTS),
        (BY_SOURCE, IF_TARGET, SET_TARGET),
    ):
        number = rng.choice([0, 1, 1, 2])
        for index in range(number):
            said = [key for key in ifs if key is not None or index == number - 1]
            condition = rng.choice(said)
            if when != NOT_MATCHED and rng.random() < 0.4:
                clauses.append(Clause(when, DELETE, condition))
                meanings.append((ifs[condition], None))
            else:
                values, meaning = rng.choice(sets)
                action = INSERT if when == NOT_MATCHED else UPDATE
                clauses.append(Clause(when, action, condition, values))
                meanings.append((ifs[condition], meaning))
    return clauses, meanings


class TwiceMatchedError(Exception):
    pass


def defined(target, source, on, clauses, meanings):
    """Return the rows that MERGE leaves, by its definition."""
    matched = [clause for clause in clauses if clause.when == MATCHED]
    lenient = len(matched) == 1 and matched[0].action == DELETE and matched[0].condition is None

    def first(when, t, s):
        for clause, (applies, meaning) in zip(clauses, meanings, strict=True):
            if clause.when == when and applies(t, s):
                return True, meaning(t, s) if meaning else None
        return False, None

    result = []
    for t in target:
        pairs = [s for s in source if on(t, s)]
        if pairs:
            told = [new for applied, new in (first(MATCHED, t, s) for s in pairs) if applied]
            if len(told) > 1 and not lenient:
                raise TwiceMatchedError
        else:
            applied, new = first(BY_SOURCE, t, None)
            told = [new] if applied else []
        result += [t] if not told else [told[0]] if told[0] is not None else []
    for s in source:
        if not any(on(t, s) for t in target):
            applied, new = first(NOT_MATCHED, None, s)
            result += [new] if applied else []
    return Counter(result)


@pytest.mark.parametrize("seed", range(14))
def test_merge_does_what_its_definition_says(spark, make, source, seed):
    rng = random.Random(seed)
    while True:
        clauses, meanings = draw(rng)
        if clauses:
            break

    def some(number, keys):
        return [
            (
                rng.choice([*keys, None]),
                rng.choice([None, *range(10)]),
                rng.choice("ab") if rng.random() < 0.8 else None,
            )
            for _ in range(number)
        ]

    target = some(rng.choice([0, 6, 9, 9, 9, 9]), range(8))
    # Mostly distinct keys, so that not every merge is refused; sometimes twice the same.
    keys = rng.sample(range(12), 5) + rng.choice([[], [3, 3]])
    rows = [(key, *row[1:]) for key, row in zip(keys, some(len(keys), [0]), strict=True)]
    on = rng.choices(list(ON), weights=[5, 3, 3, 3, 1])[0]
    part = rng.choice([(), ("w",)])
    root = make(target, partition_by=part, configuration=rng.choice([None, FEED]))
    start = Snapshot.open(root).version
    try:
        expected = defined(target, rows, ON[on], clauses, meanings)
    except TwiceMatchedError:
        with pytest.raises(DeltaError, match="DELTA_MULTIPLE_SOURCE_ROW"):
            merge(spark, root, source(rows), on, clauses, alias="t")
        assert oracle(root) == Counter(target)
        return
    merge(spark, root, source(rows), on, clauses, alias="t")
    assert oracle(root) == expected, (on, clauses)
    if "delta.enableChangeDataFeed" in Snapshot.open(root).configuration:
        assert replayed(root, Counter(target), start) == expected


def replayed(root, rows: Counter, start: int) -> Counter:
    """Return the rows after the recorded changes, by delta-rs."""
    if Snapshot.open(root).version == start:
        return rows
    for row in pa.table(deltalake.DeltaTable(root).load_cdf(start + 1)).to_pylist():
        values = (row["id"], row["v"], row["w"])
        if row["_change_type"] in ("delete", "update_preimage"):
            assert rows[values] > 0
    for row in pa.table(deltalake.DeltaTable(root).load_cdf(start + 1)).to_pylist():
        sign = -1 if row["_change_type"] in ("delete", "update_preimage") else 1
        rows[(row["id"], row["v"], row["w"])] += sign
    assert min(rows.values(), default=0) >= 0
    return +rows
