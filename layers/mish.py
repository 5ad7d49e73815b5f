"""Mish."""

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.init import he_normal
from chainrule.layers.kernels import in_blocks
from chainrule.layers.layer import Layer, exp_limit, exp_vanishes


class Mish(Layer):
    """out = x tanh(log(1 + eˣ)).

    x and out have any shape.
    dx = dout (tanh(log(1 + eˣ)) + x σ(x) / cosh²(log(1 + eˣ)))

    Computed without a logarithm: with n = eˣ (eˣ + 2)

        tanh(log(1 + eˣ)) = n / (n + 2)
        slope = n / (n + 2) + 4 x eˣ (1 + eˣ) / (n + 2)²

    x is held where n neither overflows nor has long been 0, so that out is 0 at -∞.
    Source: Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", 2020.
    """

    weight_init = staticmethod(he_normal)

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        return in_blocks(mish, self.floats(x))

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        slope = cache
        return slope * self.upstream(dout, slope.shape, slope.dtype), {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "rows", cls(), rng.standard_normal((5, 4))
        yield "images", cls(), 5 * rng.standard_normal((2, 3, 2, 2))


def mish(x: Floats) -> tuple[Floats, Floats]:
    """x tanh(log(1 + eˣ)) and its slope."""
    x = np.maximum(x, exp_vanishes(x.dtype))
    slope = np.minimum(x, exp_limit(x.dtype) / 2)
    e = np.exp(slope)
    n = e + 2
    n *= e
    d = n + 2
    n /= d  # the tanh
    slope *= 4 * e / d
    e += 1
    e /= d
    slope *= e
    slope += n
    x *= n
    return x, slope
