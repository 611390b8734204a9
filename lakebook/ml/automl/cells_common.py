"""The cells that notebooks of all kinds of trials begin with."""

from __future__ import annotations

from lakebook.ml.automl.notebooks import Cell, code, parameters
from lakebook.ml.automl.writing import quoted


def trial_parameters(
    run: str, experiment: str, name: str, *, register: str, explain: bool = False
) -> Cell:
    """Return the cell of parameters; `register` is an example of a model's name."""
    return parameters(
        "parameters",
        f"""
search_run = {quoted(run)}
experiment_id = {quoted(experiment)}
parent_run = None  # the search gives its own run here
run_name = {quoted(name)}
{"explain = False" if explain else ""}
register_as = None  # such as "{register}"
""".replace("\n\n", "\n"),
    )


def load(path: str | None, *, numpy: bool = True) -> Cell:
    """Return the cell that reads the rows; without a path they are an artifact of the search."""
    lines = ["import mlflow", *["import numpy as np"] * numpy, "import pandas as pd", ""]
    return code("load", "\n".join([*lines, reading(path), "data.shape"]))


def reading(path: str | None) -> str:
    """Return the lines that read the rows into `data`."""
    if path is not None:
        return f"data = pd.read_parquet({quoted(path)})"
    return (
        'folder = mlflow.artifacts.download_artifacts(run_id=search_run, artifact_path="data")\n'
        'data = pd.read_parquet(f"{folder}/training.parquet")'
    )
