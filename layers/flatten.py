"""Images as rows."""

import math

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.layer import Layer


class Flatten(Layer):
    """out = x, its entries in a row per example.

    x (N, d1, …, dk);  out (N, D) with D = d1 · … · dk, the last axis running fastest.
    dx = dout, in the shape of x
    """

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        if x.ndim < 2:
            raise ValueError(
                f"{self!r}: x has shape {x.shape}, expected (N, …) with one example per row; "
                f"a single example is x[np.newaxis]"
            )
        return x.reshape(len(x), math.prod(x.shape[1:])), (x.shape, x.dtype)

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        shape, dtype = cache
        dout = self.upstream(dout, (shape[0], math.prod(shape[1:])), dtype)
        return dout.reshape(shape), {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "images", cls(), rng.standard_normal((2, 3, 2, 4))
        yield "rows", cls(), rng.standard_normal((5, 4))
