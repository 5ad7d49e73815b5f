"""The reciprocal gate."""

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.layer import Layer


class Reciprocal(Layer):
    """out = 1 / x.

    x and out have any shape.
    dx = -dout / x²

    Raises ValueError where an x is 0.
    """

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        self.reject(x == 0, x, "x", "a number other than 0")
        out = 1 / x
        return out, out

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        out = cache
        dout = self.upstream(dout, out.shape, out.dtype)
        return -dout * out * out, {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "rows", cls(), rng.uniform(0.5, 2, (5, 4))
        yield "images", cls(), -rng.uniform(0.5, 2, (2, 3, 2, 2))
