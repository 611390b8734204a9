"""Exercises of day3/06_classification_metrics."""

from functools import cache

import numpy as np
import pandas as pd

from lakebook.labs import exercise, expect

PARTS = ("accuracy", "precision", "recall", "f1")
# True positives, false positives, false negatives, true negatives.
COUNTS = (
    (5, 10, 15, 70),
    (8, 2, 2, 88),
    (0, 0, 20, 80),
    (0, 10, 0, 90),
    (0, 7, 3, 90),
    (0, 0, 0, 50),
    (1, 2, 3, 0),
)
WAYS = tuple(
    (rows, first) for rows in ("actual", "predicted") for first in ("positive", "negative")
)


def _share(part, whole):
    return part / whole if whole else 0.0


def _printed(counts, rows, first):
    """Return the matrix of the counts, in the orientation asked for."""
    tp, fp, fn, tn = counts
    matrix = np.array([[tp, fn], [fp, tn]])
    matrix = matrix if rows == "actual" else matrix.T
    return matrix if first == "positive" else matrix[::-1, ::-1]


def _metrics(
    share=_share,
    see=lambda rows, first: (rows, first),
    f1=None,
    accuracy=None,
    swapped=False,
    flip=False,
):
    """Return a function like the one asked for, with one thing changed."""

    def metrics(matrix, rows, first):
        rows, first = see(rows, first)
        matrix = np.array(matrix)
        matrix = matrix if rows == "actual" else matrix.T
        if first == "negative":
            matrix = matrix[::-1] if flip else matrix[::-1, ::-1]
        (tp, fn), (fp, tn) = matrix.tolist()
        precision, recall = share(tp, tp + fp), share(tp, tp + fn)
        precision, recall = (recall, precision) if swapped else (precision, recall)
        score = f1(precision, recall, tp, fp, fn, tn) if f1 else share(2 * tp, 2 * tp + fp + fn)
        right = accuracy(tp, tn) if accuracy else tp + tn
        return {
            "accuracy": share(right, tp + fp + fn + tn),
            "precision": precision,
            "recall": recall,
            "f1": score,
        }

    return metrics


def _weighted(precision, recall, tp, fp, fn, tn):
    total = tp + fp + fn + tn
    mine, other = _share(2 * tp, 2 * tp + fp + fn), _share(2 * tn, 2 * tn + fp + fn)
    return (mine * (tp + fn) + other * (tn + fp)) / total


def _rounded(precision, recall, *_):
    precision, recall = round(precision, 2), round(recall, 2)
    return _share(2 * precision * recall, precision + recall)


@exercise(
    1,
    title="A matrix, whichever way round",
    hints=(
        "Bring every matrix into one orientation first, then name its four counts. Which two "
        "changes may that need?",
        "Predicted classes in the rows: transpose. Negative class first: turn both the rows and "
        "the columns round, `[::-1, ::-1]`.",
        "With actual rows and the positive class first, the matrix reads `[[tp, fn], [fp, tn]]`. "
        "A small helper that returns 0.0 when its denominator is 0 serves all four.",
    ),
    wrong={
        "the rows are always actual": lambda: _metrics(see=lambda rows, first: ("actual", first)),
        "the rows are always predicted": lambda: _metrics(
            see=lambda rows, first: ("predicted", first)
        ),
        "the positive class always comes first": lambda: _metrics(
            see=lambda rows, first: (rows, "positive")
        ),
        "the negative class always comes first": lambda: _metrics(
            see=lambda rows, first: (rows, "negative")
        ),
        "only the rows are turned round": lambda: _metrics(flip=True),
        "precision and recall exchanged": lambda: _metrics(swapped=True),
        "nan where nothing is named": lambda: _metrics(
            lambda part, whole: part / whole if whole else float("nan")
        ),
        "a division by zero raises": lambda: _metrics(lambda part, whole: part / whole),
        "1 instead of 0 for an empty fraction": lambda: _metrics(
            lambda part, whole: part / whole if whole else 1.0
        ),
        "the arithmetic mean for F1": lambda: _metrics(f1=lambda p, r, *_: (p + r) / 2),
        "F1 from rounded parts": lambda: _metrics(f1=_rounded),
        "the weighted F1": lambda: _metrics(f1=_weighted),
        "accuracy counts the hits alone": lambda: _metrics(accuracy=lambda tp, tn: tp),
        "a dict instead of a function": {"accuracy": 0.75},
    },
)
def matrix_metrics(answer):
    """A function of matrix, rows and first that returns accuracy, precision, recall and f1."""
    expect.true(callable(answer), "A function is asked for: `def metrics(matrix, rows, first)`.")
    for counts in COUNTS:
        tp, fp, fn, tn = counts
        right = _metrics()(_printed(counts, "actual", "positive"), "actual", "positive")
        for rows, first in WAYS:
            case = (
                f"With {tp} TP, {fp} FP, {fn} FN, {tn} TN, {rows} classes in the rows and the "
                f"{first} class first"
            )
            found = _called(answer, case, _printed(counts, rows, first).tolist(), rows, first)
            expect.is_a(found, dict, f"{case}, your function returns no dict.")
            for part in PARTS:
                expect.true(part in found, f"{case}, the dict has no entry {part!r}.")
                expect.is_a(found[part], float, f"{case}, {part!r} is not a number.")
                _part(found, part, right, case, counts)


