"""Data of every kind becomes one plain frame, or a sample of it that fits."""

from __future__ import annotations

import datetime as dt
import decimal
import os
import subprocess
import sys
import textwrap
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakebook.ml.automl import sampling
from lakebook.ml.automl.errors import AutoMLError
from lakebook.ml.automl.inputs import ANNOTATION, read


def regress(frame, **options):
    return read(frame, target="y", kind="regress", **options)


def column(values):
    return regress(pd.DataFrame({"x": values, "y": range(len(values))})).frame["x"]


# -- pandas


def test_a_pandas_frame_gets_a_plain_index_and_is_not_changed_itself():
    given = pd.DataFrame({"x": [1.0, np.inf], "y": [1, 2]}, index=pd.Index([5, 9], name="key"))
    before = given.copy()
    table = regress(given)
    assert table.frame.index.equals(pd.RangeIndex(2))
    assert table.rows == 2
    assert table.messages == (
        "the index 'key' is not used; reset_index() makes it a column",
        "column 'x' is infinite in 1 rows: now missing there",
    )
    pd.testing.assert_frame_equal(given, before)


@pytest.mark.parametrize(
    ("values", "dtype", "found"),
    [
        (pd.array([1, None], dtype="Int64"), "float64", [1.0, np.nan]),
        (pd.array([1, 2], dtype="Int32"), "int32", [1, 2]),
        (pd.array([1.5, None], dtype="Float64"), "float64", [1.5, np.nan]),
        (pd.array([True, False], dtype="boolean"), "bool", [True, False]),
        (pd.array([True, None], dtype="boolean"), "object", [True, None]),
        (pd.array(["a", None], dtype="string"), "object", ["a", None]),
        (pd.Categorical(["a", None]), "object", ["a", None]),
        (pd.Series([1, None], dtype="int64[pyarrow]"), "float64", [1.0, np.nan]),
        (pd.Series(["a", None], dtype="string[pyarrow]"), "object", ["a", None]),
        (pd.Series([decimal.Decimal("1.5"), None]), "float64", [1.5, np.nan]),
        (pd.Series([1, 2], dtype=object), "int64", [1, 2]),
        (pd.Series([dt.timedelta(minutes=1), None]), "float64", [60.0, np.nan]),
        (pd.Series([dt.time(8, 30), None]), "object", ["08:30:00", None]),
        (pd.Series([1, "a", None]), "object", ["1", "a", None]),
        (pd.Series([np.nan, "a"]), "object", [None, "a"]),
        (pd.arrays.SparseArray([0, 1]), "int64", [0, 1]),
    ],
)
def test_a_column_of_pandas_gets_a_type_of_numpy(values, dtype, found):
    plain = column(values)
    assert plain.dtype == dtype
    assert [None if one is None else repr(one) for one in plain.tolist()] == [
        None if one is None else repr(one) for one in found
    ]


@pytest.mark.parametrize(
    "values",
    [
        pd.Series(pd.to_datetime(["2024-01-01", None])).astype("datetime64[s]"),
        pd.Series(pd.to_datetime(["2024-01-01T01:00+01:00", None])),
        pd.Series([dt.date(2024, 1, 1), dt.date(9999, 12, 31)]),
        pd.Series(pd.PeriodIndex(["2024-01", None], freq="M")),
        pd.Series([dt.datetime(2024, 1, 1), None], dtype=object),
        pd.Series([dt.datetime(2024, 1, 1), None], dtype="timestamp[us][pyarrow]"),
    ],
)
def test_dates_of_every_type_become_times_without_a_zone(values):
    plain = column(values)
    assert plain.dtype == "datetime64[ns]"
    assert plain[0] == pd.Timestamp("2024-01-01")
    assert pd.isna(plain[1])


def test_columns_that_no_model_can_use_are_left_out_and_told():
    table = regress(
        pd.DataFrame(
            {"a": [[1], [2]], "b": [b"x", b"y"], "c": [{}, {}], "x": [1j, 2j], "y": [1, 2]}
        )
    )
    assert list(table.frame.columns) == ["y"]
    assert table.messages == tuple(
        f"column '{name}' is left out: no model here can use {what}"
        for name, what in [
            ("a", "values of type list"),
            ("b", "values of type bytes"),
            ("c", "values of type dict"),
            ("x", "complex numbers"),
        ]
    )


