"""Pooling by the average."""

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.layer import Layer
from chainrule.layers.pooling import called, check_images, settings, to_all, total, windows_of
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
        self.windows = windows_of("AveragePool", size, size if stride is None else stride, pad)
        self.size, self.stride, self.pad = settings(self.windows)
        (kh, kw), (sh, sw) = self.windows.size, self.windows.stride
        # A sum down the columns, then one across these: kh + kw steps instead of kh kw.
        self.down, self.across = Windows((kh, 1), (sh, 1)), Windows((1, kw), (1, sw))
        self.count = kh * kw

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        check_images(self, x, self.windows)
        padded = self.windows.padded(x)
        rows = total(padded, self.down)  # (N, C, H', W + 2 p)
        out = total(rows, self.across)  # (N, C, H', W')
        out /= self.count
        return out, (x.shape, padded.shape, rows.shape, out.shape, x.dtype)

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        x_shape, padded_shape, rows_shape, out_shape, dtype = cache
        share = self.upstream(dout, out_shape, dtype) / self.count
        rows = to_all(share, self.across, rows_shape)
        dx = to_all(rows, self.down, padded_shape)
        return self.windows.inner(dx, x_shape[2:]), {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        x = rng.standard_normal((2, 3, 4, 6))
        yield "2 × 2", cls(2), x
        yield "overlapping, pad", cls(3, stride=2, pad=1), x[:, :, :, :5]
        yield "2 × 3, stride", cls((2, 3), stride=(1, 3), pad=(1, 0)), x

    def __repr__(self) -> str:
        return called(self)
