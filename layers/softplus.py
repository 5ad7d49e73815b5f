"""The smooth rectifier."""

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.init import he_normal
from chainrule.layers.layer import Layer, exp_limit


class Softplus(Layer):
    """out = log(1 + eˣ).

    x and out have any shape.
    dx = dout σ(x) = dout eˣ / (1 + eˣ)

    The exponent is held below the point where eˣ would overflow; long before it out is x to the
    last digit, and the slope is 1.
    Source: Dugas et al., "Incorporating Second-Order Functional Knowledge for Better Option
    Pricing", 2001.
    """

    weight_init = staticmethod(he_normal)

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        e = np.exp(x.clip(-np.inf, exp_limit(x.dtype)))
        return np.maximum(np.log1p(e), x), e

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        e = cache
        dx = e / (1 + e)
        dx *= self.upstream(dout, e.shape, e.dtype)
        return dx, {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "rows", cls(), rng.standard_normal((5, 4))
        yield "images", cls(), 5 * rng.standard_normal((2, 3, 2, 2))
