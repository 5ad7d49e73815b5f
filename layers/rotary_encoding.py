"""Queries and keys that are turned by their places."""

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.layer import Layer
from chainrule.layers.positional_encoding import turns


class RotaryEncoding(Layer):
    """out = x with each pair (x[2i], x[2i + 1]) of step t turned by the angle t ω_i,
    ω_i = 10000^(-2i / d).

    x and out (N, T, D); with `heads` h, D are h blocks of d = D / h features, each by itself.
    dx = dout with each pair turned back.

    The product of a query of step s and a key of step t then depends on s - t alone.
    Source: Su et al., "RoFormer: Enhanced Transformer with Rotary Position Embedding", 2021.
    """

    def __init__(self, heads: int = 1) -> None:
        super().__init__()
        self.heads = self.positive("heads", heads)

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        if x.ndim != 3 or x.shape[2] % (2 * self.heads):
            raise ValueError(
                f"{self!r}: x has shape {x.shape}, expected (N, T, D), D a multiple of "
                f"{2 * self.heads}, pairs for each head"
            )
        angles = np.tile(turns(x.shape[1], x.shape[2] // self.heads), self.heads)
        cos, sin = np.cos(angles).astype(x.dtype), np.sin(angles).astype(x.dtype)
        return turned(x, cos, sin), (cos, sin, x.shape)

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        cos, sin, shape = cache
        return turned(self.upstream(dout, shape, cos.dtype), cos, -sin), {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "one head", cls(), rng.standard_normal((2, 3, 4))
        yield "two heads", cls(2), rng.standard_normal((2, 3, 8))


def turned(x: Floats, cos: Floats, sin: Floats) -> Floats:
    """Pairs of features (N, T, D), turned by angles with these (T, D / 2) cosines and sines."""
    a, b, out = x[..., ::2], x[..., 1::2], np.empty_like(x)
    out[..., ::2], out[..., 1::2] = a * cos - b * sin, a * sin + b * cos
    return out
