"""Constraints, comments and tags."""

from __future__ import annotations

from suite import Area, column, refused, rows

MANUAL = "https://docs.databricks.com/sql/language-manual"
SET_TAG = "https://docs.databricks.com/aws/sql/language-manual/sql-ref-syntax-ddl-set-tag"
case = Area(
    "Constraints, comments, tags",
    "https://docs.databricks.com/tables/constraints.html",
    on_workers=False,
)
CHECKS = "https://docs.delta.io/delta-constraints"


@case("NOT NULL", "A null in a column that is NOT NULL makes the write fail.", on_workers=True)
def a_null_is_refused(it):
    it.sql("CREATE TABLE {s}.t (id INT NOT NULL, name STRING)")
    refused(
        lambda: it.sql("INSERT INTO {s}.t VALUES (NULL, 'a')"),
        ("DELTA_NOT_NULL_CONSTRAINT_VIOLATED", "NOT NULL"),
        "id",
    )
    assert it.spark.table(it.name()).count() == 0


@case("ALTER COLUMN … SET NOT NULL", "SET NOT NULL checks the rows there are; DROP takes it off.")
def not_null_is_set_and_dropped(it):
    table = it.table(id=[1, None])
    refused(lambda: it.sql(f"ALTER TABLE {table} ALTER COLUMN id SET NOT NULL"), ("NULL", "null"))
    it.sql(f"DELETE FROM {table} WHERE id IS NULL")
    it.sql(f"ALTER TABLE {table} ALTER COLUMN id SET NOT NULL")
    refused(lambda: it.sql(f"INSERT INTO {table} VALUES (NULL)"), "id")
    it.sql(f"ALTER TABLE {table} ALTER COLUMN id DROP NOT NULL")
    it.sql(f"INSERT INTO {table} VALUES (NULL)")
    assert rows(it.spark.table(table)) == [(1,), (None,)]


@case(
    "ADD CONSTRAINT … CHECK",
    "A row for which the condition is false makes the write fail.",
    source=CHECKS,
    on_workers=True,
)
def a_check_is_kept(it):
    table = it.table(n=[1])
    it.sql(f"ALTER TABLE {table} ADD CONSTRAINT positive CHECK (n > 0)")
    frame = it.frame([(-5,)], "n LONG")
    for call in (
        lambda: it.sql(f"INSERT INTO {table} VALUES (-5)"),
        lambda: frame.write.mode("append").saveAsTable(table),
        lambda: it.sql(f"UPDATE {table} SET n = -5"),
    ):
        refused(call, ("DELTA_VIOLATE_CONSTRAINT_WITH_VALUES", "CHECK constraint"), "positive")
    assert rows(it.spark.table(table)) == [(1,)]


@case(
    "CHECK and the rows there are", "A check that rows violate already is refused.", source=CHECKS
)
def a_check_must_hold_already(it):
    table = it.table(n=[-1])
    refused(
        lambda: it.sql(f"ALTER TABLE {table} ADD CONSTRAINT positive CHECK (n > 0)"),
        ("DELTA_NEW_CHECK_CONSTRAINT_VIOLATION", "violate"),
        "n > 0",
    )
    it.sql(f"INSERT INTO {table} VALUES (-2)")


@case(
    "checks as properties",
    "A check is shown as the property delta.constraints.<name>.",
    source=CHECKS,
)
def a_check_is_a_property(it):
    table = it.table(n=[1])
    it.sql(f"ALTER TABLE {table} ADD CONSTRAINT positive CHECK (n > 0)")
    told = {r.key: r.value for r in it.sql(f"SHOW TBLPROPERTIES {table}").collect()}
    assert told["delta.constraints.positive"] == "n > 0"