def _part(found, part, right, case, counts):
    tp, fp, fn, _ = counts
    value = float(found[part])
    if np.isnan(value):
        raise expect.Wrong(f"{case}, {part!r} is nan. The text says what an empty fraction is.")
    if abs(value - right[part]) < 1e-9:
        return
    empty = {"precision": tp + fp, "recall": tp + fn, "f1": tp + fp + fn}
    if not empty.get(part, 1):
        raise expect.Wrong(
            f"{case}, {part!r} is {value:.3g}. Its fraction has nothing below the line."
        )
    if (
        part != "accuracy"
        and abs(float(found["precision"]) - right["recall"]) < 1e-9
        and abs(float(found["recall"]) - right["precision"]) < 1e-9
    ):
        raise expect.Wrong(
            f"{case}, precision and recall have traded places. Which error stands where?"
        )
    if part == "f1" and abs(value - _weighted(0, 0, *counts)) < 1e-9:
        raise expect.Wrong(
            f"{case}, that F1 is the mean over both classes, not the positive one's."
        )
    if part == "f1":
        raise expect.Wrong(
            f"{case}, 'f1' is {value:.4f}, though precision and recall are right. Is it the "
            "harmonic mean, from parts that were not rounded?"
        )
    raise expect.Wrong(
        f"{case}, {part!r} is {value:.4f}. Which count did your function take for which?"
    )


def _called(answer, case, *arguments):
    """Return what the learner's function makes of the arguments; what it raises is a message."""
    with np.errstate(all="ignore"):
        try:
            return answer(*arguments)
        except expect.NotAttempted:
            raise
        except Exception as error:
            raise expect.Wrong(
                f"{case}, your function raises {type(error).__name__}: {error}"
            ) from error


# Exercise 2: what is known of the curve of each case, and what a mistake on it means.
def _cases():
    rng = np.random.default_rng(3)
    score = np.round(rng.normal(size=300), 1)
    actual = (rng.random(300) < 1 / (1 + np.exp(-2 * score))).astype(int)
    return (
        ("With five rows without ties", [1, 0, 1, 1, 0], [0.9, 0.8, 0.7, 0.6, 0.1]),
        (
            "With scores of any size and rows in any order",
            [0, 1, 0, 1, 0],
            [-3.0, 7.0, 5.0, 2.5, 1],
        ),
        ("Where all scores are equal", [1, 0, 0, 1, 0], [0.2] * 5),
        (
            "Where the first two of five are tied, a 1 before a 0",
            [1, 0, 0, 1, 0],
            [0.8, 0.8, 0.5, 0.4, 0.1],
        ),
        (
            "Where the first two of five are tied, a 0 before a 1",
            [0, 1, 0, 1, 0],
            [0.8, 0.8, 0.5, 0.4, 0.1],
        ),
        ("Where the ranking is upside down", [1, 1, 0, 0], [0.1, 0.2, 0.3, 0.4]),
        ("With 300 rows and many ties", actual, score),
    )


