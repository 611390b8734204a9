"""The cells of a trial that make columns into numbers."""

from __future__ import annotations

from collections.abc import Sequence

from lakebook.ml.automl.arms import SEED, Arm
from lakebook.ml.automl.notebooks import Cell, code
from lakebook.ml.automl.task import FOLDS, Task
from lakebook.ml.automl.writing import call, indent, listed, mapping, quoted, with_imports

# The names of the lists of columns in a notebook, by kind.
LISTS = {
    "numbers": ("numeric", "boolean"),
    "categories": ("category",),
    "many": ("many_categories",),
    "dates": ("date",),
    "texts": ("text",),
}
# Words that TF-IDF keeps, for each column of text.
WORDS = 200

_TYPES = {
    "codes": """
    for name in codes:  # 1 and 1.0 are one category
        values = pd.to_numeric(frame[name])
        frame[name] = values.map("{:g}".format, na_action="ignore")""",
    "numbers": """
    for name in numbers:
        frame[name] = pd.to_numeric(frame[name], errors="coerce").astype(float)""",
    "labels": """
    for name in {labels}:
        known = frame[name].notna()
        frame[name] = frame[name].astype(str).where(known, "(missing)")""",
    "dates": """
    for name in dates:
        when = pd.to_datetime(
            frame[name], format=formats.get(name), errors="coerce", utc=True
        )
        frame[name] = when.dt.tz_localize(None)""",
    "texts": """
    for name in texts:
        frame[name] = frame[name].fillna("").astype(str)""",
}
_DATES = '''def date_parts(frame):
    """Return numbers for each date: calendar, time of day, and days since 2000."""
    parts = {}
    for name, when in frame.items():
        for part in ("year", "month", "dayofweek", "hour"):
            parts[f"{name} {part}"] = getattr(when.dt, part)
        parts[f"{name} days"] = (when - pd.Timestamp("2000-01-01")).dt.days
    return pd.DataFrame(parts).astype(float).fillna(-1)


def names_of_parts(_, names):
    """Return the names of the columns that `date_parts` makes."""
    parts = ("year", "month", "dayofweek", "hour", "days")
    return [f"{name} {part}" for name in names for part in parts]


'''


def types_text(task: Task) -> str:
    """Return what is said before the columns are read as what they hold."""
    told = ", ".join(f"`{one.name}` as {one.convert}" for one in task.columns if one.convert)
    if not told:
        return "## Columns by what they hold\n\nEvery column has the type of what it holds."
    return (
        "## Columns by what they hold\n\n"
        f"The model takes the columns as they come, and reads some otherwise: {told}."
    )


def types(task: Task) -> Cell:
    """Return the cell of the lists of columns and of `to_types`."""
    lists = {label: task.of(*kinds) for label, kinds in LISTS.items() if task.of(*kinds)}
    codes = [column.name for column in task.columns if column.convert == "category"]
    lines = [f"{label} = {listed(names)}" for label, names in lists.items()]
    body = ""
    if codes:
        lines.append(f"codes = {listed(codes)}")
        body += _TYPES["codes"]
    if "numbers" in lists:
        body += _TYPES["numbers"]
    if labels := [label for label in ("categories", "many") if label in lists]:
        body += _TYPES["labels"].replace("{labels}", " + ".join(labels))
    if "dates" in lists:
        formats = {c.name: c.format for c in task.columns if c.kind == "date" and c.format}
        lines.append(f"formats = {mapping(formats)}")
        body += _TYPES["dates"]
    if "texts" in lists:
        body += _TYPES["texts"]
    text = "\n".join(lines)
    return code(
        "types",
        f'{text}\n\n\ndef to_types(frame):\n    """Return the columns as what they hold; what does '
        f'not parse is missing."""\n    frame = frame.copy(){body}\n    return frame',
    )


