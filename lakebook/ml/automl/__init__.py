"""AutoML on this machine, as a glass box: the names and signatures of ``databricks.automl``.

Each trial of a search is a notebook; the search runs its cells, and the notebook runs on its own.
https://docs.databricks.com/machine-learning/automl/automl-api-reference.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lakebook.ml.automl.errors import AutoMLError
from lakebook.ml.automl.forecasting import forecast
from lakebook.ml.automl.summary import AutoMLSummary, ImportNotebookResult, TrialInfo

if TYPE_CHECKING:
    from typing import TypeAlias

    import pandas
    import pyspark.pandas
    import pyspark.sql

    Dataset: TypeAlias = pyspark.sql.DataFrame | pandas.DataFrame | pyspark.pandas.DataFrame | str

__all__ = [
    "AutoMLError",
    "AutoMLSummary",
    "ImportNotebookResult",
    "TrialInfo",
    "classify",
    "forecast",
    "import_notebook",
    "regress",
]


def classify(
    dataset: Dataset,
    *,
    target_col: str,
    primary_metric: str = "f1",
    data_dir: str | None = None,
    experiment_dir: str | None = None,
    experiment_name: str | None = None,
    exclude_cols: list[str] | None = None,
    exclude_frameworks: list[str] | None = None,
    feature_store_lookups: list[dict[str, Any]] | None = None,
    imputers: dict[str, str | dict[str, Any]] | None = None,
    pos_label: int | bool | str | None = None,
    time_col: str | None = None,
    split_col: str | None = None,
    sample_weight_col: str | None = None,
    max_trials: int | None = None,
    timeout_minutes: float | None = None,
) -> AutoMLSummary:
    """Search for a classifier of `target_col`, and return its trials, the best one first.

    `dataset` is a Spark, pandas or pandas-on-Spark frame, or the name of a table.
    `primary_metric` is f1, log_loss, precision, accuracy or roc_auc; where there are two classes
    f1 and precision are those of `pos_label`, by default the last class in sorted order, otherwise
    averages weighted by class. Rows are split 60/20/20, or by `split_col` (train, validate, test),
    or in the order of `time_col`. The search ends after `max_trials`; otherwise when scores have
    stopped getting better, at the latest after `timeout_minutes`, and then the mean of what the two
    best models say is tried as well.

    Raises AutoMLError for input that cannot be used, naming it and the way out.
    """
    given = dict(locals())
    from lakebook.ml.automl import tabular

    return tabular.run("classify", **given)


def regress(
    dataset: Dataset,
    *,
    target_col: str,
    primary_metric: str = "r2",
    data_dir: str | None = None,
    experiment_dir: str | None = None,
    experiment_name: str | None = None,
    exclude_cols: list[str] | None = None,
    exclude_frameworks: list[str] | None = None,
    feature_store_lookups: list[dict[str, Any]] | None = None,
    imputers: dict[str, str | dict[str, Any]] | None = None,
    time_col: str | None = None,
    split_col: str | None = None,
    sample_weight_col: str | None = None,
    max_trials: int | None = None,
    timeout_minutes: float | None = None,
) -> AutoMLSummary:
    """Search for a regression of `target_col`; `primary_metric` is r2, mae, rmse or mse.

    All else is as with `classify`.
    """
    given = dict(locals())
    from lakebook.ml.automl import tabular

    return tabular.run("regress", **given)


def import_notebook(artifact_uri: str, path: str, overwrite: bool = False) -> ImportNotebookResult:
    """Copy the notebook of a trial, `TrialInfo.artifact_uri`, to a path, and return where it is.

    The ending ``.ipynb`` is added. Raises AutoMLError if there is no such notebook, and if
    something is at `path` already, unless `overwrite`.
    """
    from lakebook.ml.automl import runs

    target = runs.import_notebook_file(artifact_uri, path, overwrite)
    return ImportNotebookResult(str(target), target.as_uri())
