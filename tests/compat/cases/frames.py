"""Tables from Python: spark.table, saveAsTable, insertInto, writeTo, spark.catalog."""

from __future__ import annotations

from suite import Area, refused, rows

PYSPARK = "https://spark.apache.org/docs/latest/api/python/reference/pyspark.sql"
PANDAS = "https://spark.apache.org/docs/latest/api/python/reference/pyspark.pandas/io.html"
case = Area("Tables from Python", "https://docs.delta.io/delta-batch")


@case("saveAsTable", "saveAsTable makes a managed Delta table, also where no format is named.")
def a_frame_is_saved_as_a_table(it):
    it.frame([(1, "a")], "id INT, name STRING").write.saveAsTable(it.name())
    row = it.sql("DESCRIBE DETAIL {s}.t").first()
    assert (row.format, row.name) == ("delta", it.name())
    assert rows(it.spark.table(it.name())) == [(1, "a")]


@case("saveAsTable, modes", "Append adds, overwrite replaces, ignore leaves, none refuses.")
def modes_of_save_as_table(it):
    table = it.table(id=[1])
    frame = it.frame([(2,)], "id LONG")
    refused(lambda: frame.write.saveAsTable(table), "TABLE_OR_VIEW_ALREADY_EXISTS")
    frame.write.mode("ignore").saveAsTable(table)
    assert rows(it.spark.table(table)) == [(1,)]
    frame.write.mode("append").saveAsTable(table)
    assert rows(it.spark.table(table)) == [(1,), (2,)]
    frame.write.mode("overwrite").saveAsTable(table)
    assert rows(it.spark.table(table)) == [(2,)]


@case("saveAsTable with options", "partitionBy, mergeSchema and replaceWhere work by name too.")
def options_of_save_as_table(it):
    frame = it.frame([("mon", 1), ("tue", 2)], "day STRING, n LONG")
    frame.write.partitionBy("day").saveAsTable(it.name())
    more = it.frame([("tue", 3, "x")], "day STRING, n LONG, note STRING")
    more.write.mode("append").option("mergeSchema", "true").saveAsTable(it.name())
    last = it.frame([("tue", 9, "y")], "day STRING, n LONG, note STRING")
    last.write.mode("overwrite").option("replaceWhere", "day = 'tue'").saveAsTable(it.name())
    assert rows(it.spark.table(it.name())) == [("mon", 1, None), ("tue", 9, "y")]


@case("saveAsTable with a path", "The option path makes an external table.")
def a_path_makes_an_external_table(it):
    path = it.path()
    it.spark.range(2).write.option("path", path).saveAsTable(it.name())
    it.sql("DROP TABLE {s}.t")
    assert rows(it.at(path)) == [(0,), (1,)]


@case(
    "insertInto",
    "insertInto matches columns by position, whatever their names.",
    source=f"{PYSPARK}/api/pyspark.sql.DataFrameWriter.insertInto.html",
)
def insert_into_goes_by_position(it):
    table = it.table(a=[1], b=[10])
    it.frame([(2, 20)], "b LONG, a LONG").write.insertInto(table)
    assert rows(it.spark.table(table)) == [(1, 10), (2, 20)]
    it.frame([(3, 30)], "x LONG, y LONG").write.insertInto(table, overwrite=True)
    assert rows(it.spark.table(table)) == [(3, 30)]


@case(
    "writeTo().create",
    "writeTo makes a table, partitioned and with properties.",
    source=f"{PYSPARK}/api/pyspark.sql.DataFrameWriterV2.html",
)
def write_to_makes_a_table(it):
    from pyspark.sql.functions import col

    frame = it.frame([("mon", 1)], "day STRING, n LONG")
    writer = frame.writeTo(it.name()).using("delta").partitionedBy(col("day"))
    writer.tableProperty("team", "a").create()
    row = it.sql("DESCRIBE DETAIL {s}.t").first()
    assert (row.partitionColumns, row.properties["team"]) == (["day"], "a")
    refused(lambda: frame.writeTo(it.name()).create(), "ALREADY_EXISTS")


@case(
    "writeTo().append, .overwrite",
    "append adds; overwrite replaces what matches a condition.",
    source=f"{PYSPARK}/api/pyspark.sql.DataFrameWriterV2.html",
)
def write_to_appends_and_overwrites(it):
    from pyspark.sql.functions import col

    table = it.table(day=["mon", "tue"], n=[1, 2])
    frame = it.frame([("tue", 5)], "day STRING, n LONG")
    frame.writeTo(table).append()
    assert it.spark.table(table).count() == 3
    frame.writeTo(table).overwrite(col("day") == "tue")
    assert rows(it.spark.table(table)) == [("mon", 1), ("tue", 5)]


