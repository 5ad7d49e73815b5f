"""The logistic sigmoid."""

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.init import glorot_normal
from chainrule.layers.layer import Layer, exp_limit


class Sigmoid(Layer):
    """out = σ(x) = 1 / (1 + e⁻ˣ).

    x and out have any shape.
    dx = dout σ(x) (1 - σ(x))

    Computed as

        out = eˣ / (1 + eˣ)
        slope = out / (1 + eˣ)

    Unlike 1 - out, the factor 1 / (1 + eˣ) keeps all its digits where out is close to 1. The
    exponent is held below the point where eˣ would overflow; out is 1 there.
    """

    weight_init = staticmethod(glorot_normal)

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        out = np.exp(x.clip(-np.inf, exp_limit(x.dtype)))
        u = 1 + out
        out /= u
        return out, (out, u)

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        out, u = cache
        dx = out / u
        dx *= self.upstream(dout, out.shape, out.dtype)
        return dx, {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "rows", cls(), rng.standard_normal((5, 4))
        yield "images", cls(), 5 * rng.standard_normal((2, 3, 2, 2))
