"""The notebook that looks at the data first, as the platform's data exploration notebook does."""

from __future__ import annotations

from lakebook.ml.automl.cells_common import reading
from lakebook.ml.automl.columns import Plan
from lakebook.ml.automl.notebooks import Cell, code, markdown, parameters
from lakebook.ml.automl.task import SPLIT, Task


def cells(task: Task, plan: Plan, messages: tuple[str, ...]) -> list[Cell]:
    """Return the cells: what the search decided about the data, the target, and a profile."""
    told = "\n".join(f"- {message}" for message in messages) or "- Nothing was changed."
    semantic = "\n".join(
        f"- {kind}: {', '.join(f'`{name}`' for name in names)}"
        for kind, names in plan.conversions.items()
    )
    target = (
        'data["{0}"].value_counts().plot.barh(title="rows of each class");'
        if task.kind == "classify"
        else 'data["{0}"].plot.hist(bins=40, title="{0}");'
    ).format(task.target)
    return [
        markdown(
            "title", f"# Data exploration: `{task.target}`\n\nMade by the search before its trials."
        ),
        markdown("told", f"## What the search found\n\n{told}\n\n{semantic}".rstrip()),
        parameters("parameters", f"search_run = {task.run!r}"),
        code(
            "load",
            f"import mlflow\nimport pandas as pd\n\n{reading(task.data)}\n"
            f'data.drop(columns="{SPLIT}").head()',
        ),
        markdown("m-target", "## The target"),
        code("target", target),
        markdown("m-missing", "## Missing values\n\nThe share of rows without a value, by column."),
        code(
            "missing", "missing = data.isna().mean()\nmissing[missing > 0].sort_values().round(3)"
        ),
        markdown(
            "m-profile", "## The profile\n\nDistributions, correlations and alerts of every column."
        ),
        code(
            "profile",
            "from data_profiling import ProfileReport\n\n"
            f'some = data.drop(columns="{SPLIT}")\n'
            "some = some.sample(min(len(some), 10_000), random_state=42)\n"
            'profile = ProfileReport(some, title="Profile", minimal=True, progress_bar=False)\n'
            "profile.get_description().alerts",
        ),
        code("report", "from IPython.display import HTML\n\nHTML(profile.to_html())"),
    ]