def test_a_category_of_numbers_is_kept_as_what_the_reader_made_it():
    frame = pd.DataFrame({"x": pd.Categorical([3, 1, 3]), "y": [1, 2, 3]})
    assert regress(frame).semantic_types == {"x": "categorical"}


def test_names_are_made_text_and_columns_can_be_chosen():
    table = read(pd.DataFrame({0: [1, 2], "y": [3, 4]}), target="y", kind="regress")
    assert list(table.frame.columns) == ["0", "y"]
    assert table.messages == ("the names of the columns are made text",)
    frame = pd.DataFrame({"a": [1], "b": [2], "y": [3]})
    assert list(regress(frame, columns=["b"]).frame.columns) == ["b", "y"]
    with pytest.raises(AutoMLError, match="columns: 'bb' is not a column of the data"):
        regress(frame, columns=["bb"])


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ([1, 2], "the data set is of type list; give a Spark, pandas or pandas-on-Spark DataFrame"),
        (pd.Series([1]), "the data set is of type Series"),
        (pd.DataFrame({"x": [1], "Y": [1]}), "target_col 'y' is not a column.*did you mean 'Y'"),
        (pd.DataFrame({"x": [], "y": []}), "the data has no row"),
        (pd.DataFrame([[1, 2, 3]], columns=["x", "x", "y"]), "more than one column 'x'"),
        (pd.DataFrame([[1, 2]], columns=[1, "1"]), "more than one column '1'"),
        (pd.DataFrame({"x": [1], "y": [None]}), "the target 'y' has no value in 1 rows"),
        (pd.DataFrame({"x": [1], "y": [[1]]}), "the target 'y' holds values of type list"),
        (pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "y")])), "several levels"),
    ],
)
def test_data_that_cannot_be_used_are_refused_with_the_way_out(frame, message):
    with pytest.raises(AutoMLError, match=message):
        regress(frame)


@pytest.mark.parametrize("memory", [0, -5, True])
def test_a_memory_of_nothing_is_refused(memory):
    with pytest.raises(AutoMLError, match="give bytes, more than 0"):
        regress(pd.DataFrame({"x": [1], "y": [1]}), memory=memory)


# -- samples of pandas


def many(rows=20_000):
    rng = np.random.default_rng(0)
    classes = np.where(rng.random(rows) < 0.3, "b", "a")
    return pd.DataFrame(
        {
            "x": rng.normal(size=rows),
            "day": pd.date_range("2020-01-01", periods=rows, freq="h"),
            "colour": rng.choice(["red", "green", "blue"], rows),
            "town": rng.choice([f"town {i}" for i in range(300)], rows),
            "note": [f"the note of customer number {i}" for i in range(rows)],
            "y": np.where(np.arange(rows) % 500 == 0, "rare", classes),
        }
    )


def test_the_size_counts_what_columns_become():
    # A number, five parts of a date, three colours, one for towns, 200 words, the target.
    assert sampling.size_of_pandas(many(), "y", "classify") == sampling.Size(20_000, 211)
    assert sampling.size_of_pandas(many(), "y", "forecast") == sampling.Size(20_000, 6)


