"""The text of the cells that make, validate, judge and keep the forecasts of all series."""

from __future__ import annotations

SERIES_TEXT = """
## Series

Values on the same time become their mean; for their sum, change it here. Every step gets a row:
where there was no value the one before it stands, and `seen` is false. Such rows keep a model of
steps going, and no score counts them.
"""

SERIES = '''
def at_every_step(values):
    """Return a series with a row for each step, given its values by time."""
    every = pd.date_range(values.index[0], values.index[-1], freq=step)
    values = values.reindex(every)
    seen = values.notna().array
    return pd.DataFrame({"ds": every, "y": values.ffill().array, "seen": seen})


rows = data.sort_values([*identity, time])
rows["series"] = rows.groupby(identity).ngroup() if identity else 0
keys = rows.drop_duplicates("series").set_index("series")[identity]
means = rows.groupby(["series", time])[target].mean()
history = pd.concat(
    {number: at_every_step(one.droplevel(0)) for number, one in means.groupby(level=0)}
)
history = history.droplevel(1).rename_axis("series").reset_index()
history.groupby("series")["ds"].agg(["min", "max", "size"])
'''

STEPS_AFTER = '''
import json


def steps_after(start, times):
    """Return how many steps each time is after `start`; -1 where it is no such step."""
    times = pd.DatetimeIndex(times)
    if not len(times):
        return np.array([], dtype=int)
    every = pd.date_range(start, max(times.max(), start), freq=step)
    return every.get_indexer(times)

'''

HOLIDAYS = """
from prophet.make_holidays import make_holidays_df

years = range(history["ds"].min().year, history["ds"].max().year + 5)
holidays = make_holidays_df(years, country)
sorted(holidays["holiday"].unique())
"""

VALIDATE_TEXT = """
## Validate by rolling origin, all series in one Spark job

A cutoff pretends to be today: the model knows the steps before it, and is judged by the whole
horizon after it. The last fit knows everything and makes the forecast to keep. A model that fails
on a series leaves that series to the naive forecast, and says why.
"""

VALIDATE = '''
def one_series(history):
    """Return forecasts of a series at its cutoffs, then the one to keep."""
    import logging
    import warnings

    for chatty in ("prophet", "cmdstanpy"):
        logging.getLogger(chatty).disabled = True  # a line for each fit
    warnings.simplefilter("ignore")
    number = int(history["series"].iloc[0])
    history = history.sort_values("ds", ignore_index=True)
    # What was never negative stays so.
    floor = 0.0 if history["y"].min() >= 0 else -np.inf
    settings = dict(candidates[wanted[number]])
    model = classes[settings.pop("kind")](**settings)
    failed, found = "", []
    count = len(history)
    origins = [count - k * horizon for k in range(cutoffs, 0, -1)]
    for known in [*(known for known in origins if known >= least), count]:
        past, held = history[:known], history[known : known + horizon]
        if known == count:
            times = pd.date_range(past["ds"].iloc[-1], periods=horizon + 1, freq=step)
            held = pd.DataFrame({"ds": times[1:], "y": np.nan, "seen": False})
        naive = Naive().fit(past)
        rows = held.assign(cutoff=past["ds"].iloc[-1], future=known == count)
        rows["naive"] = np.maximum(naive.predict(rows["ds"]), floor)
        rows["model"], rows["fitted"], rows["fitted_naive"] = np.nan, None, None
        try:
            if count < least + horizon:
                raise ValueError("too short to be validated")
            if not failed:
                rows["model"] = np.maximum(model.fit(past).predict(rows["ds"]), floor)
        except Exception as error:  # one series does not stop the others
            failed = f"{type(error).__name__}: {error}"[:300]
        if known == count:
            rows.loc[rows.index[0], "fitted_naive"] = naive.save()
            if not failed:
                rows.loc[rows.index[0], "fitted"] = model.save()
        found.append(rows)
    found = pd.concat(found).assign(series=number, failed=failed)
    if failed:
        found["model"] = np.nan
    return found[columns]


schema = (
    "series int, cutoff timestamp_ntz, ds timestamp_ntz, future boolean, y double, "
    "seen boolean, model double, naive double, fitted string, fitted_naive string, "
    "failed string"
)
columns = [part.split()[0] for part in schema.split(", ")]
'''

