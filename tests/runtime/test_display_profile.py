"""The data profile of `display`, and `summarize` over whole frames."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from lakebook.errors import LakebookError
from lakebook.runtime.display import summarize


def profile(data):
    """Return the statistics of an output by column, as the reader sees them."""
    page = BeautifulSoup(data["text/html"], "html.parser")
    panel = page.find(class_="lbd3") or page
    found = {}
    for table in panel.find_all("table"):
        heads = [head.get_text() for head in table.thead.find_all("th")]
        for row in table.tbody.find_all("tr"):
            cells = [
                cell.svg["aria-label"] if cell.svg else " | ".join(cell.stripped_strings)
                for cell in row.find_all(["th", "td"])
            ]
            found[cells[0].split(" | ")[0]] = dict(zip(heads, cells, strict=True))
    return found


def sample(size=500):
    rng = np.random.default_rng(7)
    frame = pd.DataFrame(
        {
            "x": rng.normal(100, 15, size),
            "n": rng.integers(0, 4, size),
            "c": rng.choice(["red", "green", "blue"], size, p=[0.5, 0.3, 0.2]),
            "ok": rng.random(size) > 0.25,
            "t": pd.date_range("2024-01-01", periods=size, freq="h"),
        }
    )
    frame.loc[:9, "x"] = np.nan
    frame.loc[5:7, "c"] = None
    return frame


def test_numbers_are_profiled_as_pandas_describes_them(shown):
    frame = sample()
    found = profile(shown(frame)[0])["x"]
    said = frame["x"].describe()
    assert (found["count"], found["missing"], found["zeros"]) == ("490", "10 (2 %)", "0")
    assert found["distinct"] == "490"
    for name, own in (("mean", "mean"), ("std", "std"), ("min", "min"), ("max", "max"),
                      ("25 %", "25%"), ("50 %", "50%"), ("75 %", "75%")):  # fmt: skip
        assert float(found[name]) == pytest.approx(said[own], rel=5e-4), name


def test_the_histogram_counts_every_value_once(shown):
    frame = sample()
    said = profile(shown(frame)[0])["x"]["distribution"]
    counts = [int(part) for part in said.split(": ")[1].split(", ")]
    assert counts == list(np.histogram(frame["x"].dropna(), bins=10)[0])


def test_categories_name_the_most_frequent_and_ties_go_by_name(shown):
    found = profile(shown(pd.DataFrame({"c": ["b", "a", "b", "a", "c", None, "d"]}))[0])["c"]
    assert found == {
        "column": "c | object",
        "count": "6",
        "missing": "1 (14 %)",
        "distinct": "4",
        "most frequent": "a (2), b (2), c (1)",
    }


def test_dates_have_an_earliest_and_a_latest(shown):
    days = [datetime.date(2024, 3, 1), datetime.date(2023, 1, 2), None]
    found = profile(shown(pd.DataFrame({"d": days}))[0])["d"]
    assert (found["earliest"], found["latest"]) == ("2023-01-02", "2024-03-01")
    assert found["missing"] == "1 (33 %)"


def test_columns_that_have_no_order_are_counted_only(shown):
    found = profile(shown(pd.DataFrame({"v": [[1], None]}))[0])["v"]
    assert found == {"column": "v | object", "count": "1", "missing": "1 (50 %)"}


@pytest.mark.parametrize("values", [[], [None], [5.0], [np.nan, np.nan], [np.inf, 1.0], [2, 2]])
def test_a_profile_of_next_to_nothing_is_still_one(shown, values):
    found = profile(shown(pd.DataFrame({"x": pd.Series(values, dtype="float64")}))[0])["x"]
    assert found["count"] == str(len(pd.Series(values, dtype="float64").dropna()))


def test_a_profile_says_on_how_many_rows_it_rests(shown):
    (data,) = shown(pd.DataFrame({"n": range(1500)}))
    assert "On the first 1,000 rows. Missing means null or NaN." in data["text/html"]
    assert profile(data)["n"]["max"] == "999"


def test_summarize_covers_all_rows_of_a_pandas_frame(shown):
    (data,) = shown(pd.DataFrame({"n": range(1500)}), how=summarize)
    assert profile(data)["n"]["max"] == "1,499"
    assert "All 1,500 rows." in data["text/html"]
    assert "1,499" in data["text/plain"]


@pytest.mark.parametrize("value", [7, "text", [1, 2], None])
def test_what_is_no_frame_cannot_be_summarized(value):
    with pytest.raises(LakebookError, match="cannot be summarized; pass a frame"):
        summarize(value)


def test_spark_summarizes_exactly_what_pandas_does_if_asked_to_be_precise(shown, spark):
    frame = sample()
    (ours,) = shown(spark.createDataFrame(frame), True, how=summarize)
    (theirs,) = shown(frame, how=summarize)
    ours, theirs = profile(ours), profile(theirs)
    assert list(ours) == list(theirs)
    for name, found in theirs.items():
        assert {**ours[name], "column": ""} == {**found, "column": ""}


def test_estimates_of_spark_are_near_and_are_called_estimates(shown, spark):
    frame = spark.range(20_000).selectExpr("id", "id % 3 AS third")
    (data,) = shown(frame, how=summarize)
    assert "Distinct counts and quartiles are estimates." in data["text/html"]
    found = profile(data)
    assert found["third"]["distinct"] == "3"
    for name, value in (("distinct", 20_000), ("50 %", 10_000), ("25 %", 5_000)):
        assert int(found["id"][name].replace(",", "")) == pytest.approx(value, rel=0.2)
    assert found["id"]["mean"] == "10,000" and found["id"]["count"] == "20,000"


def test_spark_needs_few_jobs_whatever_the_number_of_columns(spark):
    from lakebook.runtime.display.spark_profile import spark_summaries

    tracker = spark.sparkContext.statusTracker()
    jobs = []
    try:
        for columns in (3, 40):
            spark.sparkContext.setJobGroup(f"summary of {columns}", "")
            frame = spark.range(100).selectExpr(*[f"id % {i + 2} AS c{i}" for i in range(columns)])
            assert len(spark_summaries(frame, precise=False)) == columns
            jobs.append(len(tracker.getJobIdsForGroup(f"summary of {columns}")))
    finally:
        spark.sparkContext.setLocalProperty("spark.jobGroup.id", None)
    # Adaptive execution makes a job of each stage of the two queries.
    assert jobs[0] == jobs[1] > 0


def test_columns_of_one_name_and_of_unusual_types_are_summarized(shown, spark):
    frame = spark.sql(
        "SELECT 1 AS x, 'a' AS x, array(1) AS v, CAST(1.5 AS DECIMAL(10, 2)) AS d, "
        "DATE'2024-02-03' AS day, make_interval(1) AS i, NULL AS n, CAST('NaN' AS DOUBLE) AS nan"
    )
    found = profile(shown(frame, how=summarize)[0])
    assert found["d"]["max"] == "1.50" and found["day"]["latest"] == "2024-02-03"
    assert found["nan"]["missing"] == "1 (100 %)"
    assert found["v"]["count"] == "1" and found["n"]["count"] == "0"


def test_pandas_on_spark_is_summarized_by_spark(shown, spark):
    import pyspark.pandas as ps

    (data,) = shown(ps.DataFrame({"a": [1, 2, None]}), how=summarize)
    assert profile(data)["a"]["missing"] == "1 (33 %)"


def test_a_stream_cannot_be_summarized_and_the_way_out_is_named(spark):
    stream = spark.readStream.format("rate").load()
    with pytest.raises(LakebookError, match="summarize the table"):
        summarize(stream)
