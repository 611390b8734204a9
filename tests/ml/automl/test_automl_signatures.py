"""AutoML's public names have the platform's signatures; source in lakebook.ml.automl."""

from __future__ import annotations

import inspect

import pytest

from lakebook.ml import platform_names

COMMON = {
    "data_dir": None,
    "experiment_dir": None,
    "experiment_name": None,
    "exclude_cols": None,
    "exclude_frameworks": None,
    "feature_store_lookups": None,
    "imputers": None,
    "time_col": None,
    "split_col": None,
    "sample_weight_col": None,
    "max_trials": None,
    "timeout_minutes": None,
}
REQUIRED = inspect.Parameter.empty
DOCUMENTED = {
    "classify": {"target_col": REQUIRED, "primary_metric": "f1", "pos_label": None, **COMMON},
    "regress": {"target_col": REQUIRED, "primary_metric": "r2", **COMMON},
    "forecast": {
        "target_col": REQUIRED,
        "time_col": REQUIRED,
        "primary_metric": "smape",
        "country_code": "US",
        "frequency": "D",
        "horizon": 1,
        "data_dir": None,
        "experiment_dir": None,
        "experiment_name": None,
        "exclude_frameworks": None,
        "feature_store_lookups": None,
        "identity_col": None,
        "sample_weight_col": None,
        "output_database": None,
        "timeout_minutes": None,
    },
}


@pytest.fixture
def automl():
    platform_names.install()
    import databricks.automl

    yield databricks.automl
    platform_names.uninstall()


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_function_has_the_documented_parameters_and_defaults(automl, name):
    dataset, *others = inspect.signature(getattr(automl, name)).parameters.values()
    assert dataset.name == "dataset" and dataset.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    assert {one.kind for one in others} == {inspect.Parameter.KEYWORD_ONLY}
    assert {one.name: one.default for one in others} == DOCUMENTED[name]


def test_import_notebook_has_the_documented_parameters(automl):
    parameters = inspect.signature(automl.import_notebook).parameters
    assert {one.name: one.default for one in parameters.values()} == {
        "artifact_uri": REQUIRED,
        "path": REQUIRED,
        "overwrite": False,
    }


def test_a_summary_and_a_trial_have_the_documented_attributes(automl):
    assert {
        "experiment",
        "trials",
        "best_trial",
        "metric_distribution",
        "semantic_type_conversions",
        "is_early_stopped",
        "output_table_name",
    } <= {*automl.AutoMLSummary.__dataclass_fields__, *vars(automl.AutoMLSummary)}
    assert {
        "notebook_id",
        "notebook_path",
        "notebook_url",
        "artifact_uri",
        "mlflow_run_id",
        "metrics",
        "params",
        "model_path",
        "model_description",
        "duration",
        "preprocessors",
        "evaluation_metric_score",
        "load_model",
    } <= {*automl.TrialInfo.__dataclass_fields__, *vars(automl.TrialInfo)}
