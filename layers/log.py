"""The natural logarithm gate."""

import numpy as np

from chainrule.layers.layer import Layer


class Log(Layer):
    """out = log x.

    x and out have any shape.
    dx = dout / x

    Raises ValueError unless every x is positive.
    """

    def forward(self, x, *, train=True):
        x = self.floats(x)
        self.reject(x <= 0, x, "x", "a positive number")
        return np.log(x), x

    def backward(self, dout, cache):
        x = cache
        dout = self.upstream(dout, x.shape, x.dtype)
        return dout / x, {}

    @classmethod
    def examples(cls, rng):
        yield "rows", cls(), rng.uniform(0.5, 2, (5, 4))
        yield "images", cls(), rng.uniform(0.5, 2, (2, 3, 2, 2))