def _curve(
    actual,
    score,
    *,
    ties=True,
    hopeful=None,
    descending=True,
    origin=True,
    left=False,
    swap=False,
    precision=False,
    levels=None,
):
    """Return the curve and its area, with one thing changed."""
    actual, score = np.array(actual), np.array(score, dtype=float)
    first = (
        (actual if hopeful is False else -actual) if hopeful is not None else np.zeros(len(actual))
    )
    order = np.lexsort((first, -score if descending else score))
    last = np.append(np.diff(score[order]) != 0, True) if ties else np.full(len(actual), True)
    hits, alarms = np.cumsum(actual[order])[last], np.cumsum(1 - actual[order])[last]
    if levels is not None:
        hits = np.array([actual[score >= level].sum() for level in levels])
        alarms = np.array([(1 - actual)[score >= level].sum() for level in levels])
    if origin:
        hits, alarms = np.append(0, hits), np.append(0, alarms)
    recall, false_rate = hits / actual.sum(), alarms / (1 - actual).sum()
    if precision:
        false_rate, recall = recall, hits / np.maximum(hits + alarms, 1)
    if swap:
        false_rate, recall = recall, false_rate
    area = (
        float((np.diff(false_rate) * recall[:-1]).sum())
        if left
        else float(np.trapezoid(recall, false_rate))
    )
    return false_rate, recall, area


def _roc(**changes):
    return lambda actual, score: _curve(actual, score, **changes)


def _spoils_its_input(actual, score):
    found = _curve(actual, score)
    score[:] = np.sort(score)[::-1]
    return found


def _off(points, line):
    """Return how far the farthest of the points lies from the line through the others."""
    start, step = line[:-1], np.diff(line, axis=0)
    length = np.maximum((step**2).sum(axis=1), 1e-30)
    along = ((points[:, None] - start) * step).sum(axis=2) / length
    nearest = start + np.clip(along, 0, 1)[..., None] * step
    return np.sqrt(((points[:, None] - nearest) ** 2).sum(axis=2)).min(axis=1).max()


@exercise(
    2,
    title="A curve that no order of rows can bend",
    hints=(
        "Sort by falling score and cumulate the ones and the zeros, as the lab does. Then keep "
        "only those points at which the next score is a different one.",
        "`np.diff(sorted_scores) != 0` is true where a group of equal scores ends; the last row "
        "always ends one. Put the point (0, 0) in front.",
        "Recall is the cumulated ones over all ones, the false positive rate the cumulated zeros "
        "over all zeros; `np.trapezoid(recall, false_rate)` is the area.",
    ),
    wrong={
        "ties in the order of the rows": lambda: _roc(ties=False),
        "in a tie the ones first": lambda: _roc(ties=False, hopeful=True),
        "in a tie the zeros first": lambda: _roc(ties=False, hopeful=False),
        "lowest scores first": lambda: _roc(descending=False),
        "the origin forgotten": lambda: _roc(origin=False),
        "the axes exchanged": lambda: _roc(swap=True),
        "precision over recall": lambda: _roc(precision=True),
        "rectangles instead of trapezoids": lambda: _roc(left=True),
        "eleven fixed thresholds": lambda: _roc(levels=np.linspace(1, 0, 11)),
        "the area turned to be at least one half": lambda: (
            lambda actual, score: (*_curve(actual, score)[:2], max(_curve(actual, score)[2], 0.5))
        ),
        "the scores are sorted in place": lambda: _spoils_its_input,
        "the area alone": lambda: lambda actual, score: _curve(actual, score)[2],
        "a number instead of a function": 0.78,
    },
)
def roc_curve(answer):
    """A function of actual and score that returns false positive rates, recalls and the area."""
    expect.true(callable(answer), "A function is asked for: `def roc(actual, score)`.")
    for case, actual, score in _cases():
        actual, score = np.array(actual), np.array(score, dtype=float)
        given = score.copy(), actual.copy()
        found = _called(answer, case, actual, score)
        expect.true(
            isinstance(found, tuple | list) and len(found) == 3,
            "The function does not return three things: false positive rates, recalls, area.",
        )
        expect.true(
            np.array_equal(given[0], score) and np.array_equal(given[1], actual),
            f"{case}, your function changes the arrays that it was given.",
        )
        _points(found, case, _curve(actual, score))


