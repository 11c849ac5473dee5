"""Generates `reference.json`: data sets with values by scipy, statsmodels and arch.

The script shares nothing with the crate: the values come from functions of scipy and statsmodels,
the block length and the long-run variance from arch. Run it after a change of the data sets:

    pip install scipy==1.17.1 statsmodels==0.15.0 arch==8.0.0
    python reference.py > reference.json
"""

import json
import sys

import numpy as np
import statsmodels.api as sm
from arch.bootstrap import optimal_block_length
from arch.covariance.kernel import QuadraticSpectral
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW
from statsmodels.tsa.stattools import acf, acovf

FIRST = 420_000  # a Tuesday, 00 UTC
RANDOM = np.random.default_rng(20260101)


def ar(n, phi):
    noise = RANDOM.normal(size=n)
    out = np.empty(n)
    out[0] = noise[0]
    for t in range(1, n):
        out[t] = phi * out[t - 1] + np.sqrt(1 - phi * phi) * noise[t]
    return out


def feeling(values):
    return np.clip(2 + 0.4 * np.asarray(values), 0, 4)


def cycle(n, period):
    return np.sin(2 * np.pi * (FIRST + np.arange(n)) / period)


def present_hours(n, share, spell=1):
    """The indices of present hours: about `share` of n, with gaps of about `spell` hours."""
    present, now = [], True
    for _ in range(n):
        change = (1 / spell) if not now else (1 - share) / share / spell
        now = bool(now ^ (RANDOM.random() < change))
        present.append(now)
    return np.flatnonzero(present)


def data(name, weather, feelings, posts=None, hours=None, **options):
    n = len(weather)
    return {
        "name": name,
        "hours": (FIRST + (np.arange(n) if hours is None else hours)).tolist(),
        "weather": np.round(weather, 4).tolist(),
        "feeling": np.round(feelings, 4).tolist(),
        "posts": (np.ones(n, int) if posts is None else posts).tolist(),
        "min_posts": 1,
        "weighting": "equal",
        "adjustment": "none",
        "question": "relation",
        "insufficient": None,
        **options,
    }


def select(values, at):
    return np.asarray(values)[at]


