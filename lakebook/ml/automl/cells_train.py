"""The cells of a trial that split, train, score and log."""

from __future__ import annotations

from collections.abc import Sequence

from lakebook.ml.automl.arms import SEED, Arm, Params
from lakebook.ml.automl.cells_prepare import LISTS, prepared
from lakebook.ml.automl.notebooks import Cell, code
from lakebook.ml.automl.task import FOLDS, SPLIT, Task
from lakebook.ml.automl.writing import call, indent, listed, mapping, quoted, with_imports


def split_text(task: Task) -> str:
    """Return what is said about the rows for training, choosing and testing."""
    if task.folds:
        return (
            "## Split\n\nOne row in five is kept for the test. The others are few, so they are "
            f"used in turn: each is predicted once, by a model that was trained on {FOLDS - 1} of "
            f"{FOLDS} folds (`val`)." + _again(task)
        )
    return "## Split\n\nThree sets: to train, to choose by (`val`), and to test once."


def _again(task: Task) -> str:
    if task.deals == 1:
        return ""
    return (
        f" The folds are dealt out {task.deals} times, and the scores are the means: with so few "
        "rows it is chance which of two models one deal favours."
    )


def split(task: Task) -> Cell:
    """Return the cell of features, target and rows."""
    features = " + ".join(label for label, kinds in LISTS.items() if task.of(*kinds))
    kind = "" if task.kind == "classify" else ".astype(float)"
    lines = [f"features = {features}", f"target = data[{quoted(task.target)}]{kind}"]
    if task.weight:
        lines.append(f"weights = data[{quoted(task.weight)}]")
    train = '!= "test"' if task.folds else '== "train"'
    lines += ["rows = {", f'    "training": data["{SPLIT}"] {train},']
    if not task.folds:
        lines.append(f'    "val": data["{SPLIT}"] == "validate",')
    lines += [
        f'    "test": data["{SPLIT}"] == "test",',
        "}",
        "{split: int(chosen.sum()) for split, chosen in rows.items()}",
    ]
    return code("split", "\n".join(lines))


# XGBoost takes no names of classes.
_NUMBERED = '''class Numbered(ClassifierMixin, BaseEstimator):
    """A classifier for one that wants its classes numbered from zero."""

    def __init__(self, model):
        self.model = model

    def fit(self, X, y, sample_weight=None):
        self.classes_, numbers = np.unique(y, return_inverse=True)
        self.model_ = self.model.fit(X, numbers, sample_weight=sample_weight)
        return self

    def predict_proba(self, X):
        return self.model_.predict_proba(X)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


'''


def _estimator(task: Task, arm: Arm, params: str) -> tuple[str, str, str]:
    """Return the class of a model, the call that makes it, and what has to stand before it."""
    name = arm.classifier if task.kind == "classify" else arm.regressor
    fixed = [f"{key}={quoted(value)}" for key, value in arm.fixed.items()]
    made = call(name, [f"**{params}", *fixed])
    if arm.linear and task.kind == "regress":
        made = call("TransformedTargetRegressor", [made, "transformer=StandardScaler()"])
    if arm.name == "xgboost" and task.kind == "classify":
        return name, call("Numbered", [made]), _NUMBERED
    return name, made, ""


def model(task: Task, arm: Arm, params: Params) -> Cell:
    """Return the cell of `params` and `model`."""
    name, made, before = _estimator(task, arm, "params")
    text = f"""{before}params = {mapping(params)}
model = Pipeline(
    [
        ("types", FunctionTransformer(to_types)),
        ("prepare", prepare),
        {indent(call("", ['"model"', made]), 8)},
    ]
)"""
    return code("model", with_imports(text, **{name: arm.module}))


def blend(task: Task, members: Sequence[tuple[Arm, Params]]) -> Cell:
    """Return the cell of `params` and `model`, the mean of several models' answers."""
    arms = [arm for arm, _ in members]
    modules, before, given, steps = {}, "", [], []
    for arm, params in members:
        name, made, needed = _estimator(task, arm, f"of_{arm.name}")
        modules[name] = arm.module
        before += needed
        given.append(f"of_{arm.name} = {mapping(params)}")
        pipeline = call("make_pipeline", [prepared(arm, arms), made])
        steps.append(call("", [quoted(arm.name), pipeline]))
    voting = 'VotingClassifier(members, voting="soft")'
    voting = voting if task.kind == "classify" else "VotingRegressor(members)"
    told = "\n".join(
        f'params |= {{f"{arm.name}.{{key}}": value for key, value in of_{arm.name}.items()}}'
        for arm in arms
    )
    inside = "".join(f"    {indent(step)},\n" for step in steps)
    text = (
        before
        + "\n".join(given)
        + f"""
members = [
{inside}]
params = {{}}
{told}
model = Pipeline(
    [
        ("types", FunctionTransformer(to_types)),
        ("model", {voting}),
    ]
)"""
    )
    return code("model", with_imports(text, **modules))


