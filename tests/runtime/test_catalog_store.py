"""The metastore without Spark: names, several processes at once, grants."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pyspark.errors import AnalysisException
from pyspark.sql.types import IntegerType, StructField, StructType

from lakebook.errors import LakebookError
from lakebook.runtime import catalog
from lakebook.runtime.catalog import Name, context, grants, names, store
from lakebook.runtime.delta.snapshot import Snapshot

COLUMNS = StructType([StructField("id", IntegerType())])
NO_SPARK = None  # three-level names need no session


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("LAKEBOOK_HOME", str(tmp_path))
    monkeypatch.delenv("LAKEBOOK_USER", raising=False)
    return tmp_path


def condition(raised) -> str:
    return raised.value.getCondition()


def make_schema(schema: str) -> store.Securable:
    main = context.require_catalog("main")
    store.add(main.id, "SCHEMA", schema, store.user(), None, {})
    return context.require_schema("main", schema)


def create(name: str, **options):
    return catalog.create_table(NO_SPARK, name, COLUMNS, **options)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a.b.c", ["a", "b", "c"]),
        ("`a.b`.`c``d`", ["a.b", "c`d"]),
        (" größe . `x y` ", ["größe", "x y"]),
    ],
)
def test_name_is_read_with_quotes_and_written_back(text, parts):
    assert names.split(text) == parts
    assert names.split(names.dotted(parts)) == parts


@pytest.mark.parametrize("text", ["", "a..b", "a.", "`a", "`a`b", "``.a"])
def test_what_is_no_name_is_refused(text):
    with pytest.raises(AnalysisException) as raised:
        names.split(text)
    assert condition(raised) == "PARSE_SYNTAX_ERROR"


@pytest.mark.parametrize("name", ["a b", "a/b", "a.b", "tab\t", "x" * 256, ""])
def test_name_that_unity_catalog_refuses_is_refused(name):
    with pytest.raises(LakebookError, match="not a valid name"):
        names.checked(name, "table")


def test_names_ignore_case_and_keep_unicode():
    make_schema("größe")
    made = create("Main.Größe.Tür")
    assert made.name == Name("main", "größe", "tür")
    assert str(made.name) == "main.`größe`.`tür`"


def test_created_table_is_an_empty_delta_table_inside_the_workspace(home):
    table = create(
        "main.default.readings", comment="hourly", properties={"delta.appendOnly": "true"}
    )
    assert table.kind == "MANAGED" and table.format == "delta" and table.comment == "hourly"
    assert table.location.startswith(str(home / "tables" / "main" / "default" / "readings-"))
    snapshot = Snapshot.open(table.location)
    assert snapshot.version == 0 and snapshot.schema == COLUMNS
    assert snapshot.configuration == {"delta.appendOnly": "true"}


def test_second_table_of_the_name_is_refused_or_tolerated():
    first = create("main.default.t")
    with pytest.raises(AnalysisException, match="already exists") as raised:
        create("main.default.T")
    assert condition(raised) == "TABLE_OR_VIEW_ALREADY_EXISTS"
    assert create("main.default.t", if_not_exists=True) == first


def test_replaced_table_keeps_its_history():
    first = create("main.default.t")
    other = StructType([StructField("name", IntegerType())])
    second = catalog.create_table(NO_SPARK, "main.default.t", other, or_replace=True)
    assert second.location == first.location
    assert Snapshot.open(second.location).version == 1
    assert Snapshot.open(second.location).schema == other
    assert Snapshot.open(second.location, version=0).schema == COLUMNS


def test_location_that_holds_a_table_is_entered_with_its_columns(home):
    inner = create("main.default.inner")
    outer = catalog.create_table(
        NO_SPARK, "main.default.outer", StructType([]), location=f"file:{inner.location}"
    )
    assert outer.kind == "EXTERNAL" and outer.location == inner.location
    with pytest.raises(AnalysisException) as raised:
        catalog.create_table(
            NO_SPARK,
            "main.default.wrong",
            StructType([StructField("id", StructType())]),
            location=f"file:{inner.location}",
        )
    assert condition(raised) == "DELTA_CREATE_TABLE_SCHEME_MISMATCH"


def test_dropping_deletes_managed_data_and_leaves_external_data(home):
    managed = create("main.default.managed")
    external = create("main.default.external", location=f"file:{home}/mine")
    catalog.drop(managed.name)
    catalog.drop(external.name)
    assert catalog.find(managed.name) is None and catalog.find(external.name) is None
    assert not Path(managed.location).exists()
    assert Snapshot.open(external.location).version == 0


@pytest.mark.parametrize(
    ("name", "expected", "says"),
    [
        ("main.default.readngs", "TABLE_OR_VIEW_NOT_FOUND", "Did you mean `readings`?"),
        ("main.other.readings", "TABLE_OR_VIEW_NOT_FOUND", "main.default.readings"),
        ("main.defualt.readings", "SCHEMA_NOT_FOUND", "Did you mean `default`?"),
        ("mian.default.readings", "NO_SUCH_CATALOG_EXCEPTION", "Did you mean `main`?"),
    ],
)
def test_unknown_table_is_refused_with_the_nearest_name(name, expected, says):
    make_schema("other")
    create("main.default.readings")
    with pytest.raises(AnalysisException) as raised:
        catalog.require_table(catalog.resolve(NO_SPARK, name))
    assert condition(raised) == expected
    assert says in str(raised.value)


@pytest.mark.parametrize(
    "name",
    ["hive_metastore.default.t", "spark_catalog.default.t", "global_temp.v", "parquet.`/data/x`"],
)
def test_names_of_spark_are_left_to_spark(name):
    assert catalog.resolve(NO_SPARK, name) is None


def test_name_of_four_parts_is_refused():
    with pytest.raises(AnalysisException) as raised:
        catalog.resolve(NO_SPARK, "a.b.c.d")
    assert condition(raised) == "INVALID_TABLE_NAME"


CREATOR = """
import sys
from pyspark.sql.types import IntegerType, StructField, StructType
from lakebook.runtime import catalog
columns = StructType([StructField("id", IntegerType())])
tolerant = sys.argv[1] == "tolerant"
won = 0
for number in range(20):
    try:
        catalog.create_table(None, f"main.default.t{number}", columns, if_not_exists=tolerant)
        won += 1
    except Exception as error:
        assert "TABLE_OR_VIEW_ALREADY_EXISTS" in str(error), error
