"""What a diagnosis asks of the answers of a model: of classes, and of numbers."""

from __future__ import annotations

import hashlib
import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from chainrule.layers import Softmax
from chainrule.nets import Classifier, Regressor
from chainrule.training.sanity.check import Check

TWISTED = 0.25  # of the rows with a label that contradicts another; no network gets those right
LARGE, SMALL = 10.0, 0.1  # size of targets; the default recipe learns those of size 1
SAMPLE = 2000  # rows that a run is judged on, and among which neighbours are looked for
BY_HEART = 0.99  # of the spread of numbers


class Answers(ABC):
    """What a diagnosis asks of answers, labels y (N,) or numbers y (N, T)."""

    called: str  # the name of the check of them
    nothing: str  # what says nothing, in words
    by_heart: float  # the score from which on rows are known by heart

    @abstractmethod
    def check(self, data: Any, columns: int) -> Check:
        """Answers that a network with so many outputs can learn."""

    @abstractmethod
    def indifferent(self, model: Any, x: np.ndarray, y: np.ndarray) -> float:
        """The loss of outputs that say nothing."""

    @abstractmethod
    def opinionated(self, model: Any, y: np.ndarray, noise: np.ndarray) -> float:
        """The loss of outputs that are noise, in units of the spread of right ones."""

    @abstractmethod
    def judge(self, said: np.ndarray, y: np.ndarray) -> tuple[float, float]:
        """The score of answers, and by how many standard errors they are better than the same
        answers in another order."""

    @abstractmethod
    def learned(self, score: float, y: np.ndarray) -> float:
        """The part of the way from guessing to the best score."""

    @abstractmethod
    def few(self, y: np.ndarray, order: np.ndarray, count: int) -> np.ndarray:
        """Some rows to learn by heart, the first in `order`."""

    @abstractmethod
    def right(self, score: float) -> str:
        """A score in words."""

    def neighbours(self, data: Any, seed: int) -> tuple[float, float]:
        """The score of giving each training row the answer of the row nearest to it, and by how
        many standard errors that is better than chance."""
        rows = sample(len(data.x_train), seed)
        x, y = data.x_train[rows].reshape(len(rows), -1).astype(np.float64), data.y_train[rows]
        squares = np.square(x).sum(axis=1)
        distances = squares[:, np.newaxis] - 2 * x @ x.T + squares
        np.fill_diagonal(distances, np.inf)
        return self.judge(y[distances.argmin(axis=1)], y)


class Labels(Answers):
    """Classes."""

    called, nothing, by_heart = "labels", "equal scores", 1.0

    def check(self, data: Any, columns: int) -> Check:
        """Labels in range, of more than one class, and no inputs with two of them."""
        classes = max(columns, 2)
        y = data.y_train
        if y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= classes:
            found = (
                f"{y.dtype} from {y.min()} to {y.max()}, expected integers from 0 to {classes - 1}"
            )
            cause = f"The labels do not fit the network: they are {found}."
            return Check("labels", False, found, cause, fatal=True)
        counts = np.bincount(y, minlength=classes)
        found = f"{classes} classes of {counts.min():,} to {counts.max():,} rows"
        first: dict[bytes, int] = {}
        keys = (hashlib.blake2b(row.tobytes()).digest() for row in data.x_train)
        conflicts = sum(
            first.setdefault(key, label) != label for key, label in zip(keys, y, strict=True)
        )
        if conflicts:
            found += f"; {conflicts:,} repeat inputs under another label, expected 0"
        cause = ""
        alone = bool(np.count_nonzero(counts) == 1)
        if alone:
            cause = "All training rows have the same label: look at how the labels are read."
        elif conflicts > TWISTED * len(y):
            cause = "The same inputs come with different labels: look at how the data are joined."
        return Check("labels", not cause, found, cause, fatal=alone)

    def indifferent(self, model: Any, x: np.ndarray, y: np.ndarray) -> float:
        """That of scores that are all equal: ln C for the softmax loss, ln 2 for the sigmoid loss,
        C - 1 for the hinge loss."""
        return loss_of(model, np.zeros_like(model.outputs(x)), y)

    def opinionated(self, model: Any, y: np.ndarray, noise: np.ndarray) -> float:
        """That of scores of the size of the noise."""
        return loss_of(model, noise.astype(dtype_of(model)), y)

    def judge(self, said: np.ndarray, y: np.ndarray) -> tuple[float, float]:
        """The accuracy, and how far the mean recall is above chance."""
        return float(np.mean(said == y)), above_chance(said, y)

    def learned(self, score: float, y: np.ndarray) -> float:
        """From 1 / C, the accuracy of guessing, to 1."""
        guessed = 1 / len(np.unique(y))
        return max(0.0, (score - guessed) / (1 - guessed))

    def few(self, y: np.ndarray, order: np.ndarray, count: int) -> np.ndarray:
        """As many of each class."""
        present = np.unique(y)
        each = math.ceil(count / len(present))
        return np.concatenate([order[y[order] == c][:each] for c in present])[:count]

    def right(self, score: float) -> str:
        """As a percentage."""
        return f"{score:.0%}"


