"""Learning-rate schedules: functions of the epoch that give a factor for the learning rate."""

from __future__ import annotations

import math
from dataclasses import dataclass

from chainrule.layers.validation import number


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """factor(epoch) = min(1, epoch / warmup) · decay(epoch).

    `epoch` is a float ≥ 0 that counts passes over the training data: 2.5 is half-way through
    the third. A schedule is a pure function of it and remembers nothing. The solver evaluates
    it in the middle of each step, at (step + ½) / steps_per_epoch with steps counted from 0, so
    a warm-up does not begin with a factor of 0, nor a cosine end with one.

    warmup: length, in epochs, of a linear warm-up from 0 (Goyal et al. 2017, "Accurate, Large
    Minibatch SGD"); 0 is none. It multiplies the decay and does not shift it.
    """

    warmup: float = 0.0

    def __post_init__(self) -> None:
        number(self, "warmup", self.warmup, 0)

    def __call__(self, epoch: float) -> float:
        decay = self.decay(epoch)
        return decay * epoch / self.warmup if epoch < self.warmup else decay

    def decay(self, epoch: float) -> float:
        """Return the factor at `epoch` as it is without a warm-up."""
        raise NotImplementedError(f"{type(self).__name__} does not define decay(epoch)")


@dataclass(frozen=True)
class Constant(Schedule):
    """decay(epoch) = 1."""

    def decay(self, epoch: float) -> float:
        return 1.0


@dataclass(frozen=True)
class Step(Schedule):
    """decay(epoch) = factor^⌊epoch / every⌋.

    `Step(every=1, factor=0.95)` is CS231n's `lr_decay=0.95`.
    """

    every: float
    factor: float

    def __post_init__(self) -> None:
        super().__post_init__()
        number(self, "every", self.every, 0, but=0)
        number(self, "factor", self.factor, 0, 1, but=0)

    def decay(self, epoch: float) -> float:
        return float(self.factor ** (epoch // self.every))


@dataclass(frozen=True)
class Exponential(Schedule):
    """decay(epoch) = rate^epoch, falling within the epochs too."""

    rate: float

    def __post_init__(self) -> None:
        super().__post_init__()
        number(self, "rate", self.rate, 0, 1, but=0)

    def decay(self, epoch: float) -> float:
        return float(self.rate**epoch)


@dataclass(frozen=True)
class Cosine(Schedule):
    """decay(epoch) = final + (1 − final) (1 + cos(π epoch / epochs)) / 2, then final.

    Half a cosine from 1 down to `final` over `epochs` epochs: Loshchilov & Hutter 2017, "SGDR",
    without restarts. Training on beyond `epochs` with final = 0 is refused by the update rule,
    whose learning rate must be positive.
    """

    epochs: float
    final: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        number(self, "epochs", self.epochs, 0, but=0)
        number(self, "final", self.final, 0, 1)

    def decay(self, epoch: float) -> float:
        angle = math.pi * min(epoch / self.epochs, 1.0)
        return self.final + (1 - self.final) * (1 + math.cos(angle)) / 2
