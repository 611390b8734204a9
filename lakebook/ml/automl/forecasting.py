"""`forecast`, as ``databricks.automl.forecast`` is documented."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import pandas
    import pyspark.pandas
    import pyspark.sql

    from lakebook.ml.automl.summary import AutoMLSummary

    Dataset: TypeAlias = pyspark.sql.DataFrame | pandas.DataFrame | pyspark.pandas.DataFrame | str


def forecast(
    dataset: Dataset,
    *,
    target_col: str,
    time_col: str,
    primary_metric: str = "smape",
    country_code: str = "US",
    frequency: str = "D",
    horizon: int = 1,
    data_dir: str | None = None,
    experiment_dir: str | None = None,
    experiment_name: str | None = None,
    exclude_frameworks: list[str] | None = None,
    feature_store_lookups: list[dict[str, Any]] | None = None,
    identity_col: str | list[str] | None = None,
    sample_weight_col: str | None = None,
    output_database: str | None = None,
    timeout_minutes: float | None = None,
) -> AutoMLSummary:
    """Search for forecasters of `target_col`, and return the trials, the best one first.

    `identity_col` names what tells one series from another; without it there is one series.
    `frequency` is the step of the series (such as D, W, hour, M) and `horizon` the number of steps
    to forecast. `primary_metric` is smape, mse, rmse, mae or mdape, the mean over series and
    cutoffs of a validation by rolling origin; `sample_weight_col` gives each series its weight in
    that mean. Holidays are those of `country_code`, or none for ``""``. `exclude_frameworks` may
    name prophet or arima. With `output_database` the best trial's forecast is saved as a table of
    that schema, named by `output_table_name` of the summary.

    A search takes two minutes here unless `timeout_minutes` says otherwise; the platform's default
    is two hours. Covariates (`feature_store_lookups`) are left out, and the summary says so.

    Raises AutoMLError for input that cannot be used, naming it and the way out.
    """
    given = dict(locals())
    from lakebook.ml.automl import forecast_search

    return forecast_search.run(**given)
