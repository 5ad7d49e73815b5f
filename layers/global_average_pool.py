"""The average of a whole channel."""

import math

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.layer import Layer


class GlobalAveragePool(Layer):
    """out = the mean of x over the height and width of the images.

    x (N, C, H, W);  out (N, C).
    dx = dout / (H W), the same for every entry of a channel

    Source: Lin et al., "Network In Network", 2013.
    """

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        if x.ndim != 4 or 0 in x.shape[2:]:
            hint = "; a single image is x[np.newaxis]" if x.ndim == 3 else ""
            raise ValueError(
                f"{self!r}: x has shape {x.shape}, expected images (N, C, H, W) of at least 1 × 1"
                f"{hint}"
            )
        return x.mean(axis=(2, 3)), (x.shape, x.dtype)

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        shape, dtype = cache
        share = self.upstream(dout, shape[:2], dtype) / math.prod(shape[2:])
        dx = np.empty(shape, dtype)
        dx[...] = share[:, :, np.newaxis, np.newaxis]
        return dx, {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        yield "images", cls(), rng.standard_normal((2, 3, 4, 5))
        yield "one pixel", cls(), rng.standard_normal((2, 3, 1, 1))
