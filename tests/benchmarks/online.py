"""Measure the online side of the feature store, and print a table.

    python tests/benchmarks/online.py [--keys 1000000] [--reads 20000] [--requests 5000]

A table of ten features is published into an online store. Then rows are read by random keys in
this process, and asked for over HTTP on the loopback interface, on connections that are kept, one
record a request. Nothing here is asserted, for times depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any, NamedTuple

FEATURES = 10
CONNECTIONS = 4
TABLE, SPEC = "main.default.features", "main.default.spec"


class Line(NamedTuple):
    """One measurement, and the aim that it is compared with."""

    what: str
    value: str
    aim: str = ""


def main() -> int:
    """Measure all and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--reads", type=int, default=20_000)
    parser.add_argument("--requests", type=int, default=5_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        os.environ |= {"LAKEBOOK_HOME": f"{folder}/home", "TMPDIR": folder}
        lines = measure(given.keys, given.reads, given.requests)
    print(f"{given.keys:,} keys × {FEATURES} features\n")
    for line in lines:
        print(f"{line.what:<48}{line.value:>34}   {line.aim}".rstrip())
    return 0


def measure(keys: int, reads: int, requests: int) -> list[Line]:
    """Return the measurements."""
    lines = publish(keys)
    lines += in_process(keys, reads)
    lines += over_http(keys, requests)
    return lines


def publish(keys: int) -> list[Line]:
    """Publish the table whole, and again after one row in a hundred has changed."""
    from lakebook.ml.feature_engineering import FeatureLookup, specs, tables
    from lakebook.ml.feature_engineering.online import publish, store
    from lakebook.runtime.session import get_spark

    spark = get_spark("benchmark")
    tables.create(spark, TABLE, "id", df=frame_of(spark, keys))
    spark.sql(f"ALTER TABLE {TABLE} SET TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true')")
    shop = store.create_online_store(name="shop", capacity="CU_1")

    def send() -> None:
        publish.publish_table(
            spark,
            online_store=shop,
            source_table_name=TABLE,
            online_table_name=f"{TABLE}_online",
        )

    whole = seconds(send)
    changed = frame_of(spark, keys).filter("id % 100 = 7").withColumn("f0", -_column("f0"))
    tables.put_rows(spark, TABLE, changed)
    part = seconds(send)
    specs.create_feature_spec(spark, name=SPEC, features=[FeatureLookup(TABLE, "id")])
    spark.stop()
    return [
        Line("publish, the first time", f"{whole:.1f} s"),
        Line("publish, one row in 100 changed", f"{part:.1f} s"),
    ]


def _column(name: str) -> Any:
    from pyspark.sql import functions as F

    return F.col(name)


def frame_of(spark: Any, keys: int) -> Any:
    """Return a frame of a key and ten features of several types."""
    return spark.range(0, keys, 1, 4).selectExpr(
        "id",
        "double(id) / 7 AS f0",
        "double(id % 1000) AS f1",
        "float(id % 13) AS f2",
        "id * 3 AS f3",
        "int(id % 30) AS f4",
        "concat('name-', id % 77) AS f5",
        "date_add(date'2026-01-01', int(id % 365)) AS f6",
        "timestamp_seconds(1700000000 + id) AS f7",
        "id % 2 = 0 AS f8",
        "decimal(id % 10000) / 100 AS f9",
    )


def in_process(keys: int, reads: int) -> list[Line]:
    """Read rows by random keys: a row as it is, and a specification applied to a record."""
    from lakebook.ml.feature_engineering import specs
    from lakebook.ml.feature_engineering.online.lookup import Evaluator
    from lakebook.ml.feature_engineering.online.table import lookup

    evaluate = Evaluator(specs.require(SPEC))
    name = f"{TABLE}_online"
    return [
        Line("a row by its key", spread(lambda key: lookup("shop", name, key), keys, reads), AIM),
        Line("a record by a feature spec", spread(lambda k: evaluate({"id": k}), keys, reads), AIM),
    ]


AIM = "p99 < 5 ms"


def spread(read: Callable[[int], Any], keys: int, reads: int) -> str:
    """Return median and 99th percentile of reads of random keys, after some that do not count."""
    chosen = random.Random(7)
    times = []
    for number in range(reads + reads // 10):
        key = chosen.randrange(keys)
        begun = time.perf_counter()
        found = read(key)
        if number >= reads // 10:
            times.append(time.perf_counter() - begun)
        assert found["id"] == key
    return percentiles(times)


def percentiles(times: list[float]) -> str:
    """Return median and 99th percentile in ms."""
    ordered = sorted(times)
    middle, high = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
    return f"p50 {middle * 1000:.3f} ms, p99 {high * 1000:.3f} ms"


def over_http(keys: int, requests: int) -> list[Line]:
    """Ask an endpoint on one connection, and on several of another process."""
    from lakebook.ml.feature_engineering.online import endpoint

    config = endpoint.EndpointCoreConfig(endpoint.ServedEntity(SPEC))
    made = endpoint.create_feature_serving_endpoint(name="bench", config=config)
    lines = []
    for connections in (1, CONNECTIONS):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            told = pool.apply(client, (made.url, keys, requests, connections))
        plural = "s" * (connections > 1)
        rate, times = told
        lines.append(
            Line(f"HTTP, {connections} connection{plural}", percentiles(times)),
        )
        lines.append(Line("", f"{rate:,.0f} requests/s", "≥ 1,000 requests/s"))
    endpoint.delete_feature_serving_endpoint(name="bench")
    return lines


def client(url: str, keys: int, requests: int, connections: int) -> tuple[float, list[float]]:
    """Return requests a second and the seconds of each; connections are asked in turn, all busy."""
    host, path = url.removeprefix("http://").split("/", 1)
    chosen = random.Random(7)
    opened = [http.client.HTTPConnection(host) for _ in range(connections)]
    waiting: list[tuple[float, int]] = [(0.0, 0)] * connections
    times = []
    for number in range(requests + connections):
        at = number % connections
        if number >= connections:
            begun, key = waiting[at]
            answer = json.loads(opened[at].getresponse().read())
            times.append(time.perf_counter() - begun)
            assert answer["outputs"][0]["id"] == key
        else:
            started = time.perf_counter()
        key = chosen.randrange(keys)
        waiting[at] = (time.perf_counter(), key)
        body = json.dumps({"dataframe_records": [{"id": key}]})
        opened[at].request("POST", f"/{path}", body)
    return requests / (time.perf_counter() - started), times


def seconds(run: Callable[[], Any]) -> float:
    """Return how long it takes."""
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


if __name__ == "__main__":
    sys.exit(main())