print(won)
"""


@pytest.mark.parametrize(("how", "together"), [("strict", 20), ("tolerant", 40)])
def test_two_processes_that_create_the_same_tables_leave_each_once(home, how, together):
    """Both start in an empty workspace, so they also make the metastore at the same time."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", CREATOR, how], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert sum(int(out) for out, _ in said) == together
    folders = (home / "tables" / "main" / "default").iterdir()
    assert sorted(folder.name.split("-")[0] for folder in folders) == sorted(
        f"t{n}" for n in range(20)
    )
    for number in range(20):
        table = catalog.require_table(Name("main", "default", f"t{number}"))
        assert Snapshot.open(table.location).version == 0


def test_eight_threads_share_the_metastore():
    def make(number: int) -> str:
        return create(f"main.default.t{number}").name.name

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(make, range(40)))
    rows = store.children(context.require_schema("main", "default").id, "TABLE")
    assert [row.name for row in rows] == sorted(made)


def test_failed_transaction_leaves_nothing():
    main = context.require_catalog("main")
    with pytest.raises(RuntimeError), store.transaction():
        store.add(main.id, "SCHEMA", "half", "me", None, {})
        raise RuntimeError
    assert store.child(main.id, "SCHEMA", "half") is None


def test_newer_metastore_is_refused_kindly(home):
    store.connection()
    other = sqlite3.connect(home / "catalog.db")
    other.execute(f"PRAGMA user_version = {store.VERSION + 1}")
    other.close()
    store._local.__dict__.clear()
    with pytest.raises(LakebookError, match="update Lakebook") as raised:
        store.connection()
    assert "catalog.db" in str(raised.value)


def test_file_that_is_no_metastore_is_named(home):
    (home / "catalog.db").write_text("not a database" * 100)
    with pytest.raises(LakebookError, match=r"catalog\.db"):
        store.connection()


def test_deleted_metastore_is_made_again(home):
    create("main.default.t")
    for file in home.glob("catalog.db*"):
        file.unlink()
    assert catalog.find(Name("main", "default", "t")) is None


