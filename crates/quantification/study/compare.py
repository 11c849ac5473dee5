"""Compares estimators of class distributions and mean classes of groups of posts.

    cargo run --release -p moodvane-trainer -- ../shared/data/labelled --held-out held-out.tsv
    python3 crates/quantification/study/compare.py held-out.tsv

The texts are the training tweets with five labels on topics, each scored by a model that saw no text about its
topic. Groups are topics with at least 50 tweets, resampled with replacement to n posts with weights exp(t * label):
t = 0 keeps the mix of classes of the topic, others shift it (label shift). The calibration of a group is that of
the other half of the topics. Needs numpy.

Columns: EMD is the Earth Mover's Distance of the distribution, r and slope are of the estimated mean on the mean
label over all groups of all shifts, error is the mean absolute difference of the means. Estimators without a
distribution have no EMD.
"""

import sys

import numpy as np

CELLS = 20
CLASSES = np.arange(5)
FILE = "semeval2016_CE_5point"
SHIFTS = (-1.5, -0.8, 0.0, 0.8)
SIZES = (5, 20, 100, 500)


def read(path):
    labels, topics, probabilities = [], [], []
    with open(path, encoding="utf-8") as lines:
        next(lines)
        for line in lines:
            file, _, label, topic, *numbers = line.rstrip("\n").split("\t")
            if file == FILE:
                labels.append(int(label))
                topics.append(topic)
                probabilities.append([int(number) / 65536 for number in numbers])
    return np.array(labels), np.array(topics), np.array(probabilities)


def cells(values):
    return np.minimum((values / 4 * CELLS).astype(int), CELLS - 1)


class Calibration:
    """What the values and probabilities of labelled texts were, as in src/mixture.rs and src/direct.rs."""

    def __init__(self, labels, probabilities):
        values = probabilities @ CLASSES
        counts = np.zeros((CELLS, 5))
        np.add.at(counts, (cells(values), labels), 1)
        n = len(labels)
        pooled = (counts.sum(1) + 1) / (n + CELLS)
        self.cells = (counts + 2.5 * pooled[:, None]) / (counts.sum(0) + 2.5)
        self.prior = (counts.sum(0) + 1) / (n + 5)
        self.slope, self.intercept = np.polyfit(labels, values, 1)
        self.confusion = np.array([probabilities[labels == c].mean(0) for c in CLASSES]).T
        shares = np.cumsum(np.bincount(labels, minlength=5)) / n
        self.bounds = np.quantile(values, shares[:4])
        self.mean_probabilities = probabilities.mean(0)

    def classes(self, probabilities):
        return np.searchsorted(self.bounds, probabilities @ CLASSES, side="right")


def count(calibration, probabilities):
    return np.bincount(calibration.classes(probabilities), minlength=5) / len(probabilities)


def mean_probability(_, probabilities):
    return probabilities.mean(0)


def adjusted(calibration, probabilities):
    """Probabilistic adjusted count by projected gradients on the simplex."""
    target, shares = probabilities.mean(0), np.full(5, 0.2)
    confusion = calibration.confusion
    step = 1 / np.linalg.norm(confusion.T @ confusion, 2)
    for _ in range(200):
        shares = project(shares - step * confusion.T @ (confusion @ shares - target))
    return shares


def project(point):
    """The nearest point of the simplex."""
    ordered = np.sort(point)[::-1]
    excess = np.cumsum(ordered) - 1
    last = np.nonzero(ordered - excess / np.arange(1, 6) > 0)[0][-1]
    return np.maximum(point - excess[last] / (last + 1), 0)


def saerens(calibration, probabilities, weight=10.0):
    """EM on the probabilities of each post (Saerens and others, 2002) with a Dirichlet prior."""
    prior = calibration.mean_probabilities
    shares, n = prior, len(probabilities)
    for _ in range(60):
        weighted = probabilities * (shares / prior)
        weighted /= weighted.sum(1, keepdims=True)
        shares = (weighted.sum(0) + weight * prior) / (n + weight)
    return shares