JOB = """
from lakebook.runtime.session import get_spark

spark = get_spark()
sent = spark.createDataFrame(
    history, "series int, ds timestamp_ntz, y double, seen boolean"
)
# Spark would put so few rows into one partition, and fit one series after the other.
spread = sent.repartition(partitions, "series").groupBy("series")
result = spread.applyInPandas(one_series, schema).toPandas()
result = result.sort_values(["series", "cutoff", "ds"], ignore_index=True)
result.groupby("future").size()
"""

METRICS_TEXT = """
## Metrics

Of each series and cutoff, then the mean over cutoffs, then over series (by weight if there is one).
A series keeps its model only if that is at least as good as the naive forecast.
"""

METRICS = '''
def errors(actual, forecast):
    """Return the metrics of one horizon."""
    error = np.abs(actual - forecast)
    size = (np.abs(actual) + np.abs(forecast)) / 2
    some = actual != 0
    share = error[some] / np.abs(actual[some])
    zeros = np.zeros_like(error)  # where forecast and value are both zero
    return {
        "smape": np.divide(error, size, out=zeros, where=size != 0).mean(),
        "mse": (error**2).mean(),
        "rmse": (error**2).mean() ** 0.5,
        "mae": error.mean(),
        "mdape": np.median(share) if some.any() else np.nan,
    }


held = result[~result["future"] & result["seen"]]
scores = {}
for name in ("model", "naive"):
    of_each = {
        where: errors(one["y"].to_numpy(), one[name].to_numpy())
        for where, one in held.groupby(["series", "cutoff"])
    }
    of_each = pd.DataFrame.from_dict(of_each, orient="index")
    scores[name] = of_each.groupby(level=0).mean()
by_model = scores["model"][metric] <= scores["naive"][metric]
chosen = by_model.map({True: "model", False: "naive"})
chosen = chosen.reindex(keys.index, fill_value="naive")  # short series have no score
of_series = scores["model"].where(by_model, scores["naive"])
counts = pd.Series(1.0, keys.index)
if weight:
    counts = rows.groupby("series")[weight].first()
counts = counts[of_series.index]


def overall(table):
    """Return the mean of each metric over the series for which it is defined."""
    return {
        name: float(np.average(column[known], weights=counts[known]))
        if (known := column.notna() & (counts > 0)).any()
        else float("nan")
        for name, column in table.items()
    }


metrics = {f"val_{name}": value for name, value in overall(of_series).items()}
metrics |= {f"naive_{name}": value for name, value in overall(scores["naive"]).items()}
metrics["series"] = float(len(keys))
metrics["series_by_naive"] = float((chosen == "naive").sum())
failures = result[result["failed"] != ""].groupby("series")["failed"].first()
pd.Series(metrics).round(4)
'''

INTERVAL_TEXT = """
## Interval

Nineteen of twenty values should lie inside. It comes from what was really missed after the cutoffs,
not from what the model thinks of itself.
"""

INTERVAL = '''
def interval(missed):
    """Return how far below and above a forecast 95 % of values are."""
    if len(missed) >= 40:
        return tuple(np.quantile(missed, [0.025, 0.975]))
    half = 1.96 * float((missed**2).mean() ** 0.5) if len(missed) else 0.0
    return -half, half


intervals = {}
for number, one in history.groupby("series"):
    missed = held[held["series"] == number]
    missed = missed["y"] - missed[chosen[number]]
    if missed.empty:  # a short series: from one season to the next
        missed = one["y"].diff(season if len(one) > season else 1).dropna()
    intervals[number] = interval(missed.to_numpy())
'''

LOG_TEXT = """
## Model and log

One model for all series: it takes a frame with identity and time, and returns the forecast of each
row with its interval. Requirements are named, so none is inferred.
"""

