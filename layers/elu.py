"""The exponential linear unit."""

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.init import he_normal
from chainrule.layers.kernels import two_sided
from chainrule.layers.layer import Layer


class ELU(Layer):
    """out = x where x > 0, else alpha (eˣ - 1).

    x and out have any shape; alpha is a number of at least 0.
    dx = dout where x > 0, else alpha eˣ dout; at x = 0 the slope is taken as alpha, which is a
    kink unless alpha = 1.

    Source: Clevert et al., "Fast and Accurate Deep Network Learning by Exponential Linear Units",
    2016.
    """

    weight_init = staticmethod(he_normal)

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self.alpha = self.number("alpha", alpha, 0, np.inf)

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        out = np.expm1(x.clip(-np.inf, 0))
        out *= self.alpha
        out += x.clip(0, np.inf)
        return out, x

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        x = cache
        dx = np.exp(x.clip(-np.inf, 0))  # 1 where x > 0
        if self.alpha != 1:
            dx *= two_sided(x, self.alpha)
        dx *= self.upstream(dout, x.shape, x.dtype)
        return dx, {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "rows", cls(), rng.standard_normal((5, 4))
        yield "images", cls(alpha=0.7), rng.standard_normal((2, 3, 2, 2))
        yield "on kinks", cls(alpha=1.3), np.array([[-1.0, 0.0, 2.0], [0.0, -0.0, 0.5]])
