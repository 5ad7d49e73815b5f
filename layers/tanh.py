"""The hyperbolic tangent."""

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.init import glorot_normal
from chainrule.layers.layer import Layer


class Tanh(Layer):
    """out = tanh(x) = 2 σ(2x) - 1.

    x and out have any shape.
    dx = dout (1 - out²)

    The slope is exact to one rounding of the 1. Where it is far smaller than that (from |x| = 10
    on in float32, from 19 on in float64) it comes out as 0, as it does in most libraries.
    """

    weight_init = staticmethod(glorot_normal)

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        out = np.tanh(self.floats(x))
        return out, out

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        out = cache
        dx = 1 - out * out
        dx *= self.upstream(dout, out.shape, out.dtype)
        return dx, {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "rows", cls(), rng.standard_normal((5, 4))
        yield "images", cls(), rng.standard_normal((2, 3, 2, 2))
