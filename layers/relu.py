"""The rectified linear unit."""

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.init import he_normal
from chainrule.layers.layer import Layer


class ReLU(Layer):
    """out = max(x, 0).

    x and out have any shape.
    dx = dout where x > 0, else 0; at the kink, x = 0, the slope is taken as 0.

    Source: Nair and Hinton, "Rectified Linear Units Improve Restricted Boltzmann Machines", 2010.
    """

    weight_init = staticmethod(he_normal)

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        out = x.clip(0, np.inf)  # max(x, 0), by the faster of NumPy's two ways
        return out, out

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        out = cache
        dx = (out > 0).astype(out.dtype)
        dx *= self.upstream(dout, out.shape, out.dtype)
        return dx, {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "rows", cls(), rng.standard_normal((5, 4))
        yield "images", cls(), rng.standard_normal((2, 3, 2, 2))
        yield "on kinks", cls(), np.array([[-1.0, 0.0, 2.0], [0.0, -0.0, 0.5]])
