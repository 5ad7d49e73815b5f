"""Pooling by the maximum."""

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.layer import Layer
from chainrule.layers.pooling import (
    called,
    check_images,
    maxima_fast,
    settings,
    to_winners,
    windows_of,
)
from chainrule.layers.windows import Sides


class MaxPool(Layer):
    """out = the maximum of x in each window:
    out[n, c, i, j] = max over u, v of x[n, c, i s + u - p, j s + v - p]

    x (N, C, H, W), -∞ outside;  0 ≤ u < kh, 0 ≤ v < kw;  out (N, C, H', W') with
    H' = ⌊(H + 2 p - kh) / s⌋ + 1, and W' likewise.
    dx = Σ of dout over the windows in which this entry is the maximum (the first of equals, row
    by row)

    `size` (kh, kw), `stride` s, which is the size where it is left out, and `pad` p are numbers, or
    pairs for height and width. Windows that overlap add up; rows and columns at the end that fill
    no window are left out. A nan counts as the maximum.
    Raises ValueError for a pad of more than half the size, where a window could hold no entry.
    Source: Riesenhuber and Poggio, "Hierarchical Models of Object Recognition in Cortex", 1999.
    """

    def __init__(self, size: Sides, *, stride: Sides | None = None, pad: Sides = 0) -> None:
        super().__init__()
        self.windows = windows_of("MaxPool", size, size if stride is None else stride, pad)
        self.size, self.stride, self.pad = settings(self.windows)

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        check_images(self, x, self.windows)
        out, winner = maxima_fast(x, self.windows)
        return out, (winner, x.shape, x.dtype)

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        winner, shape, dtype = cache
        dout = self.upstream(dout, winner.shape, dtype)
        return to_winners(dout, winner, self.windows, shape[2:]), {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        x = rng.standard_normal((2, 3, 4, 6))
        yield "2 × 2", cls(2), x
        yield "overlapping, pad", cls(3, stride=2, pad=1), x[:, :, :, :5]
        yield "2 × 3, stride", cls((2, 3), stride=(1, 3), pad=(1, 0)), x
        yield "on kinks", cls(2, stride=1), np.round(x[:1])

    def __repr__(self) -> str:
        return called(self)
