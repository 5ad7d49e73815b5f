"""The min gate."""

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.layer import Layer, sum_to


class Min(Layer):
    """out = min(a, b), element by element.

    a and b of any shapes that broadcast; out has the shape of the result.
    da = dout where a ≤ b, else 0    db = dout where a > b, else 0,
    each summed over the axes along which its input was broadcast.

    The router: all of the gradient goes to the smaller input, and at a tie to the first.
    """

    def forward(self, a: Floats, b: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        a, b = self.pair(a, b)
        shape = self.broadcast(a, b)
        return np.minimum(a, b), (a, b, shape)

    def backward(self, dout: Floats, cache: Cache) -> tuple[tuple[Floats, Floats], Grads]:
        a, b, shape = cache
        dout = self.upstream(dout, shape, a.dtype)
        first = a <= b
        return (sum_to(dout * first, a.shape), sum_to(dout * ~first, b.shape)), {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "same shape", cls(), rng.standard_normal((5, 4)), rng.standard_normal((5, 4))
        yield "rows and a vector", cls(), rng.standard_normal((5, 4)), rng.standard_normal(4)
        yield "column and row", cls(), rng.standard_normal((5, 1)), rng.standard_normal((1, 3))
        yield "scalar", cls(), rng.standard_normal(()), rng.standard_normal((2, 3, 2, 2))
        yield "on kinks", cls(), np.array([1.0, 2.0, 0.0]), np.array([1.0, 0.0, 0.0])