_REGRESS = '''
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score


def scores(split, actual, predicted, weight=None):
    """Return the metrics of one split by name."""
    mse = mean_squared_error(actual, predicted, sample_weight=weight)
    return {
        f"{split}_r2_score": r2_score(actual, predicted, sample_weight=weight),
        f"{split}_rmse": mse**0.5,
        f"{split}_mse": mse,
        f"{split}_mae": mean_absolute_error(actual, predicted, sample_weight=weight),
    }
'''
_CLASSIFY = '''
from sklearn import metrics as m

classes = np.array(CLASSES)
averaged = AVERAGED


def scores(split, actual, probability, weight=None):
    """Return the metrics of one split by name; columns of `probability` are `classes`."""
    predicted = classes[probability.argmax(axis=1)]
    weighed = {"sample_weight": weight}
    return {
        f"{split}_accuracy_score": m.accuracy_score(actual, predicted, **weighed),
        f"{split}_precision_score": m.precision_score(
            actual, predicted, **averaged, **weighed
        ),
        f"{split}_recall_score": m.recall_score(actual, predicted, **averaged, **weighed),
        f"{split}_f1_score": m.f1_score(actual, predicted, **averaged, **weighed),
        f"{split}_log_loss": m.log_loss(actual, probability, labels=classes, **weighed),
        f"{split}_roc_auc": m.roc_auc_score(
            ROC, **weighed
        ),
    }
'''


def scores(task: Task) -> Cell:
    """Return the cell of `scores`, the metrics of one split."""
    if task.kind == "regress":
        return code("scores", _REGRESS)
    averaged = '{"average": "weighted", "zero_division": 0}'
    roc = 'actual, probability, multi_class="ovr", average="weighted", labels=classes'
    if task.binary:
        # Columns of probabilities are in the order of sorted classes, whichever is positive.
        number = 0 if task.positive == task.classes[0] else 1
        averaged = f'{{"pos_label": classes[{number}], "zero_division": 0}}'
        roc = f"actual == classes[{number}], probability[:, {number}]"
    text = _CLASSIFY.replace("CLASSES", listed(task.classes)).replace("AVERAGED", averaged)
    return code("scores", text.replace("ROC", roc))


def fit(task: Task) -> Cell:
    """Return the cell that trains and scores: by folds if there are few rows, then once more."""
    predict = "predict_proba" if task.kind == "classify" else "predict"
    weighed = task.weight is not None
    lines = [
        'learn = rows["training"]',
        "X, y = data.loc[learn, features], target[learn]",
        "given = " + ('{"model__sample_weight": weights[learn]}' if weighed else "{}"),
    ]
    if task.folds:
        folds = "StratifiedKFold" if task.kind == "classify" else "KFold"
        seed = SEED if task.deals == 1 else "seed"
        dealt = [
            f"folds = {folds}({FOLDS}, shuffle=True, random_state={seed})",
            f'held = cross_val_predict(model, X, y, cv=folds, method="{predict}", params=given)',
        ]
        scored = f'scores("val", y, held{", weights[learn]" if weighed else ""})'
        if task.deals == 1:
            lines += [*dealt, f"metrics = {scored}"]
        else:
            lines += [
                "deals = []",
                f"for seed in range({SEED}, {SEED + task.deals}):",
                *(f"    {line}" for line in dealt),
                f"    deals.append({scored})",
                "metrics = pd.DataFrame(deals).mean().to_dict()",
            ]
    else:
        lines.append("metrics = {}")
    lines += [
        "model.fit(X, y, **given)",
        "for split, chosen in rows.items():",
        f"    answer = model.{predict}(data.loc[chosen, features])",
        "    metrics |= scores(split, target[chosen], answer"
        + (", weights[chosen])" if weighed else ")"),
        "pd.Series(metrics).round(4)",
    ]
    return code("fit", with_imports("\n".join(lines)), timed="fit")


def log(task: Task) -> Cell:
    """Return the cell that logs parameters, metrics and the model."""
    return code(
        "log",
        f"""
import warnings

from mlflow.models import infer_signature

# Whole numbers are told as such; a table where they have gaps holds floats instead.
warnings.filterwarnings("ignore", message="Hint: Inferred schema contains integer")
example = X.head(5)
with mlflow.start_run(
    run_name=run_name, experiment_id=experiment_id, parent_run_id=parent_run, nested=True
) as run:
    mlflow.log_params(params)
    logged = mlflow.sklearn.log_model(
        model,
        name="model",
        signature=infer_signature(example, model.predict(example)),
        input_example=example,
        serialization_format="cloudpickle",
        pip_requirements={indent(listed(task.requirements), 8)},
    )
    mlflow.log_metrics(metrics, model_id=logged.model_id)
logged.model_uri
""",
        timed="log",
    )
