"""The smooth rectifier."""

import numpy as np

from layers.init import he_normal
from layers.layer import Layer


class Softplus(Layer):
    """out = log(1 + eˣ).

    x and out have any shape.
    dx = dout σ(x) = dout eˣ / (1 + eˣ)

    Beyond x = -log(eps) the result is x to the last digit, so the exponent stops there and
    nothing overflows.
    Source: Dugas et al., "Incorporating Second-Order Functional Knowledge for Better Option
    Pricing", 2001.
    """

    weight_init = staticmethod(he_normal)

    def forward(self, x, *, train=True):
        x = self.floats(x)
        linear_from = -float(np.log(np.finfo(x.dtype).eps))
        e = np.exp(x.clip(-np.inf, linear_from))
        return np.maximum(np.log1p(e), x), e

    def backward(self, dout, cache):
        e = cache
        dout = self.upstream(dout, e.shape, e.dtype)
        return dout * (e / (1 + e)), {}

    @classmethod
    def examples(cls, rng):
        yield "rows", cls(), rng.standard_normal((5, 4))
        yield "images", cls(), 5 * rng.standard_normal((2, 3, 2, 2))
