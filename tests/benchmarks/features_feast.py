"""Join a spine with features by Feast's file offline store: spine, features → one line of JSON.

Runs in Feast's own environment; `features.py` starts it.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from datetime import timedelta
from typing import Any

import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.types import Float64

FEATURES = [f"f{index}" for index in range(10)]


def main(spine: str, features: str) -> dict[str, Any]:
    """Return the times of the join, what it found, and the peak of the process's memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        store = store_of(folder, features)
        # What is imported and set up at the first call is not measured.
        join(store, pd.read_parquet(spine).head(1000))
        begun, cpu = time.perf_counter(), time.process_time()
        found = join(store, pd.read_parquet(spine))
        seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    return {
        "seconds": seconds,
        "cpu": cpu,
        "rows": len(found),
        "valued": int(found[FEATURES[0]].count()),
        "sums": [float((found["label"] * found[name]).sum()) for name in FEATURES],
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
    }


def store_of(folder: str, features: str) -> FeatureStore:
    """Return a feature store with one view, of these features, whose values never grow old."""
    config = RepoConfig(
        project="benchmark",
        provider="local",
        registry=f"{folder}/registry.db",
        offline_store={"type": "file"},
        online_store={"type": "sqlite", "path": f"{folder}/online.db"},
        entity_key_serialization_version=3,
    )
    store = FeatureStore(config=config)
    key = Entity(name="key", join_keys=["key"], value_type=ValueType.INT64)
    view = FeatureView(
        name="view",
        entities=[key],
        ttl=timedelta(0),
        schema=[Field(name=name, dtype=Float64) for name in FEATURES],
        source=FileSource(path=features, timestamp_field="ts"),
    )
    store.apply([key, view])
    return store


def join(store: FeatureStore, spine: pd.DataFrame) -> pd.DataFrame:
    """Return the spine with its features, as a user asks for it."""
    return store.get_historical_features(
        entity_df=spine.rename(columns={"ts": "event_timestamp"}),
        features=[f"view:{name}" for name in FEATURES],
    ).to_df()


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
