"""A network with a way past it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from chainrule.layers import Affine, Conv, Layer, Sigmoid, Tanh
from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.nets.naming import add_grads
from chainrule.nets.network import Network, Row, require_unary, rows_of
from chainrule.nets.sequential import Sequential


class Residual(Network):
    """out = inner(x) + shortcut(x), or inner(x) + x where `shortcut` is None.

    x is what the two layers take, out what they both give.
    dx = the dx of inner and that of the shortcut, or dout itself, added up: at the fork before the
    two ways gradients meet.

    A shortcut is needed where inner(x) has another shape than x: for images,
    `Conv(channels, more_channels, 1, stride=2)`.
    Raises TypeError where an argument is not a layer of one input; in the forward pass ValueError
    where the two ways give different shapes.
    Source: He et al., "Deep Residual Learning for Image Recognition", 2016, section 3.2.
    """

    def __init__(self, inner: Layer, shortcut: Layer | None = None) -> None:
        super().__init__()
        require_unary(inner, "Residual", "inner")
        if shortcut is not None:
            require_unary(shortcut, "Residual", "shortcut")
        self.inner, self.shortcut = inner, shortcut
        self.layers = (inner,) if shortcut is None else (inner, shortcut)
        self.names = ["inner", "shortcut"][: len(self.layers)]
        self.adopt(self.names, self.layers)

    def forward(self, x: ArrayLike, *, train: bool = True) -> tuple[Floats, Cache]:
        self.check_arrays()
        x = self.floats(x)
        ways, caches = zip(*(layer.forward(x, train=train) for layer in self.layers), strict=True)
        one, other = ways[0], ways[1] if self.shortcut else x
        if one.shape != other.shape:
            way = "shortcut(x)" if self.shortcut else "x itself"
            raise ValueError(
                f"Residual: inner(x) has shape {one.shape}, but {way} has {other.shape}, and only "
                f"arrays of one shape add up{fitting(x.shape, one.shape)}"
            )
        return one + other, (caches, one.shape, one.dtype)

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        caches, shape, dtype = cache
        dout = self.upstream(dout, shape, dtype)
        grads: Grads = {}
        ways = []
        for layer, owner, kept in zip(self.layers, self._owners, caches, strict=True):
            way, layer_grads = layer.backward(dout, kept)
            add_grads(grads, layer_grads, owner)
            ways.append(way)
        return ways[0] + (ways[1] if self.shortcut else dout), grads

    def param_grads(self, dout: Floats, cache: Cache) -> Grads:
        caches, shape, dtype = cache
        dout = self.upstream(dout, shape, dtype)
        grads: Grads = {}
        for layer, owner, kept in zip(self.layers, self._owners, caches, strict=True):
            add_grads(grads, layer.param_grads(dout, kept), owner)
        return grads

    def parts(self, place: Callable[[Layer], int]) -> list[int]:
        """The layers for a blueprint; `place` gives the place of each in its list."""
        return [place(layer) for layer in self.layers]

    @staticmethod
    def from_parts(parts: list[int], listed: Any) -> Residual:
        """The network that `parts` tells of, from the layers `listed` so far."""
        return Residual(*(listed[at] for at in parts))

    def rows(self, x: Floats, name: str) -> Iterator[Row]:
        """What a summary tells of both ways, and of their sum."""
        for own, layer in zip(self.names, self.layers, strict=True):
            yield from rows_of(f"{name}.{own}", layer, x)
        sum_of = "inner(x) + shortcut(x)" if self.shortcut else "inner(x) + x"
        yield name, sum_of, self, self.forward(x, train=False)[0]

    def __repr__(self) -> str:
        return f"Residual({', '.join(map(repr, self.layers))})"

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        x = rng.standard_normal((5, 4))
        inner = Sequential(Affine(4, 3, rng=rng), Tanh(), Affine(3, 4, rng=rng))
        yield "past two layers", cls(inner), x
        yield "past one without parameters", cls(Sigmoid()), x
        yield "with a shortcut", cls(Affine(4, 3, rng=rng), Affine(4, 3, rng=rng)), x
        images = rng.standard_normal((2, 2, 4, 5))
        down = Conv(2, 3, 3, stride=2, pad=1, rng=rng)
        yield "images", cls(down, Conv(2, 3, 1, stride=2, rng=rng)), images


def fitting(x: tuple[int, ...], out: tuple[int, ...]) -> str:
    """In words, the shortcut that brings rows of the shape of x to that of out; "" for none."""
    if len(x) == len(out) == 2:
        return f"; the shortcut Affine({x[1]}, {out[1]}) would fit"
    if len(x) == len(out) == 4 and 0 not in (*x[2:], *out[2:]):
        strides = [-(-n // m) for n, m in zip(x[2:], out[2:], strict=True)]
        if all(-(-n // s) == m for n, m, s in zip(x[2:], out[2:], strides, strict=True)):
            step = strides[0] if strides[0] == strides[1] else tuple(strides)
            return f"; the shortcut Conv({x[1]}, {out[1]}, 1, stride={step}) would fit"
    return ""