def _points(found, case, right):
    try:
        false_rate, recall = (np.asarray(one, dtype=float) for one in found[:2])
    except (TypeError, ValueError):
        raise expect.Wrong(f"{case}, the first two things are not arrays of numbers.") from None
    expect.true(
        false_rate.ndim == 1 and false_rate.shape == recall.shape and len(recall) > 1,
        f"{case}, the false positive rates and the recalls are not two arrays of one length.",
    )
    ours, theirs = np.column_stack(right[:2]), np.column_stack([false_rate, recall])
    expect.true(
        np.allclose(theirs[0], (0, 0)) and np.allclose(theirs[-1], (1, 1)),
        f"{case}, the curve runs from {_point(theirs[0])} to {_point(theirs[-1])}.",
    )
    near = max(_off(ours, theirs), _off(theirs, ours)) < 1e-9
    if not near and max(_off(ours[:, ::-1], theirs), _off(theirs, ours[:, ::-1])) < 1e-9:
        raise expect.Wrong(f"{case}, recall and false positive rate have traded places.")
    if not near and max(_off(1 - ours, theirs), _off(theirs, 1 - ours)) < 1e-9:
        raise expect.Wrong(f"{case}, those with the lowest scores are named first.")
    expect.true(
        near,
        f"{case}, your curve leaves the right one. Sketch the points by hand: who is named first, "
        "and who is named at the same time?",
    )
    expect.close(
        found[2],
        right[2],
        1e-9,
        f"{case}, the points are right, but the area below them is not {_number(found[2])}.",
    )


def _point(point):
    return f"({point[0]:.2f}, {point[1]:.2f})"


def _number(value):
    return f"{float(value):.4f}" if isinstance(value, float | int | np.number) else repr(value)


def _frame(chance, cancelled):
    return pd.DataFrame({"chance": np.array(chance, dtype=float), "cancelled": cancelled})


@cache
def _payments():
    """Return cases: what is special, validation rows, test rows, cost of a miss and of a call."""
    rng = np.random.default_rng(5)

    def drawn(count):
        true = rng.beta(1, 12, count)
        return _frame((true / 3).round(4), (rng.random(count) < true).astype(int))

    many = drawn(600)
    small = _frame([0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.9], [0, 1, 0, 0, 0, 0, 1, 1, 0])
    other = _frame([0.05, 0.10, 0.20, 0.40, 0.60], [0, 0, 1, 0, 1])
    return (
        ("With nine validation rows and a miss at 40, a call at 2", small, other, 40, 2),
        (
            "Where a needless call costs more than a miss",
            _frame([0.30, 0.55, 0.60, 0.90], [1, 0, 1, 1]),
            _frame([0.30, 0.58, 0.70, 0.90], [1, 1, 0, 1]),
            3,
            25,
        ),
        (
            "Where calling nobody is cheapest",
            _frame([0.1, 0.5, 0.9], [1, 0, 0]),
            _frame([0.2, 0.95, 0.9, 0.4], [1, 0, 0, 1]),
            1,
            3,
        ),
        (
            "Where calling everybody is cheapest",
            _frame([0.001, 0.0015, 0.002, 0.5], [1, 0, 1, 0]),
            _frame([0.001, 0.002, 0.4, 0.6], [1, 0, 0, 1]),
            100,
            1,
        ),
        (
            "Where several readers have the same chance",
            _frame([0.2, 0.2, 0.2, 0.3, 0.3, 0.4], [1, 1, 0, 0, 1, 0]),
            _frame([0.2, 0.2, 0.3, 0.1, 0.4], [1, 0, 1, 1, 0]),
            10,
            3,
        ),
        (
            "With other row numbers in the frames",
            small.set_axis([11, 7, 3, 5, 2, 9, 40, 30, 20]),
            other.set_axis([90, 80, 70, 60, 50]),
            40,
            2,
        ),
        ("With 600 rows and chances that are too low", many, drawn(600), 40, 2),
        ("With 600 rows, a miss at 15 and a call at 3", many, drawn(600), 15, 3),
    )


