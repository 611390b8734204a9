"""INSERT, UPDATE, DELETE and how statements are read."""

from __future__ import annotations

from suite import Area, refused, rows

MANUAL = "https://docs.databricks.com/sql/language-manual"
case = Area("SQL: changing rows", f"{MANUAL}/sql-ref-syntax-dml-insert-into.html", on_workers=False)


@case(
    "INSERT INTO … VALUES",
    "Values are inserted by position; the statement counts them.",
    on_workers=True,
)
def values_are_inserted(it):
    table = it.table(id=[1], name=["a"])
    (told,) = it.sql(f"INSERT INTO {table} VALUES (2, 'b'), (3, NULL)").collect()
    assert (told.num_affected_rows, told.num_inserted_rows) == (2, 2)
    assert rows(it.spark.table(table)) == [(1, "a"), (2, "b"), (3, None)]


@case("INSERT INTO t (columns)", "Columns that are not named become null.")
def columns_not_named_become_null(it):
    table = it.table(id=[1], name=["a"])
    it.sql(f"INSERT INTO {table} (name) SELECT upper(name) FROM {table}")
    assert rows(it.spark.table(table)) == [(1, "a"), (None, "A")]


@case("INSERT BY NAME", "BY NAME matches the query's columns by name.")
def columns_are_matched_by_name_in_sql(it):
    table = it.table(id=[1], name=["a"])
    it.sql(f"INSERT INTO {table} BY NAME SELECT 'b' AS name, 2L AS id")
    assert rows(it.spark.table(table)) == [(1, "a"), (2, "b")]


@case("INSERT OVERWRITE", "INSERT OVERWRITE replaces all rows.")
def insert_overwrite_replaces(it):
    table = it.table(id=[1, 2])
    it.sql(f"INSERT OVERWRITE {table} SELECT id * 10 FROM {table} WHERE id = 2")
    assert rows(it.spark.table(table)) == [(20,)]


@case(
    "INSERT INTO … REPLACE WHERE",
    "REPLACE WHERE deletes the rows that match and inserts the query's.",
    source="https://docs.databricks.com/delta/selective-overwrite.html",
)
def replace_where_is_a_statement(it):
    table = it.table(day=["mon", "tue"], n=[1, 2])
    it.sql(f"INSERT INTO {table} REPLACE WHERE day = 'tue' SELECT 'tue', 5L")
    assert rows(it.spark.table(table)) == [("mon", 1), ("tue", 5)]


@case("INSERT, number of columns", "A row with too few or too many values is refused.")
def a_wrong_number_of_values_is_refused(it):
    table = it.table(id=[1], name=["a"])
    refused(lambda: it.sql(f"INSERT INTO {table} VALUES (2, 'b', 3)"), ("olumn", "arity"))
    assert it.spark.table(table).count() == 1


@case(
    "UPDATE",
    "UPDATE sets columns where the condition holds and says how many rows it changed.",
    source=f"{MANUAL}/delta-update.html",
    on_workers=True,
)
def an_update_counts_its_rows(it):
    table = it.table(id=[1, 2, 3], n=[1, 2, 3])
    (told,) = it.sql(f"UPDATE {table} SET n = n * 2, id = id + 10 WHERE n >= 2").collect()
    assert told.num_affected_rows == 2
    assert rows(it.spark.table(table)) == [(1, 1), (12, 4), (13, 6)]


@case(
    "UPDATE with an alias",
    "The table may have an alias, which qualifies the columns.",
    source=f"{MANUAL}/delta-update.html",
)
def an_update_may_have_an_alias(it):
    table = it.table(id=[1, 2])
    it.sql(f"UPDATE {table} AS x SET x.id = x.id * 100 WHERE x.id = 1")
    assert rows(it.spark.table(table)) == [(100,), (2,)]


@case(
    "DELETE FROM",
    "DELETE removes rows where the condition is true, not where it is null, and counts them.",
    source=f"{MANUAL}/delta-delete-from.html",
)
def a_delete_counts_its_rows(it):
    table = it.table(id=[1, None, 3])
    assert it.sql(f"DELETE FROM {table} WHERE id <> 1").collect() == [(1,)]
    assert rows(it.spark.table(table)) == [(1,), (None,)]


@case(
    "DELETE with a subquery",
    "The condition may hold subqueries: IN and EXISTS.",
    source=f"{MANUAL}/delta-delete-from.html",
    on_workers=True,
)
def a_delete_may_ask_another_table(it):
    table, other = it.table(id=[1, 2, 3]), it.table("gone", id=[2])
    it.sql(f"DELETE FROM {table} WHERE id IN (SELECT id FROM {other})")
    it.sql(f"DELETE FROM {table} AS x WHERE EXISTS (SELECT 1 FROM {other} g WHERE g.id = x.id - 1)")
    assert rows(it.spark.table(table)) == [(1,)]


@case(
    "statements on delta.`path`",
    "UPDATE and DELETE take a path in place of a name.",
    source="https://docs.delta.io/delta-update",
)
def a_path_can_be_changed_by_statement(it):
    path = it.given(id=[1, 2, 3])
    it.spark.sql(f"DELETE FROM delta.`{path}` WHERE id = 1")
    it.spark.sql(f"UPDATE delta.`{path}` SET id = 0 WHERE id = 3")
    assert rows(it.at(path)) == [(0,), (2,)]


@case(
    "parameter markers",
    "spark.sql takes named markers (:n) and positional ones (?), in changes too.",
    source=f"{MANUAL}/sql-ref-parameter-marker.html",
)
def markers_are_filled_in(it):
    table = it.table(id=[1, 2], name=["a", "b"])
    it.sql(f"UPDATE {table} SET name = :n WHERE id = :i", args={"n": "it's; :x", "i": 2})
    assert rows(it.sql(f"SELECT name FROM {table} WHERE id = ?", args=[2])) == [("it's; :x",)]


@case(
    "IDENTIFIER",
    "IDENTIFIER(:name) takes the name of a table from a parameter.",
    source=f"{MANUAL}/sql-ref-names-identifier-clause.html",
)
def a_name_comes_from_a_parameter(it):
    table = it.table(id=[7])
    assert rows(it.sql("SELECT * FROM IDENTIFIER(:t)", args={"t": table})) == [(7,)]


@case(
    "comments, quotes, semicolons",
    "Comments, quotes and ; inside strings are what they are anywhere in a statement.",
    source=f"{MANUAL}/sql-ref-syntax-comment.html",
)
def text_in_a_statement_is_left_alone(it):
    table = it.table(id=[1], name=["x"])
    it.sql(
        f"/* not main.a.b; */ INSERT INTO {table} -- FROM main.no.such\n"
        f"VALUES (2, 'from {table}; -- \"kept\"')"
    )
    (row,) = it.sql(f"SELECT name FROM {table} WHERE id = 2").collect()
    assert row.name == f'from {table}; -- "kept"'


@case(
    "WITH, joins, subqueries",
    "Three-level names work in common table expressions, joins and subqueries.",
    source=f"{MANUAL}/sql-ref-syntax-qry-select.html",
    on_workers=True,
)
def names_work_wherever_tables_stand(it):
    a, b = it.table("a", id=[1, 2]), it.table("b", id=[2, 3])
    query = f"""WITH c AS (SELECT id FROM {a}) SELECT c.id, (SELECT max(id) FROM {b}) AS top
        FROM c JOIN {b} ON c.id = {b}.id WHERE c.id IN (SELECT id FROM {b})"""
    assert rows(it.sql(query)) == [(2, 3)]
