"""Exercises of day1/07_automl_classification."""

from functools import cache

import numpy as np
import pandas as pd
from nbformat import NotebookNode

from lakebook.datasets import load
from lakebook.labs import exercise, expect
from lakebook.ml.automl import drafts
from lakebook.ml.automl.metrics import CLASSIFY

ORDERS = {
    "loans": ("log_loss", None),
    "clinic": ("roc_auc", None),
    "letters": ("accuracy", None),
    "mail": ("precision", "spam"),
    "cards": ("f1", "fraud"),
}
CLASSES = {
    "loans": ("default", "repaid"),
    "clinic": ("ill", "well"),
    "letters": ("bill", "form", "other"),
    "mail": ("spam", "ham"),
    "cards": ("fraud", "good"),
}
WHY = {
    "loans": "`loans`: {found} does not care whether a chance of 0.02 means two in a hundred, and "
    "here it is multiplied by a sum.",
    "clinic": "`clinic`: does {found} judge who stands above whom? Nobody asks for a label or a "
    "true chance here.",
    "letters": "`letters`: with classes of like size and errors of like price there is something "
    "simpler than {found}, and it counts just these errors.",
    "mail": "`mail`: {found} also suffers from spam that comes through, or counts something else. "
    "What share of what is thrown away should be spam?",
    "cards": "`cards`: {found} is not one number from labels in which both kinds of error of one "
    "rare class count.",
}


def _orders(**changed):
    made = {}
    for name, (metric, label) in ORDERS.items():
        made[name] = {"primary_metric": metric} | ({"pos_label": label} if label else {})
    return made | changed


@exercise(
    1,
    title="Which order for whom?",
    hints=(
        "Ask what is done with the answer: used as a number, used as an order, or used as a label? "
        "Only for labels is there a positive class.",
        "A number has to be true, an order only right. For labels ask which error hurts: all "
        "alike, false alarms alone, or both kinds around one class.",
        "Each of the five metrics of the table in this lab is the right one once. Two of them need "
        "`pos_label`.",
    ),
    wrong={
        "accuracy where fraud is rare": lambda: _orders(cards={"primary_metric": "accuracy"}),
        "no positive class": lambda: _orders(cards={"primary_metric": "f1"}),
        "the common class is positive": lambda: _orders(
            cards={"primary_metric": "f1", "pos_label": "good"}
        ),
        "ham is positive": lambda: _orders(
            mail={"primary_metric": "precision", "pos_label": "ham"}
        ),
        "f1 of spam": lambda: _orders(mail={"primary_metric": "f1", "pos_label": "spam"}),
        "a ranking for a price": lambda: _orders(loans={"primary_metric": "roc_auc"}),
        "f1 for a ranking": lambda: _orders(clinic={"primary_metric": "f1", "pos_label": "ill"}),
        "a positive class of three": lambda: _orders(
            letters={"primary_metric": "accuracy", "pos_label": "bill"}
        ),
        "a metric that AutoML does not rank by": lambda: _orders(
            mail={"primary_metric": "recall", "pos_label": "spam"}
        ),
        "scikit-learn's name": lambda: _orders(loans={"primary_metric": "neg_log_loss"}),
        "metrics without a dict": lambda: _orders(loans="log_loss"),
        "one is missing": lambda: {
            name: order for name, order in _orders().items() if name != "mail"
        },
        "a list": lambda: list(_orders().values()),
    },
)
def which_order(answer):
    """A dict from five names to dicts with primary_metric and, for two of them, pos_label."""
    expect.is_a(answer, dict)
    missing = [name for name in ORDERS if name not in answer]
    expect.true(not missing, f"Nothing is said for {', '.join(missing)}.")
    for name, (metric, label) in ORDERS.items():
        order = answer[name]
        expect.is_a(order, dict, f"`{name}`: {order!r} is no dict of arguments.")
        for argument in order:
            expect.true(
                argument in ("primary_metric", "pos_label"),
                f"`{name}`: `{argument}` does not decide the ranking.",
            )
        found = order.get("primary_metric", "f1")
        expect.true(
            found in CLASSIFY,
            f"`{name}`: {found!r} is no metric by which `classify` can rank; it knows "
            f"{', '.join(CLASSIFY)}.",
        )
        expect.equals(found, metric, WHY[name].format(found=found))
        _label(name, order.get("pos_label"), label)


