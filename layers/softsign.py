"""Softsign."""

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.init import glorot_normal
from chainrule.layers.layer import Layer


class Softsign(Layer):
    """out = x / (1 + |x|), between -1 and 1 like tanh, which it reaches more slowly.

    x and out have any shape.
    dx = dout / (1 + |x|)²

    An infinite x counts as the largest number there is, so that out is 1 or -1 there.
    Source: Bergstra et al., "Quadratic Polynomials Learn Better Image Features", 2009.
    """

    weight_init = staticmethod(glorot_normal)

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        largest = np.finfo(x.dtype).max
        out = x.clip(-largest, largest)
        u = abs(out)
        u += 1
        out /= u
        return out, u

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        u = cache
        dx = self.upstream(dout, u.shape, u.dtype) / u
        dx /= u
        return dx, {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "rows", cls(), rng.standard_normal((5, 4))
        yield "images", cls(), 5 * rng.standard_normal((2, 3, 2, 2))
