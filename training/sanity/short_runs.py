"""Short descents on copies of a model, and what they show."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from chainrule.solvers import NonFiniteError, UpdateRule
from chainrule.solvers.finite import global_norm

LOWEST, HIGHEST = 1e-8, 1e2  # of the range test; inputs 1000 times too large want rates near 1e-5
STEPS = 300  # of the range test, 30 for a factor of 10, and of a short run
GONE = 4.0  # the range test ends where the loss is so many times the least
EXAMPLES, PATIENCE = 50, 500  # to overfit, and in so many steps; healthy networks took 10 to 200
SAMPLE = 2000  # rows that a run is judged on, and among which neighbours are looked for
CERTAIN = 3.0  # standard errors above chance: once in 700 by accident


@dataclass(frozen=True)
class Trial:
    """What descents start from: a model, its rule, the data, and how large a batch is."""

    model: Any
    rule: UpdateRule
    data: Any
    batch_size: int
    clip_norm: float | None
    seed: int
    progress: bool

    def bar(self, rates: Iterable[float], title: str) -> Any:
        """The rates, with a progress bar on stderr where one is wanted and that is a terminal."""
        hidden = None if self.progress else True
        return tqdm(rates, title, leave=False, disable=hidden, dynamic_ncols=True)


class Descent:
    """A copy of the trial's model on its way down."""

    def __init__(self, trial: Trial, x: np.ndarray, y: np.ndarray, batch_size: int) -> None:
        self.model = copy.deepcopy(trial.model)
        self.rule = copy.deepcopy(trial.rule)
        self.clip_norm = trial.clip_norm or math.inf
        self.x, self.y, self.batch_size = x, y, batch_size
        self.rng = np.random.default_rng(trial.seed)

    def steps(self, rates: Iterable[float]) -> Iterator[float]:
        """Takes a step at each of the rates, and yields the loss before it; ends with inf where
        the numbers are no longer finite."""
        for rate, rows in zip(rates, self.batches(), strict=False):
            try:
                loss, grads = self.model.loss(self.x[rows], self.y[rows])
            except FloatingPointError:  # of a norm whose variance overflows
                yield math.inf
                return
            norm = global_norm(grads)
            if not (math.isfinite(loss) and math.isfinite(norm)):
                yield math.inf
                return
            if norm > self.clip_norm:
                grads = {name: dw * (self.clip_norm / norm) for name, dw in grads.items()}
            self.rule.lr = rate
            try:
                self.rule.update(self.model.params, grads)
            except NonFiniteError:  # a gradient too large to be squared
                yield math.inf
                return
            yield float(loss)

    def batches(self) -> Iterator[np.ndarray]:
        """The rows of one batch after the other, for ever; every epoch in a new order."""
        while True:
            order = self.rng.permutation(len(self.x))
            for at in range(0, len(order) - self.batch_size + 1, self.batch_size):
                yield order[at : at + self.batch_size]