def _label(name, found, label):
    if found is None:
        expect.true(
            label is None,
            f"`{name}`: the metric is about one class. Which of the two, nobody has said.",
        )
        return
    expect.true(
        len(CLASSES[name]) == 2,
        f"`{name}`: with three classes none of them is the positive one.",
    )
    expect.true(found in CLASSES[name], f"`{name}`: {found!r} is none of its classes.")
    if label is not None:
        expect.equals(
            found, label, f"`{name}`: with {found!r} positive, the metric is about the other class."
        )


# -- exercise 2

PARTS = ("train", "validate", "test")


@cache
def _households():
    """Return readers in households of one to four; their numbers are neither dense nor sorted."""
    rng = np.random.default_rng(11)
    numbers = rng.choice(90_000, 900, replace=False)
    readers = np.repeat(numbers, rng.choice([1, 2, 3, 4], 900, p=[0.5, 0.3, 0.1, 0.1]))
    frame = pd.DataFrame({"household": readers, "age": rng.integers(18, 95, len(readers))})
    return frame.sample(frac=1, random_state=3)


def _parts(shares=(0.6, 0.8), *, by="household", words=PARTS, rng=np.random.default_rng):
    """Return a function like the one asked for, with one thing changed."""

    def with_parts(readers, seed):
        keys = np.sort(readers[by].unique()) if by else np.arange(len(readers))
        order = rng(seed).permutation(keys)
        place = np.arange(len(order)) / len(order)
        part = np.select([place < shares[0], place < shares[1]], words[:2], words[2])
        mapped = dict(zip(order, part, strict=True))
        rows = readers[by] if by else pd.Series(np.arange(len(readers)), readers.index)
        return readers.assign(part=rows.map(mapped))

    return with_parts


def _in_place(readers, seed):
    readers["part"] = _parts()(readers, seed)["part"]
    return readers


def _sorted(readers, seed):
    place = readers["household"].rank(method="dense", pct=True)
    return readers.assign(part=np.select([place <= 0.6, place <= 0.8], PARTS[:2], PARTS[2]))


def _by_reader_then_repaired(readers, seed):
    """Deal out rows, then let the first row of a household decide over the rows left in test."""
    made = _parts(by=None)(readers, seed)
    return made.assign(part=made.groupby("household")["part"].transform("max"))


