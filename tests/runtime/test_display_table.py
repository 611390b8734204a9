"""`display` shows any frame as a table that says what is in it, and nothing that is not."""

from __future__ import annotations

import datetime
from collections import namedtuple
from decimal import Decimal

import mlflow
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from mlflow.entities import Metric, Param, Run, RunData, RunInfo
from mlflow.store.entities import PagedList


def read(data):
    """Return caption, headers and cells of the first table of an output."""
    table = BeautifulSoup(data["text/html"], "html.parser").table
    heads = [" | ".join(head.stripped_strings) for head in table.thead.find_all(["th", "td"])]
    lines = [
        [cell.get_text() for cell in row.find_all(["th", "td"])]
        for row in table.tbody.find_all("tr")
    ]
    return table.caption.get_text(), heads, lines


def test_a_table_names_the_types_and_puts_numbers_to_the_right(shown):
    (data,) = shown(pd.DataFrame({"n": [7], "share": [0.25], "name": ["a"]}))
    caption, heads, lines = read(data)
    assert caption == "1 row × 3 columns"
    assert heads == ["n | int64", "share | float64", "name | object"]
    assert lines == [["7", "0.25", "a"]]
    cells = BeautifulSoup(data["text/html"], "html.parser").tbody.find_all("td")
    assert [cell.get("class") for cell in cells] == [["n"], ["n"], None]


def test_twenty_rows_are_shown_and_the_caption_counts_all(shown):
    (data,) = shown(pd.DataFrame({"n": range(1234)}))
    caption, _, lines = read(data)
    assert caption == "1,234 rows × 1 column, 20 shown"
    assert [line[0] for line in lines] == [str(i) for i in range(20)]


def test_of_a_very_wide_frame_a_hundred_columns_are_shown_and_it_says_so(shown):
    (data,) = shown(pd.DataFrame(np.zeros((1, 130))))
    caption, heads, _ = read(data)
    assert caption == "1 row × 130 columns, first 100 columns"
    assert len(heads) == 100
    assert "The first 100 columns." in data["text/html"]


@pytest.mark.parametrize(
    "value", ["<script>alert(1)</script>", 'a" onmouseover="x', "&lt;", "</td>"]
)
def test_html_in_names_and_values_is_text(shown, value):
    (data,) = shown(pd.DataFrame({value: [value, value, "b"], "n": [1, 2, 3]}))
    _, heads, lines = read(data)
    assert heads[0] == f"{value} | object"
    assert lines[0][0] == value
    page = BeautifulSoup(data["text/html"], "html.parser")
    assert page.find("script") is None
    assert not [tag for tag in page.find_all(True) if "onmouseover" in tag.attrs]


def test_missing_values_of_every_type_are_null_and_not_the_text_null(shown):
    frame = pd.DataFrame(
        {
            "float": [1.5, np.nan],
            "whole": pd.array([1, None], "Int64"),
            "text": ["null", None],
            "time": [pd.Timestamp("2024-01-02 03:04:05"), pd.NaT],
            "flag": pd.array([True, None], "boolean"),
            "list": [[1, None], None],
        }
    )
    (data,) = shown(frame)
    _, _, lines = read(data)
    assert lines == [
        ["1.5", "1", "null", "2024-01-02 03:04:05", "true", "[1, null]"],
        ["null"] * 6,
    ]
    row = BeautifulSoup(data["text/html"], "html.parser").tbody.find_all("tr")[0]
    assert row.find("i") is None


def test_nested_values_are_readable(shown):
    frame = pd.DataFrame(
        {
            "struct": [{"a": 1, "b": None, "c": 'say "x"'}],
            "array": [np.array([0.1, 2.0])],
            "money": [Decimal("1.50")],
            "bytes": [b"\x00\xff"],
            "day": [datetime.date(2024, 2, 3)],
            "deep": [[{"t": datetime.datetime(2024, 2, 3, 4, 5, 6, 700000)}]],
        }
    )
    (data,) = shown(frame)
    _, _, lines = read(data)
    assert lines == [
        [
            '{"a": 1, "b": null, "c": "say \\"x\\""}',
            "[0.1, 2.0]",
            "1.50",
            "0x00FF",
            "2024-02-03",
            '[{"t": 2024-02-03 04:05:06.7}]',
        ]
    ]


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([0.1 + 0.2, 0.5], ["0.3", "0.5"]),
        (np.array([0.1, 0.25], "float32"), ["0.10", "0.25"]),
        ([1.0, 2.25], ["1.00", "2.25"]),
        ([1 / 3, 2.0], ["0.333333", "2.000000"]),
        ([-0.0, 5.0], ["0.0", "5.0"]),
        ([1e-7, 2e-7], ["1e-07", "2e-07"]),
        ([1e15, 0.5], ["1e+15", "0.5"]),
        ([np.inf, 1.5], ["Infinity", "1.5"]),
    ],
)
def test_floats_of_a_column_have_as_many_decimals_as_tell_them_apart(shown, values, texts):
    (data,) = shown(pd.DataFrame({"x": values}))
    assert [line[0] for line in read(data)[2]] == texts


