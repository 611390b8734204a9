"""Views and functions."""

from __future__ import annotations

from suite import Area, column, refused, rows

MANUAL = "https://docs.databricks.com/sql/language-manual"
case = Area(
    "Views and functions", f"{MANUAL}/sql-ref-syntax-ddl-create-view.html", on_workers=False
)


@case("CREATE VIEW", "A view is a query with a name; it shows what its tables hold now.")
def a_view_shows_what_is_there_now(it):
    table = it.table(id=[1, 2])
    it.sql(f"CREATE VIEW {{s}}.big AS SELECT id FROM {table} WHERE id > 1")
    it.sql(f"INSERT INTO {table} VALUES (3)")
    assert rows(it.sql("SELECT * FROM {s}.big")) == [(2,), (3,)]
    assert rows(it.spark.table(it.name("big"))) == [(2,), (3,)]


@case("names in a view", "Short names in a view mean what they meant where it was made.")
def a_view_remembers_its_schema(it):
    it.table(id=[1])
    it.sql("USE {s}")
    it.sql("CREATE VIEW v AS SELECT id FROM t")
    it.sql("USE main.default")
    assert rows(it.sql("SELECT * FROM {s}.v")) == [(1,)]


@case("CREATE OR REPLACE VIEW", "A view is replaced, and can name its columns with comments.")
def a_view_is_replaced(it):
    it.sql("CREATE VIEW {s}.v AS SELECT 1 AS a")
    it.sql("CREATE OR REPLACE VIEW {s}.v (n COMMENT 'number') AS SELECT 2")
    assert it.sql("SELECT * FROM {s}.v").collect()[0].asDict() == {"n": 2}


@case(
    "views are read-only",
    "A view takes no rows.",
    source="https://docs.databricks.com/error-messages/index.html",
)
def a_view_takes_no_rows(it):
    it.sql("CREATE VIEW {s}.v AS SELECT 1 AS a")
    refused(lambda: it.sql("INSERT INTO {s}.v VALUES (2)"), ("view", "VIEW"), "v")


@case("SHOW VIEWS, DROP VIEW", "Views are listed and dropped; DROP TABLE does not drop a view.")
def views_are_listed_and_dropped(it):
    it.sql("CREATE VIEW {s}.v AS SELECT 1 AS a")
    listed = it.sql("SHOW VIEWS IN {s}").filter("NOT isTemporary")
    assert column(listed, "viewName") == ["v"]
    refused(lambda: it.sql("DROP TABLE {s}.v"), ("VIEW", "view"))
    it.sql("DROP VIEW {s}.v")
    assert it.sql("SHOW VIEWS IN {s}").filter("NOT isTemporary").count() == 0


@case("temporary views", "A temporary view has one level, and comes before a table of that name.")
def a_temporary_view_comes_first(it):
    it.table("t", id=[1])
    it.sql("USE {s}")
    it.sql("CREATE TEMP VIEW t AS SELECT 'view' AS id")
    assert rows(it.sql("SELECT * FROM t")) == [("view",)]
    assert rows(it.sql("SELECT * FROM {s}.t")) == [(1,)]
    it.sql("DROP VIEW t")


@case(
    "createOrReplaceTempView",
    "A frame becomes a temporary view that SQL reads beside tables.",
    on_workers=True,
)
def a_frame_is_a_view(it):
    table = it.table(id=[1, 2])
    it.frame([(2,)], "id LONG").createOrReplaceTempView("chosen")
    assert rows(it.sql(f"SELECT id FROM {table} JOIN chosen USING (id)")) == [(2,)]


@case(
    "CREATE FUNCTION",
    "A SQL function has a name of three levels and is called by it.",
    source=f"{MANUAL}/sql-ref-syntax-ddl-create-sql-function.html",
)
def a_function_has_a_name(it):
    it.sql("CREATE FUNCTION {s}.twice(x INT) RETURNS INT COMMENT 'doubles' RETURN x * 2")
    table = it.table(id=[4])
    assert rows(it.sql(f"SELECT {{s}}.twice(int(id)) FROM {table}")) == [(8,)]


@case(
    "function in a function",
    "A function may call another and have a default value.",
    source=f"{MANUAL}/sql-ref-syntax-ddl-create-sql-function.html",
)
def a_function_calls_a_function(it):
    it.sql("CREATE FUNCTION {s}.half(x DOUBLE) RETURNS DOUBLE RETURN x / 2")
    it.sql(
        "CREATE FUNCTION {s}.mid(a DOUBLE, b DOUBLE DEFAULT 0) RETURNS DOUBLE "
        "RETURN {s}.half(a + b)"
    )
    assert rows(it.sql("SELECT {s}.mid(3, 4), {s}.mid(3)")) == [(3.5, 1.5)]


@case(
    "Python functions",
    "A function in Python is made by LANGUAGE PYTHON.",
    source=f"{MANUAL}/sql-ref-syntax-ddl-create-sql-function.html",
    on_workers=True,
)
def a_function_in_python(it):
    it.sql(
        "CREATE FUNCTION {s}.shout(s STRING) RETURNS STRING LANGUAGE PYTHON AS $$\n"
        "return s.upper() + '!' if s else None\n$$"
    )
    assert rows(it.sql("SELECT {s}.shout('hey'), {s}.shout(NULL)")) == [("HEY!", None)]


@case(
    "table functions",
    "A function that RETURNS TABLE stands in FROM.",
    source=f"{MANUAL}/sql-ref-syntax-ddl-create-sql-function.html",
)
def a_function_returns_a_table(it):
    table = it.table(id=[1, 2, 3])
    it.sql(
        "CREATE FUNCTION {s}.above(n INT) RETURNS TABLE (id LONG) "
        f"RETURN SELECT id FROM {table} WHERE id > n"
    )
    assert rows(it.sql("SELECT * FROM {s}.above(1)")) == [(2,), (3,)]


@case(
    "SHOW, DESCRIBE, DROP FUNCTION",
    "Functions are listed, described and dropped.",
    source=f"{MANUAL}/sql-ref-syntax-aux-describe-function.html",
)
def functions_are_listed_and_dropped(it):
    it.sql("CREATE FUNCTION {s}.one() RETURNS INT RETURN 1")
    listed = [row[0] for row in it.sql("SHOW USER FUNCTIONS IN {s}").collect()]
    assert listed == [it.name("one")]
    told = "\n".join(row[0] for row in it.sql("DESCRIBE FUNCTION {s}.one").collect())
    assert it.name("one") in told and "INT" in told
    it.sql("DROP FUNCTION {s}.one")
    refused(lambda: it.sql("SELECT {s}.one()").collect(), ("UNRESOLVED_ROUTINE", "NOT_FOUND"))
