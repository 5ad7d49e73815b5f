"""What the recurrent layers share: parameters, states, and arrays that have time first."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike

from chainrule.layers.annotations import Cache, Examples, Floats, Grads, Scheme, Seed
from chainrule.layers.init import generator, lecun_normal
from chainrule.layers.layer import Layer


class Recurrent(Layer):
    """A layer that goes over sequences step by step, and remembers what it has seen in states.

    x (N, T, D) gives h (N, T, H), from states that are 0. A state that goes in comes out: x and
    h0 (N, H), and what other states there are, give h and the last states, so that the next call
    can go on from them. `params` are Wx (D, k H), Wh (H, k H) and b (k H,) for k gates.

    `init` is a scheme of `layers.init` for the weights, drawn with `rng`; b starts at 0. A subclass
    writes `over_time` and `back_in_time`, in arrays (T, features, N): a step is then one block of
    memory, and its products need no copies.
    """

    gates: ClassVar[int] = 1
    states: ClassVar[tuple[str, ...]] = ("h",)

    def __init__(
        self,
        in_features: int,
        hidden: int,
        *,
        init: Scheme = lecun_normal,
        rng: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        dtype = self.float_dtype(dtype)
        D, H = self.positive("in_features", in_features), self.positive("hidden", hidden)
        self.in_features, self.hidden = D, H
        rng = generator(type(self).__name__, rng)
        kind: dict[str, Any] = {"rng": rng, "dtype": dtype}
        for name, rows in (("Wx", D), ("Wh", H)):
            blocks = [self.drawn(init, rows, H, **kind) for _ in range(self.gates)]
            self.params[name] = np.concatenate(blocks, axis=1)
        self.params["b"] = np.zeros(self.gates * H, dtype)

    def run(self, x: Floats, *states: Floats | None) -> tuple[Any, Cache]:
        """The forward pass; `states` are None where they are left out."""
        states = () if all(one is None for one in states) else states
        x = self.floats(x)
        if x.ndim != 3 or x.shape[1] == 0 or x.shape[2] != self.in_features:
            raise ValueError(
                f"{self!r}: x has shape {x.shape}, expected (N, T, {self.in_features}), sequences "
                f"of at least one step"
            )
        shape = (len(x), self.hidden)
        if any(one is None or np.shape(one) != shape for one in states):
            names = ", ".join(f"{name}0" for name in self.states)
            shapes = [None if one is None else np.shape(one) for one in states]
            raise ValueError(
                f"{self!r}: the states have shapes {shapes}, expected none, or {names} of shape "
                f"{shape}"
            )
        given = [
            self.floats(np.asarray(one), f"{name}0")
            for name, one in zip(self.states, states, strict=bool(states))
        ]
        starts = [one.T for one in given] or [np.zeros(shape[::-1], x.dtype)] * len(self.states)
        h, last, cache = self.over_time(x.transpose(1, 2, 0), *starts)
        out = np.ascontiguousarray(h.transpose(2, 0, 1))
        outs = (out, *(one.T.copy() for one in last)) if given else out
        return outs, (cache, out.shape, out.dtype, bool(given))

    def backward(self, dout: Any, cache: Cache) -> tuple[Any, Grads]:
        cache, shape, dtype, given = cache
        douts = dout if given else (dout,)
        if not isinstance(douts, tuple) or len(douts) != 1 + given * len(self.states):
            raise ValueError(
                f"{self!r}: dout is a {type(dout).__name__}, expected a tuple of "
                f"{1 + len(self.states)}, for h and the last {' and '.join(self.states)}, None "
                f"where nothing flows back"
            )
        shapes = [shape, *[shape[::2]] * (len(douts) - 1)]
        dh, *dlast = (
            np.zeros(one, dtype) if d is None else self.upstream(d, one, dtype)
            for d, one in zip(douts, shapes, strict=True)
        )
        dlast = dlast or [np.zeros(shape[::2], dtype)] * len(self.states)
        dx, dstates, grads = self.back_in_time(
            dh.transpose(1, 2, 0), *(one.T for one in dlast), cache
        )
        dx = np.ascontiguousarray(dx.transpose(2, 0, 1))
        return (dx, *(one.T.copy() for one in dstates)) if given else dx, grads

    @abstractmethod
    def over_time(self, x: Floats, *states: Floats) -> tuple[Floats, tuple[Floats, ...], Cache]:
        """All h (T, H, N) and the last states (H, N), of x (T, D, N) and the first states."""

    @abstractmethod
    def back_in_time(
        self, dh: Floats, *dlast_and_cache: Any
    ) -> tuple[Floats, tuple[Floats, ...], Grads]:
        """dx (T, D, N), the gradients of the first states (H, N), and those of the parameters."""

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        layer = cls(3, 4, rng=rng)
        for array in layer.params.values():
            array[...] = rng.standard_normal(array.shape) / math.sqrt(len(array))
        x = rng.standard_normal((2, 5, 3))
        yield "from states that are 0", layer, x
        states: list[Any] = [rng.standard_normal((2, 4)) for _ in cls.states]
        yield "states in, states out", layer, x, *states

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.in_features} → {self.hidden})"


class OneStep(Recurrent):
    """One step of a recurrent layer, which stands behind it among the bases: x (N, D) and the
    states (N, H) give the next states. Its backward pass takes their gradients, None for none."""

    def run(self, x: Floats, *states: Floats | None) -> tuple[Any, Cache]:
        x = self.floats(x)
        if x.ndim != 2:
            raise ValueError(
                f"{self!r}: x has shape {x.shape}, expected (N, {self.in_features}), a step of "
                f"each sequence"
            )
        (_, *last), cache = super().run(x[:, np.newaxis], *states)
        return (tuple(last) if last[1:] else last[0]), cache

    def backward(self, dout: Any, cache: Cache) -> tuple[Any, Grads]:
        dlast = dout if self.states[1:] else (dout,)
        (dx, *dstates), grads = super().backward((None, *dlast), cache)
        return (dx[:, 0], *dstates), grads

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        layer = cls(3, 4, rng=rng)
        for array in layer.params.values():
            array[...] = rng.standard_normal(array.shape) / math.sqrt(len(array))
        states: list[Any] = [rng.standard_normal((2, 4)) for _ in cls.states]
        yield "rows", layer, rng.standard_normal((2, 3)), *states


def rows_in_time(array: Floats) -> Floats:
    """(T, features, N) → (T N, features), a row for each step of each example."""
    T, F, N = array.shape
    return array.transpose(0, 2, 1).reshape(T * N, F)


def in_steps(rows: Floats, T: int) -> Floats:
    """(T N, features) → (T, features, N)."""
    return rows.reshape(T, -1, rows.shape[1]).transpose(0, 2, 1)


def sigmoid_in_place(x: Floats) -> None:
    """x becomes σ(x) = (1 + tanh(x / 2)) / 2."""
    x *= 0.5
    np.tanh(x, out=x)
    x += 1
    x *= 0.5
