"""What a person sees of a search: a sentence, a table of trials, pictures."""

from __future__ import annotations

import base64
import html as escape
import io
from typing import TYPE_CHECKING, Any

from lakebook.ml.automl.summary import AutoMLSummary

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 10


def sentence(found: AutoMLSummary) -> str:
    """Return the best trial and its score beside that of a naive baseline."""
    best = found.best_trial
    naive = "" if found.baseline is None else f"; a naive baseline has {found.baseline:.4g}"
    model = best.model_description.partition("(")[0]
    return (
        f"Best of {len(found.trials)} trials: {model}, "
        f"{found.metric} {best.evaluation_metric_score:.4g} on validation rows{naive}."
    )


def text(found: AutoMLSummary) -> str:
    """Return the summary as text: the sentence, the best model, warnings, failures, where to go."""
    best = found.best_trial
    lines = [sentence(found), f"  {best.model_description}", f"  before it: {best.preprocessors}"]
    lines += [f"  scores: {found.metric_distribution}"]
    lines += [f"  {message}" for message in found.messages]
    lines += [f"  trial {name} failed: {why}" for name, why in found.failures.items()]
    if found.output_table_name:
        lines.append(f"  forecast saved as table {found.output_table_name}")
    lines.append(f"  its notebook: {best.notebook_path or best.artifact_uri}")
    return "\n".join(lines)


def distribution(scores: list[float]) -> str:
    """Return smallest, median and largest of the scores of trials."""
    ordered = sorted(scores)
    middle = ordered[len(ordered) // 2]
    return (
        f"{len(ordered)} trials: min {ordered[0]:.4g}, median {middle:.4g}, max {ordered[-1]:.4g}"
    )


def html(found: AutoMLSummary) -> str:
    """Return the summary as HTML: the sentence, the best trials, the pictures."""
    rows = "".join(
        f"<tr><td>{rank}</td><td>{escape.escape(trial.model_description)}</td>"
        f"<td>{trial.evaluation_metric_score:.4f}</td><td>{trial.duration}</td></tr>"
        for rank, trial in enumerate(found.trials[:SHOWN], 1)
    )
    more = len(found.trials) - SHOWN
    notes = "".join(
        f"<li>{escape.escape(note)}</li>"
        for note in (
            *found.messages,
            *(f"trial {name} failed: {why}" for name, why in found.failures.items()),
            *([f"and {more} more trials"] if more > 0 else []),
        )
    )
    best = found.best_trial
    pictures = "".join(
        f'<img alt="{alt}" src="data:image/png;base64,{_png(figure)}">'
        for alt, figure in figures(found)
    )
    where = escape.escape(str(best.notebook_path or best.artifact_uri))
    return (
        f"<p><strong>{escape.escape(sentence(found))}</strong></p>"
        f"<table><thead><tr><th>rank</th><th>model</th><th>{escape.escape(found.metric)}</th>"
        f"<th>time</th></tr></thead><tbody>{rows}</tbody></table>"
        f"<ul>{notes}</ul><p>Notebook of the best: <code>{where}</code></p>{pictures}"
    )


def figures(found: AutoMLSummary) -> list[tuple[str, Figure]]:
    """Return pictures with alternative texts: the metric by trial, then the best trial's own.

    That is its confusion matrix, its residuals or its forecast; it is left out where the model or
    its data are gone.
    """
    from lakebook.ml.automl import pictures

    drawn = [(f"{found.metric} of each trial, in the order they began", by_trial(found))]
    return drawn + pictures.of_best(found)


def by_trial(found: AutoMLSummary) -> Figure:
    """Return the picture of scores by trial; a line marks the best so far, another the baseline."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.2), layout="constrained")
    axes = figure.subplots()
    trials = sorted(found.trials, key=lambda trial: trial.order)
    for model in dict.fromkeys(_model(trial) for trial in trials):
        own = [(n, trial) for n, trial in enumerate(trials, 1) if _model(trial) == model]
        scores = [trial.evaluation_metric_score for _, trial in own]
        axes.scatter([n for n, _ in own], scores, s=18, label=model)
    if found.baseline is not None:
        axes.axhline(found.baseline, color="black", linestyle=":", label="naive baseline")
    axes.set(xlabel="trial", ylabel=found.metric)
    axes.legend(fontsize="small")
    return figure


def _model(trial: Any) -> str:
    return str(trial.model_description.partition("(")[0])


def _png(figure: Figure) -> str:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=100)
    return base64.b64encode(stream.getvalue()).decode("ascii")
