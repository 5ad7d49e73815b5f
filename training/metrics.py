"""How good predicted probabilities are, beyond how many are right: pure functions of arrays.

Labels y (N,) are integers from 0 to C - 1, probabilities (N, C) rows that sum to 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BINS = 10  # of a reliability diagram

Labels = NDArray[np.integer]
Probabilities = NDArray[np.floating]


def f1_scores(y: Labels, predicted: Labels, classes: int) -> NDArray[np.float64]:
    """The F1 of each class (C,): 2 · right / (there + named), the harmonic mean of recall and
    precision; nan of a class that is neither there nor named.

    Source: van Rijsbergen, "Information Retrieval", 1979, chapter 7.
    """
    right = np.bincount(y[y == predicted], minlength=classes)
    both = np.bincount(y, minlength=classes) + np.bincount(predicted, minlength=classes)
    return np.divide(2 * right, both, where=both > 0, out=np.full(classes, np.nan))


def log_loss(y: Labels, probabilities: Probabilities) -> float:
    """The mean of -log p of the right classes; p below the smallest positive number of its dtype
    counts as that."""
    p = probabilities[np.arange(len(y)), y]
    return float(-np.log(np.maximum(p, np.finfo(p.dtype).tiny).astype(np.float64)).mean())


def roc_auc(y: Labels, probabilities: Probabilities) -> float | None:
    """The area under the ROC curve: how often a row of a class has a higher probability of it than
    a row of another class, ties counting half. Of two classes that of class 1, of more the mean
    over the classes, each against the rest; None where a class is missing, or all others.

    Source: Hanley and McNeil, "The meaning and use of the area under a receiver operating
    characteristic (ROC) curve", 1982.
    """
    C = probabilities.shape[1]
    areas = []
    for c in range(C) if C > 2 else (1,):
        inside = y == c
        there, others = int(inside.sum()), int((~inside).sum())
        if there == 0 or others == 0:
            return None
        ranks = average_ranks(probabilities[:, c])
        areas.append((ranks[inside].sum() - there * (there + 1) / 2) / (there * others))
    return float(np.mean(areas))


def average_ranks(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """The ranks of values (N,) from 1; equal ones share the mean of theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: NDArray[np.float64] = (last - (counts - 1) / 2)[places]
    return ranks


class Reliability(NamedTuple):
    """Of the rows whose largest probability lies in each of a number of bins of equal width: how
    many there are, their mean largest probability, and what share of them is right. Bins without a
    row are left out. `error` is the expected calibration error: the mean distance of the two,
    weighted with how many there are."""

    rows: NDArray[np.intp]
    confidence: NDArray[np.float64]
    right: NDArray[np.float64]
    error: float


def reliability(y: Labels, probabilities: Probabilities, bins: int = BINS) -> Reliability:
    """How far the largest probabilities of rows can be taken at their word.

    Source: Guo et al., "On Calibration of Modern Neural Networks", 2017, section 2.
    """
    sure = probabilities.max(axis=1).astype(np.float64)
    correct = probabilities.argmax(axis=1) == y
    place = np.clip(np.ceil(sure * bins).astype(int) - 1, 0, bins - 1)  # (0, 0.1], (0.1, 0.2], …
    count = np.bincount(place, minlength=bins)
    some = count > 0
    confidence = np.bincount(place, sure, bins)[some] / count[some]
    right = np.bincount(place, correct, bins)[some] / count[some]
    error = float((count[some] * np.abs(confidence - right)).sum() / len(y))
    return Reliability(count[some], confidence, right, error)


def in_a_line(y: Labels, predicted: Labels, scores: Probabilities, *, probabilities: bool) -> str:
    """What is to be said of predictions in one line: macro F1, and where the scores (N, C) are
    `probabilities` that sum to 1, log loss, ROC AUC and calibration error."""
    words = [f"macro F1 {macro_f1(y, predicted, scores.shape[1]):.2%}"]
    if probabilities and sum_to_one(scores):
        area = roc_auc(y, scores)
        words.append(f"log loss {log_loss(y, scores):.4f}")
        words += [] if area is None else [f"ROC AUC {area:.4f}"]
        words.append(f"calibration error {reliability(y, scores).error:.2%}")
    return ", ".join(words)


def sum_to_one(probabilities: Probabilities) -> bool:
    """Whether the probabilities of each row (N, C) are of classes that exclude each other."""
    return bool(np.allclose(probabilities.sum(axis=1), 1, rtol=0, atol=1e-3))


def macro_f1(y: Labels, predicted: Labels, classes: int) -> float:
    """The mean F1 of the classes that are there or named."""
    return float(np.nanmean(f1_scores(y, predicted, classes)))