def prepare_text(task: Task, *arms: Arm) -> str:
    """Return what is said before the columns are made into numbers."""
    linear = "gaps are filled, a column marks where they were, and all are scaled."
    trees = "they stay as they are: trees need no scale, and take gaps."
    if task.imputers:
        trees = "gaps are filled where `imputers` asked for it; trees take the others."
    ways = {arm.linear for arm in arms}
    numbers = linear if ways == {True} else trees
    if len(ways) == 2:
        numbers = f"for trees {trees.removesuffix('.')}. For the linear model {linear}"
    told = {
        "numbers": f"Numbers: {numbers}",
        "categories": "Categories: a column for each value (one-hot).",
        "many": "Columns of many categories: the target's mean for each value, cross-fitted.",
        "dates": "Dates: year, month, day of the week, hour, and days since 2000.",
        "texts": f"Text: TF-IDF of at most {WORDS} words a column.",
    }
    lines = [f"- {told[label]}" for label, kinds in LISTS.items() if task.of(*kinds)]
    return (
        "## Prepare\n\nThis is part of the pipeline, so it is fitted on rows for training only.\n\n"
        + "\n".join(lines)
    )


def prepare(task: Task, *arms: Arm) -> Cell:
    """Return the cell of `prepare`, the transformer of columns.

    For trees and linear models together these are two, `prepare_trees` and `prepare_linear`.
    """
    made = {prepared(arm, arms): _transformer(task, arm) for arm in arms}
    text = "\n\n".join(f"{name} = {transformer}" for name, transformer in made.items())
    return code("prepare", with_imports((_DATES if task.of("date") else "") + text))


def prepared(arm: Arm, arms: Sequence[Arm]) -> str:
    """Return the name of the transformer that a model of a notebook is given."""
    if len({one.linear for one in arms}) == 1:
        return "prepare"
    return "prepare_linear" if arm.linear else "prepare_trees"


def _transformer(task: Task, arm: Arm) -> str:
    steps = []
    for label, kinds in LISTS.items():
        names = task.of(*kinds)
        if label == "texts":
            words = f"TfidfVectorizer(max_features={WORDS})"
            steps += [_step(f"words of {name}", [words], quoted(name)) for name in names]
            continue
        filled = [name for name in names if name in task.imputers]
        steps += [_filled(task, arm, label, name) for name in filled]
        if rest := [name for name in names if name not in filled]:
            gaps = ['SimpleImputer(strategy="mean", add_indicator=True)']
            parts = (gaps if label == "numbers" and arm.linear else []) + _encoded(task, label, arm)
            steps.append(_step(label, parts, label if len(rest) == len(names) else listed(rest)))
    inside = "".join(f"        {indent(step, 8)},\n" for step in steps)
    return f"ColumnTransformer(\n    [\n{inside}    ],\n    sparse_threshold=0,\n)"


def _encoded(task: Task, label: str, arm: Arm) -> list[str]:
    """Return what a kind of column goes through; for linear models all ends on one scale."""
    folds = "StratifiedKFold" if task.kind == "classify" else "KFold"
    # Amounts that are whole numbers would be taken for classes, with a column for each.
    amounts = "" if task.kind == "classify" else 'target_type="continuous", '
    scale = ["StandardScaler()"] if arm.linear else []
    return {
        "numbers": scale,
        "categories": ['OneHotEncoder(handle_unknown="ignore", sparse_output=False)'],
        "many": [
            f"TargetEncoder({amounts}cv={folds}({FOLDS}, shuffle=True, random_state={SEED}))",
            *scale,
        ],
        "dates": [
            "FunctionTransformer(date_parts, feature_names_out=names_of_parts)",
            *scale,
        ],
    }[label]


def _filled(task: Task, arm: Arm, label: str, name: str) -> str:
    """Return the step of a column whose gaps are filled as `imputers` asks."""
    strategy, value = task.imputers[name]
    if label != "numbers" and strategy == "constant":
        value = str(value)
    given = [f'strategy="{strategy}"']
    if label != "numbers":
        given.insert(0, 'missing_values="(missing)"')
    if strategy == "constant":
        given.append(f"fill_value={quoted(value)}")
    imputer = f"SimpleImputer({', '.join(given)})"
    return _step(f"filled {name}", [imputer, *_encoded(task, label, arm)], f"[{quoted(name)}]")


def _step(label: str, parts: list[str], columns: str) -> str:
    if not parts:
        through = '"passthrough"'
    else:
        through = parts[0] if len(parts) == 1 else call("make_pipeline", parts)
    return call("", [quoted(label), through, columns])