def test_owner_needs_no_grant_and_another_user_each_of_them():
    schema = make_schema("sales")
    name = create("main.sales.orders").name
    catalog.require(NO_SPARK, name, "SELECT")
    table = catalog.require_table(name).row
    steps = [
        ("USE SCHEMA on Schema 'main.sales'", schema, "USE SCHEMA"),
        ("SELECT on Table 'main.sales.orders'", table, "SELECT"),
    ]
    for missing, row, privilege in steps:
        with catalog.act_as("bob"), pytest.raises(AnalysisException) as raised:
            catalog.require(NO_SPARK, name, "SELECT")
        assert condition(raised) == "PERMISSION_DENIED"
        assert f"User 'bob' does not have {missing}" in str(raised.value)
        assert f"GRANT {privilege} ON" in str(raised.value)
        grants.grant(row, [privilege], "bob")
    with catalog.act_as("bob"):
        catalog.require(NO_SPARK, name, "SELECT")
        with pytest.raises(AnalysisException, match="MODIFY"):
            catalog.require(NO_SPARK, name, "MODIFY")


@pytest.mark.parametrize("level", ["catalog", "schema"])
def test_privilege_is_inherited_from_above(level):
    schema = make_schema("sales")
    name = create("main.sales.orders").name
    row = schema if level == "schema" else context.require_catalog("main")
    grants.grant(row, ["USE SCHEMA", "SELECT"], "analysts")
    with catalog.act_as("bob", groups=["analysts"]):
        catalog.require(NO_SPARK, name, "SELECT")
    with catalog.act_as("eve"), pytest.raises(AnalysisException):
        catalog.require(NO_SPARK, name, "SELECT")


def test_revoked_privilege_is_gone():
    make_schema("sales")
    row = context.require_schema("main", "sales")
    name = create("main.sales.orders").name
    grants.grant(row, ["ALL PRIVILEGES", "USE SCHEMA", "SELECT"], "bob")
    with catalog.act_as("bob"):
        catalog.require(NO_SPARK, name, "MODIFY")
    grants.revoke(row, ["ALL PRIVILEGES"], "bob")
    with catalog.act_as("bob"):
        catalog.require(NO_SPARK, name, "SELECT")
        with pytest.raises(AnalysisException, match="MODIFY"):
            catalog.require(NO_SPARK, name, "MODIFY")


def test_user_of_the_environment_is_not_the_owner_of_another_users_tables(monkeypatch):
    name = create("main.default.t").name
    monkeypatch.setenv("LAKEBOOK_USER", "bob")
    assert catalog.current_user() == "bob"
    with pytest.raises(AnalysisException) as raised:
        catalog.require(NO_SPARK, name, "SELECT")
    assert condition(raised) == "PERMISSION_DENIED"
    with pytest.raises(AnalysisException, match="MANAGE"):
        catalog.drop(name)
    for missing in ("USE SCHEMA", "CREATE TABLE"):
        with pytest.raises(AnalysisException, match=f"does not have {missing}"):
            create("main.default.mine")
        with catalog.act_as(store.DEFAULT_USER):
            grants.grant(context.require_schema("main", "default"), [missing], "bob")
    assert create("main.default.mine").owner == "bob"


@pytest.mark.parametrize(
    ("privilege", "says"),
    [
        ("SELCT", "Did you mean `SELECT`?"),
        ("USAGE", "USE SCHEMA"),
        ("READ VOLUME", "not applicable to a table"),
    ],
)
def test_unknown_privilege_is_refused_with_the_nearest(privilege, says):
    row = create("main.default.t").row
    with pytest.raises(AnalysisException) as raised:
        grants.grant(row, [privilege], "bob")
    assert condition(raised) == "INVALID_PRIVILEGE"
    assert says in str(raised.value)


def test_look_up_of_a_table_takes_less_than_a_query_may():
    """Three-level names may cost 20 ms a query; the metastore's part is far below that."""
    import time

    name = create("main.default.t").name
    catalog.find(name)
    started = time.perf_counter()
    for _ in range(100):
        catalog.find(name)
        catalog.require(NO_SPARK, name, "SELECT")
    assert (time.perf_counter() - started) / 100 < 0.005