def binned(posts, share):
    """EM on the histograms of all groups of one calibration at once."""

    def estimate(calibration, histograms):
        n = histograms.sum(1, keepdims=True)
        weight = posts + share * n
        shares = np.tile(calibration.prior, (len(histograms), 1))
        for _ in range(400):
            ratio = histograms / (shares @ calibration.cells.T)
            shares = (ratio @ calibration.cells * shares + weight * calibration.prior) / (n + weight)
        return shares

    estimate.takes_histograms = True
    return estimate


def direct(calibration, probabilities):
    return ((probabilities @ CLASSES).mean() - calibration.intercept) / calibration.slope


ESTIMATORS = {
    "classes, thresholds matched to the calibration": count,
    "mean probability": mean_probability,
    "probabilistic adjusted count": adjusted,
    "EM on each post's probabilities, prior 10": saerens,
    "binned, prior 1": binned(1, 0),
    "binned, prior 10": binned(10, 0),
    "binned, prior 20": binned(20, 0),
    "binned, prior 2 + n/20": binned(2, 0.05),
    "**binned, prior 2 + n/10**": binned(2, 0.1),
    "binned, prior 2 + n/5": binned(2, 0.2),
    "**direct**": direct,
}


def groups(labels, topics, random):
    """(half, size, texts) of every group."""
    names = sorted(name for name in set(topics) if np.sum(topics == name) >= 50)
    for number, name in enumerate(names):
        own = np.nonzero(topics == name)[0]
        for shift in SHIFTS:
            weights = np.exp(shift * labels[own])
            for size in SIZES:
                yield number % 2, size, random.choice(own, size, p=weights / weights.sum())


def main():
    labels, topics, probabilities = read(sys.argv[1])
    names = sorted(name for name in set(topics) if np.sum(topics == name) >= 50)
    half = {name: number % 2 for number, name in enumerate(names)}
    side = np.array([half.get(topic, -1) for topic in topics])
    calibrations = [
        Calibration(labels[side != own], probabilities[side != own]) for own in (0, 1)
    ]
    all_groups = list(groups(labels, topics, np.random.default_rng(5)))
    print(f"{len(names)} topics, {len(all_groups) // len(SIZES)} groups of each size\n")
    header = " | ".join(f"n = {size}: EMD, r, slope, error" for size in SIZES)
    print(f"| estimator | {header} |")
    print("| --- |" + " --- |" * len(SIZES))
    for name, estimator in ESTIMATORS.items():
        found = []
        for size in SIZES:
            of_size = [(own, texts) for own, n, texts in all_groups if n == size]
            truth = np.array([np.bincount(labels[t], minlength=5) / size for _, t in of_size])
            estimates = estimate(estimator, calibrations, probabilities, of_size)
            found.append(measures(estimates, truth))
        print(f"| {name} | " + " | ".join(found) + " |", flush=True)


def estimate(estimator, calibrations, probabilities, of_size):
    if not hasattr(estimator, "takes_histograms"):
        return np.array([estimator(calibrations[own], probabilities[t]) for own, t in of_size])
    histograms = np.array(
        [np.bincount(cells(probabilities[t] @ CLASSES), minlength=CELLS) for _, t in of_size]
    )
    owners = np.array([own for own, _ in of_size])
    found = np.zeros((len(of_size), 5))
    for own in (0, 1):
        found[owners == own] = estimator(calibrations[own], histograms[owners == own])
    return found


def measures(estimates, truth):
    emd = "-"
    if estimates.ndim == 2:
        emd = f"{np.abs(np.cumsum(estimates - truth, 1)).sum(1).mean():.3f}"
        estimates = estimates @ CLASSES
    means = truth @ CLASSES
    r, slope = np.corrcoef(means, estimates)[0, 1], np.polyfit(means, estimates, 1)[0]
    return f"{emd}, {r:.3f}, {slope:.2f}, {np.abs(estimates - means).mean():.3f}"


if __name__ == "__main__":
    main()
