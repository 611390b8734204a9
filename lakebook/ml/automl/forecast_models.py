"""The forecasters as a notebook shows them: seasonal naive, Prophet, ARIMA on waves.

Each is a class with `fit`, `predict`, and `save` and `restore` as text, so that a model of many
series is small and a worker sends it back as a column.
"""

from __future__ import annotations

NAIVE = '''
class Naive:
    """The last season once more; every other model has to be better than it."""

    def fit(self, history):
        values = history["y"].tolist()
        self.last = values[-season:] if len(values) >= season else values[-1:]
        self.end = history["ds"].iloc[-1]
        return self

    def predict(self, times):
        ahead = steps_after(self.end, times)
        again = np.array(self.last)[(ahead - 1) % len(self.last)]
        return np.where(ahead > 0, again, np.nan)

    def save(self):
        return json.dumps({"last": self.last, "end": str(self.end)})

    def restore(self, text):
        told = json.loads(text)
        self.last, self.end = told["last"], pd.Timestamp(told["end"])
        return self
'''

PROPHET = '''
from prophet import Prophet
from prophet.serialize import model_from_json, model_to_json


class ByProphet:
    """Prophet, without samples of its uncertainty, which take most of the time."""

    def __init__(self, with_holidays=True, **params):
        self.params = params | {"holidays": holidays if with_holidays else None}

    def fit(self, history):
        self.model = Prophet(**self.params, uncertainty_samples=0)
        self.model.fit(history.loc[history["seen"], ["ds", "y"]])
        return self

    def predict(self, times):
        times = pd.DatetimeIndex(times)
        found = self.model.predict(pd.DataFrame({"ds": times.unique()}))
        return found.set_index("ds")["yhat"].loc[times].to_numpy()  # it sorts by time

    def save(self):
        return model_to_json(self.model)

    def restore(self, text):
        self.model = model_from_json(text)
        return self
'''

ARIMA = '''
from statsmodels.tsa.statespace.sarimax import SARIMAX
from threadpoolctl import threadpool_limits


class ByArima:
    """A line, waves and holidays by least squares; auto-ARIMA on what these leave over.

    A season as long as a year is out of reach of a seasonal ARIMA, and waves are as
    good for the short ones. The orders are chosen at the first cutoff; at later ones
    only the coefficients are estimated.
    """

    def __init__(self, recent=200, **params):
        self.recent, self.params, self.order = recent, params, None

    def fit(self, history):
        self.start, count = history["ds"].iloc[0], len(history)
        self.waves = [[p, k] for p, k in waves.items() if count >= 2 * p]
        days = history["ds"].dt.normalize()
        self.closed = holidays is not None and bool(days.isin(holidays["ds"]).any())
        parts = self.parts(history["ds"])
        seen = history["seen"].to_numpy()
        y = history["y"].to_numpy()
        self.weights = np.linalg.lstsq(parts[seen], y[seen], rcond=None)[0]
        self.rest = (y - parts @ self.weights)[-self.recent :]
        self.end = history["ds"].iloc[-1]
        with threadpool_limits(limits=1):  # more threads make small matrices slow
            self.estimate()
        return self

    def estimate(self):
        if self.order is None:
            from pmdarima.arima import StepwiseContext, auto_arima

            with StepwiseContext(max_steps=12):
                found = auto_arima(
                    self.rest,
                    seasonal=False,
                    maxiter=20,
                    suppress_warnings=True,
                    error_action="ignore",
                    **self.params,
                )
            self.order, self.trend = found.order, "c" if found.with_intercept else None
            self.coefficients = found.arima_res_.params
        else:
            again = self.arima().fit(start_params=self.coefficients, disp=0, maxiter=20)
            self.coefficients = again.params

    def arima(self):
        return SARIMAX(self.rest, order=self.order, trend=self.trend)

    def parts(self, times):
        """Return the columns of the regression, one row a time."""
        at = steps_after(self.start, times)
        columns = [np.ones(len(at)), at / 1000]
        for period, pairs in self.waves:
            for k in range(1, pairs + 1):
                angle = 2 * np.pi * k * at / period
                columns += [np.sin(angle), np.cos(angle)]
        if self.closed:
            days = pd.Series(times).dt.normalize().array
            for _, one in holidays.groupby("holiday", sort=True):
                columns.append(np.isin(days, one["ds"].array).astype(float))
        return np.column_stack(columns)

    def predict(self, times):
        ahead = steps_after(self.end, times)
        if not len(ahead) or ahead.max() <= 0:
            return np.full(len(ahead), np.nan)
        with threadpool_limits(limits=1):
            known = self.arima().filter(self.coefficients)
            rest = known.forecast(int(ahead.max()))
        found = np.where(ahead > 0, rest[np.maximum(ahead, 1) - 1], np.nan)
        return self.parts(times) @ self.weights + found

    def save(self):
        told = {"start": str(self.start), "end": str(self.end)}
        for key in ("order", "trend", "waves", "closed"):
            told[key] = getattr(self, key)
        for key in ("weights", "rest", "coefficients"):
            told[key] = getattr(self, key).tolist()
        return json.dumps(told)

    def restore(self, text):
        told = json.loads(text)
        for key in ("start", "end"):
            told[key] = pd.Timestamp(told[key])
        for key in ("weights", "rest", "coefficients"):
            told[key] = np.array(told[key])
        told["order"] = tuple(told["order"])
        self.__dict__.update(told)
        return self
'''

SOURCES = {"prophet": PROPHET, "arima": ARIMA}
CLASSES = {"prophet": "ByProphet", "arima": "ByArima"}
