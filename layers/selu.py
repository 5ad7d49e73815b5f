"""The scaled exponential linear unit."""

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.init import lecun_normal
from chainrule.layers.kernels import two_sided
from chainrule.layers.layer import Layer

ALPHA, SCALE = 1.6732632423543772, 1.0507009873554805


class SELU(Layer):
    """out = scale · x where x > 0, else scale · alpha (eˣ - 1).

    x and out have any shape; scale = 1.0507… and alpha = 1.6732… are the numbers for which inputs
    of mean 0 and variance 1 give outputs of mean 0 and variance 1.
    dx = scale · dout where x > 0, else scale · alpha eˣ dout; x = 0, a kink, counts as below.

    Weights of mean 0 and variance 1 / fan_in keep the mean and the variance of the inputs from
    layer to layer, which is what `lecun_normal` draws.
    Source: Klambauer et al., "Self-Normalizing Neural Networks", 2017, equation 14 and section 3.
    """

    weight_init = staticmethod(lecun_normal)

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        out = np.expm1(x.clip(-np.inf, 0))
        out *= SCALE * ALPHA
        out += SCALE * x.clip(0, np.inf)
        return out, x

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        x = cache
        dx = np.exp(x.clip(-np.inf, 0))  # 1 where x > 0
        dx *= SCALE * two_sided(x, ALPHA)
        dx *= self.upstream(dout, x.shape, x.dtype)
        return dx, {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "rows", cls(), rng.standard_normal((5, 4))
        yield "on kinks", cls(), np.array([[-1.0, 0.0, 2.0], [0.0, -0.0, 0.5]])
