"""The layer under test: a float64 copy whose forward pass can be repeated from the same start."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np

Arrays = list[np.ndarray]


def parts(thing: Any, seen: set[int] | None = None) -> Iterator[Any]:
    """`thing` and whatever layers, generators and containers hang on it, each once."""
    seen = set() if seen is None else seen
    if id(thing) in seen:
        return
    seen.add(id(thing))
    yield thing
    inner: list[Any] = []
    if isinstance(thing, dict):
        inner = list(thing.values())
    elif isinstance(thing, (list, tuple)):
        inner = list(thing)
    elif hasattr(thing, "forward") and hasattr(thing, "__dict__"):
        inner = list(vars(thing).values())
    for child in inner:
        if not isinstance(child, (str, bytes, int, float, np.ndarray)):
            yield from parts(child, seen)


def sublayers(layer: Any) -> list[Any]:
    """The layers that a network holds, itself left out."""
    return [part for part in parts(layer) if part is not layer and hasattr(part, "backward")]


def leaves(tree: Any) -> Iterator[np.ndarray]:
    """Every array in nested tuples, lists, dicts and simple objects."""
    for part in _nested(tree, set()):
        if isinstance(part, np.ndarray):
            yield part


def _nested(tree: Any, seen: set[int]) -> Iterator[Any]:
    if id(tree) in seen:
        return
    seen.add(id(tree))
    yield tree
    inner: Any = ()
    if isinstance(tree, dict):
        inner = tree.values()
    elif isinstance(tree, (list, tuple)):
        inner = tree
    elif hasattr(tree, "__dict__") and not isinstance(tree, (type, np.ndarray)):
        inner = vars(tree).values()
    for child in inner:
        yield from _nested(child, seen)


def fingerprint(*trees: Any) -> list[tuple[Any, ...]]:
    """Shape, dtype and bytes of every array in the trees, to tell whether anything was written."""
    return [(a.shape, a.dtype.str, a.tobytes()) for a in leaves(trees)]


def cast_copy(layer: Any, dtype: Any) -> Any:
    """A deep copy with all floating params and state cast; arrays that were shared stay shared."""
    memo: dict[int, Any] = {}
    for part in parts(layer):
        for name in ("params", "state"):
            arrays = getattr(part, name, None)
            for array in arrays.values() if isinstance(arrays, dict) else ():
                if isinstance(array, np.ndarray) and array.dtype.kind == "f":
                    memo.setdefault(id(array), array.astype(dtype))
    return copy.deepcopy(layer, memo)


class Subject:
    """A layer and its inputs, on copies in `dtype`.

    `forward` starts, every time, from the same state, the same point of every generator and fresh
    copies of the inputs that are marked as changed; parameters are whatever they are at the
    moment. The layer that was given is never touched.
    """

    def __init__(self, layer: Any, inputs: tuple[Any, ...], dtype: Any = np.float64) -> None:
        self.layer = cast_copy(layer, dtype)
        self.inputs: Arrays = []
        for x in inputs:
            x = np.asarray(x)
            self.inputs.append(x.astype(dtype) if x.dtype.kind == "f" else x.copy())
        self.names = input_names(layer, len(inputs))
        self.calls = 0
        self._has_mode = takes_train(layer)
        self._arrays: list[tuple[np.ndarray, np.ndarray]] = []
        self._generators: list[tuple[Any, Any]] = []
        for part in parts(self.layer):
            state = getattr(part, "state", None)
            if isinstance(state, dict):
                for value in state.values():
                    if isinstance(value, np.ndarray):
                        self._arrays.append((value, value.copy()))
            if isinstance(part, np.random.Generator):
                self._generators.append((part.bit_generator, part.bit_generator.state))
            elif isinstance(part, np.random.RandomState):
                self._generators.append((part, part.get_state()))
        self._global = np.random.get_state()
        self._uses_global = False

    @property
    def params(self) -> dict[str, np.ndarray]:
        return dict(getattr(self.layer, "params", {}))

    def rewind(self) -> None:
        """Put state, generators and np.random back to where they were."""
        for array, kept in self._arrays:
            array[...] = kept
        for generator, state in self._generators:
            if isinstance(generator, np.random.RandomState):
                generator.set_state(state)
            else:
                generator.state = state
        if self._uses_global:
            np.random.set_state(self._global)

    def forward(self, train: bool = True, inputs: Arrays | None = None) -> tuple[Any, Any]:
        """One forward pass from the same start: (out, cache)."""
        self.rewind()
        self.calls += 1
        return self.call(self.inputs if inputs is None else inputs, train)

    def call(self, inputs: Arrays, train: bool) -> tuple[Any, Any]:
        mode = {"train": train} if self._has_mode else {}
        with np.errstate(all="ignore"):
            return self.layer.forward(*inputs, **mode)

    def backward(self, dout: Any, cache: Any) -> tuple[Any, dict[str, Any]]:
        with np.errstate(all="ignore"):
            return self.layer.backward(dout, cache)

    def settle_randomness(self, train: bool) -> None:
        """Find out whether a forward pass draws from np.random, which is then put back too."""
        before: Any = np.random.get_state()
        self.rewind()
        try:
            self.call([x.copy() for x in self.inputs], train)
        finally:
            after: Any = np.random.get_state()
            self._uses_global = self._uses_global or not (
                np.array_equal(before[1], after[1]) and before[2:] == after[2:]
            )
            np.random.set_state(self._global)

    def with_inputs(self, inputs: tuple[Any, ...]) -> Subject:
        """The same layer, afresh, on other inputs."""
        self.rewind()
        other = Subject(self.layer, inputs)
        other._uses_global = self._uses_global
        return other


def input_names(layer: Any, count: int) -> list[str]:
    """The names that `forward` gives its inputs: ["x"], ["a", "b"], ["scores", "targets"]; or those
    that the layer itself holds as a tuple `inputs`, as a graph does."""
    named = getattr(layer, "inputs", None)
    if isinstance(named, tuple) and len(named) == count:
        return list(named)
    try:
        parameters = list(inspect.signature(layer.forward).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    if len(names) < count:
        names += [f"x{at + 1}" for at in range(len(names), count)] if count > 1 else ["x"]
    return names[:count]


def takes_train(layer: Any) -> bool:
    """Whether forward has the argument `train`; a layer that is the same in both may do without."""
    try:
        parameters = inspect.signature(layer.forward).parameters.values()
    except (TypeError, ValueError):
        return True
    return any(p.name == "train" or p.kind is p.VAR_KEYWORD for p in parameters)


def as_outputs(out: Any) -> Arrays:
    """`out` as a list of arrays: a layer with several outputs returns a tuple."""
    return [np.asarray(o) for o in out] if isinstance(out, tuple) else [np.asarray(out)]


def like_outputs(out: Any, douts: Arrays) -> Any:
    """`douts` in the form in which the layer returned `out`."""
    return tuple(douts) if isinstance(out, tuple) else douts[0]
