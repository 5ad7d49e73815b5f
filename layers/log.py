"""The natural logarithm gate."""

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.layer import Layer


class Log(Layer):
    """out = log x.

    x and out have any shape.
    dx = dout / x

    Raises ValueError unless every x is positive.
    """

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        self.reject(x <= 0, x, "x", "a positive number")
        return np.log(x), x

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        x = cache
        dout = self.upstream(dout, x.shape, x.dtype)
        return dout / x, {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "rows", cls(), rng.uniform(0.5, 2, (5, 4))
        yield "images", cls(), rng.uniform(0.5, 2, (2, 3, 2, 2))