def _total(frame, threshold, missed, needless, strict=False):
    chance = frame["chance"].to_numpy()
    called = chance > threshold if strict else chance >= threshold
    left = frame["cancelled"].to_numpy() == 1
    return float(missed * (left & ~called).sum() + needless * (~left & called).sum())


def _f1_at(frame, threshold):
    called, left = frame["chance"] >= threshold, frame["cancelled"] == 1
    return 2 * (called & left).sum() / max(called.sum() + left.sum(), 1)


def _chooser(
    choose=None,
    *,
    total=_total,
    on="validation",
    pay_on="test",
    nobody=True,
    levels=None,
    swap=False,
    mean=False,
):
    """Return a function like the one asked for, with one thing changed."""

    def choose_and_pay(validation, test, missed, needless):
        frames = {"validation": validation, "test": test}
        prices = (needless, missed) if swap else (missed, needless)
        candidates = [*frames[on]["chance"].unique(), *([np.inf] if nobody else [])]
        if levels is not None:
            candidates = levels
        if choose:
            threshold = choose(frames[on], candidates, missed, needless)
        else:
            threshold = min(candidates, key=lambda at: total(frames[on], at, *prices))
        paid = total(frames[pay_on], threshold, *prices)
        return float(threshold), paid / len(test) if mean else paid

    return choose_and_pay


def _strictly(frame, threshold, missed, needless):
    return _total(frame, threshold, missed, needless, strict=True)


def _every_call(frame, threshold, missed, needless):
    called = frame["chance"] >= threshold
    return float(missed * ((frame["cancelled"] == 1) & ~called).sum() + needless * called.sum())


@exercise(
    3,
    title="Choose here, pay there",
    hints=(
        "Write the cost of one threshold on one frame first. The choice is then a minimum over "
        "candidates, and the payment is one more call of the same function.",
        "Candidates are the chances that occur in the validation rows. A threshold above all of "
        "them, such as `np.inf`, stands for calling nobody.",
        "With a function `price(frame, at)` of your own: `min(candidates, key=lambda at: "
        "price(validation, at))`, returned together with `price(test, threshold)`. Missed: "
        "cancelled and chance < threshold.",
    ),
    wrong={
        "chosen on the test rows": lambda: _chooser(on="test"),
        "one half": lambda: _chooser(lambda *_: 0.5),
        "the formula for calibrated chances": lambda: _chooser(
            lambda frame, candidates, missed, needless: needless / (missed + needless)
        ),
        "chosen by F1": lambda: _chooser(
            lambda frame, candidates, *_: max(candidates, key=lambda at: _f1_at(frame, at))
        ),
        "the prices exchanged": lambda: _chooser(swap=True),
        "more than the threshold instead of at least": lambda: _chooser(total=_strictly),
        "every call costs": lambda: _chooser(total=_every_call),
        "calling nobody is no candidate": lambda: _chooser(nobody=False),
        "whole per cent as candidates": lambda: _chooser(levels=[*np.arange(0, 1, 0.01), np.inf]),
        "the cost of the validation rows": lambda: _chooser(pay_on="validation"),
        "the mean cost of a reader": lambda: _chooser(mean=True),
        "prices of the lab": lambda: (
            lambda validation, test, *_: _chooser()(validation, test, 40, 2)
        ),
        "the threshold alone": lambda: lambda *given: _chooser()(*given)[0],
        "numbers instead of a function": (0.05, 3000.0),
    },
)
def threshold_by_cost(answer):
    """A function of validation, test, missed and needless that returns a threshold and a cost."""
    expect.true(
        callable(answer),
        "A function is asked for: `def choose_and_pay(validation, test, missed, needless)`.",
    )
    for case, validation, test, missed, needless in _payments():
        found = _called(answer, case, validation.copy(), test.copy(), missed, needless)
        expect.true(
            isinstance(found, tuple | list) and len(found) == 2,
            "The function does not return two things: the threshold and the cost.",
        )
        threshold, paid = found
        for value, what in ((threshold, "threshold"), (paid, "cost")):
            expect.is_a(value, float, f"{case}, the {what} is not a number.")
        threshold, paid = float(threshold), float(paid)
        expect.true(not np.isnan(threshold), f"{case}, the threshold is nan.")
        prices = {"missed": missed, "needless": needless}
        _chosen(case, validation, test, threshold, prices)
        _paid(case, validation, test, threshold, paid, prices)