@case(
    "writeTo().overwritePartitions",
    "It replaces the partitions it has rows for.",
    source=f"{PYSPARK}/api/pyspark.sql.DataFrameWriterV2.html",
)
def write_to_overwrites_partitions(it):
    table = it.table(partition_by=["day"], day=["mon", "tue"], n=[1, 2])
    it.frame([("tue", 5)], "day STRING, n LONG").writeTo(table).overwritePartitions()
    assert rows(it.spark.table(table)) == [("mon", 1), ("tue", 5)]


@case(
    "writeTo().createOrReplace",
    "createOrReplace replaces rows and schema.",
    source=f"{PYSPARK}/api/pyspark.sql.DataFrameWriterV2.html",
)
def write_to_replaces_a_table(it):
    table = it.table(id=[1])
    it.frame([("x",)], "name STRING").writeTo(table).using("delta").createOrReplace()
    assert rows(it.spark.table(table)) == [("x",)]
    refused(lambda: it.spark.range(1).writeTo(it.name("none")).append(), "NOT_FOUND")


@case("spark.read.table", "spark.read.table takes the reader's options, such as versionAsOf.")
def a_reader_reads_a_name(it):
    table = it.table(id=[1])
    it.sql(f"INSERT INTO {table} VALUES (2)")
    assert rows(it.spark.read.option("versionAsOf", 0).table(table)) == [(1,)]


@case(
    "pandas API on Spark",
    "to_table, read_table, to_delta and read_delta use Delta tables.",
    source=PANDAS,
)
def pandas_on_spark_uses_tables(it):
    import pyspark.pandas as ps

    path = it.path()
    frame = ps.DataFrame({"id": [1, 2]})
    frame.to_table(it.name(), format="delta")
    assert ps.read_table(it.name())["id"].sum() == 3
    frame.to_delta(path)
    assert sorted(ps.read_delta(path)["id"].to_numpy()) == [1, 2]


@case(
    "spark.catalog: current",
    "currentCatalog, setCurrentCatalog and their database kin.",
    source=f"{PYSPARK}/catalog.html",
)
def the_catalog_object_knows_where_it_is(it):
    short = it.schema.split(".")[1]
    it.spark.catalog.setCurrentDatabase(short)
    assert it.spark.catalog.currentDatabase() == short
    it.sql("CREATE CATALOG IF NOT EXISTS cat_current")
    it.spark.catalog.setCurrentCatalog("cat_current")
    assert it.spark.catalog.currentCatalog() == "cat_current"
    assert rows(it.spark.sql("SELECT current_catalog()")) == [("cat_current",)]
    it.spark.catalog.setCurrentCatalog("main")
    refused(lambda: it.spark.catalog.setCurrentDatabase("nosuch"), "nosuch")


@case(
    "spark.catalog: exists",
    "tableExists and databaseExists take names of three levels.",
    source=f"{PYSPARK}/catalog.html",
)
def the_catalog_object_knows_what_exists(it):
    table, catalog = it.table(id=[1]), it.spark.catalog
    assert catalog.tableExists(table) is True
    assert catalog.tableExists(it.name("none")) is False
    assert catalog.databaseExists(it.schema) is True
    assert catalog.databaseExists("main.nosuch") is False


@case(
    "spark.catalog: lists",
    "listCatalogs, listDatabases, listTables and listColumns.",
    source=f"{PYSPARK}/catalog.html",
)
def the_catalog_object_lists(it):
    it.table("a", id=[1], name=["x"])
    catalog, short = it.spark.catalog, it.schema.split(".")[1]
    assert "main" in [c.name for c in catalog.listCatalogs()]
    assert short in [d.name for d in catalog.listDatabases()]
    (found,) = [t for t in catalog.listTables(it.schema) if not t.isTemporary]
    assert (found.name, found.catalog, found.namespace) == ("a", "main", [short])
    assert [c.name for c in catalog.listColumns(it.name("a"))] == ["id", "name"]


@case(
    "spark.catalog.getTable",
    "getTable tells name, type and description of one table.",
    source=f"{PYSPARK}/catalog.html",
)
def the_catalog_object_describes_a_table(it):
    it.sql("CREATE TABLE {s}.t (id INT) COMMENT 'one'")
    found = it.spark.catalog.getTable(it.name())
    assert (found.name, found.tableType, found.description) == ("t", "MANAGED", "one")
    refused(lambda: it.spark.catalog.getTable(it.name("none")), "NOT_FOUND")


@case(
    "cacheTable",
    "A cached table gives the same rows, and can be let go of.",
    source=f"{PYSPARK}/catalog.html",
)
def a_table_is_cached(it):
    table = it.table(id=[1, 2])
    it.spark.catalog.cacheTable(table)
    assert rows(it.spark.table(table)) == [(1,), (2,)]
    it.spark.catalog.uncacheTable(table)
