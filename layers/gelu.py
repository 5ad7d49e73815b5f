"""The Gaussian error linear unit."""

import math
from typing import Literal

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.init import he_normal
from chainrule.layers.kernels import in_blocks
from chainrule.layers.layer import Layer, exp_limit
from chainrule.layers.normal import DENSITY_AT_0, FURTHEST, tail

RATE, CUBE = math.sqrt(2 / math.pi), 0.044715


class GELU(Layer):
    """out = x Φ(x), where Φ(x) is the probability that a standard normal number is below x.

    x and out have any shape.
    dx = dout (Φ(x) + x φ(x)),  φ(x) = exp(-x² / 2) / √(2π)

    `approximate="tanh"` is the approximation that older networks were trained with:

        out = x (1 + tanh y) / 2 = x σ(2 y),  y = √(2/π) (x + 0.044715 x³)
        slope = σ(2 y) + x σ(2 y) (1 - σ(2 y)) 2 √(2/π) (1 + 3 · 0.044715 x²)

    Φ comes from its tail, x Φ(x) = max(x, 0) - |x| Φ(-|x|), so that it keeps its digits where it
    is close to 0, which (1 + erf(x / √2)) / 2 does not.
    Source: Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016.
    """

    weight_init = staticmethod(he_normal)

    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        super().__init__()
        if approximate not in ("none", "tanh"):
            raise ValueError(f"GELU: approximate must be 'none' or 'tanh', got {approximate!r}")
        self.approximate = approximate

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        return in_blocks(gelu if self.approximate == "none" else gelu_tanh, self.floats(x))

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        slope = cache
        return slope * self.upstream(dout, slope.shape, slope.dtype), {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "rows", cls(), rng.standard_normal((5, 4))
        yield "images, tanh", cls("tanh"), 2 * rng.standard_normal((2, 3, 2, 2))


def gelu(x: Floats) -> tuple[Floats, Floats]:
    """x Φ(x) and its slope."""
    t = np.minimum(abs(x), FURTHEST[x.dtype])
    below, density = tail(t)
    out = np.maximum(x, 0)
    out -= t * below
    density *= DENSITY_AT_0
    density *= t
    below -= density  # the slope where x < 0, and where x > 0 what it lacks to 1
    sign = np.copysign(t.dtype.type(1), x)
    below *= sign
    return out, np.subtract(np.maximum(sign, 0, out=sign), below, out=below)


def gelu_tanh(x: Floats) -> tuple[Floats, Floats]:
    """x σ(2 y) and its slope."""
    z = x.clip(-40, 40)  # far beyond, σ is 0 or 1
    square = z * z
    e = np.exp((2 * RATE * z * (1 + CUBE * square)).clip(-np.inf, exp_limit(x.dtype)))
    u = 1 + e
    e /= u  # σ(2 y)
    rise = 2 * RATE * z * (1 + 3 * CUBE * square) / u
    rise += 1
    rise *= e
    return np.maximum(x, -40) * e, rise
