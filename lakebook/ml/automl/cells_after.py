"""The cells of a trial for the person who opens it; the search leaves them out."""

from __future__ import annotations

from lakebook.ml.automl.arms import SEED
from lakebook.ml.automl.notebooks import Cell, later
from lakebook.ml.automl.task import Task
from lakebook.ml.automl.writing import quoted

# What scikit-learn calls the metrics, so that more is better.
SCORING = {
    "f1_score": "f1_weighted",
    "log_loss": "neg_log_loss",
    "precision_score": "precision_weighted",
    "accuracy_score": "accuracy",
    "roc_auc": "roc_auc_ovr_weighted",
    "r2_score": "r2",
    "mae": "neg_mean_absolute_error",
    "rmse": "neg_root_mean_squared_error",
    "mse": "neg_mean_squared_error",
}


def importances(task: Task) -> Cell:
    """Return the cell of permutation importances on test rows."""
    return later(
        "importances",
        f"""
from sklearn.inspection import permutation_importance

held_out = data[rows["test"]].head(500)
shuffled = permutation_importance(
    model,
    held_out[features],
    target[held_out.index],
    scoring="{SCORING[task.metric.logged]}",
    n_repeats=5,
    random_state={SEED},
)
importance = pd.Series(shuffled.importances_mean, features).sort_values()
importance.tail(15).plot.barh(title="score lost when a column is shuffled");
""",
    )


def shap(task: Task) -> Cell:
    """Return the cell of SHAP values, which is off until asked for."""
    predict = "predict_proba" if task.kind == "classify" else "predict"
    return later(
        "shap",
        f"""
if explain:
    import shap

    encode, last = model[:-1], model[-1]
    seen = [
        np.asarray(encode.transform(some), dtype=float)
        for some in (X.head(100), held_out[features].head(50))
    ]
    explainer = shap.Explainer(
        last.{predict},
        seen[0],
        feature_names=list(model["prepare"].get_feature_names_out()),
        seed={SEED},
    )
    explained = explainer(seen[1], silent=True)
    sizes = np.abs(explained.values).reshape(*seen[1].shape, -1).mean(axis=(0, 2))
    print(pd.Series(sizes, explained.feature_names).nlargest(15))
""",
    )


def picture(task: Task) -> Cell:
    """Return the cell of the confusion matrix or the residuals on test rows."""
    if task.kind == "classify":
        return later(
            "picture",
            """
from sklearn.metrics import ConfusionMatrixDisplay

seen = model.predict(data.loc[rows["test"], features])
ConfusionMatrixDisplay.from_predictions(target[rows["test"]], seen, cmap="Blues");
""",
        )
    return later(
        "picture",
        """
import matplotlib.pyplot as plt

seen = model.predict(data.loc[rows["test"], features])
plt.scatter(seen, target[rows["test"]] - seen, s=8, alpha=0.6)
plt.axhline(0, color="black")
plt.xlabel("predicted")
plt.ylabel("actual − predicted");
""",
    )


def final(task: Task) -> Cell:
    """Return the cell that trains on all rows."""
    given = f"model__sample_weight=data[{quoted(task.weight)}]" if task.weight else ""
    return later(
        "final",
        f"""
from sklearn.base import clone

final = clone(model).fit(data[features], target{", " + given if given else ""})
""",
    )


def use() -> Cell:
    """Return the cell that registers the model, if asked to, and scores with it."""
    return later(
        "use",
        """
if register_as:
    version = mlflow.register_model(logged.model_uri, register_as)
    print(f"models:/{register_as}/{version.version}")
again = mlflow.pyfunc.load_model(logged.model_uri)
again.predict(example)
""",
    )
