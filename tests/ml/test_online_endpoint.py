"""Feature serving endpoints answer over HTTP what a specification says of each record."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest

from lakebook.ml.feature_engineering import FeatureFunction, FeatureLookup, specs, tables
from lakebook.ml.feature_engineering.errors import FeatureError
from lakebook.ml.feature_engineering.online import endpoint, publish, store
from lakebook.ml.feature_engineering.online.endpoint import EndpointCoreConfig, ServedEntity

SPEC = "main.served.spec"


@pytest.fixture(scope="module", autouse=True)
def served(spark):
    """Make a feature spec of a published table and of a function."""
    spark.sql("CREATE SCHEMA main.served")
    rows = spark.createDataFrame(
        [(1, 10.0, "é"), (2, float("nan"), None)], "id long, price double, s string"
    )
    tables.create(spark, "main.served.prices", "id", df=rows)
    spark.sql(
        "CREATE FUNCTION main.served.total(price DOUBLE, amount INT) RETURNS DOUBLE "
        "LANGUAGE PYTHON AS $$\nreturn None if price is None else price * amount\n$$"
    )
    features = [
        FeatureLookup("main.served.prices", "id", default_values={"s": "none"}),
        FeatureFunction(udf_name="main.served.total", output_name="total"),
    ]
    specs.create_feature_spec(spark, name=SPEC, features=features)
    shop = store.create_online_store(name="served", capacity="CU_1")
    publish.publish_table(
        spark, online_store=shop, source_table_name="main.served.prices",
        online_table_name="main.served.prices_online",
    )  # fmt: skip
    yield
    store.delete_online_store(name="served")
    spark.sql("DROP SCHEMA main.served CASCADE")


def create(name, **more):
    entity = ServedEntity(feature_spec_name=SPEC, **more)
    return endpoint.create_feature_serving_endpoint(
        name=name, config=EndpointCoreConfig(served_entities=entity)
    )


@pytest.fixture(scope="module")
def prices(served):
    yield create("prices", workload_size="Small", scale_to_zero_enabled=True)
    endpoint.delete_feature_serving_endpoint(name="prices")


def ask(url, body, **headers):
    """Return status and answer of a POST; `body` is text or becomes JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers)) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


ONE = {"id": 1, "amount": 3, "price": 10.0, "s": "é", "total": 30.0}
TWO = {"id": 2, "amount": 2, "price": "NaN", "s": "none", "total": "NaN"}
THREE = {"id": 3, "amount": None, "price": None, "s": "none", "total": None}


def test_records_come_back_with_their_features(prices):
    records = [{k: row[k] for k in ("id", "amount")} for row in (ONE, TWO, THREE)]
    assert ask(prices.url, {"dataframe_records": records}) == (200, {"outputs": [ONE, TWO, THREE]})
    split = {"columns": ["amount", "id"], "data": [[3, 1], [2, 2]], "index": [0, 1]}
    assert ask(prices.url, {"dataframe_split": split}) == (200, {"outputs": [ONE, TWO]})
    assert ask(prices.url, {"dataframe_records": []}) == (200, {"outputs": []})


def test_an_endpoint_is_shown_as_it_was_made(prices):
    assert prices == endpoint.get_feature_serving_endpoint(name="prices")
    assert (prices.name, prices.state, prices.creator) == (
        "prices",
        "READY",
        store.grants.current_user(),
    )
    assert prices.config.served_entities.feature_spec_name == SPEC
    assert prices.url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "the request is not JSON"),
        ([], "the request needs one of dataframe_records and dataframe_split"),
        ({"inputs": [1]}, "the request needs one of"),
        ({"dataframe_records": [], "dataframe_split": {}}, "the request needs one of"),
        ({"dataframe_records": {"id": 1}}, "dataframe_records is a list"),
        ({"dataframe_records": [1]}, "record 0: 1 is no record"),
        ({"dataframe_records": [{"amount": 1}]}, "record 0: the record has no column 'id'"),
        ({"dataframe_records": [{"id": 1}]}, "record 0: the record has no column 'amount'"),
        (
            {"dataframe_records": [{"id": 1, "amount": 1}, {"id": "a", "amount": 1}]},
            "record 1: column 'id': 'a' is no bigint",
        ),
        ({"dataframe_split": {"columns": ["id"]}}, "dataframe_split is an object with columns"),
        ({"dataframe_split": {"columns": ["id"], "data": [[1, 2]]}}, "row 0 of data does not"),
    ],
)
def test_a_request_that_is_not_understood_is_answered_400_with_what_is_wrong(prices, body, message):
    status, told = ask(prices.url, body)
    assert (status, told["error_code"]) == (400, "BAD_REQUEST")
    assert told["message"].startswith(message)
    # The endpoint is none the worse for it.
    assert ask(prices.url, {"dataframe_records": [{"id": 1, "amount": 3}]})[1]["outputs"] == [ONE]


