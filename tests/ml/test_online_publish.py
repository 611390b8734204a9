"""Publishing: online is what some version of the feature table was, whatever happens meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lakebook.ml.feature_engineering import tables
from lakebook.ml.feature_engineering.errors import FeatureError
from lakebook.ml.feature_engineering.online import publish, store
from lakebook.ml.feature_engineering.online.table import find, lookup
from lakebook.runtime import catalog
from lakebook.runtime.delta import changes

KEYS = "k long, s string"


@pytest.fixture(scope="module")
def shop(spark):
    yield store.create_online_store(name="shop", capacity="CU_1")
    store.delete_online_store(name="shop")


def make(spark, name, rows, columns=f"{KEYS}, v int", keys=("k", "s"), time=None, **properties):
    tables.create(spark, name, list(keys), df=spark.createDataFrame(rows, columns), time=time)
    for key, value in properties.items():
        spark.sql(f"ALTER TABLE {name} SET TBLPROPERTIES ('delta.{key}' = '{value}')")


def merge(spark, name, rows, columns=f"{KEYS}, v int"):
    tables.put_rows(spark, name, spark.createDataFrame(rows, columns))


def send(spark, shop, name, mode="TRIGGERED", **more):
    return publish.publish_table(
        spark,
        online_store=shop,
        source_table_name=name,
        online_table_name=f"{name}_online",
        publish_mode=mode,
        **more,
    )


def table(shop, name):
    return find(store.file(shop.name), f"{name}_online")


def rows(shop, name):
    """Return all that is online, in order."""
    content = table(shop, name).content
    return sorted(store.connection(shop.name).execute(f'SELECT * FROM "{content}"').fetchall())


def left(shop, name):
    """Return the tables of the store that hold rows of an online table."""
    found = store.connection(shop.name).execute("SELECT name FROM sqlite_master WHERE type='table'")
    stem = table(shop, name).content.rsplit("_", 1)[0]
    return [one for (one,) in found if one.startswith(stem)]


def test_a_feature_table_is_published_by_its_key(spark, shop, schema):
    name = f"{schema}.f"
    make(spark, name, [(1, "a", 10), (1, "b", 20), (2, "a", None)])
    done = send(spark, shop, name)
    assert done == publish.PublishedTable(f"{name}_online", "shop", name, "TRIGGERED", 1)
    assert lookup(shop, f"{name}_online", (1, "b")) == {"k": 1, "s": "b", "v": 20}
    assert lookup("shop", f"{name}_online", {"s": "a", "k": 2}) == {"k": 2, "s": "a", "v": None}
    assert lookup(shop, f"{name}_online", (2, "b")) is None
    assert publish.published(name) == [done]
    assert tables.get(spark, name).online_stores == [done]


@pytest.mark.parametrize("feed", ["true", "false"])
def test_what_has_changed_since_is_brought_online(spark, shop, schema, feed):
    name = f"{schema}.f"
    make(spark, name, [(i, "a", i) for i in range(6)], enableChangeDataFeed=feed)
    send(spark, shop, name)
    first = table(shop, name)
    merge(spark, name, [(0, "a", 100), (9, "z", 9)])
    spark.sql(f"DELETE FROM {name} WHERE k IN (1, 2)")
    spark.sql(f"UPDATE {name} SET v = -v WHERE k = 3")
    merge(spark, name, [(2, "a", 22)])
    done = send(spark, shop, name)
    assert rows(shop, name) == [
        (0, "a", 100),
        (2, "a", 22),
        (3, "a", -3),
        (4, "a", 4),
        (5, "a", 5),
        (9, "z", 9),
    ]
    assert done.source_version == first.version + 4
    # The rows were changed where they are, not written anew.
    assert left(shop, name) == [table(shop, name).content] == [first.content]
    spark.sql(f"OPTIMIZE {name}")
    send(spark, shop, name)
    assert rows(shop, name)[0] == (0, "a", 100)


def test_without_changes_nothing_is_written(spark, shop, schema):
    name = f"{schema}.f"
    make(spark, name, [(1, "a", 10)])
    send(spark, shop, name)
    first = table(shop, name)
    store.connection(shop.name).execute(f'UPDATE "{first.content}" SET v = 11')
    send(spark, shop, name)
    assert (table(shop, name).content, rows(shop, name)) == (first.content, [(1, "a", 11)])
    send(spark, shop, name, "SNAPSHOT")
    assert rows(shop, name) == [(1, "a", 10)]
    assert left(shop, name) == [table(shop, name).content] != [first.content]


@pytest.mark.parametrize("feed", ["true", "false"])
def test_of_a_time_series_only_the_newest_row_of_a_key_is_online(spark, shop, schema, feed):
    name = f"{schema}.ts"
    columns = "k long, day date, v int"

    def write(*values):
        return [(k, day(d), v) for k, d, v in values]

    def day(number):
        import datetime as dt

        return dt.date(2026, 1, number)

    def online():
        return [(k, v) for k, _, v in rows(shop, name)]

    given = write((1, 1, 11), (1, 3, 13), (1, 2, 12), (2, 5, 25))
    make(spark, name, given, columns, ("k", "day"), "day", enableChangeDataFeed=feed)
    send(spark, shop, name)
    assert online() == [(1, 13), (2, 25)]
    merge(spark, name, write((1, 2, -12), (2, 6, 26), (3, 1, 31)), columns)
    send(spark, shop, name)
    assert online() == [(1, 13), (2, 26), (3, 31)]
    # What was newest goes: the one before comes back.
    spark.sql(f"DELETE FROM {name} WHERE v IN (13, 26, 31)")
    send(spark, shop, name)
    assert online() == [(1, -12), (2, 25)]


def test_of_rows_with_one_time_the_greatest_by_the_names_of_columns_is_online(spark, shop, schema):
    name = f"{schema}.ts"
    columns = "k long, t long, z int, a int"
    make(spark, name, [(1, 1, 0, 0)], columns, ("k", "t"), "t")
    # A primary key only informs: nothing keeps another writer from these.
    for row in ("1L, 5L, 9, 1", "1L, 5L, 1, 2", "1L, 5L, 7, null", "1L, 4L, 99, 99"):
        spark.sql(f"INSERT INTO {name} VALUES ({row})")
    send(spark, shop, name)
    assert rows(shop, name) == [(1, 5, 1, 2)]


def test_a_key_that_is_there_twice_is_named_and_what_is_online_stays(spark, shop, schema):
    name = f"{schema}.f"
    make(spark, name, [(1, "a", 10), (2, "b", 20)])
    send(spark, shop, name)
    spark.sql(f"INSERT INTO {name} VALUES (2, 'b', 21), (3, 'c', 30)")
    for mode in ("TRIGGERED", "SNAPSHOT"):
        with pytest.raises(FeatureError, match=r"2 rows with the key \(k=2, s='b'\)"):
            send(spark, shop, name, mode)
        assert rows(shop, name) == [(1, "a", 10), (2, "b", 20)]
        assert left(shop, name) == [table(shop, name).content]


def test_columns_that_come_and_go_do_so_online(spark, shop, schema):
    name = f"{schema}.f"
    make(spark, name, [(1, "a", 10), (2, "b", 20)])
    send(spark, shop, name)
    assert lookup(shop, f"{name}_online", (1, "a")) == {"k": 1, "s": "a", "v": 10}
    merge(spark, name, [(1, "a", 11, 1.5)], f"{KEYS}, v int, w double")
    send(spark, shop, name)
    assert lookup(shop, f"{name}_online", (1, "a")) == {"k": 1, "s": "a", "v": 11, "w": 1.5}
    assert lookup(shop, f"{name}_online", (2, "b")) == {"k": 2, "s": "b", "v": 20, "w": None}


def test_a_table_dropped_and_made_anew_under_its_name_is_published_whole(spark, shop, schema):
    name = f"{schema}.f"
    make(spark, name, [(1, "a", 10), (2, "b", 20)])
    send(spark, shop, name)
    spark.sql(f"DROP TABLE {name}")
    make(spark, name, [(3, "c", 30)])
    assert publish.published(name) == []
    send(spark, shop, name)
    assert rows(shop, name) == [(3, "c", 30)]


def test_files_that_are_gone_are_no_obstacle(spark, shop, schema):
    name = f"{schema}.f"
    make(spark, name, [(1, "a", 10), (2, "b", 20)])
    send(spark, shop, name)
    merge(spark, name, [(1, "a", 11)])
    root = Path(catalog.require_table(tables.full_name(spark, name)).location)
    kept = {Path(uri.removeprefix("file:")).name for uri in spark.table(name).inputFiles()}
    for file in root.glob("*.parquet"):
        if file.name not in kept:
            file.unlink()
    send(spark, shop, name)
    assert rows(shop, name) == [(1, "a", 11), (2, "b", 20)]


def test_only_the_keys_that_the_change_data_feed_names_are_written(spark, shop, schema):
    name = f"{schema}.f"
    make(spark, name, [(i, "a", i) for i in range(100)], enableChangeDataFeed="true")
    send(spark, shop, name)
    content = table(shop, name).content
    # Were row 5 written again, it would be 5: it lies in the file that the change rewrites.
    store.connection(shop.name).execute(f'UPDATE "{content}" SET v = -1 WHERE k = 5')
    merge(spark, name, [(7, "a", 70)])
    assert changes.between(
        spark, table(shop, name).root, *[table(shop, name).version + 1] * 2
    ).count()
    send(spark, shop, name)
    assert (rows(shop, name)[5], rows(shop, name)[7]) == ((5, "a", -1), (7, "a", 70))


def test_a_reader_sees_one_version_while_others_are_published(spark, shop, schema):
    name, many = f"{schema}.f", 20_000

    def version(number):
        return spark.range(many).selectExpr("id AS k", "'a' AS s", f"{number} AS v")

    tables.create(spark, name, ["k", "s"], df=version(0))
    send(spark, shop, name)
    seen, wrong, done = set(), [], threading.Event()

    def read():
        opened = store.connection(shop.name)
        while not done.is_set():
            opened.execute("BEGIN")
            content = table(shop, name).content
            found = opened.execute(f'SELECT count(*), min(v), max(v) FROM "{content}"').fetchone()
            opened.execute("COMMIT")
            one = lookup(shop, f"{name}_online", (7, "a"))
            seen.add(found[1])
            if found[0] != many or found[1] != found[2] or one is None:
                wrong.append((found, one))

    reader = threading.Thread(target=read)
    reader.start()
    for number, mode in enumerate(("SNAPSHOT", "TRIGGERED", "SNAPSHOT"), start=1):
        tables.put_rows(spark, name, version(number))
        send(spark, shop, name, mode)
    done.set()
    reader.join()
    assert wrong == []
    assert {0, 3} <= seen <= {0, 1, 2, 3}


KILLED = """
import sys
from lakebook.ml.feature_engineering.online import publish, store
from lakebook.runtime.session import get_spark
spark = get_spark()
spark.range(600_000).selectExpr("id AS k", "'a' AS s", "1 AS v").write.insertInto(
    sys.argv[1], overwrite=True
)
publish.publish_table(
    spark, online_store=store.require("shop"), source_table_name=sys.argv[1],
    online_table_name=sys.argv[1] + "_online", publish_mode="SNAPSHOT",
)
"""


def test_a_publish_that_is_killed_leaves_the_old_rows_and_is_made_up_for(spark, shop, schema):
    name = f"{schema}.f"
    make(spark, name, [(1, "a", 10)])
    send(spark, shop, name)
    process = subprocess.Popen([sys.executable, "-c", KILLED, name], env=dict(os.environ))
    limit = time.monotonic() + 200
    while len(left(shop, name)) < 2 and process.poll() is None and time.monotonic() < limit:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert len(left(shop, name)) == 2, "it was killed too early or too late"
    assert rows(shop, name) == [(1, "a", 10)]
    assert lookup(shop, f"{name}_online", (1, "a")) == {"k": 1, "s": "a", "v": 10}
    spark.sql(f"DELETE FROM {name} WHERE k >= 3")
    send(spark, shop, name, "SNAPSHOT")
    assert rows(shop, name) == [(k, "a", 1) for k in range(3)]
    assert left(shop, name) == [table(shop, name).content]
    assert list((store.file(shop.name).parent / "staged").iterdir()) == []


def test_a_continuous_publish_follows_the_table_also_after_a_restart(spark, shop, schema, tmp_path):
    name = f"{schema}.f"
    make(spark, name, [(1, "a", 10), (2, "b", 20)])

    def start():
        return send(spark, shop, name, "CONTINUOUS", checkpoint_location=str(tmp_path / "c"))

    query = start()
    assert rows(shop, name) == [(1, "a", 10), (2, "b", 20)]
    assert start().id == query.id
    merge(spark, name, [(1, "a", 11), (3, "c", 30)])
    query.processAllAvailable()
    assert rows(shop, name) == [(1, "a", 11), (2, "b", 20), (3, "c", 30)]
    query.stop()
    spark.sql(f"DELETE FROM {name} WHERE k = 2")
    merge(spark, name, [(3, "c", 31)])
    assert rows(shop, name) == [(1, "a", 11), (2, "b", 20), (3, "c", 30)]
    again = start()
    assert (again.id, again.runId == query.runId) == (query.id, False)
    merge(spark, name, [(4, "d", 40)])
    again.processAllAvailable()
    assert rows(shop, name) == [(1, "a", 11), (3, "c", 31), (4, "d", 40)]
    assert table(shop, name).mode == "CONTINUOUS"
    publish.drop_online_table(name=name, online_store=shop)
    merge(spark, name, [(5, "e", 50)])
    with pytest.raises(Exception, match="was dropped, so nothing follows"):
        again.processAllAvailable()
    assert table(shop, name) is None


def test_streaming_is_the_older_word_for_continuous(spark, shop, schema):
    name = f"{schema}.f"
    make(spark, name, [(1, "a", 10)])
    query = send(spark, shop, name, streaming=True, trigger={"availableNow": True})
    assert query.awaitTermination(60)
    assert table(shop, name).mode == "CONTINUOUS"


def test_an_online_table_is_dropped_by_its_name_or_that_of_its_source(spark, shop, schema):
    name = f"{schema}.f"
    make(spark, name, [(1, "a", 10)])
    for given in (name, f"{name}_online"):
        send(spark, shop, name)
        lookup(shop, f"{name}_online", (1, "a"))
        publish.drop_online_table(name=given, online_store=shop)
        assert publish.published(name) == []
        with pytest.raises(FeatureError, match="is not published in online store 'shop' any more"):
            lookup(shop, f"{name}_online", (1, "a"))
    with pytest.raises(FeatureError, match="nothing called"):
        publish.drop_online_table(name=name, online_store=shop)


def test_what_cannot_be_published_is_refused_and_told(spark, shop, schema):
    name = f"{schema}.f"
    make(spark, name, [(1, "a", 10)])
    spark.sql(f"CREATE TABLE {schema}.bare (k int)")
    make(spark, f"{schema}.other", [(1, "a", 10)])
    send(spark, shop, f"{schema}.other")

    def refused(message, **more):
        given = {"online_store": shop, "source_table_name": name}
        given |= {"online_table_name": f"{name}_online", **more}
        with pytest.raises(FeatureError, match=message):
            publish.publish_table(spark, **given)

    refused("online_store is None; give an online store", online_store=None)
    refused("no online store 'shut'", online_store=store.DatabricksOnlineStore("shut", "CU_1"))
    refused("publish_mode is 'NOW'; it is one of TRIGGERED", publish_mode="NOW")
    refused("use publish_mode='SNAPSHOT'", mode="overwrite")
    refused("filter_condition is not for an online store", filter_condition="v > 1")
    refused("features is not for an online store", features=["v"])
    refused("belong to a query", checkpoint_location="/tmp/c")
    refused("belong to a query", trigger={"availableNow": True})
    refused("means CONTINUOUS", streaming=True, publish_mode="SNAPSHOT")
    refused("has no primary key", source_table_name=f"{schema}.bare")
    refused("needs online_table_name", online_table_name=None)
    refused("there is a table .* in the catalog", online_table_name=name)
    refused("longer than 63 bytes", online_table_name=f"{schema}.{'é' * 32}")
    refused(f"is made from '{schema}.other'", online_table_name=f"{schema}.other_online")
    other = store.create_online_store(name="other", capacity="CU_1")
    refused(
        "published in online store 'shop' already",
        online_store=other,
        source_table_name=f"{schema}.other",
        online_table_name=f"{schema}.other_online",
    )
    store.delete_online_store(name="other")
    assert table(shop, name) is None


def test_a_column_that_cannot_be_kept_online_is_named(spark, shop, schema):
    name = f"{schema}.f"
    make(spark, name, [(1, "a", (1,))], f"{KEYS}, v struct<`x:y`: int>")
    with pytest.raises(FeatureError, match=f"column 'v' of '{name}'"):
        send(spark, shop, name)


def test_a_key_of_another_type_or_length_is_refused(spark, shop, schema):
    name = f"{schema}.f"
    make(spark, name, [(1, "a", 10)])
    send(spark, shop, name)
    for key, message in (
        (("1", "a"), "column 'k': '1' is no bigint"),
        (1, "has 1 values"),
        ({"k": 1, "t": "a"}, "is keyed by"),
    ):
        with pytest.raises(FeatureError, match=message):
            lookup(shop, f"{name}_online", key)
    assert lookup(shop, f"{name}_online", (None, "a")) is None
    with pytest.raises(FeatureError, match="Did you mean"):
        lookup(shop, f"{name}_onlin", (1, "a"))