@case("DROP CONSTRAINT", "A check is dropped by its name.", source=CHECKS)
def a_check_is_dropped(it):
    table = it.table(n=[1])
    it.sql(f"ALTER TABLE {table} ADD CONSTRAINT positive CHECK (n > 0)")
    it.sql(f"ALTER TABLE {table} DROP CONSTRAINT positive")
    it.sql(f"INSERT INTO {table} VALUES (-1)")
    it.sql(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS positive")
    refused(lambda: it.sql(f"ALTER TABLE {table} DROP CONSTRAINT positive"), "positive")


@case(
    "PRIMARY KEY",
    "A primary key informs and is not enforced: it takes the same key twice.",
    source=f"{MANUAL}/sql-ref-syntax-ddl-create-table-constraint.html",
)
def a_primary_key_informs(it):
    it.sql("CREATE TABLE {s}.t (id INT NOT NULL, n INT, CONSTRAINT pk PRIMARY KEY (id))")
    it.sql("INSERT INTO {s}.t VALUES (1, 1), (1, 2)")
    assert it.spark.table(it.name()).count() == 2
    told = {r.col_name: r.data_type for r in it.sql("DESCRIBE EXTENDED {s}.t").collect()}
    assert "PRIMARY KEY (`id`)" in told["pk"]


@case(
    "PRIMARY KEY of nullable columns",
    "The columns of a primary key must be NOT NULL.",
    source=f"{MANUAL}/sql-ref-syntax-ddl-alter-table-add-constraint.html",
)
def a_primary_key_is_never_null(it):
    table = it.table(id=[1])
    add = f"ALTER TABLE {table} ADD CONSTRAINT pk PRIMARY KEY (id)"
    refused(lambda: it.sql(add), ("NOT NULL", "nullable"), "id")
    it.sql(f"ALTER TABLE {table} ALTER COLUMN id SET NOT NULL")
    it.sql(add)


@case(
    "PRIMARY KEY … TIMESERIES",
    "A key may mark its time column, for point-in-time lookups.",
    source=f"{MANUAL}/sql-ref-syntax-ddl-alter-table-add-constraint.html",
)
def a_primary_key_may_have_a_time(it):
    it.sql("CREATE TABLE {s}.t (id INT NOT NULL, ts TIMESTAMP NOT NULL)")
    it.sql("ALTER TABLE {s}.t ADD CONSTRAINT pk PRIMARY KEY (id, ts TIMESERIES)")
    told = {r.col_name: r.data_type for r in it.sql("DESCRIBE EXTENDED {s}.t").collect()}
    assert "TIMESERIES" in told["pk"]


@case(
    "FOREIGN KEY",
    "A foreign key names the parent table and is not enforced.",
    source=f"{MANUAL}/sql-ref-syntax-ddl-alter-table-add-constraint.html",
)
def a_foreign_key_informs(it):
    it.sql("CREATE TABLE {s}.parent (id INT NOT NULL CONSTRAINT parent_pk PRIMARY KEY)")
    it.sql(
        "CREATE TABLE {s}.child (pid INT, "
        "CONSTRAINT fk FOREIGN KEY (pid) REFERENCES {s}.parent (id))"
    )
    it.sql("INSERT INTO {s}.child VALUES (99)")
    told = {r.col_name: r.data_type for r in it.sql("DESCRIBE EXTENDED {s}.child").collect()}
    assert "FOREIGN KEY (`pid`) REFERENCES" in told["fk"]


@case(
    "COMMENT ON",
    "Comments on catalogs, schemas and tables are kept and shown.",
    source=f"{MANUAL}/sql-ref-syntax-ddl-comment.html",
)
def comments_are_kept(it):
    table = it.table(id=[1])
    it.sql(f"COMMENT ON TABLE {table} IS 'it''s mine'")
    it.sql("COMMENT ON SCHEMA {s} IS 'trial'")
    told = {r.col_name: r.data_type for r in it.sql(f"DESCRIBE EXTENDED {table}").collect()}
    assert told["Comment"] == "it's mine"
    told = {row[0]: row[1] for row in it.sql("DESCRIBE SCHEMA {s}").collect()}
    assert told["Comment"] == "trial"


@case(
    "ALTER COLUMN … COMMENT",
    "A column has a comment, also in the frame's metadata.",
    source="https://docs.databricks.com/aws/en/delta/update-schema",
)
def a_column_has_a_comment(it):
    table = it.table(id=[1])
    it.sql(f"ALTER TABLE {table} ALTER COLUMN id COMMENT 'the key'")
    assert it.spark.table(table).schema["id"].metadata["comment"] == "the key"


@case(
    "SET TAGS",
    "Tags are set on tables and columns and listed in information_schema.",
    source=f"{MANUAL}/information-schema/table_tags.html",
)
def tags_are_set_and_listed(it):
    table, short = it.table(id=[1]), it.schema.split(".")[1]
    it.sql(f"ALTER TABLE {table} SET TAGS ('cost' = 'a', 'pii' = '')")
    it.sql(f"ALTER TABLE {table} ALTER COLUMN id SET TAGS ('kind' = 'key')")
    where = f"WHERE schema_name = '{short}'"
    tags = it.sql(f"SELECT tag_name, tag_value FROM main.information_schema.table_tags {where}")
    assert rows(tags) == [("cost", "a"), ("pii", "")]
    wanted = "SELECT column_name, tag_name, tag_value FROM main.information_schema.column_tags"
    assert rows(it.sql(f"{wanted} {where}")) == [("id", "kind", "key")]
    it.sql(f"ALTER TABLE {table} UNSET TAGS ('cost')")
    assert column(tags, "tag_name") == ["pii"] or rows(
        it.sql(f"SELECT tag_name FROM main.information_schema.table_tags {where}")
    ) == [("pii",)]


@case(
    "SET TAG ON", "The newer statement SET TAG ON TABLE does the same for one tag.", source=SET_TAG
)
def one_tag_is_set(it):
    table, short = it.table(id=[1]), it.schema.split(".")[1]
    it.sql(f"SET TAG ON TABLE {table} cost = hr")
    found = it.sql(
        "SELECT tag_name, tag_value FROM main.information_schema.table_tags "
        f"WHERE schema_name = '{short}'"
    )
    assert rows(found) == [("cost", "hr")]
