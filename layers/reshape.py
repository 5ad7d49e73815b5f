"""Examples of another shape."""

import math
from collections.abc import Sequence

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.layer import Layer


class Reshape(Layer):
    """out = x, each example in another shape.

    x (N, d1, …, dk);  out (N, *shape), with as many entries, the last axis running fastest.
    dx = dout, in the shape of x

    `shape` is that of one example: Reshape((3, 32, 32)) makes images of rows.
    """

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        if not isinstance(shape, Sequence) or not shape:
            raise ValueError(
                f"Reshape: shape must be that of one example, such as (3, 32, 32), got {shape!r}"
            )
        self.shape = tuple(self.positive("each number of shape", n) for n in shape)
        self.in_features = math.prod(self.shape)

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        self.check_features(x, self.in_features, axis=None)
        return x.reshape(len(x), *self.shape), (x.shape, x.dtype)

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        shape, dtype = cache
        return self.upstream(dout, (shape[0], *self.shape), dtype).reshape(shape), {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "images of rows", cls((3, 2, 2)), rng.standard_normal((5, 12))
        yield "rows of images", cls((12,)), rng.standard_normal((2, 3, 2, 2))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.shape})"
