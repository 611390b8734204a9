"""`display`, `displayHTML` and the magics of a notebook."""

from __future__ import annotations

from suite import Area

case = Area(
    "display and magics",
    "https://learn.microsoft.com/en-us/azure/databricks/notebooks/notebooks-code",
    on_workers=False,
)
SHOWN = "https://docs.databricks.com/visualizations/index.html"


@case("display(DataFrame)", "A Spark frame is shown as a table.", source=SHOWN, on_workers=True)
def a_frame_is_shown_as_a_table(it):
    it.shell.user_ns["_f"] = it.frame([(1, "a<b")], "n INT, s STRING")
    shown = it.cell("display(_f)")
    assert "<table" in shown and "a&lt;b" in shown and "1 row" in shown


@case("display(pandas)", "A pandas frame is shown the same way.", source=SHOWN)
def a_pandas_frame_is_shown(it):
    shown = it.cell("import pandas as pd\ndisplay(pd.DataFrame({'n': [7]}))")
    assert "<table" in shown and ">7<" in shown


@case("display(pandas on Spark)", "So is a frame of the pandas API on Spark.", source=SHOWN)
def a_pandas_on_spark_frame_is_shown(it):
    shown = it.cell("import pyspark.pandas as ps\ndisplay(ps.DataFrame({'n': [7]}))")
    assert "<table" in shown and ">7<" in shown


@case(
    "limit of display",
    "At most 10,000 rows are shown of a frame.",
    source=SHOWN,
    differs="1,000 rows are fetched, and the caption says how many are shown.",
)
def a_large_frame_is_cut(it):
    shown = it.cell("display(spark.range(3000))")
    assert "1,000 rows" in shown


@case("Data Profile", "The result has a profile of its columns beside the table.", source=SHOWN)
def a_result_has_a_profile(it):
    it.shell.user_ns["_f"] = it.frame([(1, "a"), (3, None)], "n INT, s STRING")
    shown = it.cell("display(_f)")
    assert "Data Profile" in shown and "Visualization" in shown


@case("displayHTML", "HTML is shown as it is.", source=SHOWN)
def html_is_shown(it):
    assert "<b>bold</b>" in it.cell("displayHTML('<b>bold</b>')")


@case(
    "display(streaming)",
    "A streaming frame is shown and goes on.",
    source=SHOWN,
    differs="A streaming frame is shown once: what one micro-batch brings.",
    on_workers=True,
)
def a_streaming_frame_is_shown(it):
    path = it.given(id=[42])
    it.shell.user_ns["_f"] = it.spark.readStream.format("delta").load(path)
    assert "42" in it.cell("display(_f)")


@case("%sql", "A cell in SQL shows its result, which Python has as _sqldf.")
def a_cell_in_sql(it):
    table = it.table(id=[1, 2])
    shown = it.cell(f"%%sql\nSELECT max(id) AS top FROM {table}")
    assert "top" in shown and ">2<" in shown
    assert it.shell.user_ns["_sqldf"].collect() == [(2,)]


@case("%sql, several statements", "Statements are separated by ; and the last one's result shown.")
def a_cell_of_several_statements(it):
    it.cell(
        f"%%sql\nCREATE TABLE {it.name()} (s STRING); -- one; comment\n"
        f"INSERT INTO {it.name()} VALUES ('a;b');\nSELECT * FROM {it.name()};"
    )
    assert it.shell.user_ns["_sqldf"].collect() == [("a;b",)]


@case("%fs", "%fs ls is short for dbutils.fs.ls, shown as a table.")
def a_cell_of_files(it):
    it.dbutils.fs.put("dbfs:/magic/a.txt", "x", True)
    assert "a.txt" in it.cell("%fs ls dbfs:/magic")


@case("%md", "Markdown is rendered.")
def a_cell_of_markdown(it):
    assert "# Title" in it.cell("%%md\n# Title\n**bold**")


@case("%sh", "Shell commands run on the driver.")
def a_cell_of_shell(it):
    assert "from the shell" in it.cell("%%sh\necho from the shell")


@case("%python", "%python says that a cell is Python.")
def a_cell_of_python(it):
    assert "42" in it.cell("%%python\nprint(6 * 7)")


@case(
    "%run",
    "%run executes another notebook here: its names are then known.",
    source="https://docs.databricks.com/notebooks/notebook-workflows.html",
)
def a_cell_runs_a_notebook(it):
    import nbformat
    from nbformat.v4 import new_code_cell, new_notebook

    path = it.path("helpers.ipynb")
    nbformat.write(new_notebook(cells=[new_code_cell("def helped():\n    return 5")]), path)
    it.cell(f"%run {path}")
    assert it.shell.user_ns["helped"]() == 5
