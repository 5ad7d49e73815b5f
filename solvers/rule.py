"""What all update rules share: the learning rate, the memory and the walk over the parameters."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator, Mapping

import numpy as np

from chainrule.layers.validation import number
from chainrule.solvers.finite import NonFiniteError, global_norm, non_finite

# Elements per block: a parameter, its gradient and its memory then stay in the cache while a
# formula passes over them several times; 1.4 to 1.9 times as fast as whole arrays from 400k on.
BLOCK = 2**16

ROOM = 1e-8  # the part of the range that a square may take, so that sums over steps fit in
SMALLEST_EPS = 1e-15  # below it, √v matters where v is too small for float32


class UpdateRule:
    """One step of gradient descent on a dict of arrays.

    `update(params, grads)` changes the arrays of `params` in place. `lr` may be changed between
    two steps. Apart from `lr`, all that a rule remembers is in `state`, a flat dict of arrays
    keyed `<parameter>.<what>` (`affine1.W.velocity`); restoring `state` restores the rule.

    A subclass names in `memory` the arrays it keeps for each parameter (they start at zero) and
    writes its formula in `step(w, dw, *memory)`, which changes `w` and the memory in place. The
    formula must be element-wise, because large arrays are handed to it in blocks.

    Rules square gradients, and a square of 1.9e19 is beyond float32. Memory of a float32 parameter
    is therefore kept in float64 from the first gradient on whose norm comes near, and its steps
    are computed in float64.
    """

    memory: tuple[str, ...] = ()

    #: The names of the parameters that are weights, for a rule that treats them in a way of their
    #: own. A Solver sets it to what its model declares; None: those with two or more dimensions.
    weights: Collection[str] | None = None

    def __init__(self, lr: float) -> None:
        self.lr = lr
        self.state: dict[str, np.ndarray] = {}

    @property
    def lr(self) -> float:
        """The learning rate, a positive number."""
        return self._lr

    @lr.setter
    def lr(self, value: float) -> None:
        self._lr = number(self, "lr", value, 0, but=0)

    def update(self, params: Mapping[str, np.ndarray], grads: Mapping[str, np.ndarray]) -> None:
        """Take one step: change the arrays of `params` in place, leave `grads` alone.

        Both dicts have the same keys and, key by key, the same shapes. A parameter keeps its
        dtype. Raises, before anything has changed, ValueError where keys or shapes differ,
        TypeError for a parameter that is not of float32 or float64 and, in a rule that remembers
        gradients, NonFiniteError for one whose entries are not finite or too large to be squared.
        """
        check_match(params, grads)
        wide = {name: self.needs_wide_memory(name, params[name], dw) for name, dw in grads.items()}
        turns = [
            (w, grads[name], *(self.recall(name, what, w, wide[name]) for what in self.memory))
            for name, w in params.items()
        ]
        self.begin_step(params)
        for w, dw, *memory in turns:
            for block in blocks(w, dw, *memory):
                if memory and memory[0].dtype != w.dtype:
                    block = (block[0], block[1].astype(memory[0].dtype), *block[2:])
                self.step(*block)

    def begin_step(self, params: Mapping[str, np.ndarray]) -> None:
        """Do what happens once a step, before the parameters' own turns; by default nothing."""

    def step(self, w: np.ndarray, dw: np.ndarray, *memory: np.ndarray) -> None:
        """Change `w` and its memory in place by the gradient `dw`, all of one shape."""
        raise NotImplementedError(f"{type(self).__name__} does not define step(w, dw, *memory)")

    def decaying(self, params: Mapping[str, np.ndarray]) -> list[str]:
        """Return the names of the parameters that are weights. Raises ValueError where `weights`
        names one that is not there."""
        if self.weights is None:
            return [name for name, w in params.items() if w.ndim >= 2]
        for name in self.weights:
            if name not in params:
                raise ValueError(
                    f"{type(self).__name__}: weights names {name!r}, but parameters are {[*params]}"
                )
        return [name for name in params if name in self.weights]

    def needs_wide_memory(self, name: str, w: np.ndarray, dw: np.ndarray) -> bool:
        """Whether the memory of a gradient takes more than the dtype of its parameter."""
        if not self.memory:
            return False
        with np.errstate(all="ignore"):
            square = float(np.vdot(dw, dw))  # by the fastest product there is
        if square <= ROOM * float(np.finfo(w.dtype).max):
            return getattr(self, "eps", 1.0) < SMALLEST_EPS
        norm = global_norm({name: dw})
        if norm <= (ROOM * float(np.finfo(np.float64).max)) ** 0.5:
            return True
        bad = non_finite({name: dw})
        raise NonFiniteError(
            f"{type(self).__name__}: the gradient of {name} has the norm {norm:g}"
            f"{f': {bad}' if bad else ', too large to be squared'}"
        )

    def recall(self, name: str, what: str, w: np.ndarray, wide: bool = False) -> np.ndarray:
        """Return the array `what` kept for parameter `name`; a new one is zeros like `w`. With
        `wide` it is of float64 from now on."""
        key = f"{name}.{what}"
        if key not in self.state:
            self.state[key] = np.zeros_like(w)
        if self.state[key].shape != w.shape:
            raise ValueError(
                f"{type(self).__name__}: the state {key} has shape {self.state[key].shape}, "
                f"but the parameter {name} has {w.shape}"
            )
        if wide and self.state[key].dtype != np.float64:
            self.state[key] = self.state[key].astype(np.float64)
        return self.state[key]

    def __repr__(self) -> str:
        given = {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in given.items())})"


def check_match(params: Mapping[str, np.ndarray], grads: Mapping[str, np.ndarray]) -> None:
    """Raise ValueError unless `grads` has exactly the keys and the shapes of `params`, TypeError
    unless these are of float32 or float64."""
    if params.keys() != grads.keys():
        for name in params.keys() - grads.keys():
            raise ValueError(f"parameter {name} has no gradient; gradients came for {[*grads]}")
        for name in grads.keys() - params.keys():
            raise ValueError(f"gradient {name} has no parameter; parameters are {[*params]}")
    for name, w in params.items():
        if w.dtype.kind != "f" or w.dtype.itemsize < 4:
            raise TypeError(
                f"the parameter {name} has dtype {w.dtype}, expected float32 or float64: the "
                f"squares of gradients do not fit into less"
            )
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
