"""Writing Python as a person would: imports that are used, quotes, lists that wrap."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

# Where the names lie that generated cells use.
PLACES = {
    "BaseEstimator": "sklearn.base",
    "ClassifierMixin": "sklearn.base",
    "ColumnTransformer": "sklearn.compose",
    "ConfusionMatrixDisplay": "sklearn.metrics",
    "FunctionTransformer": "sklearn.preprocessing",
    "KFold": "sklearn.model_selection",
    "OneHotEncoder": "sklearn.preprocessing",
    "Pipeline": "sklearn.pipeline",
    "SimpleImputer": "sklearn.impute",
    "StandardScaler": "sklearn.preprocessing",
    "StratifiedKFold": "sklearn.model_selection",
    "TargetEncoder": "sklearn.preprocessing",
    "TfidfVectorizer": "sklearn.feature_extraction.text",
    "TransformedTargetRegressor": "sklearn.compose",
    "VotingClassifier": "sklearn.ensemble",
    "VotingRegressor": "sklearn.ensemble",
    "cross_val_predict": "sklearn.model_selection",
    "make_pipeline": "sklearn.pipeline",
}
WIDTH = 88


def with_imports(text: str, **more: str) -> str:
    """Return code with the imports of the names it uses before it.

    `more` gives the modules of names that are not in `PLACES`.
    """
    used = set(re.findall(r"\b\w+\b", text))
    modules: dict[str, list[str]] = {}
    for name, module in sorted((PLACES | more).items()):
        if name in used:
            modules.setdefault(module, []).append(name)
    lines = []
    for module, names in sorted(modules.items()):
        line = f"from {module} import {', '.join(names)}"
        if len(line) > WIDTH:
            line = f"from {module} import (\n    " + ",\n    ".join(names) + ",\n)"
        lines.append(line)
    gap = "\n\n\n" if text.startswith(("def ", "class ")) else "\n\n"
    return "\n".join(lines) + gap + text if lines else text


def quoted(value: Any) -> str:
    """Return a value as code; text stands in double quotes."""
    if not isinstance(value, str):
        return repr(value)
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def listed(values: Iterable[Any]) -> str:
    """Return a list as code, over several lines where it is long."""
    words = [quoted(value) for value in values]
    line = f"[{', '.join(words)}]"
    if len(line) <= WIDTH - 16:
        return line
    # A space inside a name is no place to break a line at.
    text = ", ".join(word.replace(" ", "\x00") for word in words)
    inside = textwrap.wrap(text, WIDTH - 4, break_long_words=False, break_on_hyphens=False)
    return "[\n    " + "\n    ".join(inside).replace("\x00", " ") + ",\n]"


def mapping(values: Mapping[str, Any]) -> str:
    """Return a dictionary as code, an entry a line."""
    inside = "".join(f"\n    {quoted(key)}: {quoted(value)}," for key, value in values.items())
    return f"{{{inside}\n}}" if inside else "{}"


def call(name: str, parts: Iterable[str], ending: str = "") -> str:
    """Return a call as code: in one line if it fits, otherwise an argument a line."""
    given = list(parts)
    line = f"{name}({', '.join(given)}){ending}"
    if len(line) <= WIDTH and "\n" not in line:
        return line
    inside = "".join(f"    {indent(part)},\n" for part in given)
    return f"{name}(\n{inside}){ending}"


def indent(text: str, by: int = 4) -> str:
    """Return text whose lines after the first are moved to the right."""
    return text.replace("\n", "\n" + " " * by)
