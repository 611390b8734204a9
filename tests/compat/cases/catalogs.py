"""Catalogs, schemas and tables, and how names are found."""

from __future__ import annotations

from pathlib import Path

from suite import Area, column, refused, rows

MANUAL = "https://docs.databricks.com/sql/language-manual"
case = Area("Catalogs, schemas, tables", f"{MANUAL}/sql-ref-names.html", on_workers=False)


@case("catalog.schema.table", "A table has a name of three levels, valid in every statement.")
def a_name_has_three_levels(it):
    table = it.table(id=[1])
    assert table.count(".") == 2
    assert rows(it.sql(f"SELECT x.id, {table}.id FROM {table} AS x, {table}")) == [(1, 1)]


@case(
    "current_catalog(), current_schema()",
    "A notebook begins in a catalog and the schema `default`.",
    source=f"{MANUAL}/functions/current_catalog.html",
    differs="The first catalog is `main`. On the platform it is the workspace's own catalog, or "
    "what an administrator has set.",
)
def a_notebook_begins_in_main(it):
    assert rows(it.sql("SELECT current_catalog(), current_schema()")) == [("main", "default")]


@case(
    "USE CATALOG",
    "USE CATALOG changes the catalog and goes to its schema `default`.",
    source=f"{MANUAL}/sql-ref-syntax-ddl-use-catalog.html",
)
def a_catalog_is_used(it):
    it.sql("CREATE CATALOG IF NOT EXISTS cat_used")
    it.sql("USE CATALOG cat_used")
    assert rows(it.sql("SELECT current_catalog(), current_database()")) == [("cat_used", "default")]


@case(
    "USE SCHEMA",
    "After USE a short name means a table of that schema.",
    source=f"{MANUAL}/sql-ref-syntax-ddl-use-schema.html",
)
def a_schema_is_used(it):
    it.table(id=[5])
    for statement in ("USE {s}", "USE SCHEMA " + it.schema.split(".")[1]):
        it.sql("USE main.default")
        it.sql(statement)
        assert rows(it.sql("SELECT id FROM t")) == [(5,)]
        assert rows(it.sql("SELECT current_schema()")) == [(it.schema.split(".")[1],)]


@case("two-level names", "A name of two levels is a schema and a table of the current catalog.")
def a_name_of_two_levels_is_in_the_catalog(it):
    it.table(id=[6])
    short = it.schema.split(".")[1]
    assert rows(it.sql(f"SELECT id FROM {short}.t")) == [(6,)]


@case(
    "CREATE CATALOG",
    "A catalog is made, with a comment; IF NOT EXISTS makes it once.",
    source=f"{MANUAL}/sql-ref-syntax-ddl-create-catalog.html",
)
def a_catalog_is_made(it):
    for _ in range(2):
        it.sql("CREATE CATALOG IF NOT EXISTS cat_made COMMENT 'for trials'")
    assert "cat_made" in column(it.sql("SHOW CATALOGS"), "catalog")
    assert column(it.sql("SHOW SCHEMAS IN cat_made"), "databaseName") == [
        "default",
        "information_schema",
    ]
    refused(lambda: it.sql("CREATE CATALOG cat_made"), "ALREADY_EXISTS", "cat_made")


@case(
    "DROP CATALOG",
    "A catalog with tables is dropped only with CASCADE.",
    source=f"{MANUAL}/sql-ref-syntax-ddl-drop-catalog.html",
)
def a_full_catalog_needs_cascade(it):
    it.sql("CREATE CATALOG cat_dropped")
    it.sql("CREATE TABLE cat_dropped.default.t (id INT)")
    refused(lambda: it.sql("DROP CATALOG cat_dropped"), "cat_dropped", ("NOT_EMPTY", "not empty"))
    it.sql("DROP CATALOG cat_dropped CASCADE")
    assert "cat_dropped" not in column(it.sql("SHOW CATALOGS"), "catalog")


