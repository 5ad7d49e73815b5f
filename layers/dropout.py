"""Inverted dropout."""

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads, Seed
from chainrule.layers.init import generator
from chainrule.layers.layer import Layer
from chainrule.layers.minibatch import random


class Dropout(Layer):
    """Training: out = x mask / keep, where mask = 1 with probability `keep`, else 0.
    Inference: out = x.

    x and out have any shape; `keep`, in (0, 1], is the probability of keeping an entry.
    training: dx = dout mask / keep    inference: dx = dout

    Dividing by `keep` makes the mean of out equal to x, so that inference needs no scaling. Masks
    are drawn from `rng`, a Generator or a seed: the same seed gives the same sequence of masks.
    Source: Srivastava et al., "Dropout", 2014.
    """

    def __init__(self, keep: float, *, rng: Seed = None) -> None:
        super().__init__()
        self.keep = self.number("keep", keep, 0, 1)
        if keep == 0:
            raise ValueError(
                f"{type(self).__name__}: keep must be above 0, got 0, which would keep no entry"
            )
        self.rng = generator(type(self).__name__, rng)

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        if not train:
            return x, (None, x.shape, x.dtype)
        kept = random(self.rng, x.shape, np.float32) < self.keep
        mask = kept.astype(x.dtype) * (1 / self.keep)
        return x * mask, (mask, x.shape, x.dtype)

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        mask, shape, dtype = cache
        dout = self.upstream(dout, shape, dtype)
        return (dout if mask is None else dout * mask), {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "rows", cls(0.7, rng=rng), rng.standard_normal((5, 4))
        yield "images", cls(0.5, rng=rng), rng.standard_normal((2, 3, 2, 2))