@exercise(
    2,
    title="Households stay together",
    hints=(
        "What is dealt out are the households, not the rows. A row gets what its household got.",
        'Mix `readers["household"].unique()` with a generator that is made from the seed. The '
        "first 60 per cent of the mixed numbers train.",
        "`np.random.default_rng(seed).permutation(...)` mixes; a dict from household to part and "
        '`readers["household"].map(...)` bring the parts to the rows; `assign` makes a copy.',
    ),
    wrong={
        "rows are dealt out": lambda: _parts(by=None),
        "the first households train": lambda: _sorted,
        "the seed is not used": lambda: _parts(rng=lambda seed: np.random.default_rng(7)),
        "no seed at all": lambda: _parts(rng=lambda seed: np.random.default_rng()),
        "eighty, ten, ten": lambda: _parts((0.8, 0.9)),
        "other words": lambda: _parts(words=("train", "val", "test")),
        "capital letters": lambda: _parts(words=("Train", "Validate", "Test")),
        "no test": lambda: _parts((0.75, 1.1)),
        "by age": lambda: _parts(by="age"),
        "rows dealt out, then repaired": lambda: _by_reader_then_repaired,
        "the frame is changed": lambda: _in_place,
        "the parts alone": lambda: lambda readers, seed: _parts()(readers, seed)["part"],
        "a column is lost": lambda: (
            lambda readers, seed: _parts()(readers, seed)[["household", "part"]]
        ),
        "sorted by household": lambda: (
            lambda readers, seed: (
                _parts()(readers, seed).sort_values("household").reset_index(drop=True)
            )
        ),
        "called already": lambda: _parts()(_households(), 1),
    },
)
def households_together(answer):
    """A function of a frame and a seed; returns the frame with a column `part`."""
    expect.true(
        callable(answer),
        f"This is a {type(answer).__name__}; the function itself is asked for, without a call.",
    )
    readers = _households()
    found = [_dealt(answer, readers, seed) for seed in (1, 1, 2)]
    parts = found[0]["part"]
    strange = sorted({str(one) for one in parts.unique()} - set(PARTS))
    expect.true(
        not strange,
        f"AutoML ignores rows whose part is {', '.join(strange)}: it knows three words.",
    )
    torn = int((found[0].groupby("household")["part"].nunique() > 1).sum())
    expect.true(not torn, f"{torn} of 900 households are torn apart.")
    shares = found[0].drop_duplicates("household")["part"].value_counts(normalize=True)
    for part, share in zip(PARTS, (0.6, 0.2, 0.2), strict=True):
        expect.close(
            shares.get(part, 0.0),
            share,
            0.05,
            f"{shares.get(part, 0.0):.0%} of the households are in the part '{part}'.",
        )
    _at_random(found)


def _dealt(answer, readers, seed):
    given = readers.copy()
    try:
        found = answer(given, seed)
    except Exception as error:
        raise expect.Wrong(
            f"On a frame with the columns household and age the function raises "
            f"{type(error).__name__}: {str(error)[:120]}"
        ) from error
    expect.is_a(found, pd.DataFrame)
    expect.columns(found, ["household", "age", "part"], only=True)
    expect.true(given.equals(readers), "The function has changed the frame it was given.")
    expect.true(
        found[["household", "age"]].equals(readers),
        "The rows, their order or their index are not those of the frame that was given.",
    )
    return found


def _at_random(found):
    first, again, other = (one["part"] for one in found)
    expect.true(first.equals(again), "The same seed gave other parts the second time.")
    expect.true(not first.equals(other), "Another seed gave the same parts.")
    middle = found[0].groupby("part")["household"].median()
    expect.true(
        middle.max() < 1.6 * middle.min(),
        "Households of one part have low numbers, of another high ones: that is not at random.",
    )


# -- exercise 3

MISSED, NEEDLESS = 40, 2
CHEAPER = 0.75  # share of what the best trial costs


@cache
def _readers():
    """Return the lab's readers, and those of the data set that are not among them."""
    everything = load("newspaper_readers")
    everything["outcome"] = everything.pop("cancelled").map({1: "cancelled", 0: "stayed"})
    readers = everything.sample(frac=1 / 3, random_state=7)
    return readers, everything.drop(readers.index).reset_index(drop=True)


@cache
def _best():
    return drafts.draft(
        "classify",
        _readers()[0],
        "outcome",
        model="logistic_regression",
        primary_metric="log_loss",
        pos_label="cancelled",
    )


def _edited(**edits):
    return drafts.edited(_best()[0], edits)


def _threshold(given):
    return (
        "from sklearn.model_selection import FixedThresholdClassifier\n"
        f"model = FixedThresholdClassifier(model, {given})"
    )


BALANCED = 'model.set_params(model__class_weight="balanced")\n'
CHANCES = """class Chances(type(model)):
    def predict(self, X):
        return self.predict_proba(X)[:, 0]


model = Chances(model.steps)"""


def _labels(names):
    """Train the model of a notebook, and return its labels of readers who were in no search."""
    return drafts.answers(names, _readers()[1])


