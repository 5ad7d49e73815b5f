"""The shift gate."""

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.layer import Layer


class Shift(Layer):
    """out = x + c, with a fixed number c.

    x and out have any shape.
    dx = dout
    """

    def __init__(self, c: float) -> None:
        super().__init__()
        self.c = self.number("c", c)

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        return x + self.c, x

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        x = cache
        return self.upstream(dout, x.shape, x.dtype), {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "rows", cls(-2.5), rng.standard_normal((5, 4))
        yield "images", cls(0.5), rng.standard_normal((2, 3, 2, 2))
