"""Layers that go a step within backward: what stands in the place of their optimizers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.gradcheck.subject.attributes import Path, leaves, parts

STEP = 0.37
RATES = ("lr", "learning_rate", "eta", "step_size", "learn_rate", "rate")


class Recorder:
    """In the place of an optimizer: it notes the gradients that it gets, in `given` by the paths
    of their parameters, and goes a step: that shows where a backward pass goes on with the
    new ones."""

    def __init__(self, thing: Any) -> None:
        self.held = leaves(thing)
        self.given: dict[Path, np.ndarray] = {}

    def instead_of(self, optimizer: Any) -> InPlace:
        """What stands where an optimizer stood."""
        return InPlace(self, optimizer)

    def update(self, *arguments: Any, **named: Any) -> Any:
        values = [*arguments, *named.values()]
        arrays = [one for one in values if isinstance(one, np.ndarray)]
        if len(arrays) >= 2:
            self.note(arrays[0], arrays[1])
            same = arrays[0].shape == arrays[1].shape
            return arrays[0] - STEP * arrays[1] if same else arrays[0]
        holders = [one for one in values if isinstance(one, (Mapping, list, tuple))]
        if len(holders) >= 2:
            gradients = dict(parts(holders[1]))
            for key, w in parts(holders[0]):
                if key in gradients:
                    self.note(w, gradients[key])
                    if isinstance(w, np.ndarray) and w.shape == np.shape(gradients[key]):
                        w -= STEP * gradients[key]
        return values[0] if values else None

    __call__ = update

    def note(self, w: Any, gradient: Any) -> None:
        """Keep the gradient of the parameter that `w` is, or is equal to."""
        same = [path for path, array in self.held.items() if array is w]
        same += [path for path, array in self.held.items() if np.array_equal(array, w)]
        if same:
            self.given[same[0]] = np.array(gradient)


class InPlace:
    """An optimizer whose updates are recorded; all else is as it was."""

    def __init__(self, recorder: Recorder, optimizer: Any) -> None:
        self.update = self.step = recorder.update
        self.optimizer = optimizer

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self.update(*arguments, **named)

    def __getattr__(self, name: str) -> Any:
        if name == "optimizer" or name.startswith("__"):  # of a copy that is being made
            raise AttributeError(name)
        return getattr(self.optimizer, name)


def is_optimizer(value: Any) -> bool:
    """Whether it has an update, and is no layer, container or array."""
    own = type(value).__module__ not in ("builtins", "numpy", "collections")
    is_layer = any(hasattr(value, word) for word in ("forward", "backward"))
    return own and callable(getattr(value, "update", None)) and not is_layer


def record_updates(thing: Any) -> Recorder:
    """Put one recorder in the place of all optimizers that an object holds."""
    recorder = Recorder(thing)
    for holder in (thing, *(one for _, one in parts(thing) if isinstance(one, dict))):
        for key, value in parts(holder):
            if is_optimizer(value):
                if isinstance(holder, dict):
                    holder[key] = recorder.instead_of(value)
                else:
                    setattr(holder, str(key), recorder.instead_of(value))
    return recorder
