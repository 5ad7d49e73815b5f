"""Layers that go a step within backward: what stands in the place of their optimizers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.gradcheck.subject.attributes import Path, leaves, parts

RATES = ("lr", "learning_rate", "eta", "step_size", "learn_rate", "rate")


class Recorder:
    """In the place of an optimizer: it notes the gradients that it is given, and gives parameters
    back as they are. `given` holds them by the paths of their parameters."""

    def __init__(self, thing: Any) -> None:
        self.held = leaves(thing)
        self.given: dict[Path, np.ndarray] = {}

    def update(self, *arguments: Any, **named: Any) -> Any:
        values = [*arguments, *named.values()]
        arrays = [one for one in values if isinstance(one, np.ndarray)]
        if len(arrays) >= 2:
            self.note(arrays[0], arrays[1])
            return arrays[0]
        holders = [one for one in values if isinstance(one, (Mapping, list, tuple))]
        if len(holders) >= 2:
            gradients = dict(parts(holders[1]))
            for key, w in parts(holders[0]):
                if key in gradients:
                    self.note(w, gradients[key])
        return values[0] if values else None

    __call__ = step = update

    def note(self, w: Any, gradient: Any) -> None:
        """Keep the gradient of the parameter that `w` is, or is equal to."""
        same = [path for path, array in self.held.items() if array is w]
        same += [path for path, array in self.held.items() if np.array_equal(array, w)]
        if same:
            self.given[same[0]] = np.array(gradient)


def record_updates(thing: Any) -> Recorder:
    """Put one recorder in the place of all optimizers that an object holds."""
    recorder = Recorder(thing)
    for holder in (thing, *(one for _, one in parts(thing) if isinstance(one, dict))):
        for key, value in parts(holder):
            own = type(value).__module__ not in ("builtins", "numpy", "collections")
            if own and callable(getattr(value, "update", None)):
                if isinstance(holder, dict):
                    holder[key] = recorder
                else:
                    setattr(holder, str(key), recorder)
    return recorder