@case(
    "CREATE SCHEMA, SHOW SCHEMAS",
    "Schemas are made in a catalog and listed, also LIKE.",
    source=f"{MANUAL}/sql-ref-syntax-ddl-create-schema.html",
)
def schemas_are_made_and_listed(it):
    it.sql("CREATE CATALOG IF NOT EXISTS cat_schemas")
    for name in ("raw_a", "raw_b", "gold"):
        it.sql(f"CREATE SCHEMA IF NOT EXISTS cat_schemas.{name} COMMENT 'layer'")
    listed = it.sql("SHOW SCHEMAS IN cat_schemas LIKE 'raw*'")
    assert column(listed, "databaseName") == ["raw_a", "raw_b"]
    told = {row[0]: row[1] for row in it.sql("DESCRIBE SCHEMA cat_schemas.gold").collect()}
    assert told["Comment"] == "layer"


@case(
    "DROP SCHEMA",
    "A schema with tables is dropped only with CASCADE.",
    source=f"{MANUAL}/sql-ref-syntax-ddl-drop-schema.html",
)
def a_full_schema_needs_cascade(it):
    it.sql("CREATE TABLE {s}.t (id INT)")
    refused(lambda: it.sql("DROP SCHEMA {s}"), ("SCHEMA_NOT_EMPTY", "not empty"))
    it.sql("DROP SCHEMA {s} CASCADE")
    kinds = ("TABLE_OR_VIEW_NOT_FOUND", "SCHEMA_NOT_FOUND")
    refused(lambda: it.sql("SELECT * FROM {s}.t").collect(), kinds)


@case(
    "unknown catalog or schema",
    "A name whose catalog or schema is not there says which.",
    source="https://docs.databricks.com/error-messages/index.html",
)
def an_unknown_schema_is_named(it):
    refused(lambda: it.sql("CREATE TABLE main.nosuch.t (id INT)"), "SCHEMA_NOT_FOUND", "nosuch")
    refused(lambda: it.sql("USE CATALOG nosuchcat"), "nosuchcat", "NO_SUCH_CATALOG")


@case(
    "unknown table",
    "A table that is not there is TABLE_OR_VIEW_NOT_FOUND, with its name.",
    source="https://docs.databricks.com/error-messages/index.html",
)
def an_unknown_table_is_named(it):
    it.table("customers", id=[1])
    for call in (
        lambda: it.sql("SELECT * FROM {s}.custmers").collect(),
        lambda: it.spark.table(it.name("custmers")).collect(),
        lambda: it.sql("DELETE FROM {s}.custmers"),
    ):
        error = refused(call, "TABLE_OR_VIEW_NOT_FOUND", "custmers")
        assert error.getCondition() == "TABLE_OR_VIEW_NOT_FOUND"


@case(
    "SHOW TABLES",
    "Tables and views of a schema are listed, temporary views too.",
    source=f"{MANUAL}/sql-ref-syntax-aux-show-tables.html",
)
def tables_are_listed(it):
    it.table("a", id=[1])
    it.sql("CREATE VIEW {s}.b AS SELECT 1 AS x")
    frame = it.sql("SHOW TABLES IN {s}")
    assert frame.columns == ["database", "tableName", "isTemporary"]
    short = it.schema.split(".")[1]
    assert {(short, "a", False), (short, "b", False)} <= set(rows(frame))
    assert column(it.sql("SHOW TABLES IN {s} LIKE 'a*'"), "tableName") == ["a"]


@case(
    "DROP TABLE, managed",
    "Dropping a managed table takes its files away.",
    source=f"{MANUAL}/sql-ref-syntax-ddl-drop-table.html",
    differs="The files go at once. The platform deletes them within days, and UNDROP TABLE "
    "brings the table back for seven days.",
)
def a_managed_table_goes_with_its_files(it):
    it.sql("CREATE TABLE {s}.t AS SELECT 1 AS id")
    place = it.sql("DESCRIBE DETAIL {s}.t").first().location.removeprefix("file:")
    assert Path(place).is_dir()
    it.sql("DROP TABLE {s}.t")
    assert not Path(place).exists()
    it.sql("DROP TABLE IF EXISTS {s}.t")
    refused(lambda: it.sql("DROP TABLE {s}.t"), "TABLE_OR_VIEW_NOT_FOUND")


