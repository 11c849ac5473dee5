#!/usr/bin/env python3
"""Evaluates VADER (the published package) on the development files.

    python3 -m venv venv && venv/bin/pip install vaderSentiment==3.3.2 numpy==2.2.6
    venv/bin/python crates/sentiment/study/vader.py ../shared/data/labelled/dev target/release/moodvane

VADER returns a number from -1 to 1. The thresholds between classes are tuned on the evaluated file itself,
separately for each measure, which favours VADER. The output also has the results for the published
thresholds, -0.05 and 0.05, and the number of texts per CPU second. If a program is given, `moodvane score`
scores the same texts twenty times in the same run, including its start-up time.
"""

import resource
import subprocess
import sys
import time
from collections import defaultdict

import numpy as np
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer


def read(path):
    with open(path, encoding="utf-8") as file:
        next(file)
        rows = [line.rstrip("\n").split("\t", 2) for line in file]
    return [row[0] for row in rows], np.array([int(row[1]) for row in rows]), [row[2] for row in rows]


def by_label(labels, worth):
    return np.mean([worth[labels == label].mean() for label in np.unique(labels)])


def macro_recall(labels, classes):
    return by_label(labels, (classes == labels).astype(float))


def macro_mae(labels, classes):
    return by_label(labels, np.abs(classes - labels).astype(float))


def accuracy(labels, classes):
    return np.mean(classes == labels)


def best(measure, labels, scores, steps, sign, tries=6000):
    random = np.random.default_rng(1)
    found = -np.inf
    for _ in range(tries):
        classes = np.searchsorted(np.sort(random.uniform(-0.95, 0.95, steps)), scores)
        found = max(found, sign * measure(labels, classes))
    return sign * found


def topic_r(ids, labels, scores):
    groups = defaultdict(list)
    for name, label, score in zip(ids, labels, scores):
        groups[name.split("|", 1)[1]].append((label, score))
    means = np.array([np.mean(group, axis=0) for group in groups.values()])
    return np.corrcoef(means.T)[0, 1]


def ours(program, scorer, texts, times=20):
    """Texts per CPU second of a complete run of the program."""
    lines = "".join(text.replace("\n", " ").replace("\r", " ") + "\n" for text in texts).encode() * times
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([program, "score", "--scorer", scorer], input=lines, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.stdout.count(b"\n") == times * len(texts)
    return times * len(texts) / (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def main(folder, program=None):
    analyzer = SentimentIntensityAnalyzer()
    rows = [
        ("ALL_3class", macro_recall, 2, 1),
        ("tweeteval_val_3class", macro_recall, 2, 1),
        ("ALL_5class_tweets", macro_mae, 4, -1),
        ("semeval2016_CE_5point", macro_mae, 4, -1),
        ("sst5_sentences_5class", accuracy, 4, 1),
    ]
    all_texts, seconds = [], 0.0
    for name, measure, steps, sign in rows:
        ids, labels, texts = read(f"{folder}/{name}.tsv")
        start = time.process_time()
        scores = np.array([analyzer.polarity_scores(text)["compound"] for text in texts])
        seconds += time.process_time() - start
        all_texts += texts
        print(f"{name:24} {measure.__name__:14} {best(measure, labels, scores, steps, sign):.4f}", end="")
        if steps == 2:
            print(f"  published thresholds {measure(labels, np.searchsorted([-0.05, 0.05], scores)):.4f}", end="")
        print()
        if name == "semeval2016_CE_5point":
            print(f"{name:24} topic_r        {topic_r(ids, labels, scores):.4f}")
    print(f"{len(all_texts)} texts; per CPU second: VADER {len(all_texts) / seconds:.0f}")
    for scorer in ["trained", "lexicon"] if program else []:
        print(f"  {scorer} {ours(program, scorer, all_texts):.0f}")


if __name__ == "__main__":
    main(*sys.argv[1:3])
