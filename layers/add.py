"""The add gate."""

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.layer import Layer, sum_to


class Add(Layer):
    """out = a + b.

    a and b of any shapes that broadcast; out has the shape of the result.
    da = dout    db = dout, each summed over the axes along which its input was broadcast.

    The distributor: the gradient flows unchanged into both inputs.
    """

    def forward(self, a: Floats, b: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        a, b = self.pair(a, b)
        shape = self.broadcast(a, b)
        return a + b, (a.shape, b.shape, shape, a.dtype)

    def backward(self, dout: Floats, cache: Cache) -> tuple[tuple[Floats, Floats], Grads]:
        a_shape, b_shape, shape, dtype = cache
        dout = self.upstream(dout, shape, dtype)
        return (sum_to(dout, a_shape), sum_to(dout, b_shape)), {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "same shape", cls(), rng.standard_normal((5, 4)), rng.standard_normal((5, 4))
        yield "rows and a vector", cls(), rng.standard_normal((5, 4)), rng.standard_normal(4)
        yield "column and row", cls(), rng.standard_normal((5, 1)), rng.standard_normal((1, 3))
        yield "scalar", cls(), rng.standard_normal(()), rng.standard_normal((2, 3, 2, 2))
