"""Measure forecasts of AutoML beside Prophet with its defaults and the seasonal-naive forecast.

    python tests/benchmarks/automl_forecast.py [--stores 3] [--items 4] [--horizon 90] [--minutes 3]

All forecast the last `horizon` days of `store_items`, which none of them has seen: the search with
all series at once, plain Prophet one series after the other in one process. Printed are the error
(smape) of each series, how many of these days lie in the 95 % interval of AutoML, and seconds a
series: of the whole search, of each of its trials (fits at three cutoffs and on all days, and the
forecast), of Prophet fitted once, and of Prophet with its own cross-validation at the same three
cutoffs. Nothing is asserted, for times depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
import time

import numpy as np
import pandas as pd

IDENTITY = ["store", "item"]
CUTOFFS = 3


def smape(actual: pd.Series, forecast: pd.Series) -> float:
    """Return the symmetric mean absolute percentage error, from 0 to 2."""
    error = np.abs(actual.to_numpy(float) - forecast.to_numpy(float))
    size = (np.abs(actual.to_numpy(float)) + np.abs(forecast.to_numpy(float))) / 2
    return float(np.divide(error, size, out=np.zeros_like(error), where=size > 0).mean())


def plain(history: pd.DataFrame, horizon: int) -> tuple[pd.Series, float, float]:
    """Return Prophet's forecast, its seconds, and those with cross-validation."""
    from prophet import Prophet
    from prophet.diagnostics import cross_validation

    begun = time.perf_counter()
    model = Prophet().fit(history)
    ahead = model.predict(model.make_future_dataframe(horizon, include_history=False))
    once = time.perf_counter() - begun
    last = history["ds"].max()
    cutoffs = [last - pd.Timedelta(days=n * horizon) for n in range(CUTOFFS, 0, -1)]
    cross_validation(model, horizon=f"{horizon} days", cutoffs=cutoffs, disable_tqdm=True)
    return ahead["yhat"], once, time.perf_counter() - begun


def main() -> None:
    """Measure, and print a line for each series and each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stores", type=int, default=3)
    parser.add_argument("--items", type=int, default=4)
    parser.add_argument("--horizon", type=int, default=90)
    parser.add_argument("--minutes", type=float, default=3)
    given = parser.parse_args()
    os.environ.setdefault("LAKEBOOK_HOME", tempfile.mkdtemp())

    from lakebook.datasets import load
    from lakebook.ml.automl import forecast
    from lakebook.runtime import tracking
    from lakebook.runtime.session import get_spark

    tracking.prepare()
    get_spark()
    for chatty in ("prophet", "cmdstanpy"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    sales = load("store_items")
    sales = sales[(sales["store"] <= given.stores) & (sales["item"] <= given.items)]
    cut = sales["date"].max() - pd.Timedelta(days=given.horizon)
    history, held = sales[sales["date"] <= cut], sales[sales["date"] > cut]

    begun = time.perf_counter()
    found = forecast(
        history,
        target_col="sales",
        time_col="date",
        identity_col=IDENTITY,
        horizon=given.horizon,
        timeout_minutes=given.minutes,
    )
    searched = time.perf_counter() - begun
    print(found)
    ours = found.best_trial.load_model().predict(held[[*IDENTITY, "date"]])
    ours["sales"] = held["sales"]
    ours["inside"] = ours["sales"].between(ours["lower"], ours["upper"])

    # Its first fit also loads the compiled model; that is not counted.
    some = history[(history["store"] == 1) & (history["item"] == 1)].tail(100)
    plain(some.set_axis(["ds", "store", "item", "y"], axis=1), 7)
    lines, once, validated = [], [], []
    for key, one in history.groupby(IDENTITY):
        actual = held[(held[IDENTITY] == key).all(axis=1)]["sales"].reset_index(drop=True)
        yhat, first, all_of_it = plain(
            one.rename(columns={"date": "ds", "sales": "y"})[["ds", "y"]], given.horizon
        )
        once.append(first)
        validated.append(all_of_it)
        mine = ours[(ours[IDENTITY] == key).all(axis=1)]
        naive = pd.Series(np.resize(one["sales"].to_numpy()[-7:], given.horizon))
        lines.append(
            {
                "series": "-".join(map(str, key)),
                "ours": smape(actual, mine["forecast"]),
                "naive": smape(actual, naive),
                "prophet": smape(actual, yhat),
                "inside": mine["inside"].mean(),
            }
        )
    table = pd.DataFrame(lines).set_index("series")
    print(f"\nerror (smape) of the last {given.horizon} days")
    print(table.to_string(float_format="{:.4f}".format))
    print("mean  " + "  ".join(f"{name} {value:.4f}" for name, value in table.mean().items()))
    better = (table["ours"] <= table["naive"]).sum()
    print(f"ours at least as good as seasonal-naive on {better} of {len(table)} series")
    print(f"ours / plain Prophet: {table['ours'].mean() / table['prophet'].mean():.3f}")

    count = len(table)
    print("\nseconds a series")
    print(f"  the whole search, {len(found.trials)} trials: {searched / count:.2f}")
    for trial in found.trials:
        minutes = float(trial.duration.split()[0])
        print(f"  {trial.model_description.partition('(')[0]}: {60 * minutes / count:.2f}")
    print(f"  plain Prophet, fitted once, not validated: {np.mean(once):.2f}")
    print(f"  plain Prophet with its cross-validation: {np.mean(validated):.2f}")


if __name__ == "__main__":
    main()