MODEL = '''
class Forecaster(mlflow.pyfunc.PythonModel):
    """Forecasts of many series; `fitted` has kind, text, interval and floor of each."""

    def __init__(self, fitted):
        self.fitted = fitted

    def one(self, key, times):
        """Return forecast, lower and upper for times of one series."""
        if key not in self.fitted:
            named = ", ".join(f"{k}={v}" for k, v in zip(identity, key, strict=True))
            raise ValueError(f"no series {named}; it was not in the data")
        kind, text, (low, high), floor = self.fitted[key]
        found = classes[kind]().restore(text).predict(times)
        table = {"forecast": found, "lower": found + low, "upper": found + high}
        return pd.DataFrame(table).clip(lower=floor)

    def predict(self, context, model_input: pd.DataFrame, params=None) -> pd.DataFrame:
        asked = model_input.assign(**{time: pd.to_datetime(model_input[time])})
        groups = asked.groupby(identity) if identity else [((), asked)]
        found = [self.one(key, one[time]).set_index(one.index) for key, one in groups]
        answer = pd.concat(found).loc[asked.index]
        return pd.concat([asked[[*identity, time]], answer], axis=1)


last = result[result["future"]].drop_duplicates("series").set_index("series")
lowest = history.groupby("series")["y"].min()
fitted = {
    tuple(key): (
        candidates[wanted[number]]["kind"] if chosen[number] == "model" else "naive",
        last.loc[number, "fitted" if chosen[number] == "model" else "fitted_naive"],
        intervals[number],
        0.0 if lowest[number] >= 0 else -np.inf,
    )
    for number, key in zip(keys.index, keys.to_numpy(dtype=object), strict=True)
}
forecaster = Forecaster(fitted)

future = result[result["future"]]
edges = pd.DataFrame.from_dict(intervals, orient="index")
edges = edges.loc[future["series"]].to_numpy()
forecasts = keys.loc[future["series"]].reset_index(drop=True)
forecasts[time] = future["ds"].array
model_is_used = (chosen.loc[future["series"]] == "model").to_numpy()
forecasts["forecast"] = np.where(model_is_used, future["model"], future["naive"])
floors = np.where(lowest.loc[future["series"]] >= 0, 0.0, -np.inf)
for number, name in enumerate(("lower", "upper")):
    forecasts[name] = np.maximum(forecasts["forecast"] + edges[:, number], floors)
forecasts.head()
'''

LOG = """
from mlflow.models import infer_signature

requirements = REQUIREMENTS
example = forecasts[[*identity, time]].head(3)
signature = infer_signature(example, forecasts.head(3))
with mlflow.start_run(
    run_name=run_name,
    experiment_id=experiment_id,
    parent_run_id=parent_run,
    nested=True,
) as run:
    mlflow.log_params({"horizon": horizon, "country_code": country, "step": step})
    several = {"kind": "best of each series"}
    mlflow.log_params(candidates[0] if len(candidates) == 1 else several)
    mlflow.log_metrics(metrics)
    logged = mlflow.pyfunc.log_model(
        name="model",
        python_model=forecaster,
        signature=signature,
        input_example=example,
        pip_requirements=requirements,
    )
logged.model_uri
"""

PICTURE = """
import matplotlib.pyplot as plt

number = keys.index[0]  # any series
past = history[history["series"] == number].tail(2 * horizon + season)
ahead = forecasts[(future["series"] == number).to_numpy()]
judged = held[(held["series"] == number) & (held["ds"] >= past["ds"].min())]
fig, ax = plt.subplots(figsize=(9, 3.5))
ax.plot(past["ds"], past["y"], color="black", lw=0.8, label="history")
ax.plot(judged["ds"], judged[chosen[number]], lw=0.8, label="forecast at a cutoff")
ax.plot(ahead[time], ahead["forecast"], label="forecast")
edges = ahead["lower"], ahead["upper"]
ax.fill_between(ahead[time], *edges, alpha=0.3, label="95 % interval")
title = ", ".join(f"{name} {value}" for name, value in keys.loc[number].items())
ax.set(xlabel=time, ylabel=target, title=title)
ax.legend(fontsize="small", ncols=4);
"""

USE_TEXT = """
## Register and score

With `register_as` set to a three-level name above, the model becomes a version in the registry.
Scored is with the logged model, as a job would: the rows say which series and which times.
"""

USE = """
if register_as:
    version = mlflow.register_model(logged.model_uri, register_as)
    print(f"models:/{register_as}/{version.version}")
again = mlflow.pyfunc.load_model(logged.model_uri)
again.predict(example)
"""
