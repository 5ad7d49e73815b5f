"""The sum gate."""

import numpy as np
from numpy.typing import ArrayLike

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.layer import Layer


class Sum(Layer):
    """out = Σ x, one number.

    x of any shape;  out of shape ().
    dx = dout in every entry

    The add gate of many inputs: the gradient flows unchanged into every one of them.
    """

    def forward(self, x: Floats, *, train: bool = True) -> tuple[np.floating, Cache]:
        x = self.floats(x)
        return x.sum(), (x.shape, x.dtype)

    def backward(self, dout: ArrayLike, cache: Cache) -> tuple[Floats, Grads]:
        shape, dtype = cache
        return np.full(shape, self.upstream(dout, (), dtype)), {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "rows", cls(), rng.standard_normal((5, 4))
        yield "images", cls(), rng.standard_normal((2, 3, 2, 2))
        yield "scalar", cls(), rng.standard_normal(())
