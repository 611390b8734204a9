"""The notebook of a trial without a search is the notebook that a search would have run."""

from __future__ import annotations

import pytest
from tabular_data import customers, flats

from lakebook.ml.automl import drafts


def test_a_draft_describes_a_model_that_trains_on_the_rows_for_training_alone():
    notebook, data = drafts.draft(
        "regress", flats(), "rent", model="decision_tree", primary_metric="mae"
    )
    names = drafts.described(notebook, data)
    learn = names["rows"]["training"]
    assert (data.loc[~learn, "_automl_split"] == "test").all() and 0.75 < learn.mean() < 0.85
    model = names["model"].fit(data.loc[learn, names["features"]], names["target"][learn])
    assert model.score(data.loc[~learn, names["features"]], names["target"][~learn]) > 0.6


def test_an_edited_cell_is_what_runs_and_a_missing_one_is_named():
    notebook, data = drafts.draft(
        "classify",
        customers(),
        "leaves",
        model="logistic_regression",
        primary_metric="log_loss",
        exclude_cols=["customer_id"],
        pos_label="yes",
    )
    (cell,) = (one for one in notebook.cells if one.id == "model")
    cell.source = cell.source.replace('"C": 1.0', '"C": 0.5')
    assert drafts.described(notebook, data)["model"][-1].C == 0.5
    notebook.cells.remove(cell)
    with pytest.raises(KeyError, match="model"):
        drafts.described(notebook, data)
