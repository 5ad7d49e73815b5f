"""What all update rules share: the learning rate, the memory and the walk over the parameters."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping

import numpy as np

from chainrule.solvers.checks import positive

# Elements per block: a parameter, its gradient and its memory then stay in the cache while a
# formula passes over them several times; 1.4 to 1.9 times as fast as whole arrays from 400k on.
BLOCK = 2**16


class UpdateRule:
    """One step of gradient descent on a dict of arrays.

    `update(params, grads)` changes the arrays of `params` in place. `lr` may be changed between
    two steps. Apart from `lr`, all that a rule remembers is in `state`, a flat dict of arrays
    keyed `<parameter>.<what>` (`affine1.W.velocity`); restoring `state` restores the rule.

    A subclass names in `memory` the arrays it keeps for each parameter (they start at zero) and
    writes its formula in `step(w, dw, *memory)`, which changes `w` and the memory in place. The
    formula must be element-wise, because large arrays are handed to it in blocks.
    """

    memory: tuple[str, ...] = ()

    def __init__(self, lr: float) -> None:
        self.lr = lr
        self.state: dict[str, np.ndarray] = {}

    @property
    def lr(self) -> float:
        """The learning rate, a positive number."""
        return self._lr

    @lr.setter
    def lr(self, value: float) -> None:
        self._lr = positive(self, "lr", value)

    def update(self, params: Mapping[str, np.ndarray], grads: Mapping[str, np.ndarray]) -> None:
        """Take one step: change the arrays of `params` in place, leave `grads` alone.

        Both dicts have the same keys and, key by key, the same shapes; otherwise ValueError is
        raised before anything has changed. A parameter keeps its dtype.
        """
        check_match(params, grads)
        turns = [
            (w, grads[name], *(self.recall(name, what, w) for what in self.memory))
            for name, w in params.items()
        ]
        self.begin_step(params)
        for turn in turns:
            for block in blocks(*turn):
                self.step(*block)

    def begin_step(self, params: Mapping[str, np.ndarray]) -> None:
        """Do what happens once a step, before the parameters' own turns; by default nothing."""

    def step(self, w: np.ndarray, dw: np.ndarray, *memory: np.ndarray) -> None:
        """Change `w` and its memory in place by the gradient `dw`, all of one shape."""
        raise NotImplementedError(f"{type(self).__name__} does not define step(w, dw, *memory)")

    def recall(self, name: str, what: str, w: np.ndarray) -> np.ndarray:
        """Return the array `what` kept for parameter `name`; a new one is zeros like `w`."""
        key = f"{name}.{what}"
        if key not in self.state:
            self.state[key] = np.zeros_like(w)
        if self.state[key].shape != w.shape:
            raise ValueError(
                f"{type(self).__name__}: the state {key} has shape {self.state[key].shape}, "
                f"but the parameter {name} has {w.shape}"
            )
        return self.state[key]

    def __repr__(self) -> str:
        given = {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in given.items())})"


def check_match(params: Mapping[str, np.ndarray], grads: Mapping[str, np.ndarray]) -> None:
    """Raise ValueError unless `grads` has exactly the keys and the shapes of `params`."""
    if params.keys() != grads.keys():
        for name in params.keys() - grads.keys():
            raise ValueError(f"parameter {name} has no gradient; gradients came for {[*grads]}")
        for name in grads.keys() - params.keys():
            raise ValueError(f"gradient {name} has no parameter; parameters are {[*params]}")
    for name, w in params.items():
        if w.shape != grads[name].shape:
            raise ValueError(
                f"the gradient of {name} has shape {grads[name].shape}, expected {w.shape}"
            )


def blocks(first: np.ndarray, *others: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
    """Yield matching views of arrays of one shape, cut along the first axis, near BLOCK in size.

    Rows are cut, not the flattened array, because rows are views whatever the memory layout.
    """
    if first.size <= BLOCK:
        yield first, *others
        return
    rows = max(1, BLOCK * len(first) // first.size)
    for start in range(0, len(first), rows):
        yield tuple(array[start : start + rows] for array in (first, *others))
