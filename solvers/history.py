"""What a run leaves behind: its figures, and copies of the model worth keeping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class History:
    """The figures of a run as plain lists, in the order they came about.

    Of every step: `step_loss`, the loss of its batch before the update; `step_lr`, the learning
    rate; `step_grad_norm`, the norm of the gradient over all parameters, before clipping.

    Of every epoch: `epoch`, counted from 1; `loss`, the mean of its steps' losses over the
    training examples; `val_loss`, on all validation data, without a penalty on weights, None
    where it is not finite or the model has no `evaluate`; `train_score`, on a fixed sample of the
    training data, and `val_score`, on all validation data, each None where there is none;
    `grad_norm`, the mean over its steps; `seconds` of steps and evaluation.
    """

    step_loss: list[float] = field(default_factory=list)
    step_lr: list[float] = field(default_factory=list)
    step_grad_norm: list[float] = field(default_factory=list)
    epoch: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    val_loss: list[float | None] = field(default_factory=list)
    train_score: list[float | None] = field(default_factory=list)
    val_score: list[float | None] = field(default_factory=list)
    grad_norm: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def append(self, **figures: Any) -> None:
        """Append each figure to the list of its name."""
        for name, value in figures.items():
            getattr(self, name).append(value)


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A copy of a model's `params` and of the `state` that belongs to them.

    `epoch` counts the epochs finished when it was taken; `score` is the validation score then.
    """

    params: dict[str, np.ndarray] = field(repr=False)
    state: dict[str, np.ndarray] = field(repr=False)
    epoch: int
    score: float | None = None

    @classmethod
    def of(cls, model: Any, epoch: int, score: float | None = None) -> Snapshot:
        """Copy what `model` holds now."""
        return cls(copies(model.params), copies(state_of(model)), epoch, score)

    def restore(self, model: Any) -> None:
        """Write the copy back into the arrays of `model`."""
        write(self.params, model.params)
        write(self.state, state_of(model))


def state_of(model: Any) -> dict[str, np.ndarray]:
    """Return `model.state`, or an empty dict for a model without one."""
    state: dict[str, np.ndarray] = getattr(model, "state", {})
    return state


def copies(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return a dict of copies of the arrays."""
    return {name: array.copy() for name, array in arrays.items()}


def write(source: Mapping[str, np.ndarray], target: Mapping[str, np.ndarray]) -> None:
    """Overwrite the arrays of `target`, in place, with those of `source`."""
    for name, array in source.items():
        target[name][...] = array