def data_sets():
    n = 168
    noise = RANDOM.normal(size=n)
    white = RANDOM.normal(size=n)
    persistent, other = ar(n, 0.9), ar(n, 0.9)
    rounded = np.round(white, 2)
    yield data("a line", rounded, 2 + 0.25 * rounded)
    yield data("white noise", white, feeling(noise))
    yield data("white noise, related", white, feeling(0.5 * white + 0.87 * noise))
    yield data("white noise, falling", white, feeling(-0.5 * white + 0.87 * noise))
    yield data("ties in both series", np.round(white), np.clip(np.round(2 + 0.8 * white + noise), 0, 4))
    at = present_hours(240, 0.7)
    yield data("single hours missing", select(ar(240, 0.6), at), feeling(select(ar(240, 0.6), at)), hours=at)
    at = present_hours(300, 0.6, 12)
    yield data("spells missing", select(ar(300, 0.8), at), feeling(select(ar(300, 0.8), at)), hours=at)
    yield data("strong autocorrelation, unrelated", 10 + 5 * persistent, feeling(other))
    yield data("strong autocorrelation, related", persistent, feeling(0.6 * persistent + 0.8 * other))
    yield data("nearly random walks", ar(400, 0.995), feeling(ar(400, 0.995)), insufficient="exposure")
    n = 336
    day, week = cycle(n, 24), cycle(n, 168)
    x, y = ar(n, 0.7), ar(n, 0.4)
    yield data("daily cycle in both series, kept", x + 2 * day, feeling(y + 1.5 * day))
    yield data("daily cycle in both series, removed", x + 2 * day, feeling(0.8 * y + 0.9 * day), adjustment="hour_of_day")
    yield data("weekly cycle in both series, removed", x + 2 * week, feeling(0.8 * y + 0.9 * week), adjustment="day_of_week")
    both = 2 * day + week
    yield data("both cycles in both series, removed", x + both, feeling(0.8 * y + 0.4 * both), adjustment="hour_of_day_and_day_of_week")
    at = present_hours(500, 0.6, 7)
    both = 2 * cycle(500, 24) + cycle(500, 168)
    yield data("both cycles, with gaps, by posts", select(ar(500, 0.7) + both, at),
               feeling(select(0.8 * ar(500, 0.4) + 0.4 * both, at)), hours=at,
               posts=RANDOM.integers(1, 60, len(at)), weighting="posts", adjustment="hour_of_day_and_day_of_week")
    posts = RANDOM.poisson(20, n) + 1
    yield data("weighted by posts", x, feeling(0.4 * x + y / np.sqrt(posts / 10)), posts=posts, weighting="posts")
    yield data("only hours of 20 posts", x, feeling(0.4 * x + y), posts=posts, min_posts=20)
    at = present_hours(500, 0.8, 5)
    yield data("gaps, weights and a least number of posts", select(ar(500, 0.8), at), feeling(select(ar(500, 0.5), at)),
               hours=at, posts=RANDOM.integers(0, 40, len(at)), weighting="posts", min_posts=5)
    yield data("a large offset", 1013 + 0.01 * x, feeling(0.5 * x + y))
    yield data("one outlier", np.where(np.arange(n) == 100, 60, x), feeling(y), insufficient="exposure")
    yield data("heavy tails", RANDOM.standard_t(2.5, n), feeling(RANDOM.standard_t(2.5, n)))
    rain = np.maximum(ar(n, 0.85) - 0.6, 0) * 2
    yield data("rain, mostly none", rain, feeling(y))
    wet = {"question": "wet"}
    yield data("no effect of rain", rain, feeling(y), **wet)
    yield data("a planted effect of rain", rain, feeling(0.5 * y - (rain >= 0.1)), **wet)
    yield data("a planted effect of rain under a daily cycle", rain, feeling(0.4 * y + day - (rain >= 0.1)), adjustment="hour_of_day", **wet)
    yield data("a planted effect of rain, by posts", rain, feeling(0.5 * y - (rain >= 0.1)), posts=posts, weighting="posts", **wet)
    for question in ["relation", "wet"]:
        q = {"question": question}
        yield data(f"no hours, {question}", [], [], insufficient="hours", **q)
        yield data(f"two hours, {question}", [0.0, 1.0], [1.0, 2.0], insufficient="hours", **q)
        yield data(f"too few hours of 30 posts, {question}", x, feeling(y), posts=posts, min_posts=30, insufficient="hours", **q)
        yield data(f"feeling does not vary, {question}", rain, np.full(n, 2.1), insufficient="no_variance", **q)
    yield data("weather does not vary", np.full(n, 7.1), feeling(y), insufficient="no_variance")
    yield data("the cycle is all that varies", day, feeling(y), adjustment="hour_of_day", insufficient="no_variance")
    trend = np.linspace(-2, 2, n)
    yield data("two drifts", trend + 0.1 * x, feeling(trend**2 - 1 + 0.1 * y), insufficient="exposure")
    yield data("never wet", np.zeros(n), feeling(y), insufficient="group_size", **wet)
    yield data("hardly dry", np.where(np.arange(n) < 5, 0, 1), feeling(y), insufficient="group_size", **wet)