LAB = {"missed": 40, "needless": 2}


def _best(frame, prices):
    return min(_total(frame, at, **prices) for at in [*frame["chance"].unique(), np.inf])


def _chosen(case, validation, test, threshold, prices):
    costs, best = _total(validation, threshold, **prices), _best(validation, prices)
    if costs <= best + 1e-9:
        return
    said = f"{case}, your threshold {threshold:.4g} costs {costs:g} on the validation rows"
    if best == _total(validation, np.inf, **prices):
        raise expect.Wrong(f"{said}. Calling nobody would be cheaper.")
    if abs(threshold - prices["needless"] / sum(prices.values())) < 1e-9:
        raise expect.Wrong(f"{said}. It would suit chances that are true; these need not be.")
    if _total(validation, threshold, **prices, strict=True) <= best + 1e-9:
        raise expect.Wrong(
            f"{said}. It would be a good one if a reader with exactly that chance were not called."
        )
    if _total(validation, threshold, 40, 2) <= _best(validation, LAB) + 1e-9 and prices != LAB:
        raise expect.Wrong(
            f"{said}. It is cheapest at the prices of the lab; here they are others."
        )
    if _f1_at(validation, threshold) >= max(_f1_at(validation, at) for at in validation["chance"]):
        raise expect.Wrong(f"{said}. It has the best F1, which knows no prices.")
    swapped = {"missed": prices["needless"], "needless": prices["missed"]}
    if _total(validation, threshold, **swapped) <= _best(validation, swapped) + 1e-9:
        raise expect.Wrong(f"{said}. It is cheapest for somebody whose prices are exchanged.")
    if _total(test, threshold, **prices) <= _best(test, prices) + 1e-9:
        raise expect.Wrong(
            f"{said}, and less can be had. It suits the test rows suspiciously well."
        )
    raise expect.Wrong(f"{said}, and another threshold costs less. Which ones did it try?")


def _paid(case, validation, test, threshold, paid, prices):
    costs = _total(test, threshold, **prices)
    if abs(paid - costs) < 1e-6:
        return
    said = f"{case}, the cost {paid:g}"
    if abs(paid - _total(validation, threshold, **prices)) < 1e-6:
        raise expect.Wrong(f"{said} is what the validation rows cost. Who pays in the end?")
    if abs(paid * len(test) - costs) < 1e-6:
        raise expect.Wrong(f"{said} is that of one reader on average; the total is asked for.")
    if abs(paid - _total(test, threshold, **prices, strict=True)) < 1e-6:
        raise expect.Wrong(f"{said} leaves out the readers whose chance is exactly the threshold.")
    if abs(paid - _every_call(test, threshold, **prices)) < 1e-6:
        raise expect.Wrong(f"{said} charges for calls to those who would have cancelled, too.")
    raise expect.Wrong(f"{said} is not what your threshold {threshold:.4g} costs on the test rows.")


@cache
def _readers(count, few, number_from, shuffled):
    rng = np.random.default_rng(count)
    cancelled = np.repeat([1, 0], [few, count - few])
    frame = pd.DataFrame(
        {
            "reader": np.arange(count) + number_from,
            "age": rng.integers(18, 90, count).astype(float),
            "cancelled": rng.permutation(cancelled) if shuffled else cancelled,
        }
    )
    frame.loc[frame.index[::7], "age"] = np.nan
    return frame.set_axis(np.arange(count)[::-1] + 100) if shuffled else frame


