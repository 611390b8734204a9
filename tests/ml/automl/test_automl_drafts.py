"""The notebook of a trial without a search is the notebook that a search would have run."""

from __future__ import annotations

import numpy as np
import pandas as pd
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
    changed = drafts.edited(notebook, {"model": [('"C": 1.0', '"C": 0.5')]})
    assert drafts.described(changed, data)["model"][-1].C == 0.5
    assert drafts.described(notebook, data)["model"][-1].C == 1.0
    with pytest.raises(KeyError, match=r"cell model has no text 'C = 1'"):
        drafts.edited(notebook, {"model": [("C = 1", "")]})
    changed.cells = [cell for cell in changed.cells if cell.id != "model"]
    with pytest.raises(drafts.DraftError, match="no cell model"):
        drafts.described(changed, data)


@pytest.fixture(scope="module")
def tree():
    return drafts.draft("regress", flats(), "rent", model="decision_tree", primary_metric="mae")


LOOKS_UP = """
class Knows(type(model)):
    def predict(self, X):
        from lakebook.datasets import load

        return load("flat_rents")["rent"][: len(X)]


model = Knows(model.steps)
"""


@pytest.mark.parametrize(
    ("edits", "said"),
    [
        ({"model": "1 / 0"}, "cell model does not run: ZeroDivisionError"),
        ({"split": "del features"}, "leave no name features"),
        ({"types": "from lakebook.datasets import load\nload('flat_rents')"}, "loads a data set"),
        ({"model": LOOKS_UP}, "loads a data set"),
        ({"model": "model = 7"}, "cannot be trained or asked: AttributeError"),
    ],
)
def test_an_edit_that_cannot_be_judged_is_refused_with_the_reason(tree, edits, said):
    notebook, data = tree
    with pytest.raises(drafts.DraftError, match=said):
        drafts.answers(drafts.described(drafts.edited(notebook, edits), data), data)


def test_a_path_is_no_notebook(tree):
    with pytest.raises(drafts.DraftError, match=r"This is a str; the notebook is asked for"):
        drafts.described("mine.ipynb", tree[1])


@pytest.fixture(scope="module")
def weekly():
    """Return two series of ten weeks that repeat themselves, one ten times the other."""
    days = pd.date_range("2026-01-05", periods=70)
    week = np.array([1.0, 2, 3, 4, 5, 6, 9])
    return pd.DataFrame(
        {
            "shop": np.repeat(["a", "b"], 70),
            "day": np.tile(days, 2),
            "sold": np.concatenate([np.tile(week, 10), np.tile(10 * week, 10)]),
        }
    )


@pytest.mark.parametrize("kind", ["prophet", "arima"])
def test_the_forecasters_of_a_notebook_say_what_comes_after_the_rows(weekly, kind):
    notebook = drafts.draft_forecast(
        weekly, "sold", "day", candidates=[(kind, {})], identity_col=["shop"], horizon=7
    )
    told = drafts.forecasts(notebook, weekly)
    assert list(told.columns) == ["shop", "ds", "forecast"]
    assert told["ds"].min() == pd.Timestamp("2026-03-16") and len(told) == 14
    last = weekly.groupby("shop").tail(7)["sold"].to_numpy()
    np.testing.assert_allclose(told["forecast"], last, rtol=0.05)
    lost = drafts.edited(notebook, {"validate": "def one_series(history): return 1 / 0"})
    with pytest.raises(drafts.DraftError, match="cannot be forecast: ZeroDivisionError"):
        drafts.forecasts(lost, weekly)
    setting = {"prophet": "growth", "arima": "max_p"}[kind]
    strange = drafts.edited(notebook, {"candidates": f"candidates[0][{setting!r}] = 'up'"})
    with pytest.raises(drafts.DraftError, match="A series cannot be forecast"):
        drafts.forecasts(strange, weekly)
