"""Sines that tell places in a sequence apart."""

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.layer import Layer


class PositionalEncoding(Layer):
    """out = x + P,  P[t, 2i] = sin(t ω_i),  P[t, 2i + 1] = cos(t ω_i),  ω_i = 10000^(-2i / D).

    x and out (N, T, D).
    dx = dout

    Source: Vaswani et al., "Attention Is All You Need", 2017, section 3.5.
    """

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        if x.ndim != 3:
            raise ValueError(f"{self!r}: x has shape {x.shape}, expected (N, T, D)")
        angles = turns(x.shape[1], x.shape[2])
        P = np.empty((x.shape[1], 2 * angles.shape[1]))
        P[:, ::2], P[:, 1::2] = np.sin(angles), np.cos(angles)
        return x + P[:, : x.shape[2]].astype(x.dtype), (x.shape, x.dtype)

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        return self.upstream(dout, *cache), {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "sequences", cls(), rng.standard_normal((2, 5, 4))
        yield "odd features", cls(), rng.standard_normal((2, 3, 3))


def turns(T: int, D: int) -> Floats:
    """t ω_i, an angle for each place and each pair of features: (T, ⌈D / 2⌉)."""
    return np.arange(T)[:, np.newaxis] * 10000.0 ** (-np.arange(0, D, 2) / D)
