"""AutoML: a search, its trials, and a notebook of each."""

from __future__ import annotations

from suite import Area, refused

REFERENCE = "https://docs.databricks.com/machine-learning/automl/automl-api-reference.html"
case = Area("AutoML", REFERENCE)


def _rents(it):
    rows = [(float(n % 50), "ab"[n % 2], 3.0 * (n % 50) + 10 * (n % 2)) for n in range(80)]
    return it.frame(rows, "size DOUBLE, side STRING, rent DOUBLE")


@case(
    "regress",
    "A search returns its trials, the best one first; each has a model and a notebook.",
    differs="Databricks ended max_trials with runtime 11; here a search by it repeats exactly.",
)
def a_search_returns_trials_with_models_and_notebooks(it):
    from databricks import automl

    found = automl.regress(_rents(it), target_col="rent", max_trials=2, data_dir=it.path("data"))
    scores = [trial.evaluation_metric_score for trial in found.trials]
    assert scores == sorted(scores, reverse=True) and scores[0] > 0.8
    assert found.best_trial is found.trials[0]
    some = it.frame([(20.0, "a")], "size DOUBLE, side STRING").toPandas()
    assert 40 < found.best_trial.load_model().predict(some)[0] < 80
    copy = automl.import_notebook(found.best_trial.artifact_uri, it.path("best"))
    assert copy.path.endswith("best.ipynb")


@case(
    "forecast",
    "Each series is forecast over the horizon; the forecast is saved as a table.",
    differs="A budget too small for any trial gives one all the same, and says so.",
)
def each_series_is_forecast_and_the_forecast_is_saved(it):
    from databricks import automl

    weeks = [
        (shop, f"2026-{1 + day // 28:02d}-{1 + day % 28:02d}", height * (1.0 + day % 7))
        for shop, height in (("a", 1.0), ("b", 10.0))
        for day in range(28)
    ]
    sold = it.frame(weeks, "shop STRING, day STRING, sold DOUBLE")
    schema = it.schema
    found = automl.forecast(
        sold,
        target_col="sold",
        time_col="day",
        identity_col="shop",
        horizon=3,
        country_code="",
        exclude_frameworks=["prophet"],
        output_database=schema,
        timeout_minutes=0.001,
    )
    assert found.output_table_name.startswith(f"{schema}.forecast_prediction_")
    table = it.spark.table(found.output_table_name)
    assert table.count() == 6
    assert {"shop", "day", "forecast"} <= set(table.columns)
    ahead = table.select("shop", "day").toPandas()
    told = found.best_trial.load_model().predict(ahead)
    by_shop = told.groupby("shop")["forecast"].mean()
    assert 7 < by_shop["b"] / by_shop["a"] < 13


@case("exclude_cols, primary_metric", "What cannot be searched is refused.", on_workers=False)
def a_search_refuses_what_it_does_not_know(it):
    from databricks import automl

    refused(lambda: automl.regress(_rents(it), target_col="price"), "price")
    refused(lambda: automl.regress(_rents(it), target_col="rent", exclude_cols=["sizes"]), "size")
    refused(lambda: automl.regress(_rents(it), target_col="rent", primary_metric="f1"), "r2")