@case(
    "DROP TABLE, external",
    "Dropping an external table leaves its files.",
    source=f"{MANUAL}/sql-ref-syntax-ddl-drop-table.html",
)
def an_external_table_leaves_its_files(it):
    path = it.given(id=[1])
    it.sql(f"CREATE TABLE {{s}}.t LOCATION '{path}'")
    told = {r.col_name: r.data_type for r in it.sql("DESCRIBE EXTENDED {s}.t").collect()}
    assert told["Type"] == "EXTERNAL"
    it.sql("DROP TABLE {s}.t")
    assert rows(it.at(path)) == [(1,)]


@case(
    "ALTER TABLE … RENAME TO",
    "A table is renamed; its rows and its history stay.",
    source=f"{MANUAL}/sql-ref-syntax-ddl-alter-table.html",
)
def a_table_is_renamed(it):
    it.sql("CREATE TABLE {s}.old AS SELECT 1 AS id")
    it.sql("ALTER TABLE {s}.old RENAME TO {s}.new")
    assert rows(it.spark.table(it.name("new"))) == [(1,)]
    assert it.spark.catalog.tableExists(it.name("old")) is False


@case(
    "names in backticks",
    "Names with dashes and letters of any script go in backticks; those of tables have no spaces.",
    source=f"{MANUAL}/sql-ref-names.html",
)
def a_name_may_be_quoted(it):
    table = f"{it.schema}.`größe-2_über`"
    it.sql(f"CREATE TABLE {table} (`länge` INT)")
    it.sql(f"INSERT INTO {table} VALUES (3)")
    assert rows(it.sql(f"SELECT `länge` FROM {table}")) == [(3,)]
    assert "größe-2_über" in column(it.sql("SHOW TABLES IN {s}"), "tableName")
    refused(lambda: it.sql("CREATE TABLE {s}.`a b` (id INT)"), "a b")


@case(
    "letter case of names",
    "Names of tables and columns do not depend on letter case.",
    source=f"{MANUAL}/sql-ref-names.html",
)
def letter_case_does_not_matter(it):
    it.table("Orders", id=[1])
    assert rows(it.sql(f"SELECT ID FROM {it.schema.upper()}.ORDERS")) == [(1,)]


@case(
    "tables across sessions",
    "A table is there for every session and process, not only its own.",
    source="https://docs.databricks.com/data-governance/unity-catalog/index.html",
    on_workers=True,
)
def another_session_sees_the_table(it):
    table = it.table(id=[1])
    assert rows(it.spark.newSession().table(table)) == [(1,)]


@case("joins across catalogs", "A query joins tables of several catalogs.", on_workers=True)
def catalogs_are_joined(it):
    it.sql("CREATE CATALOG IF NOT EXISTS cat_other")
    it.sql("CREATE OR REPLACE TABLE cat_other.default.names AS SELECT 1L AS id, 'a' AS name")
    table = it.table(id=[1])
    query = f"SELECT name FROM {table} JOIN cat_other.default.names USING (id)"
    assert rows(it.sql(query)) == [("a",)]


@case(
    "hive_metastore",
    "The old metastore is the catalog hive_metastore.",
    source="https://docs.databricks.com/data-governance/unity-catalog/index.html",
    differs="hive_metastore is Spark's own catalog of this session: its tables are gone when "
    "the session ends.",
)
def the_old_metastore_is_a_catalog(it):
    it.sql("CREATE TABLE hive_metastore.default.old_style USING parquet AS SELECT 1 AS id")
    assert rows(it.sql("SELECT * FROM hive_metastore.default.old_style")) == [(1,)]
    assert "hive_metastore" in column(it.sql("SHOW CATALOGS"), "catalog")
    it.sql("DROP TABLE hive_metastore.default.old_style")
