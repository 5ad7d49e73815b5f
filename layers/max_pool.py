"""Pooling by the maximum."""

import math

import numpy as np

from chainrule.layers.annotations import Cache, Examples, Floats, Grads
from chainrule.layers.layer import Layer
from chainrule.layers.windows import Sides, Windows, described


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
        self.size, self.stride, self.pad = size, size if stride is None else stride, pad
        self.windows = Windows.of("MaxPool", size, self.stride, pad)
        check_pad("MaxPool", self.windows)

    def forward(self, x: Floats, *, train: bool = True) -> tuple[Floats, Cache]:
        x = self.floats(x)
        self.windows.check(self, x)
        shape = (*x.shape[:2], *self.windows.places(x.shape[2:]))
        winner = np.zeros(shape, np.min_scalar_type(math.prod(self.windows.size) - 1))
        out = np.full(shape, -np.inf, x.dtype)
        for k, (_, _, part) in enumerate(self.windows.entries(self.windows.padded(x, -np.inf))):
            winner[(part > out) | (np.isnan(part) & ~np.isnan(out))] = k
            out = np.maximum(out, part)
        return out, (winner, x.shape, x.dtype)

    def backward(self, dout: Floats, cache: Cache) -> tuple[Floats, Grads]:
        winner, shape, dtype = cache
        dout = self.upstream(dout, winner.shape, dtype)
        dx = self.windows.padded(np.zeros(shape, dtype))
        for k, (_, _, part) in enumerate(self.windows.entries(dx)):
            part += np.where(winner == k, dout, 0)
        return self.windows.inner(dx, shape[2:]), {}

    @classmethod
    def examples(cls, rng: np.random.Generator) -> Examples:
        x = rng.standard_normal((2, 3, 4, 6))
        yield "2 × 2", cls(2), x
        yield "overlapping, pad", cls(3, stride=2, pad=1), x[:, :, :, :5]
        yield "2 × 3, stride", cls((2, 3), stride=(1, 3), pad=(1, 0)), x
        yield "on kinks", cls(2, stride=1), np.round(x[:1])

    def __repr__(self) -> str:
        return pooling(self, self.size, self.stride, self.pad)


def pooling(layer: Layer, size: Sides, stride: Sides, pad: Sides) -> str:
    """What a layer that pools says of itself: "MaxPool(2 × 2)"."""
    said = described(size)
    said += f", stride={stride!r}" if stride != size else ""
    said += f", pad={pad!r}" if pad != 0 else ""
    return f"{type(layer).__name__}({said})"


def check_pad(who: str, windows: Windows) -> None:
    """Raises ValueError where a window may lie in the border alone."""
    for side, k, (p, _) in zip(("height", "width"), windows.size, windows.pad, strict=True):
        if p > k // 2:
            raise ValueError(
                f"{who}: pad {p} is more than half the size {k} (in {side}), so that a window "
                f"could hold no entry; expected at most {k // 2}"
            )
