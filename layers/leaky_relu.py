"""The leaky rectified linear unit."""

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.init import he_normal
from chainrule.layers.kernels import times_slope
from chainrule.layers.layer import Layer


class LeakyReLU(Layer):
    """out = x where x > 0, else alpha x.

    x and out have any shape; alpha is a number from 0 to 1.
    dx = dout where x > 0, else alpha dout

    At the kink, x = 0, the slope is taken as alpha.

    Source: Maas et al., "Rectifier Nonlinearities Improve Neural Network Acoustic Models", 2013.
    """

    weight_init = staticmethod(he_normal)

    def __init__(self, alpha: float = 0.01) -> None:
        super().__init__()
        self.alpha = self.number("alpha", alpha, 0, 1)

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        slope = (x > 0).astype(x.dtype).clip(self.alpha, 1)  # 0 → alpha, 1 → 1
        return times_slope(x, slope, self.alpha), slope

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        slope = cache
        dout = self.upstream(dout, slope.shape, slope.dtype)
        return dout * slope, {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "rows", cls(), rng.standard_normal((5, 4))
        yield "images", cls(alpha=0.3), rng.standard_normal((2, 3, 2, 2))
        yield "on kinks", cls(alpha=0.3), np.array([[-1.0, 0.0, 2.0], [0.0, -0.0, 0.5]])
