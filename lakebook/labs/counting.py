"""Count the models that a search fits, by watching the estimator's own ``fit``."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass
class Fits:
    """How many models have been fitted so far: `total`, a count."""

    total: int = 0


@contextlib.contextmanager
def counting(estimator: type[Any]) -> Iterator[Fits]:
    """Count every model that an estimator class fits inside the ``with`` block.

    `estimator` is a class of ``pyspark.ml`` or scikit-learn, such as ``RandomForestClassifier``;
    subclasses count too unless they bring their own ``fit``. Yields a `Fits` whose `total` grows
    as models are fitted, from any thread of this process. A fit that raises is not counted.

    Raises TypeError if `estimator` is not a class with a ``fit``.
    """
    if not isinstance(estimator, type) or not callable(getattr(estimator, "fit", None)):
        raise TypeError(
            f"counting() needs an estimator class, such as RandomForestClassifier, "
            f"not {estimator!r}; leave out the parentheses after the class"
        )
    fits, guard = Fits(), threading.Lock()
    original = estimator.fit
    own = "fit" in vars(estimator)

    @functools.wraps(original)
    def fit(self: Any, *args: Any, **kwargs: Any) -> Any:
        model = original(self, *args, **kwargs)
        # Given a list of settings, Spark calls fit() again for each; only those calls are fits.
        if not isinstance(model, list):
            with guard:
                fits.total += 1
        return model

    estimator.fit = fit
    try:
        yield fits
    finally:
        if own:
            estimator.fit = original
        else:
            del estimator.fit
