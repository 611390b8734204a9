"""The other parts of `dbutils`: widgets, secrets, notebooks, jobs, data, library, help."""

from __future__ import annotations

from suite import Area, refused

case = Area("dbutils", "https://docs.databricks.com/dev-tools/dbutils.html", on_workers=False)
WIDGETS = "https://docs.databricks.com/notebooks/widgets.html"


def _scope(it):
    """A scope of the case's own, with one secret."""
    from lakebook.runtime.dbutils import secrets

    scope = it.folder.name
    secrets.create_scope(scope)
    secrets.put(scope, "pin", "s3cr3t-9")
    return scope


@case("widgets.text", "A text widget has its default until another value is set.", source=WIDGETS)
def a_text_widget_has_a_default(it):
    it.dbutils.widgets.text("city", "Bern", "Which city")
    assert it.dbutils.widgets.get("city") == "Bern"
    it.dbutils.widgets.removeAll()


@case("widgets.dropdown", "The default of a dropdown must be one of its choices.", source=WIDGETS)
def a_dropdown_has_choices(it):
    it.dbutils.widgets.dropdown("size", "b", ["a", "b"])
    assert it.dbutils.widgets.get("size") == "b"
    refused(lambda: it.dbutils.widgets.dropdown("other", "z", ["a"]), "z")
    it.dbutils.widgets.removeAll()


@case(
    "widgets.combobox",
    "A combobox also takes a value that is not among its choices.",
    source=WIDGETS,
)
def a_combobox_takes_any_value(it):
    it.dbutils.widgets.combobox("fruit", "kiwi", ["apple", "pear"])
    assert it.dbutils.widgets.get("fruit") == "kiwi"
    it.dbutils.widgets.removeAll()


@case(
    "widgets.multiselect",
    "A multiselect gives its values in one text, joined by commas.",
    source=WIDGETS,
)
def a_multiselect_gives_a_text(it):
    it.dbutils.widgets.multiselect("days", "mon", ["mon", "tue"], "Days")
    assert it.dbutils.widgets.get("days") == "mon"
    it.dbutils.widgets.removeAll()


@case(
    "widgets.getAll, remove",
    "getAll gives all values; a removed widget is not there any more.",
    source=WIDGETS,
)
def widgets_are_listed_and_removed(it):
    it.dbutils.widgets.text("a", "1")
    it.dbutils.widgets.text("b", "2")
    assert it.dbutils.widgets.getAll() == {"a": "1", "b": "2"}
    it.dbutils.widgets.remove("a")
    refused(lambda: it.dbutils.widgets.get("a"), "a")
    it.dbutils.widgets.removeAll()
    assert it.dbutils.widgets.getAll() == {}


@case("widgets.getArgument", "getArgument gives a default where there is no such widget.")
def an_argument_has_a_default(it):
    assert it.dbutils.widgets.getArgument("nosuch", "7") == "7"


@case("widgets in SQL", "A widget is the marker :name in %sql.", source=WIDGETS)
def a_widget_is_a_marker_in_sql(it):
    it.dbutils.widgets.text("least", "2")
    it.cell("%%sql\nSELECT id FROM range(4) WHERE id >= int(:least)")
    assert [row.id for row in it.shell.user_ns["_sqldf"].collect()] == [2, 3]
    it.dbutils.widgets.removeAll()


@case(
    "secrets.get",
    "A secret is given as text, and shown as [REDACTED] in every output.",
    source="https://docs.databricks.com/security/secrets/index.html",
)
def a_secret_is_redacted(it):
    scope = _scope(it)
    assert it.dbutils.secrets.get(scope, "pin") == "s3cr3t-9"
    shown = it.cell(f"print('the pin is', dbutils.secrets.get('{scope}', 'pin'))")
    assert "s3cr3t-9" not in shown and "[REDACTED]" in shown
    assert "s3cr3t-9" not in it.cell(f"dbutils.secrets.get('{scope}', 'pin')")


@case("secrets.list, listScopes", "Scopes and keys are listed, never values.")
def secrets_are_listed_without_values(it):
    scope = _scope(it)
    assert scope in [known.name for known in it.dbutils.secrets.listScopes()]
    assert [secret.key for secret in it.dbutils.secrets.list(scope)] == ["pin"]
    assert it.dbutils.secrets.getBytes(scope, "pin") == b"s3cr3t-9"


@case("unknown secret", "A secret that is not there is an error that names scope and key.")
def an_unknown_secret_is_named(it):
    scope = _scope(it)
    refused(lambda: it.dbutils.secrets.get(scope, "nosuch"), scope, "nosuch")
    refused(lambda: it.dbutils.secrets.get("noscope", "pin"), "noscope")


@case(
    "notebook.run, notebook.exit",
    "run gives what the notebook passes to exit, as text; its arguments are the other's widgets.",
    source="https://docs.databricks.com/notebooks/notebook-workflows.html",
)
def a_notebook_runs_another(it):
    import nbformat
    from nbformat.v4 import new_code_cell, new_notebook

    cells = [
        new_code_cell("%load_ext lakebook"),
        new_code_cell("dbutils.widgets.text('n', '1')"),
        new_code_cell("dbutils.notebook.exit(str(int(dbutils.widgets.get('n')) * 2))"),
        new_code_cell("raise ValueError('after exit')"),
    ]
    path = it.path("child.ipynb")
    nbformat.write(new_notebook(cells=cells), path)
    assert it.dbutils.notebook.run(path, 60, {"n": "21"}) == "42"


@case(
    "jobs.taskValues",
    "Outside a job, set does nothing and get gives debugValue.",
    source="https://docs.databricks.com/dev-tools/dbutils.html",
)
def task_values_outside_a_job(it):
    values = it.dbutils.jobs.taskValues
    assert values.set("rows", 5) is None
    assert values.get("load", "rows", default=0, debugValue=7) == 7
    refused(lambda: values.get("load", "rows", default=0), "debugValue")


@case("data.summarize", "summarize shows statistics of every column and returns nothing.")
def a_frame_is_summarized(it):
    it.shell.user_ns["_frame"] = it.frame([(1, "a"), (3, None)], "n LONG, s STRING")
    shown = it.cell("assert dbutils.data.summarize(_frame, precise=True) is None")
    assert all(word in shown for word in ("n", "s", "mean", "missing"))


@case("help", "help() lists the modules, dbutils.fs.help() the commands, help('cp') one of them.")
def help_is_at_each_level(it):
    modules = it.cell("dbutils.help()")
    assert all(name in modules for name in ("fs", "widgets", "secrets", "notebook", "jobs"))
    commands = it.cell("dbutils.fs.help()")
    assert all(name in commands for name in ("ls", "head", "cp", "mv", "rm", "put", "mkdirs"))
    assert "recurse" in it.cell("dbutils.fs.help('cp')")


@case(
    "library.restartPython",
    "restartPython starts Python anew: variables and imports are gone.",
    differs="In JupyterLab the kernel restarts, and `%load_ext lakebook` is run again. Where a "
    "program runs the notebook, variables go and imported modules stay.",
)
def python_is_restarted(it):
    it.cell("before = 1")
    it.cell("dbutils.library.restartPython()")
    assert "before" not in it.shell.user_ns
    assert "0" in it.cell("print(spark.range(0).count())")