def _cost(labels):
    """Return what labels cost, in EUR."""
    gone, called = _readers()[1]["outcome"] == "cancelled", labels == "cancelled"
    return int(MISSED * (gone & ~called).sum() + NEEDLESS * (~gone & called).sum())


@cache
def _to_beat():
    return _cost(_labels(drafts.described(*_best())))


@exercise(
    3,
    title="Beat the best trial, in euros",
    hints=(
        "The chances of the best trial are good. What makes labels of them, and who has chosen it?",
        "Calling a reader with the chance p costs (1 − p) · 2 on average, not calling p · 40. From "
        "which p on is a call the cheaper one?",
        "At the end of the cell `model`: `from sklearn.model_selection import "
        "FixedThresholdClassifier`, then `model = FixedThresholdClassifier(model, threshold=..., "
        "pos_label=...)`. Mind which class the threshold is for.",
    ),
    wrong={
        "nothing changed": lambda: _edited(),
        "less regularisation": lambda: _edited(model=[('"C": 1.0', '"C": 100.0')]),
        "everybody is called": lambda: _edited(
            model=_threshold('threshold=0, pos_label="cancelled"')
        ),
        "one in three": lambda: _edited(model=_threshold('threshold=1 / 3, pos_label="cancelled"')),
        "the wrong way round": lambda: _edited(
            model=_threshold('threshold=40 / 42, pos_label="cancelled"')
        ),
        "the threshold of the other class": lambda: _edited(
            model=_threshold('threshold=2 / 42, pos_label="stayed"')
        ),
        "weights and the threshold": lambda: _edited(
            model=BALANCED + _threshold('threshold=2 / 42, pos_label="cancelled"')
        ),
        "chances instead of labels": lambda: _edited(model=CHANCES),
        "other labels": lambda: _edited(
            split=[('data["outcome"]', '(data["outcome"] == "cancelled").astype(int)')]
        ),
        "trained on the test rows": lambda: _edited(
            split=[('data["_automl_split"] != "test"', 'data["_automl_split"] != ""')]
        ),
        "only those who cancelled are kept for training": lambda: _edited(
            split=[
                (
                    'data["_automl_split"] != "test"',
                    '(data["_automl_split"] != "test") & (target == "cancelled")',
                )
            ]
        ),
        "the outcome as a feature": lambda: _edited(
            types=[("numbers = [", 'numbers = ["outcome", ')]
        ),
        "its path": "mine.ipynb",
    },
)
def beat_the_best(answer):
    """A notebook whose cells types, prepare, split and model describe a model of cheaper labels."""
    expect.is_a(answer, NotebookNode)
    _, data = _best()
    try:
        names = drafts.described(answer, data)
        _honest(names, data)
        labels = _labels(names)
    except drafts.DraftError as error:
        raise expect.Wrong(str(error)) from error
    strange = sorted({str(one) for one in np.unique(labels)} - {"cancelled", "stayed"})
    expect.true(
        not strange,
        f"`model.predict` says {', '.join(strange[:2])}; the labels are cancelled and stayed.",
    )
    _price(labels)


def _honest(names, data):
    """Judge what is trained on."""
    made = [name for name in names["features"] if name not in data.columns or name in ("outcome",)]
    expect.true(
        not made,
        f"`features` names {', '.join(made)}, which nobody knows of a reader before the month is "
        "over, or which is not in the table. Columns of your own are made inside the model.",
    )
    learn = names["rows"]["training"]
    expect.true(
        not (learn & (data["_automl_split"] == "test")).any(),
        'Rows that are kept for the test are in `rows["training"]`.',
    )


def _price(labels):
    cost, named = _cost(labels), float((labels == "cancelled").mean())
    expect.true(
        cost <= CHEAPER * _to_beat(),
        f"It calls {named:.1%} of the readers, and all in all that costs {cost:,} EUR. The best "
        f"trial costs {_to_beat():,} EUR, and a quarter less than that is asked for.",
    )