class Targets(Answers):
    """Numbers to predict."""

    called, nothing, by_heart = "targets", "the mean", BY_HEART

    def check(self, data: Any, columns: int) -> Check:
        """Finite numbers near 1 in size, of which each target has several."""
        y = np.asarray(data.y_train, np.float64).reshape(len(data.y_train), -1)
        if y.shape[1] != columns or not np.isfinite(y).all():
            what = "some are not finite" if y.shape[1] == columns else f"{y.shape[1]} a row"
            found = f"{what}, expected {columns} finite numbers a row"
            return Check("targets", False, found, f"The targets do not fit: {found}.", fatal=True)
        mean, std = float(y.mean()), float(y.std())
        size = math.hypot(mean, std)
        found = f"mean {mean:.3g}, standard deviation {std:.3g}, expected 0 and 1"
        if alone := int((y.min(axis=0) == y.max(axis=0)).sum()):
            cause = "A target is the same in all training rows: look at how the targets are read."
            return Check("targets", False, f"{found}; {alone} constant", cause, fatal=True)
        cause = ""
        if not SMALL <= size <= LARGE:
            large = size > 1
            cause = (
                f"The targets are about {size if large else 1 / size:,.0f} times too "
                f"{'large' if large else 'small'}: standardise them, as chainrule train does, and "
                f"bring predictions back by Dataset.in_unit."
            )
        return Check("targets", not cause, found, cause)

    def indifferent(self, model: Any, x: np.ndarray, y: np.ndarray) -> float:
        """That of the mean of each target."""
        return loss_of(model, np.zeros_like(model.outputs(x)) + y.mean(axis=0), y)

    def opinionated(self, model: Any, y: np.ndarray, noise: np.ndarray) -> float:
        """That of the mean, and noise in units of the deviation beside it."""
        out = y.mean(axis=0) + noise * y.std(axis=0)
        return loss_of(model, out.astype(dtype_of(model)), y)

    def judge(self, said: np.ndarray, y: np.ndarray) -> tuple[float, float]:
        """R², and the mean correlation times the root of the number of rows."""
        said, y = (np.asarray(a, np.float64).reshape(len(y), -1) for a in (said, y))
        a, b = said - said.mean(axis=0), y - y.mean(axis=0)
        size = np.sqrt(np.square(a).sum(axis=0) * np.square(b).sum(axis=0))
        together = np.divide((a * b).sum(axis=0), size, out=np.zeros(len(size)), where=size > 0)
        spread = np.square(b).sum()
        score = 1 - float(np.square(said - y).sum() / spread) if spread else math.nan
        return score, float(together.mean()) * math.sqrt(len(y))

    def learned(self, score: float, y: np.ndarray) -> float:
        """From 0, that of the mean, to 1."""
        return max(0.0, score)

    def few(self, y: np.ndarray, order: np.ndarray, count: int) -> np.ndarray:
        """The first."""
        return order[:count]

    def right(self, score: float) -> str:
        """As R²."""
        return f"R² {score:.2f}"


def answers_of(model: Any) -> Answers:
    """Those of a model. Raises TypeError where it is no Classifier and no Regressor."""
    for kind, answers in ((Classifier, Labels()), (Regressor, Targets())):
        if isinstance(model, kind):
            return answers
    raise TypeError(
        f"examine: the model is a {type(model).__name__}, expected a Classifier or a Regressor of "
        f"chainrule.nets"
    )


def loss_of(model: Any, scores: np.ndarray, y: np.ndarray) -> float:
    """The loss of these scores, made probabilities where the loss takes those."""
    probabilities = model.criterion.probabilities(scores)
    if probabilities is not None and np.array_equal(probabilities, scores):
        scores, _ = Softmax().forward(scores)
    return float(model.criterion.forward(scores, y)[0])


def dtype_of(model: Any) -> np.dtype[Any]:
    """That of the parameters of a model."""
    dtype: np.dtype[Any] = next(iter(model.params.values())).dtype
    return dtype


def above_chance(predicted: np.ndarray, y: np.ndarray) -> float:
    """By how many standard errors the mean recall of the classes in `y` is above that of answers
    which come as often, but without regard to the row."""
    classes, counts = np.unique(y, return_counts=True)
    recall = np.mean([np.mean(predicted[y == c] == c) for c in classes])
    share = np.array([np.mean(predicted == c) for c in classes])
    error = math.sqrt(float(np.sum(share * (1 - share) / counts))) / len(classes)
    return float(recall - share.mean()) / error if error > 0 else 0.0


def sample(n: int, seed: int) -> np.ndarray:
    """Up to SAMPLE of n rows, in random order."""
    return np.random.default_rng(seed).permutation(n)[:SAMPLE]