@dataclass(frozen=True)
class RangeTest:
    """The loss while the learning rate grew exponentially, step by step.

    rates    of the steps that were taken, up to where the loss was GONE times its least
    losses   of their batches, each before its step
    smooth   the same as an exponential average over about ten steps
    begin    the rate from which on the loss falls: 10 % of its fall are done
    lowest   the rate at which the loss is least
    end      the rate at which it had gone through the roof; None where it never did
    """

    rates: np.ndarray
    losses: np.ndarray
    smooth: np.ndarray
    begin: float
    lowest: float
    end: float | None

    @classmethod
    def of(cls, trial: Trial) -> RangeTest:
        """Source: Smith, "Cyclical Learning Rates for Training Neural Networks", 2017."""
        grid = np.geomspace(LOWEST, HIGHEST, STEPS).tolist()
        data = trial.data
        descent = Descent(trial, data.x_train, data.y_train, trial.batch_size)
        losses: list[float] = []
        smooth: list[float] = []
        average, least = 0.0, math.inf
        for loss in descent.steps(trial.bar(grid, "learning rates")):
            average = 0.9 * average + 0.1 * loss
            losses.append(loss)
            smooth.append(average / (1 - 0.9 ** len(losses)))
            least = min(least, smooth[-1])
            if smooth[-1] > GONE * least:
                break
        curve, rates = np.array(smooth), np.array(grid[: len(smooth)])
        at = int(curve.argmin())
        start = float(np.median(curve[: STEPS // 10]))  # of rates below 1e-7, which move nothing
        above = np.flatnonzero(curve[: at + 1] > start - 0.1 * (start - curve[at]))
        begin = rates[above[-1]] if len(above) else rates[0]
        end = float(rates[-1]) if curve[-1] > GONE * least else None
        return cls(rates, np.array(losses), curve, float(begin), float(rates[at]), end)

    @property
    def candidates(self) -> tuple[float, float]:
        """Rates to try: a tenth of that with the least loss, at which the loss is as a rule about
        to rise, and a tenth of this, for networks that take long to fall over."""
        return round_off(self.lowest / 10), round_off(self.lowest / 100)


@dataclass(frozen=True)
class Run:
    """What came of a short descent at one rate.

    loss       of training rows in inference mode, without the penalty; inf where it diverged
    accuracy   on the validation rows; nan where there are none
    certainty  by how many standard errors the accuracy, averaged over the classes, is above what
               the same answers would have in another order
    """

    rate: float
    loss: float
    accuracy: float
    certainty: float
    classes: int

    @classmethod
    def of(cls, trial: Trial, rate: float, steps: int = STEPS) -> Run:
        """Descends for so many steps."""
        data = trial.data
        descent = Descent(trial, data.x_train, data.y_train, trial.batch_size)
        for _ in descent.steps(trial.bar([rate] * steps, f"{steps} steps at {rate:.2g}")):
            pass
        model, rows = descent.model, sample(len(data.x_train), trial.seed)
        classes = len(np.unique(data.y_train))
        accuracy, certainty = math.nan, -math.inf
        try:
            loss = float(model.criterion.forward(model.outputs(data.x_train[rows]),
                                                 data.y_train[rows])[0])  # fmt: skip
        except FloatingPointError:
            return cls(rate, math.inf, accuracy, certainty, classes)
        if data.x_val is not None:
            predicted = model.predict(data.x_val)
            accuracy = float(np.mean(predicted == data.y_val))
            certainty = above_chance(predicted, data.y_val)
        return cls(rate, loss if math.isfinite(loss) else math.inf, accuracy, certainty, classes)

    def learned(self, chance: float) -> float:
        """The part of the way from `chance`, the loss of knowing nothing, down to 0."""
        return max(0.0, 1 - self.loss / chance)

    @property
    def accuracy_learned(self) -> float:
        """The part of the way from guessing up to 100 %; 0 where there are no validation rows."""
        guessed = 1 / self.classes
        return max(0.0, (self.accuracy - guessed) / (1 - guessed))


def overfit(trial: Trial, rate: float) -> tuple[float, int]:
    """The share of EXAMPLES rows, drawn evenly from the classes, that the model knows by heart
    after so many steps."""
    y = trial.data.y_train
    order = np.random.default_rng(trial.seed).permutation(len(y))
    present = np.unique(y)
    each = math.ceil(EXAMPLES / len(present))
    rows = np.concatenate([order[y[order] == c][:each] for c in present])[:EXAMPLES]
    x, y = trial.data.x_train[rows], y[rows]
    descent = Descent(trial, x, y, len(x))
    known = taken = 0.0
    for taken, _ in enumerate(
        descent.steps(trial.bar([rate] * PATIENCE, f"{len(x)} examples at {rate:.2g}")), start=1
    ):
        if taken % 10 == 0 and (known := descent.model.score(x, y)) == 1:
            break
    return float(known), int(taken)


def neighbours(data: Any, seed: int) -> tuple[float, float]:
    """How often a training row has the label of the row nearest to it, and by how many standard
    errors, averaged over the classes, that is above chance."""
    rows = sample(len(data.x_train), seed)
    x, y = data.x_train[rows].reshape(len(rows), -1).astype(np.float64), data.y_train[rows]
    squares = np.square(x).sum(axis=1)
    distances = squares[:, np.newaxis] - 2 * x @ x.T + squares
    np.fill_diagonal(distances, np.inf)
    nearest = y[distances.argmin(axis=1)]
    return float(np.mean(nearest == y)), above_chance(nearest, y)


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


def round_off(value: float) -> float:
    """The number with one digit that stands for it."""
    return float(f"{value:.0e}")
