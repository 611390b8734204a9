"""MERGE, by `DeltaTable.merge` and by SQL, with each of its clauses."""

from __future__ import annotations

from suite import Area, refused, rows

case = Area("MERGE", "https://docs.databricks.com/delta/merge.html")
SQL = "https://learn.microsoft.com/azure/databricks/sql/language-manual/delta-merge-into"


def _merge(it, source, condition="t.id = s.id"):
    """A table with rows (1, 1) and (2, 2), and a merge of the source into it."""
    from delta.tables import DeltaTable

    path = it.given(id=[1, 2], n=[1, 2])
    frame = it.frame(source, "id LONG, n LONG").alias("s")
    return path, DeltaTable.forPath(it.spark, path).alias("t").merge(frame, condition)


@case(
    "whenMatchedUpdateAll, whenNotMatchedInsertAll",
    "The upsert: rows that match take the source's values, the others are inserted.",
)
def an_upsert_updates_and_inserts(it):
    path, merge = _merge(it, [(2, 20), (3, 30)])
    merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()
    assert rows(it.at(path)) == [(1, 1), (2, 20), (3, 30)]


@case(
    "whenMatchedUpdate(condition, set)",
    "An update sets the columns named, by expressions over source and target, where a "
    "condition holds.",
)
def matched_rows_are_updated_on_condition(it):
    path, merge = _merge(it, [(1, 10), (2, 20)])
    merge.whenMatchedUpdate("s.n > 10", {"n": "t.n + s.n"}).execute()
    assert rows(it.at(path)) == [(1, 1), (2, 22)]


@case("whenMatchedDelete", "Rows that match are deleted, where the condition holds.")
def matched_rows_are_deleted(it):
    path, merge = _merge(it, [(1, 0), (2, 9)])
    merge.whenMatchedDelete("s.n = 0").execute()
    assert rows(it.at(path)) == [(2, 2)]


@case("whenNotMatchedInsert", "An insert gives values to the columns named; the rest are null.")
def an_insert_names_its_columns(it):
    path, merge = _merge(it, [(3, 30), (4, 40)])
    merge.whenNotMatchedInsert("s.id = 4", {"id": "s.id * 100"}).execute()
    assert rows(it.at(path)) == [(1, 1), (2, 2), (400, None)]


@case("order of clauses", "The first clause whose condition holds is the one that acts.")
def the_first_clause_acts(it):
    path, merge = _merge(it, [(1, 5), (2, 50)])
    merge = merge.whenMatchedUpdate("s.n > 10", {"n": "-1"}).whenMatchedDelete("s.n > 20")
    merge.whenMatchedUpdate(set={"n": "s.n"}).execute()
    assert rows(it.at(path)) == [(1, 5), (2, -1)]


@case(
    "whenNotMatchedBySourceUpdate",
    "Rows of the target without a partner in the source can be updated.",
)
def rows_without_partner_are_updated(it):
    path, merge = _merge(it, [(2, 20)])
    merge.whenNotMatchedBySourceUpdate("t.id < 9", {"n": "t.n - 100"}).execute()
    assert rows(it.at(path)) == [(1, -99), (2, 2)]


@case("whenNotMatchedBySourceDelete", "Rows without a partner can be deleted: a synchronisation.")
def rows_without_partner_are_deleted(it):
    path, merge = _merge(it, [(2, 20), (3, 30)])
    merge = merge.whenMatchedUpdateAll().whenNotMatchedInsertAll()
    merge.whenNotMatchedBySourceDelete().execute()
    assert rows(it.at(path)) == [(2, 20), (3, 30)]


@case(
    "several source rows for one target row",
    "If two source rows would change one target row, the merge fails and changes nothing.",
)
def two_source_rows_for_one_are_refused(it):
    path, merge = _merge(it, [(2, 20), (2, 21)])
    refused(
        lambda: merge.whenMatchedUpdateAll().execute(),
        "DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE",
    )
    assert rows(it.at(path)) == [(1, 1), (2, 2)]


@case(
    "several source rows, delete",
    "Several matches are allowed where the only clause is an unconditional delete.",
    source=SQL,
)
def a_plain_delete_may_match_twice(it):
    path, merge = _merge(it, [(2, 20), (2, 21)])
    merge.whenMatchedDelete().execute()
    assert rows(it.at(path)) == [(1, 1)]


