"""A cheap Swish, of straight lines and a parabola."""

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.init import he_normal
from chainrule.layers.layer import Layer


class HardSwish(Layer):
    """out = x min(max(x + 3, 0), 6) / 6: 0 up to -3, x from 3 on.

    x and out have any shape.
    dx = dout (2 x + 3) / 6 where -3 < x < 3, else 0 below and dout above; at the kinks, -3 and 3,
    the slopes of the straight lines, 0 and 1.

    x is held above -3, so that out is 0 at -∞.
    Source: Howard et al., "Searching for MobileNetV3", 2019, section 5.2.
    """

    weight_init = staticmethod(he_normal)

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        out = np.clip(x, -3, 3)
        out += 3
        out /= 6
        out *= np.maximum(x, -3)
        return out, x

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        x = cache
        inside = np.clip(x, -3, 3)
        slope = inside * 2
        slope += 3
        slope /= 6
        slope *= abs(inside) < 3
        slope += inside == 3
        slope *= self.upstream(dout, x.shape, x.dtype)
        return slope, {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "rows", cls(), 2 * rng.standard_normal((5, 4))
        yield "images", cls(), 4 * rng.standard_normal((2, 3, 2, 2))
        yield "on kinks", cls(), np.array([[-3.0, 0.0, 3.0], [-4.0, 4.0, 3.0]])
