"""Short descents on copies of a model, and what they show."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from tqdm import tqdm

from chainrule.solvers import NonFiniteError, Solver, StopTraining
from chainrule.training.sanity.answers import Answers, answers_of, sample

LOWEST, HIGHEST = 1e-8, 1e2  # of the range test; inputs 1000 times too large want rates near 1e-5
STEPS = 300  # of the range test, 30 for a factor of 10, and of a short run
GONE = 4.0  # the range test ends where the loss is so many times the least
EXAMPLES, PATIENCE = 50, 500  # to overfit, and in so many steps; healthy networks took 10 to 200
CERTAIN = 3.0  # standard errors above chance: once in 700 by accident


@dataclass(frozen=True)
class Trial:
    """What short descents start from: a solver, of whose model and rule they take copies."""

    solver: Solver
    model: Any
    seed: int
    progress: bool

    @property
    def data(self) -> Any:
        return self.solver.data

    @property
    def answers(self) -> Answers:
        """What is asked of the answers of the model."""
        return answers_of(self.model)

    def descend(
        self,
        title: str,
        rates: Sequence[float],
        done: Callable[[Solver, list[float]], bool] = lambda *_: False,
        rows: np.ndarray | None = None,
    ) -> tuple[Solver, list[float]]:
        """Takes a step at each of the rates until `done`: on the training data as the solver does,
        or again and again on `rows` of them. Returns the solver that did, and the loss of each
        batch before its step, the last of them inf where the numbers are no longer finite. A
        progress bar with `title` shows on stderr, where one is wanted and that is a terminal."""
        losses = list[float]()

        def watch(solver: Solver) -> None:
            losses.append(solver.history.step_loss[-1])
            bar.update()
            if len(losses) == len(rates) or done(solver, losses):
                raise StopTraining

        solver = self.solver_for(rows, lambda _: rates[len(losses)], watch)
        solver.epochs = len(rates)
        hidden = None if self.progress else True
        with tqdm(None, title, len(rates), leave=False, disable=hidden, dynamic_ncols=True) as bar:
            try:
                solver.train()
            except StopTraining:
                pass
            except NonFiniteError:
                losses.append(math.inf)
        return solver, losses

    def solver_for(self, rows: np.ndarray | None, schedule: Any, after_step: Any) -> Solver:
        """A solver like the given one on copies, whose rates are those of `schedule`."""
        given, x, y = self.solver, self.data.x_train, self.data.y_train
        shape = getattr(self.data, "image_shape", None)
        batch_size, augment = given.batch_size, given.augment
        if rows is not None:
            x, y, batch_size, augment = x[rows], y[rows], len(rows), []
        data: Any = SimpleNamespace(x_train=x, y_train=y, x_val=None, y_val=None, image_shape=shape)
        rule = copy.deepcopy(given.rule)
        rule.lr = 1.0
        solver = Solver(
            copy.deepcopy(self.model), rule, data, batch_size=batch_size, schedule=schedule,
            seed=self.seed, clip_norm=given.clip_norm, augment=augment, after_step=after_step,
            progress=False,
        )  # fmt: skip
        solver.sample = solver.sample[:batch_size]  # so that its scores cost little
        return solver


def smoothed(losses: Sequence[float]) -> np.ndarray:
    """An exponential average over about ten steps."""
    average, smooth = 0.0, list[float]()
    for step, loss in enumerate(losses, start=1):
        average = 0.9 * average + 0.1 * loss
        smooth.append(average / (1 - 0.9**step))
    return np.array(smooth)


def gone(curve: np.ndarray) -> bool:
    """Whether a loss has gone through the roof."""
    return bool(curve[-1] > GONE * curve.min())


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
        grid = np.geomspace(LOWEST, HIGHEST, STEPS)
        _, losses = trial.descend(
            "learning rates", grid.tolist(), lambda _, losses: gone(smoothed(losses))
        )
        curve, rates = smoothed(losses), grid[: len(losses)]
        at = int(curve.argmin())
        start = float(np.median(curve[: STEPS // 10]))  # of rates below 1e-7, which move nothing
        above = np.flatnonzero(curve[: at + 1] > start - 0.1 * (start - curve[at]))
        begin = rates[above[-1]] if len(above) else rates[0]
        end = float(rates[-1]) if gone(curve) else None
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
    score      on the validation rows, accuracy or R²; nan where there are none
    certainty  by how many standard errors the answers are better than the same in another order
    way        the part of the way from guessing to the best score; 0 where there are no validation
               rows
    """

    rate: float
    loss: float
    score: float = math.nan
    certainty: float = -math.inf
    way: float = 0.0

    @classmethod
    def of(cls, trial: Trial, rate: float, steps: int = STEPS) -> Run:
        """Descends for so many steps."""
        data = trial.data
        solver, losses = trial.descend(f"{steps} steps at {rate:.2g}", [rate] * steps)
        model: Any = solver.model
        rows = sample(len(data.x_train), trial.seed)
        loss = losses[-1]
        if math.isfinite(loss):
            try:
                scores = model.outputs(data.x_train[rows])
                loss = float(model.criterion.forward(scores, data.y_train[rows])[0])
            except FloatingPointError:  # of a norm whose variance overflows
                loss = math.inf
        if not math.isfinite(loss):
            return cls(rate, math.inf)
        if data.x_val is None:
            return cls(rate, loss)
        score, certainty = trial.answers.judge(model.predict(data.x_val), data.y_val)
        return cls(rate, loss, score, certainty, trial.answers.learned(score, data.y_train))

    def learned(self, chance: float) -> float:
        """The part of the way from `chance`, the loss of knowing nothing, down to 0."""
        return max(0.0, 1 - self.loss / chance)


def overfit(trial: Trial, rate: float) -> tuple[float, int]:
    """The score of EXAMPLES rows that the model is to know by heart, after so many steps."""
    y, answers = trial.data.y_train, trial.answers
    rows = answers.few(y, np.random.default_rng(trial.seed).permutation(len(y)), EXAMPLES)
    solver, _ = trial.descend(
        f"{len(rows)} examples at {rate:.2g}",
        [rate] * (PATIENCE + 1),  # a score is looked at after the step that follows it
        lambda solver, _: known(solver) >= answers.by_heart,
        rows,
    )
    return known(solver), solver.epoch


def known(solver: Solver) -> float:
    """The last score of the training rows, 0 where there is none yet."""
    return float((solver.history.train_score or [0.0])[-1] or 0.0)


def round_off(value: float) -> float:
    """The number with one digit that stands for it."""
    return float(f"{value:.0e}")