@case("null keys", "A null key matches nothing, so such a source row is inserted.")
def null_keys_match_nothing(it):
    path, merge = _merge(it, [(None, 5)])
    merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()
    assert rows(it.at(path)) == [(1, 1), (2, 2), (None, 5)]


@case(
    "metrics of a merge",
    "The history of a merge counts source rows and rows inserted, updated, deleted, copied.",
    source="https://docs.delta.io/delta-utility",
)
def a_merge_is_counted(it):
    from delta.tables import DeltaTable

    path, merge = _merge(it, [(2, 20), (3, 30)])
    merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()
    last = DeltaTable.forPath(it.spark, path).history(1).first()
    assert last.operation == "MERGE"
    counted = {
        name: last.operationMetrics[name]
        for name in (
            "numSourceRows",
            "numTargetRowsInserted",
            "numTargetRowsUpdated",
            "numTargetRowsDeleted",
            "numTargetRowsCopied",
        )
    }
    assert list(counted.values()) == ["2", "1", "1", "0", "1"]


@case("only the files touched", "Files without a matching row are not rewritten.")
def untouched_files_stay(it):
    from delta.tables import DeltaTable

    path = it.given(["day"], day=["mon", "tue"], n=[1, 2])
    before = set(it.at(path).inputFiles())
    frame = it.frame([("tue", 9)], "day STRING, n LONG").alias("s")
    merge = DeltaTable.forPath(it.spark, path).alias("t").merge(frame, "t.day = s.day")
    merge.whenMatchedUpdateAll().execute()
    kept = before & set(it.at(path).inputFiles())
    assert ["day=mon" in file for file in kept] == [True]


@case("withSchemaEvolution", "With schema evolution new columns of the source are added.")
def a_merge_may_add_columns(it):
    from delta.tables import DeltaTable

    path = it.given(id=[1, 2])
    frame = it.frame([(2, "b"), (3, "c")], "id LONG, name STRING").alias("s")
    merge = DeltaTable.forPath(it.spark, path).alias("t").merge(frame, "t.id = s.id")
    merge = merge.withSchemaEvolution().whenMatchedUpdateAll().whenNotMatchedInsertAll()
    merge.execute()
    assert rows(it.at(path)) == [(1, None), (2, "b"), (3, "c")]


@case(
    "MERGE INTO",
    "The SQL statement takes a subquery as source, * and lists, and returns counts.",
    source=SQL,
)
def merge_into_is_a_statement(it):
    table = it.table(id=[1, 2], n=[1, 2])
    (told,) = it.sql(
        f"MERGE INTO {table} AS t USING (SELECT id + 1 AS id, 7 AS n FROM {table}) AS s "
        "ON t.id = s.id WHEN MATCHED THEN UPDATE SET t.n = s.n "
        "WHEN NOT MATCHED THEN INSERT (id, n) VALUES (s.id, s.n * 10)"
    ).collect()
    assert told.asDict() == {
        "num_affected_rows": 2,
        "num_updated_rows": 1,
        "num_deleted_rows": 0,
        "num_inserted_rows": 1,
    }
    assert rows(it.spark.table(table)) == [(1, 1), (2, 7), (3, 70)]


@case(
    "WHEN NOT MATCHED BY SOURCE",
    "SQL has the clause for rows without a partner, with a condition.",
    source=SQL,
)
def merge_into_knows_rows_without_partner(it):
    table = it.table(id=[1, 2, 3], n=[1, 2, 3])
    it.frame([(3, 0)], "id LONG, n LONG").createOrReplaceTempView("incoming")
    it.sql(
        f"MERGE INTO {table} t USING incoming s ON t.id = s.id WHEN MATCHED THEN UPDATE SET * "
        "WHEN NOT MATCHED BY SOURCE AND t.id = 1 THEN DELETE "
        "WHEN NOT MATCHED BY SOURCE THEN UPDATE SET n = -t.n"
    )
    assert rows(it.spark.table(table)) == [(2, -2), (3, 0)]


@case("MERGE WITH SCHEMA EVOLUTION", "The clause adds columns of the source.", source=SQL)
def merge_into_may_add_columns(it):
    table = it.table(id=[1])
    it.sql(
        f"MERGE WITH SCHEMA EVOLUTION INTO {table} t USING (SELECT 2L AS id, 'b' AS name) s "
        "ON t.id = s.id WHEN NOT MATCHED THEN INSERT *"
    )
    assert rows(it.spark.table(table)) == [(1, None), (2, "b")]
