"""Reference coefficients and standard errors for tests/reference.rs, from pyfixest, statsmodels and linearmodels.

The data sets are generated from integers by `panel`, which tests/panel/mod.rs repeats bit for bit, so that the
fixture contains results only. Coefficients and standard errors are those of pyfixest. Each data set with few levels is
checked against statsmodels with an indicator column for each level, the others against linearmodels, and
Driscoll-Kraay's errors against a plain double sum, which alone serves where hours are missing: pyfixest closes gaps in
time. Run it after a change of the data sets:

    pip install -r requirements.txt
    python reference.py > reference.json

Takes two minutes.
"""

import json
import sys

import numpy as np
import pandas as pd
import pyfixest as pf
import statsmodels.api as sm
from linearmodels.iv import AbsorbingLS

MASK = (1 << 64) - 1
COLUMNS = ["temperature", "cold", "warm", "hot", "wet", "wet_before", "pressure", "pressure_before", "pressure_change", "city_number", "month_number"]
KEYS = ["one", "city", "city_hour_of_day", "city_day_of_week", "city_hour_of_week", "city_month", "date", "hour"]


class SplitMix:
    """Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators"."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def uniform(self):
        return (self.next() >> 11) * 2.0**-53

    def normal(self):
        """Nearly normal, by additions alone, which round equally everywhere."""
        total = 0.0
        for _ in range(12):
            total += self.uniform()
        return total - 6.0


def city_rows(d, city, shock):
    random = SplitMix(d["seed"] * 1000 + city + 1)
    temperature = pressure = noise = 0.0
    wet, history, rows = 0, [], []
    for t in range(d["hours"]):
        temperature = 0.9 * temperature + random.normal()
        pressure = 0.95 * pressure + random.normal()
        noise = 0.6 * noise + random.normal()
        if random.uniform() < (0.2 if wet else 0.05):
            wet = 1 - wet
        is_missing = random.uniform() * 100.0 < d["gap"] or d["outage"][0] <= t < d["outage"][1]
        posts = 1 + int(random.uniform() * 40.0)
        history.append((pressure, wet))
        before = history[t - 3][0] if t >= 3 else 0.0
        y = 2.0 + 0.1 * city + 0.02 * (t % 24) - 0.3 * wet + 0.05 * temperature + 0.3 * noise + 0.2 * shock[t]
        day, month = t // 24, t // 720
        if is_missing:
            continue
        rows.append((
            temperature, float(temperature < -1.0), float(temperature >= 1.0), float(temperature >= 50.0), float(wet),
            float(history[t - 1][1] if t else 0), pressure, before, pressure - before, float(city), float(month),
            0, city, city * 24 + t % 24, city * 7 + day % 7, city * 168 + t % 168, city * 1000 + month, day, t,
            y, float(posts) if d["weighted"] else 1.0,
        ))  # fmt: skip
    return rows


def panel(d):
    random, shock, value = SplitMix(d["seed"]), [], 0.0
    for _ in range(d["hours"]):
        value = 0.7 * value + 0.5 * random.normal()
        shock.append(value)
    rows = [row for city in range(d["cities"]) for row in city_rows(d, city, shock)]
    return pd.DataFrame(rows, columns=COLUMNS + KEYS + ["y", "weight"])


def data(name, seed, cities, hours, columns, effects, errors, **options):
    return {"name": name, "seed": seed, "cities": cities, "hours": hours, "columns": columns.split(),
            "effects": effects.split(), "errors": errors, "gap": 0, "outage": [0, 0], "weighted": False, **options}  # fmt: skip


def data_sets():
    usual = "cold warm wet pressure_change"
    weekly = "city_hour_of_week city_month"
    daily = "city_hour_of_day city_day_of_week city_month"
    dk = [{"hours": lags} for lags in (0, 5, 40)]
    ways = [{"hc1": 0}, {"clusters": ["date"]}, *dk]
    all_ways = [*ways, {"clusters": ["city"]}, {"clusters": ["date", "city"]}, {"clusters": ["city", "date"]}]
    yield data("one city, a constant only", 1, 1, 300, usual, "one", ways)
    yield data("one city, weekly cycle and months", 2, 1, 2000, usual, weekly, ways)
    yield data("one city, daily cycle and days of the week", 3, 1, 800, usual, daily, ways)
    yield data("one city, hours missing", 4, 1, 900, usual, daily, ways, gap=15)
    yield data("one city, an outage", 5, 1, 1200, usual, daily, ways, outage=[500, 650])
    yield data("one city, weighted", 6, 1, 800, usual, daily, ways, weighted=True)
    yield data("one city, weighted, hours missing", 7, 1, 2400, usual, weekly, ways, weighted=True, gap=10)
    yield data("an empty bin", 8, 1, 700, "cold warm hot wet", daily, ways)
    yield data("pressure and its change", 9, 1, 700, "pressure pressure_before pressure_change wet", daily, ways)
    yield data("a column that the effects explain", 10, 2, 600, "city_number month_number wet temperature", daily, all_ways)
    yield data("two cities", 11, 2, 900, usual, daily + " date", all_ways)
    yield data("two cities, weighted, hours missing", 12, 2, 900, usual, daily + " date", all_ways, weighted=True, gap=20)
    yield data("three cities, an outage of all", 13, 3, 800, usual + " wet_before", daily + " date", all_ways, outage=[300, 420])
    yield data("five cities, weekly cycle", 14, 5, 1000, usual, weekly + " date", all_ways)
    yield data("five cities, half of the hours missing", 15, 5, 1000, usual, weekly + " date", all_ways, gap=50, weighted=True)
    yield data("twelve cities, a line", 16, 12, 500, "temperature wet", daily + " date", all_ways)
    yield data("fifty cities", 17, 50, 400, usual, daily + " date", all_ways, gap=5)
    yield data("fifty cities, weighted, weekly cycle", 18, 50, 720, usual, weekly + " date", all_ways, weighted=True)
    yield data("all collinear at once, weighted", 19, 3, 700, "cold warm hot pressure pressure_before pressure_change wet city_number", daily + " date", all_ways, weighted=True, gap=5)
    yield data("one cluster", 20, 1, 600, usual, daily, [{"clusters": ["city"]}])


def driscoll_kraay(fit, frame, lags, k):
    """The plain double sum over hours, in which a missing hour keeps its place."""
    first, last = frame["hour"].min(), frame["hour"].max()
    sums = np.zeros((last - first + 1, fit._scores.shape[1]))
    np.add.at(sums, frame["hour"].to_numpy() - first, fit._scores)
    meat = sums.T @ sums
    for lag in range(1, min(lags, len(sums) - 1) + 1):
        gamma = sums[lag:].T @ sums[:-lag]
        meat += (1 - lag / (lags + 1)) * (gamma + gamma.T)
    n, t = len(frame), frame["hour"].nunique()
    bread = np.linalg.inv(fit._hessian)
    return np.sqrt(np.diag(bread @ meat @ bread) * (n - 1) / (n - k) * t / (t - 1))


def standard_errors(fit, frame, error):
    k = fit._k + int(fit._k_fe.sum()) - (fit._n_fe - 1)
    if "hc1" in error:
        fit.vcov("HC1")
    elif "hours" in error:
        lags = error["hours"]
        ours = driscoll_kraay(fit, frame, lags, k)
        if frame["hour"].nunique() == frame["hour"].max() - frame["hour"].min() + 1 and lags > 0:
            fit.vcov("DK", {"time_id": "hour", "panel_id": "city", "lag": lags})
            np.testing.assert_allclose(fit.se().to_numpy(), ours, rtol=1e-9)
        return ours.tolist()
    elif frame[error["clusters"][0]].nunique() < 2:
        return None
    else:
        fit.vcov({"CRV1": "+".join(error["clusters"])})
    # A negative variance, which two-way clusters may give, has no standard error.
    return [None if np.isnan(v) else v for v in fit.se().to_numpy()]


def check(d, frame, fit, kept):
    """Compares the coefficients with those of another package."""
    x = frame[kept].to_numpy()
    levels = sum(frame[effect].nunique() for effect in d["effects"])
    if levels <= 1200:
        dummies = [pd.get_dummies(frame[effect]).to_numpy(float) for effect in d["effects"]]
        model = sm.WLS(frame["y"], np.column_stack([x, *dummies]), weights=frame["weight"])
        other, by = model.fit().params.to_numpy()[: len(kept)], "statsmodels"
    else:
        absorb = frame[d["effects"]].astype("category")
        model = AbsorbingLS(frame["y"], frame[kept], absorb=absorb, weights=frame["weight"])
        other, by = model.fit(method="lsmr", absorb_options={"atol": 1e-14, "btol": 1e-14, "maxiter": 10000}).params.to_numpy(), "linearmodels"
    difference = float(np.abs(other - fit.coef().to_numpy()).max())
    print(f"{d['name']}: {len(frame)} rows, {by} differs by {difference:.1e}", file=sys.stderr)
    assert difference < 1e-9, d["name"]


def results(d):
    frame = panel(d)
    formula = f"y ~ {' + '.join(d['columns'])} | {' + '.join(d['effects'])}"
    demeaner = pf.MapDemeaner(fixef_tol=1e-13, fixef_maxiter=100_000)
    fit = pf.feols(formula, frame, weights="weight", fixef_rm="none", demeaner=demeaner)
    kept = list(fit.coef().index)
    check(d, frame, fit, kept)
    errors = [{**error, "se": standard_errors(fit, frame, error)} for error in d["errors"]]
    return {**d, "rows": len(frame), "sum": float(frame["y"].sum()), "kept": kept,
            "coefficients": fit.coef().tolist(), "errors": errors}  # fmt: skip


if __name__ == "__main__":
    lines = [json.dumps(results(d), separators=(",", ":")) for d in data_sets()]
    print("[\n" + ",\n".join(lines) + "\n]")
