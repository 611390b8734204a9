"""Online stores: made, found, changed and deleted, each one file of the workspace."""

from __future__ import annotations

import sqlite3

import pytest

from lakebook.ml.feature_engineering.errors import FeatureError
from lakebook.ml.feature_engineering.online import store


@pytest.fixture
def name(request):
    made = f"s-{abs(hash(request.node.nodeid)) % 10**8}"
    yield made
    if store.get_online_store(name=made):
        store.delete_online_store(name=made)


def test_a_store_is_available_as_soon_as_it_is_made(name):
    made = store.create_online_store(name=name, capacity="CU_2", read_replica_count=1)
    assert made == store.get_online_store(name=name)
    assert (made.state, made.capacity, made.read_replica_count) == ("AVAILABLE", "CU_2", 1)
    assert made.creator and made.creation_time.endswith("+00:00")


def test_a_store_that_is_not_there_is_none():
    assert store.get_online_store(name="nowhere") is None
    assert store.get_online_store(name="../nowhere") is None


def test_stores_are_listed_by_name(name):
    other = f"a{name}"
    for one in (name, other):
        store.create_online_store(name=one, capacity="CU_1")
    listed = [one.name for one in store.list_online_stores()]
    assert listed == sorted(listed)
    assert {name, other} <= set(listed)
    store.delete_online_store(name=other)


def test_only_what_is_given_of_a_store_is_changed(name):
    store.create_online_store(name=name, capacity="CU_1", usage_policy_id="p")
    changed = store.update_online_store(name=name, capacity="CU_8")
    assert (changed.capacity, changed.usage_policy_id) == ("CU_8", "p")
    changed = store.update_online_store(name=name, read_replica_count=2, usage_policy_id=None)
    assert (changed.capacity, changed.read_replica_count) == ("CU_8", 2)
    assert changed.usage_policy_id is None


def test_a_deleted_store_leaves_no_file_and_its_name_can_be_used_again(name):
    store.create_online_store(name=name, capacity="CU_1")
    kept = store.connection(name)
    kept.execute("UPDATE store SET capacity = 'CU_8'")
    store.delete_online_store(name=name)
    assert list(store.file(name).parent.glob(f"{name}*")) == []
    with pytest.raises(FeatureError, match="any more"):
        store.connection(name)
    assert store.create_online_store(name=name, capacity="CU_1").capacity == "CU_1"
    assert store.connection(name) is not kept


def test_a_store_is_read_while_another_process_writes_it(name):
    store.create_online_store(name=name, capacity="CU_1")
    writer = sqlite3.connect(store.file(name), isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("UPDATE store SET capacity = 'CU_4'")
    assert store.require(name).capacity == "CU_1"
    writer.execute("COMMIT")
    writer.close()
    assert store.require(name).capacity == "CU_4"


@pytest.mark.parametrize("wrong", ["CU_3", "cu_1", None, 1])
def test_a_capacity_that_does_not_exist_is_refused_with_those_that_do(wrong):
    with pytest.raises(FeatureError, match="CU_1, CU_2, CU_4, CU_8") as caught:
        store.create_online_store(name="wrong", capacity=wrong)
    assert repr(wrong) in str(caught.value)
    assert store.get_online_store(name="wrong") is None


@pytest.mark.parametrize("wrong", ["my_store", "Shop", "1shop", "", "a" * 64, "a.b", None])
def test_a_name_that_the_platform_refuses_is_refused(wrong):
    with pytest.raises(FeatureError, match="no name for an online store"):
        store.create_online_store(name=wrong, capacity="CU_1")


def test_a_name_that_is_taken_is_refused(name):
    store.create_online_store(name=name, capacity="CU_1")
    with pytest.raises(FeatureError, match=f"'{name}' already; take it with get_online_store"):
        store.create_online_store(name=name, capacity="CU_1")


@pytest.mark.parametrize("count", [-1, "2", True])
def test_a_number_of_replicas_that_is_none_is_refused(count):
    with pytest.raises(FeatureError, match=f"read_replica_count is {count!r}"):
        store.create_online_store(name="wrong", capacity="CU_1", read_replica_count=count)


def test_an_unknown_store_is_named_with_the_nearest(name):
    store.create_online_store(name=name, capacity="CU_1")
    for change in (store.update_online_store, store.delete_online_store):
        with pytest.raises(FeatureError, match=f"no online store '{name}x'. Did you mean '{name}'"):
            change(name=f"{name}x")
