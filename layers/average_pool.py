"""Pooling by the average."""

import math

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.layer import Layer
from chainrule.layers.max_pool import check_pad, pooling
from chainrule.layers.windows import Sides, Windows


class AveragePool(Layer):
    """out = the mean of x in each window:
    out[n, c, i, j] = Σ of x[n, c, i s + u - p, j s + v - p] / (kh kw), over u, v

    x (N, C, H, W), zero outside;  0 ≤ u < kh, 0 ≤ v < kw;  out (N, C, H', W') with
    H' = ⌊(H + 2 p - kh) / s⌋ + 1, and W' likewise.
    dx = Σ of dout / (kh kw) over the windows in which this entry lies

    `size` (kh, kw), `stride` s, which is the size where it is left out, and `pad` p are numbers, or
    pairs for height and width. The zeros outside count as entries, so that every window divides by
    the same number. Rows and columns at the end that fill no window are left out.
    Raises ValueError for a pad of more than half the size, where a window could hold no entry.
    Source: LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998.
    """

    def __init__(self, size: Sides, *, stride: Sides | None = None, pad: Sides = 0) -> None:
        super().__init__()
        self.size, self.stride, self.pad = size, size if stride is None else stride, pad
        self.windows = Windows.of("AveragePool", size, self.stride, pad)
        check_pad("AveragePool", self.windows)

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        self.windows.check(self, x)
        out = np.zeros((*x.shape[:2], *self.windows.places(x.shape[2:])), x.dtype)
        for _, _, part in self.windows.entries(self.windows.padded(x)):
            out += part
        out /= math.prod(self.windows.size)
        return out, (out.shape, x.shape, x.dtype)

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        out_shape, shape, dtype = cache
        share = self.upstream(dout, out_shape, dtype) / math.prod(self.windows.size)
        dx = self.windows.padded(np.zeros(shape, dtype))
        for _, _, part in self.windows.entries(dx):
            part += share
        return self.windows.inner(dx, shape[2:]), {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        x = rng.standard_normal((2, 3, 4, 6))
        yield "2 × 2", cls(2), x
        yield "overlapping, pad", cls(3, stride=2, pad=1), x[:, :, :, :5]
        yield "2 × 3, stride", cls((2, 3), stride=(1, 3), pad=(1, 0)), x

    def __repr__(self) -> str:
        return pooling(self, self.size, self.stride, self.pad)
