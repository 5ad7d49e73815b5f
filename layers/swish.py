"""Swish, also called SiLU."""

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.init import he_normal
from chainrule.layers.kernels import in_blocks
from chainrule.layers.layer import Layer, exp_limit, exp_vanishes


class Swish(Layer):
    """out = x σ(x) = x / (1 + e⁻ˣ).

    x and out have any shape.
    dx = dout σ(x) (1 + x (1 - σ(x)))

    Computed from eˣ / (1 + eˣ) and 1 - σ(x) = 1 / (1 + eˣ), which keep their digits on both sides.
    x is held where eˣ neither overflows nor has long been 0, so that out is 0 at -∞.
    Source: Elfwing et al., "Sigmoid-Weighted Linear Units for Neural Network Function
    Approximation in Reinforcement Learning", 2018; Ramachandran et al., "Searching for Activation
    Functions", 2017, gave it this name.
    """

    weight_init = staticmethod(he_normal)

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        return in_blocks(swish, self.floats(x))

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        slope = cache
        return slope * self.upstream(dout, slope.shape, slope.dtype), {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "rows", cls(), rng.standard_normal((5, 4))
        yield "images", cls(), 5 * rng.standard_normal((2, 3, 2, 2))


def swish(x: Floats) -> tuple[Floats, Floats]:
    """x σ(x) and its slope."""
    x = np.maximum(x, exp_vanishes(x.dtype))
    slope = np.minimum(x, exp_limit(x.dtype))
    e = np.exp(slope)
    u = 1 + e
    e /= u  # σ
    slope /= u
    slope += 1
    slope *= e
    x *= e
    return x, slope
