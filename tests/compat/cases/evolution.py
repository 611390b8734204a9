"""Schema enforcement and evolution."""

from __future__ import annotations

from suite import Area, refused, rows

case = Area(
    "Schema enforcement and evolution",
    "https://docs.databricks.com/aws/en/delta/update-schema",
    on_workers=False,
)


def _append(it, path, frame, **options):
    frame.write.format("delta").mode("append").options(**options).save(path)


@case(
    "schema enforcement",
    "A column that the table does not have is refused, and the error names mergeSchema.",
    source="https://docs.databricks.com/aws/en/error-messages/delta-metadata-mismatch-error-class",
)
def a_new_column_is_refused(it):
    path = it.given(id=[1])
    frame = it.frame([(2, "b")], "id LONG, name STRING")
    refused(lambda: _append(it, path, frame), "schema mismatch", "mergeSchema")
    assert it.at(path).columns == ["id"]


@case(
    "mergeSchema",
    "With mergeSchema new columns are added at the end; old rows have null.",
    on_workers=True,
)
def merge_schema_adds_columns(it):
    path = it.given(id=[1])
    _append(it, path, it.frame([("b", 2)], "name STRING, id LONG"), mergeSchema="true")
    assert it.at(path).columns == ["id", "name"]
    assert rows(it.at(path)) == [(1, None), (2, "b")]


@case("mergeSchema, nested", "mergeSchema adds fields inside a struct too.")
def merge_schema_adds_nested_fields(it):
    path = it.path()
    it.spark.sql("SELECT struct(1 AS a) AS s").write.format("delta").save(path)
    _append(it, path, it.spark.sql("SELECT struct(2 AS a, 'x' AS b) AS s"), mergeSchema="true")
    assert rows(it.at(path).select("s.a", "s.b")) == [(1, None), (2, "x")]


@case(
    "incompatible types",
    "A value of a type that cannot become the column's is refused, even with mergeSchema.",
    source="https://docs.databricks.com/error-messages/index.html",
)
def an_incompatible_type_is_refused(it):
    path = it.given(id=[1])
    frame = it.spark.sql("SELECT array(1) AS id")
    refused(
        lambda: _append(it, path, frame, mergeSchema="true"),
        ("DELTA_FAILED_TO_MERGE_FIELDS", "DELTA_MERGE_INCOMPATIBLE_DATATYPE"),
        "id",
    )


@case(
    "overwriteSchema",
    "Overwrite keeps the schema; with overwriteSchema the new frame's replaces it.",
)
def overwrite_schema_replaces_it(it):
    path = it.given(id=[1], name=["a"])
    frame = it.frame([("x", True)], "id STRING, flag BOOLEAN")
    writer = frame.write.format("delta").mode("overwrite")
    refused(lambda: writer.save(path), ("overwriteSchema", "DELTA_FAILED_TO_MERGE_FIELDS"))
    writer.option("overwriteSchema", "true").save(path)
    assert it.at(path).schema.simpleString() == "struct<id:string,flag:boolean>"
    assert rows(it.at(path)) == [("x", True)]


@case(
    "overwriteSchema and partitions",
    "overwriteSchema with partitionBy changes the partition columns.",
)
def overwrite_schema_changes_partitions(it):
    path = it.given(["day"], day=["mon"], n=[1])
    frame = it.frame([("tue", 2)], "day STRING, n LONG")
    writer = frame.write.format("delta").mode("overwrite").partitionBy("n")
    writer.option("overwriteSchema", "true").save(path)
    (row,) = it.spark.sql(f"DESCRIBE DETAIL delta.`{path}`").collect()
    assert row.partitionColumns == ["n"]


@case("ALTER TABLE ADD COLUMNS", "Columns are added by ALTER TABLE, with type and comment.")
def columns_are_added_by_statement(it):
    table = it.table(id=[1])
    it.sql(f"ALTER TABLE {table} ADD COLUMNS (name STRING COMMENT 'what it is', n INT)")
    assert rows(it.spark.table(table)) == [(1, None, None)]
    shown = {row.col_name: row.comment for row in it.sql(f"DESCRIBE TABLE {table}").collect()}
    assert shown["name"] == "what it is"


@case(
    "ALTER TABLE RENAME/DROP COLUMN",
    "Columns are renamed and dropped without rewriting files, once column mapping is on.",
    source="https://docs.databricks.com/delta/column-mapping.html",
    differs="There is no column mapping here: both statements are refused by name, and "
    "overwriteSchema does it by writing the rows again.",
)
def columns_are_not_renamed_or_dropped(it):
    table = it.table(id=[1], name=["a"])
    rename, drop = "RENAME COLUMN name TO n", "DROP COLUMN name"
    refused(lambda: it.sql(f"ALTER TABLE {table} {rename}"), "DELTA_UNSUPPORTED_RENAME_COLUMN")
    refused(lambda: it.sql(f"ALTER TABLE {table} {drop}"), "DELTA_UNSUPPORTED_DROP_COLUMN")
    assert it.spark.table(table).columns == ["id", "name"]


@case(
    "column names",
    "Without column mapping a name with one of the characters ` ,;{}()\\n\\t=` is refused.",
    source="https://docs.databricks.com/error-messages/index.html",
)
def a_column_name_with_a_space_is_refused(it):
    frame = it.spark.sql("SELECT 1 AS `a b`")
    refused(
        lambda: frame.write.format("delta").save(it.path()),
        "DELTA_INVALID_CHARACTERS_IN_COLUMN_NAME",
        "a b",
    )