READERS = (
    ("With 400 readers, 20 of whom cancelled", (400, 20, 1, True)),
    ("With 1,000 readers in order, the 40 who cancelled first", (1000, 40, 5000, False)),
)


def _parts(readers, seed, stratify=True, share=0.25):
    rng = np.random.default_rng(seed)
    groups = [readers[readers["cancelled"] == value] for value in (0, 1)] if stratify else [readers]
    test = pd.concat(
        [one.iloc[rng.permutation(len(one))[: round(len(one) * share)]] for one in groups]
    )
    return readers.drop(test.index), test


def _balanced(frame, seed, keep=True, only=None):
    few, many = frame[frame["cancelled"] == 1], frame[frame["cancelled"] == 0]
    wanted = len(many) - len(few) if keep else len(many)
    few_rows = few if only is None else few.iloc[:only]
    copies = few_rows.sample(wanted, replace=True, random_state=seed)
    return pd.concat([many, few, copies] if keep else [many, copies])


def _before(readers, seed):
    everything = _balanced(readers, seed).reset_index(drop=True)
    return _parts(everything, seed)


def _both(readers, seed):
    train, test = _parts(readers, seed)
    return _balanced(train, seed), _balanced(test, seed)


def _after(change, **how):
    def split_and_oversample(readers, seed):
        train, test = _parts(readers, seed, **how)
        return change(train, seed, readers), test

    return split_and_oversample


def _undersampled(train, seed, readers):
    few, many = train[train["cancelled"] == 1], train[train["cancelled"] == 0]
    return pd.concat([few, many.sample(len(few), random_state=seed)])


def _from_all(train, seed, readers):
    few = readers[readers["cancelled"] == 1]
    wanted = (train["cancelled"] == 0).sum() - (train["cancelled"] == 1).sum()
    return pd.concat([train, few.sample(wanted, replace=True, random_state=seed)])


def _twice(train, seed, readers):
    return pd.concat([train, train[train["cancelled"] == 1]])


def _invented(train, seed, readers):
    found = _balanced(train, seed)
    extra = found.index.duplicated()
    return found.assign(age=found["age"].where(~extra, found["age"] + 0.5))


@exercise(
    4,
    title="Balance only what trains",
    hints=(
        "Two steps, in this order: split, then copy. What the second step sees decides whether it "
        "is honest.",
        "`train_test_split(readers, test_size=0.25, stratify=readers['cancelled'], "
        "random_state=seed)` makes the parts; only `train` is touched after that.",
        "The copies are `few.sample(how_many, replace=True, random_state=seed)`, with `few` the "
        "cancelled rows of `train`; put them below `train` with `pd.concat`.",
    ),
    wrong={
        "oversampled before the split": lambda: _before,
        "the test rows are balanced too": lambda: _both,
        "copies drawn from all readers": lambda: _after(_from_all),
        "undersampled": lambda: _after(_undersampled),
        "not balanced at all": lambda: _after(lambda train, *_: train),
        "each cancelled row twice": lambda: _after(_twice),
        "as many copies as stayers, beside the originals": lambda: _after(
            lambda train, seed, _: pd.concat(
                [train, _balanced(train, seed, keep=False).iloc[(train["cancelled"] == 0).sum() :]]
            )
        ),
        "one reader copied many times": lambda: _after(
            lambda train, seed, _: _balanced(train, seed, only=1)
        ),
        "invented readers": lambda: _after(_invented),
        "not stratified": lambda: _after(
            lambda train, seed, _: _balanced(train, seed), stratify=False
        ),
        "a tenth for the test": lambda: _after(
            lambda train, seed, _: _balanced(train, seed), share=0.1
        ),
        "the seed is not used": lambda: (
            lambda readers, seed: _after(lambda train, one, _: _balanced(train, one))(readers, 0)
        ),
        "no seed at all": lambda: (
            lambda readers, seed: _after(lambda train, one, _: _balanced(train, one))(readers, None)
        ),
        "test first": lambda: (
            lambda readers, seed: _after(lambda train, one, _: _balanced(train, one))(
                readers, seed
            )[::-1]
        ),
        "text instead of a function": "oversample",
    },
)
def honest_oversampling(answer):
    """A function of readers and seed that returns a balanced train and an untouched test frame."""
    expect.true(
        callable(answer), "A function is asked for: `def split_and_oversample(readers, seed)`."
    )
    for case, made in READERS:
        readers = _readers(*made)
        given = readers.copy()
        first, again, other = (
            _frames(_called(answer, case, given, seed), readers, case) for seed in (1, 1, 2)
        )
        expect.true(
            given.equals(readers), f"{case}, your function changes the frame that it was given."
        )
        _test_part(case, readers, *first)
        _train_part(case, readers, *first)
        expect.true(
            _ids(first) == _ids(again), f"{case}, the same seed gives other rows the second time."
        )
        for number, part in enumerate(("train", "test")):
            expect.true(
                sorted(_ids(first)[number]) != sorted(_ids(other)[number]),
                f"{case}, two seeds give the same rows in `{part}`.",
            )