def dummies(hours, adjustment):
    columns = [np.ones(len(hours))]
    if "hour_of_day" in adjustment:
        columns += [(hours % 24 == h).astype(float) for h in range(1, 24)]
    if "day_of_week" in adjustment:
        columns += [(hours // 24 % 7 == d).astype(float) for d in range(1, 7)]
    return np.column_stack(columns)


def expected_values(d):
    used = np.array(d["posts"]) >= d["min_posts"]
    hours, x, y = (np.array(d[k])[used] for k in ("hours", "weather", "feeling"))
    posts = np.array(d["posts"], float)[used]
    weights = posts if d["weighting"] == "posts" else np.ones(len(x))
    if d["question"] == "wet":
        return compare_wet_dry(hours, x >= 0.1, y, weights, d["adjustment"])
    fixed = dummies(hours, d["adjustment"])
    residuals = [sm.WLS(side, fixed, weights=weights).fit().resid for side in (x, y)]
    r = DescrStatsW(np.column_stack(residuals), weights=weights).corrcoef[0, 1]
    if d["weighting"] == "equal" and d["adjustment"] == "none":
        assert abs(r - stats.pearsonr(x, y).statistic) < 1e-9
    full = sm.WLS(y, np.column_stack([fixed, x]), weights=weights).fit()
    without_gaps = len(hours) == hours[-1] - hours[0] + 1
    ties = [np.round(side, 9) for side in residuals]
    return {
        "hours": len(x),
        "r": r,
        "spearman": stats.spearmanr(*ties).statistic,
        "slope": full.params[-1],
        **(dependence(residuals, r, weights) if without_gaps and abs(r) < 1 - 1e-9 and d["adjustment"] == "none" else {}),
        **fisher(x, y, d),
    }


def fisher(x, y, d):
    """The textbook interval; valid only for white noise."""
    if not d["name"].startswith("white noise"):
        return {}
    textbook = stats.pearsonr(x, y)
    low, high = textbook.confidence_interval(0.95)
    return {"white_low": low, "white_high": high, "white_p": textbook.pvalue}


def dependence(sides, r, weights):
    """Block length and standard error of Fisher's z, for hours without gaps."""
    n = len(weights)
    weights = weights / weights.mean()
    x, y = ((s - np.average(s, weights=weights)) / np.sqrt(np.cov(s, aweights=weights, ddof=0)) for s in sides)
    u = weights * (x * y - r / 2 * (x * x + y * y)) / (1 - r * r)
    u = u / (1 - np.minimum(weights * (1 + x * x) / n, 0.95))  # HC3
    block = politis_white(u)
    white = np.mean(u * u)
    rho = [acf(s, nlags=int(np.ceil(np.sqrt(n))) + 5, adjusted=True, fft=False) for s in (x, y)] if np.ptp(weights) == 0 else None
    variance = prewhitened(u)
    if rho is not None:
        variance = max(variance, white * bartlett(rho, n))
    return {"block": block, "effective_sample_size": min(n, n / variance) if rho is not None else None}


def politis_white(u):
    """By the paper's definition m is the last lag before the insignificant ones. arch uses the first
    insignificant one, so that its blocks may be slightly longer."""
    n = len(u)
    consecutive, bound = max(5, int(np.ceil(np.sqrt(np.log10(n))))), 2 * np.sqrt(np.log10(n) / n)
    max_lag = int(np.ceil(np.sqrt(n))) + consecutive
    covariance = acovf(u, nlag=max_lag, demean=False, fft=False)
    insignificant = np.abs(covariance / covariance[0]) < bound
    m = next((k - 1 for k in range(1, max_lag - consecutive + 2) if insignificant[k : k + consecutive].all()), None)
    m = np.flatnonzero(~insignificant)[-1] if m is None else m
    lags = np.arange(1, min(2 * max(m, 1), max_lag) + 1)
    share = lags / lags[-1]
    tail = 2 * np.where(share <= 0.5, 1, 2 * (1 - share)) * covariance[lags]
    block = np.cbrt(1.5 * n * (lags @ tail / (covariance[0] + tail.sum())) ** 2)
    by_arch = float(optimal_block_length(u)["circular"].iloc[0])
    print(f"block {block:.2f}, by arch {by_arch:.2f}", file=sys.stderr)
    return float(min(block, np.ceil(min(3 * np.sqrt(n), n / 3))))


def bartlett(rho, n):
    bound, factor, insignificant = 2 * np.sqrt(np.log10(n) / n), 1.0, 0
    for k in range(1, len(rho[0])):
        a, b = rho[0][k], rho[1][k]
        if min(abs(a), abs(b)) < bound:
            insignificant += 1
            if insignificant == 3:
                break
            continue
        insignificant = 0
        factor += 2 * (1 - k / n) * a * b
    return max(factor, 0.5)


def prewhitened(u):
    a = np.clip(u[1:] @ u[:-1] / (u @ u), -0.97, 0.97)
    e = u[1:] - a * u[:-1]
    r = np.clip(e[1:] @ e[:-1] / (e @ e), -0.97, 0.97)
    bandwidth = 1.3221 * (4 * r * r / (1 - r) ** 4 * len(u)) ** 0.2
    kernel = QuadraticSpectral(e, bandwidth=float(bandwidth), center=False)
    return float(np.squeeze(np.asarray(kernel.cov.long_run))) / (1 - a) ** 2


def compare_wet_dry(hours, wet, y, weights, adjustment):
    fixed = np.column_stack([dummies(hours, adjustment), wet.astype(float)])
    difference = sm.WLS(y, fixed, weights=weights).fit().params[-1]
    groups = [DescrStatsW(y[group], weights=weights[group]) for group in (wet, ~wet)]
    sizes = [int(group.sum()) for group in (wet, ~wet)]
    degrees_of_freedom = sum(sizes) - 2
    pooled = np.sqrt(sum(s * g.var for s, g in zip(sizes, groups)) / degrees_of_freedom)
    return {
        "wet": sizes[0],
        "dry": sizes[1],
        "wet_feeling": groups[0].mean,
        "dry_feeling": groups[1].mean,
        "difference": difference,
        "hedges_g": difference / pooled * (1 - 3 / (4 * degrees_of_freedom - 1)),
    }


def main():
    out = []
    for d in data_sets():
        d["expected"] = {} if d["insufficient"] else expected_values(d)
        out.append(d)
    rows = (json.dumps(d, separators=(",", ":"), default=float) for d in out)
    sys.stdout.write("[\n" + ",\n".join(rows) + "\n]\n")


main()
