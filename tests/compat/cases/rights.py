"""Grants, and the information schema."""

from __future__ import annotations

from suite import Area, column, refused, rows

MANUAL = "https://docs.databricks.com/sql/language-manual"
GRANT = "https://learn.microsoft.com/en-us/azure/databricks/sql/language-manual/security-grant"
case = Area("Grants and information schema", f"{MANUAL}/sql-ref-privileges.html", on_workers=False)


@case(
    "GRANT, SHOW GRANTS",
    "A privilege is granted to a principal on a securable, and shown.",
    source=GRANT,
)
def a_grant_is_shown(it):
    table = it.table(id=[1])
    it.sql(f"GRANT SELECT, MODIFY ON TABLE {table} TO `ana@example.com`")
    frame = it.sql(f"SHOW GRANTS ON TABLE {table}").filter("objectType = 'TABLE'")
    assert rows(frame) == [
        ("ana@example.com", "MODIFY", "TABLE", table),
        ("ana@example.com", "SELECT", "TABLE", table),
    ]


@case("REVOKE", "A privilege is taken back; others stay.", source=f"{MANUAL}/security-revoke.html")
def a_grant_is_taken_back(it):
    table = it.table(id=[1])
    it.sql(f"GRANT SELECT, MODIFY ON TABLE {table} TO analysts")
    it.sql(f"REVOKE MODIFY ON TABLE {table} FROM analysts")
    found = it.sql(f"SHOW GRANTS ON TABLE {table}").filter("objectType = 'TABLE'")
    assert column(found, "actionType") == ["SELECT"]


@case(
    "SHOW GRANTS principal",
    "SHOW GRANTS of one principal gives that principal's alone.",
    source=f"{MANUAL}/security-show-grant.html",
)
def grants_of_one_principal_are_shown(it):
    table = it.table(id=[1])
    it.sql(f"GRANT SELECT ON TABLE {table} TO analysts")
    it.sql(f"GRANT MODIFY ON TABLE {table} TO loaders")
    assert [r[0] for r in it.sql(f"SHOW GRANTS loaders ON TABLE {table}").collect()] == ["loaders"]


@case("unknown privilege", "A privilege that the securable does not have is refused.")
def an_unknown_privilege_is_refused(it):
    table = it.table(id=[1])
    refused(lambda: it.sql(f"GRANT FLY ON TABLE {table} TO analysts"), "FLY")


@case("inherited privileges", "A privilege on a catalog or schema holds for what is in it.")
def privileges_are_inherited(it):
    table = it.table(id=[1])
    it.sql("GRANT SELECT ON SCHEMA {s} TO analysts")
    found = it.sql(f"SHOW GRANTS ON TABLE {table}").filter("principal = 'analysts'")
    assert rows(found) == [("analysts", "SELECT", "SCHEMA", it.schema)]


@case(
    "enforcement",
    "Who lacks USE CATALOG, USE SCHEMA or SELECT cannot read; the error names what is missing.",
    differs="The user of this machine owns everything. Inside `act_as(principal)` another "
    "principal's grants are enforced by name, for labs; it is no protection of files.",
)
def grants_are_enforced_by_name(it):
    from lakebook.runtime.catalog import act_as

    table = it.table(id=[1])
    with act_as("ben@example.com"):
        refused(lambda: it.spark.table(table).collect(), "ben@example.com", "does not have")
    for privilege, thing in (
        ("USE CATALOG", "CATALOG main"),
        ("USE SCHEMA", f"SCHEMA {it.schema}"),
        ("SELECT", f"TABLE {table}"),
    ):
        it.sql(f"GRANT {privilege} ON {thing} TO `ben@example.com`")
    with act_as("ben@example.com"):
        assert rows(it.spark.table(table)) == [(1,)]
        refused(lambda: it.sql(f"INSERT INTO {table} VALUES (2)"), "MODIFY")
    it.sql("REVOKE USE CATALOG ON CATALOG main FROM `ben@example.com`")


