"""Dropout of whole channels."""

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats
from chainrule.layers.dropout import Dropout
from chainrule.layers.minibatch import random


class Dropout2D(Dropout):
    """Training: out = x mask / keep, where mask (N, C, 1, 1) = 1 with probability `keep`, else 0.
    Inference: out = x.

    x and out (N, C, H, W); `keep`, in (0, 1], is the probability of keeping a channel of an image.
    training: dx = dout mask / keep    inference: dx = dout

    Neighbours in a channel are much alike, so one that was dropped alone could be read off the
    others; here they go together. Masks are drawn from `rng` as in `Dropout`.
    Source: Tompson et al., "Efficient Object Localization Using Convolutional Networks", 2015.
    """

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        if x.ndim != 4:
            raise ValueError(f"{self!r}: x has shape {x.shape}, expected images (N, C, H, W)")
        if not train:
            return x, (None, x.shape, x.dtype)
        kept = random(self.rng, (*x.shape[:2], 1, 1), np.float32) < self.keep
        mask = kept.astype(x.dtype) * (1 / self.keep)
        return x * mask, (mask, x.shape, x.dtype)

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "images", cls(0.7, rng=rng), rng.standard_normal((2, 4, 3, 2))
