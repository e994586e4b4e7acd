"""Slow plain-loop versions of the equations, which the fast code is tested against."""

import math

import numpy as np


# Metrics: every pair, row or bin in a loop of its own.


def auc(labels, scores):
    """The share of pairs of a positive and a negative in the right order, ties one half."""
    positives = [s for y, s in zip(labels, scores, strict=True) if y]
    negatives = [s for y, s in zip(labels, scores, strict=True) if not y]
    if not positives or not negatives:
        return None
    wins = sum((p > n) + 0.5 * (p == n) for p in positives for n in negatives)
    return wins / (len(positives) * len(negatives))


def gauc(labels, scores, groups):
    """The mean, the number of groups used and of those ignored; a group None is no group."""
    total, weight, used, ignored = 0.0, 0, 0, 0
    for group in sorted({g for g in groups if g is not None}, key=str):
        rows = [i for i, g in enumerate(groups) if g == group]
        area = auc([labels[i] for i in rows], [scores[i] for i in rows])
        if area is None:
            ignored += 1
            continue
        used += 1
        total += len(rows) * area
        weight += len(rows)
    return (total / weight if weight else None), used, ignored


def delong_variance(labels, scores):
    """DeLong et al. 1988, equations 2 to 4, from the matrix of all pairs."""
    positives = [s for y, s in zip(labels, scores, strict=True) if y]
    negatives = [s for y, s in zip(labels, scores, strict=True) if not y]
    pairs = [[(p > n) + 0.5 * (p == n) for n in negatives] for p in positives]
    rows = [sum(row) / len(negatives) for row in pairs]
    columns = [sum(column) / len(positives) for column in zip(*pairs, strict=True)]
    centre = sum(rows) / len(rows)
    return sum(
        sum((v - centre) ** 2 for v in part) / (len(part) - 1) / len(part)
        for part in (rows, columns)
    )


def logloss(labels, logits):
    """Mean of -ln of the probability given to what happened."""
    total = 0.0
    for y, z in zip(labels, logits, strict=True):
        probability = 1.0 / (1.0 + math.exp(-z))
        total -= math.log(probability if y else 1.0 - probability)
    return total / len(labels)


def normalized_entropy(labels, logits):
    """Log loss over the entropy of the observed rate."""
    rate = sum(labels) / len(labels)
    return logloss(labels, logits) / -(rate * math.log(rate) + (1 - rate) * math.log(1 - rate))


def pcoc(labels, logits):
    """Sum of the probabilities over the number of positives."""
    return sum(1.0 / (1.0 + math.exp(-z)) for z in logits) / sum(labels)


def expected_calibration_error(labels, logits, num_bins):
    """Bins of equal rows; a row's bin is that of the middle rank of the logits equal to its own."""
    predicted, observed = [0.0] * num_bins, [0.0] * num_bins
    for y, z in zip(labels, logits, strict=True):
        below, equal = sum(other < z for other in logits), sum(other == z for other in logits)
        place = int(num_bins * (below + equal / 2) / len(logits))
        predicted[place] += 1.0 / (1.0 + math.exp(-z))
        observed[place] += y
    gaps = [abs(p - o) for p, o in zip(predicted, observed, strict=True)]
    return sum(gaps) / len(labels)
