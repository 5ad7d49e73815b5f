"""The exponential gate."""

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.layer import Layer


class Exp(Layer):
    """out = eˣ.

    x and out have any shape.
    dx = dout eˣ

    Where eˣ is too large for the dtype (x above 709.78 in float64, 88.72 in float32) out is inf.
    """

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        with np.errstate(over="ignore"):
            out = np.exp(x)
        return out, out

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        out = cache
        dout = self.upstream(dout, out.shape, out.dtype)
        return dout * out, {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "rows", cls(), rng.standard_normal((5, 4))
        yield "images", cls(), rng.standard_normal((2, 3, 2, 2))