def test_too_many_rows_are_sampled_by_class_and_this_is_told():
    frame = many()
    table = read(frame, target="y", kind="classify", memory=20_000 * 211 * 8 // 10)
    assert table.rows == 20_000
    assert table.messages == (
        f"sampled 10 % of 20,000 rows ({len(table.frame):,}): encoded they would take 33.8 MB, "
        "and 3.4 MB is available for each trial",
    )
    counts, before = table.frame["y"].value_counts(), frame["y"].value_counts()
    assert before["rare"] == 40 and counts["rare"] == 40
    assert abs(counts["a"] / before["a"] - 0.1) < 0.001
    again = read(frame, target="y", kind="classify", memory=20_000 * 211 * 8 // 10)
    pd.testing.assert_frame_equal(table.frame, again.frame)
    assert table.frame["day"].is_monotonic_increasing


def test_data_that_fit_are_not_sampled():
    table = read(many(), target="y", kind="classify", memory=20_000 * 211 * 8)
    assert (len(table.frame), table.messages) == (20_000, ())


def test_the_default_is_a_share_of_what_the_machine_has_free():
    assert 10**6 < sampling.budget(None) < sampling._available()


def test_a_forecast_is_never_sampled():
    with pytest.raises(AutoMLError, match=r"20,000 rows take 960\.0 kB, and 1\.0 kB.*every row"):
        read(many().assign(y=1.0), target="y", kind="forecast", memory=1000)


@settings(max_examples=60, deadline=None)
@given(counts=st.lists(st.integers(1, 400), min_size=1, max_size=6), share=st.floats(0.001, 0.999))
def test_a_sample_keeps_small_classes_and_the_share_of_large_ones(counts, share):
    labels = np.repeat(np.arange(len(counts)), counts)
    frame = pd.DataFrame({"y": np.random.default_rng(1).permutation(labels)})
    found = sampling.sample_pandas(frame, "y", "classify", share)["y"].value_counts()
    for label, count in enumerate(counts):
        if count < sampling.ROWS_OF_CLASS:
            assert found[label] == count
        else:
            assert found[label] == pytest.approx(max(50, share * count), abs=1)
    plain = sampling.sample_pandas(frame, "y", "regress", share)
    assert len(plain) == pytest.approx(share * len(frame), abs=1)


# -- Spark

TYPES = """
SELECT id,
  CAST(id AS INT) AS whole, IF(id = 1, NULL, CAST(id AS INT)) AS gaps, id = 0 AS flag,
  CAST(1.5 AS DECIMAL(10, 2)) AS amount, DATE'2024-01-01' AS day,
  IF(id = 0, DATE'9999-12-31', DATE'2024-01-01') AS until, TIMESTAMP'2024-01-01 10:00:00' AS at,
  INTERVAL '2' MINUTE AS took, concat('a', id) AS name, array(1) AS many, map('a', 1) AS pairs,
  struct(1 AS b) AS nested, CAST('a' AS BINARY) AS bytes, NULL AS nothing, id * 2.0D AS y
FROM range(4)
"""


def test_a_frame_of_spark_becomes_a_plain_frame(spark):
    table = regress(spark.sql(TYPES))
    assert table.rows == 4
    assert table.frame.dtypes.astype(str).to_dict() == {
        "id": "int64",
        "whole": "int32",
        "gaps": "float64",
        "flag": "bool",
        "amount": "float64",
        "day": "datetime64[ns]",
        "until": "datetime64[ns]",
        "at": "datetime64[ns]",
        "took": "float64",
        "name": "object",
        "y": "float64",
    }
    assert table.frame["until"].isna().tolist() == [True, False, False, False]
    assert table.frame["at"][0] == pd.Timestamp("2024-01-01 10:00:00")
    assert set(table.messages) == {
        "column 'until' has 1 dates before 1678 or after 2262: now missing there",
        "column 'took' holds durations: they are made seconds",
        *(
            f"column '{name}' is left out: no model here can use the type {kind}"
            for name, kind in [
                ("many", "array"),
                ("pairs", "map"),
                ("nested", "struct"),
                ("bytes", "binary"),
                ("nothing", "void"),
            ]
        ),
    }


def test_a_table_is_read_by_its_name_and_a_wrong_name_is_refused(spark, schema):
    frame = spark.createDataFrame(pd.DataFrame({"x": [1, 2], "y": [3, 4]}))
    frame.write.saveAsTable(f"{schema}.sales")
    assert regress(f"{schema}.sales").frame.sort_values("x")["y"].tolist() == [3, 4]
    with pytest.raises(AutoMLError, match=f"table '{schema}.slaes' is not found; did you mean '"):
        regress(f"{schema}.slaes")
    with pytest.raises(AutoMLError, match=r"'main\.nowhere\.t' is not found; give its name as cat"):
        regress("main.nowhere.t")
    with pytest.raises(AutoMLError, match="a path is no name"):
        regress("/Volumes/main/default/data.csv")


def test_a_pandas_on_spark_frame_is_read_without_its_index(spark):
    import pyspark.pandas as ps

    frame = ps.DataFrame({"x": [1, 2, 3], "y": [4, 5, 6]}, index=[7, 8, 9])
    frame.index.name = "key"
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        table = regress(frame)
    assert table.messages == ("the index 'key' is not used; reset_index() makes it a column",)
    assert table.frame.sort_values("x").to_dict("list") == {"x": [1, 2, 3], "y": [4, 5, 6]}


def test_frames_of_spark_that_cannot_be_used_are_refused(spark):
    frame = spark.range(3).withColumnRenamed("id", "y")
    doubled = frame.select("y", "y")
    folded = frame.selectExpr("y", "1 AS x", "2 AS X")
    stream = spark.readStream.format("rate").load()
    for given_, message in [
        (doubled, "more than one column 'y'"),
        (folded, "more than one column 'x'"),
        (frame.select(frame.y.alias("Y")), "target_col 'y' is not a column.*did you mean 'Y'"),
        (frame.where("y < 0"), "the data has no row"),
        (frame.selectExpr("array(y) AS y"), "the target 'y' is of type array"),
        (frame.selectExpr("CAST(NULL AS INT) AS y"), "the target 'y' has no value in 3 rows"),
        (stream, "the data set is a stream"),
    ]:
        with pytest.raises(AutoMLError, match=message):
            regress(given_)


def test_annotations_of_a_schema_are_returned(spark):
    frame = spark.range(3).selectExpr("id AS x", "id AS y")
    frame = frame.withMetadata("x", {ANNOTATION: "categorical"})
    assert regress(frame).semantic_types == {"x": "categorical"}


def test_a_large_frame_of_spark_is_sampled_by_class_before_it_is_collected(spark):
    frame = spark.range(0, 20_000, 1, 4).selectExpr(
        "id AS x",
        "CASE WHEN id % 500 = 0 THEN 'rare' WHEN id % 3 = 0 THEN 'b' WHEN id % 7 = 0 THEN NULL "
        "ELSE 'a' END AS y",
    )
    table = read(frame, target="y", kind="classify", memory=32_000)
    counts = table.frame["y"].value_counts(dropna=False)
    assert counts["rare"] == 40
    assert abs(counts["b"] - 665) < 120
    assert table.rows == 20_000
    assert table.messages == (
        f"sampled 10 % of 20,000 rows ({len(table.frame):,}): encoded they would take 320.0 kB, "
        "and 32.0 kB is available for each trial",
    )
    again = read(frame, target="y", kind="classify", memory=32_000)
    pd.testing.assert_frame_equal(table.frame, again.frame)


def test_spark_and_pandas_agree_on_the_size(spark):
    frame = many(4_000)
    size, lost = sampling.size_of_spark(spark.createDataFrame(frame), "y", "classify")
    assert (size, lost) == (sampling.size_of_pandas(frame, "y", "classify"), {})


def test_features_of_a_table_are_looked_up(spark, schema):
    from lakebook.ml.feature_engineering import FeatureEngineeringClient

    features = spark.createDataFrame([(1, "a"), (2, "b")], "shop BIGINT, size STRING")
    FeatureEngineeringClient().create_table(
        name=f"{schema}.shops", primary_keys="shop", df=features
    )
    frame = pd.DataFrame({"shop": [1, 2, 1], "x": [1, 2, 3], "y": [10.0, 20.0, 30.0]})
    lookups = [{"table_name": f"{schema}.shops", "lookup_key": "shop"}]
    for given_ in (frame, spark.createDataFrame(frame)):
        found = regress(given_, lookups=lookups).frame.sort_values("x")
        assert found["size"].tolist() == ["a", "b", "a"]
        assert found["y"].tolist() == [10.0, 20.0, 30.0]
    for wrong, message in [
        ([{"table": "a"}], "the key 'table' is not known; did you mean 'table_name'"),
        ([{"table_name": f"{schema}.shops"}], "has no 'lookup_key'; add it"),
        (lookups[0], "feature_store_lookups is of type dict; give a list"),
        ([lookups[0] | {"lookup_key": "shp"}], "feature_store_lookups: .*shp"),
        ([lookups[0] | {"table_name": f"{schema}.nope"}], "feature_store_lookups: .*nope"),
    ]:
        with pytest.raises(AutoMLError, match=message):
            regress(frame, lookups=wrong)


def test_a_frame_of_connect_is_read_and_sampled_too(workspace_folder):
    from lakebook.runtime import cluster

    program = """
        from lakebook.ml.automl.inputs import read
        from lakebook.runtime.session import get_spark
        frame = get_spark().range(20_000).selectExpr("id AS x", "id % 2 AS y")
        print(type(frame).__module__)
        table = read(frame, target="y", kind="classify", memory=32_000)
        print(table.rows, 1_700 < len(table.frame) < 2_300, table.messages[0][:12])
    """
    remote = cluster.start(workers=0, connect=True).remote
    try:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program)],
            env=os.environ | {"SPARK_REMOTE": remote},
            capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
    finally:
        cluster.stop()
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "pyspark.sql.connect.dataframe",
        "20000 True sampled 10 %",
    ]
