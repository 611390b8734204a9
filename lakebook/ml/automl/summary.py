"""What a search returns: `AutoMLSummary`, its trials, and where an imported notebook lies.

Names and types are those of the platform's API reference:
https://docs.databricks.com/machine-learning/automl/automl-api-reference.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow.entities import Experiment


@dataclass(frozen=True)
class ImportNotebookResult:
    """Where `import_notebook` has put a notebook: its path in the workspace, and its address."""

    path: str
    url: str


@dataclass(frozen=True)
class TrialInfo:
    """One trial: a notebook that was run, and the model and metrics which that run logged."""

    notebook_path: str | None
    notebook_url: str | None
    artifact_uri: str | None
    mlflow_run_id: str
    metrics: Mapping[str, float]
    params: Mapping[str, str]
    model_path: str | None
    model_description: str
    duration: str
    preprocessors: str
    evaluation_metric_score: float
    notebook_id: int | None = None
    order: int = 0  # Lakebook's own: when it began, in milliseconds

    def load_model(self) -> Any:
        """Return the model as its own library has it; a forecaster comes as an MLflow pyfunc.

        Raises AutoMLError if the trial logged none.
        """
        from lakebook.ml.automl.runs import load_model

        return load_model(self)

    def refit(self) -> Any:
        """Return the model trained once more, on all rows that the search had, test rows included.

        Lakebook's own. It is the notebook's last section, for a model that goes into use: no rows
        are left to judge it by. Raises AutoMLError for a forecast, which is made that way already.
        """
        from lakebook.ml.automl.runs import refit

        return refit(self)

    def __str__(self) -> str:
        """Return the trial in three lines: model, score, notebook."""
        return (
            f"{self.model_description}\n"
            f"score {self.evaluation_metric_score:.4f}, {self.duration}\n"
            f"notebook: {self.notebook_path or self.artifact_uri}"
        )


@dataclass(frozen=True)
class AutoMLSummary:
    """A search that has ended: its trials, the best one first.

    `baseline` and `failures` are Lakebook's own: the score of a naive forecast by the same metric,
    and the reason of each trial that failed, by the name of its run.
    """

    experiment: Experiment
    trials: list[TrialInfo]
    metric_distribution: str
    semantic_type_conversions: dict[str, list[str]]
    is_early_stopped: bool = False
    output_table_name: str | None = None
    metric: str = ""
    baseline: float | None = None
    failures: dict[str, str] = field(default_factory=dict)
    messages: tuple[str, ...] = ()
    run_id: str = ""

    @property
    def best_trial(self) -> TrialInfo:
        """Return the first of `trials`; there is always one."""
        return self.trials[0]

    def __str__(self) -> str:
        """Return the sentence about the best trial, then what else there is to know."""
        from lakebook.ml.automl.report import text

        return text(self)

    def _repr_html_(self) -> str:
        from lakebook.ml.automl.report import html

        return html(self)