def test_a_long_text_is_cut_and_broken_into_lines(shown):
    (data,) = shown(pd.DataFrame({"t": ["word " * 100]}))
    ((text,),) = read(data)[2]
    assert len(text) == 200 and text.endswith("…")
    assert '<td class="w">' in data["text/html"]


def test_an_index_that_says_something_is_a_header_of_its_row(shown):
    frame = pd.DataFrame({"x": [1, 2]}, index=pd.Index(["a", "b"], name="shop"))
    (data,) = shown(frame)
    assert read(data)[1:] == (["shop | object", "x | int64"], [["a", "1"], ["b", "2"]])
    assert '<th scope="row">a</th>' in data["text/html"]
    (data,) = shown(frame.rename_axis(None))
    assert read(data)[1] == ["", "x | int64"]


def test_columns_of_one_name_and_of_several_levels_are_kept_apart(shown):
    (data,) = shown(pd.DataFrame([[1, "a"]], columns=["x", "x"]))
    assert read(data)[1:] == (["x | int64", "x | object"], [["1", "a"]])
    grouped = pd.DataFrame({"g": ["a", "a"], "v": [1, 3]}).groupby("g").agg({"v": ["min", "max"]})
    (data,) = shown(grouped)
    assert read(data)[1] == ["g | object", "v, min | int64", "v, max | int64"]


def test_a_frame_without_rows_or_columns_is_shown_as_such(shown):
    (data,) = shown(pd.DataFrame({"a": []}))
    assert read(data)[0] == "0 rows × 1 column"
    (data,) = shown(pd.DataFrame())
    assert read(data)[0] == "0 rows × 0 columns"


def test_what_is_no_frame_is_shown_as_ipython_shows_it(shown):
    outputs = shown("text", 7, ["a", "b"], [])
    assert [data["text/plain"] for data in outputs] == ["'text'", "7", "['a', 'b']", "[]"]
    assert not any("text/html" in data for data in outputs)


def test_each_value_has_its_own_output(shown):
    first, second = shown(pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]}))
    assert read(first)[1] == ["a | int64"] and read(second)[1] == ["b | int64"]


def test_the_platforms_options_for_streams_are_accepted(shown):
    assert len(shown(pd.DataFrame({"a": [1]}), streamName="s", checkpointLocation="/x")) == 1


def test_rows_and_named_tuples_are_a_table(shown):
    File = namedtuple("File", ["path", "size"])
    (data,) = shown([File("dbfs:/a", 3), File("dbfs:/b", 5)])
    assert read(data) == (
        "2 rows × 2 columns",
        ["path | object", "size | int64"],
        [["dbfs:/a", "3"], ["dbfs:/b", "5"]],
    )


def run(name, **metrics):
    info = RunInfo(
        run_id=f"id of {name}",
        experiment_id="0",
        user_id="u",
        status="FINISHED",
        start_time=1704067200123,
        end_time=None,
        lifecycle_stage="active",
        run_name=name,
    )
    measured = [Metric(key, value, 0, 0) for key, value in metrics.items()]
    return Run(info, RunData(measured, [Param("depth", "3")]))


@pytest.mark.parametrize("kind", [list, lambda runs: PagedList(runs, token=None)])
def test_runs_of_mlflow_are_compared_in_a_table(shown, kind):
    (data,) = shown(kind([run("a", rmse=1.5, mae=1.0), run("b", rmse=2.5)]))
    _, heads, lines = read(data)
    assert [head.split(" | ")[0] for head in heads] == [
        *("run_name", "status", "metrics.mae", "metrics.rmse"),
        *("params.depth", "start_time", "run_id"),
    ]
    assert lines[1][:5] == ["b", "FINISHED", "null", "2.5", "3"]
    assert lines[0][5:] == ["2024-01-01 00:00:00", "id of a"]


def test_one_run_and_found_runs_are_tables_too(shown, workspace_folder):
    mlflow.set_tracking_uri(f"sqlite:///{workspace_folder / 'display.db'}")
    with mlflow.start_run(run_name="only") as only:
        mlflow.log_metric("rmse", 0.5)
    found = mlflow.MlflowClient().get_run(only.info.run_id)
    (data,) = shown(found)
    assert read(data)[2][0][:3] == ["only", "FINISHED", "0.5"]
    (data,) = shown(mlflow.search_runs(["0"]))
    assert "metrics.rmse | float64" in read(data)[1]
    mlflow.set_tracking_uri(None)


def test_plain_text_says_the_same(shown):
    (data,) = shown(pd.DataFrame({"n": [1, 2]}))
    assert data["text/plain"] == " n\n 1\n 2\n2 rows × 1 column"


def test_html_is_shown_as_it_is(shown):
    from lakebook.runtime.display import displayHTML

    (data,) = shown("<b>bold</b>", how=displayHTML)
    assert data["text/html"] == "<b>bold</b>"
