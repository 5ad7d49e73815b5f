"""What hangs on an object: its layers, arrays and generators; where they were at the start."""

from __future__ import annotations

import copy
import types
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

Arrays = list[np.ndarray]
PLAIN = (str, bytes, int, float, complex, type(None), type, types.ModuleType)


def is_setting(value: Any) -> bool:
    """Whether formulas may ask for it: a number, one for each axis of an image, or how it is
    padded, in a word."""
    if isinstance(value, (tuple, list)):
        return 0 < len(value) < 4 and all(map(is_setting, value))
    number = isinstance(value, (int, float, np.number))
    return number or (isinstance(value, str) and value.lower() in ("same", "valid"))


def nested(thing: Any, layers_alone: bool = False, seen: set[int] | None = None) -> Iterator[Any]:
    """`thing` and what containers, functions and objects hold, each once; with `layers_alone` of
    objects only those that have a method forward are entered."""
    seen = set() if seen is None else seen
    if isinstance(thing, PLAIN) or id(thing) in seen:
        return
    seen.add(id(thing))
    yield thing
    inner: Any = ()
    if isinstance(thing, dict):
        inner = thing.values()
    elif isinstance(thing, (list, tuple, set)):
        inner = thing
    elif isinstance(thing, types.FunctionType):
        inner = closed_over(thing)
    elif isinstance(thing, types.MethodType):
        inner = (thing.__self__, thing.__func__)
    elif isinstance(thing, np.ndarray) or not hasattr(thing, "__dict__"):
        return
    elif hasattr(thing, "forward") or not layers_alone:
        inner = vars(thing).values()
    for child in list(inner):
        yield from nested(child, layers_alone, seen)


def closed_over(function: types.FunctionType) -> list[Any]:
    """What a function reads that is no argument: its closure, its defaults, and the generators and
    functions among the globals that it names."""
    found = list(function.__defaults__ or ()) + list((function.__kwdefaults__ or {}).values())
    for cell in function.__closure__ or ():
        try:
            found.append(cell.cell_contents)
        except ValueError:  # not filled yet
            continue
    kinds = (np.random.Generator, np.random.RandomState, types.FunctionType)
    named = (function.__globals__.get(name) for name in function.__code__.co_names)
    return found + [thing for thing in named if isinstance(thing, kinds)]


def layers_in(thing: Any) -> list[Any]:
    """`thing` and the layers that hang on it, each once."""
    found = nested(thing, layers_alone=True)
    return [part for part in found if part is thing or hasattr(part, "forward")]


def sublayers(layer: Any) -> list[Any]:
    """The layers that a network holds, itself left out."""
    return [part for part in layers_in(layer) if part is not layer and hasattr(part, "backward")]


def fingerprint(*trees: Any) -> list[tuple[Any, ...]]:
    """Shape, dtype and bytes of every array in the trees, to tell whether anything was written."""
    return [(a.shape, a.dtype.str, a.tobytes()) for a in nested(trees) if isinstance(a, np.ndarray)]


def cast_copy(layer: Any, dtype: Any) -> Any:
    """A deep copy with all floating params and state cast; arrays that were shared stay shared."""
    memo: dict[int, Any] = {}
    for part in layers_in(layer):
        for name in ("params", "state"):
            arrays = getattr(part, name, None)
            for array in arrays.values() if isinstance(arrays, dict) else ():
                if isinstance(array, np.ndarray) and array.dtype.kind == "f":
                    memo.setdefault(id(array), array.astype(dtype))
    return copy.deepcopy(layer, memo)


def state_of(layer: Any) -> dict[str, np.ndarray]:
    """The arrays that training remembers."""
    state = getattr(layer, "state", {})
    if not isinstance(state, dict):
        return {}
    return {k: v for k, v in state.items() if isinstance(v, np.ndarray)}


def arrays_in(tree: Any) -> Iterator[np.ndarray]:
    """The arrays in nested dicts, lists and tuples."""
    if isinstance(tree, np.ndarray):
        yield tree
    elif isinstance(tree, (dict, list, tuple)):
        for child in tree.values() if isinstance(tree, dict) else tree:
            yield from arrays_in(child)


class Origin:
    """Where every pass starts: the attributes, state and generators of an object, and np.random.

    Arrays that share memory with one of `moving`, the parameters, are left as they are.
    """

    def __init__(self, thing: Any, moving: Arrays) -> None:
        owners = [part for part in layers_in(thing) if hasattr(part, "__dict__")]
        self._bindings = [(vars(part), dict(vars(part))) for part in owners]
        self._put_back: list[Callable[[], Any]] = []
        for part in nested([attributes for attributes, _ in self._bindings], layers_alone=True):
            if isinstance(part, np.random.Generator):
                bits = part.bit_generator
                self._put_back.append(partial(setattr, bits, "state", bits.state))
            elif isinstance(part, np.random.RandomState):
                self._put_back.append(partial(part.set_state, part.get_state()))
        for array in (a for own, _ in self._bindings for a in arrays_in(own)):
            if array.flags.writeable and not any(np.may_share_memory(array, m) for m in moving):
                self._put_back.append(partial(np.copyto, array, array.copy()))
        self._global: Any = np.random.get_state()
        self.uses_global = False

    def restore(self) -> None:
        """Put everything back to where it was."""
        for attributes, kept in self._bindings:
            if attributes.keys() != kept.keys() or any(attributes[k] is not kept[k] for k in kept):
                attributes.clear()
                attributes.update(kept)
        for put_back in self._put_back:
            put_back()
        if self.uses_global:
            np.random.set_state(self._global)

    def watch_global(self, call: Any) -> None:
        """Find out whether `call` draws from np.random, which is then put back too."""
        before: Any = np.random.get_state()
        try:
            call()
        finally:
            after: Any = np.random.get_state()
            moved = not np.array_equal(before[1], after[1]) or before[2:] != after[2:]
            self.uses_global = self.uses_global or moved
            np.random.set_state(self._global)