@case(
    "owner",
    "Who makes a table owns it; ALTER … OWNER TO gives it away.",
    source="https://docs.databricks.com/data-governance/unity-catalog/index.html",
)
def a_table_has_an_owner(it):
    table = it.table(id=[1])
    me = it.sql("SELECT current_user()").first()[0]
    told = {r.col_name: r.data_type for r in it.sql(f"DESCRIBE EXTENDED {table}").collect()}
    assert told["Owner"] == me
    it.sql(f"ALTER TABLE {table} OWNER TO `carla@example.com`")
    told = {r.col_name: r.data_type for r in it.sql(f"DESCRIBE EXTENDED {table}").collect()}
    assert told["Owner"] == "carla@example.com"


@case(
    "information_schema.tables",
    "Tables and views are listed with type and format.",
    source=f"{MANUAL}/sql-ref-information-schema.html",
)
def tables_are_in_the_information_schema(it):
    it.sql("CREATE TABLE {s}.a (id INT)")
    it.sql("CREATE VIEW {s}.b AS SELECT 1 AS x")
    found = it.sql(
        "SELECT table_catalog, table_name, table_type, data_source_format "
        "FROM main.information_schema.tables "
        f"WHERE table_schema = '{it.schema.split('.')[1]}'"
    )
    a, b = rows(found)
    assert a == ("main", "a", "MANAGED", "DELTA")
    assert b[:3] == ("main", "b", "VIEW")


@case(
    "information_schema.columns",
    "Columns are listed with position, type and nullability.",
    source=f"{MANUAL}/information-schema/columns.html",
)
def columns_are_in_the_information_schema(it):
    it.sql("CREATE TABLE {s}.t (id INT NOT NULL COMMENT 'key', name STRING)")
    found = it.sql(
        "SELECT column_name, ordinal_position, is_nullable, full_data_type, comment "
        "FROM main.information_schema.columns "
        f"WHERE table_schema = '{it.schema.split('.')[1]}'"
    )
    assert rows(found) == [("id", 0, "NO", "int", "key"), ("name", 1, "YES", "string", None)]


@case(
    "information_schema.schemata",
    "Schemas are listed, with their owner and comment.",
    source=f"{MANUAL}/sql-ref-information-schema.html",
)
def schemas_are_in_the_information_schema(it):
    it.sql("COMMENT ON SCHEMA {s} IS 'seen'")
    found = it.sql(
        "SELECT catalog_name, comment FROM main.information_schema.schemata "
        f"WHERE schema_name = '{it.schema.split('.')[1]}'"
    )
    assert rows(found) == [("main", "seen")]


@case(
    "information_schema.table_constraints",
    "Keys are listed by name and type.",
    source=f"{MANUAL}/information-schema/table_constraints.html",
)
def keys_are_in_the_information_schema(it):
    it.sql("CREATE TABLE {s}.t (id INT NOT NULL, CONSTRAINT t_pk PRIMARY KEY (id))")
    found = it.sql(
        "SELECT constraint_name, constraint_type, enforced "
        "FROM main.information_schema.table_constraints "
        f"WHERE table_schema = '{it.schema.split('.')[1]}'"
    )
    assert rows(found) == [("t_pk", "PRIMARY KEY", "NO")]


@case(
    "information_schema.table_privileges",
    "Grants are listed with grantor and grantee.",
    source=f"{MANUAL}/information-schema/table_privileges.html",
)
def grants_are_in_the_information_schema(it):
    table = it.table(id=[1])
    it.sql(f"GRANT SELECT ON TABLE {table} TO analysts")
    found = it.sql(
        "SELECT grantee, table_name, privilege_type "
        "FROM main.information_schema.table_privileges "
        f"WHERE table_schema = '{it.schema.split('.')[1]}' AND grantee = 'analysts'"
    )
    assert rows(found) == [("analysts", "t", "SELECT")]


@case(
    "system.information_schema",
    "The catalog `system` has the same of all catalogs.",
    source=f"{MANUAL}/sql-ref-information-schema.html",
)
def the_system_catalog_knows_all(it):
    it.sql("CREATE CATALOG IF NOT EXISTS cat_known")
    found = it.sql("SELECT catalog_name FROM system.information_schema.catalogs")
    assert {"main", "cat_known"} <= set(column(found, "catalog_name"))