def _frames(found, readers, case):
    expect.true(
        isinstance(found, tuple | list) and len(found) == 2,
        "The function does not return two frames, `train` and `test`.",
    )
    for frame, part in zip(found, ("train", "test"), strict=True):
        expect.is_a(frame, pd.DataFrame, f"{case}, `{part}` is not a pandas frame.")
        expect.columns(frame, readers.columns)
        _as_they_came(frame, readers, part, case)
    return found


def _as_they_came(frame, readers, part, case):
    known = readers.set_index("reader")
    expect.true(
        frame["reader"].isin(known.index).all(), f"{case}, `{part}` has readers whom nobody knows."
    )
    there = known.loc[frame["reader"], ["age", "cancelled"]].to_numpy(dtype=float)
    here = frame[["age", "cancelled"]].to_numpy(dtype=float)
    expect.true(
        np.array_equal(here, there, equal_nan=True),
        f"{case}, `{part}` has readers with other values than theirs. A copy is a copy.",
    )


def _ids(frames):
    return [frame["reader"].tolist() for frame in frames]


def _test_part(case, readers, train, test):
    shared = set(train["reader"]) & set(test["reader"])
    expect.true(
        not shared,
        f"{case}, {len(shared)} readers are in `train` and in `test`. The model would be "
        "examined on rows that it has seen.",
    )
    twice = int(test["reader"].duplicated().sum())
    expect.true(
        twice == 0,
        f"{case}, `test` holds {twice} copies. Real life has each of them once.",
    )
    expect.true(
        abs(len(test) - len(readers) / 4) <= 1,
        f"{case}, `test` has {len(test)} rows. The text asks for another share of them.",
    )
    expect.true(
        abs(int(test["cancelled"].sum()) - readers["cancelled"].sum() / 4) <= 1,
        f"{case}, {int(test['cancelled'].sum())} of those in `test` cancelled. Its share is not "
        "that of the whole.",
    )


def _train_part(case, readers, train, test):
    rest = set(readers["reader"]) - set(test["reader"])
    lost = len(rest - set(train["reader"]))
    expect.true(
        lost == 0,
        f"{case}, {lost} readers are neither in `train` nor in `test`. Rows have been thrown away.",
    )
    stayed, left = (train.loc[train["cancelled"] == value, "reader"] for value in (0, 1))
    expect.true(
        not stayed.duplicated().any(), f"{case}, readers who stayed are in `train` more than once."
    )
    expect.true(
        len(stayed) == len(left),
        f"{case}, `train` has {len(left)} rows that cancelled and {len(stayed)} that stayed.",
    )
    most = int(left.value_counts().max())
    fair = len(left) / left.nunique()
    expect.true(
        most < 5 * fair,
        f"{case}, one reader is in `train` {most} times. From whom are the copies drawn?",
    )