def test_another_name_or_place_is_answered_404(prices):
    for url in (prices.url.replace("/prices/", "/other/"), prices.url + "x"):
        status, told = ask(url, {"dataframe_records": []})
        assert (status, told["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
        assert "this is endpoint 'prices'" in told["message"]


def test_a_connection_is_kept_and_a_length_is_asked_for(prices):
    port = int(prices.url.split(":")[2].split("/")[0])
    path = "/serving-endpoints/prices/invocations"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.connect()
    first = connection.sock
    for _ in range(3):
        connection.request("POST", path, json.dumps({"dataframe_records": []}))
        assert json.load(connection.getresponse()) == {"outputs": []}
    assert connection.sock is first
    for head, status in (
        ("", 411),
        ("Content-Length: 999999999999\r\n", 413),
    ):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
            raw.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\n{head}\r\n".encode())
            assert raw.recv(4096).startswith(f"HTTP/1.1 {status} ".encode())


def test_many_ask_at_once_and_each_gets_its_own(prices):
    wrong = []

    def run(number):
        for amount in range(20):
            body = {"dataframe_records": [{"id": 1, "amount": amount * number}]}
            (row,) = ask(prices.url, body)[1]["outputs"]
            if row["total"] != 10.0 * amount * number:
                wrong.append(row)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_what_is_published_is_served_at_once(spark, prices):
    asked = {"dataframe_records": [{"id": 7, "amount": 2}]}
    assert ask(prices.url, asked)[1]["outputs"][0]["total"] is None
    row = spark.createDataFrame([(7, 70.0, "seven")], "id long, price double, s string")
    tables.put_rows(spark, "main.served.prices", row)
    for mode in ("TRIGGERED", "SNAPSHOT"):
        publish.publish_table(
            spark, online_store=store.require("served"), source_table_name="main.served.prices",
            online_table_name="main.served.prices_online", publish_mode=mode,
        )  # fmt: skip
        assert ask(prices.url, asked)[1]["outputs"][0]["total"] == 140.0


def test_a_deleted_endpoint_answers_no_more_and_its_name_is_free(spark):
    first = create("short")
    with pytest.raises(FeatureError, match="there is an endpoint 'short' already"):
        create("short")
    endpoint.delete_feature_serving_endpoint(name="short")
    with pytest.raises(OSError):
        ask(first.url, {"dataframe_records": []})
    for unknown in (
        endpoint.get_feature_serving_endpoint,
        endpoint.delete_feature_serving_endpoint,
    ):
        with pytest.raises(FeatureError, match="there is no endpoint 'short'"):
            unknown(name="short")
    assert create("short").state == "READY"
    endpoint.delete_feature_serving_endpoint(name="short")


PROGRAM = f"""
import time
from lakebook.ml.feature_engineering.online import endpoint
made = endpoint.create_feature_serving_endpoint(
    name="child", config=endpoint.EndpointCoreConfig(endpoint.ServedEntity({SPEC!r}))
)
print(made.url, flush=True)
time.sleep(600)
"""


def start_elsewhere():
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env=dict(os.environ), stdout=subprocess.PIPE, text=True
    )
    return process, process.stdout.readline().strip()


def test_an_endpoint_ends_with_the_process_that_made_it_also_if_that_is_killed():
    process, url = start_elsewhere()
    assert ask(url, {"dataframe_records": [{"id": 1, "amount": 3}]})[1]["outputs"] == [ONE]
    assert endpoint.get_feature_serving_endpoint(name="child").url == url
    process.send_signal(signal.SIGKILL)
    process.wait()
    limit = time.monotonic() + 30
    with pytest.raises(OSError):
        while time.monotonic() < limit:
            ask(url, {"dataframe_records": []})
            time.sleep(0.05)
    with pytest.raises(FeatureError, match="there is no endpoint 'child'"):
        endpoint.get_feature_serving_endpoint(name="child")


def test_an_endpoint_of_another_process_can_be_deleted():
    process, url = start_elsewhere()
    endpoint.delete_feature_serving_endpoint(name="child")
    with pytest.raises(OSError):
        ask(url, {"dataframe_records": []})
    process.kill()
    process.wait()


def test_what_cannot_be_served_is_refused_before_a_server_starts(spark, prices):
    def refused(message, name="new", config=None, **entity):
        config = config or EndpointCoreConfig(
            [ServedEntity(**{"feature_spec_name": SPEC, **entity})]
        )
        with pytest.raises(FeatureError, match=message):
            endpoint.create_feature_serving_endpoint(name=name, config=config)

    refused("is no name for an endpoint", name="a b")
    refused("is no name for an endpoint", name=None)
    refused("an endpoint serves one feature spec", config=EndpointCoreConfig([]))
    refused("an endpoint serves one feature spec", config={"feature_spec_name": SPEC})
    refused("workload_size is 'Huge'; it is one of Small", workload_size="Huge")
    refused(
        "no feature spec 'main.served.spek'. Did you mean", feature_spec_name="main.served.spek"
    )
    tables.create(
        spark, "main.served.dark", "id", df=spark.createDataFrame([(1, 2)], "id long, v int")
    )
    specs.create_feature_spec(
        spark, name="main.served.dim", features=[FeatureLookup("main.served.dark", "id")]
    )
    refused("'main.served.dark' is not published", feature_spec_name="main.served.dim")
    with pytest.raises(FeatureError, match="does not know 'size'"):
        endpoint.create_feature_serving_endpoint(name="new", config=None, size=1)
